//! All requests, in order of arrival, so that a spec can check that each option arrived.

use crate::route::Service;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The number of entries the log keeps, so that a benchmark does not fill the memory.
const KEPT: usize = 20_000;

/// One request. It is in the log as soon as it is read; `status` and the fields after it come with the answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Entry {
    pub id: u64,
    pub at_ms: i64,
    pub service: Service,
    pub action: String,
    pub method: String,
    pub path: String,
    pub host: String,
    /// Query and body together, names as sent (`Tags.member.1.Key`).
    pub params: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub user_agent: Option<String>,
    pub remote_port: u16,
    /// Requests of one connection share this number.
    pub connection: u64,
    pub tls: bool,
    pub proxied: bool,
    pub access_key_id: Option<String>,
    /// Region the request was signed for.
    pub region: Option<String>,
    /// ARN of the caller, once the signature is verified.
    pub principal: Option<String>,
    /// The issued access key id.
    pub issued: Option<String>,
    /// Name of the answer that a rule gave, if one did.
    pub effect: Option<String>,
    /// Absent until the answer is sent.
    pub status: Option<u16>,
    /// The error code, if the answer is an error.
    pub code: Option<String>,
    pub took_ms: Option<f64>,
}

/// Selects entries; an absent field matches all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub service: Option<Service>,
    pub action: Option<String>,
}

impl Filter {
    fn matches(&self, entry: &Entry) -> bool {
        self.service.is_none_or(|service| service == entry.service)
            && self.action.as_ref().is_none_or(|action| *action == entry.action)
    }
}

#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl Log {
    /// Gives the entry its number.
    pub fn begin(&mut self, entry: &mut Entry) {
        self.next_id += 1;
        entry.id = self.next_id;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry.clone());
    }

    /// Replaces the entry of the same number, unless the log was cleared in between.
    pub fn update(&mut self, entry: Entry) {
        if let Ok(at) = self.entries.binary_search_by_key(&entry.id, |kept| kept.id) {
            self.entries[at] = entry;
        }
    }

    #[must_use]
    pub fn select(&self, filter: &Filter) -> Vec<Entry> {
        self.entries.iter().filter(|entry| filter.matches(entry)).cloned().collect()
    }

    #[must_use]
    pub fn count(&self, filter: &Filter) -> usize {
        self.entries.iter().filter(|entry| filter.matches(entry)).count()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
