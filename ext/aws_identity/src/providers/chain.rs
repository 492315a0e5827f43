//! Base credentials: who this machine is before any role is assumed.
//!
//! Walks the SDKs' order itself and records every step, since the SDK's own chain goes on to the
//! next source where it must not: past a profile that does not exist, or half a key pair.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use super::{callbacks::Callbacks, environment as environment_keys, login, record::Record, sso};
use crate::{
    config::{AssumeRoleOptions, RoleRequest, Settings, TokenSource},
    credentials::{Credentials, Secret},
    failure::{Failure, Kind},
    http::Http,
    profile::{self, BaseProvider, ProfileChain},
    providers::container,
    providers::imds::{Imds, ImdsEndpoint, ImdsError},
    providers::process,
    providers::token_file,
    sts::limits,
    sts::{Endpoint, Sts, WebIdentity},
    task::deadline::Deadline,
};
use std::{fs, path::Path, time::Duration};
use tokio::task::spawn_blocking;

/// Base credentials, and what came to light with them.
pub struct BaseCredentials {
    pub credentials: Credentials,
    /// The roles the profile says to assume on top, the profile's own last.
    pub from_profile: bool,
    /// The role these credentials are a session of, where that is known.
    pub role_arn: Option<String>,
    /// What was said of that role when they were asked for.
    pub options: AssumeRoleOptions,
    /// IMDS, still open, if it gave them: it knows the region too.
    pub imds: Option<Imds>,
}

impl BaseCredentials {
    fn new(credentials: Credentials) -> Self {
        let role_arn = credentials.details.get("role_arn").cloned();
        Self {
            credentials,
            from_profile: false,
            role_arn,
            options: AssumeRoleOptions::default(),
            imds: None,
        }
    }
}

/// What the walk needs to know.
pub struct ProviderChain<'a> {
    pub settings: &'a Settings,
    pub http: &'a Http,
    pub endpoint: &'a Endpoint,
    pub callbacks: Callbacks<'a>,
    pub deadline: &'a Deadline,
    pub profile_chain: Result<&'a ProfileChain, &'a Failure>,
    pub session_name: &'a str,
    pub now: crate::credentials::Millis,
}

