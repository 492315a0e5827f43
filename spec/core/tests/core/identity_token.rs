//! Tokens of STS that say who the caller is.

use crate::support::{Machine, keys_profile, read, run, text};
use aws_identity::{
    credentials::Secret,
    failure::Failure,
    session::{Purpose, Session, TokenStep},
    sts::IdentityTokenRequest,
    tokens::{Token, TokenFetch},
};
use fake_aws::{Answer, Rule, Service, world};
use std::{collections::BTreeMap, fs, sync::Arc, sync::atomic::AtomicBool, thread::sleep, time::Duration};

const CALL: &str = "GetWebIdentityToken";

fn request() -> IdentityTokenRequest {
    IdentityTokenRequest {
        audience: ["https://vault.example".to_owned()].into(),
        duration_seconds: 300,
        signing_algorithm: "RS256".into(),
        tags: BTreeMap::new(),
    }
}

fn asked(session: &Session) -> Arc<TokenFetch> {
    let TokenStep::Wait(task) = session.identity_token(&request()).unwrap() else {
        panic!("a token is held");
    };
    task.wait(&AtomicBool::new(false));
    task
}

#[test]
fn a_refused_key_is_replaced_and_not_the_one_after_it() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let session = machine.session();
    read(&session).unwrap();
    let answer = Answer::Error { status: 403, code: "ExpiredTokenException".into(), message: "because".into() };
    let rule = machine.aws.add_rule(Rule::on(Service::Sts).action("GetWebIdentityToken").answer(answer));
    let refused = asked(&session);
    assert!(session.finish_identity_token(&request(), &refused).unwrap().is_err());
    assert!(session.needs_refresh());
    machine.aws.remove_rule(rule);
    read(&session).unwrap();
    asked(&session);
    let late = session.finish_identity_token(&request(), &refused).unwrap();
    assert!(late.is_err(), "for a second reader who had waited, too");
    assert!(!session.needs_refresh(), "the next key was not refused");
}

/// Reads a token of this duration as the binding does.
fn token(session: &Session, duration_seconds: u32) -> Result<Token, Failure> {
    read(session)?;
    let request = IdentityTokenRequest { duration_seconds, ..request() };
    match session.identity_token(&request)? {
        TokenStep::Ready(token) => Ok(token),
        TokenStep::Wait(task) => {
            task.wait(&AtomicBool::new(false));
            session.finish_identity_token(&request, &task).unwrap()
        }
    }
}

#[test]
fn a_token_is_kept_where_the_clock_is_wrong() {
    for skew in [-3600, 3600] {
        let machine = Machine::with_keys();
        machine.aws.add_rule(Rule { skew_seconds: skew, ..Rule::on(Service::Sts) });
        let session = machine.session();
        let first = token(&session, 300).unwrap();
        let sent = machine.count(Service::Sts, CALL);
        assert_eq!(token(&session, 300).unwrap(), first, "{skew}");
        assert_eq!(machine.count(Service::Sts, CALL), sent, "{skew}");
    }
}

#[test]
fn a_duration_that_sts_finds_too_long_is_shortened_by_its_clock() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    machine.aws.add_rule(Rule { lifetime_seconds: Some(200), ..Rule::on(Service::Sts).action("AssumeRole") });
    machine.aws.add_rule(Rule { skew_seconds: 60, ..Rule::on(Service::Sts).action(CALL) });
    let session = machine.session();
    let made = token(&session, 3600).unwrap();
    assert!(made.expires_at <= session.held().unwrap().credentials.expires_at.unwrap());
    let asked: Vec<u32> =
        machine.requests(Service::Sts, CALL).iter().map(|entry| entry.params["DurationSeconds"].parse().unwrap()).collect();
    assert!(matches!(asked[..], [198..=200, 125..=140]), "{asked:?}");
}

#[test]
fn what_sts_refuses_is_explained_and_asked_for_once() {
    for (status, code, said) in [
        (403, "SessionDurationEscalationException", "shorter duration"),
        (400, "ValidationError", "the audience and the tags"),
        (400, "JWTPayloadSizeExceededException", "shorter tags and audiences"),
    ] {
        let machine = Machine::with_keys();
        let answer = Answer::Error { status, code: code.into(), message: "because".into() };
        machine.aws.add_rule(Rule::on(Service::Sts).action(CALL).answer(answer));
        let session = machine.session();
        for _ in 0..2 {
            let failure = token(&session, 300).unwrap_err();
            assert!(failure.message().contains(said), "{failure}");
        }
        assert_eq!(machine.count(Service::Sts, CALL), 1, "{code}");
    }
}

