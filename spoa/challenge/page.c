#include "challenge/page_inner.h"

#include <assert.h>
#include <stdio.h>

#include "base/encode.h"
#include "challenge/pow.h"

/* A value in a query: what means nothing there stays as it is. */
static void
put_query(struct text *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (ascii_is_word(c) || c == '.' || c == '~' || c == '/')
			text_byte(out, c);
		else
			text_printf(out, "%%%02X", (unsigned char)c);
	}
}

void
page_put_on(struct text *out, struct slice ticket, struct slice back, struct slice answer)
{
	text_put(out, SLICE("/.ammit/pass?ticket="));
	text_put(out, ticket);
	text_put(out, SLICE("&back="));
	put_query(out, back);
	if (answer.len == 0)
		return;
	text_put(out, SLICE("&answer="));
	put_query(out, answer);
}

static bool
offers(const struct page_visit *v, unsigned methods)
{
	return (v->opened->challenge.methods & methods) != 0;
}

/* What browsers do by themselves: come again, and fetch the stylesheet that shows they are one. */
static void
put_head(struct text *out, const struct page_visit *v, unsigned after_s, struct slice on)
{
	text_printf(out, "<meta http-equiv=\"refresh\" content=\"%u; url=", after_s);
	text_html(out, on);
	text_put(out, SLICE("\">\n"));
	if (!offers(v, METHOD_RESOURCE))
		return;
	text_put(out, SLICE("<link rel=\"stylesheet\" href=\"/.ammit/seen.css?ticket="));
	text_put(out, v->ticket);
	text_put(out, SLICE("\">\n"));
}

static void
put_on_link(struct text *out, const struct pages *p, const struct page_visit *v, struct slice on)
{
	text_put(out, SLICE("<p><a class=\"go seen\" href=\""));
	text_html(out, on);
	text_put(out, SLICE("\">"));
	page_put_word(out, p, v->words, WORD_WAIT_ON, PAGE_EMPTY);
	text_put(out, SLICE("</a></p>\n"));
}

static void
put_question(struct text *out, const struct pages *p, const struct page_visit *v)
{
	text_put(out, SLICE("<form method=\"post\" action=\"/.ammit/pass\">\n<p id=\"ask\">"));
	page_put_word(out, p, v->words, WORD_QUESTION, PAGE_EMPTY);
	text_put(out, SLICE("</p>\n<p><label for=\"answer\">"));
	page_put_word(out, p, v->words, WORD_ANSWER, PAGE_EMPTY);
	text_put(out, SLICE("</label>\n<input id=\"answer\" name=\"answer\" maxlength=\"64\" "
			    "autocomplete=\"off\" autocapitalize=\"none\" dir=\"auto\" "
			    "aria-describedby=\"ask\" required>\n"
			    "<input type=\"hidden\" name=\"ticket\" value=\""));
	text_put(out, v->ticket);
	text_put(out, SLICE("\">\n<input type=\"hidden\" name=\"back\" value=\""));
	text_html(out, v->back);
	text_put(out, SLICE("\"></p>\n<p><button>"));
	page_put_word(out, p, v->words, WORD_SEND, PAGE_EMPTY);
	text_put(out, SLICE("</button></p>\n</form>\n"));
}

/* Why there is a check at all, with the host in it. */
static void
put_why(struct text *out, const struct pages *p, const struct page_visit *v, enum word w)
{
	char buf[6 * TICKET_HOST_MAX + 64];
	struct text host = { .buf = buf, .cap = sizeof(buf) };

	text_put(&host, SLICE("<strong dir=\"ltr\">"));
	text_html(&host, v->opened->host);
	text_put(&host, SLICE("</strong>"));
	out->cut |= host.cut;
	page_put_word(out, p, v->words, w, text_slice(&host));
}

bool
page_only_waits(const struct page_visit *v)
{
	return !offers(v, METHOD_POW) && offers(v, METHOD_WAIT | METHOD_RESOURCE);
}

