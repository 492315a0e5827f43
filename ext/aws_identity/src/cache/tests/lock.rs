//! Which caller fetches, in one process and in several.

use super::*;
use std::io::Write as _;

/// Runs a future whose waits are over when they are awaited.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits for something else than its sleeps"),
    }
}

fn wait_for_lock(cache: &CacheDir, key: &CacheKey, deadline: Duration) -> LockOutcome {
    let sleep = |pause| {
        thread::sleep(pause);
        ready(())
    };
    let attempt = run(cache.lock(key, deadline, || NOW, |_| true, sleep));
    assert_eq!(attempt.warning, None);
    attempt.lock
}

#[test]
fn one_fetches_and_the_others_take_its_credentials() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let LockOutcome::Acquired(guard) = cache.try_lock(&plain(), NOW, |_| true).lock else {
        panic!("no other caller holds the lock");
    };
    assert!(matches!(
        cache.try_lock(&plain(), NOW, |_| true).lock,
        LockOutcome::Busy
    ));
    let other = key(|r| r.options.external_id = Some(Secret::new("other")));
    assert!(matches!(
        cache.try_lock(&other, NOW, |_| true).lock,
        LockOutcome::Acquired(_)
    ));
    cache
        .write(&plain(), &credentials("ASIAONE", NOW + HOUR), NOW)
        .unwrap();
    // The entry counts before the lock is released.
    assert!(matches!(
        cache.try_lock(&plain(), NOW, |_| true).lock,
        LockOutcome::Cached(_)
    ));
    drop(guard);
    let LockOutcome::Cached(found) = wait_for_lock(&cache, &plain(), Duration::from_secs(4)) else {
        panic!("it is in the cache");
    };
    assert_eq!(found.access_key_id, "ASIAONE");
}

#[test]
fn unwanted_credentials_are_fetched_anew() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    cache
        .write(&plain(), &credentials("ASIAREFUSED", NOW + HOUR), NOW)
        .unwrap();
    let wanted = |found: &Credentials| found.access_key_id != "ASIAREFUSED";
    assert!(matches!(
        cache.try_lock(&plain(), NOW, wanted).lock,
        LockOutcome::Acquired(_)
    ));
}

#[test]
fn credentials_written_before_the_lock_was_released_are_taken() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    cache
        .write(&plain(), &credentials("ASIAOLD", NOW + HOUR), NOW)
        .unwrap();
    // The first look finds the old credentials; the new ones are written before the second.
    let wanted = |found: &Credentials| {
        cache
            .write(&plain(), &credentials("ASIANEW", NOW + HOUR), NOW)
            .unwrap();
        found.access_key_id == "ASIANEW"
    };
    let lock = cache.try_lock(&plain(), NOW, wanted).lock;
    assert!(
        matches!(&lock, LockOutcome::Cached(found) if found.access_key_id == "ASIANEW"),
        "{lock:?}"
    );
    // The lock is free again.
    assert!(matches!(
        cache.try_lock(&plain(), NOW, |_| false).lock,
        LockOutcome::Acquired(_)
    ));
}

#[test]
fn a_holder_that_fails_lets_the_next_one_try() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let first = cache.try_lock(&plain(), NOW, |_| true);
    assert!(matches!(first.lock, LockOutcome::Acquired(_)));
    thread::scope(|scope| {
        let next = scope.spawn(|| wait_for_lock(&cache, &plain(), Duration::from_secs(20)));
        thread::sleep(Duration::from_millis(30));
        drop(first);
        assert!(matches!(next.join().unwrap(), LockOutcome::Acquired(_)));
    });
}

#[test]
fn the_wait_for_the_lock_stops_at_half_the_deadline() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let _held = cache.try_lock(&plain(), NOW, |_| true);
    let start = Instant::now();
    let lock = wait_for_lock(&cache, &plain(), Duration::from_secs(3));
    assert!(matches!(lock, LockOutcome::Unavailable), "{lock:?}");
    let waited = start.elapsed();
    assert!((1500..3000).contains(&waited.as_millis()), "{waited:?}");
}

#[test]
fn without_a_lock_it_fetches_alone_with_a_warning() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let lock = cache.path.join(format!("{}.lock", plain().name()));
    symlink("/nowhere", &lock).unwrap();
    let attempt = cache.try_lock(&plain(), NOW, |_| true);
    assert!(
        matches!(attempt.lock, LockOutcome::Unavailable),
        "{attempt:?}"
    );
    assert!(attempt.warning.unwrap().to_string().contains("lock"));
}

#[test]
fn a_refused_file_is_a_warning_and_does_not_stop_the_fetch() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let path = file_of(&cache, plain().name());
    fs::write(&path, cli_file("ASIACLI", "2026-01-02T04:04:05UTC")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let attempt = cache.try_lock(&plain(), NOW, |_| true);
    assert!(
        matches!(attempt.lock, LockOutcome::Acquired(_)),
        "{attempt:?}"
    );
    assert!(
        attempt
            .warning
            .unwrap()
            .to_string()
            .contains("group or others")
    );
}

