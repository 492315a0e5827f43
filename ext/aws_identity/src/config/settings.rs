//! The settings of one session: typed, checked, owned.

use super::{
    Layers,
    region::check_region,
    role::{self, Role, RoleChoice},
};
use crate::{
    credentials::{Millis, Secret},
    environment::Environment,
    failure::{Failure, Warning},
    http::{self, HttpConfig},
    layer::{Chosen, Origin, chosen},
    sts::{AssumeRoleOptions, RoleRequest, limits},
};
use serde_json::Value;
use std::{path::PathBuf, time::Duration};

/// How long one fetch may wait for the network, all steps together.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a connection, TLS included, may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long one answer may take to begin.
pub const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// How long "this machine is not on AWS" is remembered.
pub const NEGATIVE_TTL: Duration = Duration::from_mins(1);
/// How long a `credential_process` may run.
pub const PROCESS_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a user may take to type an MFA code.
pub const TOKEN_TIMEOUT: Duration = Duration::from_mins(2);

/// The longest advisory window, in seconds: STS gives no credentials that live longer.
const MAX_ADVISORY_WINDOW: f64 = 43_200.0;
/// Where Linux shows what hardware it runs on.
const DMI_FOLDER: &str = "/sys/class/dmi/id";

/// Where a web identity token comes from, when an option or a setting says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    Text(Secret),
    File(PathBuf),
    /// The application's callable gives one for each fetch.
    Supplied,
}

