#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

/*
 * One line a thing, on stderr, in one write: `ammit LEVEL EVENT key=value …`. Lines are built on
 * the stack; any thread may log. Foreign bytes go through log_text, which quotes them.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_entry {
	struct text text;
	bool silent; /* level not wanted, or held back by a limit: the calls below do nothing */
	char buf[2048];
};

/* Lines less important than this are not written. Set once, before threads start. */
void log_set_level(enum log_level level);

/* Whole lines: event, then printf-style "key=value key=value" made by us, no foreign bytes. */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line with foreign bytes in it: begin, then any of the next three, then end. */
void log_begin(struct log_entry *e, enum log_level level, const char *event);
void log_text(struct log_entry *e, const char *key, struct slice value);
void log_number(struct log_entry *e, const char *key, long long value);
void log_end(struct log_entry *e);

/*
 * For lines that a client can cause: at most `burst` of them a minute; the first one of the next
 * minute tells how many were held back. One static limit per call site; any thread may use it.
 */
struct log_limit {
	_Atomic int64_t minute;
	_Atomic uint32_t used, held;
};
void log_begin_limited(struct log_entry *e, enum log_level level, const char *event,
    struct log_limit *limit, uint32_t burst);
