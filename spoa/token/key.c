#include "token/key.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "base/text.h"

#define HEX_CHARS ((size_t)2 * KEY_MASTER_BYTES)

static void
derive(struct key *k, const uint8_t master[KEY_MASTER_BYTES])
{
	uint8_t secret[SHA256_BYTES];
	char kid[2 * sizeof(k->id)], json[64];
	struct text t = { json, sizeof(json), 0, false };

	hkdf_derive(master, KEY_MASTER_BYTES, "ammit key id 1", secret);
	memcpy(k->id, secret, sizeof(k->id));
	hkdf_derive(master, KEY_MASTER_BYTES, "ammit ticket 1", secret);
	hmac_key_init(&k->ticket, secret, sizeof(secret));
	hkdf_derive(master, KEY_MASTER_BYTES, "ammit pass 1", secret);
	hex_encode(secret, sizeof(secret), k->pass_secret);
	k->pass_secret[2 * sizeof(secret)] = '\0';
	hmac_key_init(&k->pass, k->pass_secret, 2 * sizeof(secret));
	secret_wipe(secret, sizeof(secret));

	hex_encode(k->id, sizeof(k->id), kid);
	text_put(&t, SLICE("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\""));
	text_put(&t, (struct slice){ kid, sizeof(kid) });
	text_put(&t, SLICE("\"}"));
	assert(!t.cut && BASE64URL_CHARS(t.len) < sizeof(k->jwt_header));
	k->jwt_header_len = base64url_encode(json, t.len, k->jwt_header);
	k->jwt_header[k->jwt_header_len++] = '.';
}

/* Cut the first line off *text; false at the end. Blank and comment lines come back empty. */
static bool
next_line(struct slice *text, struct slice *line)
{
	if (text->len == 0)
		return false;
	*line = slice_trim(slice_split(*text, '\n', text));
	if (line->len > 0 && line->ptr[0] == '#')
		line->len = 0;
	return true;
}

static const char *
add_key(struct keyring *k, struct slice line)
{
	uint8_t master[KEY_MASTER_BYTES];
	struct key *fresh = &k->key[k->count];
	const char *why = NULL;

	if (line.len != HEX_CHARS)
		return "a key is 64 hex digits, alone on its line";
	if (!hex_decode(line, master, sizeof(master)))
		why = "a key is 64 digits of 0-9 and a-f, in lower case";
	else if (k->count == KEYS_MAX)
		why = "more than 4 keys: take the oldest out";
	else {
		derive(fresh, master);
		if (keyring_find(k, fresh->id) != NULL)
			why = "this key stands above already: take one of the two out";
		else
			k->count++;
	}
	secret_wipe(master, sizeof(master));
	return why;
}

bool
keyring_parse(struct keyring *k, struct slice text, unsigned *line, const char **why)
{
	struct slice s;

	memset(k, 0, sizeof(*k));
	*why = NULL;
	for (*line = 1; next_line(&text, &s); ++*line) {
		if (s.len > 0)
			*why = add_key(k, s);
		if (*why != NULL) {
			keyring_wipe(k);
			return false;
		}
	}
	*line = 0;
	if (k->count == 0)
		*why = "no key in the file: take it away, and `ammit run` makes a new one";
	return k->count > 0;
}

size_t
keyring_write(
    const uint8_t fresh[KEY_MASTER_BYTES], struct slice old, unsigned keep, char out[KEY_FILE_MAX])
{
	struct text t = { out, KEY_FILE_MAX, 0, false };
	char hex[HEX_CHARS + 1];
	struct slice line;

	if (keep > KEYS_MAX - 1)
		keep = KEYS_MAX - 1;
	hex_encode(fresh, KEY_MASTER_BYTES, hex);
	hex[HEX_CHARS] = '\n';
	text_put(&t,
	    SLICE("# Keys of Ammit: the first seals, all of them open. Keep this file secret.\n"));
	text_put(&t, (struct slice){ hex, sizeof(hex) });
	secret_wipe(hex, sizeof(hex));
	while (keep > 0 && next_line(&old, &line)) {
		uint8_t master[KEY_MASTER_BYTES];

		if (!hex_decode(line, master, sizeof(master)))
			continue;
		secret_wipe(master, sizeof(master));
		text_put(&t, line);
		text_byte(&t, '\n');
		keep--;
	}
	text_byte(&t, '\0');
	assert(!t.cut);
	return t.len - 1;
}

const struct key *
keyring_find(const struct keyring *k, const uint8_t id[4])
{
	for (unsigned i = 0; i < k->count; i++)
		if (memcmp(k->key[i].id, id, sizeof(k->key[i].id)) == 0)
			return &k->key[i];
	return NULL;
}

void
keyring_wipe(struct keyring *k)
{
	secret_wipe(k, sizeof(*k));
}
