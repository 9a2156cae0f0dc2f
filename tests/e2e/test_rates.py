"""What HAProxy itself counts and refuses, each behind its switch in edge.cfg: rates, repeat offenders,
peers, limits of connections, silent-drop, tarpit, JA3."""

import contextlib
import hashlib
import http.client
import itertools
import json
import os
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

import netns
import test_headers
from conftest import BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, ROOT, Edge, Puzzle, free_port, make_box, wait_until
from test_haproxy import NOWHERE, certificate, fake

DENY, ALLOW = {"verdict": "deny"}, {"verdict": "allow"}
SWITCHES = {
    "AMMIT_RATES": {"AMMIT_RATES": "1"},
    "AMMIT_OFFENDERS": {"AMMIT_OFFENDERS": "120"},
    "AMMIT_SILENT_DROP": {"AMMIT_SILENT_DROP": "1"},
    "AMMIT_TARPIT": {"AMMIT_TARPIT": "10s"},
    "AMMIT_CONNS": {"AMMIT_CONNS": "256"},
    "AMMIT_PEER": {"AMMIT_PEER_SELF": "b", "AMMIT_PEER_A": "127.0.0.1:1", "AMMIT_PEER_B": "127.0.0.1:2"},
    "AMMIT_JA3": {"AMMIT_JA3": "1"},
    "AMMIT_LOG_FULL": {"AMMIT_LOG_FULL": "1"},
}


def check(env, file=ROOT / "haproxy/edge.cfg"):
    env = dict(env, PATH="/usr/bin:/bin", AMMIT_SPOE_CONF=str(ROOT / "haproxy/ammit.spoe.conf"))
    got = subprocess.run([HAPROXY, "-c", "-f", file], env=env, capture_output=True, text=True)
    said = got.stdout + got.stderr
    assert got.returncode == 0 and "WARNING" not in said and "ALERT" not in said, said


def test_no_switch_and_no_pair_of_them_is_warned_about():
    """Alone, each with each other (what is nested is nested once), all and none."""
    chosen = [names for n in (0, 1, 2, len(SWITCHES)) for names in itertools.combinations(SWITCHES, n)]
    for names in chosen:
        check({key: value for name in names for key, value in SWITCHES[name].items()})


def test_switches_as_they_stand_in_the_file(tmp_path):
    """Uncommented where they stand, as an operator does it; the SPOE file sees them, too."""
    text = (ROOT / "haproxy/edge.cfg").read_text()
    text, count = re.subn(r"(?m)^    #(presetenv AMMIT_(?!CRT|BIND_TLS|USER|SITE_PROXY))", r"    \1", text)
    assert count >= 10
    (tmp_path / "edge.cfg").write_text(text)
    check({}, tmp_path / "edge.cfg")


def from_address(edge, address):
    """A connection of a visitor with this address."""
    return http.client.HTTPConnection(edge.at, edge.port, timeout=PATIENCE_S, source_address=(address, 0))


def connect(edge, address):
    return socket.create_connection((edge.at, edge.port), PATIENCE_S, source_address=(address, 0))


def get(edge, address, headers=CURL, path="/"):
    """One request on a connection of its own; None: refused without a word."""
    with contextlib.closing(from_address(edge, address)) as connection:
        try:
            return edge.get(path, headers, connection=connection)
        except (ConnectionError, http.client.HTTPException):
            return None


def addresses():
    for i in range(2, 250):
        yield "127.0.0.%d" % i


def with_stats(box, edge):
    """HAProxy's own command line, which edge.cfg does not have."""
    (box.path / "stats.cfg").write_text("global\n    stats socket %s/stats.sock level admin\n" % box.path)
    edge.command += ["-f", str(box.path / "stats.cfg")]


def table(box, name):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(box.path / "stats.sock"))
        sock.sendall(b"show table %s\n" % name.encode())
        said = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    return said.splitlines()[1:-1] if said.endswith("\n\n") else said.splitlines()[1:]


# Rates.


