#include "policy/expr_lex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

/* Longer ones before those that they begin with. */
static const char *const signs[] = { "||", "&&", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*",
	"/", "%", "!", "?", ":", "(", ")", "[", "]", "{", "}", ",", "." };

static char
peek(const struct lexer *x, size_t ahead)
{
	struct slice t = x->compile->text;

	return ahead < t.len - x->at ? t.ptr[x->at + ahead] : '\0';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void
bad(struct lexer *x, size_t offset, const char *why)
{
	expr_wrong(x->compile, offset, "%s", why);
	x->now.kind = TOKEN_BAD;
}

static void
skip_blanks(struct lexer *x)
{
	struct slice t = x->compile->text;

	while (x->at < t.len) {
		if (memchr(" \t\r\n\f", t.ptr[x->at], 5) != NULL) {
			x->at++;
		} else if (peek(x, 0) == '/' && peek(x, 1) == '/') {
			const char *end = memchr(t.ptr + x->at, '\n', t.len - x->at);

			x->at = end == NULL ? t.len : (size_t)(end - t.ptr);
		} else {
			return;
		}
	}
}

static void
number_double(struct lexer *x, size_t from)
{
	char copy[64], *end;
	size_t n;

	while (is_digit(peek(x, 0)) || peek(x, 0) == '.')
		x->at++;
	if ((peek(x, 0) | 0x20) == 'e') {
		x->at++;
		if (peek(x, 0) == '+' || peek(x, 0) == '-')
			x->at++;
	}
	while (is_word(peek(x, 0)))
		x->at++;
	n = x->at - from;
	if (n >= sizeof(copy)) {
		bad(x, from, "a number that is too long");
		return;
	}
	memcpy(copy, x->compile->text.ptr + from, n);
	copy[n] = '\0';
	x->now.kind = TOKEN_DOUBLE;
	x->now.real = strtod(copy, &end);
	if (end != copy + n || strspn(copy, "0123456789.eE+-") != n || isinf(x->now.real))
		bad(x, from, "not a number");
}

static void
number(struct lexer *x)
{
	bool hex = peek(x, 0) == '0' && (peek(x, 1) | 0x20) == 'x';
	const uint64_t base = hex ? 16 : 10;
	size_t from = x->at, first = from + (hex ? 2 : 0);
	uint64_t value = 0;
	int digit;

	for (x->at = first; x->at < x->compile->text.len && (digit = hex_value(peek(x, 0))) >= 0 &&
			    (uint64_t)digit < base;
	     x->at++) {
		if (value > (UINT64_MAX - (uint64_t)digit) / base) {
			bad(x, from, "larger than 64 bits hold");
			return;
		}
		value = value * base + (uint64_t)digit;
	}
	if (!hex && ((peek(x, 0) == '.' && is_digit(peek(x, 1))) || (peek(x, 0) | 0x20) == 'e')) {
		number_double(x, from);
		return;
	}
	x->now.kind = TOKEN_INT;
	x->now.number = value;
	if (x->at > first && (peek(x, 0) | 0x20) == 'u') {
		x->now.kind = TOKEN_UINT;
		x->at++;
	}
	if (x->at == first || is_word(peek(x, 0)))
		bad(x, from, "not a number");
	else if (x->now.kind == TOKEN_INT && value > (uint64_t)INT64_MAX + 1)
		bad(x, from, "larger than 64 bits hold");
}

static size_t
put_character(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* \xHH, \uHHHH, \UHHHHHHHH and \OOO name a character. */
static bool
escaped_number(struct lexer *x, char letter, uint32_t *out)
{
	bool octal = letter >= '0' && letter <= '3';
	unsigned n = octal ? 3 : (letter | 0x20) == 'x' ? 2 : letter == 'u' ? 4 : 8;
	uint32_t value = 0;

	x->at -= octal;
	for (unsigned i = 0; i < n; i++, x->at++) {
		int digit = hex_value(peek(x, 0));

		if (digit < 0 || (octal && digit > 7))
			return false;
		value = value * (octal ? 8 : 16) + (uint32_t)digit;
	}
	*out = value;
	return value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

/* At the letter behind the backslash. 0: no such escape. */
static size_t
escape(struct lexer *x, char *out)
{
	static const char letters[] = "abfnrtv\\\"'`?", values[] = "\a\b\f\n\r\t\v\\\"'`?";
	char letter = peek(x, 0);
	const char *simple = letter == '\0' ? NULL : strchr(letters, letter);
	uint32_t c;

	if (simple != NULL) {
		x->at++;
		*out = values[simple - letters];
		return 1;
	}
	if (letter == '\0' || strchr("xXuU0123", letter) == NULL)
		return 0;
	x->at++;
	return escaped_number(x, letter, &c) ? put_character(c, out) : 0;
}

static void
string(struct lexer *x, bool raw)
{
	const struct slice t = x->compile->text;
	const size_t from = x->at - raw;
	const char quote = peek(x, 0);
	const bool triple = peek(x, 1) == quote && peek(x, 2) == quote;
	/* No escape is shorter than what it stands for. */
	char *out = arena_alloc(x->compile->arena, t.len - x->at);
	size_t n = 0;

	x->at += triple ? 3 : 1;
	for (;;) {
		char c = peek(x, 0);

		if (x->at == t.len || (!triple && (c == '\n' || c == '\r'))) {
			bad(x, from, "a string that is not closed");
			return;
		}
		if (c == quote && (!triple || (peek(x, 1) == quote && peek(x, 2) == quote)))
			break;
		x->at++;
		if (c == '\\' && !raw) {
			size_t at = x->at - 1, step = escape(x, out + n);

			if (step == 0) {
				bad(x, at,
				    "no such escape: write \\\\ for a backslash, or r\"…\" for a "
				    "string without escapes");
				return;
			}
			n += step;
		} else {
			out[n++] = c;
		}
	}
	x->at += triple ? 3 : 1;
	x->now.kind = TOKEN_STRING;
	x->now.text = (struct slice){ out, n };
}

static void
name(struct lexer *x)
{
	size_t from = x->at;

	while (is_word(peek(x, 0)))
		x->at++;
	x->now.kind = TOKEN_NAME;
	x->now.text = (struct slice){ x->compile->text.ptr + from, x->at - from };
}

void
lexer_next(struct lexer *x)
{
	const struct slice t = x->compile->text;
	char c, next;

	skip_blanks(x);
	x->now = (struct token){ .kind = TOKEN_END, .offset = x->at };
	if (x->at == t.len)
		return;
	c = peek(x, 0);
	next = peek(x, 1);
	if (c == '"' || c == '\'') {
		string(x, false);
	} else if ((c == 'r' || c == 'R') && (next == '"' || next == '\'')) {
		x->at++;
		string(x, true);
	} else if ((c | 0x20) == 'b' && (next == '"' || next == '\'')) {
		bad(x, x->at, "bytes are not known here: leave out the b");
	} else if (is_digit(c) || (c == '.' && is_digit(next))) {
		number(x);
	} else if (is_word(c)) {
		name(x);
	} else {
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
			struct slice s = slice_of(signs[i]);

			if (!slice_starts((struct slice){ t.ptr + x->at, t.len - x->at }, s))
				continue;
			x->now.kind = TOKEN_SIGN;
			x->now.text = s;
			x->at += s.len;
			return;
		}
		x->now.kind = TOKEN_SIGN; /* of no use to anybody, who will say so */
		x->now.text = (struct slice){ t.ptr + x->at, 1 };
		x->at++;
	}
}
