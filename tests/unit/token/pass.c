#include "token/pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "unit/fixtures.h"

#define OLD "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW "1111111111111111111111111111111111111111111111111111111111111111"
#define NOW 1700000000
#define HOST SLICE("git.example.org")
#define JTI "101112131415161718191a1b1c1d1e1f"
#define CLAIMS(iat, exp, lvl, bind, net, jti, host)                                                \
	"{\"iat\":" iat ",\"exp\":" exp ",\"lvl\":" lvl ",\"by\":1,\"bind\":\"" bind               \
	"\",\"net\":\"" net "\",\"jti\":\"" jti "\",\"host\":\"" host "\"}"
#define GOOD CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0", JTI, "git.example.org")

/* From an independent implementation of JWT. */
#define GOLDEN                                                                                     \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Ijk1OWVmNzU0In0.eyJpYXQiOjE3MDAwMDAw"         \
	"MDAsImV4cCI6MTcwMDYwMDAwMCwibHZsIjozLCJieSI6MSwiYmluZCI6Im5ldCIsIm5ldCI6IjE5Mi4w"         \
	"LjIuMCIsImp0aSI6IjEwMTExMjEzMTQxNTE2MTcxODE5MWExYjFjMWQxZTFmIiwiaG9zdCI6ImdpdC5l"         \
	"eGFtcGxlLm9yZyJ9.KDTen9PkDGChj57uA8303nq52v7H6H7TRj6jun8Uo_A"

static struct pass
sample(void)
{
	struct pass p = { .issued_s = NOW,
		.expires_s = NOW + 600000,
		.level = 3,
		.by = METHOD_POW,
		.binding = BINDING_NET,
		.client = address("192.0.2.0"),
		.host = HOST };

	for (uint8_t i = 0; i < TICKET_ID_BYTES; i++)
		p.id[i] = (uint8_t)(0x10 + i);
	return p;
}

static enum pass_state
check_text(const struct keyring *k, const char *text, size_t n)
{
	struct address client = address("192.0.2.77");
	struct pass p;

	return pass_check(k, (struct slice){ text, n }, NOW, HOST, &client, &p);
}

/* header "." claims "." a genuine MAC over both. */
static size_t
sign(const struct hmac_key *key, struct slice header, struct slice claims, char *out)
{
	uint8_t mac[SHA256_BYTES];
	size_t n = header.len;

	memcpy(out, header.ptr, n);
	n += base64url_encode(claims.ptr, claims.len, out + n);
	hmac_once(key, out, n, mac);
	out[n++] = '.';
	return n + base64url_encode(mac, sizeof(mac), out + n);
}

static struct slice
header_of(const struct keyring *k)
{
	return (struct slice){ k->key[0].jwt_header, k->key[0].jwt_header_len };
}

static void
test_golden(void **state)
{
	struct keyring k = ring(OLD);
	struct address client = address("192.0.2.77");
	struct pass p = sample(), back;
	char text[PASS_TEXT_MAX];
	size_t n = pass_seal(&k, &p, text);

	(void)state;
	assert_int_equal(n, sizeof(GOLDEN) - 1);
	assert_memory_equal(text, GOLDEN, n);
	assert_int_equal(pass_check(&k, SLICE(GOLDEN), NOW, HOST, &client, &back), PASS_GOOD);
	assert_int_equal(back.issued_s, p.issued_s);
	assert_int_equal(back.expires_s, p.expires_s);
	assert_int_equal(back.level, p.level);
	assert_int_equal(back.binding, p.binding);
	assert_true(address_equal(&back.client, &p.client));
	assert_memory_equal(back.id, p.id, TICKET_ID_BYTES);
	assert_true(slice_equal(back.host, HOST));
}

static void
test_every_truncation_and_flip(void **state)
{
	struct keyring k = ring(OLD);
	char text[sizeof(GOLDEN) + PASS_TEXT_MAX];
	size_t n = sizeof(GOLDEN) - 1;

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, GOLDEN, n);
	assert_int_equal(check_text(&k, text, 0), PASS_NONE);
	for (size_t len = 1; len < sizeof(text); len++)
		if (len != n)
			assert_in_range(check_text(&k, text, len), PASS_MALFORMED, PASS_FORGED);
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < 256; c++) {
			char good = text[i];
			enum pass_state got;

			if ((char)c == good)
				continue;
			text[i] = (char)c;
			got = check_text(&k, text, n);
			text[i] = good;
			if (got != PASS_MALFORMED && got != PASS_FORGED)
				fail_msg(
				    "byte %zu as %02x: %s", i, (unsigned)c, pass_state_names[got]);
		}
}

