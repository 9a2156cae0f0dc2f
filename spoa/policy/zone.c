#include "policy/zone.h"

#include <string.h>

#include "policy/generation.h"

static const char outside[] =
    "it answers outside of 127.0.0.0/8: it is gone, or somebody answers in its place";
static const char refuses[] =
    "it refuses who asks (127.255.255.0/24): let a resolver of your own ask, or sign up there";

unsigned
policy_zones(const struct policy *p)
{
	return p->zones;
}

const struct zone *
policy_zone(const struct policy *p, unsigned i)
{
	return p->zone[i];
}

const struct zone_code *
zone_code(const struct zone *z, unsigned n)
{
	return n < z->codes ? &z->code[n] : &z->otherwise;
}

/* NULL: an address that a blocklist may answer with. */
static const char *
odd(const uint8_t a[4])
{
	if (a[0] != 127)
		return outside;
	return a[1] == 255 && a[2] == 255 ? refuses : NULL;
}

/* The number of a code, ZONE_CODES_MAX: `otherwise`. */
static unsigned
code_of(const struct zone *z, const uint8_t a[4])
{
	for (unsigned i = 0; i < z->codes; i++)
		if (memcmp(z->code[i].code, a, 4) == 0)
			return i;
	return ZONE_CODES_MAX;
}

static int
rank(enum action a)
{
	switch (a) {
	case ACTION_DRIP:
		return 3;
	case ACTION_DENY:
		return 2;
	case ACTION_CHALLENGE:
		return 1;
	case ACTION_ALLOW:
	case ACTION_WEIGH:
		break;
	}
	return 0;
}

static bool
is_worse(const struct zone_code *a, const struct zone_code *b)
{
	if (rank(a->action) != rank(b->action))
		return rank(a->action) > rank(b->action);
	return a->weight > b->weight;
}

enum zone_says
zone_read(const struct zone *z, const struct dns_answer *a, unsigned *worst, const char **why)
{
	bool listed = false;
	struct slice record;
	size_t at = 0;

	if (a->state != DNS_FOUND)
		return a->state == DNS_NONE      ? ZONE_NOT_LISTED
		       : a->state == DNS_UNKNOWN ? ZONE_UNKNOWN
						 : ZONE_FAILED;
	while (dns_answer_next(a, &at, &record)) {
		const uint8_t *bytes = (const uint8_t *)record.ptr;
		unsigned code;

		*why = odd(bytes);
		if (*why != NULL)
			return ZONE_BROKEN;
		code = code_of(z, bytes);
		if (!listed || is_worse(zone_code(z, code), zone_code(z, *worst)))
			*worst = code;
		listed = true;
	}
	return listed ? ZONE_LISTED : ZONE_NOT_LISTED;
}

struct slice
zone_test_name(const struct zone *z, bool listed, char out[DNS_NAME_MAX + 1])
{
	const uint8_t last = listed ? 2 : 1;
	const struct address four = { { 127, 0, 0, last }, 4 };
	/* Not through address_from_bytes: there it is IPv4. */
	const struct address six = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x7f, 0, 0, last },
		6 };

	return dns_reverse(z->v4 ? &four : &six, z->zone, out);
}

static const char *
odd_among(const struct dns_answer *a)
{
	const char *why = NULL;
	struct slice record;
	size_t at = 0;

	while (a->state == DNS_FOUND && why == NULL && dns_answer_next(a, &at, &record))
		why = odd((const uint8_t *)record.ptr);
	return why;
}

const char *
zone_health(const struct dns_answer *listed, const struct dns_answer *unlisted)
{
	const char *why = odd_among(listed);

	if (why == NULL)
		why = odd_among(unlisted);
	if (why != NULL)
		return why;
	if (unlisted->state == DNS_FOUND)
		return "it lists 127.0.0.1, and so maybe everybody (RFC 5782, 5)";
	if (listed->state == DNS_NONE)
		return "it does not list 127.0.0.2: it is gone, empty, or has no test entry "
		       "(RFC 5782, 5)";
	return NULL;
}
