#include "daemon/watch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "daemon/source.h"

/* All zero: nothing is there. */
struct stamp {
	uint64_t device, inode, bytes, written_ns, changed_ns;
};

struct watched {
	char *path;
	struct stamp noted, seen;
};

static uint64_t
nanoseconds(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct stamp
stamp_of(const char *path)
{
	struct stamp s = { 0 };
	struct stat st;

	if (stat(path, &st) == 0)
		s = (struct stamp){ st.st_dev, st.st_ino, (uint64_t)st.st_size,
			nanoseconds(st.st_mtim), nanoseconds(st.st_ctim) };
	return s;
}

static bool
same(const struct stamp *a, const struct stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void
watch_clear(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->files[i].path);
	w->count = 0;
}

void
watch_fini(struct watch *w)
{
	watch_clear(w);
	free(w->files);
	memset(w, 0, sizeof(*w));
}

static void
note(struct watch *w, struct slice path)
{
	struct watched *f;

	/* The files of one pattern name their folder once each. */
	if (w->count > 0 && slice_equal(path, slice_of(w->files[w->count - 1].path)))
		return;
	if (w->count == w->room) {
		w->room = w->room == 0 ? 16 : w->room * 2;
		w->files = xreallocarray(w->files, w->room, sizeof(*w->files));
	}
	f = &w->files[w->count++];
	f->path = xcalloc(1, path.len + 1);
	memcpy(f->path, path.ptr, path.len);
	f->noted = f->seen = stamp_of(f->path);
}

void
watch_file(struct watch *w, const char *path)
{
	note(w, slice_of(path));
}

static struct slice
folder_of(struct slice path)
{
	while (path.len > 0 && path.ptr[path.len - 1] != '/')
		path.len--;
	return path;
}

static void
note_folder(struct watch *w, struct slice path)
{
	struct slice folder = folder_of(path);

	note(w, folder.len == 0 ? SLICE(".") : folder);
}

/* What is not there would be in this folder. */
static void
note_missing(struct watch *w, struct arena *a, struct slice folder, struct slice name)
{
	char *path = arena_alloc(a, folder.len + name.len + 1);

	if (folder.len > 0)
		memcpy(path, folder.ptr, folder.len);
	memcpy(path + folder.len, name.ptr, name.len);
	note_folder(w, (struct slice){ path, folder.len + name.len });
}

/* Was it found by its name, or by a pattern that others may match tomorrow? */
static bool
is_named(struct slice found, struct slice pattern)
{
	return found.len >= pattern.len &&
	       slice_equal(
		   (struct slice){ found.ptr + (found.len - pattern.len), pattern.len }, pattern);
}

static size_t
find(void *context, struct arena *a, const char *from, struct slice pattern, const char ***names,
    const char **why)
{
	const struct source *files = source_files();
	size_t n = files->find(files->context, a, from, pattern, names, why);

	for (size_t i = 0; i < n; i++)
		if (!source_is_data((*names)[i]) && !is_named(slice_of((*names)[i]), pattern))
			note_folder(context, slice_of((*names)[i]));
	if (n > 0 || pattern.len == 0 || slice_starts(pattern, SLICE(SOURCE_DATA)) ||
	    memchr(pattern.ptr, '\0', pattern.len) != NULL)
		return n;
	if (from != NULL && pattern.ptr[0] != '/' && !source_is_data(from))
		note_missing(context, a, folder_of(slice_of(from)), pattern);
	note_missing(context, a, (struct slice){ NULL, 0 }, pattern);
	return n;
}

static char *
read_noted(void *context, const char *name, size_t most, size_t *bytes, const char **why)
{
	const struct source *files = source_files();

	if (!source_is_data(name))
		watch_file(context, name);
	return files->read(files->context, name, most, bytes, why);
}

static struct mmdb *
open_noted(void *context, const char *name, const char **why)
{
	const struct source *files = source_files();

	if (!source_is_data(name))
		watch_file(context, name);
	return files->open(files->context, name, why);
}

const struct source *
watch_source(struct watch *w)
{
	w->source = (struct source){ find, read_noted, open_noted, w };
	return &w->source;
}

bool
watch_look(struct watch *w)
{
	bool changed = false, steady = true;

	for (size_t i = 0; i < w->count; i++) {
		struct watched *f = &w->files[i];
		struct stamp now = stamp_of(f->path);

		changed |= !same(&now, &f->noted);
		steady &= same(&now, &f->seen);
		f->seen = now;
	}
	return changed && steady;
}
