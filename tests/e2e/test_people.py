"""People through the challenge as it is shipped: without script and by keyboard, in their language, with
a clip, in several windows, with a wrong clock; and pages that axe-core looks at, all of them.
"""

import contextlib
import functools
import re
import time

import pytest

from browsers import CLOCK, ENTER, IDLE, Chromium, Firefox
from conftest import BROWSER, POLICY, ROOT, wait_until
from terminal import Lynx, W3m
from test_browsers import (  # noqa: F401: fixtures among them
    an_edge, asked, browser, challenges, chromium, complaints, go_wrong, on_site, passes, reached_by_keyboard, running,
)
from test_solver import send_form
from test_without_script import jwt_claims

DEFAULT = ROOT / "policies/default.yaml"
# With a screen, as the policy turns away those who say that they have none.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"


def asks(name="", **challenge):
    """A rule for addresses that begin with the name."""
    challenge = dict({"algorithm": "fast", "difficulty": 2}, **challenge)
    return {"name": name or "all", "path_regex": "^/" + name, "action": "CHALLENGE", "challenge": challenge}


def rules(*bots):
    return dict(POLICY, bots=[*bots, asks()])


def passed_by(edge, method):
    """References of those who did."""
    return re.findall(r'event="passed" by="%s" ref="(\w+)"' % method, edge.ammit.output())


def got_through(edge, path):
    return [line for line in edge.lines() if " %s " % path in line and "verdict=allow" in line]


def grumbles(browser):  # noqa: F811
    """What the console says; that a page comes with 403 is none of that."""
    return [message for message in complaints(browser) if "status of 403" not in message]


# ---- without script, as shipped ----


@pytest.fixture(scope="module")
def shipped():
    with an_edge(DEFAULT) as edge:
        yield edge


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """As shipped, but that nobody is through while he still types."""
    text, count = re.subn(r"wait: \d+", "wait: 200", DEFAULT.read_text())
    assert count >= 4
    file = tmp_path_factory.mktemp("patient") / "policy.yaml"
    file.write_text(text)
    with an_edge(file) as edge:
        yield edge


# One object each, by which `running` knows them.
silent_chromium = functools.partial(Chromium, javascript=False, width=320, flags=("user-agent=" + AGENT,))
silent_firefox = functools.partial(Firefox, javascript=False, width=320)


@pytest.fixture(params=[silent_chromium, silent_firefox], ids=["chromium", "firefox"])
def silent(request, running):  # noqa: F811
    """A browser without JavaScript."""
    browser = running(request.param)  # noqa: F811
    browser.forget()
    return browser


class W3mByHand(W3m):
    """As it is by default: it does not go on by itself."""

    COMMAND = [*W3m.COMMAND, "-o", "meta_refresh=0"]


def go_on(terminal):
    terminal.to("go on here")
    terminal.follow()


def test_wait_as_shipped(shipped, running):  # noqa: F811
    """All that have no script, at the same time: some go on by themselves, some are led by hand."""
    silents = [running(kind) for kind in (silent_chromium, silent_firefox)]
    with contextlib.ExitStack() as stack:
        def text(kind, path):
            return stack.enter_context(kind(shipped.url + path, agent=BROWSER["User-Agent"]))

        by_itself, by_hand = text(W3m, "/w3m?a=1"), [text(W3mByHand, "/hand"), text(Lynx, "/lynx")]
        for one in silents:
            one.forget()
            one.get("%s/%s?a=1#b" % (shipped.url, one.name))
            assert "the page opens by itself" in one.words() and not on_site(one)
            one.screenshot(one.name + "-wait-320")
        by_itself.wait("the page opens by itself")
        due = []
        for one in by_hand:
            one.wait("the page opens by itself")
            go_on(one)
            # Too early, which is said.
            left = one.wait(r"A little longer: (\d+) s more")
            due.append(time.monotonic() + int(left.group(1)))
        for one, at in zip(by_hand, due):
            wait_until(lambda at=at: time.monotonic() > at, "the time to be over", 40)
            go_on(one)
            one.wait('"method": "GET", "path": "/(hand|lynx)"')
        by_itself.wait(r'"method": "GET", "path": "/w3m\?a=1"')
        for one in silents:
            one.wait(lambda one=one: on_site(one), "the site")
            # Browsers take what is behind # along to where a page goes on by itself, or do not.
            assert one.url.split("#")[0] == "%s/%s?a=1" % (shipped.url, one.name)
            assert one.cookie("ammit")["httpOnly"] and not grumbles(one)
            one.get(shipped.url + "/again/" + one.name)
            assert on_site(one)
        # The cookie is kept: the same page once more, and no challenge.
        for one, key, path in ((by_itself, "R", "/w3m?a=1"), (by_hand[0], "R", "/hand"), (by_hand[1], "C-r", "/lynx")):
            before = len(got_through(shipped, path.partition("?")[0]) + got_through(shipped, path))
            one.keys(key)
            wait_until(
                lambda: len(got_through(shipped, path.partition("?")[0]) + got_through(shipped, path)) > before, "it anew")
    assert len(set(passed_by(shipped, "wait"))) == 5


