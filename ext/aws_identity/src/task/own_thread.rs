//! What blocks a thread, on a thread of its own whose end counts as running code.
//!
//! A thread takes a lock of the C library when it ends, after all its destructors, once any thread has looked up a name,
//! and a child that inherits this lock held can never look up a name again (glibc 2.36, `__res_thread_freeres`). So the
//! thread sleeps until the thread of the fetch, which counts as running, lets it end and waits for that. Those of tokio's
//! pool end unseen.

use super::{
    fork_gate::{Outside, OutsideGuard, PausedGuard, RunningGuard, SharedGate},
    panic,
};
use std::{
    cell::RefCell,
    io,
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;

/// The size in bytes of the stacks of our threads: ten times what a fetch of a release build was measured to use, and three
/// times what one of a debug build was. A stack overflow would kill the process without a message.
pub(super) const STACK: usize = 1 << 20;

thread_local! {
    /// Those of this thread that nobody awaits any more.
    static ABANDONED: RefCell<Vec<OwnThread>> = const { RefCell::new(Vec::new()) };
}

/// Why a job gave nothing.
#[derive(Debug)]
pub(crate) enum NotRun {
    NoThread(io::Error),
    Panicked,
}

/// Runs `job` on a thread of its own, which counts as running code where `waits_for` says what it may wait for meanwhile.
/// The thread has ended when this returns; where nobody awaits it any more, [`join_abandoned`] ends it.
pub(crate) async fn run<T: Send + 'static>(
    gate: SharedGate,
    waits_for: Option<Outside>,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NotRun> {
    let (send, received) = oneshot::channel();
    let (has_done, done) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let thread = thread::Builder::new()
        .name(panic::THREAD.into())
        .stack_size(STACK)
        .spawn(move || {
            let has_done = has_done; // dropped here also where the job panics
            let running = waits_for.map(|outside| {
                let running = RunningGuard::begin(gate);
                (OutsideGuard::begin(gate, outside), running)
            });
            let outcome = job();
            drop(running);
            drop(has_done);
            let _ = send.send(outcome);
            let _ = released.recv();
        })
        .map_err(NotRun::NoThread)?;
    let awaited = Awaited(Some(OwnThread {
        done,
        release,
        thread,
    }));
    let outcome = received.await;
    awaited.join();
    outcome.map_err(|_| NotRun::Panicked)
}

/// Ends the threads that this one abandoned, each as soon as its job is done. Until then this thread sleeps.
pub(super) fn join_abandoned(gate: SharedGate) {
    for abandoned in ABANDONED.take() {
        let asleep = PausedGuard::begin(gate);
        let _ = abandoned.done.recv();
        drop(asleep);
        abandoned.join();
    }
}

struct OwnThread {
    done: Receiver<()>,
    release: Sender<()>,
    thread: JoinHandle<()>,
}

impl OwnThread {
    fn join(self) {
        drop(self.release);
        let _ = self.thread.join(); // an error is a panic, which left no outcome
    }
}

/// Leaves the thread to [`join_abandoned`] where it is dropped before it is joined.
struct Awaited(Option<OwnThread>);

impl Awaited {
    fn join(mut self) {
        if let Some(thread) = self.0.take() {
            thread.join();
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            ABANDONED.with_borrow_mut(|abandoned| abandoned.push(thread));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fork_gate::NoFork;
    use std::{
        sync::atomic::{AtomicBool, Ordering::SeqCst},
        time::Duration,
    };
    use tokio::{runtime, time};

    /// Takes 50 ms to be dropped at the end of its thread.
    struct Slow(&'static AtomicBool);

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(50));
            self.0.store(true, SeqCst);
        }
    }

    thread_local!(static SLOW: RefCell<Option<Slow>> = const { RefCell::new(None) });

    const LONG: Duration = Duration::from_secs(10);

    /// What `future` gives within `limit`.
    fn run_for<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let bounded = async { time::timeout(limit, future).await };
        runtime.unwrap().block_on(bounded).ok()
    }

    #[test]
    fn the_thread_has_ended_when_its_answer_is_there() {
        static ENDED: AtomicBool = AtomicBool::new(false);
        let job = || {
            SLOW.set(Some(Slow(&ENDED)));
            7
        };
        let answer = run_for(LONG, run(&NoFork, Some(Outside::NameServer), job));
        assert_eq!(answer.unwrap().unwrap(), 7);
        assert!(ENDED.load(SeqCst));
    }

    #[test]
    fn a_thread_that_is_not_awaited_any_more_ends_when_it_is_joined() {
        static ENDED: AtomicBool = AtomicBool::new(false);
        let (finish, finished) = mpsc::channel::<()>();
        let (done, has_done) = mpsc::channel();
        let job = move || {
            SLOW.set(Some(Slow(&ENDED)));
            let _ = finished.recv();
            let _ = done.send(());
        };
        assert!(run_for(Duration::from_millis(100), run(&NoFork, None, job)).is_none());
        drop(finish);
        has_done.recv_timeout(LONG).unwrap();
        thread::sleep(Duration::from_millis(200)); // four times what its end takes, if nothing holds it
        assert!(!ENDED.load(SeqCst));
        join_abandoned(&NoFork);
        assert!(ENDED.load(SeqCst));
    }

    #[test]
    fn a_panic_of_the_thread_is_an_error() {
        let outcome = run_for(LONG, run::<()>(&NoFork, None, || panic!("in a job")));
        assert!(matches!(outcome, Some(Err(NotRun::Panicked))));
    }
}
