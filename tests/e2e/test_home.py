"""The edge, WireGuard and home, with the shipped files of each: haproxy/edge.cfg and homelab.cfg,
contrib/wireguard, contrib/nginx/home.conf. Who is believed whose a request is, what a visitor sees
while home is gone, and that nobody pays a round trip twice."""

import concurrent.futures
import contextlib
import http.client
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time

import pytest

from conftest import (
    BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, ROOT, SCRAPER, Edge, Response, Site, free_port, make_box, wait_until,
)
from test_challenge import cookie_of, puzzle, submit, with_pass
from test_haproxy import Hammer, certificate
from wg import EDGE, HOME, HOME6, HOME_LAN, LAN, OTHERS, PUBLIC, PUBLIC6, VISITOR, VISITOR6, Homelab, listening

GONE = "This site cannot be reached at the moment; please try again in a minute."


@pytest.fixture(scope="module")
def lab(shared_box):
    with Homelab(shared_box) as lab:
        yield lab


def start(lab, box, site, policy=POLICY, **env):
    """edge.cfg and Ammit at the edge, on IPv4 and IPv6."""
    with lab.edge.inside():
        ammit = box.ammit(policy)
        edge = box.keep(Edge(box, ammit.spop, ammit.http, site, at=PUBLIC))
        edge.env.update({"AMMIT_BIND": ":%d,[::]:%d" % (edge.port, edge.port), "AMMIT_SITE_PROXY": "v2", **env})
        edge.start()
        edge.ammit = ammit
        wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    return edge


@contextlib.contextmanager
def outside(lab, port, src=VISITOR):
    """A visitor's connection."""
    with lab.client.inside():
        connection = http.client.HTTPConnection(
            PUBLIC6 if ":" in src else PUBLIC, port, timeout=PATIENCE_S, source_address=(src, 0))
        with contextlib.closing(connection):
            yield connection


def visit(lab, edge, path="/", headers=CURL, src=VISITOR, **more):
    with outside(lab, edge.port, src) as connection:
        return edge.get(path, headers, connection=connection, **more)


class Slow(Site.Handler):
    """Never answers one path."""

    reached = threading.Event()

    def do_GET(self):
        if self.path == "/slow":
            self.reached.set()
            self.rfile.read(1)
        else:
            self.answer()


@pytest.fixture(scope="module")
def edge(lab):
    """edge.cfg with PROXY, nginx at home, and a site there."""
    with make_box() as box:
        with lab.home.inside():
            site = box.site()
        site.RequestHandlerClass = Slow
        log = lab.nginx(box, site.address)
        edge = start(lab, box, HOME + ":8080")
        edge.box, edge.access = box, log
        yield edge


def proxy_line(src, dst=PUBLIC):
    return "PROXY TCP%d %s %s 40000 80\r\n" % (6 if ":" in src else 4, src, dst)


def proxy_v2(src):
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton(src) + socket.inet_aton(PUBLIC) + struct.pack("!HH", 40000, 80)


def say(namespace, address, first="", headers=CURL, host="example.org"):
    """A request with that in front of it: an answer, or None where the connection is cut."""
    lines = "".join("%s: %s\r\n" % h for h in headers.items())
    raw = first if isinstance(first, bytes) else first.encode()
    with namespace.inside(), socket.socket() as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.connect(address)
            sock.sendall(raw + ("GET /forged HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n" % (host, lines)).encode())
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            return Response(answer)
        except (ConnectionResetError, BrokenPipeError, http.client.BadStatusLine):
            return None


def told(response):
    return {name: value for name, value in response.json()["headers"]}


# -- who it is


@pytest.mark.parametrize("src", [VISITOR, OTHERS[3], VISITOR6])
def test_nginx_at_home_sees_the_visitor(lab, edge, src):
    got = visit(lab, edge, "/who", dict(CURL, **{"X-Forwarded-For": "198.51.100.77", "X-Forwarded-Proto": "https"}), src)
    assert got.from_site and told(got)["x-forwarded-for"] == src and told(got)["x-forwarded-proto"] == "http"
    # nginx writes its line when the answer has been sent.
    (line,) = wait_until(lambda: [x for x in edge.access() if x.startswith(src + " ") and " /who " in x], "the log line")
    assert " via=%s " % EDGE in line


