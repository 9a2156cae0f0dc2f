#include "cli/inputs.h"

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
		policy_take_header(p, r, line->header[i].name, line->header[i].value);
	if (line->rate >= 0)
		request_set_number(r, REQUEST_RATE, line->rate);
	if (line->pass_rate >= 0)
		request_set_number(r, REQUEST_PASS_RATE, line->pass_rate);
	if (line->pass_age_s >= 0)
		request_set_number(r, REQUEST_PASS_AGE, line->pass_age_s);
	if (line->level > 0)
		e->level = (uint16_t)(line->level < UINT16_MAX ? line->level : UINT16_MAX);
	if (line->level > 0 && line->pass_by > 0)
		e->by = (uint8_t)(line->pass_by & (METHODS_OFFERED | METHOD_VIDEO_FAILED));
	return address_parse(line->client, &r->src);
}
