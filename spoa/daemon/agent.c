#include "daemon/agent.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/holder.h"

struct connection {
	struct stream stream; /* first: freed by it */
	struct spop_session session;
	struct parked_list parked;
};

_Static_assert(STREAM_IN_BYTES >= 2 * (SPOP_FRAME_MAX + SPOP_LENGTH_BYTES), "a frame must fit");
_Static_assert(STREAM_OUT_BYTES >= 4 * WEIGH_ANSWER_MAX, "an answer must fit");

void
agent_init(struct agent *a, struct ev_loop *loop, struct generation *g)
{
	stream_home_init(&a->home, loop);
	weigher_init(&a->weigher, g);
	parking_init(&a->parking, loop, &a->weigher);
	a->draining = false;
}

void
agent_fini(struct agent *a)
{
	while (a->home.first != NULL)
		stream_close(a->home.first);
	parking_fini(&a->parking);
	stream_home_fini(&a->home);
	weigher_fini(&a->weigher);
}

static void
name_peer(int fd, char *out, size_t bytes)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	char host[INET6_ADDRSTRLEN] = "";

	snprintf(out, bytes, "unknown");
	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
		return;
	if (peer.ss_family == AF_UNIX) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == 0)
			holder_name(cred.pid, out, bytes);
	} else if (peer.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, bytes, "%s:%u", host, (unsigned)ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, bytes, "[%s]:%u", host, (unsigned)ntohs(in6->sin6_port));
	}
}

static void
log_refused(struct connection *c, enum spop_status status)
{
	static struct log_limit limit;
	struct log_entry e;
	char peer[80];

	log_begin_limited(&e, LOG_LEVEL_WARN, "spop_refused", &limit, 10);
	if (e.silent)
		return;
	name_peer(c->stream.io.fd, peer, sizeof(peer));
	log_text(&e, "peer", slice_of(peer));
	log_number(&e, "status", status);
	log_text(&e, "reason", slice_of(spop_status_text(status)));
	log_end(&e);
}

/* False: malformed. */
static bool
weigh(struct agent *a, struct connection *c, const struct spop_frame *f, int64_t now_s,
    struct spop_writer *out)
{
	struct weigher *w = &a->weigher;
	const bool patient =
	    policy_settings(w->generation->policy)->dns_budget_ms > 0 && !a->draining;
	enum weigh_step step;

	w->again = false;
	w->may_wait = patient && parking_has_room(&a->parking, f) &&
		      (w->lookup.resolver == NULL || resolver_is_up(w->lookup.resolver));
	step = weigh_notify(w, f, c->session.max_frame, now_s, out);
	if (step == WEIGH_WAITS) {
		if (parking_take(&a->parking, &c->stream, &c->parked, f, c->session.max_frame))
			return true;
		w->again = true;
		w->may_wait = false;
		step = weigh_notify(w, f, c->session.max_frame, now_s, out);
	}
	if (w->lookup.wanted == 0)
		return step != WEIGH_MALFORMED;
	if (patient)
		counter_add(&w->counts.not_waited, 1);
	lookup_ask(&w->lookup, NULL, NULL, NULL);
	return step != WEIGH_MALFORMED;
}

static enum stream_answer
on_bytes(struct stream *s, const uint8_t *bytes, size_t n, size_t *used, uint8_t *out, size_t room,
    size_t *written)
{
	struct agent *a = (struct agent *)s->home;
	struct connection *c = (struct connection *)s;
	struct spop_writer w = { out, out + room, false };
	enum stream_answer answer = STREAM_GO_ON;
	int64_t now_s = clock_steady_s();

	for (;;) {
		struct spop_frame f;
		enum spop_status status = SPOP_NORMAL;
		enum spop_step step;
		size_t took = 0;

		if ((size_t)(w.end - w.pos) < WEIGH_ANSWER_MAX) {
			answer = STREAM_FULL;
			break;
		}
		step = spop_session_next(
		    &c->session, bytes + *used, n - *used, &took, &f, &w, &status);
		*used += took;
		if (step == SPOP_STEP_NOTIFY && !weigh(a, c, &f, now_s, &w)) {
			status = SPOP_INVALID;
			spop_session_disconnect(&c->session, &w, status);
			step = SPOP_STEP_CLOSE;
		}
		if (step == SPOP_STEP_CLOSE) {
			if (status != SPOP_NORMAL)
				log_refused(c, status);
			answer = STREAM_END;
			break;
		}
		if (took == 0)
			break;
	}
	s->greeted = c->session.state == SPOP_OPEN;
	*written = (size_t)(w.pos - out);
	return answer;
}

static void
on_gone(struct stream *s)
{
	struct agent *a = (struct agent *)s->home;

	parking_leave(&a->parking, &((struct connection *)s)->parked);
	if (a->draining && a->home.count == 1)
		ev_break(a->home.loop, EVBREAK_ALL);
}

void
agent_connect(struct agent *a, int fd)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	spop_session_init(&c->session);
	LIST_INIT(&c->parked);
	stream_start(&c->stream, &a->home, fd, on_bytes, on_gone);
}

void
agent_drain(struct agent *a)
{
	uint8_t goodbye[128];

	a->draining = true;
	if (a->home.count == 0) {
		ev_break(a->home.loop, EVBREAK_ALL);
		return;
	}
	/* First what has come, everywhere; serving may close a stream, and only that one. */
	for (struct stream *s = a->home.first, *next; s != NULL; s = next) {
		next = s->next;
		stream_serve(s);
	}
	parking_finish(&a->parking);
	for (struct stream *s = a->home.first, *next; s != NULL; s = next) {
		struct spop_writer w = { goodbye, goodbye + sizeof(goodbye), false };

		next = s->next;
		if (s->state == STREAM_LEAVING || s->state == STREAM_CLOSING)
			continue;
		spop_session_disconnect(&((struct connection *)s)->session, &w, SPOP_NORMAL);
		stream_finish(s, goodbye, (size_t)(w.pos - goodbye));
	}
}
