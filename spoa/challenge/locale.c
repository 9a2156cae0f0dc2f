#include "challenge/locale.h"
static const char en[] = {
#include "embed/en.txt.inc"
};
static const char *const keys[WORDS] = {
#define X(id, key) key,
	WORDS_LIST(X)
};
static struct locale english;
const struct locale *
locale_choose(struct slice a)
{
	struct slice rest = { en, sizeof(en) };
	(void)a;
	if (english.tag)
		return &english;
	while (rest.len > 0) {
		struct slice value, line = slice_split(rest, '\n', &rest),
				    key = slice_split(line, '=', &value);
		for (unsigned i = 0; i < WORDS; i++)
			if (slice_equal(slice_trim(key), slice_of(keys[i])))
				english.word[i] = slice_trim(value);
	}
	english.tag = "en";
	return &english;
}
