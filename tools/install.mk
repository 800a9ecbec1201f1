# install.mk: what `make install` puts where, and `make uninstall` takes away again. Included by the Makefile, which
# has the places that are compiled in. PREFIX, SYSCONFDIR, DESTDIR and each of the places may be given to make.
#
# Every file takes its place by a rename: programs that run keep the file they have, and none that starts meanwhile
# finds half of one, or none (the loader would run it unprotected). /etc is the administrator's; nothing is put there.

MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/mailseal
EXAMPLEDIR ?= $(DOCDIR)/examples
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

# The texts name the usual places; installed, they name the true ones.
TRUE_PLACES = sed -e 's|/usr/local/libexec/mailseal|$(LIBEXECDIR)|g' -e 's|/usr/local/lib/mailseal|$(LIBDIR)|g' \
	-e 's|/usr/local/share/doc/mailseal/examples|$(EXAMPLEDIR)|g' -e 's|/usr/local/share/doc/mailseal|$(DOCDIR)|g' \
	-e 's|/usr/local/lib/systemd/system|$(UNITDIR)|g' -e 's|/usr/local/share/bash-completion/completions|$(COMPLETIONDIR)|g' \
	-e 's|/usr/local/bin|$(BINDIR)|g' -e 's|/etc/mailseal\.conf|$(CONFIG_DEFAULT)|g' \
	-e 's|/etc/mailseal\.d/|$(CONFIG_DEFAULT:.conf=).d/|g' -e 's|/run/mailseal/agent\.sock|$(SOCKET_DEFAULT)|g'

HAVE_LIB32 = $(or $(wildcard $(BUILD)/lib32/libmailseal.so),$(filter lib32,$(MAKECMDGOALS)))

# SOURCE:PLACE, by kind. The agent before the library, which would look for it.
PROGRAMS = $(BUILD)/mailseal-agent:$(LIBEXECDIR)/mailseal-agent $(BUILD)/mailseal:$(BINDIR)/mailseal
LIBRARIES = $(BUILD)/libmailseal.so:$(LIBDIR)/libmailseal.so \
	$(if $(HAVE_LIB32),$(BUILD)/lib32/libmailseal.so:$(LIBDIR)/lib32/libmailseal.so)
TEXTS = README.md:$(DOCDIR)/README.md LICENSE:$(DOCDIR)/LICENSE config/mailseal.conf:$(EXAMPLEDIR)/mailseal.conf \
	tools/systemd/mailseal.conf:$(EXAMPLEDIR)/systemd/mailseal.conf \
	tools/logrotate/mailseal:$(EXAMPLEDIR)/logrotate/mailseal \
	$(foreach f,$(wildcard tools/systemd/mailseal-agent.*),$(f):$(UNITDIR)/$(notdir $(f))) \
	$(foreach f,$(wildcard tools/man/*),$(f):$(MANDIR)/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
	tools/completion/mailseal:$(COMPLETIONDIR)/mailseal

source = $(word 1,$(subst :, ,$(1)))
place = $(DESTDIR)$(word 2,$(subst :, ,$(1)))

# Puts standard input to its place: $(call put,MODE,PLACE). What could not be written whole leaves the old file there.
put = { install -D -m $(1) /dev/stdin $(2).new && mv -fT $(2).new $(2) || { rm -f $(2).new; exit 1; }; }
put_files = $(foreach f,$(2),$(call put,$(1),$(call place,$(f))) <$(call source,$(f)) &&) true
put_texts = $(foreach f,$(1),$(TRUE_PLACES) $(call source,$(f)) | $(call put,644,$(call place,$(f))) &&) true

# The library looks for its agent beside itself first: there must be no older one.
install: all $(if $(HAVE_LIB32),lib32)
	$(Q)$(call put_files,755,$(PROGRAMS))
	$(Q)$(if $(filter-out $(LIBDIR),$(LIBEXECDIR)),rm -f $(DESTDIR)$(LIBDIR)/mailseal-agent)
	$(Q)$(call put_files,644,$(LIBRARIES))
	$(Q)$(call put_links,$(DESTDIR)$(LIBDIR),$(LIB_NAMES),$(DESTDIR)$(LIBDIR)/libmailseal.so)
	$(Q)$(call put_literal_link,$(DESTDIR)$(LIBDIR))
	$(Q)$(if $(HAVE_LIB32),$(call put_links,$(DESTDIR)$(LIBDIR),$(LIB32_NAMES),$(DESTDIR)$(LIBDIR)/lib32/libmailseal.so))
	$(Q)$(call put_texts,$(TEXTS))

LIB_PLACES = $(patsubst %,$(LIBDIR)/%,$(LIB_NAMES) lib32 $(LIB32_NAMES))

# Directories of our own, and those below PREFIX that hold nothing any more, but for what a tree such as /usr/local has.
parent = $(patsubst %/,%,$(dir $(1)))
upwards = $(if $(filter $(PREFIX)/%,$(1)),$(1) $(call upwards,$(call parent,$(1))))
STANDARD = $(addprefix $(PREFIX)/,bin lib share share/man)
FILE_PLACES = $(foreach f,$(PROGRAMS) $(LIBRARIES) $(TEXTS),$(word 2,$(subst :, ,$(f))))
OWN_DIRECTORIES = $(sort $(EXAMPLEDIR)/systemd $(EXAMPLEDIR)/logrotate $(EXAMPLEDIR) $(DOCDIR) $(LIB_PLACES) $(LIBDIR)/lib $(LIBDIR) $(LIBEXECDIR) \
	$(filter-out $(STANDARD),$(foreach f,$(FILE_PLACES),$(call upwards,$(call parent,$(f))))))

uninstall:
	$(Q)$(if $(DESTDIR),,MAILSEAL_LIBDIR=$(LIBDIR) MAILSEAL_UNITDIR=$(UNITDIR) MAILSEAL_FORCE='$(filter-out 0,$(firstword $(FORCE)))' \
		sh tools/debian/mailseal.prerm remove)
	$(Q)rm -f $(foreach f,$(FILE_PLACES),$(DESTDIR)$(f) $(DESTDIR)$(f).new) '$(DESTDIR)$(LIBDIR)/$$LIB' $(LIB_PLACES:%=$(DESTDIR)%/libmailseal.so)
	$(Q)printf '%s\n' $(OWN_DIRECTORIES:%=$(DESTDIR)%) | LC_ALL=C sort -r | while read -r directory; do \
		[ -L $$directory ] || [ ! -d $$directory ] || rmdir --ignore-fail-on-non-empty $$directory || exit 1; done
