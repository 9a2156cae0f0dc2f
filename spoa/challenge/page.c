#include "challenge/page.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "challenge/pow.h"
#include "challenge/splice.h"

/* clang-format off */
static const uint8_t page_html[] = {
#include "embed/page.html.inc"
};
static const uint8_t note_html[] = {
#include "embed/note.html.inc"
};
static const uint8_t style_css[] = {
#include "embed/style.css.inc"
};
static const uint8_t solver_js[] = {
#include "embed/solver.js.inc"
};
static const uint8_t page_js[] = {
#include "embed/page.js.inc"
};
/* clang-format on */

#define BYTES(array) ((struct slice){ (const char *)(array), sizeof(array) })

#define EMPTY ((struct slice){ NULL, 0 })

/* Who has no JavaScript is told of no calculation. In the policy by its hash: the same always. */
#define WITHOUT_STYLE "#why{display:none}"

/* By which a page may be longer than in English and with values that need no escape. */
#define LANGUAGE_BYTES ((size_t)48 * 1024)

/* Holes, then pieces, of both templates, in the order of hole_names. */
enum hole {
	HOLE_HOST,
	HOLE_HEAD,
	HOLE_WHY,
	HOLE_LOST,
	HOLE_PUZZLES,
	HOLE_WITHOUT,
	HOLE_SEED,
	HOLE_TARGET,
	HOLE_POSTED,
	HOLE_LIFE,
	HOLE_WAIT,
	HOLE_ON,
	HOLE_TICKET,
	HOLE_BACK,
	HOLE_EXTRA,
	HOLE_REFERENCE,
	HOLE_TITLE,
	HOLE_TEXT,
	HOLE_FOOT,
	HOLES,
	PIECE_STYLE = HOLES,
	PIECE_SOLVER,
	PIECE_SCRIPT,
	PIECE_LOGO,
	NAMES
};

static const char *const hole_names[HOLES] = { "host", "head", "why", "lost", "puzzles", "without",
	"seed", "target", "posted", "life", "wait", "on", "ticket", "back", "extra", "reference",
	"title", "text", "foot" };

_Static_assert(NAMES <= SPLICE_HOLES_MAX, "a number each");

static const char too_large[] =
    "a page would be larger than 320 KB: make the logo, the css or the template smaller";

_Static_assert(PAGE_BYTES_MAX == (size_t)320 * 1024, "as too_large says");

const char *const page_colours[PAGE_SCHEMES][PAGE_COLOURS] = {
	{ "#1d2429", "#fbfaf7", "#57646d", "#cdd3d6", "#2a6f7f", "#fff" },
	{ "#e4e8ea", "#161b1f", "#9eabb3", "#3a454c", "#4fa3b8", "#0b1114" },
};

/* In style.css. */
static const char *const variables[PAGE_COLOURS] = { "--ink", "--paper", "--soft", "--line",
	"--fill", "--on-fill" };

/* What all pages share, whatever their theme: made of the files once. */
static struct {
	pthread_once_t once;
	char script_buf[sizeof(solver_js) + sizeof(page_js)];
	struct splice_piece solver; /* inline, and the workers' script */
	struct splice_piece script; /* inline after it */
	char version[17];           /* of the solver, so that it may be cached */
} made = { .once = PTHREAD_ONCE_INIT };

struct language {
	struct slice *word; /* NULL: as they are in the locale */
	char *challenge_buf, *note_buf;
	struct splice *challenge, *note;
};

struct pages {
	struct page_theme theme;
	struct page_word *own; /* the theme's */
	struct splice_piece style, logo;
	char *style_buf, *logo_buf;
	char csp[640];
	struct language *language; /* by the number of a locale, made when it is first asked for */
};

/* Without indentation and lines of comment, which are for those who read the file. */
static void
put_script(struct text *out, struct slice source)
{
	while (source.len > 0) {
		struct slice line = slice_split(source, '\n', &source);

		while (line.len > 0 && line.ptr[0] == '\t') {
			line.ptr++;
			line.len--;
		}
		if (line.len == 0 || slice_starts(line, SLICE("//")))
			continue;
		text_put(out, line);
		text_byte(out, '\n');
	}
}

