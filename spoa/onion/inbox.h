#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Circuits that are to be closed, on their way from the threads that judge to the one that talks to
 * tor. Any number of threads put in, one takes out, in order; nobody waits, no lock, no system
 * call. Full: what is put in is refused. (Each place has a ticket that says whose turn it is:
 * D. Vyukov's bounded queue.)
 */
#define CIRCUIT_INBOX_PLACES 1024u

struct circuit_inbox {
	struct {
		_Atomic uint32_t turn;
		uint64_t what;
	} place[CIRCUIT_INBOX_PLACES];
	_Alignas(64) _Atomic uint32_t head; /* of those who put in */
	_Alignas(64) uint32_t tail;
};

void circuit_inbox_init(struct circuit_inbox *b);

/* False: it is full. */
bool circuit_inbox_put(struct circuit_inbox *b, uint64_t what);

/* False: it is empty. */
bool circuit_inbox_get(struct circuit_inbox *b, uint64_t *what);
