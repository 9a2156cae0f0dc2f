#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "challenge/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a visitor has a say in. */
struct values {
	struct slice host, back, reference, answer;
};

#define KINDS 6u

static bool
write_kind(struct pages *p, struct text *out, unsigned kind, struct page_visit v,
    struct ticket *opened, const struct values *from, bool gzip)
{
	char on[PAGE_ON_MAX];
	struct text t = { .buf = on, .cap = sizeof(on) };

	opened->host = from->host;
	v.gzip = gzip;
	v.back = from->back;
	v.reference = from->reference;
	v.opened = opened;
	page_put_on(&t, v.ticket, v.back, from->answer);
	switch (kind) {
	case 0:
	case 1:
		return page_write_challenge(p, out, &v, kind == 1);
	case 2:
		return page_write_again(p, out, &v, PAGE_EARLY, 7, text_slice(&t));
	case 3:
		return page_write_again(p, out, &v, PAGE_JUDGING, 2, text_slice(&t));
	case 4:
		return page_write_refusal(p, out, &v, GATE_WRONG);
	default:
		return page_write_help(p, out, &v);
	}
}

static unsigned
count(const struct text *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->len; i++)
		n += t->buf[i] == '<' || t->buf[i] == '>' || t->buf[i] == '"';
	return n;
}

static struct slice
next(struct slice *all, size_t most)
{
	struct slice one = slice_split(*all, '\0', all);

	return (struct slice){ one.ptr, one.len < most ? one.len : most };
}

/*
 * Any host, way back, reference and answer on any page: it fits, what is packed is what is plain,
 * and they add no character that has a meaning in HTML. The ticket is what a ticket may be.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char plain[PAGE_BYTES_MAX], packed[PAGE_BYTES_MAX], unpacked[PAGE_BYTES_MAX + 1];
	static const struct page_theme theme = { .contact = SLICE("<a \"b\">"), .trap = true };
	static struct pages *pages;
	const struct values harmless = { SLICE("a"), SLICE("/"), SLICE("r"), SLICE("x") };
	struct slice all = { (const char *)data, size };
	struct text out = { .buf = plain, .cap = sizeof(plain) };
	struct text zip = { .buf = packed, .cap = sizeof(packed) };
	struct values from;
	struct ticket opened = { .challenge = { .hashes = 1, .puzzles = 1, .wait_s = 5 } };
	struct page_visit v = { .ticket = SLICE("0123456789abcdefABC_-"), .trap = SLICE("00") };
	z_stream z = { .next_in = (Bytef *)packed,
		.next_out = (Bytef *)unpacked,
		.avail_out = sizeof(unpacked) };
	const char *why;
	unsigned kind;

	if (size < 3)
		return 0;
	if (pages == NULL)
		pages = pages_new(&theme, &why);
	kind = data[0] % KINDS;
	opened.challenge.methods = data[1] % METHODS_OFFERED + 1;
	opened.challenge.clip = data[1] >> 7;
	v.words = locale_at(data[2] % locale_count());
	all = (struct slice){ all.ptr + 3, all.len - 3 };
	from.host = next(&all, TICKET_HOST_MAX);
	from.back = next(&all, LOCATION_MAX);
	from.reference = next(&all, TICKET_REFERENCE_CHARS);
	from.answer = next(&all, 256);
	if (from.reference.len == 0)
		from.reference = harmless.reference;

	assert(write_kind(pages, &out, kind, v, &opened, &from, false));
	assert(write_kind(pages, &zip, kind, v, &opened, &from, true));
	z.avail_in = (uInt)zip.len;
	assert(inflateInit2(&z, 15 + 16) == Z_OK);
	assert(inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0);
	inflateEnd(&z);
	assert(sizeof(unpacked) - z.avail_out == out.len && memcmp(plain, unpacked, out.len) == 0);
	zip.len = 0;
	assert(write_kind(pages, &zip, kind, v, &opened, &harmless, false));
	assert(count(&out) == count(&zip));
	return 0;
}
