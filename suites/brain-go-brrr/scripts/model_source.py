#!/usr/bin/env python3
"""The source of a model: serves one file over HTTP, counts how often, and can serve it damaged.

    model_source.py PORT FILE

    GET /model             the file, or what the mode makes of it
    GET /stats             {"downloads": how often /model was asked for, "mode": ...}
    PUT /mode/good         the file itself (the mode at the start)
    PUT /mode/damaged      one bit of it flipped
    PUT /mode/truncated    its first half
    PUT /mode/down         status 503
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODES = ("good", "damaged", "truncated", "down")


class Source(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    content = b""
    mode = "good"
    downloads = 0

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stats(self):
        with Source.lock:
            return json.dumps({"downloads": Source.downloads, "mode": Source.mode}).encode()

    def do_GET(self):
        if self.path == "/stats":
            self.answer(200, self.stats())
        elif self.path == "/model":
            with Source.lock:
                Source.downloads += 1
                mode, body = Source.mode, Source.content
            if mode == "damaged":
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
            elif mode == "truncated":
                body = body[:len(body) // 2]
            self.answer(503 if mode == "down" else 200, body, "application/octet-stream")
        else:
            self.answer(404, b"{}")

    def do_PUT(self):
        mode = self.path.removeprefix("/mode/")
        if mode not in MODES:
            self.answer(404, b"{}")
            return
        with Source.lock:
            Source.mode = mode
        self.answer(200, self.stats())

    def log_message(self, *arguments):
        pass


def main():
    Source.content = Path(sys.argv[2]).read_bytes()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Source).serve_forever()


main()
