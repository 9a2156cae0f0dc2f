"""(data)/common/browser-headers.yaml against a real browser over TLS: what it sends of its own accord has
no weight, and what no longer fits does."""

import re
import subprocess
import tempfile

import pytest

from conftest import PATIENCE_S, free_port, wait_until
from test_haproxy import certificate

POLICY = """
bots: [{import: (data)/common/browser-headers.yaml}]
thresholds: [{name: odd, expression: weight > 0, action: DENY}]
"""
# As it names itself with a screen, and in Linux whatever the machine is.
AGENT = "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36"
LINUX = "X11; Linux x86_64"


@pytest.fixture(scope="module")
def major():
    said = subprocess.run(["chromium", "--version"], capture_output=True, text=True, timeout=PATIENCE_S).stdout
    return int(re.search(r" (\d+)\.", said).group(1))


@pytest.fixture
def edge(box):
    file = box.path / "policy.yaml"
    file.write_text(POLICY)
    ammit = box.ammit(file)
    crt = certificate(box.path)
    port = free_port()
    edge = box.edge(ammit.spop, ammit.http, AMMIT_CRT=str(crt), AMMIT_BIND_TLS="127.0.0.1:%d" % port)
    edge.tls = "https://127.0.0.1:%d/" % port
    return edge


def visit(edge, agent):
    """The weight of a page that Chromium opened under this name."""
    before = len(edge.lines())
    with tempfile.TemporaryDirectory(prefix="ammit-chromium-", ignore_cleanup_errors=True) as profile:
        subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-sync", "--disable-background-networking", "--disable-component-update",
             "--disable-dev-shm-usage", "--proxy-bypass-list=*", "--ignore-certificate-errors",
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--user-data-dir=" + profile,
             "--user-agent=" + agent, "--dump-dom", edge.tls],
            capture_output=True, text=True, timeout=3 * PATIENCE_S,
        )
    line = wait_until(lambda: [x for x in edge.lines()[before:] if " GET / " in x], "the request")[0]
    return int(re.search(r" weight=(-?\d+)", line).group(1))


def test_chromium(edge, major):
    assert visit(edge, AGENT % (LINUX, major)) == 0
    # Under another version, another system, another browser's name.
    assert visit(edge, AGENT % (LINUX, major - 7)) == 3
    assert visit(edge, AGENT % ("Macintosh; Intel Mac OS X 10_15_7", major)) == 2
    assert visit(edge, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0") == 5
