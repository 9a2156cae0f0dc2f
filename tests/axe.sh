#!/bin/sh
# Fetches axe-core, which Debian has not, as build/axe/axe.min.js: out of a Python package that brings
# it along, at one version and with one hash. Nothing of that package is installed or run.
#   tests/axe.sh
# Where it cannot be fetched it says so and succeeds: the tests with axe-core are skipped then, and
# say that too.
set -eu
cd "$(dirname "$0")/.."

package=axe-playwright-python==0.1.8	# brings axe-core 4.12.1
sha256=fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8
file=axe_playwright_python/axe.min.js

out=${B:-build}/axe
[ ! -s "$out/axe.min.js" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if tests/fetch.sh "$package" $sha256 "$work"; then
	mkdir -p "$out"
	/usr/bin/python3 - "$work"/*.whl $file >"$work/axe.min.js" <<-'PYTHON'
	import sys, zipfile
	sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))
	PYTHON
	mv "$work/axe.min.js" "$out/axe.min.js"
	echo "axe: axe-core is in $out"
else
	echo "axe: axe-core could not be fetched, the tests with it will be skipped:" >&2
	tail -n 2 "$work/log" >&2
fi