/* When the way of those who wait is worth a try. */
unsigned
page_first_try_s(const struct page_visit *v)
{
	return offers(v, METHOD_RESOURCE) ? 1 : v->opened->challenge.wait_s;
}

/* For those without JavaScript, and for all where nothing else is offered. */
static void
put_without(struct text *out, const struct pages *p, const struct page_visit *v, struct slice on)
{
	const bool script = offers(v, METHOD_POW);

	if (script) {
		text_put(out, SLICE("<noscript>\n<p>"));
		put_why(out, p, v, WORD_WHY_OTHER);
		text_put(out, SLICE("</p>\n"));
	}
	if (!offers(v, METHOD_WAIT | METHOD_RESOURCE | METHOD_QUESTION)) {
		text_put(out, SLICE("<p class=\"note\">"));
		page_put_word(out, p, v->words, WORD_NO_WAY, PAGE_EMPTY);
		text_put(out, SLICE("</p>\n"));
	} else if (script) {
		text_put(out, SLICE("<p>"));
		page_put_word(out, p, v->words, WORD_NO_SCRIPT, PAGE_EMPTY);
		text_put(out, SLICE("</p>\n"));
	}
	if (offers(v, METHOD_WAIT | METHOD_RESOURCE)) {
		text_put(out, SLICE("<p>"));
		page_put_counted(out, p, v->words, WORD_WAIT, page_first_try_s(v));
		text_put(out, SLICE("</p>\n"));
		put_on_link(out, p, v, on);
	}
	if (offers(v, METHOD_QUESTION))
		put_question(out, p, v);
	text_put(out, script ? SLICE("</noscript>\n") : PAGE_EMPTY);
}

static void
put_extra(struct text *out, const struct pages *p, const struct page_visit *v)
{
	if (v->opened->challenge.clip) {
		text_put(
		    out, SLICE("<video id=\"clip\" muted autoplay playsinline preload=\"auto\" "
			       "aria-hidden=\"true\" "));
		text_put(out, offers(v, METHOD_VIDEO) ? SLICE("data-enough ") : PAGE_EMPTY);
		text_put(out, SLICE("src=\"/.ammit/clip.mp4?ticket="));
		text_put(out, v->ticket);
		text_put(out, SLICE("\"></video>\n"));
	}
	if (p->theme.trap) {
		text_put(out, SLICE("<a hidden rel=\"nofollow\" href=\"/.ammit/more?ticket="));
		text_put(out, v->ticket);
		text_put(out, SLICE("&amp;to="));
		text_put(out, v->trap);
		text_put(out, SLICE("\">.</a>\n"));
	}
}

/* Room for what is put together for one page. */
struct room {
	struct text text;
	char buf[3 * PAGE_ON_MAX + 10 * PAGE_TEXT_MAX];
};

static struct text *
room_init(struct room *r)
{
	r->text = (struct text){ .buf = r->buf, .cap = sizeof(r->buf) };
	return &r->text;
}

