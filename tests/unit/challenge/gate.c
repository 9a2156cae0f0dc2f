#include "challenge/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "challenge/pow.h"
#include "token/ticket.h"
#include "unit/fixtures.h"

#define OLD "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW "1111111111111111111111111111111111111111111111111111111111111111"
#define NOW 1700000000
#define LIFE_S 604800

/* One visitor with a solved ticket, a gate before him. */
struct scene {
	struct keyring keys;
	struct spent *spent, *seen;
	struct ticket ticket;
	struct gate_request request;
	struct gate_answer answer;
	char text[TICKET_TEXT_MAX], solution[CHALLENGE_PUZZLES_MAX * 9];
};

static void
seal(struct scene *s)
{
	s->ticket.client = binding_apply(s->ticket.binding, &s->request.visit.client);
	s->request.visit.ticket =
	    (struct slice){ s->text, ticket_seal(&s->keys, &s->ticket, s->text) };
}

/* For another difficulty than the ticket's, if need be. */
static void
solve_for(struct scene *s, uint32_t hashes, unsigned puzzles)
{
	uint32_t target = pow_target(hashes, puzzles);
	uint8_t seed[SHA256_BYTES];
	size_t n = 0;

	pow_seed(s->request.visit.ticket, seed);
	for (unsigned i = 0; i < puzzles; i++)
		n += (size_t)snprintf(s->solution + n, sizeof(s->solution) - n, "%s%08x",
		    i > 0 ? "," : "", (unsigned)pow_solve(seed, target, i));
	s->request.solution = (struct slice){ s->solution, n };
}

static void
begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->keys = ring(OLD);
	s->spent = spent_new(16, NOW - 100);
	s->seen = spent_new(16, NOW - 100);
	s->request.method = METHOD_POW;
	s->ticket = (struct ticket){ .issued_s = NOW,
		.challenge = { METHOD_POW, 512, 8, 3, 5, false },
		.status = 403,
		.pass_s = LIFE_S,
		.binding = BINDING_NET,
		.host = SLICE("git.example.org") };
	memset(s->ticket.id, 0xab, sizeof(s->ticket.id));
	s->request.visit.client = address("192.0.2.77");
	s->request.visit.host = SLICE("Git.Example.org:443");
	s->request.visit.now_s = NOW + 3;
	seal(s);
	solve_for(s, 512, 8);
}

static void
end(struct scene *s)
{
	spent_free(s->spent);
	spent_free(s->seen);
}

static enum gate_outcome
redeem(struct scene *s)
{
	return gate_redeem(&s->keys, s->spent, s->seen, &s->request, &s->answer);
}

/* Refused, without a pass; and the true owner still gets his. */
static void
assert_refused(
    struct scene *s, const struct gate_request *right, enum gate_outcome want, const char *name)
{
	enum gate_outcome got = redeem(s);
	static const char none[PASS_TEXT_MAX];

	if (got != want)
		fail_msg("%s: %s", name, gate_outcome_names[got]);
	assert_int_equal(s->answer.pass_len, 0);
	assert_int_equal(s->answer.pass_s, 0);
	assert_memory_equal(s->answer.pass, none, sizeof(none));
	s->request = *right;
	got = redeem(s);
	if (got != GATE_PASSED)
		fail_msg("%s, then the right one: %s", name, gate_outcome_names[got]);
	end(s);
}

static void
test_passed(void **state)
{
	struct scene s;
	struct pass p;
	struct address neighbour = address("192.0.2.1"), stranger = address("203.0.113.1");
	struct slice text;

	(void)state;
	begin(&s);
	assert_int_equal(redeem(&s), GATE_PASSED);
	assert_string_equal(s.answer.reference, "abababababab");
	assert_int_equal(s.answer.level, 3);
	assert_in_range(s.answer.pass_s, LIFE_S - LIFE_S / 20, LIFE_S);
	text = (struct slice){ s.answer.pass, s.answer.pass_len };
	assert_int_equal(
	    pass_check(&s.keys, text, NOW + 3, s.ticket.host, &neighbour, &p), PASS_GOOD);
	assert_int_equal(p.issued_s, NOW + 3);
	assert_int_equal(p.expires_s, NOW + 3 + s.answer.pass_s);
	assert_int_equal(p.level, 3);
	assert_int_equal(p.binding, BINDING_NET);
	assert_memory_equal(p.id, s.ticket.id, TICKET_ID_BYTES);
	assert_int_equal(
	    pass_check(&s.keys, text, NOW + 3, s.ticket.host, &stranger, &p), PASS_ELSEWHERE);
	end(&s);
}

