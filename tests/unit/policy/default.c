#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "policy/verdict.h"

/* policies/default.json as visitors meet it. Agents as they are sent. */
#define CHROME(version)                                                                            \
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "        \
	"Chrome/" version " Safari/537.36"
#define GOOGLEBOT "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
#define BINGBOT "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
#define GPTBOT                                                                                     \
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "              \
	"+https://openai.com/gptbot)"

static const struct {
	const char *agent, *path, *src, *want; /* want: rule and weight */
} cases[] = {
	/* Browsers pay a little. */
	{ CHROME("130.0.0.0"), "/", NULL, "threshold/moderate 10" },
	{ CHROME("99.0.4844.51"), "/a/b", NULL, "threshold/moderate 10" },
	{ CHROME("130.0.0.0") " Edg/130.0.0.0", "/", NULL, "threshold/moderate 10" },
	{ CHROME("130.0.0.0") " OPR/115.0.0.0", "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
	  "Chrome/130.0.0.0 Mobile Safari/537.36",
	    "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) "
	  "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
	    "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "/", NULL,
	    "threshold/moderate 10" },
	{ "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0", "/", NULL,
	    "threshold/moderate 10" },
	{ "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0", "/", NULL,
	    "threshold/moderate 10" },
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:45.0) Gecko/20100101 Firefox/45.0", "/", NULL,
	    "threshold/moderate 10" },
	{ "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
	  "Gecko) "
	  "Version/17.5 Safari/605.1.15",
	    "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
	  "like "
	  "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
	    "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
	  "like "
	  "Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
	    "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Goanna/6.7 PaleMoon/33.2.0",
	    "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Trident/7.0; rv:11.0) like Gecko", "/", NULL,
	    "threshold/moderate 10" },
	/* Browsers that nobody has any more, or that say what drives them, pay more. */
	{ "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	  "HeadlessChrome/130.0.0.0 Safari/537.36",
	    "/", NULL, "threshold/high 25" },
	{ "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) "
	  "PhantomJS/2.1.1 Safari/538.1",
	    "/", NULL, "threshold/high 25" },
	{ CHROME("49.0.2623.112"), "/", NULL, "threshold/extreme 30" },
	{ CHROME("8.0.552.224"), "/", NULL, "threshold/extreme 30" },
	{ "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", "/", NULL,
	    "threshold/extreme 30" },
	{ "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", "/", NULL,
	    "threshold/extreme 30" },
	{ "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2)", "/", NULL,
	    "threshold/extreme 30" },
	{ "Mozilla/5.0 (Windows NT 5.1; rv:7.0.1) Gecko/20100101 Firefox/7.0.1", "/", NULL,
	    "threshold/extreme 30" },
	{ "Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.9.2) Gecko/20100115 Firefox/3.6", "/", NULL,
	    "threshold/extreme 30" },
	{ "Mozilla/5.0 (Windows; U; Windows 98) Gecko/20010131", "/", NULL,
	    "threshold/extreme 30" },
	{ "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18", "/", NULL,
	    "threshold/extreme 30" },
	/* What no one needs a browser for. */
	{ "curl/7.88.1", "/", NULL, "threshold/no-suspicion 0" },
	{ "curl/8.9.1", "/alice/repo/raw/branch/main/x.sh", NULL, "threshold/no-suspicion 0" },
	{ "Wget/1.21.3", "/", NULL, "threshold/no-suspicion 0" },
	{ "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", "/", NULL,
	    "threshold/no-suspicion 0" },
	{ "w3m/0.5.3+git20230121", "/", NULL, "threshold/no-suspicion 0" },
	{ "Debian APT-HTTP/1.3 (2.6.1)", "/debian/dists/stable/InRelease", NULL,
	    "threshold/no-suspicion 0" },
	{ "docker/24.0.7 go/go1.20.10 os/linux arch/amd64", "/v2/", NULL,
	    "threshold/no-suspicion 0" },
	{ "Uptime-Kuma/1.23.13", "/", NULL, "threshold/no-suspicion 0" },
	{ "", "/", NULL, "threshold/mild 5" },
	{ "python-requests/2.31.0", "/", NULL, "threshold/moderate 10" },
	{ "Python-urllib/3.11", "/", NULL, "threshold/moderate 10" },
	{ "Python/3.11 aiohttp/3.8.4", "/", NULL, "threshold/moderate 10" },
	{ "python-httpx/0.27.0", "/", NULL, "threshold/moderate 10" },
	{ "Go-http-client/1.1", "/", NULL, "threshold/moderate 10" },
	{ "Scrapy/2.11.0 (+https://scrapy.org)", "/", NULL, "threshold/moderate 10" },
	{ "Apache-HttpClient/4.5.13 (Java/11.0.20)", "/", NULL, "threshold/moderate 10" },
	{ "okhttp/4.12.0", "/", NULL, "threshold/moderate 10" },
	{ "axios/1.6.8", "/", NULL, "threshold/moderate 10" },
	{ "Mozilla/4.5 (compatible; HTTrack 3.0x; Windows 98)", "/", NULL, "threshold/extreme 40" },
	/* Crawlers. */
	{ GPTBOT, "/", NULL, "bot/ai-scrapers 0" },
	{ GPTBOT, "/robots.txt", NULL, "bot/robots-txt 0" },
	{ GPTBOT, "/feed", NULL, "bot/ai-scrapers 0" },
	{ "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
	  "+claudebot@anthropic.com)",
	    "/", NULL, "bot/ai-scrapers 0" },
	{ "CCBot/2.0 (https://commoncrawl.org/faq/)", "/", NULL, "bot/ai-scrapers 0" },
	{ "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile "
	  "Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
	    "/", NULL, "bot/ai-scrapers 0" },
	{ "meta-externalagent/1.1 "
	  "(+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
	    "/", NULL, "bot/ai-scrapers 0" },
	{ "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Amazonbot/0.1; "
	  "+https://developer.amazon.com/support/amazonbot) Chrome/119.0.6045.214 Safari/537.36",
	    "/", NULL, "bot/ai-scrapers 0" },
	{ "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
	  "+https://perplexity.ai/perplexitybot)",
	    "/", NULL, "bot/ai-scrapers 0" },
	{ "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
	    "/", NULL, "bot/ai-scrapers 0" },
	{ "omgili/0.5 +http://omgili.com", "/", NULL, "bot/ai-scrapers 0" },
	{ GOOGLEBOT, "/", "66.249.66.1", "bot/googlebot 0" },
	{ GOOGLEBOT, "/", "2001:4860:4801:10::2f", "bot/googlebot 0" },
	{ GOOGLEBOT, "/", "198.51.100.7", "threshold/moderate 10" },
	{ BINGBOT, "/", "157.55.39.9", "bot/bingbot 0" },
	{ BINGBOT, "/", "66.249.66.1", "threshold/moderate 10" },
	{ "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "/", NULL,
	    "threshold/extreme 30" },
	{ "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", "/", NULL,
	    "threshold/extreme 30" },
	{ "serpstatbot/2.1 (advanced backlink tracking bot)", "/", NULL, "threshold/high 20" },
	/* Paths for everybody. */
	{ CHROME("130.0.0.0"), "/robots.txt", NULL, "bot/robots-txt 0" },
	{ CHROME("130.0.0.0"), "/robots.txt.bak", NULL, "threshold/moderate 10" },
	{ CHROME("130.0.0.0"), "/.well-known/acme-challenge/abc", NULL, "bot/well-known 0" },
	{ CHROME("130.0.0.0"), "/x/.well-known/a", NULL, "threshold/moderate 10" },
	{ CHROME("130.0.0.0"), "/favicon.ico", NULL, "bot/favicon 0" },
	{ CHROME("130.0.0.0"), "/apple-touch-icon-120x120.png", NULL, "bot/favicon 0" },
	{ CHROME("130.0.0.0"), "/sitemap_index.xml", NULL, "bot/sitemap 0" },
	{ CHROME("130.0.0.0"), "/blog/index.xml", NULL, "bot/feeds 0" },
	{ CHROME("130.0.0.0"), "/alice/repo.atom", NULL, "bot/feeds 0" },
	{ CHROME("130.0.0.0"), "/feed/", NULL, "bot/feeds 0" },
	{ CHROME("130.0.0.0"), "/feeds/all.xml", NULL, "bot/feeds 0" },
	{ CHROME("130.0.0.0"), "/feedback", NULL, "threshold/moderate 10" },
	{ CHROME("130.0.0.0"), "/alice/repo/src/atom/x", NULL, "threshold/moderate 10" },
	{ "Mozilla/5.0 (compatible; Miniflux/2.1.3; +https://miniflux.app)", "/posts.json", NULL,
	    "threshold/no-suspicion 0" },
	{ "Mozilla/5.0 (X11; Linux x86_64) FreshRSS/1.24.1 (Linux; https://freshrss.org)", "/",
	    NULL, "threshold/no-suspicion 0" },
	{ "NetNewsWire (RSS Reader; https://netnewswire.com/)", "/", NULL,
	    "threshold/no-suspicion -10" },
	/* Git. */
	{ "git/2.39.5", "/alice/repo.git/info/refs", NULL, "bot/git-smart-http 0" },
	{ "git/2.39.5", "/alice/repo.git/git-upload-pack", NULL, "bot/git-smart-http 0" },
	{ "git/2.39.5", "/alice/repo.git/git-receive-pack", NULL, "bot/git-smart-http 0" },
	{ "git-lfs/3.3.0 (GitHub; linux amd64; go 1.19.8)", "/a/r.git/info/lfs/objects/batch", NULL,
	    "bot/git-smart-http 0" },
	{ "JGit/6.8.0.202311291450-r", "/a/r/info/refs", NULL, "bot/git-smart-http 0" },
	{ "go-git/5.x", "/a/r/info/refs", NULL, "bot/git-smart-http 0" },
	{ "git/2.39.5", "/alice/repo", NULL, "threshold/no-suspicion 0" },
	{ "Mozilla/5.0 git/2.39.5", "/a/r/info/refs", NULL, "threshold/moderate 10" },
	{ "git/2.39.5 GPTBot", "/a/r/info/refs", NULL, "bot/ai-scrapers 0" },
};

