"""Notes for the how-to page: POST /notes keeps one, GET /notes lists them, POST /jobs and DELETE /jobs are a queue.

Every fifth note answers 503, after it was kept or before: nobody who asks can know.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NOTES, JOBS, ASKED = [], [], []


class Notes(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"notes": NOTES})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/jobs":
            JOBS.append(body["id"])
            return self.answer(202, {"id": body["id"]})
        if body["id"] in NOTES:
            return self.answer(409, {"error": "exists"})
        ASKED.append(body["id"])
        if len(ASKED) % 10 != 0:
            NOTES.append(body["id"])
        self.answer(503 if len(ASKED) % 5 == 0 else 201, {"id": body["id"]})

    def do_DELETE(self):
        taken, JOBS[:] = list(JOBS), []
        self.answer(200, {"jobs": taken})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Notes).serve_forever()
