#!/bin/bash
# The bench, side by side: HAProxy alone, with a null agent, with Ammit; then the SPOP socket alone,
# instructions per verdict, memory. Called by make bench.
#
#   B=build  build folder          R=5  rounds, interleaved; all figures are medians of them
#   W=1      Ammit's workers       S=4  seconds of each HTTP run
#   HAPROXY=haproxy                POLICY=policies/default.yaml
#
# Loopback and unix sockets only; everything it starts it ends, and its folder goes with it.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build} R=${R:-5} S=${S:-4} W=${W:-1}
HAPROXY=${HAPROXY:-haproxy} POLICY=${POLICY:-policies/default.yaml}
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

front() { # NAME [AGENT VERDICT]: with tests/bench/bench.cfg
	local agent=()
	[ $# -eq 1 ] || agent=(BENCH_SPOP="unix@$dir/$2.sock" BENCH_VERDICT="$3"
		BENCH_SPOE_CONF="$PWD/haproxy/ammit.spoe.conf")
	front_end "$1" "${agent[@]}" "$HAPROXY" -db -f tests/bench/bench.cfg
}

# Part 1: requests through HAProxy. $cases lists them; each has a port, two pids and headers.

declare -A case_port case_haproxy case_agent
set_case() { # CASE AGENT_PID [NAME VERDICT]
	front "$1" "${@:3}"
	case_port[$1]=$port case_haproxy[$1]=$started case_agent[$1]=$2
}
run_case() { # CASE SECONDS
	local headers=("${browser_headers[@]}")
	case $1 in
	a | b | c) headers+=("Cookie: ammit=$pass_http") ;;
	d | e) headers=("Host: $host" 'User-Agent: curl/7.88.1' 'Accept: */*') ;;
	esac
	load "$1" "${case_port[$1]}" "${case_haproxy[$1]}" "${case_agent[$1]}" "$2" "${headers[@]}"
}
cases=(a b c d e f g)
declare -A title=([a]='HAProxy alone' [b]='null agent, pass' [c]='Ammit, visitor with a pass'
	[d]='null agent, curl' [e]='Ammit, curl' [f]='null agent, challenge' [g]='Ammit, tickets issued')
# What is compared: the same requests, another agent.
declare -A base=([c]=b [e]=d [g]=f)

http_part() {
	local round order row rate wrong
	for name in "${cases[@]}"; do
		row=$(run_case "$name" 1) || exit 1
		read -r _ rate _ _ _ _ wrong _ <<<"$row"
		[ "$wrong" -lt $((rate / 2)) ] || die "case $name: $wrong of about $rate answers were wrong"
	done
	: >"$dir/http"
	for ((round = 1; round <= R; round++)); do
		order=("${cases[@]}")
		# Back and forth, so that a drift of the machine hits both sides of a pair alike.
		[ $((round % 2)) -eq 1 ] || order=(g f e d c b a)
		for name in "${order[@]}"; do
			[ -t 2 ] && printf '\r  HTTP round %d of %d, case %s ' "$round" "$R" "$name" >&2
			row=$(run_case "$name" "$S") || exit 1
			echo "$row $round" >>"$dir/http"
		done
	done
	[ -t 2 ] && printf '\r\033[K' >&2
	# Pair by pair within a round: CASE/BASE ratio.
	awk '{ rps[$10, $1] = $2; cpu[$10, $1] = $9; rounds[$10] = 1 }
	END {
		n = split("b/a c/a d/a e/a f/a g/a c/b e/d g/f", pair, " ")
		for (r in rounds)
			for (i = 1; i <= n; i++) {
				split(pair[i], p, "/")
				printf "%s %.4f %.4f\n", pair[i], rps[r, p[1]] / rps[r, p[2]],
					cpu[r, p[2]] / cpu[r, p[1]]
			}
	}' "$dir/http" >"$dir/ratios"
}
http_report() {
	local name low high mid pair
	printf '\n1. HTTP: wrk -t2 -c64, keep-alive, %d x %d s each, agents on unix sockets\n' "$R" "$S"
	printf '   %-32s %8s %17s %7s %7s %9s %8s %6s %8s %6s\n' '' req/s '(lowest-highest)' 'p50 ms' \
		'p99 ms' 'haproxy' 'agent' '/(a)' '/null' wrong
	printf '   %-32s %8s %17s %7s %7s %9s %8s\n' '' '' '' '' '' 'us/req' 'us/req'
	for name in "${cases[@]}"; do
		read -r mid low high < <(stats "$name" 2 "$dir/http")
		printf '   (%s) %-28s %8.0f %17s %7.2f %7.2f %9.2f %8.2f %6s %8s %6d\n' "$name" \
			"${title[$name]}" "$mid" "($low-$high)" "$(median "$name" 3 "$dir/http")" \
			"$(median "$name" 4 "$dir/http")" "$(median "$name" 5 "$dir/http")" \
			"$(median "$name" 6 "$dir/http")" \
			"$([ "$name" = a ] || printf '%.2f' "$(median "$name/a" 2 "$dir/ratios")")" \
			"$([ -z "${base[$name]-}" ] || printf '%.3f' "$(median "$name/${base[$name]}" 2 "$dir/ratios")")" \
			"$(awk -v n="$name" '$1 == n { w += $7 } END { print w + 0 }' "$dir/http")"
	done
	for pair in c/b e/d g/f; do
		read -r mid low high < <(stats "$pair" 2 "$dir/ratios")
		printf '   %s over %d pairs: median %.3f, from %.3f to %.3f; target 0.95: %s; by CPU %.3f\n' \
			"$pair" "$R" "$mid" "$low" "$high" "$(met 0.95 "$mid")" \
			"$(median "$pair" 3 "$dir/ratios")"
	done
	echo '   by CPU: what load generator, HAProxy and agent need for a request, the same ratio; on a busy'
	echo '   machine it says more than requests per second'
	printf '   CPU taken by others on this machine, %% of all cores: median %.0f, worst %.0f\n' \
		"$(awk '{ print "x", $8 }' "$dir/http" >"$dir/foreign" && median x 2 "$dir/foreign")" \
		"$(stats x 2 "$dir/foreign" | cut -d' ' -f3)"
}

