"""The challenge as visitors meet it: Debian's Chromium and Firefox with what people switch off or
have not got, w3m and lynx, axe-core. Nothing here knows the layout: controls are found as a screen
reader finds them. Screenshots are kept in build/screenshots, to be looked at.
"""

import contextlib
import http.server
import json
import os
import re
import threading
import urllib.parse

import pytest

from browsers import ENTER, IDLE, Chromium, Firefox
from conftest import BROWSER, POLICY, fake_clock, make_box, wait_until
from netns import SERVER, Cable
from terminal import Lynx, W3m


def policy(difficulty):
    bots = [dict(bot) for bot in POLICY["bots"]]
    for bot in bots:
        if bot["action"] == "CHALLENGE":
            bot["challenge"] = {"difficulty": difficulty, "algorithm": "fast", "wait": 200}
    return dict(POLICY, bots=bots)


@contextlib.contextmanager
def an_edge(what=2, env=None, **more):
    """what: a policy, or how difficult it is made."""
    with make_box() as box:
        box.env.update(env or {})
        edge = box.whole(policy(what) if isinstance(what, int) else what, **more)
        edge.box = box
        wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
        yield edge


@pytest.fixture(scope="module")
def ready():
    """Solved in a moment."""
    with an_edge() as edge:
        yield edge


@pytest.fixture(scope="module")
def running():
    """One of each, started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        started = {}

        def get(kind):
            if kind not in started:
                started[kind] = stack.enter_context(kind())
            return started[kind]

        yield get


@pytest.fixture(params=[Chromium, Firefox], ids=lambda kind: kind.name)
def browser(request, running):
    browser = running(request.param)
    browser.forget()
    return browser


@pytest.fixture
def chromium(running):
    browser = running(Chromium)
    browser.forget()
    return browser


def on_site(browser):
    return browser.title == "site"


def asked(browser):
    return json.loads(browser.one("#asked").text)


def challenges(edge):
    """How many pages; a browser asks for /favicon.ico when it likes to."""
    return sum("verdict=challenge" in line and "favicon" not in line for line in edge.lines())


def complaints(browser):
    return [message for message in browser.complaints() if "favicon" not in message]


def passes(browser, edge, path="/"):
    """From the address that was asked for, through the challenge, to just that address."""
    browser.get(edge.url + path)
    browser.wait(lambda: on_site(browser), "the site")
    assert browser.url == edge.url + path
    assert asked(browser)["path"] == path.partition("#")[0]


def wait_for_words(browser, pattern):
    browser.wait(lambda: re.search(pattern, browser.words()), "words like " + pattern)


def go_wrong(browser, edge, back="/start"):
    """To the page that says that a solution is refused."""
    browser.get(edge.url + "/.ammit/health")
    browser.script(
        "let f = document.createElement('form'); f.method = 'post'; f.action = '/.ammit/pass';"
        "for (let [n, v] of Object.entries(arguments[0])) { let i = document.createElement('input');"
        "i.name = n; i.value = v; f.append(i) } document.body.append(f); f.submit()",
        {"ticket": "nonsense", "solution": "nonsense", "back": back},
    )
    browser.wait(lambda: browser.all_roles("link"), "the refusal")


# ---- through ----


def test_solved(ready, browser):
    before = challenges(ready)
    passes(browser, ready, "/deep/page?a=1&b=%20c#part-2")
    cookie = browser.cookie("ammit")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and not cookie["secure"]
    assert browser.script("return document.cookie") == ""
    assert challenges(ready) == before + 1
    browser.get(ready.url + "/again")
    assert on_site(browser) and asked(browser)["path"] == "/again"
    assert challenges(ready) == before + 1, "the second request is not challenged"
    assert not complaints(browser)


def test_back_button_does_not_lead_into_the_challenge(ready, browser):
    passes(browser, ready, "/one")
    browser.get(ready.url + "/two")
    browser.back()
    browser.wait(lambda: on_site(browser) and asked(browser)["path"] == "/one", "the first page")


def test_tampered_pass_is_challenged_and_solved_again(ready, browser):
    passes(browser, ready, "/")
    value = browser.cookie("ammit")["value"]
    at = value.rindex(".") + 5
    broken = value[:at] + ("x" if value[at] != "x" else "y") + value[at + 1 :]
    browser.add_cookie("ammit", broken)
    before = challenges(ready)
    passes(browser, ready, "/after")
    assert challenges(ready) == before + 1
    assert browser.cookie("ammit")["value"] != broken


@pytest.fixture(scope="module")
def medium():
    """A second or so of work: long enough for something to happen meanwhile."""
    with an_edge(5) as edge:
        yield edge


def test_two_tabs_at_once(medium, browser):
    """Both begin without a pass, and each comes to its own page."""
    browser.get(medium.url + "/.ammit/health")
    first = browser.tab_handle()
    before = challenges(medium)
    browser.script("open(arguments[0] + '/one'); open(arguments[0] + '/two')", medium.url)
    found = set()
    for handle in browser.wait(lambda: len(browser.tabs()) == 3 and browser.tabs(), "the two tabs"):
        if handle != first:
            browser.switch(handle)
            browser.wait(lambda: on_site(browser), "the site")
            found.add(asked(browser)["path"])
    assert found == {"/one", "/two"}
    assert challenges(medium) == before + 2, "no tab asked twice"


def test_in_the_background(medium, browser):
    """The tab is left for another one, and is through when its visitor comes back."""
    browser.get(medium.url + "/patience")
    tab = browser.tab_handle()
    browser.new_tab()
    browser.get("about:blank")
    wait_until(lambda: any(" /patience " in line and "verdict=allow" in line for line in medium.lines()), "it", 60)
    browser.switch(tab)
    browser.wait(lambda: on_site(browser) and asked(browser)["path"] == "/patience", "the page")


def test_asleep_for_a_while(medium, chromium):
    """Frozen in the middle of its work, as a phone does it, and woken again."""
    chromium.get(medium.url + "/sleep")
    if not on_site(chromium):
        chromium.cdp("Page.setWebLifecycleState", state="frozen")
        chromium.cdp("Page.setWebLifecycleState", state="active")
    chromium.wait(lambda: on_site(chromium), "the site")
    assert asked(chromium)["path"] == "/sleep"


HANDICAPS = [
    (Chromium, {"workers": False}),
    (Chromium, {"wasm": False, "jit": False}),
    (Chromium, {"simd": False}),
    (Chromium, {"private": True, "images": False}),
    (Firefox, {"workers": False}),
    (Firefox, {"wasm": False}),
    (Firefox, {"wasm": False, "workers": False}),
    (Firefox, {"jit": False, "images": False}),
    (Firefox, {"safer": True}),
]
# Says of itself that it is what the test asks for.
FEATURES = """
    let simd = new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,123,3,2,1,0,10,10,1,8,0,65,0,253,15,253,98,11]);
    let wasm = typeof WebAssembly === 'object';
    return { workers: typeof Worker === 'function', wasm: wasm, simd: wasm && WebAssembly.validate(simd) }
