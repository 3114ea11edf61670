# SPDX-License-Identifier: Apache-2.0
#
# make            build/ecmigrated and build/ecmigratectl
# make help       the other targets
#
# BUILD=DIR  CC=clang  SANITIZE=1  V=1 (show the commands)  DESTDIR=  PREFIX=/usr

VERSION = 0.1.0
BUILD  ?= build
PREFIX ?= /usr
PYTHON ?= /usr/bin/python3
CFLAGS ?= -O2 -g
ifeq ($(origin CC),default)
CC = gcc
endif

# Values that cost a process are found out when a recipe first needs them: on a fresh machine pkg-config
# is there only after `deps`.
PKGS    = libuv hiredis yaml-0.1 sqlite3 libmicrohttpd jansson libsystemd libcurl libssl libcrypto
once    = $(eval $(1) := $(shell $(2)))$($(1))
PKG_CFLAGS  = $(call once,PKG_CFLAGS,pkg-config --cflags $(PKGS))
PKG_LIBS    = $(call once,PKG_LIBS,pkg-config --libs $(PKGS))
CMOCKA_LIBS = $(call once,CMOCKA_LIBS,pkg-config --libs cmocka)

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Werror
ifdef SANITIZE
HARDEN         = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDEN_LDFLAGS = -fsanitize=address,undefined
else
HARDEN         = -fstack-protector-strong -fstack-clash-protection -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARDEN_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack
endif
compile = $(CC) -std=gnu11 -MMD -MP -I. -D_GNU_SOURCE -DECMIGRATE_VERSION='"$(VERSION)"' $(WARN) \
          $(HARDEN) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
link    = $(CC) $(HARDEN_LDFLAGS) $(CFLAGS) -Wl,--as-needed $(LDFLAGS) -pthread
quiet   = $(if $(V),,@echo '  $(1) $@';)

