#include "daemon/dns_table.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

/* The last line has room behind as many lines as there may be. */
#define LAST_LINE 256u

struct table_call {
	struct worker_call call; /* first */
	char part[DNS_NAME_MAX + 1];
	struct slice wanted;
	struct text text; /* its buffer goes with this */
	bool flush;
	struct dns_cache_size size;
};

struct totals {
	size_t entries, bytes, bytes_max;
	bool cut;
};

static bool
put_line(void *arg, const struct dns_cached *e)
{
	struct table_call *c = arg;
	size_t before = c->text.len, at = 0;
	struct slice record;

	if (c->wanted.len > 0 &&
	    memmem(e->name.ptr, e->name.len, c->wanted.ptr, c->wanted.len) == NULL)
		return true;
	text_printf(&c->text, "%s ", dns_type_name(e->answer.type));
	text_put(&c->text, e->name);
	text_printf(&c->text, " %s %lld", dns_state_names[e->answer.state],
	    (long long)((e->left_ms + 999) / 1000));
	while (dns_answer_next(&e->answer, &at, &record)) {
		char room[ADDRESS_TEXT_MAX];

		text_byte(&c->text, ' ');
		text_put(&c->text, dns_record_text(e->answer.type, record, room));
	}
	text_byte(&c->text, '\n');
	if (c->text.cut)
		c->text.len = before; /* no half lines */
	return !c->text.cut;
}

static void
on_worker(struct worker_call *call, struct worker *w)
{
	struct table_call *c = (struct table_call *)call;
	struct dns_cache *cache = resolver_cache(w->resolver);

	c->size = dns_cache_size(cache);
	if (c->flush)
		resolver_flush(w->resolver);
	else
		dns_cache_walk(cache, clock_mono_ms(), put_line, c);
}

static void
free_call(struct worker_call *call)
{
	struct table_call *c = (struct table_call *)call;

	free(c->text.buf);
	free(c);
}

static struct table_call *
new_call(bool flush, struct slice part, size_t room)
{
	struct table_call *c = xcalloc(1, sizeof(*c));

	c->call.run = on_worker;
	c->call.free = free_call;
	c->flush = flush;
	c->text = (struct text){ .buf = room > 0 ? xcalloc(1, room) : NULL, .cap = room };
	/* Names in the cache are lower case. */
	for (size_t i = 0; i < part.len && i < DNS_NAME_MAX; i++)
		c->part[c->wanted.len++] = ascii_lower(part.ptr[i]);
	c->wanted.ptr = c->part;
	return c;
}

/* All workers, one after the other; their sizes in *total. How many did not answer. */
static unsigned
call_all(struct worker *workers, unsigned count, bool flush, struct slice part, struct text *out,
    struct totals *total)
{
	unsigned silent = 0;

	*total = (struct totals){ .cut = false };
	for (unsigned i = 0; i < count; i++) {
		size_t used = out->len + LAST_LINE, room = used < out->cap ? out->cap - used : 0;
		struct table_call *c = new_call(flush, part, flush ? 0 : room);

		if (worker_call(&workers[i], &c->call)) {
			text_put(out, text_slice(&c->text));
			total->entries += c->size.entries;
			total->bytes += c->size.bytes;
			total->bytes_max += c->size.bytes_max;
			total->cut = total->cut || c->text.cut;
		} else {
			silent++;
		}
		worker_call_done(&c->call);
	}
	return silent;
}

bool
dns_table_write(struct worker *workers, unsigned count, struct slice part, struct text *out)
{
	struct totals total;
	unsigned silent = call_all(workers, count, false, part, out, &total);

	text_printf(out, "# entries=%zu bytes=%zu of=%zu workers=%u", total.entries, total.bytes,
	    total.bytes_max, count);
	if (total.cut)
		text_put(out, SLICE("; more than fits here: ask for a part of the names"));
	if (silent > 0)
		text_printf(out, "; %u workers did not answer in time", silent);
	text_byte(out, '\n');
	return silent == 0;
}

bool
dns_table_flush(struct worker *workers, unsigned count, struct text *out)
{
	struct totals total;
	unsigned silent = call_all(workers, count, true, (struct slice){ NULL, 0 }, out, &total);

	text_printf(out, "forgotten: %zu answers of %u workers", total.entries, count - silent);
	if (silent > 0)
		text_printf(out, "; %u workers did not answer in time and forget later", silent);
	text_byte(out, '\n');
	return silent == 0;
}
