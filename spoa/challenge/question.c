#include "challenge/question.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The lists of all languages, a line each, commas between. */
static const unsigned char lists[] = {
#include "embed/oranges.inc"
};

/* ---- one spelling for what people type in many ---- */

/* A character may become two (ß). */
#define NORMAL_MAX (2 * QUESTION_CHARACTERS_MAX)

struct normal {
	uint32_t c[NORMAL_MAX];
	size_t n;
};

/* The letter without its marks, lower case, for the characters from `first` on; . is none. */
static const struct {
	uint32_t first;
	struct slice plain;
} latin[] = {
	{ 0xc0, SLICE("aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty"
		      "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
		      "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs") },
	{ 0x1a0, SLICE("oo.............uu") },
	{ 0x1cd, SLICE("aaiioouuuuuuuuuu") },
	{ 0x218, SLICE("sstt") },
	{ 0x1e00, SLICE("aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
			"mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
			"wwwwwwwwwwxxxxyyzzzzzzhtwyas..s.aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
			"eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy") },
};

/* Others, one by one, as lower case. */
static const struct {
	uint16_t from, to;
} single[] = {
	{ 0x0386, 0x03b1 },
	{ 0x0388, 0x03b5 },
	{ 0x0389, 0x03b7 },
	{ 0x038a, 0x03b9 },
	{ 0x038c, 0x03bf },
	{ 0x038e, 0x03c5 },
	{ 0x038f, 0x03c9 },
	{ 0x0390, 0x03b9 },
	{ 0x03aa, 0x03b9 },
	{ 0x03ab, 0x03c5 },
	{ 0x03ac, 0x03b1 },
	{ 0x03ad, 0x03b5 },
	{ 0x03ae, 0x03b7 },
	{ 0x03af, 0x03b9 },
	{ 0x03b0, 0x03c5 },
	{ 0x03c2, 0x03c3 },
	{ 0x03ca, 0x03b9 },
	{ 0x03cb, 0x03c5 },
	{ 0x03cc, 0x03bf },
	{ 0x03cd, 0x03c5 },
	{ 0x03ce, 0x03c9 },
	/* Cyrillic: what has two dots, a breve or an acute; and the upright ґ. */
	{ 0x0439, 0x0438 },
	{ 0x0450, 0x0435 },
	{ 0x0451, 0x0435 },
	{ 0x0453, 0x0433 },
	{ 0x0457, 0x0456 },
	{ 0x045c, 0x043a },
	{ 0x045d, 0x0438 },
	{ 0x045e, 0x0443 },
	{ 0x0490, 0x0433 },
	{ 0x0491, 0x0433 },
	/* Arabic and Persian: seats of hamza, ta marbuta, and the two ya and kaf. */
	{ 0x0622, 0x0627 },
	{ 0x0623, 0x0627 },
	{ 0x0624, 0x0648 },
	{ 0x0625, 0x0627 },
	{ 0x0626, 0x064a },
	{ 0x0629, 0x0647 },
	{ 0x0649, 0x064a },
	{ 0x0671, 0x0627 },
	{ 0x06a9, 0x0643 },
	{ 0x06c0, 0x0647 },
	{ 0x06cc, 0x064a },
	/* Devanagari: chandrabindu, and letters with a nukta. */
	{ 0x0901, 0x0902 },
	{ 0x0958, 0x0915 },
	{ 0x0959, 0x0916 },
	{ 0x095a, 0x0917 },
	{ 0x095b, 0x091c },
	{ 0x095c, 0x0921 },
	{ 0x095d, 0x0922 },
	{ 0x095e, 0x092b },
	{ 0x095f, 0x092f },
};

struct range {
	uint32_t first, last;
};

/* Marks that not everybody types, and what is not seen at all. */
static const struct range dropped[] = {
	{ 0x00ad, 0x00ad },
	{ 0x0300, 0x036f },
	{ 0x0591, 0x05bd },
	{ 0x05bf, 0x05c7 },
	{ 0x0610, 0x061a },
	{ 0x0640, 0x0640 },
	{ 0x064b, 0x065f },
	{ 0x0670, 0x0670 },
	{ 0x093c, 0x093c },
	{ 0x200b, 0x200f },
	{ 0x202a, 0x202e },
	{ 0x2060, 0x2069 },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
};

