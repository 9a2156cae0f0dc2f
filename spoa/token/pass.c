#include "token/pass.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/text.h"

#define GRACE_S 60
#define CLAIMS_MAX 512u
#define MAC_CHARS BASE64URL_CHARS(SHA256_BYTES)

const char *const pass_state_names[7] = { "none", "good", "malformed", "forged", "expired",
	"other-host", "elsewhere" };

/* The largest: numbers of 19, 5 and 3 digits, "circuit", an address, 32 digits, a host. */
_Static_assert(sizeof("{'iat':,'exp':,'lvl':,'by':,'bind':'circuit','net':'','jti':'','host':''}") +
		       2 * 19 + 5 + 3 + ADDRESS_TEXT_MAX + 2 * TICKET_ID_BYTES + TICKET_HOST_MAX <=
		   CLAIMS_MAX,
    "all claims fit");
_Static_assert(KEY_JWT_HEADER_MAX + BASE64URL_CHARS(CLAIMS_MAX) + 1 + MAC_CHARS <= PASS_TEXT_MAX,
    "the largest pass fits");

/* Nothing here needs an escape in JSON, so a host has one spelling. */
static bool
host_plain(struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' &&
		    c != '_' && c != '[' && c != ']' && c != ':')
			return false;
	}
	return host.len <= TICKET_HOST_MAX;
}

size_t
pass_seal(const struct keyring *keys, const struct pass *p, char out[PASS_TEXT_MAX])
{
	const struct key *key = &keys->key[0];
	char claims[CLAIMS_MAX], net[ADDRESS_TEXT_MAX], jti[2 * TICKET_ID_BYTES];
	struct text t = { claims, sizeof(claims), 0, false };
	uint8_t mac[SHA256_BYTES];
	size_t n;

	assert(keys->count > 0 && p->binding <= BINDING_CIRCUIT);
	if (!host_plain(p->host))
		return 0;
	address_format(&p->client, net);
	hex_encode(p->id, sizeof(p->id), jti);
	text_printf(&t,
	    "{\"iat\":%lld,\"exp\":%lld,\"lvl\":%u,\"by\":%u,\"bind\":\"%s\",\"net\":\"%s\",",
	    (long long)(p->issued_s < 0 ? 0 : p->issued_s),
	    (long long)(p->expires_s < 0 ? 0 : p->expires_s), p->level, p->by,
	    binding_names[p->binding], net);
	text_put(&t, SLICE("\"jti\":\""));
	text_put(&t, (struct slice){ jti, sizeof(jti) });
	text_put(&t, SLICE("\",\"host\":\""));
	text_put(&t, p->host);
	text_put(&t, SLICE("\"}"));
	assert(!t.cut);

	memcpy(out, key->jwt_header, key->jwt_header_len);
	n = key->jwt_header_len;
	n += base64url_encode(claims, t.len, out + n);
	hmac_once(&key->pass, out, n, mac);
	out[n++] = '.';
	return n + base64url_encode(mac, sizeof(mac), out + n);
}

/* The claims as a cursor: whatever does not come next makes it bad for good. */
struct claims {
	struct slice rest;
	bool bad;
};

static void
expect(struct claims *c, struct slice what)
{
	if (c->bad || !slice_starts(c->rest, what)) {
		c->bad = true;
		return;
	}
	c->rest.ptr += what.len;
	c->rest.len -= what.len;
}

/* What stands before `end`, which is eaten too. */
static struct slice
until(struct claims *c, char end)
{
	struct slice before = slice_split(c->rest, end, &c->rest);

	if (c->rest.ptr == NULL)
		c->bad = true;
	return before;
}

static int64_t
number(struct claims *c, unsigned long long max)
{
	struct slice digits = until(c, ',');
	unsigned long long value = 0;

	if (!slice_number(digits, max, &value) || (digits.len > 1 && digits.ptr[0] == '0'))
		c->bad = true;
	return (int64_t)value;
}

