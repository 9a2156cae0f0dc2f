"""/.ammit/check behind real proxies: nginx and Caddy with the shipped files, HAProxy's edge where it
must not be there, and a raw client that says what Traefik says."""

import http.client
import os
import re
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlencode

import pytest

import dns_servers
import spop
from conftest import (
    BROWSER, CURL, PATIENCE_S, POLICY, ROOT, SCRAPER, Edge, Process, Puzzle, Response, free_port, make_box, wait_until,
)

CHECKED = dict(
    POLICY,
    bots=[{"name": "vip", "remote_addresses": ["198.51.100.0/24"], "action": "ALLOW"}]
    + [{"name": "assets", "path_regex": "^/assets/.*\\.css$", "action": "ALLOW"}]
    + POLICY["bots"],
)
CHALLENGED = 401  # the policy's 200 would be a leave


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def replaced(text, *pairs):
    """Each of these stands in a shipped file: if not, the file has changed and the test must, too."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


class Proxy(Process):
    """`opened`: with the lines that let everybody in while Ammit cannot be asked. `patient`: how long
    an answer may take is replaced, as in Edge; the tests of failures keep what is shipped."""

    request, get, post = Edge.request, Edge.get, Edge.post
    name, at = None, "127.0.0.1"

    def __init__(self, box, ammit, site, opened=False, patient=True):
        self.patient = patient
        self.port, self.ammit, self.box = free_port(), ammit, box
        self.address = "127.0.0.1:%d" % self.port
        folder = box.path / ("%s-%d" % (self.name, self.port))
        folder.mkdir()
        super().__init__(self.name, self.prepare(folder, ammit.http[5:], site, opened), folder / "log", self.env(folder))

    def env(self, folder):
        return dict(os.environ, HOME=str(folder))

    def shipped(self, name, opened):
        text = (ROOT / "contrib" / self.name / name).read_text()
        if self.patient:
            text = re.sub(r"(timeout )[12]s\b", r"\g<1>20s", text)
        if not opened:
            return text
        assert "#open" in text
        return re.sub(r"(?m)^(\s*)#open ", r"\1", text)

    def start(self):
        super().start()

        def listening():
            assert self.alive(), "%s did not start:\n%s" % (self.name, self.output())
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listening, self.name + " to listen")
        return self


def nginx_conf(folder, http):
    temp = "".join(
        "%s_temp_path %s/%s;\n" % (kind, folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        "daemon off;\nmaster_process off;\npid %s/pid;\nerror_log stderr;\n%s"
        "events { worker_connections 256; }\nhttp {\n%s%s}\n"
        % (folder, "user root;\n" if os.geteuid() == 0 else "", temp, http)
    )


class Nginx(Proxy):
    name = "nginx"

    def prepare(self, folder, ammit, site, opened):
        conf = replaced((ROOT / "contrib/nginx/ammit.conf").read_text(), ("/run/ammit/http.sock", ammit))
        (folder / "ammit.conf").write_text(conf)
        text = self.shipped("site.conf", opened)
        if opened:
            text = replaced(text, ("        add_header Retry-After 5 always;\n        return 503;\n", ""))
        server = folder / "ammit-server.conf"
        server.write_text(self.shipped("ammit-server.conf", False))
        (folder / "site.conf").write_text(
            replaced(
                text, ("listen 80;", "listen %s;" % self.address), ("127.0.0.1:3000", site),
                ("/etc/nginx/ammit-server.conf", str(server)),
            )
        )
        nginx_conf(
            folder, "include %s/ammit.conf;\naccess_log %s/access.log ammit;\ninclude %s/site.conf;\n" % ((folder,) * 3)
        )
        self.access_log = folder / "access.log"
        return [program("nginx"), "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]


class Caddy(Proxy):
    name = "caddy"

    def prepare(self, folder, ammit, site, opened):
        self.site, self.socket = site, ammit
        text = self.shipped("Caddyfile", opened)
        (folder / "Caddyfile").write_text(text.replace("\n{\n", "\n{\n\tadmin off\n\tdefault_bind 127.0.0.1\n", 1))
        return [program("caddy"), "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]

    def env(self, folder):
        return dict(
            os.environ, HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder),
            AMMIT_BIND="http://:%d" % self.port, AMMIT_HTTP="unix/" + self.socket, AMMIT_SITE=self.site,
        )


KINDS = {"nginx": Nginx, "caddy": Caddy}


def start(box, kind, opened=False, patient=True):
    ammit = box.ammit(CHECKED, None, None, None, "--check-from", "unix")
    return box.keep(KINDS[kind](box, ammit, box.site().address, opened, patient)).start()


@pytest.fixture(scope="module", params=sorted(KINDS))
def proxy(request):
    with make_box() as box:
        yield start(box, request.param)


@pytest.fixture(params=sorted(KINDS))
def opened(request):
    """One that stays open while Ammit cannot be asked."""
    with make_box() as box:
        yield start(box, request.param, opened=True, patient=False)


def earn(proxy, path="/", host="example.org"):
    """The pass, as Set-Cookie has it, and the answer that brought it."""
    page = proxy.get(path, BROWSER, host=host)
    assert page.challenged, page
    p = Puzzle(page)
    got = proxy.post("/.ammit/pass", {"ticket": p.ticket, "solution": p.solve(), "back": p.back}, host=host)
    assert got.status == 303, got
    return got.headers["Set-Cookie"].split(";")[0], got


# ---- the way of a visitor ----


def test_challenged_solved_passed(proxy):
    page = proxy.get("/a/b?c=d&e=%20f", BROWSER)
    assert page.challenged and not page.from_site
    assert Puzzle(page).back == "/a/b?c=d&e=%20f"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    cookie, got = earn(proxy, "/a/b?c=d&e=%20f")
    assert got.headers["Location"] == "/a/b?c=d&e=%20f"
    assert "secure" not in got.headers["Set-Cookie"].lower()
    headers = dict(BROWSER, Cookie="theme=dark; %s; x=y" % cookie)
    asked = proxy.get("/a/b?c=d", dict(headers, Accept="*/*"))
    assert asked.from_site and asked.json()["path"] == "/a/b?c=d"
    sent = proxy.request("POST", "/form", dict(headers, Accept="*/*"), "x" * 100000)
    assert sent.from_site and sent.json()["method"] == "POST" and len(sent.json()["body"]) == 100000
    assert proxy.request("HEAD", "/", headers).from_site
    # It is a pass of this host and no other, and it is read whole.
    assert proxy.get("/", headers, host="other.example.org").challenged
    assert proxy.get("/", dict(BROWSER, Cookie="x" + cookie)).challenged
    assert proxy.get("/", dict(BROWSER, Cookie=cookie[:-1])).challenged
    assert proxy.get("/", dict(BROWSER, Cookie="ammit=x; " + cookie)).challenged, "the first of the name counts"


def test_verdicts(proxy):
    assert proxy.get("/", CURL).from_site
    assert proxy.get("/feed.xml", BROWSER).from_site
    assert proxy.get("/feed.xml?x=1", BROWSER).from_site, "a query does not defeat the rule for a path"
    assert proxy.get("/feed%2exml", BROWSER).from_site
    assert proxy.get("/other?/feed.xml", BROWSER).challenged, "nor make one"
    for path in ("/", "/feed.xmlx", "/secret/x"):
        assert proxy.get(path, SCRAPER).status == 403, path
    for path in ("/secret/", "/%73ecret/", "/secret/?x=1", "/secret%2Fx"):
        got = proxy.get(path, CURL)
        assert got.status == 403 and not got.from_site, path
    assert proxy.get("/secret?/", CURL).from_site


def test_head_and_post_are_challenged(proxy):
    got = proxy.request("HEAD", "/", BROWSER)
    assert got.status >= 200 and not got.from_site and got.body == ""
    got = proxy.request("POST", "/form", dict(BROWSER, **{"Content-Type": "text/plain"}), "x" * 20000)
    assert got.challenged and not got.from_site
    # No navigation: one line, no page.
    got = proxy.get("/style.css", dict(BROWSER, **{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "style"}))
    assert got.status >= 400 and not got.challenged and not got.from_site


@pytest.mark.parametrize("path", ["//evil.test/", "/\\evil.test", "//evil.test/%2e%2e", "/.ammit/../x", "/%2eammit/pass"])
def test_no_open_redirect(proxy, path):
    page = proxy.get(path, BROWSER)
    assert not page.from_site
    if page.challenged:
        p = Puzzle(page)
        # Caddy hands a backslash on as %5C, and that is a path.
        assert p.back in ("/", "/%5Cevil.test")
        got = proxy.post("/.ammit/pass", {"ticket": p.ticket, "solution": p.solve(), "back": path})
        assert got.status == 303 and got.headers["Location"] == "/"


def test_pass_is_bound_to_the_visitor(proxy):
    """Who it is comes from the connection: another network's visitor has no use for it."""

    def elsewhere():
        return http.client.HTTPConnection("127.0.0.1", proxy.port, PATIENCE_S, source_address=("127.9.9.9", 0))

    cookie, _ = earn(proxy)
    headers = dict(BROWSER, Cookie=cookie)
    assert proxy.get("/", headers).from_site
    assert proxy.get("/", headers, connection=elsewhere()).challenged
    # Nor can a ticket be solved elsewhere.
    p = Puzzle(proxy.get("/", BROWSER))
    fields = {"ticket": p.ticket, "solution": p.solve(), "back": "/"}
    assert proxy.post("/.ammit/pass", fields, connection=elsewhere()).status == 403
    spoofed = dict(BROWSER, **{"X-Ammit-Src": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1"})
    assert proxy.post("/.ammit/pass", fields, spoofed, connection=elsewhere()).status == 403
    assert proxy.post("/.ammit/pass", fields).status == 303


# ---- attacks ----

GOOD_PASS_FOR_ALL = "198.51.100.7"
SPOOFS = [
    [("X-Original-URI", "/feed.xml")], [("X-Original-URL", "/feed.xml")], [("X-Forwarded-Uri", "/feed.xml")],
    [("X-Original-URL", "http://example.org/feed.xml")], [("X-Original-URI", "/feed.xml"), ("X-Original-URI", "/")],
    [("X-Real-IP", GOOD_PASS_FOR_ALL)], [("X-Forwarded-For", GOOD_PASS_FOR_ALL)], [("X-Ammit-Src", GOOD_PASS_FOR_ALL)],
    [("X-Forwarded-For", "127.0.0.1, " + GOOD_PASS_FOR_ALL)], [("Forwarded", "for=" + GOOD_PASS_FOR_ALL)],
    [("x-real-ip", GOOD_PASS_FOR_ALL), ("X-FORWARDED-FOR", GOOD_PASS_FOR_ALL)], [("X_Real_IP", GOOD_PASS_FOR_ALL)],
    [("X-Ammit-Verdict", "allow")], [("X-Ammit-Ticket", "x" * 40)], [("X-Ammit-Proto", "https")],
    [("X-Original-Method", "OPTIONS")], [("X-Forwarded-Method", "OPTIONS")], [("X-Forwarded-Host", "other.test")],
    [("X-Original-Host", "other.test")], [("X-Forwarded-Proto", "https")], [("X-Rewrite-URL", "/feed.xml")],
    [("Connection", "close, X-Real-IP, X-Original-URI, X-Forwarded-For, Cookie")], [("Connection", "X-Forwarded-Uri")],
]


@pytest.mark.parametrize("spoof", SPOOFS, ids=lambda s: "+".join("%s=%.20s" % pair for pair in s))
def test_what_a_client_says_of_itself_is_not_heard(proxy, spoof):
    for visitor in (BROWSER, SCRAPER):
        got = proxy.get("/", list(visitor.items()) + spoof)
        assert not got.from_site, got
    assert proxy.get("/secret/x", list(CURL.items()) + spoof).status in (400, 403, 404)


@pytest.mark.parametrize("path", ["/secret/x#.css", "/x#/assets/a.css", "/assets/a.css\t", "/assets/a.css /x"])
def test_no_second_reading_of_a_path(proxy, path):
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S) as sock:
        head = "".join("%s: %s\r\n" % pair for pair in BROWSER.items())
        sock.sendall(("GET %s HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n%s\r\n" % (path, head)).encode())
        got = b"".join(iter(lambda: sock.recv(65536), b""))
    assert b"x-from: site" not in got.lower() and got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200")), got[:300]


PADDINGS = [
    [("X-Pad", "x" * 7000)], [("X-Pad-%d" % i, "x" * 7000) for i in range(4)], [("X-%d" % i, "y") for i in range(90)],
    [("User-Agent", "GPTBot " + "x" * 6000)], [("Cookie", "a=" + "x" * 7000)], [("Cookie", "ammit=" + "x" * 7000)],
    [("X-Pad-%d" % i, "x" * 60000) for i in range(15)],
    [("Accept", "text/html," + "x" * 7000), ("Accept-Language", "y" * 7000), ("Sec-Fetch-Mode", "z" * 7000)],
]


@pytest.mark.parametrize("padding", range(len(PADDINGS)))
@pytest.mark.parametrize("path", ["/secret/x", "/secret/?" + "q" * 6000, "/" + "p" * 6000],
                         ids=lambda path: path[:10])
def test_padding_is_no_way_around(opened_once, padding, path):
    """Where it stays open without Ammit, too: what is too large is refused or judged, never unjudged."""
    lines = [pair for pair in SCRAPER.items() if pair[0] not in dict(PADDINGS[padding])] + PADDINGS[padding]
    for _ in range(3):
        try:
            got = opened_once.get(path, lines)
        except OSError:
            continue  # refused before it was all sent
        assert not got.from_site, got


@pytest.fixture(scope="module", params=sorted(KINDS))
def opened_once(request):
    with make_box() as box:
        yield start(box, request.param, opened=True)


OUTSIDE = [
    "/.ammit/check", "/.ammit/check?for=nginx", "/.ammit/%63heck", "/%2eammit/check", "//.ammit/check",
    "/.ammit//check", "/./.ammit/check", "/x/../.ammit/check", "/.ammit/./check", "/.ammit/x/../check",
    "/.ammit/x/..%2fcheck", "/.ammit%2fcheck", "/.AMMIT/check", "/.ammit/check/", "/.ammit/check;x", "/.ammit-ask",
    "http://example.org/.ammit/check", "http://example.org//.ammit/check", "/.ammit/check#x", "*",
]


def raw(port, line, *headers):
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as sock:
        lines = [line, "Host: example.org", "User-Agent: curl/8", "Connection: close"] + list(headers)
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode("latin-1")


def never_asked(said):
    assert said.startswith("HTTP/1."), said
    assert "x-ammit-" not in said.lower(), said
    # What the site behind says is its own business: it does not weigh.
    return said.split()[1] in ("301", "302", "307", "308", "400", "403", "404", "405") or "x-from: site" in said.lower()


QUESTION = ("X-Original-URI: /feed.xml", "X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.1")


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("path", OUTSIDE)
def test_nobody_outside_may_ask(proxy, path, version):
    for method in ("GET", "POST", "HEAD"):
        assert never_asked(raw(proxy.port, "%s %s %s" % (method, path, version), *QUESTION))


@pytest.fixture(scope="module")
def edge_with_check():
    with make_box() as box:
        ammit = box.ammit(CHECKED, None, None, None, "--check-from", "unix")
        edge = box.edge(ammit.spop, ammit.http)
        edge.ammit = ammit
        wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
        yield edge


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("path", OUTSIDE)
def test_nobody_may_ask_through_the_edge(edge_with_check, path, version):
    for method in ("GET", "POST", "HEAD"):
        assert never_asked(raw(edge_with_check.port, "%s %s %s" % (method, path, version), *QUESTION))


def test_edge_says_that_there_is_nothing(edge_with_check):
    for path in ("/.ammit/check", "/.ammit/%63heck", "//.ammit//check", "/.AMMIT/check/", "http://example.org/.ammit/check"):
        assert " 404 " in raw(edge_with_check.port, "GET %s HTTP/1.1" % path).splitlines()[0], path
    # And the pages go on as before beside it.
    cookie, _ = earn(edge_with_check)
    assert edge_with_check.get("/", dict(BROWSER, Cookie=cookie)).from_site


# ---- when Ammit is not there ----


def test_killed_and_closed(proxy):
    """The default: nobody gets in; and when it is back, all is well."""
    proxy.ammit.kill()
    try:
        for visitor in (CURL, BROWSER, SCRAPER):
            got = proxy.get("/", visitor)
            assert got.status in (502, 503) and not got.from_site
    finally:
        proxy.ammit.start()
    wait_until(lambda: proxy.get("/", CURL).from_site, "Ammit to be asked again")
    assert proxy.get("/", SCRAPER).status == 403


def test_killed_and_open(opened):
    assert opened.get("/", SCRAPER).status == 403
    opened.ammit.kill()
    assert opened.get("/a?b", BROWSER).from_site
    sent = opened.request("POST", "/form", CURL, "x=y")
    assert sent.from_site and sent.json()["body"] == "x=y"
    opened.ammit.start()
    wait_until(lambda: opened.get("/", SCRAPER).status == 403, "Ammit to be asked again")


def stopped(process):
    """Every thread of it: the signal takes a moment to reach them."""
    states = [x.read_text().rsplit(")", 1)[1].split()[0] for x in Path("/proc/%d/task" % process.handle.pid).glob("*/stat")]
    return set(states) == {"T"}


def test_frozen_and_open(opened):
    opened.ammit.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: stopped(opened.ammit), "Ammit to stand still")
        assert opened.get("/", BROWSER).from_site
    finally:
        opened.ammit.signal(signal.SIGCONT)
    wait_until(lambda: opened.get("/", SCRAPER).status == 403, "Ammit to be asked again")


