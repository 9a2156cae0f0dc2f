"""The page as an operator dresses it, through HAProxy and in Chromium. Screenshots of every dress are kept in
build/screenshots, to be looked at."""

import contextlib
import json
import shutil
import signal

import pytest

from browsers import IDLE, Chromium
from conftest import BROWSER, POLICY, ROOT, make_box, run_ammit, wait_until

THEME = ROOT / "contrib/theme"

WORK = {"name": "all", "path_regex": "^/", "action": "CHALLENGE",
        "challenge": {"algorithm": "fast", "difficulty": 2, "methods": ["pow", "question"]}}
LOST = {"name": "lost", "path_regex": "^/lost", "action": "CHALLENGE",
        "challenge": {"algorithm": "fast", "difficulty": 2, "methods": ["pow", "wait"], "wait": 200}}


def write_policy(box, page="", **more):
    """page: what is YAML already."""
    file = box.path / "policy.yaml"
    more = dict({"bots": [LOST, WORK], "status_codes": POLICY["status_codes"]}, **more)
    file.write_text(page + "".join("%s: %s\n" % (k, json.dumps(v)) for k, v in more.items()))
    return file


def shipped():
    """What stands under `page` in the theme that is shipped."""
    text = (THEME / "policy.yaml").read_text()
    return text[text.index("page:"):]


@contextlib.contextmanager
def dressed(page="", note=None, **more):
    """An edge whose page looks so."""
    with make_box() as box:
        for file in THEME.iterdir():
            shutil.copy(file, box.path)
        if note:
            (box.path / "note.html").write_text(note)
        edge = box.whole(write_policy(box, page, **more))
        wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
        edge.box, edge.url = box, "http://127.0.0.1:%d" % edge.port
        yield edge


@pytest.fixture(scope="module")
def plain():
    with dressed() as edge:
        yield edge


@pytest.fixture(scope="module")
def papyrus():
    """The theme that is shipped, and a note of one's own."""
    note = (ROOT / "spoa/challenge/web/note.html").read_text()
    note = note.replace("<footer>", '<footer>\n<p class="site">The reading room</p>')
    with dressed(shipped() + "  note_template: note.html\n", note=note) as edge:
        yield edge


@pytest.fixture(scope="module")
def running():
    with Chromium() as browser:
        yield browser


@pytest.fixture
def working(running):
    """With scripts, in English."""
    running.forget()
    arrange(running)
    return running


@pytest.fixture
def chromium(working):
    working.before(IDLE)
    return working


def arrange(browser, script=True, language="en"):
    browser.speak(language)
    browser.cdp("Emulation.setScriptExecutionDisabled", value=not script)


def look(browser, url, name, width, dark=False, script=True, language="en", prepare=None):
    """The whole page at this width: nothing wider than the window, and no complaint in the console."""
    arrange(browser, script, language)
    browser.viewport(width)
    browser.media(dark)
    browser.get(url)
    assert browser.one("html").attribute("lang") == language
    if prepare:
        browser.script(prepare)
    if script:
        browser.wait(lambda: browser.one("#left").text, "words about the time left")
    assert browser.sideways() <= 0
    browser.screenshot("theme-%s-%d" % (name, width))
    assert not browser.complaints()


