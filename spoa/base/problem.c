#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"

static void
add(struct problems *p, bool warning, const struct place *at, const char *format, va_list args)
{
	char buf[8192], what[1024] = "";
	struct text t = { .buf = buf, .cap = sizeof(buf) - 1 };
	int n = vsnprintf(what, sizeof(what), format, args);

	if (warning)
		p->warnings++;
	else
		p->errors++;
	if (p->count == PROBLEMS_MAX)
		return;
	if (at->file != NULL) {
		text_put(&t, slice_of(at->file));
		if (at->line > 0)
			text_printf(&t, ":%u", at->line);
		if (at->line > 0 && at->column > 0)
			text_printf(&t, ":%u", at->column);
		text_put(&t, SLICE(": "));
	}
	if (warning)
		text_put(&t, SLICE("warning: "));
	if (at->path != NULL && at->path[0] != '\0')
		text_printf(&t, "%s: ", at->path);
	/* What is wrong may quote the file at any length; its beginning is still worth saying. */
	text_put(&t, slice_of(what));
	if (n < 0 || (size_t)n >= sizeof(what))
		text_put(&t, SLICE("..."));
	t.buf[t.len] = '\0';
	p->list = xreallocarray(p->list, p->count + 1, sizeof(*p->list));
	p->list[p->count++] = (struct problem){ warning, xstrdup(buf) };
}

void
problem_error(struct problems *p, const struct place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(p, false, at, format, args);
	va_end(args);
}

void
problem_warn(struct problems *p, const struct place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(p, true, at, format, args);
	va_end(args);
}

void
problems_print(const struct problems *p, const char *prefix)
{
	for (size_t i = 0; i < p->count; i++)
		fprintf(stderr, "%s%s\n", prefix, p->list[i].text);
	if (p->errors + p->warnings > p->count)
		fprintf(stderr, "%sand %zu more\n", prefix, p->errors + p->warnings - p->count);
}

void
problems_fini(struct problems *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].text);
	free(p->list);
	*p = (struct problems){ 0 };
}
