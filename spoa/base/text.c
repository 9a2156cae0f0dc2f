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

static void
quote(struct text *t, struct slice s, const char *escape)
{
	text_byte(t, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '"' || c == '\\') {
			text_byte(t, '\\');
			text_byte(t, (char)c);
		} else if (c < 0x20 || c >= 0x7f) {
			text_printf(t, "%s%02x", escape, c);
		} else {
			text_byte(t, (char)c);
		}
	}
	text_byte(t, '"');
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
