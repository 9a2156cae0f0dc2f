#include "daemon/server.h"

#include <errno.h>
#include <ev.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/circuits.h"
#include "daemon/control.h"
#include "daemon/dns_table.h"
#include "daemon/front.h"
#include "daemon/metrics.h"
#include "daemon/oracle.h"
#include "daemon/worker.h"
#include "net/acceptor.h"
#include "net/drip.h"

struct server {
	const struct options *options;
	struct ev_loop *loop;
	struct acceptor acceptor;
	struct resolver_options dns;
	struct zones zones;
	struct trap *trap;
	struct oracle *oracle;     /* NULL: nobody is asked */
	struct circuits *circuits; /* NULL: nobody asks tor */
	struct circuits_counts circuits_counts;
	struct check_shared check;
	struct worker *workers;
	unsigned started, turn;
	struct front front;
	struct generation *generation; /* in force */
	struct watch watch;
	ev_timer on_look;
	int64_t start_ms;
	struct control control;
	struct http_server *control_http; /* NULL: there is none */
	struct drip drip; /* as control, on this loop, which has little else to do */
	int spop_fd, http_fd, drip_fd, control_fd;
	ev_signal on_term, on_int, on_hup;
};

/* Each socket goes to HAProxy's own group, since HAProxy drops all others when it starts. */
static gid_t
socket_group(const char *name, struct problems *p, const char *option)
{
	struct group *g = getgrnam(name != NULL ? name : "haproxy");

	if (g == NULL && name != NULL)
		problem_error(
		    p, &(struct place){ .path = option }, "there is no group \"%s\"", name);
	if (g == NULL || (name == NULL && geteuid() != 0 && !group_member(g->gr_gid)))
		return (gid_t)-1;
	return g->gr_gid;
}

/* Everybody may pass through it: who may connect is said by the modes of the sockets. */
static void
make_run_folder(void)
{
	if (mkdir(OPTIONS_RUN, 0755) == 0)
		chmod(OPTIONS_RUN,
		    0755); /* whatever the umask is; if it cannot be made, bind says so */
}

/* Nobody is let down by a daemon without this one, unless it was asked for. -1: there is none. */
static int
open_optional(const struct endpoint *e, mode_t mode, gid_t group, bool asked, struct problems *p,
    const char *option)
{
	const struct place at = { .path = option };
	char why[256];
	int fd = endpoint_listen(e, mode, group, why, sizeof(why));

	if (fd < 0 && asked)
		problem_error(p, &at, "%s", why);
	else if (fd < 0)
		problem_warn(p, &at, "%s; there is none, name another with --%s", why, option);
	return fd;
}

static void
open_sockets(struct server *s, struct problems *p)
{
	const struct options *o = s->options;
	gid_t spop_group = socket_group(o->spop_group, p, "spop-group"),
	      http_group = socket_group(o->http_group, p, "http-group"),
	      drip_group = socket_group(o->drip_group, p, "drip-group"), control_group = (gid_t)-1;
	char why[256];

	if (o->control_group != NULL)
		control_group = socket_group(o->control_group, p, "control-group");
	if (p->errors > 0)
		return;
	if (o->in_run)
		make_run_folder();
	s->spop_fd = endpoint_listen(&o->spop, o->spop_mode, spop_group, why, sizeof(why));
	if (s->spop_fd < 0)
		problem_error(p, &(struct place){ .path = "spop" }, "%s", why);
	s->http_fd = endpoint_listen(&o->http, o->http_mode, http_group, why, sizeof(why));
	if (s->http_fd < 0)
		problem_error(p, &(struct place){ .path = "http" }, "%s", why);
	if (o->has_drip)
		s->drip_fd =
		    open_optional(&o->drip, o->drip_mode, drip_group, o->drip_asked, p, "drip");
	if (peers_any(&o->check_from) && !o->check_from.local && endpoint_path(&o->http) != NULL)
		problem_warn(p, &(struct place){ .path = "check-from" },
		    "nobody in it can ask: http is a unix socket, and unix is not in it");
	if (o->has_control)
		s->control_fd = open_optional(
		    &o->control, o->control_mode, control_group, o->control_asked, p, "control");
}

/* Whoever is named to judge answers. */
static void
open_oracle(struct server *s, struct problems *p)
{
	const struct options *o = s->options;
	const struct oracle_options asked = { o->question_url, o->question_model, o->question_key,
		o->question_timeout_ms };
	const char *why;

	if (o->question_url == NULL)
		return;
	s->oracle = oracle_new(&asked, &why);
	if (s->oracle == NULL)
		problem_error(p, &(struct place){ .path = "question-key" }, "%s", why);
}

