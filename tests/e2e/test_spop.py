"""The SPOP socket with a client of our own that does what HAProxy does, and what it never would.

Every test that misbehaves does so beside a neighbour: a connection that is served all the time.
"""

import json
import os
import random
import resource
import signal
import socket
import struct

import pytest

import spop
from conftest import POLICY, free_port, wait_until
from spop import ACK, FIN, NOTIFY, frame, hello, notify, varint

SCRAPER = "GPTBot/1.0"
BROWSER = "Mozilla/5.0 Firefox"


@pytest.fixture
def neighbour(ammit):
    """Served before, during (see `still_served`) and after whatever the test does."""
    with ammit.client() as client:
        client.asked = 0

        def still_served():
            client.asked += 1
            assert client.ask(client.asked, 1, ua=SCRAPER)["verdict"] == "deny"

        client.still_served = still_served
        still_served()
        yield client
        still_served()


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, {"version": "2.0", "max-frame-size": 16380, "capabilities": "pipelining"}),
        ({"capabilities": "pipelining"}, {"capabilities": "pipelining"}),
        # Blanks after the comma, words in any order, words that nobody knows.
        ({"capabilities": "async, pipelining ,fragmentation"}, {"capabilities": "pipelining"}),
        ({"capabilities": ""}, {"capabilities": ""}),
        ({"capabilities": "nopipelining"}, {"capabilities": ""}),
        ({"versions": "1.0, 2.0"}, {"version": "2.0"}),
        ({"versions": " 2.0 "}, {"version": "2.0"}),
        ({"size": 1024}, {"max-frame-size": 1024}),
        ({"size": 256}, {"max-frame-size": 256}),
        ({"engine": None}, {"version": "2.0"}),
        # Nothing is refused that can be answered: without the word there is no pipelining.
        ({"capabilities": None}, {"capabilities": ""}),
    ],
)
def test_hello(ammit, neighbour, options, expected):
    with ammit.client(**options) as client:
        assert expected.items() <= client.settings.items()
        assert client.ask(0, 1, ua=SCRAPER)["verdict"] == "deny"


def test_max_frame_is_never_above_the_announced(ammit):
    with ammit.client(size=4_000_000) as client:
        assert 256 <= client.settings["max-frame-size"] <= 4_000_000
        assert client.ask()["verdict"] == "allow"


def test_healthcheck(ammit, neighbour):
    """As option spop-check: a HELLO, its answer, and a reset."""
    for _ in range(20):
        client = ammit.client(capabilities="", check=True)
        assert client.settings["version"] == "2.0"
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sock.close()


@pytest.mark.parametrize(
    "raw, code",
    [
        (hello(versions=None), 5),
        (hello(versions="3.0"), 8),
        (hello(versions="1.0"), 8),
        (hello(size=None), 6),
        (hello(size=255), 9),
        # A NOTIFY before the HELLO.
        (notify(1), 4),
        (frame(spop.HAPROXY_HELLO, 0, 0, b"\xff\xff\xff"), 4),
        (frame(spop.HAPROXY_HELLO, 0, 0, b"", flags=0), 10),
    ],
)
def test_hello_refused(ammit, neighbour, raw, code):
    with ammit.client(greet=False) as client:
        client.send(raw)
        assert client.ended() == code


def test_verdict_variables(ammit):
    with ammit.client() as client:
        got = client.ask(1, ua=SCRAPER)
        assert (got["verdict"], got["rule"], got["weight"], got["status"]) == ("deny", "bot/scraper", 0, 403)
        got = client.ask(2)
        assert got["verdict"] == "allow" and "ticket" not in got
        got = client.ask(3, ua=BROWSER)
        assert (got["verdict"], got["rule"]) == ("challenge", "bot/browser")
        first = got["ticket"]
        assert len(first) < 512 and first[:12].isalnum()
        assert client.ask(4, ua=BROWSER)["ticket"] != first


