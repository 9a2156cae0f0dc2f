#!/bin/bash
# Makes a container image without a daemon, with umoci and skopeo: the program, the libraries of this
# machine that it is linked with, a user, and nothing else. `make image` calls it with VERSION set.
#   $B/image/ammit.oci          an OCI layout: skopeo copy oci:$B/image/ammit.oci:VERSION docker://…
#   $B/image/ammit.docker.tar   for docker load, podman load, ctr images import
# The same program and SOURCE_DATE_EPOCH (else: that of the last commit, else of the changelog) give
# the same bytes. IMAGE_SOURCE: an address of the sources for the labels.
set -eu -o pipefail
umask 022

cd "$(dirname "$0")/../.."
: "${B:=build}" "${VERSION:?is set by make image}"
out=${OUT:-$B/image}

for tool in umoci skopeo ldd dpkg-query; do
	command -v $tool >/dev/null || { echo "make image needs $tool: apt-get install umoci skopeo" >&2; exit 1; }
done

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
	epoch=$(date -d "$(sed -n 's/^ -- .*>  //p' contrib/debian/changelog | head -n 1)" +%s)
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
user=65532 # nobody's on the host, and what others call nonroot

mkdir -p "$root"/{etc/ammit,run/ammit,usr/bin,usr/share/doc/ammit,var/lib/ammit}
# Which machine's libraries they are: what a scanner of images looks for.
cp /etc/os-release "$root/etc/os-release"
echo "ammit:x:$user:$user:Ammit:/nonexistent:/nonexistent" >"$root/etc/passwd"
echo "ammit:x:$user:" >"$root/etc/group"
install -m 755 "$B/ammit" "$root/usr/bin/ammit"
strip "$root/usr/bin/ammit"
install -m 644 LICENSE "$root/usr/share/doc/ammit/copyright"

# Each library at the place where it is looked for, with what its licence asks for. libcurl, which is
# only loaded when somebody is asked (question-url, ammit solve), would double the image: it stays out.
ldd "$B/ammit" | grep -o '/[^ ]*' | sort | while read -r library; do
	real=$(readlink -f "$library")
	install -D -m 755 "$real" "$root$library"
	package=$(dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}") || {
		echo "make image: $library belongs to no package: build against those of Debian" >&2
		exit 1
	}
	package=${package%%:*}
	install -D -m 644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
	dpkg-query -W -f '${binary:Package} ${Version}\n' "$package" | head -n 1
done | sort -u >"$work/packages"
install -m 644 "$work/packages" "$root/usr/share/doc/ammit/libraries"
{ grep -rhoE '/usr/share/common-licenses/[A-Za-z]+(-[0-9.]*[0-9])?' "$root/usr/share/doc" || true; } | sort -u |
	while read -r licence; do
		[ ! -f "$licence" ] || install -D -m 644 "$licence" "$root$licence"
	done

# Owners and times as they are to be, whoever builds and when; the two folders that are written to last.
entries() { # FOLDERS of the image, each with what is in it
	tar --sort=name --format=gnu --numeric-owner --mtime="@$epoch" -C "$root" "$@"
}
entries --owner=0 --group=0 --exclude=./run/ammit --exclude=./var/lib/ammit -cf "$work/layer.tar" .
entries --owner=$user --group=$user --mode=0755 -rf "$work/layer.tar" ./run/ammit
entries --owner=$user --group=$user --mode=0700 -rf "$work/layer.tar" ./var/lib/ammit

image=$work/ammit.oci
case $(dpkg --print-architecture) in
amd64 | arm64 | s390x | ppc64le | riscv64) architecture=$(dpkg --print-architecture) ;;
ppc64el) architecture=ppc64le ;;
i386) architecture=386 ;;
*) architecture=arm ;;
esac
umoci init --layout "$image"
umoci new --image "$image:$VERSION"
umoci raw add-layer --image "$image:$VERSION" --history.created "$created" \
	--history.created_by "contrib/image/build.sh" --history.author Ammit "$work/layer.tar"
labels=(
	--config.label "org.opencontainers.image.title=ammit"
	--config.label "org.opencontainers.image.description=Weighs HTTP requests for HAProxy and other proxies"
	--config.label "org.opencontainers.image.version=$VERSION"
	--config.label "org.opencontainers.image.licenses=MIT"
)
revision=$(git rev-parse HEAD 2>/dev/null) && labels+=(--config.label "org.opencontainers.image.revision=$revision")
[ -z "${IMAGE_SOURCE:-}" ] || labels+=(--config.label "org.opencontainers.image.source=$IMAGE_SOURCE")
umoci config --image "$image:$VERSION" --no-history --created "$created" \
	--os linux --architecture "$architecture" --author Ammit \
	--config.user "$user:$user" --config.workingdir / --config.env PATH=/usr/bin \
	--config.env STATE_DIRECTORY=/var/lib/ammit --config.env RUNTIME_DIRECTORY=/run/ammit \
	--config.volume /run/ammit --config.volume /var/lib/ammit \
	--config.entrypoint /usr/bin/ammit --config.entrypoint run --config.stopsignal SIGTERM "${labels[@]}"
umoci gc --layout "$image"

# Without a signature policy of this machine: nothing is fetched.
skopeo --insecure-policy copy -q "oci:$image:$VERSION" "docker-archive:$work/ammit.docker.tar:ammit:$VERSION"

rm -rf "$out"
mkdir -p "$out"
mv "$image" "$work/ammit.docker.tar" "$out"
# The other way to see that two are one.
skopeo --insecure-policy inspect -f '{{.Digest}}' "oci:$out/ammit.oci:$VERSION" >"$out/digest"
echo "image: $out/ammit.oci $(cat "$out/digest"), $(du -sk "$root" | cut -f1) KiB unpacked, $(du -sk "$out/ammit.oci" | cut -f1) KiB packed"
