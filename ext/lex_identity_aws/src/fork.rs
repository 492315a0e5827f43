//! The gate before a fork: a fork, and the end of the process, wait briefly until no fetch is running code.
//!
//! It uses no lock, so a forked child cannot inherit one that is locked.
#![allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)] // a pthread_t is a number or a pointer, as wide as a usize

use crate::{outside, spawn::checked};
use aws_identity::task::fork_gate::{ForkGate, Outside};
use libc::pthread_t;
use std::{
    cell::Cell,
    io,
    os::unix::thread::JoinHandleExt as _,
    ptr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

/// How long a fork waits for fetches that run code. A child that inherits a lock of theirs held, or a static half made,
/// can fetch nothing; on a machine that is short of CPU a fetch of some milliseconds takes a hundred times as long.
const CODE_LIMIT: Duration = Duration::from_secs(2);
/// The same where all of them sleep in the look-up of a name or the reading of the shared files, since a fetch was last
/// seen to run code. Ruby run as root forks for `system` too, so each `system` is delayed by this much then.
const ASLEEP_LIMIT: Duration = Duration::from_millis(250);
const POLL_INTERVAL: Duration = Duration::from_micros(100);
/// The most that one poll counts for. Where the machine stops for longer, the fetches had no time either.
const POLL_LIMIT: Duration = Duration::from_millis(5);

/// The most fetches in flight, with four descriptors each. More would mean that fetches hang.
const MAX_ACTIVE: usize = 128;

static ACTIVE: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// How many threads fork now: a thread that the application started in C may fork beside Ruby's.
static FORKING: AtomicUsize = AtomicUsize::new(0);
/// The threads that have ended, or are about to without running more code of ours, and that nobody has joined; 0 is none.
static ENDED: [AtomicUsize; MAX_ACTIVE] = [const { AtomicUsize::new(0) }; MAX_ACTIVE];
/// How many threads join those.
static JOINING: AtomicUsize = AtomicUsize::new(0);
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
            while FORKING.load(SeqCst) > 0 {
                sleep(POLL_INTERVAL);
            }
            RUNNING.fetch_add(1, SeqCst);
            if FORKING.load(SeqCst) == 0 {
                return OWN.set(OWN.get() + 1);
            }
            RUNNING.fetch_sub(1, SeqCst); // a fork has begun meanwhile
        }
    }

    fn pause(&self) {
        OWN.set(OWN.get().saturating_sub(1));
        RUNNING.fetch_sub(1, SeqCst);
    }

    fn begin_outside(&self, outside: Outside) -> Option<usize> {
        outside::begin(outside)
    }

    fn end_outside(&self, place: Option<usize>) {
        outside::end(place);
        if FORKING.load(SeqCst) > 0 {
            // The fork may wait for this thread no longer, so it must not run on meanwhile.
            self.pause();
            self.resume();
        }
    }

    fn started(&self, thread: JoinHandle<()>) {
        let _ = thread.into_pthread_t(); // not detached: see end
    }

    fn end(&self) {
        join_ended();
        // SAFETY: the call has no conditions.
        let this = unsafe { libc::pthread_self() };
        let is_noted = ENDED.iter().any(|place| {
            place
                .compare_exchange(0, this as usize, SeqCst, SeqCst)
                .is_ok()
        });
        if !is_noted {
            // SAFETY: nobody joins this thread, since it is not noted.
            unsafe { libc::pthread_detach(this) };
        }
        self.pause();
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
    // SAFETY: the handlers use atomics, a const thread-local, files, sleep and threads that end, and the library is never unloaded.
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

/// Waits until the threads noted as ended have. They run destructors of thread-locals and clean up after the C library.
fn join_ended() {
    JOINING.fetch_add(1, SeqCst);
    for place in &ENDED {
        let thread = place.swap(0, SeqCst);
        if thread != 0 {
            // SAFETY: the thread is not detached, and the swap gave it to this caller alone.
            unsafe { libc::pthread_join(thread as pthread_t, ptr::null_mut()) };
        }
    }
    JOINING.fetch_sub(1, SeqCst);
}

extern "C" fn prepare() {
    FORKING.fetch_add(1, SeqCst);
    let mut waited = Duration::ZERO;
    let mut asleep = Duration::ZERO; // since a fetch was last seen to run code
    let mut last = Instant::now();
    loop {
        let running = RUNNING.load(SeqCst).saturating_sub(OWN.get());
        if running == 0 {
            break;
        }
        let poll = last.elapsed().min(POLL_LIMIT);
        last = Instant::now();
        waited += poll;
        asleep = if outside::asleep() < running {
            Duration::ZERO
        } else {
            asleep + poll
        };
        if asleep >= ASLEEP_LIMIT || waited >= CODE_LIMIT {
            break;
        }
        sleep(POLL_INTERVAL);
    }
    join_ended();
    while JOINING.load(SeqCst) > 0 {
        sleep(POLL_INTERVAL); // another thread, which forks too, joins the last of them
    }
}

extern "C" fn parent() {
    FORKING.fetch_sub(1, SeqCst);
}

extern "C" fn child() {
    ACTIVE.store(0, SeqCst);
    RUNNING.store(OWN.get(), SeqCst);
    outside::forget();
    JOINING.store(0, SeqCst);
    for place in &ENDED {
        place.store(0, SeqCst); // no thread of this process
    }
    FORKING.store(0, SeqCst);
}
