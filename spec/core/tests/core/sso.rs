//! IAM Identity Center.

use crate::support::{Machine, text};
use aws_identity::{
    failure::Kind,
    util::time::{format_iso8601, now},
};
use fake_aws::{Answer, Rule, Service, world};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

const START_URL: &str = "https://legion.awsapps.com/start";
pub const HOUR: i64 = 3_600_000;

/// A machine whose `default` profile uses SSO. `session`: with an `[sso-session]`, whose login can be refreshed; otherwise
/// with the older keys.
pub fn with_sso(session: bool) -> Machine {
    let common = format!("sso_account_id = {}\nsso_role_name = Developer\n", world::ACCOUNT);
    let shared = format!("sso_start_url = {START_URL}\nsso_region = eu-west-1\n");
    let config = if session {
        format!("[default]\nsso_session = legion\n{common}[sso-session legion]\n{shared}")
    } else {
        format!("[default]\n{shared}{common}")
    };
    let machine = Machine::bare().config(&config);
    fs::create_dir_all(machine.home().join(".aws/sso/cache")).unwrap();
    machine
}

/// The local AWS behind its proxy, so that requests go to the real names.
fn behind_proxy(machine: Machine) -> Machine {
    let (proxy, bundle, sts) = (machine.aws.proxy_url(), machine.aws.ca_bundle(), machine.aws.http_url());
    let machine = machine.without("AWS_ENDPOINT_URL").env("AWS_ENDPOINT_URL_STS", &sts);
    machine.env("HTTPS_PROXY", &proxy).env("AWS_CA_BUNDLE", text(&bundle))
}

/// The AWS CLI names the file by the SHA-1 of the session's name, or of the start URL.
pub const SESSION_FILE: &str = "bd53add93b49c4dff72730e05f11f1ee31074fe4.json"; // legion
const URL_FILE: &str = "ddf040fdba35414c5ac8b185ed5ac06d850379b9.json";

fn path_of(machine: &Machine, file: &str) -> PathBuf {
    machine.home().join(".aws/sso/cache").join(file)
}

pub fn log_in(machine: &Machine, file: &str, token: &Value) {
    fs::write(path_of(machine, file), token.to_string()).unwrap();
}

fn kept(machine: &Machine, file: &str) -> Value {
    serde_json::from_slice(&fs::read(path_of(machine, file)).unwrap()).unwrap()
}

