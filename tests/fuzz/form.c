#include "challenge/form.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decode from..to the slow way; false if it is not as `want` has it. */
static bool
same(const uint8_t *from, const uint8_t *to, struct slice want)
{
	size_t n = 0;

	while (from < to) {
		unsigned c = *from++;

		if (c == '%') {
			char hex[3] = { 0 };

			if (to - from < 2 || !isxdigit(from[0]) || !isxdigit(from[1]))
				return false;
			memcpy(hex, from, 2);
			c = (unsigned)strtoul(hex, NULL, 16);
			from += 2;
		} else if (c == '+')
			c = ' ';
		if (n >= want.len || (unsigned char)want.ptr[n++] != c)
			return false;
	}
	return n == want.len;
}

static bool
inside(struct slice s, const char *body, size_t size)
{
	return s.ptr >= body && s.ptr <= body + size && s.len <= (size_t)(body + size - s.ptr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = malloc(size + 1);
	const uint8_t *p = data, *end = data + size;
	struct form f;
	unsigned i = 0;

	memcpy(body, data, size);
	if (!form_parse(body, size, &f)) {
		assert(f.count == 0);
		free(body);
		return 0;
	}
	assert(size <= FORM_BYTES_MAX && f.count <= FORM_FIELDS_MAX);
	while (p < end) {
		const uint8_t *amp = memchr(p, '&', (size_t)(end - p)), *stop = amp ? amp : end;
		const uint8_t *eq = memchr(p, '=', (size_t)(stop - p));

		if (stop > p) {
			assert(i < f.count);
			assert(inside(f.field[i].name, body, size) &&
			       inside(f.field[i].value, body, size));
			assert(same(p, eq ? eq : stop, f.field[i].name));
			assert(same(eq ? eq + 1 : stop, stop, f.field[i].value));
			for (unsigned j = 0; j < i; j++)
				assert(!slice_equal(f.field[i].name, f.field[j].name));
			i++;
		}
		p = amp ? amp + 1 : end;
	}
	assert(i == f.count);
	free(body);
	return 0;
}
