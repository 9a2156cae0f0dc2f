#include "onion/tor_control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of the cookie 00 01 … 1f and nonces of 0x11 and 0x22, worked out by another program. */
#define NONCE "1111111111111111111111111111111111111111111111111111111111111111"
#define SERVER_NONCE "2222222222222222222222222222222222222222222222222222222222222222"
#define SERVER_HASH "2AECBF4D284BEFDDBBACC3817B41959EDA061AC7E156DB0C734CB28AA5E903ED"
#define CLIENT_HASH "eea571786a3fd103b6aa1ffa46249c4c850c509d0c84c550ed9e41477511d2ba"
#define COOKIE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

#define METHODS(which)                                                                             \
	"<250-PROTOCOLINFO 1", "<250-AUTH METHODS=" which " COOKIEFILE=\"/run/tor/cookie\"",       \
	    "<250-VERSION Tor=\"0.4.9.11\"", "<250 OK"
#define NO_COOKIE(which)                                                                           \
	"<250-PROTOCOLINFO 1", "<250-AUTH METHODS=" which, "<250-VERSION Tor=\"0.4.9.11\"",        \
	    "<250 OK"
#define UP                                                                                         \
	">SETEVENTS CIRC CIRC_MINOR", "<250 OK", ">GETINFO circuit-status",                        \
	    "<250-circuit-status=", "<250 OK"
#define NULL_UP NO_COOKIE("NULL"), ">AUTHENTICATE", "<250 OK", UP
#define READY ">PROTOCOLINFO 1", NULL_UP

enum has { HAS_COOKIE = 1, HAS_PASSWORD = 2, IS_TCP = 4 };

/* What is said: < by tor, > by us, and nothing else; "!N": close circuit N, which must be asked
 * for. */
