#!/usr/bin/env python3
"""Looks into what a Montage keeps without any code of Montage, and prints JSON. Where its database and its objects are says
DATA/stores.json (production.py writes it); without that file they are DATA/montage.db and files below DATA/objects.

    store.py DATA rows SQL [PARAMETER...]   rows of a query on the database (opened read-only), as objects
    store.py DATA count                     rows of each table that scenarios may leave something in, and objects
    store.py DATA object BUCKET/KEY         whether an object exists, its type and size, and its value when it is JSON
    store.py DATA content FILE_ID           digest and size of the decrypted recording
    store.py DATA damage FILE_ID            overwrites bytes in the middle of the stored recording
    store.py DATA moment URL JOB_ID         asks for the job without pause (token on standard input) and looks for the
                                            result's object and row as soon as it is shown as final

An object is one of an S3 service, or a file with a footer of 256 bytes. A recording is an envelope: `MSE1`, id of the master key (8), sealed
data key (60), then frames of nonce (12), up to 64 KiB of content and tag (16), sealed with AES-256-GCM.
"""

import base64
import ctypes
import ctypes.util
import hashlib
import json
import sqlite3
import sys
import time
import urllib.request
from pathlib import Path

import production
import s3

FOOTER = 256
FRAME = 64 * 1024 + 28
TABLES = ["files", "batches", "analysis_jobs", "analysis_results", "analysis_metrics"]


def stores(data):
    """URLs of the servers that keep it: {"database", "objects"}, or nothing when all is in files."""
    file = Path(data) / "stores.json"
    return json.loads(file.read_text()) if file.exists() else {}


def query(data, sql, parameters=()):
    if "database" in stores(data):
        return json.loads(production.ask(stores(data)["database"], f"SELECT coalesce(json_agg(q), '[]') FROM ({sql}) q", parameters))
    connection = sqlite3.connect(f"file:{data}/montage.db?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        return [{name: value for name, value in dict(row).items() if not isinstance(value, bytes)}
                for row in connection.execute(sql, parameters)]
    finally:
        connection.close()


class Files:
    """Objects as files: content, then a footer with its size and its digest."""

    def __init__(self, data):
        self.folder = Path(data) / "objects"
        assert self.folder.is_dir(), "there is no folder of objects"

    def _file(self, bucket, key):
        return self.folder / "buckets" / bucket / f"{key}@"

    def count(self):
        return sum(1 for file in self.folder.rglob("*") if file.is_file() and file.name != "lock")

    def content(self, bucket, key):
        if not self._file(bucket, key).exists():
            return None
        whole = self._file(bucket, key).read_bytes()
        content, footer = whole[:-FOOTER], whole[-FOOTER:]
        assert footer.startswith(b"OBJECT1\n"), "the file is no object"
        assert int.from_bytes(footer[8:16], "little") == len(content), "size and footer differ"
        assert footer[24:56] == hashlib.sha256(content).digest(), "content and footer differ"
        return content

    def overwrite(self, bucket, key, content):
        """The footer stays: digest and content differ."""
        with self._file(bucket, key).open("r+b") as opened:
            opened.write(content)


class Objects:
    """Objects in an S3 service: the digest is in their metadata."""

    def __init__(self, url):
        self.service = s3.Service(url)

    def count(self):
        return sum(len(self.service.keys(bucket)) for bucket in self.service.buckets())

    def content(self, bucket, key):
        found = self.service.get(bucket, key)
        if found is None:
            return None
        headers, content = found
        assert headers["x-amz-meta-sha256"] == hashlib.sha256(content).hexdigest(), "content and metadata differ"
        return content

    def overwrite(self, bucket, key, content):
        """The metadata stay: digest and content differ."""
        headers, before = self.service.get(bucket, key)
        assert len(before) == len(content), "an overwritten object keeps its size"
        kept = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-") or name == "content-type"}
        self.service.put(bucket, key, content, kept)


def objects(data):
    return Objects(stores(data)["objects"]) if "objects" in stores(data) else Files(data)


