#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"

static enum log_level wanted = LOG_LEVEL_INFO;
static const char *const names[] = { "error", "warn", "info", "debug" };

void
log_set_level(enum log_level level)
{
	wanted = level;
}

void
log_begin(struct log_entry *e, enum log_level level, const char *event)
{
	e->silent = level > wanted;
	/* One byte is kept for the newline. */
	e->text = (struct text){ .buf = e->buf, .cap = sizeof(e->buf) - 1 };
	if (!e->silent)
		text_printf(&e->text, "ammit %s %s", names[level], event);
}

void
log_text(struct log_entry *e, const char *key, struct slice value)
{
	struct text part;

	if (e->silent || e->text.cut)
		return;
	text_printf(&e->text, " %s=", key);
	if (e->text.cut)
		return;
	/* At most half of what is left: a long value does not push out the fields behind it. */
	part = (struct text){ .buf = e->buf + e->text.len,
		.cap = (e->text.cap - e->text.len + 1) / 2 };
	text_quote_log(&part, value);
	e->text.len += part.len;
}

void
log_number(struct log_entry *e, const char *key, long long value)
{
	if (!e->silent && !e->text.cut)
		text_printf(&e->text, " %s=%lld", key, value);
}

void
log_end(struct log_entry *e)
{
	if (e->silent)
		return;
	e->buf[e->text.len] = '\n';
	/* A log that cannot be written must not stop the daemon. */
	if (write(STDERR_FILENO, e->buf, e->text.len + 1) < 0)
		return;
}

void
log_line(enum log_level level, const char *event, const char *format, ...)
{
	struct log_entry e;
	va_list args;

	log_begin(&e, level, event);
	if (e.silent)
		return;
	text_byte(&e.text, ' ');
	va_start(args, format);
	text_vprintf(&e.text, format, args);
	va_end(args);
	log_end(&e);
}

void
log_begin_limited(struct log_entry *e, enum log_level level, const char *event,
    struct log_limit *limit, uint32_t burst)
{
	int64_t minute = clock_mono_ms() / 60000 + 1;
	uint32_t held = 0;

	if (atomic_load_explicit(&limit->minute, memory_order_relaxed) != minute) {
		/* Two threads may both open a minute: one line too many at worst. */
		atomic_store_explicit(&limit->minute, minute, memory_order_relaxed);
		atomic_store_explicit(&limit->used, 0, memory_order_relaxed);
		held = atomic_exchange_explicit(&limit->held, 0, memory_order_relaxed);
	}
	if (atomic_fetch_add_explicit(&limit->used, 1, memory_order_relaxed) >= burst) {
		atomic_fetch_add_explicit(&limit->held, 1, memory_order_relaxed);
		e->silent = true;
		return;
	}
	log_begin(e, level, event);
	if (held > 0)
		log_number(e, "held_back", held);
}
