"""The verdict `drip`: a page that trickles for as long as the client stays, through a real HAProxy,
and what it must not cost others."""

import contextlib
import json
import os
import re
import resource
import select
import signal
import socket
import time

import pytest

from conftest import CURL, PATIENCE_S, free_port, run_ammit, wait_until

GREEDY = {"User-Agent": "GreedyBot/1.0", "Accept": "*/*"}
POLICY = {
    "bots": [
        {"name": "greedy", "user_agent_regex": "GreedyBot", "action": "DRIP"},
        {"name": "scraper", "user_agent_regex": "GPTBot", "action": "DENY"},
    ],
    "thresholds": [],
}
CROWD = 2000


def drip(box, *more, **env):
    ammit = box.ammit(POLICY, None, None, None, *more)
    edge = box.edge(ammit.spop, ammit.http, **env)
    edge.ammit = ammit
    return edge


def dripped(address):
    with Visitor(address, request()) as one:
        return one.status() == 200


def counts(ammit):
    text = run_ammit("ctl", "--control", ammit.control, "metrics").stdout
    return {m[0]: float(m[1]) for m in re.findall(r"^ammit_drip_(\w+) ([0-9.]+)$", text, re.M)}


def rss_kib(process):
    status = open("/proc/%d/status" % process.handle.pid).read()
    return int(re.search(r"^VmRSS:\s+(\d+)", status, re.M).group(1))


class Visitor:
    """A client that keeps what it is sent."""

    def __init__(self, address, text):
        self.sock = socket.socket(socket.AF_UNIX if address.startswith("unix@") else socket.AF_INET)
        self.sock.settimeout(PATIENCE_S)
        if address.startswith("unix@"):
            self.sock.connect(address[5:])
        else:
            host, port = address.rsplit(":", 1)
            self.sock.connect((host, int(port)))
        self.got = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def more(self):
        """Waits for some bytes; b"" is the end."""
        try:
            got = self.sock.recv(65536)
        except ConnectionResetError:
            got = b""
        self.got += got
        return got

    def there_is(self):
        """Takes what has come, without a wait. False: it is over."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        while poll.poll(0):
            if not self.more():
                return False
        return True

    def status(self):
        while b"\r\n\r\n" not in self.got and self.more():
            pass
        found = re.match(rb"HTTP/1\.[01] (\d+)", self.got)
        return int(found.group(1)) if found else None

    def body(self):
        return self.got.partition(b"\r\n\r\n")[2]


def request(agent="GreedyBot/1.0", method="GET", version="1.1", rest=""):
    return ("%s /page HTTP/%s\r\nHost: example.org\r\nUser-Agent: %s\r\n%s\r\n" % (method, version, agent, rest)).encode()


def visitor(edge, **more):
    return Visitor(edge.address, request(**more))


def answer(edge):
    """Status and body of who would be dripped; the body of a drip is not waited for."""
    with visitor(edge, rest="Connection: close\r\n") as one:
        status = one.status()
        while status != 200 and one.more():
            pass
        return status, one.body()


DENIED = (403, b"Access denied.\n")


@contextlib.contextmanager
def crowd(edge, number, greeted=True):
    """That many who are dripped; `greeted`: each of them has had its first bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    visitors = []
    try:
        for _ in range(number):
            visitors.append(visitor(edge))
        for one in visitors if greeted else ():
            assert one.status() == 200
        yield visitors
    finally:
        for one in visitors:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_first_bytes_at_once_and_then_some_more(box):
    edge = drip(box)
    with visitor(edge) as one:
        assert one.status() == 200
        head = one.got.partition(b"\r\n\r\n")[0].lower()
        assert b"content-type: text/html" in head and b"content-length" not in head
        assert b"no-store" in head and b"noindex" in head
        # Each piece is passed on by itself: many reads, each of a few bytes.
        sizes = [len(one.more()) for _ in range(3)]
        assert all(0 < n < 200 for n in sizes), sizes
        assert b"<!doctype html>" in one.body()
        assert b'verdict=drip' not in edge.output().encode()  # it is logged when it is over
        assert counts(edge.ammit)["visitors"] == 1
        # Others are not kept waiting, on the same HAProxy and the same Ammit.
        assert edge.get("/", CURL).from_site
    wait_until(lambda: counts(edge.ammit)["visitors"] == 0, "HAProxy to hang up")
    line = wait_until(lambda: [x for x in edge.lines() if "verdict=drip" in x], "the line")[-1]
    assert 'status=200' in line and 'rule="bot/greedy"' in line


