#!/bin/bash
# The question not asked, side by side: HAProxy without Ammit, the same with the filter that is never
# used, with haproxy/edge-fast.cfg (visitors remembered; passes checked by HAProxy), with
# haproxy/edge.cfg (asked each time). Called by make bench-fast.
#
#   B=build  build folder          R=15  rounds, interleaved; all figures are medians of them
#   W=1      Ammit's workers       S=1   seconds of each run
#   HAPROXY=haproxy                POLICY=  the policy (the built-in one)
#
# The files are those that are shipped, but for three lines: no log is written (in none of the cases),
# where HAProxy answers by itself the site is one line, and `rate` is not sent, nor a bound on it set:
# all requests come from one address here. They are for 200 paths in turn. Loopback and unix sockets only.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build} R=${R:-15} S=${S:-1} W=${W:-1}
HAPROXY=${HAPROXY:-haproxy} POLICY=${POLICY:-}
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
# shellcheck disable=SC2034
wrk_script=tests/bench/paths.lua

declare -A case_port case_haproxy
cases=(plain filter remembered jwt asked)
declare -A title=([plain]='HAProxy without Ammit' [filter]='filter attached, nothing asked'
	[remembered]='remembered visitor' [jwt]='pass checked by HAProxy' [asked]='Ammit asked each time')

site() { # nginx on a free port, which is in $site
	local try port
	mkdir -p "$dir/nginx"
	for try in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 20000))
		cat >"$dir/nginx.conf" <<-CONF
			daemon off; worker_processes 1; pid $dir/nginx/pid; error_log stderr crit;
			events { worker_connections 1024; }
			http {
				access_log off; keepalive_requests 1000000;
				client_body_temp_path $dir/nginx/1; proxy_temp_path $dir/nginx/2; fastcgi_temp_path $dir/nginx/3;
				uwsgi_temp_path $dir/nginx/4; scgi_temp_path $dir/nginx/5;
				server { listen 127.0.0.1:$port; location / { return 200 "ok\n"; } }
			}
		CONF
		start nginx nginx -c "$dir/nginx.conf" -p "$dir/nginx"
		site=127.0.0.1:$port
		until listens "$port" || ! alive "$started"; do sleep 0.05; done
		alive "$started" && return
	done
	die "nginx does not start (tried $try ports): $(cat "$dir/nginx.log")"
}

shipped() { # FILE KIND: a copy of a shipped file for this bench
	# shellcheck disable=SC2016
	sed -e '/^    log     global$/d' -e 's/^    bind "${AMMIT_BIND}"/    bind "127.0.0.1:${BENCH_PORT}"/' "haproxy/$1" |
		if [ "$2" = return ]; then
			sed 's/^backend site$/&\n    http-request return status 200 content-type text\/plain string "ok\\n"/'
		else
			cat
		fi >"$dir/$2.$1"
}
set_case() { # KIND CASE ENV… FILE
	front_end "$1.$2" "${@:3:$#-3}" "$HAPROXY" -db -f "${*: -1}"
	case_port[$1.$2]=$port case_haproxy[$1.$2]=$started
}
run_case() { # KIND.CASE SECONDS
	load "$1" "${case_port[$1]}" "${case_haproxy[$1]}" "$ammit_pid" "$2" "${browser_headers[@]}" \
		"Cookie: _ga=GA1.1.1234567890.1234567890; ammit=$pass; lang=de"
}

set_up() { # KIND
	local env=() ammit=(AMMIT_SPOP="unix@$dir/ammit.sock" AMMIT_HTTP="unix@$dir/http.sock"
		AMMIT_DRIP="unix@$dir/drip.sock" AMMIT_SPOE_CONF="$dir/spoe.conf" AMMIT_SITE="$site"
		AMMIT_FAST_LIST="$dir/list" AMMIT_FAST_FOR="$fingerprint" AMMIT_FAST_RATE=1000000000)
	[ "$1" = return ] || env=(BENCH_SITE="$site")
	shipped edge-fast.cfg "$1"
	shipped edge.cfg "$1"
	set_case "$1" plain "${env[@]}" tests/bench/fast.cfg
	set_case "$1" filter "${env[@]}" BENCH_SPOE_CONF="$dir/spoe.conf" tests/bench/fast.cfg
	set_case "$1" remembered "${ammit[@]}" "$dir/$1.edge-fast.cfg"
	set_case "$1" jwt "${ammit[@]}" AMMIT_FAST_JWT=1 AMMIT_FAST_LEVEL=20 "${keys[@]}" "$dir/$1.edge-fast.cfg"
	set_case "$1" asked "${ammit[@]}" "$dir/$1.edge.cfg"
}

