#include "token/pass.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring keys;

static enum pass_state
check(struct slice text, int64_t now_s, struct slice host, const struct address *client)
{
	struct pass p;

	return pass_check(&keys, text, now_s, host, client, &p);
}

static void
round_trip(const uint8_t *d, size_t n)
{
	struct address a = address_from_bytes(d, d[16] & 1 ? 16 : 4);
	struct slice s, host = { (const char *)d + 32, n - 32 };
	struct pass p = { .level = d[17], .binding = (enum binding)(d[18] & 3), .host = host },
		    back;
	char text[PASS_TEXT_MAX];
	size_t at;

	p.client = binding_apply(p.binding, &a);
	memcpy(p.id, d + 3, TICKET_ID_BYTES);
	p.issued_s = (int64_t)d[19] << 24 | d[20];
	p.expires_s = p.issued_s + 1 + d[21];
	s = (struct slice){ text, pass_seal(&keys, &p, text) };
	if (s.len == 0)
		return;
	assert(s.len <= PASS_TEXT_MAX);
	assert(pass_check(&keys, s, p.issued_s, host, &a, &back) == PASS_GOOD);
	assert(back.issued_s == p.issued_s && back.expires_s == p.expires_s &&
	       back.level == p.level && back.binding == p.binding &&
	       address_equal(&back.client, &p.client) &&
	       memcmp(back.id, p.id, TICKET_ID_BYTES) == 0);
	assert(check(s, p.expires_s, host, &a) == PASS_EXPIRED);

	at = ((size_t)d[22] << 8 | d[23]) % s.len;
	if (d[24] != 0) {
		text[at] = (char)(text[at] ^ d[24]);
		assert(check(s, p.issued_s, host, &a) == PASS_MALFORMED ||
		       check(s, p.issued_s, host, &a) == PASS_FORGED);
		text[at] = (char)(text[at] ^ d[24]);
	}
	s.len = at;
	assert(check(s, p.issued_s, host, &a) != PASS_GOOD);
}

/* Arbitrary claims under a genuine MAC: the parser alone stands before them. */
static void
signed_claims(struct slice claims)
{
	struct address client = { { 0 }, 0 };
	char text[PASS_TEXT_MAX], again[PASS_TEXT_MAX];
	uint8_t mac[SHA256_BYTES];
	struct pass p;
	size_t n = keys.key[0].jwt_header_len;
	enum pass_state state;

	if (claims.len > 512)
		return;
	memcpy(text, keys.key[0].jwt_header, n);
	n += base64url_encode(claims.ptr, claims.len, text + n);
	hmac_once(&keys.key[0].pass, text, n, mac);
	text[n++] = '.';
	n += base64url_encode(mac, sizeof(mac), text + n);
	state = pass_check(
	    &keys, (struct slice){ text, n }, 1700000000, SLICE("git.example.org"), &client, &p);
	assert(state != PASS_NONE && state != PASS_FORGED);
	if (state == PASS_GOOD || state == PASS_ELSEWHERE)
		assert(pass_seal(&keys, &p, again) > 0 && p.expires_s > 1700000000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct address client = { { 192, 0, 2, 7 }, 4 };
	unsigned line;
	const char *why;

	if (keys.count == 0)
		assert(keyring_parse(&keys,
		    SLICE("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		    &line, &why));
	check(text, 1700000000, SLICE("git.example.org"), &client);
	signed_claims(text);
	if (size >= 32)
		round_trip(data, size);
	return 0;
}
