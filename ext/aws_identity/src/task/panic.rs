//! A panic becomes a failure that says where, and its message is not printed, since it could hold a
//! secret.

use crate::failure::{Failure, Kind};
use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

/// The name of the threads that run fetches.
pub const THREAD: &str = "aws-identity";

static EVERYWHERE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static LAST_PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Hides the messages of panics in every thread, not only in those that run fetches.
///
/// The hook belongs to the standard library that this crate is linked with: a Ruby extension has
/// its own copy, while in a Rust program it is the program's.
pub fn hide_messages_everywhere() {
    EVERYWHERE.store(true, SeqCst);
    hide_messages();
}

pub(crate) fn hide_messages() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !EVERYWHERE.load(SeqCst) && thread::current().name() != Some(THREAD) {
                return before(info);
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            LAST_PLACE.with_borrow_mut(|last| *last = place);
        }));
    });
}

/// Runs `job`; a panic in it becomes a failure.
pub fn caught<T>(job: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(job)).map_err(|_| {
        let place = LAST_PLACE.with_borrow(Clone::clone);
        Failure::new(
            Kind::Internal,
            format!("A defect in lex-identity-aws or the AWS SDK ended this request ({place})."),
            "Please report it; the next request works.",
        )
    })
}
