#include "base/address.h"

#include <arpa/inet.h>
#include <endian.h>
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

uint32_t
address_circuit(const struct address *a)
{
	const uint8_t *b = a->bytes + 12;

	if (!address_is_circuit(a))
		return 0;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The first 64 bits of an address, as a number; of IPv4 the upper 32 of them. */
static uint64_t
leading(const uint8_t bytes[8])
{
	uint64_t x;

	memcpy(&x, bytes, sizeof(x));
	return be64toh(x);
}

#define TOP(bits) (~(uint64_t)0 << (64 - (bits)))

bool
address_is_public(const struct address *a)
{
	/* RFC 6890 and what came after it. */
	static const struct {
		uint64_t base, mask;
	} four[] = { { 0x6440000000000000, TOP(10) }, { 0xa9fe000000000000, TOP(16) },
		{ 0xac10000000000000, TOP(12) }, { 0xc000000000000000, TOP(24) },
		{ 0xc000020000000000, TOP(24) }, { 0xc058630000000000, TOP(24) },
		{ 0xc0a8000000000000, TOP(16) }, { 0xc612000000000000, TOP(15) },
		{ 0xc633640000000000, TOP(24) }, { 0xcb00710000000000, TOP(24) } };
	/* Of 2000::/3; all else is not for everybody. */
	static const struct {
		uint64_t base, mask;
	} six[] = { { 0x2001000200000000, TOP(48) }, { 0x2001001000000000, TOP(28) },
		{ 0x2001002000000000, TOP(28) }, { 0x20010db800000000, TOP(32) },
		{ 0x3fff000000000000, TOP(20) } };
	const uint64_t top = leading(a->bytes);
	const uint8_t first = a->bytes[0];

	if (a->family == 4) {
		if (first == 0 || first == 10 || first == 127 || first >= 224)
			return false;
		for (size_t i = 0; i < sizeof(four) / sizeof(four[0]); i++)
			if ((top & four[i].mask) == four[i].base)
				return false;
		return true;
	}
	if (a->family != 6 || (first & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < sizeof(six) / sizeof(six[0]); i++)
		if ((top & six[i].mask) == six[i].base)
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
