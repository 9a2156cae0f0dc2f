#include "spop/session.h"

/* HAProxy's HELLO has 78 to 129 bytes. What is not SPOP ("GET /…", a TLS record) reads as more. */
#define HELLO_MAX 4096u

enum hello_key { VERSIONS, FRAME_SIZE, CAPABILITIES, HEALTHCHECK, HELLO_KEYS };

static const char *const hello_keys[HELLO_KEYS] = {
	[VERSIONS] = "supported-versions",
	[FRAME_SIZE] = "max-frame-size",
	[CAPABILITIES] = "capabilities",
	[HEALTHCHECK] = "healthcheck",
};

void
spop_session_init(struct spop_session *s)
{
	*s = (struct spop_session){ .state = SPOP_WAIT_HELLO, .max_frame = SPOP_FRAME_LEAST };
}

void
spop_session_disconnect(struct spop_session *s, struct spop_writer *w, enum spop_status status)
{
	uint8_t *begin;

	if (s->state == SPOP_CLOSED)
		return;
	begin = spop_frame_begin(w, SPOP_AGENT_DISCONNECT, 0, 0);
	spop_write_pair_u32(w, SLICE("status-code"), (uint32_t)status);
	spop_write_pair_string(w, SLICE("message"), slice_of(spop_status_text(status)));
	spop_frame_end(w, begin, s->max_frame);
	s->state = SPOP_CLOSED;
}

/* A whole word of a comma list with blanks round it. */
static bool
list_has(struct slice list, struct slice word)
{
	while (list.ptr != NULL)
		if (slice_equal(slice_trim(slice_split(list, ',', &list)), word))
			return true;
	return false;
}

/* Missing is fine here, and NULL is missing. */
static bool
type_fits(enum hello_key key, enum spop_type type)
{
	switch (key) {
	case FRAME_SIZE:
		return type == SPOP_NULL || (type >= SPOP_INT32 && type <= SPOP_UINT64);
	case HEALTHCHECK:
		return type == SPOP_NULL || type == SPOP_BOOL;
	default:
		return type == SPOP_NULL || type == SPOP_STRING;
	}
}

/* Pairs in any order; of a key that comes twice the last one counts. */
static bool
hello_decode(struct spop_reader *r, struct spop_value found[HELLO_KEYS])
{
	for (unsigned k = 0; k < HELLO_KEYS; k++)
		found[k] = (struct spop_value){ .type = SPOP_NULL, .bytes = { NULL, 0 } };
	while (!r->bad && r->pos < r->end) {
		struct slice key = spop_read_string(r);
		struct spop_value value = spop_read_value(r);

		for (unsigned k = 0; k < HELLO_KEYS; k++)
			if (slice_equal(key, slice_of(hello_keys[k])))
				found[k] = value;
	}
	for (unsigned k = 0; k < HELLO_KEYS; k++)
		if (!type_fits((enum hello_key)k, found[k].type))
			return false;
	return !r->bad;
}

/* SPOP_NORMAL: the HELLO is good, and *s is what was agreed. */
static enum spop_status
hello_read(struct spop_session *s, struct spop_reader *r)
{
	struct spop_value found[HELLO_KEYS];
	const struct spop_value *size = &found[FRAME_SIZE];
	bool is_signed;

	if (!hello_decode(r, found))
		return SPOP_INVALID;
	if (found[VERSIONS].type == SPOP_NULL)
		return SPOP_NO_VERSION;
	if (!list_has(found[VERSIONS].bytes, SLICE("2.0")))
		return SPOP_BAD_VERSION;
	if (size->type == SPOP_NULL)
		return SPOP_NO_FRAME_SIZE;
	is_signed = size->type == SPOP_INT32 || size->type == SPOP_INT64;
	if ((is_signed && size->number < 0) || (uint64_t)size->number < SPOP_FRAME_LEAST)
		return SPOP_BAD_FRAME_SIZE;
	s->max_frame =
	    (uint64_t)size->number < SPOP_FRAME_MAX ? (uint32_t)size->number : SPOP_FRAME_MAX;
	s->pipelining = found[CAPABILITIES].type == SPOP_STRING &&
			list_has(found[CAPABILITIES].bytes, SLICE("pipelining"));
	s->healthcheck = found[HEALTHCHECK].type == SPOP_BOOL && found[HEALTHCHECK].truth;
	return SPOP_NORMAL;
}

