# helpers.mk: builds what the end-to-end tests need besides the product: the hostile server, the
# capture checker and the C clients. Used by tests/e2e/run; by hand:
#     make -f tests/e2e/helpers.mk BUILD=build
BUILD ?= build
CC ?= cc
OUT = $(BUILD)/tests/e2e
FLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Werror=switch-enum -O1 -g -I.
HOSTILE = $(wildcard tests/hostile/*.c)
CLIENTS = $(patsubst tests/e2e/clients/%.c,$(OUT)/%,$(wildcard tests/e2e/clients/*.c))

all: $(OUT)/hostile $(OUT)/wirecheck $(CLIENTS)

$(OUT)/hostile: $(HOSTILE) $(wildcard tests/hostile/*.h) | $(OUT)
	$(CC) $(FLAGS) -o $@ $(HOSTILE) -lssl -lcrypto

$(OUT)/wirecheck: tests/e2e/wirecheck.c | $(OUT)
	$(CC) $(FLAGS) -o $@ $<

$(OUT)/%: tests/e2e/clients/%.c | $(OUT)
	$(CC) $(FLAGS) -o $@ $< -pthread

$(OUT):
	mkdir -p $@

.PHONY: all
