#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/doctor.h"
#include "spop/frame.h"

/* ---- names ---- */

/* What answers have whatever the configuration is, so that HAProxy has to know of it. */
static const char *const registered[] = { "verdict", "rule", "weight", "ticket", "would",
	"would_rule", "status" };

static bool
is_registered(const struct doctor *d, const char *name)
{
	const struct haproxy_line *l;

	for (size_t i = 0; (l = haproxy_conf_line(d->spoe, d->agent, i)) != NULL; i++)
		if (haproxy_line_is(l, "register-var-names") && haproxy_line_has(l, name))
			return true;
	return haproxy_conf_option(d->spoe, d->agent, "option force-set-var");
}

/* HAProxy knows a name that one of its own rules has, too. */
static bool
is_named(const struct doctor *d, const char *name)
{
	return doctor_conf_uses(d, slice_of(name), DOCTOR_READS | DOCTOR_SETS);
}

static unsigned
check_option(struct doctor *d, const char *option, const char *value, const char *why)
{
	const struct haproxy_line *l = haproxy_conf_setting(d->spoe, d->agent, option);

	if (l != NULL && l->words > 2 && slice_equal(l->word[2], slice_of(value)))
		return 0;
	doctor_say(d, DOCTOR_FAIL, "%s: %s is %s: %s\n%s %s", d->agent->file, option,
	    l == NULL || l->words < 3 ? "missing" : l->word[2].ptr, why, option, value);
	return 1;
}

static unsigned
check_registered(struct doctor *d)
{
	char lost[256], named[256];
	struct text lose = { .buf = lost, .cap = sizeof(lost) },
		    name = { .buf = named, .cap = sizeof(named) };
	static const char fix[] =
	    "register-var-names verdict rule weight ticket would would_rule status";

	for (size_t i = 0; i < sizeof(registered) / sizeof(registered[0]); i++)
		if (!is_registered(d, registered[i]))
			text_printf(
			    is_named(d, registered[i]) ? &name : &lose, " %s", registered[i]);
	if (lose.len > 0)
		doctor_say(d, DOCTOR_FAIL,
		    "%s: not registered, so HAProxy drops what Ammit says there:%.*s\n%s",
		    d->agent->file, (int)lose.len, lost, fix);
	if (name.len > 0)
		doctor_say(d, DOCTOR_WARN,
		    "%s: not registered, and known only as long as a rule of HAProxy names "
		    "it:%.*s\n%s",
		    d->agent->file, (int)name.len, named, fix);
	return lose.len > 0 || name.len > 0;
}

void
doctor_spoe_names(struct doctor *d)
{
	const struct haproxy_line *group = haproxy_conf_setting(d->spoe, d->agent, "groups"),
				  *messages = haproxy_conf_setting(d->spoe, d->agent, "messages");
	unsigned bad = 0;

	bad +=
	    check_option(d, "option var-prefix", "ammit", "the rules of HAProxy read txn.ammit.*");
	bad += check_option(
	    d, "option set-on-error", "error", "nobody is told when Ammit could not be asked");
	bad += check_registered(d);
	if ((group == NULL || !haproxy_line_has(group, "weigh")) &&
	    (messages == NULL || !haproxy_line_has(messages, "weigh"))) {
		bad++;
		doctor_say(d, DOCTOR_FAIL, "%s: the agent has no group weigh\ngroups weigh",
		    d->agent->file);
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK,
		    "var-prefix, set-on-error, the group and the registered "
		    "names are those that Ammit uses");
}

/* ---- arguments ---- */

bool
doctor_sends(const struct doctor *d, struct slice name)
{
	for (unsigned i = 0; i < d->arguments; i++)
		if (slice_equal(d->argument[i].name, name))
			return true;
	return false;
}

/* The line that ammit.spoe.conf has for a field of a request. */
static const char *
shipped(unsigned field)
{
	static const char *const fetches[REQUEST_HEADER] = { "method", "path", "query",
		"req.fhdr(host)", "req.fhdr(user-agent)", "req.ver", "req.cook(ammit)",
		"ssl_fc_protocol", "ssl_fc_cipherlist_bin(1),md5,hex", NULL };

	return fetches[field];
}

/* Sent for nothing: no fault, but work for HAProxy. */
static unsigned
not_read(const struct doctor *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->arguments; i++) {
		struct slice name = d->argument[i].name;

		n += (slice_starts(name, SLICE("hdr.")) || slice_starts(name, SLICE("tls."))) &&
		     policy_field(d->policy, name) == REQUEST_FIELD_NONE;
	}
	return n;
}

