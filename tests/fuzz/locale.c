#include "challenge/locale.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text of somebody's own: its words are in it, or there is a reason. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct locale l = { .tag = "x" };
	const char *why = NULL;
	unsigned line = 0;

	if (!locale_parse(text, &l, &line, &why))
		assert(why != NULL && line > 0);
	for (unsigned i = 0; i < WORDS; i++) {
		assert(l.word[i].len <= LOCALE_WORD_BYTES_MAX);
		if (l.word[i].len > 0)
			assert(l.word[i].ptr >= text.ptr &&
			       l.word[i].ptr + l.word[i].len <= text.ptr + text.len);
	}
	return 0;
}