/* Base64 with the ordinary alphabet and padding (RFC 4648, section 4). */
static void
put_base64(struct text *out, struct slice bytes)
{
	for (; bytes.len > 0; bytes.ptr += 3, bytes.len -= bytes.len < 3 ? bytes.len : 3) {
		size_t n = bytes.len < 3 ? bytes.len : 3;
		char digits[BASE64URL_CHARS(3)];

		base64url_encode(bytes.ptr, n, digits);
		for (size_t i = 0; i < 4; i++)
			text_byte(out, i > n              ? '='
				       : digits[i] == '-' ? '+'
				       : digits[i] == '_' ? '/'
							  : digits[i]);
	}
}

/* 'sha256-…' (CSP Level 3, 2.3.1). */
static void
put_hash(struct text *out, struct slice content)
{
	uint8_t hash[SHA256_BYTES];

	sha256_once(content.ptr, content.len, hash);
	text_put(out, SLICE("'sha256-"));
	put_base64(out, (struct slice){ (const char *)hash, sizeof(hash) });
	text_byte(out, '\'');
}

static void
make(void)
{
	struct text script = { .buf = made.script_buf, .cap = sizeof(made.script_buf) };
	uint8_t hash[SHA256_BYTES];

	put_script(&script, BYTES(solver_js));
	splice_piece_init(&made.solver, text_slice(&script));
	put_script(&script, BYTES(page_js));
	assert(!script.cut);
	splice_piece_init(&made.script,
	    (struct slice){ script.buf + made.solver.text.len, script.len - made.solver.text.len });
	sha256_once(made.solver.text.ptr, made.solver.text.len, hash);
	hex_encode(hash, (sizeof(made.version) - 1) / 2, made.version);
}

struct slice
page_solver(void)
{
	pthread_once(&made.once, make);
	return made.solver.text;
}

/* ---- words ---- */

enum word
page_word(struct slice key)
{
	unsigned w = 0;

	while (w < WORDS && !slice_equal(key, slice_of(locale_key((enum word)w))))
		w++;
	return (enum word)w;
}

/* The words of a language, with the theme's in their places: of several that fit the first. */
static struct slice *
own_words(const struct pages *p, const struct locale *l)
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

/* A word as HTML; its hole, if it has one, is `html`. */
static void
put_word(
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

static void
put_counted(
    struct text *out, const struct pages *p, const struct locale *l, enum word w, unsigned n)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", n);
	put_word(out, p, l, w, slice_of(digits));
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
		put_word(out, p, l, WORD_CONTACT, EMPTY);
		text_put(out, SLICE("</a>"));
	} else {
		put_literal(out, c);
	}
	text_put(out, SLICE("</span>"));
}

/* w:KEY */
static bool
names_word(struct slice name)
{
	return slice_starts(name, SLICE("w:")) &&
	       page_word((struct slice){ name.ptr + 2, name.len - 2 }) != WORDS;
}

/* {{NAME}} of a template that depends on language and theme alone; false: a hole, or unknown. */
static bool
put_fixed(struct text *out, const struct pages *p, const struct locale *l, struct slice name)
{
	if (slice_equal(name, SLICE("lang")))
		text_put(out, slice_of(l->tag));
	else if (slice_equal(name, SLICE("dir")))
		text_put(out, l->rtl ? SLICE("rtl") : SLICE("ltr"));
	else if (slice_equal(name, SLICE("words")))
		put_words(out, p, l);
	else if (slice_equal(name, SLICE("version")))
		text_put(out, slice_of(made.version));
	else if (slice_equal(name, SLICE("contact")))
		put_contact(out, p, l);
	else if (names_word(name))
		put_word(out, p, l, page_word((struct slice){ name.ptr + 2, name.len - 2 }), EMPTY);
	else
		return false;
	return true;
}

