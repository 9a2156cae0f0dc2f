#include "challenge/page_inner.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"

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

/* By which a page may be longer than in English and with values that need no escape. */
#define LANGUAGE_BYTES ((size_t)48 * 1024)

static const char *const hole_names[HOLES] = { "host", "head", "why", "lost", "puzzles", "without",
	"seed", "target", "posted", "life", "wait", "on", "ticket", "back", "extra", "reference",
	"title", "text", "foot" };

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

const char *
page_solver_version(void)
{
	return made.version;
}

/* ---- templates ---- */

/* The template with all that is fixed filled in: holes and pieces are left in it. */
static void
put_filled(struct text *out, const struct pages *p, const struct locale *l, struct slice template)
{
	struct slice before, name;

	while (template_next(&template, &before, &name)) {
		text_put(out, before);
		if (page_put_fixed(out, p, l, name))
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

bool
pages_prepare(struct pages *p, const struct locale *l, const char **why)
{
	struct language *own = &p->language[l->number];

	if (p->theme.words > 0 && own->word == NULL)
		own->word = page_own_words(p, l);
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
	return page_names_word(name);
}

bool
page_template_valid(struct slice template, bool note, struct template_fault *fault)
{
	return template_valid(template, note ? BYTES(note_html) : BYTES(page_html), page_names_word,
	    is_optional, fault);
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
	put_hash(&csp, SLICE(PAGE_WITHOUT_STYLE));
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
	if (templates_valid(p, why) && pages_prepare(p, english, why) && fits(p, english, why))
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
