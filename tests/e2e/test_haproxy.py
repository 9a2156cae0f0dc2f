"""The shipped HAProxy configuration: first against an agent that says whatever a test wants, then
against the real Ammit."""

import http.client
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, ROOT, SCRAPER, Puzzle, free_port, run_ammit, wait_until

NOWHERE = "unix@/nonexistent/http.sock"


def fake(box, variables, **more):
    """The edge in front of an agent with this one answer."""
    agent = box.agent(variables if callable(variables) else lambda _: variables)
    edge = box.edge(agent.address, more.pop("http", NOWHERE), **more)
    edge.agent = agent
    return edge


def certificate(folder):
    file = folder / "edge.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=example.org", "-keyout", folder / "k", "-out", folder / "c"],
        check=True, capture_output=True,
    )
    file.write_text((folder / "c").read_text() + (folder / "k").read_text())
    return file


@pytest.mark.parametrize("env", [{}, {"AMMIT_SITE_PROXY": "v2"}, {"AMMIT_USER": "haproxy"}, {"AMMIT_CRT": ""}, {"AMMIT_ROBOTS": "1"},
                                 {"AMMIT_LOG_FULL": "1"}])
def test_configuration_without_warnings(tmp_path, env):
    env = dict(env, PATH="/usr/bin:/bin", AMMIT_SPOE_CONF=str(ROOT / "haproxy/ammit.spoe.conf"))
    if "AMMIT_CRT" in env:
        env.update(AMMIT_CRT=str(certificate(tmp_path)), AMMIT_BIND_TLS=":443")
    got = subprocess.run([HAPROXY, "-c", "-f", ROOT / "haproxy/edge.cfg"], env=env, capture_output=True, text=True)
    said = got.stdout + got.stderr
    assert got.returncode == 0, said
    assert "WARNING" not in said and "ALERT" not in said, said


def test_arguments(box):
    """What HAProxy sends: all by name, what is missing as NULL, the rest as it came."""
    edge = fake(box, {"verdict": "allow"})
    assert edge.get("/a%20b?c=d&e", CURL).from_site
    seen = edge.agent.seen[-1]
    assert seen == {
        "src": "127.0.0.1", "method": "GET", "path": "/a%20b", "query": "c=d&e", "ver": "1.1",
        "host": "example.org", "ua": "curl/7.88.1", "pass": None, "hdr.accept": "*/*",
        "hdr.accept-language": None, "hdr.accept-encoding": None, "hdr.sec-fetch-mode": None,
        "hdr.sec-fetch-dest": None, "hdr.sec-fetch-site": None, "hdr.sec-fetch-user": None, "hdr.git-protocol": None,
        "hdr.sec-ch-ua": None, "hdr.sec-ch-ua-mobile": None, "hdr.sec-ch-ua-platform": None,
        "hdr.upgrade-insecure-requests": None, "hdr.cf-worker": None,
        "hdr.docker-distribution-api-version": None, "hdr.x-firefox-ai": None, "tls.version": None, "fast": None,
    }
    headers = dict(BROWSER, Cookie="a=b; ammit=PASS.x; c=d", **{"Git-Protocol": "version=2"})
    edge.request("POST", "/", headers, "body", host="git.example.org:8080")
    seen = edge.agent.seen[-1]
    assert (seen["method"], seen["query"], seen["pass"]) == ("POST", None, "PASS.x")
    assert seen["host"] == "git.example.org:8080"
    # The whole line, not the last value behind a comma.
    assert seen["hdr.accept"] == BROWSER["Accept"]
    assert seen["hdr.accept-language"] == BROWSER["Accept-Language"]
    assert seen["hdr.accept-encoding"] == BROWSER["Accept-Encoding"]
    assert (seen["hdr.sec-fetch-mode"], seen["hdr.sec-fetch-dest"]) == ("navigate", "document")
    assert (seen["hdr.sec-fetch-site"], seen["hdr.git-protocol"]) == ("none", "version=2")
    assert seen["hdr.sec-fetch-user"] == "?1"


