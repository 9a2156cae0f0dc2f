#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "challenge/form.h"
#include "challenge/question.h"
#include "challenge/site.h"
#include "token/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define INSTEADS_MAX 16u

/* In the input: a ticket that nobody can redeem yet, one of the question, one of all ways. */
#define TICKETS 3u
static const unsigned methods[TICKETS] = { METHOD_POW | METHOD_WAIT | METHOD_RESOURCE,
	METHOD_QUESTION, METHODS_OFFERED };

static struct keyring keys;
static char tickets[TICKETS][TICKET_TEXT_MAX];
static size_t ticket_bytes[TICKETS];

static int64_t
now(void)
{
	return NOW;
}

static void
make_tickets(void)
{
	unsigned line;
	const char *why;

	assert(keyring_parse(&keys, SLICE(KEY), &line, &why));
	for (unsigned i = 0; i < TICKETS; i++) {
		struct ticket t = { .id = { 1, 2, 3 },
			.issued_s = NOW - 5,
			.challenge = { .methods = (uint8_t)methods[i],
			    .hashes = CHALLENGE_HASHES_MAX,
			    .puzzles = 1,
			    .level = 3,
			    .wait_s = CHALLENGE_WAIT_MAX_S,
			    .clip = i == 2 },
			.status = 403,
			.pass_s = 3600,
			.binding = BINDING_NONE,
			.host = SLICE("a.example") };

		t.id[3] = (uint8_t)i;
		ticket_bytes[i] = ticket_seal(&keys, &t, tickets[i]);
	}
}

/* The input with tickets in place of the bytes 1, 2 and 3. */
static struct slice
expand(const uint8_t *data, size_t size, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap };

	for (size_t i = 0; i < size; i++)
		if (data[i] >= 1 && data[i] <= TICKETS)
			text_put(
			    &t, (struct slice){ tickets[data[i] - 1], ticket_bytes[data[i] - 1] });
		else
			text_byte(&t, (char)data[i]);
	return text_slice(&t);
}

/* Does any answer that was sent name something orange? */
static bool
answered(struct slice form)
{
	static char buf[FORM_BYTES_MAX];
	struct form f;

	if (form.len > sizeof(buf))
		return false;
	if (form.len > 0)
		memcpy(buf, form.ptr, form.len);
	return form_parse(buf, form.len, &f) && question_accepts(form_get(&f, "answer"));
}

/* What a clip is said to be can be guessed, at one in eight: then it earns its pass. */
static bool
told_of_clip(struct slice form)
{
	return slice_contains_nocase(form, SLICE("clip="));
}

static const char *
header(const struct http_response *r, const char *name)
{
	for (unsigned i = 0; i < r->headers; i++)
		if (strcmp(r->header[i].name, name) == 0)
			return r->header[i].value;
	return NULL;
}

/*
 * "METHOD TARGET", lines "Name: value", an empty line, a body; HAProxy's headers are there. No pass
 * without the proof, no way to another host, nothing with a ticket in a cache.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct site site;
	static struct themes *themes;
	static char text[65536];
	struct http_header instead[INSTEADS_MAX] = { { "X-Ammit-Src", SLICE("192.0.2.7") },
		{ "X-Ammit-Proto", SLICE("https") }, { "Host", SLICE("a.example") } };
	char names[INSTEADS_MAX][64];
	struct http_response out = { .status = 0 };
	struct http_request r = { .instead = instead, .insteads = 3 };
	struct slice rest, line, value;
	const char *why, *location;

	if (themes == NULL) {
		const struct page_theme theme = { .trap = true };

		log_set_level(LOG_LEVEL_ERROR);
		make_tickets();
		themes = themes_of_pages(pages_new(&theme, &why));
	}
	rest = expand(data, size, text, sizeof(text));
	line = slice_split(rest, '\n', &rest);
	r.method = slice_split(line, ' ', &r.target);
	if (memchr(text, '\0', rest.ptr == NULL ? 0 : (size_t)(rest.ptr - text)) != NULL)
		return 0;
	while (rest.len > 0 && r.insteads < INSTEADS_MAX) {
		struct slice name;

		line = slice_split(rest, '\n', &rest);
		if (line.len == 0)
			break;
		name = slice_trim(slice_split(line, ':', &value));
		if (name.len == 0 || name.len >= sizeof(names[0]))
			return 0;
		memcpy(names[r.insteads], name.ptr, name.len);
		names[r.insteads][name.len] = '\0';
		instead[r.insteads].name = names[r.insteads];
		instead[r.insteads++].value = slice_trim(value);
	}
	if (rest.len > 0 && rest.len <= HTTP_BODY_MAX) {
		r.body = text + (rest.ptr - text);
		r.body_bytes = rest.len;
	}

	site = (struct site){ .keys = &keys,
		.spent = spent_new(4, NOW - 100),
		.seen = spent_new(4, NOW - 100),
		.themes = themes,
		.cookie = "ammit",
		.robots = SLICE("User-agent: *\n"),
		.now_s = now };
	slice_split(r.target, '?', &value);
	{
		struct slice form = slice_equal(r.method, SLICE("POST"))
					? (struct slice){ r.body, r.body_bytes }
					: value;
		const bool earned = answered(form) || told_of_clip(form);

		site_handle(&site, &r, &out);
		assert(header(&out, "Set-Cookie") == NULL || (earned && out.status == 303));
		assert((out.status == 303) == (header(&out, "Set-Cookie") != NULL));
	}
	assert(out.status >= 200 && out.status <= 599);
	location = header(&out, "Location");
	assert(location == NULL || location_valid(slice_of(location)));
	assert(header(&out, "Content-Encoding") != NULL ||
	       memmem(out.body.ptr, out.body.len, tickets[0], ticket_bytes[0]) == NULL ||
	       strcmp(header(&out, "Cache-Control"), "no-store") == 0);
	spent_free(site.spent);
	spent_free(site.seen);
	return 0;
}
