#include "challenge/forwarded.h"

#include <string.h>

#include "base/host.h"

static const char not_equal[] = "two headers say different things";

static const struct {
	struct slice name;
	enum forwarded_thing thing;
} names[] = {
	{ { "X-Original-Method", 17 }, FORWARDED_METHOD },
	{ { "X-Forwarded-Method", 18 }, FORWARDED_METHOD },
	{ { "X-Original-URI", 14 }, FORWARDED_TARGET },
	{ { "X-Original-URL", 14 }, FORWARDED_TARGET },
	{ { "X-Forwarded-Uri", 15 }, FORWARDED_TARGET },
	{ { "X-Original-Host", 15 }, FORWARDED_HOST },
	{ { "X-Forwarded-Host", 16 }, FORWARDED_HOST },
	{ { "X-Original-Proto", 16 }, FORWARDED_SCHEME },
	{ { "X-Forwarded-Proto", 17 }, FORWARDED_SCHEME },
	{ { "X-Original-TLS", 14 }, FORWARDED_TLS },
	{ { "X-Real-IP", 9 }, FORWARDED_CLIENT },
	{ { "X-Forwarded-For", 15 }, FORWARDED_CLIENT },
	{ { "Host", 4 }, FORWARDED_OWN_HOST },
	{ { "X-Ammit-Src", 11 }, FORWARDED_OWN_SRC },
	{ { "X-Ammit-Proto", 13 }, FORWARDED_OWN_PROTO },
	{ { "X-Ammit-Ticket", 14 }, FORWARDED_OWN_TICKET },
};
#define NAMES (sizeof(names) / sizeof(names[0]))
/* One may be a whole URL; one is a list, whose last element is the proxy's own word: the others are
 * hearsay. */
#define NAME_URL 3
#define NAME_LIST 11

_Static_assert(NAMES <= 32, "a bit a name");

static bool
any_of(struct slice s, const char *bytes)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '\0' && strchr(bytes, s.ptr[i]) != NULL)
			return true;
	return false;
}

/* No blank, no control character. */
static bool
is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x21 || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static void
say(struct forwarded *f, enum forwarded_thing thing, struct slice value, bool good,
    const char *wrong)
{
	struct slice before = f->said[thing];
	bool same = thing == FORWARDED_HOST ? slice_equal_nocase(before, value)
					    : slice_equal(before, value);

	if (!good)
		f->wrong[thing] = wrong;
	else if (before.ptr != NULL && !same)
		f->wrong[thing] = not_equal;
	else if (before.ptr == NULL)
		f->said[thing] = value;
}

static void
say_method(struct forwarded *f, struct slice value)
{
	bool good = true;

	for (size_t i = 0; i < value.len; i++)
		good &= ascii_is_word(value.ptr[i]);
	say(f, FORWARDED_METHOD, value, good, "no method");
}

static void
say_host(struct forwarded *f, enum forwarded_thing thing, struct slice value)
{
	say(f, thing, value, is_visible(value) && !any_of(value, ",/\\@?#"), "no host");
}

static void
say_scheme(struct forwarded *f, struct slice value)
{
	bool https =
	    slice_equal_nocase(value, SLICE("https")) || slice_equal_nocase(value, SLICE("wss"));
	bool http =
	    slice_equal_nocase(value, SLICE("http")) || slice_equal_nocase(value, SLICE("ws"));

	say(f, FORWARDED_SCHEME, https ? SLICE("https") : SLICE("http"), http || https,
	    "neither http nor https");
}

/*
 * A fragment is no part of what a client sends. Servers drop it, so "/secret#.css" would be judged
 * as a style sheet and served as something else.
 */
static void
say_target(struct forwarded *f, struct slice value, bool may_be_url)
{
	size_t n = 0;

	if (may_be_url && value.ptr[0] != '/') {
		struct slice scheme = slice_split(value, ':', &value), host;

		if (!slice_starts(value, SLICE("//"))) {
			f->wrong[FORWARDED_TARGET] = "neither a path nor a URL";
			return;
		}
		value = (struct slice){ value.ptr + 2, value.len - 2 };
		while (n < value.len && value.ptr[n] != '/' && value.ptr[n] != '?')
			n++;
		host = (struct slice){ value.ptr, n };
		say_scheme(f, scheme);
		say_host(f, FORWARDED_HOST, host);
		value = (struct slice){ value.ptr + n, value.len - n };
	}
	say(f, FORWARDED_TARGET, value,
	    slice_equal(value, SLICE("*")) ||
		(slice_starts(value, SLICE("/")) && is_visible(value) && !any_of(value, "#")),
	    "no path");
}

