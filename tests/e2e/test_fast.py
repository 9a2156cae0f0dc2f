"""haproxy/edge-fast.cfg: who is remembered and not asked about, and who never is. First against an
agent that remembers everybody whom it is asked about, so that whatever is let through unasked is
HAProxy's doing alone; then with the real Ammit."""

import re
import socket
import subprocess

import pytest

from conftest import AMMIT, BROWSER, CURL, HAPROXY, PATIENCE_S, ROOT, free_port, run_ammit, wait_until
from test_haproxy import NOWHERE, certificate

FAST = ROOT / "haproxy/edge-fast.cfg"
LIST = ROOT / "haproxy/ammit-ask.lst"
MKPASS = AMMIT.parent / "tests/bench/mkpass"

SIGNATURE = "s" * 43
PASS = "aGVhZA.cGF5bG9hZA." + SIGNATURE
VISITOR = dict(BROWSER, Cookie="a=b; ammit=%s; c=d" % PASS)


def settings(**more):
    return dict({"AMMIT_FAST_LIST": str(LIST), "AMMIT_FAST_RATE": "100000"}, **more)


def fast(box, answer=None, remember=10, cfg=FAST, **more):
    """An agent that lets everybody through, and has HAProxy remember whom it may."""

    def weigh(arguments):
        said = answer(arguments) if answer else {"verdict": "allow"}
        if arguments["fast"] and said["verdict"] == "allow":
            said = dict(said, remember=remember)
        return said

    agent = box.agent(weigh)
    edge = box.edge(agent.address, more.pop("http", NOWHERE), more.pop("site", None), cfg=cfg, **settings(**more))
    edge.agent = agent
    edge.asked = lambda *a, **k: asked(edge, *a, **k)
    return edge


def asked(edge, path="/", headers=VISITOR, method="GET", **more):
    """Was the agent asked about this request? It must have reached the site, whatever it is."""
    before = len(edge.agent.seen)
    got = edge.request(method, path, headers, **more)
    assert got.from_site or method == "HEAD", got
    return len(edge.agent.seen) > before


def known(edge, **more):
    assert edge.asked(**more), "who is new is asked about"
    assert not edge.asked(**more), "who was let through is remembered"
    return edge


@pytest.fixture(scope="module")
def remembering(shared_box):
    return known(fast(shared_box))


# ---- the file ----


def test_it_is_edge_cfg_with_a_paragraph_more():
    """Each line of edge.cfg stands in it, in the same order, but these."""
    changed = {
        "# HAProxy in front of a site, with Ammit weighing every request. Complete: it runs as it stands.",
        "#   1. Copy this file to /etc/haproxy/haproxy.cfg and ammit.spoe.conf beside it.",
        '    #presetenv AMMIT_RATES      "1"',
    }
    ours = iter(FAST.read_text().splitlines())
    for line in (ROOT / "haproxy/edge.cfg").read_text().splitlines():
        assert line in changed or line in ours, "edge-fast.cfg lacks, at this place: " + line


SECRETS = {"AMMIT_FAST_KID": "0" * 8, "AMMIT_FAST_SECRET": "a" * 64, "AMMIT_FAST_LEVEL": "20",
           "AMMIT_FAST_KID_OLD": "1" * 8, "AMMIT_FAST_SECRET_OLD": "b" * 64}


@pytest.mark.parametrize("env", [{}, {"AMMIT_FAST_JWT": "1"}, dict(SECRETS, AMMIT_FAST_JWT="1"), {"AMMIT_JA3": "1"},
                                 {"AMMIT_PEER_SELF": "a", "AMMIT_OFFENDERS": "9"}, {"AMMIT_LOG_FULL": "1"}])
def test_configuration_without_warnings(env):
    env = dict(settings(**env), PATH="/usr/bin:/bin", AMMIT_SPOE_CONF=str(ROOT / "haproxy/ammit.spoe.conf"))
    got = subprocess.run([HAPROXY, "-c", "-f", FAST], env=env, capture_output=True, text=True)
    said = got.stdout + got.stderr
    assert got.returncode == 0 and "WARNING" not in said and "ALERT" not in said, said