void
doctor_spoe_arguments(struct doctor *d)
{
	/* Whatever the policy reads: tickets and passes are for a host, and passes are the point.
	 */
	uint64_t wanted = policy_reads(d->policy) | 1u << REQUEST_HOST | 1u << REQUEST_PASS |
			  1u << REQUEST_METHOD | 1u << REQUEST_PATH;
	unsigned bad = 0, read = 0;
	struct slice name;

	if (!doctor_sends(d, SLICE("src"))) {
		bad++;
		doctor_say(
		    d, DOCTOR_FAIL, "%s: the address is not sent\nargs src=src", d->message->file);
	}
	for (unsigned i = 0; i < REQUEST_HEADER; i++) {
		if ((wanted >> i & 1) == 0 || doctor_sends(d, slice_of(request_argument[i])))
			continue;
		if (i == REQUEST_JA3) /* edge.rates */
			continue;
		bad++;
		if (i == REQUEST_JA4)
			doctor_say(d, DOCTOR_WARN,
			    "%s: the policy reads tls.ja4, which is not sent\nargs tls.ja4=… as "
			    "ammit.spoe.conf has it, where a script of HAProxy makes one",
			    d->message->file);
		else
			doctor_say(d, DOCTOR_FAIL,
			    "%s: the policy reads %s, which is not sent\nargs %s=%s,bytes(0,%zu)",
			    d->message->file, request_argument[i], request_argument[i], shipped(i),
			    request_limit(i) + 1);
	}
	for (; (name = policy_header(d->policy, read)).ptr != NULL; read++) {
		char buf[512];
		int n = snprintf(buf, sizeof(buf), "hdr.%.*s", DOCTOR_S(name));

		if (n < 0 || (size_t)n >= sizeof(buf) ||
		    doctor_sends(d, (struct slice){ buf, (size_t)n }))
			continue;
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s: the policy reads the header %.*s, which is not sent\nargs "
		    "%s=req.fhdr(%.*s),bytes(0,%zu)",
		    d->message->file, DOCTOR_S(name), buf, DOCTOR_S(name),
		    request_limit(REQUEST_HEADER) + 1);
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK,
		    "all that the policy reads is sent, %u headers among it; %u of %u arguments it "
		    "does not read",
		    read, not_read(d), d->arguments);
}

/* ---- caps ---- */

/* Does the sample begin with this fetch, and not with a longer name? */
static bool
fetches(struct slice sample, const char *fetch)
{
	struct slice f = slice_of(fetch);

	return slice_starts(sample, f) && (sample.len == f.len || sample.ptr[f.len] == '(' ||
					      sample.ptr[f.len] == ',' || f.ptr[f.len - 1] == '(');
}

/* What HAProxy counts, or knows: no client can make it long. */
static bool
is_bounded(struct slice sample)
{
	static const char *const begins[] = { "src", "dst", "int(", "bool(", "str(", "env(", "sc_",
		"sc0_", "sc1_", "sc2_", "src_", "fc_", "bc_", "be_", "fe_", "date", "nbsrv",
		"table_", "ssl_fc_protocol" };
	static const char *const digests[] = { ",digest(", ",md5", ",sha1", ",sha2", ",xxh",
		",crc32", ",djb2", ",sdbm", ",wt6", ",hmac(", ",length" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct slice b = slice_of(begins[i]);

		if (fetches(sample, begins[i]) ||
		    (b.ptr[b.len - 1] == '_' && slice_starts(sample, b)))
			return true;
	}
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (slice_contains_nocase(sample, slice_of(digests[i])))
			return true;
	return false;
}

struct slice
doctor_variable_of(const struct doctor *d, struct slice sample)
{
	struct slice rest, name = slice_split(sample, ')', &rest);
	char set[2][300];

	if (!slice_starts(name, SLICE("var(")) || name.len > 256)
		return (struct slice){ NULL, 0 };
	snprintf(set[0], sizeof(set[0]), "set-%.*s)", DOCTOR_S(name));
	snprintf(set[1], sizeof(set[1]), "set-var-fmt(%.*s)", (int)name.len - 4, name.ptr + 4);
	for (size_t i = d->conf->lines; i > 0; i--) {
		const struct haproxy_line *l = &d->conf->line[i - 1];

		for (unsigned w = 0; w + 1 < l->words; w++)
			if (slice_equal(l->word[w], slice_of(set[0])) ||
			    slice_equal(l->word[w], slice_of(set[1])))
				return l->word[w + 1];
	}
	return (struct slice){ NULL, 0 };
}

