#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/rule.h"
#include "policy/schema.h"

#define DEFAULT_PUZZLES 16u
#define DEFAULT_DIFFICULTY 4u

/* Difficulty 6, which is Anubis's hardest, is 168 s for the slowest browser: it is not cut. */
#define DEFAULT_MOST_S 180u
#define MOST_S_MAX 600 /* no ticket lives longer */

/* Who waits in place of computing waits as long as the slowest browser computes, and this at least.
 */
#define LEAST_WAIT_S 5u

const char *const method_names[METHODS] = { "pow", "wait", "resource", "question", "video",
	"video_failed" };

void
methods_format(unsigned methods, char out[METHODS_TEXT_MAX])
{
	struct text t = { .buf = out, .cap = METHODS_TEXT_MAX - 1 };

	for (unsigned i = 0; i < METHODS; i++)
		if ((methods & 1u << i) != 0)
			text_printf(&t, "%s%s", t.len > 0 ? " " : "", method_names[i]);
	out[t.len] = '\0';
}

/* What a pass is worth unless the file says: one more for each doubling of the work. */
static uint16_t
level_of(uint32_t hashes)
{
	uint16_t level = 0;

	while (((uint32_t)1 << level) < hashes)
		level++;
	return level > 0 ? level : 1;
}

static uint32_t
most_hashes(unsigned most_s)
{
	uint64_t most = (uint64_t)most_s * SLOWEST_HASHES_PER_S;

	return most < CHALLENGE_HASHES_MAX ? (uint32_t)most : CHALLENGE_HASHES_MAX;
}

/* A puzzle costs one hash at least. */
static uint8_t
fewer(uint32_t puzzles, uint32_t hashes)
{
	return (uint8_t)(puzzles < hashes ? puzzles : hashes);
}

static uint16_t
wait_of(uint32_t hashes)
{
	uint32_t wait_s = (hashes + SLOWEST_HASHES_PER_S - 1) / SLOWEST_HASHES_PER_S;

	if (wait_s > CHALLENGE_WAIT_MAX_S)
		wait_s = CHALLENGE_WAIT_MAX_S;
	return (uint16_t)(wait_s > LEAST_WAIT_S ? wait_s : LEAST_WAIT_S);
}

/* ---- curves ---- */

/* Along straight lines from point to point; flat before the first and behind the last. */
static double
along(const struct point *p, unsigned n, double at, bool logarithmic)
{
	unsigned i = 0;
	double share, from, to;

	while (i < n && p[i].at <= at)
		i++;
	if (i == 0 || i == n)
		return p[i == 0 ? 0 : n - 1].value;
	share = (at - p[i - 1].at) / (p[i].at - p[i - 1].at);
	from = logarithmic ? p[i - 1].log : p[i - 1].value;
	to = logarithmic ? p[i].log : p[i].value;
	from += share * (to - from);
	return logarithmic ? exp2(from) : from;
}

static uint32_t
whole(double hashes, uint32_t most)
{
	return hashes >= most ? most : hashes < 1 ? 1 : (uint32_t)(hashes + 0.5);
}

struct challenge
demand_challenge(const struct demand *d, int32_t weight, double load)
{
	struct challenge c = d->challenge;
	uint32_t most = most_hashes(d->most_s);

	if (d->prices > 0) {
		c.hashes = whole(along(d->price, d->prices, weight, true), most);
		if (!d->own_level)
			c.level = level_of(c.hashes);
	}
	if (d->loads > 0)
		c.hashes = whole(c.hashes * along(d->load, d->loads, load, false), most);
	if (d->prices == 0 && d->loads == 0)
		return c;
	c.puzzles = fewer(c.puzzles, c.hashes);
	if (!d->own_wait)
		c.wait_s = wait_of(c.hashes);
	return c;
}

/* One entry of a curve, above the one before it. */
static void
read_point(const struct tree *n, double most, struct point *p, struct problems *problems)
{
	char *end;

	p->at = strtod(n->key.ptr, &end);
	p->value = 1;
	if (n->key.len == 0 || *end != '\0' || !(fabs(p->at) <= 1e9))
		tree_error(problems, n, "must be a number in front of the colon");
	else if (n->index > 0 && p->at <= p[-1].at)
		tree_error(problems, n, "must come in order: each number above the one before it");
	if (n->kind == TREE_NUMBER && n->number >= 1 && n->number <= most)
		p->value = n->number;
	else
		tree_error(problems, n, "must be a number from 1 to %.0f", most);
	p->log = log2(p->value);
}

static unsigned
read_curve(struct loader *l, const struct tree *node, const char *key, double most,
    const struct point **out)
{
	const struct tree *map = schema_get(node, key, TREE_MAP, l->problems);
	struct point *p;

	if (map == NULL)
		return 0;
	if (map->count == 0 || map->count > POINTS_MAX) {
		tree_error(l->problems, map, "must have 1 to %d points, as {0: 256, 20: 65536}",
		    POINTS_MAX);
		return 0;
	}
	p = arena_alloc(l->policy->arena, map->count * sizeof(*p));
	for (const struct tree *n = map->first; n != NULL; n = n->next)
		read_point(n, most, &p[n->index], l->problems);
	*out = p;
	return map->count;
}

/* ---- the block ---- */

/*
 * The hashes of a challenge that has no curve. A difficulty is zero digits of hex: 16^d are
 * expected. Both may stand there: the one is for Anubis, the other says it more finely.
 */
