//! The refresh scenarios the AWS SDKs share, every one and every step.
//!
//! The driver is a minimal session: a read that is due fetches at once and reads again, as the
//! scenarios expect. Each scenario runs with the most and the least recently expired answer, and
//! with the shortest and the longest back-off where it names none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may panic

use aws_identity::{
    credentials::{Credentials, Millis},
    failure::{Failure, Kind},
    refresh::{Cause, Failed, Next, Range, Refresh, Rules, Succeeded, is_final},
    util::time::Moment,
};
use serde_json::{Map, Value};
use std::{fs, path::Path};

const S: Millis = 1_000;
const START: Moment = Moment {
    wall: 1_800_000_000_000,
    boot: 0,
};
/// Six hours: the advisory window is one hour.
const LIFE: Millis = 21_600 * S;

#[derive(Clone, Copy)]
struct Variant {
    /// How long ago a stale answer expired.
    stale: Millis,
    pick: fn(Range) -> Millis,
}

const VARIANTS: [Variant; 2] = [
    Variant {
        stale: 0,
        pick: |range| *range.start(),
    },
    Variant {
        stale: 3_600 * S,
        pick: |range| *range.end(),
    },
];

struct Driver {
    refresh: Refresh<Credentials>,
    now: Moment,
    variant: Variant,
    back_off: Option<Millis>,
    fetched: u32,
}

/// The result of one read.
struct Seen {
    result: &'static str,
    contacted: bool,
    rate_limited: bool,
}

#[test]
fn every_scenario_of_the_sdks_holds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../spec/fixtures/credential-refresh-tests.json");
    let text = fs::read_to_string(&path).expect("spec/fixtures holds the scenarios");
    let scenarios: Vec<Value> = serde_json::from_str(&text).expect("a JSON list");
    for variant in VARIANTS {
        let mut steps = 0;
        for scenario in &scenarios {
            steps += run(object(scenario), variant);
        }
        assert_eq!((scenarios.len(), steps), (23, 41), "none may be skipped");
    }
}

fn run(scenario: &Map<String, Value>, variant: Variant) -> usize {
    knows(scenario, &["documentation", "given", "steps"]);
    let title = text(scenario, "documentation").unwrap();
    let mut driver = Driver::given(object(&scenario["given"]), variant);
    let steps = scenario["steps"].as_array().unwrap();
    for (index, step) in steps.iter().enumerate() {
        driver.step(object(step), &format!("step {index} of: {title}"));
    }
    steps.len()
}

impl Driver {
    fn given(given: &Map<String, Value>, variant: Variant) -> Self {
        knows(
            given,
            &[
                "cachedCredentials",
                "accessKeyId",
                "refreshBackoffSeconds",
                "configuredAdvisoryWindowSeconds",
            ],
        );
        let rules = Rules {
            advisory_window: seconds(given, "configuredAdvisoryWindowSeconds"),
            ..Rules::default()
        };
        let mut refresh = Refresh::new(rules);
        let left = match text(given, "cachedCredentials").unwrap() {
            "none" => None,
            "valid" => Some(2 * 3_600 * S),
            "advisory" => Some(1_800 * S),
            "mandatory" => Some(30 * S),
            "expired" => Some(-60 * S),
            other => panic!("unknown cachedCredentials {other}"),
        };
        if let Some(left) = left {
            let expiration = START + left;
            let cached = credentials(
                text(given, "accessKeyId").unwrap_or("AKID-CACHED"),
                expiration.wall,
            );
            refresh.succeeded(expiration - LIFE, cached, |_| unreachable!());
        }
        Self {
            refresh,
            now: START,
            variant,
            back_off: seconds(given, "refreshBackoffSeconds"),
            fetched: 0,
        }
    }

    fn step(&mut self, step: &Map<String, Value>, at: &str) {
        match text(step, "type").unwrap() {
            "advanceTime" => {
                knows(step, &["type", "seconds"]);
                self.now = self.now + seconds(step, "seconds").unwrap();
            }
            "invalidate" => {
                knows(step, &["type", "rejectedAccessKeyId"]);
                self.refresh
                    .invalidate(text(step, "rejectedAccessKeyId").unwrap());
            }
            "getCredentials" => self.get_credentials(step, at),
            other => panic!("unknown step type {other}"),
        }
    }

