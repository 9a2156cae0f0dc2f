/*
 * Does a verdict cost more as a policy grows? ns a verdict (policy_judge alone, CPU time, the best
 * of some rounds) for policies of 10 to 10,000 rules and 100 to 1,000,000 prefixes, and as a ratio
 * to the smallest in the same run; then how long a million prefixes take to load, and what the
 * process that loaded them holds at most.
 *
 *   scale [PREFIXES]       the largest list; 1000000
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "daemon/source.h"
#include "policy/verdict.h"
#include "unit/random.h"

#define VERDICTS 20000u
#define ROUNDS 15u
#define CLIENTS 256u
#define CHROME                                                                                     \
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "                  \
	"Chrome/126.0.0.0 Safari/537.36"

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct policy *
load(const char *text, size_t n)
{
	struct problems problems = { 0 };
	struct policy *p =
	    policy_load("scale.json", (struct slice){ text, n }, source_files(), &problems);

	for (size_t i = 0; p == NULL && i < problems.count; i++)
		fprintf(stderr, "%s\n", problems.list[i].text);
	if (p == NULL)
		exit(1);
	problems_fini(&problems);
	return p;
}

/* Agents, paths and addresses in turn; the last one is an agent. */
static struct policy *
with_rules(unsigned rules)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct policy *p;

	if (f == NULL)
		exit(1);
	fprintf(f, "{\"bots\":[");
	for (unsigned i = 0; i < rules; i++) {
		fprintf(f, "%s{\"name\":\"r%u\",\"action\":\"DENY\",", i > 0 ? "," : "", i);
		if (i + 1 == rules)
			fprintf(f, "\"user_agent_regex\":\"TheLastBot/[0-9]\"}");
		else if (i % 3 == 0)
			fprintf(
			    f, "\"user_agent_regex\":\"%xBot%x|Agent-%u\"}", i * 2654435761u, i, i);
		else if (i % 3 == 1)
			fprintf(f, "\"path_regex\":\"^/%x/private-%u/\"}", i * 2654435761u, i);
		else
			fprintf(
			    f, "\"remote_addresses\":[\"10.%u.%u.0/24\"]}", i / 256 % 256, i % 256);
	}
	fprintf(f, "]}");
	fclose(f);
	p = load(text, n);
	free(text);
	return p;
}

static struct address
client_at(unsigned i, bool six)
{
	struct address a = { { 0 }, six ? 6 : 4 };
	uint32_t spread = i * 2654435761u;

	if (six) {
		a.bytes[0] = 0x2a;
		a.bytes[1] = (uint8_t)(spread >> 30);
	}
	for (unsigned k = 0; k < 4; k++)
		a.bytes[k + (six ? 2 : 0)] = (uint8_t)(spread >> (24 - 8 * k));
	return a;
}

/* The list in a file of its own: addresses of both families in turn, spread over the space. */
static void
write_list(const char *path, unsigned prefixes)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		exit(1);
	for (unsigned i = 0; i < prefixes; i++) {
		struct address a = client_at(i / 2, i % 2 != 0);
		char text[ADDRESS_TEXT_MAX];

		a = address_mask(&a, 32, 64);
		address_format(&a, text);
		fprintf(f, "%s/%u\n", text, a.family == 4 ? 32 : 64);
	}
	fclose(f);
}

static struct policy *
with_prefixes(unsigned prefixes)
{
	char path[] = "/tmp/ammit-scale.XXXXXX", text[256];
	int fd = mkstemp(path), n;
	struct policy *p;

	if (fd < 0)
		exit(1);
	close(fd);
	write_list(path, prefixes);
	n = snprintf(text, sizeof(text),
	    "{\"bots\":[{\"name\":\"list\",\"remote_addresses_file\":\"%s\","
	    "\"action\":\"DENY\"},{\"name\":\"agent\",\"user_agent_regex\":\"GPTBot\","
	    "\"action\":\"DENY\"}]}",
	    path);
	p = load(text, (size_t)n);
	unlink(path);
	return p;
}

/* A browser, or whom the last rule is for, from one of many addresses. */
static double
judge_many(const struct policy *p, const char *agent, bool six, uint64_t *denied)
{
	struct judge *j = judge_new();
	struct request r = { 0 };
	struct address client[CLIENTS];
	struct evidence e = { 0 };
	double best = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		client[i] = client_at(next_random(1u << 20), six);
	request_set(&r, REQUEST_METHOD, SLICE("GET"));
	request_set(&r, REQUEST_HOST, SLICE("git.example.org"));
	request_set(&r, REQUEST_PATH, SLICE("/ammit/ammit/src/branch/main/spoa/policy"));
	request_set(&r, REQUEST_USER_AGENT, slice_of(agent));
	judge_fit(j, p);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double begin = cpu_ns(), ns;

		*denied = 0;
		for (unsigned i = 0; i < VERDICTS; i++) {
			struct verdict v;

			r.src = client[i % CLIENTS];
			policy_judge(p, j, &r, &e, &v, NULL);
			*denied += v.kind == VERDICT_DENY;
		}
		ns = (cpu_ns() - begin) / VERDICTS;
		best = round == 0 || ns < best ? ns : best;
	}
	judge_free(j);
	return best;
}

static void
row(const char *what, unsigned n, double ns, double smallest, uint64_t denied)
{
	printf("scale what=%s n=%u ns=%.0f ratio=%.2f denied=%.0f%%\n", what, n, ns, ns / smallest,
	    100.0 * (double)denied / VERDICTS);
	fflush(stdout);
}

static void
scale_rules(void)
{
	static const unsigned sizes[] = { 10, 100, 1000, 10000 };
	double first[2] = { 0 };
	uint64_t denied;

	for (unsigned i = 0; i < 4; i++) {
		struct policy *p = with_rules(sizes[i]);

		for (unsigned k = 0; k < 2; k++) {
			double ns =
			    judge_many(p, k == 0 ? CHROME : "TheLastBot/1.0", false, &denied);

			first[k] = i == 0 ? ns : first[k];
			row(k == 0 ? "rules,none" : "rules,last", sizes[i], ns, first[k], denied);
		}
		policy_free(p);
	}
}

static void
scale_prefixes(unsigned most)
{
	const unsigned sizes[] = { 100, 10000, most };
	double first[2] = { 0 };
	uint64_t denied;

	for (unsigned i = 0; i < 3; i++) {
		struct policy *p = with_prefixes(sizes[i]);

		for (unsigned six = 0; six < 2; six++) {
			double ns = judge_many(p, CHROME, six != 0, &denied);

			first[six] = i == 0 ? ns : first[six];
			row(six ? "prefixes,v6" : "prefixes,v4", sizes[i], ns, first[six], denied);
		}
		policy_free(p);
	}
}

/* In a child: what this process held before is not counted. */
static void
load_cost(unsigned prefixes)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		double begin = cpu_ns();
		struct rusage usage;

		policy_free(with_prefixes(prefixes));
		getrusage(RUSAGE_SELF, &usage);
		printf("scale what=load n=%u seconds=%.2f peak_mib=%ld\n", prefixes,
		    (cpu_ns() - begin) / 1e9, usage.ru_maxrss / 1024);
		fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		exit(1);
}

int
main(int argc, char **argv)
{
	unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

	if (most < 1000 || most > 4000000) {
		fprintf(stderr, "usage: scale [PREFIXES]\n");
		return 2;
	}
	load_cost((unsigned)most);
	scale_rules();
	scale_prefixes((unsigned)most);
	return 0;
}
