"""Ways without JavaScript, over HTTP as a text browser goes them, and what must not work."""

import html
import re
import time
import urllib.parse

import pytest

from browsers import Chromium
from conftest import BROWSER, POLICY, Puzzle, ROOT, wait_until
from test_challenge import cookie_of, passed, with_pass

TEXT = {"User-Agent": "Mozilla/5.0 (compatible; w3m/0.5)", "Accept": "text/html, text/*;q=0.5", "Accept-Language": "en"}


def offering(methods, **more):
    bots = [dict(bot) for bot in POLICY["bots"]]
    bots[-1]["challenge"] = dict({"difficulty": 2, "algorithm": "fast", "methods": methods}, **more)
    return dict(POLICY, bots=bots)


@pytest.fixture
def edge_of(box):
    def make(policy):
        edge = box.whole(policy)
        wait_until(lambda: edge.get("/", TEXT).challenged, "the challenge page")
        return edge

    return make


class Page:
    """What a browser without JavaScript sees of it."""

    def __init__(self, response):
        body = self.body = response.body
        refresh = re.search(r'<meta http-equiv="refresh" content="(\d+); url=([^"]+)"', body)
        self.after = int(refresh.group(1)) if refresh else None
        self.on = html.unescape(refresh.group(2)) if refresh else None
        sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', body)
        self.sheet = html.unescape(sheet.group(1)) if sheet else None
        form = re.search(r'<form method="post" action="/.ammit/pass">.*?</form>', body, re.S)
        self.fields = dict(
            (name, html.unescape(value))
            for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.group(0))
        ) if form else None


def test_wait(edge_of):
    edge = edge_of(offering(["pow", "wait"], wait=2))
    page = Page(edge.get("/a/b?c=d&e=%20f", TEXT))
    assert page.after == 2 and page.fields is None and page.sheet is None
    begun = time.monotonic()
    early = edge.get(page.on, TEXT)
    assert not passed(early) and early.headers["Refresh"].endswith(page.on), early
    left = Page(early)
    assert left.after in (1, 2) and left.on == page.on
    assert int(early.headers["Refresh"].split(";")[0]) == left.after
    got = wait_until(lambda: (lambda r: r if passed(r) else None)(edge.get(page.on, TEXT)), "the pass")
    assert time.monotonic() - begun > 0.9, "it was not waited for"
    assert got.headers["Location"] == "/a/b?c=d&e=%20f"
    assert edge.get("/a/b", with_pass(cookie_of(got), TEXT)).from_site
    # Once, and for the one who waited.
    assert edge.get(page.on, TEXT).headers["Location"] == "/a/b?c=d&e=%20f", "a double submit"
    wait_until(lambda: 'by="wait"' in edge.ammit.output(), "the log")


def test_wait_is_not_offered(edge_of):
    """What the ticket does not offer is no way, however the address is made up."""
    edge = edge_of(offering(["pow"]))
    page = edge.get("/", TEXT)
    assert Page(page).on is None and "JavaScript" in page.body
    ticket = Puzzle(page).ticket
    for fields in ({"ticket": ticket}, {"ticket": ticket, "answer": "carrot"}, {"ticket": ticket, "clip": "48x32@400"}):
        got = edge.get("/.ammit/pass?" + urllib.parse.urlencode(dict(fields, back="/")), TEXT)
        assert got.status == 403 and cookie_of(got) is None, fields
    assert passed(edge.post("/.ammit/pass", {"ticket": ticket, "solution": Puzzle(page).solve(), "back": "/"}, TEXT))


def test_resource(edge_of):
    edge = edge_of(offering(["pow", "resource"]))
    page = Page(edge.get("/x", TEXT))
    assert page.sheet
    for _ in range(2):
        early = edge.get(page.on, TEXT)
        assert not passed(early) and Page(early).sheet == page.sheet
    sheet = edge.get(page.sheet, dict(TEXT, Accept="text/css"))
    assert sheet.status == 200 and sheet.headers["Content-Type"].startswith("text/css")
    assert sheet.headers["Cache-Control"] == "no-store"
    got = edge.get(page.on, TEXT)
    assert passed(got) and got.headers["Location"] == "/x"
    # The stylesheet of one ticket is none of another's.
    other = Page(edge.get("/y", TEXT))
    assert not passed(edge.get(other.on, TEXT))


