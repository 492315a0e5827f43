//! The principals, roles, tokens and endpoints of the local AWS, as JSON, so that a spec can change any part.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Long-lived principals by ARN: users, roots, federated users, anything `GetCallerIdentity` can show.
    pub users: BTreeMap<String, User>,
    /// Roles by ARN, path included.
    pub roles: BTreeMap<String, Role>,
    /// Web identity tokens by the token itself.
    pub web_identity_tokens: BTreeMap<String, WebIdentityToken>,
    pub imds: Imds,
    /// ECS and EKS Pod Identity endpoints by path.
    pub containers: BTreeMap<String, Container>,
    pub sso: Sso,
    pub signin: Signin,
    pub proxy: Proxy,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct User {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Only for principals whose static keys are temporary ones.
    pub session_token: Option<String>,
    /// Derived from the ARN where absent.
    pub user_id: Option<String>,
    /// MFA devices by serial, each with the codes it still accepts: a code works once.
    pub mfa: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// ARN patterns of the principals that may assume it; absent: all, empty: none.
    pub principals: Option<Vec<String>>,
    pub external_id: Option<String>,
    pub mfa_required: bool,
    pub source_identity_required: bool,
    /// Absent: AWS's default, 3600.
    pub max_session_duration: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebIdentityToken {
    /// ARN patterns of the roles that accept it.
    pub roles: Vec<String>,
    pub provider: String,
    pub audience: String,
    pub subject: String,
    pub source_identity: Option<String>,
    /// `ProviderId` the caller must name (OAuth 2.0 only); absent means the caller must not name one.
    pub provider_id: Option<String>,
    pub expired: bool,
    /// The identity provider rejects it.
    pub rejected: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Imds {
    pub enabled: bool,
    pub role: Option<String>,
    pub instance_id: String,
    pub region: String,
    pub availability_zone: String,
    pub lifetime_seconds: i64,
    /// Returns credentials that expired a minute ago, as IMDS does in an outage. STS still accepts them.
    pub expired_credentials: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    pub authorization_token: Option<String>,
    pub role: String,
    pub session_name: String,
    pub lifetime_seconds: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sso {
    pub client_id: String,
    pub client_secret: String,
    /// Lifetime of an access token from `CreateToken`.
    pub token_lifetime_seconds: i64,
    /// Lifetime of role credentials.
    pub lifetime_seconds: i64,
    /// Signed-in users by user name.
    pub sessions: BTreeMap<String, SsoSession>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SsoSession {
    pub access_tokens: Vec<String>,
    /// Each works once; `CreateToken` replaces it.
    pub refresh_tokens: Vec<String>,
    /// `<account>/<permission set>` to the ARN of the role behind it.
    pub roles: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signin {
    /// Lifetime of the credentials of a console session.
    pub lifetime_seconds: i64,
    /// Console sessions of `aws login`, by the ARN of their user.
    pub sessions: BTreeMap<String, ConsoleSession>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleSession {
    pub client_id: String,
    /// Works once; `CreateOAuth2Token` replaces it.
    pub refresh_token: String,
    /// The x coordinate of the key that the login was made with, in base64url.
    pub key_x: String,
    /// Each proof works once.
    pub used_proofs: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// The whole value of `Proxy-Authorization` (`Basic …`); absent: no authorization needed.
    pub authorization: Option<String>,
}

pub const ACCOUNT: &str = "123456789012";
pub const CN_ACCOUNT: &str = "111122223333";

pub const DEMO_USER: &str = "arn:aws:iam::123456789012:user/demo";
pub const DEMO_KEY_ID: &str = "AKIADEMOUSERFAKEAWS2";
pub const DEMO_SECRET: &str = "demo+secret/of/the/local/AWS+not/a/key00";
pub const DEMO_MFA_SERIAL: &str = "arn:aws:iam::123456789012:mfa/demo";
pub const DEMO_MFA_HARDWARE: &str = "GAHT12345678";

pub const PATH_USER: &str = "arn:aws:iam::123456789012:user/platform/build/carol";
pub const PATH_KEY_ID: &str = "AKIACAROLSERFAKEAWS2";
pub const PATH_SECRET: &str = "carol+secret/of/the/local/AWS+not/a/key0";

pub const ROOT_USER: &str = "arn:aws:iam::123456789012:root";
pub const ROOT_KEY_ID: &str = "AKIAROOTUSERFAKEAWS2";
pub const ROOT_SECRET: &str = "root+secret/of/the/local/AWS+not/a/key00";

pub const FEDERATED_USER: &str = "arn:aws:sts::123456789012:federated-user/bob";
pub const FEDERATED_KEY_ID: &str = "ASIABOBFEDUSERFAKE22";
pub const FEDERATED_SECRET: &str = "bob+secret/of/the/local/AWS+not/a/key000";
pub const FEDERATED_TOKEN: &str = "FwoGbob+session/token/of/the/local/AWS==";

pub const INSTANCE_USER: &str = "arn:aws:sts::123456789012:assumed-role/aws:ec2-instance/i-0fa4e0a5e1d2c3b4a";
pub const INSTANCE_KEY_ID: &str = "ASIAINSTANCEIDENTITY";
pub const INSTANCE_SECRET: &str = "instance+secret/of/the/local/AWS+fake/00";
pub const INSTANCE_TOKEN: &str = "FwoGinstance+session/token/of/the/local/AWS==";

pub const CN_USER: &str = "arn:aws-cn:iam::111122223333:user/demo-cn";
pub const CN_KEY_ID: &str = "AKIACHINASERFAKEAWS2";
pub const CN_SECRET: &str = "china+secret/of/the/local/AWS+not/a/key0";

pub const WORKER_ROLE: &str = "arn:aws:iam::123456789012:role/legion-worker";
pub const PATH_ROLE: &str = "arn:aws:iam::123456789012:role/team/deployer";
pub const EXTERNAL_ID_ROLE: &str = "arn:aws:iam::123456789012:role/external-id-only";
pub const EXTERNAL_ID: &str = "legion-7f3a:partner/42";
pub const MFA_ROLE: &str = "arn:aws:iam::123456789012:role/mfa-only";
pub const SOURCE_IDENTITY_ROLE: &str = "arn:aws:iam::123456789012:role/source-identity-only";
pub const CHAINED_ROLE: &str = "arn:aws:iam::123456789012:role/from-worker-only";
pub const FORBIDDEN_ROLE: &str = "arn:aws:iam::123456789012:role/forbidden";
pub const PARTNER_ROLE: &str = "arn:aws:iam::210987654321:role/partner";
pub const CN_ROLE: &str = "arn:aws-cn:iam::111122223333:role/legion-worker-cn";

pub const IRSA_ROLE: &str = "arn:aws:iam::123456789012:role/irsa-app";
pub const IRSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.bG9jYWwtYXdzLXdlYi1pZGVudGl0eQ.c2lnbmVkLWJ5LW5vYm9keQ";
pub const IRSA_SUBJECT: &str = "system:serviceaccount:legion:worker";
pub const IRSA_PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/LEGION";

pub const EC2_ROLE: &str = "arn:aws:iam::123456789012:role/ec2-web";
pub const INSTANCE_ID: &str = "i-0a1b2c3d4e5f60718";
pub const ECS_ROLE: &str = "arn:aws:iam::123456789012:role/ecs-task";
pub const ECS_PATH: &str = "/ecs/credentials";
pub const ECS_TOKEN: &str = "ecs-authorization-token-of-the-local-AWS";
pub const EKS_ROLE: &str = "arn:aws:iam::123456789012:role/eks-pod";
pub const EKS_PATH: &str = "/v1/credentials";
pub const EKS_TOKEN: &str = "eks-pod-identity-token-of-the-local-AWS";

pub const SSO_ROLE: &str =
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_0123456789abcdef";
pub const SSO_USER: &str = "dana@example.com";
pub const SSO_ACCESS_TOKEN: &str = "sso-access-token-of-the-local-AWS";
pub const SSO_REFRESH_TOKEN: &str = "sso-refresh-token-of-the-local-AWS";
pub const SSO_CLIENT_ID: &str = "sso-client-of-the-local-AWS";
pub const SIGNIN_CLIENT_ID: &str = "arn:aws:signin:::devtools/same-device";
pub const SIGNIN_REFRESH_TOKEN: &str = "signin-refresh-token-of-the-local-AWS";
/// The key of the SDKs' public test cases.
pub const SIGNIN_KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFDZHUzOG1Pzq+6F0mjMlOSp1syN9LRPBuHMoCFXTcXhoAoGCCqGSM49\nAwEHoUQDQgAE9qhj+KtcdHj1kVgwxWWWw++tqoh7H7UHs7oXh8jBbgF47rrYGC+t\ndjiIaHK3dBvvdE7MGj5HsepzLm3Kj91bqA==\n-----END EC PRIVATE KEY-----\n";
pub const SIGNIN_KEY_X: &str = "9qhj-KtcdHj1kVgwxWWWw--tqoh7H7UHs7oXh8jBbgE";
pub const SSO_CLIENT_SECRET: &str = "sso-client-secret-of-the-local-AWS";

impl World {
    /// The world the demo and the specs start in: the constants above.
    #[must_use]
    pub fn standard() -> Self {
        let trusts_all = Role::default();
        let services_only = Role { principals: Some(Vec::new()), ..Role::default() };
        let roles = [
            (WORKER_ROLE, Role { max_session_duration: Some(43_200), ..Role::default() }),
            (PATH_ROLE, trusts_all.clone()),
            (EXTERNAL_ID_ROLE, Role { external_id: Some(EXTERNAL_ID.into()), ..Role::default() }),
            (MFA_ROLE, Role { mfa_required: true, ..Role::default() }),
            (SOURCE_IDENTITY_ROLE, Role { source_identity_required: true, ..Role::default() }),
            (
                CHAINED_ROLE,
                Role { principals: Some(vec![WORKER_ROLE.into()]), max_session_duration: Some(43_200), ..Role::default() },
            ),
            (FORBIDDEN_ROLE, services_only.clone()),
            (PARTNER_ROLE, trusts_all.clone()),
            (CN_ROLE, trusts_all),
            (IRSA_ROLE, services_only.clone()),
            (EC2_ROLE, services_only.clone()),
            (ECS_ROLE, services_only.clone()),
            (EKS_ROLE, services_only.clone()),
            (SSO_ROLE, services_only),
        ];
        Self {
            users: standard_users(),
            roles: roles.into_iter().map(|(arn, role)| (arn.into(), role)).collect(),
            web_identity_tokens: BTreeMap::from([(
                IRSA_TOKEN.into(),
                WebIdentityToken {
                    roles: vec![IRSA_ROLE.into()],
                    provider: IRSA_PROVIDER.into(),
                    audience: "sts.amazonaws.com".into(),
                    subject: IRSA_SUBJECT.into(),
                    ..WebIdentityToken::default()
                },
            )]),
            imds: Imds {
                enabled: true,
                role: Some(EC2_ROLE.into()),
                instance_id: INSTANCE_ID.into(),
                region: "us-east-1".into(),
                availability_zone: "us-east-1a".into(),
                lifetime_seconds: 21_600,
                expired_credentials: false,
            },
            containers: BTreeMap::from([
                (ECS_PATH.into(), container(ECS_ROLE, ECS_TOKEN, "0123456789abcdef0123456789abcdef")),
                (EKS_PATH.into(), container(EKS_ROLE, EKS_TOKEN, "eks-demo-worker-6f9d3b1c-2222-4333-8444-555566667777")),
            ]),
            sso: Sso {
                client_id: SSO_CLIENT_ID.into(),
                client_secret: SSO_CLIENT_SECRET.into(),
                token_lifetime_seconds: 3600,
                lifetime_seconds: 3600,
                sessions: BTreeMap::from([(
                    SSO_USER.into(),
                    SsoSession {
                        access_tokens: vec![SSO_ACCESS_TOKEN.into()],
                        refresh_tokens: vec![SSO_REFRESH_TOKEN.into()],
                        roles: BTreeMap::from([(format!("{ACCOUNT}/Developer"), SSO_ROLE.into())]),
                    },
                )]),
            },
            signin: Signin {
                lifetime_seconds: 900,
                sessions: BTreeMap::from([(
                    DEMO_USER.into(),
                    ConsoleSession {
                        client_id: SIGNIN_CLIENT_ID.into(),
                        refresh_token: SIGNIN_REFRESH_TOKEN.into(),
                        key_x: SIGNIN_KEY_X.into(),
                        used_proofs: Vec::new(),
                    },
                )]),
            },
            proxy: Proxy::default(),
        }
    }

    /// This world with a JSON merge patch (RFC 7386) on top: objects merge, `null` removes, the rest replaces.
    ///
    /// # Errors
    /// When the result is no world, a misspelt field included.
    pub fn merged(&self, patch: &Value) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        merge(&mut value, patch);
        serde_json::from_value(value)
    }
}

fn standard_users() -> BTreeMap<String, User> {
    let user = |id: &str, secret: &str| User { access_key_id: id.into(), secret_access_key: secret.into(), ..User::default() };
    let codes = || (1..=9).map(|digit| digit.to_string().repeat(6)).collect::<Vec<_>>();
    let demo = User {
        mfa: BTreeMap::from([(DEMO_MFA_SERIAL.into(), codes()), (DEMO_MFA_HARDWARE.into(), codes())]),
        ..user(DEMO_KEY_ID, DEMO_SECRET)
    };
    let instance = User {
        session_token: Some(INSTANCE_TOKEN.into()),
        user_id: Some(format!("{ACCOUNT}:aws:ec2-instance:i-0fa4e0a5e1d2c3b4a")),
        ..user(INSTANCE_KEY_ID, INSTANCE_SECRET)
    };
    BTreeMap::from([
        (DEMO_USER.into(), demo),
        (PATH_USER.into(), user(PATH_KEY_ID, PATH_SECRET)),
        (ROOT_USER.into(), user(ROOT_KEY_ID, ROOT_SECRET)),
        (FEDERATED_USER.into(), User { session_token: Some(FEDERATED_TOKEN.into()), ..user(FEDERATED_KEY_ID, FEDERATED_SECRET) }),
        (INSTANCE_USER.into(), instance),
        (CN_USER.into(), user(CN_KEY_ID, CN_SECRET)),
    ])
}

fn container(role: &str, token: &str, session_name: &str) -> Container {
    Container {
        authorization_token: Some(token.into()),
        role: role.into(),
        session_name: session_name.into(),
        lifetime_seconds: 21_600,
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let world = World::standard();
        let patch = json!({"imds": {"role": null}, "users": {DEMO_USER: {"secret_access_key": "new"}, ROOT_USER: null}});
        let merged = world.merged(&patch).unwrap();
        assert_eq!(merged.imds.role, None);
        assert_eq!(merged.imds.region, "us-east-1");
        assert_eq!(merged.users[DEMO_USER].secret_access_key, "new");
        assert_eq!(merged.users[DEMO_USER].access_key_id, DEMO_KEY_ID);
        assert!(!merged.users.contains_key(ROOT_USER));
        assert_eq!(merged.roles, world.roles);
    }

    #[test]
    fn a_misspelt_field_is_an_error() {
        let error = World::standard().merged(&json!({"imds": {"enable": true}})).unwrap_err();
        assert!(error.to_string().contains("enable"), "{error}");
    }

    #[test]
    fn the_constants_have_the_shape_of_real_ones() {
        for (arn, user) in World::standard().users {
            assert_eq!(user.access_key_id.len(), 20, "{arn}");
            assert_eq!(user.secret_access_key.len(), 40, "{arn}");
            assert_eq!(user.access_key_id.starts_with("ASIA"), user.session_token.is_some(), "{arn}");
        }
    }
}
