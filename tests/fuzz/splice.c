#include "challenge/splice.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM ((size_t)1 << 20)

/* A value, then a NUL, then a text with holes: plain and gzip say the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char plain[ROOM], packed[ROOM], unpacked[ROOM];
	const uint8_t *nul = memchr(data, '\0', size);
	size_t value_bytes = nul == NULL ? 0 : (size_t)(nul - data);
	struct slice value = { (const char *)data, value_bytes };
	struct slice text = { (const char *)data, size };
	struct splice_piece piece;
	const struct splice_name names[] = { { "a", NULL }, { "raw", NULL }, { "piece", &piece },
		{ NULL, NULL } };
	const struct splice_value values[] = { { value, false }, { value, true } };
	struct text out = { .buf = plain, .cap = ROOM }, zip = { .buf = packed, .cap = ROOM };
	const char *why = NULL;
	struct splice *s;

	if (nul != NULL)
		text = (struct slice){ (const char *)nul + 1, size - value_bytes - 1 };
	splice_piece_init(&piece, value);
	s = splice_new(text, names, &why);
	assert(s != NULL || why != NULL);
	if (s != NULL) {
		splice_write(s, values, false, &out);
		splice_write(s, values, true, &zip);
	}
	if (s != NULL && !out.cut && !zip.cut) {
		z_stream z = { .next_in = (Bytef *)packed,
			.avail_in = (uInt)zip.len,
			.next_out = (Bytef *)unpacked,
			.avail_out = ROOM };

		assert(inflateInit2(&z, 15 + 16) == Z_OK);
		assert(inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0);
		inflateEnd(&z);
		assert(ROOM - z.avail_out == out.len && memcmp(plain, unpacked, out.len) == 0);
	}
	splice_free(s);
	splice_piece_fini(&piece);
	return 0;
}
