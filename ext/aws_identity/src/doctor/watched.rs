//! The files whose modes the doctor looks at, and what other users may do with each.

use crate::{
    config::{Settings, TokenSource},
    environment::Environment,
    profile::{BaseProvider, Files, ProfileChain},
    providers,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

const OTHERS_READ: u32 = 0o044;
pub(super) const OTHERS_WRITE: u32 = 0o022;

/// What other users may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing, since it holds a secret.
    OwnerOnly,
    /// Read it, since it holds no secret, but not write it, since it decides about programs and
    /// roles.
    OthersMayRead,
    /// Nothing; an entry that others may read or write is not used.
    CacheEntry,
}

impl Rule {
    /// The bits of a mode that are not right.
    pub(super) fn judged(self) -> u32 {
        match self {
            Self::OwnerOnly | Self::CacheEntry => OTHERS_READ | OTHERS_WRITE,
            Self::OthersMayRead => OTHERS_WRITE,
        }
    }

    /// The bits that are taken where one of those is set.
    pub(super) fn taken(self) -> u32 {
        match self {
            Self::OwnerOnly | Self::CacheEntry => 0o077,
            Self::OthersMayRead => OTHERS_WRITE,
        }
    }

    pub(super) fn command(self) -> &'static str {
        match self {
            Self::OwnerOnly | Self::CacheEntry => "chmod 600",
            Self::OthersMayRead => "chmod go-w",
        }
    }
}

/// The files that are looked at, cache entries included. They need not exist.
pub(super) fn watched(
    environment: &Environment,
    settings: Option<&Settings>,
    profile_chain: Option<&ProfileChain>,
) -> Vec<(PathBuf, Rule)> {
    let (config, credentials) = Files::places(environment);
    let config = config.map(|path| (path, Rule::OthersMayRead));
    let credentials = credentials.map(|path| (path, Rule::OwnerOnly));
    let tokens = tokens(environment, settings, profile_chain).into_iter();
    let tokens = tokens.map(|(_, path)| {
        let rule = rule_of(&path);
        (path, rule)
    });
    let own = settings.and_then(|settings| settings.cache.value.clone());
    let folders = environment.cli_cache().into_iter().chain(own);
    let cached = folders.flat_map(|folder| entries(&folder));
    let cached = cached.map(|path| (path, Rule::CacheEntry));
    let all = config.into_iter().chain(credentials).chain(tokens);
    all.chain(cached).collect()
}

/// The entries of a cache.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_entry = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    let mut entries: Vec<PathBuf> = listing.map(|entry| entry.path()).filter(is_entry).collect();
    entries.sort();
    entries
}

/// Token files that an option, the environment or the profile names.
pub(super) fn tokens(
    environment: &Environment,
    settings: Option<&Settings>,
    profile_chain: Option<&ProfileChain>,
) -> Vec<(String, PathBuf)> {
    let mut tokens = Vec::new();
    if let Some(TokenSource::File(path)) = settings.and_then(Settings::web_identity) {
        tokens.push(("web_identity_token_file".to_owned(), path.clone()));
    }
    let named = providers::token_file::named_by(environment);
    tokens.extend(named.map(|(name, path)| (name.to_owned(), path)));
    match profile_chain.map(|profile_chain| (&profile_chain.base, &profile_chain.base_profile)) {
        Some((BaseProvider::WebIdentity { token_file, .. }, profile)) => {
            tokens.push((
                format!("token file of profile {profile}"),
                environment.expand_home(token_file),
            ));
        }
        Some((
            BaseProvider::Sso {
                session, start_url, ..
            },
            profile,
        )) => {
            let path = providers::sso_token_path(environment, session.as_deref(), start_url);
            // The source reports a missing login.
            if path.exists() {
                tokens.push((format!("SSO token of profile {profile}"), path));
            }
        }
        Some((BaseProvider::Login { session }, profile)) => {
            let path = providers::login_token_path(environment, session);
            if path.exists() {
                tokens.push((format!("console session of profile {profile}"), path));
            }
        }
        _ => {}
    }
    tokens
}

/// Kubernetes mounts tokens with a mode that lets any user of the container read them.
pub(super) fn rule_of(path: &Path) -> Rule {
    let is_mounted = ["/var/run/secrets", "/run/secrets"]
        .iter()
        .any(|folder| path.starts_with(folder));
    if is_mounted {
        Rule::OthersMayRead
    } else {
        Rule::OwnerOnly
    }
}