# Part 2: the socket alone.

spop_run() { # AGENT PID CONNS DEPTH MIX: a row `KEY rate p50_us p99_us cpu_ns ack_bytes`
	local line c0 c1
	c0=$(cpu_ns "$2")
	line=$("$bench/spopload" -a "unix@$dir/$1.sock" -c "$3" -d "$4" -t 1 -m "$5" -p "$pass_spop") ||
		die "spopload: $1 $3x$4 $5: $line"
	c1=$(cpu_ns "$2")
	echo "$1/$3x$4/$5 $(field rate <<<"$line") $(field p50_us <<<"$line") $(field p99_us <<<"$line")" \
		"$(((c1 - c0) / $(field verdicts <<<"$line"))) $(field ack_bytes <<<"$line")"
}
spop_part() {
	local shape mix
	for ((round = 1; round <= R; round++)); do
		for shape in '1 1' '8 8' '32 20'; do
			[ -t 2 ] && printf '\r  SPOP round %d of %d, %s ' "$round" "$R" "$shape" >&2
			# shellcheck disable=SC2086
			for mix in pass curl browser bot; do
				case $mix in
				pass | curl) spop_run null "$null_pid" $shape "$mix" ;;
				browser) spop_run null-challenge "$null_challenge_pid" $shape "$mix" ;;
				esac
				spop_run ammit "$ammit_pid" $shape "$mix"
			done
		done
	done >"$dir/spop" || exit 1
	[ -t 2 ] && printf '\r\033[K' >&2
}
spop_report() {
	local shape key what
	printf '\n2. The SPOP socket alone (spopload: one thread, unix socket, %d x 1 s each)\n' "$R"
	printf '   %-8s %-22s %-9s %11s %12s %16s %8s %8s %6s\n' connsxN agent visitor verdicts/s \
		'ns CPU each' 'verdicts/s CPU' 'p50 us' 'p99 us' 'ACK B'
	for shape in 1x1 8x8 32x20; do
		for what in null/pass ammit/pass null/curl ammit/curl null-challenge/browser \
			ammit/browser ammit/bot; do
			key=${what%/*}/$shape/${what#*/}
			printf '   %-8s %-22s %-9s %11.0f %12.0f %16.0f %8.1f %8.1f %6.0f\n' "$shape" \
				"${what%/*}" "${what#*/}" "$(median "$key" 2 "$dir/spop")" \
				"$(median "$key" 5 "$dir/spop")" \
				"$(median "$key" 5 "$dir/spop" | awk '{ print $1 ? 1e9 / $1 : 0 }')" \
				"$(median "$key" 3 "$dir/spop")" "$(median "$key" 4 "$dir/spop")" \
				"$(median "$key" 6 "$dir/spop")"
		done
	done
	for shape in 8x8 32x20; do
		for what in 'pass 1500' 'curl 3000' 'browser 3000' 'bot 3000'; do
			key=$(median "ammit/$shape/${what% *}" 5 "$dir/spop")
			printf '   %s, %s: %d ns of CPU a verdict, budget %d: %s\n' "$shape" "${what% *}" \
				"$key" "${what#* }" "$(met "$key" "${what#* }")"
		done
	done
}

# Part 3: instructions.

collected() { # COUNT MIX: instructions of a run of tests/bench/verdict
	timeout 300 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$bench/verdict" "$POLICY" "$1" "$2" 2>&1 | awk '/Collected/ { print $NF }'
}
verdict_part() {
	local mix line few many
	printf '\n3. The verdict path alone: decode, judge, seal, encode (tests/bench/verdict)\n'
	printf '   valgrind has no SHA instructions: where there is a MAC it counts more than the CPU does\n'
	printf '   %-9s %14s %22s   %s\n' visitor 'ns a verdict' 'instructions each' verdicts
	for mix in pass curl browser bot; do
		line=$("$bench/verdict" "$POLICY" 200000 "$mix") || die "verdict failed"
		few='' many=''
		if command -v valgrind >/dev/null; then
			few=$(collected 1000 "$mix") many=$(collected 3000 "$mix")
		fi
		printf '   %-9s %14s %22s   %s\n' "$mix" "$(field ns <<<"$line")" \
			"$([ -n "$few" ] && [ -n "$many" ] && echo $(((many - few) / 2000)) || echo 'no valgrind')" \
			"$(tr ' ' '\n' <<<"$line" | grep -E '^(allow|challenge|deny|drip)=[1-9]' | tr '\n' ' ')"
	done
}

# Part 4: memory.

memory_part() {
	local idle held pid loaded each before began
	agent fresh "${ammit[@]}" --drip "unix@$dir/fresh-drip.sock" --drip-rate 1024 --control "unix@$dir/fresh-control.sock" --spop "unix@$dir/fresh.sock" --http "unix@$dir/fresh-http.sock"
	pid=$started
	idle=$(rss_kib "$pid")
	start hold "$bench/spopload" -a "unix@$dir/fresh.sock" -c 1000 -d 0 -t 20
	until_true grep -q held=1000 "$dir/hold.log" || die "1,000 idle connections: $(cat "$dir/hold.log")"
	held=$(rss_kib "$pid")
	stop "$started"
	printf '\n4. Resident memory of Ammit (%d worker, %s)\n' "$W" "$POLICY"
	loaded=$(rss_kib "$ammit_pid") each=$(((held - idle) * 1024 / 1000))
	printf '   idle %d KiB; after the load above %d KiB, budget 12288: %s\n' "$idle" "$loaded" \
		"$(met "$loaded" 12288)"
	printf '   an idle SPOP connection %d bytes (of 1,000), budget 1024: %s\n' "$each" "$(met "$each" 1024)"
	before=$(rss_kib "$pid")
	start drips drip_visitors 2000
	until_true grep -q held=2000 "$dir/drips.log" || die "2,000 to be dripped: $(cat "$dir/drips.log")"
	began=$(cpu_ns "$pid")
	sleep "$S"
	each=$((($(rss_kib "$pid") - before) * 1024 / 2000))
	printf '   a dripping visitor %d bytes (of 2,000), budget 2048: %s; a piece each second %d ns of CPU\n' \
		"$each" "$(met "$each" 2048)" $((($(cpu_ns "$pid") - began) / (2000 * S)))
	stop "$started"
}
drip_visitors() { # N: who are dripped, until they are ended
	exec /usr/bin/python3 -c '
import socket, sys, time
held = []
for _ in range(int(sys.argv[2])):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[1])
    held[-1].sendall(b"GET / HTTP/1.1\r\n\r\n")
for s in held:
    s.recv(16)
print("held=%d" % len(held), flush=True)
while True:
    for s in held:
        s.recv(65536)
' "$dir/fresh-drip.sock" "$1"
}

