#include "policy/request.h"

#include <assert.h>

const char *const request_argument[REQUEST_HEADER] = { "method", "path", "query", "host", "ua",
	"ver", "pass", "tls.version", "tls.ja3", "tls.ja4" };

size_t
request_limit(unsigned field)
{
	static const uint16_t limit[REQUEST_HEADER + 1] = {
		[REQUEST_METHOD] = 32,
		[REQUEST_PATH] = 1024,
		[REQUEST_QUERY] = 1024,
		[REQUEST_HOST] = 255,
		[REQUEST_USER_AGENT] = 512,
		[REQUEST_VERSION] = 8,
		[REQUEST_PASS] = 1024,
		[REQUEST_TLS] = 16,
		[REQUEST_JA3] = 64,
		[REQUEST_JA4] = 64,
		[REQUEST_HEADER] = 256,
	};

	return limit[field < REQUEST_HEADER ? field : REQUEST_HEADER];
}

void
request_set(struct request *r, unsigned field, struct slice value)
{
	size_t limit = request_limit(field);
	uint64_t bit;

	assert(field < REQUEST_FIELDS);
	bit = (uint64_t)1 << field;
	r->cut &= ~bit;
	if (value.len > limit) {
		value.len = limit;
		r->cut |= bit;
	}
	r->field[field] = value;
}

void
request_set_target(struct request *r, struct slice target)
{
	struct slice query, path = slice_split(target, '?', &query);

	request_set(r, REQUEST_PATH, path);
	request_set(r, REQUEST_QUERY, query);
}

void
request_set_number(struct request *r, enum request_number which, int64_t value)
{
	r->number[which] = value;
	r->known |= (uint8_t)(1u << which);
}
