#include "challenge/site_inner.h"

#include <string.h>

#include "challenge/clip.h"
#include "challenge/question.h"

#define JUDGING_S 2u /* how often somebody asks whether an answer has been judged */

static void
refuse(struct site *s, const struct visit *v, unsigned status, enum gate_outcome why,
    struct http_response *out)
{
	struct text body = site_begin_body(s);

	counter_add(&s->counts.refused, 1);
	site_log_refusal(v->request, gate_outcome_names[why], v->reference);
	if (v->html && page_write_refusal(v->pages, &body, &v->page, why))
		site_answer_page(out, status, v, text_slice(&body));
	else
		site_answer_line(out, status, SLICE("That did not work. Load the page again.\n"));
}

static void
let_pass(struct site *s, const struct gate_answer *a, bool https, struct slice back,
    struct http_response *out)
{
	struct text cookie = { .buf = s->set_cookie, .cap = sizeof(s->set_cookie) - 1 };
	struct text location = { .buf = s->location, .cap = sizeof(s->location) - 1 };

	text_printf(&cookie, "%s=", s->cookie);
	text_put(&cookie, (struct slice){ a->pass, a->pass_len });
	text_printf(&cookie, "; Path=/; Max-Age=%lu; HttpOnly; SameSite=Lax%s",
	    (unsigned long)a->pass_s, https ? "; Secure" : "");
	text_put(&location, back);
	s->set_cookie[cookie.len] = '\0';
	s->location[location.len] = '\0';
	site_answer_line(out, 303, SLICE("Passed.\n"));
	http_response_header(out, "Location", s->location);
	http_response_header(out, "Set-Cookie", s->set_cookie);
}

/* Come again, by itself where the client follows a Refresh. */
static void
answer_again(struct site *s, const struct visit *v, enum page_again why, unsigned left_s,
    struct slice answer, struct http_response *out)
{
	struct text body = site_begin_body(s);
	struct slice on = site_write_refresh(s, v, left_s, answer);

	counter_add(why == PAGE_WRONG ? &s->counts.wrong_words : &s->counts.early, 1);
	if (!v->html) {
		site_answer_line(out, site_page_status(&v->opened),
		    why == PAGE_WRONG ? SLICE("That word is not known as something orange.\n")
				      : SLICE("Not yet. Come again.\n"));
	} else if (page_write_again(v->pages, &body, &v->page, why, left_s, on)) {
		site_answer_page(out, site_page_status(&v->opened), v, text_slice(&body));
	} else {
		site_answer_line(out, 500, SLICE("The page is too large.\n"));
	}
	if (why != PAGE_WRONG)
		http_response_header(out, "Refresh", s->line);
}

/* The answer to the question, judged by the lists, then by whoever is asked. */
static enum site_said
judge(struct site *s, const struct visit *v, struct slice answer)
{
	if (question_accepts(answer))
		return SITE_RIGHT;
	if (s->judge == NULL || !question_answered(answer))
		return SITE_WRONG;
	return s->judge(s->judge_arg, answer, v->page.words->tag);
}

/* How the visitor tries it, by what stands in the form. */
static enum method
method_tried(const struct visit *v)
{
	if (form_get(&v->form, "solution").ptr != NULL)
		return METHOD_POW;
	if (form_get(&v->form, "answer").ptr != NULL)
		return METHOD_QUESTION;
	return form_get(&v->form, "clip").ptr != NULL ? METHOD_VIDEO : METHOD_WAIT;
}

/* What the page says of the clip; silence from a page with a solution is that it did not play. */
static unsigned
clip_said(const struct site *s, const struct visit *v, enum method method)
{
	if (!v->opened.challenge.clip || (method != METHOD_POW && method != METHOD_VIDEO))
		return 0;
	return clip_right(s->secret, &v->opened, form_get(&v->form, "clip")) ? METHOD_VIDEO
									     : METHOD_VIDEO_FAILED;
}

static void
finish(struct site *s, const struct visit *v, enum method method, struct http_response *out)
{
	const struct gate_request request = {
		.visit = v->gate,
		.method = method,
		.solution = form_get(&v->form, "solution"),
		.also = clip_said(s, v, method),
	};
	struct gate_answer a;
	enum gate_outcome outcome = gate_redeem(s->keys, s->spent, s->seen, &request, &a);

	if (outcome == GATE_EARLY) {
		answer_again(s, v, PAGE_EARLY, a.left_s, (struct slice){ NULL, 0 }, out);
		return;
	}
	if (outcome != GATE_PASSED && outcome != GATE_AGAIN) {
		refuse(s, v, outcome == GATE_MALFORMED ? 400 : 403, outcome, out);
		return;
	}
	counter_add(&s->counts.passed, 1);
	counter_add(&s->counts.passed_by[__builtin_ctz((unsigned)a.by)], 1);
	site_log_pass(v->request, gate_outcome_names[outcome], a.by, v->reference);
	let_pass(s, &a, v->visitor.https, v->page.back, out);
}

void
site_redeem(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;
	struct slice answer;
	enum gate_outcome outcome;
	enum method method;

	site_visit_begin(&v, s, r, query);
	if (r->body_too_large || v.form.count == 0) {
		refuse(s, &v, r->body_too_large ? 413 : 400, GATE_MALFORMED, out);
		return;
	}
	outcome = site_visit_open(&v, s);
	if (outcome != GATE_PASSED) {
		refuse(s, &v, outcome == GATE_MALFORMED ? 400 : 403, outcome, out);
		return;
	}
	method = method_tried(&v);
	answer = form_get(&v.form, "answer");
	if (method == METHOD_QUESTION && (v.opened.challenge.methods & METHOD_QUESTION) != 0) {
		switch (judge(s, &v, answer)) {
		case SITE_WRONG:
			answer_again(s, &v, PAGE_WRONG, 0, (struct slice){ NULL, 0 }, out);
			return;
		case SITE_ASKED:
			answer_again(s, &v, PAGE_JUDGING, JUDGING_S, answer, out);
			return;
		case SITE_RIGHT:
			break;
		}
	}
	if (method == METHOD_VIDEO && clip_said(s, &v, method) != METHOD_VIDEO) {
		refuse(s, &v, 403, GATE_WRONG, out);
		return;
	}
	finish(s, &v, method, out);
}