/* Tor's control port, which is talked to once the workers run. */
static void
open_circuits(struct server *s)
{
	const struct options *o = s->options;
	const struct circuits_options asked = { .at = &o->tor_control,
		.password_file = o->tor_password,
		.close_after = o->tor_close_after,
		.close_rate = o->tor_close_rate,
		.dry_run = o->tor_dry_run };

	if (o->has_tor)
		s->circuits = circuits_new(&asked);
}

static void
close_socket(const struct endpoint *e, int fd)
{
	if (fd < 0)
		return;
	endpoint_unlink(e, fd);
	close(fd);
}

/* To the worker with the fewest connections would need a look into other threads: in turn will do,
 * since connections live long. */
static void
on_connection(void *arg, int fd)
{
	struct server *s = arg;

	worker_give(&s->workers[s->turn], fd);
	s->turn = (s->turn + 1) % s->started;
}

static void
on_stop(EV_P_ ev_signal *w, int events)
{
	(void)events;
	log_line(LOG_LEVEL_INFO, "stopping", "signal=%d", w->signum);
	ev_break(EV_A_ EVBREAK_ALL);
}

/* False: nothing has changed. What is wrong stands on stderr, and in `said` (NULL: nobody asks). */
static bool
reload(struct server *s, struct text *said)
{
	struct problems p = { 0 };
	struct generation *g = generation_load(
	    s->options->policy, s->options->state_dir, s->options->shadow, &s->watch, &p);
	bool good = g != NULL;

	problems_print(&p, "ammit: ");
	for (size_t i = 0; said != NULL && i < p.count; i++)
		text_printf(said, "%s%s\n", p.list[i].warning ? "warning: " : "", p.list[i].text);
	if (!good) {
		log_line(
		    LOG_LEVEL_ERROR, "reload_refused", "errors=%zu running=unchanged", p.errors);
		if (said != NULL)
			text_put(said, SLICE("refused: what ran before runs on\n"));
	} else {
		generation_bind(g, &s->zones);
		for (unsigned i = 0; i < s->started; i++)
			worker_reload(&s->workers[i], generation_ref(g));
		front_reload(&s->front, generation_ref(g));
		log_line(LOG_LEVEL_INFO, "reloaded", "rules=%zu keys=%u",
		    policy_size(g->policy).rules, g->keys.count);
		if (said != NULL)
			text_printf(said, "reloaded: %zu rules, %u keys\n",
			    policy_size(g->policy).rules, g->keys.count);
		generation_unref(s->generation);
		s->generation = g;
	}
	problems_fini(&p);
	return good;
}

static void
on_reload(EV_P_ ev_signal *w, int events)
{
	(void)loop;
	(void)events;
	reload(w->data, NULL);
}

static void
on_look(EV_P_ ev_timer *t, int events)
{
	struct server *s = t->data;

	(void)loop;
	(void)events;
	if (watch_look(&s->watch))
		reload(s, NULL);
}

static void
start_looking(struct server *s)
{
	double every_s = s->options->policy_watch_s;

	if (every_s == 0)
		return;
	ev_timer_init(&s->on_look, on_look, every_s, every_s);
	s->on_look.data = s;
	ev_timer_start(s->loop, &s->on_look);
}

/* ---- control ---- */

static void
collect(struct server *s, struct metrics *m)
{
	const struct generation *g = s->generation;

	*m = (struct metrics){ .workers = s->started,
		.verdict_threads = s->started,
		.functions = s->zones.functions,
		.site = &s->front.site.counts,
		.oracle = s->oracle == NULL ? NULL : oracle_counts(s->oracle),
		.drip = s->drip_fd >= 0 ? &s->drip.counts : NULL,
		.uptime_s = (uint64_t)(clock_mono_ms() - s->start_ms) / 1000,
		.rules = policy_size(g->policy).rules };
	if (s->circuits != NULL) {
		circuits_count(s->circuits, &s->circuits_counts);
		m->circuits = &s->circuits_counts;
	}
	for (unsigned i = 0; i < s->started; i++) {
		m->worker[i].weigh = &s->workers[i].agent.weigher.counts;
		m->worker[i].dns = resolver_counts(s->workers[i].resolver);
	}
	if (s->front.checks) {
		m->worker[m->workers].weigh = &s->front.check.weigher.counts;
		m->worker[m->workers++].dns = resolver_counts(s->front.check.resolver);
	}
	for (unsigned i = 0; i < policy_zones(g->policy); i++)
		if (g->zone[i] != NULL)
			m->zone[m->zones++] =
			    (struct metrics_zone){ policy_zone(g->policy, i), g->zone[i] };
}

