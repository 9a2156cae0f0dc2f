#!/usr/bin/python3
"""The browser solver beside what it could be: in Chromium and Firefox, one worker, all in one run.

    B=build tests/bench/solver.py       R=5 rounds, interleaved, the best of each counts; MS=1000 each
                                        BROWSERS="chromium firefox"

Exit status 1 if the shipped solver is below 0.9 of the best SIMD figure of the run, or below 40 times
WebCrypto with one await a number. Needs make build/wasm/solver.js build/wasm/reference.wasm.
"""

import functools
import http.server
import os
import pathlib
import shutil
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import browsers  # noqa: E402

BUILT = HERE.parents[1] / os.environ.get("B", "build") / "wasm"
KINDS = ["reference_simd", "shipped", "shipped_wasm", "shipped_js", "webcrypto_256", "webcrypto_1"]
# What a visitor without a JIT has; Firefox then runs no WebAssembly either.
BARE = ["shipped", "webcrypto_256", "webcrypto_1"]
ROUNDS, MS = int(os.environ.get("R", 5)), int(os.environ.get("MS", 1000))
RUN = (
    "let done = arguments[2], w = new Worker('worker.js');"
    "w.onmessage = (e) => { w.terminate(); done(e.data) }; w.onerror = (e) => done(e.message);"
    "w.postMessage({ kind: arguments[0], ms: arguments[1] })"
)


class Files(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".wasm": "application/wasm", "": "text/html"}

    def log_message(self, *_):
        pass


def measure(browser, url, kinds):
    best = dict.fromkeys(kinds, 0.0)
    browser.get(url)
    for _ in range(ROUNDS):
        for kind in kinds:
            got = browser.later(RUN, kind, MS)
            if not isinstance(got, (int, float)):
                sys.exit("%s, %s: %s" % (browser.name, kind, got))
            best[kind] = max(best[kind], got)
    return best


def table(title, best, beside):
    print("%-28s %10s %12s" % (title, "MH/s", "to " + beside))
    for kind, rate in best.items():
        print("  %-26s %10.3f %12.3f" % (kind, rate / 1e6, rate / best[beside]))


def main():
    good = True
    with tempfile.TemporaryDirectory(prefix="ammit-bench-") as folder:
        for file in (BUILT / "solver.js", BUILT / "reference.wasm", HERE / "solver" / "worker.js"):
            shutil.copy(file, folder)
        (pathlib.Path(folder) / "index.html").write_text("<!doctype html><title>bench</title>")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "http://127.0.0.1:%d/" % server.server_port
        for name in os.environ.get("BROWSERS", "chromium firefox").split():
            kind = {"chromium": browsers.Chromium, "firefox": browsers.Firefox}[name]
            with kind() as browser:
                best = measure(browser, url, KINDS)
            table(name, best, "reference_simd")
            simd = best["shipped"] / max(best["reference_simd"], best["shipped"])
            awaited = best["shipped"] / best["webcrypto_1"]
            print("  of the best SIMD: %.2f (0.90 wanted); of one await a number: %.0f (40 wanted)" % (simd, awaited))
            good = good and simd >= 0.9 and awaited >= 40
            with kind(jit=False, wasm=False) as browser:
                table(name + ", no JIT", measure(browser, url, BARE), "webcrypto_1")
        server.shutdown()
    sys.exit(0 if good else 1)


main()
