#!/bin/sh
# Kills (SIGKILL) the process whose id is in the file, and waits until it is gone and another one has taken its place:
# kill_worker.sh PID_FILE. Prints `killed PID, now PID`.
set -eu
before=$(cat "$1")
kill -9 "$before"
while kill -0 "$before" 2>/dev/null && ! grep -q ') Z ' "/proc/$before/stat" 2>/dev/null; do sleep 0.01; done
until [ "$(cat "$1")" != "$before" ] && kill -0 "$(cat "$1")" 2>/dev/null; do sleep 0.05; done
echo "killed $before, now $(cat "$1")"
