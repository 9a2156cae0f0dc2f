#include "cli/jar.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1000

static unsigned
count(struct slice s, char wanted)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == wanted;
	return n;
}

/* The bytes are a Set-Cookie header, and then a jar: neither gets a line or a header of its own. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[2 * JAR_LINE_MAX], out[256];
	struct text t = { .buf = line, .cap = sizeof(line) }, sent = { .buf = out, .cap = 200 };
	char *bytes = malloc(size + 1), *both;
	struct slice all = { bytes, size };
	struct cookie c;
	size_t n;

	memcpy(bytes, data, size);
	if (cookie_parse(all, &c)) {
		jar_line(&t, &c, "e.org", NOW);
		assert(!t.cut && count(text_slice(&t), '\t') == 6);
		assert(count(text_slice(&t), '\n') == 1 && line[t.len - 1] == '\n');
		/* What is kept is sent again, if it is for all of the site. */
		jar_cookies(&sent, text_slice(&t), "e.org", true, NOW);
		if (slice_equal(c.path, SLICE("/")) && c.name.len + c.value.len < 190)
			assert(sent.len == c.name.len + 1 + c.value.len);
		/* It stands there once, however often it is put in. */
		both = jar_with(text_slice(&t), text_slice(&t), &n);
		assert(n == t.len);
		free(both);
	}
	sent.len = 0;
	jar_cookies(&sent, all, "e.org", true, NOW);
	assert(!sent.cut);
	for (size_t i = 0; i < sent.len; i++)
		assert(out[i] >= ' ' && out[i] <= '~');
	both = jar_with(all, SLICE("e.org\tFALSE\t/\tFALSE\t0\ta\tb\n"), &n);
	assert(n >= 26 && both[n - 1] == '\n');
	free(both);
	free(bytes);
	return 0;
}
