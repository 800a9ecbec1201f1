# mailseal: `make` builds, `make demo` shows the main job, `make test` proves it; see README.md.

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBDIR ?= $(PREFIX)/lib/mailseal
LIBEXECDIR ?= $(PREFIX)/libexec/mailseal
BINDIR ?= $(PREFIX)/bin
CONFIG_DEFAULT ?= $(SYSCONFDIR)/mailseal.conf
SOCKET_DEFAULT ?= /run/mailseal/agent.sock
include tools/places.mk

CC ?= gcc
CFLAGS ?= -O2 -g
WERROR ?= $(if $(CI),-Werror,)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Werror=switch-enum $(WERROR)
HARDENING ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
HARDENED_LINK ?= -pie -Wl,-z,relro,-z,now,-z,noexecstack
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -MMD -MP -fvisibility=hidden $(WARNINGS) $(CPPFLAGS) $(CFLAGS) \
	-DMAILSEAL_VERSION='"$(VERSION)"'
# Paths are given to those alone that ask for them: for another PREFIX the rest need not be built anew.
PLACES = -DMAILSEAL_CONFIG_DEFAULT='"$(CONFIG_DEFAULT)"' \
	-DMAILSEAL_SOCKET_DEFAULT='"$(SOCKET_DEFAULT)"' -DMAILSEAL_LIBDIR='"$(LIBDIR)"' -DMAILSEAL_LIBEXECDIR='"$(LIBEXECDIR)"'

# The preload sits in other people's processes: libc alone, no helper symbols that only one libc has, but tables by
# which a thread that is cancelled within a call finds its way out.
PRELOAD_CFLAGS = -fPIC -fno-stack-protector -U_FORTIFY_SOURCE -fasynchronous-unwind-tables
# It is mapped in as few pieces as can be, and brings no start files: each piece and each symbol costs every process.
PRELOAD_LINK = -shared -nostartfiles -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs,-z,noseparate-code,-soname,libmailseal.so

# What ld.so(8) may put in for $LIB: the library is found under each of these names in its directory, and the 32-bit
# one under others, so that one LD_PRELOAD serves programs of both. Distributions differ, and Debian with itself:
# libc6:i386 says lib/i386-linux-gnu, libc6-i386 lib32.
LOADER_LIB := $(shell ld.so --list-diagnostics 2>/dev/null | sed -n 's/^dl_dst_lib="\(.*\)"$$/\1/p')
LIB_NAMES := $(or $(sort $(LOADER_LIB) $(addprefix lib/,$(shell $(CC) -print-multiarch 2>/dev/null))),lib64)
LIB32_NAMES := $(filter-out $(LIB_NAMES),lib lib/i386-linux-gnu)
LIB32 := $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine 2>/dev/null)),lib32)
# FILE and what stands beside it, under other names in DIRECTORY
put_links = for name in $(2); do install -d -m 755 $(1)/$$name && ln -srf $(3) $(1)/$$name || exit 1; done
# musl's loader takes $LIB as it stands: that name too leads to the library.
put_literal_link = ln -sfn $(firstword $(LIB_NAMES)) '$(1)/$$LIB'