def test_every_header_that_the_shipped_policies_read_is_sent():
    conf = (ROOT / "haproxy/ammit.spoe.conf").read_text()
    files = [x for x in (ROOT / "policies").rglob("*.y*ml") if x.name != "domain-fronting.yaml"]
    said = run_ammit("check", *files).stdout
    names = set(re.findall(r" hdr\.([a-z0-9-]+)", said))
    assert {"accept", "sec-fetch-mode", "cf-worker"} <= names and len(names) <= 16
    for name in names:
        assert "args hdr.%s=req.fhdr(%s),bytes(0,257)" % (name, name) in conf, name


@pytest.mark.parametrize(
    "name, limit, headers",
    [
        ("ua", 512, {"User-Agent": "x" * 12000}),
        ("pass", 1024, {"Cookie": "ammit=" + "x" * 8000}),
        ("hdr.accept", 256, {"Accept": "x" * 9000}),
        ("hdr.git-protocol", 256, {"Git-Protocol": "x" * 300}),
        ("host", 255, {}),
        ("path", 1024, {}),
        ("query", 1024, {}),
    ],
)
def test_arguments_are_cut_one_byte_behind_the_limit(box, name, limit, headers):
    edge = fake(box, {"verdict": "allow"})
    host = "x" * 2000 if name == "host" else "example.org"
    path = {"path": "/" + "x" * 3000, "query": "/?" + "x" * 5000}.get(name, "/")
    assert edge.get(path, headers, host=host).from_site
    assert len(edge.agent.seen[-1][name]) == limit + 1


def test_everything_at_once_still_is_weighed(box):
    """The largest request that HAProxy takes gets its verdict: padding is no way around."""
    edge = fake(box, {"verdict": "deny"})
    headers = dict(BROWSER, Cookie="ammit=" + "x" * 4000, **{"User-Agent": "y" * 4000, "X-Pad": "z" * 4000})
    assert edge.get("/" + "p" * 1200 + "?" + "q" * 1200, headers).status == 403


@pytest.mark.parametrize(
    "variables, status",
    [
        ({"verdict": "allow", "rule": "default/allow", "weight": 0}, None),
        ({"verdict": "deny", "rule": "bot/x", "weight": 0}, 403),
        ({"verdict": "deny", "status": 403}, 403),
        ({"verdict": "deny", "status": 200}, 200),
        ({"verdict": "deny", "status": 401}, 401),
        ({"verdict": "deny", "status": 404}, 404),
        ({"verdict": "deny", "status": 410}, 410),
        ({"verdict": "deny", "status": 429}, 429),
        ({"verdict": "deny", "status": 451}, 451),
        ({"verdict": "deny", "status": 503}, 503),
        ({"verdict": "deny", "status": 999}, 403),
        ({"verdict": "drip"}, 403),
        # What nobody knows is a failure, and the route is open.
        ({"verdict": "sing"}, None),
        ({"verdict": ""}, None),
        ({"rule": "ammit/no-message"}, None),
        ({}, None),
        ({"verdict": "allow", "would": "deny"}, None),
    ],
)
def test_verdicts(box, variables, status):
    got = fake(box, variables).get("/page")
    assert got.from_site == (status is None)
    assert got.status == (status or 200)


@pytest.mark.parametrize("variables", [{}, {"verdict": "sing"}, {"verdict": "challenge", "ticket": "0" * 64}])
def test_no_verdict_on_a_closed_route(box, variables):
    """Neither an empty answer, an unknown one, nor a challenge without its page opens it."""
    edge = fake(box, variables)
    wait_until(lambda: edge.get("/open").from_site, "the challenge backend to be down")
    for path in ("/.closed/x", "/%2eclosed/x", "/LOGIN", "//login", "/a/../login", "/%6cogin", "/./login"):
        got = edge.get(path)
        assert got.status == 503 and got.headers["Retry-After"], path
    assert edge.get("/open").from_site