static void
test_keys(void **state)
{
	struct keyring old = ring(OLD), both = ring(NEW "\n" OLD), new = ring(NEW);
	struct pass p = sample();
	char text[PASS_TEXT_MAX];
	size_t n = pass_seal(&both, &p, text);

	(void)state;
	assert_int_equal(check_text(&both, GOLDEN, sizeof(GOLDEN) - 1), PASS_GOOD);
	assert_int_equal(check_text(&new, GOLDEN, sizeof(GOLDEN) - 1), PASS_FORGED);
	assert_int_equal(check_text(&new, text, n), PASS_GOOD);
	assert_int_equal(check_text(&old, text, n), PASS_FORGED);
	/* The header of one key before the MAC of the other. */
	n = sign(&old.key[0].pass, header_of(&new), SLICE(GOOD), text);
	assert_int_equal(check_text(&both, text, n), PASS_FORGED);
}

static void
test_headers(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"959ef754\"}",
		"{\"alg\":\"none\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"959ef754\"}",
		"{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"959ef754\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"00000000\"}",
		"{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"959ef754\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"959ef754\"} ",
		"",
	};
	struct keyring k = ring(OLD);
	char text[PASS_TEXT_MAX];
	size_t n;

	(void)state;
	n = sign(&k.key[0].pass, header_of(&k), SLICE(GOOD), text);
	assert_int_equal(check_text(&k, text, n), PASS_GOOD);
	/* Each of them with a MAC that our key made: the header is no choice of the token's. */
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char header[200];
		size_t len = base64url_encode(headers[i], strlen(headers[i]), header);

		header[len++] = '.';
		n = sign(&k.key[0].pass, (struct slice){ header, len }, SLICE(GOOD), text);
		assert_int_equal(check_text(&k, text, n), PASS_FORGED);
		/* And with none. */
		assert_int_equal(check_text(&k, text, n - 43), PASS_MALFORMED);
		assert_int_equal(check_text(&k, text, n - 44), PASS_MALFORMED);
	}
}