def by_keyboard(browser, word):  # noqa: F811
    box = browser.role("textbox", "orange|Orange")
    browser.tab_to(box)
    browser.press(*word)
    # Where the keys are slow to arrive, ENTER would send the half of it.
    browser.wait(lambda: browser.script("return arguments[0].value", box) == word, "all its letters")
    browser.press(ENTER)


def test_question_by_keyboard(patient, silent):
    """In German, at first a wrong answer, and nothing but keys."""
    silent.speak("de")
    before = len(passed_by(patient, "question"))
    # Whoever has walked a page to its end stands in the toolbars: each walk has a page of its own.
    for walked in ("asked", "refused", None):
        silent.get(patient.url + "/frage?x=1")
        assert silent.one("html").attribute("lang") == "de" and silent.sideways() == 0
        if walked == "asked":
            assert reached_by_keyboard(silent)
            silent.screenshot(silent.name + "-frage-320")
            continue
        by_keyboard(silent, "blau")
        silent.wait(lambda: "nicht als etwas Oranges bekannt" in silent.words(), "the refusal")
        assert silent.one("html").attribute("lang") == "de" and silent.sideways() == 0
        assert not grumbles(silent)
        if walked == "refused":
            assert reached_by_keyboard(silent)
            silent.screenshot(silent.name + "-frage-falsch-320")
    by_keyboard(silent, "Möhre")
    silent.wait(lambda: on_site(silent), "the site")
    assert silent.url == patient.url + "/frage?x=1" and asked(silent)["method"] == "GET"
    assert len(passed_by(patient, "question")) == before + 1


@pytest.mark.parametrize("kind", [W3m, Lynx], ids=lambda kind: kind.name)
def test_question_on_a_terminal(patient, kind):
    with kind(patient.url + "/terminal", agent=BROWSER["User-Agent"]) as terminal:
        for word, then in (("blue", "not known here"), ("a carrot", '"method": "GET", "path": "/terminal"')):
            terminal.wait(r"Something orange +[_[]")
            terminal.to(r"Something orange +[_[]")
            terminal.fill(word)
            terminal.to("Continue")
            terminal.follow()
            terminal.wait(then)


def test_resource(silent):
    """The stylesheet is fetched by the browser of its own accord; then a moment, and it is through."""
    with an_edge(rules(asks(methods=["pow", "resource"]))) as edge:
        silent.get(edge.url + "/styled")
        silent.wait(lambda: on_site(silent), "the site")
        assert len(passed_by(edge, "resource")) == 1
        assert not grumbles(silent)


def test_form_without_script(patient, silent):
    """Said, that it is not delivered; there is no script that could send it once more."""
    silent.get("data:text/html,<form method=post action=%s/form><input name=a value=b><button>" % patient.url)
    silent.one("button").click()
    silent.wait(lambda: "has not been delivered yet" in silent.words(), "the note")
    by_keyboard(silent, "fox")
    silent.wait(lambda: on_site(silent), "the site")
    assert asked(silent)["path"] == "/form" and asked(silent)["method"] == "GET"


# ---- in their language ----


def words_of(file):
    """What is translated, by key."""
    pairs = (line.split(" = ", 1) for line in file.read_text().splitlines() if " = " in line and line[0] != "#")
    return {key: text.strip() for key, text in pairs}


LANGUAGES = {file.stem: words_of(file) for file in sorted((ROOT / "spoa/challenge/locales").glob("*.txt"))}

