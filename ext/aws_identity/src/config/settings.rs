//! What a session was asked to be: typed, checked, owned.
//!
//! Settings come down in layers: an explicit option, else the host's `identity.aws.*`, else the
//! environment, else the shared config files (which [`crate::profile`] reads). This module decides
//! the first three.

use super::{
    layer::Layer,
    options,
    role::{AssumeRoleOptions, Role, RoleRequest},
};
use crate::{
    credentials::{Millis, Secret},
    environment::Environment,
    failure::{Failure, Kind, Warning},
    sts::limits,
};
use serde_json::{Map, Value, json};
use std::{path::PathBuf, time::Duration};

/// How long one fetch may wait for the network, all steps together.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a connection, TLS included, may take to come up.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long one answer may take to begin.
pub const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// How long "this machine is not on AWS" is remembered.
pub const NEGATIVE_TTL: Duration = Duration::from_mins(1);
/// How long a `credential_process` may run.
pub const PROCESS_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a person may take to type an MFA code.
pub const TOKEN_TIMEOUT: Duration = Duration::from_mins(2);

/// Where Linux shows what hardware it runs on.
const DMI_FOLDER: &str = "/sys/class/dmi/id";

/// What the caller was given, layer by layer. Not printable: options may be secrets.
#[derive(Clone, Default)]
pub struct Layers {
    pub options: Map<String, Value>,
    pub settings: Map<String, Value>,
    pub environment: Environment,
    /// The most time the host leaves us; a longer `resolve_timeout` is cut to it.
    pub deadline_cap: Option<Duration>,
    /// Another folder than `/sys/class/dmi/id`, for tests.
    pub dmi_folder: Option<PathBuf>,
}

/// The layer a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Option,
    Settings,
    Environment(&'static str),
    Default,
}

impl Origin {
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Option => "option".into(),
            Self::Settings => "settings".into(),
            Self::Environment(name) => format!("environment {name}"),
            Self::Default => "default".into(),
        }
    }

    /// True for what was asked for in so many words, so that nothing else may serve instead.
    #[must_use]
    pub fn is_explicit(self) -> bool {
        matches!(self, Self::Option | Self::Settings)
    }
}

/// A value and the layer it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<T> {
    pub value: T,
    pub origin: Origin,
}

/// Where a web identity token comes from, when an option or a setting says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    Text(Secret),
    File(PathBuf),
    /// The host asks a callable of the user's before each flight.
    Supplied,
}

/// The answers to every question a fetch can have.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct Settings {
    pub region: Option<Chosen<String>>,
    pub profile: Option<Chosen<String>>,
    pub role: Chosen<Role>,
    /// Words of layers that name no role: they belong to the profile's last role.
    pub unscoped: AssumeRoleOptions,
    pub web_identity: Option<TokenSource>,
    pub provider_id: Option<String>,
    /// The base is handed over by the host before each flight.
    pub supplied_source: bool,
    /// The host can ask a person for an MFA code.
    pub token_provider: bool,
    pub get_session_token: bool,
    /// May hold a user and a password.
    pub endpoint: Option<Chosen<Secret>>,
    pub ca_bundle: Option<Chosen<PathBuf>>,
    /// What the host waits in all, programs included.
    pub deadline_cap: Option<Duration>,
    pub resolve_timeout: Duration,
    pub connect_timeout: Duration,
    pub read_timeout: Duration,
    pub process_timeout: Duration,
    pub token_timeout: Duration,
    pub negative_ttl: Duration,
    pub advisory_window: Option<Millis>,
    pub cache: Option<PathBuf>,
    pub name_with_account: bool,
    pub environment: Environment,
    pub dmi_folder: PathBuf,
    /// What the user should hear once.
    pub warnings: Vec<Warning>,
    report: Vec<(&'static str, Value, Origin)>,
}

