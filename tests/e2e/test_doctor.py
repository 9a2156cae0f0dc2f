"""`ammit doctor` finds nothing in the shipped files behind a real HAProxy, and each fault that is
planted in them: that very one, with its fix."""

import contextlib
import http.server
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import AMMIT, HAPROXY, PATIENCE_S, POLICY, ROOT, Process, for_others, free_port, make_box, run_ammit, wait_until
from test_circuits import FakeTor, RealTor

RULE = {"name": "odd", "headers_regex": {"Accept": "^nothing$"}, "action": "DENY"}
READS_ACCEPT = dict(POLICY, bots=POLICY["bots"] + [RULE])


def another_user():
    """HAProxy's own, as Debian has it; only root can become it."""
    if os.geteuid() != 0:
        return None
    return next((u.pw_name for u in pwd.getpwall() if u.pw_name == "haproxy"), None)


def needs_another_user():
    if another_user() is None:
        pytest.skip("needs root, and a user haproxy that HAProxy becomes")


class Setup:
    """The files of a set-up in a box of its own, and what runs with them."""

    def __init__(self, box, **options):
        self.box, self.path = box, box.path
        (self.path / "run").mkdir()
        (self.path / "policy.json").write_text(json.dumps(READS_ACCEPT))
        self.options = {
            "policy": self.path / "policy.json", "state-dir": self.path / "state", "workers": 1,
            **{name: "unix@%s/run/%s.sock" % (self.path, name) for name in ("spop", "http", "drip", "control")},
        }
        self.options.update({name.replace("_", "-"): value for name, value in options.items()})
        self.conf, self.edge_cfg, self.spoe = (self.path / n for n in ("ammit.conf", "edge.cfg", "ammit.spoe.conf"))
        self.conf.write_text("".join("%s %s\n" % item for item in self.options.items()))
        self.edge_cfg.write_text((ROOT / "haproxy/edge.cfg").read_text())
        # Verdicts are not late here because a machine is busy; those who ask for it plant it.
        self.spoe.write_text((ROOT / "haproxy/ammit.spoe.conf").read_text().replace("50ms", "2s"))
        self.env = dict(
            os.environ,
            AMMIT_BIND="127.0.0.1:%d" % free_port(),
            AMMIT_SPOE_CONF=str(self.spoe),
            **{"AMMIT_" + n.upper(): str(self.options[n]) for n in ("spop", "http", "drip")},
        )
        if another_user():
            self.env["AMMIT_USER"] = another_user()

    def start(self, haproxy=True):
        self.ammit = self.box.keep(Process("ammit", [AMMIT, "run", "-c", self.conf], self.path / "ammit.log")).start()
        wait_until(lambda: " ready " in self.ammit.output() or not self.ammit.alive(), "ammit to be ready")
        assert self.ammit.alive(), self.ammit.output()
        if haproxy:
            self.haproxy = self.box.keep(
                Process("haproxy", [HAPROXY, "-W", "-db", "-f", self.edge_cfg], self.path / "haproxy.log", self.env)
            ).start()
            wait_until(lambda: not self.haproxy.alive() or self.haproxy_answers(), "HAProxy")
            assert self.haproxy.alive(), self.haproxy.output()
        return self

    def haproxy_answers(self):
        """It does when it has become another user, and listens before. No request, so nobody is asked."""
        host, port = self.env["AMMIT_BIND"].split(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), PATIENCE_S) as sock:
            sock.sendall(b"?\r\n\r\n")
            return sock.recv(1)

    def examine(self, *more, **changed):
        """By the files that are named; the others are those of the box."""
        arguments = ["doctor", "--json", "--haproxy", HAPROXY, "-c", changed.get("conf", self.conf)]
        arguments += ["--haproxy-cfg", changed.get("edge_cfg", self.edge_cfg), *more]
        got = run_ammit(*arguments, env=changed.get("env", self.env))
        assert not got.stderr, got.stderr
        return Report(got)


class Report:
    def __init__(self, got):
        self.status, self.text = got.returncode, got.stdout
        self.json = json.loads(got.stdout)
        self.lines = self.json["checks"]
        for result in ("ok", "warn", "fail", "skip"):
            assert self.json[result] == len(self.of(result))
        assert self.status == (1 if self.json["fail"] else 0)
        assert all(line["fix"] for line in self.lines if line["result"] in ("fail", "warn")), "a fault without a fix"

    def of(self, result):
        return [line for line in self.lines if line["result"] == result]

    def names(self, result):
        return {line["check"] for line in self.of(result)}

    def line(self, check):
        return max((line for line in self.lines if line["check"] == check),
                   key=lambda line: ["ok", "skip", "warn", "fail"].index(line["result"]))


@pytest.fixture(scope="module")
def setup():
    with make_box() as box:
        yield Setup(box).start()


# What may be said because the machine is busy, and not because of the set-up.
BUSY = {"live.weigh"}


def test_nothing_is_wrong_with_the_shipped_files(setup):
    got = setup.examine(env=bare())
    assert got.status == 0, got.text
    assert got.names("fail") == set() and got.names("skip") == set() and got.names("warn") <= BUSY, got.text
    assert len(got.names("ok")) >= 27
    # It is seen as the process sees it: nobody told the environment. A worker is what connects.
    pid, uid = map(int, re.search(r"pid (\d+), uid (\d+)", got.line("haproxy.program")["found"]).groups())
    assert "PPid:\t%d\n" % setup.haproxy.handle.pid in open("/proc/%d/status" % pid).read()
    assert uid == (pwd.getpwnam(another_user()).pw_uid if another_user() else os.geteuid())
    assert "open but for a list" in got.line("edge.failure")["found"]


def bare():
    return {name: value for name, value in os.environ.items() if not name.startswith("AMMIT_")}