#[test]
fn a_replaced_web_identity_token_ends_the_kept_tokens() {
    let machine = Machine::bare().option("role_arn", world::IRSA_ROLE).option("web_identity_token", world::IRSA_TOKEN);
    let session = machine.session();
    token(&session, 300).unwrap();
    token(&session, 300).unwrap();
    assert_eq!(machine.count(Service::Sts, CALL), 1);
    session.set_web_identity_token(Secret::new(world::IRSA_TOKEN)).unwrap();
    token(&session, 300).unwrap();
    assert_eq!(machine.count(Service::Sts, CALL), 2);
}

#[test]
fn a_token_of_another_identity_is_not_kept() {
    let machine = Machine::bare().credentials_file(&keys_profile("default"));
    let file = machine.home().join(".aws/credentials");
    let session = machine.session();
    let first = token(&session, 300).unwrap();
    assert_eq!(token(&session, 300).unwrap(), first);
    let (id, secret) = (world::PATH_KEY_ID, world::PATH_SECRET);
    fs::write(text(&file), format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")).unwrap();
    for _ in 0..50 {
        if let Some(look) = session.look() {
            look.wait(&AtomicBool::new(false));
        }
        read(&session).unwrap();
        if session.held().unwrap().credentials.access_key_id == id {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert_ne!(token(&session, 300).unwrap(), first);
    assert_eq!(machine.count(Service::Sts, CALL), 2);
}

fn answer(text: &str, expiration: &str) -> Answer {
    let result = format!("<WebIdentityToken>{text}</WebIdentityToken><Expiration>{expiration}</Expiration>");
    let text = format!(
        "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetWebIdentityTokenResult>{result}</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>"
    );
    Answer::Body { status: 200, content_type: "text/xml".into(), text }
}

#[test]
fn an_answer_without_a_usable_token_is_an_error() {
    const END: &str = "2099-01-01T00:00:00Z";
    for (text, end, said) in [
        ("", END, "without a usable token"),
        (" ", END, "without a usable token"),
        ("a&#10;b", END, "without a usable token"),
        ("j\u{e9}ton", END, "without a usable token"),
        ("a.b.c", "2026-01-01T00:00:00Z", "expired at 2026-01-01T00:00:00Z"),
        ("a.b.c", "0001-01-01T00:00:00Z", "expired at 0001-01-01T00:00:00Z"),
    ] {
        let machine = Machine::with_keys();
        machine.aws.add_rule(Rule::on(Service::Sts).action(CALL).answer(answer(text, end)));
        let failure = token(&machine.session(), 300).unwrap_err();
        assert!(failure.message().contains(said), "{text:?} {failure}");
    }
    let machine = Machine::with_keys();
    machine.aws.add_rule(Rule::on(Service::Sts).action(CALL).answer(answer("a.b.c", END)));
    assert_eq!(token(&machine.session(), 300).unwrap().text.expose(), "a.b.c");
}

#[test]
fn credentials_that_end_within_a_minute_are_refreshed_before_they_sign() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    machine.aws.add_rule(Rule { lifetime_seconds: Some(62), ..Rule::on(Service::Sts).action("AssumeRole") });
    let session = machine.session();
    assert_eq!(run(&session, Purpose::Lasting), Ok(1));
    assert_eq!(run(&session, Purpose::Lasting), Ok(1));
    sleep(Duration::from_millis(2500));
    assert_eq!(read(&session), Ok(1), "they are not due for others");
    assert_eq!(run(&session, Purpose::Lasting), Ok(2));
    let brief = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    brief.aws.add_rule(Rule { lifetime_seconds: Some(50), ..Rule::on(Service::Sts).action("AssumeRole") });
    let session = brief.session();
    for _ in 0..3 {
        assert_eq!(run(&session, Purpose::Lasting), Ok(1), "others would not last longer");
    }
}