static const struct {
	const char *name;
	unsigned has;
	const char *said[24];
	const char *wrong; /* NULL: it is ready */
} dialogs[] = {
	{ "safe cookie", HAS_COOKIE | HAS_PASSWORD | IS_TCP,
	    { ">PROTOCOLINFO 1", METHODS("COOKIE,SAFECOOKIE,HASHEDPASSWORD"),
		">AUTHCHALLENGE SAFECOOKIE " NONCE,
		"<250 AUTHCHALLENGE SERVERHASH=" SERVER_HASH " SERVERNONCE=" SERVER_NONCE,
		">AUTHENTICATE " CLIENT_HASH, "<250 OK", UP },
	    NULL },
	{ "cookie", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("COOKIE"), ">AUTHENTICATE " COOKIE, "<250 OK", UP },
	    NULL },
	{ "password", HAS_PASSWORD,
	    { ">PROTOCOLINFO 1", NO_COOKIE("HASHEDPASSWORD"), ">AUTHENTICATE \"pa \\\"s\\\\s\"",
		"<250 OK", UP },
	    NULL },
	{ "no cookie to be had, but a password", HAS_PASSWORD,
	    { ">PROTOCOLINFO 1", METHODS("COOKIE,SAFECOOKIE,HASHEDPASSWORD"),
		">AUTHENTICATE \"pa \\\"s\\\\s\"", "<250 OK", UP },
	    NULL },
	{ "nothing needed", 0, { READY }, NULL },
	{ "nothing needed is the last choice", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("NULL,COOKIE"), ">AUTHENTICATE " COOKIE, "<250 OK", UP },
	    NULL },
	{ "no cookie to be had", 0, { ">PROTOCOLINFO 1", METHODS("COOKIE,SAFECOOKIE") },
	    "no cookie here" },
	{ "no password to be had", 0, { ">PROTOCOLINFO 1", NO_COOKIE("HASHEDPASSWORD") },
	    "tor wants a password: name its file with tor-password" },
	{ "unknown methods", HAS_COOKIE | HAS_PASSWORD,
	    { ">PROTOCOLINFO 1", NO_COOKIE("TELEPATHY,NULLS") },
	    "tor offers no method of authentication that is known here" },
	{ "no methods", HAS_COOKIE | HAS_PASSWORD, { ">PROTOCOLINFO 1", "<250 OK" },
	    "tor offers no method of authentication that is known here" },
	/* Whoever listens at a port while tor is down names a file, and would be sent it. */
	{ "cookie by TCP", HAS_COOKIE | IS_TCP, { ">PROTOCOLINFO 1", METHODS("COOKIE") },
	    "COOKIE without SAFECOOKIE is for unix sockets alone: whoever listens at a port could "
	    "ask for any file of 32 bytes" },
	{ "a cookie file by half its path", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", "<250-AUTH METHODS=COOKIE COOKIEFILE=\"tor/cookie\"", "<250 OK" },
	    "tor names no cookie file by its whole path" },
	{ "wrong server hash", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("COOKIE,SAFECOOKIE"), ">AUTHCHALLENGE SAFECOOKIE " NONCE,
		"<250 AUTHCHALLENGE SERVERHASH=" SERVER_NONCE " SERVERNONCE=" SERVER_NONCE },
	    "whoever answers does not know the cookie in /run/tor/cookie: it is the file of "
	    "another tor, or this is not tor" },
	{ "hash of another nonce", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("COOKIE,SAFECOOKIE"), ">AUTHCHALLENGE SAFECOOKIE " NONCE,
		"<250 AUTHCHALLENGE SERVERHASH=" SERVER_HASH " SERVERNONCE=" NONCE },
	    "whoever answers does not know the cookie in /run/tor/cookie: it is the file of "
	    "another tor, or this is not tor" },
	{ "short hash", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("COOKIE,SAFECOOKIE"), ">AUTHCHALLENGE SAFECOOKIE " NONCE,
		"<250 AUTHCHALLENGE SERVERHASH=2A SERVERNONCE=" SERVER_NONCE },
	    "the answer to AUTHCHALLENGE has no hash and nonce" },
	{ "a hash that is none", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("SAFECOOKIE"), ">AUTHCHALLENGE SAFECOOKIE " NONCE,
		"<250 AUTHCHALLENGE SERVERHASH=zz"
		"111111111111111111111111111111111111111111111111111111"
		"11111111 SERVERNONCE=" SERVER_NONCE },
	    "the answer to AUTHCHALLENGE has no hash and nonce" },
	{ "challenge refused", HAS_COOKIE,
	    { ">PROTOCOLINFO 1", METHODS("SAFECOOKIE"), ">AUTHCHALLENGE SAFECOOKIE " NONCE,
		"<513 no" },
	    "tor refuses AUTHCHALLENGE with 513: no" },
	{ "wrong password", HAS_PASSWORD,
	    { ">PROTOCOLINFO 1", NO_COOKIE("HASHEDPASSWORD"), ">AUTHENTICATE \"pa \\\"s\\\\s\"",
		"<515 Authentication failed: Password did not match HashedControlPassword" },
	    "tor refuses AUTHENTICATE by HASHEDPASSWORD with 515: Authentication failed: Password "
	    "did not match HashedControlPassword" },
	{ "PROTOCOLINFO refused", 0, { ">PROTOCOLINFO 1", "<510 what?" },
	    "tor refuses PROTOCOLINFO with 510: what?" },
	{ "events refused", 0,
	    { ">PROTOCOLINFO 1", NO_COOKIE("NULL"), ">AUTHENTICATE", "<250 OK",
		">SETEVENTS CIRC CIRC_MINOR", "<552 Unrecognized event \"CIRC_MINOR\"" },
	    "tor refuses SETEVENTS with 552: Unrecognized event \"CIRC_MINOR\"" },
	{ "list refused", 0,
	    { ">PROTOCOLINFO 1", NO_COOKIE("NULL"), ">AUTHENTICATE", "<250 OK",
		">SETEVENTS CIRC CIRC_MINOR", "<250 OK", ">GETINFO circuit-status",
		"<551 internal error" },
	    "tor refuses GETINFO circuit-status with 551: internal error" },
	{ "it says what was not asked", 0, { READY, "<250 OK" }, "tor answers what was not asked" },
	{ "it refuses what was not asked", 0, { READY, "<515 bad" },
	    "tor answers what was not asked" },
	{ "it is no tor", 0, { ">PROTOCOLINFO 1", "<HTTP/1.1 400 Bad Request" },
	    "not the protocol of tor: a line without a status code" },
	{ "events before the end of it", 0,
	    { ">PROTOCOLINFO 1", "<650 CIRC 5 BUILT PURPOSE=HS_SERVICE_REND", NO_COOKIE("NULL"),
		"<650 CIRC 6 BUILT PURPOSE=HS_SERVICE_REND", ">AUTHENTICATE", "<250 OK", UP,
		"<650 STATUS_GENERAL NOTICE CLOCK_JUMPED", "<650-NEW some", "<650 OK" },
	    NULL },
	{ "an event without an id", 0, { READY, "<650 CIRC BUILT" },
	    "tor tells of a circuit without an id and a status" },
	{ "it closes", 0,
	    { READY, "<650 CIRC 49 BUILT PURPOSE=HS_SERVICE_REND", "!49", ">CLOSECIRCUIT 49",
		"<650 CIRC 49 CLOSED PURPOSE=HS_SERVICE_REND REASON=REQUESTED", "<250 OK" },
	    NULL },
	{ "it is refused to close", 0,
	    { READY, "<650 CIRC 65536 BUILT PURPOSE=HS_SERVICE_REND", "!65536",
		">CLOSECIRCUIT 65536", "<551 no" },
	    NULL },
};