# What lies over something else, sticks out of the window or out of its box; read from the page as it is laid out.
CROWDED = """
    let name = e => e.tagName + (e.id && '#' + e.id) + ' ' + (e.textContent || '').trim().slice(0, 30);
    let all = [...document.querySelectorAll('h1, p, label, input, button, a, code, #bar')]
        .filter(e => e.getClientRects().length).map(e => [e, [...e.getClientRects()].filter(r => r.width && r.height)]);
    let over = (r, s) => Math.min(r.right, s.right) - Math.max(r.left, s.left) > 1
        && Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top) > 1;
    return [
        ...all.filter(([, rects]) => rects.some(r => r.left < 0 || r.right > innerWidth)).map(([e]) => 'out: ' + name(e)),
        ...all.filter(([e]) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).map(([e]) => 'cut: ' + name(e)),
        ...all.flatMap(([a, r], i) => all.slice(i + 1).filter(([b, s]) => !a.contains(b)
            && r.some(one => s.some(other => over(one, other)))).map(([b]) => name(a) + ' / ' + name(b))),
    ];
"""


def simple(text):
    """Whatever kind of blank is between the words."""
    return " ".join(text.split())


def missing(page, language, keys):
    """Words of the language that do not stand there; what is filled in may be anything."""
    def holds(key):
        return re.search(".+?".join(map(re.escape, re.split(r"\{\w+\}", simple(LANGUAGES[language][key])))), page)

    return [key for key in keys if not holds(key)]


@pytest.fixture(scope="module")
def offering():
    """Every way there is."""
    with an_edge(rules(asks("only", methods=["pow"]), asks("", methods=["pow", "wait", "question"], wait=200))) as edge:
        yield edge


def scripts_off(chromium, off=True):  # noqa: F811
    chromium.cdp("Emulation.setScriptExecutionDisabled", value=off)


def test_every_language_at_320_pixels(offering, chromium):  # noqa: F811
    """With script and without: each word is there, in its direction, and nothing is too wide."""
    assert len(LANGUAGES) >= 25
    chromium.before(IDLE)
    chromium.viewport(320)
    both = ("moment", "cookie", "reference", "help")
    with_script, without = both + ("why",), both + (
        "why_other", "no_script", "wait", "wait_on", "question", "answer", "send"
    )
    wrong = []
    for tag, words in LANGUAGES.items():
        chromium.speak(tag)
        for off in (False, True):
            scripts_off(chromium, off)
            chromium.get(offering.url + "/a")
            page = chromium.script(
                "let html = document.documentElement, get = id => document.getElementById(id);"
                "return { is: [html.lang, html.dir, get('bar').getAttribute('aria-label')], text: document.body.innerText,"
                "title: document.title, words: JSON.parse(get('words').textContent),"
                "sideways: document.scrollingElement.scrollWidth - innerWidth }"
            )
            text = simple(page["text"])
            faults = missing(text, tag, without if off else with_script) + chromium.script(CROWDED)
            # What the script says, later or never.
            faults += [key for key, said in page["words"].items() if said != words[key]]
            faults += ["sideways"] * (page["sideways"] > 0) + re.findall(r"\{.*?\}|undefined|NaN", text)
            if page["is"] != [tag, words["direction"], words["calculation"]] or not page["title"].startswith(words["title"]):
                faults.append("is %s, %s" % (page["is"], page["title"]))
            wrong += ["%s%s: %s" % (tag, " without script" * off, fault) for fault in faults]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("tag", ["ar", "de", "ja", "pt-BR", "zh-CN"])
def test_language_asked_for(offering, browser, tag):  # noqa: F811
    """As the browser says it; looked at in both widths."""
    browser.before(IDLE)
    browser.speak(tag)
    try:
        for width in (320, 1280):
            browser.viewport(width)
            browser.get(offering.url + "/a")
            browser.wait(lambda: browser.one("#left").text, "the time left")
            html = browser.one("html")
            assert [html.attribute("lang"), html.attribute("dir")] == [tag, "rtl" if tag == "ar" else "ltr"]
            assert browser.script("return getComputedStyle(document.body).direction") == html.attribute("dir")
            assert browser.script(CROWDED) == [] and browser.sideways() == 0
            browser.screenshot("%s-%s-%d" % (browser.name, tag, width))
    finally:
        browser.viewport(1280)


