"""contrib/kubernetes: what kustomize makes of it, against the published schemas and by what must be
true of it; and the snippets for ingress controllers, run by a real HAProxy and a real nginx in a
configuration like the controller's."""

import contextlib
import functools
import ipaddress
import json
import os
import re
import shutil
import socket
import subprocess

import jsonschema
import pytest
import yaml

from conftest import (
    BROWSER, CURL, HAPROXY, PATIENCE_S, POLICY, ROOT, SCRAPER, Edge, Process, Puzzle, free_port, run_ammit, wait_until,
)
from kustomize import Base, pod
from test_check import PADDINGS, QUESTION, SPOOFS, Nginx, earn, never_asked, nginx_conf, program, raw

VERSION = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
OVERLAYS = ["base", "daemonset", "haproxy-ingress/haproxytech", "haproxy-ingress/jcmoraisjr", "nginx-ingress",
            "nginx-ingress-f5", "onion"]
SERVICE = "ammit.ammit.svc.cluster.local"
# Made by hand, with a command that README.md has: a key belongs in no repository.
BY_HAND = {("Secret", "ammit-key")}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    out = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    got = subprocess.run(
        [ROOT / "contrib/kubernetes/collect.sh", out], env=dict(os.environ, VERSION=VERSION),
        capture_output=True, text=True, timeout=60,
    )
    assert got.returncode == 0, got.stderr
    return out


@pytest.fixture(params=OVERLAYS)
def base(request, tree):
    return Base(tree / request.param)


@pytest.fixture
def onion(tree):
    return Base(tree / "onion")


def values(tree, overlay):
    return yaml.safe_load((tree / overlay / "values.yaml").read_text())["controller"]


# ---- what kustomize makes ----


def test_each_file_is_used(tree):
    """By a kustomization, or it is for the person."""
    for overlay in OVERLAYS:
        if overlay == "onion":
            continue
        base = Base(tree / overlay)
        there = {f.name for f in (tree / overlay).iterdir()} - {"values.yaml"}
        assert there == base.files, overlay
    listed = set(yaml.safe_load((tree / "onion/kustomization.yaml").read_text())["configMapGenerator"][1]["files"])
    there = {f.name for f in (tree / "onion").iterdir()}
    assert there | {"onion.cfg"} == listed | {"kustomization.yaml", "statefulset.yaml", "networkpolicy.yaml", "onion.env", "policy.yaml"}


