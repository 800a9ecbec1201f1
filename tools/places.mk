# places.mk: where things are built and installed must be names that a shell, make, the loader and systemd take as they
# stand: whatever else they hold, half of them would be written, or removed. Included by the Makefile.

PLACES := PREFIX SYSCONFDIR LIBDIR LIBEXECDIR BINDIR CONFIG_DEFAULT SOCKET_DEFAULT
PLACES += $(foreach p,MANDIR DOCDIR EXAMPLEDIR UNITDIR COMPLETIONDIR,$(if $(value $(p)),$(p)))
open_parenthesis := (
close_parenthesis := )
special := ' " \ $$ & | ; * ? [ ] < > ` ! { } % \# $(open_parenthesis) $(close_parenthesis)
advice := Choose another
refuse = $(error $(1)=$($(1)): $(2). $(advice))

blank := $(subst x,,x x)
tab := $(subst x,,x	x)
define line_end


endef
has_blank = $(foreach c,blank tab line_end,$(if $(findstring $($(c)),$($(1))),$(c)))
is_relative = $(filter-out /%,$($(1)))
$(foreach p,$(PLACES) BUILD DESTDIR,$(if $(strip $(call has_blank,$(p))),$(call refuse,$(p),there is a blank in it)))
$(foreach p,$(PLACES) BUILD DESTDIR,$(foreach c,$(special) $(if $(filter $(p),BUILD DESTDIR),,:), \
	$(if $(findstring $(c),$($(p))),$(call refuse,$(p),there is a $(c) in it))))
$(foreach p,$(PLACES),$(if $(call is_relative,$(p)),$(call refuse,$(p),it does not begin with /)))
$(foreach p,BUILD DESTDIR,$(if $(filter ~%,$($(p))),$(call refuse,$(p),a ~ stands for no directory here)))
