#include "challenge/offer.h"

#include <assert.h>
#include <stdlib.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken can be met, and its ticket stands in a form and a URL as it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = malloc(size + 1);
	const char *why = NULL;
	struct offer o;

	memcpy(header, data, size);
	if (!offer_parse((struct slice){ header, size }, &o, &why)) {
		assert(why != NULL);
		free(header);
		return 0;
	}
	assert(o.ticket.ptr >= header && o.ticket.ptr + o.ticket.len <= header + size);
	assert(o.ticket.len > 0 && o.ticket.len <= OFFER_TICKET_MAX);
	for (size_t i = 0; i < o.ticket.len; i++)
		assert(ascii_is_word(o.ticket.ptr[i]));
	if (o.pow) {
		assert(o.puzzles >= 1 && o.puzzles <= CHALLENGE_PUZZLES_MAX && o.target > 0);
		assert(offer_hashes(&o) >= o.puzzles);
	}
	assert(!o.wait || o.wait_s <= OFFER_WAIT_MAX_S);
	free(header);
	return 0;
}
