#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "token/ticket.h"

/*
 * Tickets that were redeemed, so that each buys one pass. Bounded: two epochs of `capacity` ids
 * each, the older is dropped when the newer is full or TICKET_LIFE_S old. What a dropped epoch
 * could have held is not forgotten but refused: tickets issued before spent_floor count as expired.
 * So a flood shortens the life of tickets, and never lets one be spent twice. The floor starts at
 * the time of spent_new: after a restart no ticket from before it holds.
 */
struct spent;

struct spent *spent_new(uint32_t capacity, int64_t now_s);
void spent_free(struct spent *s); /* NULL is legal */

/* Tickets issued before this (s) are expired, whatever their age. */
int64_t spent_floor(const struct spent *s);

/* What is remembered of a redemption: who did it, and when, so that the same answer can be given.
 */
struct spent_entry {
	uint8_t id[TICKET_ID_BYTES];
	struct address client; /* the whole address */
	int64_t issued_s;      /* of the ticket: what spent_floor rises by */
	int64_t at_s;          /* of the redemption */
};

/*
 * Spend the ticket, whose issued_s is not below spent_floor. True: it was not spent before, and is
 * now. False: it was; *first is what is known of that.
 */
bool spent_add(struct spent *s, const struct spent_entry *e, struct spent_entry *first);

/* What is known of this ticket; false: nothing. */
bool spent_find(
    const struct spent *s, const uint8_t id[TICKET_ID_BYTES], struct spent_entry *first);
