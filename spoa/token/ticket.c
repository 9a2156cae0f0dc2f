#include "token/ticket.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"

#define VERSION 2u
#define EARLY_S 60

/*
 * What is MACed is laid out in one buffer: label, id, fields. The label has its length in front,
 * id and fields are of fixed size up to the host, which has its length in front too: no two
 * tickets give the same bytes.
 */
#define LABEL "\016ammit ticket 2"
#define LABEL_BYTES (sizeof(LABEL) - 1)
#define HEAD_BYTES (LABEL_BYTES + TICKET_ID_BYTES)
#define FIXED_BYTES 49u /* version to host length */
#define RAW_BYTES (HEAD_BYTES + FIXED_BYTES + TICKET_HOST_MAX + SHA256_BYTES)
#define ID_CHARS ((size_t)2 * TICKET_ID_BYTES)

_Static_assert(
    ID_CHARS + BASE64URL_CHARS(FIXED_BYTES + TICKET_HOST_MAX + SHA256_BYTES) <= TICKET_TEXT_MAX,
    "the largest ticket fits");

static uint8_t *
put(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	return p + bytes;
}

static uint64_t
get(const uint8_t **p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | (*p)[i];
	*p += bytes;
	return value;
}

static bool
challenge_in_range(const struct challenge *c)
{
	return (c->methods & ~METHODS_OFFERED) == 0 && (c->methods & ~METHOD_VIDEO) != 0 &&
	       c->puzzles >= 1 && c->puzzles <= CHALLENGE_PUZZLES_MAX && c->hashes >= 1 &&
	       c->hashes <= CHALLENGE_HASHES_MAX && c->wait_s >= 1 &&
	       c->wait_s <= CHALLENGE_WAIT_MAX_S;
}

/* The address is what binding_apply gives: one spelling each, all that is unused zero. */
static bool
client_in_range(unsigned binding, const struct address *client)
{
	struct address bound, plain;

	if (binding > BINDING_CIRCUIT)
		return false;
	plain = address_from_bytes(client->bytes, client->family == 4 ? 4 : 16);
	if (client->family == 0)
		plain = (struct address){ { 0 }, 0 };
	bound = binding_apply((enum binding)binding, &plain);
	return address_equal(&bound, client);
}

size_t
ticket_seal(const struct keyring *keys, const struct ticket *t, char out[TICKET_TEXT_MAX])
{
	const struct key *key = &keys->key[0];
	size_t host_len = t->host.len < TICKET_HOST_MAX ? t->host.len : TICKET_HOST_MAX;
	uint8_t raw[RAW_BYTES];
	uint8_t *p = raw;

	assert(keys->count > 0 && challenge_in_range(&t->challenge));
	assert(client_in_range(t->binding, &t->client));
	memcpy(p, LABEL, LABEL_BYTES);
	memcpy(p + LABEL_BYTES, t->id, TICKET_ID_BYTES);
	p += HEAD_BYTES;
	p = put(p, VERSION, 1);
	memcpy(p, key->id, sizeof(key->id));
	p += sizeof(key->id);
	p = put(p, t->issued_s < 0 ? 0 : (uint64_t)t->issued_s, 8);
	p = put(p, t->challenge.methods, 1);
	p = put(p, t->challenge.clip, 1);
	p = put(p, t->challenge.wait_s, 2);
	p = put(p, t->challenge.puzzles, 1);
	p = put(p, t->challenge.hashes, 4);
	p = put(p, t->challenge.level, 2);
	p = put(p, t->status, 2);
	p = put(p, t->pass_s, 4);
	p = put(p, t->binding, 1);
	p = put(p, t->client.family, 1);
	memcpy(p, t->client.bytes, sizeof(t->client.bytes));
	p += sizeof(t->client.bytes);
	p = put(p, host_len, 1);
	assert(p == raw + HEAD_BYTES + FIXED_BYTES);
	if (host_len > 0)
		memcpy(p, t->host.ptr, host_len);
	p += host_len;
	hmac_once(&key->ticket, raw, (size_t)(p - raw), p);
	p += SHA256_BYTES;

	hex_encode(t->id, TICKET_ID_BYTES, out);
	return ID_CHARS +
	       base64url_encode(raw + HEAD_BYTES, (size_t)(p - raw) - HEAD_BYTES, out + ID_CHARS);
}

