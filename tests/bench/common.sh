# What the benches share: a folder of their own, processes that end with them, figures, and a request
# of a browser. Sourced, with B and HAPROXY set, in the folder of the sources.

# shellcheck shell=bash disable=SC2034
bench=$B/tests/bench
host=git.example.org
chrome='Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
browser_headers=("Host: $host" "User-Agent: $chrome"
	'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'
	'Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7' 'Accept-Encoding: gzip, deflate, br, zstd'
	'Sec-Fetch-Mode: navigate' 'Sec-Fetch-Dest: document' 'Sec-Fetch-Site: same-origin'
	"Referer: https://$host/explore/repos" 'Upgrade-Insecure-Requests: 1')

pids=()
dir=$(mktemp -d "${TMPDIR:-/tmp}/ammit-bench.XXXXXX") || exit 1
clean() {
	trap - EXIT
	stop "${pids[@]}"
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

die() {
	echo "bench: $*" >&2
	exit 1
}
for tool in wrk "$HAPROXY"; do
	command -v "$tool" >/dev/null || die "$tool is missing; tests/deps.sh installs it"
done
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -Hn)"

# Processes.

start() { # NAME COMMAND…: in the background; its pid is in $started
	local name=$1
	shift
	"$@" >"$dir/$name.log" 2>&1 </dev/null &
	started=$!
	pids[started]=$started
}
alive() { kill -0 "$1" 2>/dev/null; }
stop() { # PID…: of ours; SIGKILL for who is still there after 5 seconds
	local pid end=$((SECONDS + 5))
	for pid; do
		unset "pids[$pid]"
		kill "$pid" 2>/dev/null
	done
	for pid; do
		while alive "$pid" && [ "$SECONDS" -lt "$end" ]; do sleep 0.05; done
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}
until_true() { # COMMAND…: at most 10 seconds
	local end=$((SECONDS + 10))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}
answers() { "$bench/spopload" -a "unix@$1" -n 1 >/dev/null 2>&1; }
agent() { # NAME COMMAND…: an agent that will answer on $dir/NAME.sock
	start "$@"
	until_true answers "$dir/$1.sock" || {
		cat "$dir/$1.log" >&2
		die "$1 does not answer on its SPOP socket"
	}
}
listens() { (: </dev/tcp/127.0.0.1/"$1") 2>/dev/null; }
front_end() { # NAME COMMAND…: HAProxy on a free port, which is in $port and its $BENCH_PORT
	local try pid
	for try in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 20000))
		start "$1.haproxy" env BENCH_PORT="$port" "${@:2}"
		pid=$started
		until alive "$pid" && listens "$port" || ! alive "$pid"; do sleep 0.05; done
		alive "$pid" && return
	done
	cat "$dir/$1.haproxy.log" >&2
	die "haproxy does not start (tried $try ports)"
}

# Measures.

cpu_ns() { # PID: CPU of all its threads so far
	cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ n += $1 } END { printf "%.0f\n", n }'
}
machine_ticks() { # of the whole machine: busy, interrupts among them, then stolen
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $9 }' /proc/stat
}
met() { # VALUE LIMIT
	awk -v v="$1" -v l="$2" 'BEGIN { print (v <= l ? "met" : "MISSED") }'
}
field() { # NAME: of a line of name=value on standard input
	tr ' ' '\n' | sed -n "s/^$1=//p"
}
rss_kib() { awk '/^VmRSS/ { print $2 }' /proc/"$1"/status; }

# Median and spread of column $2 over the rows that begin with $1 in file $3.
stats() {
	awk -v key="$1" -v col="$2" '$1 == key { v[n++] = $col }
	END {
		for (i = 1; i < n; i++)
			for (j = i; j > 0 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		m = n % 2 ? v[int(n / 2)] : (v[n / 2 - 1] + v[n / 2]) / 2
		print m + 0, v[0] + 0, v[n - 1] + 0
	}' "$3"
}
median() { stats "$@" | cut -d' ' -f1; }

# One run of wrk: a row `CASE req/s p50_ms p99_ms haproxy_us agent_us wrong foreign_% all_us`,
# where all_us is the CPU of load generator, HAProxy and agent together. wrk_script, if set: one for wrk.
load() { # CASE PORT HAPROXY_PID AGENT_PID|0 SECONDS HEADER…
	local name=$1 port=$2 hap=$3 agt=$4 seconds=$5 args=() h0 h1 a0 a1 m0 m1
	shift 5
	for h in "$@"; do args+=(-H "$h"); done
	h0=$(cpu_ns "$hap") a0=$(cpu_ns "$agt") m0=$(machine_ticks)
	{ TIMEFORMAT='self %U %S' && time timeout --foreground $((seconds + 20)) wrk -t2 -c64 -d"${seconds}s" \
		${wrk_script:+-s "$wrk_script"} --latency "${args[@]}" "http://127.0.0.1:$port/torvalds/linux?page=2" >"$dir/wrk" 2>&1; } \
		2>"$dir/wrk.cpu"
	h1=$(cpu_ns "$hap") a1=$(cpu_ns "$agt") m1=$(machine_ticks)
	cat "$dir/wrk.cpu" "$dir/wrk" | awk -v name="$name" -v hap=$((h1 - h0)) -v agt=$((a1 - a0)) \
		-v m0="$m0" -v m1="$m1" -v hz="$(getconf CLK_TCK)" -v cores="$(nproc)" -v s="$seconds" '
	function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
	$1 == "self" { own = $2 + $3 }
	$1 == "50%" { p50 = ms($2) }
	$1 == "99%" { p99 = ms($2) }
	/requests in/ { n = $1 }
	/^Requests\/sec:/ { rps = $2 }
	/Non-2xx/ { wrong += $NF }
	/Socket errors/ { gsub(",", ""); wrong += $4 + $6 + $8 + $10 }
	END {
		if (n == 0) exit 1
		split(m0, a, " "); split(m1, b, " ")
		foreign = (b[1] - a[1] + b[2] - a[2]) / hz - own - (hap + agt) / 1e9
		printf "%s %.0f %.3f %.3f %.2f %.2f %d %.1f %.3f\n", name, rps, p50, p99, hap / 1000 / n,
			agt / 1000 / n, wrong, (foreign > 0 ? foreign : 0) * 100 / s / cores,
			own * 1e6 / n + (hap + agt) / 1000 / n
	}' || die "wrk failed in case $name: $(cat "$dir/wrk")"
}
