#include "base/yaml.h"

#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

#include "base/scalar.h"
#include "base/yaml_remedy.h"
#include "base/yaml_screen.h"

#define DEPTH_MAX 64u
#define ANCHORS_MAX 100u /* in one document: they are searched one by one */
#define VALUE_BYTES_MAX ((size_t)1024 * 1024)
#define CORE_TAG "tag:yaml.org,2002:"

struct level {
	struct tree *node;
	struct tree *key; /* of a map: its value comes next */
	struct tree name; /* what key mostly is: names need no node of their own */
	size_t nodes;     /* made before this one */
	size_t anchor;    /* place in the table + 1; 0: none */
};

struct anchor {
	struct slice name;
	struct tree *node;
	size_t size; /* nodes; 0: not complete yet */
};

/*
 * Our tree is built from events: libfyaml's own documents would take several times the memory and
 * its way of following aliases has no limit.
 */
struct build {
	struct arena *arena;
	const char *file;
	struct problems *problems;
	struct slice text;
	struct fy_mark at; /* behind the last token */
	struct tree *first, *last;
	struct level open[DEPTH_MAX];
	unsigned depth;
	size_t nodes;
	struct anchor anchors[ANCHORS_MAX];
	size_t anchored;
};

static struct slice
token_text(struct fy_token *token)
{
	size_t n = 0;
	const char *text = token == NULL ? NULL : fy_token_get_text(token, &n);

	return (struct slice){ text == NULL ? "" : text, text == NULL ? 0 : n };
}

static unsigned
is_container(const struct tree *n)
{
	return n->kind == TREE_LIST || n->kind == TREE_MAP;
}

/* Go on behind blanks and comments, to where a thing without a token of its own stands. */
static void
skip_blanks(struct build *b)
{
	bool comment = false;

	while (b->at.input_pos < b->text.len) {
		char c = b->text.ptr[b->at.input_pos];

		if (c == '\n')
			comment = false;
		else if (c == '#')
			comment = true;
		else if (!comment && c != ' ' && c != '\t' && c != '\r')
			return;
		b->at.input_pos++;
		b->at.column++;
		if (c == '\n') {
			b->at.line++;
			b->at.column = 0;
		}
	}
}

/* Where the event stands; what comes next is looked for behind it. */
static void
locate(struct build *b, struct fy_event *e, struct tree *n)
{
	struct fy_token *token = fy_event_get_token(e);
	const struct fy_mark *start = token == NULL ? NULL : fy_token_start_mark(token);
	const struct fy_mark *end = token == NULL ? NULL : fy_token_end_mark(token);
	enum fy_scalar_style style =
	    e->type == FYET_SCALAR ? fy_token_scalar_style(token) : FYSS_PLAIN;

	n->file = b->file;
	if (start == NULL || style == FYSS_LITERAL || style == FYSS_FOLDED) {
		skip_blanks(b);
		n->line = (unsigned)b->at.line + 1;
		n->column = (unsigned)b->at.column + 1;
		/* An empty entry of a list stands at its dash: the next one is behind that. */
		if (start == NULL && b->at.input_pos < b->text.len) {
			b->at.input_pos++;
			b->at.column++;
		}
	} else {
		n->line = (unsigned)start->line + 1;
		/* For libfyaml, what is quoted begins behind its quote and an alias behind its *.
		 */
		n->column = (unsigned)start->column +
			    (style == FYSS_PLAIN && e->type != FYET_ALIAS ? 1 : 0);
	}
	/* A list begins with the dash of its first entry, and that may be an empty one. */
	if (e->type == FYET_SEQUENCE_START)
		end = start;
	if (end != NULL && end->input_pos >= b->at.input_pos)
		b->at = *end;
	if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
		b->at.input_pos++;
		b->at.column++;
	}
}

static void
error_at(struct build *b, const struct tree *n, const char *what)
{
	struct tree copy = *n;

	/* It is not in the tree yet; the path tells where it would be. */
	if (b->depth > 0) {
		const struct level *level = &b->open[b->depth - 1];

		copy.parent = level->node;
		copy.index = level->node->count;
		if (level->key != NULL)
			copy.key = level->key->text;
		else if (level->node->kind == TREE_MAP)
			copy = *level->node;
	}
	copy.line = n->line;
	copy.column = n->column;
	tree_error(b->problems, &copy, "%s", what);
}

