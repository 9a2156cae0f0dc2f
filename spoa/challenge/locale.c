#include "challenge/locale.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name; /* TAG.txt */
	const unsigned char *text;
	size_t bytes;
} files[] = {
#include "embed/locales.inc"
};

static const char *const keys[] = {
#define LOCALE_WORD(upper, key) [WORD_##upper] = (key),
	LOCALE_WORDS(LOCALE_WORD)
#undef LOCALE_WORD
};

/* Made of a file when it is first asked for: until then its page of memory is not touched. */
static struct {
	atomic_bool ready;
	char tag[16];
	struct locale locale;
} made[COUNT(files)];
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

const char *
locale_key(enum word w)
{
	assert((unsigned)w < WORDS);
	return keys[w];
}

/* ---- reading a file ---- */

static bool
find_key(struct slice key, enum word *w)
{
	for (unsigned i = 0; i < WORDS; i++) {
		if (slice_equal(key, slice_of(keys[i]))) {
			*w = (enum word)i;
			return true;
		}
	}
	return false;
}

/* What is wrong with a line, NULL if nothing is. */
static const char *
read_line(struct slice s, struct locale *l, bool seen[static WORDS + 1])
{
	struct slice value, key = slice_trim(slice_split(s, '=', &value));
	enum word w = WORDS; /* stands for the direction */

	value = slice_trim(value);
	if (value.len == 0)
		return "this is not key = text";
	if (slice_equal(key, SLICE("direction"))) {
		l->rtl = slice_equal(value, SLICE("rtl"));
		if (!l->rtl && !slice_equal(value, SLICE("ltr")))
			return "direction is ltr or rtl";
	} else if (!find_key(key, &w)) {
		return "there is no such word";
	} else if (value.len > LOCALE_WORD_BYTES_MAX) {
		return "a word has at most 2048 bytes";
	} else if (!utf8_is_valid(value)) {
		return "this is not UTF-8";
	} else {
		l->word[w] = value;
	}
	if (seen[w])
		return "this key stands twice";
	seen[w] = true;
	return NULL;
}

bool
locale_parse(struct slice text, struct locale *l, unsigned *line, const char **why)
{
	bool seen[WORDS + 1] = { false };

	for (*line = 1; text.len > 0; ++*line) {
		struct slice s = slice_trim(slice_split(text, '\n', &text));

		if (s.len == 0 || s.ptr[0] == '#')
			continue;
		*why = read_line(s, l, seen);
		if (*why != NULL)
			return false;
	}
	return true;
}

/* ---- finding one ---- */

static struct slice
file_tag(size_t i)
{
	struct slice rest;

	return slice_split(slice_of(files[i].name), '.', &rest);
}

static void
make(size_t i)
{
	struct slice tag = file_tag(i), text = { (const char *)files[i].text, files[i].bytes };
	const char *why;
	unsigned line;

	assert(tag.len < sizeof(made[i].tag));
	memcpy(made[i].tag, tag.ptr, tag.len);
	made[i].locale.tag = made[i].tag;
	made[i].locale.number = (unsigned)i;
	if (!locale_parse(text, &made[i].locale, &line, &why))
		assert(!"a language of ours is not well-formed");
}

size_t
locale_count(void)
{
	return COUNT(files);
}

const struct locale *
locale_at(size_t i)
{
	assert(i < COUNT(files));
	if (!atomic_load_explicit(&made[i].ready, memory_order_acquire)) {
		pthread_mutex_lock(&making);
		if (!atomic_load_explicit(&made[i].ready, memory_order_relaxed)) {
			make(i);
			atomic_store_explicit(&made[i].ready, true, memory_order_release);
		}
		pthread_mutex_unlock(&making);
	}
	return &made[i].locale;
}

/* COUNT(files) if there is none. */
static size_t
find_tag(struct slice tag)
{
	size_t i = 0;

	while (i < COUNT(files) && !slice_equal_nocase(tag, file_tag(i)))
		i++;
	return i;
}

const struct locale *
locale_find(struct slice tag)
{
	size_t i = find_tag(tag);

	return i < COUNT(files) ? locale_at(i) : NULL;
}

