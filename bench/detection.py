"""Every detector of Montage on generated recordings whose contents are known, against its bars (docs/detection.md)."""

import subprocess

import measure


def run(bench):
    program = bench.program("bench_detection")
    # The only real recording: five minutes of Sleep-EDF with an expert's stages, when it lies beside the tree.
    excerpt = measure.ROOT.parent / "shared/data/edf"
    done = subprocess.run([program, "--excerpt", excerpt], capture_output=True, text=True, timeout=3600)
    print("\n".join("  " + line for line in done.stdout.splitlines()))
    assert done.returncode != 2, measure.last_line(done.stderr)
    assert done.returncode == 0, "a bar is missed"
