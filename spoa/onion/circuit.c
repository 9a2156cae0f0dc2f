#include "onion/circuit.h"

#include "onion/reply.h"

static void
read_effort(struct slice value, struct circuit *out)
{
	struct slice effort, version = slice_split(value, ',', &effort);
	unsigned long long n;

	if (!slice_equal(version, SLICE("v1")) || !slice_number(effort, UINT32_MAX, &n))
		return;
	out->effort_known = true;
	out->effort = (uint32_t)n;
}

bool
circuit_parse(struct slice line, struct circuit *out, const char **why)
{
	struct slice word, value;
	unsigned long long id;

	*out = (struct circuit){ .id = 0 };
	if (!tor_word_next(&line, &word) || !slice_number(word, UINT32_MAX, &id) || id == 0 ||
	    !tor_word_next(&line, &word)) {
		*why = "a circuit without an id and a status";
		return false;
	}
	out->id = (uint32_t)id;
	out->gone = slice_equal(word, SLICE("CLOSED")) || slice_equal(word, SLICE("FAILED"));
	while (tor_word_next(&line, &word)) {
		value = tor_word_value(word, "PURPOSE");
		if (value.ptr != NULL && !out->purpose_known) {
			out->purpose_known = true;
			out->service = slice_equal(value, SLICE("HS_SERVICE_REND"));
		}
		value = tor_word_value(word, "HS_POW");
		if (value.ptr != NULL && !out->effort_known)
			read_effort(value, out);
	}
	return true;
}
