//! What Ruby gets: frozen Hashes and Strings.

use aws_identity::{attempt::Attempt, util::foreign_text::printable};
use magnus::{Error, RArray, RHash, RString, Ruby, value::ReprValue};

/// A frozen Hash with Symbol keys.
pub struct Reply<'a> {
    ruby: &'a Ruby,
    hash: RHash,
}

impl<'a> Reply<'a> {
    pub fn new(ruby: &'a Ruby) -> Self {
        Self {
            ruby,
            hash: ruby.hash_new(),
        }
    }

    pub fn text(self, name: &str, text: Option<&str>) -> Result<Self, Error> {
        let value = text.map(|text| frozen(self.ruby, text));
        self.with(name, value)
    }

    /// The same for what is shown: on one line, control characters escaped.
    pub fn shown(self, name: &str, text: Option<&str>) -> Result<Self, Error> {
        let text = text.map(printable);
        self.text(name, text.as_deref())
    }

    pub fn with(self, name: &str, value: impl magnus::IntoValue) -> Result<Self, Error> {
        self.hash.aset(self.ruby.to_symbol(name), value)?;
        Ok(self)
    }

    pub fn done(self) -> RHash {
        self.hash.freeze();
        self.hash
    }
}

pub fn frozen(ruby: &Ruby, text: &str) -> RString {
    let string = ruby.str_new(text);
    string.freeze();
    string
}

pub fn attempts(ruby: &Ruby, attempts: &[Attempt]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(attempts.len());
    for attempt in attempts {
        let line = Reply::new(ruby)
            .shown("source", Some(&attempt.source))?
            .text("outcome", Some(attempt.outcome.as_str()))?
            .shown("reason", Some(&attempt.reason))?
            .with("milliseconds", attempt.milliseconds)?;
        list.push(line.done())?;
    }
    list.freeze();
    Ok(list)
}