/* The template with all that is fixed filled in: holes and pieces are left in it. */
static void
put_filled(struct text *out, const struct pages *p, const struct locale *l, struct slice template)
{
	struct slice before, name;

	while (template_next(&template, &before, &name)) {
		text_put(out, before);
		if (put_fixed(out, p, l, name))
			continue;
		text_put(out, SLICE("{{"));
		text_put(out, name);
		text_put(out, SLICE("}}"));
	}
	text_put(out, before);
}

/* NULL if it is larger than any page may be. */
static char *
fill_fixed(const struct pages *p, const struct locale *l, struct slice from, struct slice *filled)
{
	struct text out = { .cap = 16384 };

	do {
		free(out.buf);
		if (out.cap > PAGE_BYTES_MAX)
			return NULL;
		out = (struct text){ .buf = xcalloc(2, out.cap), .cap = 2 * out.cap };
		put_filled(&out, p, l, from);
	} while (out.cut);
	out.buf = xreallocarray(out.buf, out.len, 1);
	*filled = text_slice(&out);
	return out.buf;
}

static struct splice *
splice(struct pages *p, const struct locale *l, struct slice template, char **buf, const char **why)
{
	struct splice_name names[NAMES + 1] = { { NULL, NULL } };
	struct slice filled;
	struct splice *s;

	for (unsigned i = 0; i < HOLES; i++)
		names[i].name = hole_names[i];
	names[PIECE_STYLE] = (struct splice_name){ "style", &p->style };
	names[PIECE_SOLVER] = (struct splice_name){ "solver", &made.solver };
	names[PIECE_SCRIPT] = (struct splice_name){ "script", &made.script };
	names[PIECE_LOGO] = (struct splice_name){ "logo", &p->logo };
	*why = too_large;
	*buf = fill_fixed(p, l, template, &filled);
	if (*buf == NULL)
		return NULL;
	s = splice_new(filled, names, why);
	if (s == NULL) {
		free(*buf);
		*buf = NULL;
	}
	return s;
}

static struct slice
or_ours(struct slice own, struct slice ours)
{
	return own.len > 0 ? own : ours;
}

/* Both templates in this language. One that could not be made is tried again, the other is kept. */
static bool
prepare(struct pages *p, const struct locale *l, const char **why)
{
	struct language *own = &p->language[l->number];

	if (p->theme.words > 0 && own->word == NULL)
		own->word = own_words(p, l);
	if (own->note == NULL)
		own->note =
		    splice(p, l, or_ours(p->theme.note, BYTES(note_html)), &own->note_buf, why);
	if (own->note != NULL && own->challenge == NULL)
		own->challenge = splice(
		    p, l, or_ours(p->theme.challenge, BYTES(page_html)), &own->challenge_buf, why);
	return own->challenge != NULL;
}

/* A page is one without these, too. */
static bool
is_optional(struct slice name)
{
	static const char *const names[] = { "lang", "dir", "why", "logo", "contact", "host",
		"style" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_equal(name, slice_of(names[i])))
			return true;
	return names_word(name);
}

bool
page_template_valid(struct slice template, bool note, struct template_fault *fault)
{
	return template_valid(
	    template, note ? BYTES(note_html) : BYTES(page_html), names_word, is_optional, fault);
}

static bool
templates_valid(const struct pages *p, const char **why)
{
	static _Thread_local struct template_fault fault;

	*why = fault.why;
	return (p->theme.challenge.len == 0 ||
		   page_template_valid(p->theme.challenge, false, &fault)) &&
	       (p->theme.note.len == 0 || page_template_valid(p->theme.note, true, &fault));
}

