# deb.mk: `make deb` makes $(BUILD)/mailseal_VERSION_ARCH.deb. Included by the Makefile.
#
# dpkg-buildpackage works on a copy of the tree, since debian/ must stand at its top, and under an environment of its
# own: two builds of one tree are the same to the bit, wherever, by whom and when they are made. What debuggers need
# would only be stripped again.

DEB_TREE = $(BUILD)/deb/mailseal-$(VERSION)
DEB_ENVIRONMENT = env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 TZ=UTC DEB_CFLAGS_STRIP=-g \
	DEB_BUILD_OPTIONS='noautodbgsym parallel=$(shell nproc)'

deb: deps-deb
	$(Q)rm -rf $(BUILD)/deb $(BUILD)/mailseal_*.deb && install -d -m 755 $(DEB_TREE)
	$(Q)cp -R Makefile README.md LICENSE shim config tools $(DEB_TREE)
	$(Q)mv $(DEB_TREE)/tools/debian $(DEB_TREE)/debian && ln -s ../debian $(DEB_TREE)/tools/debian
	$(Q)chmod -R u+rwX,go+rX-w $(DEB_TREE)
	$(Q)umask 022 && cd $(DEB_TREE) && $(DEB_ENVIRONMENT) dpkg-buildpackage -b -us -uc >../log 2>&1 || \
		{ tail -n 30 ../log >&2; echo "make deb: failed; all of the log is in $(BUILD)/deb/log" >&2; exit 1; }
	$(Q)mv $(BUILD)/deb/mailseal_*.deb $(BUILD) && echo $(BUILD)/mailseal_*.deb