def test_a_closed_route_is_open_to_those_who_are_let_through(box):
    assert fake(box, {"verdict": "allow"}).get("/.closed/x").from_site


def test_clients_headers_under_our_name_are_removed(box):
    edge = fake(box, {"verdict": "allow"})
    forged = dict(CURL, **{
        "X-Ammit-Src": "198.51.100.1", "x-ammit-ticket": "t", "X-AMMIT-Anything": "x",
        "X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https",
    })
    seen = edge.get("/", forged).json()["headers"]
    assert not [n for n, _ in seen if n.startswith("x-ammit")]
    assert [v for n, v in seen if n == "x-forwarded-for"] == ["127.0.0.1"]
    assert [v for n, v in seen if n == "x-forwarded-proto"] == ["http"]


def test_the_request_reaches_the_site_as_it_was(box):
    edge = fake(box, {"verdict": "allow"})
    got = edge.request("POST", "/a%2Fb?x=%20", dict(CURL, Cookie="ammit=p; sid=1"), "the body").json()
    assert (got["method"], got["path"], got["body"]) == ("POST", "/a%2Fb?x=%20", "the body")
    assert ["cookie", "ammit=p; sid=1"] in got["headers"]


def test_challenge_backend_gets_ticket_source_and_protocol(box):
    """The site plays the challenge loop, and so shows what that one is told."""
    loop = box.site()
    answers = {"verdict": "challenge", "ticket": "ab" * 16 + "CDEF", "rule": "bot/x"}
    edge = fake(box, answers, http=loop.address)
    seen = edge.get("/page?x", dict(BROWSER, Accept="*/*", **{"X-Ammit-Src": "198.51.100.1"})).json()
    headers = [(n, v) for n, v in seen["headers"] if n.startswith("x-ammit")]
    assert sorted(headers) == [
        ("x-ammit-proto", "http"), ("x-ammit-src", "127.0.0.1"), ("x-ammit-ticket", answers["ticket"]),
    ]
    assert seen["path"] == "/page?x"
    weighed = len(edge.agent.seen)
    seen = edge.request("POST", "/.ammit/pass", dict(CURL, **{"X-Ammit-Ticket": "forged"}), "a=b").json()
    assert not [n for n, _ in seen["headers"] if n == "x-ammit-ticket"]
    assert ["x-ammit-src", "127.0.0.1"] in seen["headers"]
    assert len(edge.agent.seen) == weighed, "the challenge's own addresses are not weighed"
    (line,) = wait_until(lambda: [x for x in edge.lines() if "/page" in x], "the log line")
    assert "ref=abababababab " in line and 'rule="bot/x"' in line and "verdict=challenge" in line


def test_https_and_http2(box):
    crt = certificate(box.path)
    edge = fake(box, {"verdict": "allow"}, AMMIT_CRT=str(crt), AMMIT_BIND_TLS="unix@%s/tls.sock" % box.path)
    for version in ("--http1.1", "--http2"):
        got = subprocess.run(
            ["curl", "-sk", version, "--unix-socket", box.path / "tls.sock", "https://example.org/a?b", "-A", "me"],
            capture_output=True, text=True, timeout=PATIENCE_S,
        )
        assert '["x-forwarded-proto", "https"]' in got.stdout, got
        seen = edge.agent.seen[-1]
        assert (seen["host"], seen["path"], seen["query"], seen["ua"]) == ("example.org", "/a", "b", "me")


def test_log_line(box):
    edge = fake(box, {"verdict": "allow", "rule": "bot/with blank", "weight": -3})
    edge.get("/a?secret=1")
    (line,) = wait_until(edge.lines, "the log line")
    assert line.startswith("127.0.0.1 GET /a status=200 verdict=allow rule=\"bot/with blank\" weight=-3 ref=")
    assert "secret" not in line


# From here on the real one.


def test_real_verdicts(edge):
    assert edge.get("/", CURL).from_site
    denied = edge.get("/", SCRAPER)
    assert denied.status == 403 and not denied.from_site
    page = edge.get("/", BROWSER)
    assert page.challenged and not page.from_site
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Content-Security-Policy"]


