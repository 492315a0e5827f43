//! A console session of `aws login`.

use crate::support::{Fetched, Machine, text};
use aws_identity::{
    failure::{Failure, Kind},
    util::time::{format_iso8601, now},
};
use fake_aws::{Answer, Rule, Service, world};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

const SESSION: &str = "arn:aws:iam::123456789012:user/demo";
/// The AWS CLI names the file by the SHA-256 of the session.
const FILE: &str = "bf5f7f6d57cc352e6ab0659523fca68f168f8380cdb2191fa6ec63f10880008c.json";
const MINUTE: i64 = 60_000;

/// A machine with a console session that expires in that time.
pub fn logged_in(expires_in: i64) -> Machine {
    with_login(&login(expires_in))
}

fn with_login(login: &Value) -> Machine {
    let machine = Machine::bare().config(&format!("[default]\nregion = eu-west-1\nlogin_session = {SESSION}\n"));
    fs::create_dir_all(machine.home().join(".aws/login/cache")).unwrap();
    fs::write(path_of(&machine), login.to_string()).unwrap();
    machine
}

pub fn path_of(machine: &Machine) -> PathBuf {
    machine.home().join(".aws/login/cache").join(FILE)
}

fn login(expires_in: i64) -> Value {
    json!({
        "accessToken": {
            "accessKeyId": "ASIAOFTHEFILE",
            "secretAccessKey": "secret-of-the-file",
            "sessionToken": "token-of-the-file",
            "accountId": world::ACCOUNT,
            "expiresAt": format_iso8601((now() + expires_in) / 1000 * 1000),
        },
        "tokenType": "aws_sigv4",
        "refreshToken": world::SIGNIN_REFRESH_TOKEN,
        "idToken": "identity-token",
        "clientId": world::SIGNIN_CLIENT_ID,
        "dpopKey": world::SIGNIN_KEY,
    })
}

fn kept(machine: &Machine) -> Value {
    serde_json::from_slice(&fs::read(path_of(machine)).unwrap()).unwrap()
}

/// The local AWS behind its proxy, so that requests go to the real names.
fn behind_proxy(machine: Machine) -> Machine {
    let (proxy, bundle, sts) = (machine.aws.proxy_url(), machine.aws.ca_bundle(), machine.aws.http_url());
    let machine = machine.without("AWS_ENDPOINT_URL").env("AWS_ENDPOINT_URL_STS", &sts);
    machine.env("HTTPS_PROXY", &proxy).env("AWS_CA_BUNDLE", text(&bundle))
}

fn is_demo(machine: &Machine) {
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), SESSION);
    assert_eq!(fetched.credentials.account_id.as_deref(), Some(world::ACCOUNT));
    let life = fetched.credentials.expires_at.unwrap() - now();
    assert!((14 * MINUTE..=15 * MINUTE).contains(&life), "{life}");
}

/// The local AWS does not know these keys.
fn has_the_file_s(fetched: &Result<Fetched, Failure>) {
    let credentials = &fetched.as_ref().unwrap().credentials;
    assert_eq!(credentials.access_key_id, "ASIAOFTHEFILE");
    assert_eq!(credentials.account_id.as_deref(), Some(world::ACCOUNT));
}

#[test]
fn credentials_that_do_not_soon_expire_are_the_file_s() {
    for account in [json!(world::ACCOUNT), json!(123_456_789_012_u64)] {
        let mut login = login(6 * MINUTE);
        login["accessToken"]["accountId"] = account;
        // What a renewal needs is not needed here.
        login["dpopKey"] = json!("canary");
        let machine = with_login(&login);
        has_the_file_s(&machine.fetch());
        assert_eq!(machine.count(Service::Signin, "CreateOAuth2Token"), 0);
    }
}

#[test]
fn a_renewal_is_proven_and_keeps_every_member_of_the_file() {
    for expires_in in [4 * MINUTE, -MINUTE] {
        let mut before = login(expires_in);
        before["unknown"] = json!({"a": [1, null]});
        before["accessToken"]["beside"] = json!("kept");
        let machine = with_login(&before);
        fs::set_permissions(path_of(&machine), fs::Permissions::from_mode(0o644)).unwrap();
        is_demo(&machine);
        let mut after = kept(&machine);
        for place in [
            "/accessToken/accessKeyId",
            "/accessToken/secretAccessKey",
            "/accessToken/sessionToken",
            "/accessToken/expiresAt",
            "/refreshToken",
        ] {
            let old = before.pointer(place).unwrap().clone();
            assert_ne!(after.pointer(place), Some(&old), "{place}");
            *after.pointer_mut(place).unwrap() = old;
        }
        assert_eq!(after, before);
        assert_eq!(fs::metadata(path_of(&machine)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path_of(&machine).parent().unwrap()).unwrap().count(), 1);
        // The next session reads the renewed credentials.
        is_demo(&machine);
        assert_eq!(machine.count(Service::Signin, "CreateOAuth2Token"), 1);
    }
}

