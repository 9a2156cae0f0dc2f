/*
 * Cold lookups through resolver and cache, against a server on loopback:
 *
 *   resolver SERVER NAMES-FILE TOTAL INFLIGHT [CACHE-MIB]
 *
 * Each name of the file is asked for in turn, again and again, TOTAL questions, INFLIGHT at once.
 * Prints one line a figure: name, value, unit.
 */
#include "net/resolver.h"

#include <err.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/memory.h"

static struct ev_loop *loop;
static struct resolver *resolver;
static char (*names)[DNS_NAME_MAX + 1];
static size_t name_count;
static unsigned long total, asked, done, states[4];
static float *took_us;

struct one {
	struct dns_waiter waiter;
	struct dns_question q;
	double begin;
};

static double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
ask(struct one *o)
{
	struct dns_answer a;
	const char *name;

	if (asked == total)
		return;
	name = names[asked++ % name_count];
	o->q = (struct dns_question){ .type = DNS_A, .name = { name, strlen(name) } };
	o->begin = now(CLOCK_MONOTONIC);
	/* As a verdict does: look, ask, look. */
	resolver_look(resolver, &o->q, &a);
	if (!resolver_ask(resolver, &o->q, &o->waiter))
		errx(1, "not asked");
}

static void
on_answer(struct dns_waiter *w)
{
	struct one *o = w->arg;
	struct dns_answer a;

	resolver_look(resolver, &o->q, &a);
	states[a.state]++;
	took_us[done++] = (float)((now(CLOCK_MONOTONIC) - o->begin) * 1e6);
	if (done == total)
		ev_break(loop, EVBREAK_ALL);
	ask(o);
}

static void
read_names(const char *file)
{
	FILE *f = fopen(file, "r");
	char line[DNS_NAME_MAX + 2];
	size_t room = 0;

	if (f == NULL)
		err(1, "%s", file);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (name_count == room) {
			room = room == 0 ? 1024 : room * 2;
			names = xreallocarray(names, room, sizeof(*names));
		}
		line[strcspn(line, "\n")] = '\0';
		dns_name_normal(slice_of(line), names[name_count++]);
	}
	fclose(f);
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	struct resolver_options o = { 0 };
	const char *why;
	struct one *all;
	unsigned long inflight;
	double wall, cpu;

	if (argc < 5)
		errx(2, "usage: resolver SERVER NAMES-FILE TOTAL INFLIGHT [CACHE-MIB]");
	o.servers = argv[1];
	read_names(argv[2]);
	total = strtoul(argv[3], NULL, 10);
	inflight = strtoul(argv[4], NULL, 10);
	o.cache_bytes = argc > 5 ? strtoul(argv[5], NULL, 10) << 20 : 0;
	took_us = xcalloc(total, sizeof(*took_us));
	all = xcalloc(inflight, sizeof(*all));
	loop = ev_loop_new(0);
	resolver = resolver_new(loop, &o, &why);
	if (resolver == NULL)
		errx(1, "%s", why);
	wall = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned long i = 0; i < inflight; i++) {
		all[i].waiter.done = on_answer;
		all[i].waiter.arg = &all[i];
		ask(&all[i]);
	}
	ev_run(loop, 0);
	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	qsort(took_us, total, sizeof(*took_us), by_value);
	printf("lookups %.0f per s\nlookups_cpu %.0f per s of a core\n", (double)total / wall,
	    (double)total / cpu);
	printf("p50 %.0f us\np99 %.0f us\n", (double)took_us[total / 2],
	    (double)took_us[total * 99 / 100]);
	printf("found %lu\nnone %lu\nfailed %lu\n", states[DNS_FOUND], states[DNS_NONE],
	    states[DNS_FAILED]);
	resolver_free(resolver);
	ev_loop_destroy(loop);
	free(all);
	free(took_us);
	free(names);
	return 0;
}
