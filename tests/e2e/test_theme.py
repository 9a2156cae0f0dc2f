"""The page as an operator dresses it, through HAProxy and in Chromium. Screenshots of every dress are kept in
build/screenshots, to be looked at."""

import json
import os
import shutil
import signal
import urllib.parse

import pytest

from conftest import BROWSER, POLICY, ROOT, run_ammit, wait_until
from test_browser import complaints, launch, profile  # noqa: F401: a fixture

THEME = ROOT / "contrib/theme"
SCREENSHOTS = ROOT / os.environ.get("B", "build") / "screenshots"

# So much work that the page stays while it is looked at.
HARD = {"name": "all", "path_regex": "^/", "action": "CHALLENGE",
        "challenge": {"algorithm": "fast", "difficulty": 6, "methods": ["pow", "question"]}}
LOST = {"name": "lost", "path_regex": "^/lost", "action": "CHALLENGE",
        "challenge": {"algorithm": "fast", "difficulty": 6, "methods": ["pow", "wait"]}}


def write_policy(box, page="", **more):
    """page: what is YAML already."""
    file = box.path / "policy.yaml"
    more = dict({"bots": [LOST, HARD], "status_codes": POLICY["status_codes"]}, **more)
    file.write_text(page + "".join("%s: %s\n" % (k, json.dumps(v)) for k, v in more.items()))
    return file


def shipped():
    """What stands under `page` in the theme that is shipped."""
    text = (THEME / "policy.yaml").read_text()
    return text[text.index("page:"):]


@pytest.fixture
def dress(box):
    """An edge whose page looks so."""
    for file in THEME.iterdir():
        shutil.copy(file, box.path)

    def make(page="", note=None, **more):
        if note:
            (box.path / "note.html").write_text(note)
        edge = box.whole(write_policy(box, page, **more))
        wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
        edge.url = "http://127.0.0.1:%d" % edge.port
        return edge

    return make


@pytest.fixture
def chromium(profile):  # noqa: F811
    driver = launch(profile)
    yield driver
    driver.quit()


def look(driver, url, name, width, dark=False, script=True, prepare=None, language="en"):
    """The whole page at this width, without a complaint in the console, nothing wider than the window."""
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
    driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})
    driver.get(url)
    assert driver.find_element("tag name", "html").get_attribute("lang") == language
    if prepare:
        driver.execute_script(prepare)
    if script:
        wait_until(lambda: driver.find_element("id", "left").text, "words about the time left")
    widths = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == width, widths
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    driver.get_screenshot_as_file(str(SCREENSHOTS / ("theme-%s-%d.png" % (name, width))))
    assert not complaints(driver)


DOUBLE = "document.documentElement.style.fontSize = '200%'"
LOOKS = {
    "default": {},
    "dark": {"dark": True},
    "rtl": {"language": "ar"},
    "rtl-question": {"language": "fa", "script": False},
    "double": {"prepare": DOUBLE},
    "question": {"script": False},
    "question-dark": {"script": False, "dark": True},
}


def test_default_page(dress, chromium):
    edge = dress()
    for width in (320, 1280):
        for name, how in LOOKS.items():
            look(chromium, edge.url + "/a", name, width, **how)
    look(chromium, edge.url + "/a", "default", 1280)
    chromium.get(edge.url + "/.ammit/help")
    chromium.get_screenshot_as_file(str(SCREENSHOTS / "theme-help-1280.png"))
    assert not complaints(chromium)


def test_right_to_left(dress, chromium):
    edge = dress()
    chromium.execute_cdp_cmd("Network.enable", {})
    chromium.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": "he"}})
    chromium.get(edge.url + "/")
    assert chromium.find_element("tag name", "html").get_attribute("dir") == "rtl"
    chromium.execute_script(
        "let p = document.createElement('p'); p.className = 'note'; document.querySelector('main').append(p)")
    style = "return getComputedStyle(document.querySelector('%s')).%s"
    assert chromium.execute_script(style % (".note", "borderRightWidth")) == "4px"
    assert chromium.execute_script(style % (".note", "borderLeftWidth")) == "0px"
    origin = chromium.execute_script(style % ("#fill", "transformOrigin"))
    width = chromium.execute_script("return document.getElementById('fill').offsetWidth")
    assert float(origin.split("px")[0]) == width, "progress begins where reading begins"
    assert chromium.execute_script(style % ("code", "direction")) == "ltr"


