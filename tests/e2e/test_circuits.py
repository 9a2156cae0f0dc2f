"""Tor's control port: circuits that are closed, what tor's proof of work is worth, and that nothing
that tor does touches a verdict.

Failures are made by a control port of our own. A real tor, without a network, says who may in.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest

from conftest import PATIENCE_S, Ammit, Process, for_others, free_port, run_ammit, wait_until

POLICY = {
    "bots": [
        {"name": "paid", "expression": "circuit.effort >= 500", "action": "ALLOW"},
        {"name": "hard", "user_agent_regex": "Hard", "action": "DENY", "close_circuit": True},
        {"name": "mild", "user_agent_regex": "Mild", "action": "DENY"},
        {"name": "shy", "user_agent_regex": "Shy", "action": "DENY", "close_circuit": True, "shadow": True},
    ],
    "thresholds": [],
}
# As tor counts: from 1, and on beyond 16 bits.
IDS = [49, 65535, 65536, 65537, 131072, 4294901760]


def source(number):
    """What HiddenServiceExportCircuitID makes of an id."""
    return ("ip", "fc00:dead:beef:4dad::%x:%x" % (number >> 16, number & 0xFFFF))


def weigh(client, number, agent):
    return client.ask(src=source(number), ua=agent)["verdict"]


class FakeTor:
    """A control port. `mood` is what it does to whoever connects, and may change at any time:
    good, refuses, silent, garbage, half."""

    PATH = "$0123456789ABCDEF0123456789ABCDEF01234567~r1,$89ABCDEF0123456789ABCDEF01234567~r2"

    def __init__(self, path, password=None, mood="good"):
        self.path, self.password, self.mood = path, password, mood
        self.circuits, self.commands, self.connections = {}, [], []
        self.lock = threading.Lock()
        self.listener = None
        self.open()

    def open(self):
        self.listener = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.listener.bind(str(self.path))
        self.listener.listen(16)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.connections.append(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def close(self):
        """Gone, as when tor is killed: the file stays."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()

    def drop(self):
        for sock in self.connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def tell(self, line):
        """To all that are connected."""
        for sock in self.connections:
            with contextlib.suppress(OSError):
                sock.sendall(line.encode())

    def line(self, number):
        effort = self.circuits[number][1]
        return "%d BUILT %s BUILD_FLAGS=IS_INTERNAL PURPOSE=%s HS_STATE=HSSR_JOINED%s" % (
            number, self.PATH, self.circuits[number][0], " HS_POW=v1,%d" % effort if effort else "")

    def add(self, number, purpose="HS_SERVICE_REND", effort=0):
        self.circuits[number] = (purpose, effort)
        self.tell("650 CIRC %s\r\n" % self.line(number))

    def remove(self, number):
        purpose, _ = self.circuits.pop(number)
        self.tell("650 CIRC %d CLOSED %s PURPOSE=%s REASON=REQUESTED\r\n" % (number, self.PATH, purpose))

    def answer(self, command):
        word, _, rest = command.partition(" ")
        if word == "PROTOCOLINFO":
            method = "HASHEDPASSWORD" if self.password else "NULL"
            return "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=%s\r\n250-VERSION Tor=\"0.0.0\"\r\n250 OK\r\n" % method
        if word == "AUTHENTICATE":
            right = not self.password or rest == '"%s"' % self.password
            return "250 OK\r\n" if right else "515 Authentication failed: Password did not match\r\n"
        if word == "GETINFO":
            lines = "".join(self.line(n) + "\r\n" for n in list(self.circuits))
            return "250+circuit-status=\r\n%s.\r\n250 OK\r\n" % lines
        if word == "CLOSECIRCUIT":
            if int(rest) not in self.circuits:
                return '552 Unknown circuit "%s"\r\n' % rest
            self.remove(int(rest))
        return "250 OK\r\n"

    def serve(self, sock):
        with contextlib.suppress(OSError):
            with sock.makefile("rb") as file:
                self.misbehave(sock)
                while command := file.readline().decode().rstrip("\r\n"):
                    with self.lock:
                        self.commands.append(command)
                    self.misbehave(sock)
                    sock.sendall(self.answer(command).encode())

    def misbehave(self, sock):
        if self.mood == "refuses":
            sock.sendall(b"515 Authentication failed\r\n")
        elif self.mood == "garbage":
            sock.sendall(bytes(range(256)) * 16)
        elif self.mood == "half":
            sock.sendall(b"250-PROTOCOLINFO 1\r\n250-AUTH METH")
        if self.mood in ("silent", "half"):
            while sock.recv(4096):
                pass
        if self.mood != "good":
            raise OSError

    def closed(self):
        """The ids that it was told to close."""
        with self.lock:
            return [int(c.split()[1]) for c in self.commands if c.startswith("CLOSECIRCUIT")]


