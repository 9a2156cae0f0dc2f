#pragma once

#include "base/problem.h"
#include "base/slice.h"
#include "policy/policy.h"

/*
 * How the pages look: the key `page` of a policy, or of one of its `hosts` on top of that. What is
 * not named is empty: ours. Files have been read whole and lie in the policy's arena; lines end
 * with LF alone, as browsers count them when they hash a style.
 */
enum page_colour {
	PAGE_TEXT,
	PAGE_BACKGROUND,
	PAGE_MUTED, /* text that is less important; the border of fields */
	PAGE_LINE,
	PAGE_ACCENT, /* progress and buttons */
	PAGE_BUTTON_TEXT,
	PAGE_COLOURS
};

extern const char *const page_colour_names[PAGE_COLOURS]; /* "text", … */

enum page_scheme { PAGE_LIGHT, PAGE_DARK, PAGE_SCHEMES };

/* Bytes that each may have. */
#define PAGE_LOGO_MAX ((size_t)48 * 1024)
#define PAGE_CSS_MAX ((size_t)32 * 1024)
#define PAGE_TEMPLATE_MAX ((size_t)64 * 1024)
#define PAGE_TEXT_MAX 1000u
#define PAGE_CONTACT_MAX 200u

struct page_file {
	struct slice bytes;
	const char *name; /* as it is called in problems */
};

/* A text in place of one of ours. That language and key are known is for who has the words. */
struct page_text {
	struct slice language; /* "de"; "*": all */
	struct slice key, text;
	struct place at;
};

struct page_settings {
	struct page_settings *next;
	const struct page_settings *under; /* what this is on top of; NULL: ours */
	unsigned number;                   /* from 0, in the order of `next` */
	struct place at;                   /* the key `page` */
	struct page_file logo, css, challenge, note;
	const char *logo_type; /* "image/svg+xml", by what is in the file; NULL without a logo */
	struct slice colour[PAGE_SCHEMES]
			   [PAGE_COLOURS]; /* valid in CSS, and nothing but a colour */
	struct slice contact;              /* mailto:…, https://…, or plain words */
	/* Those of its own, then those of `under`: the first that fits counts. */
	const struct page_text *text;
	unsigned texts;
};