static bool
read_claims(struct slice text, struct pass *out)
{
	struct claims c = { text, false };
	struct slice bind, net, jti;
	unsigned b = 0;

	expect(&c, SLICE("{\"iat\":"));
	out->issued_s = number(&c, INT64_MAX);
	expect(&c, SLICE("\"exp\":"));
	out->expires_s = number(&c, INT64_MAX);
	expect(&c, SLICE("\"lvl\":"));
	out->level = (uint16_t)number(&c, UINT16_MAX);
	expect(&c, SLICE("\"by\":"));
	out->by = (uint8_t)number(&c, UINT8_MAX);
	expect(&c, SLICE("\"bind\":\""));
	bind = until(&c, '"');
	expect(&c, SLICE(",\"net\":\""));
	net = until(&c, '"');
	expect(&c, SLICE(",\"jti\":\""));
	jti = until(&c, '"');
	expect(&c, SLICE(",\"host\":\""));
	out->host = until(&c, '"');
	expect(&c, SLICE("}"));
	if (c.bad || c.rest.len != 0)
		return false;

	while (b <= BINDING_CIRCUIT && !slice_equal(bind, slice_of(binding_names[b])))
		b++;
	if (b > BINDING_CIRCUIT || !hex_decode(jti, out->id, sizeof(out->id)))
		return false;
	out->binding = (enum binding)b;
	out->client = (struct address){ { 0 }, 0 };
	return (slice_equal(net, SLICE("-")) || address_parse(net, &out->client)) &&
	       host_plain(out->host);
}

static const struct key *
key_of_header(const struct keyring *keys, struct slice text)
{
	for (unsigned i = 0; i < keys->count; i++) {
		const struct key *k = &keys->key[i];

		if (slice_starts(text, (struct slice){ k->jwt_header, k->jwt_header_len }))
			return k;
	}
	return NULL;
}

/*
 * Header, claims and MAC in their places: three parts, the last of the length of a MAC. *payload
 * is the part between the dots.
 */
static bool
split(struct slice text, struct slice *payload, uint8_t mac[SHA256_BYTES])
{
	struct slice rest, signature;
	size_t n;

	if (text.len > PASS_TEXT_MAX)
		return false;
	slice_split(text, '.', &rest);
	*payload = slice_split(rest, '.', &signature);
	return payload->len > 0 && payload->len <= BASE64URL_CHARS(CLAIMS_MAX) &&
	       signature.len == MAC_CHARS && base64url_decode(signature, mac, SHA256_BYTES, &n);
}

enum pass_state
pass_open(
    const struct keyring *keys, struct slice text, struct pass *out, char store[TICKET_HOST_MAX])
{
	uint8_t claims[CLAIMS_MAX], theirs[SHA256_BYTES], ours[SHA256_BYTES];
	const struct key *key;
	struct slice payload;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (text.len == 0)
		return PASS_NONE;
	if (!split(text, &payload, theirs))
		return PASS_MALFORMED;
	key = key_of_header(keys, text);
	if (key == NULL)
		return PASS_FORGED;
	hmac_once(&key->pass, text.ptr, text.len - 1 - MAC_CHARS, ours);
	if (!secret_equal(ours, theirs, sizeof(ours)))
		return PASS_FORGED;

	if (!base64url_decode(payload, claims, sizeof(claims), &n) ||
	    !read_claims((struct slice){ (const char *)claims, n }, out))
		return PASS_MALFORMED;
	if (out->host.len > 0)
		memcpy(store, out->host.ptr, out->host.len);
	out->host.ptr = store;
	return PASS_GOOD;
}

enum pass_state
pass_hold(const struct pass *p, int64_t now_s, struct slice host, const struct address *client)
{
	struct address bound;

	/* No difference can overflow: all times are 0 or more. */
	if (now_s < 0)
		now_s = 0;
	if (now_s >= p->expires_s || p->issued_s - now_s > GRACE_S)
		return PASS_EXPIRED;
	if (!slice_equal(p->host, host))
		return PASS_OTHER_HOST;
	bound = binding_apply(p->binding, client);
	return address_equal(&bound, &p->client) ? PASS_GOOD : PASS_ELSEWHERE;
}

enum pass_state
pass_check(const struct keyring *keys, struct slice text, int64_t now_s, struct slice host,
    const struct address *client, struct pass *out)
{
	char store[TICKET_HOST_MAX];
	enum pass_state state = pass_open(keys, text, out, store);

	if (state == PASS_GOOD)
		state = pass_hold(out, now_s, host, client);
	out->host = host;
	return state;
}
