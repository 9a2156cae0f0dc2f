#pragma once

#include "base/counter.h"
#include "base/slice.h"

/* What /metrics said once, to be looked up. */
struct scrape {
	struct sample {
		struct slice name, labels; /* labels: what stands between the braces */
		double value;
	} * sample;
	size_t count;
};

/* Borrows text. Lines that are none are left out. */
void scrape_read(struct scrape *s, struct slice text);
void scrape_fini(struct scrape *s);

/* The value of the sample with that name and those labels, as written; 0 if there is none. */
double scrape_value(const struct scrape *s, const char *name, struct slice labels);

/* LABEL's value in what stands between the braces, escapes as they are; {NULL, 0}. */
struct slice scrape_label(struct slice labels, const char *label);

/*
 * Seconds within which the share q (0 to 1) of a histogram is, of what was added since `before`
 * (NULL: ever). Between bounds a straight line, as Prometheus does; the last bound if it is above
 * that; -1: nothing was added.
 */
double scrape_quantile(const struct scrape *s, const struct scrape *before, const char *name,
    struct slice labels, double q);