def count(data):
    counts = {table: query(data, f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in TABLES}
    counts["objects"] = objects(data).count()
    return counts


def read_object(data, bucket, key):
    content = objects(data).content(bucket, key)
    if content is None:
        return {"exists": False, "json": None, "size": 0}
    try:
        value = json.loads(content)
    except ValueError:
        value = None
    return {"exists": True, "json": value, "size": len(content)}


def open_sealed(key, sealed, context):
    """AES-256-GCM by the system's libcrypto."""
    crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
    crypto.EVP_CIPHER_CTX_new.restype = crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p
    nonce, body, tag = sealed[:12], sealed[12:-16], sealed[-16:]
    context_of = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    plain, length = ctypes.create_string_buffer(len(body) + 16), ctypes.c_int(0)
    try:
        cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
        good = crypto.EVP_DecryptInit_ex(context_of, cipher, None, key, nonce) == 1
        good = good and crypto.EVP_DecryptUpdate(context_of, None, ctypes.byref(length), context, len(context)) == 1
        good = good and crypto.EVP_DecryptUpdate(context_of, plain, ctypes.byref(length), body, len(body)) == 1
        set_tag = 0x11
        good = good and crypto.EVP_CIPHER_CTX_ctrl(context_of, set_tag, 16, tag) == 1
        good = good and crypto.EVP_DecryptFinal_ex(context_of, ctypes.byref(ctypes.create_string_buffer(16)),
                                                   ctypes.byref(ctypes.c_int(0))) == 1
    finally:
        crypto.EVP_CIPHER_CTX_free(context_of)
    if not good:
        raise ValueError("the envelope does not open")
    return plain.raw[:len(body)]


def content(data, file_id):
    keys = {line[:8].encode(): base64.b64decode(line[9:])
            for line in (Path(data) / "keys").read_text().splitlines()[1:]}
    envelope = objects(data).content("recordings", f"files/{file_id}")
    key = open_sealed(keys[envelope[4:12]], envelope[12:72], envelope[:12])
    digest, size, at, number = hashlib.sha256(), 0, 72, 0
    while at < len(envelope):
        frame = envelope[at:at + FRAME]
        at += len(frame)
        last = "last" if at == len(envelope) else "more"
        plain = open_sealed(key, frame, f"files/{file_id}\n{number}\n{last}".encode())
        digest.update(plain)
        size += len(plain)
        number += 1
    return {"sha256": digest.hexdigest(), "size": size, "encrypted": hashlib.sha256(envelope).hexdigest()}


def damage(data, file_id):
    store, name = objects(data), ("recordings", f"files/{file_id}")
    before = store.content(*name)
    middle = len(before) // 2
    store.overwrite(*name, before[:middle] + bytes(byte ^ 0xFF for byte in before[middle:middle + 64]) + before[middle + 64:])
    try:
        store.content(*name)
    except AssertionError:
        return {"changed": True, "size": len(before)}
    return {"changed": False, "size": len(before)}


def moment(data, url, job_id):
    token = sys.stdin.read().strip()
    request = urllib.request.Request(f"{url}/api/v1/jobs/{job_id}", headers={"Authorization": f"Bearer {token}"})
    until = time.monotonic() + 60
    polls = 0
    while True:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status = json.load(answer)["status"]
        polls += 1
        if status in ("completed", "failed", "cancelled"):
            break
        if time.monotonic() > until:
            raise TimeoutError(f"the job is still {status} after 60 s")
        time.sleep(0.002)
    stored = read_object(data, "results", f"results/{job_id}/complete.json")
    rows = query(data, "SELECT job_id, status FROM analysis_results WHERE job_id = ?", (job_id,))
    return {"status": status, "polls": polls, "object": stored, "rows": rows}


def main():
    data, command, *rest = sys.argv[1:]
    if command == "rows":
        result = query(data, rest[0], rest[1:])
    elif command == "object":
        bucket, _, key = rest[0].partition("/")
        result = read_object(data, bucket, key)
    else:
        result = {"count": count, "content": content, "damage": damage, "moment": moment}[command](data, *rest)
    json.dump(result, sys.stdout)


main()
