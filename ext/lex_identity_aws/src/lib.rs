//! The binding: the whole native surface on one screen.
//!
//! Everything is private to the gem; its Ruby face is `Legion::Extensions::Identity::Aws`, and
//! `sig/` has the types under "Defined in Rust".

mod convert;
mod error;
mod examination;
#[allow(unsafe_code)] // pthread_atfork
mod fork;
mod outside;
mod reply;
mod secrets;
mod session;
#[allow(unsafe_code)] // posix_spawn
mod spawn;
#[allow(unsafe_code)] // the wait without the GVL
mod wait;

use aws_identity::{
    config::Settings,
    credentials::{KnownSecrets, Secret},
    doctor,
    fetch::{self, DiskFiles},
    principal::Principal,
    profile::Files,
    providers,
    task::panic,
    tokens,
    util::{json, time},
};
use examination::Examination;
use magnus::{
    Error, Module, Object, RArray, RHash, RString, Ruby, TryConvert, TypedData, function, method,
};
use secrets::{Environment, SecretText};
use session::Session;
use std::alloc::System;
use wait::on_files;
use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed, since buffers of the libraries for HTTP, TLS and AWS hold secrets, and wipe nothing themselves.
#[global_allocator]
static WIPES_WHAT_IS_FREED: ZeroAlloc<System> = ZeroAlloc(System);

/// Called by Ruby when it loads the library. A failure or panic, such as for lack of memory,
/// becomes a `LoadError`, which Ruby can rescue.
#[magnus::init]
fn init(ruby: &Ruby) -> Result<(), Error> {
    panic::hide_messages_everywhere();
    panic::caught(|| define(ruby))
        .unwrap_or_else(|failure| Err(Error::new(ruby.exception_load_error(), failure.message())))
}

fn define(ruby: &Ruby) -> Result<(), Error> {
    fork::watch().map_err(|error| {
        Error::new(
            ruby.exception_load_error(),
            format!("pthread_atfork: {error}"),
        )
    })?;
    providers::process::start_by(&spawn::PROGRAMS);
    let native = error::home(ruby)?
        .define_module("Internal")?
        .define_module("Native")?;
    native.const_set("VERSION", env!("CARGO_PKG_VERSION"))?;
    native.define_singleton_method("normalize", function!(normalize, 1))?;
    native.define_singleton_method("profiles", function!(profiles, 1))?;
    native.define_singleton_method("profile_in_force", function!(profile_in_force, 1))?;
    native.define_singleton_method("principal", function!(principal, 2))?;
    native.define_singleton_method("shown", function!(shown, 2))?;
    native.define_singleton_method("cached", function!(cached, 3))?;
    native.define_singleton_method("check_token", function!(check_token, 2))?;

    native.define_singleton_method("broken_json_line", function!(broken_json_line, 1))?;
    native.define_singleton_method("mend", function!(mend, 1))?;

    let environment = native.define_class("Environment", ruby.class_object())?;
    environment.define_singleton_method("current", function!(Environment::current, 1))?;
    environment.define_method("fingerprint", method!(Environment::fingerprint, 0))?;

    let text = native.define_class("SecretText", ruby.class_object())?;
    text.define_singleton_method("new", function!(SecretText::new, 1))?;
    text.define_method("expose", method!(SecretText::expose, 0))?;
    text.define_method("empty?", method!(SecretText::is_empty, 0))?;
    text.define_method("==", method!(SecretText::is_equal, 1))?;

    let examination = native.define_class("Examination", ruby.class_object())?;
    examination.define_singleton_method("start", function!(Examination::start, 4))?;
    examination.define_method("wait", method!(Examination::wait, 1))?;
    examination.define_method("answer", method!(Examination::answer, 1))?;
    examination.define_method("leave", method!(Examination::leave, 0))?;

    let session = native.define_class("Session", ruby.class_object())?;
    session.define_singleton_method("new", function!(Session::new, 1))?;
    session.define_method("serial", method!(Session::serial, 0))?;
    session.define_method("identity_serial", method!(Session::identity_serial, 0))?;
    session.define_method("start", method!(Session::start, 3))?;
    session.define_method("wait", method!(Session::wait, 2))?;
    session.define_method("answer", method!(Session::answer, 2))?;
    session.define_method("leave", method!(Session::leave, 1))?;
    session.define_method("wait_for_fetch", method!(Session::wait_for_fetch, 0))?;
    session.define_method("file_changes", method!(Session::file_changes, 0))?;
    session.define_method("held", method!(Session::held, 0))?;
    session.define_method("known", method!(Session::known, 0))?;
    session.define_method("identity_token", method!(Session::identity_token, 1))?;
    session.define_method("presigned", method!(Session::presigned, 3))?;
    session.define_method("forget_identity", method!(Session::forget_identity, 0))?;
    session.define_method("invalidate", method!(Session::invalidate, 1))?;
    session.define_method("needs_refresh?", method!(Session::needs_refresh, 0))?;
    session.define_method("due_in", method!(Session::due_in, 0))?;
    session.define_method(
        "web_identity_token=",
        method!(Session::set_web_identity_token, 1),
    )?;
    session.define_method("attempts", method!(Session::attempts, 0))?;
    session.define_method("counters", method!(Session::counters, 0))?;
    session.define_method("events", method!(Session::events, 1))?;
    session.define_method("settings", method!(Session::settings, 0))?;
    session.define_method("warnings", method!(Session::warnings, 0))?;
    // Magnus looks the class of a wrapped value up at its first use, with calls of Ruby under a lock of its own: a second thread
    // that comes to that lock with the GVL would never get it. So each is looked up here, on the one thread that loads the library.
    Environment::class(ruby);
    SecretText::class(ruby);
    Session::class(ruby);
    Examination::class(ruby);
    Ok(())
}

