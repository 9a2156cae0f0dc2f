#include "challenge/splice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

#define PLACES_MAX 64u
#define STORED_MAX 65535u
#define STORED_HEAD 5u

/* Text, and behind it a hole, a shared piece, or nothing. */
struct place {
	struct splice_piece before;
	const struct splice_piece *piece;
	unsigned number; /* of the name */
	bool hole;
};

struct splice {
	struct place place[PLACES_MAX];
	unsigned count;
};

/* Raw deflate, ended by a full flush: it stands on whole bytes and may follow anything. */
static struct slice
deflated(struct slice text)
{
	z_stream z = { .zalloc = NULL };
	size_t cap = compressBound((uLong)text.len) + 64;
	uint8_t *out = xcalloc(1, cap);

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (Bytef *)(uintptr_t)text.ptr;
	z.avail_in = (uInt)text.len;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	if (deflate(&z, Z_FULL_FLUSH) != Z_OK || z.avail_in > 0 || z.avail_out == 0)
		abort();
	cap -= z.avail_out;
	deflateEnd(&z);
	return (struct slice){ xreallocarray(out, cap, 1), cap };
}

void
splice_piece_init(struct splice_piece *p, struct slice text)
{
	*p = (struct splice_piece){ .text = text };
	if (text.len == 0)
		return;
	p->deflated = deflated(text);
	p->crc = (uint32_t)crc32(0, (const Bytef *)text.ptr, (uInt)text.len);
	p->crc_shift = (uint32_t)crc32_combine_gen((z_off_t)text.len);
}

void
splice_piece_fini(struct splice_piece *p)
{
	free((void *)(uintptr_t)p->deflated.ptr);
	*p = (struct splice_piece){ { NULL, 0 }, { NULL, 0 }, 0, 0 };
}

/* ---- making ---- */

static const char *
find_pair(struct slice s, char c)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if (s.ptr[i] == c && s.ptr[i + 1] == c)
			return s.ptr + i;
	return NULL;
}

/* The number of a name, or how many there are. */
static unsigned
number_of(const struct splice_name *names, struct slice name)
{
	unsigned i = 0;

	while (names[i].name != NULL && !slice_equal(name, slice_of(names[i].name)))
		i++;
	return i;
}

static struct place *
add(struct splice *s, struct slice before)
{
	struct place *p = &s->place[s->count++];

	splice_piece_init(&p->before, before);
	return p;
}

struct splice *
splice_new(struct slice text, const struct splice_name *names, const char **why)
{
	struct splice *s = xcalloc(1, sizeof(*s));
	const char *open;

	while ((open = find_pair(text, '{')) != NULL) {
		struct slice before = { text.ptr, (size_t)(open - text.ptr) };
		struct slice rest = { open + 2, text.len - before.len - 2 };
		const char *close = find_pair(rest, '}');
		struct place *p;
		unsigned n;

		*why = close == NULL ? "a {{ has no }} behind it" : "there are too many {{…}}";
		if (close == NULL || s->count + 1 >= PLACES_MAX)
			goto fail;
		n = number_of(names, (struct slice){ rest.ptr, (size_t)(close - rest.ptr) });
		*why = "there is no such name between {{ and }}";
		if (names[n].name == NULL)
			goto fail;
		p = add(s, before);
		p->number = n;
		p->piece = names[n].piece;
		p->hole = p->piece == NULL;
		text.len = rest.len - (size_t)(close - rest.ptr) - 2;
		text.ptr = close + 2;
	}
	add(s, text);
	return s;
fail:
	splice_free(s);
	return NULL;
}

void
splice_free(struct splice *s)
{
	for (unsigned i = 0; s != NULL && i < s->count; i++)
		splice_piece_fini(&s->place[i].before);
	free(s);
}

/* ---- writing ---- */

/* A gzip stream on its way. */
struct stream {
	struct text *out;
	uint32_t crc;
	size_t bytes; /* of the text so far */
};

static void
put_piece(struct stream *z, const struct splice_piece *p)
{
	if (p->text.len == 0)
		return;
	text_put(z->out, p->deflated);
	z->crc = (uint32_t)crc32_combine_op(z->crc, p->crc, p->crc_shift);
	z->bytes += p->text.len;
}

static void
put_value(struct text *out, const struct splice_value *v)
{
	if (v->raw)
		text_put(out, v->text);
	else
		text_html(out, v->text);
}

/* A stored block; what it says of its length is known when it has been written. */
static void
put_hole(struct stream *z, const struct splice_value *v)
{
	const size_t head = z->out->len;
	size_t n;
	uint8_t *p;

	if (v->text.len == 0)
		return;
	text_put(z->out, (struct slice){ "\0\0\0\0\0", STORED_HEAD });
	put_value(z->out, v);
	if (z->out->cut)
		return;
	n = z->out->len - head - STORED_HEAD;
	if (n > STORED_MAX) {
		z->out->cut = true;
		return;
	}
	p = (uint8_t *)z->out->buf + head;
	p[1] = (uint8_t)n;
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)~p[1];
	p[4] = (uint8_t)~p[2];
	z->crc = (uint32_t)crc32(z->crc, p + STORED_HEAD, (uInt)n);
	z->bytes += n;
}

static void
put_u32(struct text *out, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		text_byte(out, (char)(uint8_t)(v >> 8 * i));
}

static void
write_gzip(const struct splice *s, const struct splice_value *values, struct text *out)
{
	/* No name, no time; 0xff: no system in particular. */
	static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\x02\xff";
	struct stream z = { out, 0, 0 };

	text_put(out, (struct slice){ head, sizeof(head) - 1 });
	for (unsigned i = 0; i < s->count; i++) {
		const struct place *p = &s->place[i];

		put_piece(&z, &p->before);
		if (p->hole)
			put_hole(&z, &values[p->number]);
		else if (p->piece != NULL)
			put_piece(&z, p->piece);
	}
	/* An empty last block, then what was promised. */
	text_put(out, (struct slice){ "\x03\0", 2 });
	put_u32(out, z.crc);
	put_u32(out, (uint32_t)z.bytes);
}

void
splice_write(const struct splice *s, const struct splice_value *values, bool gzip, struct text *out)
{
	if (gzip) {
		write_gzip(s, values, out);
		return;
	}
	for (unsigned i = 0; i < s->count; i++) {
		const struct place *p = &s->place[i];

		text_put(out, p->before.text);
		if (p->hole)
			put_value(out, &values[p->number]);
		else if (p->piece != NULL)
			text_put(out, p->piece->text);
	}
}
