"""policy-watch: what is mounted into a pod changes under the daemon, and nobody sends a signal. Files
are swapped as kubelet does it: a folder of its own for each state, and the link ..data moved at once."""

import itertools
import re

import yaml

from conftest import POLICY, SCRAPER, Ammit, Box, run_ammit, wait_until

OPEN = dict(POLICY, bots=[{"name": "open", "path_regex": ".*", "action": "ALLOW"}])
COUNT = itertools.count()


class Volume:
    """A ConfigMap or a Secret as kubelet mounts it."""

    def __init__(self, path, mode=0o644, **files):
        self.path = path
        path.mkdir()
        self.set(mode, **files)
        for name in files:
            (path / name.replace("_", ".")).symlink_to("..data/" + name.replace("_", "."))

    def set(self, mode=0o644, **files):
        folder = self.path / ("..2026_%d" % next(COUNT))
        folder.mkdir()
        for name, text in files.items():
            file = folder / name.replace("_", ".")
            file.write_text(text)
            file.chmod(mode)
        link = self.path / "..data_tmp"
        link.symlink_to(folder.name)
        old = self.path / "..data"
        gone = old.resolve() if old.exists() else None
        link.rename(old)
        if gone:
            for file in gone.iterdir():
                file.unlink()
            gone.rmdir()


def watching(box, policy, *more):
    return box.keep(Ammit(box, policy, None, None, None, "--policy-watch", 1, *more)).start()


def verdict(ammit):
    with ammit.client() as client:
        return client.ask(ua=SCRAPER["User-Agent"])["verdict"]


def test_a_volume_is_swapped(box):
    volume = Volume(box.path / "policy", policy_yaml=yaml.dump(POLICY))
    ammit = watching(box, volume.path / "policy.yaml")
    assert verdict(ammit) == "deny"
    volume.set(policy_yaml=yaml.dump(OPEN))
    wait_until(lambda: verdict(ammit) == "allow", "the new policy")
    # A broken one changes nothing, is said once, and is done with when it is mended.
    volume.set(policy_yaml="bots: [{name: broken}]\n")
    wait_until(lambda: "reload_refused" in ammit.output(), "the refusal")
    assert verdict(ammit) == "allow"
    volume.set(policy_yaml=yaml.dump(POLICY))
    wait_until(lambda: verdict(ammit) == "deny", "the mended policy")
    assert ammit.output().count("reload_refused") == 1
    assert ammit.output().count(" reloaded ") == 2


def test_a_file_that_is_imported(box):
    own = box.path / "own"
    own.mkdir()
    (own / "a.yaml").write_text("- {name: a, user_agent_regex: Nobody, action: DENY}\n")
    policy = box.path / "policy.yaml"
    policy.write_text(yaml.dump({"bots": [{"import": "own/*.yaml"}, *OPEN["bots"]]}))
    ammit = watching(box, policy)
    assert verdict(ammit) == "allow"
    (own / "b.yaml").write_text("- {name: b, user_agent_regex: GPTBot, action: DENY}\n")
    wait_until(lambda: verdict(ammit) == "deny", "the file that has come")
    (own / "b.yaml").write_text("- {name: b, user_agent_regex: Nobody, action: DENY}\n")
    wait_until(lambda: verdict(ammit) == "allow", "the file that has changed")


def test_a_key_is_rotated_in_a_secret(box):
    assert run_ammit("rotate", "--state-dir", box.path / "made").returncode == 0
    volume = Volume(box.path / "state", 0o600, key=(box.path / "made/key").read_text())
    ammit = watching(box, POLICY)
    assert run_ammit("rotate", "--state-dir", box.path / "made").returncode == 0
    volume.set(0o600, key=(box.path / "made/key").read_text())
    wait_until(lambda: re.search(r" reloaded .*keys=2", ammit.output()), "the new key")


def test_without_it_nothing_is_looked_at(box):
    """By the time that another daemon has seen the change."""
    policy = box.path / "p.yaml"
    policy.write_text(yaml.dump(POLICY))
    ammit = box.ammit(policy)
    other = Box(box.path / "other")
    other.path.mkdir()
    box.stack.callback(other.stack.close)
    watched = watching(other, policy)
    policy.write_text(yaml.dump(OPEN))
    wait_until(lambda: verdict(watched) == "allow", "the one that looks")
    assert verdict(ammit) == "deny"
