//! `Native::Session`: the methods Ruby calls. It holds no Ruby value, so it needs no GC marking.

use crate::{
    convert,
    error::{self, guard},
    fork::GATE,
    wait::{has_scheduler, wait, wait_at_most},
};
use aws_identity::{
    config::{Inherited, Settings},
    session::{Fetch, LOOK_LIMIT, Purpose, Response, Rounds, Session as Core, Step, TokenStep},
    task::fetch_task::{Heed, Woken},
    tokens::identity_token_request,
};
use magnus::{Error, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value, value::ReprValue};
use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// As [`LOOK_LIMIT`], where the wait stops the other fibers of a scheduler.
const SCHEDULER_LOOK_LIMIT: Duration = Duration::from_millis(5);

#[magnus::wrap(
    class = "Legion::Extensions::Identity::Aws::Internal::Native::Session",
    free_immediately,
    size
)]
pub struct Session {
    core: Core,
    /// For a session on top of this one.
    inherited: Inherited,
    /// By a token that Ruby makes before a reader begins.
    readers: Mutex<HashMap<u64, Reader>>,
}

/// A Ruby thread that has begun a fetch, or joined one, and has not left yet.
struct Reader {
    purpose: Purpose,
    task: Arc<Fetch>,
    /// How many changes of the task's question it has seen.
    seen: u64,
    rounds: Rounds,
}

impl Session {
    /// `given`: the layers, and as `inherited` the session that this one is on top of.
    pub fn new(ruby: &Ruby, given: RHash) -> Result<Self, Error> {
        guard(ruby, || {
            let mut layers = convert::layers(ruby, given)?;
            let below: Option<Value> = given.get(ruby.to_symbol("inherited"));
            if let Some(below) = below.filter(|below| !below.is_nil()) {
                <&Self>::try_convert(below)?.inherited.add_to(&mut layers);
            }
            let inherited = Inherited::of(&layers);
            let settings = error::checked(ruby, Settings::new(layers))?;
            Ok(Self {
                inherited,
                core: Core::new(settings, &GATE),
                readers: Mutex::default(),
            })
        })
    }

    pub fn serial(ruby: &Ruby, this: &Self) -> Result<Option<u64>, Error> {
        this.read(ruby, Purpose::Credentials)
    }

    pub fn identity_serial(ruby: &Ruby, this: &Self) -> Result<Option<u64>, Error> {
        this.read(ruby, Purpose::Identity)
    }

    /// The serial of the credentials or identity to use now. `None` if the fetch may ask the
    /// application something, or if a wait here would stop a fiber scheduler: then Ruby calls
    /// [`Self::start`].
    fn read(&self, ruby: &Ruby, purpose: Purpose) -> Result<Option<u64>, Error> {
        guard(ruby, || {
            self.look()?;
            let mut rounds = Rounds::default();
            loop {
                let task = match error::checked(ruby, self.core.begin(purpose, None))? {
                    Step::Ready(serial) => return Ok(Some(serial)),
                    Step::Helper { .. } => return Ok(None),
                    Step::Wait(_) if self.core.has_callbacks() || has_scheduler() => {
                        return Ok(None);
                    }
                    Step::Wait(task) => task,
                };
                wait(&task, Heed::default())?;
                if let Some(outcome) = self.core.finish(purpose, &task, &mut rounds) {
                    return error::checked(ruby, outcome).map(Some);
                }
                // The parent process runs it, or its outcome is of no use here, so begin another.
            }
        })
    }

    /// Begins what `purpose` needs, for the reader with this token. `helper`: whether a helper
    /// thread runs; nil if the caller has not tried to start one.
    ///
    /// Returns the serial to use now, or for a prefetch whether it has begun; nil if the reader has
    /// to `wait`. A Symbol says that nothing has begun because the fetch needs a helper thread:
    /// `:helper` if the reader will wait for the fetch, `:quiet` if it will not.
    pub fn start(
        ruby: &Ruby,
        this: &Self,
        token: u64,
        purpose: Symbol,
        helper: Option<bool>,
    ) -> Result<Value, Error> {
        guard(ruby, || {
            let purpose = convert::purpose(ruby, purpose)?;
            this.look()?;
            this.begin(ruby, token, purpose, helper, Rounds::default())
        })
    }

    /// Looks whether the files of the last fetch have changed, if that is due.
    fn look(&self) -> Result<(), Error> {
        match self.core.look() {
            Some(look) if has_scheduler() => wait_at_most(&look, SCHEDULER_LOOK_LIMIT),
            Some(look) => wait_at_most(&look, LOOK_LIMIT),
            None => Ok(()),
        }
    }

