#include "policy/expr.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Eight bytes of weight, then the expression. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct expr_error error;
	int64_t weight = 0;
	struct expr *e;

	if (size > sizeof(weight)) {
		memcpy(&weight, data, sizeof(weight));
		data += sizeof(weight);
		size -= sizeof(weight);
	}
	e = expr_compile(a, (struct slice){ (const char *)data, size }, &error);
	if (e == NULL) {
		assert(error.why[0] != '\0' && error.offset <= size);
	} else {
		enum expr_result result = expr_eval(e, weight);

		assert(error.why[0] == '\0');
		assert(expr_eval(e, weight) == result);
	}
	arena_free(a);
	return 0;
}
