#include "daemon/load.h"

#include <stdlib.h>

#define LOAD_S 15.0

static void
on_time(EV_P_ ev_timer *t, int events)
{
	struct load *l = t->data;
	double load[3];

	(void)loop;
	(void)events;
	if (getloadavg(load, 3) == 3)
		judge_set_load(l->judge, load);
}

void
load_start(struct load *l, struct ev_loop *loop, struct judge *judge)
{
	l->judge = judge;
	ev_timer_init(&l->timer, on_time, 0.0, LOAD_S);
	l->timer.data = l;
	ev_timer_start(loop, &l->timer);
}

void
load_stop(struct load *l, struct ev_loop *loop)
{
	ev_timer_stop(loop, &l->timer);
}
