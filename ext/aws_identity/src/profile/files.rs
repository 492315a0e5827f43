//! The shared config and credentials files: what is in them.

use super::{
    ini::{Properties, Section, Value},
    set_aside::{self, SectionKind, SetAside},
    source_file::{Location, Source},
};
use crate::{
    environment::Environment,
    failure::{Failure, Warning},
    util::did_you_mean,
};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Both files as they were at one moment.
pub struct Files {
    config: Source,
    credentials: Source,
    profiles: BTreeMap<String, Profile>,
    sso_sessions: BTreeMap<String, Properties>,
    services: BTreeMap<String, Properties>,
    set_aside: Vec<SetAside>,
    with_credentials: Vec<String>,
}

/// What both files say under one name. Where both have a key, the credentials file wins.
#[derive(Clone, Default)]
pub(super) struct Profile {
    pub(super) config: Properties,
    pub(super) credentials: Properties,
}

impl Profile {
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.credentials.get(key).or_else(|| self.config.get(key))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.credentials
            .keys()
            .chain(self.config.keys())
            .map(String::as_str)
    }
}

impl Files {
    /// Reads both files from where `environment` says they are: `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/config` and `~/.aws/credentials` below `HOME`.
    ///
    /// A missing file, and what is no regular file (such as `/dev/null`), has no profiles. A file
    /// that exists and is malformed, too large, not UTF-8, or named by a variable and unreadable is
    /// a configuration failure: another source in its place could be another identity.
    pub fn load(environment: &Environment) -> Result<Self, Failure> {
        let (config, config_text) = Source::read(environment, Location::CONFIG)?;
        let (credentials, credentials_text) = Source::read(environment, Location::CREDENTIALS)?;
        Self::build(config, &config_text, credentials, &credentials_text)
    }

    /// The same from texts that are already in memory.
    pub fn from_texts(config: &str, credentials: &str) -> Result<Self, Failure> {
        Self::build(
            Source::in_memory("the config text"),
            config,
            Source::in_memory("the credentials text"),
            credentials,
        )
    }

    /// Where the two files are, or would be, without a look at them.
    #[must_use]
    pub fn places(environment: &Environment) -> (Option<PathBuf>, Option<PathBuf>) {
        (
            Location::CONFIG.path(environment).0,
            Location::CREDENTIALS.path(environment).0,
        )
    }

    /// The names of all profiles, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    #[must_use]
    pub fn contains(&self, profile: &str) -> bool {
        self.profiles.contains_key(profile)
    }

    /// What was looked at, such as `/home/a/.aws/config (3 profiles) and /home/a/.aws/credentials (missing)`.
    #[must_use]
    pub fn looked_at(&self) -> String {
        format!("{} and {}", self.config, self.credentials)
    }

    /// The failure that says a profile does not exist: the files, near names, what to do.
    #[must_use]
    pub fn missing(&self, profile: &str) -> Failure {
        if let Some((aside, remedy)) = self.set_aside(SectionKind::Profile, profile) {
            return Failure::configuration(
                format!(
                    "The profile {profile:?} does not exist: {aside}; looked in {}.",
                    self.looked_at()
                ),
                remedy,
            );
        }
        let hint = if self.contains(&format!("profile {profile}")) {
            format!(
                "The credentials file has [profile {profile}]; in that file a profile is written [{profile}]."
            )
        } else {
            did_you_mean::hint(profile, self.names())
        };
        Failure::configuration(
            format!(
                "The profile {profile:?} does not exist; looked in {}.",
                self.looked_at()
            ),
            hint,
        )
    }

    pub(super) fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    pub(super) fn profiles(&self) -> &BTreeMap<String, Profile> {
        &self.profiles
    }

    /// The names of the profiles that have credentials or a role, apart from `default`, sorted.
    pub(super) fn with_credentials(&self) -> &[String] {
        &self.with_credentials
    }

