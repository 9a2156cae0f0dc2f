#include "challenge/form.h"

#include <string.h>

#include "base/encode.h"

/* Decode n bytes onto themselves: what comes out is never longer. False on a % without two
 * digits. */
static bool
decode(char *p, size_t n, struct slice *out)
{
	size_t to = 0;

	for (size_t from = 0; from < n; from++) {
		char c = p[from];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int value = percent_value((struct slice){ p + from, n - from });

			if (value < 0)
				return false;
			c = (char)value;
			from += 2;
		}
		p[to++] = c;
	}
	*out = (struct slice){ p, to };
	return true;
}

static bool
add_field(struct form *f, char *piece, size_t n)
{
	char *equals = memchr(piece, '=', n);
	size_t name_len = equals == NULL ? n : (size_t)(equals - piece);
	struct slice name, value = { piece + n, 0 };

	if (f->count == FORM_FIELDS_MAX || !decode(piece, name_len, &name) ||
	    (equals != NULL && !decode(equals + 1, n - name_len - 1, &value)))
		return false;
	for (unsigned i = 0; i < f->count; i++)
		if (slice_equal(f->field[i].name, name))
			return false;
	f->field[f->count].name = name;
	f->field[f->count].value = value;
	f->count++;
	return true;
}

bool
form_parse(char *body, size_t n, struct form *f)
{
	f->count = 0;
	if (n > FORM_BYTES_MAX)
		return false;
	while (n > 0) {
		char *amp = memchr(body, '&', n);
		size_t piece = amp == NULL ? n : (size_t)(amp - body);
		size_t step = amp == NULL ? n : piece + 1;

		/* Nothing between two & is no field: so says the standard. */
		if (piece > 0 && !add_field(f, body, piece)) {
			f->count = 0;
			return false;
		}
		body += step;
		n -= step;
	}
	return true;
}

struct slice
form_get(const struct form *f, const char *name)
{
	for (unsigned i = 0; i < f->count; i++)
		if (slice_equal(f->field[i].name, slice_of(name)))
			return f->field[i].value;
	return (struct slice){ NULL, 0 };
}
