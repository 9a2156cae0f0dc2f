#include "policy/addrlist.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/fixtures.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct taken {
	char text[512]; /* "192.0.2.0/24 …" */
	size_t len, count, room;
};

static bool
take(void *context, const struct prefix *p)
{
	struct taken *t = context;
	char base[ADDRESS_TEXT_MAX];

	if (t->count == t->room)
		return false;
	address_format(&p->base, base);
	if (t->len < sizeof(t->text))
		t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%s%s/%u",
		    t->len > 0 ? " " : "", base, p->bits);
	t->count++;
	return true;
}

static struct taken
read_list(struct slice text, size_t room, struct problems *p)
{
	struct taken t = { .room = room };
	/* Of its exact size, so that a sanitizer sees the first byte read behind it. */
	char *copy = malloc(text.len > 0 ? text.len : 1);

	assert_non_null(copy);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	addrlist_read("list.txt", (struct slice){ copy, text.len }, take, &t, p);
	free(copy);
	return t;
}

static const struct {
	const char *name, *in, *want;
} good[] = {
	{ "lines", "192.0.2.0/24\n2001:db8::/32\n", "192.0.2.0/24 2001:db8::/32" },
	{ "no newline at the end", "192.0.2.0/24", "192.0.2.0/24" },
	{ "bare", "192.0.2.1\n2001:db8::1\n::ffff:192.0.2.2\n",
	    "192.0.2.1/32 2001:db8::1/128 192.0.2.2/32" },
	{ "CRLF", "192.0.2.0/24\r\n198.51.100.7\r\n", "192.0.2.0/24 198.51.100.7/32" },
	{ "BOM",
	    "\xef\xbb\xbf"
	    "192.0.2.0/24\n",
	    "192.0.2.0/24" },
	{ "comments", "# a\n; b\n192.0.2.0/24 ; SBL1\n198.51.100.0/24# x\n\n \t\n",
	    "192.0.2.0/24 198.51.100.0/24" },
	{ "blanks", "  192.0.2.0/24\t\n", "192.0.2.0/24" },
	{ "all", "0.0.0.0/0\n::/0\n", "0.0.0.0/0 ::/0" },
	{ "mapped", "::ffff:192.0.2.0/120\n", "192.0.2.0/24" },
	{ "Google",
	    "{\"creationTime\": \"2026-01-01\", \"prefixes\": [{\"ipv6Prefix\": \"2001:db8::/64\"},"
	    " {\"ipv4Prefix\": \"192.0.2.0/27\"}]}",
	    "2001:db8::/64 192.0.2.0/27" },
	{ "AWS",
	    "{\"syncToken\": \"1\", \"prefixes\": [{\"ip_prefix\": \"192.0.2.0/24\", \"region\": "
	    "\"x\"}], \"ipv6_prefixes\": [{\"ipv6_prefix\": \"2001:db8::/32\"}]}",
	    "192.0.2.0/24 2001:db8::/32" },
	{ "Cloudflare",
	    "{\"result\": {\"ipv4_cidrs\": [\"192.0.2.0/24\"], \"ipv6_cidrs\": "
	    "[\"2001:db8::/32\"], \"etag\": \"x\"}, \"success\": true}",
	    "192.0.2.0/24 2001:db8::/32" },
	{ "Fastly", "{\"addresses\": [\"192.0.2.0/24\"], \"ipv6_addresses\": [\"2001:db8::/32\"]}",
	    "192.0.2.0/24 2001:db8::/32" },
	{ "strings", "\xef\xbb\xbf \r\n[\"192.0.2.0/24\", \"2001:db8::1\"]",
	    "192.0.2.0/24 2001:db8::1/128" },
	{ "both in one",
	    "{\"prefixes\": [{\"ipv4Prefix\": \"192.0.2.0/24\", \"ipv6Prefix\": \"::/0\"}]}",
	    "192.0.2.0/24 ::/0" },
};

static void
takes_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct problems p = { 0 };
		struct taken t = read_list(slice_of(good[i].in), 100, &p);

		if (p.errors + p.warnings != 0)
			fail_msg("%s: %s", good[i].name, p.list[0].text);
		if (strcmp(t.text, good[i].want) != 0)
			fail_msg("%s: %s", good[i].name, t.text);
		problems_fini(&p);
	}
}

