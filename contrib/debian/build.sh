#!/bin/sh
# Build the Debian package of this tree into $B/deb. Called by `make deb` with B and VERSION set.
set -eu

cd "$(dirname "$0")/../.."
: "${B:=build}" "${VERSION:?is set by make deb}"
out=$B/deb
tree=$out/ammit-$VERSION

if ! command -v dh >/dev/null || ! command -v dpkg-buildpackage >/dev/null; then
	echo "make deb needs: apt-get install debhelper dpkg-dev fakeroot" >&2
	exit 1
fi
said=$(dpkg-parsechangelog -l contrib/debian/changelog -S Version)
if [ "$said" != "$VERSION" ]; then
	echo "contrib/debian/changelog is of $said, the Makefile of $VERSION" >&2
	exit 1
fi

rm -rf "$tree"
mkdir -p "$tree"
# What is in the tree now, also what is not committed yet, but nothing that is ignored.
if git rev-parse --git-dir >/dev/null 2>&1; then
	git ls-files -z --cached --others --exclude-standard
else
	find . -type f -not -path './build/*' -not -path "./$out/*" -print0
fi | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$tree"
cp -r contrib/debian "$tree/debian"
rm "$tree/debian/build.sh"
sed 's/^$/./; s/^/ /' LICENSE >>"$tree/debian/copyright"

# Not in the folder of a build that is going on: make's own variables would reach it.
(cd "$tree" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u B -u VERSION \
	dpkg-buildpackage -us -uc -b)
rm -rf "$tree"
ls -l "$out"/*.deb