impl Settings {
    /// Decides every value, or says what is wrong with the first that is.
    pub fn new(layers: Layers) -> Result<Self, Failure> {
        options::check_options(&layers.options)?;
        let mut warnings = options::check_settings(&layers.settings)?;
        ready(&layers.options, Origin::Option)?;
        ready(&layers.settings, Origin::Settings)?;
        let environment = layers.environment;
        let stack = [
            Layer {
                origin: Origin::Option,
                values: &layers.options,
            },
            Layer {
                origin: Origin::Settings,
                values: &layers.settings,
            },
        ];

        let region = choose(
            &stack,
            "region",
            &environment,
            &["AWS_REGION", "AWS_DEFAULT_REGION"],
        )?;
        if let Some(region) = &region {
            check_region(
                &format!("region ({})", region.origin.label()),
                &region.value,
            )?;
        }
        let profile = choose(
            &stack,
            "profile",
            &environment,
            &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"],
        )?;
        let supplied_source = stack[0].get("source").is_some();
        let web_identity = token_source(&stack, supplied_source)?;
        let (mut role, mut unscoped) =
            super::role::choose(&stack, &environment, web_identity.is_some())?;
        let get_session_token =
            first(&stack, |layer| layer.flag("get_session_token"))?.is_some_and(|flag| flag.value);
        if get_session_token {
            // A code is good for one call, and the session it opens counts as one with MFA.
            unscoped.serial_number = role.value.take_serial_number().or(unscoped.serial_number);
        }
        unscoped.check(get_session_token)?;

        let resolve_timeout = resolve_timeout(&stack, layers.deadline_cap, &mut warnings)?;
        let seconds = |name, default| -> Result<Chosen<Duration>, Failure> {
            Ok(first(&stack, |layer| layer.duration(name, 3600.0))?
                .unwrap_or(chosen(default, Origin::Default)))
        };
        let connect_timeout = seconds("connect_timeout", CONNECT_TIMEOUT)?;
        let read_timeout = seconds("read_timeout", READ_TIMEOUT)?;
        let mut process_timeout = seconds("process_timeout", PROCESS_TIMEOUT)?;
        if let Some(cap) = layers.deadline_cap {
            process_timeout.value = process_timeout.value.min(cap);
        }
        let token_timeout = seconds("token_timeout", TOKEN_TIMEOUT)?;
        let negative_ttl = seconds("negative_ttl", NEGATIVE_TTL)?;
        let advisory_window = first(&stack, |layer| layer.duration("advisory_window", 43_200.0))?;
        let name_with_account = first(&stack, |layer| layer.flag("name_with_account"))?;
        let endpoint = endpoint(&stack, &environment)?;
        let ca_bundle = choose(&stack, "ca_bundle", &environment, &["AWS_CA_BUNDLE"])?
            .map(|path| chosen(PathBuf::from(path.value), path.origin));
        let provider_id = first(&stack, |layer| layer.text("provider_id"))?.map(|id| id.value);
        if let Some(id) = &provider_id {
            limits::provider_id(id)?;
        }
        let cache = cache(&stack, &environment)?;

        let mut report = Report::default();
        report.add(
            "cache",
            cache
                .as_ref()
                .map_or(false.into(), |path| path.value.to_string_lossy().into()),
            cache.as_ref().map_or(Origin::Default, |path| path.origin),
        );
        report.text("region", region.as_ref());
        report.text("profile", profile.as_ref());
        report.add("role_arn", role.value.report(), role.origin);
        report.seconds("resolve_timeout", &resolve_timeout);
        report.seconds("connect_timeout", &connect_timeout);
        report.seconds("read_timeout", &read_timeout);
        report.seconds("process_timeout", &process_timeout);
        report.seconds("token_timeout", &token_timeout);
        report.seconds("negative_ttl", &negative_ttl);
        report.options(&role, &unscoped, &stack);
        let account = name_with_account.unwrap_or(chosen(false, Origin::Default));
        report.add("name_with_account", account.value.into(), account.origin);
        if let Some(endpoint) = &endpoint {
            report.add(
                "endpoint",
                crate::http::without_userinfo(endpoint.value.expose()).into(),
                endpoint.origin,
            );
        }
        if let Some(bundle) = &ca_bundle {
            report.add(
                "ca_bundle",
                bundle.value.to_string_lossy().into(),
                bundle.origin,
            );
        }

        Ok(Self {
            supplied_source,
            token_provider: stack[0].get("token_provider").is_some(),
            region,
            profile,
            role,
            unscoped,
            web_identity,
            provider_id,
            get_session_token,
            endpoint,
            ca_bundle,
            deadline_cap: layers.deadline_cap,
            resolve_timeout: resolve_timeout.value,
            connect_timeout: connect_timeout.value,
            read_timeout: read_timeout.value,
            process_timeout: process_timeout.value,
            token_timeout: token_timeout.value,
            negative_ttl: negative_ttl.value,
            advisory_window: advisory_window.map(|window| millis(window.value)),
            cache: cache.map(|path| path.value),
            name_with_account: account.value,
            environment,
            dmi_folder: layers.dmi_folder.unwrap_or_else(|| DMI_FOLDER.into()),
            warnings,
            report: report.0,
        })
    }

