"""The challenge over HTTP, with Python as the browser: solved, and everything that must not work."""

import base64
import json

import pytest

from conftest import BROWSER, CURL, POLICY, Puzzle, wait_until

COOKIE = "ammit"


@pytest.fixture(scope="module", autouse=True)
def ready(edge):
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")


def puzzle(edge, path="/", headers=BROWSER, **more):
    page = edge.get(path, headers, **more)
    assert page.challenged, page
    return Puzzle(page)


def submit(edge, ticket, solution, back="/", headers=BROWSER, **more):
    return edge.post("/.ammit/pass", {"ticket": ticket, "solution": solution, "back": back}, headers, **more)


def cookie_of(response):
    for value in response.headers.get_all("Set-Cookie") or []:
        name, _, rest = value.partition("=")
        if name == COOKIE:
            return rest.split(";")[0]
    return None


def passed(response):
    return response.status == 303 and cookie_of(response) is not None


def refused(response):
    """A page for people, with no pass and not from the site."""
    return response.status >= 400 and cookie_of(response) is None and not response.from_site


def with_pass(value, headers=BROWSER):
    return dict(headers, Cookie="%s=%s" % (COOKIE, value))


@pytest.fixture(scope="module")
def good_pass(edge):
    p = puzzle(edge)
    return cookie_of(submit(edge, p.ticket, p.solve()))


