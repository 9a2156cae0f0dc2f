#include "policy/robots.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/robots_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing of the file gets out of a quote: each line of the YAML is one that we wrote. */
static void
assert_ours(const char *text)
{
	for (const char *line = text; *line != '\0'; line++) {
		const char *end = strchr(line, '\n');
		unsigned quotes = 0;

		assert(end != NULL);
		for (const char *p = line; p < end; p++) {
			assert(*p >= ' ' && *p < 0x7f);
			quotes += *p == '\'';
		}
		assert(line == end || *line == '#' || strncmp(line, "[]", 2) == 0 ||
		       strncmp(line, "- name: robots-", 15) == 0 || strncmp(line, "  ", 2) == 0);
		assert(*line == '#' || quotes == 0 || (quotes == 2 && end[-1] == '\''));
		line = end;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const actions[] = { "DENY", "WEIGH" };

	for (unsigned i = 0; i < 4; i++) {
		struct robots_import im = { .file = "f",
			.action = actions[i % 2],
			.star = i >= 2,
			.portable = i % 2 != 0 };
		struct problems p = { 0 };
		char *text = NULL;
		size_t bytes;
		FILE *out = open_memstream(&text, &bytes);

		if (out == NULL)
			abort();
		robots_rules_write(&im, (struct slice){ (const char *)data, size }, out, &p);
		fclose(out);
		assert_ours(text);
		free(text);
		problems_fini(&p);
	}
	return 0;
}
