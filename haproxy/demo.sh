#!/bin/bash
# HAProxy, Ammit and an example site on localhost, with the configuration that a real edge has.
# Ends with Ctrl-C and leaves nothing behind.
#   B=build haproxy/demo.sh         AMMIT_DEMO_PORT=N: this port, else 8080 or the next free one
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.." || exit 1
ammit=${B:-build}/ammit
haproxy=$(PATH=$PATH:/usr/sbin:/sbin command -v haproxy) || { echo "demo: haproxy is missing: tests/deps.sh demo" >&2; exit 1; }
[ -x "$ammit" ] || { echo "demo: $ammit is not built: make" >&2; exit 1; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/ammit-demo.XXXXXX") || exit 1
pids=() shower=

alive() { # PID: kill -0 would be content with a zombie
	readlink "/proc/$1/exe" >/dev/null 2>&1
}
clean_up() {
	trap '' INT TERM HUP
	local i turn
	# Last started, first ended: no request meets half of it.
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill -TERM "${pids[i]}" 2>/dev/null
		for ((turn = 0; turn < 100; turn++)); do
			alive "${pids[i]}" || break
			sleep 0.05
		done
		kill -KILL "${pids[i]}" 2>/dev/null
		wait "${pids[i]}" 2>/dev/null
	done
	[ -z "$shower" ] || { kill "$shower" && wait "$shower"; } 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 0' INT TERM HUP

fail() { # WHAT [LOG]
	echo "demo: $1" >&2
	[ ! -s "${2:-}" ] || sed 's/^/    /' "$2" >&2
	exit 1
}
within() { # PID LOG COMMAND…: until it succeeds; the process must live on, and 20 s are enough
	local pid=$1 log=$2 end=$((SECONDS + 20))
	shift 2
	until "$@" 2>/dev/null; do
		alive "$pid" || fail "it ended before it was ready:" "$log"
		[ $SECONDS -lt $end ] || fail "not ready after 20 s:" "$log"
		sleep 0.05
	done
}
answers() { # PORT: does anybody listen there?
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

port=${AMMIT_DEMO_PORT:-}
if [ -n "$port" ]; then
	if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
		fail "AMMIT_DEMO_PORT=$port is no port: 1 to 65535"
	fi
	! answers "$port" || fail "port $port is in use; leave AMMIT_DEMO_PORT unset to have a free one"
else
	for ((port = 8080; port < 8180; port++)); do
		answers "$port" || break
	done
fi
url=http://127.0.0.1:$port/

export AMMIT_BIND=127.0.0.1:$port AMMIT_SITE=unix@$dir/site.sock AMMIT_LOG=stdout
export AMMIT_SPOP=unix@$dir/spop.sock AMMIT_HTTP=unix@$dir/http.sock
export AMMIT_DRIP=unix@$dir/drip.sock
export AMMIT_SPOE_CONF=$here/ammit.spoe.conf AMMIT_DEMO_PAGE=$here/demo-site.html
unset AMMIT_USER AMMIT_CRT AMMIT_BIND_TLS AMMIT_SITE_PROXY AMMIT_SITE_CHECK AMMIT_PROXY_FROM AMMIT_LAN

"$ammit" run --spop "$AMMIT_SPOP" --http "$AMMIT_HTTP" --drip "$AMMIT_DRIP" --control "unix@$dir/control.sock" --state-dir "$dir/state" \
	</dev/null >"$dir/ammit.log" 2>&1 &
pids+=($!)
"$haproxy" -db -f "$here/demo-site.cfg" </dev/null >"$dir/site.log" 2>&1 &
pids+=($!)
within "${pids[0]}" "$dir/ammit.log" test -S "$dir/spop.sock" -a -S "$dir/http.sock"
within "${pids[1]}" "$dir/site.log" test -S "$dir/site.sock"

# HAProxy's log line of a request, made readable for people. Ends when HAProxy ends.
show() {
	local line="^([^ ]+) ([^ ]+) ([^ ]+) status=([^ ]+) verdict=([^ ]*) rule=\"?(.*[^\"])?\"? weight=([^ ]*) ref=([^ ]*) would=.* error=([^ ]*) ms="
	local verdict colour plain='' text
	[ ! -t 1 ] || plain=$'\e[0m'
	while IFS= read -r text; do
		[[ $text =~ $line ]] || { echo "  $text"; continue; }
		local method=${BASH_REMATCH[2]} path=${BASH_REMATCH[3]} status=${BASH_REMATCH[4]}
		local rule=${BASH_REMATCH[6]} weight=${BASH_REMATCH[7]} ref=${BASH_REMATCH[8]}
		local error=${BASH_REMATCH[9]}
		verdict=${BASH_REMATCH[5]#-}
		if [ "${error#-}" != '' ]; then
			verdict='no verdict' rule="error $error"
		elif [ "$verdict" = '' ]; then
			verdict=page rule="Ammit's own address"
		fi
		colour=
		if [ -n "$plain" ]; then
			case $verdict in
			allow) colour=$'\e[32m' ;;
			challenge) colour=$'\e[33m' ;;
			page) ;;
			*) colour=$'\e[31m' ;;
			esac
		fi
		[ "${ref#-}" = '' ] || rule="$rule, reference $ref"
		[ "${weight#-}" = '' ] || rule="$rule, weight $weight"
		printf '  %(%H:%M:%S)T  %s%-10s%s %s  %-4s %s  (%s)\n' -1 \
			"$colour" "$verdict" "$plain" "$status" "$method" "$path" "$rule"
	done
}
mkfifo "$dir/log" || exit 1
# Two threads that log to a pipe at once lose a line, and here every request is to be seen.
printf 'global\n    nbthread 1\n' >"$dir/thread.cfg"
show <"$dir/log" &
shower=$!
"$haproxy" -db -f "$here/edge.cfg" -f "$dir/thread.cfg" </dev/null >"$dir/log" 2>"$dir/edge.log" &
pids+=($!)
within "${pids[2]}" "$dir/edge.log" answers "$port"

cat <<TEXT

  Open this in a browser:

      $url

  It solves a challenge, a moment later you are on the site, and Ammit asks no more.
  And in another terminal:

      curl -A 'GPTBot/1.0' $url     a scraper on the policy's list: denied
      curl $url                     an honest tool: let through
TEXT
[ -z "${SSH_CONNECTION:-}" ] || cat <<TEXT

  The browser is on another machine? There: ssh -L $port:127.0.0.1:$port THIS-MACHINE
TEXT
cat <<TEXT

  Stop it with Ctrl-C. Each request is a line here:

READY $url
TEXT

# Until a signal comes, or one of them goes.
wait -n "${pids[@]}"
for i in 0 1 2; do
	alive "${pids[i]}" && continue
	logs=(ammit site edge)
	fail "${logs[i]} has ended:" "$dir/${logs[i]}.log"
done
