//! Starts the program of a `credential_process`.
//!
//! The standard library cannot give a program a session of its own but by code that runs between fork
//! and exec, and a fork would run the application's fork handlers. `posix_spawn` can.
#![allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)] // of flags, on one system or another

use aws_identity::{
    environment::ProgramEnvironment,
    providers::process::{Programs, Start, Started},
};
use libc::{c_char, c_int, c_short};
use std::{
    env,
    ffi::{CString, OsStr},
    fs,
    io::{self, IsTerminal as _, pipe},
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    ptr,
};

pub struct PosixSpawn;

pub static PROGRAMS: PosixSpawn = PosixSpawn;

/// Flags as `posix_spawnattr_setflags` takes them; the type of libc's constants differs by system.
type Flags = c_short;

#[cfg(target_vendor = "apple")]
const SETSID: Flags = 0x0400; // POSIX_SPAWN_SETSID of <spawn.h>, which libc lacks
#[cfg(not(target_vendor = "apple"))]
const SETSID: Flags = libc::POSIX_SPAWN_SETSID as Flags;

/// Descriptors that the actions do not name are closed.
#[cfg(target_vendor = "apple")]
const CLOSES_OTHERS: Flags = libc::POSIX_SPAWN_CLOEXEC_DEFAULT as Flags;
#[cfg(not(target_vendor = "apple"))]
const CLOSES_OTHERS: Flags = 0;

impl Programs for PosixSpawn {
    fn start(&self, start: &Start<'_>) -> io::Result<Started> {
        let path = CString::new(start.path.as_os_str().as_bytes())?;
        let arguments = Strings::new(start.arguments.iter().map(|text| text.as_bytes().to_vec()))?;
        let variables = start.environment.variables();
        let variables = Strings::new(
            variables.map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()),
        )?;
        let (reader, writer) = pipe()?;
        // A duplicate is never 0 to 2, even where the application has closed those.
        let (reader, writer) = (
            OwnedFd::from(reader).try_clone()?,
            OwnedFd::from(writer).try_clone()?,
        );

        let mut actions = Actions::new()?;
        if start.on_terminal && io::stdin().is_terminal() {
            actions.duplicate(0, 0)?;
        } else {
            actions.open_null(0, libc::O_RDONLY)?;
        }
        actions.duplicate(writer.as_raw_fd(), 1)?;
        if start.on_terminal && io::stderr().is_terminal() {
            actions.duplicate(2, 2)?;
        } else {
            actions.open_null(2, libc::O_WRONLY)?;
        }
        for descriptor in inherited() {
            actions.close(descriptor)?;
        }
        let attributes = Attributes::new(!start.on_terminal)?;
        let mut pid = 0;
        // SAFETY: every pointer is to a value that lives until the call returns: both arrays end with a
        // null pointer and hold NUL-terminated texts that their owners keep, and actions and attributes
        // have been initialised.
        let error = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                path.as_ptr(),
                &raw const actions.0,
                &raw const attributes.0,
                arguments.pointers.as_ptr(),
                variables.pointers.as_ptr(),
            )
        };
        checked(error)?;
        Started::new(pid, reader)
    }

    fn environment(&self) -> ProgramEnvironment {
        ProgramEnvironment::new(env::vars_os())
    }
}

/// Texts as C wants them: an array of pointers that ends with null.
struct Strings {
    texts: Vec<CString>,
    pointers: Vec<*mut c_char>,
}

impl Strings {
    fn new(texts: impl Iterator<Item = Vec<u8>>) -> io::Result<Self> {
        let texts = texts.map(CString::new).collect::<Result<Vec<_>, _>>()?;
        let ends = [ptr::null_mut()];
        let pointers = texts
            .iter()
            .map(|text| text.as_ptr().cast_mut())
            .chain(ends)
            .collect();
        Ok(Self { texts, pointers })
    }
}

impl Drop for Strings {
    /// They may hold secrets.
    fn drop(&mut self) {
        for text in self.texts.drain(..) {
            let mut bytes = text.into_bytes();
            bytes.fill(0);
            std::hint::black_box(&bytes);
        }
    }
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: it initialises the value, unless it fails.
        checked(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: it is initialised.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn duplicate(&mut self, from: RawFd, to: RawFd) -> io::Result<()> {
        // SAFETY: the actions are initialised, and the numbers are only noted.
        checked(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
    }

    fn open_null(&mut self, to: RawFd, how: c_int) -> io::Result<()> {
        // SAFETY: the actions are initialised, and the path is a constant.
        checked(unsafe {
            libc::posix_spawn_file_actions_addopen(
                &raw mut self.0,
                to,
                c"/dev/null".as_ptr(),
                how,
                0,
            )
        })
    }

    fn close(&mut self, descriptor: RawFd) -> io::Result<()> {
        // SAFETY: the actions are initialised, and the number is only noted.
        checked(unsafe { libc::posix_spawn_file_actions_addclose(&raw mut self.0, descriptor) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: they are initialised, and not used again.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// As the standard library starts programs: no signal is blocked, and SIGPIPE is not ignored.
    fn new(own_session: bool) -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: it initialises the value, unless it fails.
        checked(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: it is initialised.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let mut signals = MaybeUninit::uninit();
        // SAFETY: the first call initialises the set, which the others read; the attributes are
        // initialised.
        unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            checked(libc::posix_spawnattr_setsigmask(
                &raw mut attributes.0,
                signals.as_ptr(),
            ))?;
            libc::sigaddset(signals.as_mut_ptr(), libc::SIGPIPE);
            checked(libc::posix_spawnattr_setsigdefault(
                &raw mut attributes.0,
                signals.as_ptr(),
            ))?;
        }
        if !own_session {
            attributes.set(0)?;
        } else if attributes.set(SETSID).is_err() {
            // glibc before 2.26 has process groups only; the group that is set is the program's own.
            attributes.set(libc::POSIX_SPAWN_SETPGROUP as Flags)?;
        }
        Ok(attributes)
    }

    fn set(&mut self, flags: Flags) -> io::Result<()> {
        let signals = (libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF) as Flags;
        let flags = flags | CLOSES_OTHERS | signals;
        // SAFETY: the attributes are initialised.
        checked(unsafe { libc::posix_spawnattr_setflags(&raw mut self.0, flags) })
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: they are initialised, and not used again.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

/// Our descriptors above 2 that a program would inherit. The application's own keep their flags.
fn inherited() -> Vec<RawFd> {
    if CLOSES_OTHERS != 0 {
        return Vec::new();
    }
    let Ok(listing) = fs::read_dir("/proc/self/fd").or_else(|_| fs::read_dir("/dev/fd")) else {
        return Vec::new();
    };
    let number = |name: &OsStr| name.to_str()?.parse::<RawFd>().ok();
    listing
        .flatten()
        .filter_map(|entry| number(&entry.file_name()))
        .filter(|descriptor| *descriptor > 2 && is_inherited(*descriptor))
        .collect()
}

fn is_inherited(descriptor: RawFd) -> bool {
    // SAFETY: it reads a flag; of a descriptor that is closed meanwhile it says so.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// The error of a C function that returns its number.
pub fn checked(error: c_int) -> io::Result<()> {
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}
