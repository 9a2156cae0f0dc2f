"""The container image: made twice it is the same bytes; it holds what it must and nothing beside; and
it runs as it would in a pod: as nobody, on a root that is read-only, with no program but itself."""

import json
import os
import shutil
import stat
import subprocess

import pytest

import spop
from conftest import AMMIT, PATIENCE_S, ROOT, SCRAPER, Ammit, Process, free_port, run_ammit, wait_until
from kustomize import Base, pod
from test_watch import Volume

USER = 65532
VERSION = "9.8.7"

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("SAN")), reason="an image of a sanitizer's build is nobody's image"
)


def run(*command, **more):
    got = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, **more)
    assert got.returncode == 0, "%s\n%s%s" % (command, got.stdout, got.stderr)
    return got.stdout


def build(out, **env):
    return run(
        ROOT / "contrib/image/build.sh",
        env=dict(os.environ, B=str(AMMIT.parent), VERSION=VERSION, OUT=str(out), **env),
    )


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    for tool in ("umoci", "skopeo"):
        if not shutil.which(tool):
            pytest.skip(tool + " is not there: tests/deps.sh installs it")
    out = tmp_path_factory.mktemp("image") / "out"
    build(out, SOURCE_DATE_EPOCH="1700000000", IMAGE_SOURCE="https://example.org/ammit")
    return out


