#include "policy/literal.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 1024u

static bool
holds(struct slice text, const struct literal *l)
{
	for (size_t i = 0; text.len - i >= l->text.len && i <= text.len; i++) {
		struct slice there = { text.ptr + i, l->text.len };

		if (l->caseless ? slice_equal_nocase(there, l->text) : slice_equal(there, l->text))
			return true;
		if (i == text.len)
			break;
	}
	return false;
}

/*
 * The first byte is the length of the pattern, which follows, then the text: what matches holds
 * one of the words, and what holds an exact one matches.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct regex_matcher *matcher;
	static char text[UTF8_ROOM(TEXT_MAX)];
	struct slice pattern = { (const char *)data + 1, 0 }, s = { text, 0 };
	bool held = false, sure = false;
	struct regex_notes notes;
	enum regex_result got;
	struct literals words;
	struct regex *r;
	struct arena *a;

	if (matcher == NULL)
		matcher = regex_matcher_new();
	if (size < 1 || size - 1 < data[0] || size - 1 - data[0] > TEXT_MAX)
		return 0;
	pattern.len = data[0];
	r = regex_compile(pattern, &notes);
	if (r == NULL)
		return 0;
	s.len = utf8_repair(
	    (struct slice){ (const char *)data + 1 + data[0], size - 1 - data[0] }, text);
	a = arena_new();
	words = literal_extract(a, regex_text(r));
	for (const struct literal *l = words.first; l != NULL; l = l->next) {
		assert(l->text.len >= LITERAL_MIN && l->text.len <= LITERAL_MAX);
		held |= holds(s, l);
		sure |= l->exact && holds(s, l);
	}
	got = regex_match(r, matcher, s);
	assert(got != REGEX_YES || words.count == 0 || held);
	assert(!sure || got != REGEX_NO);
	arena_free(a);
	regex_free(r);
	return 0;
}
