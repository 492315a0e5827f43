//! The time a fetch task may take.

use crate::failure::Failure;
use std::{
    future::poll_fn,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};
use tokio::time::{self, sleep};

/// How long past its deadline a task may be before its waiters abandon it: a job that blocks its
/// thread also stops the runtime's timer, so it cannot report the timeout itself.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// A budget for the network that is paused while the task waits for a program it runs or for the
/// answer to a question.
#[derive(Debug)]
pub struct Deadline {
    start: Instant,
    limit: Duration,
    /// The most that everything may take together, pauses included.
    cap: Option<Duration>,
    pauses: Mutex<Pauses>,
}

#[derive(Debug, Default)]
struct Pauses {
    /// When the current pause began, and whether it is for an answer.
    current: Option<(Instant, bool)>,
    all: Duration,
    for_answers: Duration,
}

impl Pauses {
    fn all(&self) -> Duration {
        let current = self.current.map_or(Duration::ZERO, |(at, _)| at.elapsed());
        self.all + current
    }

    fn for_answers(&self) -> Duration {
        let current = self.current.filter(|(_, is_for_answer)| *is_for_answer);
        self.for_answers + current.map_or(Duration::ZERO, |(at, _)| at.elapsed())
    }
}

/// The budget runs again when this is dropped.
#[derive(Debug)]
pub struct Pause<'a>(&'a Deadline);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut pauses = self.0.pauses();
        if let Some((at, is_for_answer)) = pauses.current.take() {
            let took = at.elapsed();
            pauses.all += took;
            if is_for_answer {
                pauses.for_answers += took;
            }
        }
    }
}

impl Deadline {
    #[must_use]
    pub fn new(limit: Duration, cap: Option<Duration>) -> Self {
        Self {
            start: Instant::now(),
            limit,
            cap,
            pauses: Mutex::default(),
        }
    }

