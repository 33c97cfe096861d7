#!/bin/sh
# Montage of the release build, or the one that the variable MONTAGE names.
exec "${MONTAGE:-$(dirname "$0")/../../../build/release/bin/montage}" "$@"
