"""`ammit haproxy`: what it prints runs in the real HAProxy, and does there what the policy says."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess

import pytest

from conftest import BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, ROOT, Edge, Puzzle, run_ammit

PARTS = {"spoe": "ammit.spoe.conf", "edge": "edge.cfg", "edge-fast": "edge-fast.cfg", "onion": "onion.cfg",
         "homelab": "homelab.cfg", "ask": "ammit-ask.lst"}
# Its own cookie, headers that the shipped file sends and one that it does not, rates, robots.txt.
OWN = {
    "bots": [
        {"name": "key", "headers_regex": {"X-Api-Key": "^right$"}, "action": "ALLOW"},
        {"name": "odd", "headers_regex": {"Accept": "^odd$"}, "action": "DENY"},
        {"name": "flood", "expression": "rate > 30 || pass.rate > 40", "action": "DENY"},
        {"name": "secret", "path_regex": "^/secret/", "action": "DENY"},
        {"name": "browser", "user_agent_regex": "Mozilla", "action": "CHALLENGE",
         "challenge": {"difficulty": 2, "algorithm": "fast"}},
    ],
    "thresholds": [],
    "robots": True,
    "status_codes": {"CHALLENGE": 200, "DENY": 403},
    "pass": {"cookie": "site-pass"},
}
POLICIES = {"default": None, "small": POLICY, "own": OWN}


def printed(part, *options):
    got = run_ammit("haproxy", part, *options)
    assert got.returncode == 0, got.stderr
    return got.stdout


def version():
    """The style of the HAProxy that is here: the newest that is not above it."""
    said = subprocess.run([HAPROXY, "-v"], capture_output=True, text=True, timeout=PATIENCE_S).stdout
    here = tuple(int(n) for n in re.search(r"version (\d+)\.(\d+)", said).groups())
    return max((v for v in ("2.6", "2.8", "3.0", "3.2") if tuple(map(int, v.split("."))) <= here), default="2.6")


@pytest.fixture(params=POLICIES)
def options(request, tmp_path):
    """--policy for one of them."""
    policy = POLICIES[request.param]
    if policy is None:
        return []
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    return ["--policy", tmp_path / "policy.json"]


def accepted(folder, configuration):
    """haproxy -c has nothing to say of it."""
    env = dict(os.environ, AMMIT_SPOE_CONF=str(folder / "ammit.spoe.conf"), AMMIT_ASK_LIST=str(folder / "ammit-ask.lst"),
               AMMIT_FAST_LIST=str(folder / "ammit-ask.lst"))
    got = subprocess.run([HAPROXY, "-c", "-f", configuration], capture_output=True, text=True, timeout=PATIENCE_S,
                         env=env, cwd=folder)
    said = (got.stdout + got.stderr).replace("Configuration file is valid", "").strip()
    assert got.returncode == 0 and said == "", said


@pytest.mark.parametrize("style", ["any", "this"])
def test_every_part_is_accepted(tmp_path, options, style):
    """For any version, and for the one that is here."""
    more = options + (["--haproxy", version()] if style == "this" else [])
    for part, file in PARTS.items():
        if not (ROOT / "haproxy" / file).exists():
            got = run_ammit("haproxy", part, *more)
            assert got.returncode == 1 and "%s is not in this build" % file in got.stderr
            continue
        (tmp_path / file).write_text(printed(part, *more))
        if style == "this":
            assert "version_atleast" not in (tmp_path / file).read_text()
    for file in ("edge.cfg", "edge-fast.cfg", "onion.cfg", "homelab.cfg"):
        if (tmp_path / file).exists():
            accepted(tmp_path, tmp_path / file)


def test_a_style_is_one_version(tmp_path):
    """3.2 says mode spop; 2.6, which has none, does not."""
    old, new = printed("edge", "--haproxy", "2.6"), printed("edge", "--haproxy", "3.2")
    assert re.search(r"^    mode +tcp$", old, re.M) and not re.search(r"^    mode +spop$", old, re.M)
    assert re.search(r"^    mode +spop$", new, re.M) and not re.search(r"^    mode +tcp$", new, re.M)


@pytest.mark.parametrize("style", ["2.6", "2.8", "3.0", "3.2"])
def test_no_condition_on_versions_is_left(style):
    for part, file in PARTS.items():
        if part != "ask" and (ROOT / "haproxy" / file).exists():
            words = re.findall(r"^\.(\w+)(.*)$", printed(part, "--haproxy", style), re.M)
            assert not [w for w in words if "version" in w[1]], file
            assert {w[0] for w in words} <= {"if", "else", "endif"}, file
            assert [w[0] for w in words].count("if") == [w[0] for w in words].count("endif"), file


def test_the_shipped_list_is_the_default_policys():
    assert (ROOT / "haproxy/ammit-ask.lst").read_text() == printed("ask")


@pytest.mark.parametrize("part", ["edge", "edge-fast", "onion", "homelab"])
def test_the_shipped_files_are_the_default_policys(part):
    """Fingerprint, rate, level and the captured headers of edge-fast.cfg among it: what is stale there
    is printed right."""
    assert printed(part).splitlines() == (ROOT / "haproxy" / PARTS[part]).read_text().splitlines()


def test_haproxy_takes_the_list(tmp_path, options):
    (tmp_path / "ask.lst").write_text(printed("ask", *options))
    (tmp_path / "ask.cfg").write_text(
        "defaults\n mode http\n timeout client 1s\n timeout connect 1s\n timeout server 1s\nfrontend f\n"
        " bind unix@%s/f.sock\n http-request deny if { pathq -m reg -f %s/ask.lst }\n" % (tmp_path, tmp_path))
    accepted(tmp_path, tmp_path / "ask.cfg")


def test_written_to_a_folder(tmp_path):
    got = run_ammit("haproxy", "-o", tmp_path)
    assert got.returncode == 0, got.stderr
    assert {f.name for f in tmp_path.iterdir()} == {"ammit.spoe.conf", "edge.cfg"}
    assert (tmp_path / "edge.cfg").read_text() == printed("edge")
    accepted(tmp_path, tmp_path / "edge.cfg")
    (tmp_path / "edge.cfg").write_text("mine")
    (tmp_path / "ammit.spoe.conf").unlink()
    got = run_ammit("haproxy", "-o", tmp_path)
    assert got.returncode == 1 and "edge.cfg: File exists" in got.stderr
    assert (tmp_path / "edge.cfg").read_text() == "mine"


@pytest.mark.parametrize("arguments, said", [
    (["edge", "--haproxy", "1.9"], "known are 2.6 2.8 3.0 3.2"),
    (["edeg"], "no part called edeg"),
    (["edge", "spoe"], "one part at a time"),
    (["edge", "--policy"], "a value is missing behind --policy"),
    (["edge", "--polcy", "x"], "no option --polcy"),
    (["jwt-keys"], "needs --state-dir DIR"),
    (["jwt-keys", "--state-dir", "/nowhere"], "/nowhere/key: No such file or directory"),
    (["edge", "-o", "/nowhere"], "/nowhere/edge.cfg: No such file or directory: make the folder"),
    ([], "usage: ammit haproxy PART"),
])
def test_what_is_wrong_is_said(arguments, said):
    got = run_ammit("haproxy", *arguments)
    assert got.returncode == 1 and said in got.stderr and got.stdout == "", got.stderr


def test_a_bad_policy_prints_its_problems(tmp_path):
    (tmp_path / "policy.yaml").write_text("bots:\n- name: a\n  path_regex: ^/(\n  action: DENY\n")
    got = run_ammit("haproxy", "spoe", "--policy", tmp_path / "policy.yaml")
    assert got.returncode == 1 and "policy.yaml:3" in got.stderr and "path_regex" in got.stderr and got.stdout == ""


def test_who_cannot_be_remembered_is_said(tmp_path):
    (tmp_path / "policy.yaml").write_text("bots:\n- name: a\n  expression: path == host\n  action: DENY\n")
    got = run_ammit("haproxy", "ask", "--policy", tmp_path / "policy.yaml")
    assert got.returncode == 0 and "nobody is remembered at 1 of 1 sites" in got.stderr
    assert re.search(r"^# never remembered because of bot/a \(.*policy\.yaml:2\): it computes with the path", got.stdout, re.M)


class Printed(Edge):
    """HAProxy with the configuration that was printed for a policy."""

    def __init__(self, box, ammit, policy):
        super().__init__(box, ammit.spop, ammit.http, box.site().address)
        spoe = printed("spoe", "--policy", policy, "--haproxy", version())
        spoe = re.sub(r"(timeout processing +)50ms", r"\g<1>2s", spoe)
        (box.path / "ammit.spoe.conf").write_text(spoe)
        (box.path / "edge.cfg").write_text(printed("edge", "--policy", policy, "--haproxy", version()))
        self.command = [HAPROXY, "-db", "-f", str(box.path / "edge.cfg")]


def earned(edge):
    """A pass, by the name that this policy gives its cookie."""
    puzzle = Puzzle(edge.get("/", BROWSER))
    got = edge.post("/.ammit/pass", {"ticket": puzzle.ticket, "solution": puzzle.solve(), "back": "/"})
    name, _, value = got.headers["Set-Cookie"].split(";")[0].partition("=")
    assert got.status == 303 and name == "site-pass"
    return value


def start(box, ammit):
    return box.keep(Printed(box, ammit, box.path / "policy.json")).start()


def test_it_runs(box):
    """A visitor is challenged, passes, and has the cookie of this policy; its header rules hold; and its
    robots.txt is served."""
    edge = start(box, box.ammit(OWN))
    assert edge.get("/", dict(BROWSER, Cookie="site-pass=" + earned(edge))).from_site
    assert edge.get("/", dict(BROWSER, **{"X-Api-Key": "right"})).from_site, "a header that the shipped file does not send"
    assert not edge.get("/", dict(BROWSER, **{"X-Api-Key": "wrong"})).from_site
    assert edge.get("/", dict(CURL, Accept="odd")).status == 403
    assert edge.get("/secret/").status == 403
    assert not edge.get("/robots.txt").from_site


def test_what_the_policy_does_not_read_is_not_sent(box):
    agent = box.agent(lambda arguments: {"verdict": "allow", "rule": "default/allow"})
    (box.path / "policy.json").write_text(json.dumps(OWN))

    class Fake:
        spop, http = agent.address, "unix@%s/none.sock" % box.path

    edge = start(box, Fake)
    headers = dict(BROWSER, **{"X-Api-Key": "k" * 300, "Sec-Fetch-Site": "none", "Cookie": "site-pass=" + "c" * 2000})
    assert edge.get("/?" + "q" * 2000, headers).from_site
    seen = agent.seen[-1]
    assert {n for n in seen if n.startswith("hdr.")} == {"hdr.x-api-key", "hdr.accept"}
    assert "tls.version" not in seen
    # One byte behind the limit, so that Ammit sees that it was cut.
    for name, length in {"hdr.x-api-key": 257, "query": 1025, "pass": 1025}.items():
        assert len(seen[name]) == length, name


def test_passes_are_counted_for_who_reads_it(tmp_path):
    """On the way without a question too; and its list is not that of a policy that does not."""
    (tmp_path / "policy.json").write_text(json.dumps(OWN))
    own = ["--policy", tmp_path / "policy.json"]
    assert '\n    presetenv AMMIT_FAST_PASSES "1"' in printed("edge-fast", *own)
    assert '\n    #presetenv AMMIT_FAST_PASSES "1"' in printed("edge-fast")
    assert " pass.rate" in printed("ask", *own).splitlines()[2] and "pass.rate" not in printed("ask").splitlines()[2]


def test_remember(box):
    """Only with the fingerprint of the list of the policy in force, and a good pass; another one is said once."""
    ammit = box.ammit(OWN)
    edge = start(box, ammit)
    cookie = earned(edge)
    fingerprint = re.search(r"^# fingerprint ([0-9a-f]{16})$", printed("ask", "--policy", box.path / "policy.json"), re.M)[1]
    visitor = {"src": ("ip", "127.0.0.1"), "host": "example.org", "ua": BROWSER["User-Agent"], "pass": cookie,
               "rate": ("uint32", 30), "pass.rate": ("uint32", 1), "fast": fingerprint}
    with ammit.client() as client:
        ask = lambda **changes: client.ask(**dict(visitor, **changes))
        assert ask()["remember"] == 10
        for change in ({"fast": None}, {"pass": None}, {"rate": ("uint32", 31)}, {"host": "example.net"},
                       {"hdr_accept": "odd"}, {"pass.rate": None}):
            assert "remember" not in ask(**change), change
        for _ in range(3):
            assert "remember" not in ask(fast="0123456789abcdef")
    assert ammit.output().count("fast_stale want=" + fingerprint) == 1


def test_jwt_keys_check_a_pass(box):
    """The secret is the one that passes are signed with, and is found by their kid."""
    ammit = box.ammit(OWN)
    edge = start(box, ammit)
    cookie = earned(edge)
    head, claims, signature = cookie.split(".")
    said = printed("jwt-keys", "--state-dir", ammit.state)
    values = dict(re.findall(r'^    setenv (\w+) "([0-9a-f]+)"$', said, re.M))
    assert len(values["AMMIT_FAST_SECRET"]) == 64 and "can make passes" in said
    pad = lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
    assert json.loads(pad(head))["kid"] == values["AMMIT_FAST_KID"]
    digest = hmac.new(values["AMMIT_FAST_SECRET"].encode(), ("%s.%s" % (head, claims)).encode(), hashlib.sha256).digest()
    assert digest == pad(signature)
    run_ammit("rotate", "--state-dir", ammit.state)
    again = dict(re.findall(r'^    setenv (\w+) "([0-9a-f]+)"$', printed("jwt-keys", "--state-dir", ammit.state), re.M))
    assert again["AMMIT_FAST_SECRET_OLD"] == values["AMMIT_FAST_SECRET"] != again["AMMIT_FAST_SECRET"]