Q := $(if $(V),,@)
rooms := base handoff tls smtp hop agent
sources = $(wildcard shim/$(1)/*.c)
ROOM_SOURCES := $(filter-out shim/agent/main.c,$(foreach r,$(rooms),$(call sources,$(r)))) $(wildcard config/*.c)
ROOM_OBJECTS := $(ROOM_SOURCES:%.c=$(BUILD)/obj/%.o)
TOOL_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tools/*.c tools/*/*.c))
PRELOAD_SOURCES := $(call sources,preload) $(call sources,handoff)
PRELOAD_OBJECTS := $(PRELOAD_SOURCES:%.c=$(BUILD)/pic/%.o)
PRELOAD32_OBJECTS := $(PRELOAD_SOURCES:%.c=$(BUILD)/pic32/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/test/%,$(wildcard tests/unit/*_test.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
LIBS := -lssl -lcrypto -lconfuse -ljansson -ldl -pthread

all: $(BUILD)/can_build $(BUILD)/links $(BUILD)/mailseal-agent $(BUILD)/mailseal

PLACED := $(shell grep -lrE --include='*.c' 'MAILSEAL_((CONFIG|SOCKET)_DEFAULT|LIB(EXEC)?DIR)|CONFIG_PATH' shim tools)
PLACED_OBJECTS := $(foreach d,obj obj-fast pic pic32,$(PLACED:%.c=$(BUILD)/$(d)/%.o))
$(PLACED_OBJECTS): ALL_CFLAGS += $(PLACES)
$(PLACED_OBJECTS): $(BUILD)/places

# What the objects were built with. The files change only when that does, and then what knows of it is built anew.
quoted = $(subst ','\'',$(1))
KNOWN_flags := $(call quoted,$(CC) $(filter-out $(WARNINGS),$(ALL_CFLAGS)) $(HARDENING) $(PRELOAD_CFLAGS))
KNOWN_places := $(call quoted,$(PLACES))
$(BUILD)/flags $(BUILD)/places: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(KNOWN_$(@F))' | cmp -s - $@ || printf '%s\n' '$(KNOWN_$(@F))' >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(HARDENING) -c -o $@ $<

$(BUILD)/pic/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(PRELOAD_CFLAGS) -c -o $@ $<

$(BUILD)/pic32/%.o: %.c $(BUILD)/flags | can32
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 $(ALL_CFLAGS) $(PRELOAD_CFLAGS) -c -o $@ $<

$(BUILD)/obj-fast/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(HARDENING) -DMAILSEAL_TIMEOUT_DIVISOR=100 -DMAILSEAL_LANES=3 -c -o $@ $<

$(BUILD)/libmailseal.so: $(PRELOAD_OBJECTS)
	$(Q)$(CC) $(PRELOAD_LINK) -o $@ $^

$(BUILD)/links: $(BUILD)/libmailseal.so
	$(Q)$(call put_links,$(BUILD),$(LIB_NAMES),$< $(BUILD)/mailseal-agent) && $(call put_literal_link,$(BUILD)) && touch $@

# The preload for 32-bit programs; the agent is the same.
lib32: $(BUILD)/lib32/libmailseal.so

$(BUILD)/lib32/libmailseal.so: $(PRELOAD32_OBJECTS)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 $(PRELOAD_LINK) -o $@ $^
	$(Q)ln -srf $(BUILD)/mailseal-agent $(@D) && $(call put_links,$(BUILD),$(LIB32_NAMES),$@ $(BUILD)/mailseal-agent)

can32:
	@mkdir -p $(BUILD) && echo '#include <errno.h>' | $(CC) -m32 -shared -x c -o $(BUILD)/can32 - 2>/dev/null || \
		{ echo "make lib32: $(CC) builds nothing for 32-bit programs here; install gcc-multilib, or" \
		"libc6-dev-i386 for another compiler than gcc" >&2; exit 69; }

$(BUILD)/rooms.a: $(ROOM_OBJECTS)
	$(Q)rm -f $@ && ar rcs $@ $^

# SANITIZER_LOG: where a program built with sanitizers writes what they find.
SANITIZED := $(if $(SANITIZER_LOG),$(BUILD)/obj/tests/unit/sanitizer_options.o)
$(SANITIZED): ALL_CFLAGS += -DSANITIZER_OPTIONS='"log_path=$(SANITIZER_LOG):verify_asan_link_order=0:print_stacktrace=1"'

# -rdynamic: for the mark in main.c.
$(BUILD)/mailseal-agent: $(BUILD)/obj/shim/agent/main.o $(SANITIZED) $(BUILD)/rooms.a
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDENED_LINK) -rdynamic -o $@ $^ $(LIBS)

# The same agent with every protocol timeout divided by 100, so that tests of stalls end, and 3 threads on any machine.
$(BUILD)/mailseal-agent-fast: $(patsubst %.c,$(BUILD)/obj-fast/%.o,$(call sources,agent)) $(BUILD)/rooms.a
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDENED_LINK) -rdynamic -o $@ $^ $(LIBS)

$(BUILD)/mailseal: $(TOOL_OBJECTS) $(SANITIZED) $(BUILD)/rooms.a
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDENED_LINK) -o $@ $^ $(LIBS)

$(BUILD)/test/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/rooms.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARDENED_LINK) -o $@ $^ $(LIBS) -lcmocka

unit: $(UNIT_TESTS)
	@tests/unit/run $(UNIT_TESTS)

test: deps-test all $(LIB32) $(BUILD)/mailseal-agent-fast $(UNIT_TESTS)
	@tests/run $(BUILD)

demo: deps-demo all
	@BUILD=$(BUILD) tests/demo/demo

DEPS := deps $(addprefix deps-,demo test lint fuzz bench deb)
$(DEPS):
	@tests/deps $(or $(@:deps-%=%),build)

# What a build lacks is told in words before the compiler tells it in its own; no package is installed for that. The
# library by itself needs none of it.
NEEDS_PACKAGES = $(ROOM_OBJECTS) $(TOOL_OBJECTS) $(UNIT_TESTS) $(FUZZERS)
$(NEEDS_PACKAGES) $(patsubst %.c,$(BUILD)/obj-fast/%.o,$(call sources,agent)) $(BUILD)/obj/shim/agent/main.o: | $(BUILD)/can_build
$(BUILD)/can_build: tools/can_build $(BUILD)/flags
	@tools/can_build '$(LDFLAGS) $(LIBS)' $(CC) $(CPPFLAGS) $(CFLAGS) && touch $@

# The list of prerequisites says that packages come before the compiler runs.
ifneq ($(filter deps% demo test asan tsan lint fuzz bench,$(MAKECMDGOALS)),)
$(BUILD)/can_build $(NEEDS_PACKAGES) $(PRELOAD_OBJECTS) can32: | $(filter $(DEPS),$(MAKECMDGOALS) $(MAKECMDGOALS:%=deps-%))
endif

asan: SANITIZE := address,undefined -fno-sanitize-recover=undefined
tsan: SANITIZE := thread
tsan: CHOSEN := UNIT_TESTS="$(patsubst %,$(BUILD)/tsan/test/agent_%_test,lanes session parts repeats)"
asan tsan: deps-test # unit tests and agent with sanitizers; tsan finds races of an agent's threads
	@$(MAKE) BUILD=$(BUILD)/$@ HARDENING= HARDENED_LINK= CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE)" \
		SANITIZER_LOG=/tmp/mailseal-sanitizer $(filter %/asan/mailseal,$(BUILD)/$@/mailseal) $(BUILD)/$@/mailseal-agent unit $(CHOSEN)

FUZZ_SECONDS ?= 30
FUZZED_SOURCES := $(ROOM_SOURCES) $(wildcard tools/doctor/elf*.c) $(addprefix tools/,print.c doctor/unit_file.c doctor/env_file.c doctor/ld_cache.c doctor/files.c doctor/bound.c probe/heard.c probe/mx.c probe/aside.c) \
	$(patsubst %,tools/report/%.c,intern names entry outcome line stamp tally index order over_time fields units intake journal source)
$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZED_SOURCES)
	@mkdir -p $(@D)
	$(Q)clang $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(PLACES) -O1 -fsanitize=fuzzer,address,undefined -o $@ $< $(FUZZED_SOURCES) $(LIBS)

fuzz: deps-fuzz $(FUZZERS)
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)

lint: deps-lint all
	@tests/lint/run $(BUILD)

bench: deps-bench all
	@tests/bench/bench --cells "$(CELLS)" $(BENCH_OPTIONS) $(BUILD)

include tools/install.mk tools/deb.mk tools/help.mk

clean:
	rm -rf $(BUILD)

.PHONY: all lib32 can32 unit test demo $(DEPS) asan tsan fuzz lint bench deb install uninstall help clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD)/obj $(BUILD)/obj-fast $(BUILD)/pic $(BUILD)/pic32 -name "*.d" 2>/dev/null)
