#include "challenge/gate.h"

#include <string.h>

#include "base/encode.h"
#include "challenge/pow.h"
#include "token/ticket.h"

#define NUMBER_CHARS 8u

const char *const gate_outcome_names[GATE_OUTCOMES] = { "passed", "again", "early", "malformed",
	"forged", "expired", "host", "client", "method", "wrong", "spent" };

/* The numbers of a solution; 0 if it is no list of them. */
static unsigned
read_solution(struct slice s, uint32_t number[CHALLENGE_PUZZLES_MAX])
{
	unsigned count = 0;

	while (count < CHALLENGE_PUZZLES_MAX) {
		uint8_t b[4];

		if (s.len < NUMBER_CHARS ||
		    !hex_decode((struct slice){ s.ptr, NUMBER_CHARS }, b, sizeof(b)))
			return 0;
		number[count++] =
		    (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
		if (s.len == NUMBER_CHARS)
			return count;
		if (s.ptr[NUMBER_CHARS] != ',')
			return 0;
		s.ptr += NUMBER_CHARS + 1;
		s.len -= NUMBER_CHARS + 1;
	}
	return 0;
}

static bool
for_host(const struct ticket *t, struct slice sent)
{
	char store[TICKET_HOST_MAX];

	return slice_equal(t->host, host_normal(sent, store));
}

static bool
for_client(const struct ticket *t, const struct address *client)
{
	struct address bound = binding_apply(t->binding, client);

	return address_equal(&bound, &t->client);
}

enum gate_outcome
gate_open(const struct keyring *keys, const struct spent *spent, const struct gate_visit *v,
    struct ticket *t, char store[TICKET_HOST_MAX], struct gate_answer *out)
{
	enum ticket_error error = ticket_open(keys, v->ticket, v->now_s, t, store);

	memset(out, 0, sizeof(*out));
	if (error == TICKET_MALFORMED)
		return GATE_MALFORMED;
	if (error == TICKET_FORGED)
		return GATE_FORGED;
	hex_encode(t->id, TICKET_REFERENCE_CHARS / 2, out->reference);
	out->level = t->challenge.level;
	if (error != TICKET_OK || t->issued_s < spent_floor(spent))
		return GATE_EXPIRED;
	if (!for_host(t, v->host))
		return GATE_HOST;
	return for_client(t, &v->client) ? GATE_PASSED : GATE_CLIENT;
}

static bool
solves(const struct ticket *t, struct slice text, const uint32_t number[CHALLENGE_PUZZLES_MAX])
{
	uint32_t target = pow_target(t->challenge.hashes, t->challenge.puzzles);
	uint8_t seed[SHA256_BYTES];

	pow_seed(text, seed);
	for (unsigned i = 0; i < t->challenge.puzzles; i++)
		if (!pow_check(seed, target, i, number[i]))
			return false;
	return true;
}

/*
 * The pass for a ticket that was redeemed at issued_s: the same bytes each time that it is earned
 * in the same way. Its life is up to a twentieth shorter than promised, by the id, so that a crowd
 * that came together does not come back together. False if the host cannot stand in a pass.
 */
static bool
write_pass(const struct keyring *keys, const struct ticket *t, unsigned by, int64_t issued_s,
    int64_t now_s, struct gate_answer *out)
{
	uint32_t share = (uint32_t)t->id[14] << 8 | t->id[15];
	int64_t life_s = t->pass_s - (int64_t)((uint64_t)t->pass_s * share / (20 * 65536));
	struct pass p = { .issued_s = issued_s,
		.expires_s = issued_s + life_s,
		.level = t->challenge.level,
		.by = (uint8_t)by,
		.binding = t->binding,
		.client = t->client,
		.host = t->host };
	int64_t left_s = p.expires_s - now_s;

	memcpy(p.id, t->id, sizeof(p.id));
	out->pass_len = pass_seal(keys, &p, out->pass);
	out->pass_s = left_s < 0 ? 0 : left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
	return out->pass_len > 0;
}

static bool
within_again(int64_t first_s, int64_t now_s)
{
	return now_s >= first_s ? now_s - first_s <= GATE_AGAIN_S : first_s - now_s <= GATE_AGAIN_S;
}

static enum gate_outcome
spend(const struct keyring *keys, struct spent *spent, const struct gate_request *r, unsigned by,
    const struct ticket *t, struct gate_answer *out)
{
	const struct gate_visit *v = &r->visit;
	struct spent_entry e = { { 0 }, v->client, t->issued_s, v->now_s }, first;

	/* Before it is spent: a ticket whose pass cannot be written is not worth one. */
	if (!write_pass(keys, t, by | r->also, v->now_s, v->now_s, out))
		return GATE_HOST;
	memcpy(e.id, t->id, sizeof(e.id));
	if (spent_add(spent, &e, &first))
		return GATE_PASSED;
	if (address_equal(&first.client, &v->client) && within_again(first.at_s, v->now_s) &&
	    write_pass(keys, t, by | r->also, first.at_s, v->now_s, out))
		return GATE_AGAIN;
	return GATE_SPENT;
}

/* Which of the two was satisfied; 0: neither yet. */
static unsigned
waited(const struct spent *seen, const struct gate_visit *v, const struct ticket *t,
    struct gate_answer *out)
{
	int64_t since_s = v->now_s > t->issued_s ? v->now_s - t->issued_s : 0;
	struct spent_entry first;

	if ((t->challenge.methods & METHOD_RESOURCE) != 0 && spent_find(seen, t->id, &first) &&
	    address_equal(&first.client, &v->client))
		return METHOD_RESOURCE;
	if ((t->challenge.methods & METHOD_WAIT) == 0) {
		out->left_s = 1; /* the stylesheet is on its way */
		return 0;
	}
	if (since_s >= t->challenge.wait_s)
		return METHOD_WAIT;
	out->left_s = (unsigned)(t->challenge.wait_s - since_s);
	return 0;
}

static enum gate_outcome
weigh(const struct keyring *keys, struct spent *spent, const struct spent *seen,
    const struct gate_request *r, struct gate_answer *out)
{
	unsigned offered = r->method == METHOD_WAIT ? METHOD_WAIT | METHOD_RESOURCE : r->method;
	uint32_t number[CHALLENGE_PUZZLES_MAX];
	char store[TICKET_HOST_MAX];
	enum gate_outcome outcome;
	unsigned count = 0, by = r->method;
	struct ticket t;

	if (r->method == METHOD_POW && (count = read_solution(r->solution, number)) == 0)
		return GATE_MALFORMED;
	outcome = gate_open(keys, spent, &r->visit, &t, store, out);
	if (outcome != GATE_PASSED)
		return outcome;
	if ((t.challenge.methods & offered) == 0)
		return GATE_METHOD;
	if (r->method == METHOD_POW && count != t.challenge.puzzles)
		return GATE_MALFORMED;
	if (r->method == METHOD_POW && !solves(&t, r->visit.ticket, number))
		return GATE_WRONG;
	if (r->method == METHOD_WAIT && (by = waited(seen, &r->visit, &t, out)) == 0)
		return GATE_EARLY;
	out->by = (enum method)by;
	return spend(keys, spent, r, by, &t, out);
}

void
gate_see(struct spent *seen, const struct gate_visit *v, const struct ticket *t)
{
	struct spent_entry e = { { 0 }, v->client, t->issued_s, v->now_s }, first;

	memcpy(e.id, t->id, sizeof(e.id));
	spent_add(seen, &e, &first);
}

enum gate_outcome
gate_redeem(const struct keyring *keys, struct spent *spent, const struct spent *seen,
    const struct gate_request *r, struct gate_answer *out)
{
	enum gate_outcome outcome;

	memset(out, 0, sizeof(*out));
	outcome = weigh(keys, spent, seen, r, out);
	if (outcome != GATE_PASSED && outcome != GATE_AGAIN) {
		memset(out->pass, 0, sizeof(out->pass));
		out->pass_len = 0;
		out->pass_s = 0;
	}
	return outcome;
}
