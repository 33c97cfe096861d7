#!/usr/bin/env python3
"""Reads the history of the run that goes on and prints {"ready": [services that were ready before the environment was],
"scenario_after_ready": whether every scenario began after that}: order.py RUN_FOLDER ENVIRONMENT"""

import json
import sys
from pathlib import Path

folder, environment = Path(sys.argv[1]), sys.argv[2]
ready, opened, first = [], None, None
for line in (folder / "events.jsonl").read_text().splitlines():
    event = json.loads(line)
    kind, path = event["kind"], event["path"]
    if kind == "environment.service.ready" and opened is None:
        ready.append(path)
    elif kind == "environment.ready" and path == environment:
        opened = event["seq"]
    elif kind == "scenario.started" and first is None:
        first = event["seq"]
json.dump({"ready": ready, "scenario_after_ready": opened is not None and first is not None and opened < first}, sys.stdout)