    /// How often a file that a fetch had read was found changed, after a look if one is due.
    pub fn file_changes(ruby: &Ruby, this: &Self) -> Result<u64, Error> {
        guard(ruby, || {
            this.look()?;
            Ok(this.core.file_changes())
        })
    }

    fn begin(
        &self,
        ruby: &Ruby,
        token: u64,
        purpose: Purpose,
        helper: Option<bool>,
        rounds: Rounds,
    ) -> Result<Value, Error> {
        let task = match error::checked(ruby, self.core.begin(purpose, helper))? {
            Step::Ready(started) if purpose == Purpose::Prefetch => {
                match self.core.in_flight().filter(|_| started != 0) {
                    Some(task) if self.core.settings().token_provider => task,
                    _ => return Ok(ruby.into_value(started != 0)),
                }
            }
            Step::Ready(serial) => return Ok(ruby.into_value(serial)),
            Step::Helper { waits } => {
                let wanted = if waits { "helper" } else { "quiet" };
                return Ok(ruby.to_symbol(wanted).as_value());
            }
            Step::Wait(task) => task,
        };
        let reader = Reader {
            purpose,
            task,
            seen: 0,
            rounds,
        };
        forget_foreign(self.readers().insert(token, reader));
        Ok(ruby.qnil().as_value())
    }

    /// Waits for the fetch of the reader with this token, who may take questions of these kinds.
    ///
    /// Returns as [`Self::start`], or a Hash: a question that the reader has to `answer` now. A
    /// prefetch waits only until the task waits for the network or for an answer.
    pub fn wait(ruby: &Ruby, this: &Self, token: u64, takes: RArray) -> Result<Value, Error> {
        guard(ruby, || {
            let takes = convert::takes(ruby, takes)?;
            loop {
                let (purpose, task, seen, mut rounds) = match this.readers().get(&token) {
                    Some(reader) => {
                        let task = Arc::clone(&reader.task);
                        (reader.purpose, task, reader.seen, reader.rounds)
                    }
                    None => return Ok(ruby.into_value(0)),
                };
                let heed = Heed {
                    questions_after: Some(seen),
                    parked: purpose == Purpose::Prefetch,
                };
                match wait(&task, heed)? {
                    Woken::Parked => return Ok(ruby.into_value(true)),
                    Woken::Asked => match this.core.respond(purpose, &task, token, takes) {
                        Response::Ask(asked, limit) => {
                            return Ok(convert::question(ruby, &asked, limit)?.as_value());
                        }
                        Response::Serve(serial) => return Ok(ruby.into_value(serial)),
                        Response::Refuse(failure) => return Err(error::raise(ruby, &failure)),
                        Response::Wait(seen) => {
                            if let Some(reader) = this.readers().get_mut(&token) {
                                reader.seen = seen;
                            }
                        }
                    },
                    Woken::Completed | Woken::Abandoned | Woken::Interrupted => {
                        match this.core.finish(purpose, &task, &mut rounds) {
                            Some(Ok(_)) if purpose == Purpose::Prefetch => {
                                return Ok(ruby.into_value(true));
                            }
                            Some(Ok(serial)) => return Ok(ruby.into_value(serial)),
                            Some(Err(failure)) => {
                                return Err(error::of_question(
                                    ruby,
                                    &failure,
                                    task.failed_question(),
                                ));
                            }
                            // The parent process runs it, or its outcome is of no use here, so
                            // begin another.
                            None => {
                                let step = this.begin(ruby, token, purpose, None, rounds)?;
                                if !step.is_nil() {
                                    return Ok(step);
                                }
                            }
                        }
                    }
                }
            }
        })
    }

    /// Answers the question that the reader with this token took, with a Hash of its kind or a
    /// String that says why there is none. A late answer goes to the next fetch, which the reader
    /// then joins.
    pub fn answer(ruby: &Ruby, this: &Self, token: u64, answer: Value) -> Result<(), Error> {
        guard(ruby, || {
            let answer = convert::answer(ruby, answer)?;
            let reader = this
                .readers()
                .get(&token)
                .map(|reader| (reader.purpose, Arc::clone(&reader.task)));
            if let Some((purpose, task)) = reader
                && let Some(next) = this.core.answer(purpose, &task, token, answer)
                && let Some(reader) = this.readers().get_mut(&token)
            {
                (reader.task, reader.seen) = (next, 0);
            }
            Ok(())
        })
    }

