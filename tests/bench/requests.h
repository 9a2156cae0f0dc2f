#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench/wire.h"

/*
 * The visitors that the bench programs play, as HAProxy would tell of them with
 * haproxy/ammit.spoe.conf: the same arguments, in NOTIFY payloads.
 */
#define REQUESTS_HOST "git.example.org"
#define REQUESTS_CLIENT "192.0.2.10" /* whom a pass must be for, with binding net */
#define REQUESTS_VARIANTS 8u         /* paths and addresses of one visitor */
#define REQUESTS_PAYLOAD_MAX 4096u
#define REQUESTS_PASS_MAX 1024u

enum { REQUESTS_HEADERS = 7 };

/* In the order of the arguments in the configuration. */
static const char *const requests_headers[REQUESTS_HEADERS] = {
	"hdr.accept",
	"hdr.accept-language",
	"hdr.accept-encoding",
	"hdr.sec-fetch-mode",
	"hdr.sec-fetch-dest",
	"hdr.sec-fetch-site",
	"hdr.git-protocol",
};

struct visitor {
	const char *name, *user_agent;
	const char *header[REQUESTS_HEADERS]; /* NULL: not sent */
	bool pass;                            /* brings the pass cookie */
};

#define REQUESTS_CHROME                                                                            \
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "                  \
	"Chrome/126.0.0.0 Safari/537.36"
#define REQUESTS_CHROME_HEADERS                                                                    \
	{                                                                                          \
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"     \
		"image/apng,*/*;q=0.8",                                                            \
		    "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "gzip, deflate, br, zstd", "navigate",  \
		    "document", "same-origin", NULL                                                \
	}

static const struct visitor visitors[] = {
	{ "browser", REQUESTS_CHROME, REQUESTS_CHROME_HEADERS, false },
	{ "pass", REQUESTS_CHROME, REQUESTS_CHROME_HEADERS, true },
	{ "curl", "curl/7.88.1", { "*/*" }, false },
	{ "bot",
	    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
	    "+https://openai.com/gptbot)",
	    { "*/*", NULL, "gzip, br, deflate" }, false },
};
enum { VISITORS = sizeof(visitors) / sizeof(visitors[0]) };

static const char *const requests_paths[REQUESTS_VARIANTS] = {
	"/",
	"/torvalds/linux",
	"/torvalds/linux/src/branch/master/drivers/net/ethernet",
	"/explore/repos",
	"/org/project/commit/5f3e1d0c9b8a7f6e5d4c3b2a19080706f5e4d3c2",
	"/org/project/blame/branch/main/src/daemon/worker.c",
	"/org/project/issues/4711",
	"/org/project/raw/branch/main/README.md",
};

/* NULL is an argument without a value, as HAProxy sends for a header that is not there. */
static inline uint8_t *
requests_put(uint8_t *p, const char *name, const char *value)
{
	if (value != NULL)
		return wire_put_pair(p, name, value);
	p = wire_put_string(p, name);
	*p++ = 0;
	return p;
}

/* The payload of a NOTIFY; returns its length. `pass` is the cookie of those who have one. */
static inline size_t
requests_payload(
    const struct visitor *v, unsigned variant, const char *pass, uint8_t out[REQUESTS_PAYLOAD_MAX])
{
	const uint8_t src[4] = { 192, 0, 2, (uint8_t)(10 + variant) };
	uint8_t *p = wire_put_string(out, "weigh");

	*p++ = 8 + REQUESTS_HEADERS;
	p = wire_put_string(p, "src");
	*p++ = WIRE_IPV4;
	p = wire_put_bytes(p, src, sizeof(src));
	p = requests_put(p, "method", "GET");
	p = requests_put(p, "path", requests_paths[variant % REQUESTS_VARIANTS]);
	p = requests_put(p, "query", variant % 2 ? "page=2&sort=newest" : NULL);
	p = requests_put(p, "ver", "1.1");
	p = requests_put(p, "host", REQUESTS_HOST);
	p = requests_put(p, "ua", v->user_agent);
	p = requests_put(p, "pass", v->pass ? pass : NULL);
	for (unsigned i = 0; i < REQUESTS_HEADERS; i++)
		p = requests_put(p, requests_headers[i], v->header[i]);
	return (size_t)(p - out);
}

/* Does a mix hold this visitor: "all" does, any other is a visitor's name. */
static inline bool
requests_in_mix(const struct visitor *v, const char *mix)
{
	return strcmp(mix, "all") == 0 || strcmp(mix, v->name) == 0;
}