def test_nginx_at_home_believes_nobody_else(lab, edge):
    """Another machine, however it comes near: its word is not heard, and it gets nothing."""
    subprocess.run(["ip", "-n", lab.lan.name, "route", "replace", HOME, "via", HOME_LAN], check=True)
    for namespace, src in ((lab.lan, LAN), (lab.home, HOME)):
        for first in (proxy_line("203.0.113.66"), proxy_line("192.168.1.77"), proxy_v2("203.0.113.66")):
            got = say(namespace, (HOME, 8080), first)
            assert got.status == 403 and not got.from_site
    lines = wait_until(lambda: len(x := [x for x in edge.access() if " /forged " in x]) >= 6 and x, "the log lines")
    assert len(lines) == 6 and {x.split()[0] for x in lines} == {LAN, HOME}


def test_nobody_in_the_lan_has_the_edges_address(lab, edge):
    """What is answered goes through the tunnel: no connection comes about."""
    subprocess.run(["ip", "-n", lab.lan.name, "route", "replace", HOME, "via", HOME_LAN], check=True)
    subprocess.run(["ip", "-n", lab.lan.name, "addr", "replace", EDGE + "/32", "dev", "visit"], check=True)
    with lab.lan.inside(), socket.socket() as sock:
        sock.bind((EDGE, 0))
        sock.settimeout(1)
        with pytest.raises(TimeoutError):
            sock.connect((HOME, 8080))


@pytest.fixture
def home(lab, box):
    """homelab.cfg, beside the nginx of the other tests."""
    with lab.home.inside():
        www, nobody = box.site(), "127.0.0.1:%d" % free_port()
    process = lab.process(box, lab.home, "homelab", [HAPROXY, "-db", "-f", ROOT / "haproxy/homelab.cfg"], {
        "AMMIT_BIND": ":8081", "AMMIT_HOME_WWW": www.address, "AMMIT_HOME_GIT": nobody,
        "AMMIT_LOG": "stdout", "AMMIT_LAN": "192.168.0.0/16",
    })
    listening(lab.home, process, (HOME_LAN, 8081))
    return process


def test_haproxy_at_home_sees_the_visitor(lab, box, home):
    edge = start(lab, box, HOME + ":8081")
    forged = dict(CURL, **{"X-Forwarded-For": "198.51.100.77", "X-Forwarded-Proto": "https"})
    for src in (OTHERS[1], VISITOR6):
        got = visit(lab, edge, "/who", forged, src)
        assert told(got)["x-forwarded-for"] == src and told(got)["x-forwarded-proto"] == "http"
        wait_until(lambda: [x for x in home.output().splitlines() if x.startswith(src + " GET /who ") and " via=edge " in x],
                   "the log line")
    # From the LAN, without the edge: whoever it is, as himself.
    for headers in (CURL, BROWSER, SCRAPER):
        got = say(lab.lan, (HOME_LAN, 8081), headers=dict(headers, **{"X-Forwarded-For": "10.9.0.1", "Accept": "*/*"}))
        assert got.from_site and told(got)["x-forwarded-for"] == LAN and told(got)["x-forwarded-proto"] == "http"
    wait_until(lambda: "%s GET /forged host=\"example.org\" via=lan" % LAN in home.output(), "the log line")


def test_haproxy_at_home_knows_the_sites_by_name(lab, home):
    """One of the two is not there, so it is told apart."""
    for host, status in (("example.org", 200), ("git.example.org", 503), ("GIT.example.org:8081", 503),
                         ("git.example.org.evil.test", 200)):
        assert say(lab.lan, (HOME_LAN, 8081), host=host).status == status, host


def test_haproxy_at_home_believes_nobody_else(lab, home):
    from_edge = lambda first: say(lab.edge, (HOME, 8081), first)
    assert told(from_edge(proxy_line("203.0.113.66")))["x-forwarded-for"] == "203.0.113.66"
    assert told(from_edge(proxy_v2("203.0.113.66")))["x-forwarded-for"] == "203.0.113.66"
    # The edge says whose a request is or is not heard at all, and has no address of the LAN to tell.
    for first in ("", proxy_line("192.168.1.77"), proxy_v2("192.168.1.77"), proxy_line("fc00:dead:beef:4dad::5", "::1")):
        assert from_edge(first) is None, first
    # From the LAN a PROXY line is no more than a request that is none.
    for first in (proxy_line("203.0.113.66"), proxy_v2("203.0.113.66")):
        got = say(lab.lan, (HOME_LAN, 8081), first)
        assert got is None or (got.status == 400 and not got.from_site)
    # And who is neither is not let in.
    assert say(lab.home, (HOME, 8081)) is None
    assert say(lab.home, (HOME, 8081), proxy_line("203.0.113.66")) is None
    assert "192.168.1.77" not in home.output()


