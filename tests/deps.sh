#!/bin/sh
# Installs from Debian 12 what is missing, and says what. Asks nothing, and needs no network when
# everything is there.
#   tests/deps.sh         all that `make check` and `make lint` need
#   tests/deps.sh demo    only what builds and runs: no browser, no test tools
set -eu

build="make gcc libc6-dev pkg-config libev-dev libssl-dev libcjson-dev libpcre2-dev libmicrohttpd-dev libfyaml-dev
	libmaxminddb-dev libc-ares-dev zlib1g-dev libcurl4-openssl-dev clang lld"
# libavcodec59 has H.264 for Firefox; the fonts are those of the page's languages.
# libcurl4 is loaded when somebody is asked (ammit solve), and not linked.
run="haproxy libcurl4"
check="libcmocka-dev curl openssl python3 python3-pytest python3-pytest-xdist python3-selenium python3-pip chromium
	chromium-driver firefox-esr libavcodec59 fonts-noto-core fonts-wqy-microhei w3m lynx tmux faketime iproute2 valgrind wrk cgit lighttpd nginx-light caddy rbldnsd unbound shellcheck
	clang-format libclang-rt-14-dev git tor wireguard-go wireguard-tools iputils-ping umoci skopeo python3-yaml
	python3-jsonschema"

want="$build $run"
[ "${1:-}" = demo ] || want="$want $check"

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

# A bare machine has no /etc/hosts, and chromedriver asks for itself by name.
if [ "${1:-}" != demo ] && ! getent hosts localhost >/dev/null; then
	echo "deps: /etc/hosts gets a line for localhost"
	echo '127.0.0.1 localhost' | $as_root tee -a /etc/hosts >/dev/null
fi

installed() { # PACKAGE
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}
missing=
for package in $want; do
	installed "$package" || missing="$missing $package"
done
axe() { # not Debian's, and done without where they cannot be had
	[ "${1:-}" = demo ] || { "$(dirname "$0")/axe.sh" && "$(dirname "$0")/kubernetes.sh"; }
}
if [ -z "$missing" ]; then
	axe "$@"
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "deps: missing:$missing; this is no Debian: install their like by hand" >&2
	exit 1
fi
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
	echo "deps: missing:$missing; install them as root: apt-get install$missing" >&2
	exit 1
fi
echo "deps: installing$missing"

# Nothing that is installed here starts because it is installed, nor at the next boot: the tests bring
# up what they need by themselves. Left alone is HAProxy (a demo may become a server), and what this
# machine had before.
strangers=
for service in caddy lighttpd nginx rbldnsd tor unbound; do
	[ -e "/lib/systemd/system/$service.service" ] || strangers="$strangers $service"
done
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
clean_up() {
	rm -f "$log"
	[ -z "${placed:-}" ] || $as_root rm -f "$policy"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
if [ ! -e "$policy" ]; then
	placed=yes
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
fi

apt() { # all output into the log, shown only if it fails
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q "$@" >"$log" 2>&1
}
# shellcheck disable=SC2086
if ! apt -y --no-install-recommends install $missing; then
	# Unknown or outdated package lists.
	if ! { apt update && apt -y --no-install-recommends install $missing; }; then
		cat "$log" >&2
		echo "deps: could not install:$missing" >&2
		exit 1
	fi
fi
if command -v systemctl >/dev/null; then
	for service in $strangers; do
		[ ! -e "/lib/systemd/system/$service.service" ] || $as_root systemctl disable -q "$service" 2>/dev/null ||
			echo "deps: note: $service starts at the next boot; nothing here needs that: systemctl disable $service" >&2
	done
fi
echo "deps: done"
axe "$@"