    /// The reader with this token waits no more. A question that it took and has not answered may
    /// be taken by another. Does nothing a second time.
    pub fn leave(ruby: &Ruby, this: &Self, token: u64) -> Result<(), Error> {
        guard(ruby, || {
            let reader = this.readers().remove(&token);
            if let Some(reader) = &reader {
                reader.task.give_back(token);
                if reader.purpose == Purpose::Help {
                    reader.task.lose_helper();
                }
            }
            forget_foreign(reader);
            Ok(())
        })
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<u64, Reader>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn held(ruby: &Ruby, this: &Self) -> Result<Option<RHash>, Error> {
        guard(ruby, || {
            this.core
                .held()
                .map(|held| convert::held(ruby, &held))
                .transpose()
        })
    }

    pub fn known(ruby: &Ruby, this: &Self) -> Result<Option<RHash>, Error> {
        guard(ruby, || {
            this.core
                .known()
                .map(|(serial, identity)| convert::identity(ruby, serial, &identity))
                .transpose()
        })
    }

    /// A token of STS that says who this process is, from the words `audience`, `duration_seconds`,
    /// `signing_algorithm` and `tags`. Waits with the GVL released.
    pub fn identity_token(ruby: &Ruby, this: &Self, words: RHash) -> Result<RHash, Error> {
        guard(ruby, || {
            let words = convert::words(ruby, words)?;
            let request = error::checked(ruby, identity_token_request(&words))?;
            loop {
                let step = error::checked(ruby, this.core.identity_token(&request))?;
                let task = match step {
                    TokenStep::Ready(token) => return convert::token(ruby, &token),
                    TokenStep::Wait(task) => task,
                };
                wait(&task, Heed::default())?;
                if let Some(outcome) = this.core.finish_identity_token(&request, &task) {
                    return convert::token(ruby, &error::checked(ruby, outcome)?);
                }
                // The parent process runs it. A child drops it at the next look, so this ends.
            }
        })
    }

    /// A token of this kind with its words, signed with the held credentials.
    pub fn presigned(
        ruby: &Ruby,
        this: &Self,
        kind: RString,
        words: RHash,
        region: Option<RString>,
    ) -> Result<RHash, Error> {
        guard(ruby, || {
            let (kind, words) = (kind.to_string()?, convert::words(ruby, words)?);
            let region = region.map(RString::to_string).transpose()?;
            let token = this.core.presigned(&kind, &words, region.as_deref());
            convert::token(ruby, &error::checked(ruby, token)?)
        })
    }

    pub fn forget_identity(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        guard(ruby, || {
            this.core.forget_identity();
            Ok(())
        })
    }

    pub fn invalidate(ruby: &Ruby, this: &Self, access_key_id: RString) -> Result<bool, Error> {
        guard(ruby, || {
            let is_held = this.core.invalidate(&access_key_id.to_string()?);
            if let Some(removal) = this.core.removal() {
                wait(&removal, Heed::default())?;
            }
            Ok(is_held)
        })
    }

    pub fn needs_refresh(ruby: &Ruby, this: &Self) -> Result<bool, Error> {
        guard(ruby, || Ok(this.core.needs_refresh()))
    }

    pub fn due_in(ruby: &Ruby, this: &Self) -> Result<Option<f64>, Error> {
        guard(ruby, || Ok(this.core.due_in().map(convert::seconds)))
    }

    /// Waits for the fetch in flight, if there is one, unless the fetch waits for an answer.
    pub fn wait_for_fetch(ruby: &Ruby, this: &Self) -> Result<bool, Error> {
        guard(ruby, || match this.core.in_flight() {
            Some(task) => {
                let heed = Heed {
                    questions_after: Some(0),
                    parked: false,
                };
                Ok(wait(&task, heed)? == Woken::Completed)
            }
            None => Ok(false),
        })
    }

    pub fn set_web_identity_token(ruby: &Ruby, this: &Self, token: RString) -> Result<(), Error> {
        guard(ruby, || {
            let token = convert::secret(token.as_value())?;
            error::checked(ruby, this.core.set_web_identity_token(token))
        })
    }

    pub fn attempts(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        guard(ruby, || convert::attempts(ruby, &this.core.attempts()))
    }

    pub fn counters(ruby: &Ruby, this: &Self) -> Result<RHash, Error> {
        guard(ruby, || convert::counters(ruby, &this.core.tally()))
    }

    pub fn events(ruby: &Ruby, this: &Self, after: u64) -> Result<RArray, Error> {
        guard(ruby, || convert::events(ruby, &this.core.events(after)))
    }

    pub fn settings(ruby: &Ruby, this: &Self) -> Result<RHash, Error> {
        guard(ruby, || convert::settings(ruby, this.core.settings()))
    }

    pub fn warnings(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        guard(ruby, || convert::texts(ruby, &this.core.warnings()))
    }
}

/// Leaks a reader of a task that the parent process runs: its locks may stay locked for ever.
fn forget_foreign(reader: Option<Reader>) {
    if let Some(reader) = reader.filter(|reader| !reader.task.is_ours()) {
        mem::forget(reader);
    }
}
