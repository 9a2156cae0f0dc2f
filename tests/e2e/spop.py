"""SPOP 2.0 for the tests: a codec, a client that plays HAProxy, and an agent that plays Ammit.

Written from HAProxy's SPOE.txt, section 3, and independent of the C code on purpose.
"""

import os
import socket
import struct
import threading

HAPROXY_HELLO, HAPROXY_DISCONNECT, NOTIFY = 1, 2, 3
AGENT_HELLO, AGENT_DISCONNECT, ACK = 101, 102, 103
FIN = 1


def varint(value):
    if value < 240:
        return bytes([value])
    out = bytearray([0xF0 | value & 15])
    value = (value - 240) >> 4
    while value >= 128:
        out.append(value & 0x7F | 0x80)
        value = (value - 128) >> 7
    out.append(value)
    return bytes(out)


def string(text):
    raw = text.encode() if isinstance(text, str) else text
    return varint(len(raw)) + raw


def typed(value):
    """None, bool, int (INT64), str, bytes (BIN), or a ready pair ("uint32" | "ip", value)."""
    if value is None:
        return b"\x00"
    if isinstance(value, bool):
        return b"\x11" if value else b"\x01"
    if isinstance(value, int):
        return b"\x04" + varint(value & (1 << 64) - 1)
    if isinstance(value, str):
        return b"\x08" + string(value)
    if isinstance(value, bytes):
        return b"\x09" + string(value)
    kind, inner = value
    if kind == "uint32":
        return b"\x03" + varint(inner)
    if ":" in inner:
        return b"\x07" + socket.inet_pton(socket.AF_INET6, inner)
    return b"\x06" + socket.inet_pton(socket.AF_INET, inner)


def frame(kind, stream, number, payload=b"", flags=FIN):
    body = bytes([kind]) + struct.pack(">I", flags) + varint(stream) + varint(number) + payload
    return struct.pack(">I", len(body)) + body


def pairs(items):
    return b"".join(string(key) + typed(value) for key, value in items)


def hello(versions="2.0", size=16380, capabilities="pipelining,async", engine="test", check=False):
    items = [("supported-versions", versions), ("max-frame-size", ("uint32", size) if size else None)]
    if versions is None:
        items.pop(0)
    if size is None:
        items.pop()
    if capabilities is not None:
        items.append(("capabilities", capabilities))
    if check:
        items.append(("healthcheck", True))
    elif engine:
        items.append(("engine-id", engine))
    return frame(HAPROXY_HELLO, 0, 0, pairs(items))


def disconnect(kind=HAPROXY_DISCONNECT, code=0, message="normal"):
    items = [("status-code", ("uint32", code)), ("message", message)]
    return frame(kind, 0, 0, pairs(items))


def message(name, arguments):
    return string(name) + bytes([len(arguments)]) + pairs(arguments)


BROWSER = {
    "src": ("ip", "192.0.2.7"),
    "method": "GET",
    "path": "/",
    "query": None,
    "ver": "1.1",
    "host": "example.org",
    "ua": "curl/7.88.1",
    "pass": None,
    "hdr.accept": "*/*",
}


def notify(stream, number=1, **changes):
    """A NOTIFY of one request; names of headers as hdr_accept_language."""
    arguments = dict(BROWSER)
    for name, value in changes.items():
        if name.startswith("hdr_"):
            name = "hdr." + name[4:].replace("_", "-")
        arguments[name] = value
    return frame(NOTIFY, stream, number, message("weigh", list(arguments.items())))


class Cursor:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, count):
        if count > len(self.raw) - self.at:
            raise ValueError("string overruns the frame")
        self.at += count
        return self.raw[self.at - count : self.at]

    def varint(self):
        value, shift = self.take(1)[0], 4
        if value < 240:
            return value
        while True:
            byte = self.take(1)[0]
            value += byte << shift
            shift += 7
            if byte < 128:
                return value

    def string(self):
        return self.take(self.varint())

    def typed(self):
        kind = self.take(1)[0]
        if kind & 15 == 0:
            return None
        if kind & 15 == 1:
            return kind >> 4 == 1
        if kind & 15 in (2, 3, 4, 5):
            value = self.varint()
            return value - (1 << 64) if kind & 15 in (2, 4) and value >> 63 else value
        if kind & 15 == 6:
            return socket.inet_ntop(socket.AF_INET, self.take(4))
        if kind & 15 == 7:
            return socket.inet_ntop(socket.AF_INET6, self.take(16))
        if kind & 15 in (8, 9):
            return self.string().decode("latin-1")
        raise ValueError("type %d" % kind)

    def more(self):
        return self.at < len(self.raw)


