#include <string.h>

#include "cli/doctor.h"

const struct haproxy_line *
doctor_server(const struct doctor *d, const struct haproxy_section *s)
{
	const struct haproxy_line *l;

	for (size_t i = 0; (l = haproxy_conf_line(d->conf, s, i)) != NULL; i++)
		if (haproxy_line_is(l, "server") && l->words > 2)
			return l;
	return NULL;
}

bool
doctor_server_has(const struct doctor *d, const struct haproxy_section *s,
    const struct haproxy_line *server, const char *word)
{
	const struct haproxy_line *all = haproxy_conf_setting(d->conf, s, "default-server");

	return haproxy_line_has(server, word) || (all != NULL && haproxy_line_has(all, word));
}

/* ---- the question ---- */

/* Is there such a line in the section? */
static bool
has_line(const struct doctor *d, const struct haproxy_section *s,
    bool (*is)(const struct haproxy_line *l))
{
	const struct haproxy_line *l;

	for (size_t i = 0; (l = haproxy_conf_line(d->conf, s, i)) != NULL; i++)
		if (is(l))
			return true;
	return false;
}

static bool
asks(const struct haproxy_line *l)
{
	return haproxy_line_is(l, "http-request send-spoe-group ammit weigh");
}

void
doctor_edge_question(struct doctor *d)
{
	const struct haproxy_line *event = haproxy_conf_setting(d->spoe, d->message, "event");
	unsigned bad = 0;

	for (unsigned f = 0; event == NULL && f < d->fronts; f++) {
		if (has_line(d, d->front[f], asks))
			continue;
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%.*s never asks: it has the filter, and sends no group\nhttp-request "
		    "send-spoe-group ammit weigh unless { path_beg /.ammit/ }",
		    DOCTOR_S(d->front[f]->name));
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK, "requests are asked about by %s",
		    event != NULL ? "an event of the message" : "send-spoe-group ammit weigh");
}

/* ---- without a verdict ---- */

static bool
reads_error(const struct doctor *d, const struct haproxy_line *l)
{
	return doctor_line_uses(d, l, SLICE("error"), DOCTOR_READS);
}

/* Is it an ACL of that front that knows of a missing verdict? */
static bool
is_failure_acl(const struct doctor *d, const struct haproxy_section *front, struct slice acl)
{
	const struct haproxy_line *l;

	for (size_t i = 0; (l = haproxy_conf_line(d->conf, front, i)) != NULL; i++)
		if (haproxy_line_is(l, "acl") && l->words > 2 && slice_equal(l->word[1], acl) &&
		    reads_error(d, l))
			return true;
	return false;
}

/* What a line does with requests that have no verdict. */
enum failing { FAILING_NOT, FAILING_SOME, FAILING_ALL };

static enum failing
refuses(const struct doctor *d, const struct haproxy_section *front, const struct haproxy_line *l)
{
	static const char *const actions[] = { "return", "deny", "reject", "silent-drop",
		"tarpit" };
	bool refusing = false, failed = false, narrowed = false;
	unsigned w = 2;

	if (!haproxy_line_is(l, "http-request") || l->words < 3)
		return FAILING_NOT;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		refusing = refusing || slice_equal(l->word[1], slice_of(actions[i]));
	while (w < l->words && !slice_equal(l->word[w], SLICE("if")))
		w++;
	if (!refusing || w == l->words)
		return FAILING_NOT;
	while (++w < l->words) {
		struct slice s = l->word[w];

		if (is_failure_acl(d, front, s) ||
		    (s.len > 4 && memcmp(s.ptr, "var(", 4) == 0 && reads_error(d, l)))
			failed = true;
		else if (s.len > 1 && s.ptr[0] != '!' && s.ptr[0] != '{' && s.ptr[0] != '}' &&
			 s.ptr[0] != '-' && !slice_equal(s, SLICE("found")))
			narrowed = true;
	}
	return !failed ? FAILING_NOT : narrowed ? FAILING_SOME : FAILING_ALL;
}

