//! IAM Identity Center. The SDK reads the login below the HOME of the process, so each test runs in a process of its own.

use crate::support::{Machine, text};
use aws_identity::{
    failure::Kind,
    util::time::{format_iso8601, now},
};
use fake_aws::{Answer, Rule, Service, world};
use serde_json::{Value, json};
use std::{env, fs, path::PathBuf, process::Command};

const INSIDE: &str = "CORE_SPEC_INSIDE";
const START_URL: &str = "https://legion.awsapps.com/start";
const HOUR: i64 = 3_600_000;

/// Runs the test of this name in a child process with an empty HOME; true inside the child.
fn inside(name: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let home = env::temp_dir().join(format!("core_spec_{}_{}", std::process::id(), name.replace(':', "_")));
    fs::create_dir_all(home.join(".aws/sso/cache")).unwrap();
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "yes")
        .env("HOME", &home)
        .output()
        .unwrap();
    fs::remove_dir_all(home).unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// A machine whose `default` profile uses SSO, behind the local proxy. `session`: with an `[sso-session]`, whose login
/// can be refreshed; otherwise with the older keys.
fn with_sso(session: bool) -> Machine {
    let common = format!("sso_account_id = {}\nsso_role_name = Developer\n", world::ACCOUNT);
    let shared = format!("sso_start_url = {START_URL}\nsso_region = eu-west-1\n");
    let config = if session {
        format!("[default]\nsso_session = legion\n{common}[sso-session legion]\n{shared}")
    } else {
        format!("[default]\n{shared}{common}")
    };
    let machine = Machine::bare().config(&config);
    let written = machine.home().join(".aws/config");
    let machine = machine.env("AWS_CONFIG_FILE", text(&written)).env("HOME", &env::var("HOME").unwrap());
    let (proxy, bundle) = (machine.aws.proxy_url(), machine.aws.ca_bundle());
    machine.env("HTTPS_PROXY", &proxy).env("AWS_CA_BUNDLE", text(&bundle))
}

/// The AWS CLI names the file by the SHA-1 of the session's name, or of the start URL.
const SESSION_FILE: &str = "bd53add93b49c4dff72730e05f11f1ee31074fe4.json"; // legion
const URL_FILE: &str = "ddf040fdba35414c5ac8b185ed5ac06d850379b9.json";

fn path_of(file: &str) -> PathBuf {
    PathBuf::from(env::var("HOME").unwrap()).join(".aws/sso/cache").join(file)
}

fn log_in(file: &str, token: &Value) {
    fs::write(path_of(file), token.to_string()).unwrap();
}

fn login(expires_in: i64) -> Value {
    json!({
        "accessToken": world::SSO_ACCESS_TOKEN,
        "expiresAt": format_iso8601((now() + expires_in) / 1000 * 1000),
        "refreshToken": world::SSO_REFRESH_TOKEN,
        "clientId": world::SSO_CLIENT_ID,
        "clientSecret": world::SSO_CLIENT_SECRET,
        "registrationExpiresAt": format_iso8601((now() + 24 * HOUR) / 1000 * 1000),
        "region": "eu-west-1",
        "startUrl": START_URL,
    })
}

fn is_developer(machine: &Machine) {
    let fetched = machine.fetch().unwrap();
    assert!(fetched.arn().contains("assumed-role/AWSReservedSSO_Developer_"), "{}", fetched.arn());
    assert_eq!(fetched.source(), "profile default");
    assert_eq!(fetched.credentials.account_id.as_deref(), Some(world::ACCOUNT));
    let life = fetched.credentials.expires_at.unwrap() - now();
    assert!((HOUR - 10_000..=HOUR).contains(&life), "{life}");
}

#[test]
fn a_login_gives_role_credentials() {
    if !inside("sso::a_login_gives_role_credentials") {
        return;
    }
    for (session, file) in [(true, SESSION_FILE), (false, URL_FILE)] {
        let machine = with_sso(session);
        log_in(file, &login(HOUR));
        is_developer(&machine);
        let asked = machine.the(Service::Sso, "GetRoleCredentials");
        assert_eq!(asked.host, "portal.sso.eu-west-1.amazonaws.com");
        assert!(asked.proxied);
        assert_eq!((&*asked.params["role_name"], &*asked.params["account_id"]), ("Developer", world::ACCOUNT));
        assert_eq!(machine.count(Service::Sso, "CreateToken"), 0);
    }
}

