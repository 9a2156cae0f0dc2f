/* A NOTIFY payload of any bytes: it is refused, or its answer is one ACK that can be read back. */
#include "daemon/weigh.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] =
    "{\"bots\": ["
    "{\"name\": \"a\", \"user_agent_regex\": \"(?i)bot|^$\", \"action\": \"WEIGH\"},"
    "{\"name\": \"b\", \"path_regex\": \"^/a.*z$\", \"action\": \"ALLOW\"},"
    "{\"name\": \"c\", \"remote_addresses\": [\"198.51.100.0/24\", \"2001:db8::/32\"], \"action\": "
    "\"DENY\"},"
    "{\"name\": \"d\", \"headers_regex\": {\"Accept\": \".*\"}, \"action\": \"WEIGH\","
    " \"weight\": {\"adjust\": -3}}]}";

static void
setup(struct weigher *w)
{
	static const char key[] =
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	struct generation *g = xcalloc(1, sizeof(*g));
	struct problems p = { 0 };
	unsigned line;
	const char *why;

	g->users = 1;
	g->policy =
	    policy_load("fuzz", (struct slice){ policy_text, sizeof(policy_text) - 1 }, NULL, &p);
	assert(g->policy != NULL);
	assert(keyring_parse(&g->keys, slice_of(key), &line, &why));
	problems_fini(&p);
	weigher_init(w, g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weigher w;
	uint8_t answer[WEIGH_ANSWER_MAX];
	struct spop_writer out = { answer, answer + sizeof(answer), false };
	struct spop_frame f = { .type = SPOP_NOTIFY,
		.flags = SPOP_FIN,
		.stream_id = 7,
		.frame_id = 9,
		.payload = { data, data + size, false } };
	enum spop_status status;
	unsigned actions = 0;

	if (w.judge == NULL)
		setup(&w);
	if (!weigh_notify(&w, &f, SPOP_FRAME_MAX, 1900000000, &out)) {
		assert(out.pos == answer);
		return 0;
	}
	assert(spop_frame_split(answer, (size_t)(out.pos - answer), WEIGH_ANSWER_MAX, &f,
		   &status) == SPOP_FRAME);
	assert(f.type == SPOP_ACK && f.stream_id == 7 && f.frame_id == 9);
	for (; f.payload.pos < f.payload.end; actions++) {
		assert(spop_read_byte(&f.payload) == 1 && spop_read_byte(&f.payload) == 3);
		assert(spop_read_byte(&f.payload) == 2);
		assert(spop_read_string(&f.payload).len > 0);
		spop_read_value(&f.payload);
		assert(!f.payload.bad);
	}
	assert(actions > 0);
	return 0;
}
