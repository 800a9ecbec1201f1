# helpers.mk: builds what the end-to-end tests need besides the product: the hostile server, the
# capture checker and the clients in compiled languages. Used by tests/e2e/run; by hand:
#     make -f tests/e2e/helpers.mk BUILD=build
BUILD ?= build
CC ?= cc
OUT = $(BUILD)/tests/e2e
FLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Werror=switch-enum -O1 -g -I.
HOSTILE = $(wildcard tests/hostile/*.c)
CLIENTS = $(patsubst tests/e2e/clients/%.c,$(OUT)/%,$(wildcard tests/e2e/clients/*.c))

# Other languages, with Debian's compilers; a client that cannot be built is missed by its own case.
have = $(if $(wildcard /usr/bin/$(1)),$(2))
CLIENTS += $(call have,rustc,$(OUT)/rust_client) $(call have,g++,$(OUT)/asio_client)
CLIENTS += $(call have,ecj,$(OUT)/java/NioClient.class $(OUT)/java/jakarta/MailClient.class $(OUT)/java/javax/MailClient.class)

# Some of them once more for other kinds of program: 32-bit where the library is built so, and musl.
KINDS = $(if $(wildcard $(BUILD)/lib32/libmailseal.so),32) $(call have,musl-gcc,musl)
CLIENTS += $(foreach k,$(KINDS),$(addprefix $(OUT)/$(k)/,stdio_client poll_client guest_check confined))

all: $(OUT)/hostile $(OUT)/wirecheck $(OUT)/logwriter $(CLIENTS)

$(OUT)/hostile: $(HOSTILE) $(wildcard tests/hostile/*.h) | $(OUT)
	$(CC) $(FLAGS) -o $@ $(HOSTILE) -lssl -lcrypto

$(OUT)/wirecheck: tests/e2e/wirecheck.c | $(OUT)
	$(CC) $(FLAGS) -o $@ $<

$(OUT)/logwriter: tests/report/logwriter.c | $(OUT)
	$(CC) $(FLAGS) -O2 -o $@ $< -lm

$(OUT)/%: tests/e2e/clients/%.c | $(OUT)
	$(CC) $(FLAGS) -o $@ $< -pthread

$(OUT)/32/%: tests/e2e/clients/%.c
	mkdir -p $(@D)
	$(CC) -m32 $(FLAGS) -o $@ $<

$(OUT)/musl/%: tests/e2e/clients/%.c
	mkdir -p $(@D)
	musl-gcc $(FLAGS) -Dstrerrorname_np=strerror -idirafter /usr/include \
		-idirafter /usr/include/$(shell $(CC) -print-multiarch) -o $@ $<

$(OUT)/cancelled: FLAGS += -fexceptions
$(OUT)/locked: FLAGS += shim/handoff/handoff.c shim/handoff/text.c

$(OUT)/rust_client: tests/e2e/clients/rust_client.rs | $(OUT)
	/usr/bin/rustc -o $@ $<

$(OUT)/asio_client: tests/e2e/clients/asio_client.cc | $(OUT)
	g++ -Wall -o $@ $< -pthread

$(OUT)/java/NioClient.class: tests/e2e/clients/NioClient.java | $(OUT)
	ecj -11 -proc:none -d $(@D) $<

# The same program for both names of the library.
$(OUT)/java/%/MailClient.class: tests/e2e/clients/MailClient.java
	mkdir -p $(@D)
	sed 's/jakarta\./$*./' $< >$(@D)/MailClient.java
	ecj -11 -proc:none -cp $$(echo /usr/share/java/$*?mail.jar) -d $(@D) $(@D)/MailClient.java

$(OUT):
	mkdir -p $@

.PHONY: all
