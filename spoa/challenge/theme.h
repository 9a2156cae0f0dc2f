#pragma once

#include "base/problem.h"
#include "challenge/page.h"
#include "policy/policy.h"

/* The pages of all sites of a policy, as it wants them to look. One thread uses them. */
struct themes;

/*
 * Borrows of the policy, which must outlive it. NULL with problems if a text or a template cannot
 * be used. Colours that are hard to read are warned about: WCAG 2.2, 1.4.3 and 1.4.11.
 */
struct themes *themes_new(const struct policy *policy, struct problems *p);

/* These pages for every site; takes them over. */
struct themes *themes_of_pages(struct pages *pages);

void themes_free(struct themes *t); /* NULL is legal */

/* Those of the site that a Host header names. */
struct pages *themes_pages(const struct themes *t, struct slice host);
