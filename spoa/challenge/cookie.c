#include "challenge/cookie.h"

struct slice
cookie_get(struct slice header, struct slice name)
{
	while (header.len > 0) {
		struct slice value,
		    one = slice_split(slice_split(header, ';', &header), '=', &value);

		/* Without a '=' it is a value without a name. */
		if (value.ptr != NULL && slice_equal(slice_trim(one), name))
			return slice_trim(value);
	}
	return (struct slice){ NULL, 0 };
}
