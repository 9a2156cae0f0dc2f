#!/bin/bash
# Fuzzes each target for T seconds with clang's libFuzzer, AddressSanitizer and UBSan:
#   B=build T=60 tests/fuzz.sh NAME…
# New inputs that reach new code join $B/fuzz/corpus/NAME; a crash is written to
# tests/fuzz/corpus/NAME/crash-…, where `make check` replays it from then on.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build} T=${T:-60}
[ $# -gt 0 ] || { echo "fuzz: no targets" >&2; exit 1; }

out=$B/fuzz
mkdir -p "$out"
clang=$(command -v clang) || { echo "fuzz: needs clang: tests/deps.sh installs it" >&2; exit 1; }

# The same objects as ever, with coverage: the Makefile builds them, only not what has a main.
make -s B="$out" CC="$clang" CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
	"$out/libspoa.a" "${@/#/$out/tests/fuzz/}" || exit 1

libraries=$(pkg-config --libs libcrypto libpcre2-8 libcjson libmicrohttpd libfyaml libmaxminddb libcares zlib)
failed=0
for name; do
	seeds=tests/fuzz/corpus/$name
	mkdir -p "$out/corpus/$name" "$seeds"
	# shellcheck disable=SC2086
	"$clang" -g -fsanitize=fuzzer,address,undefined -o "$out/$name" "$out/tests/fuzz/$name.o" \
		"$out/libspoa.a" $libraries -lev -lm -pthread || exit 1
	if "$out/$name" -max_total_time="$T" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$seeds/crash-" "$out/corpus/$name" "$seeds" >"$out/$name.log" 2>&1; then
		printf '  ok    %s (%s runs)\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log")"
	else
		printf '  FAIL  %s\n' "$name"
		tail -n 40 "$out/$name.log"
		failed=1
	fi
done
exit $failed
