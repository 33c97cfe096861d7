"""The server side of `kubectl port-forward` for the API server of the tests: SPDY/3.1 after an upgrade.

Frames and the dictionary of header blocks are those of the SPDY protocol, draft 3.1 (sections 2.2, 2.6 and 2.6.10.1). Every
forwarded connection has an error stream and a data stream; a pod answers each HTTP request on it with its name and the port.

    control  1|version:15|type:16 flags:8 length:24 ...      data  0|stream:31 flags:8 length:24 ...
"""

import struct
import zlib

SYN_STREAM, SYN_REPLY, PING, FIN = 1, 2, 6, 1

_NAMES = """options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
authorization cache-control connection content-base content-encoding content-language content-length content-location
content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range
if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer
retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status
200_OK version HTTP/1.1 url public set-cookie keep-alive origin""".split()
_REST = ("100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
         "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
         "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
         "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
         "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
         "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.")
DICTIONARY = b"".join(struct.pack(">I", len(name)) + name.replace("_", " ").encode() for name in _NAMES) + _REST.encode()
if zlib.adler32(DICTIONARY) != 0xE3C6A7C2:
    raise AssertionError("the dictionary is not that of SPDY/3")


class Session:
    """One port-forward: answers the streams of a connection until it ends."""

    def __init__(self, connection, read, pod):
        self.connection, self.read, self.pod = connection, read, pod
        self.inflate = zlib.decompressobj(zdict=DICTIONARY)
        self.deflate = zlib.compressobj(zdict=DICTIONARY)
        self.streams = {}  # id: headers
        self.requests = {}  # id of a data stream: what came so far

    def run(self):
        while True:
            head = self.read(8)
            if len(head) < 8:
                return
            word, flags, length = struct.unpack(">I", head[:4])[0], head[4], int.from_bytes(head[5:8], "big")
            body = self.read(length)
            if not word >> 31:
                self.data(word, flags, body)
            elif word & 0xFFFF == SYN_STREAM:
                self.open(struct.unpack(">I", body[:4])[0] & 0x7FFFFFFF, body[10:])
            elif word & 0xFFFF == PING:
                self.control(PING, body)

    def control(self, kind, body):
        self.connection.sendall(struct.pack(">HHI", 0x8003, kind, len(body)) + body)

    def send(self, stream, data, flags):
        self.connection.sendall(struct.pack(">II", stream, flags << 24 | len(data)) + data)

    def open(self, stream, block):
        plain, headers, at = self.inflate.decompress(block), {}, 4
        texts = []
        while at < len(plain):
            size = struct.unpack(">I", plain[at:at + 4])[0]
            texts.append(plain[at + 4:at + 4 + size].decode())
            at += 4 + size
        headers = dict(zip(texts[::2], texts[1::2], strict=True))
        self.streams[stream] = headers
        none = self.deflate.compress(struct.pack(">I", 0)) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.control(SYN_REPLY, struct.pack(">I", stream) + none)

    def data(self, stream, flags, body):
        headers = self.streams.get(stream, {})
        if headers.get("streamtype") != "data":
            return
        text = self.requests[stream] = self.requests.get(stream, b"") + body
        if b"\r\n\r\n" in text:
            said = f"{self.pod['metadata']['name']} {headers['port']}\n".encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            self.finish(stream, headers, head % len(said) + said)
        elif flags & FIN:
            self.finish(stream, headers, b"")

    def finish(self, stream, headers, last):
        self.send(stream, last, FIN)
        for other, known in list(self.streams.items()):
            if known.get("requestid") == headers.get("requestid"):
                if known.get("streamtype") == "error":
                    self.send(other, b"", FIN)
                del self.streams[other]


def serve_port_forward(handler, cluster, pod):
    """Takes the connection of a request over; refuses the WebSocket that newer clients try first."""
    if not handler.headers.get("Upgrade", "").upper().startswith("SPDY/3.1"):
        handler.answer(400, {"kind": "Status", "status": "Failure", "message": "only SPDY/3.1 is understood"})
        return
    handler.send_response(101)
    for name, value in (("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"),
                        ("X-Stream-Protocol-Version", "portforward.k8s.io")):
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.flush()
    handler.close_connection = True
    cluster.forwards.add(handler.connection)
    try:
        Session(handler.connection, handler.rfile.read, pod).run()
    except OSError:
        pass
    finally:
        cluster.forwards.discard(handler.connection)
