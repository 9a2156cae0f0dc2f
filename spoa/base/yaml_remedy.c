#include "base/yaml_remedy.h"

#include <stddef.h>
#include <string.h>

const char *
yaml_remedy(const char *said)
{
	static const struct {
		const char *part, *remedy;
	} rows[] = {
		{ "tab", "indent with blanks, never with tabs" },
		{ "invalid escape", "in double quotes \\ begins an escape; a regex belongs in "
				    "single quotes, where \\ is just that" },
		{ "scalar cannot start with", "put the value in single quotes" },
		{ "nested block mapping on the same line",
		    "a value with ': ' in it needs single quotes" },
		{ "invalid alias", "a value that begins with * needs quotes" },
		{ "invalid anchor", "a value that begins with & needs quotes" },
		{ "undefined tag", "a value that begins with ! needs quotes" },
		{ "trailing content", "quote the whole value or none of it; ' within single quotes "
				      "is written ''" },
		{ "without closing quote",
		    "close the quote; ' within single quotes is written ''" },
		{ "invalid multiline plain key",
		    "a ':' is missing, or the line is not indented as its neighbours" },
		{ "wrongly indented", "indent it deeper than the line that it belongs to" },
		{ "did not find expected", "check the indentation, and that each [ { has its ] }" },
		{ "missing comma", "put ',' between two entries, and quote text that has one" },
		{ "closing bracket", "each [ needs a ]; a value that begins with [ needs quotes" },
		{ "missing document start", "check the indentation: one file is one list or map" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(said, rows[i].part) != NULL)
			return rows[i].remedy;
	return NULL;
}
