#include <ares.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net/resolver_inner.h"

#define PORT 53u

static bool
port_parse(struct slice s, uint16_t *port)
{
	unsigned long long n;

	if (!slice_number(s, UINT16_MAX, &n) || n == 0)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool
place_parse(struct slice s, struct resolver_place *p)
{
	struct slice host = s, rest;

	p->port = PORT;
	if (s.len > 0 && s.ptr[0] == '[') {
		const char *end = memchr(s.ptr, ']', s.len);

		if (end == NULL)
			return false;
		host = (struct slice){ s.ptr + 1, (size_t)(end - s.ptr) - 1 };
		rest = (struct slice){ end + 1, s.len - host.len - 2 };
		if (!address_parse(host, &p->address) || memchr(host.ptr, ':', host.len) == NULL)
			return false;
		return rest.len == 0 ||
		       (rest.ptr[0] == ':' &&
			   port_parse((struct slice){ rest.ptr + 1, rest.len - 1 }, &p->port));
	}
	if (address_parse(s, &p->address))
		return true; /* ::1 needs no brackets where no port follows */
	host = slice_split(s, ':', &rest);
	return rest.ptr != NULL && address_parse(host, &p->address) && port_parse(rest, &p->port);
}

static size_t
list_parse(struct slice s, struct resolver_place out[RESOLVER_SERVERS_MAX], const char **why)
{
	size_t n = 0;
	struct slice rest = s;

	do {
		struct slice one = slice_trim(slice_split(rest, ',', &rest));

		if (n == RESOLVER_SERVERS_MAX) {
			*why = "more than 8 DNS servers";
			return 0;
		}
		if (!place_parse(one, &out[n])) {
			*why = "not a list of DNS servers like 127.0.0.1:53,[::1]:53";
			return 0;
		}
		n++;
	} while (rest.ptr != NULL);
	return n;
}

bool
resolver_servers_valid(struct slice servers, const char **why)
{
	struct resolver_place place[RESOLVER_SERVERS_MAX];

	return list_parse(servers, place, why) > 0;
}

/* c-ares reads it, as it would for itself. */
static size_t
system_read(struct resolver_place out[RESOLVER_SERVERS_MAX], const char **why)
{
	struct ares_addr_port_node *list = NULL;
	ares_channel channel;
	size_t n = 0;

	*why = "no DNS server in resolv.conf";
	if (ares_init(&channel) != ARES_SUCCESS)
		return 0;
	if (ares_get_servers_ports(channel, &list) != ARES_SUCCESS)
		list = NULL;
	for (struct ares_addr_port_node *i = list; i != NULL && n < RESOLVER_SERVERS_MAX;
	     i = i->next) {
		out[n].address = address_from_bytes(&i->addr, i->family == AF_INET6 ? 16 : 4);
		out[n++].port = (uint16_t)(i->udp_port > 0 ? i->udp_port : (int)PORT);
	}
	if (list != NULL)
		ares_free_data(list);
	ares_destroy(channel);
	return n;
}

size_t
resolver_servers_read(
    struct slice servers, struct resolver_place out[RESOLVER_SERVERS_MAX], const char **why)
{
	return servers.len > 0 ? list_parse(servers, out, why) : system_read(out, why);
}

void
resolver_place_format(const struct resolver_place *p, char *out, size_t cap)
{
	char address[ADDRESS_TEXT_MAX];

	address_format(&p->address, address);
	snprintf(
	    out, cap, p->address.family == 6 ? "[%s]:%u" : "%s:%u", address, (unsigned)p->port);
}