def test_open_is_not_open_to_a_mistake(box):
    """Ammit lives but does not know this nginx: that is no outage, and nobody gets in."""
    ammit = box.ammit(CHECKED)
    nginx = box.keep(Nginx(box, ammit, box.site().address, True)).start()
    got = nginx.get("/", CURL)
    assert got.status == 503 and not got.from_site


def test_nginx_logs_what_became_of_it(box):
    nginx = start(box, "nginx")
    p = Puzzle(nginx.get("/", BROWSER))
    nginx.get("/", SCRAPER)
    lines = wait_until(lambda: (nginx.access_log.read_text().splitlines() + [None])[:2][-1] and nginx.access_log.read_text())
    assert 'verdict=challenge rule="bot/browser" weight=0 ref=%s asked=401' % p.ticket[:12] in lines
    assert 'status=403 verdict=deny rule="bot/scraper"' in lines


def test_nginx_is_told_what_haproxy_tells():
    """A header that is cut for SPOE is cut and sent here, too, at the same number of bytes."""
    told = dict(re.findall(r"args hdr\.([a-z-]+)=.*,bytes\(0,(\d+)\)", (ROOT / "haproxy/ammit.spoe.conf").read_text()))
    assert len(told) > 10
    maps = (ROOT / "contrib/nginx/ammit.conf").read_text()
    server = (ROOT / "contrib/nginx/ammit-server.conf").read_text().lower()
    for names in (re.findall(r"^map +\$\S+ +(\S+)", maps, re.M), re.findall(r"x-original\S+|sec-\S+(?= \$)", server)):
        assert len(names) > 4 and len(names) == len(set(names))
    for name, most in told.items():
        variable = name.replace("-", "_")
        assert 'map $http_%s $ammit_%s { "~^(?<ammit_cut>.{0,%s})" $ammit_cut; }' % (variable, variable, most) in maps
        assert "proxy_set_header %s $ammit_%s;" % (name, variable) in server


