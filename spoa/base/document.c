#include "base/document.h"

#include <strings.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/yaml.h"

static bool
check_text(const char *file, struct slice text, struct problems *p)
{
	struct place at = { file, 1, 1, NULL };
	size_t start = 0, length;

	if (slice_starts(text, SLICE("\xff\xfe")) || slice_starts(text, SLICE("\xfe\xff"))) {
		problem_error(p, &at, "this is UTF-16: save the file as UTF-8");
		return false;
	}
	for (size_t i = 0; i < text.len; i += length) {
		struct slice rest = { text.ptr + i, text.len - i };

		length = utf8_length(rest);
		if (length == 0 || rest.ptr[0] == '\0') {
			at.column = (unsigned)(i - start) + 1;
			problem_error(p, &at, "%s",
			    length == 0 ? "not UTF-8: save the file in that encoding"
					: "a NUL byte: this is no text file");
			return false;
		}
		if (rest.ptr[0] == '\n') {
			at.line++;
			start = i + 1;
		}
	}
	return true;
}

static bool
ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

static bool
is_json(const char *file, struct slice text)
{
	if (ends_with(file, ".json"))
		return true;
	if (ends_with(file, ".yaml") || ends_with(file, ".yml"))
		return false;
	if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
		text.ptr += 3;
		text.len -= 3;
	}
	text = slice_trim(text);
	return text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[');
}

struct tree *
document_parse(struct arena *a, const char *file, struct slice text, struct problems *p)
{
	bool json = is_json(file, text);

	/* What is too large to be parsed need not be read to the end. */
	if (text.len <= (json ? JSON_BYTES_MAX : YAML_BYTES_MAX) && !check_text(file, text, p))
		return NULL;
	return json ? json_parse(a, file, text, p) : yaml_parse(a, file, text, p);
}
