"""The git-forge preset with real clients: git, curl and browsers' requests through HAProxy and Ammit
to a real cgit and git-http-backend."""

import html
import os
import re
import shutil
import socket
import subprocess
import tarfile
from urllib.parse import urlencode

import pytest

from conftest import BROWSER, CURL, PATIENCE_S, ROOT, Process, Puzzle, make_box, wait_until

LIGHTTPD = shutil.which("lighttpd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
FEED_READER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (compatible; ReaderOfFeeds/2.1)",
    "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.8",
}
# All that a browser sends, from one that follows links and never runs a script.
SCRAPER = dict(BROWSER, **{"User-Agent": BROWSER["User-Agent"].replace("128.0", "115.0")})

SITE = """
server.modules = ("mod_setenv", "mod_alias", "mod_cgi")
server.document-root = "{folder}"
server.bind = "{folder}/site.sock"
server.upload-dirs = ("{folder}")
cgi.assign = ("" => "")
$HTTP["url"] =~ "^/[^/]+/(HEAD|info/refs|objects/|git-(upload|receive)-pack$)" {{
	alias.url = ("/" => "{backend}/")
	setenv.set-environment = ("GIT_PROJECT_ROOT" => "{folder}/repos", "GIT_HTTP_EXPORT_ALL" => "1")
}} else {{
	alias.url = ("/" => "/usr/lib/cgit/cgit.cgi/")
	setenv.set-environment = ("CGIT_CONFIG" => "{folder}/cgitrc")
}}
"""
CGITRC = """
virtual-root=/
css=/assets/cgit.css
cache-size=0
enable-blame=1
snapshots=tar.gz
remove-suffix=1
scan-path={folder}/repos
"""


class Git:
    """The git of this machine, and nothing of who runs it."""

    def __init__(self, folder):
        self.env = {k: v for k, v in os.environ.items() if not k.lower().endswith("proxy") and not k.startswith("GIT_")}
        self.env.update(
            HOME=str(folder), GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull, GIT_TERMINAL_PROMPT="0",
            GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.org", GIT_COMMITTER_NAME="A",
            GIT_COMMITTER_EMAIL="a@example.org",
        )

    def __call__(self, *arguments, cwd=None, **env):
        got = subprocess.run(
            ["git"] + [str(a) for a in arguments], cwd=cwd, env=dict(self.env, **env), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_S,
        )
        assert got.returncode == 0, "git %s: %s" % (arguments, got.stderr)
        return got.stdout


def make_repository(folder, git):
    """app.git with some commits, a tag, and a branch."""
    work, bare = folder / "work", folder / "repos" / "app.git"
    git("init", "-q", "--bare", "-b", "main", bare)
    git("config", "http.receivepack", "true", cwd=bare)
    git("config", "uploadpack.allowFilter", "true", cwd=bare)
    git("init", "-q", "-b", "main", work)
    for i in range(5):
        with open(work / "README", "a") as file:
            file.write("line %d\n" % i)
        git("add", ".", cwd=work)
        git("commit", "-q", "-m", "commit %d" % i, cwd=work)
    git("tag", "v1.0", cwd=work)
    git("branch", "side", "HEAD~1", cwd=work)
    git("push", "-q", bare, "main", "side", "v1.0", cwd=work)
    git("update-server-info", cwd=bare)
    return bare


class Forge:
    def __init__(self, box, policy):
        self.path, self.git, self.policy = box.path, Git(box.path), policy
        self.bare = make_repository(box.path, self.git)
        backend = self.git("--exec-path").strip() + "/git-http-backend"
        (box.path / "site.conf").write_text(SITE.format(folder=box.path, backend=backend))
        (box.path / "cgitrc").write_text(CGITRC.format(folder=box.path))
        command = [LIGHTTPD, "-D", "-f", box.path / "site.conf"]
        site = box.keep(Process("site", command, box.path / "site.log", dict(self.git.env))).start()
        wait_until(lambda: self.listens() or not site.alive(), "the site")
        assert site.alive(), site.output()
        self.ammit = box.ammit(ROOT / "tests/data/policies" / (policy + ".yaml"))
        self.edge = box.edge(self.ammit.spop, self.ammit.http, "unix@%s/site.sock" % box.path)
        self.url = "http://%s/app.git" % self.edge.address

    def listens(self):
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(str(self.path / "site.sock")) == 0

    def commits(self):
        return self.git("rev-list", "main", cwd=self.bare).split()

    def judged(self, since):
        """(path with query, verdict, rule) of each request that is in the log from there on."""
        found = []
        for line in self.edge.lines()[since:]:
            got = re.match(r'\S+ (\S+) (\S+) status=\d+ verdict=(\S*) rule="([^"]*)"', line)
            assert got, line
            found.append(got.groups())
        return found


