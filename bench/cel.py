"""Compiled expectations against cel-go, in processor time; see cel/run."""

import subprocess

import measure


def run(bench):
    ours = bench.program("assay_cel_bench")
    measure.found("go", "golang")
    done = subprocess.run([measure.ROOT / "bench/cel/run", ours], capture_output=True, text=True)
    if done.returncode != 0:
        raise measure.Unavailable(f"cel-go: {measure.last_line(done.stderr)}")
    lines = done.stdout.splitlines()
    assert lines and all(float(line.split()[2]) > 0 for line in lines), f"a time is missing:\n{done.stdout}"
    print("\n".join("  " + line for line in lines))