/* The longest page that there can be fits, in any language. */
static bool
fits(struct pages *p, const struct locale *l, const char **why)
{
	static const char host[TICKET_HOST_MAX], back[LOCATION_MAX], ticket[TICKET_TEXT_MAX];
	struct text out = { .cap = PAGE_BYTES_MAX - LANGUAGE_BYTES };
	const struct ticket opened = {
		.challenge = { .methods = METHODS_OFFERED,
		    .hashes = 1,
		    .puzzles = 1,
		    .clip = true },
		.host = { host, sizeof(host) },
	};
	const struct page_visit v = { .words = l,
		.back = { back, sizeof(back) },
		.ticket = { ticket, sizeof(ticket) },
		.opened = &opened };
	bool fit;

	*why = too_large;
	out.buf = xcalloc(1, out.cap);
	fit = page_write_challenge(p, &out, &v, true);
	out.len = 0;
	fit = fit && page_write_again(p, &out, &v, PAGE_EARLY, 1, v.back);
	free(out.buf);
	return fit;
}

static void
put_colours(struct text *out, const struct pages *p, enum page_scheme scheme)
{
	text_put(out, SLICE(":root { color-scheme: light dark"));
	for (unsigned i = 0; i < PAGE_COLOURS; i++) {
		text_printf(out, "; %s: ", variables[i]);
		text_put(
		    out, or_ours(p->theme.colour[scheme][i], slice_of(page_colours[scheme][i])));
	}
	text_put(out, SLICE(" }\n"));
}

static void
make_style(struct pages *p)
{
	size_t room = sizeof(style_css) + p->theme.css.len + 2048;
	struct text style = { .buf = xcalloc(1, room), .cap = room };

	put_colours(&style, p, PAGE_LIGHT);
	text_put(&style, SLICE("@media (prefers-color-scheme: dark) {\n"));
	put_colours(&style, p, PAGE_DARK);
	text_put(&style, SLICE("}\n"));
	put_script(&style, BYTES(style_css));
	text_put(&style, p->theme.css);
	assert(!style.cut);
	p->style_buf = xreallocarray(style.buf, style.len, 1);
	splice_piece_init(&p->style, (struct slice){ p->style_buf, style.len });
}

static void
make_logo(struct pages *p)
{
	size_t room = p->theme.logo.len * 4 / 3 + 128;
	struct text logo = { .cap = room };

	if (p->theme.logo.len == 0)
		return;
	p->logo_buf = logo.buf = xcalloc(1, room);
	text_printf(
	    &logo, "<img class=\"logo\" alt=\"\" src=\"data:%s;base64,", p->theme.logo_type);
	put_base64(&logo, p->theme.logo);
	text_put(&logo, SLICE("\">\n"));
	assert(!logo.cut);
	splice_piece_init(&p->logo, text_slice(&logo));
}

static void
make_csp(struct pages *p)
{
	struct text csp = { .buf = p->csp, .cap = sizeof(p->csp) - 1 };

	text_put(&csp, SLICE("default-src 'none'; script-src "));
	put_hash(&csp, made.solver.text);
	text_byte(&csp, ' ');
	put_hash(&csp, made.script.text);
	text_put(&csp, SLICE(" 'wasm-unsafe-eval'; style-src 'self' "));
	put_hash(&csp, p->style.text);
	text_byte(&csp, ' ');
	put_hash(&csp, SLICE(WITHOUT_STYLE));
	/* What has no worker-src yet goes by child-src. */
	text_put(&csp, SLICE("; worker-src blob: 'self'; child-src blob: 'self'; connect-src "
			     "'self'; img-src data:; media-src 'self'; form-action 'self'; "
			     "base-uri 'none'; frame-ancestors 'none'"));
	assert(!csp.cut);
}

struct pages *
pages_new(const struct page_theme *theme, const char **why)
{
	struct pages *p = xcalloc(1, sizeof(*p));
	const struct locale *english = locale_choose(SLICE("en"));

	pthread_once(&made.once, make);
	p->language = xcalloc(locale_count(), sizeof(*p->language));
	if (theme != NULL) {
		p->theme = *theme;
		p->own = xcalloc(theme->words + 1u, sizeof(*p->own));
		for (unsigned i = 0; i < theme->words; i++)
			p->own[i] = theme->word[i];
	}
	make_style(p);
	make_logo(p);
	make_csp(p);
	if (templates_valid(p, why) && prepare(p, english, why) && fits(p, english, why))
		return p;
	pages_free(p);
	return NULL;
}

