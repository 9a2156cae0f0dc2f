#include "token/ticket.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring keys;

static enum ticket_error
open_text(const char *text, size_t n, int64_t now_s, struct ticket *t)
{
	static char store[TICKET_HOST_MAX];

	return ticket_open(&keys, (struct slice){ text, n }, now_s, t, store);
}

static void
round_trip(const uint8_t *d, size_t n)
{
	struct ticket t = { .challenge = { METHOD_POW, 1, 1, d[0], 1, false } }, back;
	char text[TICKET_TEXT_MAX];
	struct address a = address_from_bytes(d + 1, d[17] & 1 ? 16 : 4);
	size_t len, at;

	memcpy(t.id, d + 2, TICKET_ID_BYTES);
	memcpy(&t.issued_s, d + 18, 8);
	t.issued_s &= INT64_MAX;
	t.challenge.hashes += ((uint32_t)d[26] << 18 | (uint32_t)d[27] << 8) % CHALLENGE_HASHES_MAX;
	t.challenge.puzzles = (uint8_t)(t.challenge.puzzles + d[28] % CHALLENGE_PUZZLES_MAX);
	t.challenge.methods |= d[39] & METHODS_OFFERED;
	t.challenge.wait_s = (uint16_t)(t.challenge.wait_s + d[39] % CHALLENGE_WAIT_MAX_S);
	t.challenge.clip = d[39] >> 7;
	memcpy(&t.pass_s, d + 29, 4);
	memcpy(&t.status, d + 33, 2);
	t.binding = (enum binding)(d[35] & 3);
	t.client = binding_apply(t.binding, &a);
	t.host = (struct slice){ (const char *)d + 40, n - 40 };
	len = ticket_seal(&keys, &t, text);
	assert(len <= TICKET_TEXT_MAX);

	assert(open_text(text, len, t.issued_s, &back) == TICKET_OK);
	if (t.host.len > TICKET_HOST_MAX)
		t.host.len = TICKET_HOST_MAX;
	assert(memcmp(back.id, t.id, TICKET_ID_BYTES) == 0 && back.issued_s == t.issued_s &&
	       back.challenge.hashes == t.challenge.hashes &&
	       back.challenge.methods == t.challenge.methods &&
	       back.challenge.wait_s == t.challenge.wait_s &&
	       back.challenge.clip == t.challenge.clip &&
	       back.challenge.puzzles == t.challenge.puzzles &&
	       back.challenge.level == t.challenge.level && back.status == t.status &&
	       back.pass_s == t.pass_s && back.binding == t.binding &&
	       address_equal(&back.client, &t.client) && slice_equal(back.host, t.host));

	at = ((size_t)d[36] << 8 | d[37]) % len;
	if (d[38] != 0) {
		text[at] = (char)(text[at] ^ d[38]);
		assert(open_text(text, len, t.issued_s, &back) != TICKET_OK);
		text[at] = (char)(text[at] ^ d[38]);
	}
	assert(open_text(text, at, t.issued_s, &back) != TICKET_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ticket t;
	unsigned line;
	const char *why;
	char store[TICKET_HOST_MAX];
	struct slice host, twice, text = { (const char *)data, size };

	if (keys.count == 0)
		assert(keyring_parse(&keys,
		    SLICE("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		    &line, &why));
	/* What opens was sealed by us: to seal it again gives the same bytes. */
	if (open_text(text.ptr, size, 1700000000, &t) == TICKET_OK) {
		char again[TICKET_TEXT_MAX];

		assert(ticket_seal(&keys, &t, again) == size && memcmp(again, data, size) == 0);
	}
	host = host_normal(text, store);
	assert(host.len <= TICKET_HOST_MAX);
	twice = host_normal(host, (char[TICKET_HOST_MAX]){ 0 });
	assert(slice_equal(host, twice));
	if (size >= 40)
		round_trip(data, size);
	return 0;
}