    pub(super) fn sso_session(&self, name: &str) -> Option<&Properties> {
        self.sso_sessions.get(name)
    }

    pub(super) fn sso_session_names(&self) -> impl Iterator<Item = &str> {
        self.sso_sessions.keys().map(String::as_str)
    }

    /// What is set aside and was probably meant to be the section `name`, and how to write it.
    pub(super) fn set_aside(&self, kind: SectionKind, name: &str) -> Option<(String, String)> {
        let written = kind.header(name);
        let aside = self
            .set_aside
            .iter()
            .find(|aside| aside.is_meant(kind, name));
        if let Some(aside) = aside {
            return Some((aside.cause(), format!("Write {written}.")));
        }
        let elsewhere = format!("{} {name}", kind.word());
        let is_elsewhere = kind != SectionKind::Profile && self.contains(&elsewhere);
        is_elsewhere.then(|| {
            (
                format!("[{elsewhere}] stands in the credentials file, where it is the name of a profile"),
                format!("Write {written} in the config file."),
            )
        })
    }

    /// What there is to say of files that are named or there, and not read.
    pub(super) fn files_set_aside(&self) -> impl Iterator<Item = Warning> {
        let files = [&self.credentials, &self.config];
        files.into_iter().filter_map(Source::set_aside)
    }

    /// The earlier section of this profile that a later one replaced.
    pub(super) fn replaced(&self, name: &str) -> impl Iterator<Item = Warning> {
        let replaced = |aside: &&SetAside| aside.is_replaced(name);
        let found = self.set_aside.iter().filter(replaced);
        found.filter_map(SetAside::warning)
    }

    pub(super) fn sections_set_aside(&self) -> impl Iterator<Item = Warning> {
        self.set_aside.iter().filter_map(SetAside::warning)
    }

    pub(super) fn services(&self, name: &str) -> Option<&Properties> {
        self.services.get(name)
    }

    fn build(
        config: Source,
        config_text: &str,
        credentials: Source,
        credentials_text: &str,
    ) -> Result<Self, Failure> {
        let mut files = Self {
            profiles: BTreeMap::new(),
            sso_sessions: BTreeMap::new(),
            services: BTreeMap::new(),
            set_aside: Vec::new(),
            with_credentials: Vec::new(),
            config,
            credentials,
        };
        for section in files.config.parse(config_text)? {
            files.config_section(section);
        }
        files.config.count(files.profiles.len());
        let sections = files.credentials.parse(credentials_text)?;
        files.credentials.count(sections.len());
        for section in sections {
            let profile = files.profiles.entry(section.header).or_default();
            profile.credentials = section.properties;
        }
        // Once, since each profile that is resolved asks for them.
        let with_credentials = files.profiles.iter().filter(|(name, profile)| {
            *name != "default" && (profile.names_role() || profile.ways().any(|_| true))
        });
        files.with_credentials = with_credentials.map(|(name, _)| name.clone()).collect();
        Ok(files)
    }

    /// A name may be quoted. Of two sections of one name, such as `[default]` and `[profile default]`, the
    /// later one counts, as in botocore.
    fn config_section(&mut self, section: Section) {
        let (kind, name) = match set_aside::read(&section.header, &section.properties) {
            Ok(found) => found,
            Err(aside) => return self.set_aside.push(aside),
        };
        match kind {
            SectionKind::SsoSession => {
                self.sso_sessions.insert(name, section.properties);
            }
            SectionKind::Services => {
                self.services.insert(name, section.properties);
            }
            SectionKind::Profile => {
                let profile = self.profiles.entry(name.clone()).or_default();
                let earlier = std::mem::replace(&mut profile.config, section.properties);
                if !earlier.is_empty() {
                    self.set_aside.push(SetAside::replaced(&name, &earlier));
                }
            }
        }
    }
}

/// Paths and names only.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("config", &self.config)
            .field("credentials", &self.credentials)
            .field("profiles", &self.profiles.keys())
            .finish_non_exhaustive()
    }
}
