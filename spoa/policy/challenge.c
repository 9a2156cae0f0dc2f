#include "policy/rule.h"
#include "policy/schema.h"

#define DEFAULT_PUZZLES 16u
#define DEFAULT_DIFFICULTY 4u

/* What a pass is worth unless the file says: one more for each doubling of the work. */
static uint16_t
level_of(uint32_t hashes)
{
	uint16_t level = 0;

	while (((uint32_t)1 << level) < hashes)
		level++;
	return level > 0 ? level : 1;
}

static struct challenge
complete(uint32_t hashes, uint32_t puzzles, uint32_t level)
{
	struct challenge c = { .method = METHOD_POW, .hashes = hashes };

	/* A puzzle costs one hash at least. */
	c.puzzles = (uint8_t)(puzzles < hashes ? puzzles : hashes);
	c.level = level > 0 ? (uint16_t)level : level_of(hashes);
	return c;
}

struct challenge
challenge_default(void)
{
	return complete(1u << 4 * DEFAULT_DIFFICULTY, DEFAULT_PUZZLES, 0);
}

/* A difficulty is zero digits of hex: 16^d hashes are expected. */
static uint32_t
hashes_of(const struct tree *node, uint32_t difficulty, struct problems *problems)
{
	if (4 * difficulty < 32 && (uint32_t)1 << 4 * difficulty <= CHALLENGE_HASHES_MAX)
		return (uint32_t)1 << 4 * difficulty;
	tree_warn(problems, node, "difficulty %u is more than anybody solves: taken as %u hashes",
	    difficulty, CHALLENGE_HASHES_MAX);
	return CHALLENGE_HASHES_MAX;
}

static void
check_algorithm(const struct tree *node, struct problems *problems)
{
	static const char *const known[] = { "fast", "slow", "pow", "metarefresh", "preact" };
	const struct tree *n = schema_get(node, "algorithm", TREE_STRING, problems);

	if (n == NULL) {
		if (tree_get(node, "algorithm") == NULL)
			tree_error(problems, node, "has no algorithm: fast, or pow");
		return;
	}
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!slice_equal(n->text, slice_of(known[i])))
			continue;
		if (i > 2)
			tree_warn(problems, n, "%s is served as a proof of work for now", known[i]);
		return;
	}
	tree_error(problems, n, "unknown algorithm: fast, slow, metarefresh, preact or pow");
}

struct challenge
challenge_read(const struct tree *node, struct problems *problems)
{
	static const struct schema_key keys[] = { { "algorithm", SCHEMA_KNOWN },
		{ "difficulty", SCHEMA_KNOWN }, { "hashes", SCHEMA_KNOWN },
		{ "puzzles", SCHEMA_KNOWN }, { "level", SCHEMA_KNOWN },
		{ "report_as", SCHEMA_KNOWN }, { 0 } };
	uint32_t difficulty, hashes, puzzles, level;

	/* report_as has no effect in Anubis either. */
	schema_check(node, keys, problems);
	check_algorithm(node, problems);
	difficulty = (uint32_t)schema_int(node, "difficulty", 0, 64, 0, problems);
	/* Both may stand there: the one is for Anubis, the other says it more finely. */
	hashes = (uint32_t)schema_int(node, "hashes", 1, CHALLENGE_HASHES_MAX, 0, problems);
	if (hashes == 0)
		hashes = hashes_of(node, difficulty, problems);
	puzzles = (uint32_t)schema_int(
	    node, "puzzles", 1, CHALLENGE_PUZZLES_MAX, DEFAULT_PUZZLES, problems);
	level = (uint32_t)schema_int(node, "level", 1, UINT16_MAX, 0, problems);
	return complete(hashes, puzzles, level);
}