#[test]
fn a_login_is_renewed_in_its_own_region() {
    for (region, host) in [
        (json!(null), "eu-west-1.signin.aws.amazon.com"),
        (json!("us-west-2"), "us-west-2.signin.aws.amazon.com"),
        (json!("us-gov-west-1"), "us-gov-west-1.signin.amazonaws-us-gov.com"),
        (json!("cn-north-1"), "cn-north-1.signin.amazonaws.cn"),
        (json!("eusc-de-east-1"), "eusc-de-east-1.signin.amazonaws-eusc.eu"),
    ] {
        let mut login = login(-MINUTE);
        login["signInRegion"] = region.clone();
        let machine = behind_proxy(with_login(&login)).env("AWS_REGION", "ap-south-1");
        let machine = if region.is_null() { machine.without("AWS_REGION") } else { machine };
        is_demo(&machine);
        let asked = machine.the(Service::Signin, "CreateOAuth2Token");
        assert_eq!(asked.host, host);
        assert_eq!(kept(&machine)["signInRegion"], region);
    }
    let mut login = login(-MINUTE);
    login["signInRegion"] = json!("evil.example.com/");
    let failure = with_login(&login).failure();
    assert_eq!(failure.kind, Kind::Configuration, "{failure:?}");
}

#[test]
fn its_endpoint_may_be_named() {
    const NOWHERE: &str = "http://127.0.0.1:9";
    let config = |machine: &Machine, lines: &str| {
        let url = machine.aws.http_url();
        format!(
            "[default]\nregion = eu-west-1\nlogin_session = {SESSION}\n{}",
            lines.replace("{url}", &url).replace("{nowhere}", NOWHERE)
        )
    };
    for (lines, variable) in [
        ("endpoint_url = {url}\n", None),
        ("endpoint_url = {nowhere}\nservices = x\n[services x]\nsignin =\n  endpoint_url = {url}\n", None),
        ("endpoint_url = {nowhere}\n", Some("AWS_ENDPOINT_URL_SIGNIN")),
        ("endpoint_url = {nowhere}\n", Some("AWS_ENDPOINT_URL")),
    ] {
        let machine = logged_in(-MINUTE);
        let text = config(&machine, lines);
        let url = machine.aws.http_url();
        let mut machine = machine.config(&text).without("AWS_ENDPOINT_URL").env("AWS_ENDPOINT_URL_STS", &url);
        if let Some(name) = variable {
            machine = machine.env(name, &url);
        }
        is_demo(&machine);
    }
}

#[test]
fn the_folder_may_be_named() {
    let machine = logged_in(-MINUTE);
    let folder = machine.home().join("elsewhere");
    fs::rename(machine.home().join(".aws/login/cache"), &folder).unwrap();
    let machine = machine.env("AWS_LOGIN_CACHE_DIRECTORY", text(&folder));
    is_demo(&machine);
    is_demo(&machine.env("AWS_LOGIN_CACHE_DIRECTORY", "~/elsewhere"));
}

/// Each refresh token works once: the second process reads what the first wrote.
#[test]
fn a_login_that_another_process_renewed_meanwhile_is_used() {
    let machine = logged_in(-MINUTE);
    let (path, other) = (path_of(&machine), login(60 * MINUTE).to_string());
    let refusal = Answer::Error { status: 400, code: "INVALID_REQUEST".into(), message: "Invalid refresh token".into() };
    let held = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Signin).answer(refusal) });
    std::thread::scope(|threads| {
        let fetch = threads.spawn(|| machine.fetch());
        machine.wait_for(Service::Signin, "CreateOAuth2Token", 1); // it has read the file before
        fs::write(&path, other).unwrap();
        machine.aws.remove_rule(held);
        has_the_file_s(&fetch.join().unwrap());
    });
}

#[test]
fn a_refusal_says_what_to_do() {
    for (code, kind, said) in [
        ("TOKEN_EXPIRED", Kind::NoCredentials, "has expired (TOKEN_EXPIRED: because)"),
        ("USER_CREDENTIALS_CHANGED", Kind::NoCredentials, "password was changed"),
        ("INSUFFICIENT_PERMISSIONS", Kind::AccessDenied, "signin:CreateOAuth2Token is not allowed"),
        ("INVALID_REQUEST", Kind::NoCredentials, "AWS Sign-In (eu-west-1) does not renew it (INVALID_REQUEST: because)"),
    ] {
        let machine = logged_in(-MINUTE);
        let before = kept(&machine);
        machine.aws.add_rule(Rule::on(Service::Signin).answer(Answer::Error {
            status: 400,
            code: code.into(),
            message: "because".into(),
        }));
        let failure = machine.failure();
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.message().contains(said), "{}", failure.message());
        assert!(
            kind == Kind::AccessDenied || failure.message().contains("Run `aws login --profile default`."),
            "{}",
            failure.message()
        );
        assert_eq!(failure.code.as_deref(), Some(code));
        assert_eq!(aws_identity::refresh::is_final(&failure), code != "INVALID_REQUEST", "{failure:?}");
        assert_eq!((failure.status, failure.reached), (Some(400), true));
        assert_eq!(kept(&machine), before);
        assert_eq!(machine.count(Service::Signin, "CreateOAuth2Token"), 1);
    }
}

