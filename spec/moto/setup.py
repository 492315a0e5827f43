"""Gives moto a user, a role and a web identity, prints them as one line of JSON, then turns its signature checks on."""

import json
import sys
import urllib.request

import boto3

endpoint = sys.argv[1]
iam = boto3.client(
    "iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup"
)

everything_of_sts = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
)
trust_every_principal = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
)

iam.create_user(UserName="legion", Path="/machines/")
iam.put_user_policy(UserName="legion", PolicyName="sts", PolicyDocument=everything_of_sts)
key = iam.create_access_key(UserName="legion")["AccessKey"]
role = iam.create_role(RoleName="worker", Path="/team/", AssumeRolePolicyDocument=trust_every_principal)["Role"]
iam.put_role_policy(RoleName="worker", PolicyName="sts", PolicyDocument=everything_of_sts)

# From here on every request must be signed with a key of moto and be allowed by a policy.
request = urllib.request.Request(
    endpoint + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"
)
urllib.request.urlopen(request).read()

print(json.dumps({"key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "role": role["Arn"]}))