bool
page_write_challenge(struct pages *p, struct text *out, const struct page_visit *v, bool form_lost)
{
	const struct challenge *todo = &v->opened->challenge;
	const bool script = offers(v, METHOD_POW), waits = offers(v, METHOD_WAIT | METHOD_RESOURCE);
	struct splice_value value[HOLES] = { { PAGE_EMPTY, true } };
	uint8_t seed_bytes[SHA256_BYTES];
	char seed[2 * SHA256_BYTES], target[16], puzzles[8], life[16], wait[16];
	struct room on, head, whys, without, extra, lost;
	const char *why;

	if (!pages_prepare(p, v->words, &why))
		return false;
	pow_seed(v->ticket, seed_bytes);
	hex_encode(seed_bytes, sizeof(seed_bytes), seed);
	snprintf(
	    target, sizeof(target), "%lu", (unsigned long)pow_target(todo->hashes, todo->puzzles));
	/* No puzzle, no script: the way without one is there for everybody. */
	snprintf(puzzles, sizeof(puzzles), "%u", script ? (unsigned)todo->puzzles : 0);
	snprintf(life, sizeof(life), "%u", TICKET_LIFE_S);
	snprintf(wait, sizeof(wait), "%u", waits ? (unsigned)todo->wait_s : 0);
	page_put_on(room_init(&on), v->ticket, v->back, PAGE_EMPTY);
	room_init(&head);
	text_put(&head.text,
	    script ? SLICE("<noscript>\n<style>" PAGE_WITHOUT_STYLE "</style>\n") : PAGE_EMPTY);
	if (waits)
		put_head(&head.text, v, page_first_try_s(v), text_slice(&on.text));
	text_put(&head.text, script ? SLICE("</noscript>\n") : PAGE_EMPTY);
	put_why(room_init(&whys), p, v, script ? WORD_WHY : WORD_WHY_OTHER);
	put_without(room_init(&without), p, v, text_slice(&on.text));
	put_extra(room_init(&extra), p, v);
	room_init(&lost);
	if (form_lost) {
		text_put(&lost.text, SLICE("<p class=\"note\">"));
		page_put_word(&lost.text, p, v->words, WORD_LOST, PAGE_EMPTY);
		text_put(&lost.text, SLICE("</p>\n"));
	}

	value[HOLE_HOST] = (struct splice_value){ v->opened->host, false };
	value[HOLE_HEAD] = (struct splice_value){ text_slice(&head.text), true };
	value[HOLE_WHY] = (struct splice_value){ text_slice(&whys.text), true };
	value[HOLE_LOST] = (struct splice_value){ text_slice(&lost.text), true };
	value[HOLE_PUZZLES] = (struct splice_value){ slice_of(puzzles), true };
	value[HOLE_WITHOUT] = (struct splice_value){ text_slice(&without.text), true };
	value[HOLE_SEED] = (struct splice_value){ { seed, sizeof(seed) }, true };
	value[HOLE_TARGET] = (struct splice_value){ slice_of(target), true };
	value[HOLE_POSTED] = (struct splice_value){ form_lost ? SLICE("1") : SLICE("0"), true };
	value[HOLE_LIFE] = (struct splice_value){ slice_of(life), true };
	value[HOLE_WAIT] = (struct splice_value){ slice_of(wait), true };
	value[HOLE_ON] = (struct splice_value){ waits ? text_slice(&on.text) : PAGE_EMPTY, false };
	value[HOLE_TICKET] = (struct splice_value){ v->ticket, false };
	value[HOLE_BACK] = (struct splice_value){ v->back, false };
	value[HOLE_EXTRA] = (struct splice_value){ text_slice(&extra.text), true };
	value[HOLE_REFERENCE] = (struct splice_value){ v->reference, false };
	splice_write(p->language[v->words->number].challenge, value, v->gzip, out);
	return !(out->cut || head.text.cut || whys.text.cut || without.text.cut || extra.text.cut ||
		 lost.text.cut);
}

/* A page of words, of a language that is prepared: a title, text, and the reference. */
static bool
write_note(struct pages *p, struct text *out, const struct page_visit *v, enum word title,
    const struct text *head, const struct text *text)
{
	struct splice_value value[HOLES] = { { PAGE_EMPTY, true } };
	struct room name, foot;

	if (head->cut || text->cut)
		return false;
	page_put_word(room_init(&name), p, v->words, title, PAGE_EMPTY);
	room_init(&foot);
	if (v->reference.len > 0) {
		page_put_word(&foot.text, p, v->words, WORD_ASK_WITH, PAGE_EMPTY);
		text_put(&foot.text, SLICE(" <code>"));
		text_html(&foot.text, v->reference);
		text_put(&foot.text, SLICE("</code>"));
	}
	value[HOLE_TITLE] = (struct splice_value){ text_slice(&name.text), true };
	value[HOLE_HEAD] = (struct splice_value){ text_slice(head), true };
	value[HOLE_TEXT] = (struct splice_value){ text_slice(text), true };
	value[HOLE_FOOT] = (struct splice_value){ text_slice(&foot.text), true };
	splice_write(p->language[v->words->number].note, value, v->gzip, out);
	return !out->cut;
}

