//! Arguments from Ruby become plain values; plain results become frozen Ruby values.

mod ask;
mod given;

pub use crate::reply::attempts;
pub use ask::{answer, purpose, question, secret, takes};
pub use given::{layers, words};

use crate::{
    reply::{Reply, frozen},
    secrets::SecretText,
};
use aws_identity::{
    cache::Listed,
    config::Settings,
    credentials::Millis,
    doctor::Finding,
    identity::Identity,
    principal::Principal,
    profile::{Need, ProfileSummary},
    session::{CachedCredentials, Event, Tally},
    tokens::Token,
    util::foreign_text::printable,
};
use magnus::{Error, RArray, RHash, Ruby, Value, value::ReprValue};
use serde_json::Value as Json;
use std::path::Path;

impl Reply<'_> {
    fn principal(self, principal: &Principal) -> Result<Self, Error> {
        self.text("account", Some(&principal.account))?
            .shown("arn", Some(&principal.arn))?
            .shown("user_id", Some(&principal.user_id))?
            .text("partition", Some(&principal.partition))?
            .text("kind", Some(principal.kind.as_str()))?
            .shown("role", principal.role.as_deref())?
            .shown("session_name", principal.session_name.as_deref())?
            .shown("provider_arn", Some(&principal.provider_arn))
    }
}

/// The held credentials; their secrets stay native.
pub fn held(ruby: &Ruby, held: &CachedCredentials) -> Result<RHash, Error> {
    let credentials = &held.credentials;
    let details = ruby.hash_new();
    for (name, value) in &credentials.details {
        details.aset(ruby.to_symbol(name), frozen(ruby, &printable(value)))?;
    }
    details.freeze();
    Ok(Reply::new(ruby)
        .with("serial", held.serial)?
        .shown("access_key_id", Some(&credentials.access_key_id))?
        .with(
            "secret_access_key",
            SecretText(credentials.secret_access_key.clone()),
        )?
        .with(
            "session_token",
            credentials.session_token.clone().map(SecretText),
        )?
        .with(
            "expiration",
            credentials.expires_at.map(|at| at.div_euclid(1000)),
        )?
        .shown("account_id", credentials.account_id.as_deref())?
        .shown("source", Some(&credentials.source))?
        .shown("region", Some(&held.region))?
        .shown("degraded", held.degraded.as_deref())?
        .with("details", details)?
        .done())
}

/// A token for another system; its text stays native.
pub fn token(ruby: &Ruby, token: &Token) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .with("token", SecretText(token.text.clone()))?
        .with("expiration", token.expires_at.div_euclid(1000))?
        .with("kind", ruby.to_symbol(token.kind))?
        .done())
}

pub fn identity(ruby: &Ruby, serial: u64, identity: &Identity) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .with("serial", serial)?
        .principal(&identity.principal)?
        .text("canonical_name", Some(&identity.canonical_name))?
        .shown("region", Some(&identity.region))?
        .shown("source", Some(&identity.source))?
        .with("milliseconds", identity.milliseconds)?
        .done())
}

/// A principal that is not of a session, so without a serial, region and source.
pub fn principal(ruby: &Ruby, principal: &Principal) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .principal(principal)?
        .text("canonical_name", Some(&principal.canonical_name(false)))?
        .done())
}

/// The findings of the doctor, each as a Hash.
pub fn findings(ruby: &Ruby, findings: &[Finding]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(findings.len());
    for finding in findings {
        let details = ruby.hash_new();
        for (name, value) in &finding.details {
            details.aset(ruby.to_symbol(name), plain(ruby, value))?;
        }
        details.freeze();
        let line = Reply::new(ruby)
            .text("check", Some(finding.check))?
            .shown("name", Some(&finding.name))?
            .with("status", ruby.to_symbol(finding.status.as_str()))?
            .shown("what", Some(&finding.what))?
            .shown("remedy", finding.remedy.as_deref())?
            .with("milliseconds", finding.milliseconds)?
            .with("details", details)?;
        list.push(line.done())?;
    }
    list.freeze();
    Ok(list)
}

/// The settings in force, each with its origin.
pub fn settings(ruby: &Ruby, settings: &Settings) -> Result<RHash, Error> {
    let mut all = Reply::new(ruby);
    for (name, value, origin) in settings.report() {
        let entry = Reply::new(ruby)
            .with("value", plain(ruby, &value))?
            .text("origin", Some(&origin.label()))?;
        all = all.with(name, entry.done())?;
    }
    Ok(all.done())
}

fn plain(ruby: &Ruby, value: &Json) -> Value {
    match value {
        Json::Bool(flag) => ruby.into_value(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => ruby.into_value(integer),
            None => ruby.into_value(number.as_f64()),
        },
        Json::String(text) => frozen(ruby, &printable(text)).as_value(),
        _ => ruby.qnil().as_value(),
    }
}

