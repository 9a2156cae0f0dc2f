#include "challenge/page.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/encode.h"
#include "challenge/pow.h"

/* clang-format off */
static const uint8_t page_html[] = {
#include "embed/page.html.inc"
};
static const uint8_t refusal_html[] = {
#include "embed/refusal.html.inc"
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

/* What the pages share, made of the files once. */
static struct {
	pthread_once_t once;
	char script_buf[sizeof(solver_js) + sizeof(page_js)];
	struct slice solver; /* the front of script */
	struct slice script; /* inline: solver, then page */
	char version[17];    /* of the solver, so that it may be cached */
	char csp[512];
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

/* 'sha256-…' with the ordinary alphabet and padding (CSP Level 3, 2.3.1). */
static void
put_hash(struct text *out, struct slice content)
{
	uint8_t hash[SHA256_BYTES];
	char digits[BASE64URL_CHARS(SHA256_BYTES)];

	sha256_once(content.ptr, content.len, hash);
	base64url_encode(hash, sizeof(hash), digits);
	text_put(out, SLICE("'sha256-"));
	for (size_t i = 0; i < sizeof(digits); i++)
		text_byte(out, digits[i] == '-' ? '+' : digits[i] == '_' ? '/' : digits[i]);
	text_put(out, SLICE("='"));
}

static void
make(void)
{
	struct text script = { .buf = made.script_buf, .cap = sizeof(made.script_buf) };
	struct text csp = { .buf = made.csp, .cap = sizeof(made.csp) - 1 };
	uint8_t hash[SHA256_BYTES];

	put_script(&script, BYTES(solver_js));
	made.solver = text_slice(&script);
	put_script(&script, BYTES(page_js));
	made.script = text_slice(&script);
	sha256_once(made.solver.ptr, made.solver.len, hash);
	hex_encode(hash, (sizeof(made.version) - 1) / 2, made.version);

	text_put(&csp, SLICE("default-src 'none'; script-src "));
	put_hash(&csp, made.script);
	text_put(&csp, SLICE("; style-src "));
	put_hash(&csp, BYTES(style_css));
	text_put(&csp, SLICE("; worker-src 'self'; form-action 'self'; base-uri 'none'; "
			     "frame-ancestors 'none'; img-src 'none'"));
	assert(!script.cut && !csp.cut);
}

const char *
page_csp(void)
{
	pthread_once(&made.once, make);
	return made.csp;
}

struct slice
page_solver(void)
{
	pthread_once(&made.once, make);
	return made.solver;
}

/* ---- templates ---- */

struct hole {
	const char *name; /* {{name}} in the template */
	struct slice value;
	bool raw; /* ours, HTML already; anything else is escaped */
};

static const struct hole *
find_hole(const struct hole *holes, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(name, slice_of(holes[i].name)))
			return &holes[i];
	return NULL;
}

static const char *
find_pair(struct slice s, char c)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if (s.ptr[i] == c && s.ptr[i + 1] == c)
			return s.ptr + i;
	return NULL;
}

/* What is put into a hole is not looked at again. */
static void
fill(struct text *out, struct slice from, const struct hole *holes, size_t n)
{
	const char *open;

	while ((open = find_pair(from, '{')) != NULL) {
		struct slice before = { from.ptr, (size_t)(open - from.ptr) };
		struct slice rest = { open + 2, from.len - before.len - 2 };
		const char *close = find_pair(rest, '}');
		const struct hole *hole;

		assert(close != NULL);
		hole = find_hole(holes, n, (struct slice){ rest.ptr, (size_t)(close - rest.ptr) });
		assert(hole != NULL);
		text_put(out, before);
		if (hole->raw)
			text_put(out, hole->value);
		else
			text_html(out, hole->value);
		from.len = rest.len - (size_t)(close - rest.ptr) - 2;
		from.ptr = close + 2;
	}
	text_put(out, from);
}

/* ---- pages ---- */

