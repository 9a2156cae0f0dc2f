"""An onion service, with the shipped onion.cfg: first with PROXY lines written by hand, where any circuit
is to be had for nothing, then through a real Tor network."""

import contextlib
import functools
import getpass
import html
import http.client
import itertools
import os
import pwd
import re
import socket
import stat
import subprocess
import tempfile
import threading

import pytest

import dns_servers
import tornet
from browsers import Firefox
from conftest import (
    BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, ROOT, Edge, Process, Puzzle, Site, make_box, run_ammit, wait_until,
)
from test_browsers import asked, on_site
from test_challenge import cookie_of, passed, with_pass
from test_dns import healthy
from test_solve import solve
from test_tools import replay

TRUSTED = dict(CURL, **{"User-Agent": "TrustedAgent/1.0"})
# Source port 0, as tor writes it of each multiple of 65536, among others.
IDS = [1, 49, 65535, 65536, 65537, 131072, 0x7FFF0000, 0xFFFF0000, 0xFFFFFFFF]


def address(circuit):
    """As HAProxy, logs and policies spell it."""
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex("fc00deadbeef4dad00000000%08x" % circuit))


def proxy_line(circuit):
    """As tor writes it."""
    high, low = divmod(circuit, 65536)
    return "PROXY TCP6 fc00:dead:beef:4dad::%x:%x ::1 %d 80\r\n" % (high, low, low)