def test_it_is_what_kustomize_makes(base):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl here to compare with")
    got = subprocess.run(["kubectl", "kustomize", base.folder], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr

    def unhashed(o):
        text = json.dumps(o, sort_keys=True)
        for name in ("ammit-config", "onion-files", "onion"):
            text = re.sub(r'"%s-[a-z0-9]{10}"' % name, '"%s"' % name, text)
        return text

    real = sorted(unhashed(o) for o in yaml.safe_load_all(got.stdout))
    assert real == sorted(unhashed(o) for o in base.objects)


@pytest.mark.parametrize("version", ["v1.30", "v1.37"])
def test_schemas(base, version):
    folder = ROOT / os.environ.get("B", "build") / "kubernetes-schemas" / version
    if not folder.is_dir():
        pytest.skip("no schemas here: tests/kubernetes.sh fetches them")
    for o in base.objects:
        *group, api = o["apiVersion"].split("/")
        validate(folder, "-".join([o["kind"].lower(), *[g.split(".")[0] for g in group], api]), o)
    # They see what is wrong.
    with pytest.raises(jsonschema.ValidationError):
        validate(folder, "service-v1", dict(base.one("Service"), spec={"selectors": {}}))


@functools.lru_cache
def definitions(folder):
    return json.loads((folder / "_definitions.json").read_text())


def validate(folder, name, o):
    schema = json.loads((folder / (name + ".json")).read_text())
    resolver = jsonschema.RefResolver.from_schema(
        schema, store={"https://kubernetes.io/api/_definitions.json": definitions(folder)}
    )
    jsonschema.Draft7Validator(schema, resolver=resolver).validate(o)


def workloads(base):
    return [o for o in base.objects if pod(o)]


def test_workloads_are_locked(base):
    assert workloads(base)
    for o in workloads(base):
        spec = pod(o)
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec)
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] == context["runAsGroup"] == 65532
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not [v for v in spec["volumes"] if "hostPath" in v]
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True and context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]} and "privileged" not in context
            assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]
            assert ":" in container["image"] and not container["image"].endswith(":latest")
            assert "." not in container["image"].split("/")[0].split(":")[0], "a registry is named"
            # What can be written is a volume's, and no file of a ConfigMap is taken out of its folder.
            for mount in container["volumeMounts"]:
                kind = next(k for v in spec["volumes"] + claims(o) if v["name"] == mount["name"] for k in v if k != "name")
                assert mount.get("readOnly") or kind in ("emptyDir", "claim"), mount
                assert "subPath" not in mount
    assert base.one("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def claims(o):
    return [{"name": c["metadata"]["name"], "claim": c} for c in o["spec"].get("volumeClaimTemplates", [])]


def test_what_is_referred_to_is_there(base):
    there = {(o["kind"], o["metadata"]["name"]) for o in base.objects} | BY_HAND
    labels = [o["spec"]["template"]["metadata"]["labels"] for o in workloads(base)]

    def selects(selector):
        return [found for found in labels if selector.items() <= found.items()]

    for o in workloads(base):
        spec = pod(o)
        assert o["spec"]["selector"]["matchLabels"].items() <= o["spec"]["template"]["metadata"]["labels"].items()
        names = {v["name"] for v in spec["volumes"] + claims(o)}
        assert len(names) == len(spec["volumes"] + claims(o))
        for v in spec["volumes"]:
            if "configMap" in v:
                assert ("ConfigMap", v["configMap"]["name"]) in there
            if "secret" in v:
                assert ("Secret", v["secret"]["secretName"]) in there and not v["secret"].get("optional")
        mounted = {m["name"] for c in spec["containers"] for m in c["volumeMounts"]}
        assert mounted == names, "a volume that nobody mounts, or the other way"
        if "serviceAccountName" in spec:
            assert ("ServiceAccount", spec["serviceAccountName"]) in there
        for c in spec["containers"]:
            for source in c.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in there
            ports = {p["name"] for p in c.get("ports", [])}
            for probe in ("readinessProbe", "livenessProbe"):
                assert probe not in c or c[probe]["httpGet"]["port"] in ports
    ammit = next(o for o in workloads(base) if o["metadata"]["name"] == "ammit")
    ports = {p["name"]: p["containerPort"] for p in pod(ammit)["containers"][0]["ports"]}
    service = base.one("Service")
    assert selects(service["spec"]["selector"]) == [ammit["spec"]["template"]["metadata"]["labels"]]
    for p in service["spec"]["ports"]:
        assert ports[p["targetPort"]] == p["port"]
    assert selects(base.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"])
    for o in base.objects:
        if o["kind"] == "NetworkPolicy":
            assert selects(o["spec"]["podSelector"]["matchLabels"])
            assert o["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_only_proxies_get_in(base):
    """Each door of Ammit is named, and each has a keeper; nothing is open to a whole namespace or world."""
    for rule in base.one("NetworkPolicy", "ammit")["spec"]["ingress"]:
        assert rule["from"] and {p["port"] for p in rule["ports"]} <= {"spop", "http", "drip"}
        for peer in rule["from"]:
            assert peer["podSelector"]["matchLabels"], peer
            assert set(peer) <= {"podSelector", "namespaceSelector"}, peer
            if "namespaceSelector" in peer:
                assert list(peer["namespaceSelector"]["matchLabels"]) == ["kubernetes.io/metadata.name"]
    out = base.one("NetworkPolicy", "ammit")["spec"]["egress"]
    assert [{(p["protocol"], p["port"]) for p in rule["ports"]} for rule in out] == [{("UDP", 53), ("TCP", 53)}]


def test_ammit_takes_its_files(base, tmp_path):
    """The options and the policy, as the pod has them, and each at the place that it is mounted at."""
    conf = base.one("ConfigMap", "ammit-config")["data"]["ammit.conf"]
    policy = base.one("ConfigMap", "ammit-policy")["data"]["policy.yaml"]
    (tmp_path / "policy.yaml").write_text(policy)
    (tmp_path / "ammit.conf").write_text(conf.replace("/etc/ammit/policy/", "%s/" % tmp_path))
    got = run_ammit("check", tmp_path / "ammit.conf")
    assert got.returncode == 0, got.stderr
    options = dict(line.split(None, 1) for line in conf.splitlines() if line and line[0] != "#")
    container = next(o for o in workloads(base) if o["metadata"]["name"] == "ammit")
    container = pod(container)["containers"][0]
    mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
    assert container["args"] == ["-c", "/etc/ammit/config/ammit.conf"] and mounts["/etc/ammit/config"] == "config"
    assert options["policy"] == "/etc/ammit/policy/policy.yaml" and mounts["/etc/ammit/policy"] == "policy"
    assert mounts[options["state-dir"]] == "key" and int(options["policy-watch"]) > 0
    # The policy stays the same object when it changes; options are another one.
    assert container["image"].endswith(":" + VERSION)
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    for name in ("spop", "http", "drip"):
        assert options[name] in ("0.0.0.0:%d" % ports[name], "off", "unix@/run/ammit/spop.sock")


def test_the_readme_says_what_to_do_by_hand():
    text = (ROOT / "contrib/kubernetes/README.md").read_text()
    assert "create secret generic ammit-key --from-file=key=" in text
    for overlay in OVERLAYS:
        assert overlay in text, overlay


# ---- HAProxy ingress controllers ----

CONTROLLERS = {
    # Where each writes its own rules, the snippet, and sections of others.
    "haproxytech": (
        "{snippet}\nhttp-request set-var(txn.base) base\nhttp-request set-header X-Forwarded-Proto http\n"
        "use_backend %[var(txn.nobody)] if {{ var(txn.nobody) -m found }}\ndefault_backend site\n"
    ),
    "jcmoraisjr": (
        "http-request set-var(req.path) path\nhttp-request set-header X-Forwarded-Proto http\n{snippet}\n"
        "use_backend %[var(req.hostbackend)] if {{ var(req.hostbackend) -m found }}\ndefault_backend site\n"
    ),
}


class Controller(Edge):
    """HAProxy with what a controller writes around the snippets of values.yaml."""

    at = "127.0.0.1"

    def __init__(self, box, tree, kind, ammit, site):
        self.port = free_port()
        config = values(tree, "haproxy-ingress/" + kind)["config"]
        folder = tree / "haproxy-ingress" / kind
        spoe = (folder / "ammit.spoe.conf").read_text().replace("processing     50ms", "processing     2s")
        (box.path / "ammit.spoe.conf").write_text(spoe)
        if kind == "haproxytech":
            snippet, sections = config["frontend-config-snippet"], (folder / "haproxy-aux.cfg").read_text()
        else:
            snippet, sections = config["config-frontend"], config["config-sections"]
        text = (
            "global\n  log stdout format raw local0\ndefaults\n  mode http\n  log global\n  timeout connect 5s\n"
            "  timeout client 30s\n  timeout server 30s\nfrontend http\n  bind 127.0.0.1:%d\n" % self.port
            + CONTROLLERS[kind].format(snippet=snippet)
            + "backend site\n  server site %s\n%s" % (site, sections)
        )
        for old, new in (
            ("/etc/ammit/ammit.spoe.conf", "%s/ammit.spoe.conf" % box.path),
            (SERVICE + ":8088", ammit.spop), (SERVICE + ":8089", ammit.http), (SERVICE + ":8090", ammit.drip),
        ):
            assert old in text, old
            text = text.replace(old, new)
        assert SERVICE not in text
        self.file = box.path / "haproxy.cfg"
        self.file.write_text(text)
        Process.__init__(self, "haproxy", [HAPROXY, "-db", "-f", self.file], box.path / "haproxy.log")


@pytest.mark.parametrize("kind", sorted(CONTROLLERS))
def test_haproxy_controller(box, tree, kind):
    addresses = ["127.0.0.1:%d" % free_port() for _ in range(2)]
    ammit = box.ammit(POLICY, *addresses)
    controller = Controller(box, tree, kind, ammit, box.site().address)
    got = subprocess.run([HAPROXY, "-c", "-f", controller.file], capture_output=True, text=True, timeout=PATIENCE_S)
    assert got.returncode == 0 and "ALERT" not in got.stderr, got.stderr
    # Of its own rules that stand behind ours HAProxy says that they come before; they do not, for us.
    said = [line for line in got.stderr.splitlines() if "WARNING" in line]
    assert all("placed after a 'use_backend' rule" in line for line in said), said
    assert not said or kind == "haproxytech"
    box.keep(controller).start()
    wait_until(lambda: controller.get("/", SCRAPER).status == 403, "the agent to be seen")
    assert controller.get("/", CURL).from_site
    assert wait_until(lambda: controller.get("/", BROWSER).challenged, "the pages to be seen")
    cookie, _ = earn(controller, "/a?b=c")
    assert controller.get("/", dict(BROWSER, Cookie=cookie)).from_site
    got = controller.get("/.ammit/check", list(CURL.items()) + [tuple(q.split(": ")) for q in QUESTION])
    assert got.status == 404 and not got.from_site
    # Nobody is known by what he says of himself, and without Ammit the site is there.
    assert controller.get("/", list(BROWSER.items()) + [("X-Ammit-Ticket", "x"), ("X-Ammit-Src", "10.0.0.1")]).challenged
    ammit.kill()
    wait_until(lambda: controller.get("/", SCRAPER).from_site, "the site")


def test_a_service_that_is_not_there_yet_keeps_no_controller_down(tree, box):
    """Its name is looked up while HAProxy runs."""
    for kind in CONTROLLERS:
        servers = [
            line for line in (tree / "haproxy-ingress" / kind / "values.yaml").read_text().splitlines()
            + (tree / "haproxy-ingress/haproxytech/haproxy-aux.cfg").read_text().splitlines() if re.match(r" *server ", line)
        ]
        assert servers and all("resolvers ammit-dns init-addr libc,none" in s for s in servers)


# ---- nginx ----


class Ingress(Nginx):
    """nginx with what ingress-nginx writes around the snippets of values.yaml."""

    def prepare(self, folder, ammit, site, opened):
        http, server = self.snippets
        assert "server %s:8089;" % SERVICE in http
        http = http.replace(SERVICE + ":8089", self.ammit.http)
        server = server.replace("proxy_read_timeout 2s", "proxy_read_timeout 20s")
        nginx_conf(
            folder,
            "access_log off;\nproxy_intercept_errors off;\n%s\nserver {\nlisten %s;\nserver_name example.org;\n"
            "set $proxy_upstream_name \"-\";\n%s\nlocation / {\nset $namespace \"default\";\nset $pass_access_scheme $scheme;\n"
            "port_in_redirect off;\nclient_max_body_size 1m;\nproxy_set_header Host $http_host;\n"
            "proxy_set_header X-Real-IP $remote_addr;\nproxy_set_header X-Forwarded-For $remote_addr;\n"
            "proxy_pass http://%s;\nproxy_redirect off;\n}\n}\n" % (http, self.address, server, site),
        )
        return [program("nginx"), "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]

    def __init__(self, snippets, *more):
        self.snippets = snippets
        super().__init__(*more)


def test_nginx_controller(box, tree):
    """The two controllers have other names for the same."""
    config = values(tree, "nginx-ingress")["config"]
    snippets = config["http-snippet"], config["server-snippet"]
    entries = values(tree, "nginx-ingress-f5")["config"]["entries"]
    assert snippets == (entries["http-snippets"], entries["server-snippets"])
    ammit = box.ammit(POLICY, None, "127.0.0.1:%d" % free_port(), None, "--check-from", "127.0.0.1")
    nginx = Ingress(snippets, box, ammit, box.site().address)
    got = subprocess.run(nginx.command[:1] + ["-t"] + nginx.command[1:], capture_output=True, text=True, timeout=PATIENCE_S)
    assert got.returncode == 0 and "[warn]" not in got.stderr, got.stderr
    box.keep(nginx).start()
    page = nginx.get("/a?b=c", BROWSER)
    assert page.challenged and Puzzle(page).back == "/a?b=c"
    cookie, _ = earn(nginx, "/a?b=c")
    assert nginx.get("/", dict(BROWSER, Cookie=cookie)).from_site
    assert nginx.get("/", SCRAPER).status == 403
    assert nginx.get("/", CURL).from_site
    for spoof in SPOOFS:
        for visitor in (BROWSER, SCRAPER):
            assert not nginx.get("/", list(visitor.items()) + spoof).from_site, spoof
    # No padding makes a request that is not judged.
    for padding in PADDINGS:
        with contextlib.suppress(OSError):
            assert not nginx.get("/secret/x", list(SCRAPER.items()) + padding).from_site
    for path in ("/.ammit/check", "/.ammit/check?for=nginx", "//.ammit/check", "/.ammit-ask"):
        assert never_asked(raw(nginx.port, "GET %s HTTP/1.1" % path, *QUESTION)), path
    ammit.kill()
    assert nginx.get("/", CURL).status == 503


def test_who_may_ask_nginx_way(tree):
    """By address it is private ranges only; the NetworkPolicy says which pods."""
    options = Base(tree / "nginx-ingress").one("ConfigMap", "ammit-config")["data"]["ammit.conf"]
    peers = re.search(r"^check-from (\S+)", options, re.M)[1].split(",")
    assert peers and all(ipaddress.ip_network(p).is_private or p == "100.64.0.0/10" for p in peers)
    assert "drip off" in options and "spop unix@" in options
    rule = Base(tree / "nginx-ingress").one("NetworkPolicy")["spec"]["ingress"]
    assert [p["port"] for p in rule[0]["ports"]] == ["http"] and len(rule) == 1


# ---- the onion ----


def tor(tree, folder, **switches):
    """What tor makes of the container's command, as kubelet starts it: (it takes it, its options)."""
    lines = (tree / "onion/onion.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    assert set(switches) <= set(env)
    env.update(switches)
    spec = yaml.safe_load((tree / "onion/statefulset.yaml").read_text())["spec"]["template"]["spec"]
    container = next(c for c in spec["containers"] if c["name"] == "tor")
    torrc = (tree / "onion/torrc").read_text()
    (folder / "torrc").write_text(torrc.replace("/var/lib/tor", str(folder)))
    arguments = [
        re.sub(r"\$\((\w+)\)", lambda m: env[m[1]], a).replace("/etc/onion/torrc", str(folder / "torrc"))
        .replace("/var/lib/tor", str(folder)) for a in container["args"]
    ]
    command = [program("tor"), *arguments]
    checked = subprocess.run(command + ["--verify-config"], capture_output=True, text=True, timeout=PATIENCE_S)
    dumped = subprocess.run(command + ["--dump-config", "short"], capture_output=True, text=True, timeout=PATIENCE_S)
    options = [line.split(None, 1) for line in dumped.stdout.splitlines() if re.match(r"[A-Z]\w+ ", line)]
    return checked, dict(options)


@pytest.fixture
def folder(tmp_path):
    if not program("tor"):
        pytest.skip("tor is not there: tests/deps.sh installs it")
    tmp_path.chmod(0o700)
    return tmp_path


def test_onion_as_it_comes(tree, folder):
    checked, options = tor(tree, folder)
    assert checked.returncode == 0, checked.stdout
    assert not re.search(r"\[warn\](?! You are running Tor as root)", checked.stdout), checked.stdout
    assert options["HiddenServiceExportCircuitID"] == "haproxy"
    assert options["HiddenServicePort"] == "80 unix:/run/onion/haproxy.sock"
    assert options["HiddenServicePoWDefensesEnabled"] == "1"
    assert options["SocksPort"] == "0"
    assert options.get("HiddenServiceSingleHopMode", "0") == options.get("HiddenServiceNonAnonymousMode", "0") == "0"


@pytest.mark.parametrize(
    "switch, value, want",
    [
        ("TOR_CIRCUIT_IDS", "none", {"HiddenServiceExportCircuitID": "none", "HiddenServicePort": "80 unix:/run/onion/none.sock"}),
        ("TOR_POW", "0", {"HiddenServicePoWDefensesEnabled": "0"}),
        ("TOR_SINGLE_HOP", "1", {"HiddenServiceSingleHopMode": "1", "HiddenServiceNonAnonymousMode": "1", "SocksPort": "0"}),
    ],
)
def test_onion_switches(tree, folder, switch, value, want):
    _, before = tor(tree, folder)
    checked, options = tor(tree, folder, **{switch: value})
    assert checked.returncode == 0, checked.stdout
    assert want.items() <= options.items()
    # That one, and nothing else.
    assert {k for k in set(before) | set(options) if before.get(k) != options.get(k)} <= set(want)


def test_onion_mistakes_are_refused(tree, folder):
    for switch, value in (("TOR_CIRCUIT_IDS", "nginx"), ("TOR_SINGLE_HOP", "yes"), ("TOR_POW", "on")):
        checked, _ = tor(tree, folder, **{switch: value})
        assert checked.returncode != 0, switch


def test_onion_haproxy(onion, box):
    """With the files of the ConfigMap, and the environment of the pod: both sockets are there, for tor
    alone, and the one that has circuits wants them."""
    files = onion.one("ConfigMap", "onion-files")["data"]
    spec = pod(onion.one("StatefulSet"))
    container = next(c for c in spec["containers"] if c["name"] == "haproxy")
    site = box.site().address
    addresses = ["127.0.0.1:%d" % free_port() for _ in range(2)]
    ammit = box.ammit(POLICY, *addresses)

    def here(text):
        for old, new in (
            ("/etc/onion", str(box.path)), ("/run/onion", str(box.path)), (SERVICE + ":8088", ammit.spop),
            (SERVICE + ":8089", ammit.http), (SERVICE + ":8090", ammit.drip),
        ):
            text = text.replace(old, new)
        return text

    for name, text in files.items():
        (box.path / name).write_text(here(text))
    env = dict(os.environ, **onion.one("ConfigMap", "onion")["data"])
    env.update({e["name"]: here(e["value"]) for e in container["env"]})
    env["AMMIT_SITE"] = site
    command = [HAPROXY, *[here(a) for a in container["args"] if a != "-W"]]
    got = subprocess.run(command + ["-c"], env=env, capture_output=True, text=True, timeout=PATIENCE_S)
    assert got.returncode == 0 and "WARNING" not in got.stderr, got.stderr
    box.keep(Process("haproxy", command, box.path / "haproxy.log", env)).start()
    for name in ("haproxy.sock", "none.sock"):
        wait_until((box.path / name).exists, name)
        assert (box.path / name).stat().st_mode & 0o777 == 0o600
    circuit = b"PROXY TCP6 fc00:dead:beef:4dad::1:2345 ::1 65535 80\r\n"

    def ask(name, first):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect(str(box.path / name))
            sock.sendall(first + b"GET / HTTP/1.1\r\nHost: example.onion\r\nUser-Agent: TrustedAgent\r\nConnection: close\r\n\r\n")
            try:
                return b"".join(iter(lambda: sock.recv(65536), b""))
            except ConnectionResetError:
                return b""

    wait_until(lambda: b"x-from: site" in ask("haproxy.sock", circuit).lower(), "the site by a circuit")
    assert b"x-from: site" in ask("none.sock", b"").lower()
    assert b"x-from: site" not in ask("haproxy.sock", b"").lower()
