"""The control socket of the real daemon: metrics, the DNS cache, reload; `ammit ctl` and `ammit top`."""

import contextlib
import fcntl
import grp
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import termios
import time

import pytest

import dns_servers
from conftest import AMMIT, PATIENCE_S, POLICY, ROOT, Ammit, for_others, free_port, run_ammit, wait_until

LISTED, CLEAN = "5.6.7.8", "5.6.7.9"
BLOCKLIST = {
    "bots": [{"name": "nobody", "user_agent_regex": "^NobodyHasThis$", "action": "DENY"}],
    "thresholds": [],
    "dnsbl": [{"zone": "bl.test", "codes": {"127.0.0.9": {"weight": 5, "name": 'HTTP "proxy"'}, "default": 5}}],
    "dns": {"budget_ms": 1000},
}


def answer(name, kind, transport):
    if name.startswith("1.0.0.127."):
        return dns_servers.nxdomain(name, kind)
    if name.startswith("2.0.0.127."):
        return dns_servers.a(name, kind, ["127.0.0.2"])
    if name == dns_servers.reverse(LISTED, "bl.test"):
        return dns_servers.a(name, kind, ["127.0.0.9"])
    return dns_servers.nxdomain(name, kind)


class Control:
    """The socket of one daemon, by `ammit ctl` and by HTTP."""

    def __init__(self, box, policy, *more):
        self.path = box.path / "control.sock"
        self.address = "unix@%s" % self.path
        self.ammit = box.ammit(policy, None, None, None, "--control", self.address, *more)

    def ctl(self, *arguments):
        return run_ammit("ctl", "--control", self.address, *arguments)

    def http(self, method, target, **headers):
        """Status, headers, body."""
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE_S)
        connection.sock.connect(str(self.path))
        connection.request(method, target, headers=headers)
        got = connection.getresponse()
        body = got.read().decode()
        connection.close()
        return got.status, got.headers, body

    def metrics(self):
        return parse(self.http("GET", "/metrics")[2])


SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? ([0-9.+e-]+)')


def parse(text):
    """{name{labels}: value}; every line must be right, and every family behind its HELP and TYPE."""
    out, family = {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family and line.split()[3] in ("counter", "gauge", "histogram")
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert re.fullmatch(family + "(_bucket|_sum|_count)?", match[1]), line
            assert match[1] + (match[2] or "") not in out, line
            out[match[1] + (match[2] or "")] = float(match[3])
    return out


@pytest.fixture
def dns():
    server = dns_servers.FakeDns(answer)
    yield server
    server.close()


@pytest.fixture
def control(box, dns):
    return Control(box, BLOCKLIST, "--dns", dns.address)


def ask(control, *sources):
    with control.ammit.client() as client:
        for i, src in enumerate(sources):
            client.ask(1 + i, src=("ip", src))


def test_metrics_grow(control, dns):
    before = control.metrics()
    assert before["ammit_policy_rules"] == 1
    assert before['ammit_dnsbl_lookups_total{zone="bl.test"}'] == 0
    ask(control, LISTED, CLEAN, LISTED, LISTED)
    after = control.metrics()
    assert set(before) <= set(after)
    verdicts = sum(after[k] - before[k] for k in after if k.startswith("ammit_verdicts_total{"))
    assert verdicts == 4
    assert after['ammit_dnsbl_lookups_total{zone="bl.test"}'] == 4
    assert after['ammit_dnsbl_cached_total{zone="bl.test"}'] == 2
    assert after['ammit_dnsbl_listed_total{zone="bl.test",code="HTTP \\"proxy\\""}'] == 3
    assert after['ammit_dnsbl_listed_total{zone="bl.test",code="other"}'] == 0
    assert after['ammit_dns_waits_total{result="answered"}'] == 2
    assert after["ammit_dns_wait_seconds_count"] == 2
    server = '{server="%s"}' % dns.address
    assert after["ammit_dns_server_up" + server] == 1
    assert after["ammit_dns_server_answers_total" + server] >= 2
    assert after['ammit_dns_server_seconds_bucket{server="%s",le="+Inf"}' % dns.address] == \
        after["ammit_dns_server_seconds_count" + server]
    assert control.http("GET", "/metrics")[1]["Content-Type"].startswith("text/plain; version=0.0.4")
    said = control.ctl("metrics")
    assert said.returncode == 0 and set(parse(said.stdout)) == set(after)
    assert "verdicts: allow" in control.ctl("stat").stdout and "zone bl.test: 4 lookups" in control.ctl("stat").stdout


def test_dns_show_and_flush(control, dns):
    ask(control, LISTED, CLEAN)
    listed, clean = (dns_servers.reverse(x, "bl.test") for x in (LISTED, CLEAN))
    said = control.ctl("dns", "show")
    assert said.returncode == 0, said.stderr
    assert re.search(r"^A %s found \d+ 127\.0\.0\.9$" % re.escape(listed), said.stdout, re.M)
    assert re.search(r"^A %s none \d+$" % re.escape(clean), said.stdout, re.M)
    assert re.search(r"^# entries=[1-9]\d* bytes=\d+ of=\d+ workers=2$", said.stdout.splitlines()[-1])
    part = control.ctl("dns", "show", "8.7.6.5.BL").stdout
    assert listed in part and clean not in part
    asked = dns.asked.count((listed, "A"))
    ask(control, LISTED)
    said = control.ctl("dns", "flush")
    assert said.returncode == 0 and "forgotten: " in said.stdout
    assert control.ctl("dns", "show").stdout.splitlines()[-1].startswith("# entries=0 ")
    assert parse(control.ctl("metrics").stdout)["ammit_dns_cache_entries"] == 0
    # What was forgotten is asked again.
    ask(control, LISTED)
    assert dns.asked.count((listed, "A")) > asked


def test_reload(box, control):
    file = box.path / "policy.json"
    good = json.loads(file.read_text())
    good["bots"].append({"name": "secret", "path_regex": "^/secret/", "action": "DENY"})
    file.write_text(json.dumps(good))
    said = control.ctl("reload")
    assert said.returncode == 0 and "reloaded: 2 rules" in said.stdout, said.stderr
    assert control.metrics()["ammit_policy_rules"] == 2
    good["bots"][0]["user_agent_regex"] = "("
    file.write_text(json.dumps(good))
    said = control.ctl("reload")
    assert said.returncode == 1 and not said.stdout
    assert str(file) in said.stderr and "user_agent_regex" in said.stderr and "runs on" in said.stderr
    assert control.metrics()["ammit_policy_rules"] == 2
    assert control.http("POST", "/reload")[0] == 422
    ask(control, CLEAN)
    # And by signal, which control sees, too.
    del good["bots"][0]
    file.write_text(json.dumps(good))
    control.ammit.signal(signal.SIGHUP)
    wait_until(lambda: control.metrics()["ammit_policy_rules"] == 1, "the reload")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"},
                                     {"Host": "evil.example"}, {"Host": "rebound.example:9210"}])
