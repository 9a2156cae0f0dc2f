"""ammit solve: through a real HAProxy, with the jar that curl then takes; and against servers that
are no friends of anybody."""

import hashlib
import http.server
import json
import os
import pty
import re
import select
import signal
import socketserver
import ssl
import stat
import subprocess
import threading
import time

import pytest

from conftest import AMMIT, BROWSER, PATIENCE_S, POLICY, ROOT, free_port, wait_until

# Programs are challenged, and those that say they are bad denied.
ROBOTS = dict(
    POLICY,
    bots=[
        {"name": "bad", "user_agent_regex": "GPTBot", "action": "DENY"},
        {"name": "free", "path_regex": "^/free$", "action": "ALLOW"},
        {"name": "all", "path_regex": ".", "action": "CHALLENGE", "challenge": {"difficulty": 3, "algorithm": "fast"}},
    ],
    status_codes={"CHALLENGE": 403, "DENY": 403},
)
# Where nobody else's proxy is in the way.
PLAIN = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def solve(*arguments, env=PLAIN):
    return subprocess.run(
        [str(AMMIT), "solve", *[str(a) for a in arguments]],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, env=env,
    )


def curl(*arguments):
    return subprocess.run(
        ["curl", "-sS", "-q", "--max-time", str(PATIENCE_S), *[str(a) for a in arguments]],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S + 5, env=PLAIN,
    ).stdout


@pytest.fixture(scope="module")
def edge(shared_box):
    edge = shared_box.whole(ROBOTS)
    edge.box = shared_box
    edge.url = "http://" + edge.address
    wait_until(lambda: edge.get("/").headers.get("Ammit-Challenge"), "the challenge")
    return edge


def failed(got, *words):
    """Not passed, nothing printed, and one line that says why."""
    assert got.returncode == 1, got
    assert got.stdout == ""
    lines = got.stderr.splitlines()
    assert [x for x in lines if x.startswith("ammit: solve: ")] == lines, got.stderr
    for word in words:
        assert word in lines[-1], got.stderr
    assert "Sanitizer" not in got.stderr
    return True


# -- through HAProxy


def test_jar_line_lets_curl_in(edge, tmp_path):
    assert '"path"' not in curl(edge.url + "/x")
    got = solve(edge.url + "/x")
    assert got.returncode == 0, got
    host, subdomains, path, secure, expiry, name, value = got.stdout.rstrip("\n").split("\t")
    assert (host, subdomains, path, secure, name) == ("127.0.0.1", "FALSE", "/", "FALSE", "ammit")
    assert int(expiry) > time.time() and got.stdout.count("\n") == 1
    jar = tmp_path / "jar"
    jar.write_text(got.stdout)
    assert json.loads(curl("-b", jar, edge.url + "/x"))["path"] == "/x"


def test_header(edge):
    got = solve("--header", "-q", edge.url)
    assert got.returncode == 0 and got.stderr == ""
    assert re.fullmatch(r"Cookie: ammit=[\w.-]+\n", got.stdout)
    assert json.loads(curl("-H", got.stdout.strip(), edge.url + "/y"))["path"] == "/y"


