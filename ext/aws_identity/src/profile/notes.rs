//! What there is to say of a profile that works, or of one without credentials: of two ways the one not
//! taken, what was read as a comment, and what was set aside.

use super::{
    files::{Files, Profile},
    profile_chain::{BaseProvider, RoleStep},
    reader::{ProfileReader, shortened},
};
use crate::failure::Warning;

/// As many sections as a message names.
const SHOWN: usize = 5;

/// What the doctor says of a profile, and the failures of its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Ways to credentials that the profile has and that are not taken.
    pub passed_over: Vec<Warning>,
    /// Values of which a part was read as a comment.
    pub comments: Vec<Warning>,
    /// What in the profiles was probably meant to give credentials, and cannot.
    pub unusable: Vec<Warning>,
    /// Sections that were set aside, the first few. They count where nothing gives credentials.
    pub set_aside: Vec<Warning>,
    /// Files that were set aside, likewise.
    pub files: Vec<Warning>,
    /// Profiles that have credentials and that nothing names, the first few. They count where nothing gives
    /// credentials and no profile is named.
    pub not_named: Option<Warning>,
}

impl Notes {
    pub(super) fn of_files(files: &Files) -> Self {
        Self {
            set_aside: files.sections_set_aside().take(SHOWN).collect(),
            files: files.files_set_aside().collect(),
            not_named: not_named(files),
            ..Self::default()
        }
    }

    /// What was set aside on the way to credentials.
    pub fn all_set_aside(&self) -> impl Iterator<Item = &Warning> {
        self.of_profile().chain(&self.set_aside)
    }

    /// The part of it that concerns this profile.
    pub fn of_profile(&self) -> impl Iterator<Item = &Warning> {
        self.files.iter().chain(&self.unusable)
    }

    /// The notes on the chain of the profile `top`: its role steps, and the profile of its base.
    pub(super) fn of(
        top: ProfileReader<'_>,
        role_steps: &[RoleStep],
        base: &BaseProvider,
        base_profile: &str,
    ) -> Self {
        let is_named = matches!(
            base,
            BaseProvider::Environment | BaseProvider::Container | BaseProvider::Imds
        );
        let mut notes = Self::of_files(top.files);
        let steps = role_steps.iter().rev().map(|step| step.profile.as_str());
        let mut names: Vec<&str> = steps.filter(|name| *name != base_profile).collect();
        names.push(base_profile);
        for name in names {
            let Some((name, profile)) = top.files.profiles().get_key_value(name) else {
                continue;
            };
            let reader = ProfileReader {
                name,
                profile,
                ..top
            };
            let is_base = name == base_profile && !is_named;
            notes.passed_over.extend(reader.passed_over(is_base));
            notes.comments.extend(reader.read_as_comments());
            notes.unusable.extend(reader.unusable());
        }
        notes
    }
}

impl ProfileReader<'_> {
    fn warning(self, what: &str, remedy: impl Into<String>) -> Warning {
        Warning {
            cause: format!("The profile {:?} {what}.", self.name),
            remedy: remedy.into(),
        }
    }

    fn passed_over(self, is_base: bool) -> Option<Warning> {
        let ways: Vec<&str> = self.profile.ways().map(|(_, way)| way).collect();
        let named_source = ["source_profile", "credential_source"]
            .into_iter()
            .find(|key| self.profile.has(key));
        let what = if is_base {
            let (taken, others) = ways.split_first()?;
            if others.is_empty() {
                return None;
            }
            format!("has {taken} beside {}", passed_over(others))
        } else if ways.is_empty() {
            return None;
        } else {
            let way = named_source?;
            format!("has a role with {way} beside {}", passed_over(&ways))
        };
        let remedy = "Remove what is not wanted, or move it to a profile of its own.";
        Some(self.warning(&what, remedy))
    }

    fn read_as_comments(self) -> impl Iterator<Item = Warning> {
        ["source_profile", "sso_session", "services"]
            .into_iter()
            .filter_map(move |key| {
                let whole = self.uncut_name(key)?;
                let exists = match key {
                    "source_profile" => self.files.contains(whole),
                    "sso_session" => self.files.sso_session(whole).is_some(),
                    _ => self.files.services(whole).is_some(),
                };
                let taken = self.profile.value(key)?.text.as_str();
                (!exists).then(|| {
                    self.warning(
                        &format!(
                            "has {key} {:?}, and no section has that name, so {taken:?} is used and the rest is taken for a comment",
                            shortened(whole)
                        ),
                        "The AWS CLI knows no comment behind a value; put it on a line of its own.",
                    )
                })
            })
    }

    /// What was probably meant to give credentials, and cannot.
    fn unusable(self) -> Vec<Warning> {
        let mut all: Vec<Warning> = self.files.replaced(self.name).collect();
        let odd: Vec<&str> = self.profile.keys().filter_map(like_keys).collect();
        if !odd.is_empty() {
            all.push(self.warning(
                &format!("has keys that are none of AWS's: {}", odd.join(", ")),
                "Write aws_access_key_id, aws_secret_access_key and aws_session_token, without export.",
            ));
        }
        if !self.profile.ways().any(|_| true) && !self.profile.names_role() {
            if self.profile.has("sso_session") || self.profile.has("sso_start_url") {
                all.push(self.warning(
                    "uses SSO and lacks sso_account_id and sso_role_name, which choose the credentials",
                    "`aws configure sso` writes all of them.",
                ));
            }
            if self.profile.has("source_profile") || self.profile.has("credential_source") {
                all.push(self.warning(
                    "says whose credentials assume its role, and names no role",
                    "Add role_arn.",
                ));
            }
        }
        all
    }
}

/// Says which profiles have credentials. `default` needs no name, so it is none of them.
fn not_named(files: &Files) -> Option<Warning> {
    let mut with_credentials = files.profiles().iter().filter(|(name, profile)| {
        *name != "default" && (profile.names_role() || profile.ways().any(|_| true))
    });
    let names: Vec<String> = with_credentials
        .by_ref()
        .take(SHOWN)
        .map(|(name, _)| format!("{:?}", shortened(name)))
        .collect();
    let more = with_credentials.count();
    let cause = match (names.as_slice(), more) {
        ([], _) => return None,
        ([name], _) => format!("The profile {name} has credentials, and nothing names it."),
        (_, 0) => format!(
            "The profiles {} have credentials, and nothing names one.",
            names.join(", ")
        ),
        _ => format!(
            "The profiles {} and {more} more have credentials, and nothing names one.",
            names.join(", ")
        ),
    };
    Some(Warning {
        cause,
        remedy: "A profile is named by AWS_PROFILE, or by profile as an option or setting.".into(),
    })
}

/// `export aws_access_key_id`, `access_key_id`, `aws_secret_key` and the like. The rest of such a name is
/// not shown: without its `=` a line has the secret in the name of the key.
fn like_keys(key: &str) -> Option<&str> {
    let is_like = |name: &str| {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        ["accesskey", "secretkey"]
            .iter()
            .any(|part| letters.contains(part))
    };
    let start = key.find("aws").or_else(|| key.find("access"))?;
    let is_of_name = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '-');
    let length = key[start..].find(|c| !is_of_name(c));
    let name = &key[..length.map_or(key.len(), |length| start + length)];
    (!Profile::PAIR.contains(&key) && is_like(name)).then_some(name)
}

fn passed_over(ways: &[&str]) -> String {
    let verb = if let [one] = ways
        && !one.starts_with("keys")
    {
        "is"
    } else {
        "are"
    };
    format!("{}, which {verb} passed over", ways.join(", "))
}