static struct tree *
node_new(struct build *b, struct fy_event *e)
{
	struct level *level = b->depth == 0 ? NULL : &b->open[b->depth - 1];
	struct tree *n;

	if (level != NULL && level->node->kind == TREE_MAP && level->key == NULL &&
	    e->type == FYET_SCALAR && e->scalar.anchor == NULL) {
		n = &level->name;
		*n = (struct tree){ 0 };
	} else {
		n = arena_alloc(b->arena, sizeof(*n));
	}
	locate(b, e, n);
	if (b->nodes >= YAML_NODES_MAX) {
		error_at(b, n, "more values than a file may have, aliases followed");
		return NULL;
	}
	b->nodes++;
	return n;
}

static bool
merge_key(struct build *b, const struct tree *n)
{
	if (!n->plain || !slice_equal(n->text, SLICE("<<")))
		return false;
	error_at(b, n,
	    "merge keys (<<) are not supported: write the members of the other map out here, or "
	    "put the name in quotes if it is meant as it stands");
	return true;
}

/* Into the map or list that is open, or as a document; in a map, keys and values take turns. */
static bool
attach(struct build *b, struct tree *n)
{
	struct level *level = b->depth == 0 ? NULL : &b->open[b->depth - 1];

	if (level == NULL) {
		if (b->last == NULL)
			b->first = n;
		else
			b->last->next = n;
		b->last = n;
	} else if (level->node->kind == TREE_LIST) {
		tree_add(level->node, n);
	} else if (level->key == NULL) {
		if (is_container(n)) {
			error_at(
			    b, n, "a list or map cannot be a name: put it in quotes if it is text");
			return false;
		}
		merge_key(b, n);
		level->key = n;
		b->nodes--; /* a name is no value */
	} else {
		n->key = level->key->text;
		n->line = level->key->line;
		n->column = level->key->column;
		level->key = NULL;
		tree_add(level->node, n);
	}
	return true;
}

static bool
anchor(struct build *b, struct fy_token *token, struct tree *n, size_t size, size_t *place)
{
	*place = 0;
	if (token == NULL)
		return true;
	if (b->anchored == ANCHORS_MAX) {
		error_at(b, n, "more anchors (&name) than a document may have");
		return false;
	}
	b->anchors[b->anchored++] =
	    (struct anchor){ arena_copy(b->arena, token_text(token)), n, size };
	*place = b->anchored;
	return true;
}

/* False: not a tag of this kind of thing, and it was said. */
static bool
check_tag(struct build *b, const struct tree *n, struct slice tag, const char *fits)
{
	char what[256];
	struct slice core = SLICE(CORE_TAG);

	if (slice_starts(tag, core) && tag.len > core.len && tag.len < core.len + 8) {
		char word[16] = " ";

		memcpy(word + 1, tag.ptr + core.len, tag.len - core.len);
		memcpy(word + 1 + tag.len - core.len, " ", 2);
		if (strstr(fits, word) != NULL)
			return true;
	}
	snprintf(what, sizeof(what),
	    "the tag %s%.*s does not fit here (known:%.*s): take it out, or quote the value if it "
	    "begins with !",
	    slice_starts(tag, core) ? "!!" : "",
	    (int)(slice_starts(tag, core) ? tag.len - core.len
		  : tag.len > 60          ? 60
					  : tag.len),
	    tag.ptr + (slice_starts(tag, core) ? core.len : 0), (int)strlen(fits) - 1, fits);
	error_at(b, n, what);
	return false;
}

static void
tagged_scalar(struct build *b, struct tree *n, struct slice tag)
{
	static const struct {
		const char *name;
		enum tree_kind kind;
	} kinds[] = { { CORE_TAG "null", TREE_NULL }, { CORE_TAG "bool", TREE_BOOL },
		{ CORE_TAG "int", TREE_NUMBER }, { CORE_TAG "float", TREE_NUMBER } };

	n->plain = false;
	n->kind = TREE_STRING;
	if (slice_equal(tag, SLICE("!")) || slice_equal(tag, SLICE(CORE_TAG "str")))
		return;
	if (!check_tag(b, n, tag, " str int float bool null "))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_equal(tag, slice_of(kinds[i].name)))
			n->kind = kinds[i].kind;
	n->plain = true;
	if (scalar_kind(n->text, &n->number, &n->truth) != n->kind)
		error_at(b, n, "the value does not look like what its tag says: take the tag out");
}

