use super::client::{Signed, assume, call, demo, identity, send, start};
use crate::keys::Key;
use crate::rules::Rule;
use crate::world::*;

fn key(id: &str, secret: &str, token: Option<&str>) -> Key {
    Key { id: id.into(), secret: secret.into(), token: token.map(str::to_owned), ..Key::default() }
}

#[test]
fn every_kind_of_principal_is_shown_as_aws_shows_it() {
    let fake = start();
    for (key, arn, user_id) in [
        (demo(), DEMO_USER, "AIDA"),
        (key(PATH_KEY_ID, PATH_SECRET, None), PATH_USER, "AIDA"),
        (key(ROOT_KEY_ID, ROOT_SECRET, None), ROOT_USER, ACCOUNT),
        (key(FEDERATED_KEY_ID, FEDERATED_SECRET, Some(FEDERATED_TOKEN)), FEDERATED_USER, "123456789012:bob"),
        (key(INSTANCE_KEY_ID, INSTANCE_SECRET, Some(INSTANCE_TOKEN)), INSTANCE_USER, "123456789012:aws:ec2-instance:i-"),
    ] {
        let reply = identity(&fake, &key);
        assert_eq!((reply.status, reply.tag("Arn"), reply.tag("Account")), (200, arn, ACCOUNT));
        assert!(reply.tag("UserId").starts_with(user_id), "{}", reply.tag("UserId"));
        assert!(reply.head.contains(&format!("x-amzn-RequestId: {}", reply.tag("RequestId"))));
    }
}

#[test]
fn each_kind_of_wrong_key_has_its_own_error() {
    let fake = start();
    let session = assume(&fake, &demo(), WORKER_ROLE, &[]).key();
    let unknown = (403, "InvalidClientTokenId", "The security token included in the request is invalid.");
    assert_eq!(identity(&fake, &key("AKIAUNKNOWN", DEMO_SECRET, None)).refusal(), unknown);
    assert_eq!(identity(&fake, &Key { token: None, ..session.clone() }).refusal(), unknown);
    assert_eq!(identity(&fake, &Key { token: Some("other".into()), ..session.clone() }).refusal(), unknown);
    assert_eq!(identity(&fake, &Key { token: session.token.clone(), ..demo() }).refusal(), unknown);
    assert_eq!(identity(&fake, &key(DEMO_KEY_ID, "other", None)).tag("Code"), "SignatureDoesNotMatch");
    assert_eq!(identity(&fake, &Key { secret: "other".into(), ..session.clone() }).tag("Code"), "SignatureDoesNotMatch");
    assert_eq!(identity(&fake, &session).status, 200);
    let expired = fake.issue(WORKER_ROLE, "old", -1);
    assert_eq!(
        identity(&fake, &expired).refusal(),
        (403, "ExpiredToken", "The security token included in the request is expired")
    );
}