def test_anybody_may_call_himself_haproxy(box):
    """Root is not to run programs with an environment that somebody else has made."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it is root that would be fooled")
    setup = Setup(box)
    evil = {"AMMIT_SPOE_CONF": "/tmp/evil.conf", "LD_PRELOAD": "/tmp/evil.so"}
    fake = subprocess.Popen(["haproxy", "-f", str(setup.edge_cfg)], executable="/usr/bin/tail", env=evil, user="nobody",
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: open("/proc/%d/cmdline" % fake.pid).read().startswith("haproxy"), "it to have that name")
        got = setup.examine()
        assert "pid %d" % fake.pid in got.line("haproxy.program")["found"]
        assert "evil" not in got.text and got.line("haproxy.filter")["result"] == "ok"
    finally:
        fake.kill()
        fake.wait()


@pytest.mark.parametrize("user", ["nobody", "root"])
def test_a_program_with_the_rights_of_root_is_no_haproxy(box, user):
    """What is set-user-ID root has root's rights, and name, arguments and environment of whoever starts it;
    some, as sudo, are root then by all their ids."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it is root that would be fooled")
    if os.statvfs(box.path).f_flag & os.ST_NOSUID:
        pytest.skip("needs a folder for temporary files where set-user-ID programs have their rights")
    setup = Setup(box)
    program = box.path / "tail"
    shutil.copy("/usr/bin/tail", program)
    program.chmod(0o4755)
    evil = {"AMMIT_SPOE_CONF": "/tmp/evil.conf", "LD_PRELOAD": "/tmp/evil.so"}
    fake = subprocess.Popen(["haproxy", "-f", str(setup.edge_cfg)], executable=str(program), env=evil, user=user,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: re.search(r"Uid:\t\d+\t0\t", open("/proc/%d/status" % fake.pid).read()), "it to have root's rights")
        got = setup.examine()
        assert "evil" not in got.text and got.line("haproxy.filter")["result"] == "ok", got.text
    finally:
        fake.kill()
        fake.wait()


SWITCHES = ["AMMIT_LOG_FULL", "AMMIT_ROBOTS", "AMMIT_SITE_PROXY"]


@pytest.mark.parametrize("switch", SWITCHES)
def test_nor_with_a_switch(setup, switch, tmp_path):
    got = setup.examine(edge_cfg=copy(setup, tmp_path)[0], env=dict(setup.env, **{switch: "v2"}))
    assert got.names("fail") == set() and got.names("warn") <= BUSY, got.text


WITH_FILTER = [f.name for f in sorted((ROOT / "haproxy").glob("*.cfg")) if "filter spoe engine ammit" in f.read_text()]


@pytest.mark.parametrize("switches", [False, True], ids=["as it stands", "all switches"])
@pytest.mark.parametrize("name", WITH_FILTER)
def test_every_shipped_file_is_understood(setup, tmp_path, name, switches):
    """Of those that other tests run, what the doctor reads by itself: all of it is right. What the
    switches would need (certificates, peers) is not here, so HAProxy is not asked."""
    file = tmp_path / name
    file.write_text((ROOT / "haproxy" / name).read_text())
    text = file.read_text() + setup.spoe.read_text()
    env = {n: v for n, v in setup.env.items() if n != "AMMIT_BIND"}
    if switches:
        env.update((s, "1") for s in re.findall(r"\.if defined\((AMMIT_\w+)\)", text) if s != "AMMIT_BIND")
    got = setup.examine("--haproxy", "/nonexistent", edge_cfg=file, env=env)
    own = {"haproxy.config", "haproxy.filter"} | {c["check"] for c in got.lines if c["check"][:5] in ("edge.", "spoe.")}
    assert len(own) >= 13
    assert all(line["result"] == "ok" for line in got.lines if line["check"] in own), got.text


@pytest.mark.parametrize("name", [n for n in WITH_FILTER if n != "edge.cfg" and "defined(AMMIT_BIND)" in (ROOT / "haproxy" / n).read_text()])
def test_a_file_beside_edge_cfg(setup, tmp_path, name):
    """haproxy -f edge.cfg -f NAME: a frontend more, with the backends that are there."""
    file = tmp_path / name
    file.write_text((ROOT / "haproxy" / name).read_text())
    got = setup.examine("--haproxy-cfg", file, edge_cfg=copy(setup, tmp_path)[0])
    assert got.names("fail") <= {"haproxy.accepts"} and got.names("warn") <= BUSY, got.text
    assert "in 2 frontends" in got.line("haproxy.filter")["found"]


def copy(setup, folder):
    """The files elsewhere, where no HAProxy runs with them."""
    for file in (setup.edge_cfg, setup.spoe, setup.conf):
        (folder / file.name).write_text(file.read_text())
    return folder / "edge.cfg", folder / "ammit.spoe.conf", folder / "ammit.conf"


EDGE, SPOE, CONF = range(3)
SERVER = r'(server  ammit "\$\{AMMIT_SPOP\}".*)'


def line_of(file, what):
    return (ROOT / file).read_text().split(what)[0].count("\n") + 1


