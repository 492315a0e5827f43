"""Says who boto3 takes us for. A question a line: {"environment": {...}, "profile": name or null, "token_code": digits or null}."""

import getpass
import json
import os
import sys

code = None


def type_code(*_):
    if code is None:
        raise EOFError("there is no code to type")
    return code


getpass.getpass = type_code  # before botocore takes hold of it

import boto3  # noqa: E402
import botocore.credentials  # noqa: E402
import botocore.loaders  # noqa: E402
import botocore.session  # noqa: E402
import botocore.tokens  # noqa: E402
from botocore.config import Config  # noqa: E402

# The descriptions of the services are the same in every run; to read them takes longer than all else.
descriptions = botocore.loaders.create_loader()
short_timeouts = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})


def answer(question):
    global code
    os.environ.clear()
    os.environ.update(question["environment"])
    code = question.get("token_code")
    for provider in [botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider]:
        provider._SSO_TOKEN_CACHE_DIR = os.path.expanduser("~/.aws/sso/cache")  # it took the home of its start
    core = botocore.session.Session(profile=question.get("profile"))
    core.register_component("data_loader", descriptions)
    session = boto3.Session(botocore_session=core)
    credentials = session.get_credentials()
    if credentials is None:
        return {"refused": "NoCredentials", "none": True}
    arn = session.client("sts", config=short_timeouts).get_caller_identity()["Arn"]
    return {"arn": arn, "method": credentials.method}


for line in sys.stdin:
    try:
        found = answer(json.loads(line))
    except Exception as error:
        found = {"refused": type(error).__name__, "message": str(error)[:400]}
    print(json.dumps(found), flush=True)
