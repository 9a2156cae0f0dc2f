"""/robots.txt of the policy in place of the site's, where the edge is told so."""

import json
import re
import subprocess

from conftest import AMMIT, BROWSER, CURL, PATIENCE_S, POLICY, ROOT, SCRAPER, run_ammit, wait_until

BUILT_IN = (ROOT / "policies/robots.txt").read_text()


def serve(box, robots, **env):
    return box.whole(dict(POLICY, robots=robots), **env)


def test_for_whoever_asks(box):
    """Before the verdict: a crawler that is denied everywhere else reads why."""
    edge = serve(box, True, AMMIT_ROBOTS="1")
    for headers in (CURL, BROWSER, SCRAPER):
        got = edge.get("/robots.txt", headers)
        assert (got.status, got.body) == (200, BUILT_IN), headers
        assert got.headers["Content-Type"].startswith("text/plain")
        assert got.headers["Cache-Control"] == "public, max-age=3600"
        assert "Set-Cookie" not in got.headers and not got.from_site
    got = edge.request("HEAD", "/robots.txt")
    assert got.status == 200 and got.body == "" and int(got.headers["Content-Length"]) == len(BUILT_IN)
    assert edge.request("POST", "/robots.txt", body="x").status == 405
    assert edge.get("/robots.txt?again").body == BUILT_IN
    # Nothing else is let through by it.
    assert edge.get("/", SCRAPER).status == 403
    assert edge.get("/a/robots.txt", SCRAPER).status == 403
    assert edge.get("/robots.txt/", BROWSER).challenged
    assert edge.get("//robots.txt", SCRAPER).status == 403
    assert edge.get("/robots.txt/", CURL).from_site


def test_off_is_the_sites_own(box):
    edge = serve(box, True)
    assert edge.get("/robots.txt", CURL).from_site
    assert edge.get("/robots.txt", SCRAPER).status == 403
    assert edge.get("/robots.txt", BROWSER).challenged


def test_on_without_a_text_forbids_nothing(box):
    edge = box.whole(POLICY, AMMIT_ROBOTS="1")
    got = edge.get("/robots.txt", SCRAPER)
    assert got.status == 404 and not got.from_site
    wait_until(lambda: "no `robots`" in edge.ammit.output(), "the warning")


def test_a_file_that_is_read_again(box):
    (box.path / "own.txt").write_text("User-agent: *\nDisallow: /a\n")
    edge = serve(box, "own.txt", AMMIT_ROBOTS="1")
    assert edge.get("/robots.txt").body == "User-agent: *\nDisallow: /a\n"
    (box.path / "own.txt").write_text("User-agent: *\nDisallow: /b\n")
    got = subprocess.run([AMMIT, "ctl", "--control", edge.ammit.control, "reload"],
                         capture_output=True, text=True, timeout=PATIENCE_S)
    assert got.returncode == 0, got
    wait_until(lambda: edge.get("/robots.txt").body.endswith("/b\n"), "the new text")


def test_a_file_that_is_not_there(box):
    (box.path / "p.json").write_text(json.dumps(dict(POLICY, robots="gone.txt")))
    got = run_ammit("check", box.path / "p.json")
    assert got.returncode == 1 and "robots: gone.txt cannot be used" in got.stderr


def test_the_built_in_text_says_what_it_means(box):
    """Read as RFC 9309 has it, by the parser that makes rules of such files."""
    rules = run_ammit("import-robots", "--star", ROOT / "policies/robots.txt")
    assert rules.returncode == 0, rules.stderr
    (box.path / "robots.yaml").write_text(rules.stdout)
    (box.path / "p.yaml").write_text("bots: [{import: robots.yaml}]\n")

    def verdict(agent, path):
        said = run_ammit("explain", "--no-dns", "--policy", box.path / "p.yaml", "--json",
                         "--header", "User-Agent: " + agent, "--path", path)
        return json.loads(said.stdout)["verdict"]

    for agent in re.findall(r"User-agent: (.+)", BUILT_IN):
        assert (verdict(agent, "/page") == "deny") == (agent != "*"), agent
    for agent in ("Googlebot/2.1", "bingbot/2.0", "DuckDuckBot/1.1", "Applebot/0.1", "archive.org_bot"):
        assert verdict(agent, "/page") == "allow", agent
        assert verdict(agent, "/.ammit/more") == "deny", agent
    assert "Crawl-delay: 10" in BUILT_IN
