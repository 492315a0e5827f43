//! The base credentials that an option or a setting names: then no other source is asked.

use super::Layers;
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
    layer::{Chosen, Layer, chosen},
    sts::limits,
};
use serde_json::Value;
use std::path::PathBuf;

/// The source that an option or a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// The object that the application gives as `source`.
    Supplied,
    Profile(String),
    /// `access_key_id`, `secret_access_key` and `session_token` of the settings.
    Keys(Credentials),
    Source(CredentialSource),
    /// The command line of `credential_process`, which may hold a secret.
    Process(Secret),
    WebIdentity(TokenSource),
}

/// A source by the word that the shared config files have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    Environment,
    Container,
    Imds,
}

/// Where a web identity token comes from, when an option or a setting says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    Text(Secret),
    File(PathBuf),
    /// The application's callable gives one for each fetch.
    Supplied,
}

/// Each group is one base; two groups in one layer contradict each other.
const GROUPS: [&[&str]; 6] = [
    &["source"],
    &["profile"],
    &["access_key_id", "secret_access_key", "session_token"],
    &["credential_source"],
    &["credential_process"],
    &["web_identity_token", "web_identity_token_file"],
];

impl CredentialSource {
    const ALL: [Self; 3] = [Self::Environment, Self::Container, Self::Imds];

    /// The word of the shared config files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Container => "EcsContainer",
            Self::Imds => "Ec2InstanceMetadata",
        }
    }
}

/// The base of the highest layer that names one.
pub(super) fn read(layers: &Layers) -> Result<Option<Chosen<Base>>, Failure> {
    let mut found = None;
    for layer in layers.options_and_settings() {
        let named = named(&layer)?;
        let base = match named {
            Some(name) => Some(chosen(of(&layer, name, layers)?, layer.origin)),
            None => None,
        };
        found = found.or(base);
    }
    Ok(found)
}

/// The first key of the one group that the layer has.
fn named(layer: &Layer<'_>) -> Result<Option<&'static str>, Failure> {
    let given = |names: &&[&'static str]| -> Option<&'static str> {
        names.iter().copied().find(|name| layer.get(name).is_some())
    };
    let mut named = GROUPS.iter().filter_map(given);
    match (named.next(), named.next()) {
        (Some(one), Some(other)) => Err(Failure::configuration(
            format!(
                "Both {} and {} are given.",
                layer.label(one),
                layer.label(other)
            ),
            "Each says alone where the base credentials come from; keep one.",
        )),
        (one, _) => Ok(one),
    }
}

fn of(layer: &Layer<'_>, name: &str, layers: &Layers) -> Result<Base, Failure> {
    match name {
        "source" => Ok(Base::Supplied),
        "profile" => Ok(Base::Profile(layer.text(name)?.unwrap_or_default())),
        "credential_source" => credential_source(layer).map(Base::Source),
        "credential_process" => Ok(Base::Process(Secret::new(
            layer.text(name)?.unwrap_or_default(),
        ))),
        "web_identity_token" | "web_identity_token_file" => {
            token(layer, layers).map(Base::WebIdentity)
        }
        _ => keys(layer).map(Base::Keys),
    }
}

fn credential_source(layer: &Layer<'_>) -> Result<CredentialSource, Failure> {
    let name = "credential_source";
    let word = layer.text(name)?.unwrap_or_default();
    let found = CredentialSource::ALL
        .into_iter()
        .find(|source| source.as_str() == word);
    found.ok_or_else(|| {
        Failure::configuration(
            format!("{} is not the name of a source.", layer.label(name)),
            "Write one of Environment, EcsContainer and Ec2InstanceMetadata, in this spelling.",
        )
    })
}

/// The pair of keys; half a pair is a failure.
fn keys(layer: &Layer<'_>) -> Result<Credentials, Failure> {
    let text = |name: &str| layer.text(name);
    match (text("access_key_id")?, text("secret_access_key")?) {
        (Some(id), Some(secret)) => {
            let keys = Credentials::new(id, secret, text("session_token")?, "settings");
            let names = ["access_key_id", "secret_access_key", "session_token", ""];
            match keys.defect(names) {
                None => Ok(keys),
                Some((name, what)) => Err(Failure::configuration(
                    format!("{} {what}.", layer.label(name)),
                    "Correct it; it may also have characters that are not to be seen, such as a line end.",
                )),
            }
        }
        (id, _) => {
            let lacks = if id.is_some() {
                "secret_access_key"
            } else {
                "access_key_id"
            };
            Err(Failure::configuration(
                format!("{} is missing beside the other keys.", layer.label(lacks)),
                "Give access_key_id and secret_access_key together, and session_token where they are temporary.",
            ))
        }
    }
}

fn token(layer: &Layer<'_>, layers: &Layers) -> Result<TokenSource, Failure> {
    let token = layer.get("web_identity_token");
    let file = layer.text("web_identity_token_file")?;
    match (token, file) {
        (Some(_), Some(_)) => Err(Failure::configuration(
            "Both web_identity_token and web_identity_token_file are given.",
            "Keep one.",
        )),
        (Some(Value::Bool(true)), None) => Ok(TokenSource::Supplied),
        (Some(Value::String(text)), None) => {
            limits::web_identity_token("web_identity_token", text.trim())?;
            Ok(TokenSource::Text(Secret::new(text.trim())))
        }
        (Some(other), None) => {
            Err(layer.wrong("web_identity_token", other, "a string or a callable"))
        }
        (None, file) => Ok(TokenSource::File(
            layers.environment.expand_home(&file.unwrap_or_default()),
        )),
    }
}
