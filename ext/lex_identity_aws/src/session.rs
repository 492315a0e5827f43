//! `Native::Session`: the verbs Ruby calls. Holds no Ruby value and is frozen.

use crate::{convert, error::guard, fork::GATE, wait::wait};
use aws_identity::{
    config::Settings,
    credentials::Secret,
    failure::Failure,
    providers::CallbackAnswers,
    session::{Fetch, Purpose, Session as Core, Step},
};
use magnus::{Error, RArray, RHash, RString, Ruby, Symbol, Value, value::ReprValue};
use std::sync::Arc;

#[magnus::wrap(
    class = "Legion::Extensions::Identity::Aws::Internal::Native::Session",
    free_immediately,
    size
)]
pub struct Session(Core);

type Begin = fn(&Core) -> Result<Step, Failure>;
type Settle = fn(&Core, &Arc<Fetch>) -> Option<Result<u64, Failure>>;

impl Session {
    pub fn new(ruby: &Ruby, layers: RHash) -> Result<Self, Error> {
        guard(ruby, || {
            let layers = convert::layers(ruby, layers)?;
            let settings = convert::checked(ruby, Settings::new(layers))?;
            Ok(Self(Core::new(settings, &GATE)))
        })
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

    /// The serial of what is to be used now, or a Hash of what Ruby has to ask for first.
    fn read(&self, ruby: &Ruby, begin: Begin, settle: Settle) -> Result<Value, Error> {
        guard(ruby, || {
            loop {
                let task = match convert::checked(ruby, begin(&self.0))? {
                    Step::Ready(serial) => return Ok(ruby.into_value(serial)),
                    Step::Ask(needs) => return Ok(convert::needs(ruby, &needs)?.as_value()),
                    Step::Wait(task) => task,
                };
                wait(&task)?;
                if let Some(outcome) = settle(&self.0, &task) {
                    return Ok(ruby.into_value(convert::checked(ruby, outcome)?));
                }
                // Flown by the parent of this process, or not for us: fly our own.
            }
        })
    }

    pub fn prefetch(ruby: &Ruby, this: &Self) -> Result<Value, Error> {
        guard(ruby, || match convert::checked(ruby, this.0.prefetch())? {
            Step::Ask(needs) => Ok(convert::needs(ruby, &needs)?.as_value()),
            Step::Ready(started) => Ok(ruby.into_value(started != 0)),
            Step::Wait(_) => Ok(ruby.into_value(true)),
        })
    }

    /// Starts the flight that Ruby has supplies for. Answers as the verb does that asked for them.
    pub fn depart(
        ruby: &Ruby,
        this: &Self,
        answers: RHash,
        purpose: Symbol,
    ) -> Result<Value, Error> {
        guard(ruby, || {
            let purpose = convert::purpose(ruby, purpose)?;
            let answers: CallbackAnswers = convert::answers(ruby, answers)?;
            let (begin, settle): (Begin, Settle) = match purpose {
                Purpose::Credentials => (Core::credentials, Core::settle),
                Purpose::Identity => (Core::identity, Core::settle_identity),
                Purpose::Refresh => (Core::refresh, Core::settle_refresh),
                Purpose::Prefetch => {
                    let step = convert::checked(ruby, this.0.depart(answers, purpose))?;
                    return Ok(ruby.into_value(matches!(step, Step::Wait(_))));
                }
            };
            if let Step::Wait(task) = convert::checked(ruby, this.0.depart(answers, purpose))? {
                wait(&task)?;
                if let Some(outcome) = settle(&this.0, &task) {
                    return Ok(ruby.into_value(convert::checked(ruby, outcome)?));
                }
            }
            this.read(ruby, begin, settle)
        })
    }

    /// Ruby could not get what the flight needs. True where there is something to read all the same.
    pub fn ground(
        ruby: &Ruby,
        this: &Self,
        reason: RString,
        purpose: Symbol,
    ) -> Result<bool, Error> {
        guard(ruby, || {
            let purpose = convert::purpose(ruby, purpose)?;
            let failure = Failure::no_credentials(reason.to_string()?, "");
            Ok(this.0.ground(failure, purpose).is_ok())
        })
    }

    pub fn due(ruby: &Ruby, this: &Self) -> Result<Option<RHash>, Error> {
        guard(ruby, || {
            this.0
                .due()
                .map(|needs| convert::needs(ruby, &needs))
                .transpose()
        })
    }

    pub fn held(ruby: &Ruby, this: &Self) -> Result<Option<RHash>, Error> {
        guard(ruby, || {
            this.0
                .held()
                .map(|held| convert::held(ruby, &held))
                .transpose()
        })
    }

    pub fn meanwhile(ruby: &Ruby, this: &Self) -> Result<Option<u64>, Error> {
        guard(ruby, || Ok(this.0.meanwhile()))
    }

    pub fn known(ruby: &Ruby, this: &Self) -> Result<Option<RHash>, Error> {
        guard(ruby, || {
            this.0
                .known()
                .map(|(serial, identity)| convert::identity(ruby, serial, &identity))
                .transpose()
        })
    }

    pub fn forget_identity(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        guard(ruby, || {
            this.0.forget_identity();
            Ok(())
        })
    }

    pub fn invalidate(ruby: &Ruby, this: &Self, access_key_id: RString) -> Result<bool, Error> {
        guard(ruby, || Ok(this.0.invalidate(&access_key_id.to_string()?)))
    }

    pub fn needs_refresh(ruby: &Ruby, this: &Self) -> Result<bool, Error> {
        guard(ruby, || Ok(this.0.needs_refresh()))
    }

    pub fn due_in(ruby: &Ruby, this: &Self) -> Result<Option<f64>, Error> {
        guard(ruby, || Ok(this.0.due_in().map(convert::seconds)))
    }

    /// Waits for the flight in the air, if there is one.
    pub fn land(ruby: &Ruby, this: &Self) -> Result<bool, Error> {
        guard(ruby, || match this.0.in_flight() {
            Some(task) => wait(&task),
            None => Ok(false),
        })
    }

    pub fn set_web_identity_token(ruby: &Ruby, this: &Self, token: RString) -> Result<(), Error> {
        guard(ruby, || {
            let token = token.to_string()?;
            convert::checked(
                ruby,
                this.0.set_web_identity_token(Secret::new(token.trim())),
            )
        })
    }

    pub fn attempts(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        guard(ruby, || convert::attempts(ruby, &this.0.attempts()))
    }

    pub fn counters(ruby: &Ruby, this: &Self) -> Result<RHash, Error> {
        guard(ruby, || convert::counters(ruby, &this.0.tally()))
    }

    pub fn events(ruby: &Ruby, this: &Self, after: u64) -> Result<RArray, Error> {
        guard(ruby, || convert::events(ruby, &this.0.events(after)))
    }

    pub fn settings(ruby: &Ruby, this: &Self) -> Result<RHash, Error> {
        guard(ruby, || convert::settings(ruby, this.0.settings()))
    }

    pub fn warnings(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        guard(ruby, || convert::texts(ruby, &this.0.warnings()))
    }
}