    fn get_credentials(&mut self, step: &Map<String, Value>, at: &str) {
        knows(
            step,
            &[
                "type",
                "documentation",
                "response",
                "lifetimeSeconds",
                "expected",
            ],
        );
        let expected = object(&step["expected"]);
        knows(
            expected,
            &[
                "result",
                "sourceContacted",
                "rateLimited",
                "advisoryWindowSeconds",
            ],
        );
        let seen = self.read(step, at);
        assert_eq!(Some(seen.result), text(expected, "result"), "{at}");
        assert_eq!(
            Some(seen.contacted),
            expected["sourceContacted"].as_bool(),
            "source contacted, {at}"
        );
        assert_eq!(
            Some(seen.rate_limited),
            expected["rateLimited"].as_bool(),
            "rate limited, {at}"
        );
        if let Some(window) = seconds(expected, "advisoryWindowSeconds") {
            assert_eq!(
                self.refresh.windows().map(|it| it.advisory),
                Some(window),
                "{at}"
            );
        }
    }

    fn read(&mut self, step: &Map<String, Value>, at: &str) -> Seen {
        let before = self.refresh.held(self.now).cloned();
        let due = self.refresh.needs_refresh(self.now);
        let contacted = self.refresh.next(self.now) != Next::Serve;
        let result = if contacted {
            self.refresh.started();
            self.fetch(step, at)
        } else {
            Ok(())
        };
        let result = result.map_or_else(
            |raised| raised,
            |()| {
                assert_eq!(self.refresh.next(self.now), Next::Serve, "{at}");
                let served = self.refresh.held(self.now);
                if served.is_some() && served == before.as_ref() {
                    "cachedCredentials"
                } else if served.is_some_and(|it| it.access_key_id == self.newest()) {
                    "newCredentials"
                } else {
                    panic!("served {served:?}, {at}")
                }
            },
        );
        Seen {
            result,
            contacted,
            rate_limited: due && !contacted,
        }
    }

    fn newest(&self) -> String {
        format!("AKID-NEW-{}", self.fetched)
    }

    /// One fetch, answered as the step says; an error is what the read raises.
    fn fetch(&mut self, step: &Map<String, Value>, at: &str) -> Result<(), &'static str> {
        let (named, pick) = (self.back_off, self.variant.pick);
        let pick = |range: Range| match named {
            Some(length) => {
                assert!(range.contains(&length), "{length} is not in {range:?}");
                length
            }
            None => pick(range),
        };
        let life = seconds(step, "lifetimeSeconds").unwrap_or(LIFE);
        match text(step, "response") {
            Some("freshCredentials") => {
                self.fetched += 1;
                let fresh = credentials(&self.newest(), (self.now + life).wall);
                let succeeded = self.refresh.succeeded(self.now, fresh, pick);
                assert_eq!(succeeded, Succeeded::Fresh, "{at}");
                Ok(())
            }
            Some("staleCredentials") => {
                let stale = credentials("AKID-STALE", (self.now - self.variant.stale).wall);
                match self.refresh.succeeded(self.now, stale, pick) {
                    Succeeded::KeepsServing => Ok(()),
                    Succeeded::Raises => Err("noCredentialsError"),
                    other => panic!("a stale answer was {other:?}, {at}"),
                }
            }
            // A source that answers: one that is not reached is asked again sooner.
            Some("error") => self.fail(&Failure::new(Kind::Service, "503", ""), pick),
            Some("nonRecoverableError") => {
                let mut failure = Failure::new(Kind::AccessDenied, "not authorized", "");
                failure.code = Some("AccessDenied".into());
                self.fail(&failure, pick)
            }
            other => panic!("the source was contacted, its answer is {other:?}, {at}"),
        }
    }

    fn fail(
        &mut self,
        failure: &Failure,
        pick: impl FnOnce(Range) -> Millis,
    ) -> Result<(), &'static str> {
        let cause = Cause::of(failure, is_final(failure));
        match self.refresh.failed(self.now, cause, pick) {
            Failed::KeepsServing => Ok(()),
            Failed::Raises if cause == Cause::Final => Err("nonRecoverableError"),
            Failed::Raises => Err("noCredentialsError"),
        }
    }
}

fn credentials(key: &str, expires_at: Millis) -> Credentials {
    let mut it = Credentials::new(key, "secret", None, "scenario");
    it.expires_at = Some(expires_at);
    it
}

/// A key this driver does not know would be a rule it does not test.
fn knows(object: &Map<String, Value>, keys: &[&str]) {
    for key in object.keys() {
        assert!(
            keys.contains(&key.as_str()),
            "unknown key {key} in {object:?}"
        );
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).map(|value| value.as_str().unwrap())
}

fn seconds(object: &Map<String, Value>, name: &str) -> Option<Millis> {
    object.get(name).map(|value| value.as_i64().unwrap() * S)
}
