"""Policies as an operator has them: YAML, lists in files, many sites, shadow, reloads under load, and
everything that can be wrong with a file."""

import json
import os
import re
import resource
import signal
import subprocess

import pytest

from conftest import AMMIT, BROWSER, CURL, PATIENCE_S, ROOT, SCRAPER, wait_until

SPOPLOAD = ROOT / os.environ.get("B", "build") / "tests/bench/spopload"


def reload(ammit, word=" reloaded "):
    before = ammit.output().count(word)
    ammit.signal(signal.SIGHUP)
    wait_until(lambda: ammit.output().count(word) > before, "the reload")


@pytest.mark.skipif(bool(os.environ.get("SAN")), reason="a sanitizer has memory of its own")
def test_memory_at_rest(box):
    """With the policy that it has in itself, and nobody there: under 12 MB."""
    ammit = box.ammit(None)
    status = open("/proc/%d/status" % ammit.handle.pid).read()
    assert int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1)) * 1024 < 12_000_000


def test_reload_under_full_load_loses_no_verdict(box):
    """spopload fails if an answer is missing, doubled or without a verdict, or a connection is lost."""
    policies = [box.path / "a.yaml", box.path / "b.yaml"]
    policies[0].write_text("bots: [{name: a, action: DENY, path_regex: .}]\n")
    policies[1].write_text("bots: [{name: b, action: ALLOW, expression: path != ''}]\n")
    live = box.path / "policy.yaml"
    live.write_bytes(policies[0].read_bytes())
    ammit = box.ammit(live)
    load = subprocess.Popen(
        [SPOPLOAD, "-a", ammit.spop, "-c", "8", "-d", "16", "-t", "4", "-m", "all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    reloads = 0
    while load.poll() is None:
        reloads += 1
        live.write_bytes(policies[reloads % 2].read_bytes())
        reload(ammit)
        if reloads % 5 == 0:
            live.write_text("bots: [")
            reload(ammit, "reload_refused")
    said = load.communicate(timeout=PATIENCE_S)[0]
    assert load.returncode == 0, said
    counts = dict(pair.split("=") for pair in said.split() if "=" in pair)
    assert int(counts["deny"]) > 0 and int(counts["allow"]) > 0 and int(counts["none"]) == 0, said
    assert reloads >= 5


def test_lists_are_read_again_and_a_broken_one_keeps_the_old(box):
    folder = box.path / "lists"
    folder.mkdir()
    (folder / "own.txt").write_text("# ours\n203.0.113.0/24\n")
    policy = box.path / "policy.yaml"
    policy.write_text("bots: [{name: listed, action: DENY, remote_addresses_file: lists/*.txt}]\n")
    ammit = box.ammit(policy)
    with ammit.client() as client:

        def verdict(stream, address):
            return client.ask(stream, src=("ip", address))["verdict"]

        assert verdict(1, "203.0.113.7") == "deny"
        assert verdict(2, "198.51.100.7") == "allow"
        (folder / "more.txt").write_text("198.51.100.0/24\n2001:db8::/32\n")
        reload(ammit)
        assert verdict(3, "198.51.100.7") == "deny"
        assert verdict(4, "2001:db8::1") == "deny"
        (folder / "more.txt").write_text("198.51.100.0/24\nno address\n")
        reload(ammit, "reload_refused")
        assert "more.txt:2" in ammit.output()
        assert verdict(5, "198.51.100.7") == "deny"


SITES = """
bots:
- {name: scraper, user_agent_regex: GPTBot, action: DENY}
- {name: browser, user_agent_regex: Mozilla, action: CHALLENGE, challenge: {algorithm: fast, difficulty: 1}}
- {name: trial, path_regex: ^/new, action: DENY, shadow: true}
hosts:
  trial.example.org: {shadow: true}
  '*.open.example.org': {inherit: false, bots: [{name: admin, path_regex: ^/admin, action: DENY}]}
"""


def test_sites_and_shadow_through_haproxy(box):
    policy = box.path / "sites.yaml"
    policy.write_text(SITES)
    edge = box.whole(policy)
    assert edge.get("/0", SCRAPER).status == 403
    assert edge.get("/1", BROWSER).challenged
    assert edge.get("/2", SCRAPER, host="Trial.example.org:80").from_site
    assert edge.get("/3", BROWSER, host="trial.example.org").from_site
    assert edge.get("/4", SCRAPER, host="a.open.example.org").from_site
    assert edge.get("/admin", CURL, host="a.open.example.org").status == 403
    assert edge.get("/admin", CURL, host="open.example.org").from_site
    assert edge.get("/new", CURL).from_site
    lines = wait_until(lambda: edge.lines()[7:] and edge.lines(), "the log lines")
    # HAProxy's threads write them in any order.
    line = {x.split()[2]: x for x in lines}
    assert "verdict=allow" in line["/2"] and "would=deny" in line["/2"] and "bot/scraper" in line["/2"]
    assert "would=challenge" in line["/3"]
    assert "verdict=allow" in line["/new"] and 'would=deny would_rule="bot/trial"' in line["/new"]
    assert "would=- " in line["/0"]


DEEP = 20000
BAD = {
    "imports itself": ("self.yaml", b"- import: self.yaml\n", "self.yaml imports itself"),
    "deep flow": ("deep.yaml", b"bots: " + b"[" * DEEP + b"]" * DEEP, "deep"),
    "deep blocks": ("blocks.yaml", b"bots:\n" + b"".join(b" " * i + b"-\n" for i in range(2000)), "deep"),
    "deep in one line": ("dashes.yaml", b"- " * DEEP + b"a", "deep"),
    "deep json": ("deep.json", b'{"bots": ' + b"[" * DEEP + b"]" * DEEP + b"}", "deep.json:1:"),
    "duplicate": ("twice.yaml", b"bots: []\nbots: []\n", "twice.yaml:2:"),
    "utf-8": ("utf8.yaml", b"bots:\n- name: \xff\n", "utf8.yaml:2:9"),
    "binary": ("binary.yaml", bytes(range(256)) * 100, "binary.yaml:1:"),
    "laughs": (
        "laughs.yaml",
        b"a: &a [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 108)),
        "laughs.yaml:",
    ),
    "regex": ("regex.yaml", b"bots: [{name: x, action: DENY, path_regex: '((a{1,1000}){1,1000}){1,1000}'}]", "bots[0].path_regex"),
    "lookahead": ("ahead.yaml", b"bots: [{name: x, action: DENY, path_regex: '(?=a)b'}]", "bots[0].path_regex"),
}


def check(*files):
    """`ammit check` with little memory and little time."""

    def limit():
        if not os.environ.get("SAN"):
            resource.setrlimit(resource.RLIMIT_AS, (768 << 20, 768 << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_S, PATIENCE_S))

    return subprocess.run(
        [AMMIT, "check", *map(str, files)], capture_output=True, text=True, timeout=3 * PATIENCE_S, preexec_fn=limit
    )


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_a_clear_error(box, name):
    file, content, want = BAD[name]
    (box.path / file).write_bytes(content)
    got = check(box.path / file)
    assert got.returncode == 1, got
    assert want in got.stderr, got.stderr[:2000]
    assert len(got.stderr) < 20000


def test_what_is_no_file(box):
    huge = box.path / "huge.yaml"
    with open(huge, "wb") as out:
        out.truncate(100 << 20)
    assert "huge.yaml" in check(huge).stderr
    assert check(box.path).returncode == 1 and "it is a folder" in check(box.path).stderr
    assert "No such file" in check(box.path / "gone.yaml").stderr
    secret = box.path / "secret.yaml"
    secret.write_text("bots: []")
    secret.chmod(0)
    if os.getuid() != 0:
        assert "ermission denied" in check(secret).stderr


def test_every_shipped_policy_is_good():
    files = sorted(x for x in (ROOT / "policies").rglob("*") if x.suffix in (".yaml", ".yml"))
    got = check(*files)
    # What needs a database of the operator's says so; the default policy is silent.
    said = [x for x in got.stderr.splitlines() if "name a database" not in x]
    assert got.returncode == 0 and said[:-1] == [], got.stderr[:3000]
    assert check(ROOT / "policies/default.yaml").stderr == ""
    assert got.stdout.count(": good: ") == len(files) > 80


def test_the_same_policy_in_json_and_yaml(box):
    policy = {"bots": [{"name": "x", "user_agent_regex": "Mozilla", "action": "WEIGH", "weight": {"adjust": 7}}]}
    (box.path / "p.json").write_text(json.dumps(policy))
    (box.path / "p.yaml").write_text("bots:\n- name: x\n  user_agent_regex: Mozilla\n  action: WEIGH\n  weight:\n    adjust: 7\n")
    said = []
    for name in ("p.json", "p.yaml"):
        command = [AMMIT, "explain", "--policy", box.path / name, "--json", "--header", "User-Agent: Mozilla/5.0"]
        said.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    assert said[0] == said[1] and said[0]["weight"] == 7