#[test]
fn a_login_that_expires_soon_or_is_expired_is_refreshed_and_saved() {
    if !inside("sso::a_login_that_expires_soon_or_is_expired_is_refreshed_and_saved") {
        return;
    }
    for expires_in in [60_000, -HOUR] {
        let machine = with_sso(true);
        log_in(SESSION_FILE, &login(expires_in));
        is_developer(&machine);
        let renewed = machine.the(Service::Sso, "CreateToken");
        assert_eq!(renewed.host, "oidc.eu-west-1.amazonaws.com");
        let kept: Value = serde_json::from_slice(&fs::read(path_of(SESSION_FILE)).unwrap()).unwrap();
        assert_ne!(kept["accessToken"], world::SSO_ACCESS_TOKEN);
        assert_ne!(kept["refreshToken"], world::SSO_REFRESH_TOKEN);
        // The next session reads the refreshed login.
        is_developer(&machine);
        assert_eq!(machine.count(Service::Sso, "CreateToken"), 1);
    }
}

#[test]
fn an_expired_login_says_which_command_to_run() {
    if !inside("sso::an_expired_login_says_which_command_to_run") {
        return;
    }
    let refused = |machine: &Machine, said: &str| {
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials, "{failure:?}");
        assert!(failure.message().contains(said), "{}", failure.message());
        assert!(failure.message().contains("aws sso login --profile default"), "{}", failure.message());
        assert!(aws_identity::refresh::is_final(&failure), "{failure:?}");
    };
    // There is no login.
    refused(&with_sso(true), "is missing");
    refused(&with_sso(false), "is missing");

    // It is expired and has no refresh token.
    let mut bare = login(-HOUR);
    bare.as_object_mut().unwrap().remove("refreshToken");
    log_in(SESSION_FILE, &bare);
    let machine = with_sso(true);
    refused(&machine, "expired at");
    assert!(machine.aws.requests().is_empty());

    // It is expired and cannot be refreshed: the registration is expired.
    let mut old = login(-HOUR);
    old["registrationExpiresAt"] = "2020-01-01T00:00:00Z".into();
    log_in(SESSION_FILE, &old);
    refused(&with_sso(true), "expired at");

    // The refresh token is used up.
    log_in(SESSION_FILE, &login(-HOUR));
    let machine = with_sso(true);
    machine.aws.change_world(|world| {
        let session = world.sso.sessions.get_mut(world::SSO_USER).unwrap();
        session.refresh_tokens.clear();
        session.access_tokens.clear();
    });
    refused(&machine, "expired");

    // The service has revoked it; the older form cannot be refreshed.
    log_in(URL_FILE, &login(HOUR));
    let machine = with_sso(false);
    machine.aws.change_world(|world| world.sso.sessions.get_mut(world::SSO_USER).unwrap().access_tokens.clear());
    refused(&machine, "expired");
}

#[test]
fn an_outage_is_not_an_expired_login() {
    if !inside("sso::an_outage_is_not_an_expired_login") {
        return;
    }
    log_in(SESSION_FILE, &login(HOUR));
    let error = |status: u16, code: &str| Answer::Error { status, code: code.into(), message: "because".into() };
    for (answer, kind) in [
        (error(500, "InternalServerException"), Kind::Service),
        (error(429, "TooManyRequestsException"), Kind::Throttled),
        (Answer::Drop, Kind::Connection),
        (Answer::Hang, Kind::Timeout),
    ] {
        let name = answer.name();
        let machine = with_sso(true).option("resolve_timeout", 1);
        machine.aws.add_rule(Rule::on(Service::Sso).answer(answer));
        let failure = machine.failure();
        assert_eq!(failure.kind, kind, "{name}: {failure:?}");
        assert!(failure.is_outage() && !aws_identity::refresh::is_final(&failure), "{name}: {failure:?}");
    }
}

#[test]
fn a_role_not_granted_to_the_user_is_access_denied() {
    if !inside("sso::a_role_not_granted_to_the_user_is_access_denied") {
        return;
    }
    log_in(SESSION_FILE, &login(HOUR));
    let machine = with_sso(true);
    machine.aws.change_world(|world| world.sso.sessions.get_mut(world::SSO_USER).unwrap().roles.clear());
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::AccessDenied, "{failure:?}");
    assert!(!failure.is_outage());
    assert!(failure.message().contains("account and role"), "{}", failure.message());
}

#[test]
fn a_malformed_login_file_is_refused_and_not_shown() {
    if !inside("sso::a_malformed_login_file_is_refused_and_not_shown") {
        return;
    }
    for text in ["canary", "{}", r#"{"accessToken":"canary"}"#, r#"{"accessToken":"canary","expiresAt":"soon"}"#] {
        fs::write(path_of(SESSION_FILE), text).unwrap();
        let machine = with_sso(true);
        let failure = machine.failure();
        assert!(failure.message().contains("aws sso login"), "{}", failure.message());
        assert!(!failure.is_outage(), "{failure:?}");
        assert!(machine.aws.requests().is_empty());
    }
}
