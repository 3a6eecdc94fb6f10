# SPDX-License-Identifier: Apache-2.0
# make            build/bin/lanyardd, lanyardctl, lanyard-device
# make demo       the main job from start to end, by itself (KEEP=1 leaves it running)
# make check      all tests; SAN=1 runs them under AddressSanitizer and UBSan
#                 (SAN=thread builds for ThreadSanitizer, which tests/tsan.sh uses)
# make bench      measurements
# make fuzz       every parser under libFuzzer, TIME=60 seconds each
# make check-full make check, and what takes an hour (tests/full.sh)
# make install    to DESTDIR and PREFIX (/usr/local); make uninstall
VERSION := 0.1.0

SAN ?=
comma := ,
B := build$(if $(SAN),/$(if $(filter thread,$(SAN)),tsan,san))
CC ?= cc
AR ?= ar
PKGS := libcoap-3-notls libcbor sqlite3 libevent json-c inih libsystemd libssl libcrypto expat
WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2) \
	$(if $(findstring x86_64,$(shell uname -m)),-fcf-protection)
SANITIZERS := $(if $(filter thread,$(SAN)),thread,address$(comma)undefined)
SANFLAGS := $(if $(SAN),-fsanitize=$(SANITIZERS) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DLANYARD_VERSION='"$(VERSION)"' -I. $(WARN) $(HARDEN) $(SANFLAGS) \
	-MMD -MP $(if $(WERROR),-Werror) $(CPPFLAGS) $(CFLAGS) $(pkg_cflags)
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
libs_lwm2m := libcbor expat
libs_storage := sqlite3
libs_bootstrap := json-c
libs_transport := libevent libssl libcrypto
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

# Where make install puts things; DESTDIR goes in front of each.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
SYSCONFDIR ?= /etc
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/lanyard
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(LIBDIR)/systemd/system
SYSUSERSDIR ?= $(LIBDIR)/sysusers.d
TMPFILESDIR ?= $(LIBDIR)/tmpfiles.d

.PHONY: all demo check check-full bench fuzz clean install uninstall deps deps-test unit-tests fuzz-seeds fuzz-archives format
all: $(BINS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $1 $(patsubst $(B)/%,%,$@))

$(B)/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The document of the REST interface becomes part of the daemon, as a list of bytes.
$(B)/gen/openapi.c: admin/openapi.json
	@mkdir -p $(@D)
	$(Q){ printf '%s\n' '#include "admin/openapi.h"' 'const uint8_t adm_openapi_text[] = {'; \
		od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; \
		printf '%s\n' '};' 'const size_t adm_openapi_n = sizeof(adm_openapi_text);'; } >$@.new
	@mv $@.new $@
$(B)/gen/%.o: $(B)/gen/%.c
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
generated_admin := $(B)/gen/openapi.o

define folder_rules
$(B)/lib/$1.a: $$(call objects,$1) $$(generated_$1)
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
folders_lanyardctl := lwm2m oscore coap base
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
# cmd: the composition and everything below, and the simulated device as the other end. fault: the
# same, over a disk that fails.
# lwm2m: reads vectors in JSON.
unit_dirs := $(FOLDERS) cmd fault
unit_more_cmd := device
unit_more_fault := device $(below_cmd)
unit_libs_fault := sqlite3
unit_libs_lwm2m := json-c
UNIT_BINS := $(foreach f,$(unit_dirs),$(patsubst tests/unit/$f/%.c,$(B)/tests/$f/%,$(wildcard tests/unit/$f/*.c)))
define unit_rules
$(B)/tests/$1/%: $(B)/tests/unit/$1/%.o $(if $(filter cmd fault,$1),$(B)/lib/core.a) $$(call archives,$(filter-out cmd fault,$1) $(unit_more_$1) $(below_$1))
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(call syslibs,$1 $(unit_more_$1) $(below_$1)) $$(if $$(unit_libs_$1),$$(shell pkg-config --libs $$(unit_libs_$1)))
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

check-full: deps-test
	@tests/deps.sh full
	@$(MAKE) $(JOBS) --no-print-directory SAN=$(SAN) all unit-tests
	@BUILD=$(B) SAN=$(SAN) tests/full.sh

bench: deps
	@$(MAKE) $(JOBS) --no-print-directory all
	@BUILD=$(B) tests/bench/run.sh

# SOURCE:TARGET, the target without DESTDIR. The first lanyard.conf is the example, never twice.
installed_programs := $(B)/bin/lanyardd:$(SBINDIR)/lanyardd $(B)/bin/lanyardctl:$(BINDIR)/lanyardctl \
	$(B)/bin/lanyard-device:$(BINDIR)/lanyard-device
installed_files := $(foreach m,$(wildcard man/*.[1578]),$(m):$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m)) \
	$(B)/lanyardd.service:$(UNITDIR)/lanyardd.service systemd/lanyardd.socket:$(UNITDIR)/lanyardd.socket \
	systemd/lanyard.sysusers:$(SYSUSERSDIR)/lanyard.conf systemd/lanyard.tmpfiles:$(TMPFILESDIR)/lanyard.conf \
	completion/lanyardctl:$(COMPLETIONDIR)/lanyardctl \
	config/lanyard.conf.example:$(DOCDIR)/lanyard.conf.example \
	$(foreach d,README.md SECURITY.md CHANGELOG.md,$d:$(DOCDIR)/$d)
first_config = $(DESTDIR)$(SYSCONFDIR)/lanyard/lanyard.conf
install_as = install -D -m $1 $(subst :, $(DESTDIR),$2) &&

install: all
	@mkdir -p $(B)
	@sed -e 's,@SBINDIR@,$(SBINDIR),g' -e 's,@SYSCONFDIR@,$(SYSCONFDIR),g' systemd/lanyardd.service.in >$(B)/lanyardd.service
	@umask 022; $(foreach f,$(installed_programs),$(call install_as,0755,$f)) \
		$(foreach f,$(installed_files),$(call install_as,0644,$f)) \
		install -d -m 0755 $(dir $(first_config))conf.d
	@[ -e $(first_config) ] || install -m 0644 config/lanyard.conf.example $(first_config)
	@$(if $(DESTDIR),,echo 'Next, as root: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload'; \
		echo 'then: systemctl enable --now lanyardd')

# A lanyard.conf that was changed stays, and so does what devices and daemon agreed on (/var/lib/lanyard).
uninstall:
	@if cmp -s config/lanyard.conf.example $(first_config); then rm -f $(first_config); fi
	@rm -f $(foreach f,$(installed_programs) $(installed_files),$(DESTDIR)$(lastword $(subst :, ,$f)))
	@for d in $(dir $(first_config))conf.d $(dir $(first_config)) $(DESTDIR)$(DOCDIR); do \
		[ ! -d $$d ] || rmdir --ignore-fail-on-non-empty $$d; done

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
