#include "cli/scrape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define SAMPLES_MAX 65536u

/* `name{labels} value` or `name value`. */
static bool
read_line(struct slice line, struct sample *out)
{
	char number[64];
	const char *brace = memchr(line.ptr, '{', line.len), *blank;
	struct slice value;
	size_t last = line.len;
	char *end;

	while (last > 0 && line.ptr[last - 1] != ' ')
		last--;
	if (last < 2 || line.ptr[0] == '#')
		return false;
	blank = line.ptr + last - 1;
	value = (struct slice){ blank + 1, line.len - last };
	*out = (struct sample){ .name = { line.ptr, last - 1 } };
	if (brace != NULL) {
		if (brace >= blank || blank[-1] != '}')
			return false;
		out->name.len = (size_t)(brace - line.ptr);
		out->labels = (struct slice){ brace + 1, (size_t)(blank - 1 - brace) - 1 };
	}
	if (value.len == 0 || value.len >= sizeof(number))
		return false;
	memcpy(number, value.ptr, value.len);
	number[value.len] = '\0';
	out->value = strtod(number, &end);
	return *end == '\0';
}

void
scrape_read(struct scrape *s, struct slice text)
{
	size_t room = 0;

	*s = (struct scrape){ .count = 0 };
	while (text.len > 0 && s->count < SAMPLES_MAX) {
		struct sample one;

		if (!read_line(slice_trim(slice_split(text, '\n', &text)), &one))
			continue;
		if (s->count == room) {
			room = room == 0 ? 256 : room * 2;
			s->sample = xreallocarray(s->sample, room, sizeof(*s->sample));
		}
		s->sample[s->count++] = one;
	}
}

void
scrape_fini(struct scrape *s)
{
	free(s->sample);
	*s = (struct scrape){ .count = 0 };
}

double
scrape_value(const struct scrape *s, const char *name, struct slice labels)
{
	struct slice wanted = slice_of(name);

	for (size_t i = 0; s != NULL && i < s->count; i++)
		if (slice_equal(s->sample[i].name, wanted) &&
		    slice_equal(s->sample[i].labels, labels))
			return s->sample[i].value;
	return 0;
}

struct slice
scrape_label(struct slice labels, const char *label)
{
	struct slice wanted = slice_of(label);

	while (labels.len > 0) {
		struct slice name, value;
		size_t n = 0;

		name = slice_split(labels, '=', &labels);
		if (labels.len < 2 || labels.ptr[0] != '"')
			break;
		value = (struct slice){ labels.ptr + 1, labels.len - 1 };
		while (n < value.len && value.ptr[n] != '"')
			n += value.ptr[n] == '\\' ? 2 : 1;
		if (n >= value.len)
			break;
		labels = (struct slice){ value.ptr + n + 1, value.len - n - 1 };
		if (labels.len > 0 && labels.ptr[0] == ',')
			labels = (struct slice){ labels.ptr + 1, labels.len - 1 };
		value.len = n;
		if (slice_equal(name, wanted))
			return value;
	}
	return (struct slice){ NULL, 0 };
}

double
scrape_quantile(const struct scrape *s, const struct scrape *before, const char *name,
    struct slice labels, double q)
{
	double from = 0, below = 0, all;
	struct slice le, bucket;
	char text[160];

	snprintf(text, sizeof(text), "%s_count", name);
	all = scrape_value(s, text, labels) - scrape_value(before, text, labels);
	if (all <= 0)
		return -1;
	snprintf(text, sizeof(text), "%s_bucket", name);
	bucket = slice_of(text);
	/* They stand in their order; `le` is the last of their labels. */
	for (size_t i = 0; i < s->count; i++) {
		const struct sample *b = &s->sample[i];
		double n, to;

		if (!slice_equal(b->name, bucket) || !slice_starts(b->labels, labels) ||
		    (labels.len > 0 &&
			(b->labels.len == labels.len || b->labels.ptr[labels.len] != ',')))
			continue;
		le = scrape_label(b->labels, "le");
		if (le.len == 0 || slice_equal(le, SLICE("+Inf")))
			continue;
		n = b->value - scrape_value(before, text, b->labels);
		to = strtod(le.ptr, NULL); /* a quote ends it */
		if (n >= q * all)
			return n > below ? from + (to - from) * (q * all - below) / (n - below)
					 : to;
		from = to;
		below = n;
	}
	return from;
}