pub fn login(expires_in: i64) -> Value {
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

fn sign_out(machine: &Machine) {
    machine.aws.change_world(|world| {
        let session = world.sso.sessions.get_mut(world::SSO_USER).unwrap();
        session.refresh_tokens.clear();
        session.access_tokens.clear();
    });
}

#[test]
fn a_login_gives_role_credentials() {
    for (session, file) in [(true, SESSION_FILE), (false, URL_FILE)] {
        let machine = behind_proxy(with_sso(session));
        log_in(&machine, file, &login(HOUR));
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
    for expires_in in [60_000, -HOUR] {
        let machine = behind_proxy(with_sso(true));
        log_in(&machine, SESSION_FILE, &login(expires_in));
        is_developer(&machine);
        let renewed = machine.the(Service::Sso, "CreateToken");
        assert_eq!(renewed.host, "oidc.eu-west-1.amazonaws.com");
        let kept = kept(&machine, SESSION_FILE);
        assert_ne!(kept["accessToken"], world::SSO_ACCESS_TOKEN);
        assert_ne!(kept["refreshToken"], world::SSO_REFRESH_TOKEN);
        // The next session reads the refreshed login.
        is_developer(&machine);
        assert_eq!(machine.count(Service::Sso, "CreateToken"), 1);
    }
}

#[test]
fn a_renewal_keeps_every_member_and_replaces_the_file() {
    let machine = with_sso(true);
    let mut token = login(-HOUR);
    token["unknown"] = json!({"nested": [1, null, "x"], "big": 9_007_199_254_740_993_u64});
    token["registrationExpiresAt"] = "2199-01-01T00:00:00UTC".into();
    log_in(&machine, SESSION_FILE, &token);
    let path = path_of(&machine, SESSION_FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let reader = fs::File::open(&path).unwrap();
    is_developer(&machine);
    let mut after = kept(&machine, SESSION_FILE);
    for name in ["accessToken", "refreshToken", "expiresAt"] {
        assert_ne!(after[name], token[name], "{name}");
        after[name] = token[name].clone();
    }
    assert_eq!(after, token);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // A reader that has the old file open still has all of it, and no temporary file is left.
    assert_eq!(serde_json::from_reader::<_, Value>(reader).unwrap(), token);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

/// A login is good or bad by its token; how other programs write their times does not matter.
#[test]
fn a_side_field_that_cannot_be_read_does_not_spoil_a_good_token() {
    for wrong in [json!("soon"), json!(12), json!(null), json!("2199-01-01T00:00:00")] {
        let machine = with_sso(true);
        let mut token = login(60_000);
        token["registrationExpiresAt"] = wrong.clone();
        token["clientId"] = json!(7);
        log_in(&machine, SESSION_FILE, &token);
        is_developer(&machine);
        assert_eq!(machine.count(Service::Sso, "CreateToken"), 0, "{wrong}");
    }
    // A token that cannot be renewed is used as long as it is good.
    let machine = with_sso(true);
    log_in(&machine, SESSION_FILE, &login(60_000));
    machine.aws.add_rule(Rule::on(Service::Sso).action("CreateToken").answer(Answer::Throttle));
    is_developer(&machine);
}

#[test]
fn a_renewal_that_hangs_leaves_time_for_the_token_that_is_good() {
    let machine = with_sso(true).option("resolve_timeout", 2);
    log_in(&machine, SESSION_FILE, &login(60_000));
    machine.aws.add_rule(Rule::on(Service::Sso).action("CreateToken").answer(Answer::Hang));
    is_developer(&machine);
    assert_eq!(machine.count(Service::Sso, "CreateToken"), 1);
}

/// The address of the local AWS, in a variable or in a profile; the other one refuses connections.
#[test]
fn endpoints_of_variables_and_profiles_are_asked() {
    const NOWHERE: &str = "http://127.0.0.1:9";
    let url = |machine: &Machine| machine.aws.http_url();
    let good = |machine: Machine, name: &str| {
        log_in(&machine, SESSION_FILE, &login(-HOUR));
        let sts = url(&machine);
        let machine = machine.without("AWS_ENDPOINT_URL").env("AWS_ENDPOINT_URL_STS", &sts);
        (machine, name.to_owned())
    };
    let written = |lines: &str, sections: &str, name: &str| {
        let machine = with_sso(true);
        let url = url(&machine);
        let config = format!(
            "[default]\nsso_session = legion\n{lines}sso_account_id = {}\nsso_role_name = Developer\n\
             [sso-session legion]\nsso_start_url = {START_URL}\nsso_region = eu-west-1\n{sections}",
            world::ACCOUNT
        );
        good(machine.config(&config.replace("{url}", &url).replace("{nowhere}", NOWHERE)), name)
    };
    let services = "[services own]\nsso =\n  endpoint_url = {url}/\nsso_oidc =\n  endpoint_url = {url}\n";
    let mut cases = vec![
        written("endpoint_url = {url}\n", "", "endpoint_url"),
        written("services = own\nendpoint_url = {nowhere}\n", services, "services"),
    ];
    let (machine, name) = written("endpoint_url = {nowhere}\n", "", "variables first");
    let here = url(&machine);
    cases.push((machine.env("AWS_ENDPOINT_URL_SSO", &here).env("AWS_ENDPOINT_URL_SSO_OIDC", &here), name));
    let (machine, name) = written("endpoint_url = {nowhere}\n", "", "the variable of all services");
    let here = url(&machine);
    cases.push((machine.env("AWS_ENDPOINT_URL", &here), name));
    for (machine, name) in &cases {
        let fetched = machine.fetch();
        assert!(fetched.is_ok(), "{name}: {fetched:?}");
        assert_eq!(machine.count(Service::Sso, "CreateToken"), 1, "{name}");
        assert_eq!(machine.count(Service::Sso, "GetRoleCredentials"), 1, "{name}");
    }

    // They are ignored where the profile or a variable says so: the real name is asked, by the proxy.
    for (lines, variable) in [("ignore_configured_endpoint_urls = true\n", None), ("", Some("true"))] {
        let (machine, _) = written(&format!("{lines}endpoint_url = {NOWHERE}\n"), "", "");
        let mut machine = behind_proxy(machine);
        if let Some(value) = variable {
            let here = url(&machine);
            machine = machine.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", value).option("endpoint", here);
        }
        assert!(machine.fetch().is_ok());
        assert_eq!(machine.the(Service::Sso, "GetRoleCredentials").host, "portal.sso.eu-west-1.amazonaws.com");
    }

    // A wrong one is a wrong configuration, named by where it stands.
    let (machine, _) = written("endpoint_url = localhost\n", "", "");
    assert_eq!(machine.failure().kind, Kind::Configuration);
    let (machine, _) = written("", "", "");
    let failure = machine.env("AWS_ENDPOINT_URL_SSO_OIDC", "u:canary@h").failure();
    assert!(failure.message().contains("AWS_ENDPOINT_URL_SSO_OIDC"), "{}", failure.message());
    assert!(!failure.message().contains("canary"), "{}", failure.message());
}

#[test]
fn an_expired_login_says_which_command_to_run() {
    let refused = |machine: &Machine, said: &str| {
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials, "{failure:?}");
        assert!(failure.message().contains(said), "{}", failure.message());
        assert!(failure.message().contains("aws sso login --profile default"), "{}", failure.message());
        // A file that is away or half may be on its way; an expired login is not.
        assert_eq!(aws_identity::refresh::is_final(&failure), said != "is missing", "{failure:?}");
    };
    // There is no login.
    refused(&with_sso(true), "is missing");
    refused(&with_sso(false), "is missing");

    // It is expired and has no refresh token.
    let mut bare = login(-HOUR);
    bare.as_object_mut().unwrap().remove("refreshToken");
    let machine = with_sso(true);
    log_in(&machine, SESSION_FILE, &bare);
    refused(&machine, "expired at");
    assert!(machine.aws.requests().is_empty());

    // It is expired and cannot be refreshed: the registration is expired.
    let mut old = login(-HOUR);
    old["registrationExpiresAt"] = "2020-01-01T00:00:00Z".into();
    let machine = with_sso(true);
    log_in(&machine, SESSION_FILE, &old);
    refused(&machine, "expired at");

    // The refresh token is used up.
    let machine = with_sso(true);
    log_in(&machine, SESSION_FILE, &login(-HOUR));
    sign_out(&machine);
    refused(&machine, "invalid_grant: Invalid refresh token provided");

    // The service has revoked it; the older form cannot be refreshed.
    let machine = with_sso(false);
    log_in(&machine, URL_FILE, &login(HOUR));
    sign_out(&machine);
    refused(&machine, "has expired or was revoked (UnauthorizedException: ");

    // The older form is not sent once it has expired.
    let machine = with_sso(false);
    log_in(&machine, URL_FILE, &login(-HOUR));
    refused(&machine, "expired at");
    assert!(machine.aws.requests().is_empty());
}

#[test]
fn an_outage_is_not_an_expired_login() {
    let error = |status: u16, code: &str| Answer::Error { status, code: code.into(), message: "because".into() };
    for expires_in in [HOUR, -HOUR] {
        for (answer, kind) in [
            (error(500, "InternalServerException"), Kind::Service),
            (error(429, "TooManyRequestsException"), Kind::Throttled),
            (Answer::Drop, Kind::Connection),
            (Answer::Hang, Kind::Timeout),
        ] {
            let name = answer.name();
            let machine = with_sso(true).option("resolve_timeout", 1);
            log_in(&machine, SESSION_FILE, &login(expires_in));
            machine.aws.add_rule(Rule::on(Service::Sso).answer(answer));
            let failure = machine.failure();
            assert_eq!(failure.kind, kind, "{name}: {failure:?}");
            assert!(failure.is_outage() && !aws_identity::refresh::is_final(&failure), "{name}: {failure:?}");
        }
    }
}

#[test]
fn what_passes_by_itself_is_asked_once_more() {
    let error = |status: u16| Answer::Error { status, code: "Whatever".into(), message: "because".into() };
    for (expires_in, action) in [(HOUR, "GetRoleCredentials"), (-HOUR, "CreateToken")] {
        for answer in [error(500), error(429), Answer::Drop, Answer::Hang] {
            let name = answer.name();
            let machine = with_sso(true).option("read_timeout", 0.3);
            log_in(&machine, SESSION_FILE, &login(expires_in));
            let once = machine.aws.add_rule(Rule::on(Service::Sso).action(action).times(1).answer(answer.clone()));
            is_developer(&machine);
            assert_eq!(machine.count(Service::Sso, action), 2, "{name}");
            machine.aws.remove_rule(once);

            log_in(&machine, SESSION_FILE, &login(expires_in));
            machine.aws.add_rule(Rule::on(Service::Sso).action(action).answer(answer));
            machine.failure();
            assert_eq!(machine.count(Service::Sso, action), 4, "{name}");
        }
    }
}

#[test]
fn a_proxy_s_refusal_is_not_the_login_s() {
    for status in [401, 403] {
        for expires_in in [HOUR, -HOUR] {
            for text in ["", "<html>Sign in to the proxy</html>", "RBAC: access denied", r#"{"message":"no"}"#] {
                let machine = with_sso(true);
                log_in(&machine, SESSION_FILE, &login(expires_in));
                let answer = Answer::Body { status, content_type: "text/html".into(), text: text.into() };
                machine.aws.add_rule(Rule::on(Service::Sso).answer(answer));
                let failure = machine.failure();
                assert_eq!((failure.kind, failure.code.as_deref()), (Kind::AccessDenied, None), "{failure:?}");
                assert!(failure.is_outage() && !aws_identity::refresh::is_final(&failure), "{failure:?}");
                assert!(failure.message().contains("proxy"), "{failure}");
                assert!(!failure.message().contains("aws sso login"), "{failure}");
            }
        }
    }
}

#[test]
fn each_code_is_the_service_s_own() {
    for (status, code, is_final) in [
        (401, "UnauthorizedException", true),
        (401, "InvalidClientException", false),
        (400, "InvalidRequestException", false),
        (404, "ResourceNotFoundException", true),
    ] {
        let machine = with_sso(true);
        log_in(&machine, SESSION_FILE, &login(HOUR));
        let answer = Answer::Error { status, code: code.into(), message: "because".into() };
        machine.aws.add_rule(Rule::on(Service::Sso).answer(answer));
        let failure = machine.failure();
        assert_eq!(failure.code.as_deref(), Some(code), "{failure:?}");
        assert_eq!(aws_identity::refresh::is_final(&failure), is_final, "{failure:?}");
    }
}

#[test]
fn a_role_not_granted_to_the_user_is_access_denied() {
    let machine = with_sso(true);
    log_in(&machine, SESSION_FILE, &login(HOUR));
    machine.aws.change_world(|world| world.sso.sessions.get_mut(world::SSO_USER).unwrap().roles.clear());
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::AccessDenied, "{failure:?}");
    assert!(!failure.is_outage());
    assert!(failure.message().contains("account and role"), "{}", failure.message());
    // In the service's words, not in the debug form of a library's error.
    assert!(failure.message().contains("(ForbiddenException: No access)"), "{}", failure.message());
    assert_eq!((failure.code.as_deref(), failure.status), (Some("ForbiddenException"), Some(403)));
}

#[test]
fn an_answer_that_is_not_the_service_s_is_said() {
    for body in
        ["", "canary", "[]", r#"{"roleCredentials":{"accessKeyId":"canary","secretAccessKey":"canary","sessionToken":"canary"}}"#]
    {
        let machine = with_sso(true);
        log_in(&machine, SESSION_FILE, &login(HOUR));
        let answer = Answer::Body { status: 200, content_type: "application/json".into(), text: body.into() };
        machine.aws.add_rule(Rule::on(Service::Sso).answer(answer));
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Service, "{failure:?}");
        assert!(failure.message().contains("it has no roleCredentials/"), "{}", failure.message());
        assert!(!failure.message().contains("canary"), "{}", failure.message());
    }
}

#[test]
fn values_that_cannot_be_sent_or_shown_are_refused_and_not_saved() {
    let answer = |body: &Value| Answer::Body { status: 200, content_type: "application/json".into(), text: body.to_string() };
    let keys = |name: &str, value: &str| {
        let mut keys =
            json!({"accessKeyId": "ASIACANARY", "secretAccessKey": "s", "sessionToken": "t", "expiration": now() + HOUR});
        keys[name] = value.into();
        json!({"roleCredentials": keys})
    };
    for (name, value) in [
        ("accessKeyId", "canary \u{1b}[2J"),
        ("accessKeyId", "canary\u{202e}"),
        ("secretAccessKey", "canary\nX"),
        ("sessionToken", "canary\u{7f}"),
        ("sessionToken", "canar\u{fd}"),
    ] {
        let machine = with_sso(true);
        log_in(&machine, SESSION_FILE, &login(HOUR));
        machine.aws.add_rule(Rule::on(Service::Sso).answer(answer(&keys(name, value))));
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Service, "{failure:?}");
        assert!(failure.message().contains(&format!("a value for {name} that")), "{}", failure.message());
        assert!(!failure.message().contains("canar"), "{}", failure.message());
    }
    for token in ["canary\nX", "canary\0", "canar\u{fd}"] {
        let (machine, before) = (with_sso(true), login(-HOUR));
        log_in(&machine, SESSION_FILE, &before);
        let renewed = json!({"accessToken": token, "expiresIn": 3600, "refreshToken": "r", "tokenType": "Bearer"});
        machine.aws.add_rule(Rule::on(Service::Sso).action("CreateToken").answer(answer(&renewed)));
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Service, "{failure:?}");
        assert!(failure.message().contains("a value for accessToken that"), "{}", failure.message());
        assert!(!failure.message().contains("canar"), "{}", failure.message());
        assert_eq!(kept(&machine, SESSION_FILE), before);
    }
}

#[test]
fn a_malformed_login_file_is_refused_and_not_shown() {
    for text in ["canary", "{}", r#"{"accessToken":"canary"}"#, r#"{"accessToken":"canary","expiresAt":"soon"}"#] {
        let machine = with_sso(true);
        fs::write(path_of(&machine, SESSION_FILE), text).unwrap();
        let failure = machine.failure();
        assert!(failure.message().contains("aws sso login"), "{}", failure.message());
        assert!(!failure.message().contains("canary"), "{}", failure.message());
        assert!(!failure.is_outage(), "{failure:?}");
        assert!(machine.aws.requests().is_empty());
    }
}