def test_page(edge):
    page = edge.get("/a/b?c=d", BROWSER)
    p = Puzzle(page)
    assert p.back == "/a/b?c=d"
    assert page.headers["Content-Type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy and "'unsafe-eval'" not in policy
    assert "<noscript>" in page.body
    assert p.ticket[:12] in page.body
    assert page.headers["Content-Encoding"] == "gzip" and page.wire_bytes < 20000
    line = wait_until(lambda: [x for x in edge.lines() if p.ticket[:12] in x], "the log line")[0]
    assert "verdict=challenge" in line


def test_solved(edge):
    p = puzzle(edge, "/a/b?c=d&e=%20f")
    got = submit(edge, p.ticket, p.solve(), p.back)
    assert got.status == 303
    assert got.headers["Location"] == "/a/b?c=d&e=%20f"
    assert got.headers["Cache-Control"] == "no-store"
    attributes = got.headers["Set-Cookie"].lower()
    assert "httponly" in attributes and "samesite=lax" in attributes and "path=/" in attributes
    assert "secure" not in attributes, "http, so a Secure cookie would be lost"
    assert "max-age=" in attributes
    # And from now on no challenge, also for requests that are no navigations.
    headers = with_pass(cookie_of(got))
    for _ in range(3):
        assert edge.get("/a/b", headers).from_site
    assert edge.request("POST", "/form", headers, "x=y").from_site


def test_pass_is_a_jwt_with_the_algorithm_fixed(good_pass):
    head, claims, mac = good_pass.split(".")
    decode = lambda s: json.loads(base64.urlsafe_b64decode(s + "=" * (-len(s) % 4)))
    assert decode(head)["alg"] == "HS256" and decode(head)["typ"] == "JWT"
    assert decode(claims)["host"] == "example.org" and decode(claims)["net"] == "127.0.0.0"
    assert decode(claims)["exp"] > decode(claims)["iat"]


def test_deny_beats_a_pass(edge, good_pass):
    assert edge.get("/secret/x", with_pass(good_pass)).status == 403
    assert edge.get("/", with_pass(good_pass, {"User-Agent": "GPTBot"})).status == 403


def test_pass_among_other_cookies(edge, good_pass):
    headers = dict(BROWSER, Cookie="a=b; ammit=%s; other=1" % good_pass)
    assert edge.get("/", headers).from_site


@pytest.mark.parametrize("host", ["example.org:8080", "EXAMPLE.org", "example.org."])
def test_pass_holds_for_the_same_host(edge, good_pass, host):
    assert edge.get("/", with_pass(good_pass), host=host).from_site


@pytest.mark.parametrize("host", ["other.example.org", "example.com", "example.org.evil.test", "", None])
def test_pass_of_another_host(edge, good_pass, host):
    got = edge.get("/", with_pass(good_pass), host=host)
    # HTTP/1.1 without a Host at all is refused by HAProxy itself.
    assert not got.from_site


def test_every_tampered_pass_is_challenged(edge, good_pass):
    b64 = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
    head, claims, mac = good_pass.split(".")
    parsed = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    none = b64(b'{"alg":"none","typ":"JWT"}')
    forged = [
        "", "x", "..", "a.b.c", good_pass[:-1], good_pass + "A", good_pass + ".", good_pass + good_pass,
        head + "." + claims + ".", none + "." + claims + ".", none + "." + claims + "." + mac,
        head + "." + b64(json.dumps(dict(parsed, exp=2**40)).encode()) + "." + mac,
        head + "." + b64(json.dumps(dict(parsed, lvl=65535)).encode()) + "." + mac,
        good_pass.replace(".", "", 1), "x" * 1024, "x" * 2000, good_pass + "\xe9",
    ]
    for at in range(0, len(good_pass), 5):
        forged.append(good_pass[:at] + ("B" if good_pass[at] != "B" else "C") + good_pass[at + 1 :])
    for value in forged:
        # The last character of base64 may hold bits that do not count: they must count all the same.
        assert edge.get("/", with_pass(value)).challenged, value


def test_tampered_pass_can_be_mended(edge, good_pass):
    """A new pass replaces the broken one: no loop."""
    p = puzzle(edge, headers=with_pass(good_pass[:-2]))
    got = submit(edge, p.ticket, p.solve(), headers=with_pass(good_pass[:-2]))
    assert passed(got)
    assert edge.get("/", with_pass(cookie_of(got))).from_site


def test_double_submit_gets_the_same_pass(edge):
    p = puzzle(edge)
    solution = p.solve()
    first, second = submit(edge, p.ticket, solution, "/x"), submit(edge, p.ticket, solution, "/x")
    assert passed(first) and passed(second)
    assert cookie_of(first) == cookie_of(second)
    assert second.headers["Location"] == "/x"


def test_ticket_of_another_client(box, edge):
    """Redeemed by one, a ticket is worth nothing to another, and never was for a foreign network."""
    # The loop behind a proxy of our own that plays HAProxy for two visitors.
    import http.client
    from urllib.parse import urlencode

    class Unix(http.client.HTTPConnection):
        def connect(self):
            import spop

            self.sock = spop.connect(edge.ammit.http)

    def redeem(p, solution, client):
        connection = Unix("example.org", timeout=20)
        connection.request(
            "POST", "/.ammit/pass", urlencode({"ticket": p.ticket, "solution": solution, "back": "/"}),
            {"X-Ammit-Src": client, "X-Ammit-Proto": "http", "Content-Type": "application/x-www-form-urlencoded"},
        )
        got = connection.getresponse()
        got.body = got.read().decode()
        got.from_site = False
        connection.close()
        return got

    p = puzzle(edge)
    solution = p.solve()
    assert refused(redeem(p, solution, "198.51.100.9")), "another network"
    assert passed(redeem(p, solution, "127.0.0.1"))
    assert passed(redeem(p, solution, "127.0.0.1")), "the same once more"
    assert refused(redeem(p, solution, "127.0.0.2")), "replayed by a neighbour of the same network"
    assert refused(redeem(p, solution, ""))


def test_replayed_ticket_is_refused_later(box):
    """After a restart no ticket from before holds: what was spent then stays spent."""
    edge = box.whole()
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")
    p = puzzle(edge)
    solution = p.solve()
    got = submit(edge, p.ticket, solution)
    assert passed(got)
    edge.ammit.stop()
    # A second later, since the floor counts in seconds.
    import time

    second = int(time.time())
    wait_until(lambda: int(time.time()) > second + 1, "the next second")
    edge.ammit.start()
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")
    assert refused(submit(edge, p.ticket, solution))
    # The pass it bought holds: its key is on file.
    assert edge.get("/", with_pass(cookie_of(got))).from_site


def test_wrong_solutions(edge):
    p = puzzle(edge)
    good = p.solve()
    numbers = good.split(",")
    wrong = [
        p.wrong(), "", ",", "0", good + ",", "," + good, good + ",00000000", good.upper() + "x", good[:-1],
        ",".join(numbers[:-1]), ",".join(["00000000"] * 64), " " + good, good.replace(",", ";"), "0x" + good,
        ",".join("%x" % int(n, 16) for n in numbers[:-1]) + ",zzzzzzzz",
    ]
    for solution in wrong:
        got = submit(edge, p.ticket, solution)
        assert refused(got), solution
    # None of these has spent it.
    assert passed(submit(edge, p.ticket, good))


def test_solution_of_another_ticket(edge):
    one, two = puzzle(edge), puzzle(edge)
    solution = one.solve()
    assert refused(submit(edge, two.ticket, solution))
    assert passed(submit(edge, one.ticket, solution))


def test_forged_tickets(edge):
    p = puzzle(edge)
    solution = p.solve()
    forged = ["", "x", "0" * 32, p.ticket[:-1], p.ticket + "A", p.ticket[:32], p.ticket.upper(), "A" * 600, "é" * 40]
    for at in range(0, len(p.ticket), 3):
        forged.append(p.ticket[:at] + ("b" if p.ticket[at] != "b" else "c") + p.ticket[at + 1 :])
    for ticket in forged:
        assert refused(submit(edge, ticket, solution)), ticket
    assert passed(submit(edge, p.ticket, solution))


def test_ticket_with_easier_work(edge):
    """A forger who makes the price of a sealed ticket lower: the bytes are right, the seal is not."""
    p = puzzle(edge)
    raw = bytearray(base64.urlsafe_b64decode(p.ticket[32:] + "=" * (-len(p.ticket[32:]) % 4)))
    raw[14] = 1  # puzzles
    raw[15:19] = (1).to_bytes(4, "big")  # hashes
    easy = Puzzle.__new__(Puzzle)
    easy.ticket = p.ticket[:32] + base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    assert refused(submit(edge, easy.ticket, "00000000"))


def test_ticket_of_another_host(edge):
    p = puzzle(edge, host="other.example.org")
    assert refused(submit(edge, p.ticket, p.solve(), host="example.org"))
    assert passed(submit(edge, p.ticket, p.solve(), host="other.example.org"))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"&&&&", b"ticket", b"ticket=%", b"%00=%ff", b"a=1&" * 200, b"ticket=a&ticket=b&solution=c&back=/",
        b"x" * 16384, b"ticket=" + b"x" * 20000, b"\x00\xff\xfe", b'{"ticket": "x"}',
    ],
)
def test_bad_forms(edge, body):
    got = edge.post("/.ammit/pass", body)
    assert refused(got) and got.status < 500
    assert edge.get("/", BROWSER).challenged, "and the loop lives"


