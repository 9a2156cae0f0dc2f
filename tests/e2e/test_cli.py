"""The command line: help, checks, refusals with the reason, sockets and the key file."""

import json
import os
import signal
import socket
import stat
import subprocess

import pytest

import spop
from conftest import AMMIT, POLICY, ROOT, Ammit, Process, run_ammit, wait_until


@pytest.mark.parametrize("command", [[], ["run"], ["check"], ["explain"], ["replay"], ["import-robots"], ["rotate"],
                                     ["ctl"], ["top"]])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(command, flag):
    got = run_ammit(*command, flag)
    assert got.returncode == 0 and not got.stderr
    assert "usage: ammit" in got.stdout
    assert all(len(line) <= 100 for line in got.stdout.splitlines())


def test_help_names_every_command():
    listed = run_ammit("--help").stdout
    for command in ("run", "check", "explain", "replay", "import-robots", "rotate", "ctl", "top"):
        assert "\n  %s " % command in listed


def test_version():
    got = run_ammit("--version")
    assert got.returncode == 0
    assert got.stdout.startswith("ammit ") and got.stdout.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["check"], ["run", "--nonsense"], ["explain", "--nonsense"],
                                       ["replay"], ["replay", "--nonsense"], ["import-robots"], ["import-robots", "--nonsense"],
                                       ["ctl"], ["ctl", "frobnicate"], ["ctl", "dns"], ["ctl", "stat", "more"],
                                       ["ctl", "dns", "show", "a b"], ["ctl", "--control", "nowhere", "stat"],
                                       ["top", "--nonsense"], ["top", "--interval", "0"], ["top", "--interval"]])
def test_wrong_use(arguments):
    got = run_ammit(*arguments)
    assert got.returncode == 1 and got.stderr and not got.stdout


def test_check_good(tmp_path):
    file = tmp_path / "good.json"
    file.write_text(json.dumps(POLICY))
    got = run_ammit("check", file, ROOT / "policies/default.yaml")
    assert got.returncode == 0, got.stderr
    assert "%s: good: 5 rules" % file in got.stdout


def test_check_prints_every_error(tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(
        '{"bots": [\n'
        '  {"name": "a", "user_agent_regex": "(unclosed", "action": "DENY"},\n'
        '  {"name": "b", "path_regex": ".", "action": "FROB"},\n'
        '  {"name": "c", "action": "DENY"},\n'
        '  {"name": "d", "remote_addresses": ["10.0.0.0/99"], "action": "ALLOW"}\n'
        "]}\n"
    )
    other = tmp_path / "broken.json"
    other.write_text('{"bots": [}')
    got = run_ammit("check", file, other, tmp_path / "missing.json")
    assert got.returncode == 1
    said = got.stderr
    for line in (2, 3, 4, 5):
        assert "bad.json:%d" % line in said, said
    assert "bots[1].action" in said and "bots[3].remote_addresses[0]" in said
    assert "broken.json:1" in said and "missing.json" in said


def test_run_refuses_a_bad_start_with_all_errors(tmp_path):
    """Wrong options and a wrong policy: everything in one go, exit 1, nothing started."""
    got = run_ammit("run", "--workers", "0", "--spop", "nowhere", "--frob", "--spop-mode", "999")
    assert got.returncode == 1
    for part in ("workers", "nowhere", "--frob", "999"):
        assert part in got.stderr
    bad = tmp_path / "bad.json"
    bad.write_text(
        '{"bots": [{"name": "a", "path_regex": "(", "action": "DENY"},\n{"name": "b", "path_regex": ".", "action": "X"}]}'
    )
    spop_path = tmp_path / "s"
    got = run_ammit("run", "--policy", bad, "--spop", "unix@%s" % spop_path, "--http",
                    "unix@%s" % (tmp_path / "h"), "--state-dir", tmp_path / "state")
    assert got.returncode == 1
    assert "bad.json:1" in got.stderr and "bad.json:2" in got.stderr
    assert not spop_path.exists()


def start_beside(box, spop_address=None, http_address=None, state=None):
    """A second ammit: its exit status and what it said."""
    got = run_ammit("run", "--spop", spop_address or "unix@%s/2.sock" % box.path, "--http",
                    http_address or "unix@%s/2h.sock" % box.path, "--state-dir", state or box.path / "state")
    return got.returncode, got.stderr


def test_socket_of_a_living_process_is_not_taken(box):
    ammit = box.ammit()
    status, said = start_beside(box, spop_address=ammit.spop)
    assert status == 1 and "in use" in said and str(ammit.handle.pid) in said
    status, said = start_beside(box, http_address=ammit.http)
    assert status == 1 and "in use" in said
    with ammit.client() as client:
        assert client.ask()["verdict"] == "allow"


def test_stale_socket_is_replaced(box):
    ammit = box.ammit()
    ammit.kill()
    assert os.path.exists(ammit.spop[5:]) and os.path.exists(ammit.http[5:])
    ammit.start()
    with ammit.client() as client:
        assert client.ask()["verdict"] == "allow"


def test_a_file_that_is_no_socket_is_not_removed(box):
    file = box.path / "precious"
    file.write_text("data")
    status, said = start_beside(box, spop_address="unix@%s" % file)
    assert status == 1 and str(file) in said
    assert file.read_text() == "data"


def test_taken_port(box):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = "127.0.0.1:%d" % holder.getsockname()[1]
        status, said = start_beside(box, spop_address=address)
    assert status == 1 and address in said and "in use" in said
    # By whom: this process.
    assert str(os.getpid()) in said


def test_socket_modes(box):
    ammit = box.keep(Ammit(box, POLICY, None, None, None, "--spop-mode", "0600")).start()
    assert stat.S_IMODE(os.stat(ammit.spop[5:]).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(ammit.http[5:]).st_mode) == 0o660


def test_key_file_is_made_for_us_alone(box):
    ammit = box.ammit()
    key = box.path / "state" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) & 0o077 == 0
    before = key.read_text()
    ammit.stop()
    ammit.start()
    assert key.read_text() == before, "a new key at each start would void all passes"
    secret = [line for line in before.splitlines() if line and not line.startswith("#")]
    assert all(line not in ammit.output() for line in secret)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_key_file_that_others_may_read_is_refused(box, mode):
    box.ammit().stop()
    key = box.path / "state" / "key"
    key.chmod(mode)
    status, said = start_beside(box)
    assert status == 1 and "chmod 600" in said and str(key) in said


