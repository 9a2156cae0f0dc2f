"""As much of kustomize as contrib/kubernetes uses, and an error for whatever else stands there, so that
the tests need no program that Debian has not. test_kubernetes.py compares it with the real one where
there is one."""

import copy
import pathlib

import yaml

KNOWN = {"apiVersion", "kind", "namespace", "resources", "patches", "configMapGenerator", "images"}


class Base:
    """The objects that a kustomization makes; names of generated ConfigMaps without their hash."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.text = yaml.safe_load((self.folder / "kustomization.yaml").read_text())
        assert set(self.text) <= KNOWN, set(self.text) - KNOWN
        self.objects, self.files = [], {"kustomization.yaml"}
        for name in self.text.get("resources", []):
            path = self.folder / name
            if path.is_dir():
                self.objects += Base(path).objects
            else:
                self.files.add(name)
                self.objects += [o for o in yaml.safe_load_all(path.read_text()) if o]
        for generator in self.text.get("configMapGenerator", []):
            self.generate(generator)
        for patch in self.text.get("patches", []):
            assert set(patch) <= {"target", "patch", "options"}, patch
            found = [o for o in self.objects if matches(o, patch["target"])]
            assert found, "nothing is patched by %s" % patch["target"]
            for o in found:
                for step in yaml.safe_load(patch["patch"]):
                    apply(o, step)
        for o in self.objects:
            for container in pod(o).get("containers", []):
                for image in self.text.get("images", []):
                    if container["image"] == image["name"]:
                        container["image"] = "%s:%s" % (image.get("newName", image["name"]), image["newTag"])
        if "namespace" in self.text:
            for o in self.objects:
                if o["kind"] != "Namespace":
                    o["metadata"]["namespace"] = self.text["namespace"]

    def generate(self, generator):
        assert set(generator) <= {"name", "namespace", "files", "envs", "behavior", "options"}, generator
        data = {}
        for name in generator.get("files", []):
            self.files.add(name)
            data[name] = (self.folder / name).read_text()
        for name in generator.get("envs", []):
            self.files.add(name)
            lines = (self.folder / name).read_text().splitlines()
            data.update(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        metadata = {"name": generator["name"]}
        if "namespace" in generator:
            metadata["namespace"] = generator["namespace"]
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        there = [o for o in self.objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == generator["name"]]
        assert len(there) == (generator.get("behavior") == "replace"), generator["name"]
        if there:
            made["metadata"] = there[0]["metadata"]
            self.objects.remove(there[0])
        self.objects.append(made)

    def one(self, kind, name=None):
        found = [o for o in self.objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
        assert len(found) == 1, "%d of %s %s" % (len(found), kind, name)
        return found[0]


def matches(o, target):
    assert set(target) <= {"kind", "name"}
    return target.get("kind", o["kind"]) == o["kind"] and target.get("name", o["metadata"]["name"]) == o["metadata"]["name"]


def apply(o, step):
    """RFC 6902."""
    *way, last = [p.replace("~1", "/").replace("~0", "~") for p in step["path"].split("/")[1:]]
    for part in way:
        o = o[int(part)] if isinstance(o, list) else o[part]
    key = int(last) if isinstance(o, list) else last
    if step["op"] == "remove":
        del o[key]
        return
    assert step["op"] == "add" or isinstance(o, list) or key in o, "nothing to replace at " + step["path"]
    assert step["op"] in ("add", "replace") and not (step["op"] == "add" and isinstance(o, list))
    o[key] = copy.deepcopy(step["value"])


def pod(o):
    """The pod's specification of a workload, or nothing."""
    return o.get("spec", {}).get("template", {}).get("spec", {}) if o["kind"] != "PersistentVolumeClaim" else {}