# name, [(file, what, by what)], checks that fail, what is said, what is to be done
FAULTS = [
    ("uncapped", [(SPOE, r"(ua=req.fhdr\(user-agent\)),bytes\(0,513\)", r"\1")],
     {"spoe.caps"}, "ua has no end", "ua=req.fhdr(user-agent),bytes(0,513)"),
    ("capped where nobody sees it", [(SPOE, r"bytes\(0,513\)", "bytes(0,512)")],
     {"spoe.caps"}, "cut at 512", "bytes(0,513)"),
    ("a header uncapped", [(SPOE, r"(hdr.accept=req.fhdr\(accept\)),bytes\(0,257\)", r"\1")],
     {"spoe.caps"}, "hdr.accept has no end", "bytes(0,257)"),
    ("the first value alone", [(SPOE, r"ua=req.fhdr\(", "ua=req.hdr(")],
     {"spoe.caps"}, "comma", "req.fhdr"),
    ("all headers", [(SPOE, r"    args src=src", "    args src=src\n    args all=req.hdrs")],
     {"spoe.caps"}, "padding is a bypass", "an argument for each header"),
    ("url", [(SPOE, r"path=path", "path=url")], {"spoe.caps"}, "scheme and host", "path"),
    ("a capped variable", [(SPOE, r"ua=req.fhdr\(user-agent\),bytes\(0,513\)", "ua=var(txn.ua)"),
                           (EDGE, r"    acl ammit_own path_beg", "    http-request set-var(txn.ua) req.fhdr(user-agent),bytes(0,400)\n    acl ammit_own path_beg")],
     {"spoe.caps"}, "cut at 400", "bytes(0,513)"),
    ("a header that is read", [(SPOE, r"    args hdr.accept=.*\n", "")],
     {"spoe.arguments"}, "header accept", "args hdr.accept=req.fhdr(accept),bytes(0,257)"),
    ("no host", [(SPOE, r"    args host=.*\n", "")], {"spoe.arguments"}, "host", "args host=req.fhdr(host),bytes(0,256)"),
    ("no address", [(SPOE, r"    args src=.*\n", "")], {"spoe.arguments"}, "address", "args src=src"),
    ("another prefix", [(SPOE, r"var-prefix      ammit", "var-prefix      other")],
     {"spoe.names", "edge.variables"}, "var-prefix is other", "option var-prefix ammit"),
    ("no set-on-error", [(SPOE, r"    option set-on-error.*\n", "")],
     {"spoe.names"}, "set-on-error is missing", "option set-on-error error"),
    ("a name not registered, and nowhere else", [(SPOE, r" would_rule status", " status"),
                                                 (EDGE, r"would_rule=\S+", "")],
     {"spoe.names"}, "would_rule", "register-var-names verdict rule weight ticket would would_rule status"),
    ("a misspelt variable", [(EDGE, r"(verdict_deny    var\(txn.ammit.)verdict", r"\1veredict")],
     {"edge.variables"}, "txn.ammit.veredict", "verdict, rule"),
    ("in pieces", [(SPOE, r"    no option send-frag-payload\n", "")],
     {"spoe.frame"}, "in pieces", "no option send-frag-payload"),
    ("frames larger than buffers", [(EDGE, r"\nglobal\n", "\nglobal\n    tune.bufsize 12000\n")],
     {"spoe.frame", "haproxy.accepts"}, "tune.bufsize (12000)", "max-frame-size 11996"),
    ("frames too small", [(SPOE, r"16380", "4096")], {"spoe.frame"}, "does not fit", "max-frame-size 16380"),
    ("shorter than the wait for the DNS", [(SPOE, r"(timeout processing +)2s", r"\g<1>15ms")],
     {"spoe.timeout"}, "dns.budget_ms 20", "timeout processing 50ms"),
    ("no timeout", [(SPOE, r"    timeout processing.*\n", "")],
     {"spoe.timeout"}, "missing", "timeout processing 50ms"),
    ("maxconn", [(EDGE, SERVER, r"\1 maxconn 10")], {"edge.agent"}, "maxconn", "remove maxconn"),
    ("maxconn by default", [(EDGE, SERVER, r"default-server maxconn 10\n    \1")],
     {"edge.agent"}, "maxconn", "remove maxconn"),
    ("no check", [(EDGE, r"    option  spop-check\n", "")], {"edge.agent"}, "nobody checks", "option spop-check"),
    ("sessions kept", [(EDGE, r" on-marked-down shutdown-sessions", "")],
     {"edge.agent"}, "frozen", "on-marked-down shutdown-sessions"),
    ("retries", [(EDGE, r"(timeout server  3m\n)    retries 0\n", r"\1")], {"edge.agent"}, "3, the default", "retries 0"),
    ("another socket for SPOP", [(EDGE, SERVER, "server  ammit unix@/run/elsewhere.sock check on-marked-down shutdown-sessions")],
     {"socket.spop"}, "/run/elsewhere.sock", "spop unix@"),
    ("another socket for pages", [(EDGE, r'server loop "\$\{AMMIT_HTTP\}"', "server loop 127.0.0.1:9")],
     {"socket.http"}, "127.0.0.1:9", "http 127.0.0.1:9"),
    ("another socket for drip", [(EDGE, r'server drip "\$\{AMMIT_DRIP\}"', "server drip /run/elsewhere.sock")],
     {"socket.drip"}, "/run/elsewhere.sock", "drip unix@"),
    ("SPOP's for pages", [(EDGE, r'server loop "\$\{AMMIT_HTTP\}"', 'server loop "${AMMIT_SPOP}"')],
     {"socket.http"}, "is not the socket", "server"),
    ("forged headers", [(EDGE, r"    http-request del-header x-ammit-.*\n", "")],
     {"edge.headers"}, "forge", "http-request del-header x-ammit- -m beg"),
    ("nobody's page", [(EDGE, r"    http-request set-header X-Ammit-Src .*\n", "")],
     {"edge.challenge"}, "whose request", "X-Ammit-Src %[src]"),
    ("no way to the page", [(EDGE, r"    use_backend ammit-challenge .*\n", "")],
     {"edge.challenge"}, "sends nobody", "use_backend ammit-challenge"),
    ("no question", [(EDGE, r"    http-request send-spoe-group.*\n", "")],
     {"edge.question"}, "never asks", "send-spoe-group ammit weigh"),
    ("no filter", [(EDGE, r"    filter spoe.*\n", "")],
     {"haproxy.filter", "haproxy.accepts"}, "nobody is weighed", "filter spoe engine ammit config"),
    ("no such backend", [(SPOE, r"use-backend  ammit-agent", "use-backend  agents")],
     {"haproxy.filter", "haproxy.accepts"}, '"agents"', "copy backend ammit-agent"),
    ("no SPOE file", [(EDGE, r'config "\$\{AMMIT_SPOE_CONF\}"', "config /nowhere/ammit.spoe.conf")],
     {"haproxy.filter", "haproxy.accepts"}, "No such file", "ammit.spoe.conf"),
    ("an open quote", [(EDGE, r'"stdout"', '"stdout')],
     {"haproxy.config"}, "edge.cfg:%d: a quote is open" % line_of("haproxy/edge.cfg", '"stdout"'), "haproxy -c"),
    ("what HAProxy refuses", [(EDGE, r"    option dontlognull|    option  dontlognull", "    option  nonsense")],
     {"haproxy.accepts"}, "nonsense", "haproxy -c -f"),
    ("an option that is none", [(CONF, r"\Z", "nonsense 1\n")], {"ammit.options"}, "nonsense", "ammit check"),
    ("no policy", [(CONF, r"policy \S+", "policy /nowhere.yaml")], {"ammit.policy"}, "/nowhere.yaml", "ammit check"),
    ("Ammit elsewhere", [(CONF, r"http \S+", "http unix@/nowhere/http.sock")],
     {"socket.http", "live.page"}, "/nowhere/http.sock", "systemctl start ammit"),
    ("no key", [(CONF, r"state-dir \S+", "state-dir /nowhere")], {"ammit.key"}, "/nowhere/key", "state-dir DIR"),
]