static void
failure_of(struct doctor *d, const struct haproxy_section *front)
{
	const struct haproxy_line *l, *at = NULL;
	enum failing most = FAILING_NOT;
	bool known = false;

	for (size_t i = 0; (l = haproxy_conf_line(d->conf, front, i)) != NULL; i++) {
		enum failing f = refuses(d, front, l);

		known = known || reads_error(d, l);
		if (f > most) {
			most = f;
			at = l;
		}
	}
	if (!known)
		doctor_say(d, DOCTOR_WARN,
		    "%.*s: nothing is said of requests that Ammit could not be asked about, and "
		    "they go through\nacl ammit_failed var(%.*serror) -m found, and a rule for it, "
		    "as in edge.cfg",
		    DOCTOR_S(front->name), DOCTOR_S(d->prefix));
	else if (most == FAILING_NOT)
		doctor_say(d, DOCTOR_OK,
		    "%.*s fails open: without a verdict a request goes through",
		    DOCTOR_S(front->name));
	else
		doctor_say(d, DOCTOR_OK,
		    "%.*s fails %s: line %u refuses requests without a verdict%s",
		    DOCTOR_S(front->name), most == FAILING_ALL ? "closed" : "open but for a list",
		    at->number, most == FAILING_ALL ? "" : " on the paths that it is for");
}

void
doctor_edge_failure(struct doctor *d)
{
	for (unsigned f = 0; f < d->fronts; f++)
		failure_of(d, d->front[f]);
}

/* ---- what a client says of itself ---- */

static bool
deletes_ours(const struct haproxy_line *l)
{
	return haproxy_line_is(l, "http-request del-header") && l->words > 2 &&
	       slice_equal_nocase(l->word[2], SLICE("x-ammit-")) &&
	       slice_equal(haproxy_line_after(l, "-m"), SLICE("beg"));
}

/* Visitors of this front come from Tor, so their addresses are circuits by right. */
static bool
is_of_circuits(const struct haproxy_line *l)
{
	return haproxy_line_is(l, "bind") && haproxy_line_has(l, "accept-proxy");
}

static bool
names_circuits(const struct haproxy_line *l)
{
	for (unsigned w = 0; w < l->words; w++)
		if (slice_contains_nocase(l->word[w], SLICE("fc00:dead:beef:4dad:")))
			return true;
	return false;
}

void
doctor_edge_headers(struct doctor *d)
{
	unsigned bad = 0;

	for (unsigned f = 0; f < d->fronts; f++) {
		const struct haproxy_section *front = d->front[f];

		if (!has_line(d, front, deletes_ours)) {
			bad++;
			doctor_say(d, DOCTOR_FAIL,
			    "%.*s hears X-Ammit- headers of clients, who can forge their address "
			    "and ticket with them\nhttp-request del-header x-ammit- -m beg",
			    DOCTOR_S(front->name));
		}
		if (!has_line(d, front, is_of_circuits) && !has_line(d, front, names_circuits)) {
			bad++;
			doctor_say(d, DOCTOR_WARN,
			    "%.*s takes addresses that stand for Tor's circuits\ntcp-request "
			    "connection reject if { src fc00:dead:beef:4dad::/64 }",
			    DOCTOR_S(front->name));
		}
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK, "what clients say under the names of Ammit is not heard");
}

/* ---- the page ---- */

static bool
sets_source(const struct haproxy_line *l)
{
	return haproxy_line_is(l, "http-request set-header") && l->words > 3 &&
	       slice_equal_nocase(l->word[2], SLICE("X-Ammit-Src"));
}

static bool
leads_there(const struct haproxy_line *l)
{
	return haproxy_line_is(l, "use_backend ammit-challenge");
}

void
doctor_edge_challenge(struct doctor *d)
{
	const struct haproxy_section *s =
	    haproxy_conf_section(d->conf, "backend", SLICE("ammit-challenge"));
	unsigned bad = 0;

	if (s == NULL || doctor_server(d, s) == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "there is no backend ammit-challenge with a server, so nobody can solve a "
		    "challenge\ncopy backend ammit-challenge of edge.cfg");
		return;
	}
	if (!has_line(d, s, sets_source)) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: backend ammit-challenge does not say whose request it is, so no "
		    "solution counts\nhttp-request set-header X-Ammit-Src %%[src]",
		    s->file, s->number);
	}
	for (unsigned f = 0; f < d->fronts; f++) {
		if (has_line(d, d->front[f], leads_there))
			continue;
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%.*s sends nobody to the challenge\nuse_backend ammit-challenge if { path_beg "
		    "/.ammit/ }, and if the verdict is challenge",
		    DOCTOR_S(d->front[f]->name));
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK, "backend ammit-challenge is used, and sets X-Ammit-Src");
}