def test_jar_is_updated_and_used(edge, tmp_path):
    jar = tmp_path / "jar"
    other = "other.example\tFALSE\t/\tFALSE\t0\tammit\told"
    jar.write_text("# Netscape HTTP Cookie File\n\n%s\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tammit\tstale\n" % other)
    got = solve("--jar", jar, edge.url)
    assert got.returncode == 0 and got.stdout == "", got
    text = jar.read_text()
    assert other in text.splitlines() and "stale" not in text and text.count("127.0.0.1") == 1
    assert stat.S_IMODE(jar.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["jar"]
    assert json.loads(curl("-b", jar, edge.url + "/z"))["path"] == "/z"
    # It is good: nothing is asked of who shows it, and nothing is solved again.
    again = solve("--jar", jar, edge.url)
    assert again.returncode == 0 and "asks nothing" in again.stderr and "hashes" not in again.stderr
    assert jar.read_text() == text


def test_jar_is_made(edge, tmp_path):
    jar = tmp_path / "new"
    assert solve("-q", "--jar", jar, edge.url).returncode == 0
    assert stat.S_IMODE(jar.stat().st_mode) == 0o600
    assert json.loads(curl("-b", jar, edge.url + "/z"))["path"] == "/z"


def test_jar_that_cannot_be(edge, tmp_path):
    assert failed(solve("--jar", tmp_path, edge.url), "folder")
    assert failed(solve("-q", "--jar", tmp_path / "no" / "jar", edge.url), "No such file")


def test_jar_of_curl(edge, tmp_path):
    """What curl -c wrote is read: its #HttpOnly_ too."""
    jar = tmp_path / "jar"
    p = challenge(edge, host=edge.address)
    curl("-c", jar, "-d", "ticket=%s&solution=%s&back=/" % (p["ticket"], answer(p)), edge.url + "/.ammit/pass")
    assert "#HttpOnly_127.0.0.1" in jar.read_text()
    got = solve("--jar", jar, edge.url)
    assert got.returncode == 0 and "asks nothing" in got.stderr


def test_not_challenged(edge):
    got = solve(edge.url + "/free")
    assert got.returncode == 0 and got.stdout == "" and "asks nothing" in got.stderr
    got = solve("--quiet", edge.url + "/free")
    assert (got.returncode, got.stdout, got.stderr) == (0, "", "")


def test_denied(edge):
    assert failed(solve("-A", "GPTBot", edge.url), "403", "--user-agent")
    assert failed(solve("--user-agent", "GPTBot", edge.url), "403")
    # The same by a header of one's own.
    assert solve("-H", "X-Test: GPTBot", "-q", edge.url).returncode == 0


def test_threads_and_most(edge):
    for threads in (1, 2, 7):
        assert solve("--threads", threads, edge.url).returncode == 0
    # 16^3 hashes.
    assert failed(solve("--most", 4000, edge.url), "4096 hashes", "--most 4096")
    assert solve("--most", 4096, edge.url).returncode == 0


def test_server_down(box):
    """An open route with nobody behind it: no challenge, no site."""
    edge = box.edge("unix@%s/none.sock" % box.path, "unix@%s/none2.sock" % box.path, "127.0.0.1:%d" % free_port())
    assert failed(solve("http://" + edge.address), "503", "no challenge")


def test_nobody_there():
    assert failed(solve("http://127.0.0.1:%d/" % free_port()), "127.0.0.1")
    assert failed(solve("http://nobody.invalid/"), "nobody.invalid")
    assert failed(solve("http://nobody.onion/"), "--proxy socks5h://")
    assert failed(solve("--unix", "/nonexistent/sock", "http://example.org/"), "example.org")
    assert failed(solve("ftp://127.0.0.1/"), "http")
    assert failed(solve("--proxy", "socks5h://127.0.0.1:%d" % free_port(), "http://example.org/"), "example.org")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--frob", "http://x/"], ["http://x/", "http://y/"], ["http://x/", "--jar"], ["--threads", "0", "http://x/"],
     ["--threads", "257", "http://x/"], ["--timeout", "x", "http://x/"], ["--header", "--jar", "f", "http://x/"]],
)
def test_usage(arguments):
    got = solve(*arguments)
    assert got.returncode == 2 and got.stdout == "" and "usage:" in got.stderr


def test_help():
    got = solve("--help")
    assert got.returncode == 0 and "usage:" in got.stdout and got.stderr == ""


def test_no_libcurl(tmp_path):
    for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
        (tmp_path / name).write_bytes(b"")
    got = solve("http://127.0.0.1/", env=dict(PLAIN, LD_LIBRARY_PATH=str(tmp_path)))
    assert failed(got, "install libcurl4")


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=example.org",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key", "-out", folder / "crt"],
        check=True, capture_output=True,
    )
    (folder / "both").write_text((folder / "crt").read_text() + (folder / "key").read_text())
    return folder / "both"