static bool
give_cookie(void *arg, const char *path, uint8_t out[TOR_COOKIE_BYTES], char why[TOR_WHY_MAX])
{
	const unsigned *has = arg;

	assert_string_equal(path, "/run/tor/cookie");
	snprintf(why, TOR_WHY_MAX, "no cookie here");
	for (unsigned i = 0; i < TOR_COOKIE_BYTES; i++)
		out[i] = (uint8_t)i;
	return (*has & HAS_COOKIE) != 0;
}

static bool
give_password(void *arg, char out[TOR_PASSWORD_MAX], size_t *len, char why[TOR_WHY_MAX])
{
	(void)arg;
	(void)why;
	memcpy(out, "pa \"s\\s", 7);
	*len = 7;
	return true;
}

struct world {
	struct tor_control t;
	struct circuit_table *table;
	unsigned has;
};

static struct world *
new_world(unsigned has, unsigned rate, bool dry_run)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct tor_bounds bounds = { rate, dry_run };
	const struct tor_secrets secrets = { give_cookie,
		(has & HAS_PASSWORD) != 0 ? give_password : NULL, &w->has, (has & IS_TCP) == 0 };
	uint8_t nonce[TOR_COOKIE_BYTES];

	memset(nonce, 0x11, sizeof(nonce));
	w->has = has;
	w->table = circuit_table_new();
	tor_control_init(&w->t, &secrets, &bounds, w->table);
	tor_control_begin(&w->t, nonce);
	return w;
}

static void
free_world(struct world *w)
{
	circuit_table_free(w->table);
	free(w);
}

/* The one command that is to be sent. */
static void
expect(struct world *w, const char *name, const char *want)
{
	struct slice out = tor_control_output(&w->t);

	if (out.len < 2 || memcmp(out.ptr + out.len - 2, "\r\n", 2) != 0 ||
	    !slice_equal((struct slice){ out.ptr, out.len - 2 }, slice_of(want)))
		fail_msg("%s: not %s but %.*s", name, want, (int)out.len, out.ptr);
	tor_control_sent(&w->t, out.len);
	assert_int_equal(tor_control_output(&w->t).len, 0);
}

/* One byte after the other; an answer is due until then. */
static bool
hear(struct world *w, const char *line)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s\r\n", line);

	for (int i = 0; i < n; i++) {
		if (i > 0)
			assert_true(tor_control_waits(&w->t));
		if (!tor_control_take(&w->t, (struct slice){ text + i, 1 }))
			return false;
	}
	return true;
}

static bool
say(struct world *w, const char *name, const char *line)
{
	if (line[0] == '>')
		expect(w, name, line + 1);
	else if (line[0] == '!')
		assert_int_equal(tor_control_close(&w->t, (uint32_t)strtoul(line + 1, NULL, 10), 0),
		    TOR_OUTCOME_NONE);
	else
		return hear(w, line + 1);
	return true;
}

