#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "policy/ask.h"

/*
 * The question not asked (haproxy/edge-fast.cfg). What Ammit cannot see from its side makes a
 * visitor skip rules, and is FAIL; what it sees (another fingerprint) costs speed, and is warn.
 */

/* What `ammit haproxy` is told, so that it prints for this policy. */
static const char *
policy_option(const struct doctor *d, char out[4200])
{
	const char *file = d->policy_file != NULL ? d->policy_file : d->options.policy;

	if (file == NULL)
		out[0] = '\0';
	else
		snprintf(out, 4200, " --policy %s", file);
	return out;
}

unsigned
doctor_line_at(const struct haproxy_line *l, const char *word)
{
	unsigned w = 0;

	while (w < l->words && !slice_equal(l->word[w], slice_of(word)))
		w++;
	return w;
}

bool
doctor_line_holds(const struct haproxy_line *l, const char *part)
{
	for (unsigned w = 0; w < l->words; w++)
		if (memmem(l->word[w].ptr, l->word[w].len, part, strlen(part)) != NULL)
			return true;
	return false;
}

/* The line that sets this variable of Ammit; NULL: none does. */
static const struct haproxy_line *
setter(const struct doctor *d, const char *name)
{
	char want[300];
	int n = snprintf(want, sizeof(want), "set-var(%.*s%s)", DOCTOR_S(d->prefix), name);

	for (size_t i = 0; n > 0 && (size_t)n < sizeof(want) && i < d->conf->lines; i++) {
		const struct haproxy_line *l = &d->conf->line[i];

		if (haproxy_line_is(l, "http-request") && l->words > 2 &&
		    slice_equal(l->word[1], slice_of(want)))
			return l;
	}
	return NULL;
}

bool
doctor_fast_checks_passes(const struct doctor *d)
{
	for (size_t i = 0; i < d->conf->lines; i++)
		if (haproxy_line_is(&d->conf->line[i], "acl ammit_level") ||
		    doctor_line_holds(&d->conf->line[i], "jwt_verify("))
			return true;
	return false;
}

/* ---- the list ---- */

/* The file of `pathq -m reg -f FILE`; NULL: the line asks for none. */
static const char *
list_of(const struct haproxy_line *l)
{
	for (unsigned w = 0; w + 4 < l->words; w++)
		if (slice_equal(l->word[w], SLICE("pathq")) &&
		    slice_equal(l->word[w + 1], SLICE("-m")) &&
		    slice_equal(l->word[w + 2], SLICE("reg")) &&
		    slice_equal(l->word[w + 3], SLICE("-f")))
			return l->word[w + 4].ptr;
	return NULL;
}

/* What HAProxy has on file, held to what the policy asks for, line by line. */
struct comparing {
	struct slice rest;
	struct slice lacks; /* the first line that is not there as it should be */
	bool differs;
};

/* The next line of the file that HAProxy takes for a regex. */
static struct slice
next_line(struct slice *rest)
{
	while (rest->len > 0) {
		struct slice line = slice_split(*rest, '\n', rest);

		while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
			line = (struct slice){ line.ptr + 1, line.len - 1 };
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len > 0 && line.ptr[0] != '#')
			return line;
	}
	return (struct slice){ NULL, 0 };
}

static void
compare_line(void *context, struct slice line)
{
	struct comparing *c = context;

	if (c->differs || line.len == 0 || line.ptr[0] == '#')
		return;
	if (!slice_equal(next_line(&c->rest), line)) {
		c->differs = true;
		c->lacks = line;
	}
}

/* False after saying what is wrong. */
static bool
list_is_right(struct doctor *d, const char *file)
{
	struct comparing c = { .differs = false };
	char option[4200], lacks[80];
	const char *why;
	size_t bytes;
	char *text = file_read(file, HAPROXY_FILE_MAX, &bytes, &why);

	policy_option(d, option);
	if (text == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s: %s\nammit haproxy ask%s > %s; systemctl reload haproxy", file, why, option,
		    file);
		return false;
	}
	c.rest = (struct slice){ text, bytes };
	policy_ask_list(d->policy, compare_line, &c);
	snprintf(lacks, sizeof(lacks), "%.*s", DOCTOR_S(c.lacks));
	if (c.differs)
		doctor_say(d, DOCTOR_FAIL,
		    "%s is not the list of this policy, so who is remembered may skip its rules: "
		    "it lacks %s\nammit haproxy ask%s > %s; systemctl reload haproxy",
		    file, lacks, option, file);
	else if (next_line(&c.rest).ptr != NULL) {
		c.differs = true;
		doctor_say(d, DOCTOR_WARN,
		    "%s has lines more than the policy needs: requests are asked about for "
		    "nothing\nammit haproxy ask%s > %s; systemctl reload haproxy",
		    file, option, file);
	}
	free(text);
	return !c.differs;
}

