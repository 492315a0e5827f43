//! `Native::Session`: the verbs Ruby calls. Holds no Ruby value and is frozen.

use crate::{convert, fork::GATE, wait::wait};
use aws_identity::{
    credentials::Secret,
    failure::Failure,
    session::{Fetch, Session as Core, Step},
    settings::Settings,
    source::Supplies,
};
use magnus::{Error, RArray, RHash, RString, Ruby, Value, prelude::*};
use std::sync::Arc;

#[magnus::wrap(
    class = "Legion::Extensions::Identity::Aws::Native::Session",
    free_immediately,
    size
)]
pub struct Session(Core);

type Begin = fn(&Core) -> Result<Step, Failure>;
type Settle = fn(&Core, &Arc<Fetch>) -> Option<Result<u64, Failure>>;

impl Session {
    pub fn new(ruby: &Ruby, layers: RHash) -> Result<Self, Error> {
        let layers = convert::layers(ruby, layers)?;
        let settings = convert::checked(ruby, Settings::new(layers))?;
        Ok(Self(Core::new(settings, &GATE)))
    }

    pub fn serial(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        this.read(ruby, Core::credentials, Core::settle)
    }

    pub fn identity_serial(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        this.read(ruby, Core::identity, Core::settle_identity)
    }

    pub fn refresh(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        this.read(ruby, Core::refresh, Core::settle_refresh)
    }

    pub fn prefetch(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        match convert::checked(ruby, this.0.prefetch())? {
            Step::Ask(needs) => Ok(convert::needs(ruby, &needs)?.as_value()),
            Step::Ready(started) => Ok(ruby.into_value(started != 0)),
            Step::Wait(_) => Ok(ruby.qtrue().as_value()),
        }
    }

    /// The serial of what is to be used now, or a Hash of what Ruby has to ask for first.
    fn read(&self, ruby: &Ruby, begin: Begin, settle: Settle) -> Result<Value, Error> {
        loop {
            let flight = match convert::checked(ruby, begin(&self.0))? {
                Step::Ready(serial) => return Ok(ruby.into_value(serial)),
                Step::Ask(needs) => return Ok(convert::needs(ruby, &needs)?.as_value()),
                Step::Wait(flight) => flight,
            };
            wait(&flight)?;
            if let Some(outcome) = settle(&self.0, &flight) {
                let serial = convert::checked(ruby, outcome)?;
                return Ok(ruby.into_value(serial));
            }
            // Flown by the parent of this process, or not for us: fly our own.
        }
    }

    pub fn depart(ruby: &Ruby, this: &Self, supplies: RHash, identity: bool) -> Result<(), Error> {
        let supplies: Supplies = convert::supplies(ruby, supplies)?;
        convert::checked(ruby, this.0.depart(supplies, identity))
    }

    pub fn due(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        match this.0.due() {
            Some(needs) => Ok(convert::needs(ruby, &needs)?.as_value()),
            None => Ok(ruby.qnil().as_value()),
        }
    }

    pub fn held(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        match this.0.held() {
            Some(held) => Ok(convert::held(ruby, &held)?.as_value()),
            None => Ok(ruby.qnil().as_value()),
        }
    }

    pub fn known(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        match this.0.known() {
            Some((serial, identity)) => Ok(convert::identity(ruby, serial, &identity)?.as_value()),
            None => Ok(ruby.qnil().as_value()),
        }
    }

    pub fn forget_identity(&self) {
        self.0.forget_identity();
    }

    pub fn invalidate(&self, access_key_id: String) -> bool {
        self.0.invalidate(&access_key_id)
    }

    pub fn needs_refresh(&self) -> bool {
        self.0.needs_refresh()
    }

    pub fn due_in(&self) -> Option<f64> {
        self.0.due_in().map(convert::seconds)
    }

    /// Waits for the flight in the air, if there is one.
    pub fn land(&self) -> Result<bool, Error> {
        match self.0.in_flight() {
            Some(flight) => wait(&flight),
            None => Ok(false),
        }
    }

    pub fn set_web_identity_token(&self, token: RString) -> Result<(), Error> {
        let token = token.to_string()?;
        self.0.set_web_identity_token(Secret::new(token.trim()));
        Ok(())
    }

    pub fn attempts(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        convert::attempts(ruby, &this.0.attempts())
    }

    pub fn counters(ruby: &Ruby, this: &Self) -> Result<RHash, Error> {
        convert::counters(ruby, &this.0.tally())
    }

    pub fn events(ruby: &Ruby, this: &Self, after: u64) -> Result<RArray, Error> {
        convert::events(ruby, &this.0.events(after))
    }

    pub fn settings(ruby: &Ruby, this: &Self) -> Result<RHash, Error> {
        convert::settings(ruby, this.0.settings())
    }

    pub fn warnings(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        convert::texts(ruby, &this.0.settings().warnings)
    }
}
