/*
 * A peer that says anything, as a stream. However its bytes are cut, the answers are the same, are
 * whole frames of our types, and a session that is closed says no more.
 */
#include "spop/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 8192u

struct outcome {
	uint8_t out[4 * SPOP_SESSION_ROOM];
	size_t n;
	uint64_t digest; /* of every NOTIFY, its payload decoded */
	enum spop_state state;
};

static void
mix(struct outcome *o, uint64_t x)
{
	o->digest = (o->digest ^ x) * UINT64_C(0x100000001b3);
}

static void
mix_slice(struct outcome *o, struct slice s, const struct spop_reader *r)
{
	assert(s.len <= SIZE_LIMIT && (const uint8_t *)s.ptr + s.len <= r->end);
	mix(o, s.len);
	for (size_t i = 0; i < s.len; i++)
		mix(o, (uint8_t)s.ptr[i]);
}

static void
walk(struct outcome *o, const struct spop_frame *f)
{
	struct spop_reader r = f->payload, skipping = f->payload;
	struct spop_message m = { 0 }, n = { 0 };
	struct slice name;
	struct spop_value v;

	mix(o, f->stream_id);
	mix(o, f->frame_id);
	while (spop_message_next(&r, &m)) {
		mix_slice(o, m.name, &r);
		while (spop_argument_next(&r, &m, &name, &v)) {
			mix_slice(o, name, &r);
			mix(o, v.type);
			if (v.type >= SPOP_IPV4)
				mix_slice(o, v.bytes, &r);
		}
	}
	assert(r.bad || r.pos == r.end);
	while (spop_message_next(&skipping, &n))
		continue;
	assert(r.bad == skipping.bad);
	mix(o, r.bad);
}

/* The bytes from..to are all there is in memory, so that a sanitizer sees one read too many. */
static size_t
feed(struct spop_session *s, struct outcome *o, struct spop_writer *w, const uint8_t *bytes,
    size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	size_t done = 0, used = 1;

	assert(copy != NULL);
	memcpy(copy, bytes, n);
	while (used > 0 && s->state != SPOP_CLOSED) {
		struct spop_frame f;
		enum spop_status status;
		enum spop_state before = s->state;
		enum spop_step step =
		    spop_session_next(s, copy + done, n - done, &used, &f, w, &status);

		assert(used <= n - done);
		assert((step == SPOP_STEP_CLOSE) == (s->state == SPOP_CLOSED));
		if (step == SPOP_STEP_NOTIFY) {
			assert(before == SPOP_OPEN && f.bytes == used && used >= 11);
			walk(o, &f);
		}
		done += used;
	}
	free(copy);
	return done;
}

static void
run(struct outcome *o, const uint8_t *data, size_t size, uint32_t seed, size_t most)
{
	struct spop_session s;
	struct spop_writer w = { o->out, o->out + sizeof(o->out), false };
	size_t done = 0, have = 0;

	memset(o, 0, sizeof(*o));
	spop_session_init(&s);
	while (have < size && s.state != SPOP_CLOSED) {
		size_t step;

		seed = seed * 1664525 + 1013904223;
		step = 1 + (seed >> 8) % most;
		have = step > size - have ? size : have + step;
		done += feed(&s, o, &w, data + done, have - done);
	}
	assert(!w.full);
	o->n = (size_t)(w.pos - o->out);
	o->state = s.state;
}

static void
check_answers(const struct outcome *o)
{
	size_t at = 0;
	unsigned hellos = 0, byes = 0;

	while (at < o->n) {
		struct spop_frame f;
		enum spop_status status;

		assert(spop_frame_split(o->out + at, o->n - at, 256, &f, &status) == SPOP_FRAME);
		assert(f.flags == SPOP_FIN && f.stream_id == 0 && f.frame_id == 0);
		assert(f.type == SPOP_AGENT_HELLO || f.type == SPOP_AGENT_DISCONNECT);
		assert(byes == 0);
		hellos += f.type == SPOP_AGENT_HELLO;
		byes += f.type == SPOP_AGENT_DISCONNECT;
		at += f.bytes;
		while (f.payload.pos < f.payload.end && !f.payload.bad) {
			spop_read_string(&f.payload);
			spop_read_value(&f.payload);
		}
		assert(!f.payload.bad);
	}
	assert(hellos <= 1 && byes == (o->state == SPOP_CLOSED));
	assert(o->state != SPOP_OPEN || hellos == 1);
	assert(o->state != SPOP_WAIT_HELLO || o->n == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t cuts[] = { 1, 40, 1000 };
	struct outcome whole, cut;
	uint32_t seed = (uint32_t)size;

	if (size == 0 || size > SIZE_LIMIT)
		return 0;
	for (size_t i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	run(&whole, data, size, 0, SIZE_LIMIT * 1024);
	check_answers(&whole);
	for (size_t i = size > 2048 ? 1 : 0; i < 3; i++) {
		run(&cut, data, size, seed, cuts[i]);
		assert(cut.state == whole.state && cut.digest == whole.digest);
		assert(cut.n == whole.n && memcmp(cut.out, whole.out, whole.n) == 0);
	}
	return 0;
}
