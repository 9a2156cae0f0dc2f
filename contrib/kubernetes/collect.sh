#!/bin/sh
# Puts the bases and overlays together with the files of this repository that they hand to pods, since
# kustomize reads nothing outside of a base. Nothing is written twice, so nothing is out of date.
#   contrib/kubernetes/collect.sh FOLDER     (make kubernetes: build/kubernetes)
# VERSION is the tag of the image.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
out=${1:?usage: collect.sh FOLDER}
: "${VERSION:?is set by make kubernetes}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir "$tree"
(cd "$here" && tar --exclude=./collect.sh --exclude=./edge.awk -cf - .) | tar -xf - -C "$tree"

sed -i "s/^\( *newTag: \)@VERSION@$/\1\"$VERSION\"/" "$tree/base/kustomization.yaml"
cp "$root/policies/default.yaml" "$tree/base/policy.yaml"
cp "$root/policies/onion-service.yaml" "$tree/onion/policy.yaml"

# What an ingress controller's HAProxy is told: edge.cfg, without what is the controller's own.
service=ammit.ammit.svc.cluster.local
edge() { # PART
	awk -v part="$1" -v spop="$service:8088" -v http="$service:8089" -v drip="$service:8090" \
		-v spoe_conf=/etc/ammit/ammit.spoe.conf -f "$here/edge.awk" "$root/haproxy/edge.cfg"
}
edge frontend >"$work/frontend.cfg"
edge backends >"$work/backends.cfg"
for controller in haproxytech jcmoraisjr; do
	cp "$root/haproxy/ammit.spoe.conf" "$tree/haproxy-ingress/$controller"
done
cp "$work/backends.cfg" "$tree/haproxy-ingress/haproxytech/haproxy-aux.cfg"

# And its nginx: contrib/nginx, with Ammit where its Service is.
sed "s,server unix:/run/ammit/http.sock;,server $service:8089;," "$root/contrib/nginx/ammit.conf" >"$work/http.conf"
grep -q "server $service:8089;" "$work/http.conf"
{
	cat "$root/contrib/nginx/ammit-server.conf"
	cat <<-'NGINX'
	location @ammit_down {
	    auth_request off;
	    add_header Retry-After 5 always;
	    return 503;
	}
	NGINX
} >"$work/server.conf"

# A line of @NAME@ is that file, indented as the line is; without its comments.
find "$tree" -name values.yaml | while read -r file; do
	awk -v folder="$work" '
		match($0, /^ *@[a-z]+\.[a-z]+@$/) {
			name = $1
			gsub(/@/, "", name)
			indent = $0
			sub(/@.*/, "", indent)
			found = 0
			while ((getline line <(folder "/" name)) > 0) {
				found = 1
				if (line ~ /^[ \t]*(#|$)/)
					continue
				print indent line
			}
			if (!found) {
				print "collect: there is no " name >"/dev/stderr"
				exit 1
			}
			next
		}
		{ print }' "$file" >"$file.new"
	mv "$file.new" "$file"
done

cp "$root/haproxy/ammit.spoe.conf" "$root/haproxy/onion.cfg" "$tree/onion"

rm -rf "$out"
mkdir -p "$(dirname "$out")"
cp -r "$tree" "$out"
