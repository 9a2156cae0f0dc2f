#include "cli/haproxy_parts.h"

#include <stdio.h>
#include <string.h>

#include "policy/ask.h"

static const struct {
	const char *name;
	const unsigned char *bytes;
	size_t len;
} files[] = {
#include "embed/haproxy.inc"
};

const char haproxy_versions[] = "2.6 2.8 3.0 3.2";

/* "hdr." and a name of 64 bytes. */
#define ARGUMENT_MAX 80
#define NEST_MAX 8u

/* A file on its way from the binary to the reader, line by line. */
struct writing {
	const struct policy *policy;
	const struct ask *ask;
	struct haproxy_style style;
	struct text *out;
	bool message;      /* in spoe-message */
	bool given;        /* its last headers are there */
	bool capture;      /* between lines that capture headers */
	uint64_t headers;  /* bit n: header n has its line */
	unsigned argument; /* lines of arguments in the block at hand */
	size_t block;      /* where in `out` it begins */
	/* Conditions that are open: whether each is about versions, and what of it holds. */
	struct {
		bool version, holds;
	} nest[NEST_MAX];
	unsigned depth;
};

struct slice
haproxy_file(const char *name)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(files[i].name, name) == 0)
			return (struct slice){ (const char *)files[i].bytes, files[i].len };
	return (struct slice){ NULL, 0 };
}

bool
haproxy_style_parse(const char *text, struct haproxy_style *out)
{
	const char *at = strlen(text) == 3 ? strstr(haproxy_versions, text) : NULL;

	if (at == NULL || strchr(text, ' ') != NULL)
		return false;
	*out = (struct haproxy_style){ (unsigned)(text[0] - '0'), (unsigned)(text[2] - '0') };
	return true;
}

/* What stands behind `word` if s begins with it; ptr NULL if it does not. */
static struct slice
behind(struct slice s, const char *word)
{
	size_t n = strlen(word);

	if (!slice_starts(s, (struct slice){ word, n }))
		return (struct slice){ NULL, 0 };
	return (struct slice){ s.ptr + n, s.len - n };
}

static void
put_line(struct writing *w, struct slice line)
{
	text_put(w->out, line);
	text_byte(w->out, '\n');
}

/* "3.1-dev0)" */
static bool
at_least(struct haproxy_style style, struct slice wanted)
{
	unsigned long long major, minor;
	struct slice rest, first = slice_split(wanted, '.', &rest);
	size_t digits = 0;

	while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
		digits++;
	rest.len = digits;
	if (!slice_number(first, 99, &major) || !slice_number(rest, 99, &minor))
		return false;
	return style.major > major || (style.major == major && style.minor >= minor);
}

static bool
skipped(const struct writing *w)
{
	for (unsigned i = 0; i < w->depth; i++)
		if (w->nest[i].version && !w->nest[i].holds)
			return true;
	return false;
}

/* .if, .else and .endif; false: another line. */
static bool
condition(struct writing *w, struct slice line, struct slice word)
{
	const struct slice of = behind(word, ".if ");
	unsigned at;

	if (of.ptr != NULL && w->depth < NEST_MAX) {
		const struct slice version = behind(slice_trim(of), "version_atleast(");

		w->nest[w->depth].version = version.ptr != NULL && w->style.major > 0;
		w->nest[w->depth].holds = at_least(w->style, version);
		w->block = w->out->len;
		w->argument = 0;
		if (!w->nest[w->depth].version && !skipped(w))
			put_line(w, line);
		w->depth++;
		return true;
	}
	if (w->depth == 0)
		return false;
	at = w->depth - 1;
	if (slice_equal(word, SLICE(".else")))
		w->nest[at].holds ^= true;
	else if (slice_equal(word, SLICE(".endif")))
		w->depth--;
	else
		return false;
	if (!w->nest[at].version && !skipped(w))
		put_line(w, line);
	return true;
}

