#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

const char *const binding_names[4] = { "none", "net", "exact", "circuit" };

struct address
address_from_bytes(const void *bytes, size_t n)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct address a = { { 0 }, 0 };

	if (n == 16 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		bytes = (const uint8_t *)bytes + sizeof(mapped);
		n = 4;
	}
	if (n == 4 || n == 16) {
		memcpy(a.bytes, bytes, n);
		a.family = n == 4 ? 4 : 6;
	}
	return a;
}

bool
address_parse(struct slice s, struct address *out)
{
	char text[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];
	bool six;

	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len) != NULL)
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	six = memchr(s.ptr, ':', s.len) != NULL;
	if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1)
		return false;
	*out = address_from_bytes(bytes, six ? 16 : 4);
	return true;
}

size_t
address_format(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	if (a->family == 0 ||
	    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, out, ADDRESS_TEXT_MAX) == NULL)
		memcpy(out, "-", 2);
	return strlen(out);
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct address
address_mask(const struct address *a, unsigned bits4, unsigned bits6)
{
	struct address m = { { 0 }, a->family };
	unsigned bits = a->family == 4 ? bits4 : a->family == 6 ? bits6 : 0;

	if (bits > 8 * sizeof(m.bytes))
		bits = 8 * sizeof(m.bytes);
	memcpy(m.bytes, a->bytes, bits / 8);
	if (bits % 8 != 0)
		m.bytes[bits / 8] = (uint8_t)(a->bytes[bits / 8] & 0xff << (8 - bits % 8));
	return m;
}

bool
address_is_circuit(const struct address *a)
{
	static const uint8_t tor[8] = { 0xfc, 0x00, 0xde, 0xad, 0xbe, 0xef, 0x4d, 0xad };

	return a->family == 6 && memcmp(a->bytes, tor, sizeof(tor)) == 0;
}

static bool
within(const struct address *a, const uint8_t *base, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a->bytes, base, whole) == 0 &&
	       (rest == 0 || (a->bytes[whole] ^ base[whole]) >> (8 - rest) == 0);
}

bool
address_is_public(const struct address *a)
{
	/* RFC 6890 and what came after it; 0/8, 10/8, 127/8 and 224/3 by their first byte below. */
	static const struct {
		uint8_t base[3], bits;
	} four[] = { { { 100, 64 }, 10 }, { { 169, 254 }, 16 }, { { 172, 16 }, 12 },
		{ { 192, 0, 0 }, 24 }, { { 192, 0, 2 }, 24 }, { { 192, 88, 99 }, 24 },
		{ { 192, 168 }, 16 }, { { 198, 18 }, 15 }, { { 198, 51, 100 }, 24 },
		{ { 203, 0, 113 }, 24 } };
	/* Of 2000::/3; all else is not for everybody. */
	static const struct {
		uint8_t base[6], bits;
	} six[] = { { { 0x20, 0x01, 0x00, 0x02 }, 48 }, { { 0x20, 0x01, 0x00, 0x10 }, 28 },
		{ { 0x20, 0x01, 0x00, 0x20 }, 28 }, { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },
		{ { 0x3f, 0xff }, 20 } };
	const uint8_t first = a->bytes[0];

	if (a->family == 4) {
		if (first == 0 || first == 10 || first == 127 || first >= 224)
			return false;
		for (size_t i = 0; i < sizeof(four) / sizeof(four[0]); i++)
			if (within(a, four[i].base, four[i].bits))
				return false;
		return true;
	}
	if (a->family != 6 || (first & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < sizeof(six) / sizeof(six[0]); i++)
		if (within(a, six[i].base, six[i].bits))
			return false;
	return true;
}

bool
prefix_parse(struct slice s, struct prefix *out, const char **why)
{
	struct slice bits_text, base_text = slice_split(s, '/', &bits_text);
	struct address a, masked;
	unsigned long long bits;
	unsigned most;

	if (bits_text.ptr == NULL) {
		*why = address_parse(s, &a) ? "an address without a length: write /32 (IPv4) or "
					      "/128 (IPv6) behind it for one address"
					    : "not a prefix: write 192.0.2.0/24 or 2001:db8::/32";
		return false;
	}
	if (!address_parse(base_text, &a)) {
		*why = "not a prefix: write 192.0.2.0/24 or 2001:db8::/32";
		return false;
	}
	most = a.family == 4 ? 32 : 128;
	if (!slice_number(bits_text, 128, &bits)) {
		*why = "the length behind the / is a number, 0 to 32 (IPv4) or 0 to 128 (IPv6)";
		return false;
	}
	/* ::ffff:192.0.2.0/120 became 192.0.2.0 when it was parsed. */
	if (a.family == 4 && memchr(base_text.ptr, ':', base_text.len) != NULL) {
		if (bits < 96) {
			*why = "an IPv4-mapped prefix has a length of at least 96";
			return false;
		}
		bits -= 96;
	}
	if (bits > most) {
		*why = "the length behind the / is larger than the address has bits";
		return false;
	}
	masked = address_mask(&a, (unsigned)bits, (unsigned)bits);
	*out = (struct prefix){ masked, (uint8_t)bits };
	return true;
}

struct address
binding_apply(enum binding b, const struct address *client)
{
	switch (b) {
	case BINDING_EXACT:
		return *client;
	case BINDING_CIRCUIT:
		if (address_is_circuit(client))
			return *client;
		return address_mask(client, 24, 48);
	case BINDING_NET:
		return address_mask(client, 24, 48);
	case BINDING_NONE:
		break;
	}
	return (struct address){ { 0 }, 0 };
}
