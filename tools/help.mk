# help.mk: `make help` tells what make does here. Included by the Makefile.

help:
	@printf '%s\n' 'make TARGET [VARIABLE=VALUE ...]' '' \
		'  all (or none)  build library, agent and command in $(BUILD)/' \
		'  lib32          the library for 32-bit programs too (gcc-multilib)' \
		'  install        put all of it under PREFIX=$(PREFIX) (root; DESTDIR= for staging)' \
		'  uninstall      take it away again; refuses while a unit is sealed (FORCE=1: even so)' \
		'  deb            a Debian package, $(BUILD)/mailseal_*.deb' \
		'  deps           install what a build needs (Debian; root); deps-test and the like:' \
		'                 what that target needs, as the target itself does' \
		'  demo           send mail without and with mailseal, and show the wire' \
		'  test           run every test (root, for some)' \
		'  unit           those of single modules alone' \
		'  lint           hold the tree against its own rules' \
		'  asan, tsan     unit tests under sanitizers' \
		'  fuzz           each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)' \
		'  bench          measure speed and memory (CELLS="startup connect": these alone)' \
		'  clean          remove $(BUILD)/, with what was unpacked there for tests' '' \
		'V=1 shows commands. BUILD, SYSCONFDIR, LIBDIR and the like move things: see tools/install.mk.'
