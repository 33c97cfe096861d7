"""The objects of the API server of the tests, and the controllers that act on them."""

import copy
import hashlib
import json
import threading
import time
import uuid

from discovery import KINDS

TICK_S = 0.03
READY_AFTER_S = 0.25
GONE_AFTER_S = 0.2
NAMESPACE_GONE_AFTER_S = 0.4
EVENTS_KEPT = 20000


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status, reason, message):
        super().__init__(message)
        self.status, self.reason = status, reason

    def body(self):
        return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": self.reason, "code": self.status,
                "message": str(self)}


def merge(into, patch):
    """JSON merge patch (RFC 7386). Enough for the patches that are asked for: they name no list."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def selects(query, thing):
    for part in filter(None, query.get("fieldSelector", "").split(",")):
        path, wanted = part.replace("==", "=").split("=", 1)
        found = thing
        for word in path.split("."):
            found = found.get(word, {}) if isinstance(found, dict) else {}
        if found != wanted:
            return False
    labels = thing["metadata"].get("labels") or {}
    for part in filter(None, query.get("labelSelector", "").split(",")):
        key, _, wanted = part.replace("==", "=").partition("=")
        if (labels.get(key) != wanted) if "=" in part else (key not in labels):
            return False
    return True


class Cluster:
    def __init__(self):
        self.changed = threading.Condition()
        self.objects = {}  # (plural, namespace, name): object
        self.history = []  # (version, type, plural, namespace, object)
        self.version = 100
        self.due = {}  # uid of what ends or becomes ready: time
        self.forwards = set()

    # -- objects ------------------------------------------------------------------------------------------------------

    def _changed(self, event, plural, thing):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        seen = copy.deepcopy(thing)
        self.history.append((self.version, event, plural, thing["metadata"].get("namespace", ""), seen))
        del self.history[:-EVENTS_KEPT]
        self.changed.notify_all()

    def get(self, plural, namespace, name):
        with self.changed:
            if (plural, namespace, name) not in self.objects:
                raise Problem(404, "NotFound", f'{plural} "{name}" not found')
            return self.objects[(plural, namespace, name)]

    def all(self, plural, namespace=None):
        return [thing for (kind, place, _), thing in sorted(self.objects.items())
                if kind == plural and (not namespace or place == namespace)]

    def create(self, kind, namespace, thing):
        meta = thing.setdefault("metadata", {})
        name = meta.get("name")
        if not name:
            raise Problem(422, "Invalid", "metadata.name: Required value")
        if kind.namespaced:
            holder = self.objects.get(("namespaces", "", namespace))
            if holder is None:
                raise Problem(404, "NotFound", f'namespaces "{namespace}" not found')
            if holder["status"]["phase"] == "Terminating":
                raise Problem(403, "Forbidden", f"namespace {namespace} is being terminated")
            meta["namespace"] = namespace
        if (kind.plural, namespace, name) in self.objects:
            raise Problem(409, "AlreadyExists", f'{kind.plural} "{name}" already exists')
        meta.update(uid=str(uuid.uuid4()), creationTimestamp=now_text(), generation=1)
        thing.update(apiVersion=kind.api_version, kind=kind.kind)
        if kind.plural == "namespaces":
            thing["status"] = {"phase": "Active"}
        if kind.plural in ("deployments", "statefulsets"):
            thing["spec"].setdefault("replicas", 1)
        self.objects[(kind.plural, namespace, name)] = thing
        self._changed("ADDED", kind.plural, thing)
        return thing

    def modify(self, kind, thing, patch):
        before = json.dumps(thing.get("spec"), sort_keys=True)
        merge(thing, {key: value for key, value in patch.items() if key != "status"})
        if json.dumps(thing.get("spec"), sort_keys=True) != before:
            thing["metadata"]["generation"] += 1
        self._changed("MODIFIED", kind.plural, thing)
        return thing

    def remove(self, plural, thing):
        meta = thing["metadata"]
        if self.objects.pop((plural, meta.get("namespace", ""), meta["name"]), None) is not None:
            self.due.pop(meta["uid"], None)
            self._changed("DELETED", plural, thing)

    def delete(self, kind, namespace, name, query, options):
        thing = self.get(kind.plural, namespace, name)
        grace = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        if kind.plural == "namespaces":
            thing["status"]["phase"] = "Terminating"
        elif kind.plural != "pods" or (grace is not None and int(grace) == 0):
            self.remove(kind.plural, thing)
            return thing
        if "deletionTimestamp" not in thing["metadata"]:
            thing["metadata"]["deletionTimestamp"] = now_text()
            after = NAMESPACE_GONE_AFTER_S if kind.plural == "namespaces" else GONE_AFTER_S
            self.due[thing["metadata"]["uid"]] = time.monotonic() + after
            self._changed("MODIFIED", kind.plural, thing)
        return thing

    def operate(self, kind, namespace, name, sub, method, query, body):
        """Status and body of the answer to a request for objects."""
        with self.changed:
            if method == "GET" and name is None:
                items = [one for one in self.all(kind.plural, namespace) if selects(query, one)]
                return 200, {"kind": kind.kind + "List", "apiVersion": kind.api_version, "items": copy.deepcopy(items),
                             "metadata": {"resourceVersion": str(self.version)}}
            if method == "POST" and name is None:
                if query.get("dryRun"):
                    return 201, body
                return 201, copy.deepcopy(self.create(kind, namespace, body))
            if method == "DELETE" and name is not None:
                return 200, copy.deepcopy(self.delete(kind, namespace, name, query, body))
            if method == "PATCH" and (kind.plural, namespace, name) not in self.objects and sub is None:
                if "fieldManager" not in query:
                    raise Problem(404, "NotFound", f'{kind.plural} "{name}" not found')
                return 201, copy.deepcopy(self.create(kind, namespace, body))
            thing = self.get(kind.plural, namespace, name)
            if method in ("PATCH", "PUT") and sub in (None, "scale"):
                self.modify(kind, thing, {"spec": {"replicas": body["spec"]["replicas"]}} if sub else body)
            elif method != "GET":
                raise Problem(405, "MethodNotAllowed", f"{method} of {kind.plural}/{sub} is not supported")
            return 200, self.scale_of(thing) if sub == "scale" else copy.deepcopy(thing)

    @staticmethod
    def scale_of(thing):
        return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": copy.deepcopy(thing["metadata"]),
                "spec": {"replicas": thing["spec"]["replicas"]}, "status": {"replicas": thing["spec"]["replicas"]}}

    def events(self, kind, namespace, query, until):
        seen = int(query.get("resourceVersion") or 0)
        while time.monotonic() < until:
            with self.changed:
                fresh = [one for one in self.history if one[0] > seen]
                if not fresh:
                    self.changed.wait(0.5)
                    continue
            for version, event, plural, place, thing in fresh:
                seen = version
                if plural == kind.plural and (not namespace or place == namespace) and selects(query, thing):
                    yield {"type": event, "object": thing}

    # -- what containers do -------------------------------------------------------------------------------------------

    def log(self, pod, container, follow):
        """Yields the text of a container's present life, to its end with `follow`."""
        with self.changed:
            spec = next((one for one in pod["spec"]["containers"] if container in (None, one["name"])), None)
            if spec is None:
                raise Problem(400, "BadRequest", f"container {container} is not valid for pod {pod['metadata']['name']}")
            words = [*spec.get("command", []), *spec.get("args", [])]
            life = self._life(pod, spec["name"])
        yield "".join(f"{line}\n" for line in [f"{spec['name']} of {pod['metadata']['name']}", *words, "listening"])
        while follow:
            with self.changed:
                key = ("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
                there = self.objects.get(key) is pod and self._life(pod, spec["name"]) == life
                if not there or life[1] != "running":
                    return
                self.changed.wait(0.5)

    @staticmethod
    def _life(pod, container):
        for status in pod.get("status", {}).get("containerStatuses", []):
            if status["name"] == container:
                return status["restartCount"], next(iter(status["state"]))
        return 0, "waiting"

    def test_command(self, words):
        if words[0] == "crash":
            with self.changed:
                pod = self.get("pods", words[1], words[2])
                self._set_states(pod, lambda _: {"terminated": {"exitCode": 137, "reason": "Error"}}, False)
                self.due[pod["metadata"]["uid"]] = time.monotonic() + READY_AFTER_S
        elif words[0] == "drop":
            for connection in list(self.forwards):
                connection.shutdown(2)
        else:
            raise Problem(404, "NotFound", f"no test command {words[0]}")

    def _set_states(self, pod, state_of, ready, phase="Running"):
        statuses = {one["name"]: one for one in pod["status"].get("containerStatuses", [])}
        fresh = []
        for spec in pod["spec"]["containers"]:
            state = state_of(spec)
            was = statuses.get(spec["name"], {"state": {"waiting": {}}, "restartCount": 0, "lastState": {}})
            last = was["state"] if "terminated" in was["state"] else was["lastState"]
            # A restart counts when the container starts again, not while it waits for that.
            starts = "running" not in was["state"] and "waiting" not in state
            fresh.append({"name": spec["name"], "image": spec["image"], "imageID": "", "state": state, "ready": ready,
                          "lastState": last, "restartCount": was["restartCount"] + bool(starts and last)})
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        pod["status"] = {"phase": phase, "podIP": "10.0.0.1", "containerStatuses": fresh, "conditions": conditions}
        self._changed("MODIFIED", "pods", pod)

    def _advance(self, pod):
        """The next state of a pod whose time has come."""
        uid = pod["metadata"]["uid"]
        images = [spec["image"] for spec in pod["spec"]["containers"]]
        state = next(iter(pod["status"]["containerStatuses"][0]["state"])) if "containerStatuses" in pod["status"] else ""
        once = pod["spec"].get("restartPolicy") in ("Never", "OnFailure")
        failing = next((image for image in images if "/fails:" in image), None)
        self.due.pop(uid)
        if any("/missing" in image for image in images):
            reason = {"reason": "ImagePullBackOff", "message": f"Back-off pulling image \"{images[0]}\""}
            self._set_states(pod, lambda _: {"waiting": reason}, False, "Pending")
        elif failing and state == "terminated":
            reason = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
            self._set_states(pod, lambda _: {"waiting": reason}, False)
            self.due[uid] = time.monotonic() + READY_AFTER_S
        elif not failing and not any("/done" in image for image in images):
            self._set_states(pod, lambda _: {"running": {"startedAt": now_text()}}, True)
        else:
            code = int(failing.rsplit(":", 1)[1]) if failing else 0
            ended = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
            phase = ("Failed" if code else "Succeeded") if once else "Running"
            self._set_states(pod, lambda _: ended, False, phase)
            if not once:
                self.due[uid] = time.monotonic() + READY_AFTER_S

    # -- controllers --------------------------------------------------------------------------------------------------

    def run(self):
        while True:
            with self.changed:
                self._step(time.monotonic())
            time.sleep(TICK_S)

    def _step(self, now):
        for pod in self.all("pods"):
            uid = pod["metadata"]["uid"]
            if self.due.get(uid, now + 1) > now:
                continue
            if "deletionTimestamp" in pod["metadata"]:
                self.remove("pods", pod)
            else:
                self._advance(pod)
        for plural, reconcile in (("deployments", self._deployment), ("statefulsets", self._stateful_set),
                                  ("daemonsets", self._daemon_set), ("jobs", self._job)):
            for thing in self.all(plural):
                self._reconcile(plural, thing, reconcile)
        for holder in self.all("namespaces"):
            if self.due.get(holder["metadata"]["uid"], now + 1) <= now:
                for kind in KINDS:
                    for thing in self.all(kind.plural, holder["metadata"]["name"]) if kind.namespaced else []:
                        self.remove(kind.plural, thing)
                self.remove("namespaces", holder)

    def _reconcile(self, plural, thing, reconcile):
        holder = self.objects.get(("namespaces", "", thing["metadata"]["namespace"]))
        if holder is None or holder["status"]["phase"] == "Terminating":
            return
        status = {"observedGeneration": thing["metadata"]["generation"], **reconcile(thing)}
        if thing.get("status") != status:
            thing["status"] = status
            self._changed("MODIFIED", plural, thing)

    @staticmethod
    def _revision(thing):
        return hashlib.sha256(json.dumps(thing["spec"]["template"], sort_keys=True).encode()).hexdigest()[:10]

    def _pods_of(self, thing):
        uid = thing["metadata"]["uid"]
        return [pod for pod in self.all("pods", thing["metadata"]["namespace"])
                if pod["metadata"]["labels"].get("test/owner") == uid]

    def _make_pod(self, thing, name, owner_kind, owner_name):
        template = copy.deepcopy(thing["spec"]["template"])
        meta = template.setdefault("metadata", {})
        labels = {**(meta.get("labels") or {}), "test/owner": thing["metadata"]["uid"],
                  "pod-template-hash": self._revision(thing)}
        meta.update(name=name, labels=labels, ownerReferences=[
            {"apiVersion": "apps/v1", "kind": owner_kind, "name": owner_name, "controller": True, "uid": "1"}])
        template["status"] = {"phase": "Pending"}
        kind = next(one for one in KINDS if one.plural == "pods")
        pod = self.create(kind, thing["metadata"]["namespace"], template)
        self.due[pod["metadata"]["uid"]] = time.monotonic() + READY_AFTER_S

    def _end_pod(self, pod):
        if "deletionTimestamp" not in pod["metadata"]:
            pod["metadata"]["deletionTimestamp"] = now_text()
            self.due[pod["metadata"]["uid"]] = time.monotonic() + GONE_AFTER_S
            self._changed("MODIFIED", "pods", pod)

    @staticmethod
    def _is_ready(pod):
        conditions = pod.get("status", {}).get("conditions", [])
        return "deletionTimestamp" not in pod["metadata"] and any(
            one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def _deployment(self, thing):
        revision, wanted = self._revision(thing), thing["spec"]["replicas"]
        living = [pod for pod in self._pods_of(thing) if "deletionTimestamp" not in pod["metadata"]]
        fresh = [pod for pod in living if pod["metadata"]["labels"]["pod-template-hash"] == revision]
        for _ in range(wanted - len(fresh)):
            name = f"{thing['metadata']['name']}-{revision}"
            self._make_pod(thing, f"{name}-{uuid.uuid4().hex[:5]}", "ReplicaSet", name)
        for pod in fresh[wanted:]:
            self._end_pod(pod)
        ready = [pod for pod in fresh if self._is_ready(pod)]
        if len(ready) >= wanted:
            for pod in living:
                if pod not in fresh:
                    self._end_pod(pod)
        return {"replicas": len(living), "updatedReplicas": len(fresh), "readyReplicas": len(ready),
                "availableReplicas": len(ready)}

    def _stateful_set(self, thing):
        revision, wanted = self._revision(thing), thing["spec"]["replicas"]
        pods = {pod["metadata"]["name"]: pod for pod in self._pods_of(thing)}
        names = [f"{thing['metadata']['name']}-{i}" for i in range(wanted)]
        for name in names:
            if name not in pods:
                self._make_pod(thing, name, "StatefulSet", thing["metadata"]["name"])
        for name, pod in pods.items():
            if name not in names or pod["metadata"]["labels"]["pod-template-hash"] != revision:
                self._end_pod(pod)
        fresh = [pod for pod in pods.values() if pod["metadata"]["labels"]["pod-template-hash"] == revision]
        return {"replicas": len(pods), "readyReplicas": sum(map(self._is_ready, pods.values())),
                "updatedReplicas": len(fresh), "updateRevision": revision,
                "currentRevision": revision if len(fresh) == len(pods) else "before"}

    def _daemon_set(self, thing):
        name, revision = thing["metadata"]["name"], self._revision(thing)
        pods = self._pods_of(thing)
        if not pods:
            self._make_pod(thing, f"{name}-{uuid.uuid4().hex[:5]}", "DaemonSet", name)
        fresh = [pod for pod in pods if pod["metadata"]["labels"]["pod-template-hash"] == revision]
        for pod in pods:
            if pod not in fresh:
                self._end_pod(pod)
        ready = sum(map(self._is_ready, pods))
        return {"desiredNumberScheduled": 1, "currentNumberScheduled": len(pods), "updatedNumberScheduled": len(fresh),
                "numberReady": ready, "numberAvailable": ready}

    def _job(self, thing):
        name, pods = thing["metadata"]["name"], self._pods_of(thing)
        if not pods:
            self._make_pod(thing, f"{name}-{uuid.uuid4().hex[:5]}", "Job", name)
        phases = [pod["status"]["phase"] for pod in pods]
        if "Succeeded" in phases:
            return {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
        if "Failed" in phases:
            return {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
                                                 "message": "Job has reached the specified backoff limit"}]}
        return {"active": len(pods)}