# -- whoever comes from your own networks


def test_lan_and_vpn_are_never_challenged(lab, edge, box):
    """With contrib/wireguard/policy.yaml, whatever they run. Nobody outside can say that it is he."""
    edge = start(lab, box, HOME + ":8080", ROOT / "contrib/wireguard/policy.yaml")
    address = (EDGE, edge.port)
    for headers in (BROWSER, SCRAPER, {"User-Agent": "python-requests/2.31", "Accept": "*/*"}, {"Accept": "*/*"}):
        assert say(lab.home, address, headers=headers).from_site
    wait_until(lambda: "rule=\"bot/vpn\"" in edge.output(), "the log line")
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Ammit-Src", "Client-IP"):
        assert visit(lab, edge, "/", dict(SCRAPER, **{name: "10.9.0.3"})).status == 403
        assert visit(lab, edge, "/", dict(BROWSER, **{name: "10.9.0.3"})).challenged
    for first in (proxy_line("10.9.0.3"), proxy_v2("10.9.0.3")):
        got = say(lab.client, (PUBLIC, edge.port), first, SCRAPER)
        assert got is None or (got.status == 400 and not got.from_site)
    subprocess.run(["ip", "-n", lab.client.name, "addr", "replace", "10.9.0.3/32", "dev", "visit"], check=True)
    with lab.client.inside(), socket.socket() as sock:
        sock.bind(("10.9.0.3", 0))
        sock.settimeout(1)
        with pytest.raises(TimeoutError):
            sock.connect((PUBLIC, edge.port))


# -- Ammit at home


def test_one_key_is_good_at_both(lab, edge, box):
    """Earned at the edge, good at home where the key file is the same, and not where it is another."""
    with lab.client.inside():
        p = puzzle(edge)
        earned = cookie_of(submit(edge, p.ticket, p.solve()))
        assert edge.get("/", with_pass(earned)).from_site
    for same in (False, True):
        with make_box() as own:
            state = own.path / "state"
            state.mkdir(mode=0o700)
            if same:
                shutil.copy(edge.ammit.state / "key", state / "key")
            home = weighing_at_home(lab, own)
            with forwarding(lab, own, home) as forward:
                got = visit(lab, forward, "/both", with_pass(earned))
                assert got.from_site == same and got.challenged == (not same)
                if same:
                    assert told_in_page(got)["x-forwarded-for"] == VISITOR


def told_in_page(response):
    return dict(re.findall(r'\["([a-z-]+)", "([^"]*)"\]', response.body))


def weighing_at_home(lab, box, policy=POLICY):
    """homelab.cfg (AMMIT_AT_HOME) and edge.cfg in one HAProxy at home, with Ammit."""
    with lab.home.inside():
        site = box.site()
        ammit = box.ammit(policy)
        home = box.keep(Edge(box, ammit.spop, ammit.http, "unix@%s/home.sock" % box.path, at=HOME_LAN))
        # In this order, as homelab.cfg says.
        home.command[2:2] = ["-f", ROOT / "haproxy/homelab.cfg"]
        home.env.update(
            AMMIT_BIND=":%d" % home.port, AMMIT_AT_HOME="1", AMMIT_HOME_WWW=site.address, AMMIT_LAN="192.168.0.0/16",
            AMMIT_CRT=str(certificate(box.path)), AMMIT_BIND_TLS=":8443",
        )
        home.start()
    return home


@contextlib.contextmanager
def forwarding(lab, box, home):
    """contrib/wireguard/edge-tcp.cfg at the edge."""
    process = lab.process(box, lab.edge, "edge-tcp", [HAPROXY, "-db", "-f", ROOT / "contrib/wireguard/edge-tcp.cfg"], {
        "AMMIT_BIND": ":8000,[::]:8000", "AMMIT_BIND_TLS": ":8400", "AMMIT_HOME": "%s:%d" % (HOME, home.port),
        "AMMIT_HOME_TLS": HOME + ":8443", "AMMIT_LOG": "stdout",
    })
    listening(lab.edge, process, (PUBLIC, 8000))
    forward = Forward(box, home)
    with lab.client.inside():
        wait_until(lambda: forward.get("/", BROWSER).challenged, "the challenge page")
    try:
        yield forward
    finally:
        process.stop()


class Forward(Edge):
    """To be asked as an edge is."""

    def __init__(self, box, home):
        self.at, self.port, self.home = PUBLIC, 8000, home


