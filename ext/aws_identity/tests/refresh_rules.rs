//! The refresh rules at their edges.

use aws_identity::{
    credentials::{Credentials, Millis},
    failure::{Failure, Kind},
    refresh::{Failed, Next, Range, Refresh, Rules, Succeeded, Windows, is_final},
};
use std::sync::Arc;

const S: Millis = 1_000;
const HOUR: Millis = 3_600 * S;
/// Any moment will do: the rules know no epoch.
const T: Millis = 1_800_000_000_000;

type Kept = Refresh<Arc<Credentials>>;

fn set(key: &str, expires_at: Option<Millis>) -> Arc<Credentials> {
    let mut set = Credentials::new(key, "secret", None, "test");
    set.expires_at = expires_at;
    Arc::new(set)
}

fn degraded(key: &str, expires_at: Millis) -> Arc<Credentials> {
    let mut set = Credentials::new(key, "secret", None, "test");
    set.expires_at = Some(expires_at);
    set.degraded = Some("IMDS serves a set past its end".into());
    Arc::new(set)
}

fn low(range: Range) -> Millis {
    *range.start()
}

fn high(range: Range) -> Millis {
    *range.end()
}

fn never(range: Range) -> Millis {
    unreachable!("no back-off was due, yet one of {range:?} ms was asked for")
}

/// A set fetched at `T` that lives this long.
fn holding_with(rules: Rules, life: Millis) -> Kept {
    let mut kept = Refresh::new(rules);
    assert_eq!(
        kept.succeeded(T, set("A", Some(T + life)), never),
        Succeeded::Fresh
    );
    kept
}

fn holding(life: Millis) -> Kept {
    holding_with(Rules::default(), life)
}

fn key(kept: &Kept, now: Millis) -> Option<&str> {
    kept.held(now).map(|set| set.access_key_id.as_str())
}

#[test]
fn windows_follow_the_table_and_short_lives_are_shared_out() {
    for (life, advisory, mandatory) in [
        (-5 * S, 0, 0),
        (0, 0, 0),
        (100 * S, 50 * S, 10 * S),
        (300 * S, 150 * S, 30 * S),
        (300 * S + 1, 300 * S, 60 * S),
        (1_200 * S, 300 * S, 60 * S),
        (1_200 * S + 1, 900 * S, 60 * S),
        (5_400 * S - 1, 900 * S, 60 * S),
        (5_400 * S, 3_600 * S, 60 * S),
        (Millis::MAX, 3_600 * S, 60 * S),
    ] {
        let expected = Windows {
            advisory,
            mandatory,
        };
        assert_eq!(
            Windows::of(life, Rules::default()),
            expected,
            "life {life} ms"
        );
    }
}

#[test]
fn a_callers_window_replaces_the_table_within_bounds() {
    for (life, asked, advisory) in [
        (6 * HOUR, 1_800 * S, 1_800 * S),
        (6 * HOUR, 2 * HOUR, 2 * HOUR),
        (6 * HOUR, 0, 60 * S),
        (6 * HOUR, -HOUR, 60 * S),
        (HOUR, HOUR, HOUR - 60 * S),
        (HOUR, Millis::MAX, HOUR - 60 * S),
        (302 * S, HOUR, 300 * S),
        (200 * S, HOUR, 100 * S),
        (200 * S, 30 * S, 30 * S),
        (200 * S, 0, 20 * S),
    ] {
        let rules = Rules {
            advisory_window: Some(asked),
            ..Rules::default()
        };
        assert_eq!(
            Windows::of(life, rules).advisory,
            advisory,
            "life {life} ms, asked for {asked} ms"
        );
    }
}

