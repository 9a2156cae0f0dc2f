"""replay, explain, check and import-robots: the real binary, and logs that a real HAProxy wrote."""

import json
import random
import re
import subprocess

import pytest

from conftest import AMMIT, BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, SCRAPER, Process, Puzzle, free_port, run_ammit, wait_until

PREFIX = '203.0.113.9:51000 [23/Nov/2026:22:33:51.315] edge site/site 0/0/0/1/1 200 49 - - ---- 1/1/0/0/0 0/0 '


def replay(text, *arguments):
    """Exit status and what it said, as JSON."""
    got = subprocess.run([str(AMMIT), "replay", "--json", *[str(a) for a in arguments], "-"],
                         input=text if isinstance(text, bytes) else text.encode(), capture_output=True, timeout=PATIENCE_S)
    return got.returncode, json.loads(got.stdout) if got.stdout else None, got.stderr.decode()


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    return file


def write(file, *bots, **more):
    file.write_text(json.dumps(dict({"bots": list(bots), "thresholds": []}, **more)))
    return file


# -- check


def test_check_strict(tmp_path):
    good = write(tmp_path / "good.json", {"name": "a", "path_regex": "^/a", "action": "DENY"})
    odd = write(tmp_path / "odd.json", {"name": "a", "path_regex": "^/a", "action": "DENY"}, frobnicate=1)
    assert run_ammit("check", "--strict", good).returncode == 0
    assert run_ammit("check", odd).returncode == 0
    got = run_ammit("check", "--strict", odd)
    assert got.returncode == 1 and "frobnicate" in got.stderr
    assert run_ammit("check", "--strict").returncode == 1
    assert run_ammit("check", "--frob", good).returncode == 1


def test_check_a_list_and_counts(tmp_path):
    file = tmp_path / "list.yaml"
    file.write_text("- name: a\n  action: DENY\n  path_regex: ^/a\n- name: b\n  action: DENY\n  remote_addresses: [192.0.2.0/24]\n")
    got = run_ammit("check", file)
    assert got.returncode == 0, got.stderr
    assert "2 rules, 1 patterns, 1 prefixes, 0 sites" in got.stdout


# -- explain


def explain(policy, *arguments):
    got = run_ammit("explain", "--policy", policy, "--json", *arguments)
    assert got.returncode == 0, got.stderr
    return json.loads(got.stdout)


