/*
 * The verdict path alone, in one process: frames of a visitor are split, weighed and answered, in
 * memory. For callgrind too: the difference of two COUNTs has no start in it.
 *
 *   verdict POLICY|- COUNT [MIX]       - is the embedded policy; MIX as in spopload, default each
 *
 * Prints one line a visitor: its name, ns a verdict, bytes of an ACK, and the verdict of the last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "bench/requests.h"
#include "daemon/weigh.h"

static struct {
	uint8_t bytes[REQUESTS_PAYLOAD_MAX + WIRE_HEADER_MAX];
	size_t n;
} frames[REQUESTS_VARIANTS];

static struct generation *
build_generation(const char *policy)
{
	struct generation *g = xcalloc(1, sizeof(*g));
	struct problems problems = { 0 };
	uint8_t fresh[KEY_MASTER_BYTES];
	char text[KEY_FILE_MAX];
	const char *why = NULL;
	unsigned line;
	size_t n;

	g->users = 1;
	g->policy = generation_policy(strcmp(policy, "-") == 0 ? NULL : policy, &problems);
	for (size_t i = 0; i < problems.count; i++)
		fprintf(stderr, "%s\n", problems.list[i].text);
	problems_fini(&problems);
	random_bytes(fresh, sizeof(fresh));
	n = keyring_write(fresh, (struct slice){ NULL, 0 }, 0, text);
	if (g->policy != NULL && keyring_parse(&g->keys, (struct slice){ text, n }, &line, &why))
		return g;
	fprintf(stderr, "%s: no policy or no key\n", policy);
	exit(1);
}

static size_t
seal_pass(const struct keyring *keys, char out[PASS_TEXT_MAX])
{
	struct pass pass = { .level = UINT16_MAX, .binding = BINDING_NET };
	struct address client;

	pass.issued_s = clock_wall_s();
	pass.expires_s = pass.issued_s + 86400;
	address_parse(SLICE(REQUESTS_CLIENT), &client);
	pass.client = binding_apply(pass.binding, &client);
	pass.host = SLICE(REQUESTS_HOST);
	return pass_seal(keys, &pass, out);
}

static void
build_frames(const struct visitor *v, const char *pass)
{
	uint8_t payload[REQUESTS_PAYLOAD_MAX];

	for (unsigned i = 0; i < REQUESTS_VARIANTS; i++) {
		uint8_t *p = wire_begin(frames[i].bytes, WIRE_NOTIFY, i, 1);
		size_t n = requests_payload(v, i, pass, payload);

		p = wire_put_bytes(p, payload, n);
		frames[i].n = (size_t)(wire_end(frames[i].bytes, p) - frames[i].bytes);
	}
}

/* Answer `count` frames; returns the bytes of all ACKs. */
static uint64_t
weigh_all(struct weigher *w, unsigned long count)
{
	static uint8_t answer[WEIGH_ANSWER_MAX];
	int64_t now_s = clock_wall_s();
	uint64_t bytes = 0;

	for (unsigned long i = 0; i < count; i++) {
		unsigned variant = (unsigned)(i % REQUESTS_VARIANTS);
		struct spop_writer out = { answer, answer + sizeof(answer), false };
		struct spop_frame f;
		enum spop_status status;

		if (spop_frame_split(frames[variant].bytes, frames[variant].n, WIRE_FRAME_MAX, &f,
			&status) != SPOP_FRAME ||
		    !weigh_notify(w, &f, WIRE_FRAME_MAX, now_s, &out)) {
			fprintf(stderr, "a frame was refused\n");
			exit(1);
		}
		bytes += (uint64_t)(out.pos - answer);
	}
	return bytes;
}

static void
bench(struct weigher *w, const struct visitor *v, const char *pass, unsigned long count)
{
	struct timespec begin, end;
	uint64_t before[4], bytes;
	double ns;

	for (unsigned i = 0; i < 4; i++)
		before[i] = counter_get(&w->counts.verdict[i]);
	build_frames(v, pass);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	bytes = weigh_all(w, count);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
	printf("visitor=%s count=%lu ns=%.0f ack_bytes=%" PRIu64, v->name, count,
	    ns / (double)count, bytes / count);
	for (unsigned i = 0; i < 4; i++)
		printf(" %s=%" PRIu64, verdict_names[i],
		    counter_get(&w->counts.verdict[i]) - before[i]);
	printf("\n");
}

int
main(int argc, char **argv)
{
	unsigned long count = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;
	const char *mix = argc == 4 ? argv[3] : "all";
	char pass[PASS_TEXT_MAX + 1] = "";
	struct weigher w;

	if (argc < 3 || argc > 4 || count == 0) {
		fprintf(stderr, "usage: verdict POLICY|- COUNT [MIX]\n");
		return 2;
	}
	weigher_init(&w, build_generation(argv[1]));
	pass[seal_pass(&w.generation->keys, pass)] = '\0';
	for (unsigned i = 0; i < VISITORS; i++)
		if (requests_in_mix(&visitors[i], mix))
			bench(&w, &visitors[i], pass, count);
	weigher_fini(&w);
	return 0;
}
