"""The browsers of the terminal, w3m and lynx, in a real one (tmux): what stands on the screen, and keys.

    with W3m(url) as browser:
        browser.wait("Something orange")
        browser.field(1)
        browser.fill("carrot")
        browser.step()
        browser.follow()
        browser.wait("thanks")
"""

import contextlib
import os
import re
import subprocess
import tempfile

from conftest import PATIENCE_S, wait_until


class Terminal:
    """A program on a terminal of its own: what stands on the screen, and keys (as tmux names them)."""

    def __init__(self, command, width=100, height=40):
        self.stack = contextlib.ExitStack()
        self.folder = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="ammit-terminal-", ignore_cleanup_errors=True)
        )
        self.command, self.size = [str(c) for c in command], (width, height)

    def tmux(self, *arguments):
        env = dict(os.environ, HOME=self.folder, LC_ALL="C.UTF-8", TERM="xterm", TMUX="")
        return subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self.folder + "/socket", *arguments], env=env, capture_output=True,
            text=True, timeout=PATIENCE_S,
        ).stdout

    def __enter__(self):
        self.stack.callback(self.tmux, "kill-server")
        self.tmux("new-session", "-d", "-x", str(self.size[0]), "-y", str(self.size[1]), *self.command)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *names):
        for name in names:
            self.tmux("send-keys", name)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def wait(self, pattern, seconds=None):
        try:
            return wait_until(lambda: re.search(pattern, self.screen(), re.S), repr(pattern), seconds)
        except AssertionError as failure:
            raise AssertionError("%s on the screen:\n%s" % (failure, self.screen())) from None


class TextBrowser(Terminal):
    """w3m and lynx: links and fields are walked from the top of the page, as people do it."""

    def __init__(self, url, agent=None, **more):
        super().__init__([*self.COMMAND, *(self.agent(agent) if agent else []), url], **more)

    def step(self, count=1):
        """To the next link, field or button."""
        self.keys(*[self.NEXT] * count)

    def field(self, number):
        """To the link, field or button of that number on a new page; the first is 1."""
        self.step(number - self.AT_FIRST)

    def cursor(self):
        return tuple(map(int, self.tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()))

    def to(self, pattern, limit=20):
        """Step by step to the link, field or button in whose line that stands."""
        for _ in range(limit):
            at = self.cursor()
            if re.search(pattern, self.screen().split("\n")[at[1]]):
                return
            self.step()
            wait_until(lambda: self.cursor() != at, "the cursor to move")
        raise AssertionError("nothing like %r to be reached on the screen:\n%s" % (pattern, self.screen()))

    def follow(self):
        """The link or the button that the cursor is on."""
        self.keys("Enter")


class W3m(TextBrowser):
    name = "w3m"
    NEXT = "Tab"
    AT_FIRST = False  # the cursor stands on the first link or field of a new page
    COMMAND = ["w3m", "-cookie", "-o", "accept_cookie=1", "-o", "meta_refresh=1", "-o", "confirm_qq=0",
               "-o", "display_image=0", "-o", "auto_image=0"]

    def agent(self, name):
        return ["-o", "user_agent=" + name]

    def fill(self, text):
        """The field that the cursor is on."""
        self.keys("Enter")
        self.wait("TEXT:")
        self.type(text)
        self.keys("Enter")
        self.wait(re.escape(text))


class Lynx(TextBrowser):
    name = "lynx"
    NEXT = "Down"
    AT_FIRST = True
    COMMAND = ["lynx", "-accept_all_cookies", "-nopause", "-noreferer", "-show_cursor=on"]

    def agent(self, name):
        return ["-useragent=" + name]

    def fill(self, text):
        self.type(text)
        self.wait(re.escape(text))
