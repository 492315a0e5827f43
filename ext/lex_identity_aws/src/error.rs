//! Failure → exception class: one table. The classes are defined in Ruby.

use crate::reply;
use aws_identity::{
    failure::{Failure, Kind},
    task::panic,
    util::foreign_text::printable,
};
use magnus::{Error, Exception, ExceptionClass, Module, RModule, Ruby, kwargs, prelude::*};

/// The class each kind is raised as, below `Legion::Extensions::Identity::Aws`.
fn class_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Argument => "ArgumentError",
        Kind::Configuration | Kind::ProcessLoop => "ConfigurationError",
        Kind::NotReady => "NotReadyError",
        Kind::NoCredentials => "NoCredentialsError",
        Kind::NotOnAws => "NotOnAwsError",
        Kind::AccessDenied => "AccessDeniedError",
        Kind::Throttled => "ThrottledError",
        Kind::Service => "ServiceError",
        Kind::Connection => "ConnectionError",
        Kind::Timeout => "TimeoutError",
        Kind::Internal => "InternalError",
    }
}

/// The code by which the command line recognizes a `credential_process` that reads its own profile.
/// No answer of a service is raised as a `ConfigurationError`, so none can be mistaken for it.
const LOOP_CODE: &str = "CredentialProcessLoop";

fn code(failure: &Failure) -> Option<&str> {
    if failure.kind == Kind::ProcessLoop {
        return Some(LOOP_CODE);
    }
    failure.code.as_deref()
}

/// The exception of `failure`. Call it with the GVL only.
pub fn raise(ruby: &Ruby, failure: &Failure) -> Error {
    if failure.kind == Kind::Argument {
        return Error::new(ruby.exception_arg_error(), printable(&failure.message()));
    }
    exception(ruby, failure).map_or_else(|error| error, Into::into)
}

/// The same for a failed answer: by the number of the question Ruby finds the exception that the
/// application raised. 0 is no question.
pub fn of_question(ruby: &Ruby, failure: &Failure, question: u64) -> Error {
    if question == 0 {
        return raise(ruby, failure);
    }
    let exception = exception(ruby, failure).and_then(|exception| {
        let _: u64 = exception.funcall("instance_variable_set", ("@question", question))?;
        Ok(exception.into())
    });
    exception.unwrap_or_else(|error| error)
}

/// Raises a failure of the core as its Ruby exception.
pub fn checked<T>(ruby: &Ruby, result: Result<T, Failure>) -> Result<T, Error> {
    result.map_err(|failure| raise(ruby, &failure))
}

/// Runs `job` on a Ruby thread; a panic in it is an `InternalError`. Magnus would make it a
/// `fatal`, which Ruby cannot rescue.
pub fn guard<T>(ruby: &Ruby, job: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    panic::caught(job).unwrap_or_else(|failure| Err(raise(ruby, &failure)))
}

fn exception(ruby: &Ruby, failure: &Failure) -> Result<Exception, Error> {
    let class: ExceptionClass = home(ruby)?.const_get(class_name(failure.kind))?;
    class.funcall(
        "new",
        (
            printable(&failure.message()),
            kwargs!(
                ruby,
                "code" => code(failure),
                "status" => failure.status,
                "request_id" => failure.request_id.as_deref().map(printable),
                "attempts" => reply::attempts(ruby, &failure.attempts)?,
                "outage" => failure.is_outage()
            ),
        ),
    )
}

/// `Legion::Extensions::Identity::Aws`.
pub fn home(ruby: &Ruby) -> Result<RModule, Error> {
    ["Legion", "Extensions", "Identity", "Aws"]
        .into_iter()
        .try_fold(ruby.class_object().as_value(), |scope, name| {
            scope.funcall("const_get", (name, false))
        })
        .and_then(magnus::TryConvert::try_convert)
}
