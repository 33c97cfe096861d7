#!/usr/bin/env python3
"""Runs a command of Montage on what the servers of a data directory keep: administer.py DATA COMMAND...

Where that is says DATA/stores.json ({"database", "objects"}) or DATA/database-url (production.py writes it); without them it is
in DATA itself. Standard output, standard error and exit code are those of the command.
"""

import json
import os
import sys
from pathlib import Path


def stores_of(data):
    if (data / "stores.json").exists():
        return json.loads((data / "stores.json").read_text())
    if (data / "database-url").exists():
        return {"database": (data / "database-url").read_text()}
    return {}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    data, command = Path(sys.argv[1]), sys.argv[2:]
    variables = {f"MONTAGE_{name.upper()}": url for name, url in stores_of(data).items()}
    program = Path(__file__).resolve().parent / "montage.sh"
    os.execve(program, [str(program), *command, "--data", str(data)], {**os.environ, **variables})


main()
