//! A program at work: its output, its end, and its process group.

use super::answer;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, kill_process_group},
};
use std::{
    io::{self, Read as _},
    process::{Child, ChildStdout, ExitStatus},
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Credentials are a few kilobytes; what prints more is something else.
pub(super) const OUTPUT_LIMIT: usize = 64 * 1024;

/// The longest pause between two looks at a program that neither prints nor ends.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How long a killed program may take to be gone.
const REAP_LIMIT: Duration = Duration::from_millis(500);

/// A program at work. Unless it ends regularly, its process group is killed.
pub(super) struct Running {
    child: Child,
    output_pipe: Option<ChildStdout>,
    pub(super) output: Zeroizing<Vec<u8>>,
    ended: Option<Ended>,
    regular: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Ended {
    With(ExitStatus),
    /// The application reaped it.
    Unknown,
}

/// Why it was killed.
pub(super) enum Stopped {
    Late,
    TooMuch,
    Broken(io::Error),
}

impl Running {
    pub(super) fn new(mut child: Child) -> Self {
        Self {
            output_pipe: child.stdout.take(),
            child,
            // Never grows: growing would leave copies of secrets behind.
            output: Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT + 1)),
            ended: None,
            regular: false,
        }
    }

    /// Reads until the output is closed and the program gone.
    ///
    /// Something the program left behind may hold the output open (a daemon it started). So once
    /// the program is gone, a failed status or good credentials are enough.
    pub(super) fn finish(&mut self, deadline: Instant) -> Result<Ended, Stopped> {
        let mut pause = Duration::from_millis(1);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Stopped::Late);
            }
            let read = self.read(pause.min(left))?;
            if self.output.len() > OUTPUT_LIMIT {
                return Err(Stopped::TooMuch);
            }
            if read {
                continue;
            }
            if let Some(ended) = self.look().map_err(Stopped::Broken)?
                && (self.output_pipe.is_none() || ended.badly() || self.has_credentials())
                // What it printed last may have come between the reading and its end.
                && !self.read(Duration::ZERO)?
            {
                self.regular = true;
                return Ok(ended);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads once, if within `pause` there is something to read; false if there is nothing.
    fn read(&mut self, pause: Duration) -> Result<bool, Stopped> {
        let Some(pipe) = &mut self.output_pipe else {
            thread::sleep(pause);
            return Ok(false);
        };
        if !readable(pipe, pause).map_err(Stopped::Broken)? {
            return Ok(false);
        }
        let room = OUTPUT_LIMIT + 1 - self.output.len();
        let mut chunk = Zeroizing::new([0; 4096]);
        let size = room.min(chunk.len());
        match pipe.read(&mut chunk[..size]) {
            Ok(0) => {
                self.output_pipe = None;
                Ok(false)
            }
            Ok(count) => {
                self.output.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(Stopped::Broken(error)),
        }
    }

    fn look(&mut self) -> io::Result<Option<Ended>> {
        if self.ended.is_none() {
            self.ended = match self.child.try_wait() {
                Ok(status) => status.map(Ended::With),
                Err(error) if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) => {
                    Some(Ended::Unknown)
                }
                Err(error) => return Err(error),
            };
        }
        Ok(self.ended)
    }

    fn has_credentials(&self) -> bool {
        answer::read(&self.output).is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.regular {
            return;
        }
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // It fails where the group is gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let deadline = Instant::now() + REAP_LIMIT;
        while matches!(self.look(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Ended {
    fn badly(self) -> bool {
        matches!(self, Self::With(status) if !status.success())
    }
}

fn readable(pipe: &ChildStdout, within: Duration) -> io::Result<bool> {
    let limit = Timespec {
        tv_sec: within.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: within.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&limit)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
