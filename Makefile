# make            build build/ammit
# make demo       HAProxy + Ammit + an example site on localhost; prints where and what to try
# make check      every test: lint's cheap half, unit, fuzz corpora, end to end; installs what it needs
# make unit e2e   parts of check (nothing is installed)
# make bench      side by side: HAProxy alone, with a null agent, with Ammit; and the socket alone
# make bench-solver   the solver of the page in Chromium and Firefox, beside what it could be
# make bench-page     how long people wait for the page, in both
# make bench-edge     what Ammit adds on the way through edge, WireGuard and home (as root)
# make bench-fast     what it costs to ask, to remember who was asked about, to check passes in HAProxy
# make fuzz       fuzz every parser and encoder for T=60 seconds each (needs clang)
# make soak       load, kill and reload for T=60 seconds
# make lint       warnings as errors, header, layer, door and format checks, shellcheck
# make format     rewrite the sources with clang-format
# make install    into DESTDIR and PREFIX (default /usr/local)
# make deb        a Debian package in build/deb
# make image      a container image in build/image, without a daemon: OCI layout and docker archive
# make kubernetes kustomize bases and overlays in build/kubernetes, complete: kubectl apply -k
# make clean      remove build/
#
# Set on the command line: CC CFLAGS LDFLAGS SAN=address,undefined V=1 B=build

CFLAGS ?= -O2 -g
T      ?= 60
B      ?= build
PREFIX ?= /usr/local
VERSION := 0.1.0

PKGS   := libcrypto libpcre2-8 libcjson libmicrohttpd libfyaml libmaxminddb libcares zlib
WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
HARD   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
SANF    = $(SAN:%=-fsanitize=% -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
STD    := -std=c11 -D_GNU_SOURCE -Ispoa -Itests -I$(B) -DAMMIT_VERSION='"$(VERSION)"'
PKGC   := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKGL   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CC_ALL  = $(CC) $(STD) $(WARN) $(HARD) $(CFLAGS) $(SANF) $(PKGC)
LD_ALL  = $(LDFLAGS) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(PKGL) -lev -lm -pthread
Q      := $(if $(V),,@)

LAYERS := base net spop policy token challenge onion daemon cli
LIB    := $(B)/libspoa.a
SRC    := $(filter-out spoa/cli/main.c,$(wildcard $(LAYERS:%=spoa/%/*.c)))
OBJ    := $(SRC:%.c=$(B)/%.o)
EMBED  := $(patsubst %,$(B)/embed/%.inc,$(notdir $(wildcard spoa/challenge/web/*))) $(B)/embed/policies.inc \
          $(B)/embed/locales.inc $(B)/embed/oranges.inc $(B)/embed/haproxy.inc
POLICIES := $(sort $(shell find policies -name '*.yaml' -o -name '*.yml' -o -name '*.json' -o -name '*.txt'))
HAPROXY_FILES := $(sort $(filter-out haproxy/demo-site.cfg,$(wildcard haproxy/*.cfg haproxy/*.conf haproxy/*.lst)))
LOCALES := $(sort $(wildcard spoa/challenge/locales/*.txt))
UNIT   := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*/*.c))
FUZZ   := $(patsubst tests/fuzz/%.c,%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))
BENCH  := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))

all: $(B)/ammit

$(B)/ammit: $(B)/spoa/cli/main.o $(LIB)
$(UNIT) $(BENCH): $(B)/%: $(B)/%.o $(LIB)
$(FUZZ:%=$(B)/tests/fuzz/%): %: %.o $(B)/tests/fuzz/replay.o $(LIB)
$(UNIT): LD_EXTRA = -lcmocka
$(B)/ammit $(UNIT) $(BENCH) $(FUZZ:%=$(B)/tests/fuzz/%):
	@echo "  LD  $@"
	$(Q)$(CC_ALL) -o $@ $^ $(LD_ALL) $(LD_EXTRA)

