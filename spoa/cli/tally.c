#include "cli/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

const char *const tally_names[TALLY_KINDS] = { "allow", "challenge", "deny", "drip", "none" };

unsigned
tally_kind(struct slice name)
{
	unsigned i = 0;

	while (i < TALLY_NONE && !slice_equal(name, slice_of(tally_names[i])))
		i++;
	return i;
}

void
tally_fini(struct tally *t)
{
	free(t->rule);
	*t = (struct tally){ .rule = NULL };
}

/* FNV-1a: the names are the operator's own. */
static size_t
hash(struct slice s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static struct tally_rule *
place(struct tally_rule *rule, size_t room, struct slice name)
{
	size_t at = hash(name) & (room - 1);

	while (rule[at].name.ptr != NULL && !slice_equal(rule[at].name, name))
		at = (at + 1) & (room - 1);
	return &rule[at];
}

static void
grow(struct tally *t)
{
	size_t room = t->room == 0 ? 256 : t->room * 2;
	struct tally_rule *larger = xcalloc(room, sizeof(*larger));

	for (size_t i = 0; i < t->room; i++)
		if (t->rule[i].name.ptr != NULL)
			*place(larger, room, t->rule[i].name) = t->rule[i];
	free(t->rule);
	t->rule = larger;
	t->room = room;
}

struct tally_rule *
tally_find(struct tally *t, struct slice name)
{
	struct tally_rule *r;

	if (t->rules * 2 >= t->room)
		grow(t);
	r = place(t->rule, t->room, name);
	if (r->name.ptr == NULL) {
		r->name = name;
		t->rules++;
	}
	return r;
}

static int
by_count(const void *left, const void *right)
{
	const struct tally_rule *a = left, *b = right;
	uint64_t x = a->decided + a->weighed, y = b->decided + b->weighed;

	return x < y ? 1 : x > y ? -1 : 0;
}

void
tally_sort(struct tally *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->room; i++)
		if (t->rule[i].name.ptr != NULL)
			t->rule[n++] = t->rule[i];
	if (n > 0)
		qsort(t->rule, n, sizeof(*t->rule), by_count);
	t->room = 0;
}

static struct slice
at_most(struct slice s, size_t n)
{
	return (struct slice){ s.ptr, s.len < n ? s.len : n };
}

void
tally_add_change(struct tally_changes *c, unsigned before, unsigned after, uint64_t line,
    const struct request *r)
{
	struct tally_change *cell = &c->cell[before][after];
	char src[ADDRESS_TEXT_MAX];
	struct text t;

	cell->count++;
	if (before == after) {
		c->same++;
		return;
	}
	c->different++;
	if (cell->examples == TALLY_EXAMPLES)
		return;
	t = (struct text){ .buf = cell->example[cell->examples++], .cap = TALLY_EXAMPLE_BYTES - 1 };
	address_format(&r->src, src);
	text_printf(&t, "line %llu: %s ", (unsigned long long)line, src);
	/* An escaped byte is four: this fits whatever they are. */
	text_quote_log(&t, at_most(r->field[REQUEST_METHOD], 8));
	text_byte(&t, ' ');
	text_quote_log(&t, at_most(r->field[REQUEST_PATH], 40));
	text_put(&t, SLICE(" ua "));
	text_quote_log(&t, at_most(r->field[REQUEST_USER_AGENT], 24));
	t.buf[t.len] = '\0';
}