@pytest.mark.parametrize("more, status", [
    ({"method": "HEAD"}, 200),
    ({"version": "1.0"}, 200),
    ({"method": "POST", "rest": "Content-Length: 5\r\n\r\nhello"}, 200),
    ({"method": "POST", "rest": "Content-Length: 500000\r\nExpect: 100-continue\r\n"}, 200),
    ({"rest": "Accept-Encoding: gzip, br\r\n"}, 200),
    ({"rest": "Cookie: a=%s\r\n" % ("x" * 9000)}, 200),
])
def test_whatever_they_ask(box, more, status):
    edge = drip(box)
    with visitor(edge, **more) as one:
        assert one.status() == status
        if more.get("method") == "HEAD":
            assert counts(edge.ammit)["served_total"] >= 1
        else:
            assert one.more()
    wait_until(lambda: counts(edge.ammit)["visitors"] == 0, "the place to be free")


def test_a_pass_or_shadow(box):
    """In shadow it is only said."""
    ammit = box.ammit(POLICY, None, None, None, "--shadow")
    edge = box.edge(ammit.spop, ammit.http)
    assert edge.get("/", GREEDY).from_site
    assert "would=drip" in wait_until(edge.lines, "a line")[-1]


def test_the_tools_know_it(box):
    file = box.path / "policy.json"
    file.write_text(json.dumps(POLICY))
    assert run_ammit("check", file).returncode == 0
    said = run_ammit("explain", "--policy", file, "--header", "User-Agent: GreedyBot/1.0", "--json")
    assert json.loads(said.stdout)["verdict"] == "drip", said.stderr
    said = run_ammit("explain", "--policy", file, "--header", "User-Agent: GreedyBot/1.0").stdout
    assert "drip" in said and "DRIP" in said
    ammit = box.ammit(file)
    with ammit.client() as client:
        assert client.ask(ua="GreedyBot")["verdict"] == "drip"
    assert "drip 1" in run_ammit("ctl", "--control", ammit.control, "stat").stdout
    top = run_ammit("top", "--once", "--control", ammit.control)
    assert re.search(r"^drip +verdicts/s .*now 0 .*KiB/s", top.stdout, re.M), top.stdout


def test_two_thousand_cost_the_others_nothing(box):
    """Memory of our process a visitor; the site and verdicts go on; the next one is denied at once;
    who hangs up frees his place."""
    edge = drip(box, "--drip-max", CROWD)
    ammit = edge.ammit
    wait_until(lambda: counts(ammit)["visitors"] == 0, "a quiet start")
    before, edge_before = rss_kib(ammit), rss_kib(edge)
    with crowd(edge, CROWD) as visitors:
        assert counts(ammit)["visitors"] == CROWD
        # A few turns on, so that what they cost in the end is there.
        served = counts(ammit)["bytes_total"]
        wait_until(lambda: counts(ammit)["bytes_total"] > served + 100 * CROWD, "pieces for all")
        each = (rss_kib(ammit) - before) / CROWD
        print("a visitor: %.2f KiB of ammit, %.1f KiB of haproxy" % (each, (rss_kib(edge) - edge_before) / CROWD))
        if not os.environ.get("SAN"):
            assert each < 2
        for _ in range(50):
            assert edge.get("/", CURL).from_site
            assert edge.get("/", {"User-Agent": "GPTBot"}).status == 403
        with ammit.client() as client:
            assert client.ask(ua="GPTBot")["verdict"] == "deny"
        # No place is left, and nobody waits for one.
        refused = counts(ammit)["refused_total"]
        assert answer(edge) == DENIED
        assert counts(ammit)["visitors"] == CROWD
        for one in visitors[:10]:
            one.close()
        wait_until(lambda: counts(ammit)["visitors"] == CROWD - 10, "ten to be gone")
        with visitor(edge) as late:
            assert late.status() == 200
        assert all(one.there_is() for one in visitors[10:]), "somebody was let go"
        assert counts(ammit)["refused_total"] == refused
    wait_until(lambda: counts(ammit)["visitors"] == 0, "all to be gone")


@pytest.mark.parametrize("most, env", [(3, {}), (100, {"AMMIT_DRIP_MAX": "3"})])
def test_the_bound_in_number_is_ours_and_haproxys(box, most, env):
    edge = drip(box, "--drip-max", most, **env)
    wait_until(lambda: counts(edge.ammit)["visitors"] == 0, "a quiet start")
    with crowd(edge, 3):
        assert answer(edge) == DENIED
        assert (counts(edge.ammit)["refused_total"] > 0) == (most == 3)
        assert edge.get("/", CURL).from_site
    wait_until(lambda: counts(edge.ammit)["visitors"] == 0, "all to be gone")
    with visitor(edge) as one:
        assert one.status() == 200


