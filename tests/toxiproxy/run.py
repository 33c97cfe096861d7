#!/usr/bin/env python3
"""`assay proxy` is driven by public clients of Toxiproxy: the Node client, and the Python one.

Both come from their registries through npm and pip; without them the test says so and is skipped. The last line is
`N passed, N failed, N skipped`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "release" / "bin" / "assay"
NODE_CLIENT = "toxiproxy-node-client@4.1.0"
PYTHON_CLIENT = "toxiproxy-python==0.1.1"

PYTHON_CHECK = """
import sys
from toxiproxy import Toxiproxy
client = Toxiproxy()
client.update_api_consumer("127.0.0.1", int(sys.argv[1]))
assert client.running() and client.version()
proxy = client.create(upstream="127.0.0.1:9", name="one", listen="127.0.0.1:0")
proxy.add_toxic(name="slow", type="latency", attributes={"latency": 5, "jitter": 0})
assert client.get_proxy("one").get_toxic("slow").attributes["latency"] == 5
proxy.disable()
assert not client.get_proxy("one").enabled
proxy.enable()
assert client.get_proxy("one").enabled
proxy.destroy_toxic("slow")
assert client.get_proxy("one").get_toxic("slow") is None
assert client.destroy(proxy) and client.get_proxy("one") is None
"""


def outcome_of(command, **options):
    """What went wrong, or nothing."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    return "" if done.returncode == 0 else f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def with_node(folder, url):
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None, "node and npm are not installed"
    (folder / "package.json").write_text("{}")
    if missing := outcome_of(["npm", "install", "--no-audit", "--no-fund", NODE_CLIENT], cwd=folder):
        return None, f"{NODE_CLIENT} cannot be had from npm: {missing.splitlines()[0]}"
    return outcome_of(["node", ROOT / "tests" / "toxiproxy" / "client.mjs", folder, url]), ""


def with_python(folder, url):
    if outcome_of([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder / "site", PYTHON_CLIENT, "requests",
                   "future"]):
        return None, f"{PYTHON_CLIENT} cannot be had from PyPI"
    return outcome_of([sys.executable, "-c", PYTHON_CHECK, url.rsplit(":", 1)[1]],
                      env={"PYTHONPATH": str(folder / "site"), "PATH": "/usr/bin:/bin"}), ""


def main():
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix="assay-toxiproxy-") as folder:
        server = subprocess.Popen([ASSAY, "proxy", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True)
        try:
            url = json.loads(server.stdout.readline())["url"]
            for name, client in (("node", with_node), ("python", with_python)):
                place = Path(folder) / name
                place.mkdir()
                problem, reason = client(place, url)
                if problem is None:
                    skipped += 1
                    print(f"skipped: {name} client: {reason}")
                elif problem:
                    failed += 1
                    print(f"FAILED: {name} client: {problem}")
                else:
                    passed += 1
        finally:
            server.terminate()
            server.wait(timeout=10)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
