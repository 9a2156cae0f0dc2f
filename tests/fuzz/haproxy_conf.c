/* HAProxy's configuration: whatever stands there, words and sections stay within what was read. */
#include "cli/haproxy_conf.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char environment[] = "AMMIT_X=1\0LIST=a b\0EMPTY=\0";
	struct haproxy_conf *c =
	    haproxy_conf_new((struct slice){ environment, sizeof(environment) }, 206);
	const char *why;
	unsigned number;
	bool good =
	    haproxy_conf_read(c, "fuzz", (struct slice){ (const char *)data, size }, &why, &number);
	size_t lines = 0;

	assert(good == (why == NULL));
	for (size_t i = 0; i < c->sections; i++) {
		const struct haproxy_section *s = &c->section[i];
		const struct haproxy_line *l;

		assert(s->first == lines && s->defaults <= i);
		for (size_t n = 0; (l = haproxy_conf_line(c, s, n)) != NULL; n++) {
			assert(
			    l->words > 0 && l->words <= HAPROXY_WORDS_MAX && l->number <= number);
			for (unsigned w = 0; w < l->words; w++)
				assert(l->word[w].ptr[l->word[w].len] == '\0');
			(void)haproxy_time_ms(l->word[l->words - 1]);
		}
		lines += s->lines;
		(void)haproxy_conf_setting(c, s, "timeout connect");
		(void)haproxy_conf_option(c, s, "option spop-check");
		assert(haproxy_conf_section(c, "global", s->name) != NULL ||
		       !slice_equal(s->kind, SLICE("global")));
	}
	assert(lines == c->lines);
	haproxy_conf_free(c);
	return 0;
}
