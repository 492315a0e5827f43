//! What stands where a file is expected, for every setting that names one: no fetch waits for it.

use crate::{
    login,
    sso::{SESSION_FILE, with_sso},
    support::{Machine, assert_no_secret, keys_profile, text, timed},
};
use fake_aws::world;
use std::{
    fs::{self, File},
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A third of the `resolve_timeout` that these fetches have, and enough for a machine under load.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Puts one at a path.
type Kind = (&'static str, fn(&Path));

const KINDS: [Kind; 13] = [
    ("a FIFO", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
    ("a link to a FIFO", |path| {
        let fifo = PathBuf::from(format!("{}.fifo", text(path)));
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        symlink(fifo, path).unwrap();
    }),
    // Bound elsewhere, since the path of a socket is a short one.
    ("a socket", |path| {
        let short = std::env::temp_dir().join(format!("odd-{}", std::process::id()));
        drop(UnixListener::bind(&short).unwrap());
        fs::rename(short, path).unwrap();
    }),
    ("a folder", |path| fs::create_dir(path).unwrap()),
    ("a device without an end", |path| symlink("/dev/zero", path).unwrap()),
    ("the terminal", |path| symlink("/dev/tty", path).unwrap()),
    ("a file of the kernel without an end", |path| symlink("/proc/self/pagemap", path).unwrap()),
    ("the kernel's memory", |path| symlink("/proc/self/mem", path).unwrap()),
    ("a sparse file", |path| File::create(path).unwrap().set_len(2 << 30).unwrap()),
    ("a long file", |path| fs::write(path, "-----BEGIN CERTIFICATE-----\nAAAA\n[a]\n".repeat(116_000)).unwrap()),
    ("a file nobody may read", |path| {
        fs::write(path, "").unwrap();
        assert!(Command::new("chmod").arg("000").arg(path).status().unwrap().success());
    }),
    ("a link to nothing", |path| symlink("nowhere", path).unwrap()),
    ("a link to itself", |path| symlink(path.file_name().unwrap(), path).unwrap()),
];

/// Makes a machine that needs the file, and says where it belongs.
type Setting = (&'static str, fn(&dyn Fn(&Path)) -> Machine);

fn with_odd(machine: Machine, put: &dyn Fn(&Path), set: impl FnOnce(Machine, &str) -> Machine) -> Machine {
    let path = machine.home().join("odd");
    put(&path);
    set(machine, text(&path))
}

fn over_tls() -> Machine {
    let machine = Machine::with_keys();
    let url = machine.aws.https_url();
    machine.env("AWS_ENDPOINT_URL", &url)
}

const SETTINGS: [Setting; 14] = [
    ("ca_bundle", |put| with_odd(over_tls(), put, |machine, path| machine.option("ca_bundle", path))),
    ("AWS_CA_BUNDLE", |put| with_odd(over_tls(), put, |machine, path| machine.env("AWS_CA_BUNDLE", path))),
    ("ca_bundle of a profile", |put| {
        with_odd(over_tls(), put, |machine, path| machine.config(&format!("[default]\nca_bundle = {path}\n")))
    }),
    ("SSL_CERT_FILE", |put| with_odd(over_tls(), put, |machine, path| machine.env("SSL_CERT_FILE", path))),
    ("SSL_CERT_DIR", |put| {
        let machine = over_tls();
        let folder = machine.home().join("roots");
        fs::create_dir(&folder).unwrap();
        (0..12).for_each(|number| put(&folder.join(format!("odd{number}.0"))));
        machine.env("SSL_CERT_DIR", text(&folder))
    }),
    ("AWS_CONFIG_FILE", |put| with_odd(Machine::with_keys(), put, |machine, path| machine.env("AWS_CONFIG_FILE", path))),
    ("AWS_SHARED_CREDENTIALS_FILE", |put| {
        with_odd(Machine::bare(), put, |machine, path| machine.env("AWS_SHARED_CREDENTIALS_FILE", path))
    }),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", |put| {
        with_odd(Machine::bare().env("AWS_ROLE_ARN", world::IRSA_ROLE), put, |machine, path| {
            machine.env("AWS_WEB_IDENTITY_TOKEN_FILE", path)
        })
    }),
    ("web_identity_token_file", |put| {
        with_odd(Machine::bare().option("role_arn", world::IRSA_ROLE), put, |machine, path| {
            machine.option("web_identity_token_file", path)
        })
    }),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", |put| {
        with_odd(Machine::with_container(), put, |machine, path| machine.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path))
    }),
    ("credential_process", |put| {
        with_odd(Machine::bare(), put, |machine, path| machine.config(&format!("[default]\ncredential_process = {path}\n")))
    }),
    ("an SSO login", |put| {
        let machine = with_sso(true);
        put(&machine.home().join(".aws/sso/cache").join(SESSION_FILE));
        machine
    }),
    ("a login", |put| {
        let machine = login::logged_in(0);
        let path = login::path_of(&machine);
        fs::remove_file(&path).unwrap();
        put(&path);
        machine
    }),
    ("the cache", |put| {
        let machine = Machine::bare().credentials_file(&keys_profile("default"));
        let folder = machine.home().join("cache");
        let machine = machine.option("role_arn", world::WORKER_ROLE).option("cache", text(&folder));
        machine.fetch().unwrap();
        for file in fs::read_dir(&folder).unwrap().flatten() {
            fs::remove_file(file.path()).unwrap();
            put(&file.path());
        }
        machine
    }),
];

#[test]
fn what_is_no_file_makes_no_fetch_wait() {
    for (setting, machine) in SETTINGS {
        for (kind, put) in KINDS {
            let machine = machine(&put).option("resolve_timeout", 30);
            let (fetched, took) = timed(|| machine.fetch());
            let said = format!("{fetched:?}");
            assert_no_secret(&said);
            assert!(took < AT_ONCE, "{setting} is {kind}: {took:?}: {said}");
        }
    }
}
