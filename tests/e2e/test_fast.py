"""haproxy/edge-fast.cfg: who is remembered and not asked about, and who never is. First against an
agent that remembers everybody whom it is asked about, so that whatever is let through unasked is
HAProxy's doing alone; then with the real Ammit."""

import base64
import hashlib
import hmac
import itertools
import json
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from conftest import AMMIT, BROWSER, CURL, HAPROXY, PATIENCE_S, ROOT, Edge, free_port, make_box, run_ammit, wait_until
from test_haproxy import NOWHERE, certificate
from test_rates import table, with_stats

FAST = ROOT / "haproxy/edge-fast.cfg"
LIST = ROOT / "haproxy/ammit-ask.lst"
MKPASS = AMMIT.parent / "tests/bench/mkpass"

UNIQUE = itertools.count()
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


@pytest.mark.parametrize("env", [{}, {"AMMIT_FAST_PASSES": "1"}, {"AMMIT_FAST_JWT": "1"}, dict(SECRETS, AMMIT_FAST_JWT="1"), {"AMMIT_JA3": "1"},
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
    "the signature in the middle": with_pass("aGVhZA." + SIGNATURE + ".cGF5bG9hZA"),
    "no signature": with_pass("aGVhZA.cGF5bG9hZA."),
    "no more than dots": with_pass("aGVhZA.cGF5bG9hZA"),
    "cookies of others": {"Cookie": "a=b; c=d"},
    "the signature, of another name": {"Cookie": "a=%s; c=d" % PASS},
    "a key in the pass": with_pass(PASS + " 1.1 - 7F000001 {example.org}"),
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
    "an end of the key in the pass": with_pass(PASS + " 1.1"),
    "a whole set of headers in one": {"User-Agent": BROWSER["User-Agent"] + "} {" + BROWSER["User-Agent"]},
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
    # A visitor of its own, since this agent lets everybody through, those without a pass too.
    visitor = dict(BROWSER, **{"Accept-Language": "x-%d" % next(UNIQUE)})
    more = ["Cookie: " + x for x in cookies]
    for count in (1, 0):
        assert raw(edge, lines("GET / HTTP/1.1", headers=dict(visitor, Cookie="ammit=" + PASS)))[0] == count
    assert raw(edge, lines("GET /robots.txt HTTP/1.1", *more, headers=visitor))[0] == 1
    told = edge.agent.seen[-1]["pass"]
    assert raw(edge, lines("GET / HTTP/1.1", *more, headers=visitor))[0] == (told != PASS)


def test_two_headers_of_one_name(remembering):
    """The last one is what Ammit is told, and what is remembered."""
    known_again(remembering)
    assert raw(remembering, lines("GET / HTTP/1.1", "User-Agent: GPTBot"))[0] == 1
    assert remembering.agent.seen[-1]["ua"] == "GPTBot"
    first = lines("GET / HTTP/1.1", "User-Agent: Mozilla last", headers=dict(VISITOR, **{"User-Agent": "GPTBot"}))
    assert raw(remembering, first)[0] == 1 and remembering.agent.seen[-1]["ua"] == "Mozilla last"
    assert raw(remembering, first)[0] == 0


@pytest.mark.parametrize("more", ["X-Firefox-AI: \0evil", "Accept: " + BROWSER["Accept"] + "\0evil", "Host: example.org\0.evil",
                                  "User-Agent: " + BROWSER["User-Agent"] + "\0evil"])
def test_a_value_does_not_end_where_a_string_would(remembering, more):
    """A NUL, which HAProxy lets through in HTTP/1: what stands behind it is the policy's to see."""
    known_again(remembering)
    for _ in range(2):
        count, answer = raw(remembering, lines("GET / HTTP/1.1", more))
        assert count == 1 or b"HTTP/1.1 400" in answer[:20], answer


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
    """Each | takes three bytes of it."""
    edge = fast(box)
    for bars in (10, 150, 400):
        long = dict(VISITOR, **{"User-Agent": "Mozilla " + "|" * bars})
        assert edge.asked("/", long)
        assert [edge.asked("/", long) for _ in range(3)] == [bars == 400] * 3


def test_whoever_shows_the_signature_has_had_the_pass(remembering):
    """What stands around it is of no account, and neither are cookies of others."""
    known_again(remembering)
    for cookies in ("ammit=" + PASS, "ammit=%s; other=1" % PASS, "a=b; ammit=x.%s; c=d" % SIGNATURE, "ammit=aGVhZA.b3RoZXI." + SIGNATURE):
        for _ in range(3):
            assert not remembering.asked("/", dict(VISITOR, Cookie=cookies)), cookies
    changing = [remembering.asked("/", dict(VISITOR, Cookie="ammit=%s; session=%d" % (PASS, i))) for i in range(20)]
    assert changing.count(True) <= 1


@pytest.mark.parametrize("cookies", [["ammit=" + PASS, "lang=de"], ["lang=de", "ammit=" + PASS], ["ammit=%s; lang=de" % PASS, "lang=de"]])
def test_no_line_of_cookies_without_the_pass_is_known(remembering, cookies):
    """Who has a pass sends it in a line of its own, and the other line for others to use."""
    visitor = dict(BROWSER, **{"Accept-Language": "x-%d" % next(UNIQUE)})
    both = lines("GET / HTTP/1.1", *["Cookie: " + x for x in cookies], headers=visitor)
    for _ in range(4):
        raw(remembering, both)
    assert raw(remembering, both)[0] == 0
    for line in ("lang=de", "", "ammit=", "lang=de; ammit="):
        assert raw(remembering, lines("GET / HTTP/1.1", "Cookie: " + line, headers=visitor))[0] == 1, line


def test_another_tls_library_is_asked_about(box):
    """Where a script makes a JA4 (AMMIT_JA3): who shows a browser's pass with its headers is told by it."""
    with_ja4 = box.path / "ja4.cfg"
    text, mark = FAST.read_text(), "    # ---- The question not asked ----\n"
    assert mark in text
    with_ja4.write_text(text.replace(mark, "    http-request set-var(sess.ammit_ja4) req.hdr(x-made)\n" + mark))
    edge = fast(box, cfg=with_ja4)
    browser, tool = (dict(VISITOR, **{"X-Made": x}) for x in ("t13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1812h1_85036bcba153_375ca2c5e164"))
    assert edge.asked("/", browser) and not edge.asked("/", browser)
    assert edge.asked("/", tool) and edge.asked("/", VISITOR)


def test_it_ends_however_often_he_comes(box):
    edge = fast(box, remember=2)
    known(edge)
    wait_until(lambda: edge.asked(), "to be asked about again")
    assert not edge.asked()


def test_nobody_is_remembered_for_longer_than_ten_seconds(box):
    """Whatever the clock did meanwhile, of this machine or of another edge that has told of him."""
    edge = fast(box, remember=3600)
    for _ in range(3):
        assert edge.asked()


def test_a_request_that_stays_open_prolongs_nothing(box):
    """The very request that he was remembered by waits for the rest of its body, and keeps its
    place in HAProxy's table."""
    edge = fast(box, remember=2)
    with socket.create_connection((edge.at, edge.port), PATIENCE_S) as held:
        held.sendall(lines("GET / HTTP/1.1", "Content-Length: 9"))
        wait_until(lambda: edge.agent.seen, "the first question")
        wait_until(lambda: not edge.asked(), "to be remembered", 1)
        wait_until(lambda: edge.asked(), "to be asked about again")


def test_one_that_was_known_by_his_cookies_prolongs_nothing(box):
    """The request by which they were put down stays open, and so does what it holds in the table."""
    edge = fast(box, remember=2)
    known(edge)
    other = dict(VISITOR, Cookie="ammit=%s; other=1" % PASS)
    with socket.create_connection((edge.at, edge.port), PATIENCE_S) as held:
        held.sendall(lines("GET / HTTP/1.1", "Content-Length: 9", headers=other))
        assert not edge.asked("/", other)
        # Well before what a second life would last.
        wait_until(lambda: edge.asked("/", other), "to be asked about again", 7)


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
    edge = fast(box, at="0.0.0.0", AMMIT_FAST_RATE="6", AMMIT_FAST_PASSES="1")
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
    small.write_text(FAST.read_text().replace("len 1000 size 40k", "len 1000 size 10"))
    edge = known(fast(box, cfg=small))
    for i in range(40):
        assert edge.asked("/", dict(VISITOR, **{"User-Agent": "Mozilla %d" % i}))
    again = sum(edge.asked("/", dict(VISITOR, **{"User-Agent": "Mozilla %d" % i})) for i in range(40))
    assert again > 20, "who is forgotten is asked about once more"
    edge.asked()
    assert not edge.asked()


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


def test_two_edges_know_the_same_visitors(box):
    """Who was asked about at one is remembered at the other, which remembers nobody by itself, and
    for no longer."""
    env = {"AMMIT_PEER_%s" % x: "127.0.0.1:%d" % free_port() for x in "AB"}
    with make_box() as other:
        a = fast(box, AMMIT_PEER_SELF="a", remember=5, **env)
        b = fast(other, AMMIT_PEER_SELF="b", remember=None, **env)

        def known_at_b():
            a.asked()
            return not b.asked()

        wait_until(known_at_b, "the other edge to know the visitor")
        assert b.asked("/", dict(VISITOR, **{"User-Agent": "GPTBot"}))
        wait_until(b.asked, "the other edge to forget him")


def test_an_edge_with_another_list_knows_others(box):
    """What is plain to one may be denied at the other."""
    env = {"AMMIT_PEER_%s" % x: "127.0.0.1:%d" % free_port() for x in "AB"}
    with make_box() as other:
        a = fast(box, AMMIT_PEER_SELF="a", **env)
        agent = other.agent(lambda _: {"verdict": "allow"})
        b = other.keep(Edge(other, agent.address, NOWHERE, other.site().address, cfg=FAST, AMMIT_PEER_SELF="b",
                            AMMIT_FAST_FOR="0" * 16, **settings(**env)))
        b.agent = agent
        with_stats(other, b)
        b.start()

        def told():
            a.asked()
            return table(other, "ammit-known")

        wait_until(told, "the other edge to be told")
        for _ in range(3):
            assert asked(b)
        assert table(other, "ammit-known"), "it was told for nothing"


# ---- with Ammit ----

DENIES = {
    "bots": [
        {"name": "scraper", "user_agent_regex": "GPTBot", "action": "DENY"},
        {"name": "secret", "path_regex": "^/secret/", "action": "DENY"},
        {"name": "query", "query_regex": "(?:^|&)delete=", "action": "DENY"},
        {"name": "begins", "expression": 'path.startsWith("/admin")', "action": "DENY"},
        {"name": "header", "headers_regex": {"X-Evil": "^1$"}, "action": "DENY"},
        {"name": "many", "expression": "rate > 40", "action": "DENY"},
        {"name": "browser", "user_agent_regex": "Mozilla", "action": "CHALLENGE",
         "challenge": {"difficulty": 2, "algorithm": "fast"}},
    ],
    "thresholds": [],
}


def printed(box, policy):
    """What `ammit haproxy` prints for it: the three files in a folder."""
    file = box.path / "policy.json"
    file.write_text(json.dumps(policy))
    folder = box.path / "etc"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for part in ("edge-fast", "spoe", "ask"):
        got = run_ammit("haproxy", part, "--policy", file, "-o", folder)
        assert got.returncode == 0, got.stderr
    return folder


def real(box, policy=DENIES, **more):
    ammit = box.ammit(policy)
    folder = printed(box, policy)
    env = {"AMMIT_FAST_LIST": str(folder / "ammit-ask.lst"), **more}
    edge = box.edge(ammit.spop, ammit.http, cfg=folder / "edge-fast.cfg", spoe=folder / "ammit.spoe.conf", **env)
    edge.ammit, edge.box = ammit, box
    edge.visitor = dict(BROWSER, Cookie="ammit=" + bought(edge))
    return edge


def bought(edge, host="example.org", client="127.0.0.1", level=None):
    command = [MKPASS, edge.ammit.state / "key", host, client] + ([] if level is None else [str(level)])
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def verdict_of(edge, headers, path=None, **more):
    """Answer and verdict: of a path of its own, since that is how its line is found in the log."""
    path = path or "/page-%d" % next(UNIQUE)
    before = len(edge.lines())
    got = edge.get(path, headers, **more)
    mark = " %s " % path.partition("?")[0]
    line = wait_until(lambda: [x for x in edge.lines()[before:] if mark in x], "the log line")[0]
    return got, re.search(r"verdict=(\S+)", line)[1]


def said(edge, **more):
    return verdict_of(edge, edge.visitor, **more)


def remembered(edge, **more):
    """He is, from now on; asked about again if it is over."""
    wait_until(lambda: said(edge, **more)[1] == "remembered", "the visitor to be remembered")


def test_rules_bite_a_remembered_visitor(box):
    """Whatever the policy denies is denied to him too, in all spellings."""
    edge = real(box, dict(DENIES, bots=[x for x in DENIES["bots"] if x["name"] != "many"]), AMMIT_FAST_RATE="100000")
    remembered(edge)
    for path in ("/secret/", "/secret/x?y", "/%73ecret/", "/secret%2fx", "/%2e/secret/", "/x?delete=1", "/x?a=b&delete=1", "/admin",
                 "/admin/x", "/%61dmin", "/admi%6e?x"):
        for _ in range(2):
            got, verdict = said(edge, path=path)
            assert verdict != "remembered", (path, got)
    for path in ("/secret/", "/secret/x?y", "/%73ecret/", "/x?delete=1", "/x?a=b&delete=1", "/admin", "/admin/x", "/%61dmin"):
        assert said(edge, path=path)[0].status == 403, path
    for wrong in ({"User-Agent": "Mozilla GPTBot"}, {"X-Evil": "1"}):
        assert edge.get("/", dict(edge.visitor, **wrong)).status == 403
    remembered(edge)
    # His own pass alone opens nothing at another host, nor does he open anything for others.
    assert edge.get("/", edge.visitor, host="other.example").challenged
    assert edge.get("/", BROWSER).challenged
    assert edge.get("/", dict(BROWSER, Cookie=edge.visitor["Cookie"][:-1])).challenged
    assert edge.post("/", {"a": "b"}, edge.visitor).from_site
    got, verdict = said(edge)
    assert got.from_site and verdict in ("allow", "remembered")


def test_the_rate_that_a_policy_reads_is_the_bound(box):
    edge = real(box)
    assert 'presetenv AMMIT_FAST_RATE   "40"' in (box.path / "etc/edge-fast.cfg").read_text()
    remembered(edge)
    wait_until(lambda: said(edge)[0].status == 403, "the rate limit")
    assert said(edge)[0].status == 403


def test_a_new_policy(box):
    """Nobody is remembered by a list that is not the policy's; who was, for ten seconds at the most."""
    edge = real(box, dict(DENIES, bots=DENIES["bots"][-1:]))
    remembered(edge)
    rule = {"name": "new", "path_regex": "^/page$", "action": "DENY"}
    (box.path / "policy.json").write_text(json.dumps(dict(DENIES, bots=[rule] + DENIES["bots"][-1:]), indent=1))
    edge.ammit.signal(signal.SIGHUP)
    wait_until(lambda: edge.get("/page", edge.visitor).status == 403, "the new rule")
    assert said(edge)[1] == "allow" and said(edge)[1] == "allow", "nobody new is remembered"
    assert "fast_stale" in edge.ammit.output()


def test_who_is_let_through_by_shadow_mode_alone_is_not_remembered(box):
    edge = real(box, dict(DENIES, hosts={"example.org": {"shadow": True}}))
    remembered(edge)
    edge.visitor["User-Agent"] = "Mozilla GPTBot"
    assert [said(edge)[1] for _ in range(3)] == ["allow"] * 3
    wait_until(lambda: [x for x in edge.lines() if "would=deny" in x], "what shadow mode held back")


def test_what_is_printed_knows_the_headers_of_the_policy(box):
    text = (printed(box, DENIES) / "edge-fast.cfg").read_text()
    assert "capture request header x-evil len 257" in text and "header accept" not in text
    got = subprocess.run([HAPROXY, "-c", "-f", box.path / "etc/edge-fast.cfg"], capture_output=True, text=True,
                         env={"AMMIT_SPOE_CONF": str(box.path / "etc/ammit.spoe.conf"), "PATH": "/usr/bin:/bin",
                              "AMMIT_FAST_LIST": str(box.path / "etc/ammit-ask.lst")})
    assert got.returncode == 0 and "WARNING" not in got.stderr, got.stderr


# ---- HAProxy checks the pass ----

HOME = "example.org"


def b64(raw):
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else raw.encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def jwt(shared_box_2):
    """The built-in policy, HAProxy with the key of Ammit. What somebody was asked about a moment ago
    is that the policy is the one of the list: so it must be known before each test."""
    box = shared_box_2
    ammit = box.ammit(None)
    keys = run_ammit("haproxy", "jwt-keys", "--state-dir", ammit.state).stdout
    env = dict(re.findall(r'setenv (\w+) "([^"]*)"', keys))
    assert set(env) == {x for x in SECRETS if x != "AMMIT_FAST_LEVEL"}
    edge = box.edge(ammit.spop, ammit.http, cfg=FAST, AMMIT_FAST_JWT="1", AMMIT_FAST_LEVEL="20", **settings(**env))
    edge.ammit, edge.box, edge.env = ammit, box, env
    edge.visitor = dict(BROWSER, Cookie="ammit=" + bought(edge))
    return edge


@pytest.fixture(scope="module")
def shared_box_2():
    with make_box() as box:
        yield box


HEADER = '{"alg":"HS256","typ":"JWT","kid":"%s"}'
CLAIMS = '{"iat":%d,"exp":%d,"lvl":65535,"by":0,"bind":"net","net":"127.0.0.0","jti":"%s","host":"example.org"}'


def sealed(edge, claims=None, header=None, secret=None, digest=hashlib.sha256):
    """A pass as Ammit would write it, or as nobody should."""
    now = int(time.time())
    claims = claims or CLAIMS % (now, now + 900, "ab" * 16)
    head = header or HEADER % edge.env["AMMIT_FAST_KID"]
    text = b64(head) + "." + b64(claims)
    key = (edge.env["AMMIT_FAST_SECRET"] if secret is None else secret).encode()
    return text + "." + b64(hmac.new(key, text.encode(), digest).digest())


def skipped(edge, pass_text, headers=BROWSER, **more):
    """Was it let through without a question?"""
    return verdict_of(edge, dict(headers, Cookie="ammit=" + pass_text), **more)[1] == "remembered"


def fresh(edge):
    """Somebody was asked about, so the way is open: and a pass of Ammit goes through it."""
    edge.get("/robots.txt", edge.visitor)
    wait_until(lambda: skipped(edge, edge.visitor["Cookie"][6:]), "the way to be open")


def changed(*pairs):
    now = int(time.time())
    text = CLAIMS % (now, now + 900, "ab" * 16)
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_pass_is_checked_by_haproxy(jwt):
    fresh(jwt)
    good = sealed(jwt)
    assert skipped(jwt, good), "the tests below refuse what they say, and not all"
    for host in ("EXAMPLE.org", "example.org:80", "example.org.", "Example.ORG.:443"):
        assert skipped(jwt, good, host=host), host
    for claims in (changed(('"net":"127.0.0.0"', '"net":"127.0.0.1"'), ('"bind":"net"', '"bind":"exact"')),
                   changed(('"net":"127.0.0.0"', '"net":"-"'), ('"bind":"net"', '"bind":"none"')), changed(("65535", "20"))):
        assert skipped(jwt, sealed(jwt, claims)), claims


@pytest.mark.parametrize("header, digest", [
    ('{"alg":"none","typ":"JWT","kid":"%s"}', hashlib.sha256), ('{"alg":"HS512","typ":"JWT","kid":"%s"}', hashlib.sha512),
    ('{"alg":"HS384","typ":"JWT","kid":"%s"}', hashlib.sha384), ('{"alg":"RS256","typ":"JWT","kid":"%s"}', hashlib.sha256),
    ('{"alg":"HS512","typ":"JWT","kid":"%s"}', hashlib.sha256), ('{"typ":"JWT","alg":"HS256","kid":"%s"}', hashlib.sha256),
    ('{"alg":"HS256","typ":"JWT","kid":"%s" }', hashlib.sha256), ('{"alg":"HS256","typ":"JWT","kid":"%.7s"}', hashlib.sha256),
    ('{"alg":"HS256","typ":"JWT","kid":""}%.0s', hashlib.sha256), ('{"alg":"HS256","alg":"none","typ":"JWT","kid":"%s"}', hashlib.sha256),
])
def test_another_header_is_asked_about(jwt, header, digest):
    fresh(jwt)
    assert not skipped(jwt, sealed(jwt, header=header % jwt.env["AMMIT_FAST_KID"], digest=digest))


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_pass_has_one_spelling(jwt):
    """HAProxy takes a signature whatever the two bits that its last character has too many: in four
    spellings a pass would have four times its rate. Nor is + a -, and / a _."""
    fresh(jwt)
    now, good = int(time.time()), ""
    while len(set(good.rpartition(".")[2]) & set("-_")) < 2:
        good = sealed(jwt, CLAIMS % (now, now + 900, "%032x" % next(UNIQUE)))
    text, dot, mac = good.rpartition(".")
    assert skipped(jwt, good)
    for other in [mac[:-1] + ALPHABET[ALPHABET.index(mac[-1]) + i] for i in (1, 2, 3)] + [mac.replace("-", "+"), mac.replace("_", "/")]:
        assert not skipped(jwt, text + dot + other)


def test_a_pass_without_its_signature(jwt):
    fresh(jwt)
    good = sealed(jwt)
    head, claims, mac = good.split(".")
    none = b64('{"alg":"none","typ":"JWT"}')
    for wrong in (head + "." + claims + ".", head + "." + claims, none + "." + claims + ".", good[:-1], good + "A", good + "=",
                  good + ".x", "." + good, head + "." + b64(changed(("65535", "65534"))) + "." + mac, good.upper(), "x" * 6000,
                  good + "." + "x" * 4000, mac, ".." + mac, head + ".." + mac, sealed(jwt, secret="b" * 64), sealed(jwt, secret=""),
                  sealed(jwt, secret=jwt.env["AMMIT_FAST_SECRET"].upper())):
        assert not skipped(jwt, wrong), wrong[:300]


@pytest.mark.parametrize("pairs", [
    [('"exp":', '"exp":1,"was":')], [('"lvl":65535', '"lvl":19')], [('"lvl":65535', '"lvl":0')], [('"lvl":65535,', "")],
    [('"host":"example.org"', '"host":"other.example"')], [('"host":"example.org"', '"host":""')], [(',"host":"example.org"', "")],
    [('"net":"127.0.0.0"', '"net":"192.0.2.0"')], [('"net":"127.0.0.0"', '"net":"127.0.0.1"')], [('"net":"127.0.0.0"', '"net":"-"')],
    [('"net":"127.0.0.0",', "")], [('"bind":"net"', '"bind":"exact"')], [('"bind":"net"', '"bind":"circuit"')],
    [('"bind":"net"', '"bind":"none"')], [('"bind":"net",', "")], [('"by":0', '"by":-1')], [('"jti":"' + "ab" * 16, '"jti":"x')],
    # Twice: a reader of JSON takes the first or the last, and Ammit neither.
    [('"lvl":65535', '"lvl":19,"lvl":65535')], [('"lvl":65535', '"lvl":65535,"lvl":19')],
    [('"host":"example.org"', '"host":"other.example","host":"example.org"')],
    [('"host":"example.org"', '"host":"example.org","host":"other.example"')],
    [('"host":"example.org"}', '"host":"example.org"}\n')], [('{"iat"', ' {"iat"')], [('"iat":', '"iat":0')], [('"lvl":65535', '"lvl":6e4')],
    [('"lvl":65535', '"lvl":"65535"')], [('"exp":', '"exp":9999999999999999999')],
])
def test_other_claims_are_asked_about(jwt, pairs):
    """Signed with the right key, and still not what Ammit writes for this visitor."""
    fresh(jwt)
    assert not skipped(jwt, sealed(jwt, changed(*pairs)))


def test_two_passes_are_not_one(jwt):
    """The signature of a good one does not hold for the claims of another, in either order."""
    fresh(jwt)
    good = sealed(jwt)
    head, _, mac = good.split(".")
    forged = head + "." + b64(changed(("65535", "65534"))) + "." + mac
    expired = sealed(jwt, CLAIMS % (1, 2, "ab" * 16))
    for other in (forged, expired, sealed(jwt, secret="b" * 64)):
        told = [skipped(jwt, x + "; ammit=" + y) for x, y in ((good, other), (other, good))]
        # The last one counts, as it does for Ammit.
        assert told == [False, True]
    before = len(jwt.lines())
    raw_two = lines("GET /two-agents HTTP/1.1", "User-Agent: GPTBot", headers=dict(BROWSER, Cookie="ammit=" + good))
    with socket.create_connection((jwt.at, jwt.port), PATIENCE_S) as sock:
        sock.sendall(raw_two)
        assert b" 403 " in sock.recv(65536)[:20]
    assert "verdict=deny" in wait_until(lambda: [x for x in jwt.lines()[before:] if "/two-agents" in x], "the log line")[0]


def test_the_time_of_a_pass(jwt):
    fresh(jwt)
    now = int(time.time())
    for issued, expires, good in ((0, 900, True), (-900, 5 + PATIENCE_S, True), (30, 900, True), (-900, 0, False), (-900, -1, False),
                                  (90 + PATIENCE_S, 900, False)):
        claims = CLAIMS % (now + issued, now + expires, "cd" * 16)
        assert skipped(jwt, sealed(jwt, claims)) == good, (issued, expires)


def test_others_are_asked_about_whatever_their_pass(jwt):
    fresh(jwt)
    good = sealed(jwt)
    for agent in ("GPTBot", "curl/8", BROWSER["User-Agent"] + " GPTBot", "Mozilla/5.0 (compatible; GPTBot/1.0; +https://x)",
                  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36", ""):
        assert not skipped(jwt, good, dict(BROWSER, **{"User-Agent": agent})), agent
    assert not skipped(jwt, good, host="other.example") and not skipped(jwt, good, host="example.org:evil")
    assert not skipped(jwt, good, host="[example.org]") and not skipped(jwt, good, host="example.org:80.")
    for path in ("/robots.txt", "/%66eed", "/feed"):
        assert not skipped(jwt, good, path=path)
    jwt.request("POST", "/posted", jwt.visitor)
    assert "remembered" not in wait_until(lambda: [x for x in jwt.lines() if "POST /posted" in x], "the log line")[0]


def test_the_way_is_closed_at_first_and_when_the_agent_is_gone(box):
    """While Ammit cannot say that the policy is still the one of the list, it is asked, and fares as
    the route chose; so a policy that was changed bites those who have a pass ten seconds later, too."""
    edge = fast(box, AMMIT_FAST_JWT="1", remember=2, **SECRETS)
    edge.env = {"AMMIT_FAST_KID": "0" * 8, "AMMIT_FAST_SECRET": "a" * 64}
    good = sealed(edge)
    old = sealed(edge, header=HEADER % ("1" * 8), secret="b" * 64)
    assert not skipped(edge, good, host="example.org")
    assert skipped(edge, good) and skipped(edge, old), "the key before the last rotation"
    assert not skipped(edge, sealed(edge, header=HEADER % ("1" * 8))), "each with its own name"
    assert not skipped(edge, sealed(edge, header=HEADER % ("0" * 8), secret="b" * 64))
    wait_until(lambda: not skipped(edge, good), "the way to close")
    assert skipped(edge, good)
    edge.agent.close()
    wait_until(lambda: edge.get("/login", dict(BROWSER, Cookie="ammit=" + good)).status == 503, "the way to close")


@pytest.mark.parametrize("secret", ["", "none", "a" * 63])
def test_a_key_that_is_none_opens_nothing(box, secret):
    """An empty line in the file is no key that anybody could sign with."""
    edge = fast(box, AMMIT_FAST_JWT="1", AMMIT_FAST_LEVEL="20", AMMIT_FAST_KID="", AMMIT_FAST_SECRET=secret)
    edge.env = {"AMMIT_FAST_KID": "", "AMMIT_FAST_SECRET": secret}
    for _ in range(2):
        assert not skipped(edge, sealed(edge))


def test_no_shipped_rule_denies_the_agents_of_browsers():
    """The way of the pass looks at no more of a visitor than his User-Agent, so this must be true."""
    agent = re.search(r"ammit_agent req\.fhdr\(user-agent,-1\) -m reg '(.*)'", FAST.read_text())[1]
    for text in (BROWSER["User-Agent"], "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                 "Safari/537.36 Edg/126.0.0.0", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                 "Mobile Safari/537.36", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                 "Version/17.5 Safari/605.1.15", "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"):
        assert re.search(agent, text), text
        got = run_ammit("explain", "--json", "--header", "User-Agent: " + text, "--host", "example.org")
        assert '"verdict": "deny"' not in got.stdout and '"verdict": "' in got.stdout, got.stdout
