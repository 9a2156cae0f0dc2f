#include "challenge/question.h"

#include <assert.h>
#include <stdint.h>

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is UTF-8 of 64 characters or fewer, and stays so with a blank around it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char padded[4 * QUESTION_CHARACTERS_MAX + 2];
	struct slice answer = { (const char *)data, size }, rest = answer;
	unsigned characters = 0;

	if (!question_accepts(answer))
		return 0;
	for (; rest.len > 0; characters++) {
		size_t n = utf8_length(rest);

		assert(n > 0);
		rest.ptr += n;
		rest.len -= n;
	}
	assert(characters <= QUESTION_CHARACTERS_MAX);
	padded[0] = ' ';
	memcpy(padded + 1, data, size);
	padded[size + 1] = '!';
	assert(question_accepts((struct slice){ padded, size + 2 }) ==
	       (characters + 2 <= QUESTION_CHARACTERS_MAX));
	return 0;
}
