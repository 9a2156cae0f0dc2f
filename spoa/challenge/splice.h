#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

/*
 * A text with holes that is made once and written many times, as it is or as gzip (RFC 1952),
 * without compressing anything anew: what stands between the holes is kept as deflate blocks that
 * refer to nothing before them (RFC 1951), what is put into the holes goes out as stored blocks
 * between them, and the checksums of the pieces are combined.
 */

/* A piece that several texts share. Its text must outlive it. */
struct splice_piece {
	struct slice text;
	struct slice deflated;
	uint32_t crc;
	uint32_t crc_shift; /* zlib's operator for what stands before it */
};

void splice_piece_init(struct splice_piece *p, struct slice text);
void splice_piece_fini(struct splice_piece *p);

/* What a name in the text stands for: a hole that each writing fills, or a shared piece. */
struct splice_name {
	const char *name;                 /* NULL ends the list */
	const struct splice_piece *piece; /* NULL: a hole */
};

struct splice;

/*
 * `text` has {{NAME}} wherever something goes in; it must outlive the splice. A hole's number is
 * its place in `names`. NULL with *why if there is an unknown name, a {{ without }} or too many
 * places.
 */
struct splice *splice_new(struct slice text, const struct splice_name *names, const char **why);
void splice_free(struct splice *s); /* NULL is legal */

struct splice_value {
	struct slice text;
	bool raw; /* HTML already; anything else is escaped */
};

/* values[i] fills hole i, at most 65,535 bytes each. out->cut if it did not fit. */
void splice_write(
    const struct splice *s, const struct splice_value *values, bool gzip, struct text *out);
