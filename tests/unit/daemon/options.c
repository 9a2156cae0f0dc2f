#include "daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char folder[] = "/tmp/ammit-options-XXXXXX";

static const char *
write_config(const char *text)
{
	static char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ammit.conf", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static const struct {
	const char *name, *text;
	const char *wrong; /* in the only problem; NULL: it is good */
} files[] = {
	{ "empty", "", NULL },
	{ "comments", "# nothing\n\n   # at all\n", NULL },
	{ "all",
	    "spop 127.0.0.1:9001\nhttp\tunix@/tmp/x # here\nworkers 3\nshadow on\nlog-level debug\n"
	    "spop-mode 0666\nstate-dir /tmp/s\ncontrol unix@/tmp/c\ncontrol-mode 0640\n"
	    "control-group x\ndrip unix@/tmp/d\ndrip-max 7\ndrip-rate 8\ndrip-time 9\n"
	    "drip-mode 0620\ndrip-group y\ndns 127.0.0.1,[::1]:5353\ndns-cache 1024\n"
	    "check-from unix,10.8.0.0/24,::1\n"
	    "tor-control unix@/run/tor/control\ntor-password /etc/ammit/tor\ntor-close-after 3\n"
	    "tor-close-rate 7\ntor-dry-run on\npolicy-watch 5\n",
	    NULL },
	{ "unknown", "spopp 127.0.0.1:9001\n", "ammit.conf:1: \"spopp\" is no option" },
	{ "line", "workers 2\n\nworkers none\n",
	    "ammit.conf:3: workers: \"none\" is no number from 1 to 64" },
	{ "range", "workers 65\n", "from 1 to 64" },
	{ "address", "spop nowhere\n", "spop: \"nowhere\" is no address: write unix@" },
	{ "control off", "control off\n", NULL },
	{ "drip off", "drip off\n", NULL },
	{ "drip nowhere", "drip nowhere\n", "drip: \"nowhere\" is no address" },
	{ "no drips", "drip-max 0\n", "drip-max: \"0\" is no number from 1 to 1000000" },
	{ "no rate", "drip-rate 0\n", "drip-rate: \"0\" is no number from 1 to 1048576" },
	{ "too long", "drip-time 86401\n", "drip-time: \"86401\" is no number from 1 to 86400" },
	{ "tor off", "tor-control off\n", NULL },
	{ "tor nowhere", "tor-control 9051\n", "tor-control: \"9051\" is no address" },
	{ "tor never", "tor-close-rate 0\n", "tor-close-rate: \"0\" is no number from 1" },
	{ "only these are off", "spop off\n", "spop: \"off\" is no address" },
	{ "nobody to check from", "check-from\n",
	    "check-from: \"\" names no peers: one is missing" },
	{ "peer", "check-from localhost\n",
	    "check-from: \"localhost\" names no peers: not a prefix" },
	{ "dns", "dns example.org\n", "dns: \"example.org\" names no DNS servers: " },
	{ "no dns", "dns\n", "dns: \"\" names no DNS servers: " },
	{ "dns cache", "dns-cache 0\n", "dns-cache: \"0\" is no number from 1 to 1024" },
	{ "much dns cache", "dns-cache 1025\n", "no number from 1 to 1024" },
	{ "control mode", "control-mode rw\n", "control-mode: \"rw\" is no mode" },
	{ "mode", "spop-mode 999\n", "octal" },
	{ "flag", "shadow maybe\n", "neither on nor off" },
	{ "level", "log-level loud\n", "is no level" },
	{ "missing", "policy\n", "policy: a value is missing" },
};

static void
files_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct options o = { 0 };
		struct problems p = { 0 };

		options_read_file(&o, write_config(files[i].text), &p);
		if (files[i].wrong == NULL) {
			if (p.count > 0)
				fail_msg("%s: %s", files[i].name, p.list[0].text);
		} else if (p.count != 1 || strstr(p.list[0].text, files[i].wrong) == NULL) {
			fail_msg("%s: %zu problems, first %s", files[i].name, p.count,
			    p.count > 0 ? p.list[0].text : "none");
		}
		options_fini(&o);
		problems_fini(&p);
	}
}

