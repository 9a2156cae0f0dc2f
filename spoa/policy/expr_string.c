#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "policy/expr_function.h"

/* Functions of strings: CEL's own, and its strings extension. Places are counted in characters. */
static const char out_of_range[] = "the place is not in the string";

/* All of the store that is left, to write a string of unknown length to. */
static struct text
begin(struct run *r)
{
	struct expr_store *s = r->store;

	return (struct text){ s->room + s->used, EXPR_STORE_BYTES - s->used, 0, false };
}

static struct value
finish(struct run *r, const struct text *t)
{
	if (t->cut || run_room(r, t->len) == NULL)
		return value_error(expr_too_much);
	return value_string(text_slice(t));
}

static struct slice
cut(struct slice s, size_t from, size_t to)
{
	return s.ptr == NULL ? s : (struct slice){ s.ptr + from, to - from };
}

/* Where the character n begins, the end for one behind the last; SIZE_MAX: beyond. */
static size_t
place(struct slice s, int64_t n)
{
	size_t at = 0;

	if (n < 0)
		return SIZE_MAX;
	if (utf8_is_ascii(s))
		return (uint64_t)n <= s.len ? (size_t)n : SIZE_MAX;
	for (; n > 0 && at < s.len; n--)
		at += string_step(cut(s, at, s.len));
	return n > 0 ? SIZE_MAX : at;
}

static struct value
character_index(struct slice s, size_t at)
{
	return value_int(at == SIZE_MAX ? -1 : (int64_t)string_count(cut(s, 0, at)));
}

struct value
string_contains(struct run *r, const struct value *arg, unsigned args)
{
	(void)r, (void)args;
	return value_bool(string_find(arg[0].s, arg[1].s, 0) != SIZE_MAX);
}

struct value
string_starts_with(struct run *r, const struct value *arg, unsigned args)
{
	(void)r, (void)args;
	return value_bool(slice_starts(arg[0].s, arg[1].s));
}

struct value
string_ends_with(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s, end = arg[1].s;

	(void)r, (void)args;
	return value_bool(end.len <= s.len && slice_equal(cut(s, s.len - end.len, s.len), end));
}

struct value
string_char_at(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s;
	size_t at = place(s, arg[1].i);

	(void)r, (void)args;
	if (at == SIZE_MAX)
		return value_error(out_of_range);
	if (at == s.len)
		return value_string((struct slice){ 0 });
	return value_string(cut(s, at, at + string_step(cut(s, at, s.len))));
}

struct value
string_index_of(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s;
	size_t from = 0;

	(void)r;
	if (args == 3 && arg[1].s.len == 0)
		return value_int(arg[2].i);
	if (args == 3 && arg[2].i < 0)
		return value_error(out_of_range);
	if (args == 3)
		from = place(s, arg[2].i);
	return character_index(s, from == SIZE_MAX ? from : string_find(s, arg[1].s, from));
}

struct value
string_last_index_of(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s, part = arg[1].s;
	size_t last = s.len;

	(void)r;
	if (part.len == 0)
		return value_int(args == 3 ? arg[2].i : (int64_t)string_count(s));
	if (args == 3 && arg[2].i < 0)
		return value_error(out_of_range);
	if (args == 3)
		last = place(s, arg[2].i);
	if (last == SIZE_MAX || (args == 3 && last == s.len) || part.len > s.len)
		return value_int(-1);
	if (last > s.len - part.len)
		last = s.len - part.len;
	if (!run_spend(r, last / 16))
		return value_error(expr_too_much);
	for (size_t at = last + 1; at-- > 0;)
		if (memcmp(s.ptr + at, part.ptr, part.len) == 0)
			return character_index(s, at);
	return value_int(-1);
}

struct value
string_join(struct run *r, const struct value *arg, unsigned args)
{
	struct text t = begin(r);

	for (uint32_t i = 0; i < arg[0].count; i++) {
		if (i > 0 && args == 2)
			text_put(&t, arg[1].s);
		text_put(&t, arg[0].at[i].s);
	}
	return run_spend(r, arg[0].count + t.len / 64) ? finish(r, &t) : value_error(expr_too_much);
}

/* Up to `most` parts; an empty separator parts the characters. */
static struct value
split(struct run *r, struct slice s, struct slice by, uint64_t most)
{
	struct value *out = (struct value *)(r->store->room + r->store->used);
	const size_t room = (EXPR_STORE_BYTES - r->store->used) / sizeof(*out);
	size_t count = 0, at = 0;

	if (by.len == 0 && s.len == 0)
		most = 0;
	while (count < most) {
		size_t end =
		    by.len > 0 ? string_find(s, by, at) : at + string_step(cut(s, at, s.len));

		if (count == room)
			return value_error(expr_too_much);
		if (count + 1 == most || end == SIZE_MAX || (by.len == 0 && end >= s.len)) {
			out[count++] = value_string(cut(s, at, s.len));
			break;
		}
		out[count++] = value_string(cut(s, at, end));
		at = end + by.len;
	}
	run_room(r, count * sizeof(*out));
	return value_list(out, count);
}

