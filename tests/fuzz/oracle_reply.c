#include <assert.h>
#include <stdlib.h>

#include "daemon/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the server says: a judgement has its word in it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = { (const char *)data, size };

	switch (oracle_read_reply(body)) {
	case ORACLE_YES:
		/* JSON may write a letter as \u0079. */
		assert(slice_contains_nocase(body, SLICE("yes")) ||
		       slice_contains_nocase(body, SLICE("\\u00")));
		break;
	case ORACLE_NO:
		assert(slice_contains_nocase(body, SLICE("no")) ||
		       slice_contains_nocase(body, SLICE("\\u00")));
		break;
	case ORACLE_NONSENSE:
		break;
	}
	return 0;
}
