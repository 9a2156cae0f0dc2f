#!/usr/bin/python3
"""What Ammit adds on the whole way: visitor, HAProxy with edge.cfg, WireGuard, nginx at home; beside it the
same HAProxy, way and server without Ammit. One request at a time, on kept connections, turn about.

    B=build tests/bench/edge.py     R=5 slices of N=200 requests each way; ONE_WAY_US="7500 0"; HAPROXY=haproxy

Median, p99 and what is added are those of each slice, and the median of the slices; so a slice in which the
machine was busy elsewhere does not decide. The way without Ammit is measured twice: how far the two are apart
at p99 is the noise of the run, and says how much the other differences mean. The policy is policies/default.yaml. Needs root, /dev/net/tun and
make all build/tests/bench/longwire build/tests/bench/mkpass.
"""

import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import dns_servers  # noqa: E402
from conftest import AMMIT, BROWSER, CURL, HAPROXY, ROOT, Edge, Process, make_box, wait_until  # noqa: E402
from wg import HOME, PUBLIC, VISITOR, Homelab, listening  # noqa: E402

SLICES, EACH = int(os.environ.get("R", 5)), int(os.environ.get("N", 200))
DELAYS = [int(x) for x in os.environ.get("ONE_WAY_US", "7500 0").split()]
APART_S = 0.005 # a modest rate: nobody waits for the one before
ADDED_MS, ADDED_SHARE = 1.0, 0.02


def without_ammit():
    """edge.cfg with its site and its settings, and nothing in between."""
    parts = re.split(r"(?m)^(?=(?:global|defaults|frontend|backend)\b)", (ROOT / "haproxy/edge.cfg").read_text())
    part = {p.split("\n")[0].strip(): p for p in parts}
    return "%s%sfrontend edge\n    bind \"${AMMIT_BIND}\"\n    default_backend site\n%s" % (
        part["global"], part["defaults"], part["backend site"])


class Visitor:
    """One kept connection."""

    def __init__(self, port, request):
        self.request = request
        self.sock = socket.create_connection((PUBLIC, port), source_address=(VISITOR, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self):
        """Milliseconds, and the status."""
        begun = time.perf_counter_ns()
        self.sock.sendall(self.request)
        got = self.sock.recv(65536)
        while b"\r\n\r\n" not in got:
            got += self.sock.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)content-length: (\d+)", head).group(1)) - len(body)
        while left > 0:
            left -= len(self.sock.recv(65536))
        return (time.perf_counter_ns() - begun) / 1e6, int(got[9:12])


def request(headers):
    lines = "".join("%s: %s\r\n" % h for h in headers.items())
    return ("GET /page HTTP/1.1\r\nHost: example.org\r\n%s\r\n" % lines).encode()


def p99(times):
    return statistics.quantiles(times, n=100)[98]


def one_slice(ports, raw, expected):
    visitors = [Visitor(port, raw) for port in ports]
    times = [[] for _ in ports]
    for visitor in visitors:
        for _ in range(3):
            visitor.ask()
    for _ in range(EACH):
        for i in random.sample(range(len(ports)), len(ports)):
            ms, status = visitors[i].ask()
            assert status == expected[i], "%d in place of %d" % (status, expected[i])
            times[i].append(ms)
            time.sleep(APART_S)
    for visitor in visitors:
        visitor.sock.close()
    (ammit, plain, again), (ammit99, plain99, again99) = [[f(t) for t in times] for f in (statistics.median, p99)]
    return ammit, ammit99, plain, plain99, ammit - plain, ammit99 - plain99, abs(again99 - plain99)


def met(good):
    return "met" if good else "MISSED"


def main():
    answer = lambda name, kind, _: (
        dns_servers.a(name, kind, ["127.0.0.3"]) if name.startswith("2.0.0.127.") else dns_servers.nxdomain(name, kind))
    with make_box() as box, Homelab(box) as lab:
        socket_path = box.path / "site.sock"
        lab.nginx("unix:%s:" % socket_path,
                  "server { listen unix:%s; access_log off; location / { return 200 'home\\n'; } }\n" % socket_path)
        with lab.edge.inside():
            dns = box.stack.enter_context(dns_servers.FakeDns(answer))
            ammit = box.ammit(ROOT / "policies/default.yaml", None, None, None, "--dns", dns.address)
            edge = box.keep(Edge(box, ammit.spop, ammit.http, HOME + ":8080", patience=None, at=PUBLIC, AMMIT_SITE_PROXY="v2")).start()
            wait_until(lambda: edge.get("/", BROWSER).challenged, "the challenge page")
            (box.path / "plain.cfg").write_text(without_ammit())
            plain = Process("plain", [HAPROXY, "-db", "-f", box.path / "plain.cfg"], box.path / "plain.log",
                            dict(edge.env, AMMIT_BIND=PUBLIC + ":80"))
            box.keep(plain).start()
        listening(lab.edge, plain, (PUBLIC, 80))
        sealed = subprocess.run([AMMIT.parent / "tests/bench/mkpass", ammit.state / "key", "example.org", VISITOR],
                                check=True, capture_output=True, text=True).stdout.strip()
        kinds = (
            ("holder of a pass", request(dict(BROWSER, Cookie="ammit=" + sealed)), (200, 200, 200)),
            ("curl, allowed", request(CURL), (200, 200, 200)),
            ("browser, challenged", request(BROWSER), (403, 200, 200)),
        )
        found = {}
        with lab.client.inside():
            for delay_us in DELAYS:
                lab.delay(delay_us)
                for turn in range(SLICES):
                    for name, raw, expected in kinds:
                        if sys.stderr.isatty():
                            print("\r  %d us one way, slice %d of %d \033[K" % (delay_us, turn + 1, SLICES), end="", file=sys.stderr)
                        found.setdefault((delay_us, name), []).append(one_slice((edge.port, 80, 80), raw, expected))
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        failed = [x for x in edge.lines() if "error=-" not in x]
    report(found, failed)


def report(found, failed):
    version = subprocess.run([HAPROXY, "-v"], capture_output=True, text=True).stdout.split("\n")[0]
    print("%s; %d cores, load %s; %d slices of %d requests each way" % (
        version, os.cpu_count(), " ".join("%.1f" % x for x in os.getloadavg()), SLICES, EACH))
    print("ms             visitor                  with Ammit         without            added           noise")
    print("one way                                 p50      p99       p50      p99       p50      p99      p99")
    for (delay_us, name), slices in found.items():
        value = [statistics.median(column) for column in zip(*slices)]
        row = (delay_us / 1000, name, *value)
        if "challenged" in name:
            print("%-14.1f %-22s %7.3f  %7.3f   %7.3f  %7.3f   (a page of the edge)" % row[:6])
            continue
        print("%-14.1f %-22s %7.3f  %7.3f   %7.3f  %7.3f   %7.3f  %7.3f  %7.3f" % row)
        print("               added at p99 %.3f ms, target %.0f: %s%s" % (
            value[5], ADDED_MS, met(value[5] < ADDED_MS),
            "; p50 %.2f %%, p99 %.2f %% of the way's own, target %.0f %%: %s" % (
                100 * value[4] / value[2], 100 * value[5] / value[3], 100 * ADDED_SHARE,
                met(value[5] < ADDED_SHARE * value[3] and value[4] < ADDED_SHARE * value[2])) if delay_us else ""))
    if failed:
        print("%d requests without a verdict in time (timeout processing 50ms), as %s" % (len(failed), failed[0]))


main()