class OnionEdge(Edge):
    """HAProxy with onion.cfg, on a unix socket; with edge.cfg before it where `beside` says so."""

    host = "example.onion"

    def __init__(self, box, ammit, site, at=None, beside=False, **env):
        self.socket, self.ammit = at or "%s/onion.sock" % box.path, ammit
        env = {"AMMIT_ONION_BIND": "unix@" + self.socket, "AMMIT_ONION_USER": getpass.getuser(), **env}
        super().__init__(box, ammit.spop, ammit.http, site, **env)
        files = [ROOT / "haproxy/edge.cfg"] * beside + [ROOT / "haproxy/onion.cfg"]
        self.command = [HAPROXY, "-db"] + [x for file in files for x in ("-f", str(file))]
        if not beside:
            del self.env["AMMIT_BIND"]

    def start(self):
        Process.start(self)

        def listening():
            assert self.alive(), "HAProxy did not start:\n" + self.output()
            with socket.socket(socket.AF_UNIX) as sock:
                return sock.connect_ex(self.socket) == 0

        wait_until(listening, "HAProxy to listen")
        return self

    def stream(self, line):
        """A connection that begins with these bytes."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE_S)
        sock.connect(self.socket)
        sock.sendall(line if isinstance(line, bytes) else line.encode())
        return sock

    def by(self, circuit):
        """For http.client: a stream of this circuit."""
        return tornet.Connection(self.host, functools.partial(self.stream, proxy_line(circuit)))

    def ask(self, connection, path="/", headers=CURL, **more):
        """One request by a connection of its own; None: refused without a word."""
        with contextlib.closing(connection):
            try:
                return self.get(path, headers, connection=connection, host=self.host, **more)
            except ConnectionError:
                return None


def onion_edge(box, policy=POLICY, site=None, ammit=None, **more):
    ammit = ammit or box.ammit(policy)
    return box.keep(OnionEdge(box, ammit, site or box.site().address, **more)).start()


def lines(edge, count=1, where=" "):
    """So many lines of the log."""
    def found():
        got = [line for line in edge.lines() if where in line]
        return got if len(got) >= count else None

    return wait_until(found, "%d lines in the log" % count)


@pytest.fixture(scope="module")
def onion(shared_box):
    """For the tests that leave it as it was."""
    edge = onion_edge(shared_box)
    wait_until(lambda: edge.ask(edge.by(7), headers=BROWSER).challenged, "the challenge page")
    edge.box = shared_box
    return edge


def earn(edge, connect, path="/"):
    """A pass, by solving; connect() gives a connection each time."""
    page = edge.ask(connect(), path, BROWSER)
    puzzle = Puzzle(page)
    with contextlib.closing(connect()) as connection:
        got = edge.post("/.ammit/pass", {"ticket": puzzle.ticket, "solution": puzzle.solve(), "back": puzzle.back},
                        connection=connection, host=edge.host)
    assert passed(got), got
    return cookie_of(got)


# ---- the file ----

SWITCHES = {"AMMIT_LOG_FULL": "1", "AMMIT_ROBOTS": "1", "AMMIT_SITE_PROXY": "v2", "AMMIT_SITE_CHECK": "2s",
            "AMMIT_ONION_OFFENDERS": "120", "AMMIT_ONION_ONE_USER": "1", "AMMIT_RATES": "1"}


@pytest.mark.parametrize("files", [["onion"], ["edge", "onion"]], ids="+".join)
def test_no_switch_is_warned_about(files, tmp_path):
    """None, each, all; and as they stand in the file, uncommented."""
    env = {"PATH": "/usr/bin:/bin", "AMMIT_SPOE_CONF": str(ROOT / "haproxy/ammit.spoe.conf"),
           "AMMIT_ONION_USER": getpass.getuser()}
    text, count = re.subn(r"(?m)^    #(presetenv AMMIT_(?!USER))", r"    \1", (ROOT / "haproxy/onion.cfg").read_text())
    assert count == 6
    (tmp_path / "onion.cfg").write_text(text)

    def check(more, folder=ROOT / "haproxy"):
        paths = [x for name in files for x in ("-f", (folder if name == "onion" else ROOT / "haproxy") / (name + ".cfg"))]
        got = subprocess.run([HAPROXY, "-c", *paths], env={**env, **more}, capture_output=True, text=True)
        said = got.stdout + got.stderr
        assert got.returncode == 0 and "WARNING" not in said and "ALERT" not in said, said

    for chosen in [{}, *({k: v} for k, v in SWITCHES.items()), SWITCHES]:
        check(chosen)
    check({}, tmp_path)


def sections(name):
    """Of a shipped file, by their heads; without comments."""
    found = {}
    for line in (ROOT / "haproxy" / name).read_text().splitlines():
        if re.match(r"[a-z]", line):
            head = found.setdefault(line, [])
        elif line.strip() and not line.lstrip().startswith("#") and not line.startswith("."):
            head.append(line.strip())
    return found


def test_what_both_files_have_is_the_same():
    """Denials, failures, the log, the backends: what is mended in one file is in the other."""
    edge, onion = sections("edge.cfg"), sections("onion.cfg")
    for head in ("backend ammit-challenge", "backend ammit-drip", "backend ammit-agent", "backend ammit-visits",
                 "backend ammit-passes", "backend site"):
        assert edge[head], head
        assert [x for x in onion[head] if "X-Ammit-Proto" not in x] == [x for x in edge[head] if "X-Ammit-Proto" not in x]
    shared = re.compile(r"fail_closed|ammit_answered|verdict_(?!deny !ammit_failed !ammit_made_to)|page_there|ammit-passes|"
                        r"^http-request (set-var|return|send-spoe)|ammit_own")
    pick = lambda lines: [x for x in lines if shared.search(x) and "tarpit" not in x]
    assert len(pick(edge["frontend edge"])) > 30
    assert pick(onion["frontend onion"]) == pick(edge["frontend edge"])
    formats = [[re.sub(r" (circuit|tls\.version|tls\.ja3)=\S+", "", x) for x in file if x.startswith("log-format")]
               for file in (edge["frontend edge"], onion["frontend onion"])]
    assert len(formats[0]) == 2 and formats[0] == formats[1]


# ---- circuits by hand ----


@pytest.mark.parametrize("circuit", IDS)
def test_any_circuit_is_somebody(onion, circuit):
    """Weighed, challenged, passed, logged under its id."""
    mark = "/id/%d" % circuit
    said = onion.ask(onion.by(circuit), mark, dict(CURL, **{
        "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Ammit-Src": "10.0.0.1",
        "X-Ammit-Proto": "https", "X-Forwarded-Proto": "https"}))
    assert said.from_site
    headers = said.json()["headers"]
    assert ["x-forwarded-for", address(circuit)] in headers and ["x-forwarded-proto", "http"] in headers
    assert "10.0.0.1" not in said.body and "x-ammit" not in said.body
    line = lines(onion, where=" %s " % mark)[0]
    assert line.startswith(address(circuit) + " GET ") and " circuit=%d " % circuit in line and "verdict=allow" in line
    cookie = earn(onion, lambda: onion.by(circuit), mark)
    assert onion.ask(onion.by(circuit), mark, with_pass(cookie)).from_site
    wait_until(lambda: address(circuit) in onion.ammit.output(), "the circuit in Ammit's log")


@pytest.mark.parametrize("circuit", [49, 65536])
def test_proxy_to_the_site(box, circuit):
    """What the site hears, byte by byte: port 0 is no reason to say less."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        edge = onion_edge(box, site="127.0.0.1:%d" % listener.getsockname()[1], AMMIT_SITE_PROXY="v2")
        with contextlib.closing(edge.stream(proxy_line(circuit) + "GET / HTTP/1.1\r\nHost: x\r\n\r\n")):
            sock, _ = listener.accept()
            with contextlib.closing(sock):
                sock.settimeout(PATIENCE_S)
                data = b""
                while len(data) < 52:
                    more = sock.recv(52 - len(data))
                    assert more, data
                    data += more
    assert data[:14] == b"\r\n\r\n\0\r\nQUIT\n\x21\x21", data
    assert data[16:32] == socket.inet_pton(socket.AF_INET6, address(circuit))


