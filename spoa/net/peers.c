#include "net/peers.h"

#include <netinet/in.h>
#include <string.h>

struct peer
peer_of_socket(const struct sockaddr *s)
{
	struct peer p = { .local = s != NULL && s->sa_family == AF_UNIX };

	if (s == NULL)
		return p;
	if (s->sa_family == AF_INET)
		p.address = address_from_bytes(&((const struct sockaddr_in *)s)->sin_addr, 4);
	else if (s->sa_family == AF_INET6)
		p.address = address_from_bytes(&((const struct sockaddr_in6 *)s)->sin6_addr, 16);
	return p;
}

size_t
peer_format(const struct peer *p, char out[ADDRESS_TEXT_MAX])
{
	if (!p->local)
		return address_format(&p->address, out);
	memcpy(out, "unix", sizeof("unix"));
	return strlen(out);
}

static bool
parse_one(struct slice s, struct peers *out, const char **why)
{
	struct address a;
	struct prefix p;

	if (slice_equal(s, SLICE("unix"))) {
		out->local = true;
		return true;
	}
	if (s.len == 0) {
		*why = "one is missing: write unix, addresses and prefixes with commas between";
		return false;
	}
	if (address_parse(s, &a))
		p = (struct prefix){ a, a.family == 4 ? 32 : 128 };
	else if (!prefix_parse(s, &p, why))
		return false;
	if (out->count == PEERS_MAX) {
		*why = "more than 32 prefixes";
		return false;
	}
	out->prefix[out->count++] = p;
	return true;
}

bool
peers_parse(struct slice s, struct peers *out, const char **why)
{
	*out = (struct peers){ .count = 0 };
	do {
		struct slice rest, one = slice_trim(slice_split(s, ',', &rest));

		if (!parse_one(one, out, why)) {
			*out = (struct peers){ .count = 0 };
			return false;
		}
		s = rest;
	} while (s.ptr != NULL);
	return true;
}

bool
peers_any(const struct peers *p)
{
	return p->local || p->count > 0;
}

bool
peers_have(const struct peers *p, const struct peer *peer)
{
	if (peer->local)
		return p->local;
	for (unsigned i = 0; i < p->count; i++) {
		const struct prefix *in = &p->prefix[i];
		struct address a = address_mask(&peer->address, in->bits, in->bits);

		if (address_equal(&a, &in->base))
			return true;
	}
	return false;
}
