"""Asks boto3 for credentials, and says which and after how many seconds."""

import json
import time

import boto3

print("ready", flush=True)
input()
start = time.monotonic()
try:
    found = boto3.Session().get_credentials()
    key = found.get_frozen_credentials().access_key if found else None
    said = {"key": key} if key else {"refused": "NoCredentials", "message": "no credentials"}
except Exception as error:
    said = {"refused": type(error).__name__, "message": str(error)[:300]}
print(json.dumps(said | {"seconds": round(time.monotonic() - start, 1)}))
