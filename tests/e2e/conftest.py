"""What the end-to-end tests stand on: the real ammit, the real HAProxy with the shipped edge.cfg,
and a small site. Everything a test starts lives in its own temporary folder, on unix sockets or on
ports that the kernel chose; it is ended by its handle, and its log is shown when the test fails.
"""

import contextlib
import gzip
import hashlib
import html
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

import pytest

import spop

ROOT = pathlib.Path(__file__).resolve().parents[2]
AMMIT = (ROOT / os.environ.get("B", "build") / "ammit").resolve()
# HAPROXY=PATH tries another version.
HAPROXY = os.environ.get("HAPROXY") or shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
# Sanitizers are slow, and so is a machine with other work.
PATIENCE_S = 40 if os.environ.get("SAN") else 20

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
}
CURL = {"User-Agent": "curl/7.88.1", "Accept": "*/*"}
SCRAPER = {"User-Agent": "Mozilla/5.0 (compatible; GPTBot/1.0; +https://openai.com/gptbot)", "Accept": "*/*"}

# Small and whole: one rule of each kind that the tests ask for. Solved in a moment by Python.
POLICY = {
    "bots": [
        {"name": "scraper", "user_agent_regex": "GPTBot", "action": "DENY"},
        {"name": "secret", "path_regex": "^/secret/", "action": "DENY"},
        {"name": "feed", "path_regex": "^/feed\\.xml$", "action": "ALLOW"},
        {"name": "trusted", "user_agent_regex": "TrustedAgent", "action": "ALLOW"},
        {
            "name": "browser",
            "user_agent_regex": "Mozilla",
            "action": "CHALLENGE",
            "challenge": {"difficulty": 2, "algorithm": "fast"},
        },
    ],
    "thresholds": [],
    "status_codes": {"CHALLENGE": 200, "DENY": 403},
}


def wait_until(condition, what="the condition", seconds=None):
    """The only way to wait here: until it holds."""
    end = time.monotonic() + (seconds or PATIENCE_S)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.01)


