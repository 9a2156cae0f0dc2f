"""A Tor network of one's own: three directory authorities, relays, an onion service with the shipped
contrib/tor/torrc, a client. All of it in a network namespace that has only lo, so that nobody else is
ever asked; what it serves is reached by unix sockets, from whatever namespace.

    with TorNetwork(folder) as tor:
        edge binds tor.socket(80); then: tor.connect("somebody")     # a stream; another user: another circuit

Takes 15 to 40 s, as authorities vote by the clock, and 400 MB. Needs root and Debian's tor. The
service comes last: with a consensus that does not have all relays yet it may choose its guards from
too few of them, and is never reachable then.
"""

import concurrent.futures
import contextlib
import functools
import http.client
import os
import pathlib
import pwd
import re
import shutil
import socket
import struct
import subprocess

import pytest

from conftest import PATIENCE_S, ROOT, Process, wait_until
from netns import Namespace

AUTHORITIES, RELAYS = ("a0", "a1", "a2"), ("r0", "r1", "r2", "r3")
USER = "debian-tor"
PORTS = range(80, 90)  # of the onion service: each goes to a socket of its own
SOCKS_PORT, CONTROL_PORT = 9050, 9151  # within the namespace
PASSWORD = "correct horse battery staple"

# Of every node.
COMMON = """
TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
TestingDirAuthVoteExit *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
V3AuthNIntervalsValid 2
UseDefaultFallbackDirs 0
GeoIPFile /dev/null
GeoIPv6File /dev/null
ShutdownWaitLength 0
SafeLogging 0
Log notice stdout
"""
RELAY = """
SocksPort 0
OrPort {or_port}
DirPort {dir_port}
Address 127.0.0.1
AssumeReachable 1
ServerDNSResolvConfFile {folder}/resolv.conf
ServerDNSDetectHijacking 0
ServerDNSTestAddresses
ContactInfo nobody@example.org
"""
AUTHORITY = """
ExitRelay 0
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
"""
# A network without an exit says so in each microdescriptor; the namespace leads nowhere.
EXIT = "ExitRelay 1\nExitPolicyRejectPrivate 0\nExitPolicy accept *:*\n"


def needed(tool):
    found = shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        pytest.skip("no %s: tests/deps.sh installs tor" % tool)
    return found


