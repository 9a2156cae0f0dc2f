#include "base/mmdb.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

struct mmdb {
	MMDB_s db;
};

static const char *
describe(int status, int error)
{
	switch (status) {
	case MMDB_FILE_OPEN_ERROR:
	case MMDB_IO_ERROR:
		return error != 0 ? strerror(error) : "it cannot be read";
	case MMDB_OUT_OF_MEMORY_ERROR:
		return "no memory to map it";
	default:
		return "it is no MMDB file, or is damaged or cut off: fetch it again";
	}
}

struct mmdb *
mmdb_open(const char *file, const char **why)
{
	struct mmdb *m;
	struct stat st;
	int status;

	/* The library would wait for the writer of a FIFO. */
	if (stat(file, &st) != 0) {
		*why = strerror(errno);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		*why = S_ISDIR(st.st_mode) ? "it is a folder: name a file in it"
					   : "it is no regular file";
		return NULL;
	}
	if (st.st_size == 0) {
		*why = "the file is empty";
		return NULL;
	}
	m = xcalloc(1, sizeof(*m));
	errno = 0;
	status = MMDB_open(file, MMDB_MODE_MMAP, &m->db);
	if (status == MMDB_SUCCESS)
		return m;
	*why = describe(status, errno);
	free(m);
	return NULL;
}

void
mmdb_close(struct mmdb *m)
{
	if (m == NULL)
		return;
	MMDB_close(&m->db);
	free(m);
}

static bool
find(const struct mmdb *m, const struct address *a, MMDB_entry_s *out)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} to = { 0 };
	MMDB_lookup_result_s result;
	int error = MMDB_SUCCESS;

	if (a->family == 4) {
		to.four.sin_family = AF_INET;
		memcpy(&to.four.sin_addr, a->bytes, 4);
	} else if (a->family == 6 && !address_is_circuit(a)) {
		to.six.sin6_family = AF_INET6;
		memcpy(&to.six.sin6_addr, a->bytes, 16);
	} else {
		return false;
	}
	result = MMDB_lookup_sockaddr(&m->db, &to.any, &error);
	*out = result.entry;
	return error == MMDB_SUCCESS && result.found_entry;
}

/* MMDB_get_value and MMDB_vget_value allocate the path; MMDB_aget_value does not. */
static bool
value(MMDB_entry_s *entry, const char *name, const char *below, MMDB_entry_data_s *out)
{
	const char *const path[] = { name, below, NULL };

	return MMDB_aget_value(entry, out, path) == MMDB_SUCCESS && out->has_data;
}

static bool
letter(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool
country(const MMDB_entry_data_s *d, char out[2])
{
	const char *s = d->utf8_string;

	if (d->type != MMDB_DATA_TYPE_UTF8_STRING || d->data_size != 2 || !letter(s[0]) ||
	    !letter(s[1]))
		return false;
	/* Without its bit 5 an ASCII letter is a capital. */
	out[0] = (char)(s[0] & ~0x20);
	out[1] = (char)(s[1] & ~0x20);
	return true;
}

bool
mmdb_country(const struct mmdb *m, const struct address *a, char out[2])
{
	static const char *const paths[][2] = { { "country", "iso_code" }, { "country_code", NULL },
		{ "country", NULL }, { "registered_country", "iso_code" } };
	MMDB_entry_data_s data;
	MMDB_entry_s entry;

	if (!find(m, a, &entry))
		return false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (value(&entry, paths[i][0], paths[i][1], &data) && country(&data, out))
			return true;
	return false;
}

static uint32_t
number(const MMDB_entry_data_s *d)
{
	unsigned long long n = 0;
	struct slice s;

	switch (d->type) {
	case MMDB_DATA_TYPE_UINT16:
		return d->uint16;
	case MMDB_DATA_TYPE_UINT32:
		return d->uint32;
	case MMDB_DATA_TYPE_INT32:
		return d->int32 > 0 ? (uint32_t)d->int32 : 0;
	case MMDB_DATA_TYPE_UINT64:
		return d->uint64 <= UINT32_MAX ? (uint32_t)d->uint64 : 0;
	case MMDB_DATA_TYPE_UTF8_STRING:
		s = (struct slice){ d->utf8_string, d->data_size };
		if (slice_starts(s, SLICE("AS")))
			s = (struct slice){ s.ptr + 2, s.len - 2 };
		return slice_number(s, UINT32_MAX, &n) ? (uint32_t)n : 0;
	default:
		return 0;
	}
}

uint32_t
mmdb_asn(const struct mmdb *m, const struct address *a)
{
	MMDB_entry_data_s data;
	MMDB_entry_s entry;

	if (!find(m, a, &entry))
		return 0;
	if (value(&entry, "autonomous_system_number", NULL, &data) ||
	    value(&entry, "asn", NULL, &data))
		return number(&data);
	return 0;
}