def fake_clock(by=None, file=None):
    """The environment in which a program's clock is wrong by that (faketime(1): "+1d"), or by what
    stands in the file, read anew each time. The monotonic clock is right."""
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("no libfaketime: tests/deps.sh installs faketime")
    if os.environ.get("SAN"):
        pytest.skip("libfaketime and a sanitizer do not go together")
    offset = {"FAKETIME_TIMESTAMP_FILE": str(file)} if file else {"FAKETIME": by}
    return {"LD_PRELOAD": str(found[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1", **offset}


class Process:
    """A program with its log in a file; stop() may be called any number of times."""

    def __init__(self, name, command, log, env=None):
        self.name, self.command, self.log, self.env = name, [str(c) for c in command], log, env
        self.handle = None

    def start(self):
        with open(self.log, "ab") as out:
            self.handle = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, cwd=ROOT
            )
        return self

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def signal(self, number):
        self.handle.send_signal(number)

    def alive(self):
        return self.handle is not None and self.handle.poll() is None

    def kill(self):
        self.handle.kill()
        self.handle.wait(PATIENCE_S)

    def stop(self):
        """SIGTERM, and its exit status."""
        if self.handle is None:
            return None
        if self.handle.poll() is None:
            self.handle.send_signal(signal.SIGCONT)
            self.handle.terminate()
            try:
                self.handle.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(self.name + " did not end on SIGTERM")
        return self.handle.returncode


class Ammit(Process):
    def __init__(self, box, policy=POLICY, spop_address=None, http_address=None, state=None, *more):
        self.spop = spop_address or "unix@%s/spop.sock" % box.path
        self.http = http_address or "unix@%s/http.sock" % box.path
        self.drip = "unix@%s/drip.sock" % box.path
        self.state = state or box.path / "state"
        self.control = "unix@%s/control.sock" % box.path
        command = [AMMIT, "run", "--spop", self.spop, "--http", self.http, "--drip", self.drip,
                   "--control", self.control, "--state-dir", self.state, "--workers", 2]
        if policy is not None:
            file = policy
            if isinstance(policy, dict):
                file = box.path / "policy.json"
                file.write_text(json.dumps(policy, indent=1))
            command += ["--policy", file]
        super().__init__("ammit", command + list(more), box.path / "ammit.log", box.env and {**os.environ, **box.env})

    def start(self):
        already = self.output().count(" ready ")
        super().start()
        wait_until(
            lambda: self.output().count(" ready ") > already or not self.alive(), "ammit to be ready"
        )
        assert self.alive(), "ammit did not start:\n" + self.output()
        return self

    def stop(self):
        """Ends it, unless a test has; what a sanitizer or an assertion said is a failure of any test."""
        status = super().stop()
        assert status in (None, 0, -signal.SIGKILL), "exit status %s\n%s" % (status, self.output()[-8000:])
        assert "Sanitizer" not in self.output() and "runtime error" not in self.output(), self.output()[-8000:]
        return status

    def client(self, **options):
        return spop.Client(self.spop, **options)


class Site(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The site behind the edge: says what it was asked, as JSON."""

    daemon_threads = True
    request_queue_size = 512

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet each would wait for the other's ACK.
        disable_nagle_algorithm = True

        def answer(self):
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            asked = {
                "method": self.command,
                "path": self.path,
                "headers": [[k.lower(), v] for k, v in self.headers.items()],
                "body": body.decode("latin-1"),
            }
            wants_html = "text/html" in self.headers.get("Accept", "")
            raw = json.dumps(asked).encode()
            if wants_html:
                raw = b"<!doctype html><title>site</title><h1>site</h1><pre id=asked>%s</pre>" % (
                    raw.replace(b"&", b"&amp;").replace(b"<", b"&lt;")
                )
            self.send_response(200)
            self.send_header("X-From", "site")
            self.send_header("Content-Type", "text/html" if wants_html else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw)

        do_GET = do_POST = do_HEAD = do_PUT = do_OPTIONS = answer

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.address = "127.0.0.1:%d" % self.server_port
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        pass


def free_port():
    """Below those that the kernel hands out by itself: a connection that begins before whoever this is for
    listens does not get it. (Chromium refuses some below 11000.)"""
    below = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", random.randrange(11000, below) if below > 12000 else 0))
            return sock.getsockname()[1]


def unpack(headers, raw):
    """A body as it was meant."""
    if headers.get("Content-Encoding") == "gzip" and raw:
        raw = gzip.decompress(raw)
    return raw.decode("utf-8", "replace")


class Response:
    def __init__(self, got):
        self.status, self.headers = got.status, got.headers
        raw = got.read()
        self.raw, self.wire_bytes = raw, len(raw)
        self.body = unpack(got.headers, raw)
        self.from_site = got.headers.get("X-From") == "site"

    @property
    def challenged(self):
        return bool(re.search(r'name="?ticket', self.body))

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<%d%s %r>" % (self.status, " from the site" if self.from_site else "", self.body[:300])


class Edge(Process):
    """HAProxy with the shipped files. `patience` replaces `timeout processing`: the tests of
    verdicts must not fail because a machine was busy for 50 ms; those of failures keep it."""

    def __init__(self, box, spop_address, http_address, site, patience="2s", at="127.0.0.1", cfg=ROOT / "haproxy/edge.cfg",
                 spoe=ROOT / "haproxy/ammit.spoe.conf", **env):
        self.port, self.at = free_port(), at
        self.address = "%s:%d" % (at, self.port)
        self.url = "http://" + self.address
        conf = spoe.read_text()
        if patience:
            conf, count = re.subn(r"(timeout processing +)50ms", r"\g<1>" + patience, conf)
            assert count == 1
        (box.path / "ammit.spoe.conf").write_text(conf)
        env = dict(
            os.environ,
            AMMIT_BIND=self.address,
            AMMIT_SITE=site,
            AMMIT_SPOP=spop_address,
            AMMIT_HTTP=http_address,
            AMMIT_DRIP="unix@%s/drip.sock" % box.path,
            AMMIT_SPOE_CONF=str(box.path / "ammit.spoe.conf"),
            AMMIT_LOG="stdout",
            AMMIT_FAIL_CLOSED="/.closed/ /login /register",
            **env,
        )
        command = [HAPROXY, "-db", "-f", cfg]
        super().__init__("haproxy", command, box.path / "haproxy.log", env)

    def start(self):
        super().start()

        def listening():
            assert self.alive(), "HAProxy did not start:\n" + self.output()
            with socket.socket() as sock:
                return sock.connect_ex((self.at, self.port)) == 0

        wait_until(listening, "HAProxy to listen")
        return self

    def request(self, method, path, headers=CURL, body=None, host="example.org", connection=None):
        own = connection or http.client.HTTPConnection(self.at, self.port, timeout=PATIENCE_S)
        own.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        lines = [("Host", host)] if host is not None else []
        lines += list(headers.items() if isinstance(headers, dict) else headers)
        for name, value in lines:
            own.putheader(name, value)
        raw = body.encode() if isinstance(body, str) else body
        if raw is not None:
            own.putheader("Content-Length", str(len(raw)))
        own.endheaders(raw)
        response = Response(own.getresponse())
        if connection is None:
            own.close()
        return response

    def get(self, path="/", headers=CURL, **more):
        return self.request("GET", path, headers, **more)

    def post(self, path, fields, headers=BROWSER, **more):
        from urllib.parse import urlencode

        lines = dict(headers, **{"Content-Type": "application/x-www-form-urlencoded"})
        body = fields if isinstance(fields, (str, bytes)) else urlencode(fields)
        return self.request("POST", path, lines, body, **more)

    def lines(self):
        """The log lines of requests."""
        return [line for line in self.output().splitlines() if " verdict=" in line]


class Box:
    """A temporary folder and what runs in it."""

    def __init__(self, path):
        self.path = path
        self.stack = contextlib.ExitStack()
        self.processes = []
        self.env = {}  # added to Ammit's; HAProxy 3 does not start with libfaketime, and tells no time here

    def keep(self, process):
        self.processes.append(process)
        self.stack.callback(process.stop)
        return process

    def site(self):
        site = Site()
        self.stack.callback(site.server_close)
        self.stack.callback(site.shutdown)
        return site

    def ammit(self, *args, **kwargs):
        return self.keep(Ammit(self, *args, **kwargs)).start()

    def agent(self, answer):
        agent = spop.Agent(str(self.path / "agent.sock"), answer)
        self.stack.callback(agent.close)
        return agent

    def edge(self, spop_address, http_address, site=None, **more):
        site = site or self.site().address
        return self.keep(Edge(self, spop_address, http_address, site, **more)).start()

    def whole(self, policy=POLICY, **more):
        """Ammit, the site and the edge, ready to be asked."""
        ammit = self.ammit(policy)
        edge = self.edge(ammit.spop, ammit.http, **more)
        edge.ammit = ammit
        return edge


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    browser = item.funcargs.get("browser")
    if call.when == "call" and hasattr(browser, "screenshot"):
        with contextlib.suppress(Exception):
            report.sections.append(("screenshot", str(browser.screenshot("failed-" + re.sub(r"\W+", "-", item.name)))))
    for name in ("box", "edge", "ammit"):
        value = item.funcargs.get(name)
        box = value if isinstance(value, Box) else getattr(value, "box", None)
        if box is not None:
            for process in box.processes:
                report.sections.append((process.name + " log", process.output()[-8000:]))
            return


@contextlib.contextmanager
def make_box():
    # Not pytest's tmp_path: the path of a unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ammit-test-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        box = Box(pathlib.Path(folder))
        with box.stack:
            yield box


@pytest.fixture
def box():
    with make_box() as box:
        yield box


@pytest.fixture(scope="module")
def shared_box():
    with make_box() as box:
        yield box


@pytest.fixture(scope="module")
def edge(shared_box):
    """One whole set-up for the tests of a module that leave it as it was."""
    edge = shared_box.whole()
    edge.box = shared_box
    return edge


@pytest.fixture(scope="module")
def ammit(shared_box):
    ammit = shared_box.ammit()
    ammit.box = shared_box
    return ammit


def run_ammit(*arguments, program=AMMIT, **more):
    """A command that ends by itself."""
    return subprocess.run(
        [str(program)] + [str(a) for a in arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=ROOT,
        **more,
    )


def for_others(box):
    """The program where another user may run it, too: a checkout is often in somebody's home."""
    copy = box.path / "ammit"
    if not copy.exists():
        shutil.copy(AMMIT, copy)
        copy.chmod(0o755)
    return copy


class Puzzle:
    """A challenge page, read as its solver reads it."""

    def __init__(self, page):
        text = page.body if isinstance(page, Response) else page
        self.ticket = re.search(r'name="?ticket"?[^>]*value="?([0-9A-Za-z_-]+)', text).group(1)
        self.back = html.unescape(re.search(r'name="?back"?[^>]*value="([^"]*)"', text).group(1))
        self.puzzles = int(re.search(r'data-puzzles="?(\d+)', text).group(1))
        self.target = int(re.search(r'data-target="?(\d+)', text).group(1))
        self.seed = hashlib.sha256(self.ticket.encode()).digest()

    def holds(self, i, n):
        block = self.seed + i.to_bytes(4, "big") + n.to_bytes(4, "big")
        return int.from_bytes(hashlib.sha256(block).digest()[:4], "big") < self.target

    def solve(self):
        return ",".join(
            "%08x" % next(n for n in range(2**32) if self.holds(i, n)) for i in range(self.puzzles)
        )

    def wrong(self):
        """The right shape, and each number one that does not solve it."""
        return ",".join(
            "%08x" % next(n for n in range(2**32) if not self.holds(i, n)) for i in range(self.puzzles)
        )