def test_pages_of_a_browser_are_refused(control, headers):
    for target in ("/reload", "/dns/flush"):
        status, got, body = control.http("POST", target, **headers)
        assert status == 403 and body.count("\n") == 1
        assert "Access-Control-Allow-Origin" not in got
    assert control.http("GET", "/dns", **headers)[0] == 403
    assert "reloaded" not in control.ammit.output()


def test_reading_changes_nothing(control):
    for target in ("/reload", "/dns/flush"):
        status, got, body = control.http("GET", target)
        assert (status, got["Allow"]) == (405, "POST") and "POST" in body
    assert control.http("GET", "/")[0] == 404
    assert "reloaded" not in control.ammit.output()


def test_only_its_owner_may(box, control):
    assert stat.S_IMODE(os.stat(control.path).st_mode) == 0o600
    control.ammit.stop()
    assert not control.path.exists()
    said = control.ctl("stat")
    assert said.returncode == 1 and "no daemon listens" in said.stderr and "ammit run" in said.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
def test_no_permission(box, control):
    said = run_ammit("ctl", "--control", control.address, "stat", program=for_others(box),
                     user=65534, group=65534, extra_groups=[])
    assert said.returncode == 1 and "permission denied" in said.stderr and "control-group" in said.stderr


def test_mode_and_group(box):
    control = Control(box, POLICY, "--control-mode", "0640")
    assert stat.S_IMODE(os.stat(control.path).st_mode) == 0o640
    got = run_ammit("run", "--control-group", "nosuchgroup", "--state-dir", box.path / "state", "--spop",
                    "unix@%s/2" % box.path, "--http", "unix@%s/3" % box.path)
    assert got.returncode == 1 and "nosuchgroup" in got.stderr


