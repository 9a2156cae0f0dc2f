#include "challenge/clip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[HASH_KEY_BYTES] = { 1 }, other_secret[HASH_KEY_BYTES] = { 2 };

/* What the file itself says, in its boxes (ISO/IEC 14496-12): tkhd has the size, mvhd the length.
 */
static uint32_t
word_behind(const struct clip *c, const char *box, size_t at)
{
	const uint8_t *p = memmem(c->bytes.ptr, c->bytes.len, box, 4);

	assert_non_null(p);
	p += 4 + at;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
test_clips_are_what_we_say(void **state)
{
	unsigned different = 0;
	const struct clip *last = NULL;

	(void)state;
	for (unsigned id = 0; id < 256; id++) {
		struct ticket t = { .issued_s = 0 };
		const struct clip *c;

		t.id[TICKET_ID_BYTES - 1] = (uint8_t)id;
		c = clip_of(secret, &t);
		different += c != last;
		last = c;
		assert_true(c->bytes.len > 500 && c->bytes.len < 1200);
		assert_memory_equal(c->bytes.ptr + 4, "ftyp", 4);
		assert_int_equal(word_behind(c, "tkhd", 76) >> 16, c->width);
		assert_int_equal(word_behind(c, "tkhd", 80) >> 16, c->height);
		/* Timescale, then duration. */
		assert_int_equal(
		    word_behind(c, "mvhd", 16) * 1000 / word_behind(c, "mvhd", 12), c->length_ms);
		/* Baseline: what the oldest players have. */
		assert_int_equal(word_behind(c, "avcC", 0) >> 16 & 0xff, 66);
	}
	assert_true(different > 200);
}

/* Who has the ticket alone knows no more than that there are eight. */
static void
test_secret(void **state)
{
	unsigned same = 0;

	(void)state;
	for (unsigned id = 0; id < 256; id++) {
		struct ticket t = { .issued_s = 0 };

		t.id[TICKET_ID_BYTES - 1] = (uint8_t)id;
		assert_ptr_equal(clip_of(secret, &t), clip_of(secret, &t));
		same += clip_of(secret, &t) == clip_of(other_secret, &t);
	}
	assert_in_range(same, 10, 60);
}

static void
test_right(void **state)
{
	static const struct {
		const char *said;
		bool right;
	} cases[] = { { "48x32@400", true }, { "48x32@300", true }, { "48x32@500", true },
		{ "48x32@299", false }, { "48x32@501", false }, { "32x48@400", false },
		{ "48x32", false }, { "48x32@", false }, { "48x32@400 ", false },
		{ "048x32@400", true }, { "x32@400", false }, { "48@400", false },
		{ "failed", false }, { "", false }, { "99999999999x32@400", false },
		{ "48x32@-400", false }, { "48x32@400@400", false }, { "NaNxNaN@NaN", false } };
	struct ticket t = { .issued_s = 0 };

	(void)state;
	/* The cases are about the first clip. */
	while (clip_of(secret, &t)->width != 48)
		t.id[0]++;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (clip_right(secret, &t, slice_of(cases[i].said)) != cases[i].right)
			fail_msg("%s", cases[i].said);
	assert_false(clip_right(secret, &t, (struct slice){ NULL, 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clips_are_what_we_say),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
