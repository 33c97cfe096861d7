#!/usr/bin/env python3
"""Looks for words in the bytes of files, in capital letters or small ones, and prints
{"files", "bytes", "hits": [{"word", "file", "at"}]} with at most one hit for each word and file.

    words.py WORDS WITHOUT PATH...

WORDS are separated by commas. The sentence WITHOUT ("" for none) is passed over: it belongs to what may be read. Folders are
searched with all that is below them. A file that goes away meanwhile is none.
"""

import json
import sys
from pathlib import Path


def files_of(paths):
    for path in map(Path, paths):
        if not path.exists():
            sys.exit(f"there is no {path}")
        yield from [path] if path.is_file() else (file for file in sorted(path.rglob("*")) if file.is_file())


def search(words, without, paths):
    found = {"files": 0, "bytes": 0, "hits": []}
    for file in files_of(paths):
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        found["files"] += 1
        found["bytes"] += len(content)
        content = content.lower()
        if without:
            content = content.replace(without.lower().encode(), b"")
        found["hits"] += [{"word": word, "file": str(file), "at": content.index(word.lower().encode())}
                          for word in words if word.lower().encode() in content]
    return found


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    json.dump(search(sys.argv[1].split(","), sys.argv[2], sys.argv[3:]), sys.stdout)