#[test]
fn a_signature_covers_everything_that_matters() {
    let fake = start();
    let signed = || Signed::new(&demo(), &[("Action", "GetCallerIdentity")]);
    let text = signed().written();
    assert_eq!(send(&fake, &text).status, 200);
    for (from, to, code) in [
        ("Version=", "version=", "InvalidAction"),
        ("host: localhost", "host: elsewhere", "SignatureDoesNotMatch"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded;x", "SignatureDoesNotMatch"),
        ("us-east-1", "us-east-2", "SignatureDoesNotMatch"),
        ("/us-east-1/", "/nowhere/", "SignatureDoesNotMatch"),
        ("/aws4_request", "/aws5_request", "SignatureDoesNotMatch"),
        ("host: ", "x-amz-extra: unsigned\r\nhost: ", "SignatureDoesNotMatch"),
        ("SignedHeaders=content-type;host;", "SignedHeaders=content-type;", "SignatureDoesNotMatch"),
        ("SignedHeaders=", "Headers=", "IncompleteSignature"),
        ("x-amz-date: ", "x-date: ", "IncompleteSignature"),
        ("authorization: ", "x-authorization: ", "MissingAuthenticationToken"),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(send(&fake, &text.replace(from, to)).tag("Code"), code, "{from} -> {to}");
    }
    assert_eq!(Signed { service: "iam", ..signed() }.send(&fake).tag("Code"), "SignatureDoesNotMatch");
    assert_eq!(Signed { region: "cn-north-1", ..signed() }.send(&fake).tag("Code"), "InvalidClientTokenId");
    assert_eq!(Signed { host: "sts.us-west-2.amazonaws.com", ..signed() }.send(&fake).tag("Code"), "SignatureDoesNotMatch");
    let west = Signed { host: "sts.us-west-2.amazonaws.com", region: "us-west-2", ..signed() };
    assert_eq!(west.send(&fake).status, 200);
}

#[test]
fn a_clock_may_differ_by_five_minutes() {
    let fake = start();
    let at = |minutes: f64| {
        let mut signed = Signed::new(&demo(), &[("Action", "GetCallerIdentity")]);
        #[allow(clippy::cast_possible_truncation)]
        let shift = (minutes * 60_000.0) as i64;
        signed.at_ms += shift;
        let reply = signed.send(&fake);
        (reply.status, reply.tag("Message").to_owned())
    };
    assert_eq!(at(-4.9).0, 200);
    assert_eq!(at(4.9).0, 200);
    assert!(at(-5.1).1.starts_with("Signature expired: "));
    assert!(at(5.1).1.starts_with("Signature not yet current: "));
    fake.add_rule(Rule { skew_seconds: 3600, ..Rule::default() });
    assert_eq!(at(0.0).0, 403);
    assert_eq!(at(60.0).0, 200);
}

#[test]
fn assume_role_answers_in_full() {
    let fake = start();
    let more = [
        ("DurationSeconds", "7200"),
        ("SourceIdentity", "dana"),
        ("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#),
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "a&b"),
    ];
    // '&' is not allowed in a tag: first refused, then accepted without it.
    assert_eq!(assume(&fake, &demo(), WORKER_ROLE, &more).tag("Code"), "ValidationError");
    let reply = assume(&fake, &demo(), WORKER_ROLE, &more[..3]);
    assert_eq!(reply.tag("SourceIdentity"), "dana");
    assert_eq!(reply.tag("PackedPolicySize"), "1");
    assert!(reply.tag("AssumedRoleId").starts_with("AROA") && reply.tag("AssumedRoleId").ends_with(":session"));
    let key = reply.key();
    assert!(key.id.starts_with("ASIA") && key.id.len() == 20 && key.secret.len() == 40);
    assert_eq!(identity(&fake, &key).tag("Arn"), "arn:aws:sts::123456789012:assumed-role/legion-worker/session");
    let entry = &fake.requests()[1];
    assert_eq!(entry.issued.as_deref(), Some(key.id.as_str()));
    assert_eq!(entry.principal.as_deref(), Some(DEMO_USER));
    assert_eq!(entry.params["DurationSeconds"], "7200");
    // The role's path is not part of the session's ARN.
    let reply = assume(&fake, &demo(), PATH_ROLE, &[]);
    assert_eq!(reply.tag("Arn"), "arn:aws:sts::123456789012:assumed-role/deployer/session");
}

#[test]
fn trust_is_enforced() {
    let fake = start();
    let status = |key: &Key, role: &str, more: &[(&str, &str)]| assume(&fake, key, role, more).status;
    let denied = assume(&fake, &demo(), FORBIDDEN_ROLE, &[]);
    let words = format!("User: {DEMO_USER} is not authorized to perform: sts:AssumeRole on resource: {FORBIDDEN_ROLE}");
    assert_eq!(denied.refusal(), (403, "AccessDenied", words.as_str()));
    assert_eq!(status(&demo(), "arn:aws:iam::123456789012:role/absent", &[]), 403);
    assert_eq!(status(&demo(), CN_ROLE, &[]), 403);
    assert_eq!(status(&key(ROOT_KEY_ID, ROOT_SECRET, None), WORKER_ROLE, &[]), 403);
    assert_eq!(status(&demo(), EXTERNAL_ID_ROLE, &[]), 403);
    assert_eq!(status(&demo(), EXTERNAL_ID_ROLE, &[("ExternalId", "other")]), 403);
    assert_eq!(status(&demo(), EXTERNAL_ID_ROLE, &[("ExternalId", EXTERNAL_ID)]), 200);
    assert_eq!(status(&demo(), SOURCE_IDENTITY_ROLE, &[]), 403);
    let worker = assume(&fake, &demo(), WORKER_ROLE, &[("SourceIdentity", "dana")]).key();
    assert_eq!(status(&worker, SOURCE_IDENTITY_ROLE, &[]), 200);
    assert_eq!(status(&worker, SOURCE_IDENTITY_ROLE, &[("SourceIdentity", "other")]), 403);
    assert_eq!(status(&demo(), CHAINED_ROLE, &[]), 403);
    assert_eq!(status(&worker, CHAINED_ROLE, &[]), 200);
}

#[test]
fn durations_are_enforced() {
    let fake = start();
    let worker = assume(&fake, &demo(), WORKER_ROLE, &[]).key();
    let refused = |key: &Key, role: &str, seconds: &str| {
        let reply = assume(&fake, key, role, &[("DurationSeconds", seconds)]);
        assert_eq!((reply.status, reply.tag("Code")), (400, "ValidationError"));
        reply.tag("Message").to_owned()
    };
    assert!(refused(&demo(), PATH_ROLE, "3601").contains("MaxSessionDuration set for this role"));
    assert!(refused(&worker, CHAINED_ROLE, "3601").contains("1 hour session limit for roles assumed by role chaining"));
    assert!(refused(&demo(), WORKER_ROLE, "899").contains("greater than or equal to 900"));
    assert_eq!(assume(&fake, &demo(), WORKER_ROLE, &[("DurationSeconds", "43200")]).status, 200);
    assert_eq!(assume(&fake, &worker, CHAINED_ROLE, &[("DurationSeconds", "3600")]).status, 200);
}

#[test]
fn an_mfa_code_works_once() {
    let fake = start();
    let message = |more: &[(&str, &str)]| assume(&fake, &demo(), MFA_ROLE, more).tag("Message").to_owned();
    let code = [("SerialNumber", DEMO_MFA_SERIAL), ("TokenCode", "111111")];
    assert!(message(&[]).contains("not authorized"));
    assert!(message(&code[..1]).contains("must provide both"));
    assert!(message(&[("SerialNumber", "GAHT00000000"), code[1]]).contains("verify your MFA serial number"));
    assert!(message(&[code[0], ("TokenCode", "000000")]).contains("invalid MFA one time pass code"));
    assert_eq!(message(&code), "");
    assert!(message(&code).contains("invalid MFA one time pass code"));
}

#[test]
fn session_tokens_carry_mfa_only() {
    let fake = start();
    let get = |key: &Key, more: &[(&str, &str)]| {
        let reply = Signed::new(key, &[&[("Action", "GetSessionToken")], more].concat()).send(&fake);
        (reply.key(), reply.tag("Message").to_owned())
    };
    let (plain, _) = get(&demo(), &[("DurationSeconds", "129600")]);
    let (with_mfa, _) = get(&demo(), &[("SerialNumber", DEMO_MFA_HARDWARE), ("TokenCode", "222222")]);
    assert_eq!(identity(&fake, &plain).tag("Arn"), DEMO_USER);
    assert_eq!(assume(&fake, &plain, MFA_ROLE, &[]).status, 403);
    assert_eq!(assume(&fake, &with_mfa, MFA_ROLE, &[]).status, 200);
    assert!(get(&plain, &[]).1.contains("Cannot call GetSessionToken with session credentials"));
}

#[test]
fn scoped_credentials_keep_the_identity_and_gain_neither_time_nor_a_fourth_policy() {
    const POLICY: (&str, &str) = ("Policy", "{\"Statement\":[]}");
    let fake = start();
    let get =
        |key: &Key, more: &[(&str, &str)]| Signed::new(key, &[&[("Action", "GetScopedCredentials")], more].concat()).send(&fake);
    let refused = |key: &Key, more: &[(&str, &str)]| get(key, more).tag("Code").to_owned();
    let mut session = assume(&fake, &demo(), WORKER_ROLE, &[]).key();
    assert_eq!(refused(&demo(), &[POLICY]), "InvalidSubjectCredentials");
    assert_eq!(refused(&session, &[]), "ValidationError");
    assert_eq!(refused(&session, &[("DurationSeconds", "0")]), "ValidationError");
    assert_eq!(refused(&session, &[("DurationSeconds", "3700")]), "InsufficientSessionLifetime");
    assert_eq!(refused(&session, &[("Policy", "{}")]), "MalformedPolicyDocument");
    let arn = identity(&fake, &session).tag("Arn").to_owned();
    for count in ["1", "2", "3"] {
        let reply = get(&session, &[POLICY]);
        assert_eq!((reply.tag("ScopedPoliciesCount"), reply.tag("Arn")), (count, arn.as_str()));
        session = reply.key();
        assert_eq!(identity(&fake, &session).tag("Arn"), arn);
    }
    assert_eq!(refused(&session, &[POLICY]), "AccessDenied");
    assert_eq!(get(&session, &[("DurationSeconds", "60")]).status, 200);
}

#[test]
fn transitive_tags_are_inherited_along_the_chain() {
    let fake = start();
    let tag = [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "x")];
    let transitive = [tag[0], tag[1], ("TransitiveTagKeys.member.1", "Team")];
    let worker = assume(&fake, &demo(), WORKER_ROLE, &transitive).key();
    let next = assume(&fake, &worker, CHAINED_ROLE, &[]).key();
    assert_eq!(assume(&fake, &next, PATH_ROLE, &tag).tag("Code"), "ValidationError");
    let worker = assume(&fake, &demo(), WORKER_ROLE, &tag).key();
    assert_eq!(assume(&fake, &worker, CHAINED_ROLE, &tag).status, 200);
}