def test_the_list_is_the_one_that_it_names():
    said = {m[0]: m[1] for m in re.findall(r'^    presetenv (AMMIT_FAST_\w+) +"([^"]*)"', FAST.read_text(), re.M)}
    first, rate, key = LIST.read_text().splitlines()[:3]
    assert first == "# fingerprint " + said["AMMIT_FAST_FOR"] and rate == "# rate " + said["AMMIT_FAST_RATE"]
    # What a visitor is remembered by has all that the policy reads.
    headers = set(re.findall(r"^    capture request header (\S+)", FAST.read_text(), re.M))
    for name in key.split()[2:]:
        assert name in ("pass", "src", "method", "ver", "tls.version") or name.replace("ua", "user-agent") in headers or \
            name[4:] in headers, name


# ---- who is remembered ----


def test_a_visitor_is_remembered(remembering):
    edge = remembering
    for path in ("/", "/other/page?x=y", "/torvalds/linux"):
        assert not edge.asked(path)
    wait_until(lambda: [x for x in edge.lines() if "verdict=remembered" in x], "the log to say so")
    assert not [x for x in edge.lines() if "error=no-answer" in x]


def test_what_the_site_sees_is_the_same(remembering):
    """Nothing that is done before the question is skipped with it."""
    forged = {"X-Ammit-Ticket": "forged", "X-Forwarded-For": "192.0.2.1", "Accept": "text/plain"}
    assert remembering.asked("/x", dict(VISITOR, **forged))
    before = len(remembering.agent.seen)
    seen = remembering.get("/x", dict(VISITOR, **forged)).json()["headers"]
    assert len(remembering.agent.seen) == before
    assert not [n for n, _ in seen if n.startswith("x-ammit")]
    assert [v for n, v in seen if n == "x-forwarded-for"] == ["127.0.0.1"]
    assert remembering.get("/.ammit/check", VISITOR).status == 404


def with_pass(text):
    return {"Cookie": "a=b; ammit=%s; c=d" % text}


