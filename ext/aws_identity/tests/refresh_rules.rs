//! The refresh rules at their boundaries.

use aws_identity::{
    credentials::{Credentials, Millis},
    failure::{Failure, Kind},
    refresh::{Cause, Failed, Next, Range, Refresh, Rules, Succeeded, Windows, is_final},
    util::time::Moment,
};
use std::sync::Arc;

const S: Millis = 1_000;
const HOUR: Millis = 3_600 * S;
/// An arbitrary time: the rules depend on differences only.
const T: Moment = Moment {
    wall: 1_800_000_000_000,
    boot: 5_000,
};

type Held = Refresh<Arc<Credentials>>;

fn credentials(key: &str, expires_at: Option<Millis>) -> Arc<Credentials> {
    let mut it = Credentials::new(key, "secret", None, "test");
    it.expires_at = expires_at;
    Arc::new(it)
}

fn degraded(key: &str, expires_at: Millis) -> Arc<Credentials> {
    let mut it = Credentials::new(key, "secret", None, "test");
    it.expires_at = Some(expires_at);
    it.degraded = Some("IMDS serves expired credentials".into());
    Arc::new(it)
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

/// Holds credentials fetched at `T` with this lifetime.
fn holding_with(rules: Rules, life: Millis) -> Held {
    let mut refresh = Refresh::new(rules);
    assert_eq!(
        refresh.succeeded(T, credentials("A", Some((T + life).wall)), never),
        Succeeded::Fresh
    );
    refresh
}

fn holding(life: Millis) -> Held {
    holding_with(Rules::default(), life)
}

fn key(refresh: &Held, now: Moment) -> Option<&str> {
    refresh.held(now).map(|it| it.access_key_id.as_str())
}

#[test]
fn windows_follow_the_table_and_are_fractions_of_a_short_lifetime() {
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
fn a_read_serves_then_refreshes_in_the_background_then_waits() {
    let refresh = holding(HOUR);
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
        assert_eq!(refresh.next(now), next, "{left} ms left");
        assert_eq!(refresh.needs_refresh(now), due, "{left} ms left");
        assert!(!refresh.is_degraded(), "{left} ms left");
    }
}

#[test]
fn long_lived_keys_are_fetched_again_only_when_rejected() {
    let mut refresh = Held::new(Rules::default());
    refresh.succeeded(T, credentials("A", None), never);
    assert_eq!(refresh.next(T + Millis::MAX), Next::Serve);
    assert!(!refresh.needs_refresh(T + Millis::MAX));
    assert_eq!(refresh.windows(), None);
    assert!(refresh.invalidate("A"));
    assert_eq!(refresh.next(T), Next::Fetch);
    refresh.started();
    refresh.succeeded(T, credentials("A", None), never);
    assert_eq!(
        refresh.next(T),
        Next::Serve,
        "the same keys again clear the rejection"
    );
}

#[test]
fn a_first_fetch_that_fails_is_not_remembered() {
    let mut refresh = Held::new(Rules::default());
    assert_eq!(refresh.failed(T, Cause::Answered, never), Failed::Raises);
    assert_eq!(refresh.failed(T, Cause::Final, never), Failed::Raises);
    assert_eq!(
        refresh.succeeded(T, credentials("A", Some(T.wall)), never),
        Succeeded::Raises
    );
    assert_eq!(refresh.next(T), Next::Fetch);
    assert!(refresh.held(T).is_none() && !refresh.is_degraded() && !refresh.is_backing_off(T));
}

#[test]
fn a_failed_refresh_serves_the_held_credentials_and_backs_off() {
    for (life, shortest, longest) in [
        (6 * HOUR, 300 * S, 600 * S),
        (1_800 * S, 300 * S, 600 * S),
        (1_800 * S - 6, 300 * S - 1, 600 * S - 2),
        (600 * S, 100 * S, 200 * S),
        (3 * S, S, S),
        (1, S, S),
    ] {
        for (pick, length) in [(low as fn(Range) -> Millis, shortest), (high, longest)] {
            let mut refresh = holding(life);
            let now = T + life;
            assert_eq!(
                refresh.failed(now, Cause::Answered, pick),
                Failed::KeepsServing
            );
            assert_eq!(refresh.back_off_left(now), Some(length), "life {life}");
            assert_eq!(refresh.next(now + length - 1), Next::Serve);
            assert_eq!(key(&refresh, now + length - 1), Some("A"));
            assert!(refresh.is_degraded() && refresh.needs_refresh(now));
            assert_eq!(refresh.next(now + length), Next::Fetch);
            refresh.succeeded(
                now + length,
                credentials("B", Some((now + 2 * HOUR).wall)),
                never,
            );
            assert!(!refresh.is_degraded() && !refresh.is_backing_off(now));
        }
    }
}

#[test]
fn a_back_off_that_is_ended_holds_no_read_back() {
    let mut refresh = holding(HOUR);
    refresh.failed(T + HOUR, Cause::Answered, low);
    assert_eq!(refresh.next(T + HOUR), Next::Serve);
    refresh.end_back_off();
    assert_eq!(refresh.next(T + HOUR), Next::Fetch);
    assert!(refresh.is_degraded(), "until a fetch succeeds");
}

#[test]
fn a_number_outside_the_range_does_not_stretch_the_back_off() {
    let mut refresh = holding(HOUR);
    refresh.failed(T, Cause::Answered, |_| Millis::MAX);
    assert_eq!(refresh.back_off_left(T), Some(600 * S));
    refresh.failed(T, Cause::Answered, |_| -1);
    assert_eq!(refresh.back_off_left(T), Some(300 * S));
}

#[test]
fn a_final_error_changes_nothing() {
    let mut refresh = holding(HOUR);
    let due = T + HOUR - 900 * S;
    assert_eq!(refresh.failed(due, Cause::Final, never), Failed::Raises);
    assert_eq!(refresh.next(due), Next::ServeAndFetch);
    assert!(!refresh.is_degraded());
}

#[test]
fn expired_credentials_are_a_failed_refresh() {
    let mut refresh = holding(HOUR);
    let due = T + HOUR - 900 * S;
    assert_eq!(
        refresh.succeeded(due, credentials("B", Some(due.wall)), low),
        Succeeded::KeepsServing
    );
    assert_eq!(key(&refresh, due), Some("A"));
    assert!(refresh.is_degraded() && refresh.is_backing_off(due));
    let mut refresh = holding(HOUR);
    assert_eq!(
        refresh.succeeded(due, credentials("B", Some((due + 1).wall)), never),
        Succeeded::Fresh
    );
}

#[test]
fn credentials_their_source_calls_degraded_are_served_from_the_first_fetch() {
    let mut refresh = Held::new(Rules::default());
    let end = (T - 10 * S).wall;
    assert_eq!(
        refresh.succeeded(T, degraded("A", end), high),
        Succeeded::Degraded
    );
    assert_eq!(refresh.next(T), Next::Serve);
    assert_eq!(
        refresh.held(T).and_then(|it| it.expires_at),
        Some(end),
        "its own expiration is unchanged"
    );
    assert!(refresh.is_degraded());
    assert_eq!(refresh.back_off_left(T), Some(600 * S));
    assert_eq!(refresh.next(T + 600 * S), Next::Fetch);
    assert_eq!(
        refresh.failed(T + 600 * S, Cause::Answered, low),
        Failed::KeepsServing
    );
    assert_eq!(refresh.back_off_left(T + 600 * S), Some(300 * S));
}

#[test]
fn degraded_credentials_do_not_replace_ones_that_expire_later() {
    let mut refresh = holding(HOUR);
    assert_eq!(
        refresh.succeeded(T, degraded("A", (T + HOUR).wall), low),
        Succeeded::Degraded,
        "credentials that expire no sooner replace the held ones"
    );
    let mut refresh = holding(HOUR);
    let due = T + HOUR - 900 * S;
    assert_eq!(
        refresh.succeeded(due, degraded("B", (due - S).wall), low),
        Succeeded::KeepsServing
    );
    assert_eq!(key(&refresh, due), Some("A"));
    refresh.invalidate("A");
    refresh.started();
    assert_eq!(
        refresh.succeeded(due, degraded("B", (due - S).wall), low),
        Succeeded::Degraded,
        "rejected credentials are replaced"
    );
    assert_eq!(key(&refresh, due), Some("B"));
}

#[test]
fn invalidate_acts_on_the_held_key_once() {
    let mut refresh = holding(HOUR);
    assert!(!refresh.invalidate("B"));
    assert_eq!(refresh.next(T), Next::Serve);
    assert!(refresh.is_good(T) && refresh.rejected_key().is_none());
    assert!(refresh.invalidate("A"));
    assert_eq!(refresh.next(T), Next::Fetch);
    assert!(!refresh.is_good(T) && !refresh.is_servable(T));
    assert_eq!(
        key(&refresh, T),
        Some("A"),
        "the rejected credentials are still held"
    );
    for _ in 0..2 {
        assert_eq!(
            refresh.rejected_key(),
            Some("A"),
            "no fetch reads it from disk"
        );
        refresh.started();
    }
    refresh.failed(T, Cause::Answered, low);
    assert_eq!(refresh.next(T), Next::Serve, "the back-off is obeyed");
    assert!(refresh.is_servable(T));
    assert_eq!(refresh.next(T + 300 * S), Next::Fetch);
    refresh.succeeded(
        T + 300 * S,
        credentials("B", Some((T + 2 * HOUR).wall)),
        never,
    );
    assert_eq!(refresh.next(T + 300 * S), Next::Serve);
    assert!(refresh.rejected_key().is_none());
    assert!(!refresh.invalidate("A"));
}

#[test]
fn a_fetch_older_than_the_rejection_does_not_clear_it() {
    let end = Some((T + HOUR).wall);
    let mut refresh = holding(HOUR);
    refresh.started();
    refresh.invalidate("A");
    refresh.succeeded(T, credentials("A", end), never);
    assert_eq!(refresh.next(T), Next::Fetch, "the rejected key came back");
    refresh.started();
    refresh.succeeded(T, credentials("A", end), never);
    assert_eq!(
        refresh.next(T),
        Next::Serve,
        "the source was asked after the rejection"
    );

    refresh.invalidate("A");
    refresh.succeeded(T, credentials("B", end), never);
    assert_eq!(
        refresh.next(T),
        Next::Serve,
        "another key clears the rejection"
    );
}

#[test]
fn mfa_credentials_are_never_refreshed_in_the_background_nor_served_expired() {
    let rules = Rules {
        needs_mfa: true,
        ..Rules::default()
    };
    let mut refresh = holding_with(rules, HOUR);
    assert_eq!(refresh.next(T + HOUR - 61 * S), Next::Serve);
    assert_eq!(refresh.next(T + HOUR - 60 * S), Next::Fetch);
    assert_eq!(
        refresh.failed(T + HOUR - 60 * S, Cause::Answered, low),
        Failed::KeepsServing
    );
    assert_eq!(refresh.next(T + HOUR - 1), Next::Serve);
    assert_eq!(
        refresh.next(T + HOUR),
        Next::Fetch,
        "expired credentials are not served during the back-off"
    );
    assert!(refresh.held(T + HOUR).is_none() && refresh.needs_refresh(T + HOUR));
    assert_eq!(
        refresh.failed(T + HOUR, Cause::Answered, never),
        Failed::Raises
    );
    let expired_then = degraded("B", (T + HOUR).wall);
    assert_eq!(
        refresh.succeeded(T + HOUR, expired_then, never),
        Succeeded::Raises
    );
}

/// The wall clock is set by this much.
fn set(now: Moment, by: Millis) -> Moment {
    Moment {
        wall: now.wall + by,
        ..now
    }
}

#[test]
fn a_clock_set_back_extends_neither_back_off_nor_lifetime() {
    let day = 24 * HOUR;
    let mut refresh = holding(HOUR);
    refresh.failed(T, Cause::Answered, low);
    let back = |passed: Millis| set(T + passed, -day);
    assert_eq!(refresh.back_off_left(back(100 * S)), Some(200 * S));
    assert_eq!(refresh.next(back(300 * S - 1)), Next::Serve);
    assert!(!refresh.is_backing_off(back(300 * S)));
    for (passed, next) in [
        (HOUR - 900 * S - 1, Next::Serve),
        (HOUR - 900 * S, Next::ServeAndFetch),
        (HOUR - 60 * S, Next::Fetch),
    ] {
        assert_eq!(refresh.next(back(passed)), next, "{passed}");
    }
    assert!(refresh.expired(back(HOUR - 1)).is_none());
    assert!(refresh.expired(back(HOUR)).is_some(), "no read was needed");
}

#[test]
fn a_clock_set_forward_ends_back_off_and_lifetime() {
    let mut refresh = holding(HOUR);
    refresh.failed(T, Cause::Answered, high);
    let forward = set(T, 24 * HOUR);
    assert_eq!(refresh.next(forward), Next::Fetch);
    assert!(!refresh.is_backing_off(forward) && refresh.expired(forward).is_some());
    assert_eq!(refresh.next(T), Next::Serve, "it was set back again");
}

#[test]
fn a_clock_that_was_ahead_at_the_fetch_lengthens_no_life() {
    let ahead = set(T, 2 * HOUR);
    let mut refresh = Held::new(Rules::default());
    refresh.succeeded(ahead, credentials("A", Some((ahead + HOUR).wall)), never);
    // The clock is set right a minute later, and the first read comes after their expiration.
    assert_eq!(refresh.next(T + 65 * 60 * S), Next::Fetch);
    assert!(!refresh.is_servable(T + HOUR));
}

#[test]
fn no_life_is_longer_than_what_was_asked_for() {
    let mut behind = (*credentials("A", Some((T + 3 * HOUR).wall))).clone();
    behind.requested = Some(HOUR);
    let mut refresh = Held::new(Rules::default());
    refresh.succeeded(T, Arc::new(behind), never);
    assert_eq!(refresh.left(T), Some(HOUR));
    assert_eq!(refresh.next(T + HOUR), Next::Fetch);
}

#[test]
fn times_at_the_limits_of_the_type_do_not_overflow() {
    let (first, last) = (T + Millis::MIN, T + Millis::MAX);
    let mut refresh = Held::new(Rules::default());
    refresh.succeeded(first, credentials("A", Some(Millis::MAX)), never);
    refresh.failed(last, Cause::Answered, high);
    assert_eq!(refresh.next(first), Next::Serve);
    refresh.succeeded(last, degraded("B", Millis::MIN), high);
    assert_eq!(refresh.next(last), Next::Fetch);
}

#[test]
fn a_source_that_was_not_reached_is_asked_again_once_the_credentials_have_expired() {
    let mut refresh = holding(HOUR);
    let due = T + HOUR - 200 * S;
    refresh.failed(due, Cause::Unreached, low);
    assert_eq!(
        refresh.back_off_left(due),
        Some(200 * S),
        "till they expire"
    );
    let mut now = T + HOUR;
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert_eq!(refresh.next(now), Next::Fetch);
        refresh.started();
        assert_eq!(
            refresh.failed(now, Cause::Unreached, low),
            Failed::KeepsServing
        );
        assert_eq!(refresh.back_off_left(now), Some(seconds * S));
        now = now + seconds * S;
    }
    refresh.failed(now, Cause::Answered, low);
    assert_eq!(refresh.back_off_left(now), Some(300 * S), "it answered");
    refresh.failed(now, Cause::Unreached, low);
    assert_eq!(refresh.back_off_left(now), Some(S), "counted anew");
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
        "Forbidden",
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
            Kind::Configuration | Kind::ProcessLoop | Kind::NotReady
        );
        assert_eq!(is_final(&Failure::new(kind, "x", "")), expected, "{kind:?}");
    }
    let mut expired = Failure::new(Kind::AccessDenied, "the base credentials are expired", "");
    expired.code = Some("ExpiredToken".into());
    assert!(!is_final(&expired), "the code decides over the kind");
    let mut unreached = Failure::new(Kind::Connection, "no verification key", "");
    unreached.code = Some("InvalidIdentityToken".into());
    assert!(!is_final(&unreached), "AWS's own trouble passes");
}

#[test]
fn a_changed_file_is_read_again_until_other_credentials_are_held() {
    let mut refresh = Held::new(Rules::default());
    refresh.mark_stale();
    assert!(!refresh.is_stale(), "nothing is held that came from a file");
    refresh.succeeded(T, credentials("A", None), never);
    refresh.mark_stale();
    assert_eq!(refresh.next(T), Next::Fetch);
    assert_eq!(
        refresh.failed(T, Cause::Answered, high),
        Failed::KeepsServing
    );
    refresh.shorten_back_off(T, 2_000);
    assert_eq!(refresh.next(T + 1_999), Next::Serve);
    assert_eq!(refresh.next(T + 2_000), Next::Fetch);
    refresh.succeeded(T + 2_000, credentials("B", None), never);
    assert_eq!(refresh.next(T + 2_000), Next::Serve);
}
