#include "cli/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
lines_init(struct lines *l, int fd)
{
	l->fd = fd;
	l->from = l->to = 0;
	l->end = l->skipping = false;
	l->error = 0;
	l->bytes = l->number = 0;
}

static void
fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buffer, l->buffer + l->from, l->to - l->from);
	l->to -= l->from;
	l->from = 0;
	do
		n = read(l->fd, l->buffer + l->to, sizeof(l->buffer) - l->to);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		l->to += (size_t)n;
		l->bytes += (uint64_t)n;
		return;
	}
	l->end = true;
	l->error = n < 0 ? errno : 0;
}

/* Give what stands before `end`, and go on behind it and `more` bytes. */
static bool
give(struct lines *l, size_t end, size_t more, struct slice *line)
{
	*line = (struct slice){ l->buffer + l->from, end - l->from };
	l->from = end + more;
	if (line->len > 0 && line->ptr[line->len - 1] == '\r')
		line->len--;
	l->number++;
	return true;
}

bool
lines_next(struct lines *l, struct slice *line, bool *too_long)
{
	size_t seen = 0;

	*too_long = false;
	for (;;) {
		size_t have = l->to - l->from;
		const char *at = l->buffer + l->from;
		const char *end = have > seen ? memchr(at + seen, '\n', have - seen) : NULL;

		if (l->skipping) {
			l->from = end != NULL ? (size_t)(end + 1 - l->buffer) : l->to;
			l->skipping = end == NULL && !l->end;
		} else if (end != NULL && (size_t)(end - at) <= LINE_BYTES_MAX) {
			return give(l, (size_t)(end - l->buffer), 1, line);
		} else if (end != NULL || have > LINE_BYTES_MAX) {
			*too_long = l->skipping = true;
			return give(l, l->from + LINE_BYTES_MAX, 0, line);
		} else if (l->end) {
			return have > 0 && give(l, l->to, 0, line);
		} else {
			seen = have;
			fill(l);
			continue;
		}
		seen = 0;
		if (l->from == l->to && l->end)
			return false;
		if (l->from == l->to)
			fill(l);
	}
}
