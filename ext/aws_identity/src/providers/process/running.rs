//! A running program: its output, its exit, and its process group.

use super::{
    answer,
    start::{Start, Started, start},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid},
};
use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Credentials are a few kilobytes; a program that prints more prints no credentials.
pub(super) const OUTPUT_LIMIT: usize = 64 * 1024;

/// The longest pause between two checks of a program that neither prints nor exits.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How long a killed program may take to exit.
const REAP_LIMIT: Duration = Duration::from_millis(500);

/// A running program. It is killed unless it exits within its limits, and its process group with it,
/// if that is its own.
pub(super) struct Running {
    pid: Pid,
    leads_group: bool,
    output_pipe: Option<File>,
    pub(super) output: Zeroizing<Vec<u8>>,
    exit: Option<Exit>,
    regular: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Exit {
    With(ExitStatus),
    /// The application reaped it, so its status is lost.
    Unknown,
}

/// Why the program was killed.
pub(super) enum Stopped {
    Late,
    TooMuch,
    Broken(io::Error),
}

impl Running {
    pub(super) fn start(program: &Start<'_>) -> io::Result<Self> {
        let Started { pid, output } = start(program)?;
        Ok(Self {
            pid,
            leads_group: !program.on_terminal,
            output_pipe: Some(output.into()),
            // It never grows, because growing would leave copies of secrets in freed memory.
            output: Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT + 1)),
            exit: None,
            regular: false,
        })
    }

    /// Reads until the output is closed and the program has exited.
    ///
    /// A daemon that the program started may keep the output open, so once the program has exited,
    /// a failed status or good credentials are enough.
    pub(super) fn finish(&mut self, deadline: Instant) -> Result<Exit, Stopped> {
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
            if let Some(exit) = self.look().map_err(Stopped::Broken)?
                && (self.output_pipe.is_none() || exit.badly() || self.has_credentials())
                // The program may have printed something between the last read and its exit.
                && !self.read(Duration::ZERO)?
            {
                self.regular = true;
                return Ok(exit);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads once, if there is output within `pause`; false if there is none.
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

    fn look(&mut self) -> io::Result<Option<Exit>> {
        if self.exit.is_none() {
            self.exit = match waitpid(Some(self.pid), WaitOptions::NOHANG) {
                Ok(status) => {
                    status.map(|(_, status)| Exit::With(ExitStatus::from_raw(status.as_raw())))
                }
                Err(Errno::CHILD) => Some(Exit::Unknown),
                Err(Errno::INTR) => None,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(self.exit)
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
        // Either fails if there is nothing left to kill.
        if self.leads_group {
            let _ = kill_process_group(self.pid, Signal::KILL);
        } else if matches!(self.look(), Ok(None)) {
            let _ = kill_process(self.pid, Signal::KILL);
        }
        let deadline = Instant::now() + REAP_LIMIT;
        while matches!(self.look(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Exit {
    fn badly(self) -> bool {
        matches!(self, Self::With(status) if !status.success())
    }
}

fn readable(pipe: &File, within: Duration) -> io::Result<bool> {
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