/// Every profile of the shared config files that the environment of these layers names.
fn profiles(ruby: &Ruby, layers: RHash) -> Result<RArray, Error> {
    error::guard(ruby, || {
        let layers = convert::layers(ruby, layers)?;
        let found = move || {
            let files = Files::load(&layers.environment)?;
            Ok(fetch::profiles(&files, layers, time::now()))
        };
        on_files(ruby, found, |found| convert::profiles(ruby, found))
    })
}

/// The profile that these layers name, else `default`; who names it; and whether it comes before all other sources.
fn profile_in_force(ruby: &Ruby, layers: RHash) -> Result<RHash, Error> {
    error::guard(ruby, || {
        let layers = convert::layers(ruby, layers)?;
        let settings = error::checked(ruby, Settings::new(layers))?;
        convert::profile_in_force(ruby, &settings, providers::uses_profile(&settings))
    })
}

/// Raises what is wrong with a kind of token and its words.
fn check_token(ruby: &Ruby, kind: RString, words: RHash) -> Result<(), Error> {
    error::guard(ruby, || {
        let words = convert::words(ruby, words)?;
        error::checked(ruby, tokens::check(&kind.to_string()?, &words))
    })
}

/// The principal of an ARN in the form of `GetCallerIdentity`, for the stubs of `Testing`.
fn principal(ruby: &Ruby, arn: RString, user_id: RString) -> Result<RHash, Error> {
    error::guard(ruby, || {
        let principal = Principal::parse(&arn.to_string()?, None, &user_id.to_string()?);
        convert::principal(ruby, &error::checked(ruby, principal)?)
    })
}

/// The files of the disk cache that these layers make, or with `all` every file, whatever else is wrong with the layers;
/// with `clear` they are removed.
fn cached(ruby: &Ruby, layers: RHash, all: bool, clear: bool) -> Result<RHash, Error> {
    error::guard(ruby, || {
        let layers = convert::layers(ruby, layers)?;
        let (settings, folder) = if all {
            (None, error::checked(ruby, Settings::cache_of(layers))?)
        } else {
            let settings = error::checked(ruby, Settings::new(layers))?;
            let folder = settings.cache.value.clone();
            (Some(settings), folder)
        };
        let of_all = folder.clone();
        let found = move || {
            let found = match &settings {
                Some(settings) => DiskFiles::of(settings)?,
                None => DiskFiles::all(of_all.as_deref())?,
            };
            Ok(if clear {
                found.clear()
            } else {
                (found.files, Vec::new())
            })
        };
        on_files(ruby, found, |(files, warnings)| {
            convert::cached(ruby, folder.as_deref(), files, warnings)
        })
    })
}

/// The first line that is no JSON.
fn broken_json_line(ruby: &Ruby, text: RString) -> Result<Option<usize>, Error> {
    error::guard(ruby, || {
        let text = Secret::new(text.to_string()?);
        Ok(json::broken_line(text.expose()))
    })
}

/// Takes the rights of other users on this user's files with credentials; findings about what was done.
fn mend(ruby: &Ruby, layers: RHash) -> Result<RArray, Error> {
    error::guard(ruby, || {
        let layers = convert::layers(ruby, layers)?;
        let mended = move || Ok(doctor::mend(layers));
        on_files(ruby, mended, |findings| convert::findings(ruby, findings))
    })
}

/// The words of a service that Ruby asked, without `secrets` (each a `SecretText`), as those of every endpoint are shown.
fn shown(ruby: &Ruby, words: RString, secrets: RArray) -> Result<String, Error> {
    error::guard(ruby, || {
        let known = KnownSecrets::default();
        for secret in secrets {
            known.note(<&SecretText>::try_convert(secret)?.0.expose());
        }
        Ok(known.shown(&words.to_string()?))
    })
}

/// Normalizes a name as that of a principal, for callers that have no ARN.
fn normalize(name: RString) -> Result<Option<String>, Error> {
    Ok(aws_identity::principal::normalize(&name.to_string()?))
}