#[test]
fn a_read_serves_then_refreshes_beside_then_waits() {
    let mut kept = holding(HOUR);
    for (left, next, due) in [
        (HOUR, Next::Serve, false),
        (900 * S + 1, Next::Serve, false),
        (900 * S, Next::ServeAndFetch, true),
        (60 * S + 1, Next::ServeAndFetch, true),
        (60 * S, Next::Fetch, true),
        (0, Next::Fetch, true),
        (-HOUR, Next::Fetch, true),
    ] {
        let now = T + HOUR - left;
        assert_eq!(kept.next(now), next, "{left} ms left");
        assert_eq!(kept.needs_refresh(now), due, "{left} ms left");
        assert!(!kept.is_degraded(), "{left} ms left");
    }
}

#[test]
fn keys_that_do_not_end_are_asked_for_again_only_when_refused() {
    let mut kept = Kept::new(Rules::default());
    kept.succeeded(T, set("A", None), never);
    assert_eq!(kept.next(Millis::MAX), Next::Serve);
    assert!(!kept.needs_refresh(Millis::MAX));
    assert_eq!(kept.windows(), None);
    assert!(kept.invalidate("A"));
    assert_eq!(kept.next(T), Next::Fetch);
    assert!(kept.started());
    kept.succeeded(T, set("A", None), never);
    assert_eq!(
        kept.next(T),
        Next::Serve,
        "the same keys again are an answer"
    );
}

#[test]
fn a_first_fetch_that_fails_is_not_remembered() {
    let mut kept = Kept::new(Rules::default());
    assert_eq!(kept.failed(T, false, never), Failed::Raises);
    assert_eq!(kept.failed(T, true, never), Failed::Raises);
    assert_eq!(
        kept.succeeded(T, set("A", Some(T)), never),
        Succeeded::Refused
    );
    assert_eq!(kept.next(T), Next::Fetch);
    assert!(kept.held(T).is_none() && !kept.is_degraded() && !kept.is_backing_off(T));
}

#[test]
fn a_failed_refresh_serves_what_is_held_and_leaves_the_source_alone() {
    for (life, shortest, longest) in [
        (6 * HOUR, 300 * S, 600 * S),
        (1_800 * S, 300 * S, 600 * S),
        (1_800 * S - 6, 300 * S - 1, 600 * S - 2),
        (600 * S, 100 * S, 200 * S),
        (3 * S, S, S),
        (1, S, S),
    ] {
        for (pick, length) in [(low as fn(Range) -> Millis, shortest), (high, longest)] {
            let mut kept = holding(life);
            let now = T + life;
            assert_eq!(kept.failed(now, false, pick), Failed::ServesHeld);
            assert_eq!(kept.back_off_until(now), Some(now + length), "life {life}");
            assert_eq!(kept.next(now + length - 1), Next::Serve);
            assert_eq!(key(&kept, now + length - 1), Some("A"));
            assert!(kept.is_degraded() && kept.needs_refresh(now));
            assert_eq!(kept.next(now + length), Next::Fetch);
            kept.succeeded(now + length, set("B", Some(now + 2 * HOUR)), never);
            assert!(!kept.is_degraded() && !kept.is_backing_off(now));
        }
    }
}

#[test]
fn a_number_outside_the_range_does_not_stretch_the_back_off() {
    let mut kept = holding(HOUR);
    kept.failed(T, false, |_| Millis::MAX);
    assert_eq!(kept.back_off_until(T), Some(T + 600 * S));
    kept.failed(T, false, |_| -1);
    assert_eq!(kept.back_off_until(T), Some(T + 300 * S));
}

#[test]
fn a_final_error_changes_nothing() {
    let mut kept = holding(HOUR);
    let due = T + HOUR - 900 * S;
    assert_eq!(kept.failed(due, true, never), Failed::Raises);
    assert_eq!(kept.next(due), Next::ServeAndFetch);
    assert!(!kept.is_degraded());
}

