//! The trust policy that a web identity needs, from the claims of its token.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html>

use super::policy::Documents;
use crate::{
    credentials::Secret,
    failure::{Failure, Kind},
    principal::Principal,
    util::iam_policy::document,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

const GOOGLE: &str = "accounts.google.com";
/// Issuers that a trust policy names without an identity provider in the account.
const BUILT_IN: [&str; 2] = [GOOGLE, "cognito-identity.amazonaws.com"];
/// Stands for what the token does not tell.
const SUBJECT: &str = "SUBJECT";

/// The document for a refused `AssumeRoleWithWebIdentity`, unless the failure is another one. The claims are taken
/// from the token as it is: AWS checks its signature.
pub(super) fn documents(failure: &Failure, role_arn: &str, token: &Secret) -> Option<Documents> {
    if failure.kind != Kind::AccessDenied {
        return None;
    }
    let claims = claims(token)?;
    let issuer = claims["iss"].as_str()?;
    // A slash at its end (Auth0) stays: IAM has the provider and the condition keys under the very name in the token.
    // <https://github.com/aws/aws-sam-cli/issues/7432>
    let issuer = issuer.strip_prefix("https://").unwrap_or(issuer);
    let role = Principal::parse(role_arn, None, "").ok()?;
    let (partition, account) = (&role.partition, &role.account);
    let provider = if BUILT_IN.contains(&issuer) {
        issuer.to_owned()
    } else {
        format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}")
    };
    let mut equals = json!({});
    // Of a token of Google AWS compares `azp`, where there is one.
    let audience = match &claims["azp"] {
        Value::String(party) if issuer == GOOGLE => json!(party),
        _ => claims["aud"].clone(),
    };
    if !audience.is_null() {
        equals[format!("{issuer}:aud")] = audience;
    }
    equals[format!("{issuer}:sub")] = claims["sub"].as_str().unwrap_or(SUBJECT).into();
    let trust = document(&[
        ("Effect", json!("Allow")),
        ("Principal", json!({"Federated": provider})),
        ("Action", json!("sts:AssumeRoleWithWebIdentity")),
        ("Condition", json!({"StringEquals": equals})),
    ]);
    let note = if BUILT_IN.contains(&issuer) {
        "Keep the condition: without it each user of that issuer may assume the role.".to_owned()
    } else {
        format!(
            "Keep the condition: without it each token of that issuer may assume the role. The account {account} needs the identity provider: `aws iam list-open-id-connect-providers` shows it."
        )
    };
    Some(Documents {
        caller: None,
        trust: Some(trust),
        note,
    })
}

/// The claims of a JSON Web Token, of which only issuer, audience and subject are used.
fn claims(token: &Secret) -> Option<Value> {
    let payload = token.expose().split('.').nth(1)?;
    let payload = payload.trim_end_matches('=');
    let bytes = Base64UrlUnpadded::decode_vec(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws-us-gov:iam::123456789012:role/team/pod";

    fn token(claims: &Value) -> Secret {
        let payload = Base64UrlUnpadded::encode_string(claims.to_string().as_bytes());
        Secret::new(format!("head.{payload}.canary"))
    }

    fn refused(kind: Kind, claims: &Value) -> Option<Documents> {
        documents(&Failure::new(kind, "no.", "?"), ROLE, &token(claims))
    }

    #[test]
    fn the_trust_policy_has_what_the_token_tells() {
        let claims = json!({"iss": "https://oidc.eks.eu-west-1.amazonaws.com/id/AB", "jti": "canary",
                            "sub": "system:serviceaccount:legion:worker", "aud": ["sts.amazonaws.com"]});
        let found = refused(Kind::AccessDenied, &claims).unwrap();
        let trust: Value = serde_json::from_str(found.trust.as_ref().unwrap()).unwrap();
        assert_eq!(
            trust["Statement"][0],
            json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                   "Principal": {"Federated": "arn:aws-us-gov:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB"},
                   "Condition": {"StringEquals": {
                       "oidc.eks.eu-west-1.amazonaws.com/id/AB:aud": ["sts.amazonaws.com"],
                       "oidc.eks.eu-west-1.amazonaws.com/id/AB:sub": "system:serviceaccount:legion:worker"}}})
        );
        assert!(found.note.contains("list-open-id-connect-providers"));
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn the_slash_at_the_end_of_an_issuer_is_part_of_its_name() {
        let claims =
            json!({"iss": "https://tenant.eu.auth0.com/", "sub": "id@clients", "aud": "sts"});
        let found = refused(Kind::AccessDenied, &claims).unwrap();
        let trust: Value = serde_json::from_str(found.trust.as_ref().unwrap()).unwrap();
        let statement = &trust["Statement"][0];
        assert_eq!(
            statement["Principal"]["Federated"],
            "arn:aws-us-gov:iam::123456789012:oidc-provider/tenant.eu.auth0.com/"
        );
        assert_eq!(
            statement["Condition"]["StringEquals"],
            json!({"tenant.eu.auth0.com/:aud": "sts", "tenant.eu.auth0.com/:sub": "id@clients"})
        );
    }

    #[test]
    fn an_issuer_that_aws_knows_is_named_as_it_is() {
        let mut claims = json!({"iss": "https://accounts.google.com", "sub": "1", "aud": "x"});
        let audience = |trust: &str| {
            let trust: Value = serde_json::from_str(trust).unwrap();
            trust["Statement"][0]["Condition"]["StringEquals"]["accounts.google.com:aud"].clone()
        };
        let trust = refused(Kind::AccessDenied, &claims).unwrap().trust.unwrap();
        assert_eq!(audience(&trust), "x");
        claims["azp"] = json!("party");
        let with_party = refused(Kind::AccessDenied, &claims).unwrap().trust.unwrap();
        assert_eq!(audience(&with_party), "party");
        assert!(
            trust.contains(r#"{"Federated":"accounts.google.com"}"#),
            "{trust}"
        );
    }

    #[test]
    fn other_failures_and_tokens_without_claims_give_none() {
        let claims = json!({"iss": "https://a.example", "sub": "1", "aud": "x"});
        assert_eq!(refused(Kind::Timeout, &claims), None);
        let denied = Failure::new(Kind::AccessDenied, "no.", "?");
        for text in ["opaque", "a.b.c", "a.%%.c", "a.bnVsbA.c", ""] {
            assert_eq!(documents(&denied, ROLE, &Secret::new(text)), None, "{text}");
        }
        assert_eq!(documents(&denied, "no ARN", &token(&claims)), None);
    }
}
