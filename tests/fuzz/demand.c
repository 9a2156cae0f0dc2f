#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes that end in zeroes. */
struct bytes {
	const uint8_t *at, *end;
};

static uint32_t
take(struct bytes *b, unsigned n)
{
	uint32_t value = 0;

	for (; n > 0; n--)
		value = value << 8 | (b->at < b->end ? *b->at++ : 0u);
	return value;
}

/* A curve that never falls, as a policy may have it: at rises, value is 1 to most. */
static unsigned
take_curve(struct bytes *b, uint32_t most, struct point p[POINTS_MAX])
{
	unsigned n = take(b, 1) % (POINTS_MAX + 1);
	double at = (double)(int16_t)take(b, 2), value = 1;

	for (unsigned i = 0; i < n; i++) {
		at += 0.25 + take(b, 1);
		value += take(b, 3) % most;
		value = value < most ? value : most;
		p[i] = (struct point){ at, value, log2(value) };
	}
	return n;
}

/*
 * Any curves, weights and loads: the price stays within what a policy may ask, more weight or load
 * never makes it less, and what a pass is worth does not depend on how busy the machine was.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, data + size };
	struct point price[POINTS_MAX], load[POINTS_MAX];
	struct demand d = challenge_default();
	uint32_t flags = take(&b, 1);
	int32_t weight = (int32_t)take(&b, 4), more = (int32_t)take(&b, 2);
	double busy = take(&b, 2) / 16.0, busier = busy + take(&b, 1);
	struct challenge one, heavier, loaded;
	uint64_t most;

	d.most_s = (uint16_t)(1 + take(&b, 2) % 600);
	d.own_level = (flags & 1) != 0;
	d.own_wait = (flags & 2) != 0;
	d.price = price;
	d.load = load;
	d.prices = take_curve(&b, CHALLENGE_HASHES_MAX, price);
	d.loads = take_curve(&b, 1000, load);
	more = weight > INT32_MAX - more ? INT32_MAX : weight + more;
	one = demand_challenge(&d, weight, busy);
	heavier = demand_challenge(&d, more, busy);
	loaded = demand_challenge(&d, weight, busier);

	most = (uint64_t)d.most_s * SLOWEST_HASHES_PER_S;
	assert(one.hashes >= 1 && one.hashes <= CHALLENGE_HASHES_MAX);
	assert(d.prices + d.loads == 0 || one.hashes <= most);
	assert(one.puzzles >= 1 && one.puzzles <= CHALLENGE_PUZZLES_MAX);
	assert(one.puzzles <= one.hashes && one.level >= 1);
	assert(one.wait_s >= 1 && one.wait_s <= CHALLENGE_WAIT_MAX_S);
	assert(heavier.hashes >= one.hashes && heavier.level >= one.level &&
	       heavier.wait_s >= one.wait_s);
	assert(loaded.hashes >= one.hashes && loaded.level == one.level);
	return 0;
}