def test_explain_shadow_site_and_failures(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("""
bots:
  - {name: shadowed, path_regex: ^/s, action: DENY, shadow: true}
  - {name: old-pass, expression: 'pass.age_s > 10', action: DENY}
  - {name: busy, expression: 'rate > 100', action: DENY}
  - {name: tls, expression: 'tls.version == "TLSv1.0"', action: DENY}
thresholds: []
hosts:
  git.example.org:
    bots:
      - {name: git, path_regex: ^/git, action: CHALLENGE}
""")
    said = explain(file, "--path", "/s", "--rate", "5", "--pass-age", "5")
    assert said["verdict"] == "allow" and said["would"]["verdict"] == "deny"
    assert said["would"]["rule"] == "bot/shadowed" and said["matched"][0]["shadow"] is True
    assert said["failed"] == [] and said["errors"] == 0
    said = explain(file, "--path", "/x")
    assert {f["rule"] for f in said["failed"]} == {"bot/old-pass", "bot/busy"} and all(f["why"] for f in said["failed"])
    assert explain(file, "--rate", "101")["rule"] == "bot/busy"
    assert explain(file, "--pass-age", "11", "--rate", "0")["rule"] == "bot/old-pass"
    assert explain(file, "--tls", "TLSv1.0")["rule"] == "bot/tls"
    said = explain(file, "--host", "git.example.org", "--path", "/git")
    assert said["site"] == "git.example.org" and said["verdict"] == "challenge" and said["challenge"]["hashes"] > 0
    text = run_ammit("explain", "--policy", file, "--path", "/s").stdout
    assert "(in shadow)" in text and "would be deny by bot/shadowed" in text and "failed    bot/busy: " in text


@pytest.mark.parametrize("line, rule", [
    (PREFIX + '{GPTBot/1|example.org} "GET /x HTTP/1.1"', "bot/scraper"),
    (PREFIX + '"GET /secret/x?y HTTP/1.1"', "bot/secret"),
    (PREFIX + '{x|y} "GET https://example.org/secret/ HTTP/2.0"', "bot/secret"),
    ("Nov 23 22:33:51 host haproxy[7]: " + PREFIX + '{Mozilla|y} "GET / HTTP/1.1"', "bot/browser"),
    ('203.0.113.9 GET /secret/a status=200 verdict=allow rule="default/allow" weight=0', "bot/secret"),
    ('time=1.2 src=2001:db8::1 method=GET path="/a" ua="say \\"GPTBot\\""', "bot/scraper"),
    ('src=192.0.2.1 method=GET path="/a" ua="x" pass.level=60000', "default/allow"),
])
def test_explain_a_log_line(policy, line, rule):
    assert explain(policy, "--log", line)["rule"] == rule
    got = subprocess.run([str(AMMIT), "explain", "--policy", policy, "--log", "-"], input=line + "\n", capture_output=True, text=True)
    assert got.returncode == 0 and "by %s" % rule in got.stdout


CHALLENGED = """
bots:
  - {name: n, user_agent_regex: x, action: WEIGH, weight: {adjust: 10}}
evidence: {pass_by: {wait: 5, video_failed: 2}}
thresholds:
  - name: all
    expression: weight > 0
    action: CHALLENGE
    challenge: {algorithm: pow, methods: [pow, wait, video], wait: 7, price: {0: 256, 20: 65536}, load: {1: 1, 3: 3}}
"""


def test_explain_shows_what_a_challenge_asks(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(CHALLENGED)
    agent = ("--header", "User-Agent: x")
    assert explain(file, *agent)["challenge"] == {
        "methods": ["pow", "wait", "video"], "hashes": 4096, "puzzles": 16, "level": 12, "wait_s": 7, "clip": True}
    # The load makes it dearer, and a pass is worth the same.
    said = explain(file, *agent, "--load", "2")["challenge"]
    assert (said["hashes"], said["level"]) == (8192, 12)
    text = run_ammit("explain", "--no-dns", "--policy", file, *agent).stdout
    assert re.search(r"challenge: by pow wait video, worth level 12\n  pow +4096 hashes expected in 16 puzzles\n"
                     r"  wait +7 s\n  clip ", text), text
    # How a pass was earned is weight.
    said = explain(file, *agent, "--pass", "12", "--pass-by", "pow")
    assert (said["verdict"], said["weight"]) == ("allow", 10)
    said = explain(file, *agent, "--pass", "12", "--pass-by", "wait", "--pass-by", "video_failed")
    assert (said["verdict"], said["weight"], said["challenge"]["level"]) == ("challenge", 17, 15)
    for wrong in (("--pass-by", "luck"), ("--load", "-1"), ("--load", "much"), ("--load", "")):
        assert run_ammit("explain", "--policy", file, *wrong).returncode == 1


def test_a_log_says_how_a_pass_was_earned(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(CHALLENGED)
    line = 'time=1.0 src=192.0.2.1 method=GET path="/" ua="x" pass.level=12 pass.age=9 pass.by=%s status=200'
    assert explain(file, "--log", line % "1")["verdict"] == "allow"
    assert explain(file, "--log", line % "-")["verdict"] == "allow"
    assert explain(file, "--log", line % "2")["weight"] == 15
    status, said, _ = replay("\n".join(line % by for by in "1222") + "\n", "--policy", file)
    assert status == 0 and said["verdicts"] == {"allow": 1, "challenge": 3, "deny": 0, "drip": 0}, said


def test_the_price_of_the_default_policy_rises_smoothly():
    """By the weight, through what Anubis's difficulties cost; what a pass is worth has few steps."""
    weights = {}
    for agent in ("", "Mozilla/5.0", "python-requests/2", "Mozilla/5.0 (Windows NT 5.1)",
                  "Mozilla/5.0 (X11) Chrome/49.0", "Mozilla/5.0 (Windows NT 5.1) Chrome/49.0 python-requests/2"):
        for headers in ((), ("--tls", "TLSv1.3"), ("--header", "X-Firefox-Ai: 1")):
            said = explain("(data)/default.yaml", "--no-dns", "--header", "User-Agent: " + agent, *headers)
            if said["verdict"] == "challenge":
                weights[said["weight"]] = said["challenge"]
                assert said["challenge"]["methods"] == ["pow", "wait", "question"]
    by_weight = [weights[w] for w in sorted(weights)]
    assert len(by_weight) >= 5 and weights[10]["hashes"] == 65536, weights
    for less, more in zip(by_weight, by_weight[1:]):
        assert less["hashes"] <= more["hashes"] and less["wait_s"] <= more["wait_s"] <= 30
        assert less["level"] <= more["level"]
    assert {c["level"] for c in by_weight} <= {8, 16, 18, 20}
    # The slowest browser that is cared for does 100,000 a second.
    assert by_weight[-1]["hashes"] <= 30 * 100000


def test_explain_what_is_no_log_line():
    for line in ("", "nonsense", PREFIX + '"<BADREQ>"', PREFIX):
        got = run_ammit("explain", "--log", line)
        assert got.returncode == 1 and "--log: " in got.stderr and not got.stdout


# -- replay


def test_replay_counts_everything(policy):
    lines = [
        PREFIX + '{GPTBot|h} "GET / HTTP/1.1"',
        PREFIX + '{Mozilla|h} "GET / HTTP/1.1"',
        PREFIX + '{curl|h} "GET /feed.xml HTTP/1.1"',
        PREFIX + '{curl|h} "GET /.ammit/solve HTTP/1.1"',
        PREFIX + '"<BADREQ>"',
        "", "Proxy edge started.", "x" * 70000,
        '203.0.113.9 GET / status=200 verdict=deny rule="r" weight=0',
    ]
    status, said, stderr = replay("\n".join(lines), "--policy", policy)
    assert status == 0 and not stderr
    assert (said["lines"], said["requests"], said["own"], said["not_requests"]) == (9, 4, 1, 4)
    assert said["verdicts"] == {"allow": 2, "challenge": 1, "deny": 1, "drip": 0}
    assert [b["line"] for b in said["bad"]] == [5, 6, 7, 8]
    assert {r["rule"]: r["decided"] for r in said["rules"]} == {
        "bot/scraper": 1, "bot/browser": 1, "bot/feed": 1, "default/allow": 1}
    assert said["given"]["different"] == 1
    assert said["given"]["changes"][0]["from"] == "deny" and said["given"]["changes"][0]["to"] == "allow"
    assert "line 9" in said["given"]["changes"][0]["examples"][0]
    text = subprocess.run([str(AMMIT), "replay", "--policy", policy, "-"], input="\n".join(lines), capture_output=True, text=True).stdout
    for part in ("4 requests in 9 lines", "25.00 %", "4 lines are no request", "-:8: longer than 64 KiB", "deny      -> allow"):
        assert part in text, text


def test_replay_against(tmp_path, policy):
    other = write(tmp_path / "other.json", {"name": "all", "path_regex": "^/a", "action": "DENY"})
    log = "\n".join(PREFIX + '{curl|h} "GET /%s HTTP/1.1"' % p for p in ("a", "a", "b"))
    status, said, _ = replay(log, "--policy", other, "--against", policy)
    assert status == 0
    assert said["against"]["same"] == 1 and said["against"]["different"] == 2
    assert [(c["from"], c["to"], c["count"]) for c in said["against"]["changes"]] == [("allow", "deny", 2)]


def test_replay_says_what_the_log_lacks(tmp_path):
    file = write(tmp_path / "p.json",
                 {"name": "a", "headers_regex": {"X-Thing": "y"}, "action": "DENY"},
                 {"name": "b", "user_agent_regex": "y", "action": "DENY"})
    _, said, _ = replay(PREFIX + '"GET / HTTP/1.1"', "--policy", file)
    assert sorted(said["missing"]) == ["ua", "x-thing"]
    _, said, _ = replay(PREFIX + '{a|y} "GET / HTTP/1.1"', "--policy", file, "--captures", "user-agent,x-thing")
    assert said["missing"] == [] and said["verdicts"]["deny"] == 1


def test_replay_wrong_use(tmp_path):
    for arguments in ([], ["--frob", "x"], ["--top", "x", "-"], ["--policy"], ["--format", "x", "-"],
                      [tmp_path / "missing.log"], [tmp_path], ["--policy", tmp_path / "missing.json", "-"], ["-"]):
        got = run_ammit("replay", *arguments)
        assert got.returncode == 1 and got.stderr, arguments


HOSTILE = 'a "b\\ ]c|{d}#25%25 verdict=deny" src=1.2.3.4 \xe9'


def solved(edge):
    """The pass of a browser, as a Cookie."""
    puzzle = Puzzle(edge.get("/", BROWSER))
    got = edge.post("/.ammit/pass", {"ticket": puzzle.ticket, "solution": puzzle.solve(), "back": puzzle.back})
    return got.headers["Set-Cookie"].split(";")[0]


def test_replay_reads_what_the_edge_wrote(box):
    """The full log of a real HAProxy: each request is judged as it was then."""
    ammit = box.ammit()
    edge = box.edge(ammit.spop, ammit.http, AMMIT_LOG_FULL="1")
    cookie = solved(edge)
    for path, headers in (("/", CURL), ("/", SCRAPER), ("/secret/%41?x=%22&y", CURL), ("/feed.xml", BROWSER),
                          ("/", {"User-Agent": HOSTILE, "Accept": "a,b"}), ("/x", {}), ("/", dict(BROWSER, Cookie=cookie))):
        edge.get(path, headers)
    wait_until(lambda: len(edge.lines()) == 9, "nine lines")
    assert cookie.split("=")[1] not in edge.output(), "a pass in the log is a pass for whoever reads it"
    log = "\n".join(edge.lines()).encode("utf-8", "replace")
    status, said, stderr = replay(log, "--policy", box.path / "policy.json")
    assert status == 0, stderr
    assert said["requests"] == 8 and said["own"] == 1 and said["not_requests"] == 0
    assert said["verdicts"] == {"allow": 5, "challenge": 1, "deny": 2, "drip": 0}
    assert said["given"]["different"] == 0 and said["given"]["same"] == 8
    assert replay(log, "--format", "full", "--policy", box.path / "policy.json")[1]["requests"] == 8
    # What stands in the User-Agent stays there.
    catch = write(box.path / "catch.json",
                  {"name": "hostile", "user_agent_regex": "^" + "".join("\\x{%x}" % ord(c) for c in HOSTILE[:-1]), "action": "DENY"})
    assert replay(log, "--policy", catch)[1]["verdicts"]["deny"] == 1


def test_replay_sees_what_browsers_say_of_themselves(box):
    """Sec-CH-UA has quotes in it; a rule that was never asked then is judged by the log alone."""
    policy = {"bots": [{"import": "(data)/common/browser-headers.yaml"}],
              "evidence": {"pass_by": {"pow": 1}},
              "thresholds": [{"name": "odd", "expression": "weight > 0", "action": "DENY"}]}
    chrome = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                            "Chrome/130.0.0.0 Safari/537.36",
              "Sec-CH-UA": '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
              "Sec-CH-UA-Mobile": "?0", "Sec-CH-UA-Platform": '"Windows"',
              "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1", "Sec-Fetch-Dest": "document"}
    wrong = {"Sec-CH-UA": chrome["Sec-CH-UA"].replace("130", "131"), "Sec-CH-UA-Mobile": "?1",
             "Sec-CH-UA-Platform": '"Android"', "Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "cors"}
    (box.path / "headers.json").write_text(json.dumps(policy))
    ammit = box.ammit()
    edge = box.edge(ammit.spop, ammit.http, AMMIT_LOG_FULL="1")
    cookie = solved(edge)
    edge.get("/", chrome)
    for name, value in wrong.items():
        edge.get("/", dict(chrome, **{name: value}))
    edge.get("/", dict(BROWSER, Cookie=cookie))
    wait_until(lambda: len(edge.lines()) == 9, "nine lines")
    said = replay("\n".join(edge.lines()), "--policy", box.path / "headers.json")[1]
    assert said["verdicts"] == {"allow": 2, "challenge": 0, "deny": 6, "drip": 0}, said


def test_replay_reads_httplog(box, policy):
    port = free_port()
    conf = box.path / "haproxy.cfg"
    conf.write_text("""
global
    log stdout len 8192 format raw local0
defaults
    mode http
    log global
    option httplog
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend f
    bind 127.0.0.1:%d
    capture request header user-agent len 500
    capture request header host len 200
    http-request return status 200
""" % port)
    process = box.keep(Process("haproxy", [HAPROXY, "-db", "-f", conf], box.path / "h.log"))
    process.start()

    def ask(path, agent):
        return subprocess.run(["curl", "-s", "-g", "-o", "/dev/null", "-A", agent.encode("latin-1"), "http://127.0.0.1:%d%s" % (port, path)]).returncode

    wait_until(lambda: ask("/feed.xml", "x") == 0, "HAProxy to listen")
    assert ask("/secret/a?b=%22", HOSTILE) == 0 and ask("/x", "GPTBot {a|b}") == 0 and ask("/x", HOSTILE) == 0
    wait_until(lambda: process.output().count('"GET ') >= 4, "four lines")
    log = process.log.read_bytes()
    status, said, _ = replay(log, "--policy", policy, "--format", "httplog")
    assert status == 0 and said["requests"] == 4 and said["verdicts"]["deny"] == 2
    catch = write(box.path / "catch.json",
                  {"name": "hostile", "user_agent_regex": "^" + "".join("\\x{%x}" % ord(c) for c in HOSTILE[:-1]), "action": "DENY"})
    assert replay(log, "--policy", catch)[1]["verdicts"]["deny"] == 2


def test_replay_in_bounded_memory(tmp_path):
    """Long lines and many of them: the resident set stays where it is."""
    log = tmp_path / "log"
    with log.open("w") as out:
        for i in range(100000):
            out.write(PREFIX + '{curl/%d|h} "GET /%d HTTP/1.1"\n' % (i, i))
        out.write("y" * 20_000_000 + "\n")
    got = subprocess.run(["/usr/bin/python3", "-c",
                          "import resource,subprocess,sys; subprocess.run(sys.argv[1:], check=True);"
                          "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                          str(AMMIT), "replay", "--json", log], capture_output=True, text=True, check=True).stdout.splitlines()
    said = json.loads(got[0])
    assert said["requests"] == 100000 and said["not_requests"] == 1
    assert int(got[1]) < 400_000 if "asan" in subprocess.run(["ldd", AMMIT], capture_output=True, text=True).stdout else int(got[1]) < 60_000


# -- import-robots


def imported(tmp_path, text, *arguments):
    """A policy that imports the rules of this robots.txt."""
    (tmp_path / "robots.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    got = run_ammit("import-robots", *arguments, tmp_path / "robots.txt")
    assert got.returncode == 0, got.stderr
    (tmp_path / "rules.yaml").write_text(got.stdout)
    good = run_ammit("check", tmp_path / "rules.yaml")
    assert good.returncode == 0, good.stderr + got.stdout
    assert "not portable" not in good.stderr or "--portable" not in arguments
    file = tmp_path / "policy.yaml"
    file.write_text("bots:\n  - import: ./rules.yaml\n  - {name: last, path_regex: ^/never$, action: DENY}\nthresholds:\n  - {name: t, expression: weight > 0, action: DENY}\n")
    return file


GROUPS = """
User-agent: Alpha
User-agent: Beta Bot/2.0
Disallow: /private/
Allow: /private/open
Disallow: /*.pdf$
Disallow: /*?sort=
Disallow: /caf%C3%A9
Disallow: /a.b+c(
Disallow: /*add=
Disallow: /star%2Aend
Disallow: /same
Allow: /same

User-agent: Alpha-Image
Disallow: /img/*/big

User-agent: alpha
Disallow: /more

User-agent: Gamma
Disallow:

User-agent: *
Disallow: /
"""

TABLE = [
    ("Alpha/1.0", "/private/x", True), ("alpha", "/private/", True), ("Alpha", "/private", False),
    ("Alpha", "/private/open", False), ("Alpha", "/private/opener", False), ("Alpha", "/privat%65/", True),
    ("Alpha", "/x.pdf", True), ("Alpha", "/x.pdf?y=1", False), ("Alpha", "/x.pdf.html", False),
    ("Alpha", "/x?sort=a", True), ("Alpha", "/x?y=1", False), ("Alpha", "/x?resort=1", False),
    ("Alpha", "/caf%c3%a9/x", True), ("Alpha", "/cafe", False), ("Alpha", "/a.b+c(", True), ("Alpha", "/aXb+c(", False),
    ("Alpha", "/x?add=1", True), ("Alpha", "/x?a=1&add=1", True), ("Alpha", "/badd=", True), ("Alpha", "/add", False),
    ("Alpha", "/star*end", True), ("Alpha", "/starXend", False), ("Alpha", "/same", False), ("Alpha", "/more", True),
    ("Mozilla/5.0 (compatible; Alpha/2; +http://x)", "/private/", True), ("xAlphax", "/private/", False),
    ("Beta Bot", "/private/x", True), ("Beta Bot", "/more", False), ("Beta", "/private/x", False),
    ("Alpha-Image/1", "/private/x", False), ("Alpha-Image/1", "/img/a/big", True), ("Alpha-Image/1", "/img/big", False),
    ("Alpha-Image/1", "/img/a%0A/big", True), ("Gamma", "/anything", False),
    ("Alpha", "/robots.txt", False), ("Alpha", "/", False),
]


@pytest.mark.parametrize("arguments", [[], ["--portable"], ["--action", "WEIGH", "--weight", "3"]])
def test_robots_table(tmp_path, arguments):
    file = imported(tmp_path, GROUPS, *arguments)
    for agent, path, denied in TABLE + [("Firefox", "/x", False)]:
        said = explain(file, "--header", "User-Agent: " + agent, "--path", path)
        assert (said["verdict"] == "deny") == denied, (agent, path, said)


@pytest.mark.parametrize("arguments", [["--star"], ["--star", "--portable"]])
def test_robots_star(tmp_path, arguments):
    file = imported(tmp_path, GROUPS, *arguments)
    for agent, path, denied in TABLE[:20] + [("Firefox", "/x", True), ("Gamma", "/x", False), ("Firefox", "/robots.txt", False)]:
        said = explain(file, "--header", "User-Agent: " + agent, "--path", path)
        assert (said["verdict"] == "deny") == denied, (agent, path, said)


def test_robots_actions(tmp_path):
    file = imported(tmp_path, "User-agent: a\nDisallow: /x\nDisallow: /x/y*z\nDisallow: /*?q\n", "--action", "WEIGH", "--weight", "7")
    said = explain(file, "--header", "User-Agent: a", "--path", "/x/yz?q=1")
    assert said["weight"] == 7, "weighed once, however many lines match"
    file = imported(tmp_path, "User-agent: a\nDisallow: /x\n", "--action", "CHALLENGE")
    assert explain(file, "--header", "User-Agent: a", "--path", "/x")["verdict"] == "challenge"


def oracle(rules, path):
    """RFC 9309 on path and query as they are."""
    best = (-1, True)
    for allow, pattern in rules:
        end = pattern.endswith("$")
        body = pattern[:-1] if end else pattern
        regex = "".join(".*" if c == "*" else re.escape(c) for c in body) + ("$" if end else "")
        if re.match(regex, path):
            best = max(best, (len(pattern), allow))
    return best[1]


def test_robots_like_an_oracle(tmp_path):
    """Random patterns and paths, without what a policy cannot say (a ? behind a *)."""
    dice = random.Random(9309)
    for _ in range(12):
        rules = []
        for _ in range(dice.randint(1, 8)):
            pattern = "/" + "".join(dice.choice("ab*/.") for _ in range(dice.randint(0, 6))) + dice.choice(["", "", "$"])
            rules.append((dice.random() < 0.4, pattern))
        text = "User-agent: bot\n" + "".join("%s: %s\n" % ("Allow" if a else "Disallow", p) for a, p in rules)
        policy = imported(tmp_path, text, *dice.choice([[], ["--portable"]]))
        for _ in range(12):
            path = "/" + "".join(dice.choice("ab/.") for _ in range(dice.randint(0, 7)))
            said = explain(policy, "--header", "User-Agent: bot", "--path", path)
            assert (said["verdict"] == "allow") == oracle(rules, path), (text, path, said)


@pytest.mark.parametrize("text", [
    "User-agent: x'\n  - evil: \"\n", "User-agent: x\nDisallow: /'\"\\\n- name: evil\n  action: ALLOW\n",
    "User-agent: x\nDisallow: /\u2028- name: evil\nDisallow: /\x85a\nDisallow: /\x00\n",
    "User-agent: ${{}}#&*!|>%@`\nDisallow: /${{}}&*!|>%@`[]{},\nCrawl-delay: 1\t: \x07'\n",
    "User-agent: a\nDisallow: /(?i)[a-z]++\\Q\\E(*UTF)(a+)+$\n", "User-agent: (a+)+\\\nDisallow: /%00%0a%0d%27%22%5c\n",
])
def test_robots_hostile(tmp_path, text):
    for arguments in ([], ["--portable"], ["--star", "--action", "WEIGH"]):
        imported(tmp_path, text, *arguments)
        rules = (tmp_path / "rules.yaml").read_text()
        assert rules.isascii() and "ALLOW" not in rules.replace("- name: robots-txt\n  action: ALLOW", "")
        assert all(re.fullmatch(r"#.*|- name: robots-[a-z0-9_-]+|  action: \w+|  weight:|    adjust: -?\d+|"
                                r"  (user_agent_regex|path_regex|expression): '[^']*'|  expression:|    all:|      - '[^']*'|\[\]|",
                                line) for line in rules.splitlines()), rules


def test_robots_endings_and_files(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        file = imported(tmp_path, b"\xef\xbb\xbf" + ("# c%sUSER-AGENT : a # b%sdisallow:/x # y%s" % (end, end, end)).encode())
        assert explain(file, "--header", "User-Agent: a", "--path", "/x")["verdict"] == "deny"
    got = run_ammit("import-robots", tmp_path / "missing")
    assert got.returncode == 1 and "missing" in got.stderr
    for arguments in ([], ["--frob", "x"], ["--action", "ALLOW", "x"], ["--weight", "5", "x"], ["--action", "WEIGH", "--weight", "x", "y"], ["a", "b"]):
        got = run_ammit("import-robots", *arguments)
        assert got.returncode == 1 and got.stderr and not got.stdout
    got = subprocess.run([str(AMMIT), "import-robots", "-"], input=b"User-agent: a\nDisallow: /\n" * 200000, capture_output=True)
    assert got.returncode == 1 and b"larger" in got.stderr
    (tmp_path / "many").write_text("".join("User-agent: bot%d\nDisallow: /%d/*?a=b$\n" % (i, i) for i in range(3000)))
    got = run_ammit("import-robots", "--star", tmp_path / "many")
    assert got.returncode == 0


@pytest.mark.parametrize("text", ["", "nothing here", "User-agent: a\nDisallow:\n"])
def test_robots_without_rules(tmp_path, text):
    (tmp_path / "r").write_text(text)
    got = run_ammit("import-robots", tmp_path / "r")
    assert got.returncode == 0 and "no rules" in got.stderr and got.stdout.endswith("[]\n")
