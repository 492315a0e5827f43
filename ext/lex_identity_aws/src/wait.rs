//! A Ruby thread waits for a flight with the GVL released.
//!
//! The plain release with an unblock function, called inside `protect`, in a loop: an exception
//! that Ruby throws into the waiting thread becomes an `Err` here and never jumps over a Rust frame.

use aws_identity::task::fetch_task::{FetchTask, Heed, Woken};
use magnus::Error;
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

/// Ruby before 3.3 has no thread of its own for signals. It calls the unblock function for one only
/// if the main thread is the sole one; else it counts on the wait ending with the system call, and
/// a condition variable's does not. So the main thread looks up this often.
const GLANCE: Duration = if cfg!(ruby_lt_3_3) {
    Duration::from_millis(50)
} else {
    Duration::MAX
};

struct Wait<'a, T> {
    task: &'a FetchTask<T>,
    heed: Heed,
    /// After so long Ruby is to look for signals.
    glance: Duration,
    interrupted: AtomicBool,
    /// Written by the waiting thread alone, while it is inside `sleep`.
    woken: Mutex<Woken>,
}

/// Waits until `task` has completed, is lost, or something has happened that `heed` names.
///
/// `Err` is Ruby's own: a raise, kill or time-out that arrived meanwhile. The task goes on for the
/// others. A trap handler that ran and returned is not an end: the wait goes on.
pub fn wait<T>(task: &FetchTask<T>, heed: Heed) -> Result<Woken, Error> {
    let wait = Wait {
        task,
        heed,
        glance: if is_main_thread() {
            GLANCE
        } else {
            Duration::MAX
        },
        interrupted: AtomicBool::new(false),
        woken: Mutex::new(Woken::Interrupted),
    };
    let data = from_ref(&wait).cast_mut().cast::<c_void>();
    loop {
        // SAFETY: `wait` outlives the call, and Ruby clears the unblock function before it returns
        // or jumps. The closure owns nothing with a destructor, so a jump out of it skips none.
        magnus::rb_sys::protect(|| unsafe {
            rb_sys::rb_thread_call_without_gvl(Some(sleep::<T>), data, Some(unblock::<T>), data);
            rb_sys::Qnil.into()
        })?;
        match *wait.woken.lock().unwrap_or_else(PoisonError::into_inner) {
            Woken::Interrupted => {} // Ruby ran what it had to and raised nothing
            woken => return Ok(woken),
        }
    }
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
            .wait_at_most(&wait.interrupted, wait.glance, wait.heed)
    }));
    *wait.woken.lock().unwrap_or_else(PoisonError::into_inner) = woken.unwrap_or(Woken::Abandoned);
    null_mut()
}

/// Called by another thread, with or without the GVL, while the waiter sleeps.
unsafe extern "C" fn unblock<T>(data: *mut c_void) {
    // SAFETY: as above; only the flight's condition variable and an atomic are touched.
    let wait = unsafe { &*data.cast::<Wait<'_, T>>() };
    let nudged = catch_unwind(AssertUnwindSafe(|| wait.task.nudge(&wait.interrupted)));
    if nudged.is_err() {
        wait.interrupted.store(true, SeqCst);
    }
}
