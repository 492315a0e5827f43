"""What botocore does with the AWS CLI's cache of role sessions. A question a line:

{"name_of": {...}}                                             the name of the file for these arguments of AssumeRole
{"environment": {...}, "profile": "...", "directory": "..."}   the key id it uses with that cache
"""

import json
import os
import sys

import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher
from botocore.utils import JSONFileCache


def name_of(arguments):
    more = dict(arguments)
    return AssumeRoleCredentialFetcher(None, None, more.pop("RoleArn"), extra_args=more)._cache_key


def answer(question):
    if "name_of" in question:
        return {"name": name_of(question["name_of"])}
    os.environ.clear()
    os.environ.update(question["environment"])
    session = botocore.session.Session(profile=question["profile"])
    session.get_component("credential_provider").get_provider("assume-role").cache = JSONFileCache(question["directory"])
    return {"access_key_id": session.get_credentials().get_frozen_credentials().access_key}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
