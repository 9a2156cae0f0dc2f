#include "challenge/locale.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice header = { (const char *)data, size }, rest;
	const struct locale *l = locale_choose(header);
	struct slice first = slice_trim(slice_split(header, ',', &rest));

	assert(l == locale_find(slice_of(l->tag)));
	for (unsigned w = 0; w < WORDS; w++)
		assert(l->word[w].len > 0);
	/* A language of ours that is asked for first and without a weight is what it is. */
	if (size <= 256 && locale_find(first) != NULL)
		assert(l == locale_find(first));
	return 0;
}