def test_pipelined_in_one_write(ammit, neighbour):
    with ammit.client() as client:
        kinds = ["curl", SCRAPER, BROWSER]
        client.send(b"".join(notify(i, 1, ua=kinds[i % 3]) for i in range(50)))
        answers = {}
        while len(answers) < 50:
            got = client.read()
            assert got.kind == ACK and (got.stream, got.number) not in answers
            answers[got.stream, got.number] = got.variables()["verdict"]
        for i in range(50):
            assert answers[i, 1] == ("allow", "deny", "challenge")[i % 3]


@pytest.mark.parametrize("ids", [(0, 0), (0, 1), (1, 0), (2**32, 7), (2**63, 2**64 - 1), (2**64 - 1, 2**64 - 1)])
def test_any_ids(ammit, ids):
    with ammit.client() as client:
        assert client.ask(*ids)["verdict"] == "allow"


def test_ids_out_of_order_and_again(ammit):
    with ammit.client() as client:
        for stream in (9, 3, 2**64 - 1, 0, 3, 3, 1):
            assert client.ask(stream, 1, ua=SCRAPER)["verdict"] == "deny"


def test_the_same_ids_on_two_connections(ammit):
    """From 3.1 on each connection counts for itself: an answer goes to the one that asked."""
    with ammit.client() as one, ammit.client() as two:
        one.send(notify(1, 1, ua=SCRAPER))
        two.send(notify(1, 1, ua="curl"))
        assert two.read().variables()["verdict"] == "allow"
        assert one.read().variables()["verdict"] == "deny"


def test_byte_by_byte(ammit, neighbour):
    with ammit.client(greet=False) as client:
        for byte in hello() + notify(7, 3, ua=SCRAPER):
            client.send(bytes([byte]))
        assert client.read().kind == spop.AGENT_HELLO
        got = client.read()
        assert (got.stream, got.number, got.variables()["verdict"]) == (7, 3, "deny")


def test_hello_and_requests_in_one_write(ammit):
    with ammit.client(greet=False) as client:
        client.send(hello() + notify(1) + notify(3, ua=SCRAPER))
        assert client.read().kind == spop.AGENT_HELLO
        assert client.read().variables()["verdict"] == "allow"
        assert client.read().variables()["verdict"] == "deny"


@pytest.mark.parametrize(
    "raw, code",
    [
        (b"\x00\x00\x00\x00", 4),
        (b"\x00\x00\x00\x06" + b"\x03" * 6, 4),
        (struct.pack(">I", 16381), 3),
        (b"\xff\xff\xff\xff", 3),
        (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 3),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 3),
        # A varint that never ends.
        (struct.pack(">I", 30) + b"\x03\x00\x00\x00\x01" + b"\xff" * 25, 4),
        (frame(NOTIFY, 1, 1, spop.message("weigh", [("path", "/")]), flags=0), 10),
        # An argument longer than its frame, a type that there is not, a count that is not kept.
        (frame(NOTIFY, 1, 1, spop.string("weigh") + b"\x01" + spop.string("path") + b"\x08\xf0\x50/"), 4),
        (frame(NOTIFY, 1, 1, spop.string("weigh") + b"\x01" + spop.string("path") + b"\x0c"), 4),
        (frame(NOTIFY, 1, 1, spop.string("weigh") + b"\xff" + spop.string("path") + spop.typed("/")), 4),
    ],
)
@pytest.mark.parametrize("greeted", [True, False])
def test_bad_frames(ammit, neighbour, raw, code, greeted):
    """DISCONNECT with the reason, then the end of this connection, and of no other."""
    with ammit.client(greet=greeted) as client:
        if greeted:
            assert client.ask()["verdict"] == "allow"
        client.send(raw)
        neighbour.still_served()
        got = client.ended()
        # Before a HELLO only the reasons that the frame itself gives are certain.
        assert got == code or not greeted and got in (3, 4, 10)


