#include "base/text.h"

#include <stdio.h>

#include "base/utf8.h"

void
text_put(struct text *t, struct slice s)
{
	if (s.len > t->cap - t->len) {
		t->cut = true;
		return;
	}
	if (s.len > 0)
		memcpy(t->buf + t->len, s.ptr, s.len);
	t->len += s.len;
}

void
text_byte(struct text *t, char c)
{
	text_put(t, (struct slice){ &c, 1 });
}

void
text_vprintf(struct text *t, const char *format, va_list args)
{
	size_t room = t->cap - t->len;
	char small[1];
	/* vsnprintf wants room for its NUL: a result that fills the buffer to the last byte is cut.
	 */
	int n = vsnprintf(room > 0 ? t->buf + t->len : small, room, format, args);

	if (n < 0 || (size_t)n >= room)
		t->cut = true;
	else
		t->len += (size_t)n;
}

void
text_printf(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vprintf(t, format, args);
	va_end(args);
}

/* Writes the character that s begins with, whole or not at all; returns how long it was. */
typedef size_t escape_fn(struct text *t, struct slice s);

static void
escape_byte(struct text *t, const char *prefix, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(prefix);
	char out[8];

	memcpy(out, prefix, n);
	out[n] = digits[c >> 4];
	out[n + 1] = digits[c & 15];
	text_put(t, (struct slice){ out, n + 2 });
}

static size_t
put_byte(struct text *t, struct slice s, const char *prefix)
{
	unsigned char c = (unsigned char)s.ptr[0];

	if (c == '"' || c == '\\')
		text_put(t, (struct slice){ (char[2]){ '\\', (char)c }, 2 });
	else if (c < 0x20 || c >= 0x7f)
		escape_byte(t, prefix, c);
	else
		text_byte(t, (char)c);
	return 1;
}

static size_t
put_log(struct text *t, struct slice s)
{
	return put_byte(t, s, "\\x");
}

static size_t
put_json(struct text *t, struct slice s)
{
	return put_byte(t, s, "\\u00");
}

static size_t
put_json_utf8(struct text *t, struct slice s)
{
	size_t n = utf8_length(s);

	if (n > 1) {
		text_put(t, (struct slice){ s.ptr, n });
		return n;
	}
	if (n == 0)
		text_put(t, SLICE("\xef\xbf\xbd"));
	else if (s.ptr[0] == '<')
		escape_byte(t, "\\u00", '<');
	else
		put_json(t, s);
	return 1;
}

/*
 * The closing quote has its room from the start, and an escape is written whole or not at all: a
 * value that is cut still ends, so what follows it cannot be read as a part of it.
 */
static void
quote(struct text *t, struct slice s, escape_fn *put)
{
	bool was_cut = t->cut;

	if (t->cap - t->len < 2) {
		t->cut = true;
		return;
	}
	t->cut = false;
	t->cap--;
	text_byte(t, '"');
	while (s.len > 0 && !t->cut) {
		size_t n = put(t, s);

		s.ptr += n;
		s.len -= n;
	}
	t->cap++;
	text_byte(t, '"');
	t->cut |= was_cut;
}

void
text_quote_log(struct text *t, struct slice s)
{
	quote(t, s, put_log);
}

void
text_quote_json(struct text *t, struct slice s)
{
	quote(t, s, put_json);
}

void
text_quote_json_utf8(struct text *t, struct slice s)
{
	quote(t, s, put_json_utf8);
}

void
text_html(struct text *t, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '&':
			text_put(t, SLICE("&amp;"));
			break;
		case '<':
			text_put(t, SLICE("&lt;"));
			break;
		case '>':
			text_put(t, SLICE("&gt;"));
			break;
		case '"':
			text_put(t, SLICE("&quot;"));
			break;
		case '\'':
			text_put(t, SLICE("&#39;"));
			break;
		default:
			text_byte(t, s.ptr[i]);
		}
	}
}