def counts(ammit):
    text = run_ammit("ctl", "--control", ammit.control, "metrics").stdout
    return {m[0]: float(m[1]) for m in re.findall(r"^ammit_((?:tor|circuits)_\w+) ([0-9.]+)$", text, re.M)}


def states(ammit):
    """What the log says of tor."""
    return re.findall(r"^ammit \w+ tor control=\S+ state=\"(\w+)\"", ammit.output(), re.M)


@pytest.fixture
def tor(box):
    fake = FakeTor(box.path / "tor.sock")
    box.stack.callback(fake.close)
    return fake


def ammit_with(box, tor, *more):
    ammit = box.ammit(POLICY, None, None, None, "--tor-control", "unix@%s" % tor.path, "--log-level", "debug", *more)
    wait_until(lambda: counts(ammit)["tor_up"] == 1, "tor to be up")
    return ammit


def known(ammit, number):
    wait_until(lambda: counts(ammit)["tor_circuits"] == number, "%d circuits" % number)


def test_a_denied_circuit_is_closed_and_only_that_one(box, tor):
    for number in IDS:
        tor.add(number)
    tor.add(7, "HS_SERVICE_INTRO")
    tor.add(8, "GENERAL")
    ammit = ammit_with(box, tor)
    known(ammit, len(IDS))
    with ammit.client() as client:
        for number in (65536, 65537, 4294901760):
            assert weigh(client, number, "Hard") == "deny"
        # Denied by a rule that closes nothing, by one in shadow, or from where no circuit is.
        assert weigh(client, 131072, "Mild") == "deny"
        assert weigh(client, 49, "Shy") == "allow"
        for address in ("192.0.2.1", "2001:db8::ffff", "fc00:dead:beef:4dae::ffff"):
            assert client.ask(src=("ip", address), ua="Hard")["verdict"] == "deny"
        # Whoever forges the id of an introduction point, or of nothing, closes nothing.
        for number in (7, 8, 9, 0):
            assert weigh(client, number, "Hard") == "deny"
    known(ammit, len(IDS) - 3)
    assert sorted(tor.closed()) == [65536, 65537, 4294901760]
    assert set(tor.circuits) == {49, 65535, 131072, 7, 8}
    got = counts(ammit)
    assert got["circuits_closed_total"] == 3 and got["circuits_dropped_total"] == 0
    assert got["circuits_refused_total"] == 3
    assert 'circuit id=7 result="refused"' in ammit.output() and 'id=65536 result="closed"' in ammit.output()
    stat = run_ammit("ctl", "--control", ammit.control, "stat").stdout
    assert "tor: up, 3 circuits, 3 closed" in stat


def test_many_denials_close_once(box, tor):
    tor.add(70000)
    ammit = ammit_with(box, tor)
    known(ammit, 1)
    with ammit.client() as client:
        for _ in range(300):
            assert weigh(client, 70000, "Hard") == "deny"
    wait_until(tor.closed, "the circuit to be closed")
    known(ammit, 0)
    assert tor.closed() == [70000] and counts(ammit)["circuits_closed_total"] == 1


