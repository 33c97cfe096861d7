"""Generated EDF: to memory in bytes a second, and to disk against dd of the same size."""

import json
import os
import pathlib
import subprocess
import tempfile

import measure

BYTES = 1 << 30


def to_memory(bench):
    done = subprocess.run([bench.program("lib_synth_bench"), "--benchmark_format=json",
                           f"--benchmark_repetitions={bench.rounds}"], check=True, capture_output=True, text=True)
    runs = json.loads(done.stdout)["benchmarks"]
    print("  to memory, one thread, per processor second")
    for median in [run for run in runs if run.get("aggregate_name") == "median"]:
        name = median["run_name"]
        print(f"    {name:<24} {median['bytes_per_second'] / 1e9:6.2f} GB/s")


def to_disk(bench):
    """Our generator into a file, and dd of zeros into another, both flushed to the disk at the end."""
    write = bench.program("bench_edf_file")
    with tempfile.TemporaryDirectory(dir=bench.built) as name:
        folder = pathlib.Path(name)
        dd = ["dd", "if=/dev/zero", f"of={folder}/zeros", "bs=1M", f"count={BYTES >> 20}", "conv=fsync"]

        def checked(command, path):
            result = measure.Timed(command)
            assert result.code == 0, result.text
            size = os.path.getsize(path)
            assert 0.99 * BYTES <= size <= 1.01 * BYTES, f"{size} bytes instead of {BYTES}"
            os.unlink(path)
            return result

        outcomes = measure.interleaved(bench.rounds, {
            "assay": lambda: checked([write, folder / "generated.edf", str(BYTES)], folder / "generated.edf"),
            "dd": lambda: checked(dd, folder / "zeros"),
        })
    print(f"  to disk with fsync, {BYTES / 1e9:.2f} GB, median of {bench.rounds} interleaved rounds")
    walls = {name: measure.median(r.wall for r in results) for name, results in outcomes.items()}
    for name, results in outcomes.items():
        cpu = measure.median(r.cpu for r in results)
        print(f"    {name:<24} {BYTES / walls[name] / 1e9:6.2f} GB/s   cpu {cpu:5.2f} s")
    print(f"    ratio {walls['dd'] / walls['assay']:.2f} (bar 0.80)")


def run(bench):
    to_memory(bench)
    to_disk(bench)
