#include "daemon/source.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* Sorted by name. */
static const struct embedded {
	const char *name;
	const unsigned char *bytes;
	size_t len;
} embedded[] = {
#include "embed/policies.inc"
};

#define EMBEDDED (sizeof(embedded) / sizeof(embedded[0]))

static const char *say(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const char *
say(struct arena *a, const char *format, ...)
{
	char buf[1024];
	struct text t = { .buf = buf, .cap = sizeof(buf) };
	va_list args;

	va_start(args, format);
	text_vprintf(&t, format, args);
	va_end(args);
	return arena_copy(a, text_slice(&t)).ptr;
}

static const char *
join(struct arena *a, struct slice folder, struct slice name)
{
	char *path = arena_alloc(a, folder.len + name.len + 1);

	if (folder.len > 0)
		memcpy(path, folder.ptr, folder.len);
	memcpy(path + folder.len, name.ptr, name.len);
	return path;
}

/* With its slash; empty if there is none. */
static struct slice
folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return (struct slice){ file, slash == NULL ? 0 : (size_t)(slash - file) + 1 };
}

bool
source_is_data(const char *name)
{
	return strncmp(name, SOURCE_DATA, strlen(SOURCE_DATA)) == 0;
}

static bool
is_pattern(struct slice s)
{
	return memchr(s.ptr, '*', s.len) != NULL || memchr(s.ptr, '?', s.len) != NULL ||
	       memchr(s.ptr, '[', s.len) != NULL;
}

static size_t
digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* Numbers by their value: x2 before x10. */
static int
natural_order(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x != '\0' && *y != '\0') {
		size_t m, n;
		int order;

		if (digits(x) == 0 || digits(y) == 0) {
			if (*x != *y)
				return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
			x++;
			y++;
			continue;
		}
		x += strspn(x, "0");
		y += strspn(y, "0");
		m = digits(x);
		n = digits(y);
		if (m != n)
			return m < n ? -1 : 1;
		order = memcmp(x, y, m);
		if (order != 0)
			return order;
		x += m;
		y += n;
	}
	if (*x != *y)
		return *x == '\0' ? -1 : 1;
	return strcmp(a, b);
}

static int
by_natural_order(const void *a, const void *b)
{
	return natural_order(*(const char *const *)a, *(const char *const *)b);
}

static int
by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct embedded *)row)->name);
}

static const struct embedded *
data_get(const char *name)
{
	return bsearch(
	    name + strlen(SOURCE_DATA), embedded, EMBEDDED, sizeof(embedded[0]), by_name);
}

/* Some of what there is, for somebody who looked for what there is not. */
static const char *
data_missing(struct arena *a, const char *pattern)
{
	char buf[400];
	struct text t = { .buf = buf, .cap = sizeof(buf) };
	struct slice folder = folder_of(pattern + strlen(SOURCE_DATA));
	size_t shown = 0, more = 0;

	for (int turn = 0; turn < 2 && shown == 0; turn++) {
		for (size_t i = 0; i < EMBEDDED; i++) {
			struct slice name = slice_of(embedded[i].name);

			if (!slice_starts(name, folder) || folder_of(name.ptr).len != folder.len)
				continue;
			if (shown == 8 && ++more > 0)
				continue;
			text_printf(&t, "%s" SOURCE_DATA "%s", shown++ > 0 ? ", " : "", name.ptr);
		}
		folder.len = 0;
	}
	return say(a, "no policy in this binary has that name; there are %.*s%s", (int)t.len, buf,
	    more > 0 || t.cut ? " and others" : "");
}

/* Is there a component ".."? */
static bool
climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '\0' || p[2] == '/'))
			return true;
	return false;
}

static size_t
find_data(struct arena *a, const char *pattern, const char ***names, const char **why)
{
	struct slice name = slice_of(pattern + strlen(SOURCE_DATA));
	const struct embedded *one = data_get(pattern);
	size_t n = 0;

	if (climbs(name.ptr)) {
		*why = "there is no .. in (data)/: write (data)/NAME";
		return 0;
	}
	*names = arena_alloc(a, EMBEDDED * sizeof(**names));
	if (one != NULL)
		(*names)[n++] = pattern;
	for (size_t i = 0; one == NULL && i < EMBEDDED && is_pattern(name); i++)
		if (fnmatch(name.ptr, embedded[i].name, FNM_PATHNAME | FNM_PERIOD) == 0)
			(*names)[n++] = join(a, SLICE(SOURCE_DATA), slice_of(embedded[i].name));
	if (n == 0)
		*why = data_missing(a, pattern);
	if (n > 1)
		qsort(*names, n, sizeof(**names), by_natural_order);
	return n;
}

static _Thread_local int glob_error;

static int
on_glob_error(const char *path, int error)
{
	(void)path;
	glob_error = error;
	/* Where nothing is, nothing matches; a folder that cannot be read may hide rules. */
	return error != ENOENT;
}