void
pages_free(struct pages *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < locale_count(); i++) {
		splice_free(p->language[i].challenge);
		splice_free(p->language[i].note);
		free(p->language[i].word);
		free(p->language[i].challenge_buf);
		free(p->language[i].note_buf);
	}
	free(p->language);
	splice_piece_fini(&p->style);
	splice_piece_fini(&p->logo);
	free(p->own);
	free(p->style_buf);
	free(p->logo_buf);
	free(p);
}

const char *
pages_csp(const struct pages *p)
{
	return p->csp;
}

/* ---- what stands on them ---- */

/* A value in a query: what means nothing there stays as it is. */
static void
put_query(struct text *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (ascii_is_word(c) || c == '.' || c == '~' || c == '/')
			text_byte(out, c);
		else
			text_printf(out, "%%%02X", (unsigned char)c);
	}
}

void
page_put_on(struct text *out, struct slice ticket, struct slice back, struct slice answer)
{
	text_put(out, SLICE("/.ammit/pass?ticket="));
	text_put(out, ticket);
	text_put(out, SLICE("&back="));
	put_query(out, back);
	if (answer.len == 0)
		return;
	text_put(out, SLICE("&answer="));
	put_query(out, answer);
}

static bool
offers(const struct page_visit *v, unsigned methods)
{
	return (v->opened->challenge.methods & methods) != 0;
}

/* What browsers do by themselves: come again, and fetch the stylesheet that shows they are one. */
static void
put_head(struct text *out, const struct page_visit *v, unsigned after_s, struct slice on)
{
	text_printf(out, "<meta http-equiv=\"refresh\" content=\"%u; url=", after_s);
	text_html(out, on);
	text_put(out, SLICE("\">\n"));
	if (!offers(v, METHOD_RESOURCE))
		return;
	text_put(out, SLICE("<link rel=\"stylesheet\" href=\"/.ammit/seen.css?ticket="));
	text_put(out, v->ticket);
	text_put(out, SLICE("\">\n"));
}

static void
put_on_link(struct text *out, const struct pages *p, const struct page_visit *v, struct slice on)
{
	text_put(out, SLICE("<p><a class=\"go seen\" href=\""));
	text_html(out, on);
	text_put(out, SLICE("\">"));
	put_word(out, p, v->words, WORD_WAIT_ON, EMPTY);
	text_put(out, SLICE("</a></p>\n"));
}

static void
put_question(struct text *out, const struct pages *p, const struct page_visit *v)
{
	text_put(out, SLICE("<form method=\"post\" action=\"/.ammit/pass\">\n<p id=\"ask\">"));
	put_word(out, p, v->words, WORD_QUESTION, EMPTY);
	text_put(out, SLICE("</p>\n<p><label for=\"answer\">"));
	put_word(out, p, v->words, WORD_ANSWER, EMPTY);
	text_put(out, SLICE("</label>\n<input id=\"answer\" name=\"answer\" maxlength=\"64\" "
			    "autocomplete=\"off\" autocapitalize=\"none\" dir=\"auto\" "
			    "aria-describedby=\"ask\" required>\n"
			    "<input type=\"hidden\" name=\"ticket\" value=\""));
	text_put(out, v->ticket);
	text_put(out, SLICE("\">\n<input type=\"hidden\" name=\"back\" value=\""));
	text_html(out, v->back);
	text_put(out, SLICE("\"></p>\n<p><button>"));
	put_word(out, p, v->words, WORD_SEND, EMPTY);
	text_put(out, SLICE("</button></p>\n</form>\n"));
}

/* Why there is a check at all, with the host in it. */
static void
put_why(struct text *out, const struct pages *p, const struct page_visit *v, enum word w)
{
	char buf[6 * TICKET_HOST_MAX + 64];
	struct text host = { .buf = buf, .cap = sizeof(buf) };

	text_put(&host, SLICE("<strong dir=\"ltr\">"));
	text_html(&host, v->opened->host);
	text_put(&host, SLICE("</strong>"));
	out->cut |= host.cut;
	put_word(out, p, v->words, w, text_slice(&host));
}

