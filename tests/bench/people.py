#!/usr/bin/python3
"""How long people wait: a page that is challenged at the default level, from the start of the navigation
until the site's page is loaded, in Chromium and Firefox, with fresh cookies each time.

    B=build tests/bench/people.py       N=20 times; BROWSERS="chromium firefox"

Beside it the same for a page that is not challenged, so that it can be told what the challenge adds.
The policy is policies/default.yaml; Chromium names itself as it does with a screen. Needs make all.
"""

import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import browsers  # noqa: E402
from conftest import BROWSER, ROOT, make_box, wait_until  # noqa: E402

TIMES = int(os.environ.get("N", 20))
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"
# By the clock on the wall: the origins of two pages' own times need not go together.
LOADED = (
    "let t = performance.getEntriesByType('navigation')[0];"
    "return document.title === 'site' && location.href === arguments[0] && t && t.loadEventEnd > 0"
    " ? Date.now() - performance.now() + t.loadEventEnd : 0"
)


def once(browser, url):
    """Milliseconds."""
    begun = browser.script("location.href = arguments[0]; return Date.now()", url)
    return browser.wait(lambda: browser.script(LOADED, url), "the site") - begun


def measure(browser, edge):
    first, again = [], []
    for i in range(TIMES + 1):
        browser.forget()
        browser.get(edge.url + "/.ammit/health")
        times = once(browser, edge.url + "/page"), once(browser, edge.url + "/again")
        if i > 0:  # the first one also fills the caches of the browser itself
            first.append(times[0])
            again.append(times[1])
    pages = sum("verdict=challenge" in line and " /page " in line for line in edge.lines())
    return first, again, pages


def row(title, times):
    print("  %-22s median %5.0f   min %5.0f   max %5.0f" % (title, statistics.median(times), min(times), max(times)))


def main():
    print("ms, %d times; load of the machine %s" % (TIMES, " ".join("%.1f" % x for x in os.getloadavg())))
    for name in os.environ.get("BROWSERS", "chromium firefox").split():
        kind = {"chromium": browsers.Chromium, "firefox": browsers.Firefox}[name]
        options = {"flags": ("user-agent=" + AGENT,)} if name == "chromium" else {}
        with make_box() as box, kind(**options) as browser:
            edge = box.whole(ROOT / "policies/default.yaml")
            wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
            first, again, pages = measure(browser, edge)
        assert pages == TIMES + 1, "%d challenges" % pages
        print(name)
        row("challenged", first)
        row("with a pass", again)


main()
