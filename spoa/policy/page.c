#include "policy/page.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "policy/rule.h"
#include "policy/schema.h"
#include "policy/site.h"

#define TEXTS_MAX 4096u

/* An SVG says what it is after an XML declaration, a DOCTYPE and comments at most. */
#define SVG_WITHIN 1024u

const char *const page_colour_names[PAGE_COLOURS] = { "text", "background", "muted", "line",
	"accent", "button_text" };

/* One `page` while it is read. */
struct reading {
	struct loader *loader;
	struct page_settings *page;
	const char *file;
};

static struct page_settings *
add(struct policy *p, const struct page_settings *under)
{
	struct page_settings *page = arena_alloc(p->arena, sizeof(*page));

	if (under != NULL)
		*page = *under;
	page->next = NULL;
	page->under = under;
	page->number = p->page_last == NULL ? 0 : p->page_last->number + 1;
	if (p->page_last == NULL)
		p->page = page;
	else
		p->page_last->next = page;
	p->page_last = page;
	return page;
}

const struct page_settings *
page_default(struct policy *p)
{
	return add(p, NULL);
}

/* For problems that are found when the tree is gone. */
static struct place
place_of(const struct reading *r, const struct tree *n)
{
	char path[256];

	tree_path(n, path, sizeof(path));
	return (struct place){ r->file, n->line, n->column,
		arena_copy(r->loader->policy->arena, slice_of(path)).ptr };
}

/* ---- files ---- */

/* Without a byte order mark, CR LF and CR: LF. */
static size_t
normalise(char *text, size_t bytes)
{
	size_t from = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, to = 0;

	for (; from < bytes; from++) {
		if (text[from] != '\r')
			text[to++] = text[from];
		else if (from + 1 == bytes || text[from + 1] != '\n')
			text[to++] = '\n';
	}
	return to;
}

static bool
is_text(struct slice s)
{
	return utf8_is_valid(s) && (s.len == 0 || memchr(s.ptr, '\0', s.len) == NULL);
}

/* The file that `key` names, as `is_text` or as it is. False: not named, or a problem. */
static bool
read_file(const struct reading *r, const struct tree *map, const char *key, size_t most, bool text,
    struct page_file *out, const struct tree **node)
{
	struct loader *l = r->loader;
	const struct tree *n = schema_get(map, key, TREE_STRING, l->problems);
	const char *name, *why;
	size_t bytes;
	char *read;

	if (n == NULL)
		return false;
	*node = n;
	name = loader_find(l, n, n->text, &why);
	if (name == NULL) {
		tree_error(l->problems, n, "%.*s: %s", (int)n->text.len, n->text.ptr, why);
		return false;
	}
	read = loader_read(l, n, name, most, &bytes);
	if (read == NULL)
		return false;
	if (text)
		bytes = normalise(read, bytes);
	out->bytes = arena_copy(l->policy->arena, (struct slice){ read, bytes });
	out->name = arena_copy(l->policy->arena, slice_of(name)).ptr;
	free(read);
	if (bytes > most)
		tree_error(l->problems, n, "%s has more than %zu KB", out->name, most / 1024);
	else if (bytes == 0)
		tree_error(l->problems, n, "%s is empty", out->name);
	else if (text && !is_text(out->bytes))
		tree_error(l->problems, n, "%s is no text in UTF-8", out->name);
	else
		return true;
	return false;
}

/* What browsers take it for, by its first bytes; NULL: nothing that they would show. */
static const char *
image_type(struct slice s)
{
	struct slice head = { s.ptr, s.len < SVG_WITHIN ? s.len : SVG_WITHIN };

	if (slice_starts(s, SLICE("\x89PNG\r\n\x1a\n")))
		return "image/png";
	if (slice_starts(s, SLICE("\xff\xd8\xff")))
		return "image/jpeg";
	if (slice_starts(s, SLICE("GIF87a")) || slice_starts(s, SLICE("GIF89a")))
		return "image/gif";
	if (s.len >= 12 && slice_starts(s, SLICE("RIFF")) && memcmp(s.ptr + 8, "WEBP", 4) == 0)
		return "image/webp";
	return slice_contains_nocase(head, SLICE("<svg")) && is_text(s) ? "image/svg+xml" : NULL;
}

static void
read_logo(struct reading *r, const struct tree *map)
{
	struct page_file *logo = &r->page->logo;
	const struct tree *n;

	if (!read_file(r, map, "logo", PAGE_LOGO_MAX, false, logo, &n))
		return;
	r->page->logo_type = image_type(logo->bytes);
	if (r->page->logo_type == NULL)
		tree_error(r->loader->problems, n,
		    "%s is no image that every browser shows: SVG, PNG, JPEG, WebP or GIF",
		    logo->name);
}

