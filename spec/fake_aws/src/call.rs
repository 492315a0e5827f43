//! The context of one request to a service: the request, the state it reads and changes, its log entry.

use crate::http::Request;
use crate::keys::{Key, Keys, Principal};
use crate::log::Entry;
use crate::world::World;
use std::collections::{BTreeMap, HashMap};

pub struct Call<'a> {
    pub request: &'a Request,
    pub params: &'a BTreeMap<String, String>,
    /// The service's own clock, skew included.
    pub now_ms: i64,
    /// The lifetime a rule sets for credentials.
    pub lifetime_seconds: Option<i64>,
    pub world: &'a mut World,
    pub keys: &'a mut Keys,
    /// IMDS session tokens and the time they expire.
    pub imds_tokens: &'a mut HashMap<String, i64>,
    pub entry: &'a mut Entry,
}

impl Call<'_> {
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// Issues a temporary key with this lifetime, unless a rule sets another. `finish` sets its other fields.
    pub fn issue(&mut self, principal: Principal, seconds: i64, finish: impl FnOnce(&mut Key)) -> Key {
        let seconds = self.lifetime_seconds.unwrap_or(seconds);
        let mut key = Key::temporary(principal, self.now_ms + seconds * 1000);
        finish(&mut key);
        self.keys.add(&key);
        self.entry.issued = Some(key.id.clone());
        key
    }
}