/* N of the last bytes(0,N); -1: there is none. */
static long long
cap_of(struct slice sample)
{
	static const char call[] = ",bytes(0,";
	long long cap = -1;

	while (sample.len > 0) {
		const char *p = memmem(sample.ptr, sample.len, call, sizeof(call) - 1);
		struct slice rest, number;
		unsigned long long n;

		if (p == NULL)
			break;
		p += sizeof(call) - 1;
		rest = (struct slice){ p, sample.len - (size_t)(p - sample.ptr) };
		number = slice_split(rest, ')', &sample);
		if (slice_number(number, 1u << 20, &n))
			cap = (long long)n;
	}
	return cap;
}

/* The field of a request that an argument fills, whatever the policy; -1: none. */
static int
field_of(struct slice name)
{
	for (unsigned i = 0; i < REQUEST_HEADER; i++)
		if (slice_equal(name, slice_of(request_argument[i])))
			return (int)i;
	return slice_starts(name, SLICE("hdr.")) ? REQUEST_HEADER : -1;
}

static unsigned
check_fetch(struct doctor *d, const struct doctor_argument *a)
{
	static const struct {
		const char *fetch, *why, *instead;
	} wrong[] = {
		{ "req.hdrs", "a request larger than a frame gets no verdict: padding is a bypass",
		    "an argument for each header, as hdr.accept=req.fhdr(accept),bytes(0,257)" },
		{ "req.hdr", "it ends at the first comma", "req.fhdr" },
		{ "hdr", "it ends at the first comma", "req.fhdr" },
		{ "url", "it may hold scheme and host", "path, and query" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (!fetches(a->sample, wrong[i].fetch))
			continue;
		doctor_say(d, DOCTOR_FAIL, "%s:%u: %.*s is %.*s: %s\nuse %s", a->line->file,
		    a->line->number, DOCTOR_S(a->name), DOCTOR_S(a->sample), wrong[i].why,
		    wrong[i].instead);
		return 1;
	}
	return 0;
}

static unsigned
check_cap(struct doctor *d, const struct doctor_argument *a)
{
	int field = field_of(a->name);
	struct slice variable = doctor_variable_of(d, a->sample);
	long long cap = cap_of(a->sample), right;
	/* A variable that nobody sets has nothing in it. */
	bool bounded = is_bounded(a->sample) || is_bounded(variable) ||
		       (fetches(a->sample, "var") && variable.ptr == NULL);

	if (cap < 0)
		cap = cap_of(variable);
	if (field < 0) {
		if (cap >= 0 || bounded)
			return 0;
		doctor_say(d, DOCTOR_WARN,
		    "%s:%u: %.*s has no end, and Ammit knows no such argument\nremove %.*s=%.*s",
		    a->line->file, a->line->number, DOCTOR_S(a->name), DOCTOR_S(a->name),
		    DOCTOR_S(a->sample));
		return 1;
	}
	right = (long long)request_limit((unsigned)field) + 1;
	if (cap == right || (cap < 0 && bounded))
		return 0;
	if (cap < 0)
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: %.*s has no end: a request larger than a frame gets no "
		    "verdict\n%.*s=%.*s,bytes(0,%lld)",
		    a->line->file, a->line->number, DOCTOR_S(a->name), DOCTOR_S(a->name),
		    DOCTOR_S(a->sample), right);
	else if (cap < right)
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: %.*s is cut at %lld bytes, and nobody sees that it was cut: a rule "
		    "that lets through may match on half a value\n%.*s=…,bytes(0,%lld)",
		    a->line->file, a->line->number, DOCTOR_S(a->name), cap, DOCTOR_S(a->name),
		    right);
	else
		doctor_say(d, DOCTOR_WARN,
		    "%s:%u: %.*s has %lld bytes, of which Ammit takes %lld\n%.*s=…,bytes(0,%lld)",
		    a->line->file, a->line->number, DOCTOR_S(a->name), cap, right - 1,
		    DOCTOR_S(a->name), right);
	return 1;
}

void
doctor_spoe_caps(struct doctor *d)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < d->arguments; i++) {
		if (d->argument[i].name.len == 0) {
			bad++;
			doctor_say(d, DOCTOR_WARN,
			    "%s:%u: %.*s has no name, and Ammit takes arguments by "
			    "name\nargs NAME=%.*s",
			    d->argument[i].line->file, d->argument[i].line->number,
			    DOCTOR_S(d->argument[i].sample), DOCTOR_S(d->argument[i].sample));
			continue;
		}
		bad += check_fetch(d, &d->argument[i]) > 0 || check_cap(d, &d->argument[i]) > 0;
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK,
		    "%u arguments: whatever a client chooses ends one byte behind what Ammit takes",
		    d->arguments);
}

