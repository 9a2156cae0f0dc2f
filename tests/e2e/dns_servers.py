"""DNS servers for the tests, on loopback: rbldnsd and unbound as they are installed, and FakeDns for
what no honest server says. Standard library only, and independent of the C code on purpose.

A message of the helpers has an id of 0; FakeDns puts the id of the query in its place.
"""

import contextlib
import heapq
import ipaddress
import os
import pathlib
import pwd
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "PTR": 12, "AAAA": 28}
NAMES = {number: name for name, number in TYPES.items()}
NXDOMAIN, SERVFAIL, REFUSED = 3, 2, 5
PATIENCE_S = 20


def free_port():
    """One that neither UDP nor TCP has in use."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


def reverse(src, zone=None):
    """The name to ask a blocklist about an address; without a zone, the one of its PTR."""
    name = ipaddress.ip_address(src).reverse_pointer
    return name if zone is None else name.rsplit(".", 2)[0] + "." + zone


# -- messages


def pack(name):
    out = b""
    for label in filter(None, name.split(".")):
        out += bytes([len(label)]) + label.encode("latin-1")
    return out + b"\0"


def record(owner, kind, data, ttl=300):
    """`owner` is a name, or bytes as they go over the wire."""
    owner = owner if isinstance(owner, bytes) else pack(owner)
    return owner + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


def message(name, kind, answers=(), authority=(), rcode=0, truncated=False):
    flags = 0x8580 | (0x0200 if truncated else 0) | rcode
    number = TYPES[kind] if kind in TYPES else int(kind)
    head = struct.pack("!HHHHHH", 0, flags, 1, len(answers), len(authority), 0)
    return head + pack(name) + struct.pack("!HH", number, 1) + b"".join(answers) + b"".join(authority)


def a(name, kind, addresses, ttl=300):
    return message(name, kind, [record(name, "A", ipaddress.IPv4Address(x).packed, ttl) for x in addresses])


def aaaa(name, kind, addresses, ttl=300):
    return message(name, kind, [record(name, "AAAA", ipaddress.IPv6Address(x).packed, ttl) for x in addresses])


def ptr(name, kind, names, ttl=300):
    return message(name, kind, [record(name, "PTR", pack(x), ttl) for x in names])


def cname(name, kind, to, records=(), ttl=300):
    """It is another name of `to`, whose records (of record()) follow."""
    return message(name, kind, [record(name, "CNAME", pack(to), ttl), *records])


def soa_record(zone, minimum=60, ttl=300):
    data = pack("ns." + zone) + pack("hostmaster." + zone) + struct.pack("!IIIII", 1, 300, 300, 86400, minimum)
    return record(zone, "SOA", data, ttl)


def parent(name):
    return name.partition(".")[2]


def soa(name, kind, minimum=60, ttl=300):
    """The zone's own record, as an answer."""
    return message(name, kind, [soa_record(name, minimum, ttl)])


def nxdomain(name, kind, minimum=60, ttl=300):
    """There is no such name: known for the lesser of the two (RFC 2308, 5). None: no SOA at all."""
    return message(name, kind, (), [] if minimum is None else [soa_record(parent(name), minimum, ttl)], NXDOMAIN)


def nodata(name, kind, minimum=60, ttl=300):
    """There is such a name, but nothing of this kind."""
    return message(name, kind, (), [] if minimum is None else [soa_record(parent(name), minimum, ttl)])


def servfail(name, kind):
    return message(name, kind, rcode=SERVFAIL)


def refused(name, kind):
    return message(name, kind, rcode=REFUSED)


def truncated(name, kind):
    return message(name, kind, truncated=True)


def loop(name, kind):
    """A record whose owner is a pointer to itself."""
    at = len(message(name, kind))
    return message(name, kind, [record(struct.pack("!H", 0xC000 | at), "A", b"\x7f\0\0\x09")])


def long(name, kind):
    """A record whose owner is longer than a name may be."""
    return message(name, kind, [record((b"\x3f" + b"x" * 63) * 5 + b"\0", "A", b"\x7f\0\0\x09")])


def half(name, kind):
    """It ends in the middle of its only record."""
    return a(name, kind, ["127.0.0.9"])[:-6]


def wrong_id(good):
    return bytes([good[0] ^ 0x5A, good[1] ^ 0xA5]) + good[2:]


