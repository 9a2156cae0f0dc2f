#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/doctor.h"
#include "cli/spop_client.h"
#include "net/fetch.h"

#define QUESTIONS 50u
#define FRAME 16380u

/* Why nobody could be reached, and what to do about it. EAGAIN: so many wait to be accepted that no
 * more can. */
static void
say_unreached(struct doctor *d, const struct endpoint *at, int error, const char *why)
{
	if (error == EACCES || error == EPERM)
		doctor_say(
		    d, DOCTOR_SKIP, "%s: %s\nrun ammit doctor as root", at->text, strerror(error));
	else if (d->elsewhere && (error == ENOENT || error == ECONNREFUSED))
		doctor_say(
		    d, DOCTOR_SKIP, "%s: nobody listens, and HAProxy asks nobody here", at->text);
	else if (error != 0 && error != ETIMEDOUT && error != EAGAIN)
		doctor_say(d, DOCTOR_FAIL,
		    "%s: nobody listens: %s\nsystemctl start ammit, or name its options: ammit "
		    "doctor -c FILE",
		    at->text, strerror(error));
	else
		doctor_say(d, DOCTOR_FAIL,
		    "%s: %s\nit hangs, or something else listens there: systemctl restart ammit; "
		    "journalctl -u ammit",
		    at->text, why);
}

static void
know_daemon(struct doctor *d, int fd)
{
	struct ucred peer = { 0 };
	socklen_t bytes = sizeof(peer);

	if (endpoint_path(&d->options.spop) == NULL ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || peer.pid <= 0)
		return;
	d->daemon = peer.pid;
	d->daemon_known = who_of_process(peer.pid, &d->daemon_who);
}

void
doctor_live_spop(struct doctor *d)
{
	struct spop_client *c = xcalloc(1, sizeof(*c));

	if (spop_client_init(c, &d->options.spop, FRAME, DOCTOR_TIMEOUT_MS, true)) {
		know_daemon(d, c->fd);
		d->have |= DOCTOR_HAS_SPOP;
		doctor_say(d, DOCTOR_OK, "%s answers HAProxy's health check", d->options.spop.text);
	} else {
		say_unreached(d, &d->options.spop, c->connect_errno, c->why);
	}
	spop_client_fini(c);
	free(c);
}

/* ---- questions ---- */

static struct spop_value
text_value(const char *text)
{
	return (struct spop_value){ .type = SPOP_STRING, .bytes = slice_of(text) };
}

/* What a request from here would have; what it has not is NULL, as HAProxy sends it. */
static struct spop_value
sample_value(struct slice name)
{
	static const uint8_t here[4] = { 127, 0, 0, 1 };
	static const struct {
		const char *name, *value;
	} texts[] = { { "method", "GET" }, { "path", "/" }, { "ver", "1.1" },
		{ "host", "localhost" }, { "ua", "ammit-doctor/" AMMIT_VERSION },
		{ "hdr.accept", "*/*" } };

	if (slice_equal(name, SLICE("src")))
		return (struct spop_value){ .type = SPOP_IPV4,
			.bytes = { (const char *)here, sizeof(here) } };
	if (slice_equal(name, SLICE("rate")))
		return (struct spop_value){ .type = SPOP_INT64, .number = 1 };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (slice_equal(name, slice_of(texts[i].name)))
			return text_value(texts[i].value);
	return (struct spop_value){ .type = SPOP_NULL, .bytes = { NULL, 0 } };
}

/* As the SPOE file has it; without one, what each policy knows. */
static unsigned
make_question(const struct doctor *d, struct spop_client_argument *out)
{
	static const char *const plain[] = { "src", "method", "path", "ver", "host", "ua" };
	unsigned count = 0;

	for (unsigned i = 0; i < d->arguments; i++)
		out[count++] = (struct spop_client_argument){ d->argument[i].name,
			sample_value(d->argument[i].name) };
	for (size_t i = 0; d->arguments == 0 && i < sizeof(plain) / sizeof(plain[0]); i++)
		out[count++] = (struct spop_client_argument){ slice_of(plain[i]),
			sample_value(slice_of(plain[i])) };
	return count;
}

