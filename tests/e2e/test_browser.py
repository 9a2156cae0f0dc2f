"""Debian's Chromium, headless, through chromedriver: the challenge as a visitor meets it."""

import json
import os
import re
import tempfile

import pytest

from conftest import wait_until

FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-sync disable-background-networking "
    "disable-component-update disable-dev-shm-usage proxy-bypass-list=* "
    # Nothing but the edge: no name is looked up, no other address asked.
    "host-resolver-rules=MAP\\x20*\\x20~NOTFOUND\\x20,\\x20EXCLUDE\\x20127.0.0.1"
)


def launch(profile, preferences=None):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS.split() + ["user-data-dir=" + profile]:
        options.add_argument("--" + flag.replace("\\x20", " "))
    if preferences:
        options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(60)
    return driver


@pytest.fixture
def profile():
    with tempfile.TemporaryDirectory(prefix="ammit-chromium-", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.fixture
def browser(profile):
    driver = launch(profile)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def ready(edge):
    from conftest import BROWSER

    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    edge.url = "http://127.0.0.1:%d" % edge.port
    return edge


def on_site(driver):
    return driver.title == "site"


def asked(driver):
    return json.loads(driver.find_element("id", "asked").text)


def challenges(edge):
    return sum("verdict=challenge" in line for line in edge.lines())


def complaints(driver):
    return [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] in ("SEVERE", "WARNING") and "favicon" not in entry["message"]
    ]


def test_solved(ready, browser):
    """From the address that was asked for, through the challenge, to just that address."""
    before = challenges(ready)
    browser.get(ready.url + "/deep/page?a=1&b=%20c")
    wait_until(lambda: on_site(browser), "the site", 60)
    assert browser.current_url == ready.url + "/deep/page?a=1&b=%20c"
    assert asked(browser)["path"] == "/deep/page?a=1&b=%20c"
    cookie = browser.get_cookie("ammit")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and not cookie["secure"]
    assert browser.execute_script("return document.cookie") == ""
    assert challenges(ready) == before + 1
    browser.get(ready.url + "/again")
    assert on_site(browser) and asked(browser)["path"] == "/again"
    assert challenges(ready) == before + 1, "the second request is not challenged"
    assert not complaints(browser)


def test_back_button_does_not_lead_into_the_challenge(ready, browser):
    browser.get(ready.url + "/one")
    wait_until(lambda: on_site(browser), "the site", 60)
    browser.get(ready.url + "/two")
    browser.back()
    wait_until(lambda: on_site(browser) and asked(browser)["path"] == "/one", "the first page")


def test_tampered_pass_is_challenged_and_solved_again(ready, browser):
    browser.get(ready.url + "/")
    wait_until(lambda: on_site(browser), "the site", 60)
    cookie = browser.get_cookie("ammit")
    value = cookie["value"]
    at = value.rindex(".") + 5
    broken = value[:at] + ("x" if value[at] != "x" else "y") + value[at + 1 :]
    browser.delete_cookie("ammit")
    browser.add_cookie({"name": "ammit", "value": broken, "path": "/", "httpOnly": True})
    before = challenges(ready)
    browser.get(ready.url + "/after")
    wait_until(lambda: on_site(browser) and asked(browser)["path"] == "/after", "the site", 60)
    assert challenges(ready) == before + 1
    assert browser.get_cookie("ammit")["value"] != broken


def hard_policy():
    """So much work that the page stays while it is looked at."""
    from conftest import POLICY

    bots = [dict(bot) for bot in POLICY["bots"]]
    for bot in bots:
        if bot["action"] == "CHALLENGE":
            bot["challenge"] = {"difficulty": 6, "algorithm": "fast"}
    return dict(POLICY, bots=bots)


@pytest.fixture
def slow(box):
    from conftest import BROWSER

    edge = box.whole(hard_policy())
    edge.box = box
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    edge.url = "http://127.0.0.1:%d" % edge.port
    return edge


@pytest.mark.parametrize("width", [320, 1280])
def test_page_fits(slow, browser, width):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 600, "deviceScaleFactor": 1, "mobile": False}
    )
    browser.get(slow.url + "/")
    assert browser.find_element("name", "ticket")
    widths = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == width
    assert not complaints(browser)