/// All that a fetch needs to know, decided once. [`Settings::report`] shows it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub region: Option<Chosen<String>>,
    pub profile: Option<Chosen<String>>,
    pub role: Chosen<Role>,
    /// Role options given without `role_arn`; they go to the profile's last role.
    pub unscoped: AssumeRoleOptions,
    /// All role options in force, the highest layer first.
    pub(super) role_options: Vec<Chosen<AssumeRoleOptions>>,
    pub web_identity: Option<Chosen<TokenSource>>,
    pub provider_id: Option<Chosen<String>>,
    /// The application hands over the base credentials for each fetch (`source`).
    pub supplied_source: bool,
    /// The application can give an MFA code.
    pub token_provider: bool,
    pub get_session_token: Chosen<bool>,
    /// May hold a user and a password.
    pub endpoint: Option<Chosen<Secret>>,
    pub ca_bundle: Option<Chosen<PathBuf>>,
    /// The most `LegionIO` waits, programs included.
    pub deadline_cap: Option<Duration>,
    pub resolve_timeout: Chosen<Duration>,
    pub connect_timeout: Chosen<Duration>,
    pub read_timeout: Chosen<Duration>,
    pub process_timeout: Chosen<Duration>,
    pub token_timeout: Chosen<Duration>,
    pub negative_ttl: Chosen<Duration>,
    /// The most requests of one call of STS, as `AWS_MAX_ATTEMPTS` says.
    pub max_attempts: Option<u32>,
    pub advisory_window: Option<Chosen<Duration>>,
    /// The folder of the cache on disk, where it is in use.
    pub cache: Chosen<Option<PathBuf>>,
    pub name_with_account: Chosen<bool>,
    /// Keys of `identity.aws` that only `LegionIO`'s side reads: here for the report.
    pub(super) enabled: Option<Chosen<Value>>,
    pub(super) roles: Option<Chosen<Value>>,
    pub(super) broker_bridge: Option<Chosen<Value>>,
    pub environment: Environment,
    pub dmi_folder: PathBuf,
    /// To be logged once.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Decides every value; the failure is that of the first wrong one.
    pub fn new(layers: Layers) -> Result<Self, Failure> {
        let mut warnings = layers.check()?;
        let is_given = |name| layers.options_and_settings()[0].get(name).is_some();
        let web_identity = token_source(&layers)?;
        let mut choice = RoleChoice::read(&layers, web_identity.is_some())?;
        let get_session_token = layers.flag("get_session_token")?;
        if get_session_token.value {
            // A code is good for one call, and the session it opens counts as one with MFA.
            let serial_number = choice.role.value.take_serial_number();
            choice.unscoped.serial_number = serial_number.or(choice.unscoped.serial_number);
        }
        choice.unscoped.check(get_session_token.value)?;
        Ok(Self {
            region: region(&layers)?,
            profile: layers.text("profile", &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])?,
            role: choice.role,
            unscoped: choice.unscoped,
            role_options: choice.by_origin,
            web_identity,
            provider_id: provider_id(&layers)?,
            supplied_source: is_given("source"),
            token_provider: is_given("token_provider"),
            get_session_token,
            endpoint: endpoint(&layers, &mut warnings)?,
            ca_bundle: ca_bundle(&layers)?,
            deadline_cap: layers.deadline_cap,
            resolve_timeout: resolve_timeout(&layers, &mut warnings)?,
            connect_timeout: layers.seconds("connect_timeout", CONNECT_TIMEOUT)?,
            read_timeout: layers.seconds("read_timeout", READ_TIMEOUT)?,
            process_timeout: process_timeout(&layers)?,
            token_timeout: layers.seconds("token_timeout", TOKEN_TIMEOUT)?,
            negative_ttl: layers.seconds("negative_ttl", NEGATIVE_TTL)?,
            max_attempts: layers.environment.count("AWS_MAX_ATTEMPTS")?,
            advisory_window: layers
                .first(|l| l.duration("advisory_window", MAX_ADVISORY_WINDOW))?,
            cache: cache(&layers)?,
            name_with_account: layers.flag("name_with_account")?,
            enabled: layers.settings_key("enabled"),
            roles: layers.settings_key("roles"),
            broker_bridge: layers.settings_key("broker_bridge"),
            environment: layers.environment,
            dmi_folder: layers.dmi_folder.unwrap_or_else(|| DMI_FOLDER.into()),
            warnings,
        })
    }

    /// What the HTTP clients of a fetch need of all this.
    #[must_use]
    pub fn http(&self) -> HttpConfig {
        HttpConfig {
            environment: self.environment.clone(),
            connect_timeout: self.connect_timeout.value,
            read_timeout: self.read_timeout.value,
            ca_bundle: self.ca_bundle.as_ref().map(|bundle| bundle.value.clone()),
        }
    }

    /// The advisory window in milliseconds, where an option or a setting gives one.
    #[must_use]
    pub fn advisory_window(&self) -> Option<Millis> {
        let window = self.advisory_window.as_ref()?;
        Some(Millis::try_from(window.value.as_millis()).unwrap_or(Millis::MAX))
    }

    /// True where the application's callable gives the web identity token.
    #[must_use]
    pub fn asks_for_token(&self) -> bool {
        let token = self.web_identity.as_ref();
        token.is_some_and(|token| token.value == TokenSource::Supplied)
    }

    /// The roles to assume on top of the base. Where an option or a setting names a web identity, the
    /// first role is the token's.
    #[must_use]
    pub fn role_on_top(&self) -> Option<&[RoleRequest]> {
        let Role::Chain(chain) = &self.role.value else {
            return None;
        };
        let first = usize::from(self.web_identity.is_some());
        chain.get(first..).filter(|rest| !rest.is_empty())
    }

    /// The options of a role on top, merged with the `unscoped` ones: the higher layer's come first.
    #[must_use]
    pub fn with_unscoped(
        &self,
        options: &AssumeRoleOptions,
        unscoped: &AssumeRoleOptions,
    ) -> AssumeRoleOptions {
        role::with_unscoped(self.role.origin, options, unscoped)
    }

    /// The role of the web identity that an option or a setting names.
    pub fn web_identity_role(&self) -> Result<RoleRequest, Failure> {
        match &self.role.value {
            Role::Chain(chain) if !chain.is_empty() => Ok(chain[0].clone()),
            _ => Err(Failure::configuration(
                "A web identity token needs the role it is for.",
                "Give role_arn, or set AWS_ROLE_ARN.",
            )),
        }
    }

    /// The profile that an option or a setting names: then no other source may serve.
    #[must_use]
    pub fn explicit_profile(&self) -> Option<&str> {
        self.profile
            .as_ref()
            .filter(|profile| profile.origin.is_explicit())
            .map(|profile| profile.value.as_str())
    }
}

fn ca_bundle(layers: &Layers) -> Result<Option<Chosen<PathBuf>>, Failure> {
    let bundle = layers.text("ca_bundle", &["AWS_CA_BUNDLE"])?;
    let path =
        |text: Chosen<String>| chosen(layers.environment.expand_home(&text.value), text.origin);
    Ok(bundle.map(path))
}

fn region(layers: &Layers) -> Result<Option<Chosen<String>>, Failure> {
    let region = layers.text("region", &["AWS_REGION", "AWS_DEFAULT_REGION"])?;
    if let Some(region) = &region {
        let label = format!("region ({})", region.origin.label());
        check_region(&label, &region.value)?;
    }
    Ok(region)
}

