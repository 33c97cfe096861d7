#!/usr/bin/env python3
"""A small Kubernetes API server for tests: objects in memory, controllers that act after a moment, a record of requests.

    api_server.py [--record FILE]      prints `listening on PORT`, serves on loopback until its standard input closes

It answers what kubectl and helm ask of a real one: discovery, OpenAPI, objects with patches (also server-side apply), scale,
watches, logs that follow, port-forwards over SPDY, namespaces that go after a while with all they hold. Workloads get pods
that become ready. What a container does is decided by its image:

    …/fails:N    ends with code N, again and again          …/missing   cannot be pulled
    …/done       ends with code 0                           else        runs, and answers HTTP on every port

Its log is its name, its arguments one a line, and `listening`. For tests: POST /_test/crash/NAMESPACE/POD ends the containers
of a pod with code 137, POST /_test/drop cuts all port-forwards. FILE gets one JSON object a request: method, path, query, body.
"""

import argparse
import json
import os
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cluster import Cluster, Problem  # noqa: E402
from discovery import RESOURCES, api_groups, openapi_v2, openapi_v3, openapi_v3_index, resource_list  # noqa: E402
from spdy import serve_port_forward  # noqa: E402

OBJECT_PATH = re.compile(r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
                         r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
                         r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[^/]+))?)?$")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 << 10  # one segment an answer; streams flush themselves
    cluster = None
    record = None
    record_lock = threading.Lock()

    def log_message(self, *_):
        pass

    def note(self, method, path, query, body):
        if self.record is None or path.startswith("/_test/"):
            return
        try:
            body = json.loads(body) if body else None
        except ValueError:
            body = body.decode(errors="replace")
        line = json.dumps({"method": method, "path": path, "query": query, "body": body})
        with self.record_lock:
            self.record.write(line + "\n")
            self.record.flush()

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def handle_any(self):
        split = urllib.parse.urlsplit(self.path)
        path, query = split.path.rstrip("/") or "/", dict(urllib.parse.parse_qsl(split.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.note(self.command, path, query, body)
        try:
            self.route(path, query, body)
        except Problem as problem:
            self.answer(problem.status, problem.body())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def route(self, path, query, body):
        fixed = {"/version": lambda: {"major": "1", "minor": "32", "gitVersion": "v1.32.4", "platform": "test"},
                 "/api": lambda: {"kind": "APIVersions", "versions": ["v1"]},
                 "/apis": api_groups, "/openapi/v3": openapi_v3_index}
        if path in fixed:
            return self.answer(200, fixed[path]())
        if path == "/openapi/v2":
            return self.answer(200, openapi_v2(), "application/octet-stream")
        if path.startswith("/openapi/v3/"):
            return self.answer(200, openapi_v3(path.removeprefix("/openapi/v3/")))
        if path.startswith("/_test/"):
            self.cluster.test_command(path.removeprefix("/_test/").split("/"))
            return self.answer(200, {})
        listing = re.match(r"^/(?:api|apis/([^/]+))/([^/]+)$", path)
        if listing and (listing[1] or "", listing[2]) in RESOURCES:
            return self.answer(200, resource_list(listing[1] or "", listing[2]))
        return self.objects(path, query, body)

    def objects(self, path, query, body):
        match = OBJECT_PATH.match(path)
        kinds = RESOURCES.get((match["group"] or "", match["core"] or match["version"]), []) if match else []
        kind = next((one for one in kinds if one.plural == match["resource"]), None)
        if kind is None:
            raise Problem(404, "NotFound", f"the server could not find {path}")
        namespace, name, sub = match["namespace"] or "", match["name"], match["sub"]
        if sub == "log":
            return self.log(namespace, name, query)
        if sub == "portforward":
            return serve_port_forward(self, self.cluster, self.cluster.get("pods", namespace, name))
        if self.command == "GET" and query.get("watch") in ("true", "1"):
            return self.watch(kind, namespace, query)
        status, result = self.cluster.operate(kind, namespace, name, sub, self.command, query,
                                              json.loads(body) if body else {})
        return self.answer(status, result)

    def begin_stream(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def watch(self, kind, namespace, query):
        self.begin_stream("application/json")
        until = time.monotonic() + float(query.get("timeoutSeconds", 3600))
        for event in self.cluster.events(kind, namespace, query, until):
            self.chunk(json.dumps(event).encode() + b"\n")
        self.chunk(b"")

    def log(self, namespace, name, query):
        pod = self.cluster.get("pods", namespace, name)
        self.begin_stream("text/plain")
        for text in self.cluster.log(pod, query.get("container"), query.get("follow") == "true"):
            self.chunk(text.encode())
        self.chunk(b"")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # Clients are killed on purpose.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", help="file that gets one JSON object a request")
    options = parser.parse_args()
    Handler.cluster = Cluster()
    Handler.record = open(options.record, "a", encoding="utf-8") if options.record else None  # noqa: SIM115
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=Handler.cluster.run, daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # In one piece, whatever the environment says about buffers: the reader may look only once.
    os.write(1, f"listening on {server.server_address[1]}\n".encode())
    sys.stdin.read()


if __name__ == "__main__":
    main()
