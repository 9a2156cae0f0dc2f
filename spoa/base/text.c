#include "base/text.h"

#include <stdio.h>

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

/*
 * The closing quote has its room from the start, and an escape is written whole or not at all: a
 * value that is cut still ends, so what follows it cannot be read as a part of it.
 */
static void
quote(struct text *t, struct slice s, const char *escape)
{
	static const char digits[] = "0123456789abcdef";
	size_t prefix = strlen(escape);
	bool was_cut = t->cut;

	if (t->cap - t->len < 2) {
		t->cut = true;
		return;
	}
	t->cut = false;
	t->cap--;
	text_byte(t, '"');
	for (size_t i = 0; i < s.len && !t->cut; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		char out[8];

		if (c == '"' || c == '\\') {
			text_put(t, (struct slice){ (char[2]){ '\\', (char)c }, 2 });
		} else if (c < 0x20 || c >= 0x7f) {
			memcpy(out, escape, prefix);
			out[prefix] = digits[c >> 4];
			out[prefix + 1] = digits[c & 15];
			text_put(t, (struct slice){ out, prefix + 2 });
		} else {
			text_byte(t, (char)c);
		}
	}
	t->cap++;
	text_byte(t, '"');
	t->cut |= was_cut;
}

void
text_quote_log(struct text *t, struct slice s)
{
	quote(t, s, "\\x");
}

void
text_quote_json(struct text *t, struct slice s)
{
	quote(t, s, "\\u00");
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
