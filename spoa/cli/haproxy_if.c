#include "cli/haproxy_if.h"

/* Parentheses in parentheses. */
#define DEPTH_MAX 32u

struct condition {
	const struct haproxy_conf *conf;
	struct slice in;
	bool known;
	unsigned depth;
};

unsigned
haproxy_version(struct slice s)
{
	struct slice minor, patch, major = slice_split(s, '.', &minor);
	unsigned long long a, b;

	minor = slice_split(minor, '.', &patch);
	for (size_t i = 0; i < minor.len; i++)
		if (minor.ptr[i] < '0' || minor.ptr[i] > '9')
			minor.len = i;
	if (!slice_number(major, 99, &a) || !slice_number(minor, 99, &b))
		return 0;
	return (unsigned)(a * 100 + b);
}

static bool
take(struct condition *c, const char *token)
{
	struct slice t = slice_of(token);

	c->in = slice_trim(c->in);
	if (!slice_starts(c->in, t))
		return false;
	c->in.ptr += t.len;
	c->in.len -= t.len;
	return true;
}

/* What stands up to the ) of a call, and what follows it. */
static struct slice
arguments(struct condition *c)
{
	struct slice rest, inside = slice_split(c->in, ')', &rest);

	if (rest.ptr == NULL)
		c->known = false;
	c->in = rest;
	return inside;
}

static bool
call(struct condition *c, struct slice name)
{
	struct slice second, first = arguments(c);

	if (slice_equal(name, SLICE("defined")))
		return haproxy_env_get(&c->conf->env, slice_trim(first)).ptr != NULL;
	if (slice_equal(name, SLICE("version_atleast")))
		return c->conf->version >= haproxy_version(slice_trim(first));
	if (slice_equal(name, SLICE("version_before")))
		return c->conf->version < haproxy_version(slice_trim(first));
	first = slice_split(first, ',', &second);
	if (slice_equal(name, SLICE("streq")))
		return slice_equal(first, second);
	if (slice_equal(name, SLICE("strneq")))
		return !slice_equal(first, second);
	if (slice_equal(name, SLICE("strstr")))
		return second.len == 0 || (first.len > 0 && memmem(first.ptr, first.len, second.ptr,
								second.len) != NULL);
	c->known = false;
	return false;
}

static bool either(struct condition *c);

static bool
term(struct condition *c)
{
	struct slice name = { NULL, 0 };
	unsigned long long number;

	if (take(c, "!")) {
		if (++c->depth > DEPTH_MAX) {
			c->known = false;
			return false;
		}
		bool inner = term(c);

		c->depth--;
		return !inner;
	}
	if (take(c, "(")) {
		bool value = false;

		if (++c->depth > DEPTH_MAX)
			c->known = false;
		else
			value = either(c);
		c->depth--;
		if (!take(c, ")"))
			c->known = false;
		return value;
	}
	name.ptr = c->in.ptr;
	while (name.len < c->in.len && ascii_is_word(c->in.ptr[name.len]))
		name.len++;
	c->in.ptr += name.len;
	c->in.len -= name.len;
	if (name.len > 0 && c->in.len > 0 && c->in.ptr[0] == '(') {
		c->in.ptr++;
		c->in.len--;
		return call(c, name);
	}
	if (slice_number(name, 1u << 30, &number))
		return number != 0;
	c->known = false;
	return false;
}

static bool
both(struct condition *c)
{
	bool value = term(c);

	while (c->known && take(c, "&&"))
		value = term(c) && value;
	return value;
}

static bool
either(struct condition *c)
{
	bool value = both(c);

	while (c->known && take(c, "||"))
		value = both(c) || value;
	return value;
}

bool
haproxy_if(const struct haproxy_conf *conf, struct slice condition, bool *known)
{
	struct condition c = { .conf = conf, .in = slice_trim(condition), .known = true };
	bool value;

	/* HAProxy takes no condition for false. */
	if (c.in.len == 0) {
		*known = true;
		return false;
	}
	value = either(&c);
	*known = c.known && slice_trim(c.in).len == 0;
	return value && *known;
}
