#!/bin/sh
# Kills (SIGKILL) the PostgreSQL server whose postmaster.pid is named, and waits until it is gone: kill_server.sh PID_FILE.
set -eu
pid=$(head -n 1 "$1")
kill -9 "$pid"
while kill -0 "$pid" 2>/dev/null && ! grep -q ') Z ' "/proc/$pid/stat" 2>/dev/null; do sleep 0.01; done
echo "killed $pid"
