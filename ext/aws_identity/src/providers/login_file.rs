//! The files in which the AWS CLI keeps its logins, which all SDKs share: `aws sso login` and `aws login`.

use super::context::Context;
use crate::{
    credentials::{Millis, Secret},
    failure::Failure,
    util::{
        read_file, replace_file,
        secret_json::SecretJson,
        time::{self, format_iso8601},
    },
};
use std::path::{Path, PathBuf};
use tokio::time::timeout;

/// A login is a few kilobytes.
const SIZE_LIMIT: u64 = 64 * 1024;

/// A login as it is on disk.
pub(super) struct LoginFile {
    path: PathBuf,
    json: SecretJson,
}

impl LoginFile {
    /// Reads `path`, or says what is wrong with it, as in "is missing".
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let (_, bytes) = read_file::read(path, SIZE_LIMIT)
            .map_err(|why| format!("{} is {why}", path.display()))?;
        let json = SecretJson::parse(&bytes)
            .ok_or_else(|| format!("{} is not readable as one", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            json,
        })
    }

    pub(super) fn text(&self, place: &str) -> Option<&str> {
        self.json.text(place)
    }

    pub(super) fn secret(&self, place: &str) -> Option<Secret> {
        self.text(place).map(Secret::new)
    }

    /// Text, or the digits of a number: an account id is written as either.
    pub(super) fn digits(&self, place: &str) -> Option<String> {
        let number = self.json.get(place)?.as_u64();
        number
            .map(|number| format!("{number:012}"))
            .or_else(|| self.text(place).map(str::to_owned))
    }

    /// `None` for a time that is not there or cannot be read.
    pub(super) fn time(&self, place: &str) -> Option<Millis> {
        self.text(place).and_then(time::parse)
    }

    /// What cannot be used of the file, where a member is missing or wrong.
    pub(super) fn without(&self, place: &str) -> String {
        format!(
            "{} is not readable as one: it has no usable {place}",
            self.path.display()
        )
    }

    pub(super) fn set(&mut self, place: &str, value: &str) {
        self.json.set(place, value);
    }

    /// Sets a time in whole seconds, as the AWS CLI writes it.
    pub(super) fn set_time(&mut self, place: &str, time: Millis) {
        let seconds = time.div_euclid(1000).saturating_mul(1000);
        self.json.set(place, &format_iso8601(seconds));
    }

    /// Writes the file again, with every member that it had. A warning, if that fails: the new login
    /// works all the same, and the refresh token on disk is used up.
    pub(super) fn save(&self) -> Option<String> {
        let error = replace_file::replace(&self.path, &self.json.to_bytes()).err()?;
        Some(format!(
            "The renewed login could not be written to {}: {error}. Make its folder writable, or log in again when this one expires.",
            self.path.display()
        ))
    }
}

/// The outcome of `renewal`. Where the login is still good it has three quarters of the fetch's time only, so
/// that a service that does not answer leaves time to use the login as it is.
pub(super) async fn renewed<T>(
    context: &Context<'_>,
    is_good: bool,
    renewal: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if !is_good {
        return renewal.await;
    }
    let outcome = timeout(context.time() * 3 / 4, renewal).await;
    outcome.unwrap_or_else(|_| Err(context.deadline.overdue()))
}

/// A renewed login, or why there is none. A login that another process renewed meanwhile is as good:
/// each refresh token works once.
pub(super) fn or_renewed_meanwhile<T>(
    renewed: Result<T, Failure>,
    read_again: impl FnOnce() -> Option<T>,
) -> Result<T, Failure> {
    renewed.or_else(|failure| {
        if failure.is_outage() {
            Err(failure)
        } else {
            read_again().ok_or(failure)
        }
    })
}
