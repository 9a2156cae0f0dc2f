#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/*
 * Who went into the honeypot, for a while: an IPv4 address, the /64 of an IPv6 one, a circuit. No
 * wider, as neighbours are not to pay for it. Bounded: where there is no room, who would be
 * forgotten first is. One thread adds, any number ask, and nobody waits.
 */
struct trap;

struct trap *trap_new(void);
void trap_free(struct trap *t); /* NULL is legal */

/* Until then (s). */
void trap_add(struct trap *t, const struct address *client, int64_t now_s, int64_t until_s);

/* 32 bits of a keyed hash are compared: one stranger in a thousand million is mistaken. */
bool trap_holds(const struct trap *t, const struct address *client, int64_t now_s);
