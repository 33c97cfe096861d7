"""Signal processing against SciPy, MNE and NumPy in processor time of one core: a clinical recording (20 minutes of 19
channels at 256 Hz) and a research one (10 minutes of 64 channels at 1 kHz)."""

import json
import re
import subprocess

import eeg_ica
import measure


def linear_steps(bench):
    """The steps with the same numbers, see eeg/compare_scipy.py; returns the peers' milliseconds by (step, peer) of the
    clinical recording."""
    steps = bench.program("montage_signal_steps")
    python = bench.venv("eeg", "numpy", "scipy", "mne")
    done = subprocess.run([python, measure.ROOT / "bench/eeg/compare_scipy.py", steps, "--rounds", str(bench.rounds)],
                          capture_output=True, text=True)
    print("\n".join("  " + line for line in done.stdout.splitlines()))
    assert done.returncode == 0, measure.last_line(done.stderr)
    found = re.findall(r"^\s+(\w+)\s+montage\s+[\d.]+ ms\s+(\w+)\s+([\d.]+) ms", done.stdout.split("research:")[0], re.M)
    return {(step, peer): float(taken) for step, peer, taken in found}


def analyses(bench):
    """Median milliseconds of our whole analyses by name."""
    program = bench.program("montage_analysis_bench")
    done = subprocess.run([program, "--benchmark_format=json", f"--benchmark_repetitions={bench.rounds}"], check=True,
                          capture_output=True, text=True)
    return {run["run_name"].removeprefix("BM_"): run["cpu_time"] for run in json.loads(done.stdout)["benchmarks"]
            if run.get("aggregate_name") == "median"}


def run(bench):
    limits = subprocess.run([bench.program("montage_machine_limits")], check=True, capture_output=True, text=True).stdout
    print("  what one core can do at most: " + ", ".join(limits.split("\n")[:2]))
    peers = linear_steps(bench)
    eeg_ica.run(bench)
    ours = analyses(bench)
    for name, taken in ours.items():
        print(f"  {name:<16} montage {taken:9.1f} ms")
    for peer in ("scipy", "mne"):
        parts = [peers.get((step, peer)) or peers[step, "scipy"] for step in ("band_pass", "notch", "psd")]
        print(f"  the whole quick analysis (filters, quality, artifacts, spectrum) against band pass, notch and PSD alone"
              f" by {peer}: {sum(parts):.1f} ms, ratio {sum(parts) / ours['QuickAnalysis']:.2f}")
