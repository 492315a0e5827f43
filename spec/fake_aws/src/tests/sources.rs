use super::client::{assume, call, demo, identity, start};
use crate::keys::Key;
use crate::rules::Rule;
use crate::world::*;
use serde_json::{Value, json};

const TTL: (&str, &str) = ("X-aws-ec2-metadata-token-ttl-seconds", "60");
const CREDENTIALS: &str = "/latest/meta-data/iam/security-credentials/";

fn key(credentials: &Value) -> Key {
    let text = |names: [&str; 2]| names.iter().find_map(|name| credentials[*name].as_str()).unwrap().to_owned();
    Key {
        id: text(["AccessKeyId", "accessKeyId"]),
        secret: text(["SecretAccessKey", "secretAccessKey"]),
        token: Some(text(["Token", "sessionToken"])),
        ..Key::default()
    }
}

#[test]
fn imds_gives_nothing_without_a_token() {
    let fake = start();
    let put = |headers: &[(&str, &str)]| call(&fake, "PUT", "/latest/api/token", headers, "").status;
    assert_eq!((put(&[]), put(&[(TTL.0, "0")]), put(&[(TTL.0, "21601")])), (400, 400, 400));
    assert_eq!(put(&[TTL, ("X-Forwarded-For", "10.0.0.1")]), 403);
    let token = call(&fake, "PUT", "/latest/api/token", &[TTL], "").body;
    let get = |path: &str, token: &str| call(&fake, "GET", path, &[("X-aws-ec2-metadata-token", token)], "");
    for path in ["/latest/meta-data/instance-id", CREDENTIALS, "/latest/meta-data/iam/security-credentials/ec2-web"] {
        assert_eq!(call(&fake, "GET", path, &[], "").status, 401);
        assert_eq!(get(path, "other").status, 401);
        assert_eq!(get(path, &token).status, 200);
    }
    assert_eq!(get(CREDENTIALS, &token).body, "ec2-web");
    assert_eq!(get("/latest/meta-data/placement/region", &token).body, "us-east-1");
    assert_eq!(get("/latest/dynamic/instance-identity/document", &token).json()["accountId"], ACCOUNT);
    assert_eq!(get("/latest/meta-data/iam/security-credentials-extended/", &token).status, 404);
    let credentials = get("/latest/meta-data/iam/security-credentials/ec2-web", &token).json();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/ec2-web/{INSTANCE_ID}");
    assert_eq!(identity(&fake, &key(&credentials)).tag("Arn"), arn);
    fake.add_rule(Rule { skew_seconds: 61, ..Rule::default() });
    assert_eq!(get("/latest/meta-data/instance-id", &token).status, 401);
}

#[test]
fn imds_without_a_role_disabled_or_in_an_outage() {
    let fake = start();
    let token = call(&fake, "PUT", "/latest/api/token", &[TTL], "").body;
    let get = |path: &str| call(&fake, "GET", path, &[("X-aws-ec2-metadata-token", &token)], "");
    fake.change_world(|world| world.imds.expired_credentials = true);
    let credentials = get("/latest/meta-data/iam/security-credentials/ec2-web").json();
    assert!(credentials["Expiration"].as_str().unwrap() < credentials["LastUpdated"].as_str().unwrap());
    assert_eq!(identity(&fake, &key(&credentials)).status, 200);
    fake.change_world(|world| world.imds.role = None);
    assert_eq!(get(CREDENTIALS).status, 404);
    fake.change_world(|world| world.imds.enabled = false);
    assert_eq!(call(&fake, "PUT", "/latest/api/token", &[TTL], "").status, 403);
}

#[test]
fn containers_need_their_token() {
    let fake = start();
    for (path, token, role) in [(ECS_PATH, ECS_TOKEN, ECS_ROLE), (EKS_PATH, EKS_TOKEN, EKS_ROLE)] {
        assert_eq!(call(&fake, "GET", path, &[], "").status, 401);
        assert_eq!(call(&fake, "GET", path, &[("Authorization", "other")], "").status, 401);
        let credentials = call(&fake, "GET", path, &[("Authorization", token)], "").json();
        assert_eq!((credentials["RoleArn"].as_str(), credentials["AccountId"].as_str()), (Some(role), Some(ACCOUNT)));
        let name = role.rsplit('/').next().unwrap();
        assert!(identity(&fake, &key(&credentials)).tag("Arn").contains(&format!("assumed-role/{name}/")));
    }
}

#[test]
fn sso_gives_role_credentials_for_an_access_token_and_a_token_for_a_refresh_token() {
    let fake = start();
    let ask = |token: &str, role: &str| {
        let path = format!("/federation/credentials?role_name={role}&account_id={ACCOUNT}");
        call(&fake, "GET", &path, &[("x-amz-sso_bearer_token", token)], "")
    };
    let reply = ask(SSO_ACCESS_TOKEN, "Developer");
    let arn = identity(&fake, &key(&reply.json()["roleCredentials"])).tag("Arn").to_owned();
    assert!(arn.ends_with(&format!("assumed-role/AWSReservedSSO_Developer_0123456789abcdef/{SSO_USER}")), "{arn}");
    assert!(reply.json()["roleCredentials"]["expiration"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(ask(SSO_ACCESS_TOKEN, "Admin").status, 403);
    assert!(ask("other", "Developer").head.contains("x-amzn-ErrorType: UnauthorizedException"));

    let create = |refresh: &str, secret: &str| {
        let body =
            json!({"clientId": SSO_CLIENT_ID, "clientSecret": secret, "grantType": "refresh_token", "refreshToken": refresh});
        call(&fake, "POST", "/token", &[("Content-Type", "application/json")], &body.to_string())
    };
    assert_eq!(create(SSO_REFRESH_TOKEN, "other").json()["error"], "invalid_client");
    let token = create(SSO_REFRESH_TOKEN, SSO_CLIENT_SECRET).json();
    assert_eq!((token["tokenType"].as_str(), token["expiresIn"].as_i64()), (Some("Bearer"), Some(3600)));
    assert_eq!(ask(token["accessToken"].as_str().unwrap(), "Developer").status, 200);
    // The old refresh token is used up, the new one is valid.
    assert_eq!(create(SSO_REFRESH_TOKEN, SSO_CLIENT_SECRET).json()["error"], "invalid_grant");
    assert_eq!(create(token["refreshToken"].as_str().unwrap(), SSO_CLIENT_SECRET).status, 200);
}

#[test]
fn keys_of_machines_do_not_assume_a_role_that_trusts_users_only() {
    let fake = start();
    fake.change_world(|world| world.roles.get_mut(WORKER_ROLE).unwrap().principals = Some(vec!["arn:aws:iam::*:user/*".into()]));
    assert_eq!(assume(&fake, &fake.issue(EC2_ROLE, INSTANCE_ID, 60), WORKER_ROLE, &[]).status, 403);
    assert_eq!(assume(&fake, &demo(), WORKER_ROLE, &[]).status, 200);
}