def wrong_question(good):
    """As if somebody had asked for the same with another first letter."""
    return good[:13] + (b"y" if good[13:14] == b"x" else b"x") + good[14:]


class Elsewhere(bytes):
    """A message that comes from another port than the one that was asked."""


def other_port(good):
    return Elsewhere(good)


def several(messages):
    """One behind the other."""
    return list(messages)


CLOSE = object()  # over TCP: hang up without a word; over UDP nothing


def odd(what, name, kind, transport):
    """By name: loop, long, half, truncated_then_closed, other_port, servfail, refused, …"""
    if what == "truncated_then_closed":
        return CLOSE if transport == "tcp" else truncated(name, kind)
    if what == "other_port":
        return other_port(a(name, kind, ["127.0.0.9"]))
    return {"loop": loop, "long": long, "half": half, "servfail": servfail, "refused": refused,
            "truncated": truncated, "nxdomain": nxdomain, "nodata": nodata}[what](name, kind)


# -- asking


def unpack(data, at):
    """The name at `at`, and where it ends."""
    labels, end = [], None
    for _ in range(128):
        size = data[at]
        if size == 0:
            return ".".join(labels), end or at + 1
        if size >= 0xC0:
            end = end or at + 2
            at = (size & 0x3F) << 8 | data[at + 1]
            continue
        labels.append(data[at + 1:at + 1 + size].decode("latin-1").lower())
        at += 1 + size
    raise ValueError("a name without an end")


def read_query(data):
    """Id, name, kind."""
    name, at = unpack(data, 12)
    number = struct.unpack_from("!H", data, at)[0]
    return data[:2], name, NAMES.get(number, str(number))


def read_reply(data):
    """RCODE, truncated or not, and the answers as text: [(owner, kind, value)]."""
    flags, questions, answers = struct.unpack_from("!HHH", data, 2)
    at, out = 12, []
    for _ in range(questions):
        at = unpack(data, at)[1] + 4
    for _ in range(answers):
        owner, at = unpack(data, at)
        number, _, _, size = struct.unpack_from("!HHIH", data, at)
        raw, kind = data[at + 10:at + 10 + size], NAMES.get(number, str(number))
        value = raw.hex()
        if kind in ("A", "AAAA"):
            value = str(ipaddress.ip_address(raw))
        elif kind in ("PTR", "CNAME"):
            value = unpack(data, at + 10)[0]
        out.append((owner, kind, value))
        at += 10 + size
    return flags & 15, bool(flags & 0x0200), out


def take(sock, size):
    out = b""
    while len(out) < size:
        data = sock.recv(size - len(out))
        if not data:
            raise EOFError
        out += data
    return out


def query(address, name, kind="A", timeout=1.0, tcp=False):
    """The reply as bytes; None if there is none in time."""
    host, _, port = address.rpartition(":")
    number = os.urandom(2)
    data = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + pack(name) + struct.pack("!HH", TYPES[kind], 1)
    try:
        if tcp:
            with socket.create_connection((host, int(port)), timeout) as sock:
                sock.sendall(struct.pack("!H", len(data)) + data)
                return take(sock, struct.unpack("!H", take(sock, 2))[0])
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(timeout)
            sock.connect((host, int(port)))
            sock.send(data)
            while True:
                reply = sock.recv(65535)
                if len(reply) >= 12 and reply[:2] == number:
                    return reply
    except (OSError, EOFError):
        return None


# -- servers


