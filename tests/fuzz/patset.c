#include "policy/patset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "unit/policy/patterns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 1024u
#define ROOM 1024u

static struct regex_matcher *matcher;
static struct patset *set;
static struct regex *one_by_one[PATTERNS];
static uint32_t number[PATTERNS];

static void
build(void)
{
	static struct patset_limits limits;
	struct regex_notes notes;

	matcher = regex_matcher_new();
	set = patset_new(arena_new(), &limits);
	for (uint32_t i = 0; i < PATTERNS; i++) {
		number[i] = patset_add(set, slice_of(patterns[i]), &notes);
		one_by_one[i] = regex_compile(slice_of(patterns[i]), &notes);
		patset_own(set, number[i], i);
	}
	patset_seal(set);
	assert(patset_room(set) <= ROOM);
}

/* Whatever the text, the prefilter changes no answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t room[ROOM], owner[BITSET_WORDS(PATTERNS)], owner_summary[1];
	static const uint64_t zero[ROOM];
	static char text[UTF8_ROOM(TEXT_MAX)];
	struct patset_scratch scratch = { room, owner, owner_summary };
	struct slice s = { text, 0 };
	char *exact;

	if (set == NULL)
		build();
	if (size > TEXT_MAX)
		return 0;
	memset(owner, 0, sizeof(owner));
	memset(owner_summary, 0, sizeof(owner_summary));
	s.len = utf8_repair((struct slice){ (const char *)data, size }, text);
	/* In a block of its own size, so that a byte read behind it is seen. */
	exact = malloc(s.len + 1);
	memcpy(exact, text, s.len);
	exact = realloc(exact, s.len > 0 ? s.len : 1);
	s.ptr = exact;
	patset_scan(set, s, &scratch);
	for (uint32_t i = 0; i < PATTERNS; i++) {
		enum regex_result want = regex_match(one_by_one[i], matcher, s);
		enum regex_result got = patset_match(set, &scratch, number[i], s, matcher);

		assert(got == want || want == REGEX_FAILED);
		if (want == REGEX_YES && patset_filtered(set, number[i]))
			assert((owner[i / 64] >> i % 64 & 1) != 0);
	}
	patset_clear(set, &scratch);
	assert(memcmp(room, zero, sizeof(room)) == 0);
	free(exact);
	return 0;
}
