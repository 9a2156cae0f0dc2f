#!/bin/bash
# Load through a real HAProxy for T seconds while Ammit is reloaded, stopped, killed and started, and
# garbage comes in on its socket. Not one request may fail (the route is open), and memory and
# descriptors must not grow.
#   B=build T=60 tests/soak.sh
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build} T=${T:-60}
haproxy=$(PATH=$PATH:/usr/sbin command -v haproxy) || { echo "soak: haproxy is missing: tests/deps.sh" >&2; exit 1; }
command -v wrk >/dev/null || { echo "soak: wrk is missing: tests/deps.sh" >&2; exit 1; }

dir=$(mktemp -d) || exit 1
ammit='' edge='' site='' load=''
clean_up() {
	local pid
	for pid in $load $edge $site $ammit; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
	echo "soak: $1" >&2
	[ ! -s "$dir/ammit.log" ] || tail -n 20 "$dir/ammit.log" >&2
	exit 1
}
within() { # COMMAND…: until it succeeds
	local end=$((SECONDS + 20))
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || fail "waited in vain: $*"
		sleep 0.02
	done
}
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port=20000
while answers "$port"; do port=$((port + 1)); done
export AMMIT_BIND=127.0.0.1:$port AMMIT_SITE=unix@$dir/site.sock AMMIT_LOG=/dev/null
export AMMIT_SPOP=unix@$dir/spop.sock AMMIT_HTTP=unix@$dir/http.sock
export AMMIT_SPOE_CONF=haproxy/ammit.spoe.conf AMMIT_DEMO_PAGE=haproxy/demo-site.html

ready() { [ "$(grep -c ' ready ' "$dir/ammit.log")" = "$starts" ]; }
starts=0
start() {
	starts=$((starts + 1))
	"$B/ammit" run --spop "$AMMIT_SPOP" --http "$AMMIT_HTTP" --drip off --control off --state-dir "$dir/state" \
		</dev/null >>"$dir/ammit.log" 2>&1 &
	ammit=$!
	within ready
}
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$ammit/status"; }
descriptors() { find "/proc/$ammit/fd" -mindepth 1 | wc -l; }
garbage() {
	/usr/bin/python3 -c '
import random, socket, sys
for _ in range(200):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(sys.argv[1])
            s.sendall(random.randbytes(random.randrange(300)))
        except OSError:
            pass
' "$dir/spop.sock"
}

start
"$haproxy" -db -f haproxy/demo-site.cfg </dev/null >"$dir/site.log" 2>&1 &
site=$!
within test -S "$dir/site.sock"
"$haproxy" -db -f haproxy/edge.cfg </dev/null >"$dir/edge.log" 2>&1 &
edge=$!
within answers "$port"

# First the same process all the time: what grows, and does it stop growing?
wrk -t2 -c32 -d"$((T / 2 + 1))s" -H 'User-Agent: curl/7.88.1' "http://127.0.0.1:$port/page" >"$dir/wrk1" 2>&1 &
load=$!
sleep 2
before=$(resident) reloads=0
while kill -0 "$load" 2>/dev/null; do
	kill -HUP "$ammit" || fail "ammit has ended"
	garbage
	reloads=$((reloads + 1))
	sleep 0.2
done
wait "$load"
load=''
after=$(resident)

# Then one process after the other.
wrk -t2 -c32 -d"$((T / 2 + 1))s" -H 'User-Agent: curl/7.88.1' "http://127.0.0.1:$port/page" >"$dir/wrk2" 2>&1 &
load=$!
restarts=0
while kill -0 "$load" 2>/dev/null; do
	sleep 0.5
	if [ $((restarts % 2)) = 0 ]; then
		kill -KILL "$ammit"
	else
		kill -TERM "$ammit"
	fi
	wait "$ammit" 2>/dev/null
	restarts=$((restarts + 1))
	sleep 0.2
	start
done
wait "$load"
load=''

requests=$(cat "$dir/wrk1" "$dir/wrk2" | awk '/requests in/ { n += $1 } END { print n + 0 }')
bad=$(cat "$dir/wrk1" "$dir/wrk2" | grep -E 'Non-2xx|Socket errors')
echo "soak: $requests requests, $reloads reloads, $restarts restarts;" \
	"memory $before to $after KB, $(descriptors) descriptors at the end"
[ -z "$bad" ] || fail "requests failed: $bad"
[ "$requests" -gt 1000 ] || fail "hardly any request"
[ "$after" -lt $((before + before / 2 + 4096)) ] || fail "memory grows"
echo "soak: ok"
