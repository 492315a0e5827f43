//! The roles on top of the base credentials, each assumed with the ones before.

use super::{
    disk_cache::{DiskCache, Look, StepRequest},
    disk_entry::DiskEntry,
    request::FetchRequest,
    role_steps::{role_steps, session_token_options},
};
use crate::{
    config::{RoleRequest, Taker},
    credentials::{Credentials, Secret},
    failure::{Failure, Warning},
    providers::{BaseCredentials, Context, Record},
    sts::Mfa,
};

/// `GetSessionToken` and `AssumeRole`, as often as the settings ask for it.
pub(crate) struct AssumeRoles<'a> {
    pub context: Context<'a>,
    pub request: &'a FetchRequest,
}

impl AssumeRoles<'_> {
    /// The credentials of the last role, and where they are cached.
    pub(crate) async fn assume(
        &self,
        base: BaseCredentials,
        record: &mut Record,
    ) -> Result<(Credentials, Option<DiskEntry>), Failure> {
        let settings = self.context.settings;
        for warning in self.check_taken(&base)? {
            record.tell(warning.to_string());
        }
        let mut asker = base.asker();
        let mut credentials = base.credentials;
        let mut role_arn = base.role_arn;
        let mut code = Code::NotAsked;
        let disk_cache = DiskCache::open(&self.context, self.request, record);
        if settings.get_session_token.value {
            credentials = self
                .session_token(credentials, &disk_cache, &mut code, record)
                .await?;
        }
        let mut requested = base.options;
        let (role_steps, on_top) = self.roles(base.from_profile);
        for (role, is_on_top) in role_steps
            .iter()
            .map(|role| (role, false))
            .chain(on_top.iter().map(|role| (role, true)))
        {
            let is_held = role_arn.as_ref() == Some(&role.role_arn)
                && role.options.is_satisfied_by(&requested);
            if !(is_on_top && is_held) {
                check_chaining(role, role_arn.as_deref())?;
                credentials = self
                    .role(role, (credentials, &asker), &disk_cache, &mut code, record)
                    .await?;
                asker.clone_from(&role.role_arn);
                role_arn = Some(role.role_arn.clone());
                requested = role.options.clone();
            }
        }
        if let Some(scope) = &settings.scope {
            credentials = self.scope(&scope.value, credentials, record).await?;
        }
        Ok((credentials, disk_cache.into_last()))
    }

    /// Refuses an option that nothing takes, where only the base credentials tell.
    pub(crate) fn check_taken(&self, base: &BaseCredentials) -> Result<Vec<Warning>, Failure> {
        let settings = self.context.settings;
        if settings.taker().is_some() {
            return Ok(Vec::new()); // checked when the settings were read
        }
        let (role_steps, _) = self.roles(base.from_profile);
        settings.check_taken(if !role_steps.is_empty() {
            Taker::Role
        } else if base.is_web_identity {
            Taker::WebIdentity
        } else {
            Taker::Nothing
        })
    }

    /// True if a step needs an MFA code, so that each refresh needs an MFA prompt.
    pub(super) fn needs_mfa(&self, from_profile: bool) -> bool {
        let (role_steps, on_top) = self.roles(from_profile);
        self.begins_with_mfa()
            || role_steps
                .iter()
                .chain(&on_top)
                .any(|role| role.options.serial_number.is_some())
    }

    fn begins_with_mfa(&self) -> bool {
        let settings = self.context.settings;
        settings.get_session_token.value && settings.unscoped.serial_number.is_some()
    }

    async fn role(
        &self,
        role: &RoleRequest,
        (base, asker): (Credentials, &str),
        disk_cache: &DiskCache<'_>,
        code: &mut Code,
        record: &mut Record,
    ) -> Result<Credentials, Failure> {
        let step = format!("assume role {}", role.role_arn);
        let session_name = role
            .options
            .role_session_name
            .as_deref()
            .unwrap_or(self.context.session_name);
        let request = StepRequest {
            step: &step,
            role_arn: Some(&role.role_arn),
            asker,
            options: &role.options,
            // A session token that was given with MFA counts as MFA for the role.
            serial_number: role
                .options
                .serial_number
                .as_deref()
                .filter(|_| !self.begins_with_mfa()),
        };
        self.through_cache(
            &request,
            base,
            disk_cache,
            code,
            record,
            async |base, mfa| {
                self.context
                    .sts()
                    .assume_role(base, &role.role_arn, &role.options, session_name, mfa)
                    .await
            },
        )
        .await
    }

    async fn session_token(
        &self,
        base: Credentials,
        disk_cache: &DiskCache<'_>,
        code: &mut Code,
        record: &mut Record,
    ) -> Result<Credentials, Failure> {
        let options = session_token_options(self.context.settings);
        // A session token belongs to one user, and an account has many.
        let access_key_id = base.access_key_id.clone();
        let request = StepRequest {
            step: "session token",
            role_arn: None,
            asker: &access_key_id,
            options: &options,
            serial_number: options.serial_number.as_deref(),
        };
        self.through_cache(
            &request,
            base,
            disk_cache,
            code,
            record,
            async |base, mfa| self.context.sts().session_token(base, &options, mfa).await,
        )
        .await
    }

    /// The credentials of a step: from the cache on disk, else from STS.
    async fn through_cache(
        &self,
        request: &StepRequest<'_>,
        base: Credentials,
        disk_cache: &DiskCache<'_>,
        code: &mut Code,
        record: &mut Record,
        ask_sts: impl AsyncFnOnce(&Credentials, Option<&Mfa<'_>>) -> Result<Credentials, Failure>,
    ) -> Result<Credentials, Failure> {
        let &StepRequest {
            step,
            serial_number,
            ..
        } = request;
        let source = format!("{} > {step}", base.source);
        record.asks(step);
        let mut look = disk_cache.look(request, record).await;
        if let (Look::Absent(entry), Some(serial_number), Code::NotAsked) =
            (&mut look, serial_number, &code)
        {
            // The lock is free during the MFA prompt, so another process may write credentials
            // meanwhile.
            let is_cached = entry.take().is_some();
            *code = Code::Asked(self.token_code(serial_number, step, record).await?);
            if is_cached {
                record.asks(step);
                look = disk_cache.look(request, record).await;
            }
        }
        let mut credentials = match look {
            Look::Found(credentials) => credentials,
            Look::Absent(entry) => {
                let mfa = match serial_number {
                    Some(serial_number) => Some((serial_number, code.spend(serial_number, step)?)),
                    None => None,
                };
                let mfa = mfa.as_ref().map(|(serial_number, code)| Mfa {
                    serial_number,
                    code,
                });
                let credentials = ask_sts(&base, mfa.as_ref())
                    .await
                    .map_err(|failure| record.failed(step, failure))?;
                if let Some(entry) = entry {
                    disk_cache.store(entry, &credentials, record);
                }
                credentials
            }
        };
        self.context.http.secrets().note_credentials(&credentials);
        credentials.source = source;
        Ok(record.found(step, credentials))
    }

    /// The profile's roles, then the one an option, a setting or the environment names.
    pub(crate) fn roles(&self, from_profile: bool) -> (Vec<RoleRequest>, Vec<RoleRequest>) {
        role_steps(
            self.context.settings,
            self.context.local.profile.ok(),
            from_profile,
        )
    }

    async fn token_code(
        &self,
        serial_number: &str,
        step: &str,
        record: &mut Record,
    ) -> Result<Secret, Failure> {
        if self.context.settings.token_provider {
            let code = self.context.callbacks.token_code(serial_number).await;
            return code.map_err(|failure| record.failed(step, failure));
        }
        // Not a configuration failure: credentials that are still held are served until they
        // expire.
        Err(Failure::no_credentials(
            format!(
                "{step} needs MFA with the device {serial_number}, and there is no token_provider to ask for its code."
            ),
            "Give the session a token_provider.",
        ))
    }
}