class TorNetwork:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.stack = contextlib.ExitStack()
        self.processes = {}

    def __enter__(self):
        if os.geteuid() != 0:
            pytest.skip("a private Tor network needs root, for its namespace")
        self.tor, self.gencert = needed("tor"), needed("tor-gencert")
        try:
            self.user = pwd.getpwnam(USER)
        except KeyError:
            pytest.skip("no user %s: tests/deps.sh installs Debian's tor" % USER)
        try:
            self.namespace = Namespace("ammit-%d-tor" % os.getpid())
        except subprocess.CalledProcessError as error:
            pytest.skip("no network namespaces here: " + error.stderr.strip())
        self.stack.callback(self.namespace.remove)
        with self.stack:
            self._start()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _start(self):
        os.chmod(self.folder, 0o755)
        (self.folder / "resolv.conf").write_text("")
        with concurrent.futures.ThreadPoolExecutor(len(AUTHORITIES)) as pool:
            self.directories = "".join(pool.map(self._authority_keys, range(len(AUTHORITIES))))
        for i, name in enumerate(AUTHORITIES + RELAYS):
            more = RELAY.format(or_port=5000 + i, dir_port=7000 + i, folder=self.folder)
            more += AUTHORITY if name in AUTHORITIES else EXIT if name in RELAYS[:2] else "ExitRelay 0\n"
            self._run(name, more)
        wait_until(self._complete, "a consensus that has all relays", 120)
        self._run("client", "SocksPort 127.0.0.1:%d\nSocksPort unix:%s/socks WorldWritable RelaxDirModeCheck\n"
                  % (SOCKS_PORT, self.folder))
        self._run_service()
        for name in ("service", "client"):
            wait_until(lambda: self._said(name, "Bootstrapped 100%"), "%s to know the network" % name, 120)
        self.onion = (self.folder / "service/onion/hostname").read_text().strip()
        self._reach()

    def _authority_keys(self, i):
        """Make them; the line by which the others know this authority."""
        folder = self._folder(AUTHORITIES[i])
        keys = folder / "keys"
        keys.mkdir(mode=0o700)
        subprocess.run(
            [self.gencert, "--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a", "127.0.0.1:%d" % (7000 + i),
             "-i", keys / "authority_identity_key", "-s", keys / "authority_signing_key", "-c", keys / "authority_certificate"],
            input=b"none\n", check=True, capture_output=True,
        )
        identity = re.search(r"(?m)^fingerprint (\w+)", (keys / "authority_certificate").read_text()).group(1)
        said = subprocess.run(
            [self.tor, "--ignore-missing-torrc", "-f", "/nonexistent", "--quiet", "--DataDirectory", folder, "--Nickname",
             AUTHORITIES[i], "--TestingTorNetwork", "1", "--ORPort", str(5000 + i), "--Address", "127.0.0.1", "--ExitRelay", "0",
             "--DirAuthority", "x orport=1 v3ident=%s 127.0.0.1:1 %s" % (identity, identity), "--list-fingerprint"],
            check=True, capture_output=True, text=True,
        ).stdout
        return "DirAuthority %s orport=%d no-v2 v3ident=%s 127.0.0.1:%d %s\n" % (
            AUTHORITIES[i], 5000 + i, identity, 7000 + i, "".join(said.split()[1:]))

    def _folder(self, name):
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _run(self, name, more):
        folder = self._folder(name)
        (folder / "torrc").write_text(COMMON + "Nickname %s\nDataDirectory %s\n" % (name, folder) + more + self.directories)
        command = [self.tor, "-f", folder / "torrc", "--defaults-torrc", "/dev/null"]
        self.processes[name] = process = Process(name, command, self.folder / (name + ".log"))
        with self.namespace.inside():
            process.start()
        self.stack.callback(process.kill)  # a network that is thrown away says no farewell
        return process

    def _run_service(self):
        """The shipped lines, but for where things are; as Debian's user, for whom alone the socket is."""
        folder = self._folder("service")
        text = (ROOT / "contrib/tor/torrc").read_text()
        for what, here in (
            (r"^HiddenServiceDir .*", "HiddenServiceDir %s/onion" % folder),
            (r"^HiddenServicePort 80 .*", "\n".join("HiddenServicePort %d unix:%s" % (p, self.socket(p)) for p in PORTS)),
            (r"^ControlSocket \S+ .*", "ControlSocket %s/control" % folder),
            (r"^CookieAuthFile .*", "CookieAuthFile %s/cookie" % folder),
        ):
            text, count = re.subn("(?m)" + what, here, text)
            assert count == 1, "the shipped torrc has changed, and the test must, too: " + what
        hashed = subprocess.run([self.tor, "--quiet", "--hash-password", PASSWORD], check=True, capture_output=True, text=True)
        more = "User %s\nSocksPort 0\nControlPort 127.0.0.1:%d\nHashedControlPassword %s\n" % (
            USER, CONTROL_PORT, hashed.stdout.strip().splitlines()[-1])
        os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        os.chmod(folder, 0o700)
        self._run("service", text + more)

    def _said(self, name, words):
        process = self.processes[name]
        assert process.alive(), "%s ended:\n%s" % (name, process.output()[-4000:])
        return words in process.output()

    def _complete(self):
        for name in AUTHORITIES:
            self._said(name, "")
            try:
                text = (self.folder / name / "cached-microdesc-consensus").read_text()
            except FileNotFoundError:
                return False
            if len(re.findall(r"(?m)^r ", text)) != len(AUTHORITIES + RELAYS):
                return False
        return True

    def _reach(self):
        """Until a stream gets as far as the service, whoever answers there: the first may be in vain."""
        with socket.socket(socket.AF_UNIX) as listener:
            path = self.socket(PORTS[-1])
            listener.bind(path)
            os.chmod(path, 0o777)
            listener.listen()

            def reached():
                with contextlib.suppress(OSError):
                    self.connect("first", PORTS[-1]).close()
                    return True

            wait_until(reached, "the onion service", 90)
        os.unlink(path)

    def socket(self, port):
        """Where the service brings those who come to this port of it."""
        return "%s/%d.sock" % (self.folder, port)

    @property
    def control(self):
        """The service's control port, as Ammit is told of it."""
        return "unix@%s/service/control" % self.folder

    def connect(self, user, port=80, host=None):
        """A stream to the onion service. Streams of one user share a circuit, and nobody else does."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        try:
            sock.connect("%s/socks" % self.folder)
            name, host = user.encode(), (host or self.onion).encode()
            sock.sendall(b"\5\1\2")
            assert self._exactly(sock, 2) == b"\5\2"
            sock.sendall(b"\1" + bytes([len(name)]) + name + b"\1p")
            assert self._exactly(sock, 2) == b"\1\0"
            sock.sendall(b"\5\1\0\3" + bytes([len(host)]) + host + struct.pack(">H", port))
            answer = self._exactly(sock, 4)
            if answer[1]:
                raise OSError("SOCKS error %d" % answer[1])
            self._exactly(sock, {1: 4, 4: 16}[answer[3]] + 2)
        except BaseException:
            sock.close()
            raise
        return sock

    @staticmethod
    def _exactly(sock, size):
        data = b""
        while len(data) < size:
            more = sock.recv(size - len(data))
            if not more:
                raise ConnectionError("tor hung up")
            data += more
        return data

    def connection(self, user, port=80):
        """The same for http.client."""
        return Connection(self.onion, functools.partial(self.connect, user, port))

    def inside(self):
        return self.namespace.inside()

    def ask(self, *commands):
        """What the service's control port answers, as lines."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect("%s/service/control" % self.folder)
            lines = ['AUTHENTICATE "%s"' % PASSWORD, *commands, "QUIT"]
            sock.sendall("".join(line + "\r\n" for line in lines).encode())
            return b"".join(iter(lambda: sock.recv(65536), b"")).decode().splitlines()

    def circuits(self):
        """Those by which visitors are here now: CircuitID to the rest of the line."""
        found = (re.match(r"(?:250[+-]circuit-status=)?(\d+) (BUILT .*PURPOSE=HS_SERVICE_REND.*)", line)
                 for line in self.ask("GETINFO circuit-status"))
        return {int(m.group(1)): m.group(2) for m in found if m}


class Connection(http.client.HTTPConnection):
    """Over whatever `opener` opens."""

    def __init__(self, host, opener):
        super().__init__(host, timeout=30)
        self.opener = opener

    def connect(self):
        self.sock = self.opener()
