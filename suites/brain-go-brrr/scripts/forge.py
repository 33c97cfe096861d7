#!/usr/bin/env python3
"""Makes bad tokens of a good one (standard input) without any code of Montage, and prints them as JSON."""

import base64
import hashlib
import hmac
import json
import sys


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(value):
    text = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def sign(key, head, claims):
    signed = f"{encode(head)}.{encode(claims)}"
    return f"{signed}.{encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


token = sys.stdin.read().strip()
head_part, claims_part, signature = token.split(".")
head, claims = json.loads(decode(head_part)), json.loads(decode(claims_part))
other_claims = {**claims, "exp": claims["exp"] + 3600}
json.dump({
    "claims": claims,
    "altered": f"{head_part}.{encode(other_claims)}.{signature}",
    "altered_signature": f"{head_part}.{claims_part}.{encode(bytes(32))}",
    "unsigned": f"{encode({**head, 'alg': 'none'})}.{claims_part}.",
    "unsigned_signature": f"{encode({**head, 'alg': 'none'})}.{claims_part}.{signature}",
    "foreign": sign(b"a key that is not the server's", head, claims),
    "truncated": token[:-8],
}, sys.stdout)