@pytest.fixture(scope="module", params=["git-forge", "git-forge-strict"])
def forge(request):
    with make_box() as box:
        forge = Forge(box, request.param)
        # What makes the report of a failure find the logs.
        forge.box, forge.edge.box = box, box
        yield forge


@pytest.fixture
def edge(forge):
    return forge.edge


@pytest.fixture
def folder(forge, request):
    """An empty one for this test."""
    path = forge.path / ("at-%d" % len(list(forge.path.glob("at-*"))))
    path.mkdir()
    return path


@pytest.fixture
def unchallenged(forge):
    """Whatever the test asks for is let through, by the rule that is there for it."""
    before = len(forge.edge.lines())
    rules = set()
    yield rules
    judged = forge.judged(before)
    assert judged and all(verdict == "allow" for _, _, verdict, _ in judged), judged
    assert rules <= {rule for _, _, _, rule in judged}, judged


GIT = "bot/forge-git"


@pytest.mark.parametrize("version", [0, 1, 2])
def test_clone(forge, folder, unchallenged, version):
    unchallenged.add(GIT)
    forge.git("-c", "protocol.version=%d" % version, "clone", "-q", forge.url, folder / "clone",
              GIT_TRACE_PACKET=str(folder / "trace"))
    assert (folder / "clone" / "README").read_text().startswith("line 0\n")
    said = re.findall(r"< version (\d)", (folder / "trace").read_text())
    assert set(said) == ({str(version)} if version else set()), "the protocol that was asked for"


def test_dumb_clone(forge, folder, unchallenged):
    """As it was before 2010, and as mirrors without CGI still serve it."""
    unchallenged.add(GIT)
    forge.git("clone", "-q", forge.url, folder / "clone", GIT_SMART_HTTP="0")
    assert forge.git("rev-parse", "v1.0", cwd=folder / "clone").strip() in forge.commits()


def test_shallow_then_whole(forge, folder, unchallenged):
    unchallenged.add(GIT)
    clone = folder / "clone"
    forge.git("clone", "-q", "--depth", "1", forge.url, clone)
    assert len(forge.git("rev-list", "HEAD", cwd=clone).split()) == 1
    forge.git("fetch", "-q", "--unshallow", cwd=clone)
    assert forge.git("rev-list", "HEAD", cwd=clone).split() == forge.commits()


def test_partial_clone(forge, folder, unchallenged):
    unchallenged.add(GIT)
    forge.git("clone", "-q", "--filter=blob:none", forge.url, folder / "clone")
    assert (folder / "clone" / "README").exists()


@pytest.mark.parametrize("version", [0, 2])
def test_push_and_fetch(forge, folder, unchallenged, version):
    """A push that is sent in chunks, and a fetch of it by another."""
    unchallenged.add(GIT)
    options = ("-c", "protocol.version=%d" % version)
    writer, reader, branch = folder / "writer", folder / "reader", "pushed-%d" % version
    for clone in (writer, reader):
        forge.git("clone", "-q", forge.url, clone)
    (writer / "noise").write_bytes(os.urandom(512 * 1024))
    forge.git("checkout", "-q", "-b", branch, cwd=writer)
    forge.git("add", ".", cwd=writer)
    forge.git("commit", "-q", "-m", "noise", cwd=writer)
    forge.git(*options, "-c", "http.postBuffer=131072", "push", "-q", "origin", branch, cwd=writer)
    forge.git(*options, "fetch", "-q", "origin", cwd=reader)
    pushed = forge.git("rev-parse", branch, cwd=writer)
    assert forge.git("rev-parse", "origin/" + branch, cwd=reader) == pushed
    assert forge.git("rev-parse", branch, cwd=forge.bare) == pushed


@pytest.mark.parametrize("name", ["Mozilla/5.0 (compatible; our-mirror)", "okhttp/4.12.0", "JGit/6.7.0"])
def test_git_by_another_name(forge, folder, unchallenged, name):
    """Clients are known by what they ask for: names and headers change."""
    unchallenged.add(GIT)
    forge.git("-c", "http.userAgent=" + name, "clone", "-q", forge.url, folder / "clone")