class Frame:
    def __init__(self, body):
        cursor = Cursor(body)
        self.kind = cursor.take(1)[0]
        self.flags = struct.unpack(">I", cursor.take(4))[0]
        self.stream, self.number = cursor.varint(), cursor.varint()
        self.cursor = cursor

    def pairs(self):
        out = {}
        while self.cursor.more():
            key = self.cursor.string().decode()
            out[key] = self.cursor.typed()
        return out

    def variables(self):
        """Of an ACK: what it sets. Every action is set-var in scope txn."""
        out = {}
        while self.cursor.more():
            assert self.cursor.take(3) == b"\x01\x03\x02", "not a set-var of scope txn"
            name = self.cursor.string().decode()
            out[name] = self.cursor.typed()
        return out

    def arguments(self):
        """Of a NOTIFY with one message."""
        self.message = self.cursor.string().decode()
        out = {}
        for _ in range(self.cursor.take(1)[0]):
            name = self.cursor.string().decode()
            out[name] = self.cursor.typed()
        return out


def connect(address, timeout=20):
    """unix@PATH or HOST:PORT, as the daemon and HAProxy write it."""
    if address.startswith("unix@"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(address[5:])
        return sock
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host.strip("[]"), int(port)), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Client:
    """HAProxy's side of one connection."""

    def __init__(self, address, greet=True, **options):
        self.sock, self.buffer = connect(address), b""
        if greet:
            self.greet(**options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def greet(self, **options):
        self.send(hello(**options))
        answer = self.read()
        assert answer is not None and answer.kind == AGENT_HELLO, "no AGENT-HELLO"
        self.settings = answer.pairs()

    def send(self, raw):
        self.sock.sendall(raw)

    def read(self):
        """The next frame; None at the end of the connection."""
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack(">I", self.buffer[:4])[0]
                assert 7 <= size <= 16380, "frame of %d bytes" % size
                if len(self.buffer) >= 4 + size:
                    body, self.buffer = self.buffer[4 : 4 + size], self.buffer[4 + size :]
                    return Frame(body)
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                assert not self.buffer, "half a frame at the end: %r" % self.buffer
                return None
            self.buffer += data

    def ask(self, stream=1, number=1, **changes):
        """One request and its verdict."""
        self.send(notify(stream, number, **changes))
        answer = self.read()
        assert answer is not None and answer.kind == ACK and answer.flags == FIN
        assert (answer.stream, answer.number) == (stream, number)
        return answer.variables()

    def ended(self):
        """What is left to read: the status code of a DISCONNECT, or None without one."""
        code = None
        while (answer := self.read()) is not None:
            if answer.kind == AGENT_DISCONNECT:
                code = answer.pairs()["status-code"]
        return code


class Agent:
    """Answers each NOTIFY with answer(arguments): a dict of variables, or None for no answer."""

    def __init__(self, path, answer):
        self.address, self.path, self.answer = "unix@" + path, path, answer
        self.seen, self.connections = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(1024)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        buffer = b""
        try:
            while data := sock.recv(65536):
                buffer += data
                while len(buffer) >= 4 and len(buffer) >= 4 + (size := struct.unpack(">I", buffer[:4])[0]):
                    got, buffer = Frame(buffer[4 : 4 + size]), buffer[4 + size :]
                    self.take(sock, got)
        except OSError:
            pass

    def take(self, sock, got):
        if got.kind == HAPROXY_HELLO:
            items = [("version", "2.0"), ("max-frame-size", ("uint32", 16380)), ("capabilities", "pipelining")]
            sock.sendall(frame(AGENT_HELLO, 0, 0, pairs(items)))
        elif got.kind == HAPROXY_DISCONNECT:
            sock.sendall(disconnect(AGENT_DISCONNECT))
            sock.close()
        elif got.kind == NOTIFY:
            arguments = got.arguments()
            self.seen.append(arguments)
            variables = self.answer(arguments)
            if variables is not None:
                actions = b"".join(b"\x01\x03\x02" + string(k) + typed(v) for k, v in variables.items())
                sock.sendall(frame(ACK, got.stream, got.number, actions))

    def close(self):
        for sock in [self.listener] + self.connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