def test_resource_and_wait(edge_of):
    """Who fetches stylesheets need not wait."""
    edge = edge_of(offering(["pow", "resource", "wait"], wait=300))
    page = Page(edge.get("/x", TEXT))
    assert page.after == 1
    assert Page(edge.get(page.on, TEXT)).after > 200
    edge.get(page.sheet, TEXT)
    assert passed(edge.get(page.on, TEXT))


def test_question(edge_of):
    edge = edge_of(offering(["pow", "question"]))
    page = Page(edge.get("/q?x=1", TEXT))
    assert page.on is None and "orange" in page.body
    for wrong in ("blue", "", "x" * 65, "the sky", "<script>", "carrot carrot carrot carrot carrot carrot", "\x00"):
        got = edge.post("/.ammit/pass", dict(page.fields, answer=wrong), TEXT)
        assert cookie_of(got) is None and got.status < 500, wrong
        again = Page(got)
        assert again.fields == page.fields, "the same ticket may be tried again"
        assert "<script>" not in got.body.split("<main>")[1].split("name=")[0]
    got = edge.post("/.ammit/pass", dict(page.fields, answer="  Carrot! "), TEXT)
    assert passed(got) and got.headers["Location"] == "/q?x=1"
    assert edge.get("/q", with_pass(cookie_of(got), TEXT)).from_site
    other = dict(TEXT, **{"X-Forwarded-For": "203.0.113.1"})
    assert passed(edge.post("/.ammit/pass", dict(page.fields, answer="carrot"), other)), "a double submit"


def test_only_without_script(edge_of):
    """Where no work is offered the way is there for everybody, and nothing is computed."""
    edge = edge_of(offering(["wait", "question"], wait=1))
    page = edge.get("/", BROWSER)
    assert "<noscript>" not in page.body and 'data-puzzles="0"' in page.body
    assert Page(page).after == 1 and Page(page).fields
    assert page.headers["Refresh"] == "1; url=" + Page(page).on
    ticket = Page(page).fields["ticket"]
    got = edge.post("/.ammit/pass", {"ticket": ticket, "solution": ",".join(["00000000"] * 16), "back": "/"})
    assert got.status == 403 and cookie_of(got) is None


COMPUTES, OTHER = "does a short calculation", "there is a short check"


def test_why_without_javascript(edge_of):
    """One reason stands there, and the true one: nothing is computed in a browser without JavaScript."""
    edge = edge_of(offering(["pow", "wait"], wait=300))
    with Chromium(javascript=False) as browser:
        browser.get(edge.url + "/")
        words = browser.words()
        assert OTHER in words and COMPUTES not in words
        assert COMPUTES in browser.source, "hidden, not left out: others see it"
        assert not [said for said in browser.complaints() if "favicon" not in said]


def test_why_with_javascript(edge_of):
    """The other way round, while it computes: slowly, so that it can be looked at."""
    edge = edge_of(offering(["pow", "wait"], wait=300, difficulty=7))
    with Chromium(wasm=False) as browser:
        browser.get(edge.url + "/")
        words = browser.words()
        assert COMPUTES in words and OTHER not in words


def test_why_without_work(edge_of):
    """Nobody is told of work that is not offered, with JavaScript or without."""
    edge = edge_of(offering(["wait"], wait=300))
    for headers in (TEXT, BROWSER):
        body = edge.get("/", headers).body
        assert body.count(OTHER) == 1 and COMPUTES not in body


def test_other_client_and_host(edge_of):
    edge = edge_of(offering(["pow", "wait"], wait=1))
    page = Page(edge.get("/", TEXT))
    got = edge.get(page.on, TEXT, host="other.example.org")
    assert got.status == 403 and cookie_of(got) is None
    for at in range(len("/.ammit/pass?ticket="), page.on.index("&"), 7):
        broken = page.on[:at] + ("A" if page.on[at] != "A" else "B") + page.on[at + 1 :]
        got = edge.get(broken, TEXT)
        assert got.status in (400, 403) and cookie_of(got) is None


@pytest.mark.parametrize("back", [
    "//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/.ammit/pass", "/%0d%0aX: y", "",
])
def test_back(edge_of, back):
    edge = edge_of(offering(["wait"], wait=1))
    ticket = re.search(r"ticket=([^&]+)&", Page(edge.get("/", TEXT)).on).group(1)
    on = "/.ammit/pass?" + urllib.parse.urlencode({"ticket": ticket, "back": back})
    got = wait_until(lambda: (lambda r: r if passed(r) else None)(edge.get(on, TEXT)), "the pass")
    assert got.headers["Location"] == "/"


