#include "challenge/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OURS                                                                                       \
	"<style>{{style}}</style>\n<p id=\"one\">{{a}}\n<p>{{opt}}\n<script>{{script}}</script>\n"

static bool
more(struct slice name)
{
	return slice_equal(name, SLICE("w:x"));
}

static bool
optional(struct slice name)
{
	return slice_equal(name, SLICE("opt")) || slice_equal(name, SLICE("style"));
}

/* why NULL: good. */
static const struct {
	const char *theirs;
	unsigned line;
	const char *why;
} cases[] = {
	{ OURS, 0, NULL },
	{ "<i id=\"one\">{{a}}{{a}}{{w:x}}<script>{{script}}</script>", 0, NULL },
	{ "<i id=\"one\">{{a}}<script type=x>{{script}}</script> } {", 0, NULL },
	{ "", 0, "lacks {{a}} {{script}} id=\"one\"" },
	{ "\n\n{{b}}", 3, "there is no {{b}}; there are {{style}} {{a}} {{opt}} {{script}}" },
	{ "{{ a }}", 1, "there is no {{ a }}" },
	{ "{{w:y}}", 1, "there is no {{w:y}}" },
	{ "{{}}", 1, "there is no {{}}" },
	{ "{{a}}\n{{", 2, "a {{ has no }} behind it" },
	{ "<i id=\"one\">{{a}}<script>{{script}}", 1, "{{script}} must stand alone" },
	{ "<i id=\"one\">{{a}}\n<script> {{script}}</script>", 2, "{{script}} must stand alone" },
	{ "<script>{{script}}\n</script>", 1, "{{script}} must stand alone" },
	{ "{{script}}</script>", 1, "{{script}} must stand alone" },
	{ "<style>p{}{{style}}</style>", 1, "{{style}} must stand alone" },
	{ "<i id='one'>{{a}}<script>{{script}}</script>", 0, "lacks id=\"one\"" },
	{ "<i id=\"one\"><script>{{script}}</script>", 0, "lacks {{a}}" },
};

static void
test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct template_fault fault = { 99, "?" };
		bool valid = template_valid(
		    slice_of(cases[i].theirs), slice_of(OURS), more, optional, &fault);

		if (valid != (cases[i].why == NULL) ||
		    (!valid && (fault.line != cases[i].line ||
				   strncmp(fault.why, cases[i].why, strlen(cases[i].why)) != 0)))
			fail_msg("%s: %u: %s", cases[i].theirs, fault.line, fault.why);
	}
}

/* A list that is longer than the room for it is cut, not written past it. */
static void
test_long(void **state)
{
	static char ours[20000];
	struct template_fault fault;
	struct text t = { .buf = ours, .cap = sizeof(ours) };

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		text_printf(&t, "{{name%u}} id=\"x%u\"", i, i);
	assert_false(template_valid(SLICE("x"), text_slice(&t), more, optional, &fault));
	assert_true(strlen(fault.why) > 100 && strlen(fault.why) < sizeof(fault.why));
	assert_false(template_valid(SLICE("{{x}}"), text_slice(&t), more, optional, &fault));
	assert_true(strlen(fault.why) < sizeof(fault.why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
