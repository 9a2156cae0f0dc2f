#pragma once

#include <ev.h>

#include "policy/verdict.h"

/* Tells a judge the load of the machine, at once and then every 15 s, on the loop's thread. */
struct load {
	ev_timer timer;
	struct judge *judge;
};

void load_start(struct load *l, struct ev_loop *loop, struct judge *judge);
void load_stop(struct load *l, struct ev_loop *loop);
