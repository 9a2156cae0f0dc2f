#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

#define DRAIN_S 3.0
#define LOAD_S 15.0 /* how often load_1m and its neighbours are read */

static void
on_drain_limit(EV_P_ ev_timer *t, int events)
{
	(void)t;
	(void)events;
	ev_break(EV_A_ EVBREAK_ALL);
}

static void
on_load(EV_P_ ev_timer *t, int events)
{
	struct worker *w = t->data;
	double load[3];

	(void)loop;
	(void)events;
	if (getloadavg(load, 3) == 3)
		judge_set_load(w->agent.weigher.judge, load);
}

static void
on_wake(EV_P_ ev_async *async, int events)
{
	struct worker *w = async->data;
	struct generation *next;
	int *inbox;
	unsigned waiting;
	bool stop;

	(void)events;
	pthread_mutex_lock(&w->lock);
	inbox = w->inbox;
	waiting = w->waiting;
	next = w->next;
	stop = w->stop;
	w->inbox = NULL;
	w->waiting = w->room = 0;
	w->next = NULL;
	pthread_mutex_unlock(&w->lock);

	if (next != NULL)
		weigher_reload(&w->agent.weigher, next);
	for (unsigned i = 0; i < waiting; i++)
		agent_connect(&w->agent, inbox[i]);
	free(inbox);
	if (stop && !w->agent.draining) {
		ev_timer_stop(EV_A_ & w->load);
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

bool
worker_start(struct worker *w, struct generation *g)
{
	int why;

	*w = (struct worker){ .loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV) };
	if (w->loop == NULL) {
		generation_unref(g);
		errno = EMFILE;
		return false;
	}
	pthread_mutex_init(&w->lock, NULL);
	ev_async_init(&w->wake, on_wake);
	ev_timer_init(&w->drain_limit, on_drain_limit, DRAIN_S, 0.0);
	ev_timer_init(&w->load, on_load, 0.0, LOAD_S);
	w->wake.data = w->load.data = w;
	ev_timer_start(w->loop, &w->load);
	ev_async_start(w->loop, &w->wake);
	agent_init(&w->agent, w->loop, g);
	why = pthread_create(&w->thread, NULL, run, w);
	if (why == 0)
		return true;
	agent_fini(&w->agent);
	ev_loop_destroy(w->loop);
	pthread_mutex_destroy(&w->lock);
	errno = why;
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
	generation_unref(w->next);
	agent_fini(&w->agent);
	ev_loop_destroy(w->loop);
	pthread_mutex_destroy(&w->lock);
}
