#include "cli/logline.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its exact size, so that a byte too many is seen. */
	char *store = malloc(size > 0 ? size : 1);
	struct logline l;
	const char *why = NULL;
	bool good;

	if (store == NULL)
		abort();
	good = logline_parse((struct slice){ (const char *)data, size },
	    SLICE("user-agent,host,accept"), store, &l, &why);
	assert(good || why != NULL);
	assert(l.headers <= LOGLINE_HEADERS_MAX);
	if (good)
		assert(l.method.ptr != NULL && l.path.len > 0 && l.client.ptr != NULL);
	free(store);
	return 0;
}