static bool
is_verdict(const struct spop_value *v)
{
	static const char *const verdicts[] = { "allow", "challenge", "deny", "drip" };

	for (size_t i = 0; v->type == SPOP_STRING && i < 4; i++)
		if (slice_equal(v->bytes, slice_of(verdicts[i])))
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
say_latency(struct doctor *d, int64_t us[QUESTIONS], struct slice verdict)
{
	double middle, most, limit = (double)d->processing_ms;

	qsort(us, QUESTIONS, sizeof(us[0]), compare);
	middle = (double)us[QUESTIONS / 2] / 1000;
	most = (double)us[QUESTIONS - 1] / 1000;
	if (d->processing_ms > 0 && middle >= limit)
		doctor_say(d, DOCTOR_FAIL,
		    "half of %u answers took more than %.2f ms, and timeout processing is %.0f: "
		    "requests get no verdict\nlook what else the machine does: top, ammit top",
		    QUESTIONS, middle, limit);
	else if (d->processing_ms > 0 && most * 2 >= limit)
		doctor_say(d, DOCTOR_WARN,
		    "one of %u answers took %.2f ms, and timeout processing is %.0f\ntimeout "
		    "processing %.0fms, or less other work on this machine",
		    QUESTIONS, most, limit, most * 2 + 50);
	else
		doctor_say(d, DOCTOR_OK,
		    "%.*s; %u answers took %.2f ms (half of them), %.2f ms (the slowest)",
		    DOCTOR_S(verdict), QUESTIONS, middle, most);
}

void
doctor_live_weigh(struct doctor *d)
{
	struct spop_client *c = xcalloc(1, sizeof(*c));
	struct spop_client_argument question[DOCTOR_ARGUMENTS_MAX];
	unsigned count = make_question(d, question), asked = 0;
	struct spop_client_answer answer;
	struct spop_value verdict = { .type = SPOP_NULL, .bytes = { NULL, 0 } };
	int64_t us[QUESTIONS];
	bool good = spop_client_init(c, &d->options.spop, FRAME, DOCTOR_TIMEOUT_MS, false);

	while (good && asked < QUESTIONS) {
		good = spop_client_ask(c, SLICE("weigh"), question, count, &answer);
		if (!good)
			break;
		us[asked++] = answer.us;
		verdict = spop_client_variable(&answer, "verdict");
		if (!is_verdict(&verdict))
			break;
	}
	if (!good)
		doctor_say(d, DOCTOR_FAIL,
		    "question %u: %s\nsystemctl restart ammit; journalctl -u ammit", asked + 1,
		    c->why);
	else if (asked < QUESTIONS)
		doctor_say(d, DOCTOR_FAIL,
		    "the answer has no verdict, so it is not Ammit that listens there\nspop ADDR "
		    "in ammit.conf, an address of its own");
	else
		say_latency(d, us, verdict.bytes);
	spop_client_fini(c);
	free(c);
}

/* ---- the page, and who is dripped ---- */

void
doctor_live_page(struct doctor *d)
{
	const struct fetch f = { &d->options.http, "GET", "/.ammit/health", 4096,
		DOCTOR_TIMEOUT_MS };
	struct fetched got;

	if (!fetch(&f, &got)) {
		say_unreached(d, &d->options.http, got.connect_errno, got.why);
		return;
	}
	if (got.status == 200)
		doctor_say(d, DOCTOR_OK, "%s serves the page of challenges", d->options.http.text);
	else
		doctor_say(d, DOCTOR_FAIL,
		    "%s answers %u to GET /.ammit/health, so it is not Ammit\nhttp ADDR in "
		    "ammit.conf, an address of its own",
		    d->options.http.text, got.status);
	free(got.body);
}

void
doctor_live_drip(struct doctor *d)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	const struct endpoint *at = &d->options.drip;
	int64_t end_ms = clock_mono_ms() + DOCTOR_TIMEOUT_MS;
	char buf[256];
	ssize_t n = -1;
	int fd;

	if (!d->options.has_drip) {
		doctor_say(d, DOCTOR_OK, "drip is off");
		return;
	}
	fd = endpoint_connect(at, end_ms);
	if (fd < 0) {
		say_unreached(d, at, errno, strerror(errno));
		return;
	}
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1 &&
	    endpoint_wait(fd, POLLIN, end_ms) == 0)
		n = recv(fd, buf, sizeof(buf), 0);
	close(fd);
	if (n > 5 && memcmp(buf, "HTTP/", 5) == 0)
		doctor_say(d, DOCTOR_OK, "%s drips", at->text);
	else
		say_unreached(d, at, 0, "no answer in time");
}