static bool
scalar(struct build *b, struct fy_event *e)
{
	struct fy_token *value = e->scalar.value;
	const struct fy_mark *from = value == NULL ? NULL : fy_token_start_mark(value);
	const struct fy_mark *to = value == NULL ? NULL : fy_token_end_mark(value);
	struct tree *n = node_new(b, e);
	size_t place;

	if (n == NULL)
		return false;
	/* Escapes and folds take libfyaml 30 bytes for each of the file's. */
	if (from != NULL && to != NULL && to->input_pos > from->input_pos &&
	    to->input_pos - from->input_pos > VALUE_BYTES_MAX) {
		error_at(b, n, "a value longer than 1 MB");
		return false;
	}
	if (from != NULL && to != NULL && fy_token_scalar_style(value) == FYSS_SINGLE_QUOTED &&
	    from->input_pos <= to->input_pos && to->input_pos <= b->text.len)
		n->text = scalar_unquote(b->arena, (struct slice){ b->text.ptr + from->input_pos,
						       to->input_pos - from->input_pos });
	else
		n->text = arena_copy(b->arena, token_text(value));
	if (memchr(n->text.ptr, '\0', n->text.len) != NULL)
		error_at(b, n, "no value may hold a NUL: take \\0 out");
	n->kind = TREE_STRING;
	n->plain = value == NULL || fy_token_scalar_style(value) == FYSS_PLAIN;
	if (e->scalar.tag != NULL)
		tagged_scalar(b, n, token_text(e->scalar.tag));
	else if (n->plain)
		n->kind = scalar_kind(n->text, &n->number, &n->truth);
	return anchor(b, e->scalar.anchor, n, 1, &place) && attach(b, n);
}

static bool
begin(struct build *b, struct fy_event *e)
{
	bool map = e->type == FYET_MAPPING_START;
	struct fy_token *name = map ? e->mapping_start.anchor : e->sequence_start.anchor;
	struct fy_token *tag = map ? e->mapping_start.tag : e->sequence_start.tag;
	size_t place, before = b->nodes;
	struct tree *n = node_new(b, e);

	if (n == NULL)
		return false;
	n->kind = map ? TREE_MAP : TREE_LIST;
	if (b->depth == DEPTH_MAX) {
		error_at(b, n, "nested deeper than 64 levels");
		return false;
	}
	if (tag != NULL && !slice_equal(token_text(tag), SLICE("!")))
		check_tag(b, n, token_text(tag), map ? " map " : " seq ");
	if (!anchor(b, name, n, 0, &place) || !attach(b, n))
		return false;
	b->open[b->depth++] = (struct level){ .node = n, .nodes = before, .anchor = place };
	return true;
}

static void
end(struct build *b)
{
	struct level *level = &b->open[--b->depth];

	if (level->anchor != 0)
		b->anchors[level->anchor - 1].size = b->nodes - level->nodes;
	tree_twins(level->node, b->problems);
}

/* False: deeper than anything may be. The text is shared. */
static bool
copy_into(struct build *b, struct tree *to, const struct tree *from, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	*to = *from;
	to->parent = to->first = to->last = to->next = NULL;
	to->count = 0;
	for (const struct tree *child = from->first; child != NULL; child = child->next) {
		struct tree *n = arena_alloc(b->arena, sizeof(*n));

		b->nodes++;
		if (!copy_into(b, n, child, depth + is_container(child)))
			return false;
		tree_add(to, n);
	}
	return true;
}

/* The anchor that an alias means; NULL, and said, if there is none to be had. */
static const struct anchor *
find_anchor(struct build *b, const struct tree *n, struct slice name)
{
	char what[256];
	size_t i = b->anchored;

	while (i > 0 && !slice_equal(b->anchors[i - 1].name, name))
		i--;
	if (i > 0 && b->anchors[i - 1].size > 0)
		return &b->anchors[i - 1];
	snprintf(what, sizeof(what),
	    i > 0 ? "the alias *%.*s stands within what it refers to: that has no end"
		  : "no anchor &%.*s stands before this alias: a value that begins with * needs "
		    "quotes",
	    (int)(name.len > 60 ? 60 : name.len), name.ptr);
	error_at(b, n, what);
	return NULL;
}