pub fn counters(ruby: &Ruby, tally: &Tally) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .with("fetches", tally.fetches)?
        .with("cached", tally.cached)?
        .with("failures", tally.failures)?
        .with("back_offs", tally.back_offs)?
        .with("last_duration", tally.last_duration.map(seconds))?
        .with("age", tally.age.map(seconds))?
        .done())
}

pub fn events(ruby: &Ruby, events: &[Event]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(events.len());
    for event in events {
        let line = Reply::new(ruby)
            .with("number", event.number)?
            .with("type", ruby.to_symbol(event.kind.as_str()))?
            .shown("access_key_id", event.access_key_id.as_deref())?
            .with("expiration", event.expires_at.map(|at| at.div_euclid(1000)))?
            .shown("reason", event.reason.as_deref())?
            .with("attempt", event.attempt)?
            .with("at", seconds(event.at))?;
        list.push(line.done())?;
    }
    list.freeze();
    Ok(list)
}

pub fn profiles(ruby: &Ruby, profiles: &[ProfileSummary]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(profiles.len());
    for summary in profiles {
        list.push(profile(ruby, summary)?)?;
    }
    list.freeze();
    Ok(list)
}

/// A profile's summary, each need as a pair of what it is and its name.
fn profile(ruby: &Ruby, profile: &ProfileSummary) -> Result<RHash, Error> {
    let needs = ruby.ary_new_capa(profile.needs.len());
    for need in &profile.needs {
        let (what, name) = match need {
            Need::SourceProfile(name) => ("source_profile", Some(name)),
            Need::Mfa(serial_number) => ("mfa", Some(serial_number)),
            Need::TokenFile(path) => ("token_file", Some(path)),
            Need::SsoLogin(start_url) => ("sso_login", Some(start_url)),
            Need::Login(session) => ("login", Some(session)),
            Need::Program => ("program", None),
            Need::Environment => ("environment", None),
            Need::Container => ("container", None),
            Need::Imds => ("imds", None),
        };
        let need = Reply::new(ruby)
            .with("type", ruby.to_symbol(what))?
            .shown("name", name.map(String::as_str))?;
        needs.push(need.done())?;
    }
    needs.freeze();
    Ok(Reply::new(ruby)
        .shown("name", Some(&profile.name))?
        .with("kind", ruby.to_symbol(profile.kind.as_str()))?
        .shown("region", profile.region.as_deref())?
        .with("role_arns", texts(ruby, &profile.role_arns)?)?
        .shown("source_profile", profile.source_profile.as_deref())?
        .with("needs", needs)?
        .with("could_work", profile.could_work)?
        .shown("reason", profile.reason.as_deref())?
        .with(
            "cached_until",
            profile.cached_until.map(|at| at.div_euclid(1000)),
        )?
        .done())
}

pub fn profile_in_force(ruby: &Ruby, settings: &Settings, is_used: bool) -> Result<RHash, Error> {
    let named = settings.profile.as_ref();
    let name = named.map_or("default", |profile| profile.value.as_str());
    Ok(Reply::new(ruby)
        .shown("name", Some(name))?
        .text(
            "origin",
            named.map(|profile| profile.origin.label()).as_deref(),
        )?
        .with("is_used", is_used)?
        .done())
}

/// Files of the disk cache, and what could not be removed.
pub fn cached(
    ruby: &Ruby,
    folder: Option<&Path>,
    files: &[Listed],
    warnings: &[String],
) -> Result<RHash, Error> {
    let path = |path: &Path| printable(&path.to_string_lossy());
    let list = ruby.ary_new_capa(files.len());
    for listed in files {
        let reply = Reply::new(ruby)
            .text("file", Some(&path(&listed.path)))?
            .shown("assumed_role_arn", listed.assumed_role_arn.as_deref())?
            .shown("asker", listed.asker.as_deref())?
            .shown("access_key_id", listed.access_key_id.as_deref())?
            .with(
                "expiration",
                listed.expires_at.map(|at| at.div_euclid(1000)),
            )?
            .shown("unusable", listed.unusable.as_deref())?;
        list.push(reply.done())?;
    }
    list.freeze();
    Ok(Reply::new(ruby)
        .text("folder", folder.map(path).as_deref())?
        .with("files", list)?
        .with("warnings", texts(ruby, warnings)?)?
        .done())
}

pub fn texts(ruby: &Ruby, texts: &[String]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(texts.len());
    for text in texts {
        list.push(frozen(ruby, &printable(text)))?;
    }
    list.freeze();
    Ok(list)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this millennium fit a double"
)]
pub fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}