#[test]
fn an_answer_that_has_ended_is_a_failed_refresh() {
    let mut kept = holding(HOUR);
    let due = T + HOUR - 900 * S;
    assert_eq!(
        kept.succeeded(due, set("B", Some(due)), low),
        Succeeded::ServesHeld
    );
    assert_eq!(key(&kept, due), Some("A"));
    assert!(kept.is_degraded() && kept.is_backing_off(due));
    let mut kept = holding(HOUR);
    assert_eq!(
        kept.succeeded(due, set("B", Some(due + 1)), never),
        Succeeded::Fresh
    );
}

#[test]
fn a_set_its_source_calls_degraded_is_served_from_the_first_fetch() {
    let mut kept = Kept::new(Rules::default());
    let end = T - 10 * S;
    assert_eq!(
        kept.succeeded(T, degraded("A", end), high),
        Succeeded::Degraded
    );
    assert_eq!(kept.next(T), Next::Serve);
    assert_eq!(
        kept.held(T).and_then(|set| set.expires_at),
        Some(end),
        "its own expiry stands"
    );
    assert!(kept.is_degraded());
    assert_eq!(kept.back_off_until(T), Some(T + 600 * S));
    assert_eq!(kept.next(T + 600 * S), Next::Fetch);
    assert_eq!(kept.failed(T + 600 * S, false, low), Failed::ServesHeld);
    assert_eq!(kept.back_off_until(T + 600 * S), Some(T + 900 * S));
}

#[test]
fn a_degraded_answer_does_not_replace_a_set_that_ends_later() {
    let mut kept = holding(HOUR);
    assert_eq!(
        kept.succeeded(T, degraded("A", T + HOUR), low),
        Succeeded::Degraded,
        "the same set, with its source's reason"
    );
    let mut kept = holding(HOUR);
    let due = T + HOUR - 900 * S;
    assert_eq!(
        kept.succeeded(due, degraded("B", due - S), low),
        Succeeded::ServesHeld
    );
    assert_eq!(key(&kept, due), Some("A"));
    kept.invalidate("A");
    kept.started();
    assert_eq!(
        kept.succeeded(due, degraded("B", due - S), low),
        Succeeded::Degraded,
        "but a refused one it does"
    );
    assert_eq!(key(&kept, due), Some("B"));
}

#[test]
fn invalidate_acts_on_the_held_key_once() {
    let mut kept = holding(HOUR);
    assert!(!kept.invalidate("B"));
    assert_eq!(kept.next(T), Next::Serve);
    assert!(!kept.started());
    assert!(kept.invalidate("A"));
    assert_eq!(kept.next(T), Next::Fetch);
    assert_eq!(key(&kept, T), Some("A"), "it is still what there is");
    assert!(kept.started(), "the disk is skipped");
    assert!(!kept.started(), "once");
    kept.failed(T, false, low);
    assert_eq!(kept.next(T), Next::Serve, "the back-off is obeyed");
    assert_eq!(kept.next(T + 300 * S), Next::Fetch);
    kept.succeeded(T + 300 * S, set("B", Some(T + 2 * HOUR)), never);
    assert_eq!(kept.next(T + 300 * S), Next::Serve);
    assert!(!kept.invalidate("A"));
}

#[test]
fn an_answer_older_than_the_refusal_does_not_settle_it() {
    let mut kept = holding(HOUR);
    assert!(!kept.started());
    kept.invalidate("A");
    kept.succeeded(T, set("A", Some(T + HOUR)), never);
    assert_eq!(kept.next(T), Next::Fetch, "the refused key came back");
    assert!(kept.started());
    kept.succeeded(T, set("A", Some(T + HOUR)), never);
    assert_eq!(kept.next(T), Next::Serve, "the source was asked since");

    kept.invalidate("A");
    kept.succeeded(T, set("B", Some(T + HOUR)), never);
    assert_eq!(kept.next(T), Next::Serve, "another key settles it");
    assert!(!kept.started());
}

