#include "daemon/front.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"

#define SPENT_CAPACITY 65536u
#define SEEN_CAPACITY 16384u
#define DRAIN_TURN_S 0.02
#define DRAIN_TURNS 100

static void
use(struct front *f, struct generation *g)
{
	generation_unref(f->generation);
	f->generation = g;
	if (f->checks)
		check_reload(&f->check, generation_ref(g));
	f->site.keys = &g->keys;
	f->site.themes = g->themes;
	f->site.robots = policy_settings(g->policy)->robots;
	snprintf(f->site.cookie, sizeof(f->site.cookie), "%s", policy_settings(g->policy)->cookie);
}

static void
on_drain(EV_P_ ev_timer *t, int events)
{
	struct front *f = t->data;

	(void)events;
	if (http_server_idle(f->http) || ++f->drain_turns >= DRAIN_TURNS)
		ev_break(EV_A_ EVBREAK_ALL);
}

static void
on_wake(EV_P_ ev_async *async, int events)
{
	struct front *f = async->data;
	struct generation *next;
	bool stop, forget;

	(void)events;
	pthread_mutex_lock(&f->lock);
	next = f->next;
	stop = f->stop;
	forget = f->forget;
	f->next = NULL;
	f->forget = false;
	pthread_mutex_unlock(&f->lock);
	if (forget && f->checks)
		resolver_flush(f->check.resolver);
	if (next != NULL)
		use(f, next);
	if (stop && !ev_is_active(&f->drain)) {
		http_server_quiesce(f->http);
		ev_timer_start(EV_A_ & f->drain);
	}
}

static void *
run(void *arg)
{
	struct front *f = arg;

	ev_run(f->loop, 0);
	return NULL;
}

static void
destroy(struct front *f)
{
	http_server_free(f->http);
	if (f->checks)
		check_fini(&f->check);
	spent_free(f->site.spent);
	spent_free(f->site.seen);
	generation_unref(f->generation);
	ev_loop_destroy(f->loop);
	pthread_mutex_destroy(&f->lock);
}

/* Nobody is caught by a honeypot that has been closed meanwhile. */
static void
on_trap(void *arg, const struct address *client)
{
	struct front *f = arg;
	uint32_t trap_s = policy_settings(f->generation->policy)->trap_s;
	int64_t now_s = clock_steady_s();

	if (trap_s > 0)
		trap_add(f->trap, client, now_s, now_s + trap_s);
}

bool
front_start(struct front *f, int listen_fd, const struct check_shared *shared, struct trap *trap,
    struct oracle *oracle, struct generation *g, const char **why)
{
	f->site.judge = oracle != NULL ? oracle_ask : NULL;
	f->site.judge_arg = oracle;
	f->trap = trap;
	f->site.trap = on_trap;
	f->site.trap_arg = f;
	random_bytes(f->site.secret, sizeof(f->site.secret));
	f->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (f->loop == NULL) {
		*why = "no event loop: out of descriptors";
		close(listen_fd);
		generation_unref(g);
		return false;
	}
	pthread_mutex_init(&f->lock, NULL);
	f->site.now_s = clock_steady_s;
	f->site.spent = spent_new(SPENT_CAPACITY, clock_steady_s());
	f->site.seen = spent_new(SEEN_CAPACITY, clock_steady_s());
	use(f, g);
	ev_async_init(&f->wake, on_wake);
	ev_timer_init(&f->drain, on_drain, 0.0, DRAIN_TURN_S);
	f->wake.data = f->drain.data = f;
	ev_async_start(f->loop, &f->wake);
	if (peers_any(&shared->from)) {
		f->checks =
		    check_init(&f->check, f->loop, shared, &f->site, generation_ref(g), why);
		if (!f->checks) {
			close(listen_fd);
			destroy(f);
			return false;
		}
		f->check.weigher.trap = trap;
	}
	f->http = f->checks ? http_server_new(f->loop, listen_fd, check_handle, &f->check, why)
			    : http_server_new(f->loop, listen_fd, site_handle, &f->site, why);
	if (f->http == NULL) {
		destroy(f);
		return false;
	}
	if (pthread_create(&f->thread, NULL, run, f) != 0) {
		*why = "no thread can be had";
		destroy(f);
		return false;
	}
	return true;
}

void
front_reload(struct front *f, struct generation *g)
{
	struct generation *unused;

	pthread_mutex_lock(&f->lock);
	unused = f->next;
	f->next = g;
	pthread_mutex_unlock(&f->lock);
	generation_unref(unused);
	ev_async_send(f->loop, &f->wake);
}

void
front_forget_dns(struct front *f)
{
	pthread_mutex_lock(&f->lock);
	f->forget = true;
	pthread_mutex_unlock(&f->lock);
	ev_async_send(f->loop, &f->wake);
}

void
front_stop(struct front *f)
{
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_mutex_unlock(&f->lock);
	ev_async_send(f->loop, &f->wake);
}

void
front_join(struct front *f)
{
	pthread_join(f->thread, NULL);
	generation_unref(f->next);
	destroy(f);
}
