#pragma once

#include "base/dns.h"
#include "base/dns_message.h"
#include "base/hash.h"

/*
 * Answers by name and type, in at most so many bytes. What is asked for once passes through a small
 * queue and is gone; only what is asked for again stays (S3-FIFO: Yang et al., SOSP 2023). So a
 * flood of new addresses pushes out the flood. One thread.
 */
struct dns_cache;

/* All its memory counts, its table included, which is made here; key: random. At least 64 KiB. */
struct dns_cache *dns_cache_new(size_t bytes_max, const uint8_t key[HASH_KEY_BYTES]);
void dns_cache_free(struct dns_cache *c); /* NULL is legal */

/*
 * False: not there, or too old. Allocates and frees nothing; *out borrows until the next put or
 * flush.
 */
bool dns_cache_get(struct dns_cache *c, enum dns_type type, struct slice name, int64_t now_ms,
    struct dns_answer *out);

/*
 * Keep what m says for ttl_s seconds; takes the place of what was known, and is there until the
 * next put. With 0 seconds or a name that is none it only ends what was known.
 */
void dns_cache_put(struct dns_cache *c, enum dns_type type, struct slice name,
    const struct dns_message *m, uint32_t ttl_s, int64_t now_ms);

void dns_cache_flush(struct dns_cache *c);

struct dns_cache_size {
	size_t entries, bytes, bytes_max; /* what is too old counts until it has made room */
	uint64_t hits, misses, evictions; /* evictions: of what was not too old yet */
};
struct dns_cache_size dns_cache_size(const struct dns_cache *c);

/* Everything that is not too old, in any order, until `each` returns false. */
struct dns_cached {
	struct slice name;
	struct dns_answer answer;
	int64_t left_ms; /* until it is too old */
};
void dns_cache_walk(const struct dns_cache *c, int64_t now_ms,
    bool (*each)(void *arg, const struct dns_cached *e), void *arg);
