#include "cli/jar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

#define FIELDS 7u
#define LIFE_MAX_S (INT64_C(400) * 86400) /* as browsers have it */

/* ---- a cookie ---- */

/* RFC 6265, 4.1.1; what else browsers take would need quotes somewhere. */
static bool
is_octet(char c)
{
	return c > ' ' && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\';
}

static bool
all_octets(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_octet(s.ptr[i]))
			return false;
	return true;
}

/* Max-Age; false: it ends at once. What is no number is no Max-Age. */
static bool
read_life(struct slice value, struct cookie *c)
{
	unsigned long long n;

	if (slice_starts(value, SLICE("-")) || slice_equal(value, SLICE("0")))
		return false;
	if (slice_number(value, UINT64_MAX, &n))
		c->life_s = n > (unsigned long long)LIFE_MAX_S ? LIFE_MAX_S : (int64_t)n;
	return c->life_s > 0 || !slice_number(value, UINT64_MAX, &n);
}

bool
cookie_parse(struct slice header, struct cookie *c)
{
	struct slice rest, pair = slice_split(header, ';', &rest);

	*c = (struct cookie){ .path = SLICE("/") };
	c->name = slice_trim(slice_split(pair, '=', &c->value));
	if (c->value.ptr == NULL || c->name.len == 0)
		return false;
	c->value = slice_trim(c->value);
	if (!all_octets(c->name) || !all_octets(c->value) ||
	    c->name.len + c->value.len > JAR_LINE_MAX / 2)
		return false;
	while (rest.len > 0) {
		struct slice value, name;

		name = slice_trim(slice_split(slice_split(rest, ';', &rest), '=', &value));
		value = slice_trim(value);
		if (slice_equal_nocase(name, SLICE("secure")))
			c->secure = true;
		if (slice_equal_nocase(name, SLICE("max-age")) && !read_life(value, c))
			return false;
		if (slice_equal_nocase(name, SLICE("path")) && value.len > 0 &&
		    value.ptr[0] == '/' && value.len < JAR_LINE_MAX / 4 && all_octets(value))
			c->path = value;
	}
	return true;
}

/* ---- lines ---- */

/* In a jar an IPv6 literal has no brackets. */
static struct slice
jar_host(const char *host)
{
	struct slice s = slice_of(host);

	return s.len > 2 && s.ptr[0] == '[' ? (struct slice){ s.ptr + 1, s.len - 2 } : s;
}

void
jar_line(struct text *out, const struct cookie *c, const char *host, int64_t now_s)
{
	text_put(out, jar_host(host));
	text_put(out, SLICE("\tFALSE\t"));
	text_put(out, c->path);
	text_printf(out, "\t%s\t%" PRId64 "\t", c->secure ? "TRUE" : "FALSE",
	    c->life_s > 0 ? now_s + c->life_s : 0);
	text_put(out, c->name);
	text_byte(out, '\t');
	text_put(out, c->value);
	text_byte(out, '\n');
}

/* A line of a jar. */
struct entry {
	struct slice host, subdomains, path, secure, expiry, name, value;
};

static bool
read_entry(struct slice line, struct entry *e)
{
	const struct slice http_only = SLICE("#HttpOnly_");
	struct slice *field[FIELDS] = { &e->host, &e->subdomains, &e->path, &e->secure, &e->expiry,
		&e->name, &e->value };

	*e = (struct entry){ .host = { NULL, 0 } };
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (slice_starts(line, http_only))
		line = (struct slice){ line.ptr + http_only.len, line.len - http_only.len };
	else if (slice_starts(line, SLICE("#")))
		return false;
	for (unsigned i = 0; i < FIELDS; i++) {
		if (line.ptr == NULL)
			return false;
		*field[i] = slice_split(line, '\t', &line);
	}
	if (slice_starts(e->host, SLICE(".")))
		e->host = (struct slice){ e->host.ptr + 1, e->host.len - 1 };
	return line.ptr == NULL && e->host.len > 0 && e->name.len > 0;
}

void
jar_cookies(struct text *out, struct slice jar, const char *host, bool https, int64_t now_s)
{
	struct entry e;

	while (jar.len > 0) {
		unsigned long long expiry;

		if (!read_entry(slice_split(jar, '\n', &jar), &e) ||
		    !slice_equal_nocase(e.host, jar_host(host)) ||
		    !slice_equal(e.path, SLICE("/")) || !all_octets(e.name) ||
		    !all_octets(e.value) || (slice_equal(e.secure, SLICE("TRUE")) && !https) ||
		    !slice_number(e.expiry, INT64_MAX, &expiry) ||
		    (expiry != 0 && (int64_t)expiry <= now_s))
			continue;
		if (e.name.len + e.value.len + 3 > out->cap - out->len)
			break;
		if (out->len > 0)
			text_put(out, SLICE("; "));
		text_put(out, e.name);
		text_byte(out, '=');
		text_put(out, e.value);
	}
}

char *
jar_with(struct slice jar, struct slice line, size_t *bytes)
{
	static const char head[] = "# Netscape HTTP Cookie File\n\n";
	size_t cap = jar.len + line.len + sizeof(head) + 1;
	char *buf = xcalloc(cap, 1);
	struct text out = { .buf = buf, .cap = cap };
	struct entry ours, e;
	bool known = read_entry(slice_split(line, '\n', &(struct slice){ NULL, 0 }), &ours);

	if (jar.len == 0)
		text_put(&out, slice_of(head));
	while (jar.len > 0) {
		struct slice old = slice_split(jar, '\n', &jar);

		if (known && read_entry(old, &e) && slice_equal_nocase(e.host, ours.host) &&
		    slice_equal(e.name, ours.name))
			continue;
		text_put(&out, old);
		text_byte(&out, '\n');
	}
	text_put(&out, line);
	*bytes = out.len;
	return buf;
}

/* ---- the file ---- */

char *
jar_read(const char *file, size_t *bytes, const char **why)
{
	*bytes = 0;
	if (access(file, F_OK) != 0 && errno == ENOENT)
		return xstrdup("");
	return file_read(file, JAR_BYTES_MAX, bytes, why);
}

static bool
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = (struct slice){ s.ptr + n, s.len - (size_t)n };
	}
	return fsync(fd) == 0;
}

bool
jar_write(const char *file, struct slice jar, const char **why)
{
	char fresh[PATH_MAX];
	/* What a link leads to is replaced, not the link. */
	char *real = realpath(file, NULL);
	const char *target = real != NULL ? real : file;
	int n = snprintf(fresh, sizeof(fresh), "%s.new.%d", target, (int)getpid());
	int fd = -1;
	bool good;

	errno = ENAMETOOLONG;
	if (n > 0 && (size_t)n < sizeof(fresh))
		fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	good = fd >= 0 && write_all(fd, jar) && rename(fresh, target) == 0;
	if (!good) {
		*why = strerror(errno);
		if (fd >= 0)
			unlink(fresh);
	}
	if (fd >= 0)
		close(fd);
	free(real);
	return good;
}
