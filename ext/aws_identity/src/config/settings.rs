//! The settings of one session: typed, checked, owned.

use super::{
    Base, Layers, TokenSource, base,
    role::{self, Role, RoleChoice},
    scope,
};
use crate::{
    credentials::{Millis, Secret},
    environment::Environment,
    failure::{Failure, Warning},
    http::{self, HttpConfig},
    layer::{Chosen, Layer, Origin, chosen},
    region::check_region,
    sts::{AssumeRoleOptions, RoleRequest, Scope, limits},
};
use serde_json::Value;
use std::{mem, path::PathBuf, time::Duration};

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

/// All that a fetch needs to know, decided once. [`Settings::report`] shows it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub region: Option<Chosen<String>>,
    /// The profile that is read: for region and endpoint also where the base is another source.
    pub profile: Option<Chosen<String>>,
    pub role: Chosen<Role>,
    /// Role options given without `role_arn`; they go to the profile's last role.
    pub unscoped: AssumeRoleOptions,
    /// The same before they were merged, and those of an explicit web identity.
    pub(super) unscoped_by_layer: Vec<Chosen<AssumeRoleOptions>>,
    /// All role options in force, the highest layer first.
    pub(super) role_options: Vec<Chosen<AssumeRoleOptions>>,
    /// The source that an option or a setting names: then it is the only one.
    pub base: Option<Chosen<Base>>,
    pub provider_id: Option<Chosen<String>>,
    /// How the credentials of the source are limited, in place of roles.
    pub scope: Option<Chosen<Scope>>,
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
    pub(crate) roles: Option<Chosen<Value>>,
    pub(super) broker_bridge: Option<Chosen<Value>>,
    pub(super) sdk_default: Option<Chosen<Value>>,
    pub(super) tokens: Option<Chosen<Value>>,
    pub(super) vault: Option<Chosen<Value>>,
    pub environment: Environment,
    pub dmi_folder: PathBuf,
    /// To be logged once.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Decides every value; the failure is that of the first wrong one. The layers are wiped.
    pub fn new(mut layers: Layers) -> Result<Self, Failure> {
        let settings = Self::decide(&mut layers);
        layers.wipe();
        settings
    }

    /// The folder of the cache alone, whatever is wrong with the other settings. The layers are wiped.
    pub fn cache_of(mut layers: Layers) -> Result<Option<PathBuf>, Failure> {
        let folder = layers
            .check_one("cache")
            .and_then(|()| cache(&layers))
            .map(|cache| cache.value);
        layers.wipe();
        folder
    }

    fn decide(layers: &mut Layers) -> Result<Self, Failure> {
        let mut warnings = layers.check()?;
        let is_given = |name| layers.options_and_settings()[0].get(name).is_some();
        let base = base::read(layers)?;
        let for_web_identity = matches!(
            base.as_ref().map(|base| &base.value),
            Some(Base::WebIdentity(_))
        );
        let scope = scope::read(layers, base.as_ref())?;
        let (mut choice, get_session_token) = match &scope {
            Some(scope) => (RoleChoice::none(scope.origin), chosen(false, scope.origin)),
            None => (
                RoleChoice::read(layers, for_web_identity)?,
                layers.flag("get_session_token")?,
            ),
        };
        if get_session_token.value {
            // A code is good for one call, and the session it opens counts as one with MFA.
            let serial_number = choice.role.value.take_serial_number();
            choice.unscoped.serial_number = serial_number.or(choice.unscoped.serial_number);
        }
        choice.unscoped.check(get_session_token.value)?;
        let mut settings = Self {
            region: region(layers)?,
            profile: profile(layers)?,
            role: choice.role,
            unscoped: choice.unscoped,
            unscoped_by_layer: choice.unscoped_by_layer,
            role_options: choice.by_origin,
            base,
            provider_id: provider_id(layers)?,
            scope,
            token_provider: is_given("token_provider"),
            get_session_token,
            endpoint: endpoint(layers, &mut warnings)?,
            ca_bundle: ca_bundle(layers)?,
            deadline_cap: layers.deadline_cap,
            resolve_timeout: resolve_timeout(layers, &mut warnings)?,
            connect_timeout: layers.seconds("connect_timeout", CONNECT_TIMEOUT)?,
            read_timeout: layers.seconds("read_timeout", READ_TIMEOUT)?,
            process_timeout: process_timeout(layers)?,
            token_timeout: layers.seconds("token_timeout", TOKEN_TIMEOUT)?,
            negative_ttl: layers.seconds("negative_ttl", NEGATIVE_TTL)?,
            max_attempts: layers.environment.count("AWS_MAX_ATTEMPTS")?,
            advisory_window: layers
                .first(|l| l.duration("advisory_window", MAX_ADVISORY_WINDOW))?,
            cache: cache(layers)?,
            name_with_account: layers.flag("name_with_account")?,
            enabled: layers.settings_key("enabled"),
            roles: layers.settings_key("roles"),
            broker_bridge: layers.settings_key("broker_bridge"),
            sdk_default: layers.settings_key("sdk_default"),
            tokens: layers.settings_key("tokens"),
            vault: layers.settings_key("vault"),
            environment: mem::take(&mut layers.environment),
            dmi_folder: layers
                .dmi_folder
                .take()
                .unwrap_or_else(|| DMI_FOLDER.into()),
            warnings,
        };
        if let Some(taker) = settings.taker() {
            let unused = settings.check_taken(taker)?;
            settings.warnings.extend(unused);
        }
        Ok(settings)
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

    /// The web identity token that an option or a setting names.
    #[must_use]
    pub fn web_identity(&self) -> Option<&TokenSource> {
        match &self.base.as_ref()?.value {
            Base::WebIdentity(token) => Some(token),
            _ => None,
        }
    }

    /// True where the application is asked for the credentials or the token of each fetch.
    #[must_use]
    pub fn is_supplied(&self) -> bool {
        let base = self.base.as_ref().map(|base| &base.value);
        base == Some(&Base::Supplied) || self.asks_for_token()
    }

    /// True where the application's callable gives the web identity token.
    #[must_use]
    pub fn asks_for_token(&self) -> bool {
        self.web_identity() == Some(&TokenSource::Supplied)
    }

    /// The roles to assume on top of the base. Where an option or a setting names a web identity, the
    /// first role is the token's.
    #[must_use]
    pub fn role_on_top(&self) -> Option<&[RoleRequest]> {
        let Role::Chain(chain) = &self.role.value else {
            return None;
        };
        let first = usize::from(self.web_identity().is_some());
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

    /// The profile that an option or a setting names as the base: then no other source may serve.
    #[must_use]
    pub fn explicit_profile(&self) -> Option<&str> {
        match &self.base.as_ref()?.value {
            Base::Profile(name) => Some(name),
            _ => None,
        }
    }
}

/// The profile to read. `inherited`: that of the session that gives the base credentials.
fn profile(layers: &Layers) -> Result<Option<Chosen<String>>, Failure> {
    let [options, _] = layers.options_and_settings();
    match (&layers.inherited_profile, options.get("profile")) {
        (Some(name), None) => Ok(Some(chosen(name.clone(), Origin::Option))),
        _ => layers.text("profile", &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]),
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

/// `true` is the AWS CLI's own folder. A relative path would be another folder in each process.
fn cache(layers: &Layers) -> Result<Chosen<Option<PathBuf>>, Failure> {
    let stack = layers.options_and_settings();
    let Some(layer) = stack.iter().find(|layer| layer.get("cache").is_some()) else {
        return Ok(chosen(None, Origin::Default));
    };
    let folder = match (layer.flag("cache"), layers.environment.cli_cache()) {
        (Ok(Some(true)), Some(folder)) => Some(folder),
        (Ok(Some(true)), None) => {
            return Err(Failure::configuration(
                "cache is true, and HOME is not set, so there is no ~/.aws/cli/cache.",
                "Give cache a directory.",
            ));
        }
        (Ok(_), _) => None,
        (Err(_), _) => Some(cache_folder(layer, &layers.environment)?),
    };
    Ok(chosen(folder, layer.origin))
}

fn cache_folder(layer: &Layer<'_>, environment: &Environment) -> Result<PathBuf, Failure> {
    let name = "cache";
    let given = layer.get(name).and_then(Value::as_str).unwrap_or_default();
    let path = environment.expand_home(given.trim());
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Failure::configuration(
        format!(
            "{} is neither true nor false nor an absolute path.",
            layer.label(name)
        ),
        "Give true for ~/.aws/cli/cache, or an absolute path; ~ and ~user are expanded for users in /etc/passwd.",
    ))
}

#[cfg(test)]
mod tests;
