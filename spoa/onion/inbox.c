#include "onion/inbox.h"

_Static_assert((CIRCUIT_INBOX_PLACES & (CIRCUIT_INBOX_PLACES - 1)) == 0, "turns wrap around");

void
circuit_inbox_init(struct circuit_inbox *b)
{
	for (uint32_t i = 0; i < CIRCUIT_INBOX_PLACES; i++) {
		atomic_init(&b->place[i].turn, i);
		b->place[i].what = 0;
	}
	atomic_init(&b->head, 0);
	b->tail = 0;
}

bool
circuit_inbox_put(struct circuit_inbox *b, uint64_t what)
{
	uint32_t at = atomic_load_explicit(&b->head, memory_order_relaxed);

	for (;;) {
		uint32_t turn = atomic_load_explicit(
		    &b->place[at % CIRCUIT_INBOX_PLACES].turn, memory_order_acquire);

		if (turn == at) {
			/* On failure `at` is where the head is now. */
			if (atomic_compare_exchange_weak_explicit(
				&b->head, &at, at + 1, memory_order_relaxed, memory_order_relaxed))
				break;
		} else if ((int32_t)(turn - at) < 0) {
			return false;
		} else {
			at = atomic_load_explicit(&b->head, memory_order_relaxed);
		}
	}
	b->place[at % CIRCUIT_INBOX_PLACES].what = what;
	atomic_store_explicit(
	    &b->place[at % CIRCUIT_INBOX_PLACES].turn, at + 1, memory_order_release);
	return true;
}

bool
circuit_inbox_get(struct circuit_inbox *b, uint64_t *what)
{
	uint32_t at = b->tail, turn = atomic_load_explicit(
				   &b->place[at % CIRCUIT_INBOX_PLACES].turn, memory_order_acquire);

	if (turn != at + 1)
		return false;
	*what = b->place[at % CIRCUIT_INBOX_PLACES].what;
	atomic_store_explicit(&b->place[at % CIRCUIT_INBOX_PLACES].turn, at + CIRCUIT_INBOX_PLACES,
	    memory_order_release);
	b->tail = at + 1;
	return true;
}