/* All of them under a genuine MAC: what we did not write so is not a pass. */
static const struct {
	const char *claims;
	enum pass_state want;
} shapes[] = {
	{ GOOD, PASS_GOOD },
	{ CLAIMS("0", "1700600000", "3", "net", "192.0.2.0", JTI, "git.example.org"), PASS_GOOD },
	{ CLAIMS("1700000000", "9223372036854775807", "65535", "net", "192.0.2.0", JTI,
	      "git.example.org"),
	    PASS_GOOD },
	{ CLAIMS(
	      "1700000000", "9223372036854775808", "3", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "65536", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("-1", "1700600000", "3", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "01700600000", "3", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "17e8", "3", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "", "3", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", " 1700600000", "3", "net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "Net", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "", "192.0.2.0", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0/24", JTI, "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0", "1011", "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0",
	      "101112131415161718191A1b1c1d1e1f", "git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0", JTI, "Git.example.org"),
	    PASS_MALFORMED },
	{ CLAIMS(
	      "1700000000", "1700600000", "3", "net", "192.0.2.0", JTI, "git.example.org\\u0000"),
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0", JTI, "git.example.org") " ",
	    PASS_MALFORMED },
	{ CLAIMS("1700000000", "1700600000", "3", "net", "192.0.2.0", JTI,
	      "git.example.org\",\"x\":\""),
	    PASS_MALFORMED },
	{ "{\"exp\":1700600000,\"iat\":1700000000,\"lvl\":3,\"by\":1,\"bind\":\"net\",\"net\":"
	  "\"192.0.2.0\","
	  "\"jti\":\"" JTI "\",\"host\":\"git.example.org\"}",
	    PASS_MALFORMED },
	{ "{\"iat\":1700000000,\"lvl\":3,\"by\":1,\"bind\":\"net\",\"net\":\"192.0.2.0\",\"jti\":"
	  "\"" JTI "\",\"host\":\"git.example.org\"}",
	    PASS_MALFORMED },
	{ "{\"iat\":1700000000,\"exp\":1700600000,\"lvl\":3,\"by\":1,\"bind\":\"net\"",
	    PASS_MALFORMED },
	{ "{\"iat\":1700000000,\"exp\":1700600000,\"lvl\":3,\"by\":256,\"bind\":\"net\",\"net\":"
	  "\"192.0.2.0\",\"jti\":\"" JTI "\",\"host\":\"git.example.org\"}",
	    PASS_MALFORMED },
	{ "{\"iat\":1700000000,\"exp\":1700600000,\"lvl\":3,\"bind\":\"net\",\"net\":\"192.0.2.0\","
	  "\"jti\":\"" JTI "\",\"host\":\"git.example.org\"}",
	    PASS_MALFORMED },
	{ "{}", PASS_MALFORMED },
	{ "null", PASS_MALFORMED },
};

static void
test_shapes(void **state)
{
	struct keyring k = ring(OLD);
	char text[PASS_TEXT_MAX];
	uint8_t mac[SHA256_BYTES];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		enum pass_state got;

		n = sign(&k.key[0].pass, header_of(&k), slice_of(shapes[i].claims), text);
		got = check_text(&k, text, n);
		if (got != shapes[i].want)
			fail_msg("%s: %s", shapes[i].claims, pass_state_names[got]);
	}
	/* Claims that are no base64url, under a genuine MAC. */
	memcpy(text, k.key[0].jwt_header, k.key[0].jwt_header_len);
	n = k.key[0].jwt_header_len;
	memcpy(text + n, "!!!!", 4);
	n += 4;
	hmac_once(&k.key[0].pass, text, n, mac);
	text[n++] = '.';
	n += base64url_encode(mac, sizeof(mac), text + n);
	assert_int_equal(check_text(&k, text, n), PASS_MALFORMED);
}

static void
test_ticket_and_pass_are_not_each_other(void **state)
{
	struct keyring k = ring(OLD), swapped = k;
	struct ticket t = { .issued_s = NOW,
		.challenge = { METHOD_POW, 4096, 16, 3, 5, false },
		.status = 403,
		.pass_s = 600000,
		.binding = BINDING_NET,
		.client = address("192.0.2.0"),
		.host = HOST };
	char text[PASS_TEXT_MAX], ticket[TICKET_TEXT_MAX], store[TICKET_HOST_MAX];
	size_t n, len;

	(void)state;
	/* Claims MACed with the ticket key. */
	n = sign(&k.key[0].ticket, header_of(&k), SLICE(GOOD), text);
	assert_int_equal(check_text(&k, text, n), PASS_FORGED);
	/* A ticket under the pass key. */
	swapped.key[0].ticket = k.key[0].pass;
	len = ticket_seal(&swapped, &t, ticket);
	assert_int_equal(
	    ticket_open(&k, (struct slice){ ticket, len }, NOW, &t, store), TICKET_FORGED);
	/* A whole ticket as a pass, bare and in the place of the claims; a pass as a ticket. */
	assert_int_equal(check_text(&k, ticket, len), PASS_MALFORMED);
	n = sign(&k.key[0].ticket, header_of(&k), (struct slice){ ticket, len }, text);
	assert_int_equal(check_text(&k, text, n), PASS_FORGED);
	assert_int_equal(ticket_open(&k, SLICE(GOLDEN), NOW, &t, store), TICKET_MALFORMED);
}

static const struct {
	int64_t now_s;
	enum pass_state want;
} times[] = {
	{ NOW, PASS_GOOD },
	{ NOW - 60, PASS_GOOD },
	{ NOW - 61, PASS_EXPIRED },
	{ NOW + 599999, PASS_GOOD },
	{ NOW + 600000, PASS_EXPIRED },
	{ INT64_MAX, PASS_EXPIRED },
	{ INT64_MIN, PASS_EXPIRED },
};

