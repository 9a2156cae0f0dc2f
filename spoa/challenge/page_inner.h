#pragma once

#include "challenge/page.h"
#include "challenge/splice.h"

/*
 * Inside of page.h: pages.c makes templates and themes, page_words.c has what of them depends on
 * language and theme, page.c writes what stands on a page.
 */
/* Holes, then pieces, of both templates, in the order of hole_names. */
enum hole {
	HOLE_HOST,
	HOLE_HEAD,
	HOLE_WHY,
	HOLE_LOST,
	HOLE_PUZZLES,
	HOLE_WITHOUT,
	HOLE_SEED,
	HOLE_TARGET,
	HOLE_POSTED,
	HOLE_LIFE,
	HOLE_WAIT,
	HOLE_ON,
	HOLE_TICKET,
	HOLE_BACK,
	HOLE_EXTRA,
	HOLE_REFERENCE,
	HOLE_TITLE,
	HOLE_TEXT,
	HOLE_FOOT,
	HOLES,
	PIECE_STYLE = HOLES,
	PIECE_SOLVER,
	PIECE_SCRIPT,
	PIECE_LOGO,
	NAMES
};

struct language {
	struct slice *word; /* NULL: as they are in the locale */
	char *challenge_buf, *note_buf;
	struct splice *challenge, *note;
};

struct pages {
	struct page_theme theme;
	struct page_word *own; /* the theme's */
	struct splice_piece style, logo;
	char *style_buf, *logo_buf;
	char csp[640];
	struct language *language; /* by the number of a locale, made when it is first asked for */
};

#define PAGE_EMPTY ((struct slice){ NULL, 0 })

/* Who has no JavaScript is told of no calculation. In the policy by its hash: the same always. */
#define PAGE_WITHOUT_STYLE "#why{display:none}"

/* Both templates in this language. One that could not be made is tried again, the other is kept. */
bool pages_prepare(struct pages *p, const struct locale *l, const char **why);

/* The words of a language, with the theme's in their places: of several that fit the first. */
struct slice *page_own_words(const struct pages *p, const struct locale *l);

/* A word as HTML; its hole, if it has one, is `html`, or a number. */
void page_put_word(struct text *out, const struct pages *p, const struct locale *l, enum word w,
    struct slice html);
void page_put_counted(
    struct text *out, const struct pages *p, const struct locale *l, enum word w, unsigned n);

/* w:KEY */
bool page_names_word(struct slice name);

/* {{NAME}} of a template that depends on language and theme alone; false: a hole, or unknown. */
bool page_put_fixed(
    struct text *out, const struct pages *p, const struct locale *l, struct slice name);

/* Of the solver, so that it may be cached. */
const char *page_solver_version(void);
