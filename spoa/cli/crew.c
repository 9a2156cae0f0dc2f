#include "cli/crew.h"

#include <math.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "challenge/mine.h"

#define PIECE (UINT64_C(1) << 16) /* numbers that are handed out at once */
#define ALL (UINT64_C(1) << 32)
#define TURN_MS 200

struct crew {
	const struct crew_job *job;
	enum mine_engine engine;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t news;
	struct {
		uint64_t next, done; /* numbers handed out, and tried in vain */
		unsigned at_work;    /* threads */
		bool solved;
		uint32_t number;
	} puzzle[CHALLENGE_PUZZLES_MAX];
	unsigned solved;
	uint64_t hashes;
	bool none, stop;
};

/* The unsolved puzzle that the fewest are at; `puzzles` if there is none to be worked on. */
static unsigned
choose(const struct crew *c)
{
	unsigned best = c->job->puzzles;

	for (unsigned i = 0; i < c->job->puzzles; i++)
		if (!c->puzzle[i].solved && c->puzzle[i].next < ALL &&
		    (best == c->job->puzzles || c->puzzle[i].at_work < c->puzzle[best].at_work))
			best = i;
	return best;
}

/* What came of a piece of puzzle i, under the lock. */
static void
take_result(struct crew *c, unsigned i, bool found, uint32_t from, uint32_t n)
{
	c->puzzle[i].at_work--;
	c->hashes += found ? (uint64_t)(n - from) + 1 : PIECE;
	c->puzzle[i].done += PIECE;
	if (found && !c->puzzle[i].solved) {
		c->puzzle[i].solved = true;
		c->puzzle[i].number = n;
		c->solved++;
	}
	if (!c->puzzle[i].solved && c->puzzle[i].done == ALL)
		c->none = true;
	if (c->solved == c->job->puzzles || c->none) {
		c->stop = true;
		pthread_cond_signal(&c->news);
	}
}

static void *
work(void *arg)
{
	struct crew *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		unsigned i = choose(c);
		uint32_t from, n = 0;
		bool found;

		if (i == c->job->puzzles)
			break;
		from = (uint32_t)c->puzzle[i].next;
		c->puzzle[i].next += PIECE;
		c->puzzle[i].at_work++;
		pthread_mutex_unlock(&c->lock);
		found = mine_search(
		    c->engine, c->job->seed, c->job->target, i, from, (uint32_t)PIECE, &n);
		pthread_mutex_lock(&c->lock);
		take_result(c, i, found, from, n);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* A search has no memory: what is left is what was to be expected of each unsolved puzzle. */
static void
report(const struct crew *c, int64_t begun_ms)
{
	double mean = (double)ALL / c->job->target, done = 0;
	double seconds = (double)(clock_mono_ms() - begun_ms) / 1000;

	for (unsigned i = 0; i < c->job->puzzles; i++)
		done += c->puzzle[i].solved ? 1 : 1 - exp(-(double)c->puzzle[i].done / mean);
	if (c->hashes > 0)
		c->job->progress(done / c->job->puzzles,
		    (c->job->puzzles - c->solved) * mean * seconds / (double)c->hashes);
}

static void
wait_for_news(struct crew *c)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TURN_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&c->news, &c->lock, &until);
}

static void
watch(struct crew *c)
{
	int64_t begun_ms = clock_mono_ms();

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		wait_for_news(c);
		if (c->job->progress != NULL && !c->stop)
			report(c, begun_ms);
		if (clock_mono_ms() >= c->job->end_ms)
			c->stop = true;
	}
	pthread_mutex_unlock(&c->lock);
}

static enum crew_end
end_of(const struct crew *c, uint32_t number[CHALLENGE_PUZZLES_MAX])
{
	for (unsigned i = 0; i < c->job->puzzles; i++)
		number[i] = c->puzzle[i].number;
	if (c->solved == c->job->puzzles)
		return CREW_SOLVED;
	return c->none ? CREW_NONE : CREW_LATE;
}

enum crew_end
crew_solve(const struct crew_job *job, uint32_t number[CHALLENGE_PUZZLES_MAX], uint64_t *hashes)
{
	struct crew c = { .job = job, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t thread[CREW_THREADS_MAX];
	pthread_condattr_t monotonic;
	unsigned threads = 0;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c.news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	c.engine = mine_engine_best(job->puzzles * ALL / job->target);
	while (threads < job->threads && pthread_create(&thread[threads], NULL, work, &c) == 0)
		threads++;
	/* Not even one: then the caller's own does it, and nobody looks on. */
	if (threads == 0)
		work(&c);
	else
		watch(&c);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	pthread_cond_destroy(&c.news);
	*hashes = c.hashes;
	return end_of(&c, number);
}