$(LIB): $(OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: %.c $(B)/flags | $(EMBED)
	@echo "  CC  $<"
	@mkdir -p $(@D)
	$(Q)$(CC_ALL) -MMD -MP -c -o $@ $<

# What is in the binary as bytes: #include "embed/NAME.inc" between braces.
define embed
	@mkdir -p $(@D)
	$(Q)od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' > $@.new && mv $@.new $@
endef
$(B)/embed/%.inc: spoa/challenge/web/% ; $(embed)
# The solver's script carries its WebAssembly in base64: @simd@, @wasm@.
WASM   := clang --target=wasm32 -std=c11 -O2 -Wall -Wextra -ffreestanding -nostdlib -Ispoa -Wl,--no-entry \
          -Wl,--strip-all -Wl,-z,stack-size=1024 -Wl,--initial-memory=65536
$(B)/wasm/simd.wasm: WASM += -msimd128
$(B)/wasm/%.wasm: spoa/challenge/wasm/solver_wasm.c spoa/challenge/wasm/kernel.h
	@echo "  CC  $@"
	@mkdir -p $(@D)
	$(Q)$(WASM) -o $@ $<
$(B)/wasm/reference.wasm: WASM += -msimd128
$(B)/wasm/reference.wasm: tests/bench/solver/reference.c spoa/challenge/wasm/kernel.h
	@mkdir -p $(@D)
	$(Q)$(WASM) -o $@ $<
$(B)/wasm/solver.js: spoa/challenge/web/solver.js $(B)/wasm/simd.wasm $(B)/wasm/wasm.wasm
	$(Q)sed "s|@simd@|$$(base64 -w0 $(B)/wasm/simd.wasm)|; s|@wasm@|$$(base64 -w0 $(B)/wasm/wasm.wasm)|" $< > $@.new && mv $@.new $@
$(B)/embed/solver.js.inc: $(B)/wasm/solver.js ; $(embed)
$(B)/embed/policies.inc: spoa/daemon/embed.sh $(POLICIES) $(B)/embedded.list
	@mkdir -p $(@D)
	$(Q)spoa/daemon/embed.sh policies $(POLICIES) > $@.new && mv $@.new $@
$(B)/embed/haproxy.inc: spoa/daemon/embed.sh $(HAPROXY_FILES) $(B)/embedded.list
	@mkdir -p $(@D)
	$(Q)spoa/daemon/embed.sh haproxy $(HAPROXY_FILES) > $@.new && mv $@.new $@
# The words of the pages without what is for people who edit them; all answers in one place, so that
# a question makes no more of the binary resident than it must.
$(B)/locales/%.txt: spoa/challenge/locales/%.txt
	@mkdir -p $(@D)
	$(Q)grep -v -e '^#' -e '^$$' -e '^orange ' $< > $@
$(B)/embed/locales.inc: spoa/daemon/embed.sh $(LOCALES:spoa/challenge/%=$(B)/%) $(B)/embedded.list
	@mkdir -p $(@D)
	$(Q)spoa/daemon/embed.sh $(B)/locales $(filter %.txt,$^) > $@.new && mv $@.new $@
$(B)/locales/oranges: $(LOCALES) $(B)/embedded.list
	@mkdir -p $(@D)
	$(Q)sed -n 's/^orange = //p' $(LOCALES) > $@
$(B)/embed/oranges.inc: $(B)/locales/oranges ; $(embed)
$(B)/embedded.list: FORCE	# so that a file that is gone counts, too
	@mkdir -p $(B); echo '$(POLICIES) $(LOCALES) $(HAPROXY_FILES)' | cmp -s - $@ || echo '$(POLICIES) $(LOCALES) $(HAPROXY_FILES)' > $@

$(B)/flags: FORCE	# a changed flag rebuilds everything, as a changed file would
	@mkdir -p $(B); echo '$(CC_ALL)' | cmp -s - $@ || echo '$(CC_ALL)' > $@

check: deps
	$(Q)$(MAKE) --no-print-directory check-installed
check-installed: all $(UNIT) $(FUZZ:%=$(B)/tests/fuzz/%) $(BENCH)
	$(Q)B=$(B) SAN=$(SAN) tests/run.sh $(UNIT) -- $(FUZZ)

deps:
	$(Q)B=$(B) tests/deps.sh

unit: $(UNIT) $(FUZZ:%=$(B)/tests/fuzz/%)
	$(Q)B=$(B) tests/run.sh --no-e2e $(UNIT) -- $(FUZZ)

e2e: all $(BENCH)
	$(Q)B=$(B) SAN=$(SAN) tests/run.sh -- --

demo:
	$(Q)tests/deps.sh demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)exec env B=$(B) haproxy/demo.sh	# no shell in between that would keep its SIGTERM

