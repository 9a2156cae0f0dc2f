#include "onion/tor_control.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "base/text.h"

#define TOKEN 60000 /* a minute has as many ms: each gives `rate` parts */
#define BIT(method) ((uint8_t)(1u << (method)))

#define OF_SERVER "Tor safe cookie authentication server-to-controller hash"
#define OF_CONTROLLER "Tor safe cookie authentication controller-to-server hash"

const char *const tor_method_names[TOR_METHODS_COUNT] = { "SAFECOOKIE", "COOKIE", "HASHEDPASSWORD",
	"NULL" };

const char *const tor_outcome_names[TOR_OUTCOMES] = { "none", "closed", "gone", "refused",
	"limited", "dry-run" };

void
tor_control_init(struct tor_control *t, const struct tor_secrets *secrets,
    const struct tor_bounds *bounds, struct circuit_table *table)
{
	memset(t, 0, sizeof(*t));
	t->secrets = *secrets;
	t->bounds = *bounds;
	t->table = table;
	t->tokens = (int64_t)bounds->rate * TOKEN;
}

/* ---- out ---- */

/* A command; the room is that of the longest. */
static void
put(struct tor_control *t, enum tor_state state, struct slice command)
{
	assert(command.len + 2 <= sizeof(t->out) - t->out_len);
	memcpy(t->out + t->out_len, command.ptr, command.len);
	t->out_len += command.len;
	t->out[t->out_len++] = '\r';
	t->out[t->out_len++] = '\n';
	t->state = state;
}

/* "WORD 0123…" */
static void
put_hex(struct tor_control *t, enum tor_state state, const char *word, const uint8_t bytes[32])
{
	char command[128];
	size_t n = strlen(word);

	memcpy(command, word, n);
	hex_encode(bytes, 32, command + n);
	put(t, state, (struct slice){ command, n + 64 });
	secret_wipe(command, sizeof(command));
}

struct slice
tor_control_output(const struct tor_control *t)
{
	return (struct slice){ t->out, t->out_len };
}

void
tor_control_sent(struct tor_control *t, size_t n)
{
	assert(n <= t->out_len);
	memmove(t->out, t->out + n, t->out_len - n);
	t->out_len -= n;
	/* What was sent may have been a secret. */
	secret_wipe(t->out + t->out_len, n);
}

/* ---- begin and end ---- */

void
tor_control_begin(struct tor_control *t, const uint8_t nonce[TOR_COOKIE_BYTES])
{
	tor_control_end(t);
	t->offered = 0;
	t->cookie_file[0] = t->version[0] = t->why[0] = '\0';
	memcpy(t->nonce, nonce, sizeof(t->nonce));
	put(t, TOR_METHODS, SLICE("PROTOCOLINFO 1"));
}

void
tor_control_end(struct tor_control *t)
{
	t->state = TOR_CLOSED;
	t->closing = 0;
	t->outcome = TOR_OUTCOME_NONE;
	t->out_len = 0;
	secret_wipe(t->out, sizeof(t->out));
	secret_wipe(t->cookie, sizeof(t->cookie));
	tor_reader_reset(&t->reader);
	circuit_table_clear(t->table);
}

bool
tor_control_waits(const struct tor_control *t)
{
	return (t->state != TOR_READY && t->state != TOR_CLOSED) || t->reader.len > 0 ||
	       t->reader.within;
}