#[test]
fn web_identity_needs_a_valid_token_and_no_signature() {
    let fake = start();
    let ask = |role: &str, token: &str, more: &str| {
        let body = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role}&RoleSessionName=pod&WebIdentityToken={token}{more}"
        );
        call(&fake, "POST", "/", &[("Content-Type", "application/x-www-form-urlencoded")], &body)
    };
    let reply = ask(IRSA_ROLE, IRSA_TOKEN, "");
    assert_eq!((reply.tag("SubjectFromWebIdentityToken"), reply.tag("Provider")), (IRSA_SUBJECT, IRSA_PROVIDER));
    assert_eq!(reply.tag("Audience"), "sts.amazonaws.com");
    assert_eq!(identity(&fake, &reply.key()).tag("Arn"), "arn:aws:sts::123456789012:assumed-role/irsa-app/pod");
    assert_eq!(ask(WORKER_ROLE, IRSA_TOKEN, "").refusal().1, "AccessDenied");
    assert_eq!(ask(IRSA_ROLE, "other", "").refusal().1, "InvalidIdentityToken");
    assert_eq!(ask(IRSA_ROLE, &format!("{IRSA_TOKEN}%0A"), "").refusal().1, "InvalidIdentityToken");
    assert_eq!(ask(IRSA_ROLE, IRSA_TOKEN, "&ProviderId=www.amazon.com").refusal().1, "InvalidIdentityToken");
    assert_eq!(ask(IRSA_ROLE, "", "").refusal().1, "ValidationError");
    fake.change_world(|world| world.web_identity_tokens.get_mut(IRSA_TOKEN).unwrap().rejected = true);
    assert_eq!(ask(IRSA_ROLE, IRSA_TOKEN, "").refusal().1, "IDPRejectedClaim");
    fake.change_world(|world| world.web_identity_tokens.get_mut(IRSA_TOKEN).unwrap().expired = true);
    assert_eq!(ask(IRSA_ROLE, IRSA_TOKEN, "").refusal().1, "ExpiredTokenException");
}

#[test]
fn other_partitions_have_their_own_keys() {
    let fake = start();
    let china = key(CN_KEY_ID, CN_SECRET, None);
    assert_eq!(identity(&fake, &china).tag("Code"), "InvalidClientTokenId");
    let signed = Signed { region: "cn-north-1", ..Signed::new(&china, &[("Action", "GetCallerIdentity")]) };
    let reply = signed.send(&fake);
    assert_eq!((reply.tag("Arn"), reply.tag("Account")), (CN_USER, CN_ACCOUNT));
}
