#include "challenge/page_inner.h"

#include <stdio.h>

#include "base/memory.h"

enum word
page_word(struct slice key)
{
	unsigned w = 0;

	while (w < WORDS && !slice_equal(key, slice_of(locale_key((enum word)w))))
		w++;
	return (enum word)w;
}

struct slice *
page_own_words(const struct pages *p, const struct locale *l)
{
	struct slice *word = xreallocarray(NULL, WORDS, sizeof(*word));

	memcpy(word, l->word, sizeof(l->word));
	for (unsigned i = p->theme.words; i > 0; i--) {
		const struct page_word *own = &p->own[i - 1];

		if (slice_equal_nocase(own->language, slice_of(l->tag)) ||
		    slice_equal(own->language, SLICE("*")))
			word[own->word] = own->text;
	}
	return word;
}

static struct slice
word(const struct pages *p, const struct locale *l, enum word w)
{
	const struct slice *own = p->language[l->number].word;

	return own != NULL ? own[w] : l->word[w];
}

/* As text_html, and nothing in it looks like a hole of a template. */
static void
put_literal(struct text *out, struct slice s)
{
	while (s.len > 0) {
		struct slice rest, before = slice_split(s, '{', &rest);

		text_html(out, before);
		if (rest.ptr != NULL)
			text_put(out, SLICE("&#123;"));
		s = rest;
	}
}

void
page_put_word(
    struct text *out, const struct pages *p, const struct locale *l, enum word w, struct slice html)
{
	struct slice rest, before = slice_split(word(p, l, w), '{', &rest);

	put_literal(out, before);
	if (rest.ptr == NULL)
		return;
	slice_split(rest, '}', &rest);
	text_put(out, html);
	put_literal(out, rest);
}

void
page_put_counted(
    struct text *out, const struct pages *p, const struct locale *l, enum word w, unsigned n)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", n);
	page_put_word(out, p, l, w, slice_of(digits));
}

/* As JSON in a script, where nothing may look like a hole of the template either. */
static void
put_json(struct text *out, struct slice s)
{
	char buf[6 * LOCALE_WORD_BYTES_MAX + 2];
	struct text quoted = { .buf = buf, .cap = sizeof(buf) };

	text_quote_json_utf8(&quoted, s);
	out->cut |= quoted.cut;
	for (size_t i = 0; i < quoted.len; i++)
		if (i > 0 && buf[i] == '{' && buf[i - 1] == '{')
			text_put(out, SLICE("\\u007b"));
		else
			text_byte(out, buf[i]);
}

/* The words that the script says. */
static void
put_words(struct text *out, const struct pages *p, const struct locale *l)
{
	static const struct {
		const char *key;
		enum word word;
	} said[] = { { "percent", WORD_PERCENT }, { "few", WORD_FEW }, { "seconds", WORD_SECONDS },
		{ "minutes", WORD_MINUTES }, { "done", WORD_DONE }, { "again", WORD_AGAIN },
		{ "failed", WORD_FAILED }, { "no_cookies", WORD_NO_COOKIES }, { "loop", WORD_LOOP },
		{ "resend", WORD_RESEND }, { "resend_note", WORD_RESEND_NOTE } };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		text_printf(out, "%c\"%s\":", i == 0 ? '{' : ',', said[i].key);
		put_json(out, word(p, l, said[i].word));
	}
	text_byte(out, '}');
}

/* ---- a theme ---- */

/* Behind the reference: where help is to be had. */
static void
put_contact(struct text *out, const struct pages *p, const struct locale *l)
{
	struct slice c = p->theme.contact;

	if (c.len == 0)
		return;
	/* style.css puts a dot in front where something stands before it. */
	text_put(out, SLICE(" <span class=\"contact\">"));
	if (slice_starts(c, SLICE("https://")) || slice_starts(c, SLICE("mailto:"))) {
		text_put(out, SLICE("<a href=\""));
		put_literal(out, c);
		text_put(out, SLICE("\">"));
		page_put_word(out, p, l, WORD_CONTACT, PAGE_EMPTY);
		text_put(out, SLICE("</a>"));
	} else {
		put_literal(out, c);
	}
	text_put(out, SLICE("</span>"));
}

bool
page_names_word(struct slice name)
{
	return slice_starts(name, SLICE("w:")) &&
	       page_word((struct slice){ name.ptr + 2, name.len - 2 }) != WORDS;
}

bool
page_put_fixed(struct text *out, const struct pages *p, const struct locale *l, struct slice name)
{
	if (slice_equal(name, SLICE("lang")))
		text_put(out, slice_of(l->tag));
	else if (slice_equal(name, SLICE("dir")))
		text_put(out, l->rtl ? SLICE("rtl") : SLICE("ltr"));
	else if (slice_equal(name, SLICE("words")))
		put_words(out, p, l);
	else if (slice_equal(name, SLICE("version")))
		text_put(out, slice_of(page_solver_version()));
	else if (slice_equal(name, SLICE("contact")))
		put_contact(out, p, l);
	else if (page_names_word(name))
		page_put_word(
		    out, p, l, page_word((struct slice){ name.ptr + 2, name.len - 2 }), PAGE_EMPTY);
	else
		return false;
	return true;
}