def test_weighed_at_home(lab, box):
    home = weighing_at_home(lab, box, ROOT / "contrib/wireguard/policy.yaml")
    with forwarding(lab, box, home) as forward:
        for src in (OTHERS[2], VISITOR6):
            got = visit(lab, forward, "/who", dict(CURL, **{"X-Forwarded-For": "192.168.1.9", "X-Forwarded-Proto": "https"}), src)
            assert told(got)["x-forwarded-for"] == src and told(got)["x-forwarded-proto"] == "http"
            assert visit(lab, forward, "/", SCRAPER, src).status == 403
        wait_until(lambda: [x for x in home.lines() if x.startswith(VISITOR6 + " GET /who ")], "the log line")
        assert len([x for x in home.lines() if "/who" in x]) == 2, "each request is logged once"
        # Challenged, solved and let through, all at home.
        with lab.client.inside():
            p = puzzle(forward)
            assert forward.get("/", with_pass(cookie_of(submit(forward, p.ticket, p.solve())))).from_site
        # TLS ends at home, with HTTP/2.
        got = lab.curl(lab.client, "-k", "--http2", "-w", "%{http_version}", "https://%s:8400/tls" % PUBLIC)
        assert '["x-forwarded-proto", "https"]' in got.stdout and got.stdout.endswith("}2")
        # The LAN is let through; PROXY is the edge's alone, and it has no address of the LAN or of Tor to tell.
        assert say(lab.lan, (HOME_LAN, home.port), headers=SCRAPER).from_site
        got = say(lab.lan, (HOME_LAN, home.port), proxy_line("203.0.113.66"), SCRAPER)
        assert got is None or (got.status == 400 and not got.from_site)
        assert say(lab.edge, (HOME, home.port), proxy_line("203.0.113.66"), SCRAPER).status == 403
        for first in ("", proxy_line("192.168.1.77"), proxy_v2("192.168.1.77"), proxy_line("fc00:dead:beef:4dad::5", "::1")):
            assert say(lab.edge, (HOME, home.port), first) is None, first
    mode = os.stat(box.path / "home.sock").st_mode
    assert mode & 0o077 == 0, "nobody else may say to homelab.cfg whose a request is"


# -- the way


def test_a_kept_connection_pays_one_round_trip(lab, edge):
    """Also when others have come before: the connections that they leave behind are no use to anybody,
    and must not be taken for it."""
    lab.delay(20000)
    try:
        trip_s = statistics.median(lab.ping(HOME) for _ in range(5)) / 1000
        for src in OTHERS[:12]:
            with outside(lab, edge.port, src) as connection:
                for _ in range(3):
                    assert edge.get("/others", connection=connection).from_site
        took = []
        with outside(lab, edge.port) as connection:
            for _ in range(16):
                begun = time.monotonic()
                assert edge.get("/kept", connection=connection).from_site
                took.append(time.monotonic() - begun)
    finally:
        lab.delay(7500)
    assert len({x.split()[2] for x in edge.access() if " /kept " in x}) == 1, "one connection to home"
    assert statistics.median(took[1:]) < 1.7 * trip_s, (took, trip_s)


def test_large_bodies_pass(lab, edge):
    """1 MB there and back: what is as large as the tunnel takes does not get lost on the cable."""
    assert lab.ping(HOME, "-M", "do", "-s", "1392") and not lab.ping(HOME, "-M", "do", "-s", "1393"), "an MTU of 1420"
    assert lab.ping(HOME6, "-M", "do", "-s", "1372") and not lab.ping(HOME6, "-M", "do", "-s", "1373")
    body = os.urandom(500_000).hex()
    for src in (VISITOR, VISITOR6):
        with outside(lab, edge.port, src) as connection:
            got = edge.request("POST", "/large", CURL, body, connection=connection)
        assert got.json()["body"] == body and got.wire_bytes > 1_000_000


def test_http2_over_tls(lab, edge, box):
    start(lab, box, HOME + ":8080", AMMIT_CRT=str(certificate(box.path)), AMMIT_BIND_TLS=":443")
    got = lab.curl(lab.client, "-k", "-w", "%{http_version}", "https://%s/tls" % PUBLIC)
    assert '["x-forwarded-proto", "https"]' in got.stdout and '["x-forwarded-for", "%s"]' % VISITOR in got.stdout
    assert got.stdout.endswith("}2"), "HTTP/2 by ALPN"


# -- the tunnel is down


def gone(response):
    """The edge's page: honest, kept by nobody, asking for nothing again by itself."""
    return (
        response.status in (502, 503, 504) and GONE in response.body and not response.from_site
        and int(response.headers["Retry-After"]) >= 10 and response.headers["Cache-Control"] == "no-store"
        and "refresh" not in response.body.lower() and not response.challenged
    )