#[test]
fn the_lock_is_released_although_a_child_has_a_copy() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let LockOutcome::Acquired(guard) = cache.try_lock(&plain(), NOW, |_| true).lock else {
        panic!("no other caller holds the lock");
    };
    let mut child = inherit_lock(&guard);
    drop(guard);
    let lock = cache.try_lock(&plain(), NOW, |_| true).lock;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(lock, LockOutcome::Acquired(_)), "{lock:?}");
}

const PART: &str = "LEX_CACHE_TEST_PART";
const PLACE: &str = "LEX_CACHE_TEST_PLACE";

/// A child that holds the lock as one forked by the holder does: through the same open file.
fn inherit_lock(guard: &LockGuard) -> Child {
    let copy = guard.file.try_clone().unwrap();
    Command::new("sleep")
        .arg("5")
        .stdin(copy)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// This program again, as another process with the task that `PART` names.
struct Part {
    child: Child,
    said: String,
    /// Kept open: a program that cannot print fails.
    _output: BufReader<ChildStdout>,
}

impl Part {
    /// Returns when the process has printed its line.
    fn new(part: &str, scratch: &Scratch) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "cache::tests::lock::runs_as_another_process",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(PART, part)
            .env(PLACE, &scratch.0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let said = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("says ").map(str::to_owned));
        Self {
            child,
            said: said.unwrap_or_default(),
            _output: output,
        }
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
#[ignore = "the other processes of the tests below"]
fn runs_as_another_process() {
    let scratch = std::mem::ManuallyDrop::new(Scratch(std::env::var_os(PLACE).unwrap().into()));
    let cache = scratch.cache();
    let lock = wait_for_lock(&cache, &plain(), Duration::from_secs(30));
    let part = std::env::var(PART).unwrap();
    match (part.as_str(), lock) {
        ("hold", LockOutcome::Acquired(_guard)) => {
            println!("\nsays held");
            thread::sleep(Duration::from_secs(30));
        }
        ("hold and fork", LockOutcome::Acquired(guard)) => {
            let mut child = inherit_lock(&guard);
            println!("\nsays {}", child.id());
            child.wait().unwrap();
        }
        ("fetch", LockOutcome::Acquired(guard)) => {
            let id = format!("ASIA{}", std::process::id());
            let mut asked = OpenOptions::new();
            let mut asked = asked
                .create(true)
                .append(true)
                .open(scratch.0.join("asked"))
                .unwrap();
            writeln!(asked, "{id}").unwrap();
            thread::sleep(Duration::from_millis(100));
            cache
                .write(&plain(), &credentials(&id, NOW + HOUR), NOW)
                .unwrap();
            drop(guard);
            println!("\nsays {id}");
        }
        ("fetch", LockOutcome::Cached(found)) => println!("\nsays {}", found.access_key_id),
        (part, lock) => panic!("{part}: {lock:?}"),
    }
}

#[test]
fn many_processes_fetch_once() {
    let scratch = Scratch::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Part::new("fetch", &scratch)))
            .collect();
        for thread in threads {
            let mut part = thread.join().unwrap();
            assert!(part.child.wait().unwrap().success());
            let asked = fs::read_to_string(scratch.0.join("asked")).unwrap();
            assert_eq!(
                asked.trim(),
                part.said,
                "one fetch, and its credentials for every process"
            );
        }
    });
}

#[test]
fn a_killed_holder_lets_the_others_go_on() {
    let scratch = Scratch::new();
    let holder = Part::new("hold", &scratch);
    assert_eq!(holder.said, "held");
    let cache = scratch.cache();
    assert!(matches!(
        cache.try_lock(&plain(), NOW, |_| true).lock,
        LockOutcome::Busy
    ));
    holder.kill();
    assert!(matches!(
        cache.try_lock(&plain(), NOW, |_| true).lock,
        LockOutcome::Acquired(_)
    ));
}

#[test]
fn a_killed_holder_that_had_forked_does_not_stop_the_others() {
    let scratch = Scratch::new();
    let holder = Part::new("hold and fork", &scratch);
    let child = holder.said.clone();
    holder.kill();
    let cache = scratch.cache();
    let lock = wait_for_lock(&cache, &plain(), Duration::from_millis(100));
    assert!(matches!(lock, LockOutcome::Unavailable), "{lock:?}");
    cache
        .write(&plain(), &credentials("ASIAALONE", NOW + HOUR), NOW)
        .unwrap();
    let lock = wait_for_lock(&cache, &plain(), Duration::from_millis(100));
    assert!(matches!(lock, LockOutcome::Cached(_)), "{lock:?}");
    assert!(
        Command::new("sh")
            .args(["-c", "kill \"$0\"", &child])
            .status()
            .unwrap()
            .success()
    );
}