def test_the_bound_in_bytes(box):
    """Two hundred want to begin at once and then some 5 KiB a second; all together they get 4."""
    rate = 4096
    edge = drip(box, "--drip-rate", rate // 1024)
    begun = time.monotonic()
    with crowd(edge, 200, greeted=False) as visitors:
        wait_until(lambda: counts(edge.ammit)["visitors"] == 200, "all to be there")
        wait_until(lambda: counts(edge.ammit)["bytes_total"] > 4 * rate, "four seconds' worth")
        sent, passed = counts(edge.ammit)["bytes_total"], time.monotonic() - begun
        assert sent <= rate * (passed + 1)
        assert all(one.there_is() for one in visitors)
        assert sum(len(one.got) > 0 for one in visitors) > 20


def test_an_end_after_its_time(box):
    edge = drip(box, "--drip-time", 1)
    with visitor(edge) as one:
        while one.more():
            if one.got.endswith(b"\r\n0\r\n\r\n"):
                break
        assert one.got.endswith(b"the end.\n\r\n0\r\n\r\n")
    wait_until(lambda: counts(edge.ammit)["visitors"] == 0, "the place to be free")


def test_sigterm_ends_it_at_once(box):
    edge = drip(box)
    with crowd(edge, 50) as visitors:
        ammit = edge.ammit
        begun = time.monotonic()
        ammit.signal(signal.SIGTERM)
        assert ammit.handle.wait(PATIENCE_S) == 0
        assert time.monotonic() - begun < PATIENCE_S / 2
        assert not os.path.exists(ammit.drip[5:])
        for one in visitors:
            while one.more():
                pass
        assert re.search(r" stopped .*drip=\d\d", ammit.output())


def test_killed_or_off_is_denied(box):
    """The verdict is there and who drips is not: 403, before HAProxy's check has seen it and after."""
    agent = box.agent(lambda _: {"verdict": "drip", "rule": "bot/greedy"})
    ammit = box.ammit(POLICY)
    edge = box.edge(agent.address, ammit.http)
    with visitor(edge) as one:
        assert one.status() == 200
        ammit.kill()
        for _ in range(20):
            assert answer(edge) == DENIED
        while one.more():
            pass
    wait_until(lambda: "ammit-drip/drip is DOWN" in edge.output(), "the check")
    assert answer(edge) == DENIED
    ammit.start()
    wait_until(lambda: dripped(edge.address), "it to be back")


def test_off(box):
    ammit = box.ammit(POLICY, None, None, None, "--drip", "off")
    assert " drip=off " in ammit.output()
    edge = box.edge(ammit.spop, ammit.http)
    for _ in range(3):
        assert answer(edge) == DENIED
    assert counts(ammit) == {}
    assert edge.get("/", CURL).from_site


def test_an_address_that_was_asked_for_must_be_had(box):
    ammit = box.ammit(POLICY)
    got = run_ammit("run", "--drip", ammit.drip, "--spop", "unix@%s/2" % box.path, "--http", "unix@%s/3" % box.path,
                    "--control", "off", "--state-dir", box.path / "state")
    assert got.returncode == 1 and "drip" in got.stderr and "in use" in got.stderr


def test_tcp_and_mode(box):
    port = free_port()
    box.ammit(POLICY, None, None, None, "--drip", "127.0.0.1:%d" % port)
    with Visitor("127.0.0.1:%d" % port, request()) as one:
        assert one.status() == 200 and one.more()


def test_the_port_itself_under_attack(box):
    """Nothing, half a head, a head without end: they are closed, and never more than the places."""
    ammit = box.ammit(POLICY, None, None, None, "--drip-max", "20")
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Visitor(ammit.drip, text)) for text in [b"", b"GET / HTTP/1.1\r\nHos"] * 150]
        # Places and a few spare; all others have heard the end already.
        wait_until(lambda: sum(not one.there_is() for one in crowd) == 300 - 20 - 64, "the surplus to be closed")
        with ammit.client() as client:
            for i in range(100):
                assert client.ask(i, ua="GPTBot")["verdict"] == "deny"
    # They have gone: there are places again.
    wait_until(lambda: dripped(ammit.drip), "a place")
    with Visitor(ammit.drip, b"") as long:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            long.sock.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20))
            for _ in range(100):
                long.sock.sendall(b"x" * 65536)
    wait_until(lambda: dripped(ammit.drip), "a place")
    assert ammit.alive()


def test_few_descriptors_are_the_verdicts(box):
    """A small limit: half of it is never taken for dripping."""
    limit = 256
    ammit = box.ammit(POLICY, None, None, None)
    ammit.stop()
    ammit.command = ["/usr/bin/prlimit", "--nofile=%d:%d" % (limit, limit)] + ammit.command
    ammit.start()
    assert "half_of_the_descriptors=128" in ammit.output()
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Visitor(ammit.drip, request())) for _ in range(300)]
        wait_until(lambda: counts(ammit)["refused_total"] >= 172, "the surplus to be refused")
        assert 50 < counts(ammit)["visitors"] <= 128
        assert len(crowd) == 300
        clients = [stack.enter_context(ammit.client()) for _ in range(60)]
        for i, client in enumerate(clients):
            assert client.ask(i, ua="GPTBot")["verdict"] == "deny"