def test_the_checks_of_languages_find_what_is_planted(offering, chromium):  # noqa: F811
    chromium.before(IDLE)
    chromium.get(offering.url + "/a")
    assert missing(simple(chromium.words()), "de", ["moment", "help"]) == ["moment"] + ["help"]
    assert chromium.script(CROWDED) == []
    chromium.script(
        "document.querySelector('h1').style.marginBottom = '-3rem';"
        "document.querySelector('footer p').style.cssText = 'white-space: nowrap; width: 5rem'"
    )
    found = " ".join(chromium.script(CROWDED))
    assert "H1" in found and "/ P" in found and "cut: P" in found


# ---- looked at by axe-core ----


def without_script(chromium, edge, path="/a"):  # noqa: F811
    # Nor do they solve anything once they are on again, to look at the page.
    chromium.before(IDLE)
    scripts_off(chromium)
    chromium.get(edge.url + path)
    # Scripts that are on again before its end is there would run.
    complete = "return location.pathname + ' ' + document.readyState"
    chromium.wait(lambda: chromium.script(complete) == path + " complete", "the page")


def too_early(chromium, edge):  # noqa: F811
    without_script(chromium, edge)
    chromium.one("a.go").click()
    chromium.wait(lambda: "/.ammit/pass" in chromium.url and chromium.find("#answer"), "the early page")


def wrong_answer(chromium, edge):  # noqa: F811
    without_script(chromium, edge)
    chromium.one("#answer").type("blue")
    chromium.one("form button").click()
    chromium.wait(lambda: "/.ammit/pass" in chromium.url and chromium.find("#answer"), "the page for a wrong answer")


def at_work(chromium, edge):  # noqa: F811
    chromium.before(IDLE)
    chromium.get(edge.url + "/a")
    chromium.wait(lambda: chromium.one("#left").text, "the time left")


def no_cookies(chromium, edge):  # noqa: F811
    chromium.before("Object.defineProperty(Navigator.prototype, 'cookieEnabled', { get: () => false });")
    chromium.get(edge.url + "/a")


def form_waits(chromium, edge):  # noqa: F811
    send_form(chromium, edge.url + "/form/axe", {"a": "b"})
    chromium.wait(lambda: chromium.all_roles("button"), "the button")


STATES = {
    "at-work": at_work, "without-script": without_script, "too-early": too_early, "wrong-answer": wrong_answer,
    "no-way": lambda chromium, edge: without_script(chromium, edge, "/only"), "refusal": go_wrong,
    "no-cookies": no_cookies, "form-waits": form_waits,
    "help": lambda chromium, edge: chromium.get(edge.url + "/.ammit/help"),
}


# They go on by themselves, which axe-core would have nobody do.
GO_ON = ("without-script", "too-early")


@pytest.mark.parametrize("scheme, language, width", [("light", "en", 320), ("dark", "ar", 320), ("light", "ar", 1280)])
@pytest.mark.parametrize("state", list(STATES))
def test_axe(offering, chromium, state, scheme, language, width):  # noqa: F811
    chromium.viewport(width)
    chromium.media(dark=scheme == "dark")
    chromium.speak(language)
    STATES[state](chromium, offering)
    scripts_off(chromium, False)
    chromium.screenshot("state-%s-%s-%s-%d" % (state, scheme, language, width))
    assert chromium.one("html").attribute("lang") == language
    assert chromium.sideways() == 0 and chromium.script(CROWDED) == []
    found = chromium.axe()
    if state in GO_ON:
        # What `wait` is: nothing is lost by it, since it leads on, and the link beside it does the same.
        chromium.wait(lambda: chromium.one("a.go").shown, "the link beside it")
        assert len(found) == 1 and found.pop().startswith("meta-refresh ")
    assert found == []


def test_axe_question_alone(chromium):  # noqa: F811
    """Without anything that goes on by itself: not one exception."""
    with an_edge(rules(asks(methods=["pow", "question"]))) as edge:
        without_script(chromium, edge)
        scripts_off(chromium, False)
        chromium.wait(lambda: chromium.one("#answer").shown, "the question")
        assert chromium.axe() == []


# ---- with a clip ----