static void
dialogs_are_held(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dialogs) / sizeof(dialogs[0]); i++) {
		struct world *w = new_world(dialogs[i].has, 10, false);
		const char *wrong = dialogs[i].wrong;
		bool good = true;

		for (const char *const *s = dialogs[i].said; *s != NULL; s++) {
			if (!good)
				fail_msg("%s: it has failed before %s", dialogs[i].name, *s);
			good = say(w, dialogs[i].name, *s);
		}
		if (good != (wrong == NULL) || (wrong != NULL && strcmp(w->t.why, wrong) != 0))
			fail_msg("%s: %s", dialogs[i].name, w->t.why);
		if (good) {
			assert_int_equal(w->t.state, TOR_READY);
			assert_string_equal(w->t.version, "0.4.9.11");
			assert_false(tor_control_waits(&w->t));
		} else {
			assert_int_equal(w->t.state, TOR_CLOSED);
			/* Not a word more. */
			assert_int_equal(tor_control_output(&w->t).len, 0);
		}
		free_world(w);
	}
}

static void
come_up(struct world *w)
{
	static const char *const said[] = { READY };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		assert_true(say(w, "up", said[i]));
	assert_int_equal(w->t.state, TOR_READY);
}

/* A method that tor did not take comes last the next time. */
static void
another_method_is_tried(void **state)
{
	static const char *const first[] = { ">PROTOCOLINFO 1",
		METHODS("COOKIE,SAFECOOKIE,HASHEDPASSWORD"), ">AUTHCHALLENGE SAFECOOKIE " NONCE };
	static const char *const second[] = { ">PROTOCOLINFO 1",
		METHODS("COOKIE,SAFECOOKIE,HASHEDPASSWORD"), ">AUTHENTICATE \"pa \\\"s\\\\s\"" };
	struct world *w = new_world(HAS_COOKIE | HAS_PASSWORD, 10, false);
	uint8_t nonce[TOR_COOKIE_BYTES];

	(void)state;
	memset(nonce, 0x11, sizeof(nonce));
	for (unsigned turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
			assert_true(say(w, "first", first[i]));
		assert_false(hear(w, "250 AUTHCHALLENGE SERVERHASH=" NONCE " SERVERNONCE=" NONCE));
		tor_control_begin(&w->t, nonce);
		for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++)
			assert_true(say(w, "second", second[i]));
		assert_false(hear(w, "515 no"));
		tor_control_begin(&w->t, nonce);
	}
	free_world(w);
}

/* The list: none, one on the line, many in a block; and what events make of it. */
static void
circuits_are_kept(void **state)
{
	static const char *const lists[][6] = {
		{ "250-circuit-status=5 BUILT PURPOSE=HS_SERVICE_REND HS_POW=v1,12", "250 OK" },
		{ "250+circuit-status=", "4 BUILT PURPOSE=HS_SERVICE_INTRO",
		    "5 BUILT PURPOSE=HS_SERVICE_REND HS_POW=v1,12", ".", "250 OK" },
	};

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		static const char *const before[] = { ">PROTOCOLINFO 1", NO_COOKIE("NULL"),
			">AUTHENTICATE", "<250 OK", ">SETEVENTS CIRC CIRC_MINOR", "<250 OK",
			">GETINFO circuit-status" };
		struct world *w = new_world(0, 10, false);

		for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
			assert_true(say(w, "before", before[i]));
		for (size_t i = 0; lists[l][i] != NULL; i++)
			assert_true(hear(w, lists[l][i]));
		assert_int_equal(w->t.state, TOR_READY);
		assert_int_equal(circuit_table_count(w->table), 1);
		assert_int_equal(circuit_table_effort(w->table, 5), 12);
		assert_true(hear(w, "650 CIRC 6 BUILT PURPOSE=HS_VANGUARDS"));
		assert_int_equal(circuit_table_find(w->table, 6), CIRCUIT_UNKNOWN);
		assert_true(hear(w, "650 CIRC_MINOR 6 PURPOSE_CHANGED PURPOSE=HS_SERVICE_REND "
				    "HS_POW=v1,9 OLD_PURPOSE=HS_VANGUARDS"));
		assert_int_equal(circuit_table_effort(w->table, 6), 9);
		assert_true(hear(w, "650 CIRC_MINOR 5 PURPOSE_CHANGED PURPOSE=MEASURE_TIMEOUT "
				    "OLD_PURPOSE=HS_SERVICE_REND"));
		assert_int_equal(circuit_table_find(w->table, 5), CIRCUIT_UNKNOWN);
		assert_int_equal(tor_control_close(&w->t, 5, 0), TOR_OUTCOME_REFUSED);
		assert_true(hear(w, "650 CIRC 6 FAILED PURPOSE=HS_SERVICE_REND REASON=TIMEOUT"));
		assert_int_equal(circuit_table_count(w->table), 0);
		assert_true(hear(w, "650 CIRC 7 BUILT PURPOSE=HS_SERVICE_REND"));
		/* The end of the connection is the end of what is known. */
		tor_control_end(&w->t);
		assert_int_equal(circuit_table_count(w->table), 0);
		assert_int_equal(circuit_table_find(w->table, 7), CIRCUIT_UNKNOWN);
		free_world(w);
	}
}

