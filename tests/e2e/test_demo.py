"""make demo: what it prints, what it does, and that nothing is left of it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from conftest import AMMIT, BROWSER, PATIENCE_S, ROOT, free_port, unpack, wait_until


def heed():
    """As from a terminal: under nohup, or behind &, these were ignored, and no shell can trap them then."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Demo:
    def __init__(self, folder, command=(ROOT / "haproxy/demo.sh",), **env):
        self.tmp = pathlib.Path(folder)
        self.log = self.tmp / "out"
        (self.tmp / "tmp").mkdir()
        with open(self.log, "wb") as out:
            self.handle = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                start_new_session=True, preexec_fn=heed,
                env=dict(os.environ, B=str(AMMIT.parent), TMPDIR=str(self.tmp / "tmp"), **env),
            )

    def output(self):
        return self.log.read_text(errors="replace")

    def ready(self):
        def look():
            assert self.handle.poll() is None, self.output()
            return re.search(r"^READY (\S+)$", self.output(), re.M)

        self.url = wait_until(look, "READY").group(1)
        return self

    def members(self):
        """Processes of its session: all that it has started."""
        out = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.handle.pid and fields[0] != "Z":
                    out.append(((folder / "comm").read_text().strip(), int(folder.name)))
            except (OSError, ValueError):
                pass
        return out

    def get(self, path="", headers={}):
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as got:
                return got.status, unpack(got.headers, got.read())
        except urllib.error.HTTPError as got:
            return got.code, unpack(got.headers, got.read())

    def gone(self):
        try:
            self.handle.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("still there: %s\n%s" % (self.members(), self.output()))
        wait_until(lambda: not self.members(), "its processes to be gone")
        assert not list((self.tmp / "tmp").iterdir()), "its folder is left"


@pytest.fixture
def start():
    with tempfile.TemporaryDirectory(prefix="ammit-demo-test-") as folder:
        demos = []

        def start(*command, **env):
            demos.append(Demo(folder, *command, **env))
            return demos[-1]

        yield start
        for demo in demos:
            for _, pid in demo.members():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            demo.handle.wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [True, False])
def test_demo(start, number, whole_group):
    """Ctrl-C goes to everybody in the terminal, kill only to the script: nothing is left either way."""
    demo = start().ready()
    assert re.match(r"http://127\.0\.0\.1:\d+/$", demo.url)
    # HAProxy waits 50 ms for a verdict, which a busy machine may miss: then the site answers, and one asks again.
    for headers, path, line, what in (
        ({"User-Agent": "GPTBot/1.0"}, "", r"deny +403  GET +/ ", ""),
        ({"User-Agent": "curl/7.88.1"}, "page?x", r"allow +200  GET +/page ", "You are on the site"),
        (BROWSER, "", r"challenge +\d+  GET +/ .*reference [0-9a-f]{12}", "ticket"),
    ):
        said = re.compile(r"^  \d\d:\d\d:\d\d  " + line, re.M)

        def judged():
            body = demo.get(path, headers)[1]
            return what in body and said.search(demo.output())

        try:
            wait_until(judged, line)
        except AssertionError as late:
            raise AssertionError("%s of\n%s" % (late, demo.output()))
    assert "\x1b" not in demo.output()
    assert len(demo.members()) >= 4
    if whole_group:
        os.killpg(demo.handle.pid, number)
    else:
        demo.handle.send_signal(number)
    demo.gone()


def test_make_demo_is_ended_with_make(start):
    """SIGTERM for make alone."""
    if not shutil.which("dpkg-query"):
        pytest.skip("make demo installs what is missing, on a Debian")
    # What is under test is built already: the make within has nothing to do.
    demo = start(["make", "-C", ROOT, "demo", "MAKE=true"]).ready()
    assert len(demo.members()) >= 5
    demo.handle.terminate()
    demo.gone()


def test_the_port_that_was_asked_for(start):
    port = free_port()
    demo = start(AMMIT_DEMO_PORT=str(port)).ready()
    assert demo.url == "http://127.0.0.1:%d/" % port


def test_a_port_in_use_is_said(start):
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        demo = start(AMMIT_DEMO_PORT=str(port))
        demo.gone()
    assert demo.handle.returncode == 1 and "port %d is in use" % port in demo.output()


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_a_port_that_is_none(start, port):
    demo = start(AMMIT_DEMO_PORT=port)
    demo.gone()
    assert demo.handle.returncode == 1 and "is no port" in demo.output()


@pytest.mark.parametrize("which", ["ammit", "haproxy"])
def test_it_ends_when_a_part_of_it_does(start, which):
    demo = start().ready()
    pid = [p for name, p in demo.members() if name == which][-1]
    os.kill(pid, signal.SIGKILL)
    demo.gone()
    assert demo.handle.returncode == 1 and "has ended" in demo.output()
