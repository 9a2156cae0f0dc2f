"""SIGTERM: whoever asked before gets an answer, then hears that we go."""

import os
import signal

import pytest

import spop
from conftest import wait_until
from spop import ACK, AGENT_DISCONNECT, notify


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_connections_hear_of_it(box, number):
    ammit = box.ammit()
    clients = [ammit.client() for _ in range(5)]
    ammit.signal(number)
    for client in clients:
        assert client.ended() == 0
    assert ammit.handle.wait(20) == 0


def test_every_request_that_was_sent_is_answered(box):
    ammit = box.ammit()
    clients = [ammit.client() for _ in range(8)]
    # Frozen while they ask, so that all of it is waiting when the signal is taken.
    ammit.signal(signal.SIGSTOP)
    for client in clients:
        client.send(b"".join(notify(i, ua="GPTBot") for i in range(40)))
    ammit.signal(signal.SIGTERM)
    ammit.signal(signal.SIGCONT)
    for client in clients:
        for i in range(40):
            got = client.read()
            assert got is not None and got.kind == ACK, "request %d of 40 got no answer" % i
            assert (got.stream, got.variables()["verdict"]) == (i, "deny")
        got = client.read()
        assert got is not None and got.kind == AGENT_DISCONNECT and got.pairs()["status-code"] == 0
        assert client.read() is None
    assert ammit.handle.wait(20) == 0


def test_silent_peers_do_not_hold_it_up(box):
    """Connections without a HELLO, and with half a frame, end too."""
    ammit = box.ammit()
    silent, half, greeted = spop.connect(ammit.spop), spop.connect(ammit.spop), ammit.client()
    half.sendall(spop.hello()[:30])
    greeted.send(notify(1)[:20])
    ammit.signal(signal.SIGTERM)
    assert ammit.handle.wait(20) == 0
    for sock in (silent, half, greeted.sock):
        sock.close()


def test_sockets_are_gone_afterwards(box):
    ammit = box.ammit()
    paths = [ammit.spop[5:], ammit.http[5:]]
    assert all(os.path.exists(p) for p in paths)
    assert ammit.stop() == 0
    assert not any(os.path.exists(p) for p in paths)
    assert "stopped" in ammit.output()


def test_nobody_new_while_it_goes(box):
    ammit = box.ammit()
    ammit.client()
    ammit.signal(signal.SIGTERM)

    def refused():
        try:
            spop.connect(ammit.spop).close()
        except OSError:
            return True

    wait_until(refused, "the listener to be closed")
