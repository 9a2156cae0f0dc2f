#include "base/dns_message.h"

#include <string.h>

#include "base/text.h"

#define HEADER_BYTES 12u
#define FLAG_ANSWER 0x8000u
#define FLAG_OPCODE 0x7800u
#define FLAG_TRUNCATED 0x0200u
#define RCODE 0x000fu
#define NXDOMAIN 3u
#define CLASS_IN 1u
#define TYPE_CNAME 5u
#define TYPE_SOA 6u
#define CNAMES_MAX 16u
#define JUMPS_MAX 64u
#define WIRE_NAME_MAX 255u
#define ANSWERS_MAX 1024u /* each is read once for each alias */

struct reader {
	const uint8_t *bytes;
	size_t n, at;
	bool bad;
};

static uint32_t
take(struct reader *r, unsigned bytes)
{
	uint32_t x = 0;

	if (r->bad || bytes > r->n - r->at) {
		r->bad = true;
		return 0;
	}
	while (bytes-- > 0)
		x = x << 8 | r->bytes[r->at++];
	return x;
}

/*
 * A name as text, in `out`; {NULL, 0} if it is no normal one (a label with a dot or a blank in it,
 * the root): such a name is never asked for, and never believed. r->bad: malformed.
 */
static struct slice
read_name(struct reader *r, char out[DNS_NAME_MAX + 1])
{
	char text[WIRE_NAME_MAX + 1];
	size_t at = r->at, len = 0, wire = 1;
	unsigned jumps = 0;
	bool odd = false;

	while (!r->bad) {
		uint8_t n = at < r->n ? r->bytes[at] : 0xff;

		if (at >= r->n || (n > 63 && n < 0xc0)) {
			r->bad = true;
		} else if (n >= 0xc0) {
			size_t to;

			if (r->n - at < 2) {
				r->bad = true;
				break;
			}
			to = (size_t)(n & 63) << 8 | r->bytes[at + 1];
			if (jumps == 0)
				r->at = at + 2;
			/* Backwards only, so that it comes to an end. */
			r->bad |= to >= at || ++jumps > JUMPS_MAX;
			at = to;
		} else if (n == 0) {
			if (jumps == 0)
				r->at = at + 1;
			break;
		} else {
			wire += n + 1u;
			if (n >= r->n - at || wire > WIRE_NAME_MAX) {
				r->bad = true;
				break;
			}
			if (len > 0)
				text[len++] = '.';
			memcpy(text + len, r->bytes + at + 1, n);
			odd |= memchr(text + len, '.', n) != NULL;
			len += n;
			at += n + 1u;
		}
	}
	if (r->bad || odd || len == 0)
		return (struct slice){ NULL, 0 };
	return dns_name_normal((struct slice){ text, len }, out);
}

struct record {
	char store[DNS_NAME_MAX + 1];
	struct slice name;
	uint32_t type, class, ttl_s;
	size_t data, bytes; /* where its data stands */
};

static void
read_record(struct reader *r, struct record *out)
{
	out->name = read_name(r, out->store);
	out->type = take(r, 2);
	out->class = take(r, 2);
	out->ttl_s = take(r, 4);
	/* RFC 2181, 8: what looks negative is none. */
	if (out->ttl_s > INT32_MAX)
		out->ttl_s = 0;
	out->bytes = take(r, 2);
	out->data = r->at;
	if (r->bad || out->bytes > r->n - r->at)
		r->bad = true;
	else
		r->at += out->bytes;
}

static bool
is_known(const struct dns_message *m, const uint8_t *record, size_t n)
{
	for (size_t at = 0; at < m->bytes; at += n)
		if (memcmp(m->data + at, record, n) == 0)
			return true;
	return false;
}

/* Names have any length, so they are walked by their own. */
static bool
is_known_name(const struct dns_message *m, const uint8_t *record, size_t n)
{
	for (size_t at = 0; at < m->bytes; at += m->data[at] + 1u)
		if (m->data[at] + 1u == n && memcmp(m->data + at, record, n) == 0)
			return true;
	return false;
}

static void
keep(struct dns_message *m, enum dns_type type, const uint8_t *record, size_t n)
{
	bool known = type == DNS_PTR ? is_known_name(m, record, n) : is_known(m, record, n);

	if (known || m->count == DNS_RECORDS_MAX || n > sizeof(m->data) - m->bytes)
		return;
	memcpy(m->data + m->bytes, record, n);
	m->bytes += n;
	m->count++;
}

/* What an answer's record says, if it is what was asked for. False: malformed. */
static bool
keep_record(
    const struct reader *r, const struct record *record, enum dns_type type, struct dns_message *m)
{
	const size_t want = type == DNS_A ? 4 : 16;
	struct reader in = *r;
	char name[1 + DNS_NAME_MAX + 1];
	struct slice target;

	if (type != DNS_PTR) {
		if (record->bytes != want)
			return false;
		keep(m, type, r->bytes + record->data, want);
		return true;
	}
	in.at = record->data;
	target = read_name(&in, name + 1);
	if (in.bad || in.at != record->data + record->bytes)
		return false;
	name[0] = (char)target.len;
	if (target.len > 0)
		keep(m, type, (const uint8_t *)name, target.len + 1);
	return true;
}