# Part 5: as a policy grows.

scale_part() {
	local line ratio
	printf '\n5. As a policy grows: policy_judge alone, ratio to the smallest (tests/bench/scale)\n'
	"$bench/scale" >"$dir/scale" || die "scale failed"
	while read -r line; do
		if [ "$(field what <<<"$line")" = load ]; then
			printf '   %s prefixes load in %s s, budget 2: %s; at most %s MiB, budget 64: %s\n' \
				"$(field n <<<"$line")" "$(field seconds <<<"$line")" \
				"$(met "$(field seconds <<<"$line")" 2)" "$(field peak_mib <<<"$line")" \
				"$(met "$(field peak_mib <<<"$line")" 64)"
			continue
		fi
		ratio=$(field ratio <<<"$line")
		printf '   %-12s %9s %6s ns   ratio %s, budget 1.3: %s\n' "$(field what <<<"$line")" \
			"$(field n <<<"$line")" "$(field ns <<<"$line")" "$ratio" "$(met "$ratio" 1.3)"
	done <"$dir/scale"
}

# Part 6: the DNS.

dns_part() {
	local line port names=$dir/names user=() inflight
	printf '\n6. The DNS\n'
	printf '   A cached answer, policy_judge alone (tests/bench/dnscost), budget 150 ns for one list:\n'
	"$bench/dnscost" >"$dir/dnscost" || die "dnscost failed"
	while read -r line; do
		[ "$(field zones <<<"$line")" != 0 ] || continue
		printf '   %s, %s blocklists: %s ns more%s\n' "$(field clients <<<"$line")" \
			"$(field zones <<<"$line")" "$(field more <<<"$line")" \
			"$([ "$(field zones <<<"$line")" != 1 ] || echo ": $(met "$(field more <<<"$line")" 150)")"
	done <"$dir/dnscost"
	if ! command -v rbldnsd >/dev/null; then
		echo '   no rbldnsd: cold lookups are not measured'
		return
	fi
	[ "$(id -u)" != 0 ] || user=(-u rbldns)
	mkdir "$dir/zones"
	chmod 755 "$dir" "$dir/zones"
	# shellcheck disable=SC2016
	printf '$TTL 300\n:127.0.0.2:test\n127.0.0.2\n' >"$dir/zones/list"
	awk 'BEGIN { for (i = 0; i < 300000; i++) printf "%d.%d.%d.5.bl.test\n", i % 256, i / 256 % 256, i / 65536 }' >"$names"
	for _ in 1 2 3; do
		port=$((20000 + RANDOM % 20000))
		start rbldnsd rbldnsd -n "${user[@]}" -4 -b "127.0.0.1/$port" -w "$dir/zones" bl.test:ip4set:list
		until_true grep -qE 'started|unable|bind' "$dir/rbldnsd.log"
		alive "$started" && break
	done
	alive "$started" || die "rbldnsd does not start: $(cat "$dir/rbldnsd.log")"
	printf '   cold lookups through resolver and cache, rbldnsd on loopback, budget 100000 a second of a core:\n'
	for inflight in 16 64 128; do
		line=$("$bench/resolver" "127.0.0.1:$port" "$names" 200000 "$inflight" 64 | tr '\n' ' ')
		printf '   %3d in flight: %s\n' "$inflight" "$line"
	done
	stop "$started"
	printf '   hot names beside a flood of new ones (tests/bench/dnscache):\n'
	"$bench/dnscache" | sed 's/^/   /' || die "dnscache failed"
}

