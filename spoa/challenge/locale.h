#pragma once
#include "base/slice.h"
#include "base/text.h"
#include <stdbool.h>
#define WORDS_LIST(X)                                                                              \
	X(TITLE, "title")                                                                          \
	X(MOMENT, "moment")                                                                        \
	X(WHY, "why")                                                                              \
	X(CALCULATION, "calculation")                                                              \
	X(PERCENT, "percent")                                                                      \
	X(FEW, "few")                                                                              \
	X(SECONDS, "seconds")                                                                      \
	X(MINUTES, "minutes")                                                                      \
	X(DONE, "done")                                                                            \
	X(AGAIN, "again") X(COOKIE, "cookie") X(REFERENCE, "reference") X(HELP, "help") X(         \
	    FAILED, "failed") X(NO_COOKIES, "no_cookies") X(LOOP, "loop") X(LOST,                  \
	    "lost") X(RESEND, "resend") X(RESEND_NOTE, "resend_note") X(NO_SCRIPT, "no_script")    \
	    X(WAIT, "wait") X(WAIT_ON, "wait_on") X(EARLY, "early") X(QUESTION, "question") X(     \
		ANSWER, "answer") X(SEND, "send") X(QUESTION_WRONG, "question_wrong") X(JUDGING,   \
		"judging") X(NO_WAY, "no_way") X(REFUSED, "refused") X(START_AGAIN, "start_again") \
		X(ASK_WITH, "ask_with") X(CONTACT, "contact") X(MALFORMED_WHAT, "malformed_what")  \
		    X(MALFORMED_DO, "malformed_do") X(FORGED_WHAT, "forged_what") X(FORGED_DO,     \
			"forged_do") X(EXPIRED_WHAT, "expired_what") X(EXPIRED_DO, "expired_do")   \
			X(HOST_WHAT, "host_what") X(HOST_DO, "host_do")                            \
			    X(CLIENT_WHAT, "client_what") X(CLIENT_DO, "client_do")                \
				X(WRONG_WHAT, "wrong_what") X(WRONG_DO, "wrong_do")                \
				    X(SPENT_WHAT, "spent_what") X(SPENT_DO, "spent_do")            \
					X(HELP_TITLE, "help_title") X(HELP_WHAT, "help_what")      \
					    X(HELP_SLOW, "help_slow") X(HELP_STUCK, "help_stuck")  \
						X(HELP_TOOLS, "help_tools")
enum word {
#define X(id, key) WORD_##id,
	WORDS_LIST(X)
#undef X
	    WORDS
};
struct locale {
	const char *tag;
	bool rtl;
	struct slice word[WORDS];
	unsigned number;
};
#define LOCALES_MAX 64
const struct locale *locale_choose(struct slice accept_language);
