//! Credentials of a program that the profile names (`credential_process`).
//!
//! Written here, because `CredentialProcessProvider` of aws-config 1.13.0 hands the command to
//! `sh -c`, sets no limit of time or output, and puts the program's stderr into its error.
//!
//! The command line is split as botocore splits it and no shell sees it. The program gets the
//! environment as it is when the fetch begins, no descriptor but 0 to 2, and a limit of time and of
//! output, past which it is killed.
//!
//! Where a reader waits in the foreground of a terminal, and outside of LegionIO, it may ask there, as
//! under the AWS CLI: it stays in our process group, and what it writes to stderr is seen. Otherwise it
//! has a session of its own, so that an attempt to ask fails at once, no input, and its stderr is
//! discarded. No message ever holds what it writes: it may be a secret.
//!
//! The format is that of the AWS SDKs and Tools Reference Guide, "Process credential provider".
//!
//! The application may reap the program (a `Process.wait` for any child, an ignored SIGCHLD). Then
//! its exit status is lost, and only the output decides. No signal handler is changed.

pub mod answer;
mod program;
mod running;
mod start;

pub(crate) use start::current_environment;
pub use start::{Programs, Start, Started, start_by};

use super::{
    context::{Context, Local},
    source::{Availability, Provided},
};
use crate::{
    credentials::{Credentials, Secret},
    environment::{Environment, ProgramEnvironment},
    failure::{Failure, Kind},
    task::own_thread::{self, NotRun},
    util::shell_words,
};
use program::Program;
use running::{Exit, OUTPUT_LIMIT, Running, Stopped};
use std::{
    ffi::{OsStr, OsString},
    iter,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The longest limit, so that adding it to an `Instant` cannot overflow.
const LONGEST_LIMIT: Duration = Duration::from_hours(24);

/// Names the profiles for which a program runs, the outermost first, one a line, so that a program
/// that reads profiles itself can detect that it was started for the one it is about to read.
pub const MARKER: &str = "LEX_IDENTITY_AWS_PROFILE";

/// The exit status of this gem's own program when it detects such a loop.
const LOOP_STATUS: i32 = 6;
const OUR_PROGRAM: &str = "lex-identity-aws";

pub(super) async fn provide(
    context: &Context<'_>,
    command: &Secret,
    account_id: Option<&str>,
    profile: &str,
) -> Result<Provided, Failure> {
    // A program may take longer than the network, but not longer than the caller's cap.
    let (settings, deadline) = (context.settings, context.deadline);
    let most = match settings.deadline_cap {
        Some(cap) => whole_tenths(cap.saturating_sub(deadline.took())),
        None => Duration::MAX,
    };
    let limit = settings.process_timeout.value.min(most);
    let environment = environment(context, profile)?;
    let command = command.clone();
    let on_terminal =
        context.is_awaited && settings.deadline_cap.is_none() && start::is_in_foreground();
    let run = own_thread::run(context.gate, None, move || {
        run_with(command.expose(), limit, &environment, on_terminal)
    });
    let _paused = deadline.pause_for_program();
    let mut credentials = run.await.map_err(not_run)??;
    credentials.account_id = credentials
        .account_id
        .or_else(|| account_id.map(str::to_owned));
    Ok(credentials.into())
}

fn not_run(why: NotRun) -> Failure {
    match why {
        NotRun::NoThread(error) => Failure::no_credentials(
            format!(
                "The credential_process cannot be run: the system gives no thread for it ({error})."
            ),
            "Check the limit on threads (ulimit -u).",
        ),
        NotRun::Panicked => Failure::internal(
            "The thread that ran credential_process ended early.",
            "Report it; the next request works.",
        ),
    }
}

/// Looks for the program, without running it.
pub(super) fn check(local: &Local<'_>, command: &Secret) -> Availability {
    let path = local.environment.get("PATH").map(OsStr::new);
    let found = parsed(command.expose()).and_then(|(program, _)| {
        program
            .find(path)
            .map_err(|unfound| unfound.failure(&program))
    });
    match found {
        Ok(path) => Availability::Available(format!("{} can be run", path.display())),
        Err(failure) => Availability::Unusable(failure),
    }
}

/// Rounds a limit down for messages, so that the result does not exceed the limit.
fn whole_tenths(time: Duration) -> Duration {
    let tenths = u64::try_from(time.as_millis() / 100).unwrap_or(u64::MAX / 100);
    Duration::from_millis(tenths * 100)
}

/// The variables of a program that runs for `profile`.
fn environment(context: &Context<'_>, profile: &str) -> Result<ProgramEnvironment, Failure> {
    let of_session = context.local.environment;
    let marker = marked(of_session.get(MARKER), profile)?;
    let current = context.current_environment.cloned();
    Ok(current
        .unwrap_or_else(|| of_session.into())
        .with(MARKER, marker))
}

/// The marker of a program that runs for `profile` below those that `names` says.
fn marked(names: Option<&str>, profile: &str) -> Result<String, Failure> {
    let mut names: Vec<&str> = names.iter().flat_map(|names| names.lines()).collect();
    if names.contains(&profile) {
        return Err(looped(&format!(
            "The credential_process of the profile {profile:?}"
        )));
    }
    names.push(profile);
    Ok(names.join("\n"))
}

fn looped(program: &str) -> Failure {
    Failure::new(
        Kind::ProcessLoop,
        format!("{program} reads the very profile it belongs to, without end."),
        "Give its command --profile with another profile, one that has credentials.",
    )
}

/// Runs `command` and reads the credentials it prints, without a terminal. Blocks the thread for at
/// most `limit`, and half a second more until a killed program has exited.
///
/// The program sees `environment` and no other variable; its `PATH` is where it is looked for.
/// A command that cannot be started is a configuration failure, one past `limit` a time-out, one
/// that fails or prints anything but credentials a failure without credentials.
pub fn run(
    command: &str,
    limit: Duration,
    environment: &Environment,
) -> Result<Credentials, Failure> {
    run_with(command, limit, &environment.into(), false)
}

fn run_with(
    command: &str,
    limit: Duration,
    environment: &ProgramEnvironment,
    on_terminal: bool,
) -> Result<Credentials, Failure> {
    let deadline = Instant::now() + limit.min(LONGEST_LIMIT);
    let (program, arguments) = parsed(command)?;
    // An absolute path: the standard library would fork to search for any other.
    let path = program
        .find(environment.get("PATH"))
        .map_err(|unfound| unfound.failure(&program))?;
    let arguments: Vec<OsString> = iter::once(program.0.clone())
        .chain(arguments)
        .map(OsString::from)
        .collect();
    let mut running = Running::start(&Start {
        path: &path,
        arguments: &arguments,
        environment,
        on_terminal,
    })
    .map_err(|error| program::unstarted(&program, &path, &error))?;
    match running.finish(deadline) {
        Ok(exit) => judged(&program, exit, &running.output),
        Err(Stopped::Late) => Err(Failure::timeout(
            format!(
                "{program} gave no credentials within {} s and was killed.{}",
                limit.as_secs_f64(),
                if on_terminal {
                    ""
                } else {
                    " It has no terminal to ask on."
                }
            ),
            "Run it by hand to see what it waits for, or raise process_timeout. If it asks AWS itself, it may be with this very profile: give it another one.",
        )),
        Err(Stopped::TooMuch) => Err(Failure::no_credentials(
            format!("{program} printed more than {OUTPUT_LIMIT} bytes and was killed."),
            "It must print one JSON object with the credentials and nothing else.",
        )
        .answered()),
        Err(Stopped::Broken(error)) => Err(Failure::no_credentials(
            format!("{program} cannot be watched: {error}."),
            "Check the limit on open files (ulimit -n).",
        )),
    }
}

/// Where the program of `command` is, or would be if it is away; `None` if it is not on `PATH`.
pub(crate) fn program_path(command: &Secret, environment: &Environment) -> Option<PathBuf> {
    let (program, _) = parsed(command.expose()).ok()?;
    let found = program.find(environment.get("PATH").map(OsStr::new)).ok();
    found.or_else(|| {
        let is_path = program.0.contains('/');
        std::path::absolute(program.0).ok().filter(|_| is_path)
    })
}

fn parsed(command: &str) -> Result<(Program, Vec<String>), Failure> {
    let mut words = shell_words::split(command)
        .map_err(|why| {
            Failure::configuration(
                format!(
                    "The credential_process cannot be split into words: {}.",
                    why.as_str()
                ),
                "Check its quotes.",
            )
        })?
        .into_iter();
    match words.next() {
        Some(program) if !program.is_empty() => Ok((Program(program), words.collect())),
        _ => Err(Failure::configuration(
            "The credential_process names no program.",
            "Write a command after it, or remove the line.",
        )),
    }
}

fn judged(program: &Program, exit: Exit, output: &[u8]) -> Result<Credentials, Failure> {
    if let Exit::With(status) = exit
        && !status.success()
    {
        if status.code() == Some(LOOP_STATUS) && Path::new(&program.0).ends_with(OUR_PROGRAM) {
            return Err(looped(&program.to_string()));
        }
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with status {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => "failed".into(),
        };
        return Err(Failure::no_credentials(
            format!("{program} {how}."),
            "Run it by hand to see why: its error output may hold secrets and is no part of this message.",
        )
        .answered());
    }
    answer::read(output).map_err(|what| {
        Failure::no_credentials(
            format!("{program} {what}."),
            "It must print {\"Version\": 1, \"AccessKeyId\": ..., \"SecretAccessKey\": ...}, with SessionToken and Expiration if they are temporary.",
        )
        .answered()
    })
}

#[cfg(test)]
mod tests;
