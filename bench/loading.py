"""Loading and type-checking a project of 1,000 scenarios with ten steps each: the whole process."""

import pathlib
import re
import tempfile

import measure

SCENARIOS, STEPS = 1000, 10
BAR_S = 1.0


def scenario(number):
    steps = "".join(
        f"  - id: s{i}\n    name: step {i}\n    http: POST /api/v1/things/s{i}\n"
        '    json: { name: "${{ fake.name() }}", size: "${{ vars.base + 1 }}" }\n'
        "    expect:\n      - status == 200\n      - size(text) > 2 && body.id != ''\n"
        for i in range(STEPS))
    return (f"id: S-{number}\ntitle: a scenario of {STEPS} steps\ncategory: bench\npriority: high\nvars: {{ base: 5 }}\n"
            f"steps:\n{steps}")


def write_project(folder):
    (folder / "assay.yaml").write_text(
        "name: bench\nsuites: [scenarios]\nenvironment: local\nenvironments:\n  local:\n    type: remote\n"
        "    endpoints:\n      api: http://127.0.0.1:9\n")
    for number in range(SCENARIOS):
        path = folder / f"scenarios/{number // 100}/{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(scenario(number))


def run(bench):
    assay = bench.program("assay", "assay_program")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_project(folder)
        results = [measure.Timed([assay, "check", "--project", folder]) for _ in range(bench.rounds)]
        for result in results:
            assert result.code == 0, result.text[-400:]
        assert re.search(r"\b1,?000 scenarios", results[0].text), f"not 1,000 scenarios: {results[0].text[-400:]}"
        mistaken = folder / "scenarios/7/777.yaml"
        mistaken.write_text(mistaken.read_text().replace("vars.base", "vars.bass", 1))
        wrong = measure.Timed([assay, "check", "--project", folder])
        assert wrong.code != 0 and "bass" in wrong.text, "a misspelt variable is not found"
    wall, cpu = measure.median(r.wall for r in results), measure.median(r.cpu for r in results)
    print(f"  {SCENARIOS} scenarios, {SCENARIOS * STEPS} steps, {SCENARIOS * STEPS * 4} expressions, median of {bench.rounds}")
    print(f"  {'assay check':<34} wall {wall * 1e3:9.1f} ms   cpu {cpu * 1e3:9.1f} ms   memory {results[0].memory / 2**20:6.1f} MiB"
          f"   {BAR_S / wall:.1f} x quicker than the bar of {BAR_S:g} s")