def test_closed_after_some_denials(box, tor):
    tor.add(65536)
    tor.add(131072)
    ammit = ammit_with(box, tor, "--tor-close-after", "5")
    known(ammit, 2)
    with ammit.client() as client, ammit.client() as other:
        for turn in range(4):
            assert weigh(other if turn % 2 else client, 65536, "Mild") == "deny"
            weigh(client, 131072, "Mild")
            weigh(client, 65536, "curl")
        # The id comes back, and means another circuit: it has been denied nothing.
        tor.remove(65536)
        known(ammit, 1)
        tor.add(65536)
        known(ammit, 2)
        weigh(client, 65536, "Mild")
        weigh(other, 131072, "Mild")
    wait_until(tor.closed, "the circuit to be closed")
    known(ammit, 1)
    assert tor.closed() == [131072]


def test_shadow_closes_nothing(box, tor):
    tor.add(49)
    ammit = ammit_with(box, tor, "--tor-close-after", "1", "--shadow")
    known(ammit, 1)
    with ammit.client() as client:
        for _ in range(20):
            got = client.ask(src=source(49), ua="Hard")
            assert got["verdict"] == "allow" and got["would"] == "deny"
    # What comes behind it in the same queue would be there by now.
    tor.add(50, effort=1)
    known(ammit, 2)
    assert tor.closed() == [] and counts(ammit)["circuits_closed_total"] == 0


def test_dry_run(box, tor):
    for number in IDS:
        tor.add(number)
    ammit = ammit_with(box, tor, "--tor-dry-run", "--tor-close-rate", "4")
    known(ammit, len(IDS))
    with ammit.client() as client:
        for number in IDS:
            weigh(client, number, "Hard")
    wait_until(lambda: counts(ammit)["circuits_limited_total"] == 2, "two to be too many")
    assert counts(ammit)["circuits_dry_run_total"] == 4 and counts(ammit)["tor_circuits"] == len(IDS)
    assert tor.closed() == []
    assert ammit.output().count('result="dry-run"') == 4


def test_rate(box, tor):
    for number in range(1, 41):
        tor.add(number)
    ammit = ammit_with(box, tor, "--tor-close-rate", "10")
    known(ammit, 40)
    with ammit.client() as client:
        for number in range(1, 41):
            weigh(client, number, "Hard")
    wait_until(lambda: counts(ammit)["circuits_limited_total"] >= 25, "most to be too many")
    # 10 at once, and one each 6 s.
    assert 10 <= counts(ammit)["circuits_closed_total"] <= 15


def test_effort_is_credited(box, tor):
    tor.add(65536, effort=499)
    tor.add(131072, effort=500)
    ammit = ammit_with(box, tor)
    known(ammit, 2)
    with ammit.client() as client:
        assert weigh(client, 65536, "Mild") == "deny"
        assert weigh(client, 131072, "Mild") == "allow"
        # A circuit that comes later, and one that is gone.
        tor.add(49, effort=10000)
        known(ammit, 3)
        assert weigh(client, 49, "Mild") == "allow"
        tor.remove(131072)
        known(ammit, 2)
        assert weigh(client, 131072, "Mild") == "deny"
        assert client.ask(src=("ip", "192.0.2.1"), ua="Mild")["verdict"] == "deny"
        # The end of the connection is the end of what is known; then it is asked for anew.
        assert weigh(client, 49, "Mild") == "allow"
        tor.circuits = {}
        tor.drop()
        wait_until(lambda: states(ammit).count("down") == 1, "tor to be down")
        assert weigh(client, 49, "Mild") == "deny"
        tor.circuits = {49: ("HS_SERVICE_REND", 700)}
        tor.drop()
        known(ammit, 1)
        assert weigh(client, 49, "Mild") == "allow"


# Others are in unit/daemon/circuits.
FAULTS = ["refuses", "silent", "garbage", "half"]