# ---- asked directly ----


class Unix(http.client.HTTPConnection):
    def __init__(self, address):
        super().__init__("ammit.internal", timeout=PATIENCE_S)
        self.there = address

    def connect(self):
        self.sock = spop.connect(self.there)


def ask(ammit, headers, query="", method="GET", path="/.ammit/check", body=None, source=None):
    """As Traefik does: the client's headers as they are, the original request in X-Forwarded-*."""
    connection = Unix(ammit.http)
    if source:
        host, port = ammit.http.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), PATIENCE_S, source_address=(source, 0))
    connection.putrequest(method, path + query, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    got = Response(connection.getresponse())
    connection.close()
    return got


def traefik(uri="/", client="192.0.2.1", visitor=BROWSER, *more, proto="https", host="example.org"):
    return [
        ("Host", "127.0.0.1:8089"), *visitor.items(), ("X-Forwarded-For", client), ("X-Forwarded-Host", host),
        ("X-Forwarded-Method", "GET"), ("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", proto),
        ("X-Forwarded-Server", "edge1"), ("X-Forwarded-Uri", uri), ("X-Real-Ip", client), *more,
    ]


@pytest.fixture(scope="module")
def asked():
    with make_box() as box:
        yield box.ammit(CHECKED, None, None, None, "--check-from", "unix")


def test_traefik_all_the_way(asked):
    got = ask(asked, traefik("/a?b=c"))
    assert got.status == CHALLENGED and got.challenged
    assert got.headers["X-Ammit-Verdict"] == "challenge" and got.headers["X-Ammit-Rule"] == "bot/browser"
    p = Puzzle(got)
    assert got.headers["X-Ammit-Ticket"] == p.ticket and p.back == "/a?b=c"
    body = urlencode({"ticket": p.ticket, "solution": p.solve(), "back": p.back}).encode()
    # Traefik cannot rename: the route of the page has its usual headers, and the visitor's host.
    route = [
        ("Host", "example.org"), ("Content-Type", "application/x-www-form-urlencoded"), ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Host", "example.org"), ("X-Forwarded-Proto", "https"), ("X-Real-Ip", "192.0.2.1"),
    ]

    def redeem(headers):
        return ask(asked, headers, "", "POST", "/.ammit/pass", body)

    def as_client(address):
        return [(k, address if v == "192.0.2.1" else v) for k, v in route]

    assert redeem(as_client("198.18.0.1")).status == 403, "another network"
    assert redeem(as_client("198.18.0.1") + [("X-Ammit-Src", "192.0.2.1")]).status == 403, "who only says so"
    assert redeem(route[:-1] + [("X-Real-Ip", "198.18.0.1")]).status == 403, "two words"
    assert redeem(route + [("X-Forwarded-For", "192.0.2.1")]).status == 403, "twice"
    assert redeem(route[:2]).status == 403, "nobody"
    got = redeem(route)
    assert got.status == 303 and "secure" in got.headers["Set-Cookie"].lower()
    cookie = ("Cookie", got.headers["Set-Cookie"].split(";")[0])
    got = ask(asked, traefik("/", "192.0.2.9", BROWSER, cookie))
    assert got.status == 200 and got.body == "" and got.headers["X-Ammit-Verdict"] == "allow"
    assert ask(asked, traefik("/", "198.18.0.1", BROWSER, cookie)).status == CHALLENGED
    assert ask(asked, traefik("/", "192.0.2.1", BROWSER, cookie, host="other.test")).status == CHALLENGED
    assert ask(asked, traefik("/", "192.0.2.1", SCRAPER, cookie)).status == 403, "a denial beats a pass"


def test_answers(asked):
    for uri, client, visitor, status, verdict in [
        ("/", "192.0.2.1", CURL, 200, "allow"),
        ("/", GOOD_PASS_FOR_ALL, BROWSER, 200, "allow"),
        ("/", "192.0.2.1, %s" % GOOD_PASS_FOR_ALL, BROWSER, 400, None),
        ("/feed.xml?x", "192.0.2.1", BROWSER, 200, "allow"),
        ("/secret/", "192.0.2.1", CURL, 403, "deny"),
        ("/", "192.0.2.1", SCRAPER, 403, "deny"),
        ("/#", "192.0.2.1", CURL, 400, None),
        ("x", "192.0.2.1", CURL, 400, None),
        ("http://example.org/", "192.0.2.1", CURL, 400, None),
    ]:
        headers = traefik(uri, client, visitor)
        if "," in client:
            headers = [(k, "192.0.2.1" if k == "X-Real-Ip" else v) for k, v in headers]
        got = ask(asked, headers)
        assert (got.status, got.headers["X-Ammit-Verdict"]) == (status, verdict), (uri, client, visitor)
        got = ask(asked, headers, "?for=nginx")
        assert got.status == {400: 403}.get(status, status), "nginx knows no others"
    got = ask(asked, traefik(), "?for=nginx")
    assert got.status == 401 and got.body == "" and len(got.headers["X-Ammit-Ticket"]) > 40
    assert "refused=" in wait_until(lambda: "refused=" in asked.output() and asked.output(), "the reason in the log")


@pytest.mark.parametrize("name", ["X-Ammit-Src", "X-Ammit-Ticket", "x-ammit-proto"])
@pytest.mark.parametrize("value", ["192.0.2.1", ""])
def test_a_visitors_request_is_no_question(asked, name, value):
    got = ask(asked, traefik("/feed.xml", "192.0.2.1", CURL, (name, value)))
    assert got.status == 404 and "X-Ammit-Verdict" not in got.headers


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS", "BREW"])
def test_any_method_may_ask(asked, method):
    got = ask(asked, traefik("/", "192.0.2.1", CURL), "", method)
    assert got.status == 200 and got.headers["X-Ammit-Verdict"] == "allow"


def test_many_headers_are_all_read(asked):
    padding = [("X-%d" % i, "y") for i in range(300)]
    assert ask(asked, padding + traefik("/", "192.0.2.1", SCRAPER)).status == 403
    assert ask(asked, traefik("/", "192.0.2.1", CURL) + padding + [("X-Original-URI", "/other")]).status == 400


def test_status_of_the_policy(box):
    policy = dict(CHECKED, status_codes={"CHALLENGE": 429, "DENY": 404})
    ammit = box.ammit(policy, None, None, None, "--check-from", "unix")
    got = ask(ammit, traefik())
    assert got.status == 429 and got.challenged
    assert ask(ammit, traefik(), "?for=nginx").status == 401
    assert ask(ammit, traefik("/", "192.0.2.1", SCRAPER)).status == 404
    assert ask(ammit, traefik("/", "192.0.2.1", SCRAPER), "?for=nginx").status == 403


@pytest.mark.parametrize("status", [200, 204, 301, 401])
def test_a_denial_is_never_a_leave_nor_a_challenge(box, status):
    policy = dict(CHECKED, status_codes={"CHALLENGE": status, "DENY": status})
    ammit = box.ammit(policy, None, None, None, "--check-from", "unix")
    assert ask(ammit, traefik("/", "192.0.2.1", SCRAPER)).status == 403
    assert ask(ammit, traefik()).status >= 400


def test_shadow_lets_through_and_tells(box):
    ammit = box.ammit(CHECKED, None, None, None, "--check-from", "unix", "--shadow")
    got = ask(ammit, traefik())
    assert got.status == 200 and got.headers["X-Ammit-Would"] == "challenge" and "X-Ammit-Ticket" not in got.headers
    got = ask(ammit, traefik("/", "192.0.2.1", SCRAPER))
    assert got.status == 200 and got.headers["X-Ammit-Would"] == "deny"


def test_reload_and_counts(box):
    import json

    ammit = box.ammit(CHECKED, None, None, None, "--check-from", "unix")
    assert ask(ammit, traefik("/", "192.0.2.1", CURL)).status == 200
    (box.path / "policy.json").write_text(json.dumps(dict(CHECKED, bots=[{"name": "all", "path_regex": "^/", "action": "DENY"}])))
    ammit.signal(signal.SIGHUP)
    wait_until(lambda: ask(ammit, traefik("/", "192.0.2.1", CURL)).status == 403, "the new policy")
    metrics = Unix(ammit.control)
    metrics.request("GET", "/metrics")
    text = metrics.getresponse().read().decode()
    denied = re.search(r'verdict="deny"\} (\d+)', text)
    assert int(denied.group(1)) >= 1
    assert ammit.stop() == 0
    assert re.search(r"stopped .*allow=[1-9].* deny=[1-9]", ammit.output())


def test_dns_is_not_waited_for_and_counts_next_time(box):
    """A listed visitor comes in once; then the answer is known. Flushed, it is asked for again."""

    def answer(name, kind, *_):
        if name.startswith("2.0.0.127.") or name == dns_servers.reverse("5.6.7.8", "bl.test"):
            return dns_servers.a(name, kind, ["127.0.0.2"])
        return dns_servers.nxdomain(name, kind)

    policy = dict(CHECKED, dnsbl=[{"zone": "bl.test", "codes": {"default": 30}}], thresholds=[
        {"name": "some", "expression": "weight >= 30", "action": "DENY"}])
    with dns_servers.FakeDns(answer) as server:
        ammit = box.ammit(policy, None, None, None, "--check-from", "unix", "--dns", server.address)
        listed, clean = traefik("/", "5.6.7.8", CURL), traefik("/", "5.6.7.9", CURL)
        assert ask(ammit, listed).status == 200
        wait_until(lambda: ask(ammit, listed).status == 403, "the answer to count")
        assert ask(ammit, listed).headers["X-Ammit-Weight"] == "30"
        assert ask(ammit, clean).status == 200
        asked = (dns_servers.reverse("5.6.7.8", "bl.test"), "A")
        before = server.asked.count(asked)
        control = Unix(ammit.control)
        control.request("POST", "/dns/flush", headers={"Host": "localhost"})
        assert control.getresponse().status == 200

        def asked_again():
            ask(ammit, listed)
            return server.asked.count(asked) > before

        wait_until(asked_again, "it to be asked again")


@pytest.mark.parametrize("peers,source,status", [
    (None, "127.0.0.1", 404), ("127.0.0.1", "127.0.0.1", 200), ("127.0.0.1", "127.0.0.2", 404), ("unix", "127.0.0.1", 404),
    ("10.0.0.0/8,127.0.0.2/31", "127.0.0.3", 200), ("10.0.0.0/8", "127.0.0.1", 404), ("::1", "127.0.0.1", 404),
])
def test_only_those_in_check_from_may_ask(box, peers, source, status):
    address = "127.0.0.1:%d" % free_port()
    more = ["--check-from", peers] if peers else []
    ammit = box.ammit(CHECKED, None, address, None, *more)
    got = ask(ammit, traefik("/", "192.0.2.1", CURL), source=source)
    assert got.status == status
    if status == 404:
        assert "X-Ammit-Verdict" not in got.headers
        assert got.body == ask(ammit, traefik(), path="/.ammit/nothing", source=source).body


def test_nobody_else_is_believed_who_a_visitor_is(box):
    """The pass is bound to the address that a peer in check-from says, and to that only."""
    address = "127.0.0.1:%d" % free_port()
    ammit = box.ammit(CHECKED, None, address, None, "--check-from", "127.0.0.1")
    p = Puzzle(ask(ammit, traefik(), source="127.0.0.1"))
    body = urlencode({"ticket": p.ticket, "solution": p.solve(), "back": "/"}).encode()
    route = [("Host", "example.org"), ("Content-Type", "application/x-www-form-urlencoded"), ("X-Forwarded-For", "192.0.2.1")]

    def redeem(source):
        return ask(ammit, route, "", "POST", "/.ammit/pass", body, source).status

    assert redeem("127.0.0.2") == 403
    assert redeem("127.0.0.1") == 303
