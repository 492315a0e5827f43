//! The local AWS as a program: prints one line of JSON when it is ready, and exits with its parent.

use fake_aws::{FakeAws, World};
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::error::Error;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::parent_id;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use std::{env, fs, process, thread};

const USAGE: &str = "usage: fake_aws [--world FILE.json]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake_aws: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (stop, stopped) = channel();
    // Comes first, so that an early exit of the parent is noticed.
    watch(stop)?;
    let Some(world) = world()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let fake = FakeAws::start(world)?;
    let ready = json!({
        "pid": process::id(),
        "http": fake.http_url(),
        "https": fake.https_url(),
        "proxy": fake.proxy_url(),
        "ca_bundle": fake.ca_bundle(),
    });
    let mut out = io::stdout();
    writeln!(out, "{ready}")?;
    out.flush()?;
    // An error would mean that every watcher is gone: the program exits then too.
    let _ = stopped.recv();
    Ok(())
}

/// The standard world with the file's changes; `None` for `--help`.
fn world() -> Result<Option<World>, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => Ok(Some(World::standard())),
        ["--world", path] => {
            let text = fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
            let changes: Value = serde_json::from_str(&text).map_err(|error| format!("{path} is not JSON: {error}"))?;
            let world = World::standard().merged(&changes).map_err(|error| format!("{path} is no world: {error}"))?;
            Ok(Some(world))
        }
        ["--help"] => Ok(None),
        _ => Err(USAGE.into()),
    }
}

/// Exits on a signal, when the parent closes its end of the pipe, or when the parent process changes: a forked
/// child of the parent may hold the pipe open, so the pipe alone is not enough.
fn watch(stop: Sender<()>) -> io::Result<()> {
    let parent = parent_id();
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let by_signal = stop.clone();
    thread::spawn(move || {
        let _ = signals.forever().next();
        let _ = by_signal.send(());
    });
    if stdin_is_pipe() {
        let by_pipe = stop.clone();
        thread::spawn(move || {
            let mut scratch = [0; 64];
            while matches!(io::stdin().read(&mut scratch), Ok(count) if count > 0) {}
            let _ = by_pipe.send(());
        });
    }
    thread::spawn(move || {
        while parent_id() == parent {
            thread::sleep(Duration::from_millis(100));
        }
        let _ = stop.send(());
    });
    Ok(())
}

fn stdin_is_pipe() -> bool {
    fs::metadata("/dev/stdin").is_ok_and(|stdin| stdin.file_type().is_fifo() || stdin.file_type().is_socket())
}