bench: deps
	$(Q)$(MAKE) --no-print-directory all $(BENCH)
	$(Q)B=$(B) tests/bench/run.sh

bench-solver: deps
	$(Q)$(MAKE) --no-print-directory $(B)/wasm/solver.js $(B)/wasm/reference.wasm
	$(Q)B=$(B) tests/bench/solver.py

bench-fast: deps
	$(Q)$(MAKE) --no-print-directory all $(BENCH)
	$(Q)B=$(B) tests/bench/fast.sh

bench-page: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)B=$(B) tests/bench/people.py

bench-edge: deps
	$(Q)$(MAKE) --no-print-directory all $(B)/tests/bench/longwire $(B)/tests/bench/mkpass
	$(Q)B=$(B) tests/bench/edge.py

fuzz:
	$(Q)B=$(B) T=$(T) tests/fuzz.sh $(FUZZ)

soak: all $(BENCH)
	$(Q)B=$(B) T=$(T) tests/soak.sh

lint: deps
	$(Q)$(MAKE) -s B=$(B)/lint CFLAGS='-O2 -g -Werror' all
	$(Q)tests/lint.sh

format:
	$(Q)clang-format -i $$(git ls-files '*.[ch]')

install: all
	install -D -m 755 $(B)/ammit $(DESTDIR)$(PREFIX)/bin/ammit
	install -D -m 644 contrib/systemd/ammit.service $(DESTDIR)$(PREFIX)/lib/systemd/system/ammit.service
	install -D -m 644 contrib/man/ammit.1 $(DESTDIR)$(PREFIX)/share/man/man1/ammit.1
	install -D -m 644 contrib/man/ammit.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/ammit.conf.5
	install -D -m 644 contrib/man/ammit-protocol.7 $(DESTDIR)$(PREFIX)/share/man/man7/ammit-protocol.7
	install -d $(DESTDIR)$(PREFIX)/share/ammit/haproxy $(DESTDIR)$(PREFIX)/share/ammit/policies
	install -m 644 $(HAPROXY_FILES) contrib/ammit.conf $(DESTDIR)$(PREFIX)/share/ammit/haproxy
	for d in prometheus nginx caddy traefik theme tor wireguard; do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/ammit/$$d contrib/$$d/* || exit 1; done
	VERSION=$(VERSION) contrib/kubernetes/collect.sh $(DESTDIR)$(PREFIX)/share/ammit/kubernetes
	cd policies && find . ! -type d -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/ammit/policies/{} \;

deb:
	$(Q)B=$(B) VERSION=$(VERSION) contrib/debian/build.sh

image: all
	$(Q)B=$(B) VERSION=$(VERSION) contrib/image/build.sh

kubernetes:
	$(Q)VERSION=$(VERSION) contrib/kubernetes/collect.sh $(B)/kubernetes

clean:
	rm -rf $(B)

FORCE:
.PHONY: all check check-installed deps unit e2e demo bench bench-solver bench-page bench-edge bench-fast fuzz soak lint format install deb image kubernetes clean FORCE
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