fn provider_id(layers: &Layers) -> Result<Option<Chosen<String>>, Failure> {
    let id = layers.first(|layer| layer.text("provider_id"))?;
    if let Some(id) = &id {
        limits::provider_id(&id.value)?;
    }
    Ok(id)
}

/// The time a fetch has, cut to what `LegionIO` leaves a provider.
fn resolve_timeout(
    layers: &Layers,
    warnings: &mut Vec<Warning>,
) -> Result<Chosen<Duration>, Failure> {
    let given = layers.seconds("resolve_timeout", RESOLVE_TIMEOUT)?;
    let Some(cap) = layers.deadline_cap.filter(|cap| given.value > *cap) else {
        return Ok(given);
    };
    if given.origin != Origin::Default {
        warnings.push(Warning {
            cause: format!(
                "resolve_timeout is {} s, and LegionIO gives all providers 5 s together: {} s are used.",
                given.value.as_secs_f64(),
                cap.as_secs_f64()
            ),
            remedy: "Lower it, or leave it out.".into(),
        });
    }
    Ok(chosen(cap, Origin::Default))
}

fn process_timeout(layers: &Layers) -> Result<Chosen<Duration>, Failure> {
    let mut timeout = layers.seconds("process_timeout", PROCESS_TIMEOUT)?;
    if let Some(cap) = layers.deadline_cap {
        timeout.value = timeout.value.min(cap);
    }
    Ok(timeout)
}

fn token_source(layers: &Layers) -> Result<Option<Chosen<TokenSource>>, Failure> {
    let [options, _] = layers.options_and_settings();
    let token = options.get("web_identity_token");
    let file = layers.first(|layer| layer.text("web_identity_token_file"))?;
    if options.get("source").is_some() {
        // There is one base, and an option outranks a setting.
        let also = file.is_some_and(|file| file.origin == Origin::Option);
        return if token.is_none() && !also {
            Ok(None)
        } else {
            Err(Failure::configuration(
                "Both source and a web identity token are given.",
                "Either is a base of its own; keep one.",
            ))
        };
    }
    let source = match (token, file) {
        (Some(_), Some(_)) => {
            return Err(Failure::configuration(
                "Both web_identity_token and web_identity_token_file are given.",
                "Keep one.",
            ));
        }
        (Some(Value::Bool(true)), None) => TokenSource::Supplied,
        (Some(Value::String(text)), None) => {
            limits::web_identity_token("web_identity_token", text.trim())?;
            TokenSource::Text(Secret::new(text.trim()))
        }
        (Some(other), None) => {
            return Err(options.wrong("web_identity_token", other, "a string or a callable"));
        }
        (None, Some(file)) => {
            let path = layers.environment.expand_home(&file.value);
            return Ok(Some(chosen(TokenSource::File(path), file.origin)));
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(chosen(source, Origin::Option)))
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn endpoint(
    layers: &Layers,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Chosen<Secret>>, Failure> {
    let is_ignored = layers
        .environment
        .is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let variables: &[&'static str] = if is_ignored {
        &[]
    } else {
        &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]
    };
    let mut endpoint = layers.text("endpoint", variables)?;
    if let Some(endpoint) = &mut endpoint {
        let label = format!("endpoint ({})", endpoint.origin.label());
        endpoint.value = http::check_endpoint(&label, &endpoint.value)?;
        warnings.extend(http::plain_warning(&endpoint.value));
    }
    Ok(endpoint.map(|endpoint| chosen(Secret::new(endpoint.value), endpoint.origin)))
}

/// `true` is the AWS CLI's own folder.
fn cache(layers: &Layers) -> Result<Chosen<Option<PathBuf>>, Failure> {
    let stack = layers.options_and_settings();
    let Some(layer) = stack.iter().find(|layer| layer.get("cache").is_some()) else {
        return Ok(chosen(None, Origin::Default));
    };
    let folder = match (layer.flag("cache"), layers.environment.get("HOME")) {
        (Ok(Some(true)), Some(home)) => Some(PathBuf::from(home).join(".aws/cli/cache")),
        (Ok(Some(true)), None) => {
            return Err(Failure::configuration(
                "cache is true, and HOME is not set, so there is no ~/.aws/cli/cache.",
                "Give cache a directory.",
            ));
        }
        (Ok(_), _) => None,
        (Err(_), _) => layer
            .text("cache")?
            .map(|path| layers.environment.expand_home(&path)),
    };
    Ok(chosen(folder, layer.origin))
}

#[cfg(test)]
mod tests;