static bool
tell_metrics(void *arg, struct text *out)
{
	struct metrics m;

	collect(arg, &m);
	metrics_write(&m, out);
	return !out->cut;
}

static bool
tell_stat(void *arg, struct text *out)
{
	struct metrics m;

	collect(arg, &m);
	metrics_write_stat(&m, out);
	return !out->cut;
}

static bool
tell_dns(void *arg, struct slice part, struct text *out)
{
	struct server *s = arg;

	return dns_table_write(s->workers, s->started, part, out);
}

static bool
flush_dns(void *arg, struct text *out)
{
	struct server *s = arg;

	front_forget_dns(&s->front);
	return dns_table_flush(s->workers, s->started, out);
}

static bool
reload_asked(void *arg, struct text *out)
{
	return reload(arg, out);
}

static const struct control_tasks control_tasks = { tell_metrics, tell_stat, tell_dns, flush_dns,
	reload_asked };

static void
start_control(struct server *s)
{
	const char *why;

	if (s->control_fd < 0)
		return;
	s->control = (struct control){ &control_tasks, s,
		{ .buf = xcalloc(1, CONTROL_BYTES_MAX), .cap = CONTROL_BYTES_MAX } };
	s->control_http =
	    http_server_new(s->loop, s->control_fd, control_handle, &s->control, &why);
	if (s->control_http == NULL) {
		log_line(LOG_LEVEL_ERROR, "control", "reason=\"%s\"", why);
		s->control_fd = -1;
	}
}

/* Before the workers go. */
static void
stop_control(struct server *s)
{
	if (s->control_http != NULL) {
		endpoint_unlink(&s->options->control, s->control_fd);
		http_server_free(s->control_http);
		free(s->control.answer.buf);
	}
}

/* Verdicts and pages keep half of the descriptors for themselves. */
static void
start_drip(struct server *s)
{
	const struct options *o = s->options;
	struct drip_bounds b = { .visitors = o->drip_max,
		.rate_bytes_s = o->drip_rate_kib_s * 1024,
		.time_s = o->drip_time_s,
		.pace_ms = DRIP_PACE_MS,
		.head_ms = DRIP_HEAD_MS };
	struct rlimit r;

	if (s->drip_fd < 0)
		return;
	b.descriptors = getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur / 2 < INT_MAX
			    ? (int)(r.rlim_cur / 2)
			    : INT_MAX;
	if (drip_places(&b) < b.visitors || b.visitors > (unsigned)b.descriptors)
		log_line(LOG_LEVEL_WARN, "drip",
		    "drip_max=%u served_by_drip_rate=%u half_of_the_descriptors=%d", b.visitors,
		    drip_places(&b), b.descriptors);
	drip_start(&s->drip, s->loop, s->drip_fd, &b);
}

static void
watch_signal(struct server *s, ev_signal *w, int signum, void (*on)(EV_P_ ev_signal *, int))
{
	ev_signal_init(w, on, signum);
	w->data = s;
	ev_signal_start(s->loop, w);
}

static void
raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static void
stop_threads(struct server *s, bool front)
{
	for (unsigned i = 0; i < s->started; i++)
		worker_stop(&s->workers[i]);
	if (front)
		front_stop(&s->front);
	for (unsigned i = 0; i < s->started; i++)
		worker_join(&s->workers[i]);
	if (front)
		front_join(&s->front);
}

static void
log_counts(const struct server *s)
{
	uint64_t verdict[4] = { 0 };

	for (unsigned i = 0; i < s->started; i++)
		for (unsigned k = 0; k < 4; k++)
			verdict[k] += counter_get(&s->workers[i].agent.weigher.counts.verdict[k]);
	for (unsigned k = 0; k < 4 && s->front.checks; k++)
		verdict[k] += counter_get(&s->front.check.weigher.counts.verdict[k]);
	log_line(LOG_LEVEL_INFO, "stopped",
	    "allow=%llu challenge=%llu deny=%llu drip=%llu pages=%llu passed=%llu",
	    (unsigned long long)verdict[VERDICT_ALLOW],
	    (unsigned long long)verdict[VERDICT_CHALLENGE],
	    (unsigned long long)verdict[VERDICT_DENY], (unsigned long long)verdict[VERDICT_DRIP],
	    (unsigned long long)counter_get(&s->front.site.counts.served),
	    (unsigned long long)counter_get(&s->front.site.counts.passed));
}