/* Codes that were renamed, macrolanguages, scripts, and what is read with ease by who asks. */
static const struct {
	struct slice range, tag;
} aliases[] = {
	{ SLICE("zh"), SLICE("zh-CN") },
	{ SLICE("zh-Hans"), SLICE("zh-CN") },
	{ SLICE("zh-SG"), SLICE("zh-CN") },
	{ SLICE("zh-MY"), SLICE("zh-CN") },
	{ SLICE("cmn"), SLICE("zh-CN") },
	{ SLICE("cmn-Hant"), SLICE("zh-TW") },
	{ SLICE("zh-Hant"), SLICE("zh-TW") },
	{ SLICE("zh-HK"), SLICE("zh-TW") },
	{ SLICE("zh-MO"), SLICE("zh-TW") },
	{ SLICE("zh-yue"), SLICE("zh-TW") },
	{ SLICE("yue"), SLICE("zh-TW") },
	{ SLICE("no"), SLICE("nb") },
	{ SLICE("nn"), SLICE("nb") },
	{ SLICE("iw"), SLICE("he") },
	{ SLICE("in"), SLICE("id") },
	{ SLICE("mo"), SLICE("ro") },
	{ SLICE("sh"), SLICE("hr") },
	{ SLICE("bs"), SLICE("hr") },
	{ SLICE("gsw"), SLICE("de") },
	{ SLICE("prs"), SLICE("fa") },
};

static size_t
find_range(struct slice range)
{
	for (size_t i = 0; i < COUNT(aliases); i++)
		if (slice_equal_nocase(range, aliases[i].range))
			return find_tag(aliases[i].tag);
	return find_tag(range);
}

/* Without the last subtag, and without a singleton that would then be the last (RFC 4647, 3.4). */
static struct slice
shorten(struct slice range)
{
	do {
		while (range.len > 0 && range.ptr[range.len - 1] != '-')
			range.len--;
		if (range.len > 0)
			range.len--;
	} while (range.len >= 2 && range.ptr[range.len - 2] == '-');
	return range;
}

static size_t
look_up(struct slice range)
{
	size_t found = COUNT(files);

	while (found == COUNT(files) && range.len > 0) {
		found = find_range(range);
		range = shorten(range);
	}
	return found;
}

/* Of ";q=0.8" what stands behind the semicolon, in thousandths; -1 if it is something else. */
static int
weight(struct slice s)
{
	static const int place[] = { 100, 10, 1 };
	struct slice value, name = slice_trim(slice_split(s, '=', &value));
	int got;

	if (name.len == 0 && value.ptr == NULL)
		return 1000;
	value = slice_trim(value);
	if (!slice_equal_nocase(name, SLICE("q")) || value.len == 0 || value.len > 5 ||
	    (value.ptr[0] != '0' && value.ptr[0] != '1') || (value.len > 1 && value.ptr[1] != '.'))
		return -1;
	got = (value.ptr[0] - '0') * 1000;
	for (size_t i = 2; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return -1;
		got += (value.ptr[i] - '0') * place[i - 2];
	}
	return got <= 1000 ? got : -1;
}

#define RANGES_MAX 16
#define RANGES_BYTES_MAX ((size_t)256)

const struct locale *
locale_choose(struct slice accept_language)
{
	size_t best = find_tag(SLICE("en"));
	int best_weight = 0;

	if (accept_language.len > RANGES_BYTES_MAX) {
		/* A range that is cut could be another one: not that either. */
		accept_language.len = RANGES_BYTES_MAX;
		while (
		    accept_language.len > 0 && accept_language.ptr[accept_language.len - 1] != ',')
			accept_language.len--;
	}
	for (int i = 0; i < RANGES_MAX && accept_language.len > 0; i++) {
		struct slice params, item = slice_split(accept_language, ',', &accept_language);
		struct slice range = slice_trim(slice_split(item, ';', &params));
		int w = weight(params);
		size_t found;

		/* Refused (q=0), malformed, or no better than what we have. */
		if (w <= best_weight)
			continue;
		found = look_up(range);
		if (found < COUNT(files)) {
			best = found;
			best_weight = w;
		}
	}
	return locale_at(best);
}