def plant(setup, folder, changes):
    files = copy(setup, folder)
    for file, what, by in changes:
        text, count = re.subn(what, by, files[file].read_text())
        assert count > 0, "the shipped file has no %s" % what
        files[file].write_text(text)
    return {"edge_cfg": files[EDGE], "conf": files[CONF], "env": dict(setup.env, AMMIT_SPOE_CONF=str(files[SPOE]))}


@pytest.mark.parametrize("changes, failing, found, fix", [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_fault(setup, tmp_path, changes, failing, found, fix):
    got = setup.examine(**plant(setup, tmp_path, changes))
    assert got.names("fail") == failing, got.text
    said = [line for line in got.of("fail") if found in line["found"] and fix in line["fix"]]
    assert said, got.of("fail")


DOUBTS = [
    ("names not registered", [(SPOE, r"    register-var-names.*\n", "")], "spoe.names", "verdict rule", "register-var-names"),
    ("capped too late", [(SPOE, r"bytes\(0,513\)", "bytes(0,600)")], "spoe.caps", "600", "bytes(0,513)"),
    ("hardly longer than the wait", [(SPOE, r"(timeout processing +)2s", r"\g<1>25ms")],
     "spoe.timeout", "less than 10 ms", "timeout processing 50ms"),
    ("slow to connect", [(EDGE, r"timeout connect 200ms", "timeout connect 5s")], "edge.agent", "timeout connect", "200ms"),
    ("cut when idle", [(SPOE, r"timeout idle +1m", "timeout idle 5m")], "edge.agent", "timeout server", "timeout server 3m"),
    ("nothing for failures", [(EDGE, r"txn\.ammit\.error", "txn.nothing.error")], "edge.failure", "go through", "ammit_failed"),
    ("circuits from outside", [(EDGE, r"    tcp-request connection reject if .*dead:beef.*\n", "")],
     "edge.headers", "circuits", "fc00:dead:beef:4dad::/64"),
    ("shadow", [(CONF, r"\Z", "shadow on\n")], "ammit.options", "shadow", "shadow on"),
    ("more visitors than descriptors", [(CONF, r"\Z", "drip-max 1000000\n")], "ammit.descriptors", "1000000", "LimitNOFILE"),
]


@pytest.mark.parametrize("changes, check, found, fix", [d[1:] for d in DOUBTS], ids=[d[0] for d in DOUBTS])
def test_doubt(setup, tmp_path, changes, check, found, fix):
    if check == "edge.agent" and "idle" in changes[0][1] and version() >= (3, 1):
        pytest.skip("HAProxy 3.1 and later do not read timeout idle")
    got = setup.examine(**plant(setup, tmp_path, changes))
    assert got.names("fail") == set() and got.names("warn") - BUSY == {check}, got.text
    line = got.line(check)
    assert found in line["found"] and fix in line["fix"]


def version():
    said = subprocess.run([HAPROXY, "-v"], capture_output=True, text=True, timeout=PATIENCE_S).stdout
    return tuple(int(n) for n in re.search(r"version (\d+)\.(\d+)", said).groups())


def test_a_variable_that_nobody_sets_is_no_fault(setup, tmp_path):
    """As with a switch that this file has not: HAProxy sends NULL."""
    changes = [(SPOE, r"    args src=src", "    args src=src\n    args tls.ja3=var(sess.ammit_ja3)")]
    got = setup.examine(**plant(setup, tmp_path, changes))
    assert got.names("fail") == set() and got.names("warn") <= BUSY, got.text
    set_so = "    tcp-request session set-var(sess.ammit_ja3) ssl_fc_cipherlist_bin(1)%s\n    filter spoe"
    for digest, wrong in ((",digest(md5),hex", set()), ("", {"spoe.caps"})):
        got = setup.examine(**plant(setup, tmp_path, changes + [(EDGE, r"    filter spoe", set_so % digest)]))
        assert got.names("fail") == wrong, got.text


def test_fails_closed(setup, tmp_path):
    got = setup.examine(**plant(setup, tmp_path, [(EDGE, r"if ammit_failed fail_closed !ammit_own", "if ammit_failed !ammit_own")]))
    assert "fails closed" in got.line("edge.failure")["found"]
    got = setup.examine(**plant(setup, tmp_path, [(EDGE, r".*if ammit_failed fail_closed !ammit_own\n", "")]))
    assert "fails open:" in got.line("edge.failure")["found"]


def test_changed_since_it_runs(box):
    setup = Setup(box).start()
    later = time.time() + 5
    os.utime(setup.edge_cfg, (later, later))
    got = setup.examine()
    assert got.names("warn") - BUSY == {"haproxy.config"}
    assert "reload haproxy" in got.line("haproxy.config")["fix"]


# ---- sockets ----


@pytest.mark.parametrize("option, words", [
    ({"spop_group": "root"}, ["spop-group haproxy", "spop-mode 0660"]),
    ({"spop_mode": "0600"}, ["spop-group haproxy", "spop-mode 0660"]),
])
def test_haproxy_may_not_connect(box, option, words):
    needs_another_user()
    setup = Setup(box, **option).start()
    got = setup.examine()
    assert got.names("fail") == {"socket.spop"}, got.text
    line = got.line("socket.spop")
    assert "user haproxy" in line["found"] and "spop.sock" in line["found"]
    assert all(word in line["fix"] for word in words)


def test_haproxy_may_not_pass_a_folder(box):
    needs_another_user()
    setup = Setup(box).start()
    (setup.path / "run").chmod(0o700)
    got = setup.examine()
    assert got.names("fail") == {"socket.spop", "socket.http", "socket.drip"}
    assert got.line("socket.spop")["fix"] == "chmod o+x %s/run/" % setup.path


def test_chroot(box):
    """HAProxy connects from inside: the paths must lead to the same sockets there."""
    needs_another_user()
    setup = Setup(box)
    root = setup.path / "root"
    inside = root / str(setup.path / "run")[1:]
    inside.mkdir(parents=True)
    text = setup.edge_cfg.read_text()
    setup.edge_cfg.write_text(text.replace("\nglobal\n", "\nglobal\n    chroot %s\n" % root))
    setup.start()
    got = setup.examine()
    assert got.names("fail") == {"socket.spop", "socket.http", "socket.drip"}
    line = got.line("socket.spop")
    assert str(root) in line["found"] and "haproxy-chroot.conf" in line["fix"]
    # A bind mount does the same, and a hard link needs no privilege beyond.
    for name in ("spop", "http", "drip"):
        os.link(setup.path / "run" / (name + ".sock"), inside / (name + ".sock"))
    got = setup.examine()
    assert got.names("fail") == set(), got.text
    # Nobody runs: what the service would bind there cannot be seen.
    setup.haproxy.stop()
    for name in ("spop", "http", "drip"):
        (inside / (name + ".sock")).unlink()
    got = setup.examine()
    assert got.names("fail") == set() and {"socket.spop", "socket.http", "socket.drip"} <= got.names("skip")


def test_tcp(box):
    ports = {name: "127.0.0.1:%d" % free_port() for name in ("spop", "http", "drip")}
    setup = Setup(box, **ports).start()
    got = setup.examine()
    assert got.names("fail") == set() and got.names("skip") == {"ammit.descriptors"}, got.text
    got = setup.examine(env=dict(setup.env, AMMIT_SPOP="127.0.0.1:9"), edge_cfg=copy(setup, box.path / "run")[0])
    assert got.names("fail") == {"socket.spop"}


# ---- what runs ----

LIVE = {"live.spop", "live.page", "live.drip", "ammit.daemon"}


def test_dead(box):
    setup = Setup(box).start()
    setup.ammit.kill()
    got = setup.examine()
    assert got.names("fail") == LIVE
    assert "nobody listens" in got.line("live.spop")["found"] and "systemctl start" in got.line("live.spop")["fix"]
    assert "live.weigh" in got.names("skip")


def test_never_started(box):
    setup = Setup(box)
    got = setup.examine()
    assert got.names("fail") == LIVE | {"socket.spop", "socket.http", "socket.drip", "ammit.key"}


def test_frozen(box):
    setup = Setup(box).start(haproxy=False)
    setup.ammit.signal(signal.SIGSTOP)
    got = setup.examine()
    assert got.names("fail") == LIVE
    assert all("it hangs" in line["fix"] for line in got.of("fail"))


def test_others_can_read_the_key(box):
    setup = Setup(box).start(haproxy=False)
    (setup.path / "state/key").chmod(0o644)
    got = setup.examine()
    assert got.names("fail") == {"ammit.key"} and "chmod 600" in got.line("ammit.key")["fix"]
    assert (setup.path / "state/key").stat().st_mode & 0o777 == 0o644, "nothing is changed"


@pytest.mark.parametrize("answer, found", [
    (lambda _: {"rule": "none"}, "no verdict"),
    (lambda _: time.sleep(0.03) or {"verdict": "allow"}, "timeout processing is 25"),
])
def test_an_agent_that_is_none(box, tmp_path, answer, found):
    setup = Setup(box).start(haproxy=False)
    agent = box.agent(answer)
    changes = [(CONF, r"spop \S+", "spop " + agent.address), (SPOE, r"(timeout processing +)2s", r"\g<1>25ms")]
    files = plant(setup, tmp_path, changes)
    files["env"]["AMMIT_SPOP"] = agent.address
    got = setup.examine(**files)
    assert got.names("fail") == {"live.weigh"}, got.text
    assert found in got.line("live.weigh")["found"]


def test_the_question_is_that_of_the_file(box, tmp_path):
    """All arguments, in their order, as HAProxy would send them."""
    setup = Setup(box).start(haproxy=False)
    agent = box.agent(lambda _: {"verdict": "allow"})
    files = plant(setup, tmp_path, [(CONF, r"spop \S+", "spop " + agent.address)])
    setup.examine(**files)
    without_switches = re.sub(r"^\.if .*?^\.endif", "", setup.spoe.read_text(), flags=re.M | re.S)
    names = re.findall(r"^ +args ([^=\s]+)=", without_switches, re.M)
    asked = [seen for seen in agent.seen if seen.get("ua", "").startswith("ammit-doctor/")]
    assert len(asked) == 50 and all(list(seen) == names for seen in asked)
    assert asked[0]["src"] == "127.0.0.1" and asked[0]["pass"] is None


def test_not_root(setup):
    """What only root can see is skipped, and said to be; nothing fails for that reason alone."""
    if os.geteuid() != 0:
        pytest.skip("root alone can be somebody else")
    got = Report(run_ammit("doctor", "--json", "--haproxy", HAPROXY, "-c", setup.conf, "--haproxy-cfg", setup.edge_cfg,
                           program=for_others(setup.box), env=setup.env, user="nobody", group="nogroup", extra_groups=[]))
    assert got.names("fail") == set(), got.text
    assert {"live.spop", "live.page", "ammit.daemon", "ammit.key"} <= got.names("skip")
    assert all("root" in line["fix"] for line in got.of("skip") if line["check"] == "ammit.key")


def test_what_the_daemon_says(box):
    """A daemon of another version, with another policy, and with errors."""
    setup = Setup(box, control="127.0.0.1:%d" % free_port()).start(haproxy=False)
    setup.ammit.stop()
    text = (
        'ammit_build_info{version="0.0.1"} 1\nammit_uptime_seconds 7\nammit_policy_rules 3\n'
        'ammit_rule_errors_total 5\nammit_dns_waits_total{result="not_waited"} 6\n'
    )

    class Daemon(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    host, port = setup.options["control"].split(":")
    with http.server.HTTPServer((host, int(port)), Daemon) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        got = setup.examine()
        server.shutdown()
    said = [line["found"] for line in got.of("warn") if line["check"] == "ammit.daemon"]
    assert len(said) == 4 and all(any(word in line for line in said) for word in
                                  ("0.0.1 runs", "5 times a rule", "6 requests could not wait", "3 rules"))
    assert "ammit.daemon" not in got.names("fail")


# ---- the fast way ----

# A rate, a header that edge-fast.cfg does not have, a path, a challenge.
FAST_POLICY = {
    "bots": [
        {"name": "many", "expression": "rate > 40", "action": "DENY"},
        {"name": "shared", "expression": "pass.rate > 60", "action": "DENY"},
        {"name": "key", "headers_regex": {"X-Api-Key": "^wrong$"}, "action": "DENY"},
        {"name": "secret", "path_regex": "^/secret/", "action": "DENY"},
        {"name": "browser", "user_agent_regex": "Mozilla", "action": "CHALLENGE",
         "challenge": {"difficulty": 2, "algorithm": "fast"}},
    ],
    "thresholds": [],
}
FAST, FAST_SPOE, LIST = "edge-fast.cfg", "ammit.spoe.conf", "ammit-ask.lst"


def fast(setup, folder, changes=(), **env):
    """The doctor of what `ammit haproxy` prints for a policy, with changes to it."""
    policy = folder / "fast.json"
    policy.write_text(json.dumps(FAST_POLICY))
    for part in ("edge-fast", "spoe", "ask"):
        got = run_ammit("haproxy", part, "--policy", policy, "-o", folder)
        assert got.returncode == 0, got.stderr
    for file, what, by in changes:
        text, count = re.subn(what, by, (folder / file).read_text(), flags=re.M)
        assert count > 0, "%s has no %s" % (file, what)
        (folder / file).write_text(text)
    env = dict(setup.env, AMMIT_SPOE_CONF=str(folder / FAST_SPOE), AMMIT_FAST_LIST=str(folder / LIST), **env)
    more = ["--haproxy", folder / "haproxy"] if (folder / "haproxy").exists() else []
    return setup.examine("--policy", policy, *more, edge_cfg=folder / FAST, env=env)


def fast_lines(report, result):
    return [line for line in report.of(result) if line["check"].startswith(("fast.", "haproxy.")) or line["check"] == "edge.rates"]


def test_the_fast_way_as_it_is_printed(setup, tmp_path):
    got = fast(setup, tmp_path)
    assert not fast_lines(got, "fail") + fast_lines(got, "warn") + fast_lines(got, "skip"), got.text
    assert {"fast.list", "fast.visitor", "edge.rates"} <= got.names("ok")


def test_the_fast_way_as_it_is_shipped(setup):
    env = dict(setup.env, AMMIT_FAST_LIST=str(ROOT / "haproxy" / LIST), AMMIT_SPOE_CONF=str(ROOT / "haproxy" / FAST_SPOE))
    got = setup.examine("--policy", ROOT / "policies/default.yaml", edge_cfg=ROOT / "haproxy" / FAST, env=env)
    assert {"fast.list", "fast.visitor", "edge.rates"} <= got.names("ok"), got.text


FAST_FAULTS = [
    ("another fingerprint", [(FAST, r'(AMMIT_FAST_FOR +)"\w+"', r'\1"0123456789abcdef"')],
     "warn", "fast.list", "is 0123456789abcdef", 'presetenv AMMIT_FAST_FOR "'),
    ("a rule that is not on the list", [(LIST, r"^.*secret.*\n", "")], "fail", "fast.list", "may skip its rules", "ammit haproxy ask --policy "),
    ("a list of its first line", [(LIST, r"(?s)\n.*", "\n")], "fail", "fast.list", "it lacks ^(?!/)", "ammit haproxy ask"),
    ("more than is needed", [(LIST, r"\Z", "^/more\n")], "warn", "fast.list", "for nothing", "ammit haproxy ask"),
    ("no list", [(FAST, r'"\$\{AMMIT_FAST_LIST\}"', "/nowhere.lst")], "fail", "fast.list", "/nowhere.lst", "ammit haproxy ask"),
    ("nothing is asked about", [(FAST, r" !\{ pathq [^}]*\}+\" \}", "")], "fail", "fast.list", "skips all rules", "pathq -m reg -f"),
    ("not sent", [(FAST_SPOE, r"^ +args fast=.*\n", "")], "warn", "fast.list", "not sent", "args fast=var(txn.ammit.fast)"),
    ("not registered", [(FAST_SPOE, r" remember$", "")], "warn", "fast.list", "not registered", "remember"),
    ("a rate above the rule's", [(FAST, r'(AMMIT_FAST_RATE +)"40"', r'\1"50"')],
     "fail", "fast.visitor", "compares rate", 'presetenv AMMIT_FAST_RATE "40"'),
    ("passes are not counted", [(FAST, r"^ +presetenv AMMIT_FAST_PASSES.*\n", "")],
     "fail", "fast.visitor", "compares pass.rate", 'presetenv AMMIT_FAST_PASSES "1"'),
    ("no bound", [(FAST, r" \{ sc_http_req_rate\(0\) le [^}]*\}\" \}", "")],
     "fail", "fast.visitor", "whatever his rate, and the policy compares rate", 'presetenv AMMIT_FAST_RATE "40"'),
    ("a header that is not in the key", [(FAST, r"^ +capture request header x-api-key.*\n", "")],
     "fail", "fast.visitor", "whatever their header x-api-key", "capture request header x-api-key len 257"),
    ("half of a header", [(FAST, r"(capture request header user-agent +len) 513", r"\1 64")],
     "fail", "fast.visitor", "by 64 bytes of their header user-agent", "len 513"),
    ("rates are off", [(FAST, r"^ +presetenv AMMIT_RATES.*\n", "")], "warn", "edge.rates", "compares rate, which is not sent", "AMMIT_RATES"),
    ("rates are sent and not counted", [(FAST, r"^ +tcp-request \S+ track-sc0.*\n", "")],
     "warn", "edge.rates", "rate, which is not counted", "AMMIT_RATES"),
]


@pytest.mark.parametrize("changes, result, check, found, fix", [f[1:] for f in FAST_FAULTS], ids=[f[0] for f in FAST_FAULTS])
def test_fault_of_the_fast_way(setup, tmp_path, changes, result, check, found, fix):
    got = fast(setup, tmp_path, changes)
    said = [line for line in got.of(result) if line["check"] == check and found in line["found"] and fix in line["fix"]]
    assert said, got.text
    others = {line["check"] for line in fast_lines(got, "fail") + fast_lines(got, "warn")} - {check, "haproxy.accepts"}
    assert others == set(), got.text


def test_a_haproxy_without_pcre(setup, tmp_path):
    """Its regexes would say something else, and nobody would hear of it."""
    fake = tmp_path / "haproxy"
    fake.write_text('#!/bin/sh\n[ "$1" = -vv ] && exec echo "Built without PCRE or PCRE2 support"\nexec %s "$@"\n' % HAPROXY)
    fake.chmod(0o755)
    got = fast(setup, tmp_path)
    assert "without PCRE" in got.line("fast.list")["found"] and got.line("fast.list")["result"] == "fail"


def jwt_env(setup):
    got = run_ammit("haproxy", "jwt-keys", "--state-dir", setup.path / "state")
    return dict(re.findall(r'setenv (\w+) "(\w+)"', got.stdout), AMMIT_FAST_JWT="1", AMMIT_FAST_LEVEL="65535")


def test_passes_that_haproxy_checks(setup, tmp_path):
    got = fast(setup, tmp_path, **jwt_env(setup))
    assert got.line("fast.pass")["result"] == "ok", got.text
    assert not fast_lines(got, "fail") and not fast_lines(got, "warn")


@pytest.mark.parametrize("changed, result, found, fix", [
    ({"AMMIT_FAST_SECRET": "a" * 64}, "fail", "the secret is not that of the key", "jwt-keys --state-dir"),
    ({"AMMIT_FAST_KID": "00000000"}, "fail", "a key that Ammit has not", "jwt-keys --state-dir"),
    ({"AMMIT_FAST_LEVEL": "0"}, "fail", "passes of level 0", "AMMIT_FAST_LEVEL"),
    ({"AMMIT_FAST_SECRET": None, "AMMIT_FAST_SECRET_OLD": None}, "warn", "has not the key", "jwt-keys --state-dir"),
])
def test_fault_of_passes_that_haproxy_checks(setup, tmp_path, changed, result, found, fix):
    env = jwt_env(setup)
    secrets = [v for n, v in env.items() if "SECRET" in n]
    env.update(changed)
    got = fast(setup, tmp_path, **{n: v for n, v in env.items() if v})
    line = got.line("fast.pass")
    assert line["result"] == result and found in line["found"] and fix in line["fix"], got.text
    assert secrets and not any(s in got.text for s in secrets), "a secret is nothing to print"


def test_a_result_that_is_not_compared(setup, tmp_path):
    """jwt_verify is true of what it could not verify, too: its result is a number below 0."""
    got = fast(setup, tmp_path, [(FAST, r"(jwt_verify\(.*?\)) -m int 1", r"\1 -m bool")], **jwt_env(setup))
    assert got.line("fast.pass")["result"] == "fail" and "was not verified" in got.line("fast.pass")["found"]


def test_ja3_that_is_off(setup, tmp_path):
    policy = tmp_path / "ja3.json"
    policy.write_text(json.dumps({"bots": [{"name": "tool", "expression": "tls.ja3 == 'x'", "action": "DENY"}]}))
    got = setup.examine("--policy", policy)
    assert got.line("edge.rates")["result"] == "warn" and "AMMIT_JA3" in got.line("edge.rates")["fix"]
    got = setup.examine("--policy", policy, edge_cfg=copy(setup, tmp_path)[0], env=dict(setup.env, AMMIT_JA3="1"))
    assert got.line("edge.rates")["result"] == "ok", got.text


# ---- where nobody is weighed ----


@pytest.mark.parametrize("name", ["haproxy/homelab.cfg", "contrib/wireguard/edge-tcp.cfg"])
def test_who_is_weighed_at_the_other_end(tmp_path, name):
    (tmp_path / "ammit.conf").write_text("".join("%s unix@%s/%s.sock\n" % (n, tmp_path, n) for n in ("spop", "http", "drip", "control")))
    (tmp_path / "ammit.conf").open("a").write("state-dir %s\n" % tmp_path)
    got = Report(run_ammit("doctor", "--json", "-c", tmp_path / "ammit.conf", "--haproxy-cfg", ROOT / name, "--haproxy", HAPROXY))
    assert got.line("haproxy.filter")["result"] == "skip" and "other end" in got.line("haproxy.filter")["found"], got.text
    assert got.names("fail") == set(), got.text


# ---- Tor ----

CONF_LINES = "250-HiddenServiceDir=/var/lib/tor/site\r\n250-HiddenServicePort=80 unix:/run/x\r\n"


class Tor(FakeTor):
    services = CONF_LINES + "250 HiddenServiceExportCircuitID=haproxy\r\n"

    def answer(self, command):
        if command.startswith("GETCONF"):
            self.tell("650 CIRC 7 CLOSED PURPOSE=HS_SERVICE_REND REASON=FINISHED\r\n")
            return self.services
        return super().answer(command)


@pytest.fixture
def tor(tmp_path):
    tor = Tor(tmp_path / "tor.sock")
    yield tor
    tor.close()


def with_tor(setup, folder, tor, more=""):
    files = plant(setup, folder, [(CONF, r"\Z", "tor-control unix@%s\n%s" % (tor.path, more))])
    return setup.examine(**files).line("tor.control")


def test_tor(setup, tmp_path, tor):
    line = with_tor(setup, tmp_path, tor)
    assert line["result"] == "ok" and "1 of its 1 services" in line["found"], line
    assert not [c for c in tor.commands if c.startswith("CLOSECIRCUIT")]


@pytest.mark.parametrize("services, result, found, fix", [
    (CONF_LINES + "250 HiddenServiceExportCircuitID=\r\n", "warn", "no service of it says", "HiddenServiceExportCircuitID haproxy"),
    ("250 HiddenServiceOptions\r\n", "warn", "has no onion service", "HiddenServiceDir"),
    ('552 Unrecognized configuration key "HiddenServiceOptions"\r\n', "ok", "does not tell", None),
])
def test_services_of_tor(setup, tmp_path, tor, services, result, found, fix):
    tor.services = services
    line = with_tor(setup, tmp_path, tor)
    assert line["result"] == result and found in line["found"] and (fix or "") in (line["fix"] or ""), line


@pytest.mark.parametrize("mood, found", [("silent", "no answer in time"), ("garbage", ""), ("half", "no answer in time"), ("refuses", "")])
def test_tor_in_trouble(setup, tmp_path, tor, mood, found):
    tor.mood = mood
    line = with_tor(setup, tmp_path, tor)
    assert line["result"] == "fail" and found in line["found"] and "torrc" in line["fix"], line


def test_the_password_of_tor(setup, tmp_path, tor):
    tor.password = "right"
    (tmp_path / "password").write_text("wrong\n")
    line = with_tor(setup, tmp_path, tor, "tor-password %s/password\n" % tmp_path)
    assert line["result"] == "fail" and "HashedControlPassword" in line["fix"] and "wrong" not in line["found"], line
    (tmp_path / "password").write_text("right\n")
    assert with_tor(setup, tmp_path, tor, "tor-password %s/password\n" % tmp_path)["result"] == "ok"


def test_no_file_of_root_is_handed_to_who_listens_there(setup, tmp_path, tor):
    """By COOKIE a control port names a file, and would be sent its 32 bytes."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef" * 2)
    answer = tor.answer
    tor.answer = lambda command: answer(command) if not command.startswith("PROTOCOLINFO") else (
        '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE COOKIEFILE="%s"\r\n250-VERSION Tor="0.0.0"\r\n250 OK\r\n' % secret)
    line = with_tor(setup, tmp_path, tor)
    assert line["result"] == "fail" and line["fix"], line
    assert tor.commands and not [c for c in tor.commands if secret.read_bytes().hex() in c.lower()], tor.commands


@pytest.mark.parametrize("lines, result, found", [
    ([], "warn", "has no onion service"),
    (["HiddenServiceDir %s", "HiddenServicePort 80 unix:/nowhere"], "warn", "no service of it says"),
    (["HiddenServiceDir %s", "HiddenServicePort 80 unix:/nowhere", "HiddenServiceExportCircuitID haproxy"],
     "ok", "by SAFECOOKIE; 1 of its 1 services"),
])
def test_a_real_tor(setup, box, tmp_path, lines, result, found):
    lines = [line % (tmp_path / "service") if "%" in line else line for line in lines]
    tor = box.keep(RealTor(box, "CookieAuthentication 1", *lines)).start()
    files = plant(setup, tmp_path, [(CONF, r"\Z", "tor-control unix@%s\n" % tor.socket)])
    line = setup.examine(**files).line("tor.control")
    assert line["result"] == result and found in line["found"], line


def test_tor_is_gone(setup, tmp_path):
    tor = Tor(tmp_path / "tor.sock")
    tor.close()
    line = with_tor(setup, tmp_path, tor)
    assert line["result"] == "fail" and "ControlSocket" in line["fix"], line


def test_the_daemon_does_not_reach_tor(box, tmp_path):
    """The doctor is root, and may be where the daemon may not."""
    setup = Setup(box, tor_control="unix@%s" % (tmp_path / "tor.sock")).start(haproxy=False)
    tor = Tor(tmp_path / "tor.sock")
    (tmp_path / "ammit.conf").write_text(setup.conf.read_text())
    got = setup.examine(conf=tmp_path / "ammit.conf")
    tor.close()
    said = [line for line in got.of("warn") if line["check"] == "ammit.daemon"]
    assert got.line("tor.control")["result"] == "ok"
    assert said and "has not reached tor's control port" in said[0]["found"], got.text


@pytest.mark.parametrize("mode, folder, result, found", [
    (0o600, 0o755, "ok", "alone"), (0o666, 0o755, "fail", "any circuit"), (0o600, 0o777, "fail", "a socket of theirs"),
])
def test_the_socket_of_an_onion(setup, tmp_path, mode, folder, result, found):
    there = tmp_path / "onion"
    there.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(there / "onion.sock"))
        (there / "onion.sock").chmod(mode)
        there.chmod(folder)
        bind = r'    bind unix@%s/onion.sock accept-proxy\n    filter spoe' % there
        line = setup.examine(**plant(setup, tmp_path, [(EDGE, r"    filter spoe", bind)])).line("tor.socket")
    assert line["result"] == result and found in line["found"], line


# ---- the command ----


def test_for_people(setup, tmp_path):
    plant(setup, tmp_path, [(EDGE, SERVER, r"\1 maxconn 10")])
    got = run_ammit("doctor", "-c", setup.conf, "--haproxy-cfg", tmp_path / "edge.cfg", "--haproxy", HAPROXY, env=setup.env)
    assert got.returncode == 1 and "\033" not in got.stdout
    lines = got.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("FAIL  edge.agent"))
    assert lines[at + 1] == "        remove maxconn from that line"
    assert re.fullmatch(r"\d+ ok, \d+ warn, 1 FAIL, \d+ skip", lines[-1])


def test_help():
    for flag in ("--help", "-h"):
        got = run_ammit("doctor", flag)
        assert got.returncode == 0 and not got.stderr and "usage: ammit doctor" in got.stdout
        assert all(len(line) <= 100 for line in got.stdout.splitlines())
    assert "\n  doctor " in run_ammit("--help").stdout
    manual = (ROOT / "contrib/man/ammit.1").read_text().replace("\\-", "-")
    assert "\n.B doctor\n" in manual
    for option in set(re.findall(r"--[a-z-]+", got.stdout)):
        assert option in manual


def test_wrong_use():
    for arguments in (["--nonsense"], ["-c"], ["more"], ["--haproxy-cfg", "x"] * 17):
        got = run_ammit("doctor", *arguments)
        assert got.returncode == 2 and "usage:" in got.stderr and not got.stdout


def test_no_files(tmp_path):
    got = run_ammit("doctor", "--json", "-c", tmp_path / "none.conf", "--haproxy-cfg", tmp_path / "none.cfg")
    report = Report(got)
    assert report.names("fail") == {"ammit.options", "haproxy.config"}
    assert "spoe.caps" in report.names("skip")


def test_bytes_of_a_file_do_not_reach_the_terminal(setup, tmp_path):
    files = copy(setup, tmp_path)
    with open(files[EDGE], "ab") as out:  # the last byte is part of no character
        out.write(b"\nfrontend \033]0;evil\007\xc2\x9b2J\x9b\n    filter spoe engine ammit config x\n")
    got = run_ammit("doctor", "-c", setup.conf, "--haproxy-cfg", files[EDGE], "--haproxy", HAPROXY, env=setup.env)
    assert "evil" in got.stdout
    assert not set("\033\007\x9b") & set(got.stdout)
