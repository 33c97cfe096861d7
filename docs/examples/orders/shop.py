"""A shop with a database for the how-to page: POST /orders takes from the stock, or refuses."""

import json
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

DATABASE = sqlite3.connect(sys.argv[2])
DATABASE.executescript("""
CREATE TABLE stock (sku TEXT PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount >= 0));
CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES stock(sku), amount INTEGER NOT NULL,
                     express BOOLEAN NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO stock VALUES ('lamp', 5), ('desk', 1);
""")


class Shop(BaseHTTPRequestHandler):
    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            with DATABASE:
                added = DATABASE.execute("INSERT INTO orders (sku, amount, express) VALUES (?, ?, ?)",
                                         (order["sku"], order["amount"], order.get("express", False)))
                DATABASE.execute("UPDATE stock SET amount = amount - ? WHERE sku = ?", (order["amount"], order["sku"]))
            status, answer = 201, {"id": added.lastrowid}
        except sqlite3.IntegrityError:
            status, answer = 409, {"error": "out_of_stock"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