static void
say_client(struct forwarded *f, enum forwarded_thing thing, struct slice value, struct address *to)
{
	struct address a;

	if (!address_parse(value, &a)) {
		f->wrong[thing] = "no address";
		return;
	}
	if (to->family != 0 && !address_equal(to, &a))
		f->wrong[thing] = not_equal;
	*to = a;
	f->said[thing] = value;
}

static struct slice
last_element(struct slice list)
{
	size_t from = list.len;

	while (from > 0 && list.ptr[from - 1] != ',')
		from--;
	return slice_trim((struct slice){ list.ptr + from, list.len - from });
}

static void
take(struct forwarded *f, unsigned which, struct slice value)
{
	enum forwarded_thing thing = names[which].thing;

	switch (thing) {
	case FORWARDED_METHOD:
		say_method(f, value);
		return;
	case FORWARDED_TARGET:
		say_target(f, value, which == NAME_URL);
		return;
	case FORWARDED_HOST:
	case FORWARDED_OWN_HOST:
		say_host(f, thing, value);
		return;
	case FORWARDED_SCHEME:
		say_scheme(f, value);
		return;
	case FORWARDED_CLIENT:
		say_client(f, thing, which == NAME_LIST ? last_element(value) : value, &f->client);
		return;
	case FORWARDED_OWN_SRC:
		say_client(f, thing, value, &f->src);
		return;
	case FORWARDED_TLS:
	case FORWARDED_OWN_PROTO:
	case FORWARDED_OWN_TICKET:
	case FORWARDED_THINGS:
		say(f, thing, value, is_visible(value), "no word");
		return;
	}
}

void
forwarded_take(struct forwarded *f, struct slice name, struct slice value)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (!slice_equal_nocase(name, names[i].name))
			continue;
		if (f->seen & (uint32_t)1 << i)
			f->wrong[names[i].thing] = "the header is there twice";
		else if (value.len > 0)
			take(f, i, value);
		f->seen |= (uint32_t)1 << i;
		return;
	}
}

/* Was a header of this thing there, whatever it said? */
static bool
was_there(const struct forwarded *f, enum forwarded_thing thing)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (names[i].thing == thing && (f->seen & (uint32_t)1 << i) != 0)
			return true;
	return false;
}

bool
forwarded_by_haproxy(const struct forwarded *f)
{
	return was_there(f, FORWARDED_OWN_SRC) || was_there(f, FORWARDED_OWN_PROTO) ||
	       was_there(f, FORWARDED_OWN_TICKET);
}

bool
forwarded_original(const struct forwarded *f, struct original *out, const char **why)
{
	bool own_host = f->said[FORWARDED_HOST].ptr == NULL;

	*out = (struct original){ .method = f->said[FORWARDED_METHOD],
		.target = f->said[FORWARDED_TARGET],
		.host = f->said[own_host ? FORWARDED_OWN_HOST : FORWARDED_HOST],
		.tls = f->said[FORWARDED_TLS],
		.client = f->client,
		.https = slice_equal(f->said[FORWARDED_SCHEME], SLICE("https")) };
	for (unsigned i = 0; i < FORWARDED_OWN_HOST; i++) {
		if (f->wrong[i] != NULL) {
			*why = f->wrong[i];
			return false;
		}
	}
	if (own_host && f->wrong[FORWARDED_OWN_HOST] != NULL)
		*why = f->wrong[FORWARDED_OWN_HOST];
	else if (out->target.ptr == NULL)
		*why = "no header says what was asked for";
	else if (out->client.family == 0)
		*why = "no header says who asked";
	else
		*why = NULL;
	if (out->method.ptr == NULL)
		out->method = SLICE("GET");
	if (out->tls.ptr == NULL && out->https)
		out->tls = SLICE("TLS");
	return *why == NULL;
}

struct visitor
forwarded_visitor(const struct forwarded *f)
{
	bool by_ammit = was_there(f, FORWARDED_OWN_SRC);
	struct slice scheme =
	    f->said[was_there(f, FORWARDED_OWN_PROTO) ? FORWARDED_OWN_PROTO : FORWARDED_SCHEME];
	struct visitor v = { .address = by_ammit ? f->src : f->client,
		.https = slice_equal(scheme, SLICE("https")) };

	/* A proxy that cannot take the client's X-Ammit-Src away has said the truth elsewhere. */
	if (f->wrong[FORWARDED_CLIENT] != NULL || f->wrong[FORWARDED_OWN_SRC] != NULL ||
	    (by_ammit && f->client.family != 0 && !address_equal(&f->client, &f->src)))
		v.address = (struct address){ .family = 0 };
	return v;
}
