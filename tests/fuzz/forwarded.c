/*
 * Headers, one a line. What is taken for the original request is one, and the order of the headers
 * changes nothing: neither whether it is taken nor what it is.
 */
#include "challenge/forwarded.h"

#include <assert.h>
#include <stddef.h>

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
feed(struct forwarded *f, const struct slice *line, unsigned lines, bool backwards)
{
	*f = (struct forwarded){ .seen = 0 };
	for (unsigned i = 0; i < lines; i++) {
		struct slice value,
		    name = slice_split(line[backwards ? lines - 1 - i : i], ':', &value);

		forwarded_take(f, name, slice_trim(value));
	}
}

static void
check(const struct original *o)
{
	assert(o->method.len > 0 && o->client.family != 0);
	assert(o->target.len > 0 && (o->target.ptr[0] == '/' || o->target.ptr[0] == '*'));
	for (size_t i = 0; i < o->target.len; i++)
		assert((unsigned char)o->target.ptr[i] > 0x20 && o->target.ptr[i] != '#');
	for (size_t i = 0; i < o->host.len; i++)
		assert((unsigned char)o->host.ptr[i] > 0x20 && o->host.ptr[i] != ',');
	for (size_t i = 0; i < o->method.len; i++)
		assert(ascii_is_word(o->method.ptr[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice line[LINES_MAX], rest = { (const char *)data, size };
	struct forwarded there, back;
	struct original one, other;
	struct visitor v, w;
	const char *why = NULL;
	unsigned lines = 0;
	bool good;

	while (lines < LINES_MAX && rest.len > 0)
		line[lines++] = slice_split(rest, '\n', &rest);
	feed(&there, line, lines, false);
	feed(&back, line, lines, true);
	good = forwarded_original(&there, &one, &why);
	assert(good || why != NULL);
	assert(forwarded_original(&back, &other, &why) == good);
	assert(forwarded_by_haproxy(&there) == forwarded_by_haproxy(&back));
	v = forwarded_visitor(&there);
	w = forwarded_visitor(&back);
	assert(address_equal(&v.address, &w.address));
	if (!good)
		return 0;
	check(&one);
	assert(slice_equal(one.method, other.method) && slice_equal(one.target, other.target));
	assert(slice_equal_nocase(one.host, other.host) && slice_equal(one.tls, other.tls));
	assert(address_equal(&one.client, &other.client) && one.https == other.https);
	return 0;
}
