/*
 * What a cached answer of the DNS costs a verdict: policy_judge alone, the same policy with no
 * blocklist, with one and with three, 256 clients of each family, all answers known. The daemon's
 * own lookup and resolver; nobody is asked. One line each: the median of rounds, and how much more
 * than without.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/lookup.h"
#include "policy/verdict.h"

#define CLIENTS 256u
#define VERDICTS 20000u
#define ROUNDS 21u
#define ZONES 3u

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct policy *
with_zones(unsigned zones)
{
	char text[1024], list[512] = "";
	struct problems problems = { 0 };
	struct policy *p;
	int n;

	for (unsigned i = 0; i < zones; i++) {
		size_t at = strlen(list);

		snprintf(list + at, sizeof(list) - at,
		    "%s{\"zone\":\"zone%u.bl.example.org\",\"codes\":{\"127.0.0.9\":30}}",
		    i > 0 ? "," : "", i);
	}
	n = snprintf(text, sizeof(text),
	    "{\"bots\":[{\"name\":\"agent\",\"user_agent_regex\":\"GPTBot\",\"action\":\"DENY\"},"
	    "{\"name\":\"tool\",\"path_regex\":\"^/wp-\",\"action\":\"DENY\"}],\"dnsbl\":[%s]}",
	    list);
	p = policy_load("bench", (struct slice){ text, (size_t)n }, NULL, &problems);
	problems_print(&problems, "");
	if (p == NULL)
		exit(1);
	return p;
}

static struct address
client_at(unsigned i, bool six)
{
	uint8_t four[4] = { 5, (uint8_t)(i * 37), (uint8_t)(i >> 1), (uint8_t)i };
	uint8_t all[16] = { 0x2a, 0x01, 0x04, 0xf8, (uint8_t)i, (uint8_t)(i * 7), 1, 2, 3, 4, 5, 6,
		(uint8_t)(i * 13), 9, 8, (uint8_t)i };

	return six ? address_from_bytes(all, 16) : address_from_bytes(four, 4);
}

/* One in eight is listed. */
static void
fill(struct resolver *r, const struct policy *p, bool six)
{
	static struct dns_message m;

	for (unsigned i = 0; i < CLIENTS; i++) {
		for (unsigned z = 0; z < policy_zones(p); z++) {
			struct address a = client_at(i, six);
			char name[DNS_NAME_MAX + 1];

			m.state = i % 8 == 0 ? DNS_FOUND : DNS_NONE;
			m.count = i % 8 == 0;
			m.bytes = 4 * m.count;
			memcpy(m.data, (uint8_t[]){ 127, 0, 0, 9 }, 4);
			dns_cache_put(resolver_cache(r), DNS_A,
			    dns_reverse(&a, policy_zone(p, z)->zone, name), &m, 3600,
			    clock_coarse_ms());
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
measure(const struct policy *p, struct lookup *l, struct zone_state *const *zone, bool six)
{
	struct judge *j = judge_new();
	struct request r = { 0 };
	struct evidence e = { .dns = &l->view };
	struct address client[CLIENTS];
	double took[ROUNDS];
	unsigned unknown = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		client[i] = client_at(i, six);
	request_set(&r, REQUEST_METHOD, SLICE("GET"));
	request_set(&r, REQUEST_HOST, SLICE("git.example.org"));
	request_set(&r, REQUEST_PATH, SLICE("/ammit/ammit/src/branch/main/spoa/policy"));
	request_set(&r, REQUEST_USER_AGENT, SLICE("curl/8.5.0"));
	for (unsigned round = 0; round < ROUNDS; round++) {
		double begin = cpu_ns();

		for (unsigned i = 0; i < VERDICTS; i++) {
			struct verdict v;

			lookup_begin(l, zone, false, false);
			r.src = client[i % CLIENTS];
			policy_judge(p, j, &r, &e, &v, NULL);
			unknown += v.unknown;
		}
		took[round] = (cpu_ns() - begin) / VERDICTS;
	}
	judge_free(j);
	if (unknown > 0)
		exit(1);
	qsort(took, ROUNDS, sizeof(took[0]), by_value);
	return took[ROUNDS / 2];
}

int
main(void)
{
	const struct resolver_options o = { .servers = "127.0.0.1:9" };
	struct ev_loop *loop = ev_loop_new(0);
	struct lookup *l = xcalloc(1, sizeof(*l));
	const char *why;
	struct resolver *r = resolver_new(loop, &o, &why);
	struct zones zones;

	if (r == NULL)
		return 1;
	zones_init(&zones, 1);
	lookup_init(l, r, 0, zones.functions);
	for (unsigned six = 0; six < 2; six++) {
		double without = 0;

		for (unsigned n = 0; n <= ZONES; n += n == 0 ? 1 : 2) {
			struct policy *p = with_zones(n);
			struct zone_state *state[ZONES_MAX] = { NULL };
			double ns;

			for (unsigned z = 0; z < policy_zones(p); z++)
				state[z] = zones_state(&zones, policy_zone(p, z));
			fill(r, p, six != 0);
			ns = measure(p, l, state, six != 0);
			without = n == 0 ? ns : without;
			printf("dnscost clients=%s zones=%u ns=%.0f more=%.0f\n",
			    six != 0 ? "ipv6" : "ipv4", n, ns, ns - without);
			policy_free(p);
		}
	}
	zones_fini(&zones);
	resolver_free(r);
	ev_loop_destroy(loop);
	free(l);
	return 0;
}