def no_codec(browser):  # noqa: F811
    """The browser keeps media from being played, or from being loaded."""
    if browser.name == "chromium":
        browser.cdp("Network.enable")
        browser.cdp("Network.setBlockedURLs", urls=["*/.ammit/clip.mp4*"])
    else:
        browser.pref("media.mp4.enabled", False)


@pytest.mark.parametrize("challenge", [{"methods": ["pow", "video"]}, {"methods": ["pow"], "clip": True}], ids=["method", "clip"])
def test_clip(browser, challenge):  # noqa: F811
    """Whoever plays it has that in his pass; whoever does not is through as well, and it says so."""
    with an_edge(rules(asks(**challenge))) as edge:
        try:
            for plays in (True, False):
                if not plays:
                    browser.forget()
                    no_codec(browser)
                browser.get(edge.url + "/clip")
                browser.wait(lambda: on_site(browser), "the site")
                by = re.search(r'"by":(\d+)', jwt_claims(browser.cookie("ammit")["value"])).group(1)
                # Where the clip is enough, whichever is there first counts.
                assert int(by) == (PLAYED if plays else NOT_PLAYED) or (plays and "video" in challenge["methods"] and by == "16")
                assert not [c for c in grumbles(browser) if plays or "clip.mp4" not in c]
        finally:
            if browser.name == "firefox":
                browser.pref("media.mp4.enabled", True)


def test_clip_is_enough(browser):  # noqa: F811
    """Where the policy says so: the work never ends here, and nobody waits for it."""
    with an_edge(rules(asks(methods=["pow", "video"]))) as edge:
        browser.before(IDLE)
        browser.get(edge.url + "/clip?x#part")
        browser.wait(lambda: on_site(browser), "the site")
        assert browser.url.endswith("/clip?x#part")
        assert '"by":16,' in jwt_claims(browser.cookie("ammit")["value"])


# By a proof of work, and what became of the clip (ammit.conf(5): pass.by).
PLAYED, NOT_PLAYED = 1 | 16, 1 | 32


# ---- several windows ----


@pytest.fixture(scope="module")
def two_prices():
    """One that NEVER makes endless, and one that is paid at once, for the same pass."""
    with an_edge(rules(asks("dear", methods=["pow"], level=8), asks("cheap", methods=["pow"], level=8))) as edge:
        yield edge


def at_it(browser):  # noqa: F811
    return browser.script("return document.documentElement.getAttribute('data-state')") == "solving"


def other_window(browser):  # noqa: F811
    """In front of the first one."""
    if browser.name == "chromium":
        browser.driver.switch_to.new_window("window")
    else:
        browser.switch(browser.call("WebDriver:NewWindow", type="window")["handle"])


def test_one_passes_and_the_other_goes_on(two_prices, browser):  # noqa: F811
    """Both work at the same time; exactly one challenge is solved."""
    solved = len(passed_by(two_prices, "pow"))
    dear = "/dear/%s?x=1#y" % browser.name
    browser.before(NEVER)
    browser.get(two_prices.url + dear)
    browser.wait(lambda: at_it(browser), "it to begin")
    first = browser.tab_handle()
    other_window(browser)
    browser.get(two_prices.url + "/cheap/" + browser.name)
    browser.wait(lambda: on_site(browser), "the site in the window in front")
    browser.switch(first)
    browser.wait(lambda: on_site(browser), "the site in the other one")
    assert browser.url == two_prices.url + dear
    assert solved_once(two_prices, solved, "/cheap/" + browser.name)


# On that page the target is met by nothing, so that the real workers work, and come to no end.
NEVER = """
    new MutationObserver(function (list, self) {
        let form = document.getElementById('form');
        if (form && location.pathname.startsWith('/dear')) {
            self.disconnect();
            form.setAttribute('data-target', '0');
        }
    }).observe(document, { childList: true, subtree: true });
"""


def solved_once(edge, before, path):
    """By the page at `path`, and by nobody else."""
    line = [line for line in edge.lines() if path in line and "verdict=challenge" in line][-1]
    return passed_by(edge, "pow")[before:] == re.findall(r" ref=(\w+)", line)


