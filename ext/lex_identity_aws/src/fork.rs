//! The gate before a fork: a fork, and the end of the process, wait briefly until no fetch is running code.
//!
//! It uses no lock, so a forked child cannot inherit one that is locked.

use crate::spawn::checked;
use aws_identity::task::fork_gate::ForkGate;
use libc::{c_void, pthread_key_t};
use std::{
    cell::Cell,
    io, ptr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a fork waits for fetches that run code. A child that inherits a lock of theirs held, or a static half made,
/// can fetch nothing; on a machine that is short of CPU a fetch of some milliseconds takes a hundred times as long.
const CODE_LIMIT: Duration = Duration::from_secs(2);
/// The same where all of them look up a name or read the shared files, since a fetch was last seen to run code. What takes
/// longer waits for the network, during which the C library holds no lock. Ruby run as root forks for `system` too, so each
/// `system` is delayed by this much then.
const OUTSIDE_LIMIT: Duration = Duration::from_millis(250);
const POLL_INTERVAL: Duration = Duration::from_micros(100);

/// The most fetches in flight, with four descriptors each. More would mean that fetches hang.
const MAX_ACTIVE: usize = 128;

static ACTIVE: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// Of those that run, the ones that wait for a name server or a file system.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
static FORKING: AtomicBool = AtomicBool::new(false);
/// The thread-local whose destructor counts a thread that ends as running no more.
static END: OnceLock<pthread_key_t> = OnceLock::new();
/// The C library calls the destructors of a thread in up to four rounds. Those of AWS-LC run in the first,
/// those of Rust in the second at the latest.
const LAST_ROUND: usize = 3;
/// The handlers are registered: a library that is loaded twice must not count its threads twice.
static WATCHED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// A fetch's thread that forks to run a program must not wait for itself.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug)]
pub struct ProcessForkGate;

pub static GATE: ProcessForkGate = ProcessForkGate;

impl ForkGate for ProcessForkGate {
    fn resume(&self) {
        loop {
            RUNNING.fetch_add(1, SeqCst);
            if !FORKING.load(SeqCst) {
                return OWN.set(OWN.get() + 1);
            }
            RUNNING.fetch_sub(1, SeqCst);
            sleep(POLL_INTERVAL);
        }
    }

    fn pause(&self) {
        OWN.set(OWN.get().saturating_sub(1));
        RUNNING.fetch_sub(1, SeqCst);
    }

    fn begin_outside(&self) {
        OUTSIDE.fetch_add(1, SeqCst);
    }

    fn end_outside(&self) {
        OUTSIDE.fetch_sub(1, SeqCst);
    }

    fn end(&self) {
        end_after(1);
    }

    fn admit(&self) -> bool {
        let fits = ACTIVE.fetch_add(1, SeqCst) < MAX_ACTIVE;
        if !fits {
            ACTIVE.fetch_sub(1, SeqCst);
        }
        fits
    }

    fn release(&self) {
        ACTIVE.fetch_sub(1, SeqCst);
    }
}

/// Registers the gate with the C library, once.
pub fn watch() -> io::Result<()> {
    if WATCHED.swap(true, SeqCst) {
        return Ok(());
    }
    let mut key = 0;
    // SAFETY: the call writes the key, and the library is never unloaded: Ruby does not close extensions.
    checked(unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) })?;
    let _ = END.set(key); // once, as WATCHED says
    // SAFETY: the handlers use atomics, a const thread-local and sleep, and the library is never unloaded.
    checked(unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) })?;
    // Where the process exits, C libraries take their state down, that of AWS-LC too. A fetch that ran
    // code meanwhile would end the process with a signal, so from here on none does.
    // SAFETY: as above.
    if unsafe { libc::atexit(prepare) } == 0 {
        Ok(())
    } else {
        Err(io::Error::other("atexit has no room"))
    }
}

/// Counts this thread as running until the destructors of [`LAST_ROUND`]; the next round is `round`.
fn end_after(round: usize) {
    let is_noted = END.get().is_some_and(|key| {
        // SAFETY: the key is never deleted, and the value is a number, not an address.
        unsafe { libc::pthread_setspecific(*key, ptr::without_provenance(round)) == 0 }
    });
    if !is_noted {
        GATE.pause();
    }
}

extern "C" fn ended(round: *mut c_void) {
    match round.addr() {
        LAST_ROUND.. => GATE.pause(),
        round => end_after(round + 1),
    }
}

extern "C" fn prepare() {
    FORKING.store(true, SeqCst);
    let began = Instant::now();
    let mut in_code = began; // when a fetch was last seen to run code
    loop {
        let running = RUNNING.load(SeqCst).saturating_sub(OWN.get());
        if running == 0 {
            return;
        }
        if running > OUTSIDE.load(SeqCst) {
            in_code = Instant::now();
        }
        if in_code.elapsed() >= OUTSIDE_LIMIT || began.elapsed() >= CODE_LIMIT {
            return;
        }
        sleep(POLL_INTERVAL);
    }
}

extern "C" fn parent() {
    FORKING.store(false, SeqCst);
}

extern "C" fn child() {
    ACTIVE.store(0, SeqCst);
    RUNNING.store(OWN.get(), SeqCst);
    OUTSIDE.store(0, SeqCst);
    FORKING.store(false, SeqCst);
}