challenge_part() {
	echo
	echo "== challenge loop, by its own CPU time; budget 300000 solutions and 30000 pages a second of one core"
	"$bench/challenge" | sed 's/^/   /' || die "challenge failed"
}

# Part 7: solving, as ammit solve does.

mine_part() {
	printf '\n7. Native search for solutions, one thread, OpenSSL one by one beside it (tests/bench/mine)\n'
	"$bench/mine" | sed 's/^/   /' || die "mine failed"
}

mkdir "$dir/state"
ammit=("$B/ammit" run --policy "$POLICY" --state-dir "$dir/state" --workers "$W" --log-level warn)
agent ammit "${ammit[@]}" --drip "unix@$dir/drip.sock" --control "unix@$dir/control.sock" --spop "unix@$dir/ammit.sock" --http "unix@$dir/http.sock"
ammit_pid=$started
pass_http=$("$bench/mkpass" "$dir/state/key" "$host" 127.0.0.1) || die "no pass"
pass_spop=$("$bench/mkpass" "$dir/state/key" "$host" 192.0.2.10) || die "no pass"
agent null "$bench/nullagent" "unix@$dir/null.sock"
null_pid=$started
# The null ACK of a challenge is as long as Ammit's.
ack_bytes() {
	"$bench/spopload" -a "unix@$dir/$1.sock" -n 100 -m browser | field ack_bytes
}
agent probe "$bench/nullagent" "unix@$dir/probe.sock" -c -k 156
ticket=$((156 + $(ack_bytes ammit) - $(ack_bytes probe)))
stop "$started"
agent null-challenge "$bench/nullagent" "unix@$dir/null-challenge.sock" -c -k "$ticket"
null_challenge_pid=$started

set_case a 0
set_case b "$null_pid" null allow
set_case c "$ammit_pid" ammit allow
set_case d "$null_pid" null allow
set_case e "$ammit_pid" ammit allow
set_case f "$null_challenge_pid" null-challenge challenge
set_case g "$ammit_pid" ammit challenge

echo "Ammit bench: $("$B/ammit" --version 2>/dev/null | head -1), $("$HAPROXY" -v | head -1)"
echo "$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r);" \
	"load generator, HAProxy (2 threads) and agents share these cores"
echo "Figures are medians of $R interleaved rounds; ratios are taken pair by pair within a round."
http_part
http_report
spop_part
spop_report
verdict_part
memory_part
scale_part
dns_part
challenge_part
mine_part
