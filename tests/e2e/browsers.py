"""The browsers of Debian that the tests drive, behind one set of words: Chromium (python3-selenium
and chromedriver) and Firefox (Marionette, its own protocol, spoken here). terminal.py has w3m and lynx.

    with Firefox(javascript=False, width=320) as browser:
        browser.get(url)
        browser.role("button", "Continue").click()
        browser.screenshot("question")

A browser starts with a fresh profile in a temporary folder, asks nobody but the addresses of the
tests, and is ended by its handle. forget() makes one that ran fit for the next test: starting one
takes seconds. What is asked by role() is found as a screen reader finds it, whatever the layout.

The options of both, all on by default unless said otherwise: javascript, cookies, images, workers,
wasm and jit (one switch in Chromium: V8 without a JIT has no WebAssembly), simd (Chromium only); dark
and still (reduced motion), off by default; width and height; language; private; safer (what Tor
Browser calls so; Firefox only); prefs and flags of the browser's own.

No browser runs under a false clock (libfaketime hangs both): before(CLOCK) turns that of its pages, and
conftest.fake_clock that of the servers, which is all that they can see of each other's.
"""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
import types

import pytest

from conftest import ROOT, wait_until

OUT = (ROOT / os.environ.get("B", "build")).resolve()
SCREENSHOTS = OUT / "screenshots"
AXE = OUT / "axe" / "axe.min.js"

# Of the keyboard (WebDriver, 17.4.2).
TAB, ENTER, SPACE = "\ue004", "\ue007", " "

NO_WORKERS = "delete window.Worker; delete window.SharedWorker; window.Worker = undefined;"
# Workers that are alive and never get anywhere: the page stays while it is looked at.
IDLE = """
    window.Worker = function () {
        var w = this;
        setInterval(function () { if (w.onmessage) w.onmessage({ data: { hashes: 1000 } }); }, 50);
    };
    window.Worker.prototype = { postMessage: function () {}, terminate: function () {} };
"""
# Date is wrong by so many milliseconds, for a page and all its scripts.
CLOCK = """
    (function (Right, wrong) {
        window.Date = class extends Right {
            constructor(...what) { if (what.length) super(...what); else super(Right.now() + wrong) }
            static now() { return Right.now() + wrong }
        };
    })(Date, %d);
"""

CANDIDATES = {
    "link": "a[href]",
    "button": "button, input[type=submit], input[type=button], summary, [role=button]",
    "textbox": "input:not([type=hidden]), textarea, [role=textbox]",
    "heading": "h1, h2, h3, h4, h5, h6, [role=heading]",
    "main": "main, [role=main]",
    "img": "img, svg, [role=img]",
}


class Gone(Exception):
    """What was asked about is not there: the page went away meanwhile, or never had it."""


class Element:
    def __init__(self, browser, handle):
        self.browser, self.handle = browser, handle

    def __getattr__(self, name):
        # text, shown, label, role: asked anew each time.
        if name not in ("text", "shown", "label", "role"):
            raise AttributeError(name)
        return getattr(self.browser, "_" + name)(self.handle)

    def __eq__(self, other):
        return isinstance(other, Element) and self.key == other.key

    def __hash__(self):
        return hash(self.key)

    @property
    def key(self):
        return getattr(self.handle, "id", self.handle)

    def click(self):
        self.browser._click(self.handle)

    def type(self, text):
        self.browser._type(self.handle, text)

    def attribute(self, name):
        return self.browser.script("return arguments[0].getAttribute(arguments[1])", self, name)

    def __repr__(self):
        return "<%s %r>" % (self.role, self.label)


