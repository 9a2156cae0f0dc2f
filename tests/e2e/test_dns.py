"""Blocklists and verified crawlers, with rbldnsd and unbound on loopback, and a server of our own
for what no honest one says. Nobody else is ever asked."""

import json
import signal
import socket
import statistics
import time

import pytest

import dns_servers
from conftest import PATIENCE_S, Edge, run_ammit, wait_until
from spop import ACK, notify

LISTED4, LISTED6, CLEAN4, CLEAN6 = "5.6.7.8", "2a01:4f8::bad", "5.6.7.9", "2a01:4f8::900d"
ZONE4 = """$SOA 300 bl.test. hostmaster.bl.test. 0 300 300 86400 60
$NS 300 ns.bl.test.
$TTL 300
:127.0.0.9:http proxy
5.6.7.8
5.6.8.0/24
:127.0.0.13:brute force
5.9.0.1
:127.0.0.1:test
127.0.0.2
"""
ZONE6 = """$TTL 300
:127.0.0.8:socks
2a01:4f8::bad
"""
TEST_POINT = ":127.0.0.1:test\n127.0.0.2\n"

THRESHOLDS = [
    {"name": "none", "expression": "weight < 10", "action": "ALLOW"},
    {"name": "some", "expression": "weight >= 10", "action": "CHALLENGE",
     "challenge": {"algorithm": "fast", "difficulty": 1}},
]
NEVER_MATCHES = {"name": "nobody", "user_agent_regex": "^NobodyHasThis$", "action": "DENY"}


def policy(*bots, **more):
    out = {
        "bots": list(bots) or [NEVER_MATCHES],
        "thresholds": THRESHOLDS,
        "dnsbl": [{"zone": "bl.test", "name": "bl", "codes": {
            "127.0.0.9": {"weight": 30, "name": "HTTP proxy"}, "127.0.0.8": 20, "default": 15}}],
        "dns": {"budget_ms": 1000},
    }
    out.update(more)
    return out


def ip(text):
    return ("ip", text)