/* Passes of a crowd that came at once run out over a twentieth of their life. */
static void
test_jitter(void **state)
{
	uint32_t least = UINT32_MAX, most = 0;

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct scene s;

		begin(&s);
		s.ticket.id[14] = (uint8_t)(4 * i);
		s.ticket.id[15] = 0;
		s.ticket.challenge.hashes = 1;
		s.ticket.challenge.puzzles = 1;
		seal(&s);
		solve_for(&s, 1, 1);
		assert_int_equal(redeem(&s), GATE_PASSED);
		least = s.answer.pass_s < least ? s.answer.pass_s : least;
		most = s.answer.pass_s > most ? s.answer.pass_s : most;
		end(&s);
	}
	assert_int_equal(most, LIFE_S);
	assert_in_range(least, LIFE_S - LIFE_S / 20, LIFE_S - LIFE_S / 25);
}

static void
test_solutions(void **state)
{
	static const struct {
		const char *name, *solution; /* NULL: made below */
		enum gate_outcome want;
	} cases[] = {
		{ "empty", "", GATE_MALFORMED },
		{ "a comma", ",", GATE_MALFORMED },
		{ "too short a number", "0000000", GATE_MALFORMED },
		{ "too long a number", "000000000", GATE_MALFORMED },
		{ "one of eight", "00000000", GATE_MALFORMED },
		{ "zeroes",
		    "00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000",
		    GATE_WRONG },
		{ "blank for comma",
		    "00000000 00000000,00000000,00000000,00000000,00000000,00000000,00000000",
		    GATE_MALFORMED },
		{ "comma at the end",
		    "00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,",
		    GATE_MALFORMED },
		{ "upper case",
		    "0000000A,00000000,00000000,00000000,00000000,00000000,00000000,00000000",
		    GATE_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;
		struct gate_request right;

		begin(&s);
		right = s.request;
		s.request.solution = slice_of(cases[i].solution);
		assert_refused(&s, &right, cases[i].want, cases[i].name);
	}
}

static void
test_solutions_bent(void **state)
{
	struct scene s;
	struct gate_request right;
	char bent[400];
	size_t n;

	(void)state;
	begin(&s);
	right = s.request;
	n = right.solution.len;
	memcpy(bent, right.solution.ptr, n);
	/* The first number for all eight. */
	for (unsigned i = 1; i < 8; i++)
		memcpy(bent + 9 * (size_t)i, bent, 8);
	s.request.solution = (struct slice){ bent, n };
	assert_refused(&s, &right, GATE_WRONG, "one number for all");

	begin(&s);
	right = s.request;
	memcpy(bent, s.solution, n);
	memcpy(bent + n, ",00000000", 9);
	s.request.solution = (struct slice){ bent, n + 9 };
	assert_refused(&s, &right, GATE_MALFORMED, "one too many");

	begin(&s);
	right = s.request;
	s.request.solution.len -= 9;
	assert_refused(&s, &right, GATE_MALFORMED, "one too few");

	begin(&s);
	right = s.request;
	memset(bent, '0', sizeof(bent));
	for (size_t i = 8; i < sizeof(bent); i += 9)
		bent[i] = ',';
	s.request.solution = (struct slice){ bent, 33 * 9 - 1 };
	assert_refused(&s, &right, GATE_MALFORMED, "33 numbers");
}

/* Every number is looked at: each alone wrong is wrong. */
static void
test_each_number_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct scene s;
		struct gate_request right;
		uint8_t seed[SHA256_BYTES];
		char bent[400], number[9];
		uint32_t n = 0;

		begin(&s);
		right = s.request;
		pow_seed(s.request.visit.ticket, seed);
		while (pow_check(seed, pow_target(512, 8), i, n))
			n++;
		snprintf(number, sizeof(number), "%08x", n);
		memcpy(bent, s.solution, right.solution.len);
		memcpy(bent + 9 * (size_t)i, number, 8);
		s.request.solution = (struct slice){ bent, right.solution.len };
		assert_refused(&s, &right, GATE_WRONG, "one number wrong");
	}
}