OTHERS = {
    "no pass": {"Cookie": None},
    "a pass that is cut": with_pass(PASS[:-1]),
    "padded": with_pass(PASS + "="),
    "longer": with_pass(PASS + "A"),
    "with a part more": with_pass(PASS + ".x"),
    "another payload, the same signature": with_pass("aGVhZA.b3RoZXI." + SIGNATURE),
    "another signature": with_pass(PASS[:-1] + "t"),
    "another case": with_pass(PASS[:-1] + "S"),
    "in quotes": with_pass('"%s"' % PASS),
    "another agent": {"User-Agent": "GPTBot/1.0"},
    "no agent": {"User-Agent": None},
    "an agent longer than Ammit takes": {"User-Agent": BROWSER["User-Agent"] + "x" * 600},
    "another Accept": {"Accept": "*/*"},
    "another language": {"Accept-Language": "pt"},
    "another mode": {"Sec-Fetch-Mode": "cors"},
    "a header that speaks against him": {"CF-Worker": "x"},
    "an empty one more": {"X-Firefox-AI": "1"},
    # What the key would be, were it not encoded.
    "one value posing as two": {"Accept": BROWSER["Accept"] + "|", "X-Firefox-AI": None},
    "a key in the agent": {"User-Agent": BROWSER["User-Agent"] + "|" + BROWSER["Accept"], "Accept": None},
    "an encoded key in the agent": {"User-Agent": BROWSER["User-Agent"] + "#7C" + BROWSER["Accept"], "Accept": None},
    "an end of the key in the pass": with_pass(PASS + " GET 1.1"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_visitor_is_asked_about(remembering, name):
    headers = {k: v for k, v in dict(VISITOR, **OTHERS[name]).items() if v is not None}
    known_again(remembering)
    assert remembering.asked("/", headers)


def known_again(edge):
    """It is ten seconds at the most, so the test begins anew if it must."""
    edge.asked()
    assert not edge.asked()


@pytest.mark.parametrize("host", ["other.example", "EXAMPLE.ORG", "example.org:80", "example.org.", "example.org|", ""])
def test_another_host_is_asked_about(remembering, host):
    known_again(remembering)
    assert remembering.asked(host=host)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS", "get", "BREW"])
def test_another_method_is_asked_about(remembering, method):
    known_again(remembering)
    before = len(remembering.agent.seen)
    remembering.request(method, "/", VISITOR)
    assert len(remembering.agent.seen) > before


def test_a_method_that_changes_something_is_always_asked_about(remembering):
    for _ in range(3):
        assert remembering.asked("/", method="POST")


def raw(edge, text):
    """How many were asked about for these bytes, and the answer."""
    before = len(edge.agent.seen)
    with socket.create_connection((edge.at, edge.port), PATIENCE_S) as sock:
        sock.sendall(text)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while got := sock.recv(65536):
            answer += got
    return len(edge.agent.seen) - before, answer


def lines(request, *more, headers=VISITOR, host="example.org"):
    text = [request, "Host: " + host] + ["%s: %s" % x for x in headers.items()] + list(more)
    return "\r\n".join(text + ["Connection: close", "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "target",
    ["/feed.xml", "/robots.txt", "/.well-known/x", "/a/info/refs?service=git-upload-pack", "/%66eed", "/a%2fb", "/%00", "/x\xe9",
     "/" + "x" * 600, "http://example.org/feed.xml", "/a.rss", "/a.rss?x", "*", "/x\x01"],
)
def test_what_a_rule_may_look_at_is_asked_about(remembering, target):
    known_again(remembering)
    for _ in range(2):
        count, answer = raw(remembering, lines("GET %s HTTP/1.1" % target))
        assert count == 1 or b"HTTP/1.1 400" in answer[:20], answer


def test_the_absolute_form_is_the_same_request(remembering):
    """HAProxy reads path and host out of it, for itself and for Ammit."""
    known_again(remembering)
    assert raw(remembering, lines("GET http://example.org/ HTTP/1.1"))[0] == 0
    count, answer = raw(remembering, lines("GET http://another.example/ HTTP/1.1"))
    if b"HTTP/1.1 400" not in answer[:20]:
        assert count == 1 and remembering.agent.seen[-1]["host"] == "another.example"


@pytest.mark.parametrize("cookies", [
    ["ammit=bad; ammit=" + PASS], ["ammit=%s; ammit=bad" % PASS], ["ammit=; ammit=" + PASS], ["ammit=%s; ammit=" % PASS],
    ["xammit=" + PASS], ["AMMIT=" + PASS], ["ammit =" + PASS], ["$ammit=" + PASS], ["ammit=bad", "ammit=" + PASS],
    ["ammit=" + PASS, "ammit=bad"], ['x="; ammit=%s; y="' % PASS], ["ammit=bad, ammit=" + PASS], ["ammit=%s;" % PASS],
])
def test_cookies_of_our_name(remembering, cookies):
    """Which one counts is HAProxy's choice: the same for what Ammit is told and for who is remembered."""
    edge = remembering
    known_again(edge)
    more = ["Cookie: " + x for x in cookies]
    assert raw(edge, lines("GET /robots.txt HTTP/1.1", *more, headers=BROWSER))[0] == 1
    told = edge.agent.seen[-1]["pass"]
    assert raw(edge, lines("GET / HTTP/1.1", *more, headers=BROWSER))[0] == (told != PASS)


def test_two_headers_of_one_name(remembering):
    """The last one is what Ammit is told, and what is remembered."""
    known_again(remembering)
    assert raw(remembering, lines("GET / HTTP/1.1", "User-Agent: GPTBot"))[0] == 1
    assert remembering.agent.seen[-1]["ua"] == "GPTBot"
    first = lines("GET / HTTP/1.1", "User-Agent: Mozilla last", headers=dict(VISITOR, **{"User-Agent": "GPTBot"}))
    assert raw(remembering, first)[0] == 1 and remembering.agent.seen[-1]["ua"] == "Mozilla last"
    assert raw(remembering, first)[0] == 0


def test_other_addresses(box):
    edge = known(fast(box, at="0.0.0.0"))
    ours = lines("GET / HTTP/1.1")
    edge.at = "127.0.0.1"
    for source, count in (("127.0.0.1", 0), ("127.0.0.2", 1), ("127.0.1.1", 1), ("127.0.0.2", 0)):
        before = len(edge.agent.seen)
        with socket.create_connection((edge.at, edge.port), PATIENCE_S, (source, 0)) as sock:
            sock.sendall(ours)
            while sock.recv(65536):
                pass
        assert len(edge.agent.seen) - before == count, source


def test_who_is_not_to_be_remembered_is_not(box):
    edge = fast(box, remember=None)
    for _ in range(3):
        assert edge.asked() and edge.agent.seen[-1]["fast"], "a plain request says so"
    assert edge.asked("/feed.xml") and edge.agent.seen[-1]["fast"] is None
    assert edge.asked("/", method="POST") and edge.agent.seen[-1]["fast"] is None
    assert edge.asked("/", BROWSER) and edge.agent.seen[-1]["fast"] is None


def test_a_key_that_would_be_cut_is_nobodys(box):
    edge = fast(box)
    for length in (400, 900, 1100):
        long = dict(VISITOR, **with_pass("a.%s.%s" % ("p" * length, SIGNATURE)))
        assert edge.asked("/", long)
        assert edge.asked("/", long) == (length > 400)


def test_it_ends_however_often_he_comes(box):
    edge = fast(box, remember=2)
    known(edge)
    wait_until(lambda: edge.asked(), "to be asked about again")
    assert not edge.asked()


def test_a_request_that_stays_open_prolongs_nothing(box):
    """The very request that he was remembered by waits for the rest of its body, and keeps its
    place in HAProxy's table."""
    edge = fast(box, remember=2)
    with socket.create_connection((edge.at, edge.port), PATIENCE_S) as held:
        held.sendall(lines("GET / HTTP/1.1", "Content-Length: 9"))
        wait_until(lambda: edge.agent.seen, "the first question")
        wait_until(lambda: not edge.asked(), "to be remembered", 1)
        wait_until(lambda: edge.asked(), "to be asked about again")


def test_a_rate_is_asked_about(box):
    edge = fast(box, AMMIT_FAST_RATE="6")
    known(edge)
    unasked = 0
    while not edge.asked():
        unasked += 1
        assert unasked <= 6
    assert unasked >= 1 and edge.asked()
    assert edge.agent.seen[-1]["rate"] > 6, "and the policy sees it"


def test_a_pass_has_a_rate_of_its_own(box):
    """From many addresses, each below its own rate."""
    edge = fast(box, at="0.0.0.0", AMMIT_FAST_RATE="6")
    edge.at = "127.0.0.1"
    ours = lines("GET / HTTP/1.1")
    for i in range(1, 9):
        for _ in range(3):
            with socket.create_connection((edge.at, edge.port), PATIENCE_S, ("127.0.0.%d" % i, 0)) as sock:
                sock.sendall(ours)
                while sock.recv(65536):
                    pass
    assert edge.agent.seen[-1]["src"] == "127.0.0.8" and edge.agent.seen[-2]["src"] == "127.0.0.8"
    assert edge.agent.seen[-1]["pass.rate"] > 6 >= edge.agent.seen[-1]["rate"]


def test_an_offender_is_refused_though_remembered(box):
    deny = lambda arguments: {"verdict": "deny" if arguments["path"].startswith("/robots") else "allow"}
    edge = fast(box, deny, AMMIT_OFFENDERS="3")
    known(edge)
    for _ in range(4):
        with_status = edge.get("/robots.txt", dict(VISITOR, **{"Sec-Fetch-Site": "none"}))
        assert with_status.status == 403
    with pytest.raises(OSError):
        edge.get("/", VISITOR)


def test_a_flood_of_keys_forgets_and_lets_nobody_through(box):
    """A table of a few: others are asked about once more, that is all."""
    small = box.path / "small.cfg"
    small.write_text(FAST.read_text().replace("len 1000 size 20k", "len 1000 size 10"))
    edge = known(fast(box, cfg=small))
    for i in range(40):
        assert edge.asked("/", dict(VISITOR, **{"User-Agent": "Mozilla %d" % i}))
    assert edge.asked() and not edge.asked()


def test_the_agent_dies(box):
    """Who is remembered goes on, new ones fare as the route chose; afterwards he is one of them."""
    edge = fast(box, remember=3)
    known(edge)
    assert not edge.asked("/login")
    edge.agent.close()
    assert edge.get("/login", VISITOR).from_site
    assert edge.get("/login", BROWSER).status == 503 and edge.get("/open", BROWSER).from_site
    wait_until(lambda: edge.get("/login", VISITOR).status == 503, "to be forgotten")


def test_http2_is_remembered_alike(box):
    crt = certificate(box.path)
    port = free_port()
    edge = fast(box, AMMIT_CRT=str(crt), AMMIT_BIND_TLS="127.0.0.1:%d" % port)

    def curl(*more):
        before = len(edge.agent.seen)
        command = ["curl", "-sk", "--http2", "--connect-to", "::127.0.0.1:%d" % port, "-o", "/dev/null", "-w", "%{http_code}",
                   "-H", "Cookie: ammit=" + PASS, "-A", "Mozilla", *more, "https://example.org/page"]
        assert subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S).stdout == "200"
        return len(edge.agent.seen) - before

    assert curl() == 1 and curl() == 0
    assert curl("-A", "GPTBot") == 1 and curl("--http1.1") == 1 and curl("--tls-max", "1.2") == 1