/* ---- frames ---- */

static unsigned long long
number_of(const struct haproxy_line *l, unsigned word, unsigned long long other)
{
	unsigned long long n;

	return l != NULL && word < l->words && slice_number(l->word[word], 1u << 30, &n) ? n
											 : other;
}

/* As long as the question can be: names, types and lengths included. */
static unsigned long long
longest(const struct doctor *d)
{
	unsigned long long sum = 64;

	for (unsigned i = 0; i < d->arguments; i++) {
		long long cap = cap_of(d->argument[i].sample);

		sum += d->argument[i].name.len + 8 + (cap < 0 ? 20 : (unsigned long long)cap);
	}
	return sum;
}

void
doctor_spoe_frame(struct doctor *d)
{
	const struct haproxy_section *global = haproxy_conf_section(d->conf, "global", SLICE(""));
	const struct haproxy_line *set = haproxy_conf_setting(d->spoe, d->agent, "max-frame-size");
	unsigned long long bufsize = 16384, frame, most = longest(d);
	unsigned bad = 0;

	if (global != NULL)
		bufsize =
		    number_of(haproxy_conf_setting(d->conf, global, "tune.bufsize"), 1, bufsize);
	frame = number_of(set, 1, bufsize - 4);
	if (haproxy_conf_setting(d->spoe, d->agent, "option send-frag-payload") == NULL ||
	    haproxy_conf_option(d->spoe, d->agent, "option send-frag-payload")) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s: a question in pieces ends the connection that others wait on\nno option "
		    "send-frag-payload",
		    d->agent->file);
	}
	if (frame > bufsize - 4) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s: max-frame-size %llu is more than tune.bufsize (%llu) less 4\n"
		    "max-frame-size %llu",
		    d->agent->file, frame, bufsize, bufsize - 4);
	}
	if (frame > SPOP_FRAME_MAX) {
		bad++;
		doctor_say(d, DOCTOR_WARN,
		    "%s: max-frame-size %llu; Ammit takes frames of %u bytes, and that is what "
		    "they will agree on\nmax-frame-size 16380",
		    d->agent->file, frame, SPOP_FRAME_MAX);
	}
	if (frame < most) {
		bad++;
		doctor_say(d, DOCTOR_FAIL,
		    "%s: a question may have %llu bytes, a frame has %llu: what does not fit gets "
		    "no verdict\nmax-frame-size %llu, or fewer arguments",
		    d->agent->file, most, frame, bufsize - 4);
	}
	if (bad == 0)
		doctor_say(d, DOCTOR_OK,
		    "frames of %llu bytes fit tune.bufsize (%llu), and the longest question (%llu)",
		    frame, bufsize, most);
}

/* ---- time ---- */

void
doctor_spoe_timeout(struct doctor *d)
{
	const struct haproxy_line *l =
	    haproxy_conf_setting(d->spoe, d->agent, "timeout processing");
	long long budget = policy_settings(d->policy)->dns_budget_ms;

	d->processing_ms = l == NULL || l->words < 3 ? -1 : haproxy_time_ms(l->word[2]);
	if (d->processing_ms <= 0)
		doctor_say(d, DOCTOR_FAIL,
		    "%s: timeout processing is missing: a request waits for as long as Ammit does "
		    "not answer\ntimeout processing 50ms",
		    d->agent->file);
	else if (d->processing_ms <= budget)
		doctor_say(d, DOCTOR_FAIL,
		    "%s: timeout processing (%lld ms) is over before the policy has waited for the "
		    "DNS (dns.budget_ms %lld): such requests get no verdict\ntimeout processing "
		    "%lldms",
		    d->agent->file, d->processing_ms, budget, budget + 30);
	else if (d->processing_ms < budget + 10)
		doctor_say(d, DOCTOR_WARN,
		    "%s: timeout processing (%lld ms) leaves less than 10 ms beside the wait for "
		    "the DNS (dns.budget_ms %lld)\ntimeout processing %lldms",
		    d->agent->file, d->processing_ms, budget, budget + 30);
	else
		doctor_say(d, DOCTOR_OK,
		    "timeout processing is %lld ms, the policy waits at most %lld for the DNS",
		    d->processing_ms, budget);
}