static bool
start_threads(struct server *s, struct generation *g, struct problems *p)
{
	const struct worker_shared shared = { &s->dns, &s->zones, s->trap, s->circuits };
	sigset_t all, old;
	const char *why = "", *front_why;
	bool front;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->workers = xcalloc(s->options->workers, sizeof(*s->workers));
	while (s->started < s->options->workers &&
	       worker_start(&s->workers[s->started], s->started, &shared, generation_ref(g), &why))
		s->started++;
	front = front_start(
	    &s->front, s->http_fd, &s->check, s->trap, s->oracle, generation_ref(g), &front_why);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (s->started == s->options->workers && front)
		return true;
	problem_error(p, &(struct place){ 0 }, "cannot start: %s", front ? why : front_why);
	stop_threads(s, front);
	return false;
}

static void
serve(struct server *s)
{
	watch_signal(s, &s->on_term, SIGTERM, on_stop);
	watch_signal(s, &s->on_int, SIGINT, on_stop);
	watch_signal(s, &s->on_hup, SIGHUP, on_reload);
	acceptor_start(&s->acceptor, s->loop, s->spop_fd, on_connection, s);
	start_drip(s);
	start_control(s);
	if (s->circuits != NULL)
		circuits_start(s->circuits, s->loop);
	start_looking(s);
	memory_trim();
	memory_drop_code();
	log_line(LOG_LEVEL_INFO, "ready",
	    "spop=%s http=%s drip=%s control=%s policy=%s workers=%u shadow=%s",
	    s->options->spop.text, s->options->http.text,
	    s->drip_fd >= 0 ? s->options->drip.text : "off",
	    s->control_http != NULL ? s->options->control.text : "off",
	    s->options->policy != NULL ? s->options->policy : "embedded", s->started,
	    s->options->shadow ? "on" : "off");
	ev_run(s->loop, 0);
	acceptor_stop(&s->acceptor);
	stop_control(s);
	if (s->circuits != NULL)
		circuits_stop(s->circuits);
	drip_stop(&s->drip);
	close_socket(&s->options->drip, s->drip_fd);
	/* Nobody new: HAProxy sees us go before the drain begins. */
	close_socket(&s->options->spop, s->spop_fd);
	if (endpoint_path(&s->options->http) != NULL)
		unlink(endpoint_path(&s->options->http));
	stop_threads(s, true);
	log_counts(s);
}

int
server_run(const struct options *o)
{
	/* Fresh memory: most of it is room for a page, and not touched before there is one. */
	struct server *s = xcalloc(1, sizeof(*s));
	struct problems p = { 0 };
	struct generation *g;
	int status = 1;

	s->options = o;
	s->start_ms = clock_mono_ms();
	s->spop_fd = s->http_fd = s->drip_fd = s->control_fd = -1;
	memory_modest();
	log_set_level(o->log_level);
	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	g = generation_load(o->policy, o->state_dir, o->shadow, &s->watch, &p);
	open_sockets(s, &p);
	s->dns = (struct resolver_options){ .servers = o->dns,
		.cache_bytes = (size_t)o->dns_cache_mib << 20 };
	s->trap = trap_new();
	open_oracle(s, &p);
	open_circuits(s);
	zones_init(&s->zones, o->workers + 1);
	s->check =
	    (struct check_shared){ o->check_from, s->dns, &s->zones, o->workers, s->circuits };
	if (g != NULL)
		generation_bind(g, &s->zones);
	s->loop = ev_default_loop(EVFLAG_AUTO | EVFLAG_NOENV);
	if (p.errors == 0 && s->loop == NULL)
		problem_error(&p, &(struct place){ 0 }, "no event loop can be had");
	if (p.errors == 0 && start_threads(s, g, &p)) {
		s->generation = g;
		g = NULL;
		problems_print(&p, "ammit: ");
		serve(s);
		generation_unref(s->generation);
		status = 0;
	} else {
		problems_print(&p, "ammit: ");
		close_socket(&o->spop, s->spop_fd);
		close_socket(&o->http, s->http_fd);
		close_socket(&o->drip, s->drip_fd);
		close_socket(&o->control, s->control_fd);
	}
	generation_unref(g);
	watch_fini(&s->watch);
	free(s->workers);
	zones_fini(&s->zones);
	trap_free(s->trap);
	oracle_free(s->oracle);
	circuits_free(s->circuits);
	problems_fini(&p);
	free(s);
	return status;
}