static void
only_visitors_are_closed(void **state)
{
	struct world *w = new_world(0, 100, false);
	uint32_t id;

	(void)state;
	come_up(w);
	assert_true(hear(w, "650 CIRC 1 BUILT PURPOSE=HS_SERVICE_INTRO"));
	assert_true(hear(w, "650 CIRC 65536 BUILT PURPOSE=HS_SERVICE_REND"));
	assert_true(hear(w, "650 CIRC 4294967295 BUILT PURPOSE=HS_SERVICE_REND"));
	assert_int_equal(tor_control_close(&w->t, 1, 0), TOR_OUTCOME_REFUSED);
	assert_int_equal(tor_control_close(&w->t, 2, 0), TOR_OUTCOME_REFUSED);
	assert_int_equal(tor_control_close(&w->t, 0, 0), TOR_OUTCOME_REFUSED);
	assert_int_equal(tor_control_output(&w->t).len, 0);
	assert_int_equal(tor_control_close(&w->t, 65536, 0), TOR_OUTCOME_NONE);
	assert_int_equal(w->t.state, TOR_CLOSES);
	assert_true(tor_control_waits(&w->t));
	expect(w, "close", "CLOSECIRCUIT 65536");
	/* The event may come before the answer, or behind it. */
	assert_true(hear(w, "650 CIRC 7 LAUNCHED PURPOSE=HS_VANGUARDS"));
	assert_true(hear(w, "250 OK"));
	assert_int_equal(tor_control_outcome(&w->t, &id), TOR_OUTCOME_CLOSED);
	assert_int_equal(id, 65536);
	assert_int_equal(tor_control_outcome(&w->t, &id), TOR_OUTCOME_NONE);
	assert_int_equal(circuit_table_find(w->table, 65536), CIRCUIT_CLOSING);
	assert_true(hear(w, "650 CIRC 65536 CLOSED PURPOSE=HS_SERVICE_REND REASON=REQUESTED"));
	assert_int_equal(tor_control_close(&w->t, 65536, 0), TOR_OUTCOME_REFUSED);
	/* Gone already. */
	assert_int_equal(tor_control_close(&w->t, 4294967295u, 0), TOR_OUTCOME_NONE);
	expect(w, "close", "CLOSECIRCUIT 4294967295");
	assert_true(hear(w, "552 Unknown circuit \"4294967295\""));
	assert_int_equal(tor_control_outcome(&w->t, &id), TOR_OUTCOME_GONE);
	assert_int_equal(circuit_table_count(w->table), 0);
	/* Refused: it is tried again when it is denied again. */
	assert_true(hear(w, "650 CIRC 9 BUILT PURPOSE=HS_SERVICE_REND"));
	assert_int_equal(tor_control_close(&w->t, 9, 0), TOR_OUTCOME_NONE);
	expect(w, "close", "CLOSECIRCUIT 9");
	assert_true(hear(w, "551 no"));
	assert_int_equal(tor_control_outcome(&w->t, &id), TOR_OUTCOME_REFUSED);
	assert_int_equal(circuit_table_find(w->table, 9), CIRCUIT_OPEN);
	assert_int_equal(counter_get(&w->t.outcomes[TOR_OUTCOME_CLOSED]), 1);
	assert_int_equal(counter_get(&w->t.outcomes[TOR_OUTCOME_GONE]), 1);
	assert_int_equal(counter_get(&w->t.outcomes[TOR_OUTCOME_REFUSED]), 5);
	free_world(w);
}