static const struct {
	const char *name;
	struct slice in;
	size_t errors, taken;
	const char *first; /* how the first problem begins */
} bad[] = {
	{ "empty", { "", 0 }, 1, 0, "list.txt: an empty list: " },
	{ "comments only", SLICE("# nothing\n\n"), 1, 0, "list.txt: an empty list: " },
	{ "empty JSON", SLICE("[]"), 1, 0, "list.txt: an empty list: " },
	{ "empty prefixes", SLICE("{\"prefixes\": []}"), 1, 0, "list.txt: an empty list: " },
	{ "each line", SLICE("192.0.2.0/24\nexample.org\n  192.0.2.0/33\n2001:db8::/32\n"), 2, 2,
	    "list.txt:2:1: \"example.org\": not a prefix: write 192.0.2.0/24" },
	{ "column", SLICE("\n\n  1.2.3.4/\r\n"), 1, 0,
	    "list.txt:3:3: \"1.2.3.4/\": the length behind the / is a number" },
	{ "two a line", SLICE("192.0.2.0/24 198.51.100.0/24\n"), 1, 0, "list.txt:1:1: \"192" },
	{ "foreign bytes", SLICE("\x1b[31m\n"), 1, 0, "list.txt:1:1: \"\\x1b[31m\": not a" },
	{ "NUL", SLICE("192.0.2.0/24\n1\0.\n1\0.\n"), 1, 1, "list.txt:2:2: a NUL byte" },
	{ "not JSON", SLICE("{\n\"prefixes\": [}"), 1, 0, "list.txt:2:14: a value is expected" },
	{ "another map", SLICE("{\"hooks\": [\"192.0.2.0/24\"]}"), 1, 0,
	    "list.txt:1:1: no list of prefixes that is known: write [\"192.0.2.0/24\"], or" },
	{ "another list", SLICE("[{\"cidr\": \"192.0.2.0/24\"}]"), 1, 0,
	    "list.txt:1:2: [0]: neither ipv4Prefix nor ipv6Prefix: write [" },
	{ "numbers", SLICE("[\"192.0.2.0/24\", 7, null, true, []]"), 4, 1,
	    "list.txt:1:18: [1]: \"number\": a prefix in double quotes" },
	{ "a wrong member", SLICE("{\"prefixes\": [{\"ipv4Prefix\": \"::/129\"}]}"), 1, 0,
	    "list.txt:1:16: prefixes[0].ipv4Prefix: \"::/129\": the length" },
	{ "a member that is no string", SLICE("{\"prefixes\": [{\"ipv4Prefix\": 4}]}"), 1, 0,
	    "list.txt:1:16: prefixes[0].ipv4Prefix: \"number\": " },
	{ "no room", SLICE("1.1.1.1\n1.1.1.2\n1.1.1.3\n1.1.1.4\nx\n"), 1, 3,
	    "list.txt:4:1: no room for more prefixes" },
	{ "no room, JSON", SLICE("[\"1.1.1.1\",\"1.1.1.2\",\"1.1.1.3\",\"1.1.1.4\",\"x\"]"), 1, 3,
	    "list.txt:1:32: [3]: no room for more prefixes" },
};

static void
names_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct problems p = { 0 };
		struct taken t = read_list(bad[i].in, 3, &p);

		if (p.errors != bad[i].errors || t.count != bad[i].taken)
			fail_msg("%s: %zu errors, %zu taken", bad[i].name, p.errors, t.count);
		if (strncmp(p.list[0].text, bad[i].first, strlen(bad[i].first)) != 0)
			fail_msg("%s: %s", bad[i].name, p.list[0].text);
		problems_fini(&p);
	}
}

static void
warns_of_the_first_host_bit(void **state)
{
	static const char *const both[] = { "192.0.2.0/24\n192.0.2.1/24\n2001:db8::1/32\n",
		"[\"192.0.2.0/24\", \"192.0.2.1/24\", \"2001:db8::1/32\"]" };

	(void)state;
	for (size_t i = 0; i < COUNT(both); i++) {
		struct problems p = { 0 };
		struct taken t = read_list(slice_of(both[i]), 3, &p);

		assert_string_equal(t.text, "192.0.2.0/24 192.0.2.0/24 2001:db8::/32");
		assert_int_equal(p.errors, 0);
		assert_int_equal(p.warnings, 1);
		assert_non_null(strstr(p.list[0].text, "\"192.0.2.1/24\" has bits set behind its "
						       "length: 192.0.2.0/24 is what it means"));
		problems_fini(&p);
	}
}

/* Some other file of any size: soon enough is said. */
static void
gives_up(void **state)
{
	struct problems p = { 0 };
	size_t n = 1000000;
	char *text = malloc(n);
	struct taken t;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 == 0 ? 'x' : '\n';
	t = read_list((struct slice){ text, n }, 3, &p);
	assert_int_equal(t.count, 0);
	assert_int_equal(p.errors, 101);
	assert_non_null(strstr(p.list[100].text, ":100:1: 100 wrong prefixes so far"));
	problems_fini(&p);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_good),
		cmocka_unit_test(names_bad),
		cmocka_unit_test(warns_of_the_first_host_bit),
		cmocka_unit_test(gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