bool
page_write_challenge(struct text *out, const struct page_challenge *c)
{
	static const char lost[] = "<p class=\"note\">The form that you sent was not delivered. "
				   "Please send it again afterwards.</p>\n";
	const struct challenge *todo = &c->opened->challenge;
	uint8_t seed_bytes[SHA256_BYTES];
	char seed[2 * SHA256_BYTES], reference[TICKET_REFERENCE_CHARS], target[16], puzzles[8];

	pthread_once(&made.once, make);
	pow_seed(c->ticket, seed_bytes);
	hex_encode(seed_bytes, sizeof(seed_bytes), seed);
	hex_encode(c->opened->id, sizeof(reference) / 2, reference);
	snprintf(
	    target, sizeof(target), "%lu", (unsigned long)pow_target(todo->hashes, todo->puzzles));
	snprintf(puzzles, sizeof(puzzles), "%u", (unsigned)todo->puzzles);

	const struct hole holes[] = {
		{ "host", c->opened->host, false },
		{ "style", BYTES(style_css), true },
		{ "lost", c->form_lost ? SLICE(lost) : (struct slice){ NULL, 0 }, true },
		{ "posted", c->form_lost ? SLICE("1") : SLICE("0"), false },
		{ "puzzles", slice_of(puzzles), false },
		{ "seed", { seed, sizeof(seed) }, false },
		{ "target", slice_of(target), false },
		{ "version", slice_of(made.version), false },
		{ "ticket", c->ticket, false },
		{ "back", c->back, false },
		{ "reference", { reference, sizeof(reference) }, false },
		{ "script", made.script, true },
	};
	fill(out, BYTES(page_html), holes, sizeof(holes) / sizeof(holes[0]));
	return !out->cut;
}

static const struct {
	const char *what, *todo;
} refusals[] = {
	[GATE_PASSED] = { "", "" },
	[GATE_AGAIN] = { "", "" },
	[GATE_MALFORMED] = { "The answer did not arrive the way this page sends it.",
	    "An extension or a program on the way may have changed it. Start again; if that does "
	    "not help, switch such an extension off for this site." },
	[GATE_FORGED] = { "The answer belongs to a question that this site did not ask.",
	    "The site’s keys may just have changed. Start again to get a new question." },
	[GATE_EXPIRED] = { "The answer came too late: the question had expired.",
	    "Start again and leave the page open until it is done. If your device needs more than "
	    "ten minutes, ask the people who run the site." },
	[GATE_HOST] = { "The answer belongs to another site name than this one.",
	    "Start again at the address that you want to visit." },
	[GATE_CLIENT] = { "Your network address changed while the calculation ran.",
	    "This happens when a phone changes networks, or with some VPNs and proxies. Start "
	    "again "
	    "on one connection." },
	[GATE_WRONG] = { "The answer is not the right one.",
	    "An extension that changes scripts can cause this. Start again; if that does not help, "
	    "try without it or with another browser." },
	[GATE_SPENT] = { "This answer has been used already.",
	    "Each one counts once. Start again to get a new question." },
};

bool
page_write_refusal(
    struct text *out, enum gate_outcome why, struct slice back, struct slice reference)
{
	char buf[256];
	struct text footer = { .buf = buf, .cap = sizeof(buf) };

	assert((unsigned)why < sizeof(refusals) / sizeof(refusals[0]));
	if (reference.len > 0) {
		text_put(&footer, SLICE("<footer>If you ask the people who run the site for help, "
					"give them this reference: <code>"));
		text_html(&footer, reference);
		text_put(&footer, SLICE("</code></footer>\n"));
	}

	const struct hole holes[] = {
		{ "style", BYTES(style_css), true },
		{ "what", slice_of(refusals[why].what), false },
		{ "todo", slice_of(refusals[why].todo), false },
		{ "back", back, false },
		{ "footer", text_slice(&footer), true },
	};
	fill(out, BYTES(refusal_html), holes, sizeof(holes) / sizeof(holes[0]));
	return !out->cut && !footer.cut;
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