/* libc's regexes know neither \z nor (?:…), and match something else without a word. */
static bool
has_pcre(struct doctor *d)
{
	static const char *const arguments[] = { "-vv", NULL };
	char buf[32768];
	struct text said = { .buf = buf, .cap = sizeof(buf) };
	const char *why;
	int status;

	if (d->program == NULL || !doctor_haproxy_run(d, arguments, &said, &status, &why) ||
	    !slice_contains_nocase(text_slice(&said), SLICE("built without pcre")))
		return true;
	doctor_say(d, DOCTOR_FAIL,
	    "this HAProxy was built without PCRE, and does not read the list as Ammit means "
	    "it\ninstall one that `haproxy -vv` calls \"Built with PCRE2\"; or use edge.cfg, which "
	    "asks each time");
	return false;
}

static bool
fingerprint_is_right(struct doctor *d, const struct haproxy_line *l)
{
	const struct ask *ask = policy_ask(d->policy);
	struct slice rest, s = l->word[2], has;
	char option[4200];

	has = slice_starts(s, SLICE("str("))
		  ? slice_split((struct slice){ s.ptr + 4, s.len - 4 }, ')', &rest)
		  : s;
	if (slice_equal(has, slice_of(ask->fingerprint)))
		return true;
	doctor_say(d, DOCTOR_WARN,
	    "%s:%u: AMMIT_FAST_FOR is %.*s, and the policy's %s: nobody is remembered\npresetenv "
	    "AMMIT_FAST_FOR \"%s\", with the list and AMMIT_FAST_RATE; or print all three: ammit "
	    "haproxy edge-fast%s; then systemctl restart haproxy",
	    l->file, l->number, DOCTOR_S(has), ask->fingerprint, ask->fingerprint,
	    policy_option(d, option));
	return false;
}

/* Ammit is told which list it is, and HAProxy what came of it. */
static bool
spoe_is_right(struct doctor *d)
{
	const struct haproxy_line *l;

	if (!doctor_sends(d, SLICE("fast"))) {
		doctor_say(d, DOCTOR_WARN,
		    "%s: the fingerprint is not sent, so nobody is remembered\nargs "
		    "fast=var(%.*sfast)",
		    d->message->file, DOCTOR_S(d->prefix));
		return false;
	}
	for (size_t i = 0; (l = haproxy_conf_line(d->spoe, d->agent, i)) != NULL; i++)
		if (haproxy_line_is(l, "register-var-names") && haproxy_line_has(l, "remember"))
			return true;
	doctor_say(d, DOCTOR_WARN,
	    "%s: not registered: remember\nregister-var-names … new_pass remember", d->agent->file);
	return false;
}

void
doctor_fast_list(struct doctor *d)
{
	const struct haproxy_line *set = setter(d, "fast");
	const struct ask *ask = policy_ask(d->policy);
	unsigned lists = 0, bad = 0;
	const char *last = NULL;

	if (set == NULL) {
		doctor_say(d, DOCTOR_OK, "Ammit is asked each time: no fast way");
		return;
	}
	bad += !fingerprint_is_right(d, set);
	bad += !spoe_is_right(d);
	for (size_t i = 0; i < d->conf->lines; i++) {
		const char *file = list_of(&d->conf->line[i]);

		lists += file != NULL;
		if (file != NULL && (last == NULL || strcmp(file, last) != 0))
			bad += !list_is_right(d, file);
		last = file != NULL ? file : last;
	}
	if (lists == 0) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s: no list of what must be asked about, so who is remembered skips all "
		    "rules\n… if !{ pathq -m reg -f /etc/haproxy/ammit-ask.lst }, as in "
		    "edge-fast.cfg",
		    set->file);
	}
	bad += !has_pcre(d);
	if (ask->excepted > 0 && ask->excepted == policy_size(d->policy).sites + 1) {
		bad++;
		doctor_say(d, DOCTOR_WARN,
		    "the policy has nobody remembered at any site\nammit haproxy ask says because "
		    "of which rules; edge.cfg asks each time, and costs less then");
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK, "fingerprint %s and %s are those of the policy%s",
		    ask->fingerprint, last,
		    ask->excepted > 0 ? "; nobody is remembered at some sites" : "");
}

/* ---- who is remembered ---- */

/* N of "FETCH le N" in the line; -1: it has none. */
static long long
bound_of(const struct haproxy_line *l, const char *fetch)
{
	unsigned w = doctor_line_at(l, fetch);
	unsigned long long n;

	if (w + 2 >= l->words || !slice_equal(l->word[w + 1], SLICE("le")) ||
	    !slice_number(l->word[w + 2], 1u << 30, &n))
		return -1;
	return (long long)n;
}

