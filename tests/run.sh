#!/bin/bash
# Runs tests and counts them. Called by the Makefile:
#   B=build SAN= tests/run.sh [--no-e2e] UNIT_PROGRAM… -- FUZZ_NAME…
# One line a program, all the output of one that fails; then the corpora, then end to end. The last
# line is always "N passed, N failed"; exit status 1 if anything failed or nothing ran.
set -u
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
export B SAN=${SAN:-}
e2e=yes
[ "${1:-}" != --no-e2e ] || { e2e=no; shift; }

passed=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

report() { # GOOD BAD NAME NOTE: count, and show the output of what failed
	passed=$((passed + $1)) failed=$((failed + $2))
	if [ "$2" = 0 ]; then
		printf '  ok    %s (%s)\n' "$3" "$4"
	else
		printf '  FAIL  %s\n' "$3"
		sed 's/^/        /' "$out"
	fi
}
number() { # REGEX: the number before it in the last line of the output, 0 if there is none
	local n
	n=$(tail -n 1 "$out" | grep -oE "[0-9]+ $1")
	echo "${n%% *}" | grep . || echo 0
}

unit() { # PROGRAM
	local status good bad
	timeout -k 5 300 "$1" >"$out" 2>&1
	status=$?
	good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$out" | tail -n 1)
	bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$out" | tail -n 1)
	good=${good:-0} bad=${bad:-0}
	# A crash, a leak at the end, or no test at all: one failure that cmocka does not count.
	if [ "$bad" = 0 ] && { [ $status != 0 ] || [ "$good" = 0 ]; }; then
		bad=1
		echo "exit status $status" >>"$out"
	fi
	report "$good" "$bad" "${1#"$B"/tests/}" "$good tests"
}

corpus() { # FUZZ_NAME: the whole corpus is one test
	local files=(tests/fuzz/corpus/"$1"/*)
	if [ ! -e "${files[0]}" ]; then
		echo "tests/fuzz/corpus/$1 is empty" >"$out"
		report 0 1 "corpus/$1" ""
	elif timeout -k 5 300 "$B/tests/fuzz/$1" "${files[@]}" >"$out" 2>&1; then
		report 1 0 "corpus/$1" "${#files[@]} files"
	else
		report 0 1 "corpus/$1" ""
	fi
}

end_to_end() {
	local status side_by_side=()
	# Most of them wait most of the time. A file stays together: its tests share what they stand on.
	! /usr/bin/python3 -c 'import xdist' 2>/dev/null || side_by_side=(-n 2 --dist loadfile)
	# Debian's own Python: another one in PATH does not see Debian's pytest and selenium.
	/usr/bin/python3 -B -m pytest -p no:cacheprovider -q -rs "${side_by_side[@]}" tests/e2e 2>&1 | tee "$out"
	status=${PIPESTATUS[0]}
	passed=$((passed + $(number passed)))
	failed=$((failed + $(number failed) + $(number 'errors?')))
	# Interrupted, no tests found, a broken conftest: pytest counts none of these.
	if [ "$status" != 0 ] && [ $(($(number failed) + $(number 'errors?'))) = 0 ]; then
		failed=$((failed + 1))
	fi
}

fuzz=no
for name; do
	if [ "$name" = -- ]; then
		fuzz=yes
	elif [ $fuzz = yes ]; then
		corpus "$name"
	else
		unit "$name"
	fi
done
[ $e2e = no ] || end_to_end

echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