/* When the way of those who wait is worth a try. */
static unsigned
first_try_s(const struct page_visit *v)
{
	return offers(v, METHOD_RESOURCE) ? 1 : v->opened->challenge.wait_s;
}

/* For those without JavaScript, and for all where nothing else is offered. */
static void
put_without(struct text *out, const struct pages *p, const struct page_visit *v, struct slice on)
{
	const bool script = offers(v, METHOD_POW);

	if (script) {
		text_put(out, SLICE("<noscript>\n<p>"));
		put_why(out, p, v, WORD_WHY_OTHER);
		text_put(out, SLICE("</p>\n"));
	}
	if (!offers(v, METHOD_WAIT | METHOD_RESOURCE | METHOD_QUESTION)) {
		text_put(out, SLICE("<p class=\"note\">"));
		put_word(out, p, v->words, WORD_NO_WAY, EMPTY);
		text_put(out, SLICE("</p>\n"));
	} else if (script) {
		text_put(out, SLICE("<p>"));
		put_word(out, p, v->words, WORD_NO_SCRIPT, EMPTY);
		text_put(out, SLICE("</p>\n"));
	}
	if (offers(v, METHOD_WAIT | METHOD_RESOURCE)) {
		text_put(out, SLICE("<p>"));
		put_counted(out, p, v->words, WORD_WAIT, first_try_s(v));
		text_put(out, SLICE("</p>\n"));
		put_on_link(out, p, v, on);
	}
	if (offers(v, METHOD_QUESTION))
		put_question(out, p, v);
	text_put(out, script ? SLICE("</noscript>\n") : EMPTY);
}

static void
put_extra(struct text *out, const struct pages *p, const struct page_visit *v)
{
	if (v->opened->challenge.clip) {
		text_put(
		    out, SLICE("<video id=\"clip\" muted autoplay playsinline preload=\"auto\" "
			       "aria-hidden=\"true\" src=\"/.ammit/clip.mp4?ticket="));
		text_put(out, v->ticket);
		text_put(out, SLICE("\"></video>\n"));
	}
	if (p->theme.trap) {
		text_put(out, SLICE("<a hidden rel=\"nofollow\" href=\"/.ammit/more?ticket="));
		text_put(out, v->ticket);
		text_put(out, SLICE("&amp;to="));
		text_put(out, v->trap);
		text_put(out, SLICE("\">.</a>\n"));
	}
}

/* Room for what is put together for one page. */
struct room {
	struct text text;
	char buf[3 * PAGE_ON_MAX + 10 * PAGE_TEXT_MAX];
};

static struct text *
room_init(struct room *r)
{
	r->text = (struct text){ .buf = r->buf, .cap = sizeof(r->buf) };
	return &r->text;
}