bool
page_write_again(struct pages *p, struct text *out, const struct page_visit *v, enum page_again why,
    unsigned left_s, struct slice on_to)
{
	static const enum word said[] = { [PAGE_EARLY] = WORD_EARLY,
		[PAGE_WRONG] = WORD_QUESTION_WRONG,
		[PAGE_JUDGING] = WORD_JUDGING };
	struct room head, text;
	const char *unused;

	if (!pages_prepare(p, v->words, &unused))
		return false;
	room_init(&head);
	if (why != PAGE_WRONG)
		put_head(&head.text, v, left_s, on_to);
	text_put(room_init(&text), SLICE("<p role=\"status\">"));
	page_put_counted(&text.text, p, v->words, said[why], left_s);
	text_put(&text.text, SLICE("</p>\n"));
	if (why != PAGE_WRONG || offers(v, METHOD_WAIT | METHOD_RESOURCE))
		put_on_link(&text.text, p, v, on_to);
	if (why != PAGE_JUDGING && offers(v, METHOD_QUESTION))
		put_question(&text.text, p, v);
	return write_note(p, out, v, WORD_MOMENT, &head.text, &text.text);
}

bool
page_write_refusal(
    struct pages *p, struct text *out, const struct page_visit *v, enum gate_outcome why)
{
	static const enum word said[GATE_OUTCOMES][2] = {
		[GATE_MALFORMED] = { WORD_MALFORMED_WHAT, WORD_MALFORMED_DO },
		[GATE_FORGED] = { WORD_FORGED_WHAT, WORD_FORGED_DO },
		[GATE_EXPIRED] = { WORD_EXPIRED_WHAT, WORD_EXPIRED_DO },
		[GATE_HOST] = { WORD_HOST_WHAT, WORD_HOST_DO },
		[GATE_CLIENT] = { WORD_CLIENT_WHAT, WORD_CLIENT_DO },
		[GATE_METHOD] = { WORD_WRONG_WHAT, WORD_WRONG_DO },
		[GATE_WRONG] = { WORD_WRONG_WHAT, WORD_WRONG_DO },
		[GATE_SPENT] = { WORD_SPENT_WHAT, WORD_SPENT_DO },
	};
	struct room head, text;
	const char *unused;

	assert((unsigned)why < GATE_OUTCOMES && said[why][1] != 0);
	if (!pages_prepare(p, v->words, &unused))
		return false;
	room_init(&head);
	room_init(&text);
	for (unsigned i = 0; i < 2; i++) {
		text_put(&text.text, SLICE("<p>"));
		page_put_word(&text.text, p, v->words, said[why][i], PAGE_EMPTY);
		text_put(&text.text, SLICE("</p>\n"));
	}
	text_put(&text.text, SLICE("<p><a class=\"go\" href=\""));
	text_html(&text.text, v->back);
	text_put(&text.text, SLICE("\">"));
	page_put_word(&text.text, p, v->words, WORD_START_AGAIN, PAGE_EMPTY);
	text_put(&text.text, SLICE("</a></p>\n"));
	return write_note(p, out, v, WORD_REFUSED, &head.text, &text.text);
}

bool
page_write_help(struct pages *p, struct text *out, const struct page_visit *v)
{
	static const enum word said[] = { WORD_HELP_WHAT, WORD_HELP_SLOW, WORD_HELP_STUCK,
		WORD_HELP_TOOLS };
	struct room head, text;
	const char *why;

	if (!pages_prepare(p, v->words, &why))
		return false;
	room_init(&head);
	room_init(&text);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		text_put(&text.text, SLICE("<p>"));
		page_put_word(&text.text, p, v->words, said[i], PAGE_EMPTY);
		text_put(&text.text, SLICE("</p>\n"));
	}
	return write_note(p, out, v, WORD_HELP_TITLE, &head.text, &text.text);
}

bool
page_write_plain(struct text *out, struct slice reference)
{
	text_put(out, SLICE("This site checks browsers before it answers. Open a page of it in a "
			    "browser first. Reference: "));
	text_put(out, reference);
	text_byte(out, '\n');
	return !out->cut;
}
