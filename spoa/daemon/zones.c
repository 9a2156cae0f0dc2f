#include "daemon/zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

void
zones_init(struct zones *z, unsigned workers)
{
	*z = (struct zones){ .workers = workers };
	z->functions = xcalloc(workers, sizeof(*z->functions));
	pthread_mutex_init(&z->lock, NULL);
}

void
zones_fini(struct zones *z)
{
	for (unsigned i = 0; i < z->states; i++) {
		free(z->state[i]->tally);
		free(z->state[i]);
	}
	free(z->functions);
	pthread_mutex_destroy(&z->lock);
}

static struct zone_state *
find(struct zones *z, struct slice name)
{
	for (unsigned i = 0; i < z->states; i++)
		if (slice_equal(slice_of(z->state[i]->zone), name))
			return z->state[i];
	return NULL;
}

struct zone_state *
zones_state(struct zones *z, const struct zone *zone)
{
	struct zone_state *s;

	pthread_mutex_lock(&z->lock);
	s = find(z, zone->zone);
	if (s == NULL && z->states < ZONE_STATES_MAX) {
		s = xcalloc(1, sizeof(*s));
		memcpy(s->zone, zone->zone.ptr, zone->zone.len);
		s->tally = xcalloc(z->workers, sizeof(*s->tally));
		z->state[z->states++] = s;
	}
	pthread_mutex_unlock(&z->lock);
	return s;
}

static void
say(enum log_level level, const char *event, const struct zone_state *s, const char *why)
{
	struct log_entry e;

	log_begin(&e, level, event);
	log_text(&e, "zone", slice_of(s->zone));
	if (why != NULL)
		log_text(&e, "reason", slice_of(why));
	log_end(&e);
}

void
zone_suspend(struct zone_state *s, const char *why)
{
	const char *before = NULL;

	if (!atomic_compare_exchange_strong(&s->suspended, &before, why))
		return;
	atomic_fetch_add(&s->suspensions, 1);
	say(LOG_LEVEL_WARN, "dnsbl_suspended", s, why);
}

void
zone_resume(struct zone_state *s)
{
	if (atomic_exchange(&s->suspended, NULL) != NULL)
		say(LOG_LEVEL_INFO, "dnsbl_resumed", s, NULL);
}
