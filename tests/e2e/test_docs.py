"""The examples of the documentation are policies that load, without a warning."""

import re
import textwrap

import pytest

from conftest import ROOT, run_ammit

RULE = "bots: [{name: some, path_regex: ^/some, action: DENY}]\n"


def fenced(file):
    """Blocks of ```yaml, by the line that they begin at."""
    text = (ROOT / file).read_text()
    for found in re.finditer(r"^```yaml\n(.*?)^```$", text, re.M | re.S):
        yield file, text.count("\n", 0, found.start()) + 1, found.group(1)


def indented(file):
    """Blocks of four blanks that are a policy."""
    text = (ROOT / file).read_text()
    for found in re.finditer(r"^\n((?:    .*\n|\n(?=    ))+)", text, re.M):
        block = textwrap.dedent(found.group(1))
        if re.search(r"^(?:bots|dnsbl|hosts|thresholds):", block, re.M):
            yield file, text.count("\n", 0, found.start(1)) + 1, block


EXAMPLES = list(fenced("policies/README.md")) + list(indented("README.md"))


def test_there_are_examples():
    assert len([e for e in EXAMPLES if e[0] == "README.md"]) >= 2 and len(EXAMPLES) >= 9


@pytest.mark.parametrize("file, line, block", EXAMPLES, ids=["%s:%d" % e[:2] for e in EXAMPLES])
def test_example(tmp_path, file, line, block):
    """A fragment has no rule and gets one; what it names on the machine is there."""
    for name in ("own/some.yaml", "office.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("192.0.2.0/24\n" if name.endswith("txt") else RULE[len("bots: "):])
    for source, name in (
        ("contrib/theme/logo.svg", "logo.svg"), ("contrib/theme/theme.css", "extra.css"),
        ("spoa/challenge/web/page.html", "page.html"), ("spoa/challenge/web/note.html", "note.html"),
    ):
        (tmp_path / name).write_bytes((ROOT / source).read_bytes())
    text = block.replace("/etc/ammit/", "%s/" % tmp_path)
    if not re.search(r"^bots:", text, re.M):
        text += RULE
    (tmp_path / "policy.yaml").write_text(text)
    got = run_ammit("check", "--strict", tmp_path / "policy.yaml")
    assert got.returncode == 0, "%s:%d: %s" % (file, line, got.stderr)


def test_every_shipped_policy_and_list_is_good():
    files = [f for f in (ROOT / "policies").rglob("*.y*ml")]
    got = run_ammit("check", *files)
    assert got.returncode == 0, got.stderr
    whole = [f for f in files if re.search(r"^bots:", f.read_text(), re.M)]
    assert {"default.yaml", "onion-service.yaml"} <= {f.name for f in whole}
    got = run_ammit("check", "--strict", *whole)
    assert got.returncode == 0, got.stderr


def test_each_file_is_named_in_the_table():
    """What stands at the top of policies/ is in the table of policies/README.md."""
    text = (ROOT / "policies/README.md").read_text().split("## What is here")[1]
    for file in sorted((ROOT / "policies").iterdir()):
        name = file.name + "/" if file.is_dir() else file.name
        if name != "README.md":
            assert "`%s`" % name in text, name


def test_what_the_readme_names_is_there():
    """Tests of the failure table, files, and in the tree of folders each one of them."""
    text = (ROOT / "README.md").read_text()
    tests = "".join(f.read_text() for f in (ROOT / "tests/e2e").glob("*.py"))
    for name in re.findall(r"`(test_\w+)(?:\.py)?`", text):
        assert "def %s(" % name in tests or (ROOT / "tests/e2e" / (name + ".py")).exists(), name
    for path in re.findall(r"`((?:haproxy|contrib)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    tree = text[text.rindex("\n    spoa/base"):]
    for folder in (ROOT / "spoa").iterdir():
        assert "    spoa/%s " % folder.name in tree, folder
    for folder in (f for f in (ROOT / "contrib").iterdir() if f.is_dir()):
        assert re.search(r"\b%s\b" % folder.name, tree), folder


def test_the_makefile_lists_its_targets():
    text = (ROOT / "Makefile").read_text()
    head = " ".join(re.findall(r"^# make ((?:[a-z0-9-]+ ?)*)", text, re.M))
    for target in re.search(r"^\.PHONY: (.*)$", text, re.M).group(1).split():
        assert target in ("all", "deps", "check-installed", "FORCE") or target in head.split(), target