static const struct {
	enum binding binding;
	const char *holder, *other;
	enum pass_state want;
} bindings[] = {
	{ BINDING_NONE, "192.0.2.77", "203.0.113.9", PASS_GOOD },
	{ BINDING_NET, "192.0.2.77", "192.0.2.200", PASS_GOOD },
	{ BINDING_NET, "192.0.2.77", "192.0.3.77", PASS_ELSEWHERE },
	{ BINDING_NET, "192.0.2.77", "2001:db8::1", PASS_ELSEWHERE },
	{ BINDING_NET, "2001:db8:1:2::3", "2001:db8:1:ffff::", PASS_GOOD },
	{ BINDING_NET, "2001:db8:1:2::3", "2001:db8:2::", PASS_ELSEWHERE },
	{ BINDING_EXACT, "192.0.2.77", "192.0.2.77", PASS_GOOD },
	{ BINDING_EXACT, "192.0.2.77", "::ffff:192.0.2.77", PASS_GOOD },
	{ BINDING_EXACT, "192.0.2.77", "192.0.2.78", PASS_ELSEWHERE },
	{ BINDING_CIRCUIT, "fc00:dead:beef:4dad::1:2", "fc00:dead:beef:4dad::1:2", PASS_GOOD },
	{ BINDING_CIRCUIT, "fc00:dead:beef:4dad::1:2", "fc00:dead:beef:4dad::1:3", PASS_ELSEWHERE },
	{ BINDING_NET, "fc00:dead:beef:4dad::1:2", "fc00:dead:beef:4dad::1:3", PASS_GOOD },
	{ BINDING_CIRCUIT, "192.0.2.77", "192.0.2.78", PASS_GOOD },
	{ BINDING_CIRCUIT, "192.0.2.77", "192.0.3.77", PASS_ELSEWHERE },
};

static void
test_time_host_and_client(void **state)
{
	struct keyring k = ring(OLD);
	struct address client = address("192.0.2.77");
	struct pass p = sample(), back;
	char text[PASS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_int_equal(
		    pass_check(&k, SLICE(GOLDEN), times[i].now_s, HOST, &client, &back),
		    times[i].want);
	assert_int_equal(pass_check(&k, SLICE(GOLDEN), NOW, SLICE("example.org"), &client, &back),
	    PASS_OTHER_HOST);
	assert_int_equal(
	    pass_check(&k, SLICE(GOLDEN), NOW, (struct slice){ NULL, 0 }, &client, &back),
	    PASS_OTHER_HOST);
	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++) {
		struct slice s = { text, 0 };
		enum pass_state got;

		client = address(bindings[i].holder);
		p.binding = bindings[i].binding;
		p.client = binding_apply(p.binding, &client);
		s.len = pass_seal(&k, &p, text);
		assert_int_equal(pass_check(&k, s, NOW, HOST, &client, &back), PASS_GOOD);
		client = address(bindings[i].other);
		got = pass_check(&k, s, NOW, HOST, &client, &back);
		if (got != bindings[i].want)
			fail_msg("%s, %s: %s", bindings[i].holder, bindings[i].other,
			    pass_state_names[got]);
		assert_int_equal(back.level, 3);
	}
}

static void
test_hosts_that_cannot_stand(void **state)
{
	static const char bad[] = "A\"\\/ ,\x7f\x80{}%@";
	struct keyring k = ring(OLD);
	struct pass p = sample();
	char text[PASS_TEXT_MAX], host[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad); i++) {
		char h[3] = { 'a', bad[i], 'b' };

		p.host = (struct slice){ h, sizeof(h) };
		assert_int_equal(pass_seal(&k, &p, text), 0);
	}
	memset(host, 'a', sizeof(host));
	p.host = (struct slice){ host, TICKET_HOST_MAX };
	p.issued_s = p.expires_s = INT64_MAX;
	p.level = UINT16_MAX;
	p.binding = BINDING_CIRCUIT;
	p.client = address("fc00:dead:beef:4dad:1111:2222:3333:4444");
	assert_in_range(pass_seal(&k, &p, text), 600, PASS_TEXT_MAX);
	p.host.len++;
	assert_int_equal(pass_seal(&k, &p, text), 0);
	p.host = SLICE("[2001:db8::1]");
	assert_int_not_equal(pass_seal(&k, &p, text), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_every_truncation_and_flip),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_ticket_and_pass_are_not_each_other),
		cmocka_unit_test(test_time_host_and_client),
		cmocka_unit_test(test_hosts_that_cannot_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