def test_only_navigations_get_a_page(edge):
    """Nobody can solve a challenge inside an image or a script."""
    image = dict(BROWSER, Accept="image/webp,*/*", **{"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"})
    got = edge.get("/logo.png", image)
    assert not got.challenged and not got.from_site
    assert len(got.body) < 1000 and got.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/secret/x", "/%73ecret/x", "/secret%2fx", "/secret/" + "x" * 3000])
def test_path_rules_see_the_decoded_path(edge, path):
    assert edge.get(path).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": SCRAPER["User-Agent"] + "x" * 12000},
        dict(SCRAPER, Cookie="ammit=" + "x" * 8000),
        dict(SCRAPER, Cookie="x=" + "x" * 8000),
        dict(SCRAPER, Accept="x" * 8000),
        dict(SCRAPER, **{"X-Padding": "x" * 12000}),
    ],
)
def test_padding_does_not_change_a_denial(edge, headers):
    assert edge.get("/", headers).status == 403


def test_a_value_that_was_cut_never_lets_through(edge):
    """A rule that allows by the agent does not believe what is beyond the limit, or cut by it."""
    assert edge.get("/", {"User-Agent": "Mozilla TrustedAgent"}).from_site
    got = edge.get("/", dict(BROWSER, **{"User-Agent": "TrustedAgent Mozilla" + "x" * 2000}))
    assert not got.from_site


class Hammer:
    """Threads that ask without pause, and count what they got."""

    def __init__(self, edge, path, headers=CURL, threads=4, asks_again=False):
        self.edge, self.path, self.headers, self.asks_again = edge, path, headers, asks_again
        self.got, self.errors, self.over = [], [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE_S)

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.edge.port, timeout=PATIENCE_S)
        asked_before = False
        while not self.over.is_set():
            try:
                got = self.edge.get(self.path, self.headers, connection=connection)
                self.got.append((time.monotonic(), got.status, got.from_site))
                asked_before = True
            except Exception as error:  # whatever it is, it is a failed request
                connection.close()
                hung_up = isinstance(error, http.client.RemoteDisconnected)
                if not (hung_up and self.asks_again and asked_before):
                    self.errors.append(repr(error))
                asked_before = False

    def wait_for(self, count, where=lambda x: True):
        start = len(self.got)
        wait_until(lambda: sum(1 for x in self.got[start:] if where(x)) >= count, "%d answers" % count)


def test_killed_under_load_fails_as_chosen(box):
    """SIGKILL: open routes lose not one request, closed ones say 503; after a start all is well."""
    edge = box.whole(patience=None)
    wait_until(lambda: edge.get("/.closed/x").from_site, "the health check")
    with Hammer(edge, "/page") as open_route, Hammer(edge, "/.closed/x", threads=2) as closed:
        open_route.wait_for(200)
        for _ in range(3):
            edge.ammit.kill()
            closed.wait_for(20, lambda x: x[1] == 503)
            open_route.wait_for(200)
            edge.ammit.start()
            closed.wait_for(20, lambda x: x[1] == 200)
            open_route.wait_for(200)
    assert not open_route.errors and not closed.errors
    assert {x[1:] for x in open_route.got} == {(200, True)}
    assert {x[1:] for x in closed.got} == {(200, True), (503, False)}
    assert edge.get("/", SCRAPER).status == 403


def test_killed_under_load_of_browsers(box):
    """Those who would be challenged see the page, the site, or a page that asks again by itself.

    Where a kept connection served before, HAProxy hangs up if the server of the next request goes
    away, and leaves it to the browser to ask once more (RFC 9110, 9.2.2), which every browser does.
    """
    edge = box.whole(patience=None)
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")
    with Hammer(edge, "/page", BROWSER, asks_again=True) as browsers:
        browsers.wait_for(50)
        edge.ammit.kill()
        browsers.wait_for(20, lambda x: x[2])
        edge.ammit.start()
        browsers.wait_for(20, lambda x: not x[2])
    assert not browsers.errors
    assert {x[1] for x in browsers.got} <= {200, 502, 503}
    assert wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")