def test_curl(forge, folder, unchallenged):
    """A raw file, one as it was in a commit, a patch, and the archive of a tag."""
    commit = forge.commits()[-1]

    def fetch(path):
        out = folder / "out"
        subprocess.run(
            ["curl", "-sSf", "--noproxy", "*", "-o", out, "http://%s%s" % (forge.edge.address, path)],
            check=True, timeout=PATIENCE_S, env=forge.git.env,
        )
        return out.read_bytes()

    assert fetch("/app/plain/README").startswith(b"line 0\n")
    assert fetch("/app/plain/README?id=" + commit) == b"line 0\n"
    assert b"Subject: " in fetch("/app/patch/?id=" + commit)
    fetch("/app/snapshot/app-1.0.tar.gz")
    with tarfile.open(folder / "out") as archive:
        assert "app-1.0/README" in archive.getnames()


def test_feed_reader_that_says_mozilla(forge, unchallenged):
    unchallenged.add("bot/forge-feeds")
    for path in ("/app/atom/?h=main", "/app/atom"):
        got = forge.edge.get(path, FEED_READER)
        assert got.status == 200 and "<feed" in got.body, got


@pytest.mark.parametrize("path", [
    "/app/blame/README",
    "/app/blame/README?h=side",
    "/app/snapshot/app-1.0.tar.gz",
    "/app/snapshot/app-main.tar.gz",
    "/app/commit/?id=COMMIT",
    "/app/diff/?id=COMMIT&id2=FIRST",
    "/app/plain/README?id=COMMIT",
    "/app/tree/README?id=COMMIT",
    "/app/log/?ofs=200",
    "/app/log/?qt=grep&q=commit",
    # Only the looks of what is let through.
    "/app/blame/info/refs?service=git-upload-pack",
    "/app/log/HEAD",
    "/app/HEAD?url=app/blame/README",
    "/app/info/refs?service=git-upload-pack&url=app/blame/README",
    "/v2/x/../../app/blame/README/manifests/1",
    "/v2/%2e%2e/app/blame/README/manifests/1",
    "/app/atom/?h=main&r=app&p=blame&path=README",
])
def test_browser_pays(forge, path):
    commits = forge.commits()
    got = forge.edge.get(path.replace("COMMIT", commits[1]).replace("FIRST", commits[-1]), BROWSER)
    assert got.challenged, got


def test_curl_pays_for_blame(forge):
    before = len(forge.edge.lines())
    got = forge.edge.get("/app/blame/README", CURL)
    assert got.status == 403 and "line 0" not in got.body, got
    wait_until(lambda: len(forge.edge.lines()) > before, "the log")
    assert forge.judged(before)[0][2] == "challenge"


def test_scraper_walks_commits(forge):
    """From link to link: it sees no commit."""
    commits = forge.commits()
    start = ["/app/log/", "/app/"] + ["/app/commit/?id=" + c for c in commits]
    seen, queue, loaded = set(start), list(start), []
    while queue and len(seen) < 200:
        path = queue.pop(0)
        got = forge.edge.get(path, SCRAPER)
        if got.challenged:
            continue
        loaded.append(path)
        for link in re.findall(r"href='(/[^']*)'", got.body):
            link = html.unescape(link)
            if link not in seen:
                seen.add(link)
                queue.append(link)
    assert any("/commit/?id=" in path for path in seen)
    deep = [p for p in loaded if re.search(r"/(?:commit|blame|snapshot|diff|patch|log)/|[?&]id2?=", p)]
    assert not deep
    # The preset alone has no price for a look at the project, the strict one has.
    assert ("/app/" in loaded) == (forge.policy == "git-forge")


def test_browser_that_paid(forge):
    """And then everything is there, by the same pass."""
    puzzle = Puzzle(forge.edge.get("/app/blame/README", BROWSER))
    fields = {"ticket": puzzle.ticket, "solution": puzzle.solve(), "back": puzzle.back}
    got = forge.edge.post("/.ammit/pass", fields)
    assert got.status == 303, got
    headers = dict(BROWSER, Cookie=got.headers["Set-Cookie"].split(";")[0])
    for path in ("/app/blame/README", "/app/snapshot/app-1.0.tar.gz", "/app/log/", "/app/"):
        got = forge.edge.get(path, headers)
        assert got.status == 200 and not got.challenged, got
