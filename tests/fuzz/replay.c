/*
 * Stands in for libFuzzer: runs every file named on the command line once. Each has a block of its
 * exact size, so that a sanitizer sees the first byte read behind it. Silent unless something
 * fails.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		return 1;
	}
	if (!S_ISREG(st.st_mode)) {
		fprintf(stderr, "%s: not a file\n", path);
		return 1;
	}
	n = (size_t)st.st_size;
	data = malloc(n > 0 ? n : 1);
	if (data == NULL || fread(data, 1, n, f) != n) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 1;
	}
	for (int i = 1; i < argc; i++)
		if (run(argv[i]) != 0)
			return 1;
	return 0;
}
