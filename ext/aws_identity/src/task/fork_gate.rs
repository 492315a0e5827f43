//! The gate before a fork, as this crate sees it.
//!
//! A forked child inherits every lock as it was, without the threads that would release them. The
//! AWS SDK and the C library hold static locks while they run, so a fork has to wait until no fetch
//! is running code. The binding implements the wait; here it is a trait.

use std::fmt::Debug;

/// Counts the threads of fetches that run code, and the fetches in flight.
pub trait ForkGate: Debug + Send + Sync {
    /// This thread is about to run code; waits while a fork is in progress.
    fn resume(&self);
    /// This thread is about to sleep.
    fn pause(&self);
    /// This thread, which counts as running, is about to wait for a name server or a file system, which may hang.
    fn begin_outside(&self) {}
    /// It has waited.
    fn end_outside(&self) {}
    /// This thread is about to exit, and runs code until its thread-locals are dropped: AWS-LC takes a
    /// static lock to drop its own.
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

/// Counts the thread, which runs code, as waiting for a name server or a file system for as long as this lives.
pub struct OutsideGuard(SharedGate);

impl OutsideGuard {
    pub fn begin(gate: SharedGate) -> Self {
        gate.begin_outside();
        Self(gate)
    }
}

impl Drop for OutsideGuard {
    fn drop(&mut self) {
        self.0.end_outside();
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