@pytest.fixture(scope="module")
def rootfs(image, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("needs root, to unpack files of their owners and to chroot")
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    run("umoci", "unpack", "--image", "%s:%s" % (image / "ammit.oci", VERSION), out)
    return out / "rootfs"


def tree(folder):
    return {
        str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file() and not f.is_symlink()
    }


def inspect(image, what="--config"):
    return json.loads(
        run("skopeo", "--insecure-policy", "inspect", what, "oci:%s:%s" % (image / "ammit.oci", VERSION))
    )


def test_two_builds_are_the_same_bytes(image, tmp_path):
    build(tmp_path / "again", SOURCE_DATE_EPOCH="1700000000", IMAGE_SOURCE="https://example.org/ammit", TZ="Asia/Tokyo")
    first, second = tree(image), tree(tmp_path / "again")
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_what_it_says_of_itself(image):
    got = inspect(image)
    config = got["config"]
    assert config["Entrypoint"] == ["/usr/bin/ammit", "run"] and not config.get("Cmd")
    assert config["User"] == "%d:%d" % (USER, USER)
    assert set(config["Volumes"]) == {"/run/ammit", "/var/lib/ammit"}
    # Nothing listens to others unless somebody says so: who reaches its sockets can be anybody.
    assert not config.get("ExposedPorts")
    labels = {k.rsplit(".", 1)[1]: v for k, v in config["Labels"].items()}
    assert labels["version"] == VERSION and labels["licenses"] == "MIT"
    assert labels["source"] == "https://example.org/ammit"
    assert got["created"] == "2023-11-14T22:13:20Z"
    assert {h["created"] for h in got["history"]} == {"2023-11-14T22:13:20Z"}
    names = json.loads(run("tar", "-xOf", image / "ammit.docker.tar", "manifest.json"))
    assert names[0]["RepoTags"][0].endswith("ammit:" + VERSION)


def test_what_is_in_it(rootfs):
    programs, writable = [], []
    for path in rootfs.rglob("*"):
        name, st = "/" + str(path.relative_to(rootfs)), path.lstat()
        assert not st.st_mode & (stat.S_ISUID | stat.S_ISGID), name + " is setuid"
        assert stat.S_ISLNK(st.st_mode) or not st.st_mode & 0o022, name + " is writable for others"
        assert stat.S_ISDIR(st.st_mode) or stat.S_ISREG(st.st_mode), name + " is no file"
        if st.st_uid == USER:
            writable.append(name)
        else:
            assert (st.st_uid, st.st_gid) == (0, 0), name
        if stat.S_ISREG(st.st_mode) and st.st_mode & 0o111 and ".so" not in name:
            programs.append(name)
    assert programs == ["/usr/bin/ammit"]
    assert sorted(writable) == ["/run/ammit", "/var/lib/ammit"]
    assert stat.S_IMODE((rootfs / "var/lib/ammit").stat().st_mode) == 0o700
    assert (rootfs / "etc/passwd").read_text().count("\n") == 1
    # The licences of what it is linked with.
    for line in (rootfs / "usr/share/doc/ammit/libraries").read_text().splitlines():
        assert (rootfs / "usr/share/doc" / line.split()[0].split(":")[0] / "copyright").stat().st_size > 100
    assert "LGPL-2.1" in os.listdir(rootfs / "usr/share/common-licenses")


def confined(rootfs, *command, mounts=(), user=USER):
    """In a mount namespace of its own: the root read-only, as nobody, and nothing of this machine."""
    script = 'set -e; root=$1; shift; mount --bind "$root" "$root"; mount -o remount,bind,ro "$root"\n'
    for where, how in mounts:
        script += "mount %s %s/%s\n" % (how, rootfs, where)
    script += 'exec chroot --groups= --userspec=%d:%d "$root" "$@"' % (user, user)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", rootfs, *command]


TMPFS = "-t tmpfs -o uid=%d,gid=%d,mode=0700 none" % (USER, USER)


@pytest.fixture(scope="module")
def namespaces(rootfs):
    got = subprocess.run([str(c) for c in confined(rootfs, "/usr/bin/ammit", "--version")], capture_output=True, text=True)
    if "unshare" in got.stderr or "mount:" in got.stderr:
        pytest.skip("no mount namespaces here: " + got.stderr.strip())
    assert got.returncode == 0, got.stderr
    return got


class Confined(Ammit):
    def __init__(self, box, image, rootfs, *more, mounts, arguments=None):
        self.spop = "127.0.0.1:%d" % free_port()
        own = ["--spop", self.spop, "--http", "127.0.0.1:%d" % free_port(), "--workers", 1, *more]
        command = confined(rootfs, *inspect(image)["config"]["Entrypoint"], *(arguments or own), mounts=mounts)
        env = dict(line.split("=", 1) for line in inspect(image)["config"]["Env"])
        env["PATH"] = os.environ["PATH"]  # unshare's and chroot's
        Process.__init__(self, "ammit", command, box.path / "ammit.log", env)


def verdict(ammit):
    with spop.Client(ammit.spop) as client:
        return client.ask(ua=SCRAPER["User-Agent"])["verdict"]


def test_it_judges(box, image, rootfs, namespaces):
    ammit = box.keep(Confined(box, image, rootfs, mounts=[("run/ammit", TMPFS), ("var/lib/ammit", TMPFS)])).start()
    with open("/proc/%d/status" % ammit.handle.pid) as status:
        text = status.read()
    assert "Uid:\t%d\t%d\t%d\t%d" % ((USER,) * 4) in text and "CapEff:\t0000000000000000" in text
    assert verdict(ammit) == "deny"
    assert "policy=embedded" in ammit.output()


def test_it_judges_with_a_key_that_is_mounted(box, image, rootfs, namespaces):
    """As a Secret is: root's, for the group of the pod, and nothing of it can be written."""
    assert run_ammit("rotate", "--state-dir", box.path / "state").returncode == 0
    key = box.path / "state/key"
    os.chown(key, 0, USER)
    key.chmod(0o440)
    (box.path / "state").chmod(0o755)
    mounts = [("run/ammit", TMPFS), ("var/lib/ammit", "--bind -o ro %s" % (box.path / "state"))]
    ammit = box.keep(Confined(box, image, rootfs, "--control", "off", "--drip", "off", mounts=mounts)).start()
    assert verdict(ammit) == "deny"
    ammit.stop()
    # Everybody's key is nobody's.
    key.chmod(0o444)
    ammit = box.keep(Confined(box, image, rootfs, "--control", "off", "--drip", "off", mounts=mounts))
    Process.start(ammit)
    wait_until(lambda: not ammit.alive(), "the refusal")
    assert ammit.handle.returncode == 1 and "others may read it" in ammit.output()
    ammit.handle = None  # as it was meant to


def test_it_runs_as_the_pod_says(box, image, rootfs, namespaces):
    """With the options, the mounts and the user of contrib/kubernetes: each mount read-only but the one
    for sockets, and a policy that reloads when kubelet swaps it."""
    tree = box.path / "kubernetes"
    run(ROOT / "contrib/kubernetes/collect.sh", tree, env=dict(os.environ, VERSION=VERSION))
    base = Base(tree / "base")
    spec = pod(base.one("Deployment"))
    container = spec["containers"][0]
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == USER
    conf = base.one("ConfigMap", "ammit-config")["data"]["ammit.conf"]
    port = free_port()
    for old, new in ((":8088", ":%d" % port), (":8089", ":%d" % free_port()), (":8090", ":%d" % free_port()),
                     ("0.0.0.0", "127.0.0.1"), ("policy-watch 5", "policy-watch 1")):
        assert old in conf
        conf = conf.replace(old, new)
    assert run_ammit("rotate", "--state-dir", box.path / "made").returncode == 0
    volumes = {
        "ammit-config": Volume(box.path / "config", ammit_conf=conf),
        "ammit-policy": Volume(box.path / "policy", **{
            "policy_yaml": base.one("ConfigMap", "ammit-policy")["data"]["policy.yaml"]}),
        "ammit-key": Volume(box.path / "key", spec["volumes"][2]["secret"]["defaultMode"],
                            key=(box.path / "made/key").read_text()),
    }
    os.chown((box.path / "key/key").resolve(), 0, USER)
    mounts = []
    for m in container["volumeMounts"]:
        v = next(v for v in spec["volumes"] if v["name"] == m["name"])
        (rootfs / m["mountPath"][1:]).mkdir(exist_ok=True)
        if "emptyDir" in v:
            mounts.append((m["mountPath"][1:], TMPFS))
            continue
        assert m["readOnly"]
        name = v["configMap"]["name"] if "configMap" in v else v["secret"]["secretName"]
        mounts.append((m["mountPath"][1:], "--bind -o ro %s" % volumes[name].path))
    ammit = box.keep(Confined(box, image, rootfs, arguments=container["args"], mounts=mounts)).start()
    ammit.spop = "127.0.0.1:%d" % port
    assert verdict(ammit) == "deny"
    volumes["ammit-policy"].set(policy_yaml="bots: [{name: all, path_regex: .*, action: ALLOW}]\n")
    wait_until(lambda: verdict(ammit) == "allow", "the policy that was swapped")


def test_it_checks(rootfs, namespaces):
    got = run(*confined(rootfs, "/usr/bin/ammit", "check", "(data)/default.yaml"))
    assert "(data)/default.yaml: good" in got
    # A root that is read-only, and no shell to be had.
    for program in ("/bin/sh", "/usr/bin/sh", "/bin/busybox"):
        bad = subprocess.run(
            [str(c) for c in confined(rootfs, program)], capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert bad.returncode == 127, bad.stderr
