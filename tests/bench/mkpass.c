/*
 * Seal a pass with the key of a running Ammit, as if its challenge had been solved.
 *
 *   mkpass KEYFILE HOST CLIENT [LEVEL]      prints the value of the cookie, bound to the network
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "token/pass.h"

int
main(int argc, char **argv)
{
	static struct keyring keys;
	struct pass pass = { .level = UINT16_MAX, .binding = BINDING_NET };
	char host[TICKET_HOST_MAX], out[PASS_TEXT_MAX], *text;
	struct address client;
	const char *why = "";
	unsigned line = 0;
	size_t n;

	if (argc < 4 || argc > 5 || !address_parse(slice_of(argv[3]), &client)) {
		fprintf(stderr, "usage: mkpass KEYFILE HOST CLIENT [LEVEL]\n");
		return 2;
	}
	text = file_read(argv[1], KEY_FILE_MAX, &n, &why);
	if (text == NULL || !keyring_parse(&keys, (struct slice){ text, n }, &line, &why)) {
		fprintf(stderr, "%s:%u: %s\n", argv[1], line, why);
		return 1;
	}
	free(text);
	if (argc == 5)
		pass.level = (uint16_t)strtoul(argv[4], NULL, 10);
	pass.issued_s = clock_wall_s();
	pass.expires_s = pass.issued_s + 86400;
	pass.client = binding_apply(pass.binding, &client);
	pass.host = host_normal(slice_of(argv[2]), host);
	random_bytes(pass.id, sizeof(pass.id));
	n = pass_seal(&keys, &pass, out);
	keyring_wipe(&keys);
	if (n == 0) {
		fprintf(stderr, "no pass can be sealed for \"%s\"\n", argv[2]);
		return 1;
	}
	printf("%.*s\n", (int)n, out);
	return 0;
}
