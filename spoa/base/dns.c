#include "base/dns.h"

#include <string.h>

const char *const dns_state_names[4] = { "unknown", "found", "none", "failed" };

const char *
dns_type_name(enum dns_type t)
{
	return t == DNS_A ? "A" : t == DNS_AAAA ? "AAAA" : "PTR";
}

bool
dns_answer_next(const struct dns_answer *a, size_t *at, struct slice *record)
{
	const size_t left = a->data.len - *at;
	size_t n, skip = 0;

	if (*at >= a->data.len)
		return false;
	if (a->type == DNS_PTR) {
		n = (unsigned char)a->data.ptr[*at];
		skip = 1;
	} else {
		n = a->type == DNS_A ? 4 : 16;
	}
	if (n > left - skip)
		return false;
	*record = (struct slice){ a->data.ptr + *at + skip, n };
	*at += skip + n;
	return true;
}

struct slice
dns_record_text(enum dns_type type, struct slice record, char room[ADDRESS_TEXT_MAX])
{
	struct address a;

	if (type == DNS_PTR)
		return record;
	a = address_from_bytes(record.ptr, record.len);
	return (struct slice){ room, address_format(&a, room) };
}

struct slice
dns_name_normal(struct slice name, char out[DNS_NAME_MAX + 1])
{
	const struct slice none = { NULL, 0 };
	size_t label = 0;

	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return none;
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);

		if (c == '.' ? label == 0 : !ascii_is_word(c) || ++label > 63)
			return none;
		if (c == '.')
			label = 0;
		out[i] = c;
	}
	if (label == 0)
		return none;
	out[name.len] = '\0';
	return (struct slice){ out, name.len };
}

static char *
put_number(char *p, unsigned n)
{
	if (n >= 100)
		*p++ = (char)('0' + n / 100);
	if (n >= 10)
		*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	*p++ = '.';
	return p;
}

struct slice
dns_reverse(const struct address *a, struct slice zone, char out[DNS_NAME_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	if (zone.len == 0 || (a->family != 4 && a->family != 6))
		return (struct slice){ NULL, 0 };
	if (a->family == 4) {
		for (unsigned i = 4; i-- > 0;)
			p = put_number(p, a->bytes[i]);
	} else {
		for (unsigned i = 16; i-- > 0;) {
			*p++ = digits[a->bytes[i] & 15];
			*p++ = '.';
			*p++ = digits[a->bytes[i] >> 4];
			*p++ = '.';
		}
	}
	if (zone.len > DNS_NAME_MAX - (size_t)(p - out))
		return (struct slice){ NULL, 0 };
	memcpy(p, zone.ptr, zone.len);
	p[zone.len] = '\0';
	return (struct slice){ out, (size_t)(p - out) + zone.len };
}

struct slice
dns_arpa(const struct address *a)
{
	return a->family == 4 ? SLICE("in-addr.arpa") : SLICE("ip6.arpa");
}
