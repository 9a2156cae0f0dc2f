#include "challenge/theme.h"

#include <math.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"

struct themes {
	const struct policy *policy; /* NULL: there are only one site's */
	unsigned count;
	struct pages *pages[];
};

/* ---- texts ---- */

/* What stands between { and }; false: nothing does. */
static bool
hole_of(struct slice s, struct slice *hole)
{
	struct slice rest, end;

	slice_split(s, '{', &rest);
	*hole = slice_split(rest, '}', &end);
	return rest.ptr != NULL && end.ptr != NULL;
}

static unsigned
braces(struct slice s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '{' || s.ptr[i] == '}';
	return n;
}

static size_t
html_bytes(struct slice s)
{
	char buf[6 * PAGE_TEXT_MAX];
	struct text html = { .buf = buf, .cap = sizeof(buf) };

	text_html(&html, s);
	return html.cut ? sizeof(buf) : html.len;
}

static void
say_keys(const struct page_text *t, struct problems *p)
{
	char buf[900];
	struct text all = { .buf = buf, .cap = sizeof(buf) };

	for (unsigned w = 0; w < WORDS; w++)
		text_printf(&all, " %s", locale_key((enum word)w));
	problem_error(p, &t->at, "there is no such text; there are%.*s", (int)all.len, buf);
}

static void
say_languages(const struct page_text *t, struct problems *p)
{
	char buf[600];
	struct text all = { .buf = buf, .cap = sizeof(buf) };

	for (size_t i = 0; i < locale_count(); i++)
		text_printf(&all, " %s", locale_at(i)->tag);
	problem_error(p, &t->at, "there is no language %.*s; there are%.*s and \"*\": all",
	    (int)t->language.len, t->language.ptr, (int)all.len, buf);
}

/* The place of a number or name is the same as in ours, for without it the text says nothing. */
static void
check_hole(const struct page_text *t, struct slice ours, struct problems *p)
{
	struct slice wanted, has;
	const bool wants = hole_of(ours, &wanted);

	if (!wants && braces(t->text) > 0)
		problem_error(p, &t->at, "has { or } in it: nothing is filled in here");
	else if (wants &&
		 (!hole_of(t->text, &has) || !slice_equal(has, wanted) || braces(t->text) != 2))
		problem_error(p, &t->at, "must have {%.*s} in it, once, and no other { or }",
		    (int)wanted.len, wanted.ptr);
}

static void
check_text(const struct page_text *t, struct problems *p)
{
	const enum word w = page_word(t->key);

	if (!slice_equal(t->language, SLICE("*")) && locale_find(t->language) == NULL)
		say_languages(t, p);
	if (w == WORDS)
		say_keys(t, p);
	else
		check_hole(t, locale_choose(SLICE("en"))->word[w], p);
	if (html_bytes(t->text) > PAGE_TEXT_MAX)
		problem_error(p, &t->at, "has more than %u bytes as HTML", PAGE_TEXT_MAX);
}

/* ---- colours ---- */

/* Red, green, blue of #rgb and #rrggbb, 0 to 1. False: not written so. */
static bool
read_hex(struct slice s, double rgb[3])
{
	char hex[6];
	uint8_t bytes[3];

	if (s.len != 4 && s.len != 7)
		return false;
	for (unsigned i = 0; i < 6; i++)
		hex[i] = s.ptr[1 + (s.len == 4 ? i / 2 : i)];
	if (s.ptr[0] != '#' || !hex_decode((struct slice){ hex, 6 }, bytes, 3))
		return false;
	for (unsigned i = 0; i < 3; i++)
		rgb[i] = bytes[i] / 255.0;
	return true;
}

/* Relative luminance (WCAG 2.2, glossary). */
static double
luminance(const double rgb[3])
{
	static const double share[3] = { 0.2126, 0.7152, 0.0722 };
	double sum = 0;

	for (unsigned i = 0; i < 3; i++)
		sum += share[i] *
		       (rgb[i] <= 0.04045 ? rgb[i] / 12.92 : pow((rgb[i] + 0.055) / 1.055, 2.4));
	return sum;
}

/* 1 to 21; 0 where it is not known. */
static double
contrast(struct slice one, struct slice other)
{
	double a[3], b[3];

	if (!read_hex(one, a) || !read_hex(other, b))
		return 0;
	a[0] = luminance(a);
	b[0] = luminance(b);
	return (fmax(a[0], b[0]) + 0.05) / (fmin(a[0], b[0]) + 0.05);
}