class Browser:
    """What both have in common; what they differ in is called _name there."""

    DEFAULTS = {
        "javascript": True, "cookies": True, "images": True, "workers": True, "wasm": True, "simd": True, "jit": True,
        "dark": False, "still": False, "width": 1280, "height": 800, "language": "en-US", "private": False,
        "safer": False, "prefs": {}, "flags": (),
    }

    def __init__(self, **options):
        assert set(options) <= set(self.DEFAULTS), options
        self.options = types.SimpleNamespace(**{**self.DEFAULTS, **options})
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.profile = self.stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ammit-%s-" % self.name, ignore_cleanup_errors=True)
            )
            self._start(self.options)
            self.first = self.tab_handle()
            self.viewport(self.options.width, self.options.height)
            self.media(self.options.dark, self.options.still)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def environment(self):
        env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        # Firefox looks for the language in the locale too.
        env["HOME"] = env["TMPDIR"] = self.profile
        return env

    def wait(self, condition, what, seconds=60):
        """Until it holds; that a page goes away while it is asked is no answer."""
        def holds():
            try:
                return condition()
            except Gone:
                return None

        try:
            return wait_until(holds, what, seconds)
        except AssertionError as failure:
            raise AssertionError("%s: %s at %s: %r" % (self.name, failure, self.url, self.words()[:600])) from None

    def words(self):
        """All that can be read on the page."""
        # Not as WebDriver reads it: for that <noscript> is never shown.
        try:
            return self.script("return document.body ? document.body.innerText : ''") or ""
        except Gone:
            return ""

    def one(self, css):
        return self.find(css)[0] if self.find(css) else self._gone(css)

    def _gone(self, what):
        raise Gone("%s has no %s" % (self.url, what))

    def all_roles(self, role, css=None):
        return [e for e in self.find(css or CANDIDATES.get(role, "[role=%s]" % role)) if e.shown and e.role == role]

    def role(self, role, label=None):
        """The one that a screen reader names so; label is a pattern."""
        for element in self.all_roles(role):
            if label is None or re.search(label, element.label, re.I):
                return element
        return self._gone("%s named %s" % (role, label))

    def focused(self):
        return self.script("return document.activeElement")

    def walk(self, at=lambda stop: None, limit=60):
        """Every stop of Tab on the page, in order, until it leaves the page or they repeat; at() is
        called at each. Behind the last one are the toolbars: load the page anew to walk it again."""
        stops = []
        for _ in range(limit):
            self.press(TAB)
            stop = self.focused()
            if stop is None or stop in stops or not self.script("return document.hasFocus()"):
                break
            if stop not in self.find("html, body"):
                at(stop)
                stops.append(stop)
        return stops

    def tab_to(self, element, limit=60):
        """By keyboard only."""
        for _ in range(limit):
            if self.focused() == element:
                return
            self.press(TAB)
        raise AssertionError("%s: Tab does not lead to %r" % (self.name, element))

    def cookie(self, name):
        return next((c for c in self.cookies() if c["name"] == name), None)

    def sideways(self):
        """How many pixels the page scrolls sideways."""
        return self.script("let d = document.scrollingElement; return d.scrollWidth - d.clientWidth")

    def moving(self):
        """What moves by CSS now, or would when a style changes: none of it where motion is reduced."""
        return self.script(
            "let seconds = s => Math.max(...s.split(',').map(t => parseFloat(t) * (/ms$/.test(t) ? 0.001 : 1)));"
            "let name = e => e.tagName + (e.id && '#' + e.id);"
            "return [...document.getAnimations().map(a => 'runs: ' + name(a.effect.target)),"
            "...[...document.querySelectorAll('*')].filter(e => { let s = getComputedStyle(e);"
            "return s.animationName !== 'none' && seconds(s.animationDuration) > 0.01"
            "|| seconds(s.transitionDuration) > 0.01 }).map(name)]"
        )

    def screenshot(self, name):
        """The whole page, as build/screenshots/NAME.png, to be looked at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = SCREENSHOTS / (name + ".png")
        file.write_bytes(base64.b64decode(self._screenshot()))
        return file

    def axe(self):
        """What axe-core finds against WCAG 2.2 AA and its own best practices, one line each."""
        if not AXE.exists():
            pytest.skip("axe-core is not there: tests/axe.sh could not fetch it (see its output)")
        # As the driver runs it: a page's policy does not hold for that.
        self.script(AXE.read_text() + "\nwindow.axe = window.axe || axe; return typeof axe.run")
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
        found = self.later(
            "let done = arguments[arguments.length - 1];"
            "axe.run(document, { runOnly: { type: 'tag', values: arguments[0] } })"
            ".then(r => done({ passes: r.passes.length, violations: r.violations.map(v => v.id + ' (' + v.impact + '): '"
            " + v.help + ': ' + v.nodes.map(n => n.html.slice(0, 120) + ' ' + n.failureSummary.replace(/\\s+/g, ' ')"
            ").join(' | ')) }), e => done({ failed: String(e) }))", tags,
        )
        assert found.get("passes", 0) >= 5, "axe-core looked at nothing: %s" % found
        return found["violations"]


# ---- Chromium ----


class Chromium(Browser):
    name = "chromium"
    FLAGS = (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
        "disable-background-networking", "disable-component-update", "disable-dev-shm-usage", "proxy-bypass-list=*",
        "hide-scrollbars",
        # Nothing but the edge: no name is looked up, no other address asked.
        "host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE 203.0.113.1",
    )

    def _start(self, o):
        from selenium import webdriver
        from selenium.common import exceptions
        from selenium.webdriver.chrome.service import Service
        from selenium.webdriver.remote.remote_connection import RemoteConnection

        # Longer than any answer takes. There are none to a screenshot of a page that goes on meanwhile.
        RemoteConnection.set_timeout(120)
        assert not o.safer, "only Firefox has such a mode"
        self.exceptions = exceptions
        settings = "profile.managed_default_content_settings."
        prefs = {"intl.accept_languages": o.language, "profile.default_content_setting_values.cookies": 1 if o.cookies else 2}
        if not o.javascript:
            prefs[settings + "javascript"] = 2
        if not o.images:
            prefs[settings + "images"] = 2
        # V8 has no switch for SIMD alone: without these instructions it has none.
        engine = ["--no-enable-ssse3", "--no-enable-sse4-1"] * (not o.simd) + ["--jitless"] * (not (o.wasm and o.jit))
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*self.FLAGS, "user-data-dir=" + self.profile, "lang=" + o.language, *o.flags]:
            options.add_argument("--" + flag)
        if engine:
            options.add_argument("--js-flags=" + " ".join(engine))
        if o.private:
            options.add_argument("--incognito")
        options.add_experimental_option("prefs", {**prefs, **o.prefs})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # Of the pages, and no more than is asked about.
        options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
        self.driver = webdriver.Chrome(
            service=Service("/usr/bin/chromedriver", env=self.environment(), log_path=os.devnull), options=options
        )
        self.stack.callback(self.driver.quit)
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)
        if not o.workers:
            self.before(NO_WORKERS)

    def before(self, script):
        """Runs before any script of any later page of this tab."""
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=script)

    def speak(self, language):
        """What the pages of this tab are asked for in."""
        self.cdp("Network.enable")
        self.cdp("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    @contextlib.contextmanager
    def gone(self):
        e = self.exceptions
        try:
            yield
        except (e.StaleElementReferenceException, e.NoSuchElementException, e.JavascriptException) as error:
            raise Gone(str(error)) from error
        except e.WebDriverException as error:
            if re.search("node with given id|execution context|no such execution|aborted by navigation|frame is detached", str(error), re.I):
                raise Gone(str(error)) from error
            raise

    def cdp(self, command, **arguments):
        with self.gone():
            return self.driver.execute_cdp_cmd(command, arguments)

    def get(self, url):
        self.driver.get(url)

    def reload(self):
        self.driver.refresh()

    def back(self):
        self.driver.back()

    @property
    def url(self):
        return self.driver.current_url

    @property
    def title(self):
        return self.driver.title

    @property
    def source(self):
        return self.driver.page_source

    def find(self, css):
        with self.gone():
            return [Element(self, handle) for handle in self.driver.find_elements("css selector", css)]

    def _run(self, method, code, arguments):
        from selenium.webdriver.remote.webelement import WebElement

        with self.gone():
            got = method(code, *[a.handle if isinstance(a, Element) else a for a in arguments])
        return Element(self, got) if isinstance(got, WebElement) else got

    def script(self, code, *arguments):
        return self._run(self.driver.execute_script, code, arguments)

    def later(self, code, *arguments):
        return self._run(self.driver.execute_async_script, code, arguments)

    def _click(self, handle):
        with self.gone():
            handle.click()

    def _type(self, handle, text):
        with self.gone():
            handle.send_keys(text)

    def _text(self, handle):
        with self.gone():
            return handle.text

    def _shown(self, handle):
        with self.gone():
            return handle.is_displayed()

    def _label(self, handle):
        with self.gone():
            return handle.accessible_name

    def _role(self, handle):
        with self.gone():
            return handle.aria_role

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def responses(self):
        """What came over the network since it was last asked, by address: status, headers, and the body if
        it is still to be had."""
        seen = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = {m["params"]["requestId"]: m["params"]["request"]["url"] for m in seen
                 if m["method"] == "Network.requestWillBeSent"}
        got = {}
        for message in seen:
            what, request = message["params"], message["params"].get("requestId")
            # The one comes, at times, only where the browser uses the response, the other where it does not.
            if message["method"] == "Network.responseReceived":
                status, headers = what["response"]["status"], what["response"]["headers"]
            elif message["method"] == "Network.responseReceivedExtraInfo":
                status, headers = what["statusCode"], what["headers"]
            else:
                continue
            if request not in asked:
                continue
            body = None
            with contextlib.suppress(self.exceptions.WebDriverException):
                body = self.cdp("Network.getResponseBody", requestId=request)["body"]
            got[asked[request]] = (status, {name.lower(): value for name, value in headers.items()}, body)
        return got

    def cookies(self):
        return self.driver.get_cookies()

    def add_cookie(self, name, value):
        self.driver.add_cookie({"name": name, "value": value, "path": "/", "httpOnly": True})

    def tab_handle(self):
        return self.driver.current_window_handle

    def tabs(self):
        return self.driver.window_handles

    def new_tab(self):
        self.driver.switch_to.new_window("tab")
        self.viewport(self.options.width, self.options.height)
        return self.tab_handle()

    def switch(self, handle):
        self.driver.switch_to.window(handle)

    def viewport(self, width, height=800):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, dark=False, still=False):
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ])

    def cores(self, count):
        """How many the pages of this tab are told of."""
        self.cdp("Emulation.setHardwareConcurrencyOverride", hardwareConcurrency=count)

    def forget(self):
        for handle in self.tabs():
            if handle != self.first:
                self.switch(handle)
                self.driver.close()
        self.switch(self.first)
        self.get("about:blank")
        self.cdp("Network.clearBrowserCookies")
        self.cdp("Network.clearBrowserCache")
        # A session's storage belongs to the tab: a new tab has a new one.
        self.first, old = self.new_tab(), self.first
        self.switch(old)
        self.driver.close()
        self.switch(self.first)
        self.viewport(self.options.width, self.options.height)
        self.media(self.options.dark, self.options.still)
        self.complaints()

    def _screenshot(self):
        # What needs no more than the window is moved aside by that where it goes from right to left.
        beyond = self.script("return document.scrollingElement.scrollHeight > innerHeight")
        return self.cdp("Page.captureScreenshot", captureBeyondViewport=beyond)["data"]

    def complaints(self):
        """What the console said since it was last asked, at the levels of warnings and errors."""
        # That the page itself came with a status of 400 or more is noted too, and is none.
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
            and not (entry["source"] == "network" and entry["message"].startswith(self.url + " - "))
        ]


# ---- Firefox ----

QUIET = {
    # Nothing of its own over the network, and no window of its own either.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.translations.enable": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disabled": True,
    "network.prefetch-next": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    # Through no proxy, and http where http is asked for.
    "network.proxy.type": 0,
    "dom.security.https_first": False,
    "dom.security.https_first_pbm": False,
    "dom.security.https_only_mode": False,
    # Tests fill forms and close tabs: nobody is asked about it.
    "dom.disable_beforeunload": True,
    "dom.disable_open_during_load": False,
    "marionette.port": 0,  # a free one
}

# What Tor Browser's level "Safer" turns off where a page is plain http, and at all times for the JIT.
SAFER = {
    "javascript.options.ion": False,
    "javascript.options.baselinejit": False,
    "javascript.options.native_regexp": False,
    "javascript.options.wasm": False,
    "mathml.disabled": True,
    "gfx.font_rendering.graphite.enabled": False,
    "browser.privatebrowsing.autostart": True,
    "privacy.resistFingerprinting": True,
    "network.cookie.cookieBehavior": 1,
    "webgl.disabled": True,
}

NOT_THERE = ("stale element reference", "no such element", "no such shadow root", "javascript error", "detached shadow root")


class Firefox(Browser):
    name = "firefox"
    KEY = "element-6066-11e4-a52e-4f735466cecf"  # under which WebDriver hands out an element

    def _start(self, o):
        assert o.simd, "only Chromium has a switch for that"
        prefs = {**QUIET, "javascript.enabled": o.javascript, "javascript.options.wasm": o.wasm,
                 "network.cookie.cookieBehavior": 0 if o.cookies else 2, "intl.accept_languages": o.language,
                 "permissions.default.image": 1 if o.images else 2, "browser.privatebrowsing.autostart": o.private}
        if not o.jit:
            prefs.update({"javascript.options.ion": False, "javascript.options.baselinejit": False})
        if o.safer:
            prefs.update(SAFER)
        prefs.update(o.prefs)
        with open(self.profile + "/user.js", "w") as file:
            for item in prefs.items():
                file.write("user_pref(%s, %s);\n" % tuple(map(json.dumps, item)))
        self.log = open(self.profile + "/output.log", "wb")
        self.stack.callback(self.log.close)
        self.process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile",
             self.profile, *o.flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment(),
        )
        self.stack.callback(self._end)
        self.sock = wait_until(self._connect, "Firefox to answer", 60)
        self.sock.settimeout(120)
        self.buffer, self.id, self.scripts = b"", 0, []
        self._receive()
        self.call("WebDriver:NewSession", capabilities={})
        self.call("WebDriver:SetTimeouts", pageLoad=60000, script=60000, implicit=0)
        if not o.workers:
            self.before(NO_WORKERS)

    def _connect(self):
        assert self.process.poll() is None, "Firefox ended"
        try:
            with open(self.profile + "/MarionetteActivePort") as file:
                return socket.create_connection(("127.0.0.1", int(file.read())), 60)
        except (OSError, ValueError):
            return None

    def _end(self):
        # Its profile is thrown away: there is nothing to be saved, and asking takes a second. What
        # it started ends with it.
        if hasattr(self, "sock"):
            self.sock.close()
        self.process.kill()
        self.process.wait()

    # LENGTH:[0, id, command, arguments], and LENGTH:[1, id, error, result] in return.

    def _receive(self):
        while True:
            length, colon, rest = self.buffer.partition(b":")
            if colon and len(rest) >= int(length):
                self.buffer = rest[int(length) :]
                return json.loads(rest[: int(length)])
            more = self.sock.recv(1 << 20)
            if not more:
                raise OSError("Firefox hung up")
            self.buffer += more

    def call(self, command, **arguments):
        self.id += 1
        message = json.dumps([0, self.id, command, arguments]).encode()
        self.sock.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._receive()
        if error:
            kind = Gone if error["error"] in NOT_THERE else RuntimeError
            if "unloaded" in error["message"] or "actor" in error["message"].lower():
                kind = Gone
            raise kind("%s: %s: %s" % (command, error["error"], error["message"]))
        if isinstance(result, dict) and list(result) == ["value"]:
            return result["value"]
        return result

    def chrome(self, code, *arguments):
        """A script with the rights of the browser itself."""
        self.call("Marionette:SetContext", value="chrome")
        try:
            return self.call("WebDriver:ExecuteScript", script=code, args=list(arguments), newSandbox=True)
        finally:
            self.call("Marionette:SetContext", value="content")

    def pref(self, name, value):
        """A preference, from the next page on."""
        kind = {bool: "Bool", int: "Int", str: "String"}[type(value)]
        self.chrome("Services.prefs.set%sPref(arguments[0], arguments[1])" % kind, name, value)

    def before(self, script):
        """Runs before any script of any later page, until all is forgotten; as one of an extension would."""
        url = self.chrome(
            "let then = `{ let w = e.target.defaultView; if (w) Cu.evalInSandbox(${JSON.stringify(arguments[0])},"
            "new Cu.Sandbox(w, { sandboxPrototype: w, wantXrays: false })) }`;"
            "let url = 'data:,' + encodeURIComponent(`addEventListener('DOMWindowCreated', e => ${then}, true)`);"
            "Services.mm.loadFrameScript(url, true); return url", script,
        )
        self.scripts.append(url)

    def speak(self, language):
        self.pref("intl.accept_languages", language)

    def get(self, url):
        self.call("WebDriver:Navigate", url=url)

    def reload(self):
        self.call("WebDriver:Refresh")

    def back(self):
        self.call("WebDriver:Back")

    @property
    def url(self):
        return self.call("WebDriver:GetCurrentURL")

    @property
    def title(self):
        return self.call("WebDriver:GetTitle")

    @property
    def source(self):
        return self.call("WebDriver:GetPageSource")

    def find(self, css):
        return [
            Element(self, e[self.KEY])
            for e in self.call("WebDriver:FindElements", using="css selector", value=css)
        ]

    def _run(self, command, code, arguments):
        got = self.call(command, script=code, newSandbox=False,
                        args=[{self.KEY: a.handle} if isinstance(a, Element) else a for a in arguments])
        return Element(self, got[self.KEY]) if isinstance(got, dict) and self.KEY in got else got

    def script(self, code, *arguments):
        return self._run("WebDriver:ExecuteScript", code, arguments)

    def later(self, code, *arguments):
        return self._run("WebDriver:ExecuteAsyncScript", code, arguments)

    def _click(self, handle):
        self.call("WebDriver:ElementClick", id=handle)

    def _type(self, handle, text):
        self.call("WebDriver:ElementSendKeys", id=handle, text=text)

    def _text(self, handle):
        return self.call("WebDriver:GetElementText", id=handle)

    def _shown(self, handle):
        return self.call("WebDriver:IsElementDisplayed", id=handle)

    def _label(self, handle):
        return self.call("WebDriver:GetComputedLabel", id=handle)

    def _role(self, handle):
        return self.call("WebDriver:GetComputedRole", id=handle)

    def press(self, *keys):
        strokes = [{"type": way, "value": key} for key in keys for way in ("keyDown", "keyUp")]
        self.call("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": strokes}])

    def cores(self, count):
        """How many the pages are told of; no more than there are."""
        self.pref("dom.maxHardwareConcurrency", count)

    def cookies(self):
        return self.call("WebDriver:GetCookies")

    def add_cookie(self, name, value):
        self.call("WebDriver:AddCookie", cookie={"name": name, "value": value, "path": "/", "httpOnly": True})

    def tab_handle(self):
        return self.call("WebDriver:GetWindowHandle")

    def tabs(self):
        return self.call("WebDriver:GetWindowHandles")

    def new_tab(self):
        handle = self.call("WebDriver:NewWindow", type="tab")["handle"]
        self.switch(handle)
        self.viewport(self.options.width, self.options.height)
        return handle

    def switch(self, handle):
        self.call("WebDriver:SwitchToWindow", handle=handle)

    def viewport(self, width, height=800):
        # A window has a least width, what it shows of a page has none.
        self.chrome(
            "let style = gBrowser.selectedBrowser.style;"
            "for (let [name, size] of [['width', arguments[0]], ['height', arguments[1]]])"
            "for (let bound of ['', 'min-', 'max-']) style.setProperty(bound + name, size + 'px');"
            "style.setProperty('flex', 'none')", width, height,
        )
        if self.options.javascript:
            self.wait(lambda: self.script("return innerWidth") == width, "the width of %d" % width)

    def media(self, dark=False, still=False):
        self.pref("layout.css.prefers-color-scheme.content-override", 0 if dark else 1)
        self.pref("ui.prefersReducedMotion", 1 if still else 0)

    def forget(self):
        for handle in self.tabs():
            if handle != self.first:
                self.switch(handle)
                self.call("WebDriver:CloseWindow")
        self.switch(self.first)
        while self.scripts:
            self.chrome("Services.mm.removeDelayedFrameScript(arguments[0])", self.scripts.pop())
        # A session's storage belongs to the tab: a new tab has a new one.
        old = self.first
        self.first = self.new_tab()
        self.switch(old)
        self.call("WebDriver:CloseWindow")
        self.switch(self.first)
        self.chrome("Services.cookies.removeAll(); Services.cache2.clear(); Services.console.reset()")
        self.cores(16)
        self.speak(self.options.language)
        self.media(self.options.dark, self.options.still)

    def _screenshot(self):
        return self.call("WebDriver:TakeScreenshot", full=True)

    def complaints(self):
        """What the console said of pages since it was last asked, at the levels of warnings and errors."""
        return self.chrome(
            "let all = Services.console.getMessageArray(); Services.console.reset();"
            "return all.filter(m => m instanceof Ci.nsIScriptError && !(m.flags & Ci.nsIScriptError.infoFlag)"
            "&& /^(http|blob)/.test(m.sourceName)).map(m => m.category + ': ' + m.errorMessage + ' ' + m.sourceName)"
        )