def test_https(box, tmp_path):
    tls = "127.0.0.1:%d" % free_port()
    edge = box.whole(ROBOTS, AMMIT_CRT=str(certificate(tmp_path)), AMMIT_BIND_TLS=tls)
    wait_until(lambda: edge.get("/").headers.get("Ammit-Challenge"), "the challenge")
    assert failed(solve("https://" + tls), "-k takes any certificate")
    # No scheme is https.
    for url in ("https://" + tls, tls):
        got = solve("-k", url)
        assert got.returncode == 0, got
        assert got.stdout.split("\t")[3] == "TRUE", "for https alone"
    jar = tmp_path / "jar"
    jar.write_text(got.stdout)
    assert json.loads(curl("-k", "-b", jar, "https://%s/t" % tls))["path"] == "/t"


# -- the protocol as the manual has it


def challenge(edge, **more):
    header = edge.get("/", **more).headers["Ammit-Challenge"]
    found = dict(re.findall(r'(\w+)="?([^",]*)', header))
    return {"ticket": found["ticket"], "puzzles": int(found["puzzles"]), "target": int(found["target"])}


def holds(p, i, n):
    seed = hashlib.sha256(p["ticket"].encode()).digest()
    block = hashlib.sha256(seed + i.to_bytes(4, "big") + n.to_bytes(4, "big")).digest()
    return int.from_bytes(block[:4], "big") < p["target"]


def answer(p):
    return ",".join("%08x" % next(n for n in range(2**32) if holds(p, i, n)) for i in range(p["puzzles"]))


def manual(begin):
    """The example of ammit-protocol(7) whose first line that is, as roff shows it."""
    text = (ROOT / "contrib/man/ammit-protocol.7").read_text()
    for block in re.findall(r"^\.nf\n(.*?)^\.fi", text, re.S | re.M):
        if block.startswith(begin):
            return block.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
    raise AssertionError("no example that begins with " + begin)


def test_program_of_the_manual(edge, tmp_path):
    program = tmp_path / "solver.py"
    program.write_text(manual("import "))
    assert len(program.read_text().splitlines()) <= 20
    got = subprocess.run(
        ["/usr/bin/python3", program, edge.url], capture_output=True, text=True, timeout=PATIENCE_S, env=PLAIN
    )
    assert got.returncode == 0, got.stderr
    assert json.loads(curl("-H", "Cookie: " + got.stdout.strip(), edge.url + "/m"))["path"] == "/m"


def test_vector_of_the_manual():
    lines = dict(line.split(None, 1) for line in manual("ticket ").splitlines())
    p = {"ticket": lines["ticket"], "puzzles": int(lines["puzzles"]), "target": int(lines["target"])}
    assert hashlib.sha256(p["ticket"].encode()).hexdigest() == lines["seed"]
    assert answer(p) == lines["solution"]


def test_offer_stands_on_the_page_too(edge):
    page = edge.get("/", BROWSER)
    assert page.challenged and "ticket=\"" in page.headers["Ammit-Challenge"]


# -- servers that are no friends


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers as `script` says: (status, [(name, value)]) for each method and path; remembers what came."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            server = self.server
            server.asked.append((self.command, self.path, body, self.headers))
            status, headers = server.script(self.command, self.path)
            self.wfile.write(b"HTTP/1.0 %d x\r\n" % status)
            for name, value in headers:
                self.wfile.write(name.encode() + b": " + value.encode("latin-1") + b"\r\n")
            self.wfile.write(b"\r\nbody\n")

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.script, self.asked = script, []
        self.url = "http://127.0.0.1:%d" % self.server_port
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(script):
        if isinstance(script, list):
            lines = script
            script = lambda method, path: lines[0] if not path.startswith("/.ammit/") else lines[-1]
        servers.append(Server(script))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def offered(value):
    return (403, [("Ammit-Challenge", value)])


