"""Independent component analysis against MNE, see eeg/compare_ica.py: a part of the row eeg."""

import subprocess

import measure


def run(bench):
    steps = bench.program("montage_ica_steps")
    python = bench.venv("eeg", "numpy", "scipy", "mne", "scikit-learn=sklearn")
    done = subprocess.run([python, measure.ROOT / "bench/eeg/compare_ica.py", steps], capture_output=True, text=True)
    print("\n".join("  " + line for line in done.stdout.splitlines()))
    assert done.returncode == 0, measure.last_line(done.stderr)