/* Controls, blanks, punctuation. */
static const struct range blanks[] = {
	{ 0x0000, 0x002f },
	{ 0x003a, 0x0040 },
	{ 0x005b, 0x0060 },
	{ 0x007b, 0x00bf },
	{ 0x02b0, 0x02ff },
	{ 0x05be, 0x05be },
	{ 0x05f3, 0x05f4 },
	{ 0x060c, 0x060c },
	{ 0x061b, 0x061b },
	{ 0x061f, 0x061f },
	{ 0x0964, 0x0965 },
	{ 0x2000, 0x206f },
	{ 0x3000, 0x3003 },
	{ 0x3008, 0x3011 },
	{ 0x30fb, 0x30fb },
};

static bool
within(uint32_t c, const struct range *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= table[i].first && c <= table[i].last)
			return true;
	return false;
}

/* Lower case, of the scripts that have it and the blocks that we know. */
static uint32_t
lower(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e) /* as wide as an ideograph */
		c -= 0xff01 - '!';
	if ((c >= 'A' && c <= 'Z') || (c >= 0x0391 && c <= 0x03a9) || (c >= 0x0410 && c <= 0x042f))
		return c + 0x20;
	if (c >= 0x0400 && c <= 0x040f)
		return c + 0x50;
	return c;
}

static uint32_t
fold(uint32_t c)
{
	c = lower(c);
	if (c >= 0x3041 && c <= 0x3096) /* hiragana as katakana */
		return c + 0x60;
	for (size_t i = 0; i < COUNT(latin); i++) {
		uint32_t at = c - latin[i].first;

		if (c >= latin[i].first && at < latin[i].plain.len && latin[i].plain.ptr[at] != '.')
			return (uint32_t)latin[i].plain.ptr[at];
	}
	for (size_t i = 0; i < COUNT(single); i++)
		if (c == single[i].from)
			return single[i].to;
	return c;
}

/* One letter, and what it makes of the one before. */
static void
add(struct normal *out, uint32_t c)
{
	uint32_t last = out->n > 0 ? out->c[out->n - 1] : ' ';

	/* Blanks are one, and none is in front. */
	if (c == ' ' && last == ' ')
		return;
	/* Möhre, moehre and mohre; gulrøtter, gulroetter; ål, aal. */
	if ((c == 'e' && (last == 'a' || last == 'o' || last == 'u')) || (c == 'a' && last == 'a'))
		return;
	assert(out->n < NORMAL_MAX);
	out->c[out->n++] = c;
}

static const char *const articles[] = {
	"a", "an", "the", "some",                                    /* en */
	"der", "die", "das", "den", "ein", "eine", "einen", "etwas", /* de */
	"de", "het", "een",                                          /* nl */
	"le", "la", "les", "l", "un", "une", "des", "du", "d",       /* fr, ca */
	"el", "los", "las", "una", "unas", "unos",                   /* es */
	"il", "lo", "i", "gli", "uno",                               /* it */
	"o", "os", "as", "um", "uma",                                /* pt */
	"en", "ett", "et", "ei",                                     /* sv, nb, da */
	"az", "egy", "bir",                                          /* hu, tr */
};

/* Greek: ο η το οι τα ένας μια ένα. */
static const uint16_t greek_articles[][4] = {
	{ 0x03bf },
	{ 0x03b7 },
	{ 0x03c4, 0x03bf },
	{ 0x03bf, 0x03b9 },
	{ 0x03c4, 0x03b1 },
	{ 0x03b5, 0x03bd, 0x03b1, 0x03c3 },
	{ 0x03bc, 0x03b9, 0x03b1 },
	{ 0x03b5, 0x03bd, 0x03b1 },
};

static bool
is_article(const uint32_t *word, size_t n)
{
	for (size_t i = 0; i < COUNT(articles); i++) {
		size_t at = 0;

		while (at < n && articles[i][at] != '\0' && word[at] == (uint32_t)articles[i][at])
			at++;
		if (at == n && articles[i][at] == '\0')
			return true;
	}
	for (size_t i = 0; i < COUNT(greek_articles) && n <= 4; i++) {
		size_t at = 0;

		while (at < n && word[at] == greek_articles[i][at])
			at++;
		if (at == n && (n == 4 || greek_articles[i][at] == 0))
			return true;
	}
	return false;
}

static void
remove_front(struct normal *s, size_t n)
{
	s->n -= n;
	memmove(s->c, s->c + n, s->n * sizeof(s->c[0]));
}

static void
remove_article(struct normal *s)
{
	size_t n = 0;

	while (n < s->n && s->c[n] != ' ')
		n++;
	if (n < s->n && is_article(s->c, n))
		remove_front(s, n + 1);
	else if (s->n >= 5 && s->c[0] == 0x0627 && s->c[1] == 0x0644) /* Arabic al- */
		remove_front(s, 2);
}

