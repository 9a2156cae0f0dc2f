#include "policy/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "policy/dialect.h"

#define MATCH_LIMIT_JIT 100000u
#define MATCH_LIMIT_INTERPRETED 10000u
#define JIT_STACK_BYTES ((size_t)512 * 1024)
#define SLAB_BYTES ((size_t)1024 * 1024)
#define SLAB_STEP ((size_t)32 * 1024)
#define OPTIONS (PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_CIRCUMFLEX)

struct regex {
	pcre2_code *code;
	bool jit;
	char *text;
	size_t len;
};

/*
 * What PCRE2's interpreter allocates while it matches: frames that double, one vector at a time,
 * and that it keeps. From one piece, so that a match never calls malloc; when it is used up the
 * match fails like one that hit its limit.
 */
struct slab {
	char *bytes;
	size_t used;
	void *last;
	size_t last_bytes;
};

struct regex_matcher {
	struct slab slab;
	pcre2_general_context *general;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	pcre2_match_context *with_jit, *interpreted;
};

static pcre2_code *
compile(struct slice pattern, int *error, size_t *offset)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;

	if (context == NULL)
		abort();
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	code = pcre2_compile((PCRE2_SPTR)(pattern.len > 0 ? pattern.ptr : ""), pattern.len, OPTIONS,
	    error, offset, context);
	pcre2_compile_context_free(context);
	return code;
}

/* The offset that PCRE2 gave belongs to the translation: ask again with what the person wrote. */
static void
explain(struct slice pattern, int error, struct regex_notes *notes)
{
	PCRE2_UCHAR text[160];
	int error_as_written;
	size_t offset;
	pcre2_code *code = compile(pattern, &error_as_written, &offset);

	if (code == NULL) {
		error = error_as_written;
		notes->has_offset = true;
		notes->offset = offset;
	}
	pcre2_code_free(code);
	if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
		snprintf(notes->why, sizeof(notes->why), "PCRE2 error %d", error);
	else
		snprintf(notes->why, sizeof(notes->why), "%s", (const char *)text);
}

struct regex *
regex_compile(struct slice pattern, struct regex_notes *notes)
{
	struct dialect dialect;
	struct text t = { 0 };
	struct regex *r = NULL;
	pcre2_code *code;
	int error;
	size_t offset;

	*notes = (struct regex_notes){ 0 };
	if (pattern.len > REGEX_BYTES_MAX) {
		snprintf(notes->why, sizeof(notes->why), "longer than %zu bytes: split it",
		    REGEX_BYTES_MAX);
		return NULL;
	}
	t.cap = DIALECT_ROOM(pattern.len);
	t.buf = xcalloc(t.cap, 1);
	if (!dialect_translate(pattern, &t, &dialect)) {
		snprintf(notes->why, sizeof(notes->why), "%s", dialect.refused);
		notes->has_offset = true;
		notes->offset = dialect.offset;
		notes->rewrite = dialect.rewrite;
		goto out;
	}
	code = compile(text_slice(&t), &error, &offset);
	if (code == NULL) {
		explain(pattern, error, notes);
		goto out;
	}
	notes->unportable = dialect.unportable;
	notes->has_offset = dialect.unportable != NULL;
	notes->rewrite = dialect.rewrite;
	notes->offset = dialect.offset;
	r = xcalloc(1, sizeof(*r));
	r->code = code;
	r->jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
	r->len = t.len;
	r->text = xreallocarray(NULL, t.len + 1, 1);
	memcpy(r->text, t.buf, t.len);
	r->text[t.len] = '\0';
out:
	free(t.buf);
	return r;
}

void
regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	free(r->text);
	free(r);
}

struct slice
regex_text(const struct regex *r)
{
	return (struct slice){ r->text, r->len };
}

size_t
regex_bytes(const struct regex *r)
{
	size_t code = 0, jit = 0;

	pcre2_pattern_info(r->code, PCRE2_INFO_SIZE, &code);
	pcre2_pattern_info(r->code, PCRE2_INFO_JITSIZE, &jit);
	return sizeof(*r) + r->len + 1 + code + jit;
}

static void *
slab_alloc(size_t bytes, void *context)
{
	struct slab *s = context;
	size_t size = SLAB_STEP;

	/* Whole steps, so that patterns with slightly larger frames use the same place again. */
	while (size < bytes && size < SLAB_BYTES)
		size *= 2;
	if (bytes > size || size > SLAB_BYTES - s->used)
		return NULL;
	s->last = s->bytes + s->used;
	s->last_bytes = size;
	s->used += size;
	return s->last;
}

static void
slab_free(void *p, void *context)
{
	struct slab *s = context;

	if (p == NULL || p != s->last)
		return;
	s->used -= s->last_bytes;
	s->last = NULL;
}

static pcre2_match_context *
limits(uint32_t match_limit, pcre2_jit_stack *stack)
{
	pcre2_match_context *c = pcre2_match_context_create(NULL);

	if (c == NULL)
		abort();
	pcre2_set_match_limit(c, match_limit);
	pcre2_set_heap_limit(c, SLAB_BYTES / 4 / 1024);
	pcre2_jit_stack_assign(c, NULL, stack);
	return c;
}

struct regex_matcher *
regex_matcher_new(void)
{
	struct regex_matcher *m = xcalloc(1, sizeof(*m));

	m->slab.bytes = xcalloc(SLAB_BYTES, 1);
	m->general = pcre2_general_context_create(slab_alloc, slab_free, &m->slab);
	if (m->general == NULL)
		abort();
	/* One pair: where it matched does not matter, nor do groups. */
	m->data = pcre2_match_data_create(1, m->general);
	if (m->data == NULL)
		abort();
	m->stack = pcre2_jit_stack_create(SLAB_STEP, JIT_STACK_BYTES, NULL);
	m->with_jit = limits(MATCH_LIMIT_JIT, m->stack);
	m->interpreted = limits(MATCH_LIMIT_INTERPRETED, NULL);
	return m;
}

void
regex_matcher_free(struct regex_matcher *m)
{
	if (m == NULL)
		return;
	pcre2_match_context_free(m->with_jit);
	pcre2_match_context_free(m->interpreted);
	pcre2_jit_stack_free(m->stack);
	pcre2_match_data_free(m->data);
	pcre2_general_context_free(m->general);
	free(m->slab.bytes);
	free(m);
}

enum regex_result
regex_match(const struct regex *r, struct regex_matcher *m, struct slice text)
{
	int rc = pcre2_match(r->code, (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0,
	    PCRE2_NO_UTF_CHECK, m->data, r->jit ? m->with_jit : m->interpreted);

	return rc >= 0 ? REGEX_YES : rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_FAILED;
}