struct value
string_split(struct run *r, const struct value *arg, unsigned args)
{
	uint64_t most = args == 3 && arg[2].i >= 0 ? (uint64_t)arg[2].i : UINT64_MAX;

	return split(r, arg[0].s, arg[1].s, most);
}

/* Anubis's: what stands between the slashes behind the first one. */
struct value
string_segments(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s;

	(void)args;
	if (s.len == 0 || s.ptr[0] != '/')
		return value_error("the path does not begin with /");
	return split(r, cut(s, 1, s.len), SLICE("/"), UINT64_MAX);
}

struct value
string_replace(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s, old = arg[1].s;
	uint64_t most = args == 4 && arg[3].i >= 0 ? (uint64_t)arg[3].i : UINT64_MAX;
	struct text t = begin(r);
	size_t at = 0;

	for (; most > 0 && !t.cut; most--) {
		size_t found = string_find(s, old, at);

		if (found == SIZE_MAX)
			break;
		text_put(&t, cut(s, at, found));
		text_put(&t, arg[2].s);
		at = found + old.len;
		if (old.len > 0)
			continue;
		/* In front of each character, and behind the last. */
		if (at == s.len)
			break;
		found = at + string_step(cut(s, at, s.len));
		text_put(&t, cut(s, at, found));
		at = found;
	}
	text_put(&t, cut(s, at, s.len));
	return finish(r, &t);
}

struct value
string_substring(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s;
	size_t from = place(s, arg[1].i), to = args == 3 ? place(s, arg[2].i) : s.len;

	(void)r;
	if (from == SIZE_MAX || to == SIZE_MAX || from > to)
		return value_error(out_of_range);
	return value_string(cut(s, from, to));
}

/* Unicode's White_Space, as Go trims it. */
static size_t
blank_at(struct slice s)
{
	static const char *const wide[] = { "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80" };

	if (s.len == 0)
		return 0;
	if (s.ptr[0] == ' ' || (s.ptr[0] >= '\t' && s.ptr[0] <= '\r'))
		return 1;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (slice_starts(s, slice_of(wide[i])))
			return strlen(wide[i]);
	if (slice_starts(s, SLICE("\xe2\x80")) && s.len > 2 && (unsigned char)s.ptr[2] >= 0x80 &&
	    (unsigned char)s.ptr[2] <= 0x8a)
		return 3;
	return 0;
}

struct value
string_trim(struct run *r, const struct value *arg, unsigned args)
{
	struct slice s = arg[0].s;
	size_t n;

	(void)r, (void)args;
	while ((n = blank_at(s)) > 0)
		s = cut(s, n, s.len);
	for (n = 1; n <= 3 && n <= s.len;) {
		if (blank_at(cut(s, s.len - n, s.len)) == n) {
			s.len -= n;
			n = 1;
		} else {
			n++;
		}
	}
	return value_string(s);
}

static struct value
change_case(struct run *r, struct slice s, char first, char last, int step)
{
	char *out = run_room(r, s.len);

	if (out == NULL)
		return value_error(expr_too_much);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		out[i] = (char)(c >= first && c <= last ? c + step : c);
	}
	return value_string((struct slice){ out, s.len });
}

struct value
string_lower(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return change_case(r, arg[0].s, 'A', 'Z', 'a' - 'A');
}

struct value
string_upper(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return change_case(r, arg[0].s, 'a', 'z', 'A' - 'a');
}

struct value
string_reverse(struct run *r, const struct value *arg, unsigned args)
{
	struct slice s = arg[0].s;
	char *out = run_room(r, s.len);
	size_t end = s.len;

	(void)args;
	if (out == NULL)
		return value_error(expr_too_much);
	for (size_t at = 0; at < s.len;) {
		size_t n = string_step(cut(s, at, s.len));

		end -= n;
		memcpy(out + end, s.ptr + at, n);
		at += n;
	}
	return value_string((struct slice){ out, s.len });
}

size_t
string_escape(struct slice s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != '\0' && strchr("\\.:*?-[](){}+|^$", s.ptr[i]) != NULL)
			out[n++] = '\\';
		out[n++] = s.ptr[i];
	}
	return n;
}

struct value
string_regex_safe(struct run *r, const struct value *arg, unsigned args)
{
	const struct slice s = arg[0].s;
	char *out = run_room(r, 2 * s.len);

	(void)args;
	if (out == NULL)
		return value_error(expr_too_much);
	return value_string((struct slice){ out, string_escape(s, out) });
}