static unsigned
check_bound(
    struct doctor *d, const struct haproxy_line *l, enum request_number number, const char *fetch)
{
	const struct ask *ask = policy_ask(d->policy);
	long long bound = bound_of(l, fetch);
	char up_to[48];

	if ((ask->numbers >> number & 1) == 0 || (bound >= 0 && bound <= ask->rate))
		return 0;
	if (bound < 0)
		snprintf(up_to, sizeof(up_to), "whatever his rate");
	else
		snprintf(up_to, sizeof(up_to), "up to %lld requests in 10 s", bound);
	doctor_say(d, DOCTOR_FAIL,
	    "%s:%u: who is remembered is not asked about, %s, and the policy compares %s with "
	    "less\n%spresetenv AMMIT_FAST_RATE \"%lld\", and the line as in edge-fast.cfg; then "
	    "systemctl restart haproxy",
	    l->file, l->number, up_to, number == REQUEST_RATE ? "rate" : "pass.rate",
	    number == REQUEST_RATE ? "" : "presetenv AMMIT_FAST_PASSES \"1\", ",
	    (long long)ask->rate);
	return 1;
}

/* Bytes of a header that go into the key; 0: it does not. */
static unsigned long long
captured(const struct doctor *d, const struct haproxy_section *front, struct slice header)
{
	const struct haproxy_line *l;
	unsigned long long n;

	for (size_t i = 0; (l = haproxy_conf_line(d->conf, front, i)) != NULL; i++)
		if (haproxy_line_is(l, "capture request header") && l->words > 5 &&
		    slice_equal_nocase(l->word[3], header) &&
		    slice_number(l->word[5], 1u << 20, &n))
			return n;
	return 0;
}

static unsigned
check_captured(
    struct doctor *d, const struct haproxy_section *front, struct slice header, unsigned field)
{
	unsigned long long right = request_limit(field) + 1, has = captured(d, front, header);

	if (has >= right)
		return 0;
	if (has == 0)
		doctor_say(d, DOCTOR_FAIL,
		    "%.*s remembers visitors whatever their header %.*s, and the policy reads "
		    "it\ncapture request header %.*s len %llu",
		    DOCTOR_S(front->name), DOCTOR_S(header), DOCTOR_S(header), right);
	else
		doctor_say(d, DOCTOR_FAIL,
		    "%.*s remembers visitors by %llu bytes of their header %.*s, and the policy "
		    "reads %llu\ncapture request header %.*s len %llu",
		    DOCTOR_S(front->name), has, DOCTOR_S(header), right - 1, DOCTOR_S(header),
		    right);
	return 1;
}

static unsigned
check_key(struct doctor *d, const struct haproxy_section *front)
{
	struct slice name;
	unsigned bad = check_captured(d, front, SLICE("host"), REQUEST_HOST) +
		       check_captured(d, front, SLICE("user-agent"), REQUEST_USER_AGENT);

	for (unsigned i = 0; (name = policy_header(d->policy, i)).ptr != NULL; i++)
		bad += check_captured(d, front, name, REQUEST_HEADER);
	return bad;
}

/* The next line, from *i on, by which this frontend lets through who is remembered. */
static const struct haproxy_line *
remembers(const struct doctor *d, const struct haproxy_section *front, size_t *i)
{
	const struct haproxy_line *l;

	while ((l = haproxy_conf_line(d->conf, front, (*i)++)) != NULL)
		if (haproxy_line_has(l, "str(remembered)") &&
		    doctor_line_uses(d, l, SLICE("verdict"), DOCTOR_SETS))
			return l;
	return NULL;
}

void
doctor_fast_visitor(struct doctor *d)
{
	unsigned bad = 0, fronts = 0;

	for (unsigned f = 0; f < d->fronts; f++) {
		const struct haproxy_line *l;
		unsigned lines = 0;

		for (size_t i = 0; (l = remembers(d, d->front[f], &i)) != NULL; lines++) {
			bad += check_bound(d, l, REQUEST_RATE, "sc_http_req_rate(0)");
			bad += check_bound(d, l, REQUEST_PASS_RATE, "sc_http_req_rate(1)");
		}
		if (lines == 0)
			continue;
		fronts++;
		if (!doctor_fast_checks_passes(d))
			bad += check_key(d, d->front[f]);
	}
	if (fronts > 0 && bad == 0)
		doctor_say(d, DOCTOR_OK,
		    doctor_fast_checks_passes(d)
			? "HAProxy checks passes itself, within the rates that the "
			  "policy compares"
			: "visitors are remembered by all headers that the policy "
			  "reads, within the rates that it compares");
}
