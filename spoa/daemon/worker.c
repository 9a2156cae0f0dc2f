#include "daemon/worker.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define DRAIN_S 3.0

static void
on_drain_limit(EV_P_ ev_timer *t, int events)
{
	(void)t;
	(void)events;
	ev_break(EV_A_ EVBREAK_ALL);
}

static void
use(struct worker *w, struct generation *g)
{
	weigher_reload(&w->agent.weigher, g);
	resolver_reload(w->resolver);
	if (w->number == 0)
		health_reload(&w->health, g);
}

void
worker_call_done(struct worker_call *c)
{
	bool last;

	pthread_mutex_lock(&c->lock);
	last = --c->users == 0;
	pthread_mutex_unlock(&c->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->done_signal);
	c->free(c);
}

static void
finish_call(struct worker_call *c)
{
	pthread_mutex_lock(&c->lock);
	c->done = true;
	pthread_cond_signal(&c->done_signal);
	pthread_mutex_unlock(&c->lock);
	worker_call_done(c);
}

static void
on_wake(EV_P_ ev_async *async, int events)
{
	struct worker *w = async->data;
	struct generation *next;
	struct worker_call *calls;
	int *inbox;
	unsigned waiting;
	bool stop;

	(void)events;
	pthread_mutex_lock(&w->lock);
	inbox = w->inbox;
	waiting = w->waiting;
	next = w->next;
	calls = w->calls;
	stop = w->stop;
	w->inbox = NULL;
	w->waiting = w->room = 0;
	w->next = NULL;
	w->calls = NULL;
	pthread_mutex_unlock(&w->lock);

	if (next != NULL)
		use(w, next);
	while (calls != NULL) {
		struct worker_call *c = calls;

		calls = c->next;
		c->run(c, w);
		finish_call(c);
	}
	for (unsigned i = 0; i < waiting; i++)
		agent_connect(&w->agent, inbox[i]);
	free(inbox);
	if (stop && !w->agent.draining) {
		load_stop(&w->load, w->loop);
		if (w->number == 0)
			health_stop(&w->health);
		ev_timer_start(EV_A_ & w->drain_limit);
		agent_drain(&w->agent);
	}
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	ev_run(w->loop, 0);
	return NULL;
}

static void
destroy(struct worker *w)
{
	agent_fini(&w->agent);
	resolver_free(w->resolver);
	ev_loop_destroy(w->loop);
	pthread_mutex_destroy(&w->lock);
}

/* Everything that the thread needs. NULL, or why not. */
static const char *
prepare(struct worker *w, const struct worker_shared *shared, struct generation *g)
{
	const char *why = NULL;

	w->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (w->loop != NULL)
		w->resolver = resolver_new(w->loop, shared->dns, &why);
	if (w->resolver == NULL) {
		if (w->loop != NULL)
			ev_loop_destroy(w->loop);
		generation_unref(g);
		return why != NULL ? why : "no event loop can be had";
	}
	pthread_mutex_init(&w->lock, NULL);
	ev_async_init(&w->wake, on_wake);
	ev_timer_init(&w->drain_limit, on_drain_limit, DRAIN_S, 0.0);
	w->wake.data = w;
	ev_async_start(w->loop, &w->wake);
	agent_init(&w->agent, w->loop, g);
	load_start(&w->load, w->loop, w->agent.weigher.judge);
	lookup_init(
	    &w->agent.weigher.lookup, w->resolver, w->number, &shared->zones->functions[w->number]);
	w->agent.weigher.trap = shared->trap;
	w->agent.weigher.circuits = shared->circuits;
	if (w->number == 0) {
		health_init(&w->health, w->loop, w->resolver);
		health_reload(&w->health, g);
	}
	return NULL;
}

bool
worker_start(struct worker *w, unsigned number, const struct worker_shared *shared,
    struct generation *g, const char **why)
{
	*w = (struct worker){ .number = number };
	*why = prepare(w, shared, g);
	if (*why != NULL)
		return false;
	if (pthread_create(&w->thread, NULL, run, w) == 0)
		return true;
	*why = "no thread can be had";
	if (number == 0)
		health_stop(&w->health);
	destroy(w);
	return false;
}

void
worker_give(struct worker *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	if (w->waiting == w->room) {
		w->room = w->room == 0 ? 16 : w->room * 2;
		w->inbox = xreallocarray(w->inbox, w->room, sizeof(*w->inbox));
	}
	w->inbox[w->waiting++] = fd;
	pthread_mutex_unlock(&w->lock);
	ev_async_send(w->loop, &w->wake);
}

void
worker_reload(struct worker *w, struct generation *g)
{
	struct generation *unused;

	pthread_mutex_lock(&w->lock);
	unused = w->next;
	w->next = g;
	pthread_mutex_unlock(&w->lock);
	generation_unref(unused);
	ev_async_send(w->loop, &w->wake);
}

bool
worker_call(struct worker *w, struct worker_call *c)
{
	struct timespec until;
	bool done;
	int status = 0;

	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->done_signal, NULL);
	c->users = 2;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&w->lock);
	c->next = w->calls;
	w->calls = c;
	pthread_mutex_unlock(&w->lock);
	ev_async_send(w->loop, &w->wake);
	pthread_mutex_lock(&c->lock);
	while (!c->done && status == 0)
		status = pthread_cond_timedwait(&c->done_signal, &c->lock, &until);
	done = c->done;
	pthread_mutex_unlock(&c->lock);
	return done;
}

void
worker_stop(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_mutex_unlock(&w->lock);
	ev_async_send(w->loop, &w->wake);
}

void
worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	for (unsigned i = 0; i < w->waiting; i++)
		close(w->inbox[i]);
	free(w->inbox);
	for (struct worker_call *c = w->calls, *next; c != NULL; c = next) {
		next = c->next;
		finish_call(c);
	}
	generation_unref(w->next);
	if (w->number == 0)
		health_stop(&w->health);
	destroy(w);
}