static void
values_arrive(void **state)
{
	struct options o = { 0 };
	struct problems p = { 0 };

	(void)state;
	options_read_file(&o, write_config(files[2].text), &p);
	assert_string_equal(o.spop.text, "127.0.0.1:9001");
	assert_string_equal(o.http.text, "unix@/tmp/x");
	assert_int_equal(o.workers, 3);
	assert_true(o.shadow);
	assert_int_equal(o.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(o.spop_mode, 0666);
	assert_string_equal(o.state_dir, "/tmp/s");
	assert_string_equal(o.control.text, "unix@/tmp/c");
	assert_true(o.control_asked);
	assert_int_equal(o.control_mode, 0640);
	assert_string_equal(o.control_group, "x");
	assert_string_equal(o.drip.text, "unix@/tmp/d");
	assert_true(o.drip_asked);
	assert_int_equal(o.drip_max, 7);
	assert_int_equal(o.drip_rate_kib_s, 8);
	assert_int_equal(o.drip_time_s, 9);
	assert_int_equal(o.drip_mode, 0620);
	assert_string_equal(o.drip_group, "y");
	assert_string_equal(o.dns, "127.0.0.1,[::1]:5353");
	assert_int_equal(o.dns_cache_mib, 1024);
	assert_true(o.check_from.local);
	assert_int_equal(o.check_from.count, 2);
	assert_true(o.has_tor);
	assert_string_equal(o.tor_control.text, "unix@/run/tor/control");
	assert_string_equal(o.tor_password, "/etc/ammit/tor");
	assert_int_equal(o.tor_close_after, 3);
	assert_int_equal(o.tor_close_rate, 7);
	assert_true(o.tor_dry_run);
	options_fini(&o);
	problems_fini(&p);
}

/* Words of a line, cut in place. */
static int
words(char *line, char **argv)
{
	int argc = 0;

	for (char *at = line; at != NULL; argc++) {
		argv[argc] = at;
		at = strchr(at, ' ');
		if (at != NULL)
			*at++ = '\0';
	}
	return argc;
}

static void
flags_go_before_the_file(void **state)
{
	char *argv[8], line[200], want[80];
	int argc;
	struct options o;
	struct problems p = { 0 };
	bool help;

	(void)state;
	snprintf(line, sizeof(line), "--workers 5 -c %s --shadow --http=127.0.0.1:8999",
	    write_config("workers 2\nhttp 127.0.0.1:9000\n"));
	argc = words(line, argv);
	setenv("STATE_DIRECTORY", folder, 1);
	setenv("RUNTIME_DIRECTORY", folder, 1);
	options_read(&o, argc, argv, &p, &help);
	assert_int_equal(p.count, 0);
	assert_int_equal(o.workers, 5);
	assert_true(o.shadow);
	assert_string_equal(o.http.text, "127.0.0.1:8999");
	assert_string_equal(o.state_dir, folder);
	snprintf(want, sizeof(want), "unix@%s/spop.sock", folder);
	assert_string_equal(o.spop.text, want);
	options_fini(&o);
}

static const struct {
	const char *name, *file, *line;
	const char *want; /* NULL: none. %: the folder */
	bool asked;
	unsigned mode, cache_mib;
} controls[] = {
	{ "default", "", "", "unix@%/control.sock", false, 0600, 4 },
	{ "with a group", "control-group x\n", "", "unix@%/control.sock", false, 0660, 4 },
	{ "a group and a mode", "control-group x\ncontrol-mode 0620\n", "", "unix@%/control.sock",
	    false, 0620, 4 },
	{ "off", "control off\n", "", NULL, false, 0600, 4 },
	{ "off by flag", "control 127.0.0.1:9000\n", " --control off", NULL, false, 0600, 4 },
	{ "on by flag", "control off\n", " --control 127.0.0.1:9000", "127.0.0.1:9000", true, 0600,
	    4 },
	{ "dns", "dns-cache 7\n", " --dns-cache 9 --dns 127.0.0.1:5353", "unix@%/control.sock",
	    false, 0600, 9 },
};

/* % is the folder, NULL nothing. */
static void
in_folder(const char *text, char out[80])
{
	const char *at = text == NULL ? NULL : strchr(text, '%');

	if (at != NULL)
		snprintf(out, 80, "%.*s%s%s", (int)(at - text), text, folder, at + 1);
	else
		snprintf(out, 80, "%s", text == NULL ? "" : text);
}

static void
control_and_dns_have_defaults(void **state)
{
	(void)state;
	setenv("STATE_DIRECTORY", folder, 1);
	setenv("RUNTIME_DIRECTORY", folder, 1);
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		char *argv[16], line[200], want[80];
		struct options o;
		struct problems p = { 0 };
		bool help;

		/* The other sockets are said: that must not take the default from this one. */
		snprintf(line, sizeof(line), "--spop unix@/x --http unix@/y -c %s%s",
		    write_config(controls[i].file), controls[i].line);
		options_read(&o, words(line, argv), argv, &p, &help);
		in_folder(controls[i].want, want);
		if (p.count > 0 || o.has_control != (controls[i].want != NULL) ||
		    (o.has_control && strcmp(o.control.text, want) != 0) ||
		    o.control_asked != controls[i].asked || o.control_mode != controls[i].mode ||
		    o.dns_cache_mib != controls[i].cache_mib)
			fail_msg("%s: %s %o %u", controls[i].name, o.control.text,
			    (unsigned)o.control_mode, o.dns_cache_mib);
		options_fini(&o);
	}
}

