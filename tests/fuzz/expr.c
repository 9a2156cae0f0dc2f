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
	w->request.src.family = turn == 0 ? 0 : 4;
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
			fill(&w, input, turn);
			judge(&w, e, random);
		}
	}
	world_fini(&w);
	return 0;
}
