#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/doctor.h"
#include "cli/scrape.h"
#include "daemon/consult.h"
#include "daemon/generation.h"
#include "daemon/keyfile.h"
#include "net/fetch.h"

#define METRICS_MAX ((size_t)8 * 1024 * 1024)

static const char *
first_problem(const struct problems *p, bool warning)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].warning == warning)
			return p->list[i].text;
	return "?";
}

/*
 * Who may not write to the folders of the service would have others, and look there; the service
 * has these.
 */
static void
prefer_service(const char *variable, const char *folder)
{
	if (access(folder, F_OK) == 0)
		setenv(variable, folder, 0);
}

void
doctor_ammit_options(struct doctor *d)
{
	char flag[] = "-c";
	char *argv[] = { flag, (char *)(uintptr_t)d->options_file };
	struct problems p = { 0 };
	bool help;

	prefer_service("RUNTIME_DIRECTORY", OPTIONS_RUN);
	prefer_service("STATE_DIRECTORY", "/var/lib/ammit");
	options_read(&d->options, d->options_file != NULL ? 2 : 0, argv, &p, &help);
	if (p.errors > 0) {
		doctor_say(d, DOCTOR_FAIL, "%s\nammit check %s", first_problem(&p, false),
		    d->options_file != NULL ? d->options_file : "");
	} else {
		d->have |= DOCTOR_HAS_OPTIONS;
		if (d->options.shadow)
			doctor_say(d, DOCTOR_WARN,
			    "%s: shadow is on: everybody is let through\nremove shadow on, and "
			    "systemctl restart ammit, when what txn.ammit.would says is right",
			    d->options_file != NULL ? d->options_file : "options");
		else
			doctor_say(d, DOCTOR_OK, "%s; verdicts are in force",
			    d->options_file != NULL ? d->options_file
						    : "no file of options: defaults");
	}
	problems_fini(&p);
}

void
doctor_ammit_policy(struct doctor *d)
{
	const char *file = d->policy_file != NULL ? d->policy_file : d->options.policy;
	struct problems p = { 0 };
	struct policy_size size;

	d->policy = generation_policy(file, &p);
	if (d->policy == NULL || p.errors > 0) {
		doctor_say(d, DOCTOR_FAIL, "%s\nammit check %s", first_problem(&p, false),
		    file != NULL ? file : "");
	} else {
		d->have |= DOCTOR_HAS_POLICY;
		size = policy_size(d->policy);
		if (p.warnings > 0)
			doctor_say(d, DOCTOR_WARN, "%s\nammit check %s", first_problem(&p, true),
			    file != NULL ? file : "");
		else
			doctor_say(d, DOCTOR_OK, "%s: %zu rules, %zu sites beside the default",
			    file != NULL ? file : "the embedded policy", size.rules, size.sites);
	}
	problems_fini(&p);
}

/* Each zone that the policy asks: what must be listed is, and what must not is not. */
void
doctor_ammit_dns(struct doctor *d)
{
	unsigned zones = policy_zones(d->policy), bad = 0;
	const char *why;
	struct consult *c;

	if (zones == 0) {
		doctor_say(d, DOCTOR_OK, "the policy asks no blocklist");
		return;
	}
	c = consult_new(d->options.dns, d->policy, &why);
	if (c == NULL) {
		doctor_say(
		    d, DOCTOR_FAIL, "the DNS cannot be asked: %s\ndns SERVER in ammit.conf", why);
		return;
	}
	for (unsigned i = 0; i < zones; i++) {
		const struct zone *z = policy_zone(d->policy, i);
		struct consulted listed, unlisted;
		const char *wrong = consult_zone(c, i, &listed, &unlisted);

		if (wrong == NULL && listed.answered && unlisted.answered)
			continue;
		bad++;
		doctor_say(d, DOCTOR_WARN,
		    "blocklist %.*s: %s\nammit check --dns says more; dns "
		    "SERVER in ammit.conf names another resolver",
		    DOCTOR_S(z->zone), wrong != NULL ? wrong : "nobody answered");
	}
	consult_free(c);
	if (bad == 0)
		doctor_say(d, DOCTOR_OK, "%u blocklists answer as they should", zones);
}

/* ---- the daemon ---- */

static void
say_version(struct doctor *d, const struct scrape *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct slice version = scrape_label(s->sample[i].labels, "version");

		if (!slice_equal(s->sample[i].name, SLICE("ammit_build_info")))
			continue;
		if (!slice_equal(version, SLICE(AMMIT_VERSION)))
			doctor_say(d, DOCTOR_WARN,
			    "%.*s runs, and this program is " AMMIT_VERSION
			    "\nsystemctl restart ammit",
			    DOCTOR_S(version));
	}
}

static void
say_counts(struct doctor *d, const struct scrape *s)
{
	static const struct slice none = { NULL, 0 };
	double errors = scrape_value(s, "ammit_rule_errors_total", none),
	       waits = scrape_value(s, "ammit_dns_waits_total", SLICE("result=\"not_waited\"")),
	       up = scrape_value(s, "ammit_uptime_seconds", none),
	       rules = scrape_value(s, "ammit_policy_rules", none);

	if (errors > 0)
		doctor_say(d, DOCTOR_WARN,
		    "%.0f times a rule could not be evaluated, and counted as no match\nammit "
		    "explain shows which, under \"failed\"",
		    errors);
	if (waits > 0)
		doctor_say(d, DOCTOR_WARN,
		    "%.0f requests could not wait for the DNS, since too many did\nammit ctl stat; "
		    "dns SERVER names a nearer resolver",
		    waits);
	if (d->options.has_tor && scrape_value(s, "ammit_tor_up", none) == 0)
		doctor_say(d, DOCTOR_WARN,
		    "the daemon has not reached tor's control port: no circuit is closed\n"
		    "journalctl -u ammit | grep control says why; systemctl restart ammit, if "
		    "tor-control is new in ammit.conf");
	if ((d->have & DOCTOR_HAS_POLICY) != 0 && rules != (double)policy_size(d->policy).rules)
		doctor_say(d, DOCTOR_WARN,
		    "the daemon has %.0f rules, the policy on file %zu\nammit ctl reload", rules,
		    policy_size(d->policy).rules);
	doctor_say(d, DOCTOR_OK, "runs for %.0f s, with %.0f rules", up, rules);
}

