//! Work with files on a thread of its own: a file system may hang, and then stops that thread alone.

use super::{
    deadline::Deadline,
    fetch_task::FetchTask,
    fork_gate::{PausedGuard, SharedGate},
};
use crate::failure::{Failure, Kind};
use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

/// How long a command that reads files is waited for.
pub const LIMIT: Duration = Duration::from_secs(10);

const REMEDY: &str = "Check for a file system that hangs, such as that of the home folder.";

/// The most of these tasks at once in a process. More would mean that a file system hangs.
const MOST: u32 = 128;

static RUNNING: Running = Running(AtomicU64::new(0));

/// Starts `job`, which calls nothing but the file system. After `limit` its waiters abandon it. It takes no permit of
/// the gate: those that hang must not keep fetches from their own.
pub fn spawn<T: Send + Sync + 'static>(
    gate: SharedGate,
    limit: Duration,
    job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<Arc<FetchTask<T>>, Failure> {
    let place = RUNNING.place().ok_or_else(too_many)?;
    FetchTask::start(
        false,
        gate,
        None,
        Deadline::new(limit, None),
        move |_| async move {
            let _place = place;
            // A fork need not wait for it: it holds no lock, and a child gets no copy of this thread.
            let _paused = PausedGuard::begin(gate);
            job()
        },
    )
}

/// The outcome of a task that has completed, or that its waiters have abandoned.
pub fn outcome<T>(task: &FetchTask<T>) -> Result<&T, Failure> {
    match task.outcome() {
        Some(Ok(done)) => Ok(done),
        Some(Err(failure)) if failure.kind != Kind::Timeout => Err(failure.clone()),
        _ => Err(Failure::timeout(
            format!(
                "The files could not be read or changed within {} s; a change that has begun may go on.",
                task.limit().as_secs_f64()
            ),
            REMEDY,
        )),
    }
}

fn too_many() -> Failure {
    Failure::timeout(
        format!("{MOST} reads and changes of files have not ended in this process."),
        REMEDY,
    )
}

/// How many tasks run in the low half, and in the high half the process they run in: a forked child inherits the
/// number without the threads.
struct Running(AtomicU64);

impl Running {
    fn place(&'static self) -> Option<Place> {
        let process = u64::from(process::id()) << 32;
        let one_more = |all: u64| {
            let running = if all & !u64::from(u32::MAX) == process {
                all
            } else {
                process
            };
            (running < process + u64::from(MOST)).then_some(running + 1)
        };
        let taken = self.0.fetch_update(SeqCst, SeqCst, one_more);
        taken.ok().map(|_| Place(self))
    }
}

/// Counts as one of the tasks until it is dropped, by the thread of the task.
struct Place(&'static Running);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{
        fetch_task::Woken,
        fork_gate::{ForkGate, NoFork},
    };
    use std::{sync::atomic::AtomicBool, thread, time::Instant};

    /// Has all its permits taken.
    #[derive(Debug)]
    struct Full;

    impl ForkGate for Full {
        fn resume(&self) {}
        fn pause(&self) {}
        fn admit(&self) -> bool {
            false
        }
        fn release(&self) {
            panic!("it has given no permit");
        }
    }

    fn ended<T: Send + Sync + 'static>(
        limit: Duration,
        job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> (Arc<FetchTask<T>>, Woken) {
        let task = spawn(&NoFork, limit, job).unwrap();
        let woken = task.wait(&AtomicBool::new(false));
        (task, woken)
    }

    #[test]
    fn gives_what_its_job_gives() {
        let (task, woken) = ended(LIMIT, || Ok(5));
        assert_eq!((outcome(&task), woken), (Ok(&5), Woken::Completed));
        let refused = Failure::configuration("a", "b");
        let (task, _) = ended::<()>(LIMIT, move || Err(refused));
        assert_eq!(outcome(&task).unwrap_err().kind, Kind::Configuration);
    }

    #[test]
    fn a_file_system_that_hangs_is_given_up() {
        let start = Instant::now();
        let (task, woken) = ended(Duration::from_millis(10), || {
            thread::sleep(Duration::from_secs(5));
            Ok(())
        });
        assert_eq!(woken, Woken::Abandoned);
        let failure = outcome(&task).unwrap_err();
        assert_eq!(failure.kind, Kind::Timeout);
        assert!(failure.message().contains("within 0.01 s"), "{failure}");
        assert!(start.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn takes_no_permit_of_a_fetch() {
        let task = spawn(&Full, LIMIT, || Ok(5)).unwrap();
        assert_eq!(task.wait(&AtomicBool::new(false)), Woken::Completed);
        assert_eq!(outcome(&task), Ok(&5));
        let fetch = FetchTask::spawn(&Full, Deadline::new(LIMIT, None), async |_| Ok(5));
        assert!(fetch.is_err_and(|failure| failure.cause.contains("128")));
    }

    #[test]
    fn has_a_bound_of_its_own_which_a_child_begins_anew() {
        static OURS: Running = Running(AtomicU64::new(0));
        static INHERITED: Running = Running(AtomicU64::new(0xffff_ffff << 32 | MOST as u64));
        let mut places: Vec<Place> = (0..MOST).filter_map(|_| OURS.place()).collect();
        assert_eq!(places.len(), 128);
        assert!(OURS.place().is_none() && too_many().cause.starts_with("128 reads"));
        places.pop();
        places.extend(OURS.place());
        assert!(places.len() == 128 && OURS.place().is_none());
        drop(places);
        assert!(OURS.place().is_some() && INHERITED.place().is_some());
    }
}
