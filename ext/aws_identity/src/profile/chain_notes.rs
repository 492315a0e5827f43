//! The notes on one profile chain, read from the profiles in it.

use super::{
    identity_keys::PAIR,
    notes::Notes,
    profile_chain::{BaseProvider, RoleStep},
    reader::{ProfileReader, shortened},
};
use crate::failure::Warning;

impl Notes {
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
    (!PAIR.contains(&key) && is_like(name)).then_some(name)
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
