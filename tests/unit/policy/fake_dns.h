#pragma once

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/dns_view.h"

/*
 * A DNS for tests: what it says is in a table, and it notes what it was asked. Each answer takes
 * the place of the one before, so that nobody gets used to keeping one.
 */
struct fake_record {
	enum dns_type type;
	const char *name;
	const char *says; /* addresses or names, blanks between them; "" none, "?" unknown, "!"
			     failed */
};

struct fake_dns {
	const struct fake_record *list; /* ends at a name of NULL; what is not in it is none */
	char data[DNS_DATA_MAX];
	char asked[2048]; /* "PTR 4.3.2.1.in-addr.arpa A x.example" */
	size_t length;
};

static inline unsigned
fake_data(enum dns_type type, struct slice says, struct text *out)
{
	unsigned count = 0;

	while (says.len > 0) {
		struct slice word = slice_split(says, ' ', &says);
		struct address a;

		if (type == DNS_PTR) {
			text_byte(out, (char)word.len);
			text_put(out, word);
		} else if (type == DNS_A && address_parse(word, &a)) {
			text_put(out, (struct slice){ (const char *)a.bytes, 4 });
		} else if (address_parse(word, &a)) {
			if (a.family == 4)
				text_put(out, (struct slice){ "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12 });
			text_put(
			    out, (struct slice){ (const char *)a.bytes, a.family == 4 ? 4 : 16 });
		}
		count++;
	}
	return count;
}

static inline void
fake_note(struct fake_dns *d, const char *what, struct slice name)
{
	struct text asked = { d->asked, sizeof(d->asked) - 1, d->length, false };

	text_printf(&asked, "%s%s %.*s", asked.len > 0 ? " " : "", what, (int)name.len, name.ptr);
	d->length = asked.len;
	d->asked[asked.len] = '\0';
}

static inline void
fake_look(struct fake_dns *d, const struct dns_question *q, struct dns_answer *out)
{
	struct text data = { d->data, sizeof(d->data), 0, false };
	const char *says = "";

	fake_note(d, q->type == DNS_A ? "A" : q->type == DNS_PTR ? "PTR" : "AAAA", q->name);
	for (const struct fake_record *r = d->list; r->name != NULL; r++)
		if (r->type == q->type && slice_equal(q->name, slice_of(r->name)))
			says = r->says;
	*out = (struct dns_answer){ .state = DNS_FOUND, .type = q->type };
	memset(d->data, 'x', sizeof(d->data));
	if (strcmp(says, "?") == 0)
		out->state = DNS_UNKNOWN;
	else if (strcmp(says, "!") == 0)
		out->state = DNS_FAILED;
	else if (says[0] == '\0')
		out->state = DNS_NONE;
	else
		out->count = fake_data(q->type, slice_of(says), &data);
	out->data = text_slice(&data);
}