def test_progress_is_shown_and_spoken(slow, browser):
    browser.get(slow.url + "/")
    bar = wait_until(lambda: browser.find_elements("css selector", "[role=progressbar]"), "the bar")[0]
    wait_until(bar.is_displayed, "the bar to be seen")
    assert bar.get_attribute("aria-label") or bar.get_attribute("aria-labelledby")
    assert bar.get_attribute("aria-valuemax")
    assert browser.find_elements("css selector", "[aria-live]")
    ticket = browser.find_element("name", "ticket").get_attribute("value")
    assert ticket[:12] in browser.find_element("tag name", "body").text
    assert browser.find_element("tag name", "html").get_attribute("lang")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_scheme(slow, browser, scheme):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(slow.url + "/")
    pairs = browser.execute_script(
        "let s = getComputedStyle(document.body), r = getComputedStyle(document.documentElement);"
        "return [s.color, s.backgroundColor, r.backgroundColor]"
    )

    def light(colour):
        numbers = [float(x) for x in re.findall(r"[\d.]+", colour)]
        return sum(numbers[:3]) / 3 if len(numbers) == 3 or numbers[3] > 0 else None

    text = light(pairs[0])
    assert (text < 110) if scheme == "light" else (text > 150), pairs
    grounds = [g for g in map(light, pairs[1:]) if g is not None]
    for ground in grounds:
        assert abs(ground - text) > 100, pairs


def test_without_javascript(slow, profile):
    """Words that say what is missing, and no loop."""
    driver = launch(profile, {"profile.managed_default_content_settings.javascript": 2})
    try:
        driver.get(slow.url + "/page")
        text = driver.find_element("tag name", "body").text
        assert "JavaScript" in text
        before = challenges(slow)
        driver.find_element("tag name", "body").click()
        assert driver.find_element("tag name", "body").text == text
        assert challenges(slow) == before == 2, "one page for us, one in the fixture"
    finally:
        driver.quit()


def test_without_workers(ready, browser):
    """Where workers cannot be had, the page solves it by itself."""
    browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": "delete window.Worker; window.Worker = undefined;"}
    )
    browser.get(ready.url + "/no-workers")
    wait_until(lambda: on_site(browser), "the site", 60)
    assert asked(browser)["path"] == "/no-workers"


def test_cookies_switched_off_is_no_loop(ready, profile):
    driver = launch(profile, {"profile.default_content_setting_values.cookies": 2})
    try:
        before = challenges(ready)
        driver.get(ready.url + "/no-cookies")
        wait_until(
            lambda: "cookie" in driver.find_element("tag name", "body").text.lower() and not on_site(driver)
            and driver.execute_script("return document.documentElement.dataset.state") not in (None, "solving"),
            "words about cookies", 60,
        )
        assert challenges(ready) - before < 8
    finally:
        driver.quit()


def test_refusal_page_leads_on(ready, browser):
    """A solution that is refused: a page that says what to do, and a way to start anew."""
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    browser.get(ready.url + "/")
    wait_until(lambda: on_site(browser), "the site", 60)
    browser.execute_script(
        "let f = document.createElement('form'); f.method = 'post'; f.action = '/.ammit/pass';"
        "for (let n of ['ticket', 'solution', 'back']) { let i = document.createElement('input');"
        "i.name = n; i.value = n == 'back' ? '/start' : 'nonsense'; f.append(i) } document.body.append(f); f.submit()"
    )
    wait_until(lambda: not on_site(browser), "the refusal")
    link = wait_until(lambda: browser.find_elements("css selector", "a[href]"), "a way on")[0]
    assert link.get_attribute("href") == ready.url + "/start"
    link.click()
    wait_until(lambda: on_site(browser) and asked(browser)["path"] == "/start", "the site", 60)


def test_no_browser_is_left_behind(profile):
    driver = launch(profile)
    pid = driver.service.process.pid
    driver.quit()
    assert not os.path.exists("/proc/%d/exe" % pid)
