#include "challenge/locale.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text of somebody's own: its words are in it, and whatever they are, the JSON cannot end a script.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[64 * 1024];
	struct slice text = { (const char *)data, size };
	struct locale l = { .tag = "x" };
	struct locale_values values = { .n = SLICE("</script>") };
	const char *why = NULL;
	unsigned line = 0;

	if (!locale_parse(text, &l, &line, &why))
		assert(why != NULL && line > 0);
	for (unsigned i = 0; i < WORDS; i++) {
		enum word w = (enum word)i;
		struct text out = { .buf = buf, .cap = sizeof(buf) };

		assert(l.word[i].len <= LOCALE_WORD_BYTES_MAX);
		if (l.word[i].len > 0)
			assert(l.word[i].ptr >= text.ptr &&
			       l.word[i].ptr + l.word[i].len <= text.ptr + text.len);
		locale_put_json(&out, &l, &w, 1, &values);
		locale_put(&out, &l, w, &values);
		assert(memchr(buf, '<', out.len) == NULL);
		assert(out.cut || out.len > 2);
	}
	return 0;
}