static void
test_lower_difficulty(void **state)
{
	struct scene s;
	struct gate_request right;
	char cheap[CHALLENGE_PUZZLES_MAX * 9];

	(void)state;
	begin(&s);
	right = s.request;
	solve_for(&s, 16, 8);
	memcpy(cheap, s.solution, sizeof(cheap));
	solve_for(&s, 512, 8);
	s.request.solution = (struct slice){ cheap, right.solution.len };
	assert_refused(&s, &right, GATE_WRONG, "a sixteenth of the work");
}

/* What somebody solved for one ticket is nothing for another, however alike. */
static void
test_another_tickets_solution(void **state)
{
	struct scene s;
	struct gate_request right;
	char other[CHALLENGE_PUZZLES_MAX * 9];

	(void)state;
	begin(&s);
	memcpy(other, s.solution, sizeof(other));
	s.ticket.id[0] ^= 1;
	seal(&s);
	solve_for(&s, 512, 8);
	right = s.request;
	s.request.solution.ptr = other;
	assert_refused(&s, &right, GATE_WRONG, "of another ticket");
}

static const struct {
	const char *name;
	int64_t issued_s, now_s;
	enum gate_outcome want;
} times[] = {
	{ "at once", NOW, NOW, GATE_PASSED },
	{ "at the last second", NOW, NOW + TICKET_LIFE_S, GATE_PASSED },
	{ "too late", NOW, NOW + TICKET_LIFE_S + 1, GATE_EXPIRED },
	{ "a little ahead", NOW + 60, NOW, GATE_PASSED },
	{ "from the future", NOW + 61, NOW, GATE_EXPIRED },
	{ "of the first second", NOW - 100, NOW, GATE_PASSED },
	{ "from before the start", NOW - 101, NOW, GATE_EXPIRED },
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct scene s;
		enum gate_outcome got;

		begin(&s);
		s.ticket.issued_s = times[i].issued_s;
		seal(&s);
		solve_for(&s, 512, 8);
		s.request.visit.now_s = times[i].now_s;
		got = redeem(&s);
		if (got != times[i].want)
			fail_msg("%s: %s", times[i].name, gate_outcome_names[got]);
		assert_string_equal(s.answer.reference, "abababababab");
		end(&s);
	}
}