class Server:
    """A program on a port of its own; stop() may be called any number of times."""

    program = None

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port
        self.handle = None
        self.log = self.folder / (self.program + ".log")

    def prepare(self):
        """Write what it reads; its command line."""
        raise NotImplementedError

    def probe(self):
        """A name that it answers for, in whatever way."""
        raise NotImplementedError

    def start(self):
        program = shutil.which(self.program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        assert program, self.program + " is not installed"
        with open(self.log, "ab") as out:
            self.handle = subprocess.Popen(
                [program, *self.prepare()], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        end = time.monotonic() + PATIENCE_S
        while query(self.address, self.probe(), timeout=0.1) is None:
            if not self.alive() or time.monotonic() > end:
                self.stop()
                raise AssertionError("%s did not start:\n%s" % (self.program, self.log.read_text(errors="replace")))
            time.sleep(0.01)
        return self

    def alive(self):
        return self.handle is not None and self.handle.poll() is None

    def freeze(self):
        """It takes questions, and says nothing."""
        self.handle.send_signal(signal.SIGSTOP)

    def thaw(self):
        if self.alive():
            self.handle.send_signal(signal.SIGCONT)

    def reload(self):
        self.handle.send_signal(signal.SIGHUP)

    def kill(self):
        """Nobody listens any more, until start()."""
        if self.alive():
            self.handle.kill()
            self.handle.wait(PATIENCE_S)

    def stop(self):
        if self.alive():
            self.thaw()
            self.handle.terminate()
            try:
                self.handle.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self):
        return self if self.alive() else self.start()

    def __exit__(self, *_):
        self.stop()


class Rbldnsd(Server):
    """zones: {"bl.example": [("ip4set", "…"), ("ip6trie", "…")]}. UDP only. reload() reads `zones` anew."""

    program = "rbldnsd"

    def __init__(self, folder, zones):
        super().__init__(folder)
        self.zones = zones
        self.data = None
        self.age = int(time.time())

    def write(self):
        # rbldnsd takes a file for the same if its length and its time in seconds are.
        self.age += 1
        out = []
        for number, (zone, sets) in enumerate(self.zones.items()):
            for i, (kind, text) in enumerate(sets):
                file = self.data / ("%d-%d" % (number, i))
                new = self.data / "new"
                new.write_text(text)
                new.chmod(0o644)
                os.utime(new, (self.age, self.age))
                new.replace(file)
                out.append("%s:%s:%s" % (zone, kind, file.name))
        return out

    def prepare(self):
        # It will not run as root, and whom it becomes cannot look into a folder of pytest's.
        if self.data is None:
            self.data = pathlib.Path(tempfile.mkdtemp(prefix="rbldnsd-"))
            self.data.chmod(0o755)
        user = []
        if os.geteuid() == 0:
            known = {x.pw_name for x in pwd.getpwall()}
            user = ["-u", "rbldns" if "rbldns" in known else "nobody"]
        # -c 0: zones are read again on SIGHUP only.
        return ["-n", *user, "-4", "-b", "127.0.0.1/%d" % self.port, "-c", "0", "-w", str(self.data), *self.write()]

    def probe(self):
        return "2.0.0.127." + next(iter(self.zones))

    def reload(self):
        self.write()
        super().reload()

    def stop(self):
        super().stop()
        if self.data is not None:
            shutil.rmtree(self.data, ignore_errors=True)
            self.data = None


class Unbound(Server):
    """`lines` stand under server: what is in none of their zones is refused. UDP and TCP."""

    program = "unbound"

    def __init__(self, folder, lines):
        super().__init__(folder)
        self.lines = lines

    def prepare(self):
        head = ["interface: 127.0.0.1", "port: %d" % self.port, "do-daemonize: no", 'username: ""', 'chroot: ""',
                'directory: "%s"' % self.folder, 'pidfile: ""', "use-syslog: no", "do-ip6: no",
                "access-control: 127.0.0.0/8 allow", 'module-config: "iterator"', "num-threads: 1",
                'local-zone: "." refuse']
        file = self.folder / "unbound.conf"
        text = "server:\n" + "".join("  %s\n" % x for x in [*head, *self.lines])
        file.write_text(text + "remote-control:\n  control-enable: no\n")
        return ["-d", "-c", str(file)]

    def probe(self):
        return "ready.invalid"


def static_zone(zone):
    """What is not in its data is not there (NXDOMAIN, with a SOA)."""
    return ['local-zone: "%s." static' % zone,
            'local-data: "%s. 60 IN SOA ns.%s. h.%s. 1 300 300 86400 60"' % (zone, zone, zone)]


def data(name, kind, values, ttl=300):
    """Many make an answer that only TCP carries whole."""
    dot = "." if kind in ("PTR", "CNAME") else ""
    return ['local-data: "%s. %d IN %s %s%s"' % (name, ttl, kind, value, dot) for value in values]


def refused_zone(zone):
    return ['local-zone: "%s." always_refuse' % zone]


def silent_zone(zone):
    return ['local-zone: "%s." deny' % zone]


def servfail_zone(zone):
    """It is forwarded to nobody. Put these lines last: they end the server's own."""
    return ['local-zone: "%s." transparent' % zone, "forward-zone:", 'name: "%s."' % zone]


class FakeDns:
    """
    UDP and TCP on one port, from now until close(). answer(name, kind, "udp" or "tcp") gives what is
    said: bytes, None (nothing), (seconds, answer), a list of answers, CLOSE. `asked` is every question
    in its order, (name, kind). What the callable raises is in `errors`, and close() raises it.
    """

    def __init__(self, answer):
        self.answer, self.asked, self.errors = answer, [], []
        self.delayed, self.number, self.over = [], 0, threading.Event()
        while True:
            self.port = free_port()
            self.tcp, self.udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
            try:
                self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.tcp.bind(("127.0.0.1", self.port))
                self.udp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.tcp.close()
                self.udp.close()
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.tcp.listen(64)
        self.elsewhere = socket.socket(type=socket.SOCK_DGRAM)
        self.address = "127.0.0.1:%d" % self.port
        self.wake, self.woken = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        for sock in (self.tcp, self.udp, self.woken):
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ)
        self.clients = {}  # connections, and what came of a query so far
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            wait = max(0.0, self.delayed[0][0] - time.monotonic()) if self.delayed else None
            for key, _ in self.selector.select(wait):
                if key.fileobj is self.udp:
                    self.read_udp()
                elif key.fileobj is self.tcp:
                    self.accept()
                elif key.fileobj is not self.woken:
                    self.read_tcp(key.fileobj)
            while self.delayed and self.delayed[0][0] <= time.monotonic():
                _, _, said, number, to = heapq.heappop(self.delayed)
                self.say(said, number, to)

    def question(self, data, to):
        transport = "udp" if isinstance(to, tuple) else "tcp"
        try:
            number, name, kind = read_query(data)
            self.asked.append((name, kind))
            self.say(self.answer(name, kind, transport), number, to)
        except Exception as error:  # a thread has nobody to raise it to
            self.errors.append(error)

    def say(self, said, number, to):
        if said is None:
            return
        if isinstance(said, tuple):
            self.number += 1
            heapq.heappush(self.delayed, (time.monotonic() + said[0], self.number, said[1], number, to))
        elif isinstance(said, list):
            for one in said:
                self.say(one, number, to)
        elif isinstance(to, tuple):
            if said is not CLOSE:
                self.send_udp(said, number, to)
        elif said is CLOSE:
            self.drop(to)
        elif to in self.clients:
            said = self.numbered(said, number)
            with contextlib.suppress(OSError):
                to.sendall(struct.pack("!H", len(said)) + said)

    @staticmethod
    def numbered(said, number):
        return bytes(x ^ y for x, y in zip(said, number)) + said[2:]

    def send_udp(self, said, number, to):
        sock = self.elsewhere if isinstance(said, Elsewhere) else self.udp
        with contextlib.suppress(OSError):
            sock.sendto(self.numbered(said, number), to)

    def read_udp(self):
        with contextlib.suppress(OSError):
            while True:
                self.question(*self.udp.recvfrom(65535))

    def accept(self):
        with contextlib.suppress(OSError):
            client, _ = self.tcp.accept()
            client.settimeout(PATIENCE_S)  # for sending; reading waits for the selector
            self.clients[client] = b""
            self.selector.register(client, selectors.EVENT_READ)

    def read_tcp(self, client):
        try:
            came = client.recv(65535)
        except OSError:
            came = b""
        if not came:
            self.drop(client)
            return
        data = self.clients[client] + came
        while len(data) >= 2 and len(data) >= 2 + struct.unpack_from("!H", data)[0]:
            size = 2 + struct.unpack_from("!H", data)[0]
            self.question(data[2:size], client)
            data = data[size:]
        if client in self.clients:
            self.clients[client] = data

    def drop(self, client):
        if self.clients.pop(client, None) is not None:
            self.selector.unregister(client)
            client.close()

    def close(self):
        if not self.over.is_set():
            self.over.set()
            self.wake.send(b"x")
            self.thread.join(PATIENCE_S)
            for sock in (self.tcp, self.udp, self.elsewhere, self.wake, self.woken, *self.clients):
                sock.close()
            self.selector.close()
        if self.errors:
            raise self.errors.pop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
