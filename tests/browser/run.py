#!/usr/bin/env python3
"""Opens the HTML report of a small run in headless Chromium and uses it as a reader would.

Drives chromedriver over its plain HTTP protocol (W3C WebDriver); the last line is `N passed, N failed, N skipped`.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One session with headless Chromium."""

    def __init__(self, profile):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.process = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}"
        self._wait_until_ready()
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--window-size=1280,1000", f"--user-data-dir={profile}"]
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{answer['sessionId']}"

    def _wait_until_ready(self):
        for _ in range(100):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError("chromedriver did not start within 10 s")

    def _call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())["value"]

    def open(self, url):
        self._call("POST", self.session + "/url", {"url": url})

    def script(self, text):
        return self._call("POST", self.session + "/execute/sync", {"script": text, "args": []})

    def find(self, selector):
        return self._call("POST", self.session + "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self._call("POST", f"{self.session}/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self._call("POST", f"{self.session}/element/{self.find(selector)}/value", {"text": text})

    def console(self):
        return self._call("POST", self.session + "/se/log", {"type": "browser"})

    def close(self):
        try:
            self._call("DELETE", self.session)
        except (urllib.error.URLError, ConnectionError):
            pass
        self.process.terminate()
        self.process.wait(timeout=10)


SHOWN = "return [...document.querySelectorAll('details.scenario')].filter(s => s.offsetParent).map(s => s.dataset.verdict)"


def check_summary(browser):
    """The summary names the verdict of the run and counts its scenarios."""
    text = browser.script("return document.body.innerText")
    assert "Qualification report" in text and "failed" in text, text[:500]
    assert browser.script("return document.title").endswith("failed")


def check_failure_is_open(browser):
    """A failed scenario is open and shows the values that mattered; a passed one is closed."""
    opened = browser.script("return [...document.querySelectorAll('details.scenario')].map(s => [s.dataset.verdict, s.open])")
    assert ["failed", True] in opened and ["passed", False] in opened, opened
    assert browser.script("return document.querySelector('.nodes').offsetParent !== null")


def check_filter(browser):
    """The verdict buttons and the search narrow the list, and pressing again widens it."""
    everything = browser.script(SHOWN)
    browser.click("button[data-verdict=failed]")
    assert set(browser.script(SHOWN)) == {"failed"}
    browser.click("button[data-verdict=failed]")
    assert browser.script(SHOWN) == everything
    browser.type(".filters input", "holds")
    assert browser.script(SHOWN) == ["passed"], browser.script(SHOWN)
    browser.script("const i = document.querySelector('.filters input'); i.value = ''; i.dispatchEvent(new Event('input'))")


def check_links_reveal(browser):
    """A link from the timeline opens the scenario it names."""
    browser.script("document.querySelectorAll('details.scenario').forEach(s => s.open = false)")
    browser.script("document.querySelector('svg a').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    time.sleep(0.3)
    assert browser.script("return [...document.querySelectorAll('details.scenario')].some(s => s.open)")


def check_self_contained(browser):
    """The page asks the network for nothing and the console stays silent."""
    assert browser.script("return performance.getEntriesByType('resource').length") == 0
    errors = [entry for entry in browser.console() if entry["level"] == "SEVERE"]
    assert not errors, errors


def check_narrow(browser):
    """On a narrow window nothing but wide blocks scrolls sideways."""
    browser._call("POST", browser.session + "/window/rect", {"width": 500, "height": 900})
    assert browser.script("return document.documentElement.scrollWidth <= window.innerWidth + 1")


CHECKS = [check_summary, check_failure_is_open, check_filter, check_links_reveal, check_self_contained, check_narrow]


def main():
    if not shutil.which("chromedriver"):
        print("skipped: chromedriver is not installed (./dev setup installs it)")
        print(f"0 passed, 0 failed, {len(CHECKS)} skipped")
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="assay-browser-") as folder:
        project = Path(folder) / "project"
        shutil.copytree(Path(__file__).parent / "project", project)
        run = subprocess.run([ASSAY, "run", "--report", "html"], cwd=project, capture_output=True, text=True, timeout=120)
        report = project / "results" / "latest" / "report.html"
        if run.returncode != 4 or not report.exists():
            print(f"assay run ended with {run.returncode}\n{run.stdout}{run.stderr}")
            print(f"0 passed, {len(CHECKS)} failed, 0 skipped")
            return 1
        browser = Browser(Path(folder) / "profile")
        try:
            browser.open(report.resolve().as_uri())
            for check in CHECKS:
                try:
                    check(browser)
                    passed += 1
                except Exception:
                    failed += 1
                    print(f"FAILED {check.__name__}: {check.__doc__}\n{traceback.format_exc()}")
        finally:
            browser.close()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