static const struct {
	const char *name;
	enum binding binding;
	const char *holder, *sender, *host;
	enum gate_outcome want;
} parties[] = {
	{ "same", BINDING_NET, "192.0.2.77", "192.0.2.77", "git.example.org", GATE_PASSED },
	{ "same /24", BINDING_NET, "192.0.2.77", "192.0.2.9", "git.example.org", GATE_PASSED },
	{ "another /24", BINDING_NET, "192.0.2.77", "192.0.3.77", "git.example.org", GATE_CLIENT },
	{ "same /24, exact", BINDING_EXACT, "192.0.2.77", "192.0.2.9", "git.example.org",
	    GATE_CLIENT },
	{ "same /48", BINDING_NET, "2001:db8:1::1", "2001:db8:1:9::", "git.example.org",
	    GATE_PASSED },
	{ "IPv4 and IPv6", BINDING_NET, "192.0.2.77", "2001:db8::", "git.example.org",
	    GATE_CLIENT },
	{ "anyone", BINDING_NONE, "192.0.2.77", "203.0.113.1", "git.example.org", GATE_PASSED },
	{ "same circuit", BINDING_CIRCUIT, "fc00:dead:beef:4dad::1:2", "fc00:dead:beef:4dad::1:2",
	    "git.example.org", GATE_PASSED },
	{ "another circuit", BINDING_CIRCUIT, "fc00:dead:beef:4dad::1:2",
	    "fc00:dead:beef:4dad::2:2", "git.example.org", GATE_CLIENT },
	{ "no circuit", BINDING_CIRCUIT, "fc00:dead:beef:4dad::1:2", "192.0.2.77",
	    "git.example.org", GATE_CLIENT },
	{ "circuit binding elsewhere", BINDING_CIRCUIT, "192.0.2.77", "192.0.2.1",
	    "git.example.org", GATE_PASSED },
	{ "another host", BINDING_NET, "192.0.2.77", "192.0.2.77", "example.org", GATE_HOST },
	{ "a host below", BINDING_NET, "192.0.2.77", "192.0.2.77", "x.git.example.org", GATE_HOST },
	{ "no host", BINDING_NET, "192.0.2.77", "192.0.2.77", "", GATE_HOST },
	{ "host with a final dot", BINDING_NET, "192.0.2.77", "192.0.2.77", "git.example.org.:80",
	    GATE_PASSED },
};

static void
test_host_and_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
		struct scene s;
		struct gate_request right;

		begin(&s);
		s.ticket.binding = parties[i].binding;
		s.request.visit.client = address(parties[i].holder);
		seal(&s);
		solve_for(&s, 512, 8);
		right = s.request;
		s.request.visit.client = address(parties[i].sender);
		s.request.visit.host = slice_of(parties[i].host);
		if (parties[i].want == GATE_PASSED) {
			assert_int_equal(redeem(&s), GATE_PASSED);
			end(&s);
		} else {
			assert_refused(&s, &right, parties[i].want, parties[i].name);
		}
	}
}

static const struct {
	const char *name, *client;
	int64_t after_s;
	enum gate_outcome want;
} replays[] = {
	{ "at once", "192.0.2.77", 0, GATE_AGAIN },
	{ "at 29 s", "192.0.2.77", 29, GATE_AGAIN },
	{ "at 30 s", "192.0.2.77", 30, GATE_AGAIN },
	{ "at 31 s", "192.0.2.77", 31, GATE_SPENT },
	{ "a second back", "192.0.2.77", -1, GATE_AGAIN },
	{ "a neighbour at 1 s", "192.0.2.78", 1, GATE_SPENT },
	{ "a stranger at 1 s", "203.0.113.1", 1, GATE_CLIENT },
	{ "after its life", "192.0.2.77", 600, GATE_EXPIRED },
};

static void
test_replay(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replays) / sizeof(replays[0]); i++) {
		struct scene s;
		struct gate_answer first;
		enum gate_outcome got;

		begin(&s);
		assert_int_equal(redeem(&s), GATE_PASSED);
		first = s.answer;
		s.request.visit.client = address(replays[i].client);
		s.request.visit.now_s += replays[i].after_s;
		got = redeem(&s);
		if (got != replays[i].want)
			fail_msg("%s: %s", replays[i].name, gate_outcome_names[got]);
		if (got == GATE_AGAIN) {
			assert_int_equal(s.answer.pass_len, first.pass_len);
			assert_memory_equal(s.answer.pass, first.pass, first.pass_len);
		} else {
			assert_int_equal(s.answer.pass_len, 0);
		}
		end(&s);
	}
}

/* Even for the same client the double submit has to bring the solution. */
static void
test_again_needs_the_solution(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	assert_int_equal(redeem(&s), GATE_PASSED);
	memcpy(s.solution, "ffffffff", 8);
	assert_int_equal(redeem(&s), GATE_WRONG);
	assert_int_equal(s.answer.pass_len, 0);
	end(&s);
}