bool
page_write_challenge(struct pages *p, struct text *out, const struct page_visit *v, bool form_lost)
{
	const struct challenge *todo = &v->opened->challenge;
	const bool script = offers(v, METHOD_POW), waits = offers(v, METHOD_WAIT | METHOD_RESOURCE);
	struct splice_value value[HOLES] = { { EMPTY, true } };
	uint8_t seed_bytes[SHA256_BYTES];
	char seed[2 * SHA256_BYTES], target[16], puzzles[8], life[16], wait[16];
	struct room on, head, whys, without, extra, lost;
	const char *why;

	if (!prepare(p, v->words, &why))
		return false;
	pow_seed(v->ticket, seed_bytes);
	hex_encode(seed_bytes, sizeof(seed_bytes), seed);
	snprintf(
	    target, sizeof(target), "%lu", (unsigned long)pow_target(todo->hashes, todo->puzzles));
	/* No puzzle, no script: the way without one is there for everybody. */
	snprintf(puzzles, sizeof(puzzles), "%u", script ? (unsigned)todo->puzzles : 0);
	snprintf(life, sizeof(life), "%u", TICKET_LIFE_S);
	snprintf(wait, sizeof(wait), "%u", waits ? (unsigned)todo->wait_s : 0);
	page_put_on(room_init(&on), v->ticket, v->back, EMPTY);
	room_init(&head);
	text_put(
	    &head.text, script ? SLICE("<noscript>\n<style>" WITHOUT_STYLE "</style>\n") : EMPTY);
	if (waits)
		put_head(&head.text, v, first_try_s(v), text_slice(&on.text));
	text_put(&head.text, script ? SLICE("</noscript>\n") : EMPTY);
	put_why(room_init(&whys), p, v, script ? WORD_WHY : WORD_WHY_OTHER);
	put_without(room_init(&without), p, v, text_slice(&on.text));
	put_extra(room_init(&extra), p, v);
	room_init(&lost);
	if (form_lost) {
		text_put(&lost.text, SLICE("<p class=\"note\">"));
		put_word(&lost.text, p, v->words, WORD_LOST, EMPTY);
		text_put(&lost.text, SLICE("</p>\n"));
	}

	value[HOLE_HOST] = (struct splice_value){ v->opened->host, false };
	value[HOLE_HEAD] = (struct splice_value){ text_slice(&head.text), true };
	value[HOLE_WHY] = (struct splice_value){ text_slice(&whys.text), true };
	value[HOLE_LOST] = (struct splice_value){ text_slice(&lost.text), true };
	value[HOLE_PUZZLES] = (struct splice_value){ slice_of(puzzles), true };
	value[HOLE_WITHOUT] = (struct splice_value){ text_slice(&without.text), true };
	value[HOLE_SEED] = (struct splice_value){ { seed, sizeof(seed) }, true };
	value[HOLE_TARGET] = (struct splice_value){ slice_of(target), true };
	value[HOLE_POSTED] = (struct splice_value){ form_lost ? SLICE("1") : SLICE("0"), true };
	value[HOLE_LIFE] = (struct splice_value){ slice_of(life), true };
	value[HOLE_WAIT] = (struct splice_value){ slice_of(wait), true };
	value[HOLE_ON] = (struct splice_value){ waits ? text_slice(&on.text) : EMPTY, false };
	value[HOLE_TICKET] = (struct splice_value){ v->ticket, false };
	value[HOLE_BACK] = (struct splice_value){ v->back, false };
	value[HOLE_EXTRA] = (struct splice_value){ text_slice(&extra.text), true };
	value[HOLE_REFERENCE] = (struct splice_value){ v->reference, false };
	splice_write(p->language[v->words->number].challenge, value, v->gzip, out);
	return !(out->cut || head.text.cut || whys.text.cut || without.text.cut || extra.text.cut ||
		 lost.text.cut);
}

/* A page of words, of a language that is prepared: a title, text, and the reference. */
static bool
write_note(struct pages *p, struct text *out, const struct page_visit *v, enum word title,
    const struct text *head, const struct text *text)
{
	struct splice_value value[HOLES] = { { EMPTY, true } };
	struct room name, foot;

	if (head->cut || text->cut)
		return false;
	put_word(room_init(&name), p, v->words, title, EMPTY);
	room_init(&foot);
	if (v->reference.len > 0) {
		put_word(&foot.text, p, v->words, WORD_ASK_WITH, EMPTY);
		text_put(&foot.text, SLICE(" <code>"));
		text_html(&foot.text, v->reference);
		text_put(&foot.text, SLICE("</code>"));
	}
	value[HOLE_TITLE] = (struct splice_value){ text_slice(&name.text), true };
	value[HOLE_HEAD] = (struct splice_value){ text_slice(head), true };
	value[HOLE_TEXT] = (struct splice_value){ text_slice(text), true };
	value[HOLE_FOOT] = (struct splice_value){ text_slice(&foot.text), true };
	splice_write(p->language[v->words->number].note, value, v->gzip, out);
	return !out->cut;
}