/* The fields of a ticket whose MAC was right and whose length fits. */
static bool
read_fields(const uint8_t *p, struct ticket *out, char store[TICKET_HOST_MAX])
{
	uint64_t issued, clip, binding;
	size_t host_len;

	p += 1 + 4; /* version and key id are known */
	issued = get(&p, 8);
	out->challenge.methods = (uint8_t)get(&p, 1);
	clip = get(&p, 1);
	out->challenge.wait_s = (uint16_t)get(&p, 2);
	out->challenge.puzzles = (uint8_t)get(&p, 1);
	out->challenge.hashes = (uint32_t)get(&p, 4);
	out->challenge.level = (uint16_t)get(&p, 2);
	out->status = (uint16_t)get(&p, 2);
	out->pass_s = (uint32_t)get(&p, 4);
	binding = get(&p, 1);
	out->client.family = (uint8_t)get(&p, 1);
	memcpy(out->client.bytes, p, sizeof(out->client.bytes));
	p += sizeof(out->client.bytes);
	host_len = (size_t)get(&p, 1);
	memcpy(store, p, host_len);
	out->host = (struct slice){ store, host_len };

	if (issued > INT64_MAX || clip > 1)
		return false;
	out->issued_s = (int64_t)issued;
	out->challenge.clip = clip == 1;
	if (!challenge_in_range(&out->challenge) ||
	    !client_in_range((unsigned)binding, &out->client))
		return false;
	out->binding = (enum binding)binding;
	return true;
}

enum ticket_error
ticket_open(const struct keyring *keys, struct slice text, int64_t now_s, struct ticket *out,
    char store[TICKET_HOST_MAX])
{
	uint8_t raw[RAW_BYTES], mac[SHA256_BYTES];
	const uint8_t *fields = raw + HEAD_BYTES;
	const struct key *key;
	size_t n, mac_at;

	memset(out, 0, sizeof(*out));
	if (text.len < ID_CHARS || text.len > TICKET_TEXT_MAX)
		return TICKET_MALFORMED;
	memcpy(raw, LABEL, LABEL_BYTES);
	if (!hex_decode((struct slice){ text.ptr, ID_CHARS }, raw + LABEL_BYTES, TICKET_ID_BYTES) ||
	    !base64url_decode((struct slice){ text.ptr + ID_CHARS, text.len - ID_CHARS },
		raw + HEAD_BYTES, sizeof(raw) - HEAD_BYTES, &n))
		return TICKET_MALFORMED;
	/* Version and host length say where the MAC stands; nothing else is read before it. */
	if (n < FIXED_BYTES + SHA256_BYTES || fields[0] != VERSION ||
	    n - FIXED_BYTES - SHA256_BYTES != fields[FIXED_BYTES - 1])
		return TICKET_MALFORMED;

	mac_at = HEAD_BYTES + n - SHA256_BYTES;
	key = keyring_find(keys, fields + 1);
	if (key == NULL)
		return TICKET_FORGED;
	hmac_once(&key->ticket, raw, mac_at, mac);
	if (!secret_equal(mac, raw + mac_at, sizeof(mac)))
		return TICKET_FORGED;

	if (!read_fields(fields, out, store))
		return TICKET_MALFORMED;
	memcpy(out->id, raw + LABEL_BYTES, TICKET_ID_BYTES);
	/* Neither difference can overflow: both times are 0 or more. */
	if (now_s < 0)
		now_s = 0;
	if (now_s - out->issued_s > TICKET_LIFE_S)
		return TICKET_EXPIRED;
	return out->issued_s - now_s > EARLY_S ? TICKET_EARLY : TICKET_OK;
}

void
ticket_ids_init(struct ticket_ids *g, const uint8_t secret[32])
{
	memcpy(g->secret, secret, sizeof(g->secret));
	g->counter = 0;
}

void
ticket_ids_next(struct ticket_ids *g, uint8_t id[TICKET_ID_BYTES])
{
	uint8_t in[sizeof(g->secret) + sizeof(g->counter)], hash[SHA256_BYTES];

	memcpy(in, g->secret, sizeof(g->secret));
	put(in + sizeof(g->secret), g->counter++, sizeof(g->counter));
	sha256_once(in, sizeof(in), hash);
	memcpy(id, hash, TICKET_ID_BYTES);
}
