#!/bin/sh
# Montage of the release build, or the one that the variable MONTAGE names. Its process id goes to the file that
# MONTAGE_PID_FILE names, for scenarios that end it.
[ -z "${MONTAGE_PID_FILE:-}" ] || echo $$ > "$MONTAGE_PID_FILE"
exec "${MONTAGE:-$(dirname "$0")/../../../build/release/bin/montage}" "$@"