/* False if it is no UTF-8, too long, or nothing is left of it. */
static bool
normalise(struct slice s, struct normal *out)
{
	unsigned characters = 0;

	out->n = 0;
	while (s.len > 0) {
		uint32_t c = 0;
		size_t n = utf8_decode(s, &c);

		if (n == 0 || ++characters > QUESTION_CHARACTERS_MAX)
			return false;
		s.ptr += n;
		s.len -= n;
		if (within(c, dropped, COUNT(dropped)))
			continue;
		if (within(lower(c), blanks, COUNT(blanks))) {
			add(out, ' ');
			continue;
		}
		add(out, fold(c));
		if (c == 0x00df || c == 0x1e9e) /* ss */
			add(out, 's');
		if (c == 0x00de || c == 0x00fe) /* th */
			add(out, 'h');
	}
	if (out->n > 0 && out->c[out->n - 1] == ' ')
		out->n--;
	remove_article(out);
	return out->n > 0;
}

/* ---- the table ---- */

#define WORDS_MAX 4096u

/*
 * Hashes of all words, sorted. 32 bits: that a wrong word of the language has the hash of a right
 * one is a matter of one in a million, and nobody gains by looking for one, as "orange" will do.
 */
static struct {
	pthread_once_t once;
	uint32_t hash[WORDS_MAX];
	size_t count;
} table = { .once = PTHREAD_ONCE_INIT };

static uint32_t
hash(const uint32_t *c, size_t n)
{
	static const uint8_t key[HASH_KEY_BYTES];

	return (uint32_t)hash_bytes(key, c, n * sizeof(c[0]));
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
make(void)
{
	struct slice rest = { (const char *)lists, sizeof(lists) };

	while (rest.len > 0) {
		struct slice line = slice_split(rest, '\n', &rest);

		while (line.len > 0) {
			struct slice word = slice_split(line, ',', &line);
			struct normal s;
			bool good = normalise(word, &s);

			assert(good && table.count < WORDS_MAX);
			table.hash[table.count++] = hash(s.c, s.n);
		}
	}
	qsort(table.hash, table.count, sizeof(table.hash[0]), compare);
}

static bool
known(const uint32_t *c, size_t n)
{
	uint32_t wanted = hash(c, n);

	return bsearch(&wanted, table.hash, table.count, sizeof(wanted), compare) != NULL;
}

/* Endings of a plural, as they are behind fold(): some 20 of the languages need no others. */
static const char *const latin_endings[] = {
	"s",
	"es",
	"n",
	"en",
	"e",
	"r",
	"er",
	"ar",
	"or",
	"x",
	"i",
	"y",
	"k",
	"ak",
	"ek",
	"ok",
	"t",
	"et",
	"lar",
	"ler",
};
static const uint16_t other_endings[][2] = {
	{ 0x044b },         /* ы */
	{ 0x0438 },         /* и */
	{ 0x0456 },         /* і */
	{ 0x0430 },         /* а */
	{ 0x05d9, 0x05dd }, /* -im */
	{ 0x05d5, 0x05ea }, /* -ot */
};
#define STEM_MIN 3u

/* Without n characters at the end, if that leaves a stem that is known. */
static bool
known_stem(const struct normal *s, size_t n)
{
	return s->n >= STEM_MIN + n && known(s->c, s->n - n);
}

static bool
known_inflected(const struct normal *s)
{
	for (size_t i = 0; i < COUNT(latin_endings); i++) {
		size_t n = strlen(latin_endings[i]), at = 0;

		while (at < n && s->n >= n && s->c[s->n - n + at] == (uint32_t)latin_endings[i][at])
			at++;
		if (at == n && known_stem(s, n))
			return true;
	}
	for (size_t i = 0; i < COUNT(other_endings); i++) {
		size_t n = other_endings[i][1] == 0 ? 1 : 2, at = 0;

		while (at < n && s->n >= n && s->c[s->n - n + at] == other_endings[i][at])
			at++;
		if (at == n && known_stem(s, n))
			return true;
	}
	return false;
}

bool
question_accepts(struct slice answer)
{
	struct normal s;

	pthread_once(&table.once, make);
	if (!normalise(answer, &s))
		return false;
	if (known(s.c, s.n) || known_inflected(&s))
		return true;
	/* Hebrew: the article is a letter of the word. */
	return s.n > STEM_MIN && s.c[0] == 0x05d4 && known(s.c + 1, s.n - 1);
}

bool
question_answered(struct slice answer)
{
	struct normal s;

	return normalise(answer, &s);
}