/* Closes as many as may be within some minutes, each a circuit of its own, a try each 100 ms. */
static unsigned
close_for(struct world *w, uint32_t *id, int64_t from_ms, int64_t to_ms, enum tor_outcome want)
{
	unsigned n = 0;

	for (int64_t now = from_ms; now < to_ms; now += 100) {
		char line[64];
		enum tor_outcome o;

		snprintf(line, sizeof(line), "650 CIRC %lu BUILT PURPOSE=HS_SERVICE_REND",
		    (unsigned long)++*id);
		assert_true(hear(w, line));
		o = tor_control_close(&w->t, *id, now);
		if (o == TOR_OUTCOME_NONE) {
			tor_control_sent(&w->t, tor_control_output(&w->t).len);
			assert_true(hear(w, "250 OK"));
		} else {
			assert_true(o == TOR_OUTCOME_LIMITED || o == want);
		}
		n += o == want;
	}
	return n;
}

static void
closes_have_a_rate(void **state)
{
	static const bool dry[] = { false, true };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w = new_world(0, 30, dry[i]);
		enum tor_outcome want = dry[i] ? TOR_OUTCOME_DRY : TOR_OUTCOME_NONE;
		uint32_t id = 0;

		come_up(w);
		/* 30 at once, and 30 in the minute. */
		assert_in_range(close_for(w, &id, 1000000, 1060000, want), 59, 60);
		assert_in_range(close_for(w, &id, 1060000, 1120000, want), 29, 31);
		/* Not more after a night. */
		assert_in_range(close_for(w, &id, 90000000, 90001000, want), 10, 10);
		/* A clock that stands still, or goes back, gives nothing. */
		close_for(w, &id, 90001000, 90005000, want);
		assert_in_range(close_for(w, &id, 80000000, 80000100, want), 0, 1);
		assert_int_equal(counter_get(&w->t.outcomes[TOR_OUTCOME_CLOSED]) == 0, dry[i]);
		free_world(w);
	}
}

/* A dry run tells of each circuit once, and says nothing to tor. */
static void
a_dry_run_closes_nothing(void **state)
{
	struct world *w = new_world(0, 100, true);

	(void)state;
	come_up(w);
	assert_true(hear(w, "650 CIRC 9 BUILT PURPOSE=HS_SERVICE_REND"));
	assert_int_equal(tor_control_close(&w->t, 9, 0), TOR_OUTCOME_DRY);
	assert_int_equal(circuit_table_find(w->table, 9), CIRCUIT_CLOSING);
	assert_int_equal(tor_control_close(&w->t, 8, 0), TOR_OUTCOME_REFUSED);
	assert_int_equal(tor_control_output(&w->t).len, 0);
	assert_int_equal(w->t.state, TOR_READY);
	free_world(w);
}

/* Answers that come before the questions: whoever is there does not read what we say. */
static void
answers_wait_for_questions(void **state)
{
	struct world *w = new_world(HAS_PASSWORD, 10, false);

	(void)state;
	assert_false(hear(w, "250 OK"));
	assert_string_equal(w->t.why, "tor answers before it was asked");
	free_world(w);
}

/* The longest password, each byte of which needs a \ before it. */
static bool
give_long_password(void *arg, char out[TOR_PASSWORD_MAX], size_t *len, char why[TOR_WHY_MAX])
{
	(void)arg;
	(void)why;
	memset(out, '"', TOR_PASSWORD_MAX);
	*len = TOR_PASSWORD_MAX;
	return true;
}

static void
the_longest_password_has_room(void **state)
{
	struct world *w = new_world(HAS_PASSWORD, 10, false);

	(void)state;
	w->t.secrets.password = give_long_password;
	expect(w, "long", "PROTOCOLINFO 1");
	assert_true(hear(w, "250-AUTH METHODS=HASHEDPASSWORD"));
	assert_true(hear(w, "250 OK"));
	assert_int_equal(tor_control_output(&w->t).len, 13 + 2 + 2 * TOR_PASSWORD_MAX + 2);
	tor_control_end(&w->t);
	/* Nothing of a secret stays behind. */
	for (size_t i = 0; i < sizeof(w->t.out); i++)
		assert_int_equal(w->t.out[i], 0);
	free_world(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialogs_are_held),
		cmocka_unit_test(another_method_is_tried),
		cmocka_unit_test(circuits_are_kept),
		cmocka_unit_test(only_visitors_are_closed),
		cmocka_unit_test(closes_have_a_rate),
		cmocka_unit_test(a_dry_run_closes_nothing),
		cmocka_unit_test(answers_wait_for_questions),
		cmocka_unit_test(the_longest_password_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