@pytest.mark.parametrize("member", [True, False])
def test_haproxys_group_without_being_root(box, member):
    """As the service runs: by its own user, in HAProxy's group; the sockets are for that group then."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    try:
        haproxy = grp.getgrnam("haproxy").gr_gid
    except KeyError:
        pytest.skip("no group haproxy: tests/deps.sh installs Debian's HAProxy")
    ammit = Ammit(box)
    os.chown(box.path, 65534, 65534)
    os.chmod(box.path / "policy.json", 0o644)
    groups = "--groups=%d" % haproxy if member else "--clear-groups"
    ammit.command[0:1] = ["setpriv", "--reuid=65534", "--regid=65534", groups, str(for_others(box))]
    box.keep(ammit).start()
    for address in (ammit.spop, ammit.http, ammit.drip):
        got = os.stat(address[5:])
        assert got.st_gid == (haproxy if member else 65534) and stat.S_IMODE(got.st_mode) == 0o660


def test_the_socket_of_the_options_file(box):
    """ctl and top find what `ammit run` with the same file and environment would listen at."""
    run = box.path / "run"
    run.mkdir()
    conf = box.path / "ammit.conf"
    conf.write_text("spop unix@%s/s\nhttp unix@%s/h\nstate-dir %s/state\nworkers 1\n" % ((box.path,) * 3))
    env = dict(os.environ, RUNTIME_DIRECTORY=str(run))
    log = box.path / "conf.log"
    with open(log, "wb") as out:
        handle = subprocess.Popen([str(AMMIT), "run", "-c", conf], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                  env=env, cwd=ROOT)
    try:
        wait_until(lambda: " ready " in log.read_text(), "ammit to be ready")
        assert stat.S_IMODE(os.stat(run / "control.sock").st_mode) == 0o600
        for words in (["ctl", "-c", conf, "stat"], ["top", "--once", "-c", conf]):
            said = run_ammit(*words, env=env)
            assert said.returncode == 0, said.stderr
    finally:
        handle.terminate()
        assert handle.wait(PATIENCE_S) == 0
    conf.write_text(conf.read_text() + "control off\n")
    said = run_ammit("ctl", "-c", conf, "stat")
    assert said.returncode == 1 and "control is off" in said.stderr


def test_off_and_taken(box):
    ammit = box.ammit(POLICY, None, None, None, "--control", "off")
    assert " control=off " in ammit.output()
    # An address that was asked for must be had.
    got = run_ammit("run", "--control", ammit.spop, "--spop", "unix@%s/2" % box.path, "--http",
                    "unix@%s/3" % box.path, "--state-dir", box.path / "state")
    assert got.returncode == 1 and "control" in got.stderr and "in use" in got.stderr


def test_tcp(box):
    port = free_port()
    box.ammit(POLICY, None, None, None, "--control", "127.0.0.1:%d" % port)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/metrics")
    assert parse(connection.getresponse().read().decode())["ammit_policy_rules"] == 5
    connection.request("POST", "/reload")
    got = connection.getresponse()
    assert got.status == 200 and b"reloaded" in got.read()
    assert run_ammit("ctl", "--control", "127.0.0.1:%d" % port, "stat").returncode == 0


# -- top


def test_top_once(control, dns):
    ask(control, LISTED, CLEAN)
    said = run_ammit("top", "--once", "--control", control.address)
    assert said.returncode == 0, said.stderr
    assert "\033" not in said.stdout and all(len(line) <= 80 for line in said.stdout.splitlines())
    assert re.search(r"^%s +[\d.]+ +[\d.]+ +0\.0 .* up$" % re.escape(dns.address), said.stdout, re.M)
    assert re.search(r'^bl\.test .*  HTTP "proxy" 1$', said.stdout, re.M), said.stdout


def until_drawn(screen, what):
    """What came until `what` did."""
    came = b""
    end = time.monotonic() + PATIENCE_S
    while what not in came and time.monotonic() < end:
        if select.select([screen], [], [], 0.1)[0]:
            came += os.read(screen, 65536)
    assert what in came, came
    return came


@contextlib.contextmanager
def top_on_a_terminal(address, env=None):
    """The process, and the other end of its terminal; which it must give back as it was."""
    try:
        screen, slave = pty.openpty()
    except OSError as error:
        pytest.skip("no terminal can be had here: %s" % error)
    before = termios.tcgetattr(slave)
    top = subprocess.Popen([str(AMMIT), "top", "--control", address], stdin=slave, stdout=slave, stderr=slave,
                           env=env, start_new_session=True,
                           preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    try:
        yield top, screen
        assert termios.tcgetattr(slave) == before
    finally:
        if top.poll() is None:
            top.kill()
            top.wait()
        os.close(screen)
        os.close(slave)


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("ending", [b"q", b"\x03"])
def test_top_on_a_terminal(control, colour, ending):
    """Redraws and keeps to 24 lines."""
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    if not colour:
        env["NO_COLOR"] = "1"
    with top_on_a_terminal(control.address, env) as (top, screen):
        drawn = until_drawn(screen, b"of 1.")
        assert drawn.startswith(b"\033[?1049h") and b"BLOCKLIST" in drawn
        assert (b"\033[1m" in drawn) == colour
        assert drawn.split(b"\033[H")[1].count(b"\r\n") <= 23
        os.write(screen, ending)
        until_drawn(screen, b"\033[?1049l")
        assert top.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("ending", [b"q", b"\x03"])
def test_top_of_a_daemon_in_trouble(control, ending):
    """It says that there is no answer, goes on when there is one again, and can be ended all the while."""
    with top_on_a_terminal(control.address) as (top, screen):
        until_drawn(screen, b"BLOCKLIST")
        control.ammit.signal(signal.SIGSTOP)
        until_drawn(screen, b"no answer in time")
        control.ammit.signal(signal.SIGCONT)
        until_drawn(screen, b"BLOCKLIST")
        control.ammit.signal(signal.SIGSTOP)
        until_drawn(screen, b"no answer in time")
        os.write(screen, ending)
        until_drawn(screen, b"\033[?1049l")
        assert top.wait(PATIENCE_S) == 1
        control.ammit.signal(signal.SIGCONT)


def test_top_of_something_else(box):
    """The reason stays on the screen that was there before."""
    site = box.site()
    with top_on_a_terminal(site.address) as (top, screen):
        said = until_drawn(screen, b"no control socket of ammit")
        assert said.index(b"\033[?1049l") < said.index(b"no control socket")
        assert top.wait(PATIENCE_S) == 1