FORGED = {
    "another prefix": "PROXY TCP6 fc00:dead:beef:4dae::31 ::1 49 80\r\n",
    "an address": "PROXY TCP6 2001:db8::1 ::1 49 80\r\n",
    "an IPv4 address": "PROXY TCP4 203.0.113.5 127.0.0.1 49 80\r\n",
    "loopback": "PROXY TCP4 127.0.0.1 127.0.0.1 49 80\r\n",
    "UNKNOWN": "PROXY UNKNOWN\r\n",
    "UNKNOWN with a circuit": "PROXY UNKNOWN fc00:dead:beef:4dad::31 ::1 49 80\r\n",
    "v2 LOCAL": b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0",
    "v2 with no family": b"\r\n\r\n\0\r\nQUIT\n\x21\x00\0\0",
    "no line": "",
    "garbage": "PROXY TCP6 fc00:dead:beef:4dad::zz ::1 49 80\r\n",
}


@pytest.mark.parametrize("line", FORGED.values(), ids=FORGED)
def test_what_is_no_circuit_is_refused(onion, line):
    before = len(onion.lines())
    with contextlib.closing(onion.stream(line)) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"GET /forged HTTP/1.1\r\nHost: x\r\nUser-Agent: TrustedAgent\r\n\r\n")
        try:
            said = sock.recv(4096)
        except ConnectionError:
            said = b""
    assert said == b""
    assert onion.ask(onion.by(7), headers=TRUSTED).from_site
    assert not any("/forged" in x for x in onion.lines()[before:])


def test_only_tor_can_connect(box):
    """The socket that HAProxy makes, for the user that the file names."""
    if os.geteuid() != 0:
        pytest.skip("to hand a socket to another user needs root")
    try:
        tor = pwd.getpwnam(tornet.USER)
    except KeyError:
        pytest.skip("no user %s: tests/deps.sh installs Debian's tor" % tornet.USER)
    edge = onion_edge(box, AMMIT_ONION_USER=tornet.USER)
    made = os.stat(edge.socket)
    assert stat.S_IMODE(made.st_mode) == 0o600 and made.st_uid == tor.pw_uid
    program = "import socket,sys; sys.exit(socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1]))"
    for user, allowed in ((tornet.USER, True), ("nobody", False), ("haproxy", False)):
        code = subprocess.run(["setpriv", "--reuid", user, "--clear-groups", "/usr/bin/python3", "-c", program, edge.socket]).returncode
        assert (code == 0) == allowed, (user, code)


