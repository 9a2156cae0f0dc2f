#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/memory.h"
#include "policy/ask.h"

/* The ask list as HAProxy has it: each line a regex of PCRE2 without options, comments left out. */
struct list {
	pcre2_code *code[10000];
	unsigned count;
	pcre2_match_data *data;
	char text[1 << 20];
	size_t len;
};

static inline void
list_line(void *context, struct slice line)
{
	struct list *l = context;
	int error;
	size_t offset;

	assert(l->len + line.len + 2 < sizeof(l->text) && line.len > 0);
	assert(memchr(line.ptr, '\n', line.len) == NULL);
	memcpy(l->text + l->len, line.ptr, line.len);
	l->len += line.len;
	l->text[l->len++] = '\n';
	if (line.ptr[0] == '#')
		return;
	assert(line.ptr[0] != ' ' && line.ptr[0] != '\t' && line.len <= 4000);
	assert(l->count < sizeof(l->code) / sizeof(l->code[0]));
	l->code[l->count] = pcre2_compile((PCRE2_SPTR)line.ptr, line.len, 0, &error, &offset, NULL);
	assert(l->code[l->count] != NULL);
	/* As HAProxy does, and with the stack that PCRE2 has if nobody gives one: 32 KiB. */
	pcre2_jit_compile(l->code[l->count++], PCRE2_JIT_COMPLETE);
}

static inline void
list_init(struct list *l, const struct policy *p)
{
	l->count = 0;
	l->len = 0;
	l->data = pcre2_match_data_create(1, NULL);
	policy_ask_list(p, list_line, l);
	l->text[l->len] = '\0';
}

static inline void
list_fini(struct list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		pcre2_code_free(l->code[i]);
	pcre2_match_data_free(l->data);
}

/* Is Ammit asked about this pathq? PCRE2 must not give up: HAProxy would take it for a no. */
static inline bool
list_asks(const struct list *l, struct slice pathq)
{
	bool asks = false;

	for (unsigned i = 0; i < l->count; i++) {
		int rc = pcre2_match(l->code[i], (PCRE2_SPTR)(pathq.len > 0 ? pathq.ptr : ""),
		    pathq.len, 0, 0, l->data, NULL);

		assert(rc >= 0 || rc == PCRE2_ERROR_NOMATCH);
		asks |= rc >= 0;
	}
	return asks;
}