static void
read_css(struct reading *r, const struct tree *map)
{
	static const struct slice outside[] = { SLICE("@import"), SLICE("url(http"),
		SLICE("url(\"http"), SLICE("url('http"), SLICE("url(//"), SLICE("url(\"//"),
		SLICE("url('//") };
	struct page_file *css = &r->page->css;
	const struct tree *n;

	if (!read_file(r, map, "css", PAGE_CSS_MAX, true, css, &n))
		return;
	if (slice_contains_nocase(css->bytes, SLICE("</style")))
		tree_error(
		    r->loader->problems, n, "%s has </style in it, which would end it", css->name);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (slice_contains_nocase(css->bytes, outside[i]))
			tree_warn(r->loader->problems, n,
			    "%s has %.*s: the page fetches nothing, write images as url(data:…)",
			    css->name, (int)outside[i].len, outside[i].ptr);
}

/* ---- colours ---- */

static bool
is_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.ptr[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return s.len == 3 || s.len == 6;
}

/* Numbers and what stands between them: "12, 34%, 5deg". */
static bool
is_numbers(struct slice s)
{
	bool digit = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		digit |= c >= '0' && c <= '9';
		if (!((c >= '0' && c <= '9') || strchr(" .,%/-deg", c) != NULL) || c == '\0')
			return false;
	}
	return digit;
}

/* A colour and no more: nothing in it could end a declaration, or fetch. */
static bool
is_colour(struct slice s)
{
	static const struct slice calls[] = { SLICE("rgb("), SLICE("rgba("), SLICE("hsl("),
		SLICE("hsla(") };

	if (s.len < 3 || s.len > 40)
		return false;
	if (s.ptr[0] == '#')
		return is_hex((struct slice){ s.ptr + 1, s.len - 1 });
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (slice_starts(s, calls[i]))
			return s.ptr[s.len - 1] == ')' &&
			       is_numbers((struct slice){
				   s.ptr + calls[i].len, s.len - calls[i].len - 1 });
	for (size_t i = 0; i < s.len; i++)
		if (ascii_lower(s.ptr[i]) < 'a' || ascii_lower(s.ptr[i]) > 'z')
			return false;
	return true;
}

static void
read_colour(struct reading *r, const struct tree *n, struct slice *out)
{
	if (n == NULL)
		return;
	if (n->kind == TREE_NULL)
		tree_error(r->loader->problems, n,
		    "is empty: # begins a comment in YAML, write the colour in quotes: \"#333\"");
	else if (n->text.ptr == NULL || !is_colour(n->text))
		tree_error(r->loader->problems, n,
		    "no colour: \"#333\", \"#303030\", rgb(48, 48, 48), hsl(0, 0%%, 19%%) or a "
		    "name");
	else
		*out = arena_copy(r->loader->policy->arena, n->text);
}

static void
read_scheme(struct reading *r, const struct tree *map, enum page_scheme scheme)
{
	struct schema_key keys[PAGE_COLOURS + 2] = { { 0 } };

	for (unsigned i = 0; i < PAGE_COLOURS; i++) {
		keys[i] = (struct schema_key){ page_colour_names[i], SCHEMA_KNOWN };
		read_colour(r, tree_get(map, page_colour_names[i]), &r->page->colour[scheme][i]);
	}
	if (scheme == PAGE_LIGHT)
		keys[PAGE_COLOURS] = (struct schema_key){ "dark", SCHEMA_KNOWN };
	schema_check(map, keys, r->loader->problems);
}

static void
read_colours(struct reading *r, const struct tree *map)
{
	const struct tree *n = schema_get(map, "colours", TREE_MAP, r->loader->problems), *dark;

	if (n == NULL)
		return;
	read_scheme(r, n, PAGE_LIGHT);
	dark = schema_get(n, "dark", TREE_MAP, r->loader->problems);
	if (dark != NULL)
		read_scheme(r, dark, PAGE_DARK);
}

/* ---- words ---- */

static bool
is_line(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return is_text(s);
}

/* What may stand in an address that is a link. */
static bool
is_address(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || strchr("\"'<>\\{}`", s.ptr[i]) != NULL)
			return false;
	return true;
}

