//! The gate before a fork, as this crate sees it.
//!
//! A child inherits every lock as it was, and the threads that would release them are gone. The
//! AWS SDK and the C library hold static locks while they run, so whoever forks has to wait until
//! no flight is running code. What that takes is the binding's business; here it is a trait.

use std::fmt::Debug;

/// Told when a thread of ours runs code and when it sleeps.
pub trait ForkGate: Debug + Send + Sync {
    /// This thread runs code from now on; waits while a fork is in progress.
    fn resume(&self);
    /// This thread is about to sleep, or to end.
    fn pause(&self);
    /// Asks to start one more flight; false where too many are in the air.
    fn admit(&self) -> bool;
    /// A flight that was admitted has ended.
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

/// Counts the thread as running for as long as it lives.
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

/// The right to fly, given back when dropped.
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
