# bench.mk: builds the benchmark's own programs. Used by tests/bench/bench; by hand:
#     make -f tests/bench/bench.mk BUILD=build
BUILD ?= build
CC ?= cc
OUT = $(BUILD)/bench/bin
FLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Werror=switch-enum -O2 -g -I.
LOAD = tests/bench/load.c tests/bench/load.h
TLS = -lssl -lcrypto
, := ,
OWN = $(filter-out sink talk native plain load,$(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c)))

all: $(addprefix $(OUT)/,sink native plain logwriter $(OWN) empty empty-ssl empty.so)

$(OUT)/sink: tests/bench/sink.c tests/bench/talk.c tests/bench/sink.h | $(OUT)
	$(CC) $(FLAGS) -o $@ $(filter %.c,$^) $(TLS) -pthread

$(OUT)/native: tests/bench/native.c $(LOAD) | $(OUT)
	$(CC) $(FLAGS) -o $@ $(filter %.c,$^) $(TLS) -pthread

$(OUT)/plain: tests/bench/plain.c $(LOAD) | $(OUT)
	$(CC) $(FLAGS) -o $@ $(filter %.c,$^) -pthread

$(OUT)/logwriter: tests/report/logwriter.c | $(OUT)
	$(CC) $(FLAGS) -o $@ $< -lm

# The others stand in one file each and need libc alone.
$(OUT)/%: tests/bench/%.c | $(OUT)
	$(CC) $(FLAGS) -o $@ $< -pthread

# Programs that do nothing, and a library that does nothing: what starting a process costs by itself.
$(OUT)/empty $(OUT)/empty-ssl: | $(OUT)
	echo 'int main(void) { return 0; }' | $(CC) $(FLAGS) -x c -o $@ - $(if $(findstring ssl,$@),-Wl$(,)--no-as-needed $(TLS))

$(OUT)/empty.so: | $(OUT)
	echo 'extern int nothing; int nothing;' | $(CC) $(FLAGS) -shared -fPIC -x c -o $@ -

$(OUT):
	mkdir -p $@

.PHONY: all
