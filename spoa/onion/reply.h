#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * What tor says on its control port, line by line (control-spec, 2.3): a reply is any number of
 * "250-text" and "250+text" with a data block behind it, then one "250 text". Events have code 650
 * and come between replies, never within one. Strict: CR LF ends a line, no control character
 * stands in it, all lines of a reply have one code; what is not so is malformed, and a connection
 * that says it is of no use any more.
 */
#define TOR_LINE_MAX 16384u
#define TOR_REPLY_MAX ((size_t)64 * 1024 * 1024)

struct tor_reader {
	char line[TOR_LINE_MAX];
	size_t len;   /* of the line that is not complete yet */
	size_t bytes; /* of the reply so far */
	uint16_t code;
	bool within; /* a reply has begun and not ended */
	bool data;   /* in a data block */
};

enum tor_line_kind {
	TOR_LINE_MORE, /* "250-text" or, with a data block to come, "250+text" */
	TOR_LINE_DATA, /* of a data block, its dots undone; the end of the block is not told */
	TOR_LINE_LAST, /* "250 text" */
};

struct tor_line {
	enum tor_line_kind kind;
	uint16_t code;
	struct slice text; /* borrowed until the next call */
};

enum tor_read { TOR_READ_NONE, TOR_READ_LINE, TOR_READ_MALFORMED };

/* Zeroed is ready, too. */
void tor_reader_reset(struct tor_reader *r);

/* Take bytes off the front of *in until a line is whole: TOR_READ_LINE; TOR_READ_NONE: all are
 * taken. TOR_READ_MALFORMED with *why. */
enum tor_read tor_reader_next(
    struct tor_reader *r, struct slice *in, struct tor_line *out, const char **why);

/*
 * The next word of a reply or event, and what is left of it: words have blanks between; in one that
 * is KEY="…" blanks are part of the string, and \ takes away the meaning of what follows. False at
 * the end. A string that does not end is a word, too.
 */
bool tor_word_next(struct slice *rest, struct slice *word);

/* What stands behind "KEY=" (key without the =) in a word; ptr NULL: it is another. */
struct slice tor_word_value(struct slice word, const char *key);

/*
 * A QuotedString ("…", with \n \t \r, \ooo in octal, and \ before any other character) into out,
 * with a NUL. False if it is none, has a NUL in it or does not fit.
 */
bool tor_unquote(struct slice s, char *out, size_t room);

/* The way back: "…" with \ before \ and "; returns its length. out has room for 2 n + 2. */
size_t tor_quote(struct slice s, char *out);