/* Whether the policy reads an argument; those that are no field of its own always. */
static bool
is_read(struct writing *w, struct slice name)
{
	const int field = policy_field(w->policy, name);

	if (slice_equal(name, SLICE("rate")))
		return (w->ask->numbers >> REQUEST_RATE & 1) != 0;
	if (slice_equal(name, SLICE("pass.rate")))
		return (w->ask->numbers >> REQUEST_PASS_RATE & 1) != 0;
	if (field >= REQUEST_HEADER)
		w->headers |= (uint64_t)1 << (field - REQUEST_HEADER);
	if (slice_starts(name, SLICE("tls.")))
		return field >= 0 && (policy_reads(w->policy) >> field & 1) != 0;
	return field >= 0 || !slice_starts(name, SLICE("hdr."));
}

/* The line with each "cook(ammit)" as the policy calls it, and each "bytes(0,N)" with our N. */
static void
put_changed(struct writing *w, struct slice line, int field)
{
	const char *cookie = policy_settings(w->policy)->cookie;

	while (line.len > 0) {
		if (slice_starts(line, SLICE("cook(ammit)"))) {
			text_printf(w->out, "cook(%s)", cookie);
			line = behind(line, "cook(ammit)");
		} else if (field >= 0 && slice_starts(line, SLICE("bytes(0,"))) {
			text_printf(w->out, "bytes(0,%zu", request_limit((unsigned)field) + 1);
			line = behind(line, "bytes(0,");
			while (line.len > 0 && line.ptr[0] >= '0' && line.ptr[0] <= '9')
				line = (struct slice){ line.ptr + 1, line.len - 1 };
		} else {
			text_byte(w->out, line.ptr[0]);
			line = (struct slice){ line.ptr + 1, line.len - 1 };
		}
	}
	text_byte(w->out, '\n');
}

/* Headers that the policy reads and that had no line. */
static void
put_missing(struct writing *w)
{
	struct slice name;

	for (unsigned i = 0; (name = policy_header(w->policy, i)).ptr != NULL; i++) {
		const int n = (int)name.len;
		const size_t limit = request_limit(REQUEST_HEADER) + 1;

		if ((w->headers >> i & 1) != 0)
			continue;
		if (w->capture)
			text_printf(w->out, "    capture request header %.*s len %zu\n", n,
			    name.ptr, limit);
		else
			text_printf(w->out, "    args hdr.%.*s=req.fhdr(%.*s),bytes(0,%zu)\n", n,
			    name.ptr, n, name.ptr, limit);
	}
}

/* "capture request header NAME len N": what a visitor is remembered by (edge-fast.cfg). Host and
 * User-Agent always, another if the policy reads it. */
static void
put_capture(struct writing *w, struct slice line, struct slice is)
{
	char room[ARGUMENT_MAX];
	struct text name = { .buf = room, .cap = sizeof(room) };
	struct slice rest, header = slice_split(is, ' ', &rest);
	int field;

	text_put(&name, SLICE("hdr."));
	text_put(&name, header);
	field = name.cut ? -1 : policy_field(w->policy, text_slice(&name));
	w->capture = true;
	if (field >= REQUEST_HEADER)
		w->headers |= (uint64_t)1 << (field - REQUEST_HEADER);
	if (slice_equal(header, SLICE("host")))
		field = REQUEST_HOST;
	else if (slice_equal(header, SLICE("user-agent")))
		field = REQUEST_USER_AGENT;
	if (field < 0)
		return;
	rest = slice_trim(rest);
	text_put(w->out, (struct slice){ line.ptr, (size_t)(rest.ptr - line.ptr) });
	text_printf(w->out, "len %zu\n", request_limit((unsigned)field) + 1);
}

/* "args NAME=…" of the message, commented or not. */
static void
put_argument(struct writing *w, struct slice line, struct slice is)
{
	struct slice rest, name = slice_split(is, '=', &rest);

	if (!is_read(w, name))
		return;
	w->argument++;
	put_changed(w, line, policy_field(w->policy, name));
}

#define NUMBER 2u