@pytest.mark.parametrize("check", [None, "200ms"], ids=["without a check", "checked"])
def test_tunnel_cut_under_load(lab, edge, box, check):
    """Visitors get the site, or the edge's page; whoever is challenged meanwhile ends there, and is not
    challenged again; when the tunnel is back, so is the site, with no restart."""
    edge = start(lab, box, HOME + ":8080", **({"AMMIT_SITE_CHECK": check} if check else {}))
    with lab.client.inside():
        wait_until(lambda: edge.get("/").from_site, "the site")
        with Hammer(edge, "/page", asks_again=True) as hammer, concurrent.futures.ThreadPoolExecutor() as pool:
            slow = None if check else pool.submit(edge.get, "/slow")
            assert check or Slow.reached.wait(PATIENCE_S)
            hammer.wait_for(40, lambda x: x[2])
            lab.cut()
            try:
                hammer.wait_for(4, lambda x: not x[2])
                p = puzzle(edge)
                solved = submit(edge, p.ticket, p.solve(), "/there")
                assert solved.status == 303 and solved.headers["Location"] == "/there"
                passed = with_pass(cookie_of(solved))
                assert gone(edge.get("/there", passed)) and edge.get("/", SCRAPER).status == 403
                assert check or gone(slow.result(PATIENCE_S)), "whoever waited for an answer is told, too"
            finally:
                lab.join()
            hammer.wait_for(40, lambda x: x[2])
        assert edge.get("/there", passed).from_site
    assert not hammer.errors
    assert {x[1:] for x in hammer.got} <= {(200, True), (502, False), (503, False), (504, False)}


# -- the files


@pytest.mark.parametrize("env", [
    {"AMMIT_SITE_PROXY": "v2", "AMMIT_SITE_CHECK": "2s"},
    {"AMMIT_SITE_CHECK": "2s", "AMMIT_SITE": "unix@/run/site.sock"},
    {"AMMIT_PROXY_FROM": "10.9.0.1 fd09::1", "AMMIT_LAN": "192.168.1.0/24 10.9.0.0/24 fd09::/64"},
])
def test_edge_without_warnings(env):
    silent(env, "haproxy/edge.cfg")


@pytest.mark.parametrize("files, env", [
    (["haproxy/homelab.cfg"], {}),
    (["haproxy/homelab.cfg"], {"AMMIT_USER": "haproxy"}),
    (["haproxy/homelab.cfg"], {"AMMIT_CRT": "", "AMMIT_BIND_TLS": ":8443"}),
    (["haproxy/homelab.cfg", "haproxy/edge.cfg"], {"AMMIT_AT_HOME": "1"}),
    (["haproxy/homelab.cfg", "haproxy/edge.cfg"], {"AMMIT_AT_HOME": "1", "AMMIT_USER": "haproxy"}),
    (["contrib/wireguard/edge-tcp.cfg"], {}),
])
def test_home_without_warnings(tmp_path, files, env):
    silent({**env, **({"AMMIT_CRT": str(certificate(tmp_path))} if "AMMIT_CRT" in env else {})}, *files)


def silent(env, *files):
    env = dict(env, PATH="/usr/bin:/bin", AMMIT_SPOE_CONF=str(ROOT / "haproxy/ammit.spoe.conf"))
    command = [HAPROXY, "-c"] + [x for file in files for x in ("-f", ROOT / file)]
    got = subprocess.run(command, env=env, capture_output=True, text=True)
    said = got.stdout + got.stderr
    assert got.returncode == 0 and "WARNING" not in said and "ALERT" not in said, said


def test_wireguard_files():
    """No key in them, the same MTU on both sides, and nothing but each other in the tunnel."""
    edge, home = [(ROOT / "contrib/wireguard" / name).read_text() for name in ("edge.conf", "home.conf")]
    value = lambda text, name: re.search(r"(?m)^%s = (.*)$" % name, text)
    for text in (edge, home):
        assert not value(text, "PrivateKey") and not re.search(r"[A-Za-z0-9+/]{43}=", text)
        assert int(value(text, "MTU").group(1)) == 1420
    assert value(edge, "AllowedIPs").group(1) == "10.9.0.2/32, fd09::2/128" and not value(edge, "Endpoint")
    assert value(home, "AllowedIPs").group(1) == "10.9.0.1/32, fd09::1/128" and value(home, "PersistentKeepalive")
