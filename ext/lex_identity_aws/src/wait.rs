//! A Ruby thread waits for a fetch with the GVL released.
//!
//! `rb_thread_call_without_gvl` with an unblock function is called inside `protect`, in a loop: an
//! exception that Ruby raises in the waiting thread becomes an `Err` here and never unwinds a Rust
//! frame.

use crate::{error::checked, fork::GATE};
use aws_identity::{
    failure::Failure,
    task::{
        fetch_task::{FetchTask, Heed, Woken},
        file_task,
    },
};
use magnus::{Error, Ruby};
use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::{from_ref, null_mut},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

/// How often a waiting main thread lets Ruby check for signals. Ruby before 3.3 calls the unblock
/// function for a signal only if the main thread is the only one; otherwise it expects the signal
/// to interrupt a system call, which a wait on a condition variable does not report.
const SIGNAL_CHECK_INTERVAL: Duration = if cfg!(ruby_lt_3_3) {
    Duration::from_millis(50)
} else {
    Duration::MAX
};

struct Wait<'a, T> {
    task: &'a FetchTask<T>,
    heed: Heed,
    /// After this time Ruby checks for signals.
    limit: Duration,
    interrupted: AtomicBool,
    /// Written by the waiting thread alone, while it is inside `sleep`.
    woken: Mutex<Woken>,
}

/// Waits until `task` has completed or is abandoned, or until an event of `heed` happens.
///
/// `Err` is an exception of Ruby: a raise, kill or time-out in the waiting thread. The task goes on
/// for its other waiters. The wait also goes on after a trap handler has run and returned.
pub fn wait<T>(task: &FetchTask<T>, heed: Heed) -> Result<Woken, Error> {
    let limit = if is_main_thread() {
        SIGNAL_CHECK_INTERVAL
    } else {
        Duration::MAX
    };
    let wait = Wait::new(task, heed, limit);
    loop {
        match wait.once()? {
            Woken::Interrupted => {} // Ruby ran its pending interrupts and raised nothing
            woken => return Ok(woken),
        }
    }
}

/// The outcome of `job`, which works with files on a thread of its own while this one waits with the GVL released.
pub fn on_files<T: Send + Sync + 'static, R>(
    ruby: &Ruby,
    job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    convert: impl FnOnce(&T) -> Result<R, Error>,
) -> Result<R, Error> {
    let task = checked(ruby, file_task::spawn(&GATE, file_task::LIMIT, job))?;
    wait(&task, Heed::default())?;
    convert(checked(ruby, file_task::outcome(&task))?)
}

/// The same once, for at most `limit`; a signal may end the wait sooner.
pub fn wait_at_most<T>(task: &FetchTask<T>, limit: Duration) -> Result<(), Error> {
    Wait::new(task, Heed::default(), limit).once().map(|_| ())
}

impl<'a, T> Wait<'a, T> {
    fn new(task: &'a FetchTask<T>, heed: Heed, limit: Duration) -> Self {
        Self {
            task,
            heed,
            limit,
            interrupted: AtomicBool::new(false),
            woken: Mutex::new(Woken::Interrupted),
        }
    }

    /// Sleeps until the task, an event or a pending interrupt of Ruby wakes it.
    fn once(&self) -> Result<Woken, Error> {
        let data = from_ref(self).cast_mut().cast::<c_void>();
        // SAFETY: `self` outlives the call, and Ruby clears the unblock function before it returns
        // or jumps. The closure owns nothing with a destructor, so a jump out of it skips none.
        magnus::rb_sys::protect(|| unsafe {
            rb_sys::rb_thread_call_without_gvl(Some(sleep::<T>), data, Some(unblock::<T>), data);
            rb_sys::Qnil.into()
        })?;
        Ok(*self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// True if the current fiber belongs to a fiber scheduler: a wait here would stop the other fibers
/// of its thread, so Ruby waits on another thread.
pub fn has_scheduler() -> bool {
    // SAFETY: the caller is a Ruby thread with the GVL; the call only reads.
    let scheduler = unsafe { rb_sys::rb_fiber_scheduler_current() };
    let nil: rb_sys::VALUE = rb_sys::Qnil.into();
    scheduler != nil
}

fn is_main_thread() -> bool {
    // SAFETY: the caller of `wait` is a Ruby thread with the GVL; both calls only read.
    unsafe { rb_sys::rb_thread_current() == rb_sys::rb_thread_main() }
}

/// Runs without the GVL: no Ruby here, and no panic past this frame.
unsafe extern "C" fn sleep<T>(data: *mut c_void) -> *mut c_void {
    // SAFETY: `data` is the `Wait<T>` of the `wait` above, alive for the whole call.
    let wait = unsafe { &*data.cast::<Wait<'_, T>>() };
    let woken = catch_unwind(AssertUnwindSafe(|| {
        wait.task
            .wait_at_most(&wait.interrupted, wait.limit, wait.heed)
    }));
    *wait.woken.lock().unwrap_or_else(PoisonError::into_inner) = woken.unwrap_or(Woken::Abandoned);
    null_mut()
}

/// Called by another thread, with or without the GVL, while the waiter sleeps.
unsafe extern "C" fn unblock<T>(data: *mut c_void) {
    // SAFETY: as above; only the task's condition variable and an atomic are touched.
    let wait = unsafe { &*data.cast::<Wait<'_, T>>() };
    let nudged = catch_unwind(AssertUnwindSafe(|| wait.task.nudge(&wait.interrupted)));
    if nudged.is_err() {
        wait.interrupted.store(true, SeqCst);
    }
}