def test_stopped_by_sigterm_under_load(box):
    edge = box.whole(patience=None)
    with Hammer(edge, "/page") as hammer:
        for _ in range(3):
            hammer.wait_for(100)
            assert edge.ammit.stop() == 0
            hammer.wait_for(100)
            edge.ammit.start()
    assert not hammer.errors and {x[1:] for x in hammer.got} == {(200, True)}


def test_frozen(box):
    """SIGSTOP: nobody waits longer than the timeout, and not even that once the check has seen it."""
    edge = box.whole(patience=None)
    wait_until(lambda: edge.get("/", SCRAPER).status == 403, "a verdict")
    edge.ammit.signal(signal.SIGSTOP)
    with Hammer(edge, "/page", threads=2) as hammer:

        def quick():
            start = time.monotonic()
            return edge.get("/.closed/x").status == 503 and time.monotonic() - start < 0.04

        # Not one by chance, but all from now on.
        wait_until(lambda: all(quick() for _ in range(30)), "answers without a wait")
        assert edge.get("/", SCRAPER).from_site
    assert not hammer.errors and {x[1:] for x in hammer.got} == {(200, True)}
    edge.ammit.signal(signal.SIGCONT)
    wait_until(lambda: edge.get("/", SCRAPER).status == 403, "the verdicts to be back")


def test_challenge_loop_down_is_a_failure_of_the_route(box):
    ammit = box.ammit()
    edge = box.edge(ammit.spop, NOWHERE)
    wait_until(lambda: edge.get("/page", BROWSER).from_site, "the check")
    got = edge.get("/.closed/x", BROWSER)
    assert got.status == 503 and got.headers["Retry-After"]
    assert edge.get("/", SCRAPER).status == 403
    assert edge.get("/.closed/x", CURL).from_site
    wait_until(lambda: [x for x in edge.lines() if "error=no-challenge" in x], "the log line")


def test_shadow_lets_everybody_through(box):
    ammit = box.ammit(POLICY, None, None, None, "--shadow")
    edge = box.edge(ammit.spop, ammit.http)
    asked = {"/1": (SCRAPER, "deny"), "/2": (BROWSER, "challenge"), "/3": (CURL, "allow")}
    for path, (headers, _) in asked.items():
        assert edge.get(path, headers).from_site
    lines = wait_until(lambda: edge.lines()[2:] and edge.lines(), "three log lines")
    # A line is written after its answer: the next one may be first.
    assert {x.split()[2]: x.split("would=")[1].split()[0] for x in lines} == {p: would for p, (_, would) in asked.items()}


def test_over_tcp(box):
    ammit = box.ammit(POLICY, "127.0.0.1:%d" % free_port(), "127.0.0.1:%d" % free_port())
    edge = box.edge(ammit.spop[:], ammit.http[:])
    assert edge.get("/", SCRAPER).status == 403
    assert wait_until(lambda: edge.get("/", BROWSER).challenged, "the page")


def test_cookie_is_secure_behind_https(box):
    crt = certificate(box.path)
    edge = box.whole(AMMIT_CRT=str(crt), AMMIT_BIND_TLS="unix@%s/tls.sock" % box.path)
    def curl(*args):
        command = ["curl", "-ski", "--unix-socket", str(box.path / "tls.sock"), *args]
        for name, value in BROWSER.items():
            if name != "Accept-Encoding":
                command += ["-H", "%s: %s" % (name, value)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S).stdout

    puzzle = Puzzle(curl("https://example.org/"))
    got = curl("https://example.org/.ammit/pass", "-d", "ticket=" + puzzle.ticket, "-d",
               "solution=" + puzzle.solve(), "-d", "back=/")
    assert " 303" in got.splitlines()[0]
    assert "; secure" in got.lower()
