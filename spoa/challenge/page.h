#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"
#include "challenge/gate.h"
#include "challenge/locale.h"
#include "challenge/location.h"
#include "challenge/template.h"
#include "policy/page.h"
#include "token/ticket.h"

/*
 * The pages. Everything is in the binary: spoa/challenge/web/ holds the sources, locales/ the
 * words. A page is one response, works without any other request, and carries a policy of its own
 * (pages_csp).
 */
#define PAGE_BYTES_MAX ((size_t)320 * 1024)

/* "/.ammit/pass?ticket=…&back=…" with all that may stand in it. */
#define PAGE_ON_MAX (64 + TICKET_TEXT_MAX + 3 * LOCATION_MAX + 3 * 256)

/*
 * What an operator may put in place of ours. All slices are borrowed for as long as the pages are
 * used. Nothing in them is trusted to be HTML but the templates, nor to be CSS but css and colours.
 */
struct page_theme {
	struct slice colour[PAGE_SCHEMES][PAGE_COLOURS]; /* empty: ours */
	struct slice css;                                /* behind ours; without "</style" */
	struct slice logo;                               /* an image, as it is in its file */
	const char *logo_type;                           /* "image/svg+xml" */
	struct slice contact;   /* a mailto: or https: address, or plain words; empty: none */
	struct slice challenge; /* whole templates, as web/page.html and web/note.html */
	struct slice note;
	const struct page_word {
		struct slice language; /* a tag; "*": all */
		enum word word;
		struct slice text;
	} * word;
	unsigned words;
	bool trap; /* the challenge page has a link into the honeypot */
};

/* The pages in one theme; one thread uses them. */
struct pages;

extern const char *const page_colours[PAGE_SCHEMES][PAGE_COLOURS]; /* ours, "#1d2429" */

/* The word that a key names, as texts and {{w:KEY}} do; WORDS: none. */
enum word page_word(struct slice key);

/* Can this stand in place of web/page.html, or (note) web/note.html? */
bool page_template_valid(struct slice template, bool note, struct template_fault *fault);

/*
 * theme NULL: ours. NULL with *why if a template cannot be used, or a page would be larger than
 * PAGE_BYTES_MAX: it needs no freeing, and stands until this thread fails to make the next ones.
 */
struct pages *pages_new(const struct page_theme *theme, const char **why);
void pages_free(struct pages *p); /* NULL is legal */

/* Content-Security-Policy of all of them: hashes of the inline script and style. */
const char *pages_csp(const struct pages *p);

/* What all pages of one visit have in common. */
struct page_visit {
	const struct locale *words;
	bool gzip; /* write the body compressed (RFC 1952) */
	struct slice reference;
	struct slice back;   /* where to go afterwards: location_valid */
	struct slice ticket; /* text; empty on a page that cannot go on from it */
	const struct ticket *opened;
	struct slice trap; /* word characters: what the link into the honeypot ends with */
};

/* The challenge page. False if it did not fit. */
bool page_write_challenge(
    struct pages *p, struct text *out, const struct page_visit *v, bool form_lost);

/* For those who come without JavaScript, and have to come again. */
enum page_again {
	PAGE_EARLY,   /* left_s is not over yet */
	PAGE_WRONG,   /* the word is not known: another one */
	PAGE_JUDGING, /* somebody is asked: on_to is tried again by itself */
};
bool page_write_again(struct pages *p, struct text *out, const struct page_visit *v,
    enum page_again why, unsigned left_s, struct slice on_to);

/* What went wrong with a solution and what to do, with a link that starts anew at `back`. */
bool page_write_refusal(
    struct pages *p, struct text *out, const struct page_visit *v, enum gate_outcome why);

bool page_write_help(struct pages *p, struct text *out, const struct page_visit *v);

/* Nothing is computed, and waiting is a way; and after how long it is worth a try. */
bool page_only_waits(const struct page_visit *v);
unsigned page_first_try_s(const struct page_visit *v);

/* Where a visitor goes on who waits; `answer` may be empty. */
void page_put_on(struct text *out, struct slice ticket, struct slice back, struct slice answer);

/* A line of plain text for what is no navigation. */
bool page_write_plain(struct text *out, struct slice reference);

/* The solver as a worker script: GET /.ammit/solver.js. */
struct slice page_solver(void);
