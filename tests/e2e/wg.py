"""A small server on the internet (edge) and a machine at home, with WireGuard between them over a long
cable, each in a network namespace of its own; a visitor beside the edge, and one in the LAN of home:

    client ──── edge ════ WireGuard, over a cable of any length ════ home ──── lan
    203.0.113.2 203.0.113.1, 10.9.0.1                 10.9.0.2, 192.168.1.1    192.168.1.2

    with Homelab(box) as lab:
        lab.cut(); lab.join(); lab.delay(7500)
        with lab.edge.inside():
            …

The tunnel is brought up by wg-quick from contrib/wireguard/edge.conf and home.conf as they stand, but
for the keys. This kernel need not have WireGuard: wg-quick takes wireguard-go then.
Needs root and /dev/net/tun; nothing in there has a route to anywhere else.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess

import pytest

from conftest import AMMIT, PATIENCE_S, ROOT, Process, wait_until
from netns import Cable, ip

PUBLIC, PUBLIC6 = "203.0.113.1", "2001:db8:1::1"  # the edge, as its visitors know it
VISITOR, VISITOR6 = "203.0.113.2", "2001:db8:1::2"
OTHERS = ["203.0.113.%d" % i for i in range(10, 30)]  # the client's, too
EDGE, EDGE6, HOME, HOME6 = "10.9.0.1", "fd09::1", "10.9.0.2", "fd09::2"  # in the tunnel
HOME_LAN, LAN = "192.168.1.1", "192.168.1.2"
WIRE = AMMIT.parent / "tests/bench/longwire"


def up(namespace, link, *addresses):
    for address in addresses:
        ip("-n", namespace.name, "addr", "add", address, "dev", link, *(["nodad"] if ":" in address else []))
    ip("-n", namespace.name, "link", "set", link, "up")


def carries(namespace, link):
    """What is sent before the kernel has activated a link is lost."""
    wait_until(lambda: re.search("state (UP|UNKNOWN)", ip("-n", namespace.name, "link", "show", link)), "the link to carry")


def listening(namespace, process, address):
    def there():
        assert process.alive(), "%s did not start:\n%s" % (process.name, process.output())
        with namespace.inside(), socket.socket() as sock:
            return sock.connect_ex(address) == 0

    wait_until(there, process.name + " to listen")


class Homelab(Cable):
    def __init__(self, box, delay_us=7500):
        self.box, self.delay_us = box, delay_us

    def __enter__(self):
        if os.geteuid() != 0:
            pytest.skip("network namespaces need root")
        try:  # a container may have the file, and not the right to open it
            os.close(os.open("/dev/net/tun", os.O_RDWR))
        except OSError as error:
            pytest.skip("/dev/net/tun: %s: neither WireGuard nor the cable can be had" % error.strerror)
        if not os.path.exists("/proc/net/if_inet6"):
            pytest.skip("no IPv6 in this kernel")
        for tool in ("wireguard-go", "wg", "wg-quick"):
            if shutil.which(tool) is None:
                pytest.skip("no %s: tests/deps.sh installs it" % tool)
        with contextlib.ExitStack() as stack:
            self.stack = stack
            self.client, self.edge, self.home, self.lan = [self.namespace(r) for r in ("client", "edge", "home", "lan")]
            self.veth(self.client, [VISITOR + "/24", VISITOR6 + "/64"] + [a + "/24" for a in OTHERS],
                      self.edge, [PUBLIC + "/24", PUBLIC6 + "/64"])
            self.veth(self.lan, [LAN + "/24"], self.home, [HOME_LAN + "/24"])
            self.plug()
            self.tunnel()
            self.stack = stack.pop_all()
        return self

    def veth(self, a, a_addresses, b, b_addresses):
        try:
            ip("-n", a.name, "link", "add", "visit", "type", "veth", "peer", "name", "public", "netns", b.name)
        except subprocess.CalledProcessError as error:
            pytest.skip("no virtual network cable here: " + error.stderr.strip())
        up(a, "visit", *a_addresses)
        up(b, "public", *b_addresses)
        carries(a, "visit")
        carries(b, "public")

    # -- the cable

    def plug(self):
        self.log = open(self.box.path / "wire.log", "wb")
        self.stack.callback(self.log.close)
        self.wire = subprocess.Popen(
            [WIRE, self.edge.name, "wire", self.home.name, "wire", str(self.delay_us)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        self.stack.callback(self.wire.wait, PATIENCE_S)
        self.stack.callback(self.wire.stdin.close)
        assert self.wire.stdout.readline() == "ready\n", (self.box.path / "wire.log").read_text()
        up(self.edge, "wire", "198.51.100.1/24")
        up(self.home, "wire", "198.51.100.2/24")
        carries(self.edge, "wire")
        carries(self.home, "wire")

    def tell(self, command):
        self.wire.stdin.write(command + "\n")
        self.wire.stdin.flush()
        assert self.wire.stdout.readline() == "ok\n", command

    def cut(self):
        self.tell("cut")

    def join(self):
        self.tell("join")

    def delay(self, one_way_us):
        self.tell("delay %d" % one_way_us)

    # -- the tunnel

    def tunnel(self):
        keys = {}
        for role in ("edge", "home"):
            private = subprocess.run(["wg", "genkey"], check=True, capture_output=True, text=True).stdout
            public = subprocess.run(["wg", "pubkey"], check=True, capture_output=True, text=True, input=private).stdout
            keys[role] = public.strip()
            file = self.box.path / (role + ".key")
            file.touch(mode=0o600)
            file.write_text(private)
        for role, namespace in (("edge", self.edge), ("home", self.home)):
            text = (ROOT / "contrib/wireguard" / (role + ".conf")).read_text()
            for old, new in (
                ("PUBLIC-KEY-OF-HOME", keys["home"]), ("PUBLIC-KEY-OF-EDGE", keys["edge"]),
                ("edge.example.org:51820", "198.51.100.1:51820"),
                ("/etc/wireguard/ammit.key", str(self.box.path / (role + ".key"))),
            ):
                text = text.replace(old, new)
            # Its name is the interface's, and all namespaces share the folder of wireguard-go's sockets.
            file = self.box.path / ("am%d%s.conf" % (os.getpid(), role[0]))
            file.touch(mode=0o600)
            file.write_text(text)
            self.quick(namespace, "up", file)
            self.stack.callback(self.quick, namespace, "down", file)
            carries(namespace, file.stem)
        wait_until(lambda: self.ping(HOME), "the tunnel to carry")
        wait_until(lambda: self.ping(HOME6), "the tunnel to carry IPv6")

    def quick(self, namespace, what, file):
        with namespace.inside():
            got = subprocess.run(["wg-quick", what, file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S)
        assert got.returncode == 0, got.stdout

    def ping(self, address, *more):
        """Milliseconds of a round trip from the edge, if there is an answer."""
        with self.edge.inside():
            said = subprocess.run(["ping", "-c", "1", "-W", "1", *more, address], capture_output=True, text=True).stdout
        found = re.search(r"time=([0-9.]+) ms", said)
        return float(found.group(1)) if found else None

    # -- who is in there

    def process(self, box, namespace, name, command, env=None):
        """Started in there; ended with the box."""
        with namespace.inside():
            process = box.keep(Process(name, command, box.path / (name + ".log"), env and {**os.environ, **env}))
            return process.start()

    def nginx(self, box, site, more=""):
        """contrib/nginx/home.conf at home, with the address of the site; its log's lines."""
        folder = box.path
        temp = "".join("%s_temp_path %s/%s;\n" % (k, folder, k) for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = (ROOT / "contrib/nginx/home.conf").read_text()
        assert text.count("127.0.0.1:3000") == 2
        (folder / "home.conf").write_text(text.replace("127.0.0.1:3000", site))
        (folder / "nginx.conf").write_text(
            "daemon off;\nmaster_process off;\nuser root;\npid %s/nginx.pid;\nerror_log stderr;\n"
            "events { worker_connections 512; }\nhttp {\n%s"
            "log_format home '$remote_addr via=$realip_remote_addr connection=$connection $request_uri $status';\n"
            "access_log %s/access.log home;\ninclude %s/home.conf;\n%s}\n" % (folder, temp, folder, folder, more)
        )
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            pytest.skip("no nginx: tests/deps.sh installs nginx-light")
        nginx = self.process(box, self.home, "nginx", [program, "-e", "stderr", "-c", folder / "nginx.conf"])
        listening(self.home, nginx, (HOME, 8080))
        return lambda: (folder / "access.log").read_text().splitlines()

    def curl(self, namespace, *arguments):
        with namespace.inside():
            return subprocess.run(["curl", "-s", "-m", str(PATIENCE_S), *arguments], capture_output=True, text=True)