def test_what_came_before_a_bad_frame_is_answered(ammit):
    with ammit.client() as client:
        client.send(notify(1) + notify(3, ua=SCRAPER) + b"\x00\x00\x00\x00")
        assert client.read().variables()["verdict"] == "allow"
        assert client.read().variables()["verdict"] == "deny"
        assert client.ended() == 4


def test_frame_above_the_negotiated_size(ammit, neighbour):
    with ammit.client(size=1024) as client:
        client.send(notify(1, path="/" + "x" * 2000))
        assert client.ended() == 3


def test_largest_frame(ammit):
    with ammit.client() as client:
        overhead = len(notify(1, path="x" * 10000)) - 4 - 10000
        assert client.ask(1, path="x" * (16380 - overhead), ua=SCRAPER)["verdict"] == "deny"


@pytest.mark.parametrize("kind", [0, 4, 50, 99, 104, 255])
def test_unknown_frame_types(ammit, neighbour, kind):
    """Skipped or refused, but the program goes on; what follows is answered if it is skipped."""
    with ammit.client() as client:
        client.send(frame(kind, 1, 1, b"whatever"))
        try:
            client.send(notify(3, ua=SCRAPER))
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = client.read()
        assert got is None or got.kind in (spop.AGENT_DISCONNECT, ACK)
        if got is not None and got.kind == ACK:
            assert (got.stream, got.variables()["verdict"]) == (3, "deny")


def test_unknown_messages_and_arguments(ammit):
    other = spop.message("other", [("a", 1), ("b", None), ("c", True), ("d", b"\0\1"), ("e", ("ip", "::1"))])
    weigh = spop.message("weigh", [("new", 2**63 - 1), ("", "empty name"), ("ua", SCRAPER), ("path", "/")])
    with ammit.client() as client:
        client.send(frame(NOTIFY, 5, 1, other + weigh + other))
        got = client.read()
        assert (got.stream, got.variables()["verdict"]) == (5, "deny")
        # Without our message there is an answer with an action all the same, and no verdict.
        client.send(frame(NOTIFY, 7, 1, other))
        got = client.read().variables()
        assert got and "verdict" not in got
        client.send(frame(NOTIFY, 9, 1, b""))
        got = client.read().variables()
        assert got and "verdict" not in got


@pytest.mark.parametrize("name", ["src", "method", "path", "query", "host", "ua", "ver", "pass", "hdr_accept"])
@pytest.mark.parametrize("value", [None, True, 7, b"\x00\xff", "", ("ip", "::1"), "x" * 3000, "\x00\n\r\"%"])
def test_any_type_in_any_argument(ammit, name, value):
    """Whatever an argument is, there is a verdict: also for one that nobody expects."""
    with ammit.client() as client:
        assert client.ask(1, 1, **{name: value})["verdict"] in ("allow", "challenge", "deny")


def test_disconnect_is_answered(ammit, neighbour):
    with ammit.client() as client:
        client.send(notify(1) + spop.disconnect())
        assert client.read().kind == ACK
        assert client.ended() == 0


def test_half_frames_left_behind(ammit, neighbour):
    """Clients that go away in the middle of anything."""
    whole = hello() + notify(1, path="/" + "x" * 300)
    for cut in range(1, len(whole), 23):
        client = ammit.client(greet=False)
        client.send(whole[:cut])
        client.sock.close()
        neighbour.still_served()


def test_silent_and_slow_connections_harm_nobody(ammit, neighbour):
    idle = [spop.connect(ammit.spop) for _ in range(200)]
    for sock in idle[::2]:
        sock.sendall(hello()[:20])
    for _ in range(50):
        neighbour.still_served()
    for sock in idle:
        sock.close()


