#include "base/dns_message.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const uint8_t *data, size_t size, enum dns_type type, struct slice asked)
{
	static struct dns_message m;
	const struct dns_question q = { .type = type, .name = asked };
	struct dns_answer a = { .type = type };
	struct slice record;
	unsigned records = 0;
	size_t at = 0;

	memset(&m, 0xff, sizeof(m));
	dns_message_read(data, size, &q, &m);
	assert(m.state != DNS_UNKNOWN && m.rcode <= 15 && m.ttl_s <= INT32_MAX);
	assert(m.bytes <= sizeof(m.data) && m.count <= DNS_RECORDS_MAX);
	assert((m.state == DNS_FOUND) == (m.count > 0) && (m.bytes > 0) == (m.count > 0));
	assert(!m.malformed || m.state == DNS_FAILED);
	assert(m.state != DNS_FAILED || m.ttl_s == 0);
	assert(m.state != DNS_FOUND || m.rcode == 0);
	a.state = m.state;
	a.count = m.count;
	a.data = (struct slice){ (const char *)m.data, m.bytes };
	while (dns_answer_next(&a, &at, &record)) {
		char normal[DNS_NAME_MAX + 1];

		records++;
		if (type == DNS_PTR)
			assert(slice_equal(dns_name_normal(record, normal), record));
	}
	assert(records == m.count && at == m.bytes);
	/* Cut short it is never as good. */
	if (m.state == DNS_FOUND && size <= 128) {
		static struct dns_message cut;

		dns_message_read(data, 12 + asked.len, &q, &cut);
		assert(cut.state == DNS_FAILED && cut.malformed);
	}
}

/* Asked for what the message says that it answers, and for something of its own. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_PTR, DNS_AAAA };
	char text[256], normal[DNS_NAME_MAX + 1];
	size_t len = 0, at = 12;
	struct slice asked;

	while (at < size && data[at] > 0 && data[at] <= 63 && size - at > data[at] + 1u) {
		if (len + data[at] + 1u > sizeof(text))
			break;
		if (len > 0)
			text[len++] = '.';
		memcpy(text + len, data + at + 1, data[at]);
		len += data[at];
		at += data[at] + 1u;
	}
	asked = dns_name_normal((struct slice){ text, len }, normal);
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (asked.len > 0)
			check(data, size, types[i], asked);
		check(data, size, types[i], SLICE("a.test"));
	}
	return 0;
}
