#!/usr/bin/env python3
"""Checks what `packaging/` holds with the programs that read it; the last line is `N passed, N failed, N skipped`.

systemd units by `systemd-analyze verify`, shell scripts by `bash -n` and shellcheck, compose files by a YAML parser and the
rules that Montage's services need, the chart by `helm lint`, and what it renders by `kubectl apply --dry-run` against the API
server of the tests (tests/kubernetes); the Jobs of shards likewise, and their scripts are run. What is not installed is skipped with its reason.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGING = ROOT / "packaging"
CHART = PACKAGING / "helm" / "montage"
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
API_SERVER = ROOT / "tests" / "kubernetes" / "api_server.py"
# Values that switch on what the defaults leave out.
EVERYTHING = ["ingress.enabled=true", "ingress.host=eeg.example.org", "ingress.tlsSecret=tls", "ingress.className=nginx",
              "keySecret=keys", "worker.autoscaling.kind=metrics", "settings.MONTAGE_LOG_LEVEL=debug"]
# The kinds that each choice of values must make.
KINDS = {"Deployment", "PodDisruptionBudget", "Service", "Job", "NetworkPolicy"}


def call(command, text=None, environment=None, seconds=300):
    """The output, and "" or what was wrong."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, cwd=ROOT,
                              env=environment)
    except subprocess.TimeoutExpired:
        return "", f"{command[0]} took longer than {seconds} s"
    said = done.stdout + done.stderr
    return done.stdout, "" if done.returncode == 0 else f"{' '.join(map(str, command))}: exit {done.returncode}\n{said}"


def missing(program):
    return "" if shutil.which(program) else f"{program} is not installed"


def systemd_units():
    """`verify` looks for the programs too, which a build tree does not install: that line alone is no error."""
    for unit in sorted((PACKAGING / "systemd").glob("*.service")):
        name = f"systemd unit {unit.name}"
        if missing("systemd-analyze"):
            yield name, None, missing("systemd-analyze")
            continue
        with tempfile.TemporaryDirectory(prefix="assay-units-") as folder:
            # A template is verified as one of its instances.
            copy = Path(folder) / unit.name.replace("@.", "@1.")
            shutil.copy(unit, copy)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy],
                                  capture_output=True, text=True, timeout=300)
        # Lines of other units of the machine are not ours.
        wrong = [line for line in done.stderr.splitlines()
                 if copy.name in line and "is not executable" not in line]
        yield name, "\n".join(wrong), ""


def shell_scripts():
    for script in sorted(path for path in PACKAGING.rglob("*") if path.is_file()):
        if not script.read_bytes().startswith(b"#!/"):
            continue
        first = script.read_text().splitlines()[0]
        shell = next((one for one in ("bash", "sh") if first.rstrip().endswith(one)), None)
        if shell is None:
            continue
        name = script.relative_to(ROOT)
        yield f"{shell} -n {name}", call([shell, "-n", script])[1], ""
        reason = missing("shellcheck")
        yield f"shellcheck {name}", None if reason else call(["shellcheck", script])[1], reason


def compose_files():
    for path in sorted((PACKAGING / "compose").glob("*.yaml")):
        name = f"compose file {path.name}"
        try:
            import yaml
        except ImportError:
            yield name, None, "python3-yaml is not installed"
            continue
        try:
            yield name, wrong_in_compose(yaml.safe_load(path.read_text())) + wrong_variables(path.read_text()), ""
        except yaml.YAMLError as error:
            yield name, str(error), ""