static void
tor_has_defaults(void **state)
{
	static const struct {
		const char *file, *line;
		bool has;
		unsigned rate, warnings;
	} cases[] = {
		{ "", "", false, 60, 0 },
		{ "tor-control 127.0.0.1:9051\n", "", true, 60, 0 },
		{ "tor-control 127.0.0.1:9051\ntor-close-after 2\n", " --tor-close-rate 9", true, 9,
		    0 },
		{ "tor-control 127.0.0.1:9051\n", " --tor-control off", false, 60, 0 },
		{ "tor-close-after 2\n", "", false, 60, 1 },
		{ "tor-password /x\n", "", false, 60, 1 },
		{ "", " --tor-dry-run", false, 60, 1 },
	};

	(void)state;
	setenv("STATE_DIRECTORY", folder, 1);
	setenv("RUNTIME_DIRECTORY", folder, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[16], line[200];
		struct options o;
		struct problems p = { 0 };
		bool help;

		snprintf(line, sizeof(line), "--workers 1 -c %s%s", write_config(cases[i].file),
		    cases[i].line);
		options_read(&o, words(line, argv), argv, &p, &help);
		if (p.errors > 0 || p.warnings != cases[i].warnings || o.has_tor != cases[i].has ||
		    o.tor_close_rate != cases[i].rate)
			fail_msg("%s%s: %u", cases[i].file, cases[i].line, o.tor_close_rate);
		options_fini(&o);
		problems_fini(&p);
	}
}

static void
drip_has_defaults(void **state)
{
	static const struct {
		const char *file, *line;
		const char *want; /* NULL: none. %: the folder */
		bool asked;
		unsigned max, rate, time;
	} cases[] = {
		{ "", "", "unix@%/drip.sock", false, 2000, 64, 900 },
		{ "drip off\n", "", NULL, false, 2000, 64, 900 },
		{ "drip 127.0.0.1:9\n", " --drip off", NULL, false, 2000, 64, 900 },
		{ "drip off\n", " --drip 127.0.0.1:9 --drip-max 5", "127.0.0.1:9", true, 5, 64,
		    900 },
		{ "drip-rate 6\ndrip-time 7\n", "", "unix@%/drip.sock", false, 2000, 6, 7 },
	};

	(void)state;
	setenv("STATE_DIRECTORY", folder, 1);
	setenv("RUNTIME_DIRECTORY", folder, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[16], line[200], want[80];
		struct options o;
		struct problems p = { 0 };
		bool help;

		snprintf(line, sizeof(line), "--spop unix@/x --http unix@/y --control off -c %s%s",
		    write_config(cases[i].file), cases[i].line);
		options_read(&o, words(line, argv), argv, &p, &help);
		in_folder(cases[i].want, want);
		assert_int_equal(p.count, 0);
		assert_int_equal(o.has_drip, cases[i].want != NULL);
		if (o.has_drip)
			assert_string_equal(o.drip.text, want);
		assert_int_equal(o.drip_asked, cases[i].asked);
		assert_int_equal(o.drip_max, cases[i].max);
		assert_int_equal(o.drip_rate_kib_s, cases[i].rate);
		assert_int_equal(o.drip_time_s, cases[i].time);
		assert_int_equal(o.drip_mode, 0660);
		options_fini(&o);
	}
}

static void
all_errors_in_one_go(void **state)
{
	char *argv[8], line[] = "--workers 0 --spop x extra --policy";
	struct options o;
	struct problems p = { 0 };
	bool help;

	(void)state;
	options_read(&o, words(line, argv), argv, &p, &help);
	assert_int_equal(p.errors, 4);
	options_fini(&o);
	problems_fini(&p);
}

/* Every row of the table can be set, and the manual has it. */
static void
the_table_is_whole(void **state)
{
	static const char *const value[] = { "/x", "127.0.0.1:1", "1", "0600", "x", "on", "warn",
		"127.0.0.1", "unix", "https://x/v1" };
	const char *why;
	size_t bytes;
	char *manual = file_read("contrib/man/ammit.conf.5", 1 << 20, &bytes, &why);

	(void)state;
	assert_non_null(manual);
	for (size_t i = 0; i < option_row_count; i++) {
		struct options o = { 0 }, zero = { 0 };
		struct problems p = { 0 };
		char line[80];

		snprintf(line, sizeof(line), "%s %s\n", option_rows[i].name,
		    option_rows[i].least > 1 ? "1000" : value[option_rows[i].kind]);
		options_read_file(&o, write_config(line), &p);
		assert_int_equal(p.count, 0);
		if (memcmp(&o, &zero, sizeof(o)) == 0)
			fail_msg("%s sets nothing", option_rows[i].name);
		snprintf(line, sizeof(line), ".B %s", option_rows[i].name);
		if (strstr(manual, line) == NULL)
			fail_msg("ammit.conf.5 does not have %s", option_rows[i].name);
		options_fini(&o);
	}
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(flags_go_before_the_file),
		cmocka_unit_test(control_and_dns_have_defaults),
		cmocka_unit_test(drip_has_defaults),
		cmocka_unit_test(tor_has_defaults),
		cmocka_unit_test(all_errors_in_one_go),
		cmocka_unit_test(the_table_is_whole),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(write_config(""));
	rmdir(folder);
	return failed;
}
