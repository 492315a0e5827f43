//! The binding: the whole native surface on one screen.
//!
//! Everything is private to the gem; its Ruby face is `Legion::Extensions::Identity::Aws`, and
//! `sig/` has the types under "Defined in Rust".

mod convert;
mod error;
#[allow(unsafe_code)] // pthread_atfork
mod fork;
mod secrets;
mod session;
#[allow(unsafe_code)] // posix_spawn
mod spawn;
#[allow(unsafe_code)] // the wait without the GVL
mod wait;

use aws_identity::{
    doctor,
    principal::Principal,
    profile::Files,
    providers,
    task::{fetch_task::Heed, panic},
    util::time,
};
use magnus::{
    Error, Module, Object, RArray, RHash, RString, Ruby, TypedData, function, method,
    value::ReprValue,
};
use secrets::{Environment, SecretText};
use session::Session;

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
    native.define_singleton_method("principal", function!(principal, 2))?;
    native.define_singleton_method("doctor", function!(doctor, 2))?;

    let environment = native.define_class("Environment", ruby.class_object())?;
    environment.define_singleton_method("current", function!(Environment::current, 1))?;
    environment.define_method("fingerprint", method!(Environment::fingerprint, 0))?;

    let text = native.define_class("SecretText", ruby.class_object())?;
    text.define_singleton_method("new", function!(SecretText::new, 1))?;
    text.define_method("expose", method!(SecretText::expose, 0))?;
    text.define_method("empty?", method!(SecretText::is_empty, 0))?;
    text.define_method("==", method!(SecretText::is_equal, 1))?;

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
    Ok(())
}

/// Every profile of the shared config files that `environment` names.
fn profiles(ruby: &Ruby, environment: &Environment) -> Result<RArray, Error> {
    error::guard(ruby, || {
        let environment = &environment.0;
        let files = convert::checked(ruby, Files::load(environment))?;
        let list = ruby.ary_new();
        for profile in providers::profiles(&files, environment, time::now()) {
            list.push(convert::profile(ruby, &profile)?)?;
        }
        list.freeze();
        Ok(list)
    })
}

/// The principal of an ARN in the form of `GetCallerIdentity`, for the stubs of `Testing`.
fn principal(ruby: &Ruby, arn: RString, user_id: RString) -> Result<RHash, Error> {
    error::guard(ruby, || {
        let principal = Principal::parse(&arn.to_string()?, None, &user_id.to_string()?);
        convert::principal(ruby, &convert::checked(ruby, principal)?)
    })
}

/// The findings of the doctor.
fn doctor(ruby: &Ruby, layers: RHash, assume: bool) -> Result<RArray, Error> {
    error::guard(ruby, || {
        let layers = convert::layers(ruby, layers)?;
        let examination = convert::checked(ruby, doctor::spawn(layers, assume, &fork::GATE))?;
        wait::wait(&examination, Heed::default())?;
        let findings = convert::checked(ruby, doctor::outcome(&examination))?;
        convert::findings(ruby, findings)
    })
}

/// Normalizes a name as that of a principal, for callers that have no ARN.
fn normalize(name: RString) -> Result<Option<String>, Error> {
    Ok(aws_identity::principal::normalize(&name.to_string()?))
}