static bool
hello_answer(const struct spop_session *s, struct spop_writer *w)
{
	uint8_t *begin = spop_frame_begin(w, SPOP_AGENT_HELLO, 0, 0);

	spop_write_pair_string(w, SLICE("version"), SLICE("2.0"));
	spop_write_pair_u32(w, SLICE("max-frame-size"), s->max_frame);
	spop_write_pair_string(
	    w, SLICE("capabilities"), s->pipelining ? SLICE("pipelining") : SLICE(""));
	return spop_frame_end(w, begin, s->max_frame);
}

static enum spop_step
refuse(
    struct spop_session *s, struct spop_writer *w, enum spop_status why, enum spop_status *status)
{
	spop_session_disconnect(s, w, why);
	*status = why;
	return SPOP_STEP_CLOSE;
}

static enum spop_step
on_hello(
    struct spop_session *s, struct spop_frame *f, struct spop_writer *w, enum spop_status *status)
{
	enum spop_status why;

	if (f->type != SPOP_HAPROXY_HELLO)
		return refuse(s, w, SPOP_INVALID, status);
	if ((f->flags & SPOP_FIN) == 0)
		return refuse(s, w, SPOP_NO_FRAGMENTATION, status);
	why = hello_read(s, &f->payload);
	if (why != SPOP_NORMAL)
		return refuse(s, w, why, status);
	if (!hello_answer(s, w))
		return refuse(s, w, SPOP_NO_RESOURCE, status);
	s->state = SPOP_OPEN;
	return SPOP_STEP_NONE;
}

static enum spop_step
on_frame(
    struct spop_session *s, struct spop_frame *f, struct spop_writer *w, enum spop_status *status)
{
	switch (f->type) {
	case SPOP_NOTIFY:
		if ((f->flags & SPOP_FIN) != 0)
			return SPOP_STEP_NOTIFY;
		return refuse(s, w, SPOP_NO_FRAGMENTATION, status);
	case SPOP_UNSET:
		return refuse(s, w, SPOP_NO_FRAGMENTATION, status);
	case SPOP_HAPROXY_HELLO:
		return refuse(s, w, SPOP_INVALID, status);
	case SPOP_HAPROXY_DISCONNECT:
		/* Whatever its status: 2.6 goes with "a timeout occurred" when it was idle. */
		return refuse(s, w, SPOP_NORMAL, status);
	default:
		return SPOP_STEP_NONE;
	}
}

enum spop_step
spop_session_next(struct spop_session *s, const uint8_t *bytes, size_t n, size_t *used,
    struct spop_frame *f, struct spop_writer *w, enum spop_status *status)
{
	size_t max = s->state == SPOP_WAIT_HELLO ? HELLO_MAX : s->max_frame;
	enum spop_status why;

	*used = n;
	if (s->state == SPOP_CLOSED) {
		*status = SPOP_NORMAL;
		return SPOP_STEP_CLOSE;
	}
	switch (spop_frame_split(bytes, n, max, f, &why)) {
	case SPOP_INCOMPLETE:
		*used = 0;
		return SPOP_STEP_NONE;
	case SPOP_BROKEN:
		return refuse(s, w, why, status);
	case SPOP_FRAME:
		break;
	}
	*used = f->bytes;
	return s->state == SPOP_WAIT_HELLO ? on_hello(s, f, w, status) : on_frame(s, f, w, status);
}

bool
spop_argument_next(
    struct spop_reader *r, struct spop_message *m, struct slice *name, struct spop_value *value)
{
	if (r->bad || m->left == 0)
		return false;
	m->left--;
	*name = spop_read_string(r);
	spop_read_value_to(r, value);
	return !r->bad;
}

bool
spop_message_next(struct spop_reader *r, struct spop_message *m)
{
	struct slice name;
	struct spop_value value;

	while (spop_argument_next(r, m, &name, &value))
		continue;
	m->left = 0;
	if (r->bad || r->pos == r->end)
		return false;
	m->name = spop_read_string(r);
	m->left = spop_read_byte(r);
	return !r->bad;
}
