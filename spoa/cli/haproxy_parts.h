#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/text.h"
#include "policy/policy.h"

/*
 * The HAProxy configurations that stand in haproxy/, as they were when the binary was built, and
 * what of them depends on a policy and on HAProxy's version. Pure: text in, text out.
 */

/* NULL: it is not in this build. */
struct slice haproxy_file(const char *name);

struct haproxy_style {
	unsigned major, minor; /* 0: any version, conditions are left as they are */
};

/* "3.2"; false: none that is known. haproxy_versions: those, "2.6 2.8 3.0 3.2". */
bool haproxy_style_parse(const char *text, struct haproxy_style *out);
extern const char haproxy_versions[];

/* What haproxy_write may make of a text of n bytes: a line for each header, numbers, names. */
#define HAPROXY_ROOM(n) (2 * (n) + 64 * 1024)

/*
 * The text for this policy: arguments of the SPOE message that it does not read are left out, those
 * that are missing are added, each cut one byte behind what Ammit takes; its cookie's name;
 * switches for what it needs (AMMIT_ROBOTS, AMMIT_RATES, AMMIT_JA3) turned on; the fingerprint and
 * rate of its ask list. Of `.if version_atleast(V)` … `.else` … `.endif` the half that holds is
 * left, where the style is a version.
 */
void haproxy_write(
    struct slice text, const struct policy *p, struct haproxy_style style, struct text *out);