/* One pass over the answers of a name: its records, or the name that it is another one for. */
struct pass {
	struct slice name;
	char next[DNS_NAME_MAX + 1];
	size_t next_len; /* 0: it is no alias */
	uint32_t ttl_s;
};

static bool
look_for(
    struct reader r, unsigned answers, enum dns_type type, struct pass *p, struct dns_message *m)
{
	p->next_len = 0;
	for (unsigned i = 0; i < answers; i++) {
		struct record record;

		read_record(&r, &record);
		if (r.bad)
			return false;
		if (record.class != CLASS_IN || !slice_equal(record.name, p->name))
			continue;
		if (record.type == (uint32_t)type) {
			if (!keep_record(&r, &record, type, m))
				return false;
		} else if (record.type == TYPE_CNAME) {
			struct reader in = r;
			struct slice target;

			in.at = record.data;
			target = read_name(&in, p->next);
			if (in.bad || in.at != record.data + record.bytes)
				return false;
			p->next_len = target.len;
		} else {
			continue;
		}
		if (record.ttl_s < p->ttl_s)
			p->ttl_s = record.ttl_s;
	}
	return true;
}

/* How long there is none: RFC 2308, 5. */
static bool
read_authority(struct reader *r, unsigned records, uint32_t *ttl_s)
{
	*ttl_s = 0;
	for (unsigned i = 0; i < records; i++) {
		struct record record;
		struct reader in;
		char name[DNS_NAME_MAX + 1];
		uint32_t minimum;

		read_record(r, &record);
		if (r->bad)
			return false;
		if (record.type != TYPE_SOA || record.class != CLASS_IN)
			continue;
		in = *r;
		in.at = record.data;
		read_name(&in, name);
		read_name(&in, name);
		for (unsigned k = 0; k < 4; k++)
			take(&in, 4);
		minimum = take(&in, 4);
		if (in.bad || in.at != record.data + record.bytes)
			return false;
		if (minimum > INT32_MAX)
			minimum = 0;
		*ttl_s = minimum < record.ttl_s ? minimum : record.ttl_s;
		return true;
	}
	return true;
}

static void
skip(struct reader *r, unsigned records)
{
	struct record record;

	while (records-- > 0 && !r->bad)
		read_record(r, &record);
}

/* Is it an answer to q? Leaves the reader behind the question. */
static bool
is_answer(struct reader *r, const struct dns_question *q, unsigned flags, unsigned questions)
{
	char store[DNS_NAME_MAX + 1];
	struct slice name;

	if (r->bad || (flags & FLAG_ANSWER) == 0 || (flags & FLAG_OPCODE) != 0 || questions != 1)
		return false;
	name = read_name(r, store);
	return slice_equal(name, q->name) && take(r, 2) == (uint32_t)q->type &&
	       take(r, 2) == CLASS_IN && !r->bad;
}

/* Follow the name through its aliases. False: malformed. */
static bool
resolve(struct reader *r, unsigned answers, const struct dns_question *q, struct dns_message *m)
{
	struct pass p = { .name = q->name, .ttl_s = INT32_MAX };
	char name[DNS_NAME_MAX + 1];

	for (unsigned i = 0; i < CNAMES_MAX; i++) {
		if (!look_for(*r, answers, q->type, &p, m))
			return false;
		if (m->count > 0 || p.next_len == 0)
			break;
		memcpy(name, p.next, p.next_len);
		p.name = (struct slice){ name, p.next_len };
	}
	m->ttl_s = p.ttl_s;
	skip(r, answers);
	return !r->bad;
}

void
dns_message_read(
    const uint8_t *bytes, size_t n, const struct dns_question *q, struct dns_message *out)
{
	struct reader r = { bytes, n, 0, false };
	unsigned flags, count[4];
	uint32_t none_s = 0;

	out->state = DNS_FAILED;
	out->ttl_s = 0;
	out->rcode = 0;
	out->malformed = true;
	out->count = 0;
	out->bytes = 0;
	take(&r, 2);
	flags = take(&r, 2);
	for (unsigned i = 0; i < 4; i++)
		count[i] = take(&r, 2);
	if (r.bad)
		return;
	out->rcode = flags & RCODE;
	if (!is_answer(&r, q, flags, count[0]))
		return;
	if ((flags & FLAG_TRUNCATED) != 0 || (out->rcode != 0 && out->rcode != NXDOMAIN)) {
		out->malformed = false;
		return;
	}
	if (count[1] > ANSWERS_MAX || !resolve(&r, count[1], q, out) ||
	    !read_authority(&r, count[2], &none_s)) {
		out->count = 0;
		out->bytes = 0;
		out->ttl_s = 0;
		return;
	}
	out->malformed = false;
	out->state = out->count > 0 && out->rcode == 0 ? DNS_FOUND : DNS_NONE;
	if (out->state == DNS_FOUND)
		return;
	out->count = 0;
	out->bytes = 0;
	out->ttl_s = none_s;
}
