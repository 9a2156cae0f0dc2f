# The part of haproxy/edge.cfg that an ingress controller's HAProxy needs, with every switch off.
#   part=frontend   the rules of frontend edge, but where it listens, what it logs, and the headers
#                   that say who asks: these are the controller's
#   part=backends   the backends of Ammit, on the Service

function fail(what) {
	print "collect: haproxy/edge.cfg:" NR ": " what >"/dev/stderr"
	failed = 1
	exit 1
}

BEGIN {
	known["AMMIT_SPOP"] = spop
	known["AMMIT_HTTP"] = http
	known["AMMIT_DRIP"] = drip
	known["AMMIT_SPOE_CONF"] = spoe_conf
	if (part == "backends")
		print "resolvers ammit-dns\n    parse-resolv-conf\n    hold valid 10s"
}

/^\.if/ { depth++; off[depth] = 1; next }
/^\.else/ { off[depth] = !off[depth]; next }
/^\.endif/ { depth--; next }
{
	for (i = 1; i <= depth; i++)
		if (off[i])
			next
}
/^[a-z]/ { section = $1 " " $2 }
/^ *presetenv/ {
	value = $3
	gsub(/"/, "", value)
	if (!($2 in known))
		known[$2] = value
	next
}
/^ *(#|$)/ { next }

function wanted() {
	if (part == "backends")
		return section ~ /^backend ammit-(agent|challenge|drip)$/
	return section == "frontend edge" && $1 !~ /^(frontend|bind|log-format|default_backend)$/ &&
	    !/set-header X-Forwarded-Proto|del-header x-forwarded-for/
}

wanted() {
	while (match($0, /"?\$\{[A-Z_0-9]+(-[^}]*)?(\[\*\])?\}"?/)) {
		before = substr($0, 1, RSTART - 1)
		behind = substr($0, RSTART + RLENGTH)
		name = substr($0, RSTART, RLENGTH)
		gsub(/^"?\$\{|(\[\*\])?\}"?$/, "", name)
		value = name
		if (!sub(/^[A-Z_0-9]+-/, "", value) || (sub(/-.*/, "", name) && name in known)) {
			if (!(name in known))
				fail(name " has no value")
			value = known[name]
		}
		$0 = before value behind
	}
	# A Service is known by its name, which may be there later than HAProxy.
	if ($1 == "server")
		$0 = $0 " resolvers ammit-dns init-addr libc,none"
	if (part == "frontend") {
		sub(/^ +/, "")
		# Where the controller has rules for requests already, none for connections may follow.
		sub(/^tcp-request connection reject/, "http-request reject")
	}
	if (part == "backends" && /^backend/)
		print ""
	print
	lines++
}

END {
	if (!failed && lines < 10)
		fail("too little of it was understood")
}
