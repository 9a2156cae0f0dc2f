#include <assert.h>
#include <stdlib.h>

#include "challenge/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes in place of our pages: a reason, or pages that can be written whole. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[PAGE_BYTES_MAX];
	struct slice text = { (const char *)data, size };

	if (size == 0 || size > PAGE_TEMPLATE_MAX)
		return 0;
	for (int note = 0; note < 2; note++) {
		const struct page_theme theme = { .challenge = note ? SLICE("") : text,
			.note = note ? text : SLICE("") };
		const struct ticket opened = {
			.challenge = { .methods = METHOD_POW, .hashes = 1, .puzzles = 1 },
			.host = SLICE("a")
		};
		const struct page_visit v = { .words = locale_choose(SLICE("en")),
			.back = SLICE("/"),
			.ticket = SLICE("t"),
			.opened = &opened };
		struct text out = { .buf = buf, .cap = sizeof(buf) };
		struct template_fault fault;
		const char *why = NULL;
		struct pages *pages;

		if (!page_template_valid(text, note, &fault)) {
			assert(strlen(fault.why) > 0);
			continue;
		}
		pages = pages_new(&theme, &why);
		assert(pages != NULL || why != NULL);
		assert(pages == NULL || page_write_challenge(pages, &out, &v, true));
		out.len = 0;
		assert(pages == NULL || page_write_help(pages, &out, &v));
		pages_free(pages);
	}
	return 0;
}