static uint32_t
read_hashes(
    const struct tree *node, uint32_t difficulty, unsigned most_s, struct problems *problems)
{
	uint32_t hashes =
	    (uint32_t)schema_int(node, "hashes", 1, CHALLENGE_HASHES_MAX, 0, problems);

	if (hashes == 0)
		hashes = difficulty < 7 ? (uint32_t)1 << 4 * difficulty : CHALLENGE_HASHES_MAX;
	if (hashes <= most_hashes(most_s))
		return hashes;
	tree_warn(problems, node,
	    "is more than the slowest browser does in %u s: taken as %u hashes (most_s)", most_s,
	    most_hashes(most_s));
	return most_hashes(most_s);
}

/* "metarefresh": how long it waits is its difficulty. */
static bool
read_algorithm(const struct tree *node, struct problems *problems)
{
	static const char *const known[] = { "fast", "slow", "pow", "metarefresh", "preact" };
	const struct tree *n = schema_get(node, "algorithm", TREE_STRING, problems);

	if (n == NULL) {
		if (tree_get(node, "algorithm") == NULL)
			tree_error(problems, node, "has no algorithm: fast, metarefresh or pow");
		return false;
	}
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!slice_equal(n->text, slice_of(known[i])))
			continue;
		if (i == 4)
			tree_warn(problems, n, "preact is served as a proof of work");
		return i == 3;
	}
	tree_error(problems, n, "unknown algorithm: fast, slow, metarefresh, preact or pow");
	return false;
}

/* One of `methods`; 0 with a problem. */
static unsigned
read_method(const struct tree *n, struct problems *problems)
{
	for (unsigned i = 0; i < METHODS; i++)
		if ((METHODS_OFFERED & 1u << i) != 0 && n->text.ptr != NULL &&
		    slice_equal(n->text, slice_of(method_names[i])))
			return 1u << i;
	tree_error(problems, n, "no such method: pow, wait, resource, question or video");
	return 0;
}

static uint8_t
read_methods(const struct tree *node, struct problems *problems)
{
	const struct tree *list = schema_get(node, "methods", TREE_LIST, problems);
	const size_t errors = problems->errors;
	unsigned methods = 0;

	if (list == NULL)
		return METHOD_POW | METHOD_WAIT;
	for (const struct tree *n = list->first; n != NULL; n = n->next)
		methods |= read_method(n, problems);
	if ((methods & ~(unsigned)METHOD_VIDEO) != 0)
		return (uint8_t)methods;
	if (problems->errors == errors)
		tree_error(problems, list, "%s",
		    methods == 0
			? "names no method: write [pow, wait], for example"
			: "has video alone: not every browser plays it, name another beside it");
	return METHOD_POW;
}

static struct demand
flat(uint32_t hashes)
{
	struct demand d = { .challenge = { .methods = METHOD_POW | METHOD_WAIT,
				.hashes = hashes,
				.puzzles = fewer(DEFAULT_PUZZLES, hashes),
				.level = level_of(hashes),
				.wait_s = wait_of(hashes) },
		.most_s = DEFAULT_MOST_S };

	return d;
}

struct demand
challenge_default(void)
{
	return flat(1u << 4 * DEFAULT_DIFFICULTY);
}

struct demand
challenge_read(struct loader *l, const struct tree *node)
{
	static const struct schema_key keys[] = { { "algorithm", SCHEMA_KNOWN },
		{ "difficulty", SCHEMA_KNOWN }, { "hashes", SCHEMA_KNOWN },
		{ "puzzles", SCHEMA_KNOWN }, { "level", SCHEMA_KNOWN }, { "methods", SCHEMA_KNOWN },
		{ "wait", SCHEMA_KNOWN }, { "clip", SCHEMA_KNOWN }, { "price", SCHEMA_KNOWN },
		{ "load", SCHEMA_KNOWN }, { "most_s", SCHEMA_KNOWN }, { "report_as", SCHEMA_KNOWN },
		{ 0 } };
	struct problems *problems = l->problems;
	uint32_t difficulty, wait_s, level;
	uint16_t most_s;
	const struct tree *clip;
	struct demand d;
	bool waits;

	/* report_as has no effect in Anubis either. */
	schema_check(node, keys, problems);
	waits = read_algorithm(node, problems);
	difficulty = (uint32_t)schema_int(node, "difficulty", 0, 64, 0, problems);
	most_s = (uint16_t)schema_int(node, "most_s", 1, MOST_S_MAX, DEFAULT_MOST_S, problems);
	d = flat(read_hashes(node, difficulty, most_s, problems));
	d.most_s = most_s;
	wait_s = (uint32_t)schema_int(node, "wait", 1, CHALLENGE_WAIT_MAX_S, 0, problems);
	if (wait_s == 0 && waits)
		wait_s = difficulty + 1;
	d.prices = read_curve(l, node, "price", CHALLENGE_HASHES_MAX, &d.price);
	d.loads = read_curve(l, node, "load", 1000, &d.load);
	d.challenge.puzzles = (uint8_t)schema_int(
	    node, "puzzles", 1, CHALLENGE_PUZZLES_MAX, DEFAULT_PUZZLES, problems);
	if (d.prices == 0 && d.loads == 0)
		d.challenge.puzzles = fewer(d.challenge.puzzles, d.challenge.hashes);
	level = (uint32_t)schema_int(node, "level", 1, UINT16_MAX, 0, problems);
	d.own_level = level > 0;
	if (d.own_level)
		d.challenge.level = (uint16_t)level;
	d.own_wait = wait_s > 0;
	if (d.own_wait)
		d.challenge.wait_s = (uint16_t)wait_s;
	d.challenge.methods = read_methods(node, problems);
	clip = schema_get(node, "clip", TREE_BOOL, problems);
	d.challenge.clip =
	    (clip != NULL && clip->truth) || (d.challenge.methods & METHOD_VIDEO) != 0;
	return d;
}
