#!/bin/sh
# A Redis server in memory that asks for a password: redis.sh FOLDER PORT PASSWORD_FILE. The password stands in a file of its
# own, since a command line is everybody's to read.
set -eu
umask 077
printf 'bind 127.0.0.1\nport %s\nrequirepass %s\nsave ""\ndir %s\n' "$2" "$(cat "$3")" "$1" > "$1/redis.conf"
exec redis-server "$1/redis.conf"