def test_the_request_that_is_weighed_counts(box):
    """On a kept connection, on new ones, and each stream of HTTP/2; of this address alone."""
    edge = fake(box, ALLOW, AMMIT_RATES="1", AMMIT_CRT=str(certificate(box.path)),
                AMMIT_BIND_TLS="127.0.0.1:%d" % (tls := free_port()))
    rates = lambda n: [x["rate"] for x in edge.agent.seen[-n:]]
    fresh = addresses()

    def counted():
        """A period may end just now; then the next address has it right."""
        address = next(fresh)
        with contextlib.closing(from_address(edge, address)) as connection:
            for _ in range(2):
                assert edge.get("/", connection=connection).from_site
        assert get(edge, address).from_site
        return rates(3) == [1, 2, 3]

    wait_until(counted, "three requests to be counted")

    def streams():
        urls = ["https://example.org:%d/%d" % (tls, i) for i in range(3)]
        done = subprocess.run(
            ["curl", "-sk", "--http2", "--interface", next(fresh), "-w", "%{http_version} %{num_connects}\n", "--connect-to", "::127.0.0.1:",
             *[x for url in urls for x in ("-o", "/dev/null", url)]],
            capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        assert done.stdout.split("\n")[:3] == ["2 1", "2 0", "2 0"], done
        return rates(3) == [1, 2, 3]

    wait_until(streams, "three streams to be counted")


def test_nothing_is_sent_where_nothing_is_counted(box):
    edge = fake(box, ALLOW)
    assert edge.get("/").from_site
    assert not {"rate", "pass.rate", "tls.ja3"} & set(edge.agent.seen[-1])


def test_a_rule_with_rate(box):
    policy = dict(POLICY, bots=[{"name": "often", "expression": "rate > 5", "action": "DENY"}])
    edge = box.whole(policy, AMMIT_RATES="1", AMMIT_LOG_FULL="1")
    seen = [get(edge, "127.0.0.2").status for _ in range(8)]
    assert seen[:5] == [200] * 5 and seen[-1] == 403
    assert get(edge, "127.0.0.3").from_site
    lines = wait_until(lambda: edge.lines()[8:] and edge.lines(), "the log")
    assert any(" rate=1 pass.rate=- " in line for line in lines)


def solve(edge, address, path="/"):
    """A pass for visitors of this address."""
    with contextlib.closing(from_address(edge, address)) as connection:
        puzzle = Puzzle(edge.get(path, BROWSER, connection=connection))
        got = edge.post("/.ammit/pass", {"ticket": puzzle.ticket, "solution": puzzle.solve(), "back": path},
                        connection=connection)
    assert got.status == 303
    return dict(BROWSER, Cookie=got.headers["Set-Cookie"].split(";")[0])


def test_a_rule_with_the_rate_of_a_pass(box):
    """One pass in the hands of many addresses is one visitor; another pass is another one."""
    policy = dict(POLICY, bots=[{"name": "shared", "expression": "pass.rate > 5", "action": "DENY"}] + POLICY["bots"])
    edge = box.whole(policy, AMMIT_RATES="1")
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")
    one, two = solve(edge, "127.0.0.2"), solve(edge, "127.0.0.2")
    seen = [get(edge, address, one).status for address, _ in zip(addresses(), range(9))]
    assert seen[:5] == [200] * 5 and seen[-1] == 403
    assert get(edge, "127.0.0.2", two).from_site
    assert get(edge, "127.0.0.2", BROWSER).challenged


def test_rubbish_takes_no_place_in_the_table_of_passes(box):
    """Neither what looks like a pass, nor a good one in another spelling or of another network."""
    ammit = box.ammit()
    edge = box.keep(Edge(box, ammit.spop, ammit.http, box.site().address, AMMIT_RATES="1"))
    with_stats(box, edge)
    edge.start()
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")
    good = solve(edge, "127.0.0.2")["Cookie"]
    head, payload, signature = good.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bad = [signature[:-1] + last[(last.index(signature[-1]) & ~3) + i] for i in range(1, 4)]
    bad += ["%043x" % i for i in range(200)] + [signature[:-1], signature + ".x", signature + "A", ""]
    with contextlib.closing(from_address(edge, "127.0.0.2")) as connection:
        for each in bad:
            cookie = ".".join((head, payload, each))
            assert edge.get("/", dict(BROWSER, Cookie=cookie), connection=connection).challenged, each
    assert get(edge, "127.0.1.2", dict(BROWSER, Cookie=good)).challenged
    assert table(box, "ammit-passes") == []
    assert get(edge, "127.0.0.2", dict(BROWSER, Cookie=good)).from_site
    (entry,) = table(box, "ammit-passes")
    assert "key=%s " % signature in entry


# Repeat offenders.


def offend(edge, address, times, headers=CURL):
    with contextlib.closing(from_address(edge, address)) as connection:
        for _ in range(times):
            assert edge.get("/", headers, connection=connection).status == 403


def refused(edge, address, says=b"rubbish\r\n\r\n"):
    """At TCP: no answer, where others get HAProxy's own to rubbish, before any rule for HTTP."""
    try:
        with connect(edge, address) as sock:
            sock.sendall(says)
            return not sock.recv(1000).startswith(b"HTTP/1.1 400 ")
    except (ConnectionResetError, BrokenPipeError):
        return True


def offend_too_often(edge, address, headers=CURL):
    """Once more than 5 times, or once again if the minute of the count ended just now."""
    offend(edge, address, 6, headers)
    if not refused(edge, address):
        offend(edge, address, 1, headers)


def test_a_repeat_offender_is_refused_at_tcp_and_let_in_again(box):
    edge = fake(box, DENY, AMMIT_OFFENDERS="5", AMMIT_OFFENDERS_FOR="3s")
    with contextlib.closing(from_address(edge, "127.0.0.2")) as kept:
        kept.connect()
        offend_too_often(edge, "127.0.0.2")
        start, asked = time.monotonic(), len(edge.agent.seen)
        assert refused(edge, "127.0.0.2", says=b""), "before he says a byte, so before TLS, too"
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            edge.get("/", connection=kept)
    assert len(edge.agent.seen) == asked, "neither costs a question"
    assert get(edge, "127.0.0.3").status == 403, "nobody else is refused"
    # Trying all the time does not prolong it.
    back = wait_until(lambda: get(edge, "127.0.0.2"), "him to be let in again")
    assert back.status == 403 and time.monotonic() - start > 2
    assert len(edge.agent.seen) == asked + 2


def test_who_is_denied_now_and_then_is_not_refused(box):
    edge = fake(box, DENY, AMMIT_OFFENDERS="5")
    offend(edge, "127.0.0.2", 5)
    assert not refused(edge, "127.0.0.2") and get(edge, "127.0.0.2").status == 403


@pytest.mark.parametrize("answer", [
    {"verdict": "allow", "would": "deny"},
    {"verdict": "challenge", "ticket": "0" * 64},
    {"verdict": "drip"},
    {"rule": "ammit/no-message"},
    {"verdict": "deny", "error": "x"},
])
def test_only_a_denial_in_force_counts(box, answer):
    """Not what shadow mode held back, a price, a drip, nor an outage of Ammit."""
    edge = fake(box, answer, AMMIT_OFFENDERS="2")
    for _ in range(6):
        assert get(edge, "127.0.0.2") is not None
    assert not refused(edge, "127.0.0.2")


def test_nobody_has_somebody_else_refused(box):
    """Not by a header, not by PROXY, and not from a page that the victim looks at."""
    edge = fake(box, DENY, AMMIT_OFFENDERS="5")
    forged = dict(CURL, **{"X-Forwarded-For": "127.0.0.3", "Forwarded": "for=127.0.0.3",
                           "X-Ammit-Src": "127.0.0.3", "X-Real-IP": "127.0.0.3"})
    offend_too_often(edge, "127.0.0.2", forged)
    assert refused(edge, "127.0.0.2")
    proxy = b"PROXY TCP4 127.0.0.3 127.0.0.1 1 1\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
    proxy2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + socket.inet_aton("127.0.0.3") + b"\x7f\0\0\1\0\1\0\1" + proxy[36:]
    for raw in (proxy, proxy2) * 5:
        with connect(edge, "127.0.0.4") as sock:
            sock.sendall(raw)
            assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
    for site in ("cross-site", "same-site", "Cross-Site"):
        offend(edge, "127.0.0.3", 6, dict(BROWSER, **{"Sec-Fetch-Site": site}))
    assert not refused(edge, "127.0.0.3") and get(edge, "127.0.0.3").status == 403


def test_a_subscriber_of_ipv6_is_one_offender(box):
    """His whole /64, and not the next one."""
    if os.geteuid() != 0:
        pytest.skip("addresses of IPv6 need a network namespace, and that needs root")
    here, same, next_one = "2001:db8:1::2", "2001:db8:1:0:ffff::3", "2001:db8:1:1::2"
    try:
        space = netns.Namespace("ammit-rates-%d" % os.getpid())
    except subprocess.CalledProcessError as error:
        pytest.skip("no network namespaces here: " + error.stderr.strip())
    box.stack.callback(space.remove)
    for address in (here, same, next_one):
        netns.ip("-n", space.name, "address", "add", address + "/128", "dev", "lo", "nodad")
    with space.inside():
        edge = fake(box, DENY, AMMIT_OFFENDERS="5", AMMIT_RATES="1", AMMIT_CRT=str(certificate(box.path)),
                    AMMIT_BIND_TLS="[%s]:8443" % next_one)

        def status(source):
            return subprocess.run(
                ["curl", "-sk", "--noproxy", "*", "--interface", source, "-o", "/dev/null", "-w", "%{http_code}",
                 "https://[%s]:8443/" % next_one], capture_output=True, text=True, timeout=PATIENCE_S).stdout

        assert [status(here) for _ in range(6)] == ["403"] * 6
        assert [status(x) for x in (here, same, next_one)] == ["000", "000", "403"]
        assert edge.agent.seen[5]["rate"] >= 5 and edge.agent.seen[-1]["rate"] == 1


def test_all_of_ipv4_is_no_prefix_of_ipv6(box):
    """Where one socket takes both (`:::80`), who comes by IPv4 is ::ffff:127.0.0.2, and no /64."""
    agent = box.agent(lambda _: DENY)
    edge = box.keep(Edge(box, agent.address, NOWHERE, box.site().address, AMMIT_OFFENDERS="5", AMMIT_RATES="1"))
    edge.env["AMMIT_BIND"] = ":::%d" % edge.port
    edge.start()
    offend_too_often(edge, "127.0.0.2")
    assert refused(edge, "127.0.0.2") and not refused(edge, "127.0.0.3")
    assert get(edge, "127.0.0.3").status == 403 and agent.seen[-1]["rate"] < 5


def through(edge, proxy, visitor, path="/"):
    """What a visitor hears whom another edge at this address passes on with PROXY; b"": refused."""
    header = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + socket.inet_aton(visitor) + b"\x7f\0\0\1\0\1\0\1"
    request = "GET %s HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n" % path
    try:
        with connect(edge, proxy) as sock:
            sock.sendall(header + request.encode())
            return b"".join(iter(lambda: sock.recv(65536), b""))
    except (ConnectionResetError, BrokenPipeError):
        return b""


def test_behind_another_edge_visitors_count_and_not_the_edge(box):
    """AMMIT_PROXY_FROM: all come from one address, and who offends is refused by his own."""
    edge = fake(box, DENY, AMMIT_PROXY_FROM="127.0.0.9", AMMIT_LAN="127.0.0.0/8", AMMIT_OFFENDERS="5", AMMIT_RATES="1", AMMIT_CONNS="256")
    bad, good = "192.0.2.7", "192.0.2.8"
    said = [through(edge, "127.0.0.9", bad) for _ in range(7)]
    assert all(x.startswith(b"HTTP/1.1 403 ") for x in said[:6]) and edge.agent.seen[5]["rate"] >= 5
    assert {x["src"] for x in edge.agent.seen} == {bad}
    assert through(edge, "127.0.0.9", bad) == b"", "he is refused"
    before = len(edge.agent.seen)
    for i in range(20):
        assert through(edge, "127.0.0.9", "192.0.2.%d" % (100 + i)).startswith(b"HTTP/1.1 403 "), "nobody else of that edge is"
    assert edge.agent.seen[-1]["rate"] == 1 and len(edge.agent.seen) == before + 20
    # He says so, too, and is not believed; nor does he get around it without the other edge.
    assert through(edge, "127.0.0.5", good).startswith(b"HTTP/1.1 400 ")
    assert through(edge, "127.0.0.9", "127.0.0.3") == b"", "no address of the LAN from there"
    # The LAN itself is counted by its own addresses.
    offend_too_often(edge, "127.0.0.2")
    assert refused(edge, "127.0.0.2") and get(edge, "127.0.0.3").status == 403
    assert through(edge, "127.0.0.9", good).startswith(b"HTTP/1.1 403 ")


def test_two_edges_tell_each_other(box):
    """Who offends one is refused by the other, which never asked about him, and let in again by both;
    an edge that was not there is told when it is."""
    env = {"AMMIT_OFFENDERS": "5", "AMMIT_OFFENDERS_FOR": "6s",
           "AMMIT_PEER_A": "127.0.0.1:%d" % free_port(), "AMMIT_PEER_B": "127.0.0.1:%d" % free_port()}
    with make_box() as other:
        a = fake(box, DENY, AMMIT_PEER_SELF="a", **env)
        offend_too_often(a, "127.0.0.2")
        b = fake(other, DENY, AMMIT_PEER_SELF="b", **env)
        wait_until(lambda: refused(b, "127.0.0.2"), "the other edge to be told")
        offend_too_often(b, "127.0.0.3")
        wait_until(lambda: refused(a, "127.0.0.3"), "this edge to be told")
        assert {x["src"] for x in a.agent.seen} == {"127.0.0.2"}
        assert {x["src"] for x in b.agent.seen} == {"127.0.0.3"}
        assert get(a, "127.0.0.4").status == get(b, "127.0.0.4").status == 403
        for edge in (a, b):
            for address in ("127.0.0.2", "127.0.0.3"):
                wait_until(lambda: get(edge, address), "him to be let in again")


def test_silent_drop(box):
    """Nothing comes, neither a byte nor an end; somebody else notices nothing."""
    status = open("/proc/self/status").read()
    if not int(re.search(r"CapEff:\s*(\w+)", status).group(1), 16) >> 12 & 1:
        pytest.skip("without CAP_NET_ADMIN the reset has a TTL of 1, and the loopback is that near")
    edge = fake(box, DENY, AMMIT_OFFENDERS="5", AMMIT_SILENT_DROP="1")
    offend(edge, "127.0.0.2", 6)
    asked = len(edge.agent.seen)
    with connect(edge, "127.0.0.2") as sock:
        # The loopback is quicker than any visitor, who is heard when he has long been dropped or not.
        assert not select.select([sock], [], [], 0.2)[0]
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert not select.select([sock], [], [], 1)[0]
    assert len(edge.agent.seen) == asked
    assert get(edge, "127.0.0.3").status == 403


def test_tarpit(box):
    """Who is denied waits; beyond so many connections in all nobody does."""
    edge = fake(box, lambda x: DENY if x["path"] == "/denied" else ALLOW, AMMIT_TARPIT="1s", AMMIT_TARPIT_MAX="3")

    def took(path, status):
        start = time.monotonic()
        assert get(edge, "127.0.0.2", path=path).status == status
        return time.monotonic() - start

    assert took("/denied", 403) >= 0.9
    assert took("/", 200) < 0.9

    def full():
        """Three wait, and the fourth does not; on a busy machine they may be done before he asks."""
        asked = len(edge.agent.seen)
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(connect(edge, "127.0.0.3")).sendall(b"GET /denied HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: len(edge.agent.seen) == asked + 3, "the three to be denied")
            return took("/denied", 403) < 0.9

    wait_until(full, "an answer at once")
    wait_until(lambda: took("/denied", 403) >= 0.9, "him to wait again")


def test_streams_of_one_connection_do_not_fill_the_tarpit(box):
    """HTTP/2 has a hundred on one connection: each counts."""
    edge = fake(box, DENY, AMMIT_TARPIT="1s", AMMIT_TARPIT_MAX="3", AMMIT_CRT=str(certificate(box.path)),
                AMMIT_BIND_TLS="127.0.0.1:%d" % (tls := free_port()))
    got = subprocess.run(
        ["curl", "-sk", "--http2", "--parallel", "--parallel-max", "20", "-w", "%{http_version} %{http_code} %{time_total}\n"]
        + ["https://127.0.0.1:%d/%d" % (tls, i) for i in range(20)] + ["-o", "/dev/null"] * 20,
        capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout.split("\n")[:-1]
    assert {line[:5] for line in got} == {"2 403"}
    # All at once, unless the machine is busy: then a place may be free again.
    assert 3 <= sum(float(line.split()[2]) >= 0.9 for line in got) <= 9, got


def test_connections_of_one_address(box):
    """Hundreds of silent connections of one address take few places, and nobody else's."""
    edge = fake(box, ALLOW, AMMIT_CONNS="5")
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(300):
            with contextlib.suppress(ConnectionResetError):
                silent.append(stack.enter_context(connect(edge, "127.0.0.2")))
        ended = lambda: select.select(silent, [], [], 0)[0]
        wait_until(lambda: len(silent) - len(ended()) == 5, "all but five to be closed")
        assert get(edge, "127.0.0.2") is None
        assert get(edge, "127.0.0.3").from_site
        alive = next(x for x in silent if x not in ended())
        alive.close()
        silent.remove(alive)
        wait_until(lambda: get(edge, "127.0.0.2"), "his place to be free")


# JA3.


def ja3(hello):
    """Of the bytes of a ClientHello in its records, by the definition: no GREASE, in the order sent."""
    message, at = b"", 0
    while at < len(hello):
        size = struct.unpack(">H", hello[at + 3:at + 5])[0]
        message, at = message + hello[at + 5:at + 5 + size], at + 5 + size
    take = iter(message[4:]).__next__
    number = lambda n: int.from_bytes(bytes(take() for _ in range(n)), "big")
    block = lambda n: bytes(take() for _ in range(number(n)))
    words = lambda raw: [x for x, in struct.iter_unpack(">H", raw) if x & 0x0F0F != 0x0A0A or x >> 8 != x & 255]
    version, _, _ = number(2), number(32), block(1)
    ciphers, _ = words(block(2)), block(1)
    rest, extensions = memoryview(block(2)), []
    while rest:
        kind, size = struct.unpack(">HH", rest[:4])
        extensions.append((kind, bytes(rest[4:4 + size])))
        rest = rest[4 + size:]
    body = dict(extensions)
    fields = [[version], ciphers, words(struct.pack(">%dH" % len(extensions), *[k for k, _ in extensions])),
              words(body.get(10, b"\0\0")[2:]), list(body.get(11, b"\0")[1:])]
    text = ",".join("-".join(map(str, field)) for field in fields)
    return text, hashlib.md5(text.encode()).hexdigest()


def visit_tls(port, context, name, requests=1):
    """The bytes of the hello of one connection, and the status of each of its requests."""
    incoming, outgoing, statuses = ssl.MemoryBIO(), ssl.MemoryBIO(), []
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as sock:
        def run(step):
            while True:
                try:
                    result = step()
                except ssl.SSLWantReadError:
                    result = None
                sock.sendall(outgoing.read())
                if result is not None:
                    return result
                if not (data := sock.recv(65536)):
                    raise ConnectionError
                incoming.write(data)

        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        sock.sendall(hello := outgoing.read())
        run(lambda: tls.do_handshake() or True)
        for _ in range(requests):
            tls.write(b"HEAD / HTTP/1.1\r\nHost: example.org\r\n\r\n")
            got = b""
            while not got.endswith(b"\r\n\r\n"):
                got += run(lambda: tls.read(65536))
            statuses.append(int(got.split()[1]))
    return hello, statuses


def test_ja3(box):
    port = free_port()
    edge = fake(box, ALLOW, AMMIT_JA3="1", AMMIT_CRT=str(certificate(box.path)), AMMIT_BIND_TLS="127.0.0.1:%d" % port)
    assert edge.get("/").from_site and edge.agent.seen[-1]["tls.ja3"] is None
    seen = set()
    for version, ciphers, alpn, name in (
        (None, None, None, "example.org"),
        (None, None, ["http/1.1"], None),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305", None, "example.org"),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if version:
            context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        if alpn:
            context.set_alpn_protocols(alpn)
        text, want = ja3(visit_tls(port, context, name, requests=2)[0])
        assert [x["tls.ja3"] for x in edge.agent.seen[-2:]] == [want] * 2, text
        seen.add(want)
    assert len(seen) == 3


class Relay:
    """A cable between a visitor and the edge: keeps what a client says before it is answered."""

    def __init__(self, port):
        self.to, self.hellos, self.listener = port, [], socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        said = b""
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self.to)) as server:
            while True:
                for sock in select.select([client, server], [], [])[0]:
                    data = sock.recv(65536)
                    if sock is server and said:
                        self.hellos.append(said)
                        said = None
                    elif sock is client and said is not None:
                        said += data
                    (client if sock is server else server).sendall(data)
                    if not data:
                        return


def test_ja3_of_a_real_browser(box):
    """Its hello has GREASE, is shuffled and longer than a packet: no constant, but what was sent."""
    port = free_port()
    edge = fake(box, dict(ALLOW, weight=0), AMMIT_JA3="1", AMMIT_CRT=str(certificate(box.path)), AMMIT_BIND_TLS="127.0.0.1:%d" % port)
    relay = Relay(port)
    with contextlib.closing(relay.listener):
        edge.tls = "https://127.0.0.1:%d/" % relay.port
        test_headers.visit(edge, BROWSER["User-Agent"])
    assert edge.agent.seen and relay.hellos
    assert {x["tls.ja3"] for x in edge.agent.seen} <= {ja3(hello)[1] for hello in relay.hellos}
    # Headers of record and message, version, random, session: then its first cipher, which is GREASE.
    first = relay.hellos[0][5 + 4 + 2 + 32 + 1 + 32 + 2:][:2]
    assert first[0] == first[1] and first[0] & 15 == 10


def test_ja3_of_a_known_hello():
    """The function above against the worked example of JA3's own description."""
    raw = lambda size, data: len(data).to_bytes(size, "big") + data
    words = lambda *numbers: b"".join(n.to_bytes(2, "big") for n in numbers)
    extension = lambda kind, data: words(kind) + raw(2, data)
    extensions = extension(0, b"x") + extension(10, raw(2, words(23, 24, 25))) + extension(11, raw(1, b"\0"))
    body = words(769) + bytes(32) + raw(1, b"") + raw(2, words(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4))
    message = b"\x01" + raw(3, body + raw(1, b"\0") + raw(2, extensions))
    assert ja3(b"\x16\x03\x01" + raw(2, message)) == (
        "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0", "ada70206e40642a3e4461f35503241d5")


def test_a_rule_with_ja3(box):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    policy = lambda known: {"bots": [{"name": "tls", "expression": 'tls.ja3 == "%s"' % known, "action": "DENY"}]}
    port = free_port()
    edge = box.whole(policy("0" * 32), AMMIT_JA3="1", AMMIT_CRT=str(certificate(box.path)),
                     AMMIT_BIND_TLS="127.0.0.1:%d" % port)
    hello, statuses = visit_tls(port, context, "example.org")
    assert statuses == [200]
    (box.path / "policy.json").write_text(json.dumps(policy(ja3(hello)[1])))
    edge.ammit.signal(signal.SIGHUP)
    wait_until(lambda: visit_tls(port, context, "example.org")[1] == [403], "the denial")
    assert edge.get("/").from_site, "without TLS there is none"