def ask_on(ammit, stop, wrong, took):
    """Verdicts without end: each must be right."""
    with ammit.client() as client:
        turn = 0
        while not stop.is_set():
            turn += 1
            number = 1000 + turn % 200000
            begin = time.perf_counter()
            got = [weigh(client, number, "Hard"), weigh(client, number, "curl")]
            took.append(time.perf_counter() - begin)
            if got != ["deny", "allow"]:
                wrong.append((number, got))


@contextlib.contextmanager
def load(ammit):
    stop, wrong, took = threading.Event(), [], []
    threads = [threading.Thread(target=ask_on, args=(ammit, stop, wrong, took)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield took
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("mood", FAULTS)
def test_faults_touch_no_verdict(box, tor, mood):
    """Tor is well, then it is not, under load; then it is well again. Nobody who is judged notices."""
    ammit = ammit_with(box, tor)
    with load(ammit) as took:
        wait_until(lambda: len(took) > 500, "verdicts")
        well = statistics.median(took[-500:])
        tor.mood = mood
        tor.drop()
        wait_until(lambda: "down" in states(ammit), "tor to be down")
        before, seen = len(tor.connections), len(took)
        # It is tried again.
        wait_until(lambda: len(tor.connections) > before and len(took) > seen + 500, "a retry")
        ill = statistics.median(took[seen:])
        # Whoever waits for tor waits thousands of times as long.
        assert ill < 20 * well, "%.0f us, and %.0f us while tor is well" % (ill * 1e6, well * 1e6)
        assert counts(ammit)["tor_up"] == 0
    tor.mood = "good"
    tor.drop()
    wait_until(lambda: counts(ammit)["tor_up"] == 1, "tor to be up again")
    assert states(ammit)[-1] == "up" and 1 <= states(ammit).count("down") <= 2
    assert counts(ammit)["circuits_dropped_total"] > 0 and tor.closed() == []


def test_gone_is_said_once_and_found_again(box, tor):
    ammit = ammit_with(box, tor)
    tor.close()
    wait_until(lambda: "nobody listens there: does tor run?" in ammit.output(), "the log to say it")
    with ammit.client() as client:
        for _ in range(50):
            assert weigh(client, 65536, "Hard") == "deny"
    assert counts(ammit)["circuits_dropped_total"] == 50
    tor.open()
    wait_until(lambda: states(ammit)[-1] == "up", "tor to be found again")
    assert states(ammit) == ["up", "down", "down", "up"]  # it has ended; nobody listens


def test_not_there_at_the_start(box):
    path = box.path / "tor.sock"
    ammit = box.ammit(POLICY, None, None, None, "--tor-control", "unix@%s" % path)
    wait_until(lambda: states(ammit) == ["down"], "the log to say it")
    assert "there is no such socket: does tor run" in ammit.output()
    with ammit.client() as client:
        assert weigh(client, 5, "Hard") == "deny"
    fake = FakeTor(path)
    box.stack.callback(fake.close)
    wait_until(lambda: states(ammit) == ["down", "up"], "tor to be found")


def test_hangs_in_the_middle_of_a_line(box, tor):
    """Later, when all was well: it is given up after its deadline, and nothing waits for it."""
    tor.add(49, effort=900)
    ammit = ammit_with(box, tor)
    known(ammit, 1)
    tor.tell("650 CIRC 51 BUI")
    with load(ammit) as took:
        wait_until(lambda: "the rest of a line does not come" in ammit.output(), "it to be given up")
        assert len(took) > 500
    wait_until(lambda: states(ammit)[-1] == "up" and counts(ammit)["tor_circuits"] == 1, "tor to be up again")


def test_wrong_password_and_the_right_one_later(box):
    """The file is read on each connection."""
    fake = FakeTor(box.path / "tor.sock", password='open \\"sesame\\"')
    box.stack.callback(fake.close)
    secret = box.path / "password"
    secret.write_text("open barley\n")
    ammit = box.ammit(POLICY, None, None, None, "--tor-control", "unix@%s" % fake.path, "--tor-password", secret)
    wait_until(lambda: "tor refuses AUTHENTICATE by HASHEDPASSWORD with 515" in ammit.output(), "the log to say it")
    wait_until(lambda: len(fake.connections) >= 2, "another try")
    assert states(ammit) == ["down"], "each try is in the log"
    secret.write_text('open "sesame"\n')
    wait_until(lambda: states(ammit) == ["down", "up"], "tor to be up")
    assert "barley" not in ammit.output() and "sesame" not in ammit.output()


def test_explain_and_check(tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    assert run_ammit("check", "--strict", policy).returncode == 0
    asked = ["explain", "--no-dns", "--policy", policy, "--header", "User-Agent: Hard"]

    def explain(*more):
        return json.loads(run_ammit(*asked, "--json", *more).stdout)

    onion = ("--src", source(65536)[1])
    got = explain(*onion)
    assert got["verdict"] == "deny" and got["circuit"] == {"id": 65536, "effort": 0, "close": True}
    got = explain(*onion, "--circuit-effort", "500")
    assert got["verdict"] == "allow" and got["circuit"] == {"id": 65536, "effort": 500, "close": False}
    got = explain("--src", "192.0.2.1")
    assert got["verdict"] == "deny" and got["circuit"] == {"id": 0, "effort": 0, "close": False}
    text = run_ammit(*asked, *onion).stdout
    assert "circuit   65536, effort 0" in text and "the circuit is closed" in text
    assert run_ammit(*asked, "--circuit-effort", "much").returncode != 0
    POLICY_WRONG = "bots:\n- name: a\n  path_regex: x\n  action: CHALLENGE\n  close_circuit: true\n"
    (tmp_path / "wrong.yaml").write_text(POLICY_WRONG)
    got = run_ammit("check", tmp_path / "wrong.yaml")
    assert got.returncode == 1
    assert re.search(r"wrong.yaml:5:\d+: bots\[0\].close_circuit: only DENY and DRIP close a circuit", got.stderr)


# ---- a real tor ----

PASSWORD = 'a "quoted\\ one'


class RealTor(Process):
    """Without a network: nothing of it goes out."""

    def __init__(self, box, *lines):
        if shutil.which("tor") is None:
            pytest.skip("no tor: tests/deps.sh installs it")
        folder = box.path / "tor"
        folder.mkdir(mode=0o700)
        self.cookie, self.socket, self.port = folder / "cookie", folder / "control", free_port()
        (folder / "torrc").write_text("\n".join([
            "DataDirectory %s/data" % folder,
            "DisableNetwork 1",
            "SocksPort 0",
            "GeoIPFile /dev/null",
            "GeoIPv6File /dev/null",
            "CookieAuthFile %s" % self.cookie,
            "ControlSocket %s" % self.socket,
            "ControlPort 127.0.0.1:%d" % self.port,
            *lines, ""]))
        command = ["tor", "--defaults-torrc", "/dev/null", "-f", folder / "torrc"]
        super().__init__("tor", command, box.path / "tor.log")

    def start(self):
        super().start()

        def listens():
            assert self.alive(), "tor did not start:\n" + self.output()
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) != 0:
                    return False
                # It listens before it has its cookie, and answers when it has.
                sock.settimeout(PATIENCE_S)
                sock.sendall(b"PROTOCOLINFO 1\r\n")
                return sock.recv(3) == b"250"

        wait_until(listens, "tor to answer")
        return self


def hashed(password):
    got = subprocess.run(["tor", "--quiet", "--hash-password", password], capture_output=True, text=True, check=True)
    return "HashedControlPassword " + got.stdout.strip().splitlines()[-1]


def with_real_tor(box, address, *more):
    return box.ammit(POLICY, None, None, None, "--tor-control", address, *more)


def comes_up(ammit, by):
    wait_until(lambda: 'state="up" version="' in ammit.output(), "tor to be up")
    assert re.search(r'state="up" version="0\.\d+\.\d+[^"]*" by="%s" circuits=0' % by, ammit.output())
    assert counts(ammit)["tor_up"] == 1


@pytest.mark.parametrize("at", ["socket", "port"])
def test_real_tor_by_cookie(box, at):
    tor = box.keep(RealTor(box, "CookieAuthentication 1")).start()
    address = "unix@%s" % tor.socket if at == "socket" else "127.0.0.1:%d" % tor.port
    ammit = with_real_tor(box, address)
    comes_up(ammit, "SAFECOOKIE")
    # It makes a new cookie at each start.
    old = tor.cookie.read_bytes()
    tor.kill()
    wait_until(lambda: states(ammit)[-1] == "down", "tor to be missed")
    tor.start()
    assert tor.cookie.read_bytes() != old
    wait_until(lambda: states(ammit)[-1] == "up", "tor to be up again")


class WithoutSafeCookie:
    """Between Ammit and tor, as if that were one from before SAFECOOKIE."""

    def __init__(self, path, tor):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4)
        self.tor, self.heard = tor, b""
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(str(self.tor.socket))
            for ends in ((here, there), (there, here)):
                threading.Thread(target=self.relay, args=ends, daemon=True).start()

    def relay(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.heard += data
                sink.sendall(data.replace(b"COOKIE,SAFECOOKIE", b"COOKIE"))
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def test_real_tor_by_the_cookie_itself(box):
    tor = box.keep(RealTor(box, "CookieAuthentication 1")).start()
    between = WithoutSafeCookie(box.path / "between.sock", tor)
    box.stack.callback(between.listener.close)
    ammit = with_real_tor(box, "unix@%s" % (box.path / "between.sock"))
    comes_up(ammit, "COOKIE")
    assert tor.cookie.read_bytes().hex().encode() in between.heard


def test_a_stranger_at_the_port_is_sent_no_file(box):
    """Tor is down, and another user listens at its port: it asks for a file of 32 bytes that it cannot
    read, but Ammit can."""
    prize = box.path / "prize"
    prize.write_bytes(os.urandom(32))
    heard = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        listener.settimeout(PATIENCE_S)
        ammit = with_real_tor(box, "127.0.0.1:%d" % listener.getsockname()[1])
        for methods in ("COOKIE", "COOKIE,SAFECOOKIE"):
            sock, _ = listener.accept()
            with sock, sock.makefile("rb") as file:
                heard.append(file.readline())
                sock.sendall(b"250-PROTOCOLINFO 1\r\n250-AUTH METHODS=%s COOKIEFILE=\"%s\"\r\n250 OK\r\n" % (
                    methods.encode(), str(prize).encode()))
                challenge = file.readline()
                heard.append(challenge)
                if methods == "COOKIE":
                    assert challenge == b""
                    continue
                assert challenge.startswith(b"AUTHCHALLENGE SAFECOOKIE ")
                # Without the cookie it can answer anything but the right hash.
                sock.sendall(b"250 AUTHCHALLENGE SERVERHASH=%s SERVERNONCE=%s\r\n" % (b"A" * 64, b"B" * 64))
                heard.append(file.readline())
                assert heard[-1] == b""
    assert prize.read_bytes().hex().encode() not in b"".join(heard).lower()
    assert "COOKIE without SAFECOOKIE is for unix sockets alone" in ammit.output()
    wait_until(lambda: "whoever answers does not know the cookie" in ammit.output(), "the log to say it")


def test_who_may_not_is_told_whom_to_join(box):
    """The words for an administrator: whose socket and cookie it is, and what to do."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    Ammit(box, POLICY)
    home = box.path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    os.chmod(box.path / "policy.json", 0o644)
    tor = box.keep(RealTor(box, "CookieAuthentication 1")).start()
    tor.socket.parent.chmod(0o755)

    def told(address, *words):
        run = box.keep(Process("ammit", [
            *nobody, for_others(box), "run", "--spop", "unix@%s/s" % home, "--http", "unix@%s/h" % home,
            "--drip", "off", "--control", "off", "--state-dir", home / "state", "--policy", box.path / "policy.json",
            "--tor-control", address], box.path / "nobody.log")).start()
        wait_until(lambda: all(w in run.output() for w in words), "the log to say " + " ".join(words))
        assert run.stop() == 0

    told("unix@%s" % tor.socket, "permission denied (it is of root:root, mode 0600)", "GroupWritable", "SupplementaryGroups=debian-tor")
    told("127.0.0.1:%d" % tor.port, "the cookie file %s may not be read (it is of root:root, mode 0600)" % tor.cookie,
         "CookieAuthFileGroupReadable 1", "SupplementaryGroups=debian-tor")


def test_real_tor_by_password(box):
    if shutil.which("tor") is None:
        pytest.skip("no tor: tests/deps.sh installs it")
    tor = box.keep(RealTor(box, hashed(PASSWORD))).start()
    secret = box.path / "password"
    secret.write_text(PASSWORD + "\n")
    comes_up(with_real_tor(box, "127.0.0.1:%d" % tor.port, "--tor-password", secret), "HASHEDPASSWORD")


def test_real_tor_refuses_a_wrong_password(box):
    if shutil.which("tor") is None:
        pytest.skip("no tor: tests/deps.sh installs it")
    tor = box.keep(RealTor(box, hashed(PASSWORD))).start()
    secret = box.path / "password"
    secret.write_text("another\n")
    ammit = with_real_tor(box, "127.0.0.1:%d" % tor.port, "--tor-password", secret)
    wait_until(lambda: "tor refuses AUTHENTICATE by HASHEDPASSWORD with 515" in ammit.output(), "tor to refuse")
    secret.write_text(PASSWORD)
    wait_until(lambda: states(ammit)[-1] == "up", "the right one to be tried")


def test_real_tor_cookie_or_password(box):
    """The cookie first; where it cannot be read, the password; without either a line that says why."""
    if shutil.which("tor") is None:
        pytest.skip("no tor: tests/deps.sh installs it")
    tor = box.keep(RealTor(box, "CookieAuthentication 1", hashed(PASSWORD))).start()
    tor.cookie.rename(box.path / "elsewhere")
    ammit = with_real_tor(box, "unix@%s" % tor.socket)
    wait_until(lambda: states(ammit) == ["down"], "the log to say it")
    assert "the cookie file %s: No such file" % tor.cookie in ammit.output()
    # Of another tor: it is never sent.
    tor.cookie.write_bytes(os.urandom(32))
    wait_until(lambda: "whoever answers does not know the cookie" in ammit.output(), "the log to say it")
    tor.cookie.unlink()
    (box.path / "elsewhere").rename(tor.cookie)
    wait_until(lambda: states(ammit)[-1] == "up", "the cookie to be read")
    ammit.stop()
    tor.cookie.unlink()
    secret = box.path / "password"
    secret.write_text(PASSWORD)
    ammit.command += ["--tor-password", str(secret)]
    ammit.start()
    wait_until(lambda: 'by="HASHEDPASSWORD"' in ammit.output(), "the password to be taken")


def test_real_tor_without_authentication(box):
    tor = box.keep(RealTor(box)).start()
    comes_up(with_real_tor(box, "unix@%s" % tor.socket), "NULL")


def test_real_tor_frozen(box):
    """It takes the connection and says nothing."""
    tor = box.keep(RealTor(box, "CookieAuthentication 1")).start()
    tor.signal(signal.SIGSTOP)
    ammit = with_real_tor(box, "unix@%s" % tor.socket)
    with load(ammit) as took:
        wait_until(lambda: "no answer to PROTOCOLINFO in 5000 ms" in ammit.output(), "it to be given up")
        assert len(took) > 500
    tor.signal(signal.SIGCONT)
    wait_until(lambda: states(ammit)[-1] == "up", "tor to be up")
