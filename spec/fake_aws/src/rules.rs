//! Rules: the requests they match, and the faults they cause.

use crate::route::Service;
use serde::{Deserialize, Serialize};

/// A request must match every field that is given; a rule without any matches every request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    pub service: Option<Service>,
    pub action: Option<String>,
    /// Beginning of the path.
    pub path: Option<String>,
    pub access_key_id: Option<String>,
    /// Skips this many matching requests first.
    pub after: u64,
    /// Applies to this many requests; absent means no limit.
    pub times: Option<u64>,
    /// Waits before it answers.
    pub delay_ms: u64,
    /// Waits until the rule is removed, then answers.
    pub hold: bool,
    /// How far the service's clock is ahead: Date header, signature check, expiration.
    pub skew_seconds: i64,
    /// Lifetime of issued credentials, in place of the requested one. Zero or less: already expired.
    pub lifetime_seconds: Option<i64>,
    /// The answer in place of the service's own.
    pub answer: Option<Answer>,
}

impl Rule {
    /// A rule for one service; the rest by struct update or the methods below.
    #[must_use]
    pub fn on(service: Service) -> Self {
        Self { service: Some(service), ..Self::default() }
    }

    #[must_use]
    pub fn action(mut self, action: &str) -> Self {
        self.action = Some(action.into());
        self
    }

    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    #[must_use]
    pub fn answer(mut self, answer: Answer) -> Self {
        self.answer = Some(answer);
        self
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// No answer; the connection stays open.
    Hang,
    /// No answer: the connection is closed.
    Drop,
    /// No answer: the connection is reset.
    Reset,
    /// Status line and headers of the service's answer, then nothing.
    Stall,
    /// The service's answer, cut in the middle of its body.
    Truncate,
    /// The service's answer, one byte every so many milliseconds.
    DripMs(u64),
    /// Too many requests, in the service's own format.
    Throttle,
    /// An error in the service's own format.
    Error {
        status: u16,
        #[serde(default = "internal_failure")]
        code: String,
        #[serde(default)]
        message: String,
    },
    /// An error with this status that says everything it was sent, in the service's own format.
    Echo(u16),
    /// Exactly these bytes.
    Body {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default = "xml")]
        content_type: String,
        text: String,
    },
    /// A body of this many MiB without a length.
    HugeMib(usize),
}

fn internal_failure() -> String {
    "InternalFailure".into()
}

fn ok() -> u16 {
    200
}

fn xml() -> String {
    "text/xml".into()
}

impl Answer {
    /// The name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Drop => "drop",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Truncate => "truncate",
            Self::DripMs(_) => "drip_ms",
            Self::Throttle => "throttle",
            Self::Error { .. } => "error",
            Self::Echo(_) => "echo",
            Self::Body { .. } => "body",
            Self::HugeMib(_) => "huge_mib",
        }
    }
}

/// What all rules together do with one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    pub delay_ms: u64,
    /// Numbers of the rules that hold the request.
    pub held_by: Vec<u64>,
    pub skew_seconds: i64,
    pub lifetime_seconds: Option<i64>,
    pub answer: Option<Answer>,
}

#[derive(Debug)]
struct Active {
    id: u64,
    rule: Rule,
    seen: u64,
    used: u64,
}

#[derive(Debug, Default)]
pub struct Rules {
    active: Vec<Active>,
    next_id: u64,
}

impl Rules {
    pub fn add(&mut self, rule: Rule) -> u64 {
        self.next_id += 1;
        self.active.push(Active { id: self.next_id, rule, seen: 0, used: 0 });
        self.next_id
    }

    pub fn remove(&mut self, id: u64) {
        self.active.retain(|active| active.id != id);
    }

    pub fn clear(&mut self) {
        self.active.clear();
    }

    #[must_use]
    pub fn any_left(&self, ids: &[u64]) -> bool {
        self.active.iter().any(|active| ids.contains(&active.id))
    }

    /// Of two rules with an answer the older one applies and the other is not used up, so that they form a sequence.
    pub fn effects(&mut self, service: Service, action: &str, path: &str, access_key_id: Option<&str>) -> Effects {
        let mut effects = Effects::default();
        for active in &mut self.active {
            let rule = &active.rule;
            let hit = rule.service.is_none_or(|wanted| wanted == service)
                && rule.action.as_ref().is_none_or(|wanted| wanted == action)
                && rule.path.as_ref().is_none_or(|wanted| path.starts_with(wanted.as_str()))
                && rule.access_key_id.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == access_key_id);
            if !hit {
                continue;
            }
            active.seen += 1;
            let second_answer = rule.answer.is_some() && effects.answer.is_some();
            if active.seen <= rule.after || rule.times.is_some_and(|times| active.used >= times) || second_answer {
                continue;
            }
            active.used += 1;
            effects.delay_ms += rule.delay_ms;
            effects.skew_seconds += rule.skew_seconds;
            effects.lifetime_seconds = rule.lifetime_seconds.or(effects.lifetime_seconds);
            if rule.hold {
                effects.held_by.push(active.id);
            }
            if rule.answer.is_some() {
                effects.answer.clone_from(&rule.answer);
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(rules: &mut Rules, count: usize) -> Vec<&'static str> {
        let next = |rules: &mut Rules| rules.effects(Service::Sts, "AssumeRole", "/", Some("AKIA")).answer;
        (0..count).map(|_| next(rules).map_or("-", |answer| answer.name())).collect()
    }

    #[test]
    fn rules_form_a_sequence() {
        let mut rules = Rules::default();
        rules.add(Rule { after: 1, ..Rule::on(Service::Sts).times(2).answer(Answer::Drop) });
        rules.add(Rule::on(Service::Sts).times(2).answer(Answer::Throttle));
        assert_eq!(answers(&mut rules, 5), ["throttle", "drop", "drop", "throttle", "-"]);
    }

    #[test]
    fn each_part_of_a_match_counts() {
        for miss in [
            Rule::on(Service::Imds),
            Rule::on(Service::Sts).action("GetCallerIdentity"),
            Rule { path: Some("/x".into()), ..Rule::default() },
            Rule { access_key_id: Some("ASIA".into()), ..Rule::default() },
        ] {
            let mut rules = Rules::default();
            rules.add(miss.answer(Answer::Drop));
            assert_eq!(answers(&mut rules, 1), ["-"]);
        }
    }

    #[test]
    fn modifiers_add_up_and_removal_ends_a_hold() {
        let mut rules = Rules::default();
        let id = rules.add(Rule { hold: true, delay_ms: 5, ..Rule::default() });
        rules.add(Rule { delay_ms: 7, skew_seconds: 60, lifetime_seconds: Some(30), ..Rule::default() });
        let effects = rules.effects(Service::Imds, "Token", "/latest/api/token", None);
        assert_eq!((effects.delay_ms, effects.skew_seconds, effects.lifetime_seconds), (12, 60, Some(30)));
        assert!(rules.any_left(&effects.held_by));
        rules.remove(id);
        assert!(!rules.any_left(&effects.held_by));
    }
}