def test_frozen_behind_another_window(two_prices, chromium):  # noqa: F811
    """As a phone does it to what is not in front, on a slow processor. Word of the pass reaches it there, or
    when it is woken: that is Chromium's choice."""
    solved = len(passed_by(two_prices, "pow"))
    chromium.before(NEVER + "document.addEventListener('freeze', () => localStorage.setItem('frozen', location.pathname));")
    chromium.cdp("Emulation.setCPUThrottlingRate", rate=4)
    chromium.get(two_prices.url + "/dear/frozen")
    chromium.wait(lambda: at_it(chromium), "it to begin")
    first = chromium.tab_handle()
    chromium.cdp("Page.setWebLifecycleState", state="frozen")
    other_window(chromium)
    chromium.get(two_prices.url + "/.ammit/health")
    chromium.wait(lambda: chromium.script("return localStorage.getItem('frozen')") == "/dear/frozen", "it to freeze")
    chromium.get(two_prices.url + "/cheap/front")
    chromium.wait(lambda: on_site(chromium), "the site in the window in front")
    chromium.switch(first)
    # It may be on its way already, and then does not hear it.
    chromium.wait(lambda: chromium.cdp("Page.setWebLifecycleState", state="active") is not None, "it to wake")
    chromium.wait(lambda: on_site(chromium), "the site in the window that slept")
    assert solved_once(two_prices, solved, "/cheap/front")


# ---- a clock that is wrong ----


@pytest.mark.parametrize("days", [1, -1])
def test_clock_of_the_client(browser, days):  # noqa: F811
    with an_edge(rules(asks(difficulty=3))) as edge:
        browser.before(CLOCK % (days * 86400000))
        before = time.time()
        browser.get(edge.url + "/.ammit/health")
        off = browser.script("return [window.Date.now(), new window.Date().getTime(), +new window.Date(0)]")
        assert abs(off[0] / 1000 - before - days * 86400) < 3600 and abs(off[1] - off[0]) < 60000 and off[2] == 0
        passes(browser, edge, "/clock")
        pages = challenges(edge)
        passes(browser, edge, "/again")
        assert challenges(edge) == pages, "the cookie is kept"
        assert not grumbles(browser)


# ---- what is no page ----


LINE = r"This site checks browsers [^<\n]* Reference: [0-9a-f]{12}\n"


def test_what_a_page_asks_for(chromium):  # noqa: F811
    """A page that may be seen, all of whose parts are challenged: a line each, and never a page."""
    policy = rules({"name": "open", "path_regex": "^/open", "action": "ALLOW"})
    with an_edge(policy) as edge:
        chromium.get(edge.url + "/open")
        chromium.responses()
        said = chromium.later("""
            let done = arguments[0], ends = name => new Promise(on => {
                let make = { style: 'link', image: 'img', script: 'script' }[name], e = document.createElement(make);
                e.onload = () => on('loaded'); e.onerror = () => on('refused');
                if (name === 'style') e.rel = 'stylesheet', e.href = '/part/style'; else e.src = '/part/' + name;
                document.body.append(e);
            }), xhr = new Promise(on => {
                let x = new XMLHttpRequest();
                x.open('GET', '/part/xhr');
                x.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
                x.onload = () => on(x.status + ' ' + x.responseText);
                x.send();
            }), get = (name, accept) => fetch('/part/' + name, { headers: { Accept: accept } })
                .then(async r => r.status + ' ' + await r.text());
            Promise.all([ends('style'), ends('image'), ends('script'), xhr, get('fetch', 'application/json'),
                get('feed', 'application/atom+xml'), get('page', 'text/html'),
                new FontFace('x', 'url(/part/font)').load().then(() => 'loaded', () => 'refused')]).then(done);
        """)
        assert said[:3] + said[7:] == ["refused"] * 4
        assert all(re.fullmatch("403 " + LINE, text) for text in said[3:7]), said
        got = {address[len(edge.url):]: what for address, what in chromium.responses().items()}
        for name in ("style", "image", "script", "xhr", "fetch", "feed", "page", "font"):
            status, headers, body = got["/part/" + name]
            assert status == 403 and headers["content-type"] == "text/plain; charset=utf-8", name
            assert headers["link"] == '</.ammit/help>; rel="help"' and headers["cache-control"] == "no-store", name
            # What a browser refuses to use it does not hand out either.
            assert not body or re.fullmatch(LINE, body), name
        assert "Link" not in edge.get("/part/page", BROWSER).headers and edge.get("/part/page", BROWSER).challenged
