#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "cli/doctor.h"
#include "daemon/keyfile.h"
#include "policy/ask.h"
#include "token/key.h"

/* HAProxy's own look at passes: with whose secrets, and what it takes for enough. */

/* ID of {"alg":"HS256","typ":"JWT","kid":"ID"}, a word of the line. */
static bool
kid_of(const struct haproxy_line *l, uint8_t id[4])
{
	static const char mark[] = "\"kid\":\"";

	for (unsigned w = 0; w < l->words; w++) {
		const char *p = memmem(l->word[w].ptr, l->word[w].len, mark, sizeof(mark) - 1);
		unsigned a, b, c, e;

		/* A NUL stands behind each word. */
		if (p == NULL ||
		    sscanf(p + sizeof(mark) - 1, "%2x%2x%2x%2x\"", &a, &b, &c, &e) != 4)
			continue;
		id[0] = (uint8_t)a;
		id[1] = (uint8_t)b;
		id[2] = (uint8_t)c;
		id[3] = (uint8_t)e;
		return true;
	}
	return false;
}

/* The index of the key that a line verifies with, -1 after saying what is wrong. */
static int
check_verifier(struct doctor *d, const struct haproxy_line *l, const struct keyring *keys)
{
	const struct key *k;
	uint8_t id[4];
	char secret[160];
	unsigned w = 0;

	while (w < l->words && memmem(l->word[w].ptr, l->word[w].len, "jwt_verify(", 11) == NULL)
		w++;
	if (w + 3 >= l->words || !slice_equal(l->word[w + 1], SLICE("-m")) ||
	    !slice_equal(l->word[w + 2], SLICE("int")) ||
	    !slice_equal(l->word[w + 3], SLICE("1")) ||
	    memmem(l->word[w].ptr, l->word[w].len, "jwt_verify(HS256,", 17) == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: a pass counts as good that was not verified: the algorithm must be "
		    "HS256 and the result 1\n{ req.cook(%s),jwt_verify(\"HS256\",\"SECRET\") -m "
		    "int 1 }",
		    l->file, l->number, policy_settings(d->policy)->cookie);
		return -1;
	}
	k = kid_of(l, id) ? keyring_find(keys, id) : NULL;
	if (k == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: HAProxy believes passes of a key that Ammit has not, or no "
		    "more\nammit haproxy jwt-keys --state-dir %s; put the lines into the file, and "
		    "reload HAProxy",
		    l->file, l->number, d->options.state_dir);
		return -1;
	}
	snprintf(secret, sizeof(secret), "jwt_verify(HS256,%s)", k->pass_secret);
	if (memmem(l->word[w].ptr, l->word[w].len, secret, strlen(secret)) == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: the secret is not that of the key that is named beside it\nammit "
		    "haproxy jwt-keys --state-dir %s; put the lines into the file, and reload "
		    "HAProxy",
		    l->file, l->number, d->options.state_dir);
		secret_wipe(secret, sizeof(secret));
		return -1;
	}
	secret_wipe(secret, sizeof(secret));
	return (int)(k - keys->key);
}

static unsigned
check_level(struct doctor *d)
{
	const unsigned highest = policy_ask(d->policy)->level;

	for (size_t i = 0; i < d->conf->lines; i++) {
		const struct haproxy_line *l = &d->conf->line[i];
		unsigned long long n = 0;
		unsigned w = doctor_line_at(l, "ge");

		if (!haproxy_line_is(l, "acl ammit_level"))
			continue;
		if (w + 1 < l->words && slice_number(l->word[w + 1], 1u << 20, &n) && n >= highest)
			return 0;
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: passes of level %llu are let through, and a challenge of the policy "
		    "asks for %u\npresetenv AMMIT_FAST_LEVEL \"%u\"",
		    l->file, l->number, n, highest, highest);
		return 1;
	}
	doctor_say(d, DOCTOR_FAIL,
	    "a pass of any level is let through\nacl ammit_level "
	    "var(txn.ammit_claims),field(4,:) -m int ge %u, as in edge-fast.cfg",
	    highest);
	return 1;
}

/* The key file as it is: nothing is made here. False after saying why not. */
static bool
read_keys(struct doctor *d, struct keyring *keys)
{
	char path[4200], *text;
	const char *why;
	unsigned line;
	size_t bytes;
	bool good;

	(void)keyfile_path(d->options.state_dir, path, sizeof(path));
	text = file_read(path, KEY_FILE_MAX, &bytes, &why);
	if (text == NULL) {
		doctor_say(d, DOCTOR_SKIP,
		    "%s: %s, so the keys that HAProxy has cannot be compared\nrun ammit doctor as "
		    "root",
		    path, why);
		return false;
	}
	good = keyring_parse(keys, (struct slice){ text, bytes }, &line, &why);
	secret_wipe(text, bytes);
	free(text);
	if (!good)
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: %s\nsystemctl restart ammit; journalctl -u ammit", path, line, why);
	return good;
}

void
doctor_fast_pass(struct doctor *d)
{
	struct keyring keys;
	unsigned bad = 0, lines = 0;
	bool newest = false;

	if (!doctor_fast_checks_passes(d))
		return;
	bad += check_level(d);
	if (!read_keys(d, &keys))
		return;
	for (size_t i = 0; i < d->conf->lines; i++) {
		int k;

		if (!doctor_line_holds(&d->conf->line[i], "jwt_verify("))
			continue;
		lines++;
		k = check_verifier(d, &d->conf->line[i], &keys);
		bad += k < 0;
		newest = newest || k == 0;
	}
	if (!newest && bad == 0) {
		bad++;
		doctor_say(d, DOCTOR_WARN,
		    "HAProxy has not the key that passes are made with now, and asks about "
		    "each\nammit haproxy jwt-keys --state-dir %s; put the lines into the file, and "
		    "reload HAProxy",
		    d->options.state_dir);
	}
	keyring_wipe(&keys);
	if (bad == 0)
		doctor_say(d, DOCTOR_OK,
		    "%u lines verify passes with keys that Ammit has; the level is enough", lines);
}
