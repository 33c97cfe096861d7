"""What the API server of the tests says of itself: groups, resources, OpenAPI."""

from typing import NamedTuple


class Kind(NamedTuple):
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple = ()
    subresources: tuple = ()

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version


KINDS = [
    Kind("", "v1", "namespaces", "Namespace", False, ("ns",)),
    Kind("", "v1", "nodes", "Node", False, ("no",)),
    Kind("", "v1", "persistentvolumes", "PersistentVolume", False, ("pv",)),
    Kind("", "v1", "pods", "Pod", True, ("po",), ("log", "portforward")),
    Kind("", "v1", "services", "Service", True, ("svc",)),
    Kind("", "v1", "configmaps", "ConfigMap", True, ("cm",)),
    Kind("", "v1", "secrets", "Secret"),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",)),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",)),
    Kind("", "v1", "events", "Event"),
    Kind("apps", "v1", "deployments", "Deployment", True, ("deploy",), ("scale",)),
    Kind("apps", "v1", "statefulsets", "StatefulSet", True, ("sts",), ("scale",)),
    Kind("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",)),
    Kind("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",), ("scale",)),
    Kind("batch", "v1", "jobs", "Job"),
    Kind("batch", "v1", "cronjobs", "CronJob", True, ("cj",)),
    Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",)),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",)),
    Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",)),
    Kind("networking.k8s.io", "v1", "ingresses", "Ingress", True, ("ing",)),
    Kind("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
    Kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", False),
    Kind("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", False),
]

RESOURCES = {}
for one in KINDS:
    RESOURCES.setdefault((one.group, one.version), []).append(one)

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def api_groups():
    groups = []
    for group, version in RESOURCES:
        if group:
            served = {"groupVersion": f"{group}/{version}", "version": version}
            groups.append({"name": group, "versions": [served], "preferredVersion": served})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def resource_list(group, version):
    resources = []
    for kind in RESOURCES[(group, version)]:
        resources.append({"name": kind.plural, "singularName": kind.kind.lower(), "kind": kind.kind, "verbs": VERBS,
                          "namespaced": kind.namespaced, "shortNames": list(kind.short)})
        for sub in kind.subresources:
            scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"} if sub == "scale" else {"kind": "Pod"}
            resources.append({"name": f"{kind.plural}/{sub}", "singularName": "", "namespaced": kind.namespaced,
                              "verbs": ["get", "patch", "update"], **scale})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{version}".lstrip("/"),
            "resources": resources}


def _root(group, version):
    return f"apis/{group}/{version}" if group else f"api/{version}"


def openapi_v3_index():
    return {"paths": {_root(*key): {"serverRelativeURL": f"/openapi/v3/{_root(*key)}"} for key in RESOURCES}}


def openapi_v3(root):
    """Says only that the server validates fields itself: kubectl then leaves that to it."""
    paths = {}
    for key, kinds in RESOURCES.items():
        if _root(*key) != root:
            continue
        for kind in kinds:
            operation = {"parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                         "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version,
                                                             "kind": kind.kind},
                         "responses": {"200": {"description": "OK"}}}
            place = "namespaces/{namespace}/" if kind.namespaced else ""
            paths[f"/{root}/{place}{kind.plural}/{{name}}"] = {"patch": operation, "put": operation}
    return {"openapi": "3.0.0", "info": {"title": "test", "version": "1"}, "paths": paths}


def openapi_v2():
    """A document without definitions, for clients before 1.27: `swagger` (field 1) and `info` (field 2) in protobuf."""
    info = b"\x0a\x04test\x12\x011"
    return b"\x0a\x032.0" + b"\x12" + bytes([len(info)]) + info
