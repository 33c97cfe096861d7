curl http://127.0.0.1/a
curl --heder X http://127.0.0.1/b