static bool
alias(struct build *b, struct fy_event *e)
{
	struct tree *n = node_new(b, e);
	const struct anchor *found;
	struct tree *copied;

	if (n == NULL)
		return false;
	found = find_anchor(b, n, token_text(e->alias.anchor));
	if (found == NULL) {
		n->text = SLICE("*");
		return attach(b, n);
	}
	if (found->size > YAML_NODES_MAX - b->nodes) {
		error_at(b, n, "more values than a file may have, aliases followed");
		return false;
	}
	copied = arena_alloc(b->arena, sizeof(*copied));
	if (!copy_into(b, copied, found->node, b->depth + is_container(found->node))) {
		error_at(b, n, "nested deeper than 64 levels, aliases followed");
		return false;
	}
	copied->line = n->line;
	copied->column = n->column;
	copied->key = (struct slice){ 0 };
	return attach(b, copied);
}

/* False: nothing that follows is worth reading. */
static bool
take(struct build *b, struct fy_event *e)
{
	struct tree unused;

	switch (e->type) {
	case FYET_DOCUMENT_START:
		b->anchored = 0;
		if (fy_event_get_token(e) != NULL)
			locate(b, e, &unused);
		return true;
	case FYET_SCALAR:
		return scalar(b, e);
	case FYET_MAPPING_START:
	case FYET_SEQUENCE_START:
		return begin(b, e);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		if (fy_event_get_token(e) != NULL)
			locate(b, e, &unused);
		end(b);
		return true;
	case FYET_ALIAS:
		return alias(b, e);
	default:
		return true;
	}
}

static void
report(struct build *b, struct fy_diag *diag, bool failed)
{
	size_t errors = b->problems->errors;
	struct fy_diag_error *e;
	void *before = NULL;

	while ((e = fy_diag_errors_iterate(diag, &before)) != NULL) {
		struct place at = { b->file, e->line > 0 ? (unsigned)e->line : 1,
			e->column > 0 ? (unsigned)e->column : 1, NULL };
		const char *fix = yaml_remedy(e->msg);

		if (e->type == FYET_WARNING)
			problem_warn(b->problems, &at, "%s", e->msg);
		else if (e->type == FYET_ERROR)
			problem_error(b->problems, &at, "%s%s%s", e->msg, fix == NULL ? "" : ": ",
			    fix == NULL ? "" : fix);
	}
	if (failed && b->problems->errors == errors) {
		struct place at = { b->file, (unsigned)b->at.line + 1, (unsigned)b->at.column + 1,
			NULL };

		problem_error(
		    b->problems, &at, "no YAML from here on (a %%YAML line must say 1.1 or 1.2)");
	}
}

static void
run(struct build *b)
{
	struct fy_diag_cfg quiet;
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET };
	struct fy_parser *parser = NULL;
	bool going = true;

	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	quiet.colorize = false;
	cfg.diag = fy_diag_create(&quiet);
	if (cfg.diag != NULL) {
		fy_diag_set_collect_errors(cfg.diag, true);
		parser = fy_parser_create(&cfg);
	}
	if (parser == NULL || fy_parser_set_string(parser, b->text.ptr, b->text.len) != 0) {
		struct place at = { b->file, 0, 0, NULL };

		problem_error(b->problems, &at, "libfyaml cannot be started");
	} else {
		while (going) {
			struct fy_event *e = fy_parser_parse(parser);

			if (e == NULL)
				break;
			going = take(b, e);
			fy_parser_event_free(parser, e);
		}
		report(b, cfg.diag, going && fy_parser_get_stream_error(parser));
	}
	fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
}

struct tree *
yaml_parse(struct arena *a, const char *file, struct slice text, struct problems *p)
{
	struct build b = { .arena = a, .file = file, .problems = p };
	struct place top = { file, 1, 1, NULL };
	size_t errors = p->errors;

	if (text.len > YAML_BYTES_MAX) {
		problem_error(p, &top,
		    "larger than 16 MB: a list that long belongs in a file of "
		    "its own, one entry a line, or in JSON");
		return NULL;
	}
	if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
		text.ptr += 3;
		text.len -= 3;
	}
	if (!yaml_screen(file, text, p))
		return NULL;
	b.text = text;
	if (text.len > 0)
		run(&b);
	if (p->errors == errors && b.first == NULL)
		problem_error(p, &top, "nothing is in this file: a list or map is expected");
	return p->errors == errors ? b.first : NULL;
}
