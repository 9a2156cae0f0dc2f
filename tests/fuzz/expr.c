#include "policy/expr.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "unit/policy/expr_scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is the place; then the expression; behind a NUL what all fields hold. */
static void
fill(struct world *w, struct slice s, unsigned turn)
{
	static char room[REQUEST_FIELDS][UTF8_ROOM(1024)];
	struct slice part;

	for (unsigned i = 0; i < REQUEST_FIELDS; i++) {
		part = turn == 0 ? s : slice_split(s, '\n', &s);
		request_set(&w->request, i, part);
		part = w->request.field[i];
		w->text[i] = (struct slice){ room[i], utf8_repair(part, room[i]) };
	}
	w->weight = (int64_t)s.len - 5;
	w->request.known = (uint8_t)(turn * 5);
	w->request.number[REQUEST_RATE] = INT64_MAX;
	w->request.src = (struct address){ { 5, 6, 7, 8 }, 4 };
	if (turn == 0)
		w->request.src = (struct address){ 0 };
}

static unsigned
hash_of(const struct dns_question *q)
{
	unsigned h = 2166136261u + (unsigned)q->type;

	for (size_t i = 0; i < q->name.len; i++)
		h = (h ^ (uint8_t)q->name.ptr[i]) * 16777619u;
	return h ^ h >> 15;
}

/* What is known depends on the name; `hidden` says which half is not known yet. */
static unsigned hidden;

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	static const char names[] = "\003a.b"
				    "\001c"
				    "\013crawler.x-y"
				    "\001d";
	static const char addresses[] = "\x05\x06\x07\x08\x2a\x0a\x00\x01\x00\x00\x00\x00"
					"\x00\x00\x00\x00\x00\x00\x00\x05";
	const unsigned h = hash_of(q);
	char normal[DNS_NAME_MAX + 1];

	(void)context;
	assert(slice_equal(dns_name_normal(q->name, normal), q->name));
	*out = (struct dns_answer){ .state = DNS_NONE, .type = q->type };
	if ((h >> 4 & hidden) != 0)
		out->state = DNS_UNKNOWN;
	else if ((h & 3) == 0)
		out->state = DNS_FAILED;
	if (out->state != DNS_NONE || (h & 3) == 1)
		return;
	out->state = DNS_FOUND;
	if (q->type == DNS_PTR) {
		out->count = 4;
		out->data = (struct slice){ names, sizeof(names) - 1 };
	} else {
		out->count = 1;
		out->data = (struct slice){ q->type == DNS_A ? addresses : addresses + 4,
			q->type == DNS_A ? 4 : 16 };
	}
}

static enum zone_says
listed(void *context, unsigned zone)
{
	(void)context;
	return (zone & 1 & hidden) != 0 ? ZONE_UNKNOWN : (enum zone_says)(zone % 5);
}

/* What is decided before all is known stays so, unless all is too much. */
static void
ask(struct world *w, const struct expr *e)
{
	static const char too_much[] = "too much for one expression";
	enum expr_result early, late;
	const char *why = "", *later = "";

	hidden = 1;
	early = world_eval(w, e, &why);
	hidden = 0;
	late = world_eval(w, e, &later);
	if (early != EXPR_UNKNOWN && strcmp(why, too_much) != 0 && strcmp(later, too_much) != 0)
		assert(early == late);
}

static void
judge(struct world *w, const struct expr *e, bool random)
{
	const char *why = NULL, *again = NULL;
	enum expr_result result = world_eval(w, e, &why);

	assert((result == EXPR_FAILED) == (why != NULL));
	assert(result != EXPR_TRUE || world_keyed(w, e));
	assert(random || (world_eval(w, e, &again) == result && again == why));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct slice text, input = { 0 };
	struct expr_error error;
	struct expr *e;
	const char *nul;

	if (size == 0)
		return 0;
	world_init(&w, data[0] == 't' ? EXPR_THRESHOLD : EXPR_RULE);
	text = (struct slice){ (const char *)data + 1, size - 1 };
	nul = memchr(text.ptr, '\0', text.len);
	if (nul != NULL) {
		input.ptr = nul + 1;
		input.len = text.len - (size_t)(nul + 1 - text.ptr);
		text.len = (size_t)(nul - text.ptr);
	}
	e = expr_compile(w.arena, &w.scope, &text, 1, false, &error);
	if (e == NULL) {
		assert(error.why[0] != '\0' && error.offset <= text.len);
	} else {
		bool random = memmem(text.ptr, text.len, "randInt", 7) != NULL;

		assert(error.why[0] == '\0');
		for (unsigned turn = 0; turn < 2; turn++) {
			w.look = turn == 0 ? NULL : look;
			w.listed = listed;
			hidden = 0;
			fill(&w, input, turn);
			judge(&w, e, random);
			if (turn > 0 && !random)
				ask(&w, e);
		}
	}
	world_fini(&w);
	return 0;
}