static void
test_tickets_bent(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	for (size_t i = 0; i < s.request.visit.ticket.len; i++) {
		struct slice whole = s.request.visit.ticket;
		enum gate_outcome got;

		s.text[i] ^= 1;
		got = redeem(&s);
		assert_true(got == GATE_MALFORMED || got == GATE_FORGED);
		assert_string_equal(s.answer.reference, "");
		s.text[i] ^= 1;
		s.request.visit.ticket.len = i;
		got = redeem(&s);
		assert_true(got == GATE_MALFORMED || got == GATE_FORGED);
		s.request.visit.ticket = whole;
	}
	s.keys = ring(NEW);
	assert_int_equal(redeem(&s), GATE_FORGED);
	/* After a rotation: opened with the old, sealed with the new. */
	s.keys = ring(NEW "\n" OLD);
	assert_int_equal(redeem(&s), GATE_PASSED);
	assert_memory_equal(s.answer.pass, s.keys.key[0].jwt_header, 60);
	end(&s);
}

/* A ticket is not burned for a host that no pass can name. */
static void
test_host_no_pass_can_name(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.ticket.host = s.request.visit.host = SLICE("a b\"");
	seal(&s);
	solve_for(&s, 512, 8);
	assert_int_equal(redeem(&s), GATE_HOST);
	assert_int_equal(s.answer.pass_len, 0);
	assert_int_equal(redeem(&s), GATE_HOST);
	end(&s);
}

/* A flood of genuine solutions pushes the ticket out of memory: it is expired, never good again. */
static void
test_flood(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	assert_int_equal(redeem(&s), GATE_PASSED);
	for (uint32_t i = 0; i < 40; i++) {
		struct spent_entry e = { { 0 }, s.request.visit.client, NOW, NOW + 4 }, first;

		memcpy(e.id, &i, sizeof(i));
		spent_add(s.spent, &e, &first);
	}
	assert_int_equal(redeem(&s), GATE_EXPIRED);
	end(&s);
}

/* ---- other ways than the proof of work ---- */

static void
offer(struct scene *s, unsigned methods)
{
	begin(s);
	s->ticket.challenge.methods = (uint8_t)methods;
	s->ticket.challenge.wait_s = 10;
	seal(s);
}

static unsigned
passed_by(struct scene *s)
{
	struct address client = address("192.0.2.77");
	struct pass p;

	assert_int_equal(pass_check(&s->keys, (struct slice){ s->answer.pass, s->answer.pass_len },
			     s->request.visit.now_s, s->ticket.host, &client, &p),
	    PASS_GOOD);
	return p.by;
}

/* Whatever is tried, only what the ticket offers counts. */
static void
test_methods_offered(void **state)
{
	static const enum method tried[] = { METHOD_POW, METHOD_WAIT, METHOD_QUESTION,
		METHOD_VIDEO };

	(void)state;
	for (unsigned offered = 1; offered <= METHODS_OFFERED; offered++) {
		if ((offered & ~(unsigned)METHOD_VIDEO) == 0)
			continue;
		for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
			unsigned ways = tried[i] == METHOD_WAIT ? METHOD_WAIT | METHOD_RESOURCE
								: (unsigned)tried[i];
			enum gate_outcome want =
			    (offered & ways) == 0                                     ? GATE_METHOD
			    : tried[i] != METHOD_WAIT || (offered & METHOD_WAIT) != 0 ? GATE_PASSED
										      : GATE_EARLY;
			struct scene s;

			offer(&s, offered);
			solve_for(&s, 512, 8);
			s.request.method = tried[i];
			s.request.visit.now_s = NOW + 10;
			if (redeem(&s) != want)
				fail_msg("%u offered, %u tried", offered, (unsigned)tried[i]);
			if (want == GATE_PASSED)
				assert_int_equal(passed_by(&s), tried[i]);
			else
				assert_int_equal(s.answer.pass_len, 0);
			end(&s);
		}
	}
}

