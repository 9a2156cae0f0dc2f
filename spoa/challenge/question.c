#include "challenge/question.h"
bool
question_accepts(struct slice a)
{
	return slice_equal_nocase(slice_trim(a), SLICE("carrot"));
}