/* What is a pattern in the path of the importing file is meant as it stands. */
static const char *
quote(struct arena *a, struct slice folder, struct slice pattern)
{
	char *out = arena_alloc(a, 2 * folder.len + pattern.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < folder.len; i++) {
		if (strchr("*?[\\", folder.ptr[i]) != NULL)
			out[n++] = '\\';
		out[n++] = folder.ptr[i];
	}
	memcpy(out + n, pattern.ptr, pattern.len);
	return out;
}

static size_t
find_glob(struct arena *a, struct slice folder, struct slice pattern, const char ***names,
    const char **why)
{
	const char *path = quote(a, folder, pattern);
	size_t n = 0;
	glob_t g = { 0 };
	int status = glob(path, GLOB_NOSORT, on_glob_error, &g);

	if (status == GLOB_ABORTED)
		*why = say(a, "a folder on the way cannot be read: %s", strerror(glob_error));
	else if (status != 0 && status != GLOB_NOMATCH)
		*why = "no memory for what it matches";
	else if (g.gl_pathc > SOURCE_MATCHES_MAX)
		*why = say(a, "it matches %zu files, and at most %u can be read", g.gl_pathc,
		    SOURCE_MATCHES_MAX);
	else if (g.gl_pathc > 0)
		*names = arena_alloc(a, g.gl_pathc * sizeof(**names));
	for (size_t i = 0; *why == NULL && i < g.gl_pathc; i++) {
		struct stat st;

		/* What has gone meanwhile, or points nowhere, is an error when it is read. */
		if (stat(g.gl_pathv[i], &st) != 0 || !S_ISDIR(st.st_mode))
			(*names)[n++] = arena_copy(a, slice_of(g.gl_pathv[i])).ptr;
	}
	globfree(&g);
	if (n > 1)
		qsort(*names, n, sizeof(**names), by_natural_order);
	return n;
}

/* 0 with *why still NULL: nothing is there. */
static size_t
find_in(struct arena *a, struct slice folder, struct slice pattern, const char ***names,
    const char **why)
{
	const char *path = join(a, folder, pattern);
	struct stat st;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode)) {
			*why = say(a, "%s is a folder: name a file in it, or all with %s%s*.yaml",
			    path, path, path[strlen(path) - 1] == '/' ? "" : "/");
			return 0;
		}
		*names = arena_alloc(a, sizeof(**names));
		(*names)[0] = path;
		return 1;
	}
	/* A pattern is rarely a name: what is wrong with it as one says nothing. */
	if (is_pattern(pattern))
		return find_glob(a, folder, pattern, names, why);
	if (errno != ENOENT && errno != ENOTDIR)
		*why = say(a, "%s: %s", path, strerror(errno));
	return 0;
}

static size_t
find(void *context, struct arena *a, const char *from, struct slice pattern, const char ***names,
    const char **why)
{
	struct slice here = { NULL, 0 };
	struct slice folder = from == NULL ? here : folder_of(from);
	const char **none = NULL;
	size_t n;

	(void)context;
	*names = none;
	*why = NULL;
	if (pattern.len == 0)
		*why =
		    "an empty name: write a file, a pattern such as rules/*.yaml, or (data)/NAME";
	else if (memchr(pattern.ptr, '\0', pattern.len) != NULL)
		*why = "the name of a file holds no NUL byte";
	else if (pattern.len >= PATH_MAX)
		*why = strerror(ENAMETOOLONG);
	if (*why != NULL)
		return 0;
	if (slice_starts(pattern, SLICE(SOURCE_DATA)))
		return find_data(a, join(a, here, pattern), names, why);
	if (pattern.ptr[0] == '/')
		folder = here;
	else if (from != NULL && source_is_data(from))
		return find_data(a, join(a, folder, pattern), names, why);
	n = find_in(a, folder, pattern, names, why);
	if (n == 0 && *why == NULL && folder.len > 0)
		n = find_in(a, here, pattern, names, why);
	if (n == 0 && *why == NULL)
		*why = folder.len > 0 ? say(a,
					    "no file matches, neither in %.*s nor in the "
					    "working directory",
					    (int)folder.len, folder.ptr)
				      : "no file matches";
	return n;
}

static char *
read_whole(void *context, const char *name, size_t most, size_t *bytes, const char **why)
{
	const struct embedded *e;
	char *text;

	(void)context;
	if (!source_is_data(name))
		return file_read(name, most, bytes, why);
	e = data_get(name);
	if (e == NULL || e->len > most) {
		*why =
		    e == NULL ? "no policy in this binary has that name" : "the file is too large";
		return NULL;
	}
	text = xcalloc(1, e->len + 1);
	memcpy(text, e->bytes, e->len);
	*bytes = e->len;
	return text;
}

static struct mmdb *
open_database(void *context, const char *name, const char **why)
{
	(void)context;
	if (!source_is_data(name))
		return mmdb_open(name, why);
	*why = "there are no databases in the binary: fetch one and name its file";
	return NULL;
}

const struct source *
source_files(void)
{
	static const struct source files = { find, read_whole, open_database, NULL };

	return &files;
}