def test_rate_by_circuit(box):
    """Who floods is weighed, on new connections and on a kept one; nobody else is, whatever his id shares."""
    bots = [{"name": "often", "expression": "onion && rate > 5", "action": "DENY"}]
    edge = onion_edge(box, dict(POLICY, bots=bots))
    flood = 65536 * 3 + 9

    def flooded():
        return edge.ask(edge.by(flood)).status == 403

    assert not flooded()
    wait_until(flooded, "the circuit to be denied")
    with contextlib.closing(edge.by(flood)) as connection:
        assert edge.get("/", connection=connection).status == 403
        assert edge.get("/", connection=connection).status == 403
    for other in (flood + 1, flood + 65536, 9, 65536 * 3):
        assert edge.ask(edge.by(other)).from_site, other


def test_a_pass_holds_on_a_new_circuit_and_is_counted_on_all(box):
    bots = [{"name": "shared", "expression": "onion && pass.rate > 6", "action": "DENY"}, POLICY["bots"][-1]]
    edge = onion_edge(box, dict(POLICY, bots=bots))
    cookie = earn(edge, lambda: edge.by(10))
    another = earn(edge, lambda: edge.by(10))
    circuits = itertools.count(100)
    assert edge.ask(edge.by(next(circuits)), headers=with_pass(cookie)).from_site
    wait_until(lambda: edge.ask(edge.by(next(circuits)), headers=with_pass(cookie)).status == 403, "the pass to be refused")
    assert edge.ask(edge.by(next(circuits)), headers=with_pass(another)).from_site
    # Worth nothing where nothing is: a pass of the onion's on another name.
    with contextlib.closing(edge.by(next(circuits))) as connection:
        assert edge.get("/", with_pass(another), connection=connection, host="other.onion").challenged


def test_an_offender_is_refused_and_nobody_else(box):
    edge = onion_edge(box, AMMIT_ONION_OFFENDERS="3")
    scraper = {"User-Agent": "GPTBot"}
    assert edge.ask(edge.by(5), headers=scraper).status == 403
    with contextlib.closing(edge.by(5)) as kept:
        assert edge.get("/", TRUSTED, connection=kept).from_site
        wait_until(lambda: edge.ask(edge.by(5), headers=scraper) is None, "the circuit to be refused")
        with pytest.raises(ConnectionError):
            edge.get("/", TRUSTED, connection=kept)
    assert edge.ask(edge.by(5), headers=TRUSTED) is None
    with contextlib.closing(edge.stream(proxy_line(5))) as sock:
        assert sock.recv(1) == b"", "before it has said anything"
    for other in (6, 65536 + 5):
        assert edge.ask(edge.by(other), headers=TRUSTED).from_site


