//! What kind of profile it is: the first step of botocore's order that finds its keys.

use super::{files::Profile, identity_keys::PAIR};

/// What a profile itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileKind {
    /// `role_arn` with `source_profile` or `credential_source`.
    AssumeRole,
    /// `web_identity_token_file`.
    WebIdentity,
    /// `sso_account_id` and `sso_role_name`.
    Sso,
    /// `aws_access_key_id` and `aws_secret_access_key`.
    StaticKeys,
    /// `login_session`.
    Login,
    /// `credential_process`.
    Process,
    /// No credentials of its own: settings such as a region.
    Settings,
}

impl ProfileKind {
    /// Every kind, for tables that must be complete.
    pub const ALL: [Self; 7] = [
        Self::AssumeRole,
        Self::WebIdentity,
        Self::Sso,
        Self::StaticKeys,
        Self::Login,
        Self::Process,
        Self::Settings,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssumeRole => "assume_role",
            Self::WebIdentity => "web_identity",
            Self::Sso => "sso",
            Self::StaticKeys => "static_keys",
            Self::Login => "login",
            Self::Process => "process",
            Self::Settings => "settings",
        }
    }
}

impl Profile {
    pub(super) fn kind(&self) -> ProfileKind {
        if self.names_role() {
            ProfileKind::AssumeRole
        } else {
            self.own_kind()
        }
    }

    /// The kind without its role: what it is as the source of another profile, or of itself.
    pub(super) fn own_kind(&self) -> ProfileKind {
        let first = self.ways().next();
        first.map_or(ProfileKind::Settings, |(kind, _)| kind)
    }

    /// Its own ways to credentials and how a message names them; the first is taken.
    pub(super) fn ways(&self) -> impl Iterator<Item = (ProfileKind, &'static str)> {
        let has_sso = self.has("sso_account_id") || self.has("sso_role_name");
        let config_has_keys = PAIR.iter().any(|key| self.config.contains_key(*key));
        [
            (
                self.has("web_identity_token_file"),
                ProfileKind::WebIdentity,
                "web_identity_token_file",
            ),
            (has_sso, ProfileKind::Sso, "SSO"),
            (
                self.credentials_file_has_keys(),
                ProfileKind::StaticKeys,
                "keys in the credentials file",
            ),
            (
                self.has("login_session"),
                ProfileKind::Login,
                "login_session",
            ),
            (
                self.has("credential_process"),
                ProfileKind::Process,
                "credential_process",
            ),
            (
                config_has_keys,
                ProfileKind::StaticKeys,
                "keys in the config file",
            ),
        ]
        .into_iter()
        .filter_map(|(is_there, kind, name)| is_there.then_some((kind, name)))
    }

    /// A token file brings its own credentials; with it the role is a base, not one on top.
    pub(super) fn names_role(&self) -> bool {
        self.has("role_arn") && !self.has("web_identity_token_file")
    }

    /// Half a pair counts as a pair, so that it is refused when it is used.
    pub(super) fn has_keys(&self) -> bool {
        PAIR.iter().any(|key| self.has(key))
    }

    pub(super) fn credentials_file_has_keys(&self) -> bool {
        PAIR.iter().any(|key| self.credentials.contains_key(*key))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Files;
    use super::ProfileKind;

    fn kind(config: &str, credentials: &str) -> Option<ProfileKind> {
        let files = Files::from_texts(
            &format!("[profile a]\n{config}"),
            &format!("[a]\n{credentials}"),
        );
        files.ok()?.profile("a").map(super::Profile::kind)
    }

    #[test]
    fn the_order_is_botocores() {
        // Each step wins over all that come after it.
        let steps = [
            (
                ProfileKind::WebIdentity,
                "web_identity_token_file = /t\nrole_arn = r\n",
                "",
            ),
            (ProfileKind::AssumeRole, "role_arn = r\n", ""),
            (ProfileKind::Sso, "sso_account_id = 1\n", ""),
            (ProfileKind::StaticKeys, "", "aws_access_key_id = a\n"),
            (ProfileKind::Login, "login_session = l\n", ""),
            (ProfileKind::Process, "credential_process = p\n", ""),
            (ProfileKind::StaticKeys, "aws_secret_access_key = s\n", ""),
            (ProfileKind::Settings, "region = r\n", ""),
        ];
        for (index, (expected, _, _)) in steps.iter().enumerate() {
            let rest = &steps[index..];
            // The first step has the second's key in it, so that one is left out beside it.
            let config: String = rest
                .iter()
                .enumerate()
                .filter(|(place, _)| index != 0 || *place != 1)
                .map(|(_, step)| step.1)
                .collect();
            let credentials: String = rest.iter().map(|step| step.2).collect();
            assert_eq!(
                kind(&config, &credentials),
                Some(*expected),
                "{config}{credentials}"
            );
        }
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> =
            ProfileKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), ProfileKind::ALL.len());
    }
}
