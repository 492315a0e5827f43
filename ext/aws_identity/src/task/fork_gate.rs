//! The gate before a fork, as this crate sees it.
//!
//! A forked child inherits every lock as it was, without the threads that would release them. The
//! AWS SDK and the C library hold static locks while they run, so a fork has to wait until no fetch
//! is running code. The binding implements the wait; here it is a trait.

use std::{fmt::Debug, thread::JoinHandle};

/// What a thread waits for while it counts as running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The C library looks up a name. It holds locks while it does, but not while it sleeps until a name server answers.
    NameServer,
    /// Files are read, which holds no lock.
    Files,
}

/// Counts the threads of fetches that run code, and the fetches in flight.
pub trait ForkGate: Debug + Send + Sync {
    /// This thread is about to run code; waits while a fork is in progress.
    fn resume(&self);
    /// This thread is about to sleep.
    fn pause(&self);
    /// This thread, which counts as running, is about to wait for `outside`, which may hang. Returns what
    /// [`ForkGate::end_outside`] takes.
    fn begin_outside(&self, _outside: Outside) -> Option<usize> {
        None
    }
    /// It has waited; waits while a fork is in progress.
    fn end_outside(&self, _place: Option<usize>) {}
    /// The thread of a fetch was started; it ends by [`ForkGate::end`].
    fn started(&self, thread: JoinHandle<()>) {
        drop(thread); // detached
    }
    /// This thread, which [`ForkGate::started`] was given, is about to exit. It still takes static locks: AWS-LC to drop its
    /// thread-locals, and the C library after that, for what it keeps of a look-up by whichever thread.
    fn end(&self) {
        self.pause();
    }
    /// Asks to start one more fetch; false if too many are in flight.
    fn admit(&self) -> bool;
    /// An admitted fetch has completed, or waits for an answer.
    fn release(&self);
}

pub type SharedGate = &'static dyn ForkGate;

/// For programs that do not fork.
#[derive(Debug)]
pub struct NoFork;

impl ForkGate for NoFork {
    fn resume(&self) {}
    fn pause(&self) {}
    fn admit(&self) -> bool {
        true
    }
    fn release(&self) {}
}

/// Counts the thread as running, from [`ForkGate::resume`] until the thread has ended.
pub struct ThreadGuard(SharedGate);

impl ThreadGuard {
    pub fn begin(gate: SharedGate) -> Self {
        gate.resume();
        Self(gate)
    }
}

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Counts the thread as running for as long as this lives.
pub struct RunningGuard(SharedGate);

impl RunningGuard {
    pub fn begin(gate: SharedGate) -> Self {
        gate.resume();
        Self(gate)
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.0.pause();
    }
}

/// Counts the thread, which runs code, as waiting for something outside for as long as this lives.
pub struct OutsideGuard(SharedGate, Option<usize>);

impl OutsideGuard {
    pub fn begin(gate: SharedGate, outside: Outside) -> Self {
        Self(gate, gate.begin_outside(outside))
    }
}

impl Drop for OutsideGuard {
    fn drop(&mut self) {
        self.0.end_outside(self.1);
    }
}

/// Counts the thread, which runs code, as asleep for as long as this lives.
pub struct PausedGuard(SharedGate);

impl PausedGuard {
    pub fn begin(gate: SharedGate) -> Self {
        gate.pause();
        Self(gate)
    }
}

impl Drop for PausedGuard {
    fn drop(&mut self) {
        self.0.resume();
    }
}

/// The right to run a fetch, released when dropped.
pub struct Permit(SharedGate);

impl Permit {
    pub fn take(gate: SharedGate) -> Option<Self> {
        gate.admit().then(|| Self(gate))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.release();
    }
}
