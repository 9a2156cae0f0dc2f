#include "base/host.h"

#include <string.h>

static struct slice
without_final_dots(struct slice s)
{
	while (s.len > 0 && s.ptr[s.len - 1] == '.')
		s.len--;
	return s;
}

/* Without ":443" behind a name or a closing bracket. A bare IPv6 address has no port. */
static struct slice
without_port(struct slice s)
{
	size_t digits = s.len, name;

	while (digits > 0 && s.ptr[digits - 1] >= '0' && s.ptr[digits - 1] <= '9')
		digits--;
	if (digits == 0 || s.ptr[digits - 1] != ':')
		return s;
	name = digits - 1;
	if (memchr(s.ptr, ':', name) == NULL || (s.ptr[0] == '[' && s.ptr[name - 1] == ']'))
		s.len = name;
	return s;
}

struct slice
host_normal(struct slice host, char store[HOST_MAX])
{
	if (host.len > HOST_MAX)
		host.len = HOST_MAX;
	host = without_final_dots(without_port(without_final_dots(host)));
	for (size_t i = 0; i < host.len; i++)
		store[i] = ascii_lower(host.ptr[i]);
	return (struct slice){ store, host.len };
}