static void
test_wait(void **state)
{
	static const struct {
		int64_t after_s;
		enum gate_outcome want;
		unsigned left_s;
	} cases[] = { { -50, GATE_EARLY, 10 }, { 0, GATE_EARLY, 10 }, { 1, GATE_EARLY, 9 },
		{ 9, GATE_EARLY, 1 }, { 10, GATE_PASSED, 0 }, { 600, GATE_PASSED, 0 },
		{ 601, GATE_EXPIRED, 0 }, { -61, GATE_EXPIRED, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;

		offer(&s, METHOD_WAIT);
		s.request.method = METHOD_WAIT;
		s.request.visit.now_s = NOW + cases[i].after_s;
		assert_int_equal(redeem(&s), cases[i].want);
		assert_int_equal(s.answer.left_s, cases[i].left_s);
		/* To come too early spends nothing. */
		if (cases[i].want == GATE_EARLY) {
			s.request.visit.now_s = NOW + 10;
			assert_int_equal(redeem(&s), GATE_PASSED);
		}
		end(&s);
	}
}

/* One pass a ticket, by whatever way. */
static void
test_wait_and_work_buy_one(void **state)
{
	struct scene s;

	(void)state;
	offer(&s, METHOD_WAIT | METHOD_POW);
	solve_for(&s, 512, 8);
	s.request.visit.now_s = NOW + 10;
	assert_int_equal(redeem(&s), GATE_PASSED);
	s.request.method = METHOD_WAIT;
	s.request.visit.now_s = NOW + 10 + GATE_AGAIN_S + 1;
	assert_int_equal(redeem(&s), GATE_SPENT);
	s.request.visit.now_s = NOW + 10;
	s.request.visit.client = address("192.0.2.78");
	assert_int_equal(redeem(&s), GATE_SPENT);
	end(&s);
}

static void
see(struct scene *s, const char *client)
{
	struct gate_visit v = s->request.visit;
	char store[TICKET_HOST_MAX];
	struct gate_answer a;
	struct ticket t;

	v.client = address(client);
	assert_int_equal(gate_open(&s->keys, s->spent, &v, &t, store, &a), GATE_PASSED);
	gate_see(s->seen, &v, &t);
}

static void
test_resource(void **state)
{
	struct scene s;

	(void)state;
	offer(&s, METHOD_RESOURCE);
	s.request.method = METHOD_WAIT;
	assert_int_equal(redeem(&s), GATE_EARLY);
	assert_int_equal(s.answer.left_s, 1);
	/* A neighbour in the same network fetched it: that is somebody else. */
	see(&s, "192.0.2.78");
	assert_int_equal(redeem(&s), GATE_EARLY);
	end(&s);

	offer(&s, METHOD_RESOURCE | METHOD_WAIT);
	s.request.method = METHOD_WAIT;
	see(&s, "192.0.2.77");
	assert_int_equal(redeem(&s), GATE_PASSED);
	assert_int_equal(passed_by(&s), METHOD_RESOURCE);
	assert_int_equal(s.answer.by, METHOD_RESOURCE);
	end(&s);
}

/* What was learned on the side stands in the pass; it is no way in. */
static void
test_also(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.request.also = METHOD_VIDEO;
	assert_int_equal(redeem(&s), GATE_PASSED);
	assert_int_equal(passed_by(&s), METHOD_POW | METHOD_VIDEO);
	end(&s);
	begin(&s);
	s.request.also = METHOD_VIDEO;
	s.request.solution =
	    SLICE("00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000");
	assert_int_equal(redeem(&s), GATE_WRONG);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_solutions),
		cmocka_unit_test(test_solutions_bent),
		cmocka_unit_test(test_each_number_counts),
		cmocka_unit_test(test_lower_difficulty),
		cmocka_unit_test(test_another_tickets_solution),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_host_and_client),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_again_needs_the_solution),
		cmocka_unit_test(test_tickets_bent),
		cmocka_unit_test(test_host_no_pass_can_name),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_methods_offered),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_wait_and_work_buy_one),
		cmocka_unit_test(test_resource),
		cmocka_unit_test(test_also),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
