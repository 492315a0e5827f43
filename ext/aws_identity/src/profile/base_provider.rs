//! The base provider of one profile, without regard to its role and its source profile.

use super::{
    ini::Properties, kind::ProfileKind, profile_chain::BaseProvider, reader::ProfileReader,
    set_aside::SectionKind,
};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
    util::did_you_mean,
};

impl<'a> ProfileReader<'a> {
    /// The credentials of the profile itself, without its role.
    pub(super) fn own_credentials(self) -> Result<BaseProvider, Failure> {
        match self.profile.own_kind() {
            ProfileKind::WebIdentity => self.web_identity(),
            ProfileKind::Sso => self.sso(),
            ProfileKind::StaticKeys if self.profile.credentials_file_has_keys() => {
                self.keys(&self.profile.credentials, "credentials")
            }
            ProfileKind::StaticKeys => self.keys(&self.profile.config, "config"),
            ProfileKind::Login => Ok(BaseProvider::Login {
                session: self.required("login_session")?.unwrap_or_default(),
            }),
            ProfileKind::Process => Ok(BaseProvider::Process {
                command: self.command()?,
                account_id: self.optional("aws_account_id")?,
            }),
            ProfileKind::Settings | ProfileKind::AssumeRole => Ok(BaseProvider::None),
        }
    }

    fn web_identity(self) -> Result<BaseProvider, Failure> {
        if !self.profile.has("role_arn") {
            return Err(self.failure(
                "has web_identity_token_file and no role_arn",
                "Add the role the token is for.",
            ));
        }
        Ok(BaseProvider::WebIdentity {
            role_arn: self.role_arn()?,
            token_file: self
                .required("web_identity_token_file")?
                .unwrap_or_default(),
            role_session_name: self.role_session_name()?,
            duration_seconds: self.duration_seconds()?,
        })
    }

    fn sso(self) -> Result<BaseProvider, Failure> {
        let session =
            self.section_name("sso_session", |name| self.files.sso_session(name).is_some())?;
        let shared = match &session {
            None => &Properties::new(),
            Some(name) => self.sso_session(name)?,
        };
        let mut missing = Vec::new();
        let mut setting = |key: &'static str| -> Result<String, Failure> {
            let own = self.required(key)?;
            let value = own.or_else(|| shared.get(key).map(|value| value.text.to_string()));
            if value
                .as_ref()
                .is_none_or(|value| value.is_empty() || value.contains('\n'))
            {
                missing.push(key);
            }
            Ok(value.unwrap_or_default())
        };
        let start_url = setting("sso_start_url")?;
        let region = setting("sso_region")?;
        let account_id = setting("sso_account_id")?;
        let role_name = setting("sso_role_name")?;
        if !missing.is_empty() {
            return Err(self.failure(
                format_args!("uses SSO and lacks {}", missing.join(", ")),
                "`aws configure sso` writes all of them.",
            ));
        }
        Ok(BaseProvider::Sso {
            session,
            start_url,
            region,
            account_id,
            role_name,
        })
    }

    /// The `[sso-session]` of that name. It may repeat what the profile says, but not contradict it.
    fn sso_session(self, name: &str) -> Result<&'a Properties, Failure> {
        let shared = self.files.sso_session(name).ok_or_else(|| {
            let hint = did_you_mean::hint(name, self.files.sso_session_names());
            self.no_section(SectionKind::SsoSession, name, hint)
        })?;
        let contradicted = shared.iter().find(|(key, value)| {
            self.profile
                .value(key)
                .is_some_and(|own| own.text != value.text)
        });
        match contradicted {
            None => Ok(shared),
            Some((key, _)) => Err(self.failure(
                format_args!("and its [sso-session {name}] give two values for {key}"),
                "Keep the one in the sso-session.",
            )),
        }
    }

    /// A key pair of one file. Both halves must be in the same file, as for botocore.
    fn keys(self, properties: &Properties, file: &str) -> Result<BaseProvider, Failure> {
        let value = |key: &str| {
            let text = properties.get(key).map(|value| value.text.to_string());
            match text {
                Some(text) if text.contains('\n') => Err(self.continued(key)),
                text => Ok(text.filter(|text| !text.is_empty())),
            }
        };
        let (Some(id), Some(secret)) =
            (value("aws_access_key_id")?, value("aws_secret_access_key")?)
        else {
            return Err(self.failure(
                format_args!("has half a key pair in the {file} file"),
                "Write both aws_access_key_id and aws_secret_access_key there, or neither.",
            ));
        };
        // The older name comes first in botocore.
        let (token_name, token) = match value("aws_security_token")? {
            Some(token) => ("aws_security_token", Some(token)),
            None => ("aws_session_token", value("aws_session_token")?),
        };
        let mut keys = Credentials::new(id, secret, token, format!("profile {}", self.name));
        keys.account_id = value("aws_account_id")?;
        let names = [
            "aws_access_key_id",
            "aws_secret_access_key",
            token_name,
            "aws_account_id",
        ];
        match keys.defect(names) {
            None => Ok(BaseProvider::Keys(keys)),
            Some((key, what)) => Err(self.failure(
                format_args!("has {key} in the {file} file, which {what}"),
                "Write it anew, as it was given out.",
            )),
        }
    }

    /// Here a ` ;` or ` #` belongs to the command, and it may go on over several lines.
    fn command(self) -> Result<Secret, Failure> {
        let value = self.profile.value("credential_process");
        match value.map(|value| value.uncut.trim()) {
            Some(command) if !command.is_empty() => Ok(Secret::new(command)),
            _ => Err(self.empty("credential_process")),
        }
    }
}