EASY = 'ticket="t", methods="pow", puzzles=2, target=4294967295'
PASS = (303, [("Location", "/"), ("Set-Cookie", "ammit=v; Path=/; Max-Age=9; HttpOnly")])


def test_plain_server_and_what_it_is_sent(serve):
    server = serve([offered(EASY), PASS])
    got = solve("-A", "me/1", "-H", "X-A: b", server.url + "/deep/path?x=y")
    assert got.returncode == 0, got
    assert got.stdout.startswith("127.0.0.1\tFALSE\t/\tFALSE\t") and got.stdout.endswith("\tammit\tv\n")
    (first, second) = server.asked
    assert first[:3] == ("GET", "/deep/path?x=y", "")
    assert second[:2] == ("POST", "/.ammit/pass")
    # Which numbers depends on the thread that is first.
    numbers = re.fullmatch(r"ticket=t&solution=([0-9a-f]{8}),([0-9a-f]{8})&back=/", second[2]).groups()
    puzzle = {"ticket": "t", "target": 2**32 - 1}
    assert all(holds(puzzle, i, int(n, 16)) for i, n in enumerate(numbers))
    for asked in server.asked:
        assert asked[3]["User-Agent"] == "me/1" and asked[3]["X-A"] == "b"
    assert second[3]["Content-Type"] == "application/x-www-form-urlencoded"


def test_own_agent(serve):
    server = serve([(200, [])])
    assert solve(server.url).returncode == 0
    assert re.fullmatch(r"ammit-solve/[\d.]+", server.asked[0][3]["User-Agent"])
    assert solve("-H", "user-agent: me/2", server.url).returncode == 0
    assert server.asked[1][3].get_all("User-Agent") == ["me/2"]


def test_wait_where_it_is_all_that_is_offered(serve):
    server = serve([offered('ticket="t-_9", methods="question wait", wait=1'), PASS])
    begun = time.monotonic()
    got = solve(server.url)
    assert got.returncode == 0 and got.stdout.endswith("\tammit\tv\n")
    assert time.monotonic() - begun >= 1
    assert server.asked[1][:2] == ("GET", "/.ammit/pass?ticket=t-_9&back=/")


@pytest.mark.parametrize(
    "header, word",
    [
        ('ticket="t", methods="pow", puzzles=33, target=5', "1 to 32"),
        ('ticket="t", methods="pow", puzzles=4294967296, target=5', "2^32"),
        ('ticket="t", methods="pow", puzzles=1, target=0', "target 0"),
        ('ticket="t", methods="pow", puzzles=32, target=1', "--most 137438953472"),
        ('ticket="t", methods="wait", wait=86400', "600 seconds"),
        ('ticket="t", methods="question"', "browser"),
        ('ticket="t&back=//evil.test", methods="pow", puzzles=1, target=5', "ticket"),
        ('ticket="t', "list"),
        ("", "list"),
        ("x" * 50000, "ticket"),
    ],
)
def test_challenges_that_are_not_met(serve, header, word):
    server = serve([offered(header), PASS])
    assert failed(solve(server.url), word)
    assert len(server.asked) == 1


def test_long_heads(serve):
    assert failed(solve(serve([offered("x" * 70000)]).url), "too long")
    assert failed(solve(serve([offered("x" * 200000)]).url), "too long")
    assert failed(solve(serve([(403, [("X", "y" * 99)] * 1000)]).url), "too long")


