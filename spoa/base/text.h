#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * Writes text into a buffer of fixed size. What does not fit is left out and sets `cut`; the
 * bytes so far stay whole. Not NUL-terminated unless asked for.
 */
struct text {
	char *buf;
	size_t cap, len;
	bool cut;
};

static inline struct slice
text_slice(const struct text *t)
{
	return (struct slice){ t->buf, t->len };
}

void text_put(struct text *t, struct slice s);
void text_byte(struct text *t, char c);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *t, const char *format, va_list args);

/* Foreign bytes for a log line or JSON: in double quotes, " \ control and non-ASCII escaped \xHH
 * (log) or \u00HH (JSON; bytes, not code points). A value that is cut is closed all the same. */
void text_quote_log(struct text *t, struct slice s);
void text_quote_json(struct text *t, struct slice s);

/*
 * Text for JSON whose reader is a person: UTF-8 stays as it is, a byte that is part of no character
 * is U+FFFD, and < is \u003c, so that no value can end the <script> that it stands in.
 */
void text_quote_json_utf8(struct text *t, struct slice s);

/* Foreign bytes for HTML text and double-quoted attributes: & < > " ' escaped. */
void text_html(struct text *t, struct slice s);