static void
read_contact(struct reading *r, const struct tree *map)
{
	struct problems *problems = r->loader->problems;
	const struct tree *n = schema_get(map, "contact", TREE_STRING, problems);
	const size_t errors = problems->errors;
	bool link;

	if (n == NULL)
		return;
	link = slice_starts(n->text, SLICE("mailto:")) || slice_starts(n->text, SLICE("https://"));
	if (n->text.len > PAGE_CONTACT_MAX || !is_line(n->text))
		tree_error(problems, n, "must be one line of at most %u bytes", PAGE_CONTACT_MAX);
	else if (slice_starts(n->text, SLICE("http://")))
		tree_error(problems, n, "a link must begin with https:// or mailto:");
	else if (link && !is_address(n->text))
		tree_error(problems, n,
		    "no address: blanks, quotes, brackets and what is not ASCII are written as "
		    "%%20 "
		    "and so on");
	if (problems->errors == errors)
		r->page->contact = arena_copy(r->loader->policy->arena, n->text);
}

static void
read_text(struct reading *r, struct slice language, const struct tree *n, struct page_text *out)
{
	struct arena *arena = r->loader->policy->arena;

	*out = (struct page_text){
		.language = language, .key = arena_copy(arena, n->key), .at = place_of(r, n)
	};
	if (n->text.ptr == NULL)
		tree_error(
		    r->loader->problems, n, "is %s and must be string", tree_kind_names[n->kind]);
	else if (n->text.len == 0 || n->text.len > PAGE_TEXT_MAX || !is_line(n->text))
		tree_error(
		    r->loader->problems, n, "must be one line of 1 to %u bytes", PAGE_TEXT_MAX);
	else
		out->text = arena_copy(arena, n->text);
}

/* Those of this page in front of those below; each language in front of what all have. */
static void
read_texts(struct reading *r, const struct tree *map)
{
	struct loader *l = r->loader;
	const struct tree *all = schema_get(map, "texts", TREE_MAP, l->problems);
	struct page_text *text;
	unsigned count = r->page->texts, n = 0;

	if (all == NULL)
		return;
	for (const struct tree *lang = all->first; lang != NULL; lang = lang->next)
		count += lang->kind == TREE_MAP ? lang->count : 0;
	if (count > TEXTS_MAX) {
		tree_error(l->problems, all, "more than %u texts", TEXTS_MAX);
		return;
	}
	text = arena_alloc(l->policy->arena, (count + 1u) * sizeof(*text));
	for (int turn = 0; turn < 2; turn++)
		for (const struct tree *lang = all->first; lang != NULL; lang = lang->next) {
			struct slice name = arena_copy(l->policy->arena, lang->key);

			if (slice_equal(lang->key, SLICE("*")) != (turn == 1))
				continue;
			if (lang->kind != TREE_MAP)
				tree_error(l->problems, lang,
				    "is %s and must be a map: the texts of a language, or of all "
				    "(\"*\")",
				    tree_kind_names[lang->kind]);
			else
				for (const struct tree *t = lang->first; t != NULL; t = t->next)
					read_text(r, name, t, &text[n++]);
		}
	for (unsigned i = 0; i < r->page->texts; i++)
		text[n++] = r->page->text[i];
	r->page->text = text;
	r->page->texts = n;
}

/* ---- the block ---- */

const struct page_settings *
page_read(struct loader *l, const struct tree *map, const struct page_settings *under)
{
	static const struct schema_key keys[] = { { "logo", SCHEMA_KNOWN },
		{ "colours", SCHEMA_KNOWN }, { "css", SCHEMA_KNOWN }, { "contact", SCHEMA_KNOWN },
		{ "template", SCHEMA_KNOWN }, { "note_template", SCHEMA_KNOWN },
		{ "texts", SCHEMA_KNOWN }, { 0 } };
	const struct tree *n = schema_get(map, "page", TREE_MAP, l->problems), *node;
	struct reading r = { .loader = l };

	if (n == NULL)
		return under;
	schema_check(n, keys, l->problems);
	r.page = map->parent == NULL ? l->policy->page : add(l->policy, under);
	r.file = arena_copy(l->policy->arena, slice_of(n->file)).ptr;
	r.page->at = place_of(&r, n);
	read_logo(&r, n);
	read_colours(&r, n);
	read_css(&r, n);
	read_contact(&r, n);
	read_file(&r, n, "template", PAGE_TEMPLATE_MAX, true, &r.page->challenge, &node);
	read_file(&r, n, "note_template", PAGE_TEMPLATE_MAX, true, &r.page->note, &node);
	read_texts(&r, n);
	return r.page;
}

const struct page_settings *
policy_page(const struct policy *p, struct slice host)
{
	return site_find(p, host)->page;
}

const struct page_settings *
policy_pages(const struct policy *p)
{
	return p->page;
}