bool
page_write_again(struct pages *p, struct text *out, const struct page_visit *v, enum page_again why,
    unsigned left_s, struct slice on_to)
{
	static const enum word said[] = { [PAGE_EARLY] = WORD_EARLY,
		[PAGE_WRONG] = WORD_QUESTION_WRONG,
		[PAGE_JUDGING] = WORD_JUDGING };
	struct room head, text;
	const char *unused;

	if (!prepare(p, v->words, &unused))
		return false;
	room_init(&head);
	if (why != PAGE_WRONG)
		put_head(&head.text, v, left_s, on_to);
	text_put(room_init(&text), SLICE("<p role=\"status\">"));
	put_counted(&text.text, p, v->words, said[why], left_s);
	text_put(&text.text, SLICE("</p>\n"));
	if (why != PAGE_WRONG || offers(v, METHOD_WAIT | METHOD_RESOURCE))
		put_on_link(&text.text, p, v, on_to);
	if (why != PAGE_JUDGING && offers(v, METHOD_QUESTION))
		put_question(&text.text, p, v);
	return write_note(p, out, v, WORD_MOMENT, &head.text, &text.text);
}

bool
page_write_refusal(
    struct pages *p, struct text *out, const struct page_visit *v, enum gate_outcome why)
{
	static const enum word said[GATE_OUTCOMES][2] = {
		[GATE_MALFORMED] = { WORD_MALFORMED_WHAT, WORD_MALFORMED_DO },
		[GATE_FORGED] = { WORD_FORGED_WHAT, WORD_FORGED_DO },
		[GATE_EXPIRED] = { WORD_EXPIRED_WHAT, WORD_EXPIRED_DO },
		[GATE_HOST] = { WORD_HOST_WHAT, WORD_HOST_DO },
		[GATE_CLIENT] = { WORD_CLIENT_WHAT, WORD_CLIENT_DO },
		[GATE_METHOD] = { WORD_WRONG_WHAT, WORD_WRONG_DO },
		[GATE_WRONG] = { WORD_WRONG_WHAT, WORD_WRONG_DO },
		[GATE_SPENT] = { WORD_SPENT_WHAT, WORD_SPENT_DO },
	};
	struct room head, text;
	const char *unused;

	assert((unsigned)why < GATE_OUTCOMES && said[why][1] != 0);
	if (!prepare(p, v->words, &unused))
		return false;
	room_init(&head);
	room_init(&text);
	for (unsigned i = 0; i < 2; i++) {
		text_put(&text.text, SLICE("<p>"));
		put_word(&text.text, p, v->words, said[why][i], EMPTY);
		text_put(&text.text, SLICE("</p>\n"));
	}
	text_put(&text.text, SLICE("<p><a class=\"go\" href=\""));
	text_html(&text.text, v->back);
	text_put(&text.text, SLICE("\">"));
	put_word(&text.text, p, v->words, WORD_START_AGAIN, EMPTY);
	text_put(&text.text, SLICE("</a></p>\n"));
	return write_note(p, out, v, WORD_REFUSED, &head.text, &text.text);
}

bool
page_write_help(struct pages *p, struct text *out, const struct page_visit *v)
{
	static const enum word said[] = { WORD_HELP_WHAT, WORD_HELP_SLOW, WORD_HELP_STUCK,
		WORD_HELP_TOOLS };
	struct room head, text;
	const char *why;

	if (!prepare(p, v->words, &why))
		return false;
	room_init(&head);
	room_init(&text);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		text_put(&text.text, SLICE("<p>"));
		put_word(&text.text, p, v->words, said[i], EMPTY);
		text_put(&text.text, SLICE("</p>\n"));
	}
	return write_note(p, out, v, WORD_HELP_TITLE, &head.text, &text.text);
}

bool
page_write_plain(struct text *out, struct slice reference)
{
	text_put(out, SLICE("This site checks browsers before it answers. Open a page of it in a "
			    "browser first. Reference: "));
	text_put(out, reference);
	text_byte(out, '\n');
	return !out->cut;
}
