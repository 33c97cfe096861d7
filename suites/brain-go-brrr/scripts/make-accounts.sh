#!/bin/sh
# Makes the users of the suite: make-accounts.sh DATA PASSWORD_FILE
set -eu
data=$1 password=$2
montage=$(dirname "$0")/montage.sh
for user in test_user other_user analyst batch_user; do
  "$montage" users create "$user" --role technician --site main --if-absent --password-file "$password" --data "$data"
done
"$montage" users create clinician --role clinician --site main --if-absent --password-file "$password" --data "$data"
"$montage" users create far_clinician --role clinician --site elsewhere --if-absent --password-file "$password" --data "$data"
"$montage" users create admin_user --role admin --site main --if-absent --password-file "$password" --data "$data"
