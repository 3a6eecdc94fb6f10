# SPDX-License-Identifier: Apache-2.0
# make            build/bin/lanyardd, lanyardctl, lanyard-device
# make demo       the main job from start to end, by itself (KEEP=1 leaves it running)
# make check      all tests; SAN=1 runs them under AddressSanitizer and UBSan
# make bench      measurements
# make fuzz       every parser under libFuzzer, TIME=60 seconds each
VERSION := 0.1.0

SAN ?=
comma := ,
B := build$(if $(SAN),/san)
CC ?= cc
AR ?= ar
PKGS := libcoap-3-notls libcbor sqlite3 libevent json-c inih libsystemd libcrypto
WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2) \
	$(if $(findstring x86_64,$(shell uname -m)),-fcf-protection)
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DLANYARD_VERSION='"$(VERSION)"' -I. $(WARN) $(HARDEN) $(SANFLAGS) \
	-MMD -MP $(if $(WERROR),-Werror) $(CFLAGS) $(pkg_cflags)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)
pkg_cflags = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)

# Every folder is one archive; what stands to the right of a folder is all it may link.
FOLDERS := base coap oscore lwm2m storage endpoint server bootstrap transport config admin device
below_base :=
below_coap := base
below_oscore := coap base
below_lwm2m := coap base
below_storage := base
below_endpoint := storage oscore coap base
below_server := endpoint lwm2m storage oscore coap base
below_bootstrap := endpoint lwm2m storage oscore coap base
below_transport := coap base
below_config := base
below_admin := lwm2m coap base
below_device := lwm2m oscore coap base
below_cmd := admin transport config server bootstrap endpoint lwm2m storage oscore coap base
libs_base :=
libs_coap := libcoap-3-notls
libs_oscore := libcrypto
libs_lwm2m := libcbor
libs_storage := sqlite3
libs_bootstrap := json-c
libs_transport := libevent
libs_config := inih
libs_admin := libevent json-c
libs_device :=

uniq = $(if $1,$(firstword $1) $(call uniq,$(filter-out $(firstword $1),$1)))
archives = $(foreach f,$1,$(B)/lib/$(f).a)
# $(call syslibs,folders): the system libraries of these folders
syslibs = $(shell pkg-config --libs $(call uniq,$(foreach f,$1,$(libs_$(f)))) 2>/dev/null) -lpthread -lm

sources = $(wildcard $1/*.c)
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$1))

PROGRAMS := lanyardd lanyardctl lanyard-device
BINS := $(PROGRAMS:%=$(B)/bin/%)

.PHONY: all demo check bench fuzz clean deps deps-test unit-tests fuzz-seeds fuzz-archives format
all: $(BINS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $1 $(patsubst $(B)/%,%,$@))

$(B)/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

define folder_rules
$(B)/lib/$1.a: $$(call objects,$1)
	$$(call say,AR)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$f)))

# cmd/NAME.c has main; cmd/NAME_*.c belongs to it; cmd/core*.c is the composition both the daemon
# and the scenario tests use.
$(B)/lib/core.a: $(patsubst %.c,$(B)/%.o,$(wildcard cmd/core*.c))
	$(call say,AR)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
folders_lanyardd := $(below_cmd)
folders_lanyardctl := lwm2m coap base
folders_lanyard-device := device transport lwm2m oscore coap base
libs_extra_lanyardd := libsystemd
libs_extra_lanyardctl := json-c
define program_rules
$(B)/bin/$1: $$(patsubst %.c,$(B)/%.o,cmd/$1.c $$(wildcard cmd/$(subst lanyard-,,$1)_*.c)) \
		$(if $(filter lanyardd,$1),$(B)/lib/core.a) $$(call archives,$$(folders_$1))
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(call syslibs,$$(folders_$1)) $$(if $$(libs_extra_$1),$$(shell pkg-config --libs $$(libs_extra_$1)))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$p)))

# tests/unit/FOLDER/NAME.c is one program; it links FOLDER and what is below it, nothing else.
# cmd: the composition and everything below, and the simulated device as the other end.
unit_dirs := $(FOLDERS) cmd
unit_more_cmd := device
UNIT_BINS := $(foreach f,$(unit_dirs),$(patsubst tests/unit/$f/%.c,$(B)/tests/$f/%,$(wildcard tests/unit/$f/*.c)))
define unit_rules
$(B)/tests/$1/%: $(B)/tests/unit/$1/%.o $(if $(filter cmd,$1),$(B)/lib/core.a) $$(call archives,$(filter-out cmd,$1) $(unit_more_$1) $(below_$1))
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(call syslibs,$1 $(unit_more_$1) $(below_$1))
endef
$(foreach f,$(unit_dirs),$(eval $(call unit_rules,$f)))
unit-tests: $(UNIT_BINS) fuzz-seeds

# A fuzz target on its seeds and on changes of them, with any compiler; make fuzz: under libFuzzer.
FUZZ := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/driver.c,$(wildcard tests/fuzz/*.c)))
fuzz_folders := device $(below_cmd)
fuzz_archives := $(call archives,core $(fuzz_folders))
fuzz-seeds: $(FUZZ:%=$(B)/tests/fuzz/%)
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/driver.o $(fuzz_archives)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call syslibs,$(fuzz_folders))

TIME ?= 60
fuzz_san := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz: deps
	@tests/deps.sh fuzz
	@$(MAKE) $(JOBS) --no-print-directory B=build/fuzz CC=clang HARDEN= \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link $(fuzz_san)" fuzz-archives
	@tests/fuzz/run.sh build/fuzz $(TIME) "$(fuzz_san)" "$(call syslibs,$(fuzz_folders))"
fuzz-archives: $(fuzz_archives) $(FUZZ:%=$(B)/tests/fuzz/%.o)

deps:
	@tests/deps.sh build
deps-test:
	@tests/deps.sh test

# All cores, unless the caller said how many.
JOBS := $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

demo: deps
	@$(MAKE) $(JOBS) --no-print-directory all
	@KEEP=$(KEEP) BUILD=$(B) tests/demo.sh

check: deps-test
	@$(MAKE) $(JOBS) --no-print-directory SAN=$(SAN) all unit-tests
	@BUILD=$(B) SAN=$(SAN) tests/run.sh

bench: deps
	@$(MAKE) $(JOBS) --no-print-directory all
	@BUILD=$(B) tests/bench/run.sh

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
