//! How a program is started: the binding starts it with what the standard library has no safe call for.

use crate::environment::ProgramEnvironment;
use rustix::{process::Pid, termios};
use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// A program to start.
pub struct Start<'a> {
    pub path: &'a Path,
    /// The name it is told to have, and its arguments.
    pub arguments: &'a [OsString],
    pub environment: &'a ProgramEnvironment,
    /// Whether it may ask on the terminal. Then it stays in our process group and has our error output,
    /// and our input where that is a terminal. Otherwise it has neither, nor a controlling terminal, and
    /// leads a process group of its own.
    pub on_terminal: bool,
}

/// A program that has been started.
pub struct Started {
    pub pid: Pid,
    /// What it prints.
    pub output: OwnedFd,
}

impl Started {
    /// `pid` as the system gave it.
    pub fn new(pid: i32, output: OwnedFd) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { pid, output })
    }
}

/// Starts programs. None but 0 to 2 of our descriptors is passed on.
pub trait Programs: Send + Sync {
    fn start(&self, start: &Start<'_>) -> io::Result<Started>;
    /// The variables of this process, as they are now. The caller holds the lock under which they are changed.
    fn environment(&self) -> ProgramEnvironment;
}

static PROGRAMS: OnceLock<&'static dyn Programs> = OnceLock::new();

/// Has all programs started by `programs`; the first call counts.
pub fn start_by(programs: &'static dyn Programs) {
    let _ = PROGRAMS.set(programs);
}

/// The variables of this process, as they are now; `None` before [`start_by`].
pub(crate) fn current_environment() -> Option<ProgramEnvironment> {
    PROGRAMS.get().map(|programs| programs.environment())
}

/// Starts a program. By the standard library where no other way was given: then it has a process group
/// of its own and still our terminal.
pub(super) fn start(start: &Start<'_>) -> io::Result<Started> {
    if let Some(programs) = PROGRAMS.get() {
        return programs.start(start);
    }
    let mut command = Command::new(start.path);
    if let Some((name, arguments)) = start.arguments.split_first() {
        command.arg0(name).args(arguments);
    }
    let mut child = command
        .env_clear()
        .envs(start.environment.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Started::new(child.id().cast_signed(), output.into())
}

/// True if this process is in the foreground of its terminal, so that it can be answered there.
pub(super) fn is_in_foreground() -> bool {
    let terminal = rustix::fs::open(
        "/dev/tty",
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    );
    terminal
        .and_then(termios::tcgetpgrp)
        .is_ok_and(|group| group == rustix::process::getpgrp())
}