"""


@pytest.mark.parametrize(
    "kind, options", HANDICAPS, ids=["%s-%s" % (kind.name, "-".join(options)) for kind, options in HANDICAPS]
)
def test_with_less(ready, kind, options):
    """What there is must do, in a tab whose owner has switched off the rest."""
    with kind(**options) as browser:
        browser.get("about:blank")
        has = browser.script(FEATURES)
        for name in set(has) & set(options):
            assert not has[name], "this browser is not what it should be: %s" % has
        passes(browser, ready, "/with-less?x=1#y")
        before = challenges(ready)
        passes(browser, ready, "/again")
        assert challenges(ready) == before, "the cookie is kept"
        assert not complaints(browser)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_any_number_of_cores(ready, chromium, count):
    chromium.cores(count)
    passes(chromium, ready, "/cores")
    assert chromium.script("return navigator.hardwareConcurrency") == count


@pytest.mark.parametrize("by", ["+1d", "-1d"])
def test_clock_wrong_by_a_day(browser, by):
    """The client's against the servers': here it is these that are turned."""
    with an_edge(env=fake_clock(by)) as edge:
        passes(browser, edge, "/")
        before = challenges(edge)
        passes(browser, edge, "/again")
        assert challenges(edge) == before, "the cookie is kept"


@pytest.fixture(scope="module")
def far():
    """A server that is no loopback address."""
    with Cable() as cable, contextlib.ExitStack() as stack:
        # Not inside any longer than it takes to start: the other tests are in the same thread.
        with cable.server.inside():
            edge = stack.enter_context(an_edge(at=SERVER))
        edge.cable = cable
        yield edge


@pytest.mark.parametrize("options", [{}, {"wasm": False, "jit": False}], ids=["all", "no-jit"])
@pytest.mark.parametrize("kind", [Chromium, Firefox], ids=lambda kind: kind.name)
def test_plain_http_is_no_secure_context(far, kind, options):
    plain_http(far, kind, options)


def test_plain_http_at_the_level_safer(far):
    plain_http(far, Firefox, {"safer": True})


def plain_http(far, kind, options):
    with far.cable.client.inside(), kind(**options) as browser:
        browser.get(far.url + "/.ammit/health")
        has = browser.script("return [isSecureContext, typeof crypto.subtle, typeof WebAssembly]")
        assert has == [False, "undefined", "undefined" if options else "object"]
        passes(browser, far, "/far?a#b")
        assert not complaints(browser)


# ---- what stops it ----


@pytest.mark.parametrize("kind", [Chromium, Firefox], ids=lambda kind: kind.name)
def test_without_javascript(ready, kind):
    """Words that say what is missing, and no loop."""
    with kind(javascript=False, width=320) as browser:
        before = challenges(ready)
        browser.get(ready.url + "/page")
        words = browser.words()
        assert "JavaScript" in words
        assert re.search(r"\b[0-9a-f]{12}\b", words), "the reference"
        assert challenges(ready) == before + 1
        browser.screenshot(kind.name + "-no-javascript-320")
        browser.media(dark=True)
        browser.reload()
        browser.screenshot(kind.name + "-no-javascript-320-dark")
        assert not complaints(browser)


@pytest.mark.parametrize("kind", [Chromium, Firefox], ids=lambda kind: kind.name)
def test_cookies_switched_off_is_no_loop(ready, kind):
    with kind(cookies=False, width=320) as browser:
        before = challenges(ready)
        browser.get(ready.url + "/no-cookies")
        browser.wait(lambda: browser.all_roles("button"), "a button to try again")
        assert not on_site(browser) and re.search(r"cookies?\b.*\b(off|allow)", browser.words(), re.I | re.S)
        assert challenges(ready) - before < 8
        browser.screenshot(kind.name + "-no-cookies-320")
        assert browser.sideways() == 0
        assert reached_by_keyboard(browser), "all of it"
        assert browser.axe() == []


# ---- by keyboard, by ear, in any light ----


def reached_by_keyboard(browser):
    """Everything that can be acted on is a stop of Tab, and is seen to have the focus."""
    looks = "let s = getComputedStyle(arguments[0]); return [s.outlineStyle, s.outlineWidth, s.boxShadow].join()"
    controls = {e: browser.script(looks, e) for role in ("link", "button", "textbox") for e in browser.all_roles(role)}
    focused = {}
    for stop in browser.walk(lambda stop: focused.update({stop: browser.script(looks, stop)})):
        assert stop not in controls or focused[stop] != controls[stop], "no focus is seen on %r" % stop
    missed = set(controls) - set(focused)
    assert not missed, "not reached by Tab: %r" % missed
    return bool(controls)


def test_refusal_page_by_keyboard(ready, browser):
    """A solution that is refused: a page that says what to do, and a way to start anew."""
    go_wrong(browser, ready)
    assert reached_by_keyboard(browser)
    link = browser.role("link", "start")
    assert browser.script("return arguments[0].href", link) == ready.url + "/start"
    go_wrong(browser, ready)
    link = browser.role("link", "start")
    browser.tab_to(link)
    browser.press(ENTER)
    browser.wait(lambda: on_site(browser) and asked(browser)["path"] == "/start", "the site")


def test_progress_is_shown_and_spoken(ready, browser):
    browser.before(IDLE)
    browser.get(ready.url + "/")
    bar = browser.wait(lambda: browser.role("progressbar"), "the bar")
    assert bar.label and bar.attribute("aria-valuemax")
    assert browser.find("[aria-live], [role=status], [role=alert]")
    now = bar.attribute("aria-valuenow")
    assert now is not None and 0 <= float(now) <= float(bar.attribute("aria-valuemax"))
    ticket = browser.script("return document.querySelector('[name=ticket]').value")
    assert ticket[:12] in browser.words()
    assert browser.script("return document.documentElement.lang")
    assert browser.role("main") and browser.role("heading")
    # Nothing to be done by hand, and if there is, then by keyboard too.
    reached_by_keyboard(browser)


def light(colour):
    numbers = [float(x) for x in re.findall(r"[\d.]+", colour)]
    return sum(numbers[:3]) / 3 if len(numbers) == 3 or numbers[3] > 0 else None


PAGES = {"challenge": lambda browser, edge: browser.get(edge.url + "/a"), "refusal": go_wrong}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", list(PAGES))
def test_page_is_for_all(ready, browser, page, scheme, width):
    """No scrolling sideways, colours of the scheme, nothing that moves, nothing that axe-core finds."""
    browser.viewport(width)
    browser.before(IDLE)
    browser.media(dark=scheme == "dark", still=True)
    try:
        PAGES[page](browser, ready)
        browser.screenshot("%s-%s-%d-%s" % (browser.name, page, width, scheme))
        assert browser.script("return innerWidth") == width and browser.sideways() == 0
        assert browser.moving() == []
        colours = browser.script(
            "let s = getComputedStyle(document.body), r = getComputedStyle(document.documentElement);"
            "return [s.color, s.backgroundColor, r.backgroundColor]"
        )
        text = light(colours[0])
        assert (text < 110) if scheme == "light" else (text > 150), colours
        for ground in filter(None, map(light, colours[1:])):
            assert abs(ground - text) > 100, colours
        assert not complaints(browser)
        if browser.name == "chromium" or (scheme, width) == ("dark", 320):
            assert browser.axe() == []
    finally:
        browser.viewport(1280)


# ---- on a terminal ----


class Form(http.server.BaseHTTPRequestHandler):
    """A page that goes on by itself, a link, a form, a cookie: what the text browsers must manage."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.seen.append((path, query, self.headers.get("Cookie", "")))
        bodies = {
            "/": "<meta http-equiv=refresh content='1;url=/next'><p>first <a href=/next>go on</a>",
            "/next": "<p>second <form action=/answer>Word: <input type=text name=word><input type=submit value=Send></form>",
            # What the checks below look for, planted.
            "/bad": "<style>a { color: #ccc; outline: none; transition: color 9s } div { width: 3000px }</style>"
            "<div><a href=/next>pale</a><img src=/x.png></div><script>alert(1)</script>",
            "/answer": "<p>thanks for %s" % urllib.parse.parse_qs(query).get("word", [""])[0],
        }
        body = bodies.get(path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        if path == "/bad":
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Set-Cookie", "seen=%s; Path=/; Max-Age=60" % path.strip("/"))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def form():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Form)
    server.seen = []
    server.url = "http://127.0.0.1:%d" % server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_checks_find_what_is_planted(form, browser):
    browser.get(form.url + "/bad")
    assert browser.sideways() > 1000
    assert browser.moving() == ["A"]
    assert any("script" in message for message in complaints(browser))
    with pytest.raises(AssertionError, match="no focus is seen"):
        reached_by_keyboard(browser)
    found = {line.split()[0] for line in browser.axe()}
    assert {"color-contrast", "image-alt", "html-has-lang", "document-title"} <= found


@pytest.mark.parametrize("kind", [W3m, Lynx], ids=lambda kind: kind.name)
def test_terminal_fills_a_form(form, kind):
    """The drivers themselves: refresh or link, field, button, cookie."""
    with kind(form.url + "/") as browser:
        if kind is Lynx:
            # It shows the refresh as a link and leaves it to its user.
            browser.wait("REFRESH.*first")
            browser.follow()
        browser.wait("second")
        browser.field(1)
        browser.fill("carrot")
        browser.step()
        browser.follow()
        browser.wait("thanks for carrot")
    assert ("/answer", "word=carrot", "seen=next") in [
        (path, "&".join(x for x in query.split("&") if x.startswith("word")), cookie) for path, query, cookie in form.seen
    ]


@pytest.mark.parametrize("kind", [W3m, Lynx], ids=lambda kind: kind.name)
def test_terminal_is_told_what_is_missing(ready, kind):
    with kind(ready.url + "/text", agent=BROWSER["User-Agent"]) as browser:
        browser.wait("JavaScript")
        browser.wait(r"[0-9a-f]{12}")


# ---- none is left behind ----


@pytest.mark.parametrize("kind", [Chromium, Firefox], ids=lambda kind: kind.name)
def test_no_browser_is_left_behind(kind):
    with kind() as browser:
        profile = browser.profile
        assert running_with(profile)
    wait_until(lambda: not running_with(profile), "all its processes to end")
    assert not os.path.exists(profile)


def running_with(word):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if word.encode() in file.read():
                    found.append(pid)
    return found