    /// The settings in force and where each came from. Never a secret.
    #[must_use]
    pub fn report(&self) -> &[(&'static str, Value, Origin)] {
        &self.report
    }

    /// The roles to assume on top of the base. A web identity that an option or a setting names has
    /// the first of them for itself.
    #[must_use]
    pub fn role_on_top(&self) -> Option<&[RoleRequest]> {
        let Role::Chain(chain) = &self.role.value else {
            return None;
        };
        let first = usize::from(self.web_identity.is_some());
        chain.get(first..).filter(|rest| !rest.is_empty())
    }

    /// What is said of a role on top: its own words and the `loose` ones, the higher layer's first.
    #[must_use]
    pub fn with_unscoped(
        &self,
        options: &AssumeRoleOptions,
        unscoped: &AssumeRoleOptions,
    ) -> AssumeRoleOptions {
        with_unscoped(self.role.origin, options, unscoped)
    }

    /// The role of the web identity that an option or a setting names.
    pub fn web_identity_role(&self) -> Result<RoleRequest, Failure> {
        match &self.role.value {
            Role::Chain(chain) if !chain.is_empty() => Ok(chain[0].clone()),
            _ => Err(Failure::configuration(
                "A web identity token needs the role it is for. Give role_arn, or set AWS_ROLE_ARN.",
                "",
            )),
        }
    }

    /// The profile that was asked for in so many words: then no other source may serve.
    #[must_use]
    pub fn explicit_profile(&self) -> Option<&str> {
        self.profile
            .as_ref()
            .filter(|profile| profile.origin.is_explicit())
            .map(|profile| profile.value.as_str())
    }
}

pub(crate) fn chosen<T>(value: T, origin: Origin) -> Chosen<T> {
    Chosen { value, origin }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// The first layer's answer to `question`.
fn first<T>(
    stack: &[Layer<'_>],
    question: impl Fn(&Layer<'_>) -> Result<Option<T>, Failure>,
) -> Result<Option<Chosen<T>>, Failure> {
    for layer in stack {
        if let Some(value) = question(layer)? {
            return Ok(Some(chosen(value, layer.origin)));
        }
    }
    Ok(None)
}

/// The time a fetch has, cut to what the host leaves us.
fn resolve_timeout(
    stack: &[Layer<'_>],
    cap: Option<Duration>,
    warnings: &mut Vec<Warning>,
) -> Result<Chosen<Duration>, Failure> {
    let asked = first(stack, |layer| layer.duration("resolve_timeout", 3600.0))?
        .unwrap_or(chosen(RESOLVE_TIMEOUT, Origin::Default));
    let Some(cap) = cap.filter(|cap| asked.value > *cap) else {
        return Ok(asked);
    };
    if asked.origin != Origin::Default {
        warnings.push(Warning {
            cause: format!(
                "resolve_timeout is {} s, and LegionIO gives all providers 5 s together: {} s are used.",
                asked.value.as_secs_f64(),
                cap.as_secs_f64()
            ),
            remedy: "Lower it, or leave it out.".into(),
        });
    }
    Ok(chosen(cap, Origin::Default))
}

/// A text of the layers, else of the environment.
fn choose(
    stack: &[Layer<'_>],
    name: &str,
    environment: &Environment,
    variables: &[&'static str],
) -> Result<Option<Chosen<String>>, Failure> {
    Ok(first(stack, |layer| layer.text(name))?.or_else(|| {
        environment
            .first(variables)
            .map(|(variable, value)| chosen(value.trim().to_owned(), Origin::Environment(variable)))
    }))
}

/// Nothing half-configured becomes another identity.
fn ready(values: &Map<String, Value>, origin: Origin) -> Result<(), Failure> {
    let layer = Layer { origin, values };
    for word in options::OPTIONS {
        let unresolved = values.get(word.name).is_some_and(options::is_unresolved);
        if unresolved && word.unresolved == options::WhenUnresolved::NotReady {
            return Err(Failure::new(
                Kind::NotReady,
                format!(
                    "{} holds a reference (env://, vault:// or lease://) that is not resolved yet. \
                     Nothing is asked of AWS until it is; check that the secret exists and can be read.",
                    layer.label(word.name)
                ),
                "",
            ));
        }
    }
    Ok(())
}

/// A region becomes part of a host name, so it may hold nothing else.
pub(crate) fn check_region(label: &str, region: &str) -> Result<(), Failure> {
    let ok = region.len() <= 63
        && region.starts_with(|c: char| c.is_ascii_alphanumeric())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if ok {
        return Ok(());
    }
    Err(Failure::configuration(
        format!(
            "{label} is {region:?}, which is not the name of a region. It looks like eu-west-1."
        ),
        "",
    ))
}

fn token_source(
    stack: &[Layer<'_>],
    supplied_source: bool,
) -> Result<Option<TokenSource>, Failure> {
    let token = stack[0].get("web_identity_token");
    let file = first(stack, |layer| layer.text("web_identity_token_file"))?;
    if supplied_source {
        // One base is all there can be, and an option outranks a setting.
        let also = file.is_some_and(|file| file.origin == Origin::Option);
        return if token.is_none() && !also {
            Ok(None)
        } else {
            Err(Failure::configuration(
                "Both source and a web identity token are given. Either is a base of its own; keep one.",
                "",
            ))
        };
    }
    match (token, file) {
        (Some(_), Some(_)) => Err(Failure::configuration(
            "Both web_identity_token and web_identity_token_file are given. Keep one.",
            "",
        )),
        (Some(Value::Bool(true)), None) => Ok(Some(TokenSource::Supplied)),
        (Some(Value::String(text)), None) => {
            limits::web_identity_token("web_identity_token", text.trim())?;
            Ok(Some(TokenSource::Text(Secret::new(text.trim()))))
        }
        (Some(other), None) => {
            Err(stack[0].wrong("web_identity_token", other, "a string or a callable"))
        }
        (None, Some(file)) => Ok(Some(TokenSource::File(file.value.into()))),
        (None, None) => Ok(None),
    }
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn endpoint(
    stack: &[Layer<'_>],
    environment: &Environment,
) -> Result<Option<Chosen<Secret>>, Failure> {
    let variables: &[&'static str] = if environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
        &[]
    } else {
        &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]
    };
    let endpoint = choose(stack, "endpoint", environment, variables)?;
    if let Some(endpoint) = &endpoint {
        crate::http::check_endpoint(
            &format!("endpoint ({})", endpoint.origin.label()),
            &endpoint.value,
        )?;
    }
    Ok(endpoint.map(|endpoint| chosen(Secret::new(endpoint.value), endpoint.origin)))
}

fn cache(
    stack: &[Layer<'_>],
    environment: &Environment,
) -> Result<Option<Chosen<PathBuf>>, Failure> {
    let Some(layer) = stack.iter().find(|layer| layer.get("cache").is_some()) else {
        return Ok(None);
    };
    if let Ok(flag) = layer.flag("cache") {
        return match (flag, environment.get("HOME")) {
            (Some(true), Some(home)) => Ok(Some(chosen(
                PathBuf::from(home).join(".aws/cli/cache"),
                layer.origin,
            ))),
            (Some(true), None) => Err(Failure::configuration(
                "cache is true, and HOME is not set, so there is no ~/.aws/cli/cache. Give cache a directory.",
                "",
            )),
            _ => Ok(None),
        };
    }
    let folder = layer.text("cache")?;
    Ok(folder.map(|folder| chosen(PathBuf::from(folder), layer.origin)))
}

#[derive(Default)]
struct Report(Vec<(&'static str, Value, Origin)>);

impl Report {
    fn add(&mut self, name: &'static str, value: Value, origin: Origin) {
        self.0.push((name, value, origin));
    }

    fn text(&mut self, name: &'static str, chosen: Option<&Chosen<String>>) {
        match chosen {
            Some(chosen) => self.add(name, chosen.value.clone().into(), chosen.origin),
            None => self.add(name, Value::Null, Origin::Default),
        }
    }

    fn seconds(&mut self, name: &'static str, chosen: &Chosen<Duration>) {
        self.add(name, json!(chosen.value.as_secs_f64()), chosen.origin);
    }

    fn options(&mut self, role: &Chosen<Role>, unscoped: &AssumeRoleOptions, stack: &[Layer<'_>]) {
        let options = match &role.value {
            Role::Chain(chain) => chain.last().map_or_else(
                || unscoped.clone(),
                |last| with_unscoped(role.origin, &last.options, unscoped),
            ),
            _ => unscoped.clone(),
        };
        let origin = |name: &str, otherwise: Origin| {
            let layer = stack.iter().find(|layer| layer.get(name).is_some());
            layer.map_or(otherwise, |layer| layer.origin)
        };
        let (duration, from) = match options.duration_seconds {
            Some(seconds) => (seconds, origin("session_duration", role.origin)),
            None => (3600, Origin::Default),
        };
        self.add("session_duration", duration.into(), from);
        if let Some(name) = options.role_session_name {
            let otherwise = match role.origin {
                Origin::Environment(_) => Origin::Environment("AWS_ROLE_SESSION_NAME"),
                origin => origin,
            };
            let from = origin("role_session_name", otherwise);
            self.add("role_session_name", name.into(), from);
        }
    }
}

/// The words of a role that `origin` names, and the `loose` ones of the layers that name none: the
/// higher layer's come first.
fn with_unscoped(
    origin: Origin,
    options: &AssumeRoleOptions,
    unscoped: &AssumeRoleOptions,
) -> AssumeRoleOptions {
    if origin == Origin::Option {
        options.over(unscoped)
    } else {
        unscoped.over(options)
    }
}

#[cfg(test)]
mod tests;
