#include "cli/inputs.h"

#include "base/text.h"

void
inputs_header(const struct policy *p, struct request *r, struct slice name, struct slice value)
{
	char argument[256];
	struct text t = { .buf = argument, .cap = sizeof(argument) };
	int field;

	if (slice_equal_nocase(name, SLICE("user-agent"))) {
		request_set(r, REQUEST_USER_AGENT, value);
		return;
	}
	if (slice_equal_nocase(name, SLICE("host"))) {
		request_set(r, REQUEST_HOST, value);
		return;
	}
	text_put(&t, SLICE("hdr."));
	for (size_t i = 0; i < name.len; i++)
		text_byte(&t, ascii_lower(name.ptr[i]));
	field = t.cut ? REQUEST_FIELD_NONE : policy_field(p, text_slice(&t));
	if (field != REQUEST_FIELD_NONE)
		request_set(r, (unsigned)field, value);
}

void
inputs_target(struct request *r, struct slice target)
{
	struct slice query, path = slice_split(target, '?', &query);

	request_set(r, REQUEST_PATH, path);
	request_set(r, REQUEST_QUERY, query);
}

bool
inputs_logline(
    const struct policy *p, const struct logline *line, struct request *r, struct evidence *e)
{
	const struct {
		enum request_field field;
		struct slice value;
	} fields[] = {
		{ REQUEST_METHOD, line->method },
		{ REQUEST_PATH, line->path },
		{ REQUEST_QUERY, line->query },
		{ REQUEST_HOST, line->host },
		{ REQUEST_USER_AGENT, line->agent },
		{ REQUEST_VERSION, line->version },
		{ REQUEST_TLS, line->tls },
		{ REQUEST_JA3, line->ja3 },
		{ REQUEST_JA4, line->ja4 },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].value.ptr != NULL)
			request_set(r, fields[i].field, fields[i].value);
	for (unsigned i = 0; i < line->headers; i++)
		inputs_header(p, r, line->header[i].name, line->header[i].value);
	if (line->rate >= 0)
		request_set_number(r, REQUEST_RATE, line->rate);
	if (line->pass_rate >= 0)
		request_set_number(r, REQUEST_PASS_RATE, line->pass_rate);
	if (line->pass_age_s >= 0)
		request_set_number(r, REQUEST_PASS_AGE, line->pass_age_s);
	if (line->level > 0)
		e->level = (uint16_t)(line->level < UINT16_MAX ? line->level : UINT16_MAX);
	return address_parse(line->client, &r->src);
}
