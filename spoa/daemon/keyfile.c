#include "daemon/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"

struct paths {
	char key[PATH_MAX], fresh[PATH_MAX];
};

bool
keyfile_path(const char *state_dir, char *out, size_t room)
{
	int n = snprintf(out, room, "%s/key", state_dir);

	return n > 0 && (size_t)n < room;
}

static bool
name_files(const char *state_dir, struct paths *out, struct problems *p)
{
	bool fits = keyfile_path(state_dir, out->key, sizeof(out->key) - 32);

	snprintf(out->fresh, sizeof(out->fresh), "%s/key.new.%d", state_dir, (int)getpid());
	if (fits)
		return true;
	problem_error(p, &(struct place){ .file = state_dir }, "the path is too long");
	return false;
}

/* Root's own groups are root's choice. */
bool
keyfile_is_open(const struct stat *st, uid_t reader)
{
	mode_t others = st->st_mode & 077;

	return others != 0 && !(st->st_uid == 0 && reader != 0 && others == 040);
}

/* The text of the key file, after its owner and mode were looked at. */
static char *
read_keys(const char *path, size_t *bytes, struct problems *p)
{
	struct place at = { .file = path };
	struct stat st;
	const char *why;
	char *text;

	if (stat(path, &st) == 0 && keyfile_is_open(&st, geteuid())) {
		problem_error(p, &at,
		    "others may read it (mode %04o): chmod 600 it, and rotate it if others had "
		    "access",
		    (unsigned)(st.st_mode & 07777));
		return NULL;
	}
	text = file_read(path, KEY_FILE_MAX, bytes, &why);
	if (text == NULL)
		problem_error(p, &at, "cannot be read: %s; it must belong to uid %u", why,
		    (unsigned)geteuid());
	return text;
}

/* Write a whole key file beside the real one, so that a full disk loses nothing. */
static bool
write_fresh(const struct paths *path, struct slice old, unsigned keep, struct problems *p)
{
	uint8_t master[KEY_MASTER_BYTES];
	char text[KEY_FILE_MAX];
	size_t n;
	bool good;
	int fd = open(path->fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0) {
		problem_error(p, &(struct place){ .file = path->key },
		    "cannot be made: %s; its folder must be writable for uid %u (--state-dir sets "
		    "it)",
		    strerror(errno), (unsigned)geteuid());
		return false;
	}
	random_bytes(master, sizeof(master));
	n = keyring_write(master, old, keep, text);
	secret_wipe(master, sizeof(master));
	good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	if (!good)
		problem_error(p, &(struct place){ .file = path->key }, "cannot be written: %s",
		    strerror(errno));
	secret_wipe(text, sizeof(text));
	close(fd);
	if (!good)
		unlink(path->fresh);
	return good;
}

static bool
make_first(const char *state_dir, const struct paths *path, struct problems *p)
{
	bool good;

	if (!file_make_folder(state_dir)) {
		problem_error(p, &(struct place){ .file = state_dir },
		    "cannot be made: %s; give a folder for the key file with --state-dir",
		    strerror(errno));
		return false;
	}
	if (!write_fresh(path, (struct slice){ NULL, 0 }, 0, p))
		return false;
	/* Of two that start at once one wins, and both use its key. */
	good = link(path->fresh, path->key) == 0 || errno == EEXIST;
	if (!good)
		problem_error(
		    p, &(struct place){ .file = path->key }, "cannot be made: %s", strerror(errno));
	unlink(path->fresh);
	return good;
}

bool
keyfile_load(const char *state_dir, struct keyring *keys, struct problems *p)
{
	struct paths path;
	struct place at = { .file = path.key };
	const char *why;
	size_t bytes;
	char *text;
	bool good;

	if (!name_files(state_dir, &path, p))
		return false;
	if (access(path.key, F_OK) != 0 && errno == ENOENT && !make_first(state_dir, &path, p))
		return false;
	text = read_keys(path.key, &bytes, p);
	if (text == NULL)
		return false;
	good = keyring_parse(keys, (struct slice){ text, bytes }, &at.line, &why);
	if (!good)
		problem_error(p, &at, "%s", why);
	secret_wipe(text, bytes);
	free(text);
	return good;
}

bool
keyfile_rotate(const char *state_dir, struct problems *p)
{
	struct paths path;
	struct keyring keys;
	size_t bytes;
	char *text;
	bool good;

	if (!name_files(state_dir, &path, p) || !keyfile_load(state_dir, &keys, p))
		return false;
	keyring_wipe(&keys);
	text = read_keys(path.key, &bytes, p);
	if (text == NULL)
		return false;
	good = write_fresh(&path, (struct slice){ text, bytes }, 1, p);
	if (good && rename(path.fresh, path.key) != 0) {
		problem_error(p, &(struct place){ .file = path.key }, "cannot be replaced: %s",
		    strerror(errno));
		unlink(path.fresh);
		good = false;
	}
	secret_wipe(text, bytes);
	free(text);
	return good;
}

void
keyfile_watch(const char *state_dir, struct watch *w)
{
	struct paths path;
	struct problems p = { 0 };

	if (name_files(state_dir, &path, &p))
		watch_file(w, path.key);
	problems_fini(&p);
}