@pytest.mark.parametrize(
    "cookies",
    [
        [], ["ammit=a\tb"], ["ammit=a b"], ["ammit=a\x0bb"], ["ammit"], ["=v"], ["ammit=v; Max-Age=0"], ["ammit=\xe9"],
        ["ammit=" + "v" * 9000],
    ],
)
def test_cookies_that_are_not_kept(serve, tmp_path, cookies):
    server = serve([offered(EASY), (303, [("Location", "/")] + [("Set-Cookie", c) for c in cookies])])
    jar = tmp_path / "jar"
    assert failed(solve("-q", server.url), "without a pass")
    assert failed(solve("-q", "--header", server.url), "without a pass")
    assert failed(solve("-q", "--jar", jar, server.url), "without a pass")
    assert not jar.exists()


def test_two_cookies(serve):
    server = serve([offered(EASY), (303, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b\tad=x"), ("Set-Cookie", "b=2")])])
    assert solve("--header", server.url).stdout == "Cookie: a=1; b=2\n"
    assert [line.split("\t")[5:] for line in solve(server.url).stdout.splitlines()] == [["a", "1"], ["b", "2"]]


@pytest.mark.parametrize("status, word", [(403, "too old"), (400, "version"), (404, "version"), (200, "200"), (500, "500")])
def test_solutions_that_are_refused(serve, status, word):
    server = serve([offered(EASY), (status, [("Set-Cookie", "ammit=v")])])
    assert failed(solve("-q", server.url), str(status), word)


def test_redirects_on_the_same_host(serve):
    def script(method, path):
        if path == "/.ammit/pass":
            return PASS
        return offered(EASY) if path == "/new?q" else (301, [("Location", "/new?q")])

    got = solve(serve(script).url + "/old")
    assert got.returncode == 0 and "leads to" in got.stderr, got


@pytest.mark.parametrize(
    "location", ["http://localhost:1/", "//evil.test/", "http://me@127.0.0.1/", "http://evil.test@localhost/"]
)
def test_redirects_to_others(serve, location):
    server = serve([(302, [("Location", location)])])
    assert failed(solve(server.url), "another host")
    assert len(server.asked) == 1


def test_redirects_without_end(serve):
    server = serve([(302, [("Location", "/again")])])
    assert failed(solve("-q", server.url), "without end")
    assert len(server.asked) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"])
def test_redirects_to_no_web(serve, location):
    server = serve([(302, [("Location", location)])])
    got = solve("-q", server.url)
    assert got.returncode == 1 and got.stdout == "" and "root:" not in got.stderr


def test_from_https_to_http(serve, tmp_path):
    """A pass is never fetched in the clear once it could be had otherwise."""
    plain = serve([offered(EASY), PASS])
    server = serve([(302, [("Location", plain.url)])])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    assert failed(solve("-k", server.url.replace("http", "https", 1)), "from https to http")
    assert plain.asked == []


def test_silent_server(serve):
    release = threading.Event()

    def script(method, path):
        release.wait(PATIENCE_S)
        return (200, [])

    try:
        assert failed(solve("--timeout", 1, serve(script).url), "--timeout")
    finally:
        release.set()


def test_headers_of_the_caller_cannot_split(serve):
    server = serve([(200, [])])
    assert failed(solve("-H", "X: y\r\nZ: w", server.url), "header")
    assert failed(solve("-A", "x\r\nZ: w", server.url), "header")
    assert server.asked == []


def test_no_progress_without_a_terminal(serve):
    server = serve([offered('ticket="t", methods="pow", puzzles=16, target=1024'), PASS])
    assert "\r" not in solve(server.url).stderr


def test_progress_on_a_terminal(serve):
    """Work for minutes: how much is done and what is left stands there, and is replaced."""
    server = serve([offered('ticket="t", methods="pow", puzzles=32, target=4'), PASS])
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(str(AMMIT), ["ammit", "solve", "--threads", "1", "--most", "99999999999", server.url], PLAIN)
    seen = b""
    try:
        while seen.count(b" s left") < 2:
            ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
            assert ready, seen
            seen += os.read(terminal, 4096)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert re.search(rb"\r\d+ %, about \d+ s left\x1b\[K\r\d+ %", seen), seen
