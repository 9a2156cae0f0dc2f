#include <string.h>

#include "cli/doctor.h"

/* What Ammit may set; all but the last two stand in each answer of their kind. */
static const char *const ours[] = { "verdict", "rule", "weight", "ticket", "would", "would_rule",
	"status", "remember", "new_pass" };

/*
 * The next variable of Ammit in `word` at or behind *at: what follows the prefix, and whether it is
 * set there and not read. False: there is no more.
 */
static bool
next_variable(const struct doctor *d, struct slice word, size_t *at, struct slice *name, bool *set)
{
	while (*at < word.len) {
		const char *p =
		    memmem(word.ptr + *at, word.len - *at, d->prefix.ptr, d->prefix.len);
		size_t n = 0, begin;

		if (p == NULL)
			break;
		begin = (size_t)(p - word.ptr);
		*at = begin + d->prefix.len;
		/* Not the end of a longer name. */
		if (begin > 0 && (ascii_is_word(p[-1]) || p[-1] == '.'))
			continue;
		while (*at + n < word.len && ascii_is_word(word.ptr[*at + n]) &&
		       word.ptr[*at + n] != '-')
			n++;
		*name = (struct slice){ word.ptr + *at, n };
		*set = (begin >= 8 && memcmp(p - 8, "set-var(", 8) == 0) ||
		       (begin >= 12 && memcmp(p - 12, "set-var-fmt(", 12) == 0);
		*at += n;
		return true;
	}
	return false;
}

bool
doctor_line_uses(
    const struct doctor *d, const struct haproxy_line *l, struct slice name, unsigned how)
{
	for (unsigned w = 0; w < l->words; w++) {
		struct slice found;
		size_t at = 0;
		bool set;

		while (next_variable(d, l->word[w], &at, &found, &set))
			if (slice_equal(found, name) &&
			    (how & (set ? DOCTOR_SETS : DOCTOR_READS)) != 0)
				return true;
	}
	return false;
}

bool
doctor_conf_uses(const struct doctor *d, struct slice name, unsigned how)
{
	for (size_t i = 0; i < d->conf->lines; i++)
		if (doctor_line_uses(d, &d->conf->line[i], name, how))
			return true;
	return false;
}

static bool
is_ours(struct slice name)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (slice_equal(name, slice_of(ours[i])))
			return true;
	return false;
}

/* Set by the configuration itself, or by an option of the agent. */
static bool
is_set_elsewhere(const struct doctor *d, struct slice name)
{
	static const char *const options[] = { "option set-on-error", "option set-process-time",
		"option set-total-time" };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const struct haproxy_line *l = haproxy_conf_setting(d->spoe, d->agent, options[i]);

		if (l != NULL && l->words > 2 && slice_equal(l->word[2], name))
			return true;
	}
	return doctor_conf_uses(d, name, DOCTOR_SETS);
}

void
doctor_edge_variables(struct doctor *d)
{
	unsigned reads = 0, bad = 0;
	bool verdict = false;

	for (size_t i = 0; i < d->conf->lines; i++) {
		const struct haproxy_line *l = &d->conf->line[i];

		for (unsigned w = 0; w < l->words; w++) {
			struct slice name;
			size_t at = 0;
			bool set;

			while (next_variable(d, l->word[w], &at, &name, &set)) {
				if (set)
					continue;
				reads++;
				verdict = verdict || slice_equal(name, SLICE("verdict"));
				if (is_ours(name) || is_set_elsewhere(d, name))
					continue;
				bad++;
				doctor_say(d, DOCTOR_FAIL,
				    "%s:%u reads %.*s%.*s, which nobody sets\nAmmit sets verdict, "
				    "rule, weight, ticket, would, would_rule, status",
				    l->file, l->number, DOCTOR_S(d->prefix), DOCTOR_S(name));
			}
		}
	}
	if (!verdict)
		doctor_say(d, DOCTOR_FAIL,
		    "nothing reads %.*sverdict, so no verdict has any effect\noption var-prefix "
		    "ammit in the SPOE file, and the rules of edge.cfg",
		    DOCTOR_S(d->prefix));
	else if (bad == 0)
		doctor_say(d, DOCTOR_OK, "%u places read %.*s*, and all of it is set", reads,
		    DOCTOR_S(d->prefix));
}
