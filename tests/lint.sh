#!/bin/bash
# Checks that a compiler run does not make. Each prints what broke; any break fails.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0
bad() { echo "lint: $*"; status=1; }

# Ours: what git tracks or would track.
if git rev-parse --git-dir >/dev/null 2>&1; then
	mapfile -t files < <(git ls-files -co --exclude-standard | while read -r f; do [ -f "$f" ] && echo "$f"; done)
else
	mapfile -t files < <(find . -path ./build -prune -o -type f -print | sed 's,^\./,,')
fi
matching() { # REGEX: files whose name matches
	printf '%s\n' "${files[@]}" | grep -E "$1"
}
mapfile -t c_files < <(matching '^(spoa|tests)/.*\.[ch]$')
mapfile -t headers < <(matching '^(spoa|tests)/.*\.h$')
mapfile -t shells < <(matching '\.sh$|^\.ci/run$')

# A layer may include itself and those before it.
layers="base net spop policy token challenge onion daemon cli"
below=
for layer in $layers; do
	below="$below${below:+|}$layer"
	# embed/ is what the build makes of files.
	grep -nHE '^#include "' spoa/"$layer"/*.[ch] 2>/dev/null |
		grep -vE "#include \"($below|embed)/" && bad "$layer includes upward"
done
for folder in spoa/*/; do
	case " $layers " in *" $(basename "$folder") "*) ;; *) bad "$folder is no layer" ;; esac
done

# Each library has one door.
door() { # HEADER_REGEX FILE_REGEX
	grep -lrE "^#include <($1)" spoa | grep -vE "^($2)\$" && bad "<$1> outside $2"
}
door 'openssl/' 'spoa/base/crypto\.c'
door '(cjson/)?cJSON' 'spoa/base/json\.c'
door 'libfyaml' 'spoa/base/yaml\.c'
door 'maxminddb' 'spoa/base/mmdb\.c'
door 'pcre2' 'spoa/policy/regex\.c'
door 'microhttpd' 'spoa/net/http\.c'
door 'ares' 'spoa/net/resolver[a-z_]*\.c'
door 'curl/' 'spoa/net/web\.c'
door 'ev\.h' 'spoa/(net|daemon)/[a-z_]+\.[ch]'

# spop, policy and token are pure: no descriptor, no loop, no clock, no log.
grep -nE '^#include (<(sys/socket|unistd|poll|pthread|time)\.h>|"base/(log|clock|file)\.h")' \
	spoa/{spop,policy,token}/*.[ch] && bad 'a pure layer touches the world'

# Every header compiles alone, and says so in its first line.
for header in "${headers[@]}"; do
	head -n 1 "$header" | grep -qx '#pragma once' || bad "$header does not begin with #pragma once"
	printf '#include "%s"\n' "$header" |
		gcc -std=c11 -D_GNU_SOURCE -I. -Ispoa -Itests -Wall -Wextra -Werror -Wno-unused \
			-fsyntax-only -x c - || bad "$header does not compile alone"
done

# Functions that we do not call.
banned='strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|gmtime|localtime|ctime|atoi|gets'
grep -nHE "(^|[^_[:alnum:]])($banned)\(" "${c_files[@]}" && bad 'banned function'

# Unfinished work, and names of hosts that are nobody's business.
grep -nHE '\b(TO[D]O|FIX[M]E|XX[X])\b' "${c_files[@]}" "${shells[@]}" && bad 'unfinished'
registry='registry[.]|pypi[.]org|proxy[.]golang|npmjs[.]|crates[.]io|docker[.]io|hub[.]docker|ghcr[.]io'
grep -nHIE "$registry" "${files[@]}" && bad 'the name of a registry host'

clang-format --dry-run -Werror "${c_files[@]}" || bad 'format: make format'
shellcheck -x "${shells[@]}" || bad shellcheck
/usr/bin/python3 -B - "${files[@]}" <<'PYTHON' || bad 'python does not compile'
import sys
for name in sys.argv[1:]:
    if name.endswith(".py"):
        compile(open(name).read(), name, "exec")
PYTHON

# What HAProxy says of the shipped configuration: not one warning.
if command -v haproxy >/dev/null; then
	for cfg in edge edge-fast; do
		said=$(AMMIT_SPOE_CONF=haproxy/ammit.spoe.conf AMMIT_FAST_LIST=haproxy/ammit-ask.lst \
			haproxy -c -f haproxy/$cfg.cfg 2>&1) || bad "haproxy/$cfg.cfg is refused"
		echo "$said" | grep -E 'WARNING|ALERT' && bad "haproxy complains about haproxy/$cfg.cfg"
	done
fi

[ $status != 0 ] || echo "lint: ok (${#c_files[@]} C files, ${#shells[@]} scripts)"
exit $status
