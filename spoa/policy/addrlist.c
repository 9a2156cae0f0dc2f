#include "policy/addrlist.h"

#include "base/json.h"
#include "base/text.h"

/* A list with more wrong lines than this is some other kind of file: enough was said. */
#define WRONG_MAX 100u

#define SHAPE                                                                                      \
	"write [\"192.0.2.0/24\"], or {\"prefixes\": [{\"ipv4Prefix\": \"192.0.2.0/24\"}, "        \
	"{\"ipv6Prefix\": \"2001:db8::/32\"}]}"

struct reader {
	const char *file;
	addrlist_take *take;
	void *context;
	struct problems *problems;
	size_t taken, wrong;
	bool cleared; /* it was said that a host bit was set */
	bool ended;
};

/* What a text of either kind shows of itself in a problem. */
static const char *
shown(struct slice s, char *buf, size_t cap)
{
	struct text t = { .buf = buf, .cap = cap - 1 };

	text_quote_log(&t, (struct slice){ s.ptr, s.len < 60 ? s.len : 60 });
	buf[t.len] = '\0';
	return buf;
}

static void
wrong(struct reader *r, const struct place *at, struct slice s, const char *why)
{
	char buf[256];

	problem_error(
	    r->problems, at, "%s%s %s", shown(s, buf, sizeof(buf)), s.len > 60 ? "..." : ":", why);
	if (++r->wrong < WRONG_MAX)
		return;
	problem_error(r->problems, at,
	    "%u wrong prefixes so far, the rest was not read: is it a list of prefixes?",
	    WRONG_MAX);
	r->ended = true;
}

static void
give(struct reader *r, const struct place *at, struct slice s)
{
	struct slice bits, base = slice_split(s, '/', &bits);
	struct address a;
	struct prefix p;
	const char *why;

	if (bits.ptr == NULL && address_parse(base, &a)) {
		p = (struct prefix){ a, a.family == 4 ? 32 : 128 };
	} else if (!prefix_parse(s, &p, &why)) {
		wrong(r, at, s, why);
		return;
	} else if (!r->cleared && address_parse(base, &a) && !address_equal(&a, &p.base)) {
		char buf[256], text[ADDRESS_TEXT_MAX];

		address_format(&p.base, text);
		problem_warn(r->problems, at,
		    "%s has bits set behind its length: %s/%u is what it means (others like it "
		    "are not named)",
		    shown(s, buf, sizeof(buf)), text, p.bits);
		r->cleared = true;
	}
	if (r->take(r->context, &p)) {
		r->taken++;
		return;
	}
	problem_error(r->problems, at, "no room for more prefixes than those before this one");
	r->wrong++;
	r->ended = true;
}

static struct slice
without_comment(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] == '#' || line.ptr[i] == ';')
			return (struct slice){ line.ptr, i };
	return line;
}

static void
read_text(struct reader *r, struct slice text)
{
	struct place at = { r->file, 0, 0, NULL };

	while (text.len > 0 && !r->ended) {
		struct slice line = slice_split(text, '\n', &text);
		const char *nul = line.len > 0 ? memchr(line.ptr, '\0', line.len) : NULL;
		struct slice s;

		at.line++;
		if (nul != NULL) {
			at.column = (unsigned)(nul - line.ptr) + 1;
			problem_error(r->problems, &at,
			    "a NUL byte: this is no text in UTF-8, write one prefix a line");
			r->wrong++;
			return;
		}
		s = slice_trim(without_comment(line));
		if (s.len == 0)
			continue;
		at.column = (unsigned)(s.ptr - line.ptr) + 1;
		give(r, &at, s);
	}
}

static void
give_node(struct reader *r, const struct tree *n)
{
	struct place at = { n->file, n->line, n->column, NULL };
	char path[256];

	tree_path(n, path, sizeof(path));
	at.path = path;
	if (n->kind == TREE_STRING)
		give(r, &at, n->text);
	else
		wrong(r, &at, slice_of(tree_kind_names[n->kind]),
		    "a prefix in double quotes is expected here");
}

/* Of Google, Bing and OpenAI the first two, of AWS the others. */
static const char *const member[] = { "ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix" };

static void
read_list(struct reader *r, const struct tree *list)
{
	for (const struct tree *n = list->first; n != NULL && !r->ended; n = n->next) {
		bool any = false;

		if (n->kind != TREE_MAP) {
			give_node(r, n);
			continue;
		}
		for (size_t i = 0; i < sizeof(member) / sizeof(member[0]) && !r->ended; i++) {
			const struct tree *value = tree_get(n, member[i]);

			if (value == NULL)
				continue;
			any = true;
			give_node(r, value);
		}
		if (!any) {
			tree_error(r->problems, n, "neither ipv4Prefix nor ipv6Prefix: " SHAPE);
			r->ended = ++r->wrong == WRONG_MAX;
		}
	}
}

/* Names under which lists stand: the first as above, then of AWS, Cloudflare, Fastly. */
static const char *const lists[] = { "prefixes", "ipv6_prefixes", "ipv4_cidrs", "ipv6_cidrs",
	"addresses", "ipv6_addresses" };

static bool
read_map(struct reader *r, const struct tree *map)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !r->ended; i++) {
		const struct tree *list = tree_get(map, lists[i]);

		if (list == NULL || list->kind != TREE_LIST)
			continue;
		any = true;
		read_list(r, list);
	}
	return any;
}

static void
read_json(struct reader *r, struct slice text)
{
	struct arena *a = arena_new();
	size_t before = r->problems->errors;
	const struct tree *root = json_parse(a, r->file, text, r->problems);
	const struct tree *result;

	if (root == NULL) {
		r->wrong += r->problems->errors - before;
	} else if (root->kind == TREE_LIST) {
		read_list(r, root);
	} else if (root->kind != TREE_MAP || !read_map(r, root)) {
		result = root->kind == TREE_MAP ? tree_get(root, "result") : NULL;
		if (result == NULL || result->kind != TREE_MAP || !read_map(r, result)) {
			tree_error(r->problems, root, "no list of prefixes that is known: " SHAPE);
			r->wrong++;
		}
	}
	arena_free(a);
}

void
addrlist_read(const char *file, struct slice text, addrlist_take *take, void *context,
    struct problems *problems)
{
	struct reader r = { .file = file, .take = take, .context = context, .problems = problems };
	struct slice s;

	if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
		text.ptr += 3;
		text.len -= 3;
	}
	s = slice_trim(text);
	if (s.len > 0 && (s.ptr[0] == '{' || s.ptr[0] == '['))
		read_json(&r, text);
	else
		read_text(&r, text);
	if (r.taken == 0 && r.wrong == 0)
		problem_error(problems, &(struct place){ .file = file },
		    "an empty list: write one prefix a line, such as 192.0.2.0/24");
}
