#include "onion/tor_control.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t choice;

static bool
give_cookie(void *arg, const char *path, uint8_t out[TOR_COOKIE_BYTES], char why[TOR_WHY_MAX])
{
	(void)arg;
	assert(path[0] == '/');
	why[0] = 'x';
	why[1] = '\0';
	for (unsigned i = 0; i < TOR_COOKIE_BYTES; i++)
		out[i] = (uint8_t)i;
	return (choice & 1) != 0;
}

static bool
give_password(void *arg, char out[TOR_PASSWORD_MAX], size_t *len, char why[TOR_WHY_MAX])
{
	(void)arg;
	(void)why;
	memset(out, '"', TOR_PASSWORD_MAX);
	*len = TOR_PASSWORD_MAX;
	return (choice & 2) != 0;
}

/* Commands are whole lines, and CLOSECIRCUIT is said of visitors' circuits alone. */
static void
look_at(const struct tor_control *t)
{
	struct slice out = tor_control_output(t);
	unsigned long long id;
	static const struct slice close = { "CLOSECIRCUIT ", 13 };

	if (out.len == 0)
		return;
	assert(out.len > 2 && memcmp(out.ptr + out.len - 2, "\r\n", 2) == 0);
	if (!slice_starts(out, close))
		return;
	assert(slice_number((struct slice){ out.ptr + 13, out.len - 15 }, UINT32_MAX, &id));
	assert(circuit_table_find(t->table, (uint32_t)id) == CIRCUIT_CLOSING && t->closing == id);
}

/*
 * The first byte says which secrets there are and how what follows is cut; a circuit is to be
 * closed whenever that is possible.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct circuit_table *table;
	static struct tor_control t;
	const struct tor_bounds bounds = { 1000, size > 0 && (data[0] & 8) != 0 };
	const struct tor_secrets secrets = { give_cookie, give_password, NULL,
		size > 0 && (data[0] & 4) != 0 };
	uint8_t nonce[TOR_COOKIE_BYTES];
	size_t step;
	int64_t now = 0;
	uint32_t id;

	if (size == 0)
		return 0;
	if (table == NULL)
		table = circuit_table_new();
	choice = data[0];
	step = (size_t)(data[0] >> 4) * 13 + 1;
	memset(nonce, 0x11, sizeof(nonce));
	tor_control_init(&t, &secrets, &bounds, table);
	tor_control_begin(&t, nonce);
	for (size_t at = 1; at < size; at += step) {
		struct slice part = { (const char *)data + at,
			size - at < step ? size - at : step };

		look_at(&t);
		tor_control_sent(&t, tor_control_output(&t).len);
		if (!tor_control_take(&t, part)) {
			assert(t.why[0] != '\0' && t.state == TOR_CLOSED);
			break;
		}
		assert(t.why[0] == '\0');
		tor_control_outcome(&t, &id);
		if (t.state == TOR_READY && tor_control_output(&t).len == 0)
			tor_control_close(&t, (uint32_t)at % 8, now += 10);
	}
	tor_control_end(&t);
	assert(circuit_table_count(table) == 0 && tor_control_output(&t).len == 0);
	return 0;
}