def test_garbage(ammit, neighbour):
    rand = random.Random(1)
    for turn in range(200):
        client = ammit.client(greet=turn % 2 == 0)
        junk = rand.randbytes(rand.randrange(1, 300))
        if turn % 3 == 0:
            junk = struct.pack(">I", rand.randrange(7, 400)) + junk
        try:
            client.send(junk)
        except OSError:
            pass
        client.sock.close()
        if turn % 10 == 0:
            neighbour.still_served()


def test_flipped_bytes(ammit, neighbour):
    """A good NOTIFY with one byte changed: an answer or the end, never silence."""
    rand = random.Random(2)
    good = notify(1, ua=BROWSER, query="a=b", hdr_accept="text/html")
    for _ in range(300):
        raw = bytearray(good)
        raw[rand.randrange(4, len(raw))] ^= 1 << rand.randrange(8)
        with ammit.client() as client:
            client.send(bytes(raw))
            # An unknown frame type is skipped, so this one is certain to be answered.
            client.sock.shutdown(socket.SHUT_WR)
            got = client.read()
            assert got is None or got.kind in (ACK, spop.AGENT_DISCONNECT)
    neighbour.still_served()


def test_a_reader_that_never_reads_is_held_back(ammit, neighbour):
    """Back-pressure: the agent stops reading rather than keep answers without bound."""
    with ammit.client() as client:
        client.sock.settimeout(0.5)
        batch = b"".join(notify(i, ua=BROWSER) for i in range(50))
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                sent += client.sock.send(batch)
        neighbour.still_served()


def test_many_connections_at_once(ammit):
    clients = [ammit.client() for _ in range(150)]
    for i, client in enumerate(clients):
        client.send(notify(i, ua=SCRAPER))
    for i, client in enumerate(clients):
        got = client.read()
        assert (got.stream, got.variables()["verdict"]) == (i, "deny")
        client.sock.close()


def test_out_of_descriptors(box):
    """The listener pauses, those who are connected are served, and later there is room again."""
    ammit = box.ammit()
    used = len(os.listdir("/proc/%d/fd" % ammit.handle.pid))
    resource.prlimit(ammit.handle.pid, resource.RLIMIT_NOFILE, (used + 10, used + 10))
    with ammit.client() as client:
        crowd = [spop.connect(ammit.spop) for _ in range(100)]
        for sock in crowd:
            sock.sendall(hello())
        for i in range(100):
            assert client.ask(i, ua=SCRAPER)["verdict"] == "deny"
        for sock in crowd:
            sock.close()
        with ammit.client() as late:
            assert late.ask(ua=SCRAPER)["verdict"] == "deny"
    assert ammit.alive()


def test_tcp(box):
    port = free_port()
    ammit = box.ammit(POLICY, "127.0.0.1:%d" % port)
    with ammit.client() as client:
        assert client.ask(ua=SCRAPER)["verdict"] == "deny"
        client.send(b"".join(notify(i) for i in range(50)))
        for _ in range(50):
            assert client.read().variables()["verdict"] == "allow"


def test_lines_that_a_peer_causes_are_limited(box):
    ammit = box.ammit()
    for _ in range(300):
        with ammit.client(greet=False) as client:
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            client.ended()
    assert 1 <= ammit.output().count("spop_refused") < 50


def test_reload_keeps_connections(box):
    """SIGHUP: the next answer on the same connection is by the new policy; a bad one changes nothing."""
    ammit = box.ammit()
    file = box.path / "policy.json"
    with ammit.client() as client:
        assert client.ask(1, ua=SCRAPER)["verdict"] == "deny"
        file.write_text(json.dumps(dict(POLICY, bots=[{"name": "all", "path_regex": ".", "action": "DENY"}])))
        ammit.signal(signal.SIGHUP)
        wait_until(lambda: client.ask(2, ua="curl")["rule"] == "bot/all", "the new policy")
        file.write_text("{ not json")
        ammit.signal(signal.SIGHUP)
        wait_until(lambda: "reload_refused" in ammit.output(), "the refusal")
        assert client.ask(3, ua="curl")["rule"] == "bot/all"
