#include "onion/reply.h"

#include <string.h>

void
tor_reader_reset(struct tor_reader *r)
{
	r->len = r->bytes = 0;
	r->code = 0;
	r->within = r->data = false;
}

static enum tor_read
malformed(const char **why, const char *what)
{
	*why = what;
	return TOR_READ_MALFORMED;
}

/* One more byte of a line. NULL, or what is wrong with it. */
static const char *
take_byte(struct tor_reader *r, char c)
{
	bool after_cr = r->len > 0 && r->line[r->len - 1] == '\r';

	if (++r->bytes > TOR_REPLY_MAX)
		return "a reply is too long";
	if (c == '\n' ? !after_cr : after_cr)
		return "a line does not end with CR LF";
	if ((unsigned char)c < 0x20 && c != '\r' && c != '\n' && c != '\t')
		return "a control character in a line";
	if (c == '\n')
		return NULL;
	if (r->len == sizeof(r->line))
		return "a line is too long";
	r->line[r->len++] = c;
	return NULL;
}

/* A line of a data block. False: it is its end. */
static bool
read_data(struct tor_reader *r, struct slice s, struct tor_line *out)
{
	if (s.len > 0 && s.ptr[0] == '.') {
		s.ptr++;
		s.len--;
		if (s.len == 0) {
			r->data = false;
			return false;
		}
	}
	*out = (struct tor_line){ TOR_LINE_DATA, r->code, s };
	return true;
}

/* "250-text". */
static const char *
read_line(struct tor_reader *r, struct slice s, struct tor_line *out)
{
	unsigned long long code;

	if (s.len < 4 || !slice_number((struct slice){ s.ptr, 3 }, 999, &code) || code < 100)
		return "a line without a status code";
	if (s.ptr[3] != ' ' && s.ptr[3] != '-' && s.ptr[3] != '+')
		return "a status code with neither blank, - nor + behind it";
	if (r->within && code != r->code)
		return "one reply with two status codes";
	r->code = (uint16_t)code;
	r->within = s.ptr[3] != ' ';
	r->data = s.ptr[3] == '+';
	*out = (struct tor_line){ r->within ? TOR_LINE_MORE : TOR_LINE_LAST, r->code,
		{ s.ptr + 4, s.len - 4 } };
	if (!r->within)
		r->bytes = 0;
	return NULL;
}

enum tor_read
tor_reader_next(struct tor_reader *r, struct slice *in, struct tor_line *out, const char **why)
{
	while (in->len > 0) {
		char c = *in->ptr++;
		const char *wrong = take_byte(r, c);
		struct slice s;

		in->len--;
		if (wrong != NULL)
			return malformed(why, wrong);
		if (c != '\n')
			continue;
		s = (struct slice){ r->line, r->len - 1 };
		r->len = 0;
		if (r->data) {
			if (read_data(r, s, out))
				return TOR_READ_LINE;
			continue;
		}
		wrong = read_line(r, s, out);
		return wrong == NULL ? TOR_READ_LINE : malformed(why, wrong);
	}
	return TOR_READ_NONE;
}

bool
tor_word_next(struct slice *rest, struct slice *word)
{
	bool quoted = false;
	size_t n = 0;

	while (rest->len > 0 && *rest->ptr == ' ') {
		rest->ptr++;
		rest->len--;
	}
	if (rest->len == 0)
		return false;
	for (; n < rest->len && (quoted || rest->ptr[n] != ' '); n++) {
		if (quoted && rest->ptr[n] == '\\' && n + 1 < rest->len)
			n++;
		else if (rest->ptr[n] == '"')
			quoted = !quoted;
	}
	*word = (struct slice){ rest->ptr, n };
	rest->ptr += n;
	rest->len -= n;
	return true;
}

struct slice
tor_word_value(struct slice word, const char *key)
{
	size_t n = strlen(key);

	if (word.len <= n || memcmp(word.ptr, key, n) != 0 || word.ptr[n] != '=')
		return (struct slice){ NULL, 0 };
	return (struct slice){ word.ptr + n + 1, word.len - n - 1 };
}

/* What stands behind a \; its bytes are taken off *s. */
static unsigned
unescape(struct slice *s)
{
	unsigned value = 0, digits = 0;
	char c = *s->ptr;

	while (digits < 3 && s->len > 0 && *s->ptr >= '0' && *s->ptr <= '7') {
		value = value * 8 + (unsigned)(*s->ptr - '0');
		digits++;
		s->ptr++;
		s->len--;
	}
	if (digits > 0)
		return value;
	s->ptr++;
	s->len--;
	return (unsigned char)(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
}

bool
tor_unquote(struct slice s, char *out, size_t room)
{
	size_t n = 0;

	if (s.len < 2 || s.ptr[0] != '"')
		return false;
	s.ptr++;
	s.len--;
	while (s.len > 0 && *s.ptr != '"') {
		unsigned c = (unsigned char)*s.ptr++;

		s.len--;
		if (c == '\\' && s.len > 0)
			c = unescape(&s);
		if (c == 0 || c > 255 || n + 1 >= room)
			return false;
		out[n++] = (char)c;
	}
	if (s.len != 1 || n >= room)
		return false;
	out[n] = '\0';
	return true;
}

size_t
tor_quote(struct slice s, char *out)
{
	size_t n = 0;

	out[n++] = '"';
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			out[n++] = '\\';
		out[n++] = s.ptr[i];
	}
	out[n++] = '"';
	return n;
}
