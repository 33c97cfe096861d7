# Copied from a browser and from a wiki.
curl 'https://api.example.org/v1/notes?draft=true' -X POST -H 'Accept: application/json' \
  -H 'Content-Type: application/json' -H "Authorization: Bearer $NOTES_TOKEN" \
  --data-raw $'{"text": "it\'s", "tags": ["a", "b"]}' --compressed
curl -u ada:correct-horse -k https://api.example.org/v1/notes/$NOTE_ID
curl --retry 3 -F file=@rec.edf -F kind=night https://files.example.org/upload
