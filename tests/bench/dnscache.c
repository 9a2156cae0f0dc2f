/*
 * The cache of answers alone: names of clients by Zipf's law (s = 1, 20,000 of them), then the same
 * beside a flood of addresses that nobody sees twice, ten for each look of theirs; every answer is
 * put after the look that missed it and looked at once more, as a request that waited does. Lines
 * of `NAME VALUE UNIT`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/dns_cache.h"

#define HOT 20000u
#define LOOKS 1000000u
#define FLOOD 1000000u
#define FLOOD_EACH 10u
#define TTL_S 3600u

static uint64_t seed = 88172645463325252u;

static uint64_t
next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
resident_mib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long all = 0, resident = 0;

	if (f != NULL && fscanf(f, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

struct name {
	uint8_t len;
	char text[47];
};

static struct name *hot;
static double *share; /* of the names up to this one */

static struct name
name_of(uint32_t client)
{
	struct address a = { { (uint8_t)(client >> 24), (uint8_t)(client >> 16),
				 (uint8_t)(client >> 8), (uint8_t)client },
		4 };
	char text[DNS_NAME_MAX + 1];
	struct slice s = dns_reverse(&a, dns_arpa(&a), text);
	struct name out = { .len = (uint8_t)s.len };

	memcpy(out.text, s.ptr, s.len);
	return out;
}

static void
prepare(void)
{
	double sum = 0;

	hot = xcalloc(HOT, sizeof(*hot));
	share = xcalloc(HOT, sizeof(*share));
	for (unsigned i = 0; i < HOT; i++) {
		hot[i] = name_of((uint32_t)(i * 2654435761u) | 1u << 31);
		share[i] = sum += 1. / (i + 1);
	}
	for (unsigned i = 0; i < HOT; i++)
		share[i] /= sum;
}

static const struct name *
any_hot(void)
{
	double x = (double)(next() >> 11) / 9007199254740992.;
	unsigned low = 0, high = HOT - 1;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (share[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return &hot[low];
}

static bool
look(struct dns_cache *c, const struct name *n)
{
	struct dns_answer a;

	return dns_cache_get(c, DNS_PTR, (struct slice){ n->text, n->len }, 0, &a);
}

static bool
ask(struct dns_cache *c, const struct name *n)
{
	static const struct dns_message m = {
		.state = DNS_FOUND, .count = 1, .bytes = 25, .data = "\30host-1-2-3-4.example.org"
	};

	if (look(c, n))
		return true;
	dns_cache_put(c, DNS_PTR, (struct slice){ n->text, n->len }, &m, TTL_S, 0);
	look(c, n);
	return false;
}

static void
flood(struct dns_cache *c, uint32_t from)
{
	for (unsigned k = 0; k < FLOOD_EACH; k++) {
		struct name n = name_of(from + k);

		ask(c, &n);
	}
}

static double
hit_rate(struct dns_cache *c, unsigned looks, bool flooded)
{
	static uint32_t client = 1;
	unsigned hits = 0;

	for (unsigned i = 0; i < looks; i++) {
		hits += ask(c, any_hot());
		if (flooded) {
			flood(c, client);
			client += FLOOD_EACH;
		}
	}
	return 100. * hits / looks;
}

/* The names in turn, so that the drawing of them costs nothing; the median of rounds. */
static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
ns_a_hit(struct dns_cache *c, unsigned names)
{
	double round[21];
	unsigned hits = 0;

	for (unsigned r = 0; r < 21; r++) {
		double start = now_ns();

		for (unsigned i = 0; i < HOT; i++)
			hits += look(c, &hot[i % names]);
		round[r] = (now_ns() - start) / HOT;
	}
	qsort(round, 21, sizeof(round[0]), compare);
	if (hits < 21 * HOT / 2)
		fprintf(stderr, "dnscache: only %u of %u were hits\n", hits, 21 * HOT);
	return round[10];
}

static double
ns_a_put(struct dns_cache *c)
{
	static const struct dns_message none = { .state = DNS_NONE };
	static struct name names[HOT];
	double round[21];

	for (unsigned r = 0; r < 21; r++) {
		double start;

		for (unsigned i = 0; i < HOT; i++)
			names[i] = name_of(1u << 30 | (r * HOT + i));
		start = now_ns();
		for (unsigned i = 0; i < HOT; i++)
			dns_cache_put(c, DNS_A, (struct slice){ names[i].text, names[i].len },
			    &none, TTL_S, 0);
		round[r] = (now_ns() - start) / HOT;
	}
	qsort(round, 21, sizeof(round[0]), compare);
	return round[10];
}

static void
measure(unsigned mib)
{
	static const uint8_t key[HASH_KEY_BYTES] = { 1, 2, 3 };
	double before = resident_mib();
	struct dns_cache *c = dns_cache_new((size_t)mib << 20, key);
	struct dns_cache *cold = dns_cache_new((size_t)mib << 20, key);

	printf("dnscache_%um_rss_empty %.2f MiB\n", mib, (resident_mib() - before) / 2);
	hit_rate(c, LOOKS / 4, false);
	printf("dnscache_%um_hit_rate %.2f %%\n", mib, hit_rate(c, LOOKS, false));
	printf("dnscache_%um_hit_rate_flood %.2f %%\n", mib, hit_rate(c, FLOOD / FLOOD_EACH, true));
	printf("dnscache_%um_bytes %.2f MiB\n", mib, (double)dns_cache_size(c).bytes / 1048576);
	printf("dnscache_%um_rss %.2f MiB\n", mib, resident_mib() - before);
	/* Nobody is known when the flood begins. */
	hit_rate(cold, FLOOD / FLOOD_EACH, true);
	printf("dnscache_%um_hit_rate_cold_flood %.2f %%\n", mib,
	    hit_rate(cold, FLOOD / FLOOD_EACH, true));
	printf("dnscache_%um_hit_warm %.0f ns\n", mib, ns_a_hit(c, 64));
	printf("dnscache_%um_hit_any %.0f ns\n", mib, ns_a_hit(c, HOT));
	printf("dnscache_%um_put %.0f ns\n", mib, ns_a_put(c));
	dns_cache_free(c);
	dns_cache_free(cold);
}

int
main(void)
{
	prepare();
	measure(4);
	memory_trim();
	measure(64);
	free(hot);
	free(share);
	return 0;
}
