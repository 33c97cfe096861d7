"""A whole run of 200 sequential HTTP steps with two expectations each, against nginx on loopback."""

import json
import os
import pathlib
import re
import tempfile
import time

import measure

STEPS = 200
ANSWER = {"id": "rec-1", "status": "stored", "channels": 19, "rate": 256, "items": [{"n": i} for i in range(20)]}


def paths():
    return [f"/recordings/{i}" for i in range(STEPS)]


def write_assay(folder, base):
    folder.mkdir()
    (folder / "assay.yaml").write_text(
        "name: bench\nsuites: [scenarios]\nenvironment: local\nenvironments:\n  local:\n    type: remote\n"
        f'    endpoints:\n      api: "{base}"\n')
    steps = "".join(
        f"  - name: read {i}\n    http: GET {path}\n    expect:\n      - status == 200\n      - body.id == 'rec-1'\n"
        for i, path in enumerate(paths()))
    (folder / "scenarios").mkdir()
    (folder / "scenarios/steps.yaml").write_text(f"id: BENCH-STEPS\ntitle: {STEPS} steps\ncategory: bench\nsteps:\n{steps}")


def write_newman(path, base):
    script = ["const body = pm.response.json();",
              "pm.test('status', () => pm.response.to.have.status(200));",
              "pm.test('id', () => pm.expect(body.id).to.eql('rec-1'));"]
    items = [{"name": f"read {i}", "request": {"method": "GET", "url": base + place},
              "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": script}}]}
             for i, place in enumerate(paths())]
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    path.write_text(json.dumps({"info": {"name": "bench", "schema": schema}, "item": items}))


def write_stepci(path, base):
    steps = "".join(
        f"      - name: read {i}\n        http:\n          url: {base}{place}\n          method: GET\n"
        "          check:\n            status: 200\n            jsonpath:\n              $.id: rec-1\n"
        for i, place in enumerate(paths()))
    path.write_text(f'version: "1.1"\nname: bench\ntests:\n  bench:\n    steps:\n{steps}')


def write_venom(path, base):
    cases = "".join(
        f"- name: read {i}\n  steps:\n  - type: http\n    method: GET\n    url: {base}{place}\n    assertions:\n"
        "    - result.statuscode ShouldEqual 200\n    - result.bodyjson.id ShouldEqual rec-1\n"
        for i, place in enumerate(paths()))
    path.write_text(f"name: bench\ntestcases:\n{cases}")


def write_hurl(path, base):
    path.write_text("".join(f'GET {base}{place}\nHTTP 200\n[Asserts]\njsonpath "$.id" == "rec-1"\n\n' for place in paths()))


class Counted:
    """Runs a command and checks that the server answered the 200 requests of it."""

    def __init__(self, log, command, says=None, **options):
        self.log, self.command, self.says, self.options = log, command, says, options

    def __call__(self):
        before = self.requests()
        done = measure.Timed(self.command, **self.options)
        assert done.code == 0, f"{self.command[0]} ended with {done.code}: {done.text[-400:]}"
        asked = self.asked_since(before)
        assert asked == STEPS, f"{self.command[0]} sent {asked} requests; expected {STEPS}"
        assert not self.says or re.search(self.says, done.text), f"{self.command[0]} does not say {self.says}: {done.text[-400:]}"
        return done

    def asked_since(self, before):
        """The server writes its log just after it has answered."""
        end = time.monotonic() + 2
        while self.requests() - before < STEPS and time.monotonic() < end:
            time.sleep(0.01)
        return self.requests() - before

    def requests(self):
        return self.log.read_bytes().count(b"GET /recordings/")


def peers(bench, folder, base, counted):
    """Each peer that can be had; why another cannot is printed."""
    quiet = {**os.environ, "STEPCI_DISABLE_ANALYTICS": "1", "NO_UPDATE_NOTIFIER": "1"}
    urls = [base + path for path in paths()]
    (folder / "urls").write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    (folder / "loop.sh").write_text("for u in " + " ".join(urls) + '; do curl -sf -o /dev/null "$u" || exit 1; done\n')
    makers = {
        "newman": lambda: counted([bench.npm("newman"), "run", folder / "newman.json"], r"assertions[^\d]+400[^\d]+0\b", env=quiet),
        "stepci": lambda: counted([bench.npm("stepci"), "run", folder / "stepci.yml"], r"200 passed", env=quiet),
        "venom": lambda: counted([bench.go("github.com/ovh/venom/cmd/venom@v1.2.0", "venom"), "run", folder / "venom.yml"],
                                 cwd=folder),
        "hurl": lambda: counted([measure.found("hurl", "none in Debian 12; cargo install hurl"), "--test", folder / "bench.hurl"]),
        "curl, 200 processes": lambda: counted(["sh", folder / "loop.sh"]),
        "curl, one process, no checks": lambda: counted([measure.found("curl", "curl"), "-sf", "-K", folder / "urls"]),
    }
    runs = {}
    for name, make in makers.items():
        try:
            runs[name] = make()
        except measure.Unavailable as reason:
            print(f"  {name}: not measured: {reason}")
    return runs


def run(bench):
    assay = bench.program("assay", "assay_program")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "www").mkdir()
        (folder / "www/recording.json").write_text(json.dumps(ANSWER))
        with measure.nginx("location /recordings/ { try_files /recording.json =404; }", folder) as port:
            base = f"http://127.0.0.1:{port}"
            write_assay(folder / "project", base)
            write_newman(folder / "newman.json", base)
            write_stepci(folder / "stepci.yml", base)
            write_venom(folder / "venom.yml", base)
            write_hurl(folder / "bench.hurl", base)

            def counted(command, says=None, **options):
                return Counted(folder / "access.log", command, says, **options)

            runs = {"assay": counted([assay, "run", "--project", folder / "project"])}
            runs |= peers(bench, folder, base, counted)
            outcomes = measure.interleaved(bench.rounds, runs)
        check_expectations(folder / "project/results/latest/run.json")
    print(f"  {STEPS} steps, 2 expectations each, median of {bench.rounds} interleaved rounds")
    for name, theirs in outcomes.items():
        print(measure.ratio_line(name, outcomes["assay"], theirs))


def check_expectations(path):
    """The run's own count; the history behind it is what a run leaves in any case."""
    events = (path.parent / "events.jsonl").read_text()
    passed = events.count('"passed"')
    assert passed >= 2 * STEPS, f"the history has {passed} passed verdicts; expected at least {2 * STEPS}"
