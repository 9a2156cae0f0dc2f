#include "token/pass_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/memory.h"

#define SLOTS 512u
#define MAC_CHARS BASE64URL_CHARS(SHA256_BYTES)

struct slot {
	uint16_t len; /* of the text; 0: free */
	char text[PASS_CACHE_TEXT_MAX];
	char host[TICKET_HOST_MAX];
	struct pass pass; /* its host borrows from the slot's */
};

struct pass_cache {
	struct slot slot[SLOTS];
};

struct pass_cache *
pass_cache_new(void)
{
	return xcalloc(1, sizeof(struct pass_cache));
}

void
pass_cache_free(struct pass_cache *c)
{
	free(c);
}

void
pass_cache_clear(struct pass_cache *c)
{
	for (unsigned i = 0; i < SLOTS; i++)
		c->slot[i].len = 0;
}

/* The end of a genuine pass is the end of a MAC: as good as a hash. A forged one picks its slot,
 * but only a genuine one is ever kept. */
static struct slot *
slot_of(struct pass_cache *c, struct slice text)
{
	uint32_t tail;

	memcpy(&tail, text.ptr + text.len - 8, sizeof(tail));
	return &c->slot[(tail * 2654435761u) >> 16 & (SLOTS - 1)];
}

/* The MAC is the secret part: how much of it was right must not be told by time. */
static bool
holds(const struct slot *s, struct slice text)
{
	size_t open = text.len - MAC_CHARS;

	return s->len == text.len && memcmp(s->text, text.ptr, open) == 0 &&
	       secret_equal(s->text + open, text.ptr + open, MAC_CHARS);
}

enum pass_state
pass_cache_check(struct pass_cache *c, const struct keyring *keys, struct slice text, int64_t now_s,
    struct slice host, const struct address *client, struct pass *out)
{
	enum pass_state state;
	struct slot *s;

	if (text.len <= MAC_CHARS || text.len > PASS_CACHE_TEXT_MAX)
		return pass_check(keys, text, now_s, host, client, out);
	s = slot_of(c, text);
	if (!holds(s, text)) {
		char store[TICKET_HOST_MAX];

		state = pass_open(keys, text, out, store);
		if (state != PASS_GOOD)
			return state;
		s->len = (uint16_t)text.len;
		memcpy(s->text, text.ptr, text.len);
		memcpy(s->host, store, out->host.len);
		s->pass = *out;
		s->pass.host.ptr = s->host;
	}
	state = pass_hold(&s->pass, now_s, host, client);
	*out = s->pass;
	out->host = host;
	return state;
}
