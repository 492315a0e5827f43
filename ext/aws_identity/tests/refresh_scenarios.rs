//! The refresh scenarios the AWS SDKs share, every one and every step.
//!
//! The driver is a session in small: a read that is due flies at once, waits for the landing
//! and reads again, as the scenarios want. Each runs with the earliest and the latest answer
//! that counts as stale, and with the shortest and the longest back-off where it names none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may

use aws_identity::{
    credentials::{Credentials, Millis},
    failure::{Failure, Kind},
    refresh::{Failed, Next, Range, Refresh, Rules, Succeeded, is_final},
};
use serde_json::{Map, Value};
use std::{fs, path::Path};

const S: Millis = 1_000;
const START: Millis = 1_800_000_000_000;
/// Six hours: the advisory window is an hour.
const LIFE: Millis = 21_600 * S;

#[derive(Clone, Copy)]
struct Variant {
    /// How long ago a stale answer ended.
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
    now: Millis,
    variant: Variant,
    back_off: Option<Millis>,
    fetched: u32,
}

/// What one read saw.
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
            let end = START + left;
            let cached = set(text(given, "accessKeyId").unwrap_or("AKID-CACHED"), end);
            refresh.succeeded(end - LIFE, cached, |_| unreachable!());
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
                self.now += seconds(step, "seconds").unwrap();
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
            self.fly(step, at)
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
                } else if served.is_some_and(|set| set.access_key_id == self.newest()) {
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

    /// One flight, answered as the step says; an error is what the read raises.
    fn fly(&mut self, step: &Map<String, Value>, at: &str) -> Result<(), &'static str> {
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
                let fresh = set(&self.newest(), self.now + life);
                let succeeded = self.refresh.succeeded(self.now, fresh, pick);
                assert_eq!(succeeded, Succeeded::Fresh, "{at}");
                Ok(())
            }
            Some("staleCredentials") => {
                let stale = set("AKID-STALE", self.now - self.variant.stale);
                match self.refresh.succeeded(self.now, stale, pick) {
                    Succeeded::ServesHeld => Ok(()),
                    Succeeded::Refused => Err("noCredentialsError"),
                    other => panic!("a stale answer was {other:?}, {at}"),
                }
            }
            Some("error") => self.fail(&Failure::new(Kind::Connection, "refused", ""), pick),
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
        let is_final = is_final(failure);
        match self.refresh.failed(self.now, is_final, pick) {
            Failed::ServesHeld => Ok(()),
            Failed::Raises if is_final => Err("nonRecoverableError"),
            Failed::Raises => Err("noCredentialsError"),
        }
    }
}

fn set(key: &str, expires_at: Millis) -> Credentials {
    let mut set = Credentials::new(key, "secret", None, "scenario");
    set.expires_at = Some(expires_at);
    set
}

/// A word this driver does not know would be a rule it does not test.
fn knows(object: &Map<String, Value>, words: &[&str]) {
    for word in object.keys() {
        assert!(
            words.contains(&word.as_str()),
            "unknown word {word} in {object:?}"
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
