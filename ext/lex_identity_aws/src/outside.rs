//! The threads that look up a name or read the shared files, and which of them sleep.
//!
//! The C library holds a lock for parts of a look-up, but not while it sleeps until a name server answers. A thread that
//! is not asleep may hold it, however long it takes: it may be short of CPU, or wait for a disk.

use aws_identity::task::fork_gate::Outside;
use std::{
    fs,
    sync::atomic::{AtomicI32, Ordering::SeqCst},
};

/// Twice the fetches in flight, since look-ups that nobody awaits any more go on.
const PLACES: usize = 256;

const FREE: i32 = 0;
/// Counts as asleep whatever it does: a thread that reads files, and any where the system does not tell the states of threads.
const ALWAYS: i32 = i32::MAX;

/// The kernel's numbers of the threads.
static THREADS: [AtomicI32; PLACES] = [const { AtomicI32::new(FREE) }; PLACES];

/// Notes this thread; `None` where there is no place, and it counts as running code.
pub fn begin(outside: Outside) -> Option<usize> {
    let number = match outside {
        Outside::NameServer => own_number().unwrap_or(ALWAYS),
        Outside::Files => ALWAYS,
    };
    THREADS
        .iter()
        .position(|place| place.compare_exchange(FREE, number, SeqCst, SeqCst).is_ok())
}

pub fn end(place: Option<usize>) {
    if let Some(place) = place.and_then(|place| THREADS.get(place)) {
        place.store(FREE, SeqCst);
    }
}

/// How many of them sleep.
pub fn asleep() -> usize {
    let numbers = THREADS.iter().map(|place| place.load(SeqCst));
    numbers
        .filter(|number| *number != FREE && sleeps(*number))
        .count()
}

/// For a forked child, which has none of these threads.
pub fn forget() {
    for place in &THREADS {
        place.store(FREE, SeqCst);
    }
}

/// False in the state D too, of a thread that waits for a disk.
fn sleeps(number: i32) -> bool {
    if number == ALWAYS {
        return true;
    }
    // Where it cannot be read, without a descriptor left say, the limit for code would delay each fork for nothing.
    fs::read(format!("/proc/self/task/{number}/stat"))
        .map_or(true, |stat| state(&stat) == Some(b'S'))
}

/// The letter after the name, which stands in brackets and may hold any character.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn state(stat: &[u8]) -> Option<u8> {
    let bracket = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(bracket + 2).copied()
}

fn own_number() -> Option<i32> {
    let link = fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str()?.parse().ok()
}
