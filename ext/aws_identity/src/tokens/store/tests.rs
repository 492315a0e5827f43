use super::*;
use crate::{
    credentials::Secret,
    failure::Kind,
    task::{deadline::Deadline, fork_gate::NoFork},
};
use std::{collections::BTreeMap, sync::atomic::AtomicBool, time::Duration};

const SECOND: Millis = 1_000;
const HOUR: Millis = 3_600 * SECOND;

fn request(audience: &str) -> IdentityTokenRequest {
    IdentityTokenRequest {
        audience: [audience.to_owned()].into(),
        duration_seconds: 3_600,
        signing_algorithm: "RS256".to_owned(),
        tags: BTreeMap::new(),
    }
}

fn completed(outcome: Result<(&str, Millis), Failure>) -> Arc<TokenFetch> {
    completed_at(outcome, None)
}

fn completed_at(
    outcome: Result<(&str, Millis), Failure>,
    clock_offset: Option<Millis>,
) -> Arc<TokenFetch> {
    let outcome = outcome.map(|(text, expires_at)| IdentityToken {
        text: Secret::new(text),
        expires_at,
        clock_offset,
    });
    let deadline = Deadline::new(Duration::from_secs(1), None);
    let task = TokenFetch::spawn(&NoFork, deadline, |_| async { outcome });
    let task = task.expect("a task");
    task.wait(&AtomicBool::new(false));
    task
}

/// A request that is in flight all the time.
fn hanging() -> Arc<TokenFetch> {
    let deadline = Deadline::new(Duration::from_secs(2), None);
    let task = TokenFetch::spawn(&NoFork, deadline, |_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err(outage())
    });
    task.expect("a task")
}

fn outage() -> Failure {
    Failure::new(Kind::Connection, "no network.", "")
}

fn refusal() -> Failure {
    let mut failure = Failure::new(Kind::AccessDenied, "no.", "");
    failure.code = Some("OutboundWebIdentityFederationDisabled".to_owned());
    failure
}

/// The text of the token, or what else there is to do.
fn look(store: &mut TokenStore, audience: &str, wall: Millis, boot: Millis) -> String {
    match store.look(&request(audience), Moment { wall, boot }) {
        Look::Ready(token) => token.text.expose().to_owned(),
        Look::Failed(failure) => failure.cause,
        Look::Wait(_) => "wait".to_owned(),
        Look::Fetch(_) => "fetch".to_owned(),
        Look::FetchBehind(token) => format!("fetch behind {}", token.text.expose()),
    }
}

/// A store with one token, and when it was read.
fn keeping(expires_at: Millis) -> (TokenStore, Millis) {
    let mut store = TokenStore::default();
    let token = completed(Ok(("token", expires_at)));
    store.add(request("a"), token);
    let boot = Moment::now().boot;
    assert_eq!(look(&mut store, "a", 0, boot), "token");
    (store, boot)
}