/* A switch that the policy needs is turned on, a number of it is put in. False: another line. */
static bool
put_switch(struct writing *w, struct slice line, struct slice word)
{
	const struct policy_settings *s = policy_settings(w->policy);
	char rate[24], level[8];
	const struct {
		const char *name, *value;
		unsigned wanted; /* 0: it is left alone; NUMBER: a comment stays one */
	} switches[] = { { "AMMIT_ROBOTS", "1", s->robots.ptr != NULL },
		{ "AMMIT_FAST_LEVEL", level, NUMBER },
		{ "AMMIT_RATES", "1",
		    (w->ask->numbers & (1u << REQUEST_RATE | 1u << REQUEST_PASS_RATE)) != 0 },
		{ "AMMIT_FAST_PASSES", "1", (w->ask->numbers >> REQUEST_PASS_RATE & 1) != 0 },
		{ "AMMIT_JA3", "1", (policy_reads(w->policy) >> REQUEST_JA3 & 1) != 0 },
		/* Nobody is remembered by what a script of theirs makes. */
		{ "AMMIT_FAST_FOR", w->ask->fingerprint,
		    (policy_reads(w->policy) >> REQUEST_JA4 & 1) == 0 },
		{ "AMMIT_FAST_RATE", rate, true } };
	struct slice name =
	    behind(word, word.len > 0 && word.ptr[0] == '#' ? "#presetenv " : "presetenv ");
	const char *open, *close;

	snprintf(level, sizeof(level), "%u", w->ask->level);
	snprintf(rate, sizeof(rate), "%lld", (long long)w->ask->rate);
	name = slice_trim(name);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]) && name.len > 0; i++) {
		const struct slice value = behind(name, switches[i].name);

		if (value.ptr == NULL || value.len == 0 || value.ptr[0] != ' ' ||
		    !switches[i].wanted)
			continue;
		open = memchr(value.ptr, '"', value.len);
		close = open == NULL
			    ? NULL
			    : memchr(open + 1, '"', (size_t)(value.ptr + value.len - open - 1));
		if (close == NULL)
			return false;
		text_put(w->out, (struct slice){ line.ptr, (size_t)(word.ptr - line.ptr) });
		text_printf(w->out, "%spresetenv %.*s\"%s",
		    switches[i].wanted == NUMBER && word.ptr[0] == '#' ? "#" : "",
		    (int)(open - name.ptr), name.ptr, switches[i].value);
		put_line(w, (struct slice){ close, (size_t)(line.ptr + line.len - close) });
		return true;
	}
	return false;
}

static void
write_line(struct writing *w, struct slice line)
{
	const struct slice word = slice_trim(line);
	const struct slice is = behind(word, "args ");
	const struct slice header = behind(word, "capture request header ");

	if (condition(w, line, word)) {
		/* A block of arguments that nobody reads goes with its comments. */
		if (w->message && slice_equal(word, SLICE(".endif")) && w->argument == 0)
			w->out->len = w->block;
		return;
	}
	if (skipped(w))
		return;
	/* A line that begins at the first column begins a section. */
	if (w->message && w->depth == 0 && !w->given &&
	    (word.len == 0 || (is.ptr == NULL && line.ptr[0] != ' '))) {
		put_missing(w);
		w->given = true;
	}
	if (header.ptr == NULL && w->capture) {
		put_missing(w);
		w->capture = false;
	}
	if (word.len > 0 && line.ptr[0] != ' ' && line.ptr[0] != '#')
		w->message = slice_starts(line, SLICE("spoe-message"));
	if (w->message && is.ptr != NULL) {
		put_argument(w, line, is);
		return;
	}
	if (header.ptr != NULL)
		put_capture(w, line, header);
	else if (!put_switch(w, line, word))
		put_changed(w, line, -1);
}

void
haproxy_write(
    struct slice text, const struct policy *p, struct haproxy_style style, struct text *out)
{
	struct writing w = { .policy = p, .ask = policy_ask(p), .style = style, .out = out };

	while (text.len > 0) {
		struct slice line = slice_split(text, '\n', &text);

		write_line(&w, line);
	}
	if (w.capture || (w.message && !w.given))
		put_missing(&w);
}