DAEMON_SRC := $(filter-out daemon/main.c,$(wildcard lib/*/*.c daemon/*.c daemon/*/*.c daemon/*/*/*.c))
CLI_SRC    := $(filter-out cli/main.c,$(wildcard cli/*.c))
TEST_SRC   := $(wildcard tests/unit/test_*.c tests/sim/test_*.c)
# The API's fakes take the place of parts of the library: only some tests want that.
BOX_SRC    := tests/unit/api_box.c tests/unit/aws_client.c
HELP_SRC   := $(filter-out $(TEST_SRC) $(BOX_SRC),$(wildcard tests/unit/*.c tests/sim/*.c))
TESTS      := $(TEST_SRC:%.c=$(BUILD)/%)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ       := $(FUZZ_SRC:%.c=$(BUILD)/%)
FUZZ_COUNT ?= 200000
FUZZ_SEED  ?= 1
N          ?= 1000000
MINUTES    ?= 10

LIB     = $(BUILD)/libecmigrate.a
CLI_LIB = $(BUILD)/libecmigratectl.a
HELPERS = $(HELP_SRC:%.c=$(BUILD)/%.o)

.PHONY: all programs man schema unit integration test sim fault matrix sentinel demo bench asan fuzz fuzz-run lint fmt install clean deps lint-deps help $(TESTS:=.run) $(FUZZ:=.run) $(FUZZ:=.long)
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/ecmigrated $(BUILD)/ecmigratectl

$(BUILD)/ecmigrated: $(BUILD)/daemon/main.o $(LIB)
	$(call quiet,LD)$(link) -o $@ $^ $(PKG_LIBS)

$(BUILD)/ecmigratectl: $(BUILD)/cli/main.o $(CLI_LIB) $(LIB)
	$(call quiet,LD)$(link) -o $@ $^ $(PKG_LIBS)

$(LIB): $(DAEMON_SRC:%.c=$(BUILD)/%.o)
$(CLI_LIB): $(CLI_SRC:%.c=$(BUILD)/%.o)
$(LIB) $(CLI_LIB):
	@rm -f $@
	$(call quiet,AR)ar rcsD $@ $^

$(TESTS): %: %.o $(HELPERS) $(CLI_LIB) $(LIB) | $(BUILD)/.deps-test
	$(call quiet,LD)$(link) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(CMOCKA_LIBS) $(PKG_LIBS)

$(filter %/test_api %/test_elasticache %/test_elasticache_events %/test_feed,$(TESTS)): $(BOX_SRC:%.c=$(BUILD)/%.o)

$(FUZZ): %: %.o $(BUILD)/tests/fuzz/driver.o $(LIB)
	$(call quiet,LD)$(link) -o $@ $^ $(PKG_LIBS)

$(BUILD)/tests/%.o: tests/%.c | $(BUILD)/.deps-test
	@mkdir -p $(@D)
	$(call quiet,CC)$(compile) -c -o $@ $<

$(BUILD)/%.o: %.c | $(BUILD)/.deps-build
	@mkdir -p $(@D)
	$(call quiet,CC)$(compile) -c -o $@ $<

# The console's files are inside this object.
$(BUILD)/daemon/api/console/assets.o: $(wildcard $(addprefix daemon/api/console/*.,html css js svg))

-include $(patsubst %.c,$(BUILD)/%.d,$(DAEMON_SRC) daemon/main.c $(CLI_SRC) cli/main.c $(TEST_SRC) $(HELP_SRC) \
    $(BOX_SRC) $(FUZZ_SRC) tests/fuzz/driver.c)

# What is missing is installed, once per build directory; by one at a time.
$(addprefix $(BUILD)/.deps-,test lint man): | $(BUILD)/.deps-build
$(BUILD)/.deps-%: packaging/deps.sh
	@mkdir -p $(@D)
	@PYTHON=$(PYTHON) sh packaging/deps.sh auto $*
	@touch $@

deps: ; @sh packaging/deps.sh install build test
lint-deps: ; @sh packaging/deps.sh install build lint

# --- tests ---
test: all $(TESTS)
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory integration

unit: $(TESTS:=.run) $(FUZZ:=.run)
	@echo "unit: $$(cat $(TESTS:=.log) | grep -c '^\[       OK') tests passed in $(words $(TESTS)) programs"

$(TESTS:=.run): %.run: %
	@timeout 120 $< >$<.log 2>&1 || { echo "FAILED (status $$?): $<"; cat $<.log; exit 1; }

# A few inputs in every test run; `make fuzz` gives many, under the sanitizers.
$(FUZZ:=.run): %.run: %
	@cd $(@D) && timeout 60 ./$(<F) 3000 >$(<F).log 2>&1 || { echo "FAILED: $<"; cat $<.log; exit 1; }

$(FUZZ:=.long): %.long: %
	@cd $(@D) && UBSAN_OPTIONS=print_stacktrace=1 ./$(<F) $(FUZZ_COUNT) $(FUZZ_SEED)

fuzz-run: $(FUZZ:=.long)
fuzz:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan SANITIZE=1 fuzz-run

integration: all | $(BUILD)/.deps-test
	ECMIGRATED=$(abspath $(BUILD))/ecmigrated ECMIGRATECTL=$(abspath $(BUILD))/ecmigratectl \
	    $(PYTHON) -B -m pytest -q -p no:cacheprovider tests/integration $(PYTEST_ARGS)

# Two processes, two families of schedules each.
sim: $(BUILD)/tests/sim/test_schedules
	@n=$$((($(N) + 3) / 4)); first=$(or $(SEED),1); \
	    $< $$n $$first & other=$$!; $< $$n $$((first + n)); failed=$$?; wait $$other && exit $$failed

asan:
	@ECMIGRATE_TIME_FACTOR=3 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
	    $(MAKE) --no-print-directory BUILD=$(BUILD)-asan SANITIZE=1 test

fault: all | $(BUILD)/.deps-test
	@ECMIGRATED=$(BUILD)/ecmigrated ECMIGRATECTL=$(BUILD)/ecmigratectl \
	    $(PYTHON) -B tests/fault/fleet.py --minutes $(MINUTES) --pairs $(or $(PAIRS),8) $(addprefix --seed ,$(SEED)) $(FAULT_ARGS)

# All of what concerns Sentinel: ten minutes.
sentinel: all | $(BUILD)/.deps-test
	ECMIGRATE_LONG=1 ECMIGRATED=$(abspath $(BUILD))/ecmigrated ECMIGRATECTL=$(abspath $(BUILD))/ecmigratectl \
	    $(PYTHON) -B -m pytest -q -p no:cacheprovider tests/integration/test_sentinel.py \
	    tests/integration/test_checks_around.py $(PYTEST_ARGS)

# Here PAIRS are pairs of servers by name; for `fault` it is how many.
matrix: all | $(BUILD)/.deps-test
	@ECMIGRATED=$(BUILD)/ecmigrated ECMIGRATECTL=$(BUILD)/ecmigratectl \
	    $(PYTHON) -B tests/matrix/matrix.py $(if $(PAIRS),--pairs '$(PAIRS)') $(MATRIX_ARGS)

demo: all | $(BUILD)/.deps-test
	@ECMIGRATED=$(BUILD)/ecmigrated ECMIGRATECTL=$(BUILD)/ecmigratectl $(PYTHON) -B tests/demo.py

bench: all | $(BUILD)/.deps-test
	@ECMIGRATED=$(BUILD)/ecmigrated $(PYTHON) -B tests/bench/cutover.py
	@ECMIGRATED=$(BUILD)/ecmigrated $(PYTHON) -B tests/bench/cutover.py --tls
	@ECMIGRATED=$(BUILD)/ecmigrated $(PYTHON) -B tests/bench/chain.py
	@ECMIGRATED=$(BUILD)/ecmigrated $(PYTHON) -B tests/bench/attach.py
	@ECMIGRATED=$(BUILD)/ecmigrated $(PYTHON) -B tests/bench/api.py

lint: all | $(BUILD)/.deps-lint
	@$(PYTHON) -B tests/lint.py --build $(BUILD) --compile-flags="-std=gnu11 -I. -D_GNU_SOURCE -DECMIGRATE_VERSION=\\\"0\\\" $(PKG_CFLAGS)"

fmt: | $(BUILD)/.deps-lint
	@$(PYTHON) -B tests/lint.py --fix-format

# --- what is made from the tables and the texts ---
MAN = ecmigratectl.1 ecmigrate.yaml.5 ecmigrate-api.7 ecmigrate-checks.7 ecmigrated.8
MAN_TABLES = daemon/spec/check_table.h daemon/core/right_table.h daemon/core/dump.c
man: $(MAN:%=$(BUILD)/man/%)

$(BUILD)/man/%: docs/%.scd docs/checks.awk docs/man.awk $(MAN_TABLES) | $(BUILD)/.deps-man
	@mkdir -p $(@D)
	$(call quiet,MAN)awk -f docs/checks.awk $(MAN_TABLES) $< >$@.scd && scdoc <$@.scd >$@.scdoc && \
	    awk -f docs/man.awk $@.scdoc >$@

$(BUILD)/completion/%: $(BUILD)/ecmigratectl
	@mkdir -p $(@D)
	$(call quiet,GEN)$< completion $* >$@

schema: $(BUILD)/ecmigratectl
	$< schema >config/job.schema.json

# Explains each event in `journalctl -x`.
$(BUILD)/ecmigrate.catalog: daemon/event/event_table.h
	@mkdir -p $(@D)
	$(call quiet,GEN)sed -n 's/^EVENT(.*, "\([a-z_]*\)", LEVEL_[A-Z]*, "\([0-9a-f]*\)", "\(.*\)")$$/-- \2\nSubject: ecmigrate: \1\nDefined-By: ecmigrate\nDocumentation: man:ecmigratectl(1)\n\n\3\n\necmigratectl status @ECMIGRATE_JOB@ says where the job is and why.\n/p' $< >$@

# --- installation ---
UNITDIR = $(PREFIX)/lib/systemd/system
SHARE   = $(DESTDIR)$(PREFIX)/share
install: all man $(BUILD)/completion/bash $(BUILD)/completion/zsh $(BUILD)/completion/fish $(BUILD)/ecmigrate.catalog
	install -D -m 755 $(BUILD)/ecmigrated $(DESTDIR)$(PREFIX)/sbin/ecmigrated
	install -D -m 755 $(BUILD)/ecmigratectl $(DESTDIR)$(PREFIX)/bin/ecmigratectl
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)/etc/ecmigrate
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' systemd/ecmigrated.service >$(DESTDIR)$(UNITDIR)/ecmigrated.service
	install -D -m 644 systemd/ecmigrate.sysusers $(DESTDIR)/usr/lib/sysusers.d/ecmigrate.conf
	install -D -m 644 systemd/ecmigrate.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/ecmigrate.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/ecmigrate README.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/ecmigrate/examples config/*.yaml config/examples/*.yaml
	sed -i 's|=/usr/share/|=$(PREFIX)/share/|' $(SHARE)/doc/ecmigrate/examples/*.yaml
	install -D -m 644 config/job.schema.json $(SHARE)/ecmigrate/job.schema.json
	for page in $(MAN); do install -D -m 644 $(BUILD)/man/$$page $(SHARE)/man/man$${page##*.}/$$page || exit 1; done
	install -D -m 644 $(BUILD)/completion/bash $(SHARE)/bash-completion/completions/ecmigratectl
	install -D -m 644 $(BUILD)/completion/zsh $(SHARE)/zsh/vendor-completions/_ecmigratectl
	install -D -m 644 $(BUILD)/completion/fish $(SHARE)/fish/vendor_completions.d/ecmigratectl.fish
	install -D -m 644 $(BUILD)/ecmigrate.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/ecmigrate.catalog
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/ecmigrate/prometheus config/prometheus/*.yml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/ecmigrate/grafana config/grafana/*.json
	@# A real system, not a package being made: the user, the directories and the unit take effect now.
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then \
	    systemd-sysusers ecmigrate.conf && systemd-tmpfiles --create ecmigrate.conf && systemctl daemon-reload && journalctl --update-catalog; fi

clean:
	rm -rf $(BUILD) $(BUILD)-asan

help:
	@echo 'make            build the daemon and the client (in $(BUILD)/)'
	@echo 'make demo       a live migration between two servers of its own, in under a minute'
	@echo 'make test       build, unit tests, integration tests (make unit, make integration: one kind)'
	@echo 'make asan       the same under AddressSanitizer, UBSan and LeakSanitizer'
	@echo 'make sim        the decision core in virtual time, N=1000000 random schedules, from SEED=1 on'
	@echo 'make fault      a fleet that migrates to and fro while a gremlin disturbs it, MINUTES=10 PAIRS=8 SEED='
	@echo 'make sentinel   all of what concerns Sentinel: ten minutes, of which two are in make test'
	@echo 'make matrix     migrations between each two of seven servers, PAIRS=redis60:valkey91,redis80:* chooses some'
	@echo 'make fuzz       parsers of what strangers send, FUZZ_COUNT=200000 inputs each, FUZZ_SEED=1'
	@echo 'make bench      write gap, time to sync and latency of the API, beside what the servers do themselves'
	@echo 'make lint fmt   check the style; put the format right'
	@echo 'make man        the man pages (in $(BUILD)/man/)'
	@echo 'make schema     the JSON Schema of job files anew, from the table of keys'
	@echo 'make install    DESTDIR= PREFIX=/usr'
	@echo 'make deps       install the packages that build and tests need (lint-deps: the linters)'
	@echo 'make clean'