LOOKS = {
    "default": {},
    "dark": {"dark": True},
    "rtl": {"language": "ar"},
    "rtl-question": {"language": "fa", "script": False},
    "double": {"prepare": "document.documentElement.style.fontSize = '200%'"},
    "question": {"script": False},
    "question-dark": {"script": False, "dark": True},
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", LOOKS)
def test_default_page(plain, chromium, name, width):
    look(chromium, plain.url + "/a", name, width, **LOOKS[name])


def test_right_to_left(plain, chromium):
    arrange(chromium, language="he")
    chromium.get(plain.url + "/")
    assert chromium.one("html").attribute("dir") == "rtl"
    chromium.script("let p = document.createElement('p'); p.className = 'note'; document.querySelector('main').append(p)")

    def style(css, name):
        return chromium.script("return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", css, name)

    assert style(".note", "borderRightWidth") == "4px"
    assert style(".note", "borderLeftWidth") == "0px"
    width = chromium.script("return document.getElementById('fill').offsetWidth")
    origin = float(style("#fill", "transformOrigin").split("px")[0])
    assert width > 100 and origin == width, "progress begins where reading begins"
    assert style("code", "direction") == "ltr"


@pytest.mark.parametrize("width", [320, 1280])
def test_shipped_theme(papyrus, chromium, width):
    look(chromium, papyrus.url + "/", "own-question", width, script=False)
    look(chromium, papyrus.url + "/", "own", width)
    assert chromium.script("return document.querySelector('img.logo').naturalWidth") > 0, "the logo is shown"
    look(chromium, papyrus.url + "/", "own-dark", width, dark=True)
    assert chromium.script("return getComputedStyle(document.body).backgroundColor") == "rgb(33, 26, 21)"
    assert chromium.title.startswith("Papyrus")
    assert chromium.role("heading").text == "The reading room opens in a moment"
    assert chromium.role("link", "Contact").attribute("href") == "mailto:keeper@example.org"


def test_own_note(papyrus, chromium):
    chromium.get(papyrus.url + "/.ammit/help")
    assert "The reading room" in chromium.one("footer").text
    assert chromium.role("link", "Contact")
    chromium.screenshot("theme-own-help-1280")
    assert not chromium.complaints()


@pytest.mark.parametrize("dark", [False, True])
def test_theme_is_accessible(papyrus, chromium, dark):
    chromium.media(dark)
    for script in (False, True):
        arrange(chromium, script)
        chromium.get(papyrus.url + "/")
        arrange(chromium)
        assert chromium.axe() == []


def test_check_says_nothing_of_it():
    said = run_ammit("check", "--strict", THEME / "policy.yaml")
    assert said.returncode == 0, said.stderr


def test_themed_page_solves(working):
    """An own template works with the script: from the challenge to the site."""
    with dressed(shipped(), bots=[WORK]) as edge:
        working.get(edge.url + "/deep?x=1")
        working.wait(lambda: working.title == "site", "the site")
        assert working.url == edge.url + "/deep?x=1"


def test_reload():
    """A reload changes the page; one that is wrong changes nothing and says why."""
    with dressed("page: { contact: 'ask Ani' }\n") as edge:
        folder = edge.box.path

        def page(host="example.org"):
            return edge.get("/", BROWSER, host=host).body

        def reload(text, word, count, **more):
            write_policy(edge.box, text, **more)
            edge.ammit.signal(signal.SIGHUP)
            wait_until(lambda: edge.ammit.output().count(word) == count, "the reload")

        assert "ask Ani" in page()
        reload("page: { contact: 'ask Maat', css: theme.css }\n", " reloaded ", 1)
        wait_until(lambda: "ask Maat" in page() and "Georgia" in page(), "the new page")
        (folder / "page.html").write_text("<html>\n<body>{{heat}}")
        reload("page: { contact: 'ask Seth', template: page.html }\n", "there is no {{heat}}", 1)
        assert "page.html:2: there is no {{heat}}" in edge.ammit.output()
        assert "ask Maat" in page() and "ask Seth" not in page()
        said = run_ammit("check", folder / "policy.yaml")
        assert said.returncode == 1 and "page.html:2: there is no {{heat}}" in said.stderr
        own = {"contact": "ask Thoth", "texts": {"en": {"title": "Scribes"}}}
        reload("page: { contact: 'ask Isis', texts: { '*': { help: Aid } } }\n", " reloaded ", 2,
               hosts={"git.example.org": {"page": own}})
        wait_until(lambda: "ask Isis" in page(), "the new page")
        assert "<title>Scribes" not in page() and ">Aid</a>" in page()
        page = page("git.example.org:80")
        assert "ask Thoth" in page and "ask Isis" not in page and "<title>Scribes" in page and ">Aid</a>" in page


def test_hostile_values(chromium):
    """What an operator writes is text, whatever it looks like: not one element more, and no complaint."""
    evil = "</style></script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    texts = {"title": evil, "moment": evil, "few": evil, "help": evil, "seconds": evil + "{n}",
             "minutes": evil + "{n}", "why": evil + " {host}"}
    page = {"page": {"contact": evil, "texts": {"*": texts}}}
    with dressed(json.dumps(page)[1:-1] + "\n") as edge:
        chromium.get(edge.url + "/")
        chromium.wait(lambda: chromium.one("#left").text, "words about the time left")
        assert chromium.title.startswith(evil)
        assert chromium.role("heading").text == evil
        assert not chromium.find("img")
        ours = (ROOT / "spoa/challenge/web/page.html").read_text().count("</script>")
        assert len(chromium.find("script")) == edge.get("/", BROWSER).body.count("</script>") == ours
        assert not chromium.complaints()


def test_form_that_waits(plain, chromium):
    """A form that was sent is not lost silently, and the note about it looks like one."""
    chromium.get("data:text/html,<form method=post action=%s/lost><button>Send" % plain.url)
    chromium.role("button").click()
    chromium.wait(lambda: "form that you sent" in chromium.one(".note").text, "the note")
    chromium.screenshot("theme-lost-1280")
    assert not chromium.complaints()