def test_shipped_theme(dress, chromium):
    note = (ROOT / "spoa/challenge/web/note.html").read_text()
    edge = dress(shipped() + "  note_template: note.html\n",
                 note=note.replace("<footer>", '<footer>\n<p class="site">The reading room</p>'))
    for width in (320, 1280):
        look(chromium, edge.url + "/", "own", width)
        logo = chromium.find_element("css selector", "img.logo")
        assert chromium.execute_script("return arguments[0].naturalWidth", logo) > 0, "the logo is shown"
        look(chromium, edge.url + "/", "own-dark", width, dark=True)
        assert chromium.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(33, 26, 21)"
        look(chromium, edge.url + "/", "own-question", width, script=False)
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert chromium.title.startswith("Papyrus")
    assert chromium.find_element("tag name", "h1").text == "The reading room opens in a moment"
    assert chromium.find_element("link text", "Contact").get_attribute("href") == "mailto:keeper@example.org"
    chromium.get(edge.url + "/.ammit/help")
    assert "reading room" in chromium.find_element("tag name", "footer").text
    chromium.get_screenshot_as_file(str(SCREENSHOTS / "theme-own-help-1280.png"))
    assert not complaints(chromium)
    said = run_ammit("check", "--strict", THEME / "policy.yaml")
    assert said.returncode == 0, said.stderr


def test_themed_page_solves(dress, chromium):
    """An own template works with the script: from the challenge to the site."""
    edge = dress(shipped(), bots=[dict(HARD, challenge={"algorithm": "fast", "difficulty": 2})])
    chromium.get(edge.url + "/deep?x=1")
    wait_until(lambda: chromium.title == "site", "the site", 60)
    assert chromium.current_url == edge.url + "/deep?x=1"


def test_reload(dress, box):
    """A reload changes the page; one that is wrong changes nothing and says why."""
    edge = dress("page: { contact: 'ask Ani' }\n")

    def page(host="example.org"):
        return edge.get("/", BROWSER, host=host).body

    def reload(text, word, count):
        write_policy(box, text, **more)
        edge.ammit.signal(signal.SIGHUP)
        wait_until(lambda: edge.ammit.output().count(word) == count, "the reload")

    more = {}
    assert "ask Ani" in page()
    reload("page: { contact: 'ask Maat', css: theme.css }\n", " reloaded ", 1)
    wait_until(lambda: "ask Maat" in page() and "Georgia" in page(), "the new page")
    (box.path / "page.html").write_text("<html>\n<body>{{heat}}")
    reload("page: { contact: 'ask Seth', template: page.html }\n", "there is no {{heat}}", 1)
    assert "page.html:2: there is no {{heat}}" in edge.ammit.output()
    assert "ask Maat" in page() and "ask Seth" not in page()
    said = run_ammit("check", box.path / "policy.yaml")
    assert said.returncode == 1 and "page.html:2: there is no {{heat}}" in said.stderr
    more = {"hosts": {"git.example.org": {"page": {"contact": "ask Thoth", "texts": {"en": {"title": "Scribes"}}}}}}
    reload("page: { contact: 'ask Isis', texts: { '*': { help: Aid } } }\n", " reloaded ", 2)
    wait_until(lambda: "ask Isis" in page(), "the new page")
    assert "<title>Scribes" not in page() and ">Aid</a>" in page()
    own = page("git.example.org:80")
    assert "ask Thoth" in own and "ask Isis" not in own and "<title>Scribes" in own and ">Aid</a>" in own


def test_hostile_values(dress, chromium):
    """What an operator writes is text, whatever it looks like: not one element more, and no complaint."""
    evil = "</style></script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    page = {"contact": evil, "texts": {"*": {"title": evil, "moment": evil, "few": evil, "help": evil,
                                             "seconds": evil + "{n}", "why": evil + " {host}"}}}
    edge = dress(page=json.dumps({"page": page})[1:-1] + "\n")
    chromium.get(edge.url + "/")
    wait_until(lambda: chromium.find_element("id", "left").text, "words about the time left")
    assert chromium.title.startswith(evil)
    assert chromium.find_element("tag name", "h1").text == evil
    assert not chromium.find_elements("tag name", "img")
    assert len(chromium.find_elements("tag name", "script")) == edge.get("/", BROWSER).body.count("</script>") == 2
    assert not complaints(chromium)


def test_form_that_waits(dress, chromium):
    """A form that was sent is not lost silently."""
    edge = dress()
    body = urllib.parse.urlencode({"a": "b"})
    got = edge.request("POST", "/lost", dict(BROWSER, **{"Content-Type": "application/x-www-form-urlencoded"}), body)
    assert "not delivered" in got.body
    chromium.get("data:text/html,<form method=post action=%s/lost><button>" % edge.url)
    chromium.find_element("tag name", "button").click()
    wait_until(lambda: chromium.find_elements("class name", "note"), "the note")
    chromium.get_screenshot_as_file(str(SCREENSHOTS / "theme-lost-1280.png"))
    assert not complaints(chromium)