void
doctor_ammit_daemon(struct doctor *d)
{
	const struct fetch f = { &d->options.control, "GET", "/metrics", METRICS_MAX,
		DOCTOR_TIMEOUT_MS };
	struct fetched got;
	struct scrape s = { .count = 0 };

	if (!d->options.has_control) {
		doctor_say(d, DOCTOR_SKIP,
		    "control is off, so the daemon cannot be asked\nremove "
		    "control off from ammit.conf");
		return;
	}
	if (!fetch(&f, &got)) {
		if (got.connect_errno == EACCES || got.connect_errno == EPERM)
			doctor_say(d, DOCTOR_SKIP, "%s: %s\nrun ammit doctor as root",
			    d->options.control.text, got.why);
		else if (d->elsewhere &&
			 (got.connect_errno == ENOENT || got.connect_errno == ECONNREFUSED))
			doctor_say(d, DOCTOR_SKIP, "%s: Ammit does not run, and need not here",
			    d->options.control.text);
		else
			doctor_say(d, DOCTOR_FAIL, "%s: %s\n%s", d->options.control.text, got.why,
			    got.connect_errno != 0
				? "systemctl start ammit, or name its options: ammit doctor -c FILE"
				: "it hangs: systemctl restart ammit; journalctl -u ammit");
		return;
	}
	if (got.status != 200) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s answers %u, so it is not Ammit\ncontrol ADDR in "
		    "ammit.conf, an address of its own",
		    d->options.control.text, got.status);
	} else {
		scrape_read(&s, (struct slice){ got.body, got.body_bytes });
		say_version(d, &s);
		say_counts(d, &s);
		scrape_fini(&s);
	}
	free(got.body);
}

void
doctor_ammit_key(struct doctor *d)
{
	char path[4200];
	struct stat st;
	uid_t reader = d->daemon_known ? d->daemon_who.uid : geteuid();

	(void)keyfile_path(d->options.state_dir, path, sizeof(path));
	if (stat(path, &st) != 0) {
		bool hidden = errno == EACCES || errno == EPERM;

		if (d->elsewhere && !hidden) {
			doctor_say(
			    d, DOCTOR_SKIP, "%s: there is no key, and none is needed here", path);
			return;
		}
		doctor_say(d, hidden ? DOCTOR_SKIP : DOCTOR_FAIL, "%s: %s\n%s", path,
		    strerror(errno),
		    hidden ? "run ammit doctor as root"
			   : "it is made at the first start: systemctl start ammit; or state-dir "
			     "DIR in ammit.conf names another folder");
	} else if (keyfile_is_open(&st, reader)) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s: others may read it (mode %04o), and who has it makes passes\nchmod 600 "
		    "%s; ammit rotate, if others had access",
		    path, (unsigned)st.st_mode & 07777, path);
	} else if (d->daemon_known && st.st_uid != reader && reader != 0 &&
		   (st.st_mode & 040) == 0) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s belongs to uid %u, and the daemon is uid %u: it cannot read it at the next "
		    "reload\nchown %u %s",
		    path, (unsigned)st.st_uid, (unsigned)reader, (unsigned)reader, path);
	} else if (st.st_mtim.tv_sec > clock_wall_s() + 60) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s was made in the future: the clock is wrong, and passes with "
		    "it\ntimedatectl "
		    "set-ntp true",
		    path);
	} else {
		doctor_say(d, DOCTOR_OK, "%s is the daemon's alone", path);
	}
}

/* The soft limit of open files of a process; -1: not known. */
static long long
descriptors_of(pid_t pid)
{
	char path[64], line[256];
	unsigned long long n;
	long long limit = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && limit < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Max open files %llu", &n) == 1)
			limit = (long long)n;
	if (f != NULL)
		fclose(f);
	return limit;
}

void
doctor_ammit_descriptors(struct doctor *d)
{
	long long limit = d->daemon > 0 ? descriptors_of(d->daemon) : -1;

	if (limit < 0)
		doctor_say(d, DOCTOR_SKIP, "%s",
		    d->daemon > 0 ? "the limits of the daemon cannot be seen\nrun ammit doctor as "
				    "root"
				  : "which process the daemon is cannot be known over TCP");
	else if (d->options.has_drip && limit / 2 < (long long)d->options.drip_max)
		doctor_say(d, DOCTOR_WARN,
		    "the daemon may have %lld descriptors, and half of them are for %u dripped "
		    "visitors\nLimitNOFILE=%u in ammit.service, or drip-max %lld in ammit.conf",
		    limit, d->options.drip_max, d->options.drip_max * 2 + 1024, limit / 2);
	else
		doctor_say(
		    d, DOCTOR_OK, "the daemon (pid %d) may have %lld", (int)d->daemon, limit);
}