impl ProviderChain<'_> {
    /// The first source that gives credentials; a source that is there and fails ends the walk.
    pub async fn base(&self, record: &mut Record) -> Result<BaseCredentials, Failure> {
        if self.settings.supplied_source {
            return self.supplied(record).await;
        }
        if let Some(token) = &self.settings.web_identity {
            let role = self.settings.web_identity_role()?;
            return self.web_identity(record, token, &role, true).await;
        }
        if let Some(name) = self.settings.explicit_profile() {
            let profile_chain = self
                .profile_chain
                .map_err(|failure| record.failed(&format!("profile {name}"), failure.clone()))?;
            return match self.profile(record, profile_chain).await? {
                Some(found) => Ok(found),
                None => Err(Failure::no_credentials(
                    format!(
                        "The profile {name:?} holds no credentials: no keys, role, process, SSO or token file. Add some, or name another profile."
                    ),
                    "",
                )),
            };
        }
        if let Some(found) = self.environment(record)? {
            return Ok(found);
        }
        let profile_chain = self
            .profile_chain
            .map_err(|failure| record.failed("profile", failure.clone()))?;
        if let Some(found) = self.profile(record, profile_chain).await? {
            return Ok(found);
        }
        if let Some(found) = self.web_identity_of_environment(record).await? {
            return Ok(found);
        }
        if let Some(found) = self.container(record).await? {
            return Ok(found);
        }
        self.imds(record, &Self::imds_endpoint(profile_chain)).await
    }

    async fn supplied(&self, record: &mut Record) -> Result<BaseCredentials, Failure> {
        let source = "source";
        record.asks(source);
        match self.callbacks.source().await {
            Ok(keys) => Ok(record.found(source, BaseCredentials::new(keys))),
            Err(failure) => Err(record.failed(source, failure)),
        }
    }

    pub(crate) fn environment(
        &self,
        record: &mut Record,
    ) -> Result<Option<BaseCredentials>, Failure> {
        let source = "environment";
        match environment_keys::read(&self.settings.environment) {
            Ok(Some(keys)) => Ok(Some(record.found(source, BaseCredentials::new(keys)))),
            Ok(None) => {
                record.absent(source, "AWS_ACCESS_KEY_ID is not set");
                Ok(None)
            }
            Err(failure) => Err(record.failed(source, failure)),
        }
    }

    /// `None` where the profile has no credentials, which for one nobody insisted on is no error.
    async fn profile(
        &self,
        record: &mut Record,
        profile_chain: &ProfileChain,
    ) -> Result<Option<BaseCredentials>, Failure> {
        let source = format!("profile {}", profile_chain.profile);
        record.asks(&source);
        let imds_endpoint = Self::imds_endpoint(profile_chain);
        let found = match &profile_chain.base {
            BaseProvider::None => {
                let why = if profile_chain.exists {
                    "it holds no credentials"
                } else {
                    "there is none"
                };
                record.absent(&source, why);
                return Ok(None);
            }
            BaseProvider::Keys(keys) => Ok(BaseCredentials::new(keys.clone())),
            BaseProvider::Environment => environment_keys::read(&self.settings.environment)
                .and_then(|keys| {
                    keys.map(BaseCredentials::new).ok_or_else(|| {
                        Failure::no_credentials(
                            "credential_source is Environment, and AWS_ACCESS_KEY_ID is not set.", "")
                    })
                }),
            BaseProvider::Container if !container::is_configured(&self.settings.environment) => {
                Err(Failure::no_credentials(
                    "credential_source is EcsContainer, and no AWS_CONTAINER_CREDENTIALS_* variable is set.", ""))
            }
            BaseProvider::Container => {
                container::credentials(self.http, &self.settings.environment)
                    .await
                    .map(BaseCredentials::new)
            }
            BaseProvider::Imds if Imds::is_disabled(&self.settings.environment) => {
                Err(Failure::no_credentials(
                    "credential_source is Ec2InstanceMetadata, and AWS_EC2_METADATA_DISABLED is true.", ""))
            }
            BaseProvider::Imds => self
                .ask_imds(&imds_endpoint)
                .await
                .map_err(|miss| match miss {
                    ImdsError::Failed(failure) => failure,
                    ImdsError::Unavailable(why) => Failure::no_credentials(format!(
                        "credential_source is Ec2InstanceMetadata, and IMDS is not there ({why})."
                    ), ""),
                }),
            BaseProvider::Process {
                command,
                account_id,
            } => self
                .process(command, account_id.as_deref(), &profile_chain.base_profile)
                .await
                .map(BaseCredentials::new),
            BaseProvider::WebIdentity {
                role_arn,
                token_file,
                role_session_name,
                duration_seconds,
            } => {
                let own = AssumeRoleOptions {
                    role_session_name: role_session_name.clone(),
                    duration_seconds: *duration_seconds,
                    ..AssumeRoleOptions::default()
                };
                let options = if profile_chain.role_steps.is_empty() {
                    self.settings.unscoped.over(&own)
                } else {
                    own
                };
                let token = TokenSource::File(token_file.into());
                self.exchange(&token, role_arn, options).await
            }
            BaseProvider::Sso {
                session,
                start_url,
                region,
                account_id,
                role_name,
            } => {
                let login = sso::Login {
                    profile: &profile_chain.base_profile,
                    session: session.as_deref(),
                    start_url,
                    region,
                    account_id,
                    role_name,
                };
                // Without an sso_session the SDK's provider sends a token that has ended, as if it were good.
                match profile::obstacle(
                    profile_chain,
                    &self.settings.environment.to_map(),
                    self.now,
                ) {
                    Some(why) => Err(sso::no_login(why)),
                    None => sso::credentials(self.http, &login)
                        .await
                        .map(BaseCredentials::new),
                }
            }
            BaseProvider::Login { session } => login::credentials(
                self.http,
                &profile_chain.base_profile,
                session,
                &self.endpoint.region,
            )
            .await
            .map(BaseCredentials::new),
        };
        match found {
            Ok(mut found) => {
                found.from_profile = true;
                found.credentials.source.clone_from(&source);
                Ok(Some(record.found(&source, found)))
            }
            Err(failure) => Err(record.failed(
                &source,
                failure.within(&format!("The profile {:?}", profile_chain.profile)),
            )),
        }
    }

    /// IRSA: the token file belongs to `AWS_ROLE_ARN`.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html>
    async fn web_identity_of_environment(
        &self,
        record: &mut Record,
    ) -> Result<Option<BaseCredentials>, Failure> {
        let source = "web identity";
        let environment = &self.settings.environment;
        let Some(file) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            record.absent(source, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
            return Ok(None);
        };
        let Some(role_arn) = environment.get("AWS_ROLE_ARN") else {
            return Err(record.failed(
                source,
                Failure::configuration(
                    "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not. Set both, or neither.", ""),
            ));
        };
        let role_arn = role_arn.trim();
        limits::role_arn("AWS_ROLE_ARN", role_arn)
            .map_err(|failure| record.failed(source, failure))?;
        let session_name = environment
            .get("AWS_ROLE_SESSION_NAME")
            .map(|name| name.trim().to_owned());
        if let Some(name) = &session_name {
            limits::session_name("AWS_ROLE_SESSION_NAME", name)
                .map_err(|failure| record.failed(source, failure))?;
        }
        let role = RoleRequest {
            role_arn: role_arn.to_owned(),
            options: AssumeRoleOptions {
                role_session_name: session_name,
                ..AssumeRoleOptions::default()
            },
        };
        self.web_identity(record, &TokenSource::File(file.trim().into()), &role, false)
            .await
            .map(Some)
    }

    async fn web_identity(
        &self,
        record: &mut Record,
        token: &TokenSource,
        role: &RoleRequest,
        explicit: bool,
    ) -> Result<BaseCredentials, Failure> {
        let source = "web identity";
        let settings = self.settings;
        // What an option says of no role is said of this one, unless one is assumed on top; and what
        // it says of this very role is said at once, where it can be.
        let options = match settings.role_on_top() {
            None if explicit => settings.with_unscoped(&role.options, &settings.unscoped),
            None => settings.unscoped.over(&role.options),
            Some([same, rest @ ..])
                if same.role_arn == role.role_arn
                    && unsupported_by_web_identity(&same.options).is_none() =>
            {
                let options = if rest.is_empty() {
                    settings.with_unscoped(&same.options, &settings.unscoped)
                } else {
                    same.options.clone()
                };
                options.over(&role.options)
            }
            Some(_) => role.options.clone(),
        };
        record.asks(source);
        match self.exchange(token, &role.role_arn, options).await {
            Ok(mut found) => {
                source.clone_into(&mut found.credentials.source);
                Ok(record.found(source, found))
            }
            Err(failure) => Err(record.failed(source, failure)),
        }
    }

    async fn exchange(
        &self,
        token: &TokenSource,
        role_arn: &str,
        options: AssumeRoleOptions,
    ) -> Result<BaseCredentials, Failure> {
        let token = match token {
            TokenSource::Text(text) => {
                let replaced = self.callbacks.answers.web_identity_token.clone();
                replaced.unwrap_or_else(|| text.clone())
            }
            TokenSource::File(path) => token_file::read(path).map_err(|reason| {
                Failure::no_credentials(format!("Web identity: {reason}."), "")
            })?,
            TokenSource::Supplied => self.callbacks.web_identity_token().await?,
        };
        if let Some(option) = unsupported_by_web_identity(&options) {
            return Err(Failure::configuration(
                format!(
                    "{option} is given, and a web identity has none: STS takes it with AssumeRole only. Remove it, or put a role_arn on top."
                ),
                "",
            ));
        }
        let identity = WebIdentity {
            role_arn,
            token: &token,
            provider_id: self.settings.provider_id.as_deref(),
        };
        let session_name = options
            .role_session_name
            .as_deref()
            .unwrap_or(self.session_name);
        let credentials = Sts::new(self.http, self.endpoint)
            .assume_role_with_web_identity(&identity, &options, session_name)
            .await?;
        let mut found = BaseCredentials::new(credentials);
        found.role_arn = Some(role_arn.to_owned());
        found.options = options;
        Ok(found)
    }

    pub(crate) async fn container(
        &self,
        record: &mut Record,
    ) -> Result<Option<BaseCredentials>, Failure> {
        let source = "container";
        if !container::is_configured(&self.settings.environment) {
            record.absent(source, "no AWS_CONTAINER_CREDENTIALS_* variable is set");
            return Ok(None);
        }
        record.asks(source);
        match container::credentials(self.http, &self.settings.environment).await {
            Ok(set) => Ok(Some(record.found(source, BaseCredentials::new(set)))),
            Err(failure) => Err(record.failed(source, failure)),
        }
    }

    /// The last source: without it, and with nothing configured, this machine is not on AWS.
    pub(crate) async fn imds(
        &self,
        record: &mut Record,
        imds_endpoint: &ImdsEndpoint,
    ) -> Result<BaseCredentials, Failure> {
        let source = "imds";
        if Imds::is_disabled(&self.settings.environment) {
            record.absent(source, "AWS_EC2_METADATA_DISABLED is true");
            return Err(not_on_aws("IMDS is disabled"));
        }
        record.asks(source);
        match self.ask_imds(imds_endpoint).await {
            Ok(found) => Ok(record.found(source, found)),
            Err(ImdsError::Failed(failure)) => Err(record.failed(source, failure)),
            Err(ImdsError::Unavailable(why)) if is_ec2(&self.settings.dmi_folder) => Err(record.failed(
                source,
                Failure::no_credentials(format!(
                    "This is an EC2 instance, and its metadata service is not there ({why}). In a container raise the role_step limit \
                     (HttpPutResponseHopLimit) to 2; else enable the service, or set AWS_EC2_METADATA_DISABLED=true."
                ), ""),
            )),
            Err(ImdsError::Unavailable(why)) => {
                record.absent(source, &why);
                Err(not_on_aws(&format!("IMDS: {why}")))
            }
        }
    }

    async fn ask_imds(&self, imds_endpoint: &ImdsEndpoint) -> Result<BaseCredentials, ImdsError> {
        let mut imds = Imds::new(self.http, &self.settings.environment, imds_endpoint)
            .map_err(ImdsError::Failed)?;
        let mut found = BaseCredentials::new(imds.credentials(self.now).await?);
        found.imds = Some(imds);
        Ok(found)
    }

    async fn process(
        &self,
        command: &Secret,
        account_id: Option<&str>,
        profile: &str,
    ) -> Result<Credentials, Failure> {
        // Its own limit, so that a program may take longer than the network; but not longer than LegionIO
        // waits for both.
        let limit = match self.settings.deadline_cap {
            Some(cap) => whole_tenths(cap.saturating_sub(self.deadline.took())),
            None => Duration::MAX,
        };
        let limit = limit.min(self.settings.process_timeout);
        let environment = self.settings.environment.to_map();
        let environment = process::marked(environment, profile)?;
        let command = command.clone();
        let run = spawn_blocking(move || process::run(command.expose(), limit, &environment));
        let _paused = self.deadline.pause_for_program();
        let mut set = run.await.map_err(|_| {
            Failure::internal("The thread that ran credential_process ended early.", "")
        })??;
        set.account_id = set.account_id.or_else(|| account_id.map(str::to_owned));
        Ok(set)
    }

    pub(crate) fn imds_endpoint(profile_chain: &ProfileChain) -> ImdsEndpoint {
        ImdsEndpoint {
            endpoint: profile_chain
                .ec2_metadata_service_endpoint
                .as_ref()
                .map(|url| url.expose().to_owned()),
            mode: profile_chain.ec2_metadata_service_endpoint_mode.clone(),
        }
    }
}

