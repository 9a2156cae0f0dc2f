#include "policy/addrlist.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
take(void *context, const struct prefix *p)
{
	struct address again = address_mask(&p->base, p->bits, p->bits);
	size_t *taken = context;

	assert(p->base.family == 4 || p->base.family == 6);
	assert(p->bits <= (p->base.family == 4 ? 32 : 128));
	assert(address_equal(&again, &p->base));
	assert(*taken < 1000);
	return ++*taken < 1000;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = { 0 };
	size_t taken = 0;

	addrlist_read("f", (struct slice){ (const char *)data, size }, take, &taken, &problems);
	assert(taken > 0 || problems.errors > 0);
	assert(problems.warnings <= 1);
	problems_fini(&problems);
	return 0;
}
