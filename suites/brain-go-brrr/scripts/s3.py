"""As much of the S3 REST API as the suite's scripts take, signed with AWS Signature Version 4. Standard library only.

The layout of a signature: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import http.client
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ANSWERS_S = 30


class Refused(Exception):
    """The service answered with another status than the ones that were expected."""


class Service:
    """http://KEY:SECRET@host:port[?region=NAME&prefix=TEXT]; buckets are addressed by path. `prefix` stands before the names
    of all buckets, so that several users of one service do not meet."""

    def __init__(self, url):
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self.key, self.secret = unquote(parts.username), unquote(parts.password)
        self.host = parts.netloc.rpartition("@")[2]
        self.secure = parts.scheme == "https"
        self.region = options.get("region", "us-east-1")
        self.prefix = options.get("prefix", "")

    def buckets(self):
        """Names of the buckets that are ours, without the prefix."""
        _, _, text = self._ask("GET", "/", expected={200})
        names = [name.text for name in ElementTree.fromstring(text).iter() if name.tag.endswith("}Name")]
        return sorted(name[len(self.prefix):] for name in names if name.startswith(self.prefix))

    def make_bucket(self, bucket):
        self._ask("PUT", self._path(bucket), expected={200})

    def keys(self, bucket):
        """All keys, in the order of the service."""
        found, query = [], {"list-type": "2"}
        while True:
            _, _, text = self._ask("GET", self._path(bucket), query, expected={200})
            root = ElementTree.fromstring(text)
            space = root.tag[:root.tag.index("}") + 1]
            found += [key.text for key in root.iter(f"{space}Key")]
            if root.findtext(f"{space}IsTruncated") != "true":
                return found
            query["continuation-token"] = root.findtext(f"{space}NextContinuationToken")

    def get(self, bucket, key):
        """Headers (names in lower case) and content, or nothing where there is no such object."""
        status, headers, content = self._ask("GET", self._path(bucket, key), expected={200, 404})
        return (headers, content) if status == 200 else None

    def put(self, bucket, key, content, headers):
        self._ask("PUT", self._path(bucket, key), content=content, headers=headers, expected={200})

    def delete(self, bucket, key):
        self._ask("DELETE", self._path(bucket, key), expected={204})

    def remove_bucket(self, bucket):
        """With all that is in it."""
        for key in self.keys(bucket):
            self.delete(bucket, key)
        self._ask("DELETE", self._path(bucket), expected={204, 404})

    def _path(self, bucket, key=None):
        return f"/{self.prefix}{bucket}" + ("" if key is None else "/" + quote(key, safe="/~"))

    def _ask(self, method, path, query=None, content=b"", headers=None, expected=()):
        asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted((query or {}).items()))
        signed = self._sign(method, path, asked, content, headers or {})
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        connection = kind(self.host, timeout=ANSWERS_S)
        try:
            connection.request(method, path + (f"?{asked}" if asked else ""), body=content, headers=signed)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status not in expected:
            raise Refused(f"{method} {path}: the service answered {answer.status}: {text[:300].decode(errors='replace')}")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def _sign(self, method, path, query, content, headers):
        now = datetime.now(timezone.utc)
        moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        digest = hashlib.sha256(content).hexdigest()
        whole = {**{name.lower(): value for name, value in headers.items()}, "host": self.host, "x-amz-date": moment,
                 "x-amz-content-sha256": digest}
        names = ";".join(sorted(whole))
        canonical = "\n".join([method, path, query, *(f"{name}:{whole[name].strip()}" for name in sorted(whole)), "", names,
                               digest])
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        del whole["host"]  # http.client writes it
        return {**whole, "authorization": f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, "
                                          f"Signature={signature}"}