@pytest.fixture(scope="module")
def rbldnsd(tmp_path_factory):
    server = dns_servers.Rbldnsd(tmp_path_factory.mktemp("rbldnsd"), {
        "bl.test": [("ip4set", ZONE4), ("ip6trie", ZONE6)],
        "exits.test": [("ip4set", "$TTL 60\n:127.0.0.2:exit\n5.6.7.20\n127.0.0.2\n")],
        "dnsbl.dronebl.org": [("ip4set", "$TTL 300\n:127.0.0.9:x\n5.6.7.8\n:127.0.0.1:test\n127.0.0.2\n")],
    })
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fake():
    servers = []

    def start(answer):
        servers.append(dns_servers.FakeDns(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def start(box, server, *bots, more=(), **policy_more):
    address = server if isinstance(server, str) else server.address
    return box.ammit(policy(*bots, **policy_more), None, None, None, "--dns", address, *more)


def until_asked(server, name, kind="A"):
    return wait_until(lambda: (name, kind) in server.asked, "%s to be asked" % name)


def healthy(name, kind):
    """What an honest blocklist says of its test points; None for all else."""
    if name.startswith("2.0.0.127."):
        return dns_servers.a(name, kind, ["127.0.0.2"])
    if name.startswith("1.0.0.127."):
        return dns_servers.nxdomain(name, kind)
    return None


# -- blocklists


def test_listed_and_not_with_rbldnsd(box, rbldnsd):
    """The first request of an address is judged rightly already, IPv4 and IPv6."""
    ammit = start(box, rbldnsd)
    with ammit.client() as client:
        for src, weight, verdict in [(LISTED4, 30, "challenge"), (CLEAN4, 0, "allow"), (LISTED6, 20, "challenge"),
                                     (CLEAN6, 0, "allow"), ("5.9.0.1", 15, "challenge"), ("5.6.8.77", 30, "challenge"),
                                     ("::ffff:5.6.7.8", 30, "challenge")]:
            for _ in range(2):
                said = client.ask(src=ip(src))
                assert (said["weight"], said["verdict"]) == (weight, verdict), (src, said)


def test_the_default_policy_weighs_dronebl(box, rbldnsd):
    """By weight, not by denial; whoever is not listed is let through as ever."""
    ammit = box.ammit(None, None, None, None, "--dns", rbldnsd.address)
    with ammit.client() as client:
        # The budget is the shipped one: the answer may come behind it, once.
        said = wait_until(lambda: [x for x in [client.ask(src=ip(LISTED4))] if x["weight"] > 0], "a listing")[0]
        assert said["verdict"] == "challenge"
        assert client.ask(src=ip(CLEAN4))["verdict"] == "allow"


def test_true_denies_and_comes_before_an_allow(box, rbldnsd):
    trusted = {"name": "trusted", "user_agent_regex": "curl", "action": "ALLOW"}
    ammit = start(box, rbldnsd, trusted, dnsbl=True)
    with ammit.client() as client:
        said = client.ask(src=ip(LISTED4))
        assert said["verdict"] == "deny" and said["rule"].startswith("dnsbl/"), said
        assert client.ask(src=ip(CLEAN4)) ["rule"] == "bot/trusted"


def test_a_decided_request_is_not_asked_about(box, fake):
    server = fake(lambda name, kind, transport: healthy(name, kind) or dns_servers.a(name, kind, ["127.0.0.9"]))
    ammit = start(box, server, {"name": "trusted", "user_agent_regex": "curl", "action": "ALLOW"},
                  {"name": "bad", "user_agent_regex": "GPTBot", "action": "DENY"})
    with ammit.client() as client:
        assert client.ask(src=ip(LISTED4))["rule"] == "bot/trusted"
        assert client.ask(src=ip(LISTED4), ua="GPTBot")["rule"] == "bot/bad"
        assert client.ask(src=ip(LISTED4), ua="else")["weight"] == 30
    assert [x for x in server.asked if "127.bl" not in x[0]] == [("8.7.6.5.bl.test", "A")]


class ProxiedEdge(Edge):
    """The shipped edge, told by PROXY who the client is."""

    def __init__(self, box, *args, **more):
        super().__init__(box, *args, **more, AMMIT_PROXY_FROM="127.0.0.1")

    def ask(self, src, path="/", timeout=20):
        """Status, and whether the site answered."""
        family = "TCP6" if ":" in src else "TCP4"
        with socket.create_connection(("127.0.0.1", self.port), timeout) as sock:
            to = "::1" if ":" in src else "127.0.0.1"
            sock.sendall(("PROXY %s %s %s 1000 80\r\nGET %s HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8\r\n"
                          "Accept: */*\r\nConnection: close\r\n\r\n" % (family, src, to, path)).encode())
            raw = b""
            while True:
                data = sock.recv(65536)
                if not data:
                    break
                raw += data
        return int(raw.split(b" ", 2)[1]), b"X-From: site" in raw or b"x-from: site" in raw


@pytest.fixture
def proxied(box):
    def start_edge(ammit, **more):
        return box.keep(ProxiedEdge(box, ammit.spop, ammit.http, box.site().address, **more)).start()

    return start_edge


def test_through_haproxy(box, rbldnsd, proxied):
    edge = proxied(start(box, rbldnsd))
    for src, through in [(LISTED4, False), (CLEAN4, True), (LISTED6, False), (CLEAN6, True), ("192.168.1.7", True)]:
        assert edge.ask(src)[1] is through, src
    line = next(x for x in edge.lines() if LISTED4 in x)
    assert "verdict=challenge" in line and "weight=30" in line


def quantile(values, part):
    return sorted(values)[int(part * (len(values) - 1))]


@pytest.mark.parametrize("trouble", ["killed", "frozen", "slow", "nowhere"])
def test_a_resolver_in_trouble_denies_nobody(box, tmp_path, proxied, fake, trouble):
    """Each request has its verdict, by HAProxy's own shipped patience of 50 ms or not, and goes to
    the site; waiting is bounded by the budget: a fifth of it is at most half as long."""
    if trouble == "slow":
        server = fake(lambda name, kind, transport: (30, dns_servers.a(name, kind, ["127.0.0.9"])))
        address = server.address
    elif trouble == "nowhere":
        address = "127.0.0.1:%d" % dns_servers.free_port()
    else:
        server = dns_servers.Rbldnsd(tmp_path, {"bl.test": [("ip4set", TEST_POINT)]})
        server.start()
        address = server.address
    took = {}
    try:
        for budget in (20, 100):
            ammit = start(box, address, dns={"budget_ms": budget})
            edge = proxied(ammit)
            assert edge.ask("10.1.2.3")[1]
            if trouble in ("killed", "frozen"):
                server.kill() if trouble == "killed" else server.freeze()
            times = []
            for i in range(40):
                begin = time.monotonic()
                status, through = edge.ask("5.%d.%d.7" % (budget, i))
                times.append(time.monotonic() - begin)
                assert (status, through) == (200, True)
            assert "verdict=allow" in edge.lines()[-1] and "SPOE" not in edge.output()
            # The first ones: who waited in vain often enough waits no longer.
            took[budget] = times[:6]
            if trouble == "killed":
                server.start()
            if trouble == "frozen":
                server.thaw()
            edge.stop()
            ammit.stop()
        # With nobody there the refusal is known at once, and nobody waits at all.
        if trouble in ("frozen", "slow"):
            assert statistics.median(took[20]) * 2 < statistics.median(took[100]), took
    finally:
        if trouble in ("killed", "frozen"):
            server.thaw()
            server.stop()


def test_nobody_waits_for_servers_that_are_down(box, fake):
    """Questions go on, and find out when one answers again; requests do not wait meanwhile."""
    silent = [True]
    server = fake(lambda name, kind, transport: healthy(name, kind) or (
        None if silent else dns_servers.a(name, kind, ["127.0.0.9"])))
    ammit = start(box, server, dns={"budget_ms": 20})
    waits = lambda: {x.split()[0]: int(x.split()[1]) for x in run_ammit("ctl", "--control", ammit.control, "metrics").stdout
                     .splitlines() if x.startswith("ammit_dns_waits_total")}
    with ammit.client() as client:
        numbers = iter(range(60000))

        def ask():
            n = next(numbers)
            return client.ask(src=ip("6.66.%d.%d" % (n >> 8, n & 255)))["weight"]

        wait_until(lambda: ask() == 0 and waits()['ammit_dns_waits_total{result="not_waited"}'] > 20, "nobody to wait")
        before = waits()
        for _ in range(20):
            assert ask() == 0
        after = waits()
        assert after['ammit_dns_waits_total{result="budget"}'] == before['ammit_dns_waits_total{result="budget"}']
        silent.clear()
        wait_until(lambda: ask() == 30, "an answer in time")


def test_nobody_else_waits_on_the_connection(box, fake):
    """An answer that nobody needs to wait for overtakes one that does, and each has its own id."""
    server = fake(lambda name, kind, transport: healthy(name, kind) or (0.2, dns_servers.a(name, kind, ["127.0.0.9"])))
    ammit = start(box, server, dns={"budget_ms": 1000})
    with ammit.client() as client:
        client.send(notify(1, 1, src=ip(LISTED4)) + notify(2, 1, src=ip("192.168.0.1")) + notify(3, 7, src=ip("10.0.0.1")))
        order = []
        for _ in range(3):
            answer = client.read()
            assert answer.kind == ACK
            order.append(((answer.stream, answer.number), answer.variables()["weight"]))
        assert order == [((2, 1), 0), ((3, 7), 0), ((1, 1), 30)]


def test_the_budget_ends_and_the_late_answer_warms_the_cache(box, fake):
    server = fake(lambda name, kind, transport: healthy(name, kind) or (0.1, dns_servers.a(name, kind, ["127.0.0.9"])))
    ammit = start(box, server, dns={"budget_ms": 5})
    with ammit.client() as client:
        assert client.ask(src=ip(LISTED4))["weight"] == 0
        wait_until(lambda: client.ask(src=ip(LISTED4))["weight"] == 30, "the late answer")
    assert server.asked.count(("8.7.6.5.bl.test", "A")) == 1


def test_a_budget_of_nothing_waits_for_nobody(box, fake):
    server = fake(lambda name, kind, transport: healthy(name, kind) or dns_servers.a(name, kind, ["127.0.0.9"]))
    ammit = start(box, server, dns={"budget_ms": 0})
    with ammit.client() as client:
        client.ask(src=ip(LISTED4))
        wait_until(lambda: client.ask(src=ip(LISTED4))["weight"] == 30, "the answer")


def test_unknown_may_ask_for_a_challenge(box, fake):
    """What a rule that could not be known does is its own choice; a failure never denies."""
    server = fake(lambda name, kind, transport: None)
    rules = [
        {"name": "claims", "user_agent_regex": "Googlebot", "action": "ALLOW", "unknown": "challenge",
         "verify_dns": {"suffixes": [".googlebot.com"]}, },
        {"name": "other", "user_agent_regex": "bingbot", "action": "ALLOW", "verify_dns": {"suffixes": [".msn.com"]}},
    ]
    ammit = start(box, server, *rules, dns={"budget_ms": 20}, dnsbl=False)
    with ammit.client() as client:
        said = client.ask(src=ip("66.249.66.1"), ua="Googlebot/2.1")
        assert (said["verdict"], said["rule"]) == ("challenge", "bot/claims")
        said = client.ask(src=ip("66.249.66.1"), ua="bingbot/2.0")
        assert (said["verdict"], said["weight"]) == ("allow", 0)


# -- what no honest server says


def reverse(src, zone):
    return dns_servers.reverse(src, zone)


ODD = {
    "wildcard": lambda name, kind: dns_servers.a(name, kind, ["127.0.0.9"]),
    "hijacked": lambda name, kind: healthy(name, kind) if name.startswith("2.") else dns_servers.a(name, kind, ["198.51.100.80"]),
    "outside 127/8": lambda name, kind: healthy(name, kind) or dns_servers.a(name, kind, ["10.0.0.1"]),
    "public resolver refused": lambda name, kind: healthy(name, kind) or dns_servers.a(name, kind, ["127.255.255.254"]),
    "lists nothing": lambda name, kind: dns_servers.nxdomain(name, kind) if "127.bl" in name else dns_servers.a(name, kind, ["127.0.0.9"]),
    "expired, parked": lambda name, kind: dns_servers.a(name, kind, ["198.51.100.80"]),
}


@pytest.mark.parametrize("kind_of_odd", ODD)
def test_an_odd_zone_is_suspended_and_judges_nobody(box, fake, kind_of_odd):
    odd = ODD[kind_of_odd]
    server = fake(lambda name, kind, transport: odd(name, kind))
    ammit = start(box, server, {"name": "t", "user_agent_regex": "trusted", "action": "ALLOW"}, dnsbl=[
        {"zone": "bl.test", "codes": {"default": 50}, "action": "DENY"}])
    with ammit.client() as client:
        client.ask(src=ip("5.5.5.5"), ua="other")
        wait_until(lambda: "dnsbl_suspended" in ammit.output(), "the zone to be suspended")
        for i in range(5):
            said = client.ask(src=ip("5.5.6.%d" % i), ua="other")
            assert (said["verdict"], said["weight"]) == ("allow", 0), said
    assert ammit.output().count("dnsbl_suspended") == 1, ammit.output()


def test_a_suspended_zone_comes_back(box, fake):
    """A reload asks again, and so does time; what the zone says counts from then on."""
    well = []

    def answer(name, kind, transport):
        if well and healthy(name, kind):
            return healthy(name, kind)
        return dns_servers.a(name, kind, ["127.0.0.9"])

    ammit = start(box, fake(answer))
    with ammit.client() as client:
        wait_until(lambda: "dnsbl_suspended" in ammit.output(), "the zone to be suspended")
        assert client.ask(src=ip(LISTED4))["weight"] == 0
        well.append(True)
        ammit.signal(signal.SIGHUP)
        wait_until(lambda: "dnsbl_resumed" in ammit.output(), "the zone to be in use again")
        assert client.ask(src=ip(LISTED4))["weight"] == 30


SPOOFED = {
    "wrong id": lambda good: [dns_servers.wrong_id(good), good],
    "wrong question": lambda good: [dns_servers.wrong_question(good), good],
    "garbage": lambda good: [b"\x00" * 7, b"", b"\xff" * 600, good],
}


@pytest.mark.parametrize("kind_of_spoof", SPOOFED)
def test_spoofed_answers_do_not_count(box, fake, kind_of_spoof):
    """A forger says 'listed' first; the real answer, 'not listed', comes behind it."""
    before = SPOOFED[kind_of_spoof]

    def answer(name, kind, transport):
        if healthy(name, kind):
            return healthy(name, kind)
        lie, truth = dns_servers.a(name, kind, ["127.0.0.9"]), dns_servers.nxdomain(name, kind)
        return dns_servers.several(before(lie)[:-1] + [truth])

    server = fake(answer)
    ammit = start(box, server)
    with ammit.client() as client:
        assert client.ask(src=ip(LISTED4))["weight"] == 0
        assert client.ask(src=ip(LISTED4))["weight"] == 0


@pytest.mark.parametrize("odd", ["loop", "long", "truncated_then_closed", "half", "other_port", "servfail", "refused"])
def test_broken_answers_judge_nobody_and_break_nothing(box, fake, odd):
    def answer(name, kind, transport):
        return healthy(name, kind) or dns_servers.odd(odd, name, kind, transport)

    server = fake(answer)
    ammit = start(box, server, dns={"budget_ms": 50})
    with ammit.client() as client:
        for i in range(20):
            assert client.ask(src=ip("5.6.7.%d" % i))["weight"] == 0
        assert client.ask(src=ip("192.168.0.1"))["verdict"] == "allow"


def test_the_next_server_is_asked(box, rbldnsd, fake):
    server = fake(lambda name, kind, transport: dns_servers.refused(name, kind))
    ammit = start(box, "%s,%s" % (server.address, rbldnsd.address))
    with ammit.client() as client:
        assert client.ask(src=ip(LISTED4))["weight"] == 30
    assert server.asked


def test_unbound(box, tmp_path):
    """Truncated over UDP and whole over TCP, SERVFAIL, REFUSED and black holes of a real resolver."""
    name = lambda src, zone: reverse(src, zone)
    lines = ['local-zone: "%s." static' % zone for zone in ("many.test",)]
    lines += ['local-data: "%s. 30 IN A 127.0.%d.9"' % (name("5.6.7.8", "many.test"), i) for i in range(200)]
    lines += ['local-data: "2.0.0.127.many.test. 30 IN A 127.0.0.2"']
    lines += dns_servers.refused_zone("refused.test") + dns_servers.silent_zone("silent.test")
    lines += dns_servers.servfail_zone("servfail.test")
    server = dns_servers.Unbound(tmp_path, lines)
    server.start()
    zones = [{"zone": zone + ".test", "codes": {"default": 10}} for zone in ("many", "refused", "silent", "servfail")]
    try:
        ammit = start(box, server, dnsbl=zones, dns={"budget_ms": 300})
        with ammit.client() as client:
            assert client.ask(src=ip(LISTED4))["weight"] == 10
            assert client.ask(src=ip(CLEAN4))["weight"] == 0
    finally:
        server.stop()


# -- verified crawlers

ALIASED, CLASSLESS = "66.249.66.2", "66.249.66.3"
GOOGLE4, GOOGLE6, FORGER, NAMELESS, FAILING = "66.249.66.1", "2001:4860:4801:10::1", "5.5.5.1", "5.5.5.2", "5.5.5.3"
NAMES = {
    (reverse(GOOGLE4, None), "PTR"): ["crawl-66-249-66-1.googlebot.com"],
    ("crawl-66-249-66-1.googlebot.com", "A"): [GOOGLE4],
    (reverse(GOOGLE6, None), "PTR"): ["crawl-v6.googlebot.com"],
    ("crawl-v6.googlebot.com", "AAAA"): ["2001:4860:4801:0010:0:0:0:1"],
    # The owner of a reverse zone writes a crawler's name beside his own, which does confirm.
    (reverse(FORGER, None), "PTR"): ["crawl-66-249-66-1.googlebot.com", "me.example.net"],
    ("me.example.net", "A"): [FORGER],
    (reverse(ALIASED, None), "PTR"): ["alias.googlebot.com"],
    ("classless.googlebot.com", "A"): [CLASSLESS],
}


def crawlers(name, kind, transport):
    if name == reverse(FAILING, None):
        return dns_servers.servfail(name, kind)
    if (name, kind) == ("alias.googlebot.com", "A"):
        return dns_servers.cname(name, kind, "real.test", [dns_servers.record("real.test", "A", socket.inet_aton(ALIASED))])
    if (name, kind) == (reverse(CLASSLESS, None), "PTR"):
        # As RFC 2317 hands out less than a /24.
        to = "3.0/25.66.249.66.in-addr.arpa"
        there = dns_servers.record(to, "PTR", dns_servers.pack("classless.googlebot.com"))
        return dns_servers.cname(name, kind, to, [there])
    known = NAMES.get((name, kind))
    if known is None:
        return dns_servers.nxdomain(name, kind)
    return {"A": dns_servers.a, "AAAA": dns_servers.aaaa, "PTR": dns_servers.ptr}[kind](name, kind, known)


GOOGLEBOT = {"name": "googlebot", "user_agent_regex": "Googlebot", "action": "ALLOW",
             "verify_dns": {"suffixes": [".googlebot.com", ".google.com"], "forged": 25}}


def test_verified_crawlers(box, fake):
    server = fake(crawlers)
    ammit = start(box, server, GOOGLEBOT, dnsbl=False)
    with ammit.client() as client:
        for src, rule, weight in [(GOOGLE4, "bot/googlebot", 0), (GOOGLE6, "bot/googlebot", 0),
                                  (ALIASED, "bot/googlebot", 0), (CLASSLESS, "bot/googlebot", 0),
                                  (FORGER, "threshold/some", 25), (NAMELESS, "threshold/some", 25),
                                  (FAILING, "threshold/none", 0), ("192.168.1.1", "threshold/none", 0)]:
            for _ in range(2):
                said = client.ask(src=ip(src), ua="Mozilla/5.0 (compatible; Googlebot/2.1)")
                assert (said["rule"], said["weight"]) == (rule, weight), (src, said)
        assert client.ask(src=ip("5.5.5.9"), ua="curl")["weight"] == 0
    assert not [x for x in server.asked if "9.5.5.5" in x[0] or "192" in x[0]]


@pytest.mark.parametrize("expression, src, matches", [
    ('verifyFCrDNS(remoteAddress, "\\\\.googlebot\\\\.com$")', GOOGLE4, True),
    ('verifyFCrDNS(remoteAddress, "\\\\.googlebot\\\\.com$")', GOOGLE6, True),
    ('verifyFCrDNS(remoteAddress, "\\\\.googlebot\\\\.com$")', FORGER, False),
    ('!verifyFCrDNS(remoteAddress, "\\\\.googlebot\\\\.com$")', FORGER, True),
    ('!verifyFCrDNS(remoteAddress, "\\\\.googlebot\\\\.com$")', FAILING, False),
    ('verifyFCrDNS(remoteAddress)', FORGER, True),
    ('reverseDNS(remoteAddress).exists(n, n.endsWith(".googlebot.com"))', GOOGLE4, True),
    ('size(reverseDNS(remoteAddress)) == 0', NAMELESS, True),
    ('size(reverseDNS(remoteAddress)) == 0', FAILING, False),
    ('remoteAddress in lookupHost("me.example.net")', FORGER, True),
])
def test_expressions(box, fake, expression, src, matches):
    ammit = start(box, fake(crawlers), {"name": "x", "action": "DENY", "expression": expression}, dnsbl=False)
    with ammit.client() as client:
        assert (client.ask(src=ip(src))["verdict"] == "deny") is matches


def test_dnsbl_in_an_expression(box, rbldnsd):
    ammit = start(box, rbldnsd, {"name": "x", "action": "DENY", "expression": 'path == "/login" && dnsbl("exits.test")'},
                  dnsbl=False)
    with ammit.client() as client:
        assert client.ask(src=ip("5.6.7.20"), path="/login")["verdict"] == "deny"
        assert client.ask(src=ip("5.6.7.20"), path="/")["verdict"] == "allow"
        assert client.ask(src=ip(CLEAN4), path="/login")["verdict"] == "allow"


# -- never asked about

PRIVATE = ["10.1.2.3", "172.16.0.1", "192.168.3.4", "127.0.0.1", "169.254.1.1", "100.64.0.9", "192.0.2.7", "198.51.100.7",
           "203.0.113.9", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::5", "2001:db8::5",
           "ff02::1", "fc00:dead:beef:4dad::7:1", "::ffff:10.0.0.1", "64:ff9b::505:505", "5.44.0.9", "2a01:aaaa::1"]


def test_nothing_about_the_lan_or_the_onion_leaves(box, fake):
    server = fake(lambda name, kind, transport: healthy(name, kind) or crawlers(name, kind, transport))
    rules = [GOOGLEBOT, {"name": "e", "action": "DENY", "expression":
                         'size(reverseDNS(remoteAddress)) > 5 || size(lookupHost(host)) > 5 || dnsbl("other.test")'}]
    ammit = start(box, server, *rules, dns={"budget_ms": 500, "never": ["5.44.0.0/16", "2a01:aaaa::/32"]})
    with ammit.client() as client:
        for src in PRIVATE:
            assert client.ask(src=ip(src), ua="Googlebot", host="visited.example")["verdict"] == "allow", src
        assert [x for x in server.asked if "127.bl.test" not in x[0] and "127.other.test" not in x[0]] == []
        client.ask(src=ip(CLEAN4), host="visited.example")
        assert ("visited.example", "A") in server.asked


# -- the life of the daemon


def test_the_cache_survives_a_reload(box, fake):
    server = fake(lambda name, kind, transport: healthy(name, kind) or dns_servers.a(name, kind, ["127.0.0.9"]))
    ammit = start(box, server)
    with ammit.client() as client:
        assert client.ask(src=ip(LISTED4))["weight"] == 30
        ammit.signal(signal.SIGHUP)
        wait_until(lambda: " reloaded " in ammit.output(), "the reload")
        # Another worker may not know it: this connection stays with its own.
        assert client.ask(src=ip(LISTED4))["weight"] == 30
    assert server.asked.count(("8.7.6.5.bl.test", "A")) == 1


def test_who_waits_when_ammit_stops_is_answered_first(box, fake):
    server = fake(lambda name, kind, transport: healthy(name, kind))
    ammit = start(box, server, dns={"budget_ms": 1000})
    with ammit.client() as client:
        client.send(notify(1, 1, src=ip(LISTED4)))
        until_asked(server, "8.7.6.5.bl.test")
        ammit.signal(signal.SIGTERM)
        answer = client.read()
        assert answer.kind == ACK and answer.variables()["verdict"] == "allow"
        assert client.ended() == 0
    # By that one signal; a second one into the leak check of a sanitizer would stop that for ever.
    assert ammit.handle.wait(PATIENCE_S) == 0


def test_who_waits_may_leave(box, fake):
    """Connections that end while requests wait on them, answers that come for nobody."""
    server = fake(lambda name, kind, transport: healthy(name, kind) or (0.2, dns_servers.a(name, kind, ["127.0.0.9"])))
    ammit = start(box, server)
    for turn in range(5):
        client = ammit.client()
        for i in range(50):
            client.send(notify(i, 1, src=ip("5.77.%d.%d" % (turn, i))))
        until_asked(server, "49.%d.77.5.bl.test" % turn)
        client.sock.close()
    with ammit.client() as client:
        assert client.ask(src=ip(LISTED4))["weight"] == 30


def test_a_flood_of_new_addresses_is_bounded(box, fake):
    """20,000 addresses that nobody answers for: all have a verdict, and the daemon stays small."""
    server = fake(lambda name, kind, transport: healthy(name, kind))
    ammit = start(box, server, dns={"budget_ms": 20})
    rss = lambda: int(next(x for x in open("/proc/%d/status" % ammit.handle.pid) if x.startswith("VmRSS")).split()[1])
    with ammit.client() as client, ammit.client() as neighbour:
        before = rss()
        for block in range(40):
            client.send(b"".join(notify(i, 1, src=ip("6.%d.%d.%d" % (block, i >> 8, i & 255))) for i in range(500)))
            for _ in range(500):
                assert client.read().variables()["verdict"] == "allow"
            assert neighbour.ask(src=ip("10.0.0.1"))["verdict"] == "allow"
        assert rss() - before < 48 * 1024


# -- seen


def test_explain_shows_each_answer(box, rbldnsd):
    file = box.path / "p.json"
    file.write_text(json.dumps(policy()))
    said = json.loads(run_ammit("explain", "--policy", file, "--src", LISTED4, "--dns", rbldnsd.address, "--json").stdout)
    assert said["weight"] == 30 and said["unknown"] == []
    assert {"type": "A", "name": "8.7.6.5.bl.test", "state": "found", "said": "127.0.0.9"} in said["dns"]
    text = run_ammit("explain", "--policy", file, "--src", LISTED4, "--dns", rbldnsd.address).stdout
    assert "127.0.0.9" in text and "HTTP proxy" in text
    said = json.loads(run_ammit("explain", "--policy", file, "--src", LISTED4, "--no-dns", "--json").stdout)
    assert said["weight"] == 0 and len(said["unknown"]) == 1


def test_check_dns(box, rbldnsd, fake):
    file = box.path / "p.json"
    file.write_text(json.dumps(policy()))
    got = run_ammit("check", "--dns-servers", rbldnsd.address, file)
    assert got.returncode == 0 and "2.0.0.127.bl.test: 127.0.0.1; 1.0.0.127.bl.test: not listed" in got.stdout, got
    wild = fake(lambda name, kind, transport: dns_servers.a(name, kind, ["127.0.0.2"]))
    got = run_ammit("check", "--dns-servers", wild.address, file)
    assert got.returncode == 1 and "bl.test" in got.stderr, got
    got = run_ammit("check", "--dns-servers", "127.0.0.1:%d" % dns_servers.free_port(), file)
    assert got.returncode == 1 and "nobody answered" in got.stderr, got