static void
check_colours(const struct page_settings *s, struct problems *p)
{
	static const struct {
		enum page_colour front, back;
		double least;
	} pairs[] = { { PAGE_TEXT, PAGE_BACKGROUND, 4.5 }, { PAGE_MUTED, PAGE_BACKGROUND, 4.5 },
		{ PAGE_BUTTON_TEXT, PAGE_ACCENT, 4.5 }, { PAGE_ACCENT, PAGE_BACKGROUND, 3.0 } };

	for (unsigned i = 0; i < 2 * sizeof(pairs) / sizeof(pairs[0]); i++) {
		const enum page_scheme scheme = i % 2 == 0 ? PAGE_LIGHT : PAGE_DARK;
		const enum page_colour front = pairs[i / 2].front, back = pairs[i / 2].back;
		const struct slice own[2] = { s->colour[scheme][front], s->colour[scheme][back] };
		const char *const *ours = page_colours[scheme];
		double has;

		if (own[0].len + own[1].len == 0)
			continue;
		has = contrast(own[0].len > 0 ? own[0] : slice_of(ours[front]),
		    own[1].len > 0 ? own[1] : slice_of(ours[back]));
		if (has > 0 && has < pairs[i / 2].least)
			problem_warn(p, &s->at,
			    "colours%s: %s on %s has a contrast of %.1f : 1, and many cannot read "
			    "what is below %.1f (WCAG AA)",
			    scheme == PAGE_DARK ? ".dark" : "", page_colour_names[front],
			    page_colour_names[back], floor(has * 10) / 10, pairs[i / 2].least);
	}
}

/* ---- the whole ---- */

static void
check_template(const struct page_file *f, bool note, struct problems *p)
{
	struct template_fault fault;

	if (f->bytes.len > 0 && !page_template_valid(f->bytes, note, &fault))
		problem_error(
		    p, &(struct place){ .file = f->name, .line = fault.line }, "%s", fault.why);
}

static void
check(const struct page_settings *s, struct problems *p)
{
	static const struct page_settings none;
	const struct page_settings *under = s->under == NULL ? &none : s->under;
	const unsigned texts = s->text == under->text ? 0 : s->texts - under->texts;

	for (unsigned i = 0; i < texts; i++)
		check_text(&s->text[i], p);
	if (memcmp(s->colour, under->colour, sizeof(s->colour)) != 0)
		check_colours(s, p);
	if (s->challenge.bytes.ptr != under->challenge.bytes.ptr)
		check_template(&s->challenge, false, p);
	if (s->note.bytes.ptr != under->note.bytes.ptr)
		check_template(&s->note, true, p);
}

static struct pages *
dress(const struct page_settings *s, bool trap, struct problems *p)
{
	struct page_word *word = xcalloc(s->texts + 1u, sizeof(*word));
	struct page_theme theme = {
		.css = s->css.bytes,
		.logo = s->logo.bytes,
		.logo_type = s->logo_type,
		.contact = s->contact,
		.challenge = s->challenge.bytes,
		.note = s->note.bytes,
		.word = word,
		.words = s->texts,
		.trap = trap,
	};
	struct pages *pages;
	const char *why;

	memcpy(theme.colour, s->colour, sizeof(theme.colour));
	for (unsigned i = 0; i < s->texts; i++)
		word[i] = (struct page_word){ s->text[i].language, page_word(s->text[i].key),
			s->text[i].text };
	pages = pages_new(&theme, &why);
	if (pages == NULL)
		problem_error(p, &s->at, "%s", why);
	free(word);
	return pages;
}

struct themes *
themes_new(const struct policy *policy, struct problems *p)
{
	const struct page_settings *first = policy_pages(policy);
	const bool trap = policy_settings(policy)->trap_s > 0;
	const size_t errors = p->errors;
	struct themes *t;
	unsigned count = 0;

	for (const struct page_settings *s = first; s != NULL; s = s->next) {
		check(s, p);
		count++;
	}
	if (p->errors > errors)
		return NULL;
	t = xcalloc(1, sizeof(*t) + count * sizeof(struct pages *));
	t->policy = policy;
	t->count = count;
	for (const struct page_settings *s = first; s != NULL; s = s->next)
		t->pages[s->number] = dress(s, trap, p);
	if (p->errors == errors)
		return t;
	themes_free(t);
	return NULL;
}

struct themes *
themes_of_pages(struct pages *pages)
{
	struct themes *t = xcalloc(1, sizeof(*t) + sizeof(struct pages *));

	t->count = 1;
	t->pages[0] = pages;
	return t;
}

void
themes_free(struct themes *t)
{
	for (unsigned i = 0; t != NULL && i < t->count; i++)
		pages_free(t->pages[i]);
	free(t);
}

struct pages *
themes_pages(const struct themes *t, struct slice host)
{
	return t->pages[t->policy == NULL ? 0 : policy_page(t->policy, host)->number];
}