#[test]
fn a_token_is_kept_until_the_last_minute_or_fifth_of_its_life() {
    for (life, last_fresh) in [
        (3_600_000_i64, 3_539_999_i64),
        (300_000, 239_999),
        (60_000, 47_999),
    ] {
        let mut store = TokenStore::default();
        assert_eq!(look(&mut store, "a", 0, Moment::now().boot), "fetch");
        store.add(request("a"), completed(Ok(("token", life))));
        let boot = Moment::now().boot;
        assert_eq!(look(&mut store, "a", 0, boot), "token");
        let passed = last_fresh - 500;
        assert_eq!(
            look(&mut store, "a", last_fresh - 500, boot + passed),
            "token"
        );
        let at = last_fresh + 500;
        assert_eq!(look(&mut store, "a", at, boot + passed + SECOND), "fetch");
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_token_live_longer() {
    let (mut store, boot) = keeping(300_000);
    assert_eq!(look(&mut store, "a", -HOUR, boot + SECOND), "token");
    assert_eq!(
        look(&mut store, "a", 301 * SECOND - HOUR, boot + 301 * SECOND),
        "fetch"
    );
}

#[test]
fn no_token_lives_longer_than_it_was_asked_for() {
    // The clock was three hours behind.
    let (mut store, boot) = keeping(4 * HOUR);
    assert_eq!(look(&mut store, "a", HOUR, boot + HOUR), "fetch");
}

#[test]
fn an_outage_is_served_through_with_the_kept_token_while_it_is_good() {
    let (mut store, boot) = keeping(300_000);
    let task = completed(Err(outage()));
    store.add(request("a"), Arc::clone(&task));
    let outcome = store.outcome(
        &request("a"),
        &task,
        Moment {
            wall: 290_000,
            boot,
        },
    );
    assert_eq!(outcome.map(|token| token.expires_at), Ok(300_000));
    assert_eq!(look(&mut store, "a", 290_000, boot), "token");
    let later = boot + 6 * SECOND;
    assert_eq!(look(&mut store, "a", 295_100, later), "fetch behind token");
    let hanging = hanging();
    store.add(request("a"), Arc::clone(&hanging));
    assert_eq!(look(&mut store, "a", 295_100, later), "token");
    assert_eq!(look(&mut store, "a", 300_000, later), "wait");
    let expired = store.outcome(
        &request("a"),
        &task,
        Moment {
            wall: 300_000,
            boot,
        },
    );
    assert_eq!(expired, Err(outage()));
}

#[test]
fn a_refusal_is_remembered_for_a_minute() {
    let mut store = TokenStore::default();
    let task = completed(Err(refusal()));
    store.add(request("a"), Arc::clone(&task));
    let boot = Moment::now().boot;
    assert_eq!(
        store.outcome(&request("a"), &task, Moment { wall: 0, boot }),
        Err(refusal())
    );
    assert_eq!(look(&mut store, "a", 0, boot + 58 * SECOND), "no.");
    assert_eq!(look(&mut store, "b", 0, boot), "fetch");
    assert_eq!(look(&mut store, "a", 0, boot + 61 * SECOND), "fetch");
}

#[test]
fn a_refused_key_is_told_once_by_whoever_sees_the_outcome_first() {
    let mut expired = refusal();
    expired.refused_key = Some("ASIAOLD".to_owned());
    let (mut store, boot) = keeping(300_000);
    store.add(request("a"), completed(Err(expired.clone())));
    assert_eq!(look(&mut store, "a", 290_000, boot), "no.");
    assert_eq!(look(&mut store, "a", 290_000, boot), "fetch");
    let task = completed(Err(expired));
    store.add(request("a"), Arc::clone(&task));
    let now = Moment { wall: 0, boot };
    assert!(store.outcome(&request("a"), &task, now).is_err());
    assert_eq!(look(&mut store, "a", 0, boot), "fetch");
}

#[test]
fn sixty_four_are_kept_and_those_read_last_stay() {
    let mut store = TokenStore::default();
    for number in 0..64 {
        let name = number.to_string();
        look(&mut store, &name, 0, Moment::now().boot);
        store.add(request(&name), completed(Ok(("token", 300_000))));
    }
    let boot = Moment::now().boot;
    assert_eq!(look(&mut store, "0", 0, boot), "token");
    look(&mut store, "new", 0, boot);
    store.add(request("new"), completed(Ok(("new", 300_000))));
    assert_eq!(store.entries.len(), 64);
    assert_eq!(look(&mut store, "0", 0, Moment::now().boot), "token");
    assert_eq!(look(&mut store, "1", 0, Moment::now().boot), "fetch");
    store.clear();
    assert_eq!(look(&mut store, "0", 0, Moment::now().boot), "fetch");
}

#[test]
fn a_request_in_flight_keeps_its_entry_whatever_else_is_asked() {
    let (mut store, task) = (TokenStore::default(), hanging());
    for number in 0..70 {
        let name = number.to_string();
        assert_eq!(look(&mut store, &name, 0, 0), "fetch");
        store.add(request(&name), Arc::clone(&task));
    }
    for number in 0..70 {
        assert_eq!(look(&mut store, &number.to_string(), 0, 0), "wait");
    }
    task.wait(&AtomicBool::new(false));
    look(&mut store, "new", 0, 0);
    store.add(request("new"), hanging());
    assert_eq!(store.entries.len(), 64);
}

#[test]
fn a_token_lives_by_the_clock_of_sts() {
    let mut store = TokenStore::default();
    let task = completed_at(
        Ok(("token", -HOUR + 300_000)),
        Some(-HOUR - Moment::now().wall),
    );
    store.add(request("a"), task);
    let boot = Moment::now().boot;
    assert_eq!(look(&mut store, "a", 0, boot), "token");
    assert_eq!(look(&mut store, "a", 200_000, boot + 200_000), "token");
    assert_eq!(look(&mut store, "a", 250_000, boot + 250_000), "fetch");
}
