#include "base/dns_message.h"

#include <assert.h>
#include <string.h>

#define HEADER_BYTES 12u
#define FLAG_ANSWER 0x8000u
#define FLAG_OPCODE 0x7800u
#define FLAG_TRUNCATED 0x0200u
#define RCODE 0x000fu
#define NXDOMAIN 3u
#define CLASS_IN 1u
#define TYPE_NS 2u
#define TYPE_CNAME 5u
#define TYPE_SOA 6u
#define CNAMES_MAX 16u
#define JUMPS_MAX 64u
#define WIRE_NAME_MAX 255u
#define ANSWERS_MAX 1024u /* each is read once for each alias that stands out of order */

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
 * A name as it goes over the wire, in lower case (no length of a label looks like a letter). Any
 * bytes: an alias may lead through names that are no host's (RFC 2317: "1.0/25.2.0.192…").
 */
struct name {
	uint8_t wire[WIRE_NAME_MAX];
	size_t len;
};

static bool
name_equal(const struct name *a, const struct name *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

/* The place that the pointer at `at` leads to. Backwards only, so that it comes to an end. */
static size_t
pointed_to(struct reader *r, size_t at, unsigned jumps)
{
	size_t to;

	if (r->n - at < 2 || jumps >= JUMPS_MAX) {
		r->bad = true;
		return at;
	}
	to = (size_t)(r->bytes[at] & 63) << 8 | r->bytes[at + 1];
	r->bad |= to >= at;
	return to;
}

static void
read_name(struct reader *r, struct name *out)
{
	size_t at = r->at;
	unsigned jumps = 0;

	out->len = 0;
	while (!r->bad) {
		uint8_t n = at < r->n ? r->bytes[at] : 64;

		if (n >= 0xc0) {
			size_t to = pointed_to(r, at, jumps);

			if (jumps++ == 0)
				r->at = at + 2;
			at = to;
			continue;
		}
		if (n > 63 || n >= r->n - at || n >= WIRE_NAME_MAX - out->len) {
			r->bad = true;
			break;
		}
		out->wire[out->len++] = n;
		for (size_t i = 1; i <= n; i++)
			out->wire[out->len++] = (uint8_t)ascii_lower((char)r->bytes[at + i]);
		at += n + 1u;
		if (n == 0)
			break;
	}
	if (jumps == 0)
		r->at = at;
}

/* In `out`; {NULL, 0} if it is no host's: a dot or a blank in a label, the root. */
static struct slice
name_text(const struct name *name, char out[DNS_NAME_MAX + 1])
{
	char text[WIRE_NAME_MAX];
	size_t len = 0;

	for (size_t at = 0; name->wire[at] != 0; at += name->wire[at] + 1u) {
		if (memchr(name->wire + at + 1, '.', name->wire[at]) != NULL)
			return (struct slice){ NULL, 0 };
		if (len > 0)
			text[len++] = '.';
		memcpy(text + len, name->wire + at + 1, name->wire[at]);
		len += name->wire[at];
	}
	return dns_name_normal((struct slice){ text, len }, out);
}

static struct name
name_of(struct slice normal)
{
	struct name out = { .len = 0 };

	while (normal.len > 0) {
		struct slice label = slice_split(normal, '.', &normal);

		assert(label.len <= 63 && label.len + 2 <= WIRE_NAME_MAX - out.len);
		out.wire[out.len++] = (uint8_t)label.len;
		memcpy(out.wire + out.len, label.ptr, label.len);
		out.len += label.len;
	}
	out.wire[out.len++] = 0;
	return out;
}

struct record {
	struct name name;
	uint32_t type, class, ttl_s;
	size_t data, bytes; /* where its data stands */
};

static void
read_record(struct reader *r, struct record *out)
{
	read_name(r, &out->name);
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

/* The name that a record has for its data, nothing behind it. */
static void
name_in(struct reader *r, const struct record *record, struct name *out)
{
	struct reader in = *r;

	in.at = record->data;
	read_name(&in, out);
	r->bad |= in.bad || in.at != record->data + record->bytes;
}

/* What an answer's record says, if it is what was asked for. */
static void
keep_record(
    struct reader *r, const struct record *record, enum dns_type type, struct dns_message *m)
{
	const size_t want = type == DNS_A ? 4 : 16;
	char text[1 + DNS_NAME_MAX + 1];
	struct slice target;
	struct name name;

	if (type != DNS_PTR) {
		if (record->bytes == want)
			keep(m, type, r->bytes + record->data, want);
		else
			r->bad = true;
		return;
	}
	name_in(r, record, &name);
	if (r->bad)
		return;
	target = name_text(&name, text + 1);
	text[0] = (char)target.len;
	if (target.len > 0)
		keep(m, type, (const uint8_t *)text, target.len + 1);
}

/*
 * One pass over the answers: the records of *name. Where it is another name for something it
 * becomes that, and the pass goes on. Returns how many aliases it met.
 */
static unsigned
look_for(struct reader *at, unsigned answers, enum dns_type type, struct name *name,
    struct dns_message *m)
{
	struct reader r = *at;
	unsigned aliases = 0;

	for (unsigned i = 0; i < answers && !r.bad; i++) {
		struct record record;

		read_record(&r, &record);
		if (r.bad || record.class != CLASS_IN || !name_equal(&record.name, name))
			continue;
		if (record.type == TYPE_CNAME) {
			name_in(&r, &record, name);
			aliases++;
			m->count = 0;
			m->bytes = 0;
		} else if (record.type == (uint32_t)type) {
			keep_record(&r, &record, type, m);
		} else {
			continue;
		}
		if (record.ttl_s < m->ttl_s)
			m->ttl_s = record.ttl_s;
	}
	at->bad = r.bad;
	return aliases;
}

/* Follow the name through its aliases. False: they are too many, or go round in a circle. */
static bool
resolve(struct reader *r, unsigned answers, const struct dns_question *q, struct dns_message *m)
{
	struct name name = name_of(q->name);
	unsigned aliases = 0, met;

	m->ttl_s = INT32_MAX;
	/* In whatever order they stand: once more, until a pass finds all there is of one name. */
	do {
		met = look_for(r, answers, q->type, &name, m);
		aliases += met;
	} while (met > 0 && aliases <= CNAMES_MAX && !r->bad);
	return aliases <= CNAMES_MAX;
}

/*
 * How long there is none: RFC 2308, 5. False: a server that knows only whom else to ask (2.2: name
 * servers, and no SOA).
 */
static bool
read_authority(struct reader *r, unsigned records, uint32_t *ttl_s)
{
	bool referral = false;

	*ttl_s = 0;
	for (unsigned i = 0; i < records; i++) {
		struct record record;
		struct reader in;
		struct name name;
		uint32_t minimum;

		read_record(r, &record);
		if (r->bad)
			return false;
		referral |= record.type == TYPE_NS;
		if (record.type != TYPE_SOA || record.class != CLASS_IN)
			continue;
		in = *r;
		in.at = record.data;
		read_name(&in, &name);
		read_name(&in, &name);
		for (unsigned k = 0; k < 4; k++)
			take(&in, 4);
		minimum = take(&in, 4);
		r->bad |= in.bad || in.at != record.data + record.bytes;
		if (minimum > INT32_MAX)
			minimum = 0;
		*ttl_s = minimum < record.ttl_s ? minimum : record.ttl_s;
		return true;
	}
	return !referral;
}

/* Is it an answer to q? Leaves the reader behind the question. */
static bool
is_answer(struct reader *r, const struct dns_question *q, unsigned flags, unsigned questions)
{
	struct name asked = name_of(q->name), name;

	if (r->bad || (flags & FLAG_ANSWER) == 0 || (flags & FLAG_OPCODE) != 0 || questions != 1)
		return false;
	read_name(r, &name);
	return take(r, 2) == (uint32_t)q->type && take(r, 2) == CLASS_IN && !r->bad &&
	       name_equal(&name, &asked);
}

static void
skip(struct reader *r, unsigned records)
{
	struct record record;

	while (records-- > 0 && !r->bad)
		read_record(r, &record);
}

/* What its sections say. */
static enum dns_state
read_sections(
    struct reader *r, const unsigned count[4], const struct dns_question *q, struct dns_message *m)
{
	uint32_t none_s;
	bool known;

	if (count[1] > ANSWERS_MAX || !resolve(r, count[1], q, m))
		return DNS_FAILED;
	skip(r, count[1]);
	known = read_authority(r, count[2], &none_s);
	if (r->bad)
		return DNS_FAILED;
	if (m->count > 0 && m->rcode == 0)
		return DNS_FOUND;
	/* Of aliases that lead to nothing, too. */
	if (none_s < m->ttl_s)
		m->ttl_s = none_s;
	return known || m->rcode == NXDOMAIN ? DNS_NONE : DNS_FAILED;
}

void
dns_message_read(
    const uint8_t *bytes, size_t n, const struct dns_question *q, struct dns_message *out)
{
	struct reader r = { bytes, n, 0, false };
	unsigned flags, count[4];

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
	if ((flags & FLAG_TRUNCATED) == 0 && (out->rcode == 0 || out->rcode == NXDOMAIN))
		out->state = read_sections(&r, count, q, out);
	out->malformed = r.bad;
	if (out->state != DNS_FOUND) {
		out->count = 0;
		out->bytes = 0;
	}
	if (out->state == DNS_FAILED)
		out->ttl_s = 0;
}