/* ---- the backend of the agent ---- */

static const char *
text_of(const struct haproxy_line *l, unsigned word)
{
	return l != NULL && word < l->words ? l->word[word].ptr : "missing";
}

static unsigned
agent_server(struct doctor *d, const struct haproxy_line *server)
{
	unsigned bad = 0;

	if (doctor_server_has(d, d->backend, server, "maxconn")) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: maxconn on the server makes a connection for each request (2.6), or "
		    "lets requests wait (3.1 and later)\nremove maxconn from that line",
		    server->file, server->number);
	}
	if (!haproxy_conf_option(d->conf, d->backend, "option spop-check") ||
	    !doctor_server_has(d, d->backend, server, "check")) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: a dead agent costs each request timeout processing, for nobody checks "
		    "it\noption spop-check, and check inter 500 fall 2 rise 1 on the server",
		    server->file, server->number);
	}
	if (!slice_equal(
		haproxy_line_after(server, "on-marked-down"), SLICE("shutdown-sessions")) &&
	    !doctor_server_has(d, d->backend, server, "shutdown-sessions")) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: requests go on waiting for an agent that is frozen\non-marked-down "
		    "shutdown-sessions on the server",
		    server->file, server->number);
	}
	return bad;
}

static unsigned
agent_timeouts(struct doctor *d)
{
	const struct haproxy_line *connect =
				      haproxy_conf_setting(d->conf, d->backend, "timeout connect"),
				  *server =
				      haproxy_conf_setting(d->conf, d->backend, "timeout server"),
				  *idle = haproxy_conf_setting(d->spoe, d->agent, "timeout idle");
	long long connect_ms = connect == NULL || connect->words < 3
				   ? -1
				   : haproxy_time_ms(connect->word[2]),
		  server_ms =
		      server == NULL || server->words < 3 ? -1 : haproxy_time_ms(server->word[2]),
		  idle_ms = idle == NULL || idle->words < 3 ? -1 : haproxy_time_ms(idle->word[2]);
	unsigned bad = 0;

	if (connect_ms < 0 || connect_ms > 1000) {
		bad++;
		doctor_say(d, DOCTOR_WARN,
		    "timeout connect of the agent's backend is %s: longer than a request should "
		    "wait\ntimeout connect 200ms",
		    text_of(connect, 2));
	}
	if (d->version < 301 && server_ms >= 0 && (idle_ms < 0 || server_ms <= idle_ms)) {
		bad++;
		doctor_say(d, DOCTOR_WARN,
		    "timeout server (%s) of the agent's backend is not above timeout idle (%s) of "
		    "the SPOE file: connections are cut\ntimeout server 3m",
		    text_of(server, 2), text_of(idle, 2));
	}
	return bad;
}

void
doctor_edge_agent(struct doctor *d)
{
	const struct haproxy_line *server = doctor_server(d, d->backend),
				  *mode = haproxy_conf_setting(d->conf, d->backend, "mode"),
				  *retries = haproxy_conf_setting(d->conf, d->backend, "retries");
	unsigned bad = 0;

	if (server == NULL) {
		doctor_say(d, DOCTOR_FAIL, "backend %.*s has no server\nserver ammit %s check",
		    DOCTOR_S(d->backend->name), "unix@/run/ammit/spop.sock");
		return;
	}
	if (mode == NULL || mode->words < 2 ||
	    (!slice_equal(mode->word[1], SLICE("tcp")) &&
		!slice_equal(mode->word[1], SLICE("spop")))) {
		bad++;
		doctor_say(d, DOCTOR_FAIL, "mode of the agent's backend is %s\nmode tcp",
		    text_of(mode, 1));
	}
	if (retries == NULL || retries->words < 2 || !slice_equal(retries->word[1], SLICE("0"))) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "retries of the agent's backend is %s: a refused connection is tried again "
		    "while a visitor waits\nretries 0",
		    retries == NULL ? "3, the default" : text_of(retries, 1));
	}
	bad += agent_server(d, server) + agent_timeouts(d);
	if (bad == 0)
		doctor_say(d, DOCTOR_OK,
		    "backend %.*s: mode, checks, retries and timeouts are right, and no maxconn",
		    DOCTOR_S(d->backend->name));
}
