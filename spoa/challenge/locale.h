#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * The words of the pages in every language that is spoken here: spoa/challenge/locales/TAG.txt, to
 * which a new language is added as a file. They stay where they are in the binary; a language costs
 * memory once somebody has asked for it. Safe from any thread.
 */
#define LOCALE_WORDS(X)                                                                            \
	X(LANGUAGE, "language")                                                                    \
	X(TITLE, "title")                                                                          \
	X(MOMENT, "moment")                                                                        \
	X(WHY, "why")                                                                              \
	X(WHY_OTHER, "why_other")                                                                  \
	X(CALCULATION, "calculation")                                                              \
	X(PERCENT, "percent")                                                                      \
	X(FEW, "few")                                                                              \
	X(SECONDS, "seconds")                                                                      \
	X(MINUTES, "minutes")                                                                      \
	X(DONE, "done")                                                                            \
	X(AGAIN, "again")                                                                          \
	X(COOKIE, "cookie")                                                                        \
	X(REFERENCE, "reference")                                                                  \
	X(HELP, "help")                                                                            \
	X(FAILED, "failed")                                                                        \
	X(NO_COOKIES, "no_cookies")                                                                \
	X(LOOP, "loop")                                                                            \
	X(LOST, "lost")                                                                            \
	X(RESEND, "resend")                                                                        \
	X(RESEND_NOTE, "resend_note")                                                              \
	X(NO_SCRIPT, "no_script")                                                                  \
	X(WAIT, "wait")                                                                            \
	X(WAIT_ON, "wait_on")                                                                      \
	X(EARLY, "early")                                                                          \
	X(QUESTION, "question")                                                                    \
	X(ANSWER, "answer")                                                                        \
	X(SEND, "send")                                                                            \
	X(QUESTION_WRONG, "question_wrong")                                                        \
	X(JUDGING, "judging")                                                                      \
	X(NO_WAY, "no_way")                                                                        \
	X(REFUSED, "refused")                                                                      \
	X(START_AGAIN, "start_again")                                                              \
	X(ASK_WITH, "ask_with")                                                                    \
	X(CONTACT, "contact")                                                                      \
	X(MALFORMED_WHAT, "malformed_what")                                                        \
	X(MALFORMED_DO, "malformed_do")                                                            \
	X(FORGED_WHAT, "forged_what")                                                              \
	X(FORGED_DO, "forged_do")                                                                  \
	X(EXPIRED_WHAT, "expired_what")                                                            \
	X(EXPIRED_DO, "expired_do")                                                                \
	X(HOST_WHAT, "host_what")                                                                  \
	X(HOST_DO, "host_do")                                                                      \
	X(CLIENT_WHAT, "client_what")                                                              \
	X(CLIENT_DO, "client_do")                                                                  \
	X(WRONG_WHAT, "wrong_what")                                                                \
	X(WRONG_DO, "wrong_do")                                                                    \
	X(SPENT_WHAT, "spent_what")                                                                \
	X(SPENT_DO, "spent_do")                                                                    \
	X(HELP_TITLE, "help_title")                                                                \
	X(HELP_WHAT, "help_what")                                                                  \
	X(HELP_SLOW, "help_slow")                                                                  \
	X(HELP_STUCK, "help_stuck")                                                                \
	X(HELP_TOOLS, "help_tools")

enum word {
#define LOCALE_WORD(upper, key) WORD_##upper,
	LOCALE_WORDS(LOCALE_WORD)
#undef LOCALE_WORD
	    WORDS
};

struct locale {
	const char *tag; /* BCP 47, for the lang attribute */
	bool rtl;        /* written from right to left */
	unsigned number; /* locale_at(number) is this one */
	struct slice word[WORDS];
};

/* What a word may be at most. */
#define LOCALE_WORD_BYTES_MAX 2048u

/* The key of a word in the files. */
const char *locale_key(enum word w);

/* Every language, in the order of their tags: 0 <= i < locale_count(). */
size_t locale_count(void);
const struct locale *locale_at(size_t i);

/* The language of exactly this tag, in any case; NULL if there is none. */
const struct locale *locale_find(struct slice tag);

/*
 * The language that suits an Accept-Language header best (RFC 9110, 12.5.4; lookup of RFC 4647,
 * 3.4, with old and regional tags mapped to ours), English if none does. What is no language range
 * is passed over, as is what follows the first 16 ranges or 256 bytes.
 */
const struct locale *locale_choose(struct slice accept_language);

/*
 * Read lines `key = text` into l (# and empty lines are skipped): direction and words, each once.
 * What the text does not name stays as it was; the words point into the text. False with a reason
 * and the number of the line.
 */
bool locale_parse(struct slice text, struct locale *l, unsigned *line, const char **why);