static bool fail(struct tor_control *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool
fail(struct tor_control *t, const char *format, ...)
{
	struct text text = { t->why, sizeof(t->why) - 1, 0, false };
	va_list args;

	va_start(args, format);
	text_vprintf(&text, format, args);
	va_end(args);
	t->why[text.len] = '\0';
	t->state = TOR_CLOSED;
	return false;
}

/* What tor said, as it goes into a log line in quotes. */
static int
shown(struct slice s)
{
	return (int)(s.len < 100 ? s.len : 100);
}

/* ---- authenticating ---- */

/* A line of the answer to PROTOCOLINFO. */
static void
read_methods(struct tor_control *t, struct slice line)
{
	struct slice word, value, name;

	if (!tor_word_next(&line, &word))
		return;
	if (slice_equal(word, SLICE("VERSION"))) {
		value = tor_word_next(&line, &word) ? tor_word_value(word, "Tor")
						    : (struct slice){ NULL, 0 };
		if (value.ptr == NULL || !tor_unquote(value, t->version, sizeof(t->version)))
			t->version[0] = '\0';
	}
	if (!slice_equal(word, SLICE("AUTH")))
		return;
	while (tor_word_next(&line, &word)) {
		value = tor_word_value(word, "COOKIEFILE");
		if (value.ptr != NULL &&
		    !tor_unquote(value, t->cookie_file, sizeof(t->cookie_file)))
			t->cookie_file[0] = '\0';
		value = tor_word_value(word, "METHODS");
		while (value.len > 0) {
			name = slice_split(value, ',', &value);
			for (unsigned i = 0; i < TOR_METHODS_COUNT; i++)
				if (slice_equal(name, slice_of(tor_method_names[i])))
					t->offered |= BIT(i);
		}
	}
}

/* The cookie that tor named, for either of its methods. */
static bool
has_cookie(struct tor_control *t)
{
	if (t->cookie_file[0] != '/') {
		snprintf(t->why, sizeof(t->why), "tor names no cookie file by its whole path");
		return false;
	}
	return t->secrets.cookie(t->secrets.arg, t->cookie_file, t->cookie, t->why);
}

static bool
put_password(struct tor_control *t)
{
	char password[TOR_PASSWORD_MAX], command[2 * TOR_PASSWORD_MAX + 16] = "AUTHENTICATE ";
	size_t n, len = 0;

	if (t->secrets.password == NULL) {
		if (t->why[0] == '\0')
			snprintf(t->why, sizeof(t->why),
			    "tor wants a password: name its file with tor-password");
		return false;
	}
	if (!t->secrets.password(t->secrets.arg, password, &len, t->why))
		return false;
	n = 13 + tor_quote((struct slice){ password, len }, command + 13);
	put(t, TOR_PROOF, (struct slice){ command, n });
	secret_wipe(password, sizeof(password));
	secret_wipe(command, sizeof(command));
	return true;
}

/* Try a method that is offered. False with t->why: it is not possible here. */
static bool
try_method(struct tor_control *t, enum tor_method m)
{
	t->method = m;
	switch (m) {
	case TOR_SAFECOOKIE:
		if (!has_cookie(t))
			return false;
		put_hex(t, TOR_CHALLENGE, "AUTHCHALLENGE SAFECOOKIE ", t->nonce);
		return true;
	case TOR_COOKIE:
		if (!t->secrets.trusted) {
			snprintf(t->why, sizeof(t->why),
			    "COOKIE without SAFECOOKIE is for unix sockets alone: whoever listens "
			    "at a port could ask for any file of 32 bytes");
			return false;
		}
		if (!has_cookie(t))
			return false;
		put_hex(t, TOR_PROOF, "AUTHENTICATE ", t->cookie);
		return true;
	case TOR_PASSWORD:
		return put_password(t);
	case TOR_NULL:
		put(t, TOR_PROOF, SLICE("AUTHENTICATE"));
		return true;
	}
	return false;
}

/* The best of these that is possible here. */
static bool
try_methods(struct tor_control *t, uint8_t methods)
{
	for (unsigned i = 0; i < TOR_METHODS_COUNT; i++)
		if ((methods & BIT(i)) != 0 && try_method(t, (enum tor_method)i))
			return true;
	return false;
}

/* What tor did not take last time comes last now: it ends the connection on a refusal. */
static bool
authenticate(struct tor_control *t)
{
	uint8_t methods = t->offered, refused = t->refused;

	/* Who has SAFECOOKIE and fails at it does not get the cookie itself. */
	if ((methods & BIT(TOR_SAFECOOKIE)) != 0)
		methods &= (uint8_t)~BIT(TOR_COOKIE);
	t->refused = 0;
	if (try_methods(t, methods & (uint8_t)~refused) || try_methods(t, methods & refused)) {
		t->why[0] = '\0';
		return true;
	}
	if (t->why[0] == '\0')
		return fail(t, "tor offers no method of authentication that is known here");
	t->state = TOR_CLOSED;
	return false;
}

static void
safe_hash(const struct tor_control *t, const char *key, const uint8_t nonce[TOR_COOKIE_BYTES],
    uint8_t out[SHA256_BYTES])
{
	uint8_t message[3 * TOR_COOKIE_BYTES];
	struct hmac_key k;

	memcpy(message, t->cookie, TOR_COOKIE_BYTES);
	memcpy(message + TOR_COOKIE_BYTES, t->nonce, TOR_COOKIE_BYTES);
	memcpy(message + (size_t)2 * TOR_COOKIE_BYTES, nonce, TOR_COOKIE_BYTES);
	hmac_key_init(&k, key, strlen(key));
	hmac_once(&k, message, sizeof(message), out);
	secret_wipe(message, sizeof(message));
}

/* 64 digits of either case. */
static bool
read_hex(struct slice s, uint8_t out[TOR_COOKIE_BYTES])
{
	char lower[2 * TOR_COOKIE_BYTES];

	if (s.len != sizeof(lower))
		return false;
	for (size_t i = 0; i < sizeof(lower); i++)
		lower[i] = ascii_lower(s.ptr[i]);
	return hex_decode((struct slice){ lower, sizeof(lower) }, out, TOR_COOKIE_BYTES);
}

/* "AUTHCHALLENGE SERVERHASH=… SERVERNONCE=…": tor has the cookie, too, or it is not tor. */
static bool
answer_challenge(struct tor_control *t, struct slice line)
{
	uint8_t hash[SHA256_BYTES], nonce[TOR_COOKIE_BYTES], want[SHA256_BYTES];
	bool has_hash = false, has_nonce = false;
	struct slice word;

	while (tor_word_next(&line, &word)) {
		has_hash |= read_hex(tor_word_value(word, "SERVERHASH"), hash);
		has_nonce |= read_hex(tor_word_value(word, "SERVERNONCE"), nonce);
	}
	if (!has_hash || !has_nonce)
		return fail(t, "the answer to AUTHCHALLENGE has no hash and nonce");
	safe_hash(t, OF_SERVER, nonce, want);
	if (!secret_equal(hash, want, sizeof(want))) {
		t->refused |= BIT(TOR_SAFECOOKIE);
		return fail(t,
		    "whoever answers does not know the cookie in %.200s: it is the file of another "
		    "tor, or this is not tor",
		    t->cookie_file);
	}
	safe_hash(t, OF_CONTROLLER, nonce, want);
	put_hex(t, TOR_PROOF, "AUTHENTICATE ", want);
	secret_wipe(want, sizeof(want));
	secret_wipe(t->cookie, sizeof(t->cookie));
	return true;
}

/* ---- circuits ---- */

static bool
take_circuit(struct tor_control *t, struct slice line)
{
	struct circuit c;
	const char *why;

	if (!circuit_parse(line, &c, &why))
		return fail(t, "tor tells of %s", why);
	if (!circuit_table_take(t->table, &c))
		counter_add(&t->untracked, 1);
	return true;
}

/* "circuit-status=LINE" of a single circuit; with none there is nothing behind the =. */
static bool
take_status(struct tor_control *t, struct slice line)
{
	struct slice one = tor_word_value(line, "circuit-status");

	return one.len == 0 || take_circuit(t, one);
}

static bool
take_event(struct tor_control *t, const struct tor_line *l)
{
	struct slice rest = l->text, name;

	/* Nothing is listened to before it was asked for, and the lines below a first one are none
	 * of ours. */
	if (l->kind == TOR_LINE_DATA || t->state < TOR_EVENTS || !tor_word_next(&rest, &name))
		return true;
	if (slice_equal(name, SLICE("CIRC")) || slice_equal(name, SLICE("CIRC_MINOR")))
		return take_circuit(t, rest);
	return true;
}

static void
end_close(struct tor_control *t, enum tor_outcome outcome)
{
	t->ended = t->closing;
	t->closing = 0;
	t->outcome = outcome;
	counter_add(&t->outcomes[outcome], 1);
	t->state = TOR_READY;
}

static bool
closed(struct tor_control *t, unsigned code)
{
	if (code == 250) {
		/* It stays marked until the event that it is gone. */
		end_close(t, TOR_OUTCOME_CLOSED);
	} else if (code == 552) {
		circuit_table_drop(t->table, t->closing);
		end_close(t, TOR_OUTCOME_GONE);
	} else {
		circuit_table_mark(t->table, t->closing, false);
		end_close(t, TOR_OUTCOME_REFUSED);
	}
	return true;
}

static void
refill(struct tor_control *t, int64_t now_ms)
{
	int64_t rate = t->bounds.rate, full = rate * TOKEN, since = now_ms - t->filled_ms;

	t->filled_ms = now_ms;
	if (since >= TOKEN)
		t->tokens = full;
	else if (since > 0)
		t->tokens = t->tokens + since * rate < full ? t->tokens + since * rate : full;
}

enum tor_outcome
tor_control_close(struct tor_control *t, uint32_t id, int64_t now_ms)
{
	bool visitor = circuit_table_find(t->table, id) != CIRCUIT_UNKNOWN;
	enum tor_outcome outcome = TOR_OUTCOME_NONE;
	char command[32];
	int n;

	assert(t->state == TOR_READY);
	refill(t, now_ms);
	if (!visitor)
		outcome = TOR_OUTCOME_REFUSED;
	else if (t->tokens < TOKEN)
		outcome = TOR_OUTCOME_LIMITED;
	else if (t->bounds.dry_run)
		outcome = TOR_OUTCOME_DRY;
	if (outcome == TOR_OUTCOME_NONE || outcome == TOR_OUTCOME_DRY)
		t->tokens -= TOKEN;
	circuit_table_mark(t->table, id, outcome == TOR_OUTCOME_NONE || outcome == TOR_OUTCOME_DRY);
	if (outcome != TOR_OUTCOME_NONE) {
		counter_add(&t->outcomes[outcome], 1);
		return outcome;
	}
	t->closing = id;
	n = snprintf(command, sizeof(command), "CLOSECIRCUIT %lu", (unsigned long)id);
	put(t, TOR_CLOSES, (struct slice){ command, (size_t)n });
	return TOR_OUTCOME_NONE;
}

enum tor_outcome
tor_control_outcome(struct tor_control *t, uint32_t *id)
{
	enum tor_outcome outcome = t->outcome;

	*id = t->ended;
	t->outcome = TOR_OUTCOME_NONE;
	return outcome;
}

/* ---- in ---- */

/* The last line of a reply that is no refusal: what comes next. */
static bool
advance(struct tor_control *t, struct slice line)
{
	switch (t->state) {
	case TOR_METHODS:
		return authenticate(t);
	case TOR_CHALLENGE:
		return answer_challenge(t, line);
	case TOR_PROOF:
		secret_wipe(t->cookie, sizeof(t->cookie));
		put(t, TOR_EVENTS, SLICE("SETEVENTS CIRC CIRC_MINOR"));
		return true;
	case TOR_EVENTS:
		put(t, TOR_LIST, SLICE("GETINFO circuit-status"));
		return true;
	case TOR_LIST:
		t->state = TOR_READY;
		return true;
	case TOR_CLOSES:
		return closed(t, 250);
	case TOR_CLOSED:
	case TOR_READY:
		break;
	}
	return fail(t, "tor answers what was not asked");
}

/* The last line of a reply with another code than 250. */
static bool
refused(struct tor_control *t, const struct tor_line *l)
{
	static const char *const asked[] = { [TOR_METHODS] = "PROTOCOLINFO",
		[TOR_CHALLENGE] = "AUTHCHALLENGE",
		[TOR_PROOF] = "AUTHENTICATE",
		[TOR_EVENTS] = "SETEVENTS",
		[TOR_LIST] = "GETINFO circuit-status" };

	if (t->state == TOR_CLOSES)
		return closed(t, l->code);
	if (t->state == TOR_READY || t->state == TOR_CLOSED)
		return fail(t, "tor answers what was not asked");
	if (t->state == TOR_CHALLENGE || t->state == TOR_PROOF)
		t->refused |= BIT(t->method);
	return fail(t, "tor refuses %s%s%s with %u: %.*s", asked[t->state],
	    t->state == TOR_PROOF ? " by " : "",
	    t->state == TOR_PROOF ? tor_method_names[t->method] : "", l->code, shown(l->text),
	    l->text.ptr);
}

static bool
take_line(struct tor_control *t, const struct tor_line *l)
{
	if (l->code == 650)
		return take_event(t, l);
	if (t->out_len > 0)
		return fail(t, "tor answers before it was asked");
	if (l->kind == TOR_LINE_LAST)
		return l->code == 250 ? advance(t, l->text) : refused(t, l);
	if (l->code != 250)
		return true;
	if (t->state == TOR_METHODS && l->kind == TOR_LINE_MORE)
		read_methods(t, l->text);
	if (t->state == TOR_LIST)
		return l->kind == TOR_LINE_DATA ? take_circuit(t, l->text)
						: take_status(t, l->text);
	return true;
}

bool
tor_control_take(struct tor_control *t, struct slice bytes)
{
	struct tor_line line;
	const char *why = "";

	for (;;) {
		switch (tor_reader_next(&t->reader, &bytes, &line, &why)) {
		case TOR_READ_NONE:
			return true;
		case TOR_READ_MALFORMED:
			return fail(t, "not the protocol of tor: %s", why);
		case TOR_READ_LINE:
			t->lines++;
			if (!take_line(t, &line))
				return false;
		}
	}
}
