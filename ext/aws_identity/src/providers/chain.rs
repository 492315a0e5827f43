//! The provider chain: the sources that are asked, in their order, and the record of the outcomes.
//!
//! Written here, because `CredentialsProviderChain` of aws-config 1.13.0 goes on to the next source
//! where it must not: past a profile that does not exist, and past half a key pair in the
//! environment. A machine with a mistake in its configuration would then act as another identity.
//! `spec/core/tests/core/library.rs` shows it.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use super::{
    configured, container,
    context::Context,
    environment, imds, profile,
    record::Record,
    source::{Absence, BaseCredentials, Provided, Source},
    supplied, web_identity,
};
use crate::{
    config::{Base, CredentialSource, Settings},
    failure::{Failure, Kind},
    profile::Notes,
};

/// The order of the SDKs, used if no option or setting names a source.
pub const CHAIN: [&Source; 5] = [
    &environment::SOURCE,
    &profile::SOURCE,
    &web_identity::SOURCE,
    &container::SOURCE,
    &imds::SOURCE,
];

/// The sources to ask, in order. A source that an option or a setting names is the only one.
fn order(settings: &Settings) -> &'static [&'static Source] {
    match settings.base.as_ref().map(|base| &base.value) {
        Some(Base::Supplied) => &[&supplied::SOURCE],
        Some(Base::Profile(_)) => &[&profile::SOURCE],
        Some(Base::Keys(_)) => &[&configured::KEYS],
        Some(Base::Process(_)) => &[&configured::PROCESS],
        Some(Base::WebIdentity(_)) => &[&web_identity::SOURCE],
        Some(Base::Source(CredentialSource::Environment)) => &[&environment::SOURCE],
        Some(Base::Source(CredentialSource::Container)) => &[&container::SOURCE],
        Some(Base::Source(CredentialSource::Imds)) => &[&imds::SOURCE],
        None => &CHAIN,
    }
}

/// True if the profile is asked: it is named, or no source before it in the chain has credentials.
#[must_use]
pub fn uses_profile(settings: &Settings) -> bool {
    let first = order(settings).iter().find(|source| {
        source.name != environment::NAME || environment::is_set(&settings.environment)
    });
    first.is_some_and(|source| source.name == profile::NAME)
}

/// The credentials of the first source that has any. A configured source that fails stops the
/// chain, since the next source could have another identity than the configured one.
pub async fn base_credentials(
    context: &Context<'_>,
    record: &mut Record,
) -> Result<BaseCredentials, Failure> {
    let mut last = Absence::from(String::new());
    for source in order(context.settings) {
        let label = source.label(context);
        record.asks(&label);
        match source.provide(context).await {
            Ok(Provided::Found(mut found)) => {
                let secrets = context.http.secrets();
                secrets.note_credentials(&found.credentials);
                context.notes.found(source.name);
                if let Some(warning) = found.warning.take() {
                    record.warn(&label, &warning);
                }
                return Ok(record.found(&label, *found));
            }
            Ok(Provided::Absent(absence)) => {
                record.absent(&label, &absence.reason);
                if context.notes.is_absent(source.name) {
                    return Err(absent_now(&label, &absence.reason));
                }
                last = absence;
            }
            Err(failure) => return Err(record.failed(&label, failure)),
        }
    }
    let base = context.settings.base.as_ref().map(|base| &base.value);
    Err(match base {
        Some(Base::Profile(name)) => profile::without_credentials(name, context.local.profile.ok()),
        Some(Base::Source(source)) => configured::missing(*source, &last.reason),
        _ => not_on_aws(context, &last),
    })
}

fn absent_now(source: &str, reason: &str) -> Failure {
    Failure::no_credentials(
        format!(
            "The held credentials came from {source}, which has none now ({reason}). The next source would be another identity."
        ),
        "If it is still so in 2 seconds, the next source is asked.",
    )
}

/// Names what was looked at and set aside. "Nothing names AWS credentials here" only where that is so.
fn not_on_aws(context: &Context<'_>, imds: &Absence) -> Failure {
    let settings = context.settings;
    let notes = context.local.profile.ok().map(|chain| &chain.notes);
    let mut set_aside: Vec<_> = notes.into_iter().flat_map(Notes::all_set_aside).collect();
    if settings.profile.is_none() {
        set_aside.extend(notes.and_then(|notes| notes.not_named.as_ref()));
    }
    let first = match &settings.profile {
        Some(profile) => format!(
            "The profile {:?} ({}) holds no credentials, nothing else here names any",
            profile.value,
            profile.origin.label()
        ),
        None if set_aside.is_empty() => "Nothing names AWS credentials here".into(),
        None => "Nothing here gives AWS credentials".into(),
    };
    let remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run where AWS gives credentials.";
    let (cause, remedy) = if imds.is_off {
        (
            format!("{first}, and {}.", imds.reason),
            format!(
                "{remedy} If this is an EC2 instance, turn the service on: `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`."
            ),
        )
    } else {
        let cause = format!(
            "{first}, and this does not look like AWS (IMDS: {}).",
            imds.reason
        );
        (cause, remedy.to_owned())
    };
    Failure::new(Kind::NotOnAws, cause, remedy).with_notes(set_aside)
}
