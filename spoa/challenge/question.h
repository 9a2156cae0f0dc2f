#pragma once

#include <stdbool.h>

#include "base/slice.h"

/*
 * "Name something orange": is this an answer? One thing, by a name that any of our languages has
 * for it (`orange` in spoa/challenge/locales/), at most QUESTION_CHARACTERS_MAX characters of
 * UTF-8. Case, accents, punctuation, an article in front and the usual endings of a plural do not
 * count; ae, oe and ue do for letters with two dots. Nothing is allocated; safe from any thread.
 */
#define QUESTION_CHARACTERS_MAX 64u

bool question_accepts(struct slice answer);

/* Is it one at all, right or wrong: UTF-8, not too long, and more than blanks and punctuation? */
bool question_answered(struct slice answer);
