"""Gives moto users and roles; prints the users' keys as one line of JSON. Usage: moto_users.py ENDPOINT USERS ROLES, both JSON {name: path}."""

import json
import sys

import boto3

endpoint, users, roles = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
iam = boto3.client(
    "iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup"
)


def policy(action, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


everything_of_sts = policy("sts:*", Resource="*")
trust_all = policy("sts:AssumeRole", Principal={"AWS": "*"})

keys = {}
for name, path in users.items():
    iam.create_user(UserName=name, Path=path)
    iam.put_user_policy(UserName=name, PolicyName="sts", PolicyDocument=everything_of_sts)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys[name] = {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
for name, path in roles.items():
    iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust_all)
    iam.put_role_policy(RoleName=name, PolicyName="sts", PolicyDocument=everything_of_sts)
print(json.dumps(keys))
