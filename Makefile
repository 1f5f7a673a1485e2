# SPDX-License-Identifier: Apache-2.0
# The people's entry point; `make help` lists the targets.

O ?= build
PREFIX ?= /usr
DESTDIR ?=
KERNELDIR ?= /lib/modules/$(shell uname -r)/build
WERROR ?= 1
FORTIFY ?= 2
SANITIZE ?=
KERNELS ?= 6.1
FS ?= ext4
FUZZ_SECONDS ?= 10
# Another version than that of libfim.h.
VERSION ?=

CC ?= cc
AR ?= ar
# Only used where gcc has no equivalent: libFuzzer.
CLANG ?= clang

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

cc-option = $(shell $(CC) -Werror $(1) -S -o /dev/null -x c /dev/null 2>/dev/null && echo $(1))

CPPFLAGS_ALL := -D_GNU_SOURCE -I userspace/include -I . -I $(O)/gen
CFLAGS_ALL := -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wpointer-arith \
	-Wimplicit-fallthrough $(call cc-option,-Wcast-align=strict) $(if $(filter 1,$(WERROR)),-Werror) \
	-fPIE -fno-strict-aliasing -fstack-protector-strong $(call cc-option,-fstack-clash-protection) \
	$(call cc-option,-fcf-protection) $(call cc-option,-mbranch-protection=standard)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
