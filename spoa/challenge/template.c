#include "challenge/template.h"

#include "base/text.h"

#define ID " id=\""

static const char *
find(struct slice s, struct slice what)
{
	const char *at = s.len == 0 ? NULL : (const char *)memmem(s.ptr, s.len, what.ptr, what.len);

	return at;
}

static struct slice
from(struct slice s, const char *at)
{
	return (struct slice){ at, s.len - (size_t)(at - s.ptr) };
}

bool
template_next(struct slice *at, struct slice *before, struct slice *name)
{
	const char *open = find(*at, SLICE("{{")), *close;
	struct slice rest;

	*before = *at;
	if (open == NULL)
		return false;
	rest = from(*at, open + 2);
	close = find(rest, SLICE("}}"));
	if (close == NULL)
		return false;
	before->len = (size_t)(open - at->ptr);
	*name = (struct slice){ rest.ptr, (size_t)(close - rest.ptr) };
	*at = from(rest, close + 2);
	return true;
}

static bool
has_name(struct slice template, struct slice wanted)
{
	struct slice before, name;

	while (template_next(&template, &before, &name))
		if (slice_equal(name, wanted))
			return true;
	return false;
}

static unsigned
line_of(struct slice template, const char *at)
{
	unsigned line = 1;

	for (const char *p = template.ptr; p < at; p++)
		line += *p == '\n';
	return line;
}

/* All that a template has names for, each once. */
static void
put_names(struct text *out, struct slice template, struct slice but_not,
    bool (*optional)(struct slice name))
{
	struct slice at = template, before, name;

	while (template_next(&at, &before, &name)) {
		struct slice earlier = { template.ptr, (size_t)(name.ptr - template.ptr) - 2 };

		if (has_name(earlier, name) || has_name(but_not, name) ||
		    (optional != NULL && optional(name)))
			continue;
		text_put(out, SLICE(" {{"));
		text_put(out, name);
		text_put(out, SLICE("}}"));
	}
}

/* Does the name fill an element of text: a script, or a style? */
static bool
fills(struct slice before, struct slice after)
{
	return before.len > 0 && before.ptr[before.len - 1] == '>' &&
	       (slice_starts(after, SLICE("</script>")) || slice_starts(after, SLICE("</style>")));
}

static bool
fills_in(struct slice template, struct slice wanted)
{
	struct slice before, name;

	while (template_next(&template, &before, &name))
		if (slice_equal(name, wanted) && fills(before, template))
			return true;
	return false;
}

static bool
names_valid(struct slice theirs, struct slice ours, bool (*more)(struct slice name),
    unsigned *at_line, struct text *why)
{
	struct slice at = theirs, before, name;

	while (template_next(&at, &before, &name)) {
		*at_line = line_of(theirs, name.ptr);
		if (!has_name(ours, name) && !more(name)) {
			text_printf(why, "there is no {{%.*s}}; there are",
			    (int)(name.len < 40 ? name.len : 40), name.ptr);
			put_names(why, ours, (struct slice){ NULL, 0 }, NULL);
			return false;
		}
		if (fills_in(ours, name) && !fills(before, at)) {
			text_printf(why,
			    "{{%.*s}} must stand alone in its element, without a blank "
			    "before or after it, or browsers refuse it",
			    (int)name.len, name.ptr);
			return false;
		}
	}
	*at_line = 0;
	if (find(at, SLICE("{{")) == NULL)
		return true;
	*at_line = line_of(theirs, find(at, SLICE("{{")));
	text_put(why, SLICE("a {{ has no }} behind it"));
	return false;
}

/* Elements with an id: those of ours that theirs has not. */
static void
put_ids(struct text *out, struct slice theirs, struct slice ours)
{
	const char *id;

	while ((id = find(ours, SLICE(ID))) != NULL) {
		struct slice rest;
		struct slice value = slice_split(from(ours, id + sizeof(ID) - 1), '"', &rest);
		struct slice whole = { id + 1, sizeof(ID) - 1 + value.len };

		ours = rest;
		if (find(theirs, whole) == NULL) {
			text_byte(out, ' ');
			text_put(out, whole);
		}
	}
}

bool
template_valid(struct slice theirs, struct slice ours, bool (*more)(struct slice name),
    bool (*optional)(struct slice name), struct template_fault *fault)
{
	char buf[sizeof(fault->why) - 16];
	struct text out = { .buf = fault->why, .cap = sizeof(fault->why) - 1 };
	struct text lacks = { .buf = buf, .cap = sizeof(buf) };

	if (names_valid(theirs, ours, more, &fault->line, &out)) {
		put_names(&lacks, ours, theirs, optional);
		put_ids(&lacks, theirs, ours);
		if (lacks.len > 0) {
			text_put(&out, SLICE("lacks"));
			text_put(&out, text_slice(&lacks));
		}
	}
	fault->why[out.len] = '\0';
	return out.len == 0;
}
