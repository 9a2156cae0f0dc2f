#include <string.h>

#include "cli/doctor.h"
#include "policy/ask.h"

/* Is this counter kept, in the frontends with the filter? */
static bool
tracks(const struct doctor *d, const char *counter)
{
	for (unsigned f = 0; f < d->fronts; f++) {
		const struct haproxy_line *l;

		for (size_t i = 0; (l = haproxy_conf_line(d->conf, d->front[f], i)) != NULL; i++)
			if (haproxy_line_has(l, counter))
				return true;
	}
	return false;
}

static unsigned
check_rate(struct doctor *d, struct slice name, const char *counter, const char *fetch)
{
	const char *why = !doctor_sends(d, name) ? "is not sent" : "is not counted";

	if (doctor_sends(d, name) && tracks(d, counter))
		return 0;
	doctor_say(d, DOCTOR_WARN,
	    "the policy compares %.*s, which %s: such rules never match\npresetenv AMMIT_RATES "
	    "\"1\" in HAProxy's configuration, as edge.cfg has it (%s, args %.*s=%s); then "
	    "systemctl restart haproxy",
	    DOCTOR_S(name), why, counter, DOCTOR_S(name), fetch);
	return 1;
}

/* A fingerprint in a variable that nobody sets: its switch is off. */
static unsigned
check_ja3(struct doctor *d)
{
	for (unsigned i = 0; i < d->arguments; i++) {
		struct doctor_argument *a = &d->argument[i];

		if (slice_equal(a->name, SLICE("tls.ja3")) &&
		    (!slice_starts(a->sample, SLICE("var(")) ||
			doctor_variable_of(d, a->sample).ptr != NULL))
			return 0;
	}
	doctor_say(d, DOCTOR_WARN,
	    "the policy reads tls.ja3, which is not sent: such rules never match\npresetenv "
	    "AMMIT_JA3 \"1\" in HAProxy's configuration, as edge.cfg has it; then systemctl "
	    "restart haproxy");
	return 1;
}

void
doctor_edge_rates(struct doctor *d)
{
	const unsigned numbers = policy_ask(d->policy)->numbers;
	const bool rate = (numbers >> REQUEST_RATE & 1) != 0,
		   pass = (numbers >> REQUEST_PASS_RATE & 1) != 0,
		   ja3 = (policy_reads(d->policy) >> REQUEST_JA3 & 1) != 0;
	unsigned bad = 0;

	if (rate)
		bad += check_rate(d, SLICE("rate"), "track-sc0", "sc_http_req_rate(0)");
	if (pass)
		bad += check_rate(d, SLICE("pass.rate"), "track-sc1", "sc_http_req_rate(1)");
	if (ja3)
		bad += check_ja3(d);
	if (bad == 0)
		doctor_say(d, DOCTOR_OK, "%s",
		    rate || pass || ja3 ? "what HAProxy counts for the policy is sent"
					: "the policy compares no rate and no JA3");
}
