#include <assert.h>
#include <stdio.h>

#include "token/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t fresh[KEY_MASTER_BYTES] = { 1, 2, 3 };
	struct slice text = { (const char *)data, size };
	struct keyring k, again;
	char file[KEY_FILE_MAX];
	const char *why = NULL;
	unsigned line;
	size_t n;

	if (keyring_parse(&k, text, &line, &why)) {
		assert(k.count >= 1 && k.count <= KEYS_MAX && why == NULL);
		for (unsigned i = 0; i < k.count; i++)
			assert(keyring_find(&k, k.key[i].id) == &k.key[i]);
		/* One key that is kept is the first of the old file. */
		n = keyring_write(fresh, text, 1, file);
		assert(n < KEY_FILE_MAX && file[n] == '\0');
		if (keyring_parse(&again, (struct slice){ file, n }, &line, &why))
			assert(again.count == 2 &&
			       memcmp(again.key[1].id, k.key[0].id, sizeof(k.key[0].id)) == 0);
	} else {
		assert(k.count == 0 && why != NULL);
	}
	n = keyring_write(fresh, text, KEYS_MAX, file);
	assert(n < KEY_FILE_MAX);
	return 0;
}