part() { # KIND WORDS
	local name order row rate wrong agent kind=$1
	for name in "${cases[@]}"; do
		row=$(run_case "$kind.$name" 1) || exit 1
		read -r _ rate _ _ _ agent wrong _ <<<"$row"
		[ "$wrong" -eq 0 ] || die "case $name: $wrong of about $rate answers were wrong"
	done
	: >"$dir/$kind"
	for ((round = 1; round <= R; round++)); do
		order=("${cases[@]}")
		[ $((round % 2)) -eq 1 ] || order=(asked jwt remembered filter plain)
		for name in "${order[@]}"; do
			[ -t 2 ] && printf '\r  %s, round %d of %d, %s ' "$kind" "$round" "$R" "$name" >&2
			row=$(run_case "$kind.$name" "$S") || exit 1
			echo "${row#"$kind".} $round" >>"$dir/$kind"
		done
	done
	[ -t 2 ] && printf '\r\033[K' >&2
	awk '{ rps[$10, $1] = $2; cpu[$10, $1] = $9; rounds[$10] = 1; names[$1] = 1 }
	END {
		for (r in rounds)
			for (n in names)
				printf "%s %.4f %.4f\n", n, rps[r, n] / rps[r, "plain"], cpu[r, "plain"] / cpu[r, n]
	}' "$dir/$kind" >"$dir/$kind.ratios"
	printf '\n%s\n   %-32s %8s %9s %8s %8s %9s %9s %6s\n' "$2" '' req/s 'haproxy' 'agent' '/plain' \
		'(low-' 'high)' 'by CPU'
	printf '   %-32s %8s %9s %8s\n' '' '' 'us/req' 'us/req'
	for name in "${cases[@]}"; do
		agent=$(median "$name" 6 "$dir/$kind")
		[ "$name" != remembered ] && [ "$name" != jwt ] || awk -v a="$agent" 'BEGIN { exit a > 0.3 }' ||
			die "case $name: Ammit was asked ($agent us a request)"
		read -r mid low high < <(stats "$name" 2 "$dir/$kind.ratios")
		printf '   %-32s %8.0f %9.2f %8.2f %8.3f %9.3f %9.3f %6.3f\n' "${title[$name]}" \
			"$(median "$name" 2 "$dir/$kind")" "$(median "$name" 5 "$dir/$kind")" "$agent" "$mid" \
			"$low" "$high" "$(median "$name" 3 "$dir/$kind.ratios")"
	done
	mid=$(median remembered 2 "$dir/$kind.ratios")
	printf '   remembered / plain: %.3f, target 0.9: %s\n' "$mid" \
		"$(awk -v v="$mid" 'BEGIN { print (v >= 0.9 ? "met" : "MISSED") }')"
}

policy=()
[ -z "$POLICY" ] || policy=(--policy "$POLICY")
mkdir "$dir/state"
agent ammit "$B/ammit" run "${policy[@]}" --state-dir "$dir/state" --workers "$W" --log-level warn \
	--drip "unix@$dir/drip.sock" --control "unix@$dir/control.sock" --spop "unix@$dir/ammit.sock" \
	--http "unix@$dir/http.sock"
ammit_pid=$started
pass=$("$bench/mkpass" "$dir/state/key" "$host" 127.0.0.1) || die "no pass"
mapfile -t keys < <("$B/ammit" haproxy jwt-keys --state-dir "$dir/state" | sed -n 's/^ *setenv \([A-Z_]*\) *"\(.*\)"$/\1=\2/p')
"$B/ammit" haproxy ask "${policy[@]}" >"$dir/list" || die "no list"
fingerprint=$(sed -n 's/^# fingerprint //p' "$dir/list")
sed '/^    args \(pass\.\)\?rate=/d' haproxy/ammit.spoe.conf >"$dir/spoe.conf"
command -v nginx >/dev/null || die "nginx is missing; tests/deps.sh installs it"
site
set_up return
set_up proxied

echo "Ammit bench-fast: $("$HAPROXY" -v | head -1)"
echo "$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r);" \
	"load generator, HAProxy, site and agent share these cores"
echo "Medians of $R interleaved rounds of $S s; ratios are taken within a round. By CPU: of load generator,"
echo "HAProxy and agent a request, which says more than req/s on a busy machine."
part return '1. HAProxy answers by itself'
part proxied '2. The site is a local nginx'
printf '   CPU taken by others, %% of all cores: median %.0f (the site too)\n' \
	"$(awk '{ print "x", $8 }' "$dir/return" "$dir/proxied" >"$dir/foreign" && median x 2 "$dir/foreign")"
