#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/policy.h"
#include "policy/verdict.h"
#include "unit/policy/ask_list.h"

#define RULES_MADE 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct judge *judge;
static struct list list;

/* Rules of lines "p REGEX", "q REGEX", "e EXPRESSION", until an empty one. */
static struct policy *
read_policy(struct slice *rest)
{
	static char room[32768];
	static const char *const actions[] = { "ALLOW", "WEIGH", "DENY", "CHALLENGE" };
	struct text json = { .buf = room, .cap = sizeof(room) };
	struct problems problems = { 0 };
	struct policy *p = NULL;
	unsigned rules = 0;

	text_put(&json, SLICE("{\"bots\":["));
	while (rules < RULES_MADE && rest->len > 0) {
		struct slice line = slice_split(*rest, '\n', rest);

		if (line.len < 2)
			break;
		text_printf(&json,
		    "%s{\"name\":\"r\",\"action\":\"%s\",\"%s\":", rules == 0 ? "" : ",",
		    actions[rules],
		    line.ptr[0] == 'p'   ? "path_regex"
		    : line.ptr[0] == 'q' ? "query_regex"
					 : "expression");
		text_quote_json_utf8(&json, (struct slice){ line.ptr + 2, line.len - 2 });
		text_byte(&json, '}');
		rules++;
	}
	text_put(&json, SLICE("]}"));
	if (!json.cut)
		p = policy_load("f", text_slice(&json), NULL, &problems);
	problems_fini(&problems);
	return p;
}

/* The rules, then targets, one a line: all that HAProxy need not ask about are judged alike. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };
	struct policy *p = read_policy(&rest);
	struct verdict first = { .rule = { NULL, 0 } };

	if (judge == NULL)
		judge = judge_new();
	if (p == NULL)
		return 0;
	list_init(&list, p);
	while (rest.len > 0 && policy_ask(p)->excepted == 0) {
		const uint64_t errors = judge_errors(judge);
		struct slice target = slice_split(rest, '\n', &rest);
		const struct evidence e = { .level = 0 };
		struct request r = { .cut = 0 };
		struct verdict v;

		if (target.len > 2048 || list_asks(&list, target))
			continue;
		request_set(&r, REQUEST_METHOD, SLICE("GET"));
		request_set(&r, REQUEST_USER_AGENT, SLICE("x"));
		request_set_target(&r, target);
		policy_judge(p, judge, &r, &e, &v, NULL);
		if (judge_errors(judge) != errors)
			continue; /* nobody is remembered by such a verdict */
		assert(
		    first.rule.ptr == NULL || (first.kind == v.kind && first.weight == v.weight &&
						  first.rule.ptr == v.rule.ptr));
		first = v;
	}
	list_fini(&list);
	policy_free(p);
	return 0;
}