/// The MFA code of a fetch: STS takes a code only once, so the application is asked for one.
enum Code {
    NotAsked,
    Asked(Secret),
    Spent,
}

impl Code {
    fn spend(&mut self, serial_number: &str, step: &str) -> Result<Secret, Failure> {
        match std::mem::replace(self, Self::Spent) {
            Self::Asked(code) => Ok(code),
            Self::NotAsked | Self::Spent => Err(Failure::no_credentials(
                format!(
                    "{step} needs MFA with the device {serial_number}, and the code was already used for another role: one code is good for one call."
                ),
                "Let only the first role need MFA.",
            )),
        }
    }
}

/// Refuses a duration over an hour if the base is known to be a role, since STS limits role
/// chaining to an hour; if the base is not known, STS refuses it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>
fn check_chaining(role: &RoleRequest, base: Option<&str>) -> Result<(), Failure> {
    match (base, role.options.duration_seconds) {
        (Some(base), Some(seconds)) if seconds > 3600 => Err(Failure::configuration(
            format!(
                "session_duration is {seconds} seconds for {}, which the role {base} assumes; role chaining is limited to 3600.",
                role.role_arn
            ),
            "Set session_duration to 3600 or less, or assume the role with keys of a user.",
        )),
        _ => Ok(()),
    }
}

/// The default role session name, which shows the machine and this gem in CloudTrail.
pub(super) fn session_name() -> String {
    let system = rustix::system::uname();
    let node: String = system
        .nodename()
        .to_string_lossy()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "=,.@-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(64 - "lex-identity-aws-".len())
        .collect();
    format!("lex-identity-aws-{node}")
}
