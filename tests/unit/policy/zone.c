#include "policy/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/policy/fake_dns.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OTHER ZONE_CODES_MAX

static const struct zone bl = {
	.zone = { "bl.test", 7 },
	.name = { "bl", 2 },
	.v4 = true,
	.v6 = true,
	.codes = 6,
	.code = {
		{ { 127, 0, 0, 3 }, .action = ACTION_WEIGH, .weight = 10 },
		{ { 127, 0, 0, 4 }, .action = ACTION_WEIGH, .weight = 30 },
		{ { 127, 0, 0, 5 }, .action = ACTION_CHALLENGE },
		{ { 127, 0, 0, 6 }, .action = ACTION_DENY },
		{ { 127, 255, 0, 7 }, .action = ACTION_WEIGH, .weight = -5 },
		{ { 127, 0, 0, 8 }, .action = ACTION_DRIP },
	},
	.otherwise = { .action = ACTION_WEIGH, .weight = 20 },
};

/* One answer, as the fake DNS writes it: addresses, "" none, "?" unknown, "!" failed. */
static struct dns_answer
answer(struct fake_dns *d, const char *says)
{
	const struct fake_record list[] = { { DNS_A, "x", says }, { DNS_A, NULL, NULL } };
	const struct dns_question q = { .type = DNS_A, .name = SLICE("x") };
	struct dns_answer out;

	*d = (struct fake_dns){ .list = list };
	fake_look(d, &q, &out);
	d->list = NULL;
	return out;
}

static void
what_an_answer_says(void **state)
{
	static const struct {
		const char *says;
		enum zone_says want;
		unsigned worst;
		const char *why;
	} cases[] = {
		{ "", ZONE_NOT_LISTED, 0, NULL },
		{ "?", ZONE_UNKNOWN, 0, NULL },
		{ "!", ZONE_FAILED, 0, NULL },
		{ "127.0.0.3", ZONE_LISTED, 0, NULL },
		{ "127.0.0.4", ZONE_LISTED, 1, NULL },
		{ "127.255.0.7", ZONE_LISTED, 4, NULL },
		{ "127.0.0.99", ZONE_LISTED, OTHER, NULL },
		/* The worst, wherever it stands. */
		{ "127.0.0.3 127.0.0.4", ZONE_LISTED, 1, NULL },
		{ "127.0.0.4 127.0.0.3", ZONE_LISTED, 1, NULL },
		{ "127.0.0.3 127.0.0.99", ZONE_LISTED, OTHER, NULL },
		{ "127.0.0.99 127.255.0.7", ZONE_LISTED, OTHER, NULL },
		{ "127.0.0.4 127.0.0.5", ZONE_LISTED, 2, NULL },
		{ "127.0.0.5 127.0.0.4", ZONE_LISTED, 2, NULL },
		{ "127.0.0.5 127.0.0.6 127.0.0.4", ZONE_LISTED, 3, NULL },
		{ "127.0.0.6 127.0.0.5", ZONE_LISTED, 3, NULL },
		{ "127.0.0.6 127.0.0.8", ZONE_LISTED, 5, NULL },
		{ "127.0.0.8 127.0.0.6", ZONE_LISTED, 5, NULL },
		/* No blocklist says so, and one such record spoils the others. */
		{ "192.0.2.1", ZONE_BROKEN, 0, "outside of 127.0.0.0/8" },
		{ "126.255.255.255", ZONE_BROKEN, 0, "outside of 127.0.0.0/8" },
		{ "128.0.0.1", ZONE_BROKEN, 0, "outside of 127.0.0.0/8" },
		{ "127.0.0.4 9.9.9.9", ZONE_BROKEN, 0, "outside of 127.0.0.0/8" },
		{ "127.255.255.0", ZONE_BROKEN, 0, "refuses" },
		{ "127.255.255.255", ZONE_BROKEN, 0, "refuses" },
		{ "127.0.0.6 127.255.255.254", ZONE_BROKEN, 0, "refuses" },
		{ "127.255.254.255", ZONE_LISTED, OTHER, NULL },
		{ "127.254.255.255", ZONE_LISTED, OTHER, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_dns d;
		struct dns_answer a = answer(&d, cases[i].says);
		const char *why = NULL;
		unsigned worst = 1000;
		enum zone_says got = zone_read(&bl, &a, &worst, &why);

		if (got != cases[i].want || (got == ZONE_LISTED && worst != cases[i].worst))
			fail_msg("\"%s\": %d, %u", cases[i].says, got, worst);
		if ((got == ZONE_BROKEN) != (why != NULL) ||
		    (why != NULL && strstr(why, cases[i].why) == NULL))
			fail_msg("\"%s\": %s", cases[i].says, why == NULL ? "no reason" : why);
	}
	assert_ptr_equal(zone_code(&bl, 1), &bl.code[1]);
	assert_ptr_equal(zone_code(&bl, OTHER), &bl.otherwise);
}

/* RFC 5782, section 5. */
static void
the_test_points(void **state)
{
	const struct zone six = { .zone = { "bl6.test", 8 }, .v6 = true };
	char store[DNS_NAME_MAX + 1];

	(void)state;
	assert_true(slice_equal(zone_test_name(&bl, true, store), SLICE("2.0.0.127.bl.test")));
	assert_true(slice_equal(zone_test_name(&bl, false, store), SLICE("1.0.0.127.bl.test")));
	assert_true(slice_equal(zone_test_name(&six, true, store),
	    SLICE("2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl6.test")));
	assert_true(slice_equal(zone_test_name(&six, false, store),
	    SLICE("1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl6.test")));
}

static void
healthy_or_not(void **state)
{
	static const struct {
		const char *listed, *unlisted, *want;
	} cases[] = {
		{ "127.0.0.2", "", NULL },
		{ "127.0.0.4 127.0.0.9", "", NULL },
		{ "", "", "does not list 127.0.0.2" },
		{ "127.0.0.2", "127.0.0.2", "lists 127.0.0.1" },
		{ "", "127.0.0.2", "lists 127.0.0.1" },
		{ "192.0.2.80", "192.0.2.80", "outside of 127.0.0.0/8" },
		{ "127.0.0.2", "192.0.2.80", "outside of 127.0.0.0/8" },
		{ "127.255.255.254", "", "refuses" },
		{ "", "127.255.255.254", "refuses" },
		{ "!", "127.255.255.254", "refuses" },
		/* Who does not answer says nothing about the zone. */
		{ "!", "!", NULL },
		{ "?", "?", NULL },
		{ "!", "", NULL },
		{ "?", "", NULL },
		{ "127.0.0.2", "!", NULL },
		{ "127.0.0.2", "?", NULL },
		{ "", "!", "does not list 127.0.0.2" },
		{ "!", "127.0.0.2", "lists 127.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_dns d, e;
		struct dns_answer listed = answer(&d, cases[i].listed);
		struct dns_answer unlisted = answer(&e, cases[i].unlisted);
		const char *got = zone_health(&listed, &unlisted);

		if ((got == NULL) != (cases[i].want == NULL) ||
		    (got != NULL && strstr(got, cases[i].want) == NULL))
			fail_msg("\"%s\" and \"%s\": %s", cases[i].listed, cases[i].unlisted,
			    got == NULL ? "healthy" : got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_answer_says),
		cmocka_unit_test(the_test_points),
		cmocka_unit_test(healthy_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