@pytest.mark.parametrize("text", ["", "nonsense\n", "00\n", "g" * 64 + "\n"])
def test_broken_key_file_is_refused(box, text):
    state = box.path / "state"
    state.mkdir(mode=0o700)
    (state / "key").write_text(text)
    (state / "key").chmod(0o600)
    status, said = start_beside(box)
    assert status == 1 and "key" in said
    assert (state / "key").read_text() == text


def test_state_folder_that_cannot_be(box):
    (box.path / "file").write_text("")
    status, said = start_beside(box, state=box.path / "file" / "state")
    assert status == 1 and str(box.path / "file") in said


def test_embedded_policy_without_a_file(box):
    ammit = box.ammit(None)
    with ammit.client() as client:
        assert client.ask(1, ua="GPTBot/1.0")["verdict"] == "deny"
        assert client.ask(2, ua="curl/7.88.1")["verdict"] == "allow"


def test_rotate(box):
    ammit = box.ammit()
    key = box.path / "state" / "key"

    def keys():
        return [x for x in key.read_text().splitlines() if x and not x.startswith("#")]

    first = keys()
    got = run_ammit("rotate", "--state-dir", box.path / "state")
    assert got.returncode == 0, got.stderr
    assert len(first) == 1 and len(keys()) == 2 and keys()[1] == first[0]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    ammit.signal(signal.SIGHUP)
    wait_until(lambda: "keys=2" in ammit.output(), "the reload")


def test_explain():
    got = run_ammit("explain", "--header", "User-Agent: GPTBot/1.0", "--json")
    assert got.returncode == 0
    said = json.loads(got.stdout)
    assert said["verdict"] == "deny" and said["rule"].startswith("bot/") and said["matched"]
    assert run_ammit("explain", "--header", "User-Agent: GPTBot/1.0").stdout.count("deny") >= 1
    assert run_ammit("explain", "--src", "nonsense").returncode == 1


def test_config_file(box):
    conf = box.path / "ammit.conf"
    conf.write_text(
        "# a comment\nspop unix@%s/c.sock\nhttp unix@%s/d.sock\nstate-dir %s/state\nworkers 1\n" % ((box.path,) * 3)
    )
    got = run_ammit("check", conf)
    assert got.returncode == 0, got.stderr
    process = box.keep(Process("ammit", [AMMIT, "run", "-c", conf], box.path / "ammit.log"))
    process.start()
    wait_until(lambda: " ready " in process.output(), "ammit to be ready")
    with spop.Client("unix@%s/c.sock" % box.path) as client:
        assert client.ask()["verdict"] == "allow"
    conf.write_text("spop nowhere\nfrob 1\nworkers many\n")
    got = run_ammit("check", conf)
    assert got.returncode == 1
    for line in (1, 2, 3):
        assert "ammit.conf:%d" % line in got.stderr


def test_the_build_is_the_one_that_was_asked_for():
    """A run with SAN= that tests a plain build would prove nothing."""
    linked = subprocess.run(["ldd", AMMIT], capture_output=True, text=True).stdout
    wanted = os.environ.get("SAN", "").split(",")
    for name, library in {"address": "libasan", "undefined": "libubsan", "thread": "libtsan"}.items():
        assert (name in wanted) == (library in linked)