/// For a time that is told to the user. Rounded down, so that it ends before what it was cut from.
fn whole_tenths(time: Duration) -> Duration {
    let tenths = u64::try_from(time.as_millis() / 100).unwrap_or(u64::MAX / 100);
    Duration::from_millis(tenths * 100)
}

fn not_on_aws(why: &str) -> Failure {
    Failure::new(
        Kind::NotOnAws,
        format!(
            "Nothing names AWS credentials here, and this does not look like AWS ({why}). \
             Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run where AWS gives credentials."
        ),
        "",
    )
}

/// The first option that would be lost without a word. An external id may be: it opens a door that the
/// token has opened already.
fn unsupported_by_web_identity(options: &AssumeRoleOptions) -> Option<&'static str> {
    let lost = [
        ("tags", !options.tags.is_empty()),
        (
            "transitive_tag_keys",
            !options.transitive_tag_keys.is_empty(),
        ),
        ("source_identity", options.source_identity.is_some()),
        ("serial_number", options.serial_number.is_some()),
        ("provided_contexts", !options.provided_contexts.is_empty()),
    ];
    lost.iter()
        .find_map(|(option, is_given)| is_given.then_some(*option))
}

/// The hardware's vendor, as Nitro and Xen instances show it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html>
fn is_ec2(dmi_folder: &Path) -> bool {
    let says = |file: &str, test: fn(&str) -> bool| {
        fs::read_to_string(dmi_folder.join(file)).is_ok_and(|text| test(text.trim()))
    };
    says("sys_vendor", |vendor| vendor == "Amazon EC2")
        || says("bios_vendor", |vendor| vendor == "Amazon EC2")
        || says("product_uuid", |uuid| {
            uuid.to_ascii_lowercase().starts_with("ec2")
        })
}