#[test]
fn a_set_a_person_is_asked_for_is_never_fetched_beside_nor_served_past_its_end() {
    let rules = Rules {
        attended: true,
        ..Rules::default()
    };
    let mut kept = holding_with(rules, HOUR);
    assert_eq!(kept.next(T + HOUR - 61 * S), Next::Serve);
    assert_eq!(kept.next(T + HOUR - 60 * S), Next::Fetch);
    assert_eq!(
        kept.failed(T + HOUR - 60 * S, false, low),
        Failed::ServesHeld
    );
    assert_eq!(kept.next(T + HOUR - 1), Next::Serve);
    assert_eq!(
        kept.next(T + HOUR),
        Next::Fetch,
        "the back-off has nothing to serve"
    );
    assert!(kept.held(T + HOUR).is_none() && kept.needs_refresh(T + HOUR));
    assert_eq!(kept.failed(T + HOUR, false, never), Failed::Raises);
    let past = degraded("B", T + HOUR);
    assert_eq!(kept.succeeded(T + HOUR, past, never), Succeeded::Refused);
}

#[test]
fn a_clock_turned_back_stretches_neither_back_off_nor_life() {
    let day = 24 * HOUR;
    let mut kept = holding(HOUR);
    let now = T + HOUR;
    kept.failed(now, false, low);
    assert_eq!(kept.next(now - day), Next::Serve);
    assert_eq!(
        kept.back_off_until(now - day),
        Some(now - day + 300 * S),
        "its full length seen from the new clock"
    );

    let mut kept = holding(HOUR);
    assert_eq!(kept.next(T - day), Next::Serve);
    assert_eq!(kept.next(T - day + HOUR - 900 * S - 1), Next::Serve);
    assert_eq!(
        kept.next(T - day + HOUR - 900 * S),
        Next::ServeAndFetch,
        "one refresh a life, neither at once nor a day late"
    );
}

#[test]
fn a_clock_moved_on_ends_back_off_and_life() {
    let mut kept = holding(HOUR);
    kept.failed(T, false, high);
    assert_eq!(kept.next(T + 24 * HOUR), Next::Fetch);
    assert!(!kept.is_backing_off(T + 24 * HOUR));
}

#[test]
fn times_at_the_ends_of_the_range_do_not_overflow() {
    let mut kept = Kept::new(Rules::default());
    kept.succeeded(Millis::MIN, set("A", Some(Millis::MAX)), never);
    kept.failed(Millis::MAX, false, high);
    assert_eq!(kept.next(Millis::MIN), Next::Serve);
    kept.succeeded(Millis::MAX, degraded("B", Millis::MIN), high);
    assert_eq!(kept.next(Millis::MAX), Next::Fetch);
}

#[test]
fn the_listed_errors_are_final_and_no_others() {
    let coded = |code: &str| {
        let mut failure = Failure::new(Kind::Service, "refused", "");
        failure.code = Some(code.into());
        is_final(&failure)
    };
    for name in [
        "AccessDenied",
        "MalformedPolicyDocument",
        "PackedPolicyTooLarge",
        "RegionDisabled",
        "IDPRejectedClaim",
        "InvalidIdentityToken",
        "Unauthorized",
        "InvalidGrant",
    ] {
        assert!(coded(name), "{name}");
        assert!(coded(&format!("{name}Exception")), "{name}Exception");
    }
    for code in [
        "ExpiredToken",
        "ExpiredTokenException",
        "IDPCommunicationError",
        "Throttling",
        "ThrottlingException",
        "InternalFailure",
        "InvalidClientTokenId",
        "Exception",
        "",
    ] {
        assert!(!coded(code), "{code}");
    }
    for kind in Kind::ALL {
        let expected = matches!(
            kind,
            Kind::Configuration | Kind::ProcessLoop | Kind::NotReady | Kind::AccessDenied
        );
        assert_eq!(is_final(&Failure::new(kind, "x", "")), expected, "{kind:?}");
    }
    let mut expired = Failure::new(Kind::AccessDenied, "the base credentials have ended", "");
    expired.code = Some("ExpiredToken".into());
    assert!(!is_final(&expired), "the code decides over the kind");
}