def test_statuses_for_those_who_are_no_navigation(edge_of):
    """One honest line, never a page in place of a stylesheet; and where to go from there."""
    edge = edge_of(offering(["pow", "wait"], wait=7))
    for accept in ("text/css,*/*;q=0.1", "image/avif,image/webp,*/*", "application/json", "application/rss+xml", "*/*"):
        got = edge.get("/style.css", {"User-Agent": "Mozilla/5.0", "Accept": accept})
        assert got.status == 403 and got.headers["Content-Type"].startswith("text/plain")
        assert got.body.count("\n") == 1 and "<" not in got.body
        assert got.headers["Link"] == '</.ammit/help>; rel="help"'
        offer = got.headers["Ammit-Challenge"]
        assert re.fullmatch(r'ticket="[0-9A-Za-z_-]+", methods="pow wait", puzzles=16, target=\d+, wait=7', offer), offer
    page = edge.get("/.ammit/help", TEXT)
    assert page.status == 200 and "<h1>" in page.body and not page.from_site


def test_honeypot(box):
    """A link that no person sees weighs on who follows it, and on nobody else's say-so."""
    policy = dict(
        POLICY,
        bots=POLICY["bots"][:-1] + [{"name": "asks", "path_regex": "^/asks", "action": "CHALLENGE"}],
        honeypot={"enabled": True, "weight": 40},
        thresholds=[{"name": "trapped", "expression": "weight >= 40", "action": "DENY"}],
    )
    edge = box.whole(policy)
    wait_until(lambda: edge.get("/", TEXT).from_site, "the site")
    page = edge.get("/asks", TEXT)
    link = html.unescape(re.search(r'<a hidden rel="nofollow" href="([^"]+)"', page.body).group(1))
    # Whoever makes others go there, or goes without a page of his own, catches nobody.
    for path in ("/.ammit/more", "/.ammit/more?ticket=x", link[:-3] + "AAA"):
        assert edge.get(path, TEXT).status == 404
    assert edge.get(link, TEXT, host="other.example").status == 404
    assert edge.get("/", TEXT).from_site
    assert edge.get(link, TEXT).status == 404
    assert wait_until(lambda: edge.get("/", TEXT).status == 403, "the denial")
    wait_until(lambda: 'rule="threshold/trapped"' in edge.output(), "its line in the log")


def test_no_honeypot_unless_asked_for(edge_of):
    edge = edge_of(POLICY)
    assert "/.ammit/more" not in edge.get("/", BROWSER).body


def test_clip(edge_of):
    """The clip plays on the side: the pass says whether it did, and holds either way."""
    edge = edge_of(offering(["pow"], clip=True))
    for said, by in (("right", "17"), ("1x1@1", "33"), (None, "33")):
        page = edge.get("/", BROWSER)
        puzzle = Puzzle(page)
        source = html.unescape(re.search(r'<video id="clip"[^>]* src="([^"]+)"', page.body).group(1))
        part = edge.get(source, {"User-Agent": "x", "Range": "bytes=0-1"})
        assert part.status == 206 and part.headers["Content-Range"].startswith("bytes 0-1/")
        clip = edge.get(source, {"User-Agent": "x"})
        assert clip.status == 200 and clip.headers["Content-Type"] == "video/mp4" and "ftyp" in clip.body[:32]
        fields = {"ticket": puzzle.ticket, "solution": puzzle.solve(), "back": "/"}
        if said is not None:
            fields["clip"] = said if said != "right" else CLIPS[clip.raw]
        got = edge.post("/.ammit/pass", fields)
        assert passed(got)
        assert '"by":' + by in jwt_claims(cookie_of(got))
    assert edge.get(source[:-5] + "AAAAA", {"User-Agent": "x"}).status == 404


CLIPS = {
    (ROOT / ("spoa/challenge/web/clip%d.mp4" % n)).read_bytes(): said
    for n, said in enumerate(
        ["48x32@400", "64x48@600", "80x48@800", "96x64@1000", "112x64@1200", "128x80@800", "96x48@600", "64x64@1000"])
}


def jwt_claims(value):
    import base64

    claims = value.split(".")[1]
    return base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode()
