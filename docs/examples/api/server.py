"""A small notes service for the tutorial: POST /notes, GET /notes/ID, GET /health."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NOTES = {}


class Notes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        note = NOTES.get(self.path.removeprefix("/notes/"))
        return self.answer(200, note) if note else self.answer(404, {"error": "not_found"})

    def do_POST(self):
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("text", "")
        if not text:
            return self.answer(422, {"error": "empty"})
        note = {"id": str(len(NOTES) + 1), "text": text}
        NOTES[note["id"]] = note
        return self.answer(201, note)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Notes).serve_forever()
