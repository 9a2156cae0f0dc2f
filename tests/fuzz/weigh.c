/* A NOTIFY payload of any bytes: it is refused, or its answer is one ACK that can be read back. */
#include "daemon/weigh.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "unit/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] =
    "{\"bots\": ["
    "{\"name\": \"a\", \"user_agent_regex\": \"(?i)bot|^$\", \"action\": \"WEIGH\"},"
    "{\"name\": \"b\", \"path_regex\": \"^/a.*z$\", \"action\": \"ALLOW\"},"
    "{\"name\": \"c\", \"remote_addresses\": [\"198.51.100.0/24\", \"2001:db8::/32\"], \"action\": "
    "\"DENY\"},"
    "{\"name\": \"d\", \"headers_regex\": {\"Accept\": \".*\"}, \"action\": \"WEIGH\","
    " \"weight\": {\"adjust\": -3}}]}";

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
		weigher_init(&w,
		    make_generation((struct slice){ policy_text, sizeof(policy_text) - 1 }, false));
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