ifneq ($(SANITIZE),)
CFLAGS_ALL += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=$(SANITIZE)
else
CPPFLAGS_ALL += -D_FORTIFY_SOURCE=$(FORTIFY)
endif
ifneq ($(VERSION),)
CPPFLAGS_ALL += -DFIM_VERSION='"$(VERSION)"'
endif
CPPFLAGS_ALL += $(CPPFLAGS)
CFLAGS_ALL += $(CFLAGS)
LDFLAGS_ALL += $(LDFLAGS)
LIBS := -lcrypto -ljansson -lyaml -lpcre2-8 -lz -lpthread -ldl
# What most runs do without is loaded when it is wanted, not linked: see library.c.
soname = $(shell readelf -d "$$($(CC) -print-file-name=$(1).so)" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
CPPFLAGS_ALL += -DFIM_CURL_SONAME='"$(call soname,libcurl)"' -DFIM_SQLITE_SONAME='"$(call soname,libsqlite3)"'
# RPM's database is read where there is librpm (RPM=0: not).
RPM ?= $(shell pkg-config --exists rpm 2>/dev/null && echo 1)
ifeq ($(RPM),1)
CPPFLAGS_ALL += -DFIM_RPM -DFIM_RPM_SONAME='"$(call soname,librpm)"'
endif

LIB_SRC := $(wildcard userspace/lib/*.c)
DAEMON_SRC := $(wildcard userspace/daemon/*.c)
CLI_SRC := $(wildcard userspace/cli/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRC))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(FUZZ_SRC))
REPLAY_BIN := $(patsubst tests/fuzz/%.c,$(O)/replay/%,$(FUZZ_SRC))
# The daemon's own units are tested too: everything of it but main().
DAEMON_TESTED := $(filter-out userspace/daemon/main.c,$(DAEMON_SRC))

.PHONY: all
all: $(O)/ecs-fimd $(O)/ecs-fim ## build the daemon and the CLI into build/ (O= to move)

# Objects are made again when the flags change, not only when a source does.
$(O)/flags: FORCE
	$(Q)mkdir -p $(O)
	$(Q)printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | cmp -s - $@ || \
		printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' >$@

$(O)/obj/%.o: %.c $(O)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The same text for every engine: see ami/fleet/.
$(O)/gen/fleet_queries.h: ami/fleet/queries.sql Makefile
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q){ echo 'static const char fleet_queries[] ='; \
		sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $<; echo ';'; } >$@

$(O)/obj/userspace/lib/fleet_db.o: $(O)/gen/fleet_queries.h

$(O)/libfim.a: $(call obj,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(O)/ecs-fimd: $(call obj,$(DAEMON_SRC)) $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ -laudit -lseccomp $(LIBS)

$(O)/ecs-fim: $(call obj,$(CLI_SRC)) $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(O)/libdaemon.a: $(call obj,$(DAEMON_TESTED))
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(O)/unit/%: $(O)/obj/tests/unit/%.o $(O)/libdaemon.a $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ -lcheck -lsubunit -lm -lrt -laudit -lseccomp $(LIBS)

$(O)/replay/%: $(O)/obj/tests/fuzz/%.o $(O)/obj/tests/fuzz/replay_main.o $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Programs of tests/sinks: the daemon's parts without the daemon.
$(O)/sinks-bin/%: $(O)/obj/tests/sinks/%.o $(O)/libdaemon.a $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ -laudit -lseccomp $(LIBS)

$(O)/bench/%: $(O)/obj/tests/bench/%.o $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(O)/journal-bin/%: $(O)/obj/tests/journal/%.o $(O)/libfim.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# The library has to be instrumented as well: once for all fuzzers, by the compiler that has libFuzzer.
FUZZ_LIB := $(O)/fuzz-lib/libfim.a
$(FUZZ_LIB): FORCE
	$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz-lib CC=$(CLANG) WERROR=0 \
		SANITIZE=fuzzer-no-link,address,undefined $@

$(O)/fuzz/%: tests/fuzz/%.c $(FUZZ_LIB)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(filter-out -D_FORTIFY_SOURCE%,$(CPPFLAGS_ALL)) -std=gnu11 -O1 -g \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $^ $(LIBS)

.PHONY: kmod
kmod: ## build ecs_fim.ko for KERNELDIR (default: the running kernel) into build/kmod/
	$(call say,KMOD,$(KERNELDIR))
	$(Q)mkdir -p $(O)/kmod && cp -rup Kbuild kmod $(O)/kmod/
	$(Q)$(MAKE) --no-print-directory -C $(KERNELDIR) M=$(abspath $(O)/kmod) W=1 $(KMOD_ARGS) modules
	$(Q)cp $(O)/kmod/kmod/ecs_fim.ko $(O)/kmod/ecs_fim.ko

.PHONY: deps
deps: ## install what building and testing need (Debian; once; needs root and apt)
	$(Q)tests/vm/deps.sh all

.PHONY: check
check: ## everything: installs what it needs, lint, unit, sanitizers, fuzz corpus, VM tests (root)
	$(Q)tests/check all

.PHONY: check-host
check-host: ## what needs no VM: lint, unit tests, sanitizers, fuzz corpus, install
	$(Q)tests/check host

.PHONY: check-vm
check-vm: ## the module's TAP programs in QEMU, KERNELS="6.1 6.12 …" FS="ext4 xfs …"
	$(Q)KERNELS="$(KERNELS)" FS="$(FS)" tests/check kmod

.PHONY: check-matrix
check-matrix: ## the same on every kernel and every file system (an hour)
	$(Q)KERNELS="5.10 6.1 6.12 newest" FS="ext4 xfs btrfs tmpfs overlay" tests/check kmod

.PHONY: check-debug
check-debug: ## the same on a kernel with KASAN, lockdep, kmemleak, failslab (built once: 20 CPU minutes)
	$(Q)KERNELS=debug FS="ext4 tmpfs overlay" tests/check kmod
	$(Q)tests/kmod/long/check.sh fault debug

.PHONY: check-arm64
check-arm64: ## module and userspace cross-built, the TAP programs on an emulated arm64
	$(Q)tests/check arm64

.PHONY: check-cycles
check-cycles: ## 1000 times load, watch, unload under load, KERNELS="6.1 …"
	$(Q)for k in $(KERNELS); do tests/kmod/long/check.sh cycles $$k || exit 1; done

.PHONY: check-long
check-long: ## the module's other long tests: fuzz (30 min, debug kernel), stress-ng, rate, burst
	$(Q)tests/kmod/long/check.sh fuzz debug
	$(Q)for t in transparent stress rate burst; do tests/kmod/long/check.sh $$t 6.1 || exit 1; done

.PHONY: check-containers
check-containers: all ## containers, engines and attribution at length: 200 at once, every setting and storage driver, 100,000 changes
	$(Q)tests/check containers

.PHONY: check-integration
check-integration: ## the story with a real dockerd, auditd and module in QEMU
	$(Q)tests/check integration

.PHONY: check-image
check-image: ## an image built, sealed, tested as Packer does, booted, upgraded, broken; ECS Anywhere (root, an hour)
	$(Q)tests/image/check.sh

.PHONY: check-faults
check-faults: all ## the control disturbed in every way that ecs-fimd(8) tells of: each is said, ends, loses no change (root, ten minutes)
	$(Q)tests/check faults

.PHONY: check-packages
check-packages: all ## ten packages installed and upgraded, announced or not: verify, daemon and aide (root, some minutes)
	$(Q)tests/check packages

.PHONY: check-crash
check-crash: all ## the journal after 200 kills, 200 cuts of the power of a guest, 12 resets (root, 20 minutes)
	$(Q)CRASH_KILLS=200 CRASH_CUTS=200 CRASH_RESETS=12 tests/check crash

.PHONY: unit
unit: $(UNIT_BIN) ## unit tests only
	$(Q)for t in $^; do $$t || exit 1; done

.PHONY: unit-bin replay-bin fuzz-bin
unit-bin: $(UNIT_BIN)
replay-bin: $(REPLAY_BIN)
fuzz-bin: $(FUZZ_BIN)

.PHONY: fuzz
fuzz: $(FUZZ_BIN) ## run each fuzzer for FUZZ_SECONDS from its corpus
	$(Q)tests/fuzz/run.sh $(FUZZ_SECONDS) $^

.PHONY: demo
demo: ## install what it needs, build, and show the main job on a real kernel (HOST=1: on this machine)
	$(Q)tests/demo/run.sh $(if $(HOST),host,vm)

.PHONY: bench-kernel
bench-kernel: ## what listening costs, with the module, fanotify, inotify, auditd (KERNELS="6.1 6.12")
	$(Q)for kernel in $(or $(KERNELS),6.1 6.12); do \
		echo "kernel $$kernel, executed instructions"; \
		tests/bench/kernel/run.sh --table "$$kernel" || exit 1; \
	done

.PHONY: bench
bench: ## one JSON line per metric, each against its peer in the same run
	$(Q)tests/bench/run.sh

.PHONY: bench-peers
bench-peers: ## which ways to change a file ecs_fim, inotify, fanotify and auditd report, KERNELS=6.1
	$(Q)for k in $(KERNELS); do tests/bench/peers/run.sh $$k || exit 1; done

.PHONY: fmt
fmt: ## rewrite the sources with clang-format 14
	$(Q)tests/lint/format.sh --write

.PHONY: lint
lint: ## refuse: format, kernel-doc, sparse, shellcheck, include, symbol and licence rules, man pages
	$(Q)tests/lint/run.sh

INSTALL_DIRS := $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/ecs-fim/baselines \
	$(DESTDIR)$(PREFIX)/share/ecs-fim/rules/tests $(DESTDIR)$(PREFIX)/share/ecs-fim/schemas $(DESTDIR)$(PREFIX)/share/ecs-fim/hooks \
	$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
	$(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)/etc/ecs-fim/rules.d

INSTALL_DIRS += $(DESTDIR)$(PREFIX)/share/ecs-fim/fleet $(DESTDIR)$(PREFIX)/share/ecs-fim/rsyslog $(DESTDIR)$(PREFIX)/lib/systemd/system/ecs.service.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
	$(DESTDIR)$(PREFIX)/libexec/ecs-fim $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	$(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)/etc/ecs-fim/trusted-keys.d

.PHONY: install
install: all ## install programs, policies, man pages, units (DESTDIR, PREFIX); never overwrites a config
	$(Q)install -d $(INSTALL_DIRS)
	$(Q)install -m 0755 $(O)/ecs-fim $(DESTDIR)$(PREFIX)/bin/ecs-fim
	$(Q)install -m 0755 $(O)/ecs-fimd $(DESTDIR)$(PREFIX)/sbin/ecs-fimd
	$(Q)install -m 0644 baselines/*.yaml $(DESTDIR)$(PREFIX)/share/ecs-fim/baselines/
	$(Q)install -m 0644 userspace/schemas/*.json $(DESTDIR)$(PREFIX)/share/ecs-fim/schemas/
	$(Q)install -m 0644 ami/hooks/* $(DESTDIR)$(PREFIX)/share/ecs-fim/hooks/
	$(Q)install -m 0644 ami/fleet/*.sql $(DESTDIR)$(PREFIX)/share/ecs-fim/fleet/
	$(Q)install -m 0644 ami/rsyslog/*.conf $(DESTDIR)$(PREFIX)/share/ecs-fim/rsyslog/
	$(Q)install -m 0644 rules/*.yaml $(DESTDIR)$(PREFIX)/share/ecs-fim/rules/
	$(Q)install -m 0644 rules/tests/*.ndjson $(DESTDIR)$(PREFIX)/share/ecs-fim/rules/tests/
	$(Q)for s in 1 5 8; do for f in userspace/man/*.$$s; do \
		[ ! -e "$$f" ] || install -m 0644 "$$f" $(DESTDIR)$(PREFIX)/share/man/man$$s/; done; done
	$(Q)install -m 0644 ami/systemd/*.service ami/systemd/*.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/
	$(Q)install -m 0644 ami/systemd/ecs.service.d/*.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/ecs.service.d/
	$(Q)install -m 0644 ami/ecs-fim.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/ecs-fim.conf
	$(Q)install -m 0755 ami/libexec/* ami/packer/provision.sh $(DESTDIR)$(PREFIX)/libexec/ecs-fim/
	$(Q)install -m 0644 ami/completions/ecs-fim.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ecs-fim
	$(Q)install -m 0644 ami/completions/_ecs-fim $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ecs-fim
	$(Q)for f in config.yaml gate.conf; do [ -e $(DESTDIR)/etc/ecs-fim/$$f ] || \
		install -m 0644 ami/$$f $(DESTDIR)/etc/ecs-fim/$$f; done

.PHONY: deb rpm
deb: all ## packages for Debian and Ubuntu into build/packages/ (a module for every installed kernel)
	$(Q)ami/package/build deb
rpm: all ## the same for Amazon Linux, with rpmbuild
	$(Q)ami/package/build rpm

.PHONY: uninstall
uninstall: ## remove what install put there; configuration, baseline and journal stay
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/ecs-fim $(DESTDIR)$(PREFIX)/sbin/ecs-fimd \
		$(patsubst baselines/%,$(DESTDIR)$(PREFIX)/share/ecs-fim/baselines/%,$(wildcard baselines/*.yaml)) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/ecs-fim/,$(wildcard rules/*.yaml rules/tests/*.ndjson)) \
		$(patsubst ami/%,$(DESTDIR)$(PREFIX)/share/ecs-fim/%,$(wildcard ami/hooks/*)) \
		$(patsubst userspace/%,$(DESTDIR)$(PREFIX)/share/ecs-fim/%,$(wildcard userspace/schemas/*.json)) \
		$(patsubst ami/%,$(DESTDIR)$(PREFIX)/share/ecs-fim/%,$(wildcard ami/fleet/*.sql ami/rsyslog/*.conf)) \
		$(foreach s,1 5 8,$(patsubst userspace/man/%,$(DESTDIR)$(PREFIX)/share/man/man$(s)/%,$(wildcard userspace/man/*.$(s)))) \
		$(patsubst ami/systemd/%,$(DESTDIR)$(PREFIX)/lib/systemd/system/%,$(wildcard ami/systemd/*.service ami/systemd/*.timer ami/systemd/*/*.conf)) \
		$(patsubst ami/libexec/%,$(DESTDIR)$(PREFIX)/libexec/ecs-fim/%,$(wildcard ami/libexec/*)) \
		$(DESTDIR)$(PREFIX)/libexec/ecs-fim/provision.sh \
		$(addprefix $(DESTDIR)$(PREFIX)/,lib/tmpfiles.d/ecs-fim.conf share/bash-completion/completions/ecs-fim share/zsh/site-functions/_ecs-fim)
	$(Q)rmdir $(DESTDIR)$(PREFIX)/libexec/ecs-fim $(addprefix $(DESTDIR)$(PREFIX)/share/ecs-fim,/rules/tests /rules /schemas /fleet /rsyslog /baselines "") 2>/dev/null || true

.PHONY: clean
clean: ## remove build/
	$(Q)rm -rf $(O)

.PHONY: help
help: ## this list
	@echo 'ecs-fim: file-integrity monitor for Amazon ECS hosts. Targets:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22
	@echo 'Variables: O= DESTDIR= PREFIX= KERNELDIR= KERNELS= SANITIZE=address,undefined WERROR=0 V=1'

.PHONY: FORCE
FORCE:

# Keep test objects: a second `make check` must not compile them again.
.SECONDARY:

-include $(shell [ -d $(O)/obj ] && find $(O)/obj -name '*.d')