def wrong_in_compose(document):
    services = document.get("services")
    if not isinstance(services, dict) or not services:
        return "it has no services"
    wrong = []
    for name, service in services.items():
        if "image" not in service and "build" not in service:
            wrong.append(f"service {name} has neither image nor build")
        wrong += [f"service {name} depends on {other}, which is none" for other in service.get("depends_on", [])
                  if other not in services]
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:") and "${" not in str(port):
                wrong.append(f"service {name} publishes {port} to every network")
        named = [volume.split(":")[0] for volume in service.get("volumes", []) if isinstance(volume, str)]
        wrong += [f"service {name} mounts the volume {volume}, which is not declared" for volume in named
                  if volume[0] not in "./$" and volume not in document.get("volumes", {})]
    return "\n".join(wrong)


def wrong_variables(text):
    """Debian's podman-compose takes ${NAME:?} and ${NAME:-}, without a text, as they stand."""
    return "\n".join(f"{found} has no text behind its sign, so podman-compose does not replace it"
                     for found in re.findall(r"\$\{\w+:?[-?]\}", text))


@contextlib.contextmanager
def api_server():
    """The environment of a kubectl that talks to the API server of the tests."""
    with tempfile.TemporaryDirectory(prefix="assay-packaging-") as folder:
        server = subprocess.Popen([sys.executable, API_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = server.stdout.readline().split()[-1]
            config = Path(folder) / "config"
            config.write_text("apiVersion: v1\nkind: Config\ncurrent-context: test\nusers: [{ name: test, user: {} }]\n"
                              f'clusters: [{{ name: test, cluster: {{ server: "http://127.0.0.1:{port}" }} }}]\n'
                              "contexts: [{ name: test, context: { cluster: test, user: test } }]\n")
            yield {"PATH": os.environ["PATH"], "HOME": folder, "KUBECONFIG": str(config)}
        finally:
            server.stdin.close()
            server.wait(timeout=30)


def chart():
    """Every choice of values renders to objects that kubectl finds in a cluster."""
    no_helm, no_kubectl = missing("helm"), missing("kubectl")
    yield "helm lint", None if no_helm else call(["helm", "lint", "--strict", CHART])[1], no_helm
    if no_helm or no_kubectl:
        for name in ("the chart by default", "the chart with everything", "the chart without autoscaling"):
            yield name, None, no_helm or no_kubectl
        return
    with api_server() as environment:
        for name, values, more in (("the chart by default", [], {"HorizontalPodAutoscaler"}),
                                   ("the chart with everything", EVERYTHING, {"HorizontalPodAutoscaler", "Ingress"}),
                                   ("the chart without autoscaling", ["worker.autoscaling.kind=none"], set())):
            yield name, wrong_in_chart(values, KINDS | more, environment), ""


def wrong_in_chart(values, kinds, environment):
    settings = [word for value in values for word in ("--set", value)]
    rendered, problem = call(["helm", "template", "shop", CHART, "--namespace", "shop", "--kube-version", "1.29.0", *settings])
    if problem:
        return problem
    # Client-side: objects are read, their kinds found by discovery, nothing is made.
    listed, problem = call(["kubectl", "create", "--dry-run=client", "--namespace=shop", "--filename=-",
                            '--output=go-template={{.kind}}{{"\\n"}}'], rendered, environment)
    if problem:
        return problem
    made = set(listed.split())
    if made != kinds:
        return f"it makes {sorted(made)}, expected {sorted(kinds)}"
    return call(["kubectl", "apply", "--dry-run=client", "--namespace=shop", "--filename=-"], rendered, environment)[1]


def shard_jobs():
    """The Jobs are objects of a cluster, agree about the number of shards, and their scripts run shards that merge."""
    folder = PACKAGING / "kubernetes"
    try:
        import yaml
    except ImportError:
        yield "the Jobs of shards", None, "python3-yaml is not installed"
        return
    documents = {path.name: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}
    yield "the Jobs of shards agree", wrong_in_jobs(documents), ""
    no_kubectl = missing("kubectl")
    if no_kubectl:
        yield "the Jobs of shards in a cluster", None, no_kubectl
    else:
        with api_server() as environment:
            files = "\n---\n".join(path.read_text() for path in sorted(folder.glob("*.yaml")))
            yield "the Jobs of shards in a cluster", call(["kubectl", "apply", "--dry-run=client", "--namespace=shop",
                                                          "--filename=-"], files, environment)[1], ""
    no_assay = "" if ASSAY.exists() else f"{ASSAY.relative_to(ROOT)} is not built"
    yield "the scripts of the Jobs", None if no_assay else wrong_when_run(documents), no_assay


def container_of(job):
    return job["spec"]["template"]["spec"]["containers"][0]


def wrong_in_jobs(documents):
    shards, merge = documents["assay-shards.yaml"], documents["assay-merge.yaml"]
    number = {entry["name"]: entry["value"] for entry in container_of(shards)["env"]}["SHARDS"]
    wrong = []
    if shards["spec"]["completionMode"] != "Indexed":
        wrong.append("without completionMode Indexed no pod has a JOB_COMPLETION_INDEX")
    for key in ("completions", "parallelism"):
        if str(shards["spec"][key]) != number:
            wrong.append(f"{key} is {shards['spec'][key]}, SHARDS {number}")
    claim = documents["assay-results.yaml"]["metadata"]["name"]
    for job in (shards, merge):
        name = job["metadata"]["name"]
        if job["spec"]["backoffLimit"] != 0 or job["spec"]["template"]["spec"]["restartPolicy"] != "Never":
            wrong.append(f"{name} begins again when it fails")
        volumes = {volume["name"]: volume for volume in job["spec"]["template"]["spec"]["volumes"]}
        wrong += [f"{name} mounts the volume {mount['name']}, which it does not have"
                  for mount in container_of(job)["volumeMounts"] if mount["name"] not in volumes]
        if volumes["results"]["persistentVolumeClaim"]["claimName"] != claim:
            wrong.append(f"{name} keeps results elsewhere than in {claim}")
    return "\n".join(wrong)


def wrong_when_run(documents):
    """What the containers would do, with folders in place of volumes."""
    with tempfile.TemporaryDirectory(prefix="assay-shards-") as temporary:
        project, results = Path(temporary) / "project", Path(temporary) / "results"
        project.mkdir()
        results.mkdir()
        (project / "assay.yaml").write_text("name: shop\nsuites: [suites]\n")
        (project / "suites").mkdir()
        for name in "ABCDEF":
            (project / "suites" / f"{name}.yaml").write_text(
                f"id: {name}\ntitle: Scenario {name}\nsteps:\n  - exec: [echo, {name}]\n"
                f"    expect: exit_code == {1 if name == 'F' else 0}\n")
        job = container_of(documents["assay-shards.yaml"])
        settings = {entry["name"]: entry["value"] for entry in job["env"]}
        environment = {"PATH": f"{ASSAY.parent}:{os.environ['PATH']}", "HOME": temporary, **settings}
        script = job["args"][0].replace("/results/", f"{results}/")
        for index in range(int(settings["SHARDS"])):
            done = subprocess.run([*job["command"], script], cwd=project, capture_output=True, text=True, timeout=120,
                                  env={**environment, "JOB_COMPLETION_INDEX": str(index)})
            if done.returncode != 0:
                return f"shard {index + 1}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        merge = container_of(documents["assay-merge.yaml"])
        done = subprocess.run([*merge["command"], merge["args"][0]], cwd=results, capture_output=True, text=True,
                              timeout=120, env=environment)
        if done.returncode != 4 or "5 passed, 1 failed" not in done.stdout:
            return f"merge: exit {done.returncode}, expected 4 and 5 passed, 1 failed\n{done.stdout}{done.stderr}"
    return ""


def main():
    passed = failed = skipped = 0
    for check in (systemd_units(), shell_scripts(), compose_files(), chart(), shard_jobs()):
        for name, problem, reason in check:
            if problem is None:
                skipped += 1
                print(f"skipped: {name}: {reason}")
            elif problem:
                failed += 1
                print(f"FAILED {name}: {problem}")
            else:
                passed += 1
                print(f"ok {name}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