    /// Pauses the budget while a program runs. Pauses do not nest: only the job itself pauses.
    pub fn pause_for_program(&self) -> Pause<'_> {
        self.pause(false)
    }

    /// Pauses the budget while a question is open; [`Self::took`] leaves this time out too.
    pub fn pause_for_answer(&self) -> Pause<'_> {
        self.pause(true)
    }

    fn pause(&self, is_for_answer: bool) -> Pause<'_> {
        self.pauses().current = Some((Instant::now(), is_for_answer));
        Pause(self)
    }

    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// The time left; zero past the deadline.
    #[must_use]
    pub fn left(&self) -> Duration {
        let of_limit = self.limit.saturating_sub(self.elapsed());
        of_limit.min(self.left_of_cap())
    }

    fn left_of_cap(&self) -> Duration {
        self.cap.map_or(Duration::MAX, |cap| {
            cap.saturating_sub(self.start.elapsed())
        })
    }

    /// How much of the budget is used.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let paused = self.pauses().all();
        self.start.elapsed().saturating_sub(paused)
    }

    /// How long it has taken, without the time for answers.
    #[must_use]
    pub fn took(&self) -> Duration {
        let asked = self.pauses().for_answers();
        self.start.elapsed().saturating_sub(asked)
    }

    /// The output of `job`, or `None` if it takes longer than the deadline, pauses left out.
    pub async fn bound<J: Future>(&self, job: J) -> Option<J::Output> {
        self.bound_within(Duration::MAX, job).await
    }

    /// The same for at most `limit` from now on.
    pub async fn bound_within<J: Future>(&self, limit: Duration, job: J) -> Option<J::Output> {
        let end = self.elapsed().saturating_add(limit);
        let mut job = pin!(job);
        let mut timer = pin!(sleep(Duration::ZERO));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = job.as_mut().poll(context) {
                return Poll::Ready(Some(outcome));
            }
            loop {
                // The end of a pause wakes the job, and this is polled with it.
                let left = if self.is_paused() {
                    self.left_of_cap()
                } else {
                    self.left().min(end.saturating_sub(self.elapsed()))
                };
                if left == Duration::MAX {
                    return Poll::Pending;
                }
                if left.is_zero() {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(time::Instant::now() + left);
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// The failure of a job that took too long.
    #[must_use]
    pub fn overdue(&self) -> Failure {
        let limit = self.cap.map_or(self.limit, |cap| cap.min(self.limit));
        Failure::timeout(
            format!(
                "No answer within {} s (resolve_timeout).",
                limit.as_secs_f64()
            ),
            "Check the network and proxy, or raise resolve_timeout.",
        )
    }

    pub(super) fn is_abandoned(&self) -> bool {
        let is_past = |limit: Duration, used: Duration| used >= limit.saturating_add(GRACE);
        is_past(self.limit, self.elapsed())
            || self
                .cap
                .is_some_and(|cap| is_past(cap, self.start.elapsed()))
    }

    /// How long the waiters could have abandoned the task.
    pub(super) fn abandoned_since(&self) -> Duration {
        let of_limit = self.elapsed().saturating_sub(self.limit);
        let of_cap = self.cap.map_or(Duration::ZERO, |cap| {
            self.start.elapsed().saturating_sub(cap)
        });
        of_limit.max(of_cap).saturating_sub(GRACE)
    }

    fn is_paused(&self) -> bool {
        self.pauses().current.is_some()
    }

    fn pauses(&self) -> MutexGuard<'_, Pauses> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    const QUICK: Duration = Duration::from_millis(200);
    const SLACK: Duration = Duration::from_millis(150);

    fn run<J: Future>(job: J) -> J::Output {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(job)
    }

    #[test]
    fn a_pause_stops_the_budget_and_its_end_resumes_it() {
        let deadline = Deadline::new(QUICK, None);
        let start = Instant::now();
        let outcome = run(deadline.bound(async {
            let pause = deadline.pause_for_program();
            sleep(QUICK * 3).await;
            drop(pause);
            sleep(QUICK * 10).await;
        }));
        assert_eq!(outcome, None);
        let took = start.elapsed();
        assert!(took >= QUICK * 4 && took < QUICK * 8, "{took:?}");
    }

    #[test]
    fn a_limit_of_one_check_leaves_pauses_out_too() {
        let deadline = Deadline::new(Duration::from_secs(5), None);
        let start = Instant::now();
        let outcome = run(deadline.bound_within(QUICK, async {
            let pause = deadline.pause_for_answer();
            sleep(QUICK * 3).await;
            drop(pause);
            sleep(QUICK * 10).await;
        }));
        assert_eq!(outcome, None);
        let took = start.elapsed();
        assert!(took >= QUICK * 4 && took < QUICK * 8, "{took:?}");
    }

    #[test]
    fn a_cap_counts_pauses_too() {
        let deadline = Deadline::new(QUICK, Some(QUICK * 2));
        let start = Instant::now();
        let outcome = run(deadline.bound(async {
            let _pause = deadline.pause_for_answer();
            sleep(QUICK * 20).await;
        }));
        assert_eq!(outcome, None);
        assert!(start.elapsed() < QUICK * 6, "{:?}", start.elapsed());
    }

    #[test]
    fn only_the_time_for_answers_is_left_out_of_what_is_reported() {
        let deadline = Deadline::new(Duration::from_secs(5), None);
        let pause = deadline.pause_for_program();
        std::thread::sleep(QUICK);
        drop(pause);
        assert!(deadline.took() >= QUICK && deadline.elapsed() < SLACK);
        let pause = deadline.pause_for_answer();
        std::thread::sleep(QUICK);
        assert!(deadline.took() < QUICK + SLACK && deadline.elapsed() < SLACK);
        drop(pause);
        assert!(deadline.took() < QUICK + SLACK && deadline.elapsed() < SLACK);
    }

    #[test]
    fn waiters_do_not_abandon_a_paused_task() {
        let deadline = Deadline::new(Duration::ZERO, None);
        let pause = deadline.pause_for_answer();
        std::thread::sleep(GRACE + SLACK);
        assert!(!deadline.is_abandoned());
        drop(pause);
        std::thread::sleep(GRACE + SLACK);
        assert!(deadline.is_abandoned());
    }
}
