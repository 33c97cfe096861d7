#!/usr/bin/env python3
"""Looks into what a Montage keeps without any code of Montage, and prints JSON. Its database is DATA/montage.db, or the
PostgreSQL that the file DATA/database-url names (production.py writes it).

    store.py DATA rows SQL [PARAMETER...]   rows of a query on the database (opened read-only), as objects
    store.py DATA count                     rows of each table that scenarios may leave something in, and objects
    store.py DATA object BUCKET/KEY         whether an object exists, its type and size, and its value when it is JSON
    store.py DATA content FILE_ID           digest and size of the decrypted recording
    store.py DATA damage FILE_ID            overwrites bytes in the middle of the stored recording
    store.py DATA moment URL JOB_ID         asks for the job without pause (token on standard input) and looks for the
                                            result's object and row as soon as it is shown as final

An object is a file with a footer of 256 bytes. A recording is an envelope: `MSE1`, id of the master key (8), sealed
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

FOOTER = 256
FRAME = 64 * 1024 + 28
TABLES = ["files", "batches", "analysis_jobs", "analysis_results", "analysis_metrics"]


def query(data, sql, parameters=()):
    url = Path(data) / "database-url"
    if url.exists():
        return json.loads(production.ask(url.read_text(), f"SELECT coalesce(json_agg(q), '[]') FROM ({sql}) q", parameters))
    connection = sqlite3.connect(f"file:{data}/montage.db?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        return [{name: value for name, value in dict(row).items() if not isinstance(value, bytes)}
                for row in connection.execute(sql, parameters)]
    finally:
        connection.close()


def file_of(data, bucket, key):
    return Path(data) / "objects" / "buckets" / bucket / f"{key}@"


def count(data):
    counts = {table: query(data, f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in TABLES}
    objects = Path(data) / "objects"
    assert objects.is_dir(), "there is no folder of objects"
    counts["objects"] = sum(1 for file in objects.rglob("*") if file.is_file() and file.name != "lock")
    return counts


def read_object(data, bucket, key):
    file = file_of(data, bucket, key)
    if not file.exists():
        return {"exists": False, "json": None, "size": 0}
    whole = file.read_bytes()
    content, footer = whole[:-FOOTER], whole[-FOOTER:]
    assert footer.startswith(b"OBJECT1\n"), "the file is no object"
    assert int.from_bytes(footer[8:16], "little") == len(content), "size and footer differ"
    assert footer[24:56] == hashlib.sha256(content).digest(), "content and footer differ"
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
    envelope = file_of(data, "recordings", f"files/{file_id}").read_bytes()[:-FOOTER]
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
    file = file_of(data, "recordings", f"files/{file_id}")
    before = file.read_bytes()
    middle = (len(before) - FOOTER) // 2
    with file.open("r+b") as opened:
        opened.seek(middle)
        opened.write(bytes(byte ^ 0xFF for byte in before[middle:middle + 64]))
    return {"changed": file.read_bytes() != before, "size": len(before)}


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