@pytest.mark.parametrize(
    "back",
    [
        "//evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "\\/evil.test", "http://evil.test/",
        "https:evil.test", "javascript:alert(1)", "data:text/html,x", "evil.test", "", " /x", "/x y", "/\t/evil.test",
        "/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:a=b\r\nX: y", "\t//evil.test", "/\x00", "/x\x7f", "/\u00e9",
        "/.ammit/pass", "/.ammit/", "/./.ammit/pass", "/x/../.ammit/pass", "/%2eammit/pass", "///evil.test",
        "/x" * 1500, "?x", "#x", "..//evil.test", "@evil.test",
    ],
)
def test_no_open_redirect(edge, back):
    p = puzzle(edge)
    got = submit(edge, p.ticket, p.solve(), back)
    location = got.headers.get("Location")
    assert got.status < 500
    if got.status == 303:
        # Whatever was asked for, the way leads to the front page of this site.
        assert location == "/"
    assert "X" not in got.headers and "evil" not in (location or "")


@pytest.mark.parametrize("back", ["/", "/a", "/a?b=//evil.test", "/a#b", "/%2F%2Fevil.test", "/a//b", "/?x=http://y/"])
def test_ways_back_that_are_good(edge, back):
    p = puzzle(edge)
    got = submit(edge, p.ticket, p.solve(), back)
    assert passed(got) and got.headers["Location"] == back


@pytest.mark.parametrize("path", ['/"><script>alert(1)</script>', "/'onload='x", "/?a=<b>&c=\"", "/</script><script>x"])
def test_what_a_visitor_sends_is_text_on_the_page(edge, path):
    page = edge.get(path, BROWSER, host="example.org")
    assert page.challenged
    assert path not in page.body
    assert "<script>alert(1)" not in page.body and "<script>x" not in page.body


@pytest.mark.parametrize("host", ['"><script>x</script>', "a<b>", "example.org'x", "x" * 300])
def test_odd_hosts(edge, host):
    """HAProxy refuses some of these; those that it passes on do no harm."""
    page = edge.get("/", BROWSER, host=host)
    assert not page.from_site
    assert "<script>x" not in page.body


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/.ammit/pass", "/.ammit/", "/.ammit/nothing", "/.ammit/health", "/.ammit/solver.js"])
def test_own_addresses_never_lead_to_the_site(edge, method, path):
    got = edge.request(method, path, BROWSER)
    assert not got.from_site and got.status < 500
    assert cookie_of(got) is None
    if path == "/.ammit/solver.js" and method == "GET":
        assert got.status == 200 and "javascript" in got.headers["Content-Type"]


def test_page_without_ticket_is_no_page(edge):
    assert not edge.get("/.ammit/", BROWSER).challenged


def test_head_is_challenged_without_a_body(edge):
    got = edge.request("HEAD", "/", BROWSER)
    assert not got.from_site and got.body == ""


def test_post_is_challenged_too(edge):
    got = edge.request("POST", "/form", dict(BROWSER, **{"Content-Type": "text/plain"}), "x" * 200000)
    assert not got.from_site


def test_status_of_the_policy(box):
    policy = dict(POLICY, status_codes={"CHALLENGE": 403, "DENY": 404})
    edge = box.whole(policy)
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")
    assert edge.get("/", BROWSER).status == 403
    assert edge.get("/", {"User-Agent": "GPTBot"}).status == 404


def test_pass_after_a_key_rotation(box):
    import signal

    from conftest import run_ammit

    edge = box.whole()
    wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge")

    def earn():
        p = puzzle(edge)
        return cookie_of(submit(edge, p.ticket, p.solve()))

    def rotate(count):
        assert run_ammit("rotate", "--state-dir", edge.ammit.state).returncode == 0
        edge.ammit.signal(signal.SIGHUP)
        wait_until(lambda: edge.ammit.output().count(" reloaded ") == count, "the reload")

    first = earn()
    rotate(1)
    assert edge.get("/", with_pass(first)).from_site
    wait_until(lambda: earn().split(".")[0] != first.split(".")[0], "the new key to seal")
    second = earn()
    rotate(2)
    wait_until(lambda: edge.get("/", with_pass(first)).challenged, "the oldest key to be gone")
    assert edge.get("/", with_pass(second)).from_site


def test_plain_tools_are_not_challenged(edge):
    assert edge.get("/", CURL).from_site