#[test]
fn a_proxy_s_refusal_is_not_the_login_s() {
    for status in [401, 403] {
        let answer = || Answer::Body { status, content_type: "text/html".into(), text: "<html>no</html>".into() };
        let machine = logged_in(-MINUTE);
        machine.aws.add_rule(Rule::on(Service::Signin).answer(answer()));
        let failure = machine.failure();
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::AccessDenied, None), "{failure:?}");
        assert!(failure.is_outage() && !aws_identity::refresh::is_final(&failure), "{failure:?}");
        assert!(!failure.message().contains("aws login"), "{failure}");
        // Credentials that are still good are used meanwhile.
        let machine = logged_in(4 * MINUTE);
        machine.aws.add_rule(Rule::on(Service::Signin).answer(answer()));
        has_the_file_s(&machine.fetch());
    }
}

#[test]
fn an_outage_is_not_an_expired_login() {
    for (answer, kind) in [
        (Answer::Error { status: 503, code: "service_unavailable".into(), message: "because".into() }, Kind::Service),
        (Answer::Throttle, Kind::Throttled),
        (Answer::Drop, Kind::Connection),
        (Answer::Hang, Kind::Timeout),
    ] {
        let name = answer.name();
        let machine = logged_in(-MINUTE).option("resolve_timeout", 1);
        machine.aws.add_rule(Rule::on(Service::Signin).answer(answer));
        let failure = machine.failure();
        assert_eq!(failure.kind, kind, "{name}: {failure:?}");
        assert!(failure.is_outage() && !aws_identity::refresh::is_final(&failure), "{name}: {failure:?}");
    }
    // What passes is asked once more.
    let machine = logged_in(-MINUTE);
    machine.aws.add_rule(Rule::on(Service::Signin).times(1).answer(Answer::Throttle));
    is_demo(&machine);
    // Credentials that are still good are used meanwhile.
    for answer in [Answer::Drop, Answer::Hang] {
        let machine = logged_in(4 * MINUTE).option("resolve_timeout", 2);
        machine.aws.add_rule(Rule::on(Service::Signin).answer(answer));
        has_the_file_s(&machine.fetch());
    }
}

#[test]
fn values_that_cannot_be_sent_or_shown_are_refused_and_not_saved() {
    for (name, value) in [
        ("accessKeyId", "canary \u{1b}[2J"),
        ("accessKeyId", "canary\u{202e}"),
        ("secretAccessKey", "canary\nX"),
        ("sessionToken", "canary\u{7f}"),
        ("sessionToken", "canar\u{fd}"),
    ] {
        let mut body = json!({"accessToken": {"accessKeyId": "ASIACANARY", "secretAccessKey": "s", "sessionToken": "t"},
            "refreshToken": "r", "expiresIn": 900, "tokenType": "aws_sigv4"});
        body["accessToken"][name] = value.into();
        let before = login(-MINUTE);
        let machine = with_login(&before);
        let answer = Answer::Body { status: 200, content_type: "application/json".into(), text: body.to_string() };
        machine.aws.add_rule(Rule::on(Service::Signin).answer(answer));
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Service, "{failure:?}");
        assert!(failure.message().contains(&format!("a value for {name} that")), "{}", failure.message());
        assert!(!failure.message().contains("canar"), "{}", failure.message());
        assert_eq!(kept(&machine), before);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_and_not_shown() {
    let without = |place: &str, expires_in: i64| {
        let mut login = login(expires_in);
        *login.pointer_mut(place).unwrap() = json!(null);
        login.to_string()
    };
    for (text, said) in [
        ("canary".to_owned(), "not readable as one"),
        ("{}".into(), "no usable accessToken/accessKeyId"),
        (without("/accessToken/secretAccessKey", MINUTE), "no usable accessToken/secretAccessKey"),
        (without("/accessToken/expiresAt", MINUTE), "no usable accessToken/expiresAt"),
        (without("/dpopKey", -MINUTE), "no usable dpopKey"),
        (without("/refreshToken", -MINUTE), "no usable refreshToken"),
        (
            login(-MINUTE).to_string().replace("BEGIN EC PRIVATE KEY-----\\n", "BEGIN EC PRIVATE KEY-----\\ncanary"),
            "no usable dpopKey",
        ),
    ] {
        let machine = logged_in(0);
        fs::write(path_of(&machine), &text).unwrap();
        let failure = machine.failure();
        assert!(failure.message().contains(said), "{}", failure.message());
        assert!(failure.message().contains("aws login --profile default"), "{}", failure.message());
        assert!(!failure.message().contains("canary"), "{}", failure.message());
        assert!(!aws_identity::refresh::is_final(&failure), "it may be half written: {failure:?}");
        assert!(machine.aws.requests().is_empty());
    }
    let machine = logged_in(0);
    fs::remove_file(path_of(&machine)).unwrap();
    assert!(machine.failure().message().contains("is missing"));
}