def test_pages_of_others_have_nobody_refused(box):
    edge = onion_edge(box, AMMIT_ONION_OFFENDERS="1")
    for _ in range(4):
        assert edge.ask(edge.by(5), "/secret/", {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert edge.ask(edge.by(5), headers=TRUSTED).from_site


def test_no_list_of_addresses_knows_a_circuit(box):
    """Neither lets it in nor keeps it out, and the DNS hears nothing of it. Others are asked about."""
    server = dns_servers.FakeDns(lambda name, kind, _: healthy(name, kind) or dns_servers.a(name, kind, ["127.0.0.9"]))
    with server:
        policy = {
            "bots": [
                {"name": "lan", "remote_addresses": ["fc00::/7", "127.0.0.0/8"], "path_regex": "^/lan", "action": "ALLOW"},
                {"name": "all", "remote_addresses": ["::/0", "0.0.0.0/0"], "path_regex": "^/all", "action": "DENY"},
                {"name": "crawler", "user_agent_regex": "Googlebot", "action": "ALLOW",
                 "verify_dns": {"suffixes": [".googlebot.com"], "forged": 20}},
                {"name": "browser", "path_regex": "^/lan", "action": "CHALLENGE",
                 "challenge": {"difficulty": 1, "algorithm": "fast"}},
            ],
            "thresholds": [{"name": "all", "expression": "weight < 10", "action": "ALLOW"},
                           {"name": "some", "expression": "weight >= 10", "action": "DENY"}],
            "dnsbl": [{"zone": "bl.test", "codes": {"default": 20}}],
            "dns": {"budget_ms": 50},
        }
        edge = onion_edge(box, ammit=box.ammit(policy, None, None, None, "--dns", server.address))
        for circuit in IDS:
            assert edge.ask(edge.by(circuit), "/lan", BROWSER).challenged
            assert edge.ask(edge.by(circuit), "/all").from_site
            assert edge.ask(edge.by(circuit), "/x", {"User-Agent": "Googlebot"}).from_site
        assert [name for name, _ in server.asked if "127.bl.test" not in name] == [], "only the list's own test points"
        with edge.ammit.client() as client:
            client.ask(src=("ip", "5.6.7.9"), path="/x")
        wait_until(lambda: ("9.7.6.5.bl.test", "A") in server.asked, "an address to be asked about")


def test_replay_reads_what_the_onion_wrote(box):
    edge = onion_edge(box, AMMIT_LOG_FULL="1")
    cookie = earn(edge, lambda: edge.by(65536))
    for headers in (CURL, BROWSER, {"User-Agent": "GPTBot"}, with_pass(cookie)):
        edge.ask(edge.by(65536), headers=headers)
    log = "\n".join(lines(edge, 6))
    assert " rate=2 " in log and " circuit=65536 " in log and cookie not in log
    status, said, stderr = replay(log, "--policy", box.path / "policy.json")
    assert status == 0, stderr
    assert (said["requests"], said["own"], said["not_requests"]) == (5, 1, 0)
    assert said["given"]["different"] == 0 and said["given"]["same"] == 5


class Strict(Site):
    """A site that has an HTTPS side elsewhere."""

    class Handler(Site.Handler):
        def end_headers(self):
            self.send_header("Strict-Transport-Security", "max-age=31536000")
            self.send_header("Alt-Svc", 'h3=":443"')
            super().end_headers()


def test_nobody_is_sent_to_https(box):
    site = Strict()
    box.stack.callback(site.server_close)
    box.stack.callback(site.shutdown)
    edge = onion_edge(box, site=site.address)
    said = edge.ask(edge.by(5))
    assert said.from_site and not {"strict-transport-security", "alt-svc"} & {k.lower() for k in said.headers}
    page = edge.ask(edge.by(5), headers=BROWSER)
    assert page.challenged and "strict-transport-security" not in {k.lower() for k in page.headers}


def test_ammit_killed_behind_the_onion(box):
    """As behind edge.cfg: open routes go on, closed ones wait."""
    edge = onion_edge(box)
    edge.ammit.kill()
    assert wait_until(lambda: edge.ask(edge.by(5), headers=BROWSER), "an answer").from_site
    assert edge.ask(edge.by(5), "/login", BROWSER).status == 503
    assert "error=" in lines(edge, where=" /login ")[-1]
    edge.ammit.start()
    wait_until(lambda: edge.ask(edge.by(5), headers=BROWSER).challenged, "the challenge page")


@pytest.mark.parametrize("full", [{}, {"AMMIT_LOG_FULL": "1"}], ids=["short", "full"])
def test_beside_the_edge(box, full):
    """edge.cfg and onion.cfg in one HAProxy: one site, one Ammit, one line a request."""
    rule = {"name": "often", "expression": "rate > 5", "action": "DENY"}
    edge = onion_edge(box, dict(POLICY, bots=[rule, *POLICY["bots"]]), beside=True, **full)
    at_home = edge.get("/clear")
    assert at_home.from_site and ["x-forwarded-for", "127.0.0.1"] in at_home.json()["headers"]
    wait_until(lambda: edge.get("/clear", BROWSER).challenged, "the challenge page")
    assert edge.ask(edge.by(49), "/onion", BROWSER).challenged
    cookie = earn(edge, lambda: edge.by(49))
    assert edge.ask(edge.by(50), "/onion", with_pass(cookie)).from_site
    # Only the onion counts here: the edge's own switch is off.
    for _ in range(8):
        assert edge.get("/clear").from_site
    wait_until(lambda: edge.ask(edge.by(51), "/flood").status == 403, "the circuit to be denied")
    for path, count in (("/onion", 2), ("/flood", None)):
        logged = [x for x in lines(edge, 10) if re.search(r'[ =]"?%s"? ' % path, x)]
        assert all(" circuit=" in x for x in logged) and (count is None or len(logged) == count), logged


# ---- through tor ----


@pytest.fixture(scope="module")
def tor():
    with tempfile.TemporaryDirectory(prefix="ammit-tor-", ignore_cleanup_errors=True) as folder:
        with tornet.TorNetwork(folder) as network:
            yield network


@contextlib.contextmanager
def behind(tor, port, policy=POLICY, **more):
    with make_box() as box:
        edge = onion_edge(box, policy, at=tor.socket(port), AMMIT_ONION_USER=tornet.USER, **more)
        edge.box, edge.host = box, tor.onion if port == 80 else "%s:%d" % (tor.onion, port)
        edge.url = "http://" + edge.host
        yield edge


@pytest.fixture(scope="module")
def service(tor):
    often = {"name": "often", "expression": "onion && rate > 15", "action": "DENY"}
    program = dict(POLICY["bots"][-1], name="program", path_regex="^/solve", user_agent_regex="")
    bots = [often, program, *POLICY["bots"]]
    with behind(tor, 80, dict(POLICY, bots=bots)) as edge:
        wait_until(lambda: edge.ask(tor.connection("ready"), headers=BROWSER).challenged, "the challenge page")
        yield edge


def circuit_of(edge, mark):
    """By which circuit the request with this path came, as the log says."""
    return int(re.search(r" circuit=(\d+) ", lines(edge, where=" %s " % mark)[-1]).group(1))


def test_challenged_solved_and_passed_on_a_new_circuit(tor, service):
    cookie = earn(service, lambda: tor.connection("alice"), "/alice")
    assert service.ask(tor.connection("alice"), "/alice/again", with_pass(cookie)).from_site
    said = service.ask(tor.connection("alice-later"), "/alice/later", with_pass(cookie))
    assert said.from_site
    first, again, later = (circuit_of(service, x) for x in ("/alice", "/alice/again", "/alice/later"))
    assert first == again != later
    # The id is the one that the control port has, and so is the address that the site hears.
    assert {first, later} <= set(tor.circuits())
    assert '["x-forwarded-for", "%s"]' % address(later) in html.unescape(said.body)


def test_a_flood_is_one_circuits_own(tor, service):
    def flood():
        with contextlib.closing(tor.connection("flood")) as connection:
            return [service.get("/flood", TRUSTED, connection=connection).status for _ in range(20)][-1] == 403

    wait_until(flood, "the circuit to be denied")
    assert service.ask(tor.connection("bystander"), "/bystander", TRUSTED).from_site
    assert circuit_of(service, "/bystander") != circuit_of(service, "/flood")


def test_ammit_solve_through_tor(tor, service):
    proxy = "socks5h://solver:x@127.0.0.1:%d" % tornet.SOCKS_PORT
    with tor.inside():
        got = solve("--header", "-q", "--proxy", proxy, service.url + "/solve")
    assert got.returncode == 0, got
    name, _, value = got.stdout.strip().partition("=")
    assert name == "Cookie: ammit"
    assert not service.ask(tor.connection("solved"), "/solve").from_site
    assert service.ask(tor.connection("solved"), "/solve", with_pass(value, CURL)).from_site


def test_defences_of_tor_are_on(tor, service):
    """As shipped; what all tests here go through. One circuit gets so many streams, and no more."""
    said = tor.ask("GETCONF HiddenServiceOptions")
    for option in ("HiddenServiceEnableIntroDoSDefense 1", "HiddenServicePoWDefensesEnabled 1", "HiddenServiceMaxStreams 64"):
        assert any(option.replace(" ", "=") in line for line in said), (option, said)
    with contextlib.ExitStack() as stack:
        bystander = stack.enter_context(contextlib.closing(tor.connection("bystander")))
        assert service.get("/", TRUSTED, connection=bystander, host=service.host).from_site
        streams = [stack.enter_context(contextlib.closing(tor.connect("greedy"))) for _ in range(64)]
        with contextlib.suppress(OSError):
            stack.enter_context(contextlib.closing(tor.connect("greedy")))
        assert streams[0].recv(1) == b"" and streams[-1].recv(1) == b"", "the circuit is closed"
        assert service.get("/", TRUSTED, connection=bystander, host=service.host).from_site


LEVELS = {
    "standard": {},
    "safer": {"safer": True},
    "safest": {"javascript": False},
}


@pytest.fixture(scope="module")
def shipped(tor):
    with behind(tor, 81, ROOT / "policies/onion-service.yaml") as edge:
        yield edge


@pytest.mark.parametrize("options", LEVELS.values(), ids=LEVELS)
def test_tor_browser(tor, shipped, options):
    """Firefox with what Tor Browser sets at each level, by the shipped policy: through, once."""
    prefs = {
        "network.proxy.type": 1, "network.proxy.socks": "127.0.0.1", "network.proxy.socks_port": tornet.SOCKS_PORT,
        "network.proxy.socks_remote_dns": True, "network.dns.blockDotOnion": False,
        "dom.securecontext.allowlist_onions": True,
    }
    with tor.inside(), Firefox(prefs=prefs, **options) as browser:
        browser.get(shipped.url + "/page?x=1")
        browser.wait(lambda: on_site(browser), "the site")
        assert asked(browser)["path"] == "/page?x=1"
        before = len([x for x in shipped.lines() if "verdict=challenge" in x])
        browser.get(shipped.url + "/again")
        assert on_site(browser)
        assert len([x for x in shipped.lines() if "verdict=challenge" in x]) == before


# ---- circuits that are closed ----

CLOSING = {
    "bots": [
        {"name": "hard", "user_agent_regex": "Hard", "action": "DENY", "close_circuit": True},
        {"name": "mild", "user_agent_regex": "Mild", "action": "DENY"},
    ],
    "thresholds": [],
}
HARD, MILD = {"User-Agent": "Hard/1.0"}, {"User-Agent": "Mild/1.0"}


def told(ammit):
    """What Ammit counts of tor."""
    text = run_ammit("ctl", "--control", ammit.control, "metrics").stdout
    return {name: float(n) for name, n in re.findall(r"(?m)^ammit_(tor_\w+|circuits_\w+) ([0-9.]+)$", text)}


@contextlib.contextmanager
def closing(tor, *options, control=None, up=True):
    """A service whose Ammit has tor's control port."""
    with make_box() as box, tor.inside():
        ammit = box.ammit(CLOSING, None, None, None, "--tor-control", control or tor.control, *options)
        edge = onion_edge(box, ammit=ammit, at=tor.socket(82), AMMIT_ONION_USER=tornet.USER)
        edge.box, edge.host = box, "%s:82" % tor.onion
        wait_until(lambda: told(ammit)["tor_up"] == up, "Ammit and tor to agree")
        yield edge


class Visitor:
    """A circuit with a connection that stays open."""

    def __init__(self, tor, edge, name):
        self.tor, self.edge, self.name = tor, edge, name
        self.connection = tor.connection(name, 82)
        assert self.ask().from_site
        self.circuit = circuit_of(edge, "/" + name)

    def ask(self, headers=TRUSTED):
        return self.edge.get("/" + self.name, headers, connection=self.connection, host=self.edge.host)

    def misbehave(self, headers=HARD):
        """By a stream of its own: its answer may be lost with the circuit."""
        with contextlib.closing(self.tor.connection(self.name, 82)) as connection:
            try:
                assert self.edge.get("/bad", headers, connection=connection, host=self.edge.host).status == 403
            except (ConnectionError, http.client.HTTPException):
                pass

    def closed(self):
        return self.circuit not in self.tor.circuits()

    def hears_the_end(self):
        return self.connection.sock.recv(1) == b""


def is_closed_alone(tor, edge, number=""):
    bad, good = (Visitor(tor, edge, name + number) for name in ("bad", "good"))
    assert bad.circuit != good.circuit
    bad.misbehave()
    wait_until(bad.closed, "the circuit to be closed")
    assert bad.hears_the_end()
    assert good.ask().from_site and not good.closed()
    again = Visitor(tor, edge, "bad" + number)
    assert again.circuit not in (bad.circuit, good.circuit)


@pytest.fixture
def without_cookie(tor):
    tor.ask("SETCONF CookieAuthentication=0")
    yield
    tor.ask("SETCONF CookieAuthentication=1")


def test_a_denied_circuit_is_closed_and_only_that_one(tor):
    """By the control socket, as Debian's tor has it."""
    with closing(tor) as edge:
        is_closed_alone(tor, edge)
        counted = told(edge.ammit)
        assert counted["circuits_closed_total"] == 1 and counted["circuits_refused_total"] == 0
        assert 'by="SAFECOOKIE"' in edge.ammit.output()


def test_the_same_by_a_port_and_a_password(tor, without_cookie, tmp_path):
    (tmp_path / "password").write_text(tornet.PASSWORD + "\n")
    port = "127.0.0.1:%d" % tornet.CONTROL_PORT
    with closing(tor, "--tor-password", tmp_path / "password", control=port) as edge:
        is_closed_alone(tor, edge)
        assert 'by="HASHEDPASSWORD"' in edge.ammit.output()


def test_a_wrong_password_closes_nothing_and_touches_no_verdict(tor, without_cookie, tmp_path):
    (tmp_path / "password").write_text("a guess\n")
    port = "127.0.0.1:%d" % tornet.CONTROL_PORT
    with closing(tor, "--tor-password", tmp_path / "password", control=port, up=False) as edge:
        wait_until(lambda: 'state="down"' in edge.ammit.output(), "the log to say so")
        bad = Visitor(tor, edge, "guess")
        bad.misbehave()
        assert bad.ask().from_site and not bad.closed()
        assert told(edge.ammit)["circuits_closed_total"] == 0 and "a guess" not in edge.ammit.output()


def test_closed_after_denials_or_only_said(tor):
    with closing(tor, "--tor-close-after", "3") as edge:
        bad = Visitor(tor, edge, "thrice")
        bad.misbehave(MILD)
        bad.misbehave(MILD)
        assert bad.ask().from_site
        bad.misbehave(MILD)
        wait_until(bad.closed, "the circuit to be closed")
    with closing(tor, "--tor-dry-run") as edge:
        bad = Visitor(tor, edge, "dry")
        bad.misbehave()
        wait_until(lambda: told(edge.ammit)["circuits_dry_run_total"] == 1, "it to be counted")
        assert bad.ask().from_site and not bad.closed()


class Relay:
    """Between Ammit and tor's control socket; can be cut."""

    def __init__(self, path, to):
        self.path, self.to, self.open = path, to, []
        self.connect()

    def connect(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.socket(socket.AF_UNIX)
                far.connect(self.to)
                self.open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def cut(self):
        for sock in [self.listener, *self.open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self.open = []
        os.unlink(self.path)


def test_control_port_gone_under_load(tor, tmp_path):
    """Nobody who is judged notices, whichever way he comes; then circuits are closed again."""
    relay = Relay(tmp_path / "control", tor.control.partition("@")[2])
    with closing(tor, control="unix@%s" % relay.path) as edge:
        over, wrong, count = threading.Event(), [], [0, 0]

        def load(which):
            for number in itertools.count(10**6 * (which + 1)):  # of nobody: what closes them closes nothing
                if over.is_set():
                    return
                got = [edge.ask(edge.by(number), headers=headers).status for headers in (HARD, TRUSTED)]
                if got != [403, 200]:
                    wrong.append((number, got))
                count[which] += 1

        threads = [threading.Thread(target=load, args=(which,)) for which in range(2)]
        for thread in threads:
            thread.start()
        try:
            more = lambda n: wait_until(lambda seen=list(count): all(c > s + n for c, s in zip(count, seen)), "verdicts")
            more(20)
            relay.cut()
            wait_until(lambda: told(edge.ammit)["tor_up"] == 0, "tor to be gone")
            more(100)
            visitor = Visitor(tor, edge, "meanwhile")
            visitor.misbehave()
            assert visitor.ask().from_site and not visitor.closed()
            relay.connect()
            wait_until(lambda: told(edge.ammit)["tor_up"] == 1, "tor to be back")
            more(20)
        finally:
            over.set()
            for thread in threads:
                thread.join()
            relay_was = told(edge.ammit)
        assert not wrong, wrong[:5]
        assert relay_was["circuits_dropped_total"] > 0
        is_closed_alone(tor, edge, "-later")
    relay.cut()
