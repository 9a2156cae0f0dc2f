#include "challenge/location.h"

#include <stddef.h>

#include "base/encode.h"

/* The character at the front of *s, with its percent-encoding undone once, and cut off. */
static char
next_char(struct slice *s)
{
	int value = percent_value(*s);
	char c = value < 0 ? s->ptr[0] : (char)value;
	size_t used = value < 0 ? 1 : 3;

	s->ptr += used;
	s->len -= used;
	return c;
}

/* What one segment of the path is, as far as it matters. */
enum segment { SEGMENT_OTHER, SEGMENT_EMPTY, SEGMENT_DOTS, SEGMENT_OURS };

/*
 * Cut the first segment off *path. An encoded slash ends one too, and case is ignored: somebody
 * between us and the site may read it so.
 */
static enum segment
next_segment(struct slice *path)
{
	char name[sizeof(".ammit")];
	size_t n = 0;

	while (path->len > 0) {
		char c = next_char(path);

		if (c == '/' || c == '\\')
			break;
		if (n < sizeof(name))
			name[n++] = c;
	}
	if (n == 0)
		return SEGMENT_EMPTY;
	if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')))
		return SEGMENT_DOTS;
	return slice_equal_nocase((struct slice){ name, n }, SLICE(".ammit")) ? SEGMENT_OURS
									      : SEGMENT_OTHER;
}

/*
 * Whether the path leads to /.ammit/, or to //, whoever resolves it. Without dot segments the first
 * segment decides. With them no browser sent it, and nobody knows which segments it leaves: then
 * any of ours, and any that is empty, is one too many.
 */
static bool
leads_astray(struct slice path)
{
	bool named = false, ours = false, empty = false, dots = false;

	while (path.len > 0) {
		enum segment kind = next_segment(&path);

		if (kind == SEGMENT_OURS && !named)
			return true;
		named |= kind == SEGMENT_OTHER || kind == SEGMENT_OURS;
		ours |= kind == SEGMENT_OURS;
		empty |= kind == SEGMENT_EMPTY;
		dots |= kind == SEGMENT_DOTS;
	}
	return dots && (ours || empty);
}

bool
location_valid(struct slice s)
{
	size_t path_len = 0;

	if (s.len == 0 || s.len > LOCATION_MAX || s.ptr[0] != '/' || (s.len > 1 && s.ptr[1] == '/'))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e || s.ptr[i] == '\\')
			return false;
	while (path_len < s.len && s.ptr[path_len] != '?' && s.ptr[path_len] != '#')
		path_len++;
	return !leads_astray((struct slice){ s.ptr + 1, path_len - 1 });
}
