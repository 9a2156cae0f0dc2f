"""Attacks on the challenge that test_challenge.py has not: each byte flipped, clocks turned under a
ticket and a pass, a pass carried to another network, a form of 1 MB, 10,000 silent connections.

Elsewhere: replay, double submit, a ticket of another client or host, wrong, foreign and forged
solutions, lower difficulty, open redirects and header splitting are in test_challenge.py; a flood
that says nothing on the SPOP socket is in test_spop.py, and of descriptors running out too.
"""

import base64
import contextlib
import hashlib
import http.client
import os
import resource
import socket
from urllib.parse import urlencode

import pytest

import spop
from conftest import BROWSER, PATIENCE_S, Puzzle, fake_clock, wait_until
from test_challenge import cookie_of, passed, puzzle, refused, submit, with_pass

BITS = [1 << bit for bit in range(8)]
FORM = dict(BROWSER, **{"Content-Type": "application/x-www-form-urlencoded"})


@pytest.fixture(scope="module", autouse=True)
def ready(edge):
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")


@pytest.fixture
def line(edge):
    """One connection for many requests."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=PATIENCE_S)
    yield connection
    connection.close()


def flipped(text):
    """With one bit turned over in each byte, a different one from byte to byte."""
    for at in range(len(text)):
        turned = chr(ord(text[at]) ^ BITS[at % 7])
        yield at, text[:at] + turned + text[at + 1 :]


def reseal(raw):
    return base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")


def unseal(text):
    return bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_every_byte_of_a_ticket_counts(edge, line):
    """As text, and each byte of what the text stands for: the seal, the version, the key, the time,
    the method, the price, the level, the client, the host."""
    p = puzzle(edge)
    solution = p.solve()
    body = unseal(p.ticket[32:])
    assert len(body) > 20
    forged = [ticket for _, ticket in flipped(p.ticket)]
    for at in range(len(body)):
        turned = bytearray(body)
        turned[at] ^= BITS[at % 8]
        forged.append(p.ticket[:32] + reseal(turned))
    for ticket in forged:
        got = submit(edge, ticket, solution, connection=line)
        assert refused(got) and got.status < 500, ticket
        # And though the work for the turned ticket is done.
        other = Puzzle.__new__(Puzzle)
        other.ticket, other.puzzles, other.target = ticket, p.puzzles, p.target
        other.seed = hashlib.sha256(ticket.encode()).digest()
        assert refused(submit(edge, ticket, other.solve(), connection=line)), ticket
    assert passed(submit(edge, p.ticket, solution))


def test_every_prefix_of_a_ticket_is_refused(edge, line):
    p = puzzle(edge)
    solution = p.solve()
    for size in range(len(p.ticket)):
        assert refused(submit(edge, p.ticket[:size], solution, connection=line)), size
    assert passed(submit(edge, p.ticket, solution))


def test_every_byte_of_a_solution_counts(edge, line):
    p = puzzle(edge)
    solution = p.solve()
    for at, wrong in flipped(solution):
        numbers = wrong.split(",")
        shape = len(numbers) == p.puzzles and all(len(n) == 8 and set(n) <= set("0123456789abcdef") for n in numbers)
        if shape and all(p.holds(i, int(n, 16)) for i, n in enumerate(numbers)):
            continue  # another good one, by chance
        assert refused(submit(edge, p.ticket, wrong, connection=line)), at
    assert passed(submit(edge, p.ticket, solution))


def test_every_byte_of_a_pass_counts(edge, line):
    p = puzzle(edge)
    good = cookie_of(submit(edge, p.ticket, p.solve()))
    for at, forged in flipped(good):
        if forged[at] in " \x7f;,\"" or forged[at] < " ":
            continue  # the cookie would end there: a prefix, and these are below
        assert edge.get("/", with_pass(forged), connection=line).challenged, at
    for size in range(len(good)):
        assert edge.get("/", with_pass(good[:size]), connection=line).challenged, size
    assert edge.get("/", with_pass(good), connection=line).from_site


def test_another_method(edge):
    """The method that a ticket is for is sealed: no other value of that byte is taken."""
    p = puzzle(edge)
    solution = p.solve()
    body = unseal(p.ticket[32:])
    for method in range(256):
        if method != body[13]:
            turned = bytearray(body)
            turned[13] = method
            assert refused(submit(edge, p.ticket[:32] + reseal(turned), solution)), method
    assert passed(submit(edge, p.ticket, solution))


@pytest.mark.parametrize(
    "address, taken",
    [
        ("127.0.0.1", True),
        ("127.0.0.200", True),
        ("127.200.0.9", False),
        ("198.51.100.7", False),
        ("2001:db8::1", False),
        ("::ffff:198.51.100.7", False),
    ],
)
def test_pass_carried_to_another_network(edge, address, taken):
    """Shared with others, a pass is worth nothing."""
    p = puzzle(edge)
    good = cookie_of(submit(edge, p.ticket, p.solve()))
    request = {"src": ("ip", address), "path": "/", "host": "example.org", "ua": BROWSER["User-Agent"], "pass": good}
    with edge.ammit.client() as client:
        got = client.ask(**request)
    assert (got["verdict"] == "allow") is taken, got


@pytest.fixture
def turned(box):
    """An edge whose Ammit has a clock that the test turns."""
    file = box.path / "clock"
    file.write_text("+0s")
    box.env.update(fake_clock(file=file))
    edge = box.whole()
    edge.box = box
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")

    def turn(to):
        """Forward while it runs. Its clock never goes back while it does: so over a restart."""
        if to == "+0s":
            edge.ammit.stop()
        file.write_text(to)
        if to == "+0s":
            edge.ammit.start()
            wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")

    edge.turn = turn
    return edge


def test_ticket_that_has_expired(turned):
    p = puzzle(turned)
    solution = p.solve()
    turned.turn("+1d")
    assert refused(submit(turned, p.ticket, solution))
    wait_until(lambda: 'reason="expired"' in turned.ammit.output(), "the reason in the log")
    later = puzzle(turned)
    assert passed(submit(turned, later.ticket, later.solve())), "a new one is good"


def test_ticket_from_the_future(turned):
    turned.turn("+1d")
    tomorrow = puzzle(turned)
    solution = tomorrow.solve()
    turned.turn("+0s")
    assert refused(submit(turned, tomorrow.ticket, solution))
    wait_until(lambda: 'reason="expired"' in turned.ammit.output(), "the reason in the log")
    now = puzzle(turned)
    assert passed(submit(turned, now.ticket, now.solve())), "one of today is good"


@pytest.mark.parametrize("issued, presented", [("+1s", "+400d"), ("+2d", "+0s")], ids=["expired", "future"])
def test_pass_of_another_time(turned, issued, presented):
    turned.turn(issued)
    p = puzzle(turned)
    good = cookie_of(submit(turned, p.ticket, p.solve()))
    assert turned.get("/", with_pass(good)).from_site
    turned.turn(presented)
    assert turned.get("/", with_pass(good)).challenged


class Unix(http.client.HTTPConnection):
    """Straight to Ammit, as HAProxy does."""

    def __init__(self, address):
        super().__init__("example.org", timeout=PATIENCE_S)
        self.address = address

    def connect(self):
        self.sock = spop.connect(self.address)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("way", ["edge", "socket"])
def test_form_of_1_mb(edge, way, chunked):
    """Is refused, whoever sends it and however; a visitor is served all the while."""
    p = puzzle(edge)
    body = urlencode({"ticket": p.ticket, "solution": p.solve(), "back": "/"}).encode() + b"&more=" + b"x" * (1 << 20)
    connection = Unix(edge.ammit.http) if way == "socket" else http.client.HTTPConnection(
        "127.0.0.1", edge.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        parts = [body[i : i + 65536] for i in range(0, len(body), 65536)]
        headers = dict(FORM, Host="example.org")
        headers.update({"X-Ammit-Src": "127.0.0.1", "X-Ammit-Proto": "http"} if way == "socket" else {})
        if not chunked:
            headers["Content-Length"] = str(len(body))
        try:
            connection.request("POST", "/.ammit/pass", iter(parts), headers, encode_chunked=chunked)
            got = connection.getresponse()
            assert got.status == 413 and got.headers["Set-Cookie"] is None
        except (BrokenPipeError, ConnectionResetError):
            # Hung up before all of it was said: refused as well, and bounded.
            pass
    assert edge.get("/", BROWSER).challenged


SILENT = 10_000


@pytest.fixture
def descriptors():
    """For us, and for HAProxy, which takes half as many connections as it may have descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1 << 30 if hard == resource.RLIM_INFINITY else hard
    if most < SILENT + 2000:
        pytest.skip("%d descriptors are allowed here, too few for %d connections" % (most, SILENT))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 3 * SILENT), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def silent(stack, family, address, count):
    """Connections that say nothing; as many as are taken."""
    taken = []
    for _ in range(count):
        sock = stack.enter_context(socket.socket(family))
        # A full backlog of a unix socket is said at once.
        sock.settimeout(PATIENCE_S if family == socket.AF_INET else 0)
        with contextlib.suppress(OSError):
            sock.connect(address)
            taken.append(sock)
    return taken