static struct policy *policy;
static struct judge *judge;

static int
set_up(void **state)
{
	static char text[64 * 1024];
	struct problems p = { 0 };
	FILE *f = fopen("policies/default.json", "rb");
	size_t n;

	(void)state;
	if (f == NULL)
		return -1;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	policy = policy_load("policies/default.json", (struct slice){ text, n }, &p);
	for (size_t i = 0; i < p.count; i++)
		print_error("%s\n", p.list[i].text);
	judge = judge_new();
	/* Not one warning: people read it to learn from it. */
	return policy == NULL || p.count > 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	judge_free(judge);
	policy_free(policy);
	return 0;
}

static struct verdict
judge_one(const char *agent, const char *path, const char *src, uint16_t level)
{
	struct evidence e = { level, false };
	struct request r = { 0 };
	struct verdict v;

	assert_true(address_parse(slice_of(src == NULL ? "203.0.113.80" : src), &r.src));
	request_set(&r, REQUEST_METHOD, SLICE("GET"));
	request_set(&r, REQUEST_HOST, SLICE("git.example.org"));
	request_set(&r, REQUEST_PATH, slice_of(path));
	request_set(&r, REQUEST_USER_AGENT, slice_of(agent));
	policy_judge(policy, judge, &r, &e, &v, NULL);
	return v;
}

