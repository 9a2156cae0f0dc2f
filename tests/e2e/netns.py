"""Two network namespaces, client and server, joined by a cable (veth): a visitor at 203.0.113.2 and
a server at 203.0.113.1, so that http://203.0.113.1 is what it is for people: no secure context.

    with Cable() as cable:
        with cable.server.inside():
            edge = box.whole(at=SERVER)
        with cable.client.inside(), Firefox() as browser:
            browser.get(edge.url)

inside() moves this thread and no other: what it starts then, processes and threads and sockets, is
in that namespace and stays there. So the driver of a browser is talked to from inside as well.
Needs root; nothing in there has a route to anywhere else.
"""

import contextlib
import ctypes
import os
import subprocess

import pytest

from conftest import wait_until

SERVER, CLIENT = "203.0.113.1", "203.0.113.2"
CLONE_NEWNET = 0x40000000


def ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


def enter(file):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    def __init__(self, name):
        self.name = name
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)

    @contextlib.contextmanager
    def inside(self):
        with open("/proc/thread-self/ns/net") as outside, open("/run/netns/" + self.name) as here:
            enter(here)
            try:
                yield self
            finally:
                enter(outside)


class Cable:
    def __enter__(self):
        if os.geteuid() != 0:
            pytest.skip("network namespaces need root")
        self.stack = contextlib.ExitStack()
        with self.stack:
            self.server = self.namespace("server")
            self.client = self.namespace("client")
            ends = [(self.server, "ammit-s", SERVER), (self.client, "ammit-c", CLIENT)]
            try:
                ip("-n", self.server.name, "link", "add", "ammit-s", "type", "veth", "peer", "name", "ammit-c", "netns",
                   self.client.name)
            except subprocess.CalledProcessError as error:
                pytest.skip("no virtual network cable here: " + error.stderr.strip())
            for namespace, link, address in ends:
                ip("-n", namespace.name, "addr", "add", address + "/24", "dev", link)
                ip("-n", namespace.name, "link", "set", link, "up")
            for namespace, link, _ in ends:
                # What is sent before the kernel has activated a link is lost.
                wait_until(lambda: "state UP" in ip("-n", namespace.name, "link", "show", link), "the cable to carry")
            self.stack = self.stack.pop_all()
        return self

    def namespace(self, role):
        try:
            namespace = Namespace("ammit-%d-%s" % (os.getpid(), role))
        except subprocess.CalledProcessError as error:
            pytest.skip("no network namespaces here: " + error.stderr.strip())
        self.stack.callback(namespace.remove)
        return namespace

    def __exit__(self, *_):
        self.stack.close()