def served(edge):
    """A visitor comes, solves, and is through."""
    p = puzzle(edge)
    got = submit(edge, p.ticket, p.solve())
    assert passed(got)
    assert edge.get("/", with_pass(cookie_of(got))).from_site


def test_ten_thousand_that_say_nothing(descriptors, box):
    """At the edge, where anybody can: a visitor is served meanwhile."""
    edge = box.whole()
    edge.box = box
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    with contextlib.ExitStack() as stack:
        there = silent(stack, socket.AF_INET, ("127.0.0.1", edge.port), SILENT)
        assert len(there) == SILENT
        # At once, or, where HAProxy is full, when it has shown some of them the door (timeout
        # http-request, 10 s).
        served(edge)
    served(edge)
    assert edge.ammit.alive() and edge.alive()


def test_ten_thousand_at_its_own_socket(descriptors, box):
    """Where only HAProxy can, unless somebody got at the socket: not more than it has room for are
    taken, it does not fall over, and everybody is served when they are gone."""
    edge = box.whole()
    edge.box = box
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    with contextlib.ExitStack() as stack:
        silent(stack, socket.AF_UNIX, edge.ammit.http.removeprefix("unix@"), SILENT)
        # Verdicts are another socket's: who has a pass, or needs none, does not notice.
        assert edge.get("/feed.xml", BROWSER).from_site
        assert edge.get("/", {"User-Agent": "GPTBot"}).status == 403
        assert len(os.listdir("/proc/%d/fd" % edge.ammit.handle.pid)) < 5000
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    served(edge)


SLOW = 4200
FORM_BEGUN = (
    b"POST /.ammit/pass HTTP/1.1\r\nHost: example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nt"
)


def test_forms_that_never_end(descriptors, box):
    """More of them than Ammit has places for: they wait in HAProxy, and a visitor is served."""
    edge = box.whole()
    edge.box = box
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
    with contextlib.ExitStack() as stack:
        for sock in silent(stack, socket.AF_INET, ("127.0.0.1", edge.port), SLOW):
            sock.sendall(FORM_BEGUN)
        served(edge)
        assert len(os.listdir("/proc/%d/fd" % edge.ammit.handle.pid)) < 500
    served(edge)