static void
visitors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verdict v = judge_one(cases[i].agent, cases[i].path, cases[i].src, 0);
		char got[100];

		snprintf(got, sizeof(got), "%.*s %d", (int)v.rule.len, v.rule.ptr, (int)v.weight);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s on %s: %s, not %s", cases[i].agent, cases[i].path, got,
			    cases[i].want);
	}
}

static void
prices(void **state)
{
	(void)state;
	assert_int_equal(judge_one("", "/", NULL, 0).challenge->hashes, 256);
	assert_int_equal(judge_one(CHROME("130.0.0.0"), "/", NULL, 0).challenge->hashes, 65536);
	assert_int_equal(judge_one("serpstatbot/2.1", "/", NULL, 0).challenge->hashes, 262144);
	assert_int_equal(judge_one(CHROME("49.0"), "/", NULL, 0).challenge->hashes, 1048576);
	assert_int_equal(judge_one(CHROME("130.0.0.0"), "/", NULL, 16).kind, VERDICT_ALLOW);
	assert_int_equal(judge_one(CHROME("49.0"), "/", NULL, 16).kind, VERDICT_CHALLENGE);
	assert_int_equal(judge_one(CHROME("49.0"), "/", NULL, 20).kind, VERDICT_ALLOW);
	assert_int_equal(judge_one(GPTBOT, "/", NULL, 65535).kind, VERDICT_DENY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(visitors),
		cmocka_unit_test(prices),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
