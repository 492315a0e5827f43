//! The job of a flight: base credentials, the roles on top, and who that makes us.

use crate::{
    attempt::Attempt,
    credentials::{Credentials, Millis},
    failure::{Failure, Kind},
    flight::Deadline,
    gate::SharedGate,
    http::Http,
    identity::Identity,
    profile::{self, Base, Files, Hop, Plan},
    region,
    settings::{Role, RoleRequest, RoleWords, Settings},
    source::{Found, Record, Supplies, Walk},
    sts::{Endpoint, Mfa, Sts},
};
use std::{sync::Arc, time::SystemTime};

/// What a flight is asked to bring.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Credentials that are good and need not be fetched again.
    pub held: Option<Arc<Credentials>>,
    /// Whether the identity is wanted too.
    pub identity: bool,
    pub supplies: Supplies,
}

/// What a flight brings.
#[derive(Debug)]
pub struct Fetched {
    pub credentials: Arc<Credentials>,
    /// True where they were fetched, false where `Order::held` was good enough.
    pub is_new: bool,
    /// The identity, or why it is not known; `None` where nobody asked.
    pub identity: Option<Result<Identity, Failure>>,
    pub region: String,
    pub attempts: Vec<Attempt>,
    /// How far STS's clock is ahead of ours, where it was asked.
    pub clock_offset: Option<Millis>,
}

/// Does what `order` says. On failure the failure carries the attempts.
pub async fn fetch(
    settings: Arc<Settings>,
    order: Order,
    gate: SharedGate,
    deadline: Arc<Deadline>,
) -> Result<Fetched, Failure> {
    let mut record = Record::default();
    let job = Job::new(&settings, &order, gate, &deadline);
    match job {
        Ok(mut job) => match job.run(&mut record).await {
            Ok(fetched) => Ok(Fetched {
                attempts: record.into_attempts(),
                ..fetched
            }),
            Err(failure) => Err(with_attempts(failure, record)),
        },
        Err(failure) => Err(with_attempts(failure, record)),
    }
}

fn with_attempts(mut failure: Failure, record: Record) -> Failure {
    failure.attempts = record.into_attempts();
    failure
}

struct Job<'a> {
    settings: &'a Settings,
    order: &'a Order,
    deadline: &'a Deadline,
    http: Http,
    plan: Result<Plan, Failure>,
    endpoint: Endpoint,
    session_name: String,
}

impl<'a> Job<'a> {
    fn new(
        settings: &'a Settings,
        order: &'a Order,
        gate: SharedGate,
        deadline: &'a Deadline,
    ) -> Result<Self, Failure> {
        let plan = plan(settings)?;
        let mut http = Http::new(settings, gate);
        if let Some(bundle) = plan.as_ref().ok().and_then(|plan| plan.ca_bundle.as_ref()) {
            http.set_profile_ca_bundle(bundle.into());
        }
        let endpoint = endpoint(settings, plan.as_ref().ok())?;
        Ok(Self {
            settings,
            order,
            deadline,
            http,
            plan,
            endpoint,
            session_name: session_name(),
        })
    }

    async fn run(&mut self, record: &mut Record) -> Result<Fetched, Failure> {
        let (credentials, is_new) = match &self.order.held {
            Some(held) => (Arc::clone(held), false),
            None => (Arc::new(self.credentials(record).await?), true),
        };
        let identity = if self.order.identity {
            Some(self.identity(&credentials).await)
        } else {
            None
        };
        Ok(Fetched {
            credentials,
            is_new,
            identity,
            region: self.endpoint.region.clone(),
            attempts: Vec::new(),
            clock_offset: self.http.clock_offset(),
        })
    }

    async fn credentials(&mut self, record: &mut Record) -> Result<Credentials, Failure> {
        let walk = Walk {
            settings: self.settings,
            http: &self.http,
            endpoint: &self.endpoint,
            supplies: &self.order.supplies,
            deadline: self.deadline,
            plan: self.plan.as_ref(),
            session_name: &self.session_name,
            now: now(),
        };
        let found = walk.base(record).await?;
        if let Some(imds) = &found.imds
            && !self.names_region()
            && let Some(region) = imds.region().await
        {
            self.endpoint.region = region;
        }
        self.assume(found, record).await
    }

    /// Every role on top of the base, one after the other.
    async fn assume(&self, found: Found, record: &mut Record) -> Result<Credentials, Failure> {
        let mut held = found.credentials;
        let mut role_arn = found.role_arn;
        let sts = Sts::new(&self.http, &self.endpoint);
        let mut code = self.order.supplies.token_code.as_ref();
        if self.settings.get_session_token {
            let words = &self.settings.loose;
            let mfa = self.mfa(words.serial_number.as_deref(), &mut code, "GetSessionToken")?;
            let source = held.source.clone();
            held = sts
                .session_token(&held, words.duration_seconds, mfa.as_ref())
                .await
                .map_err(|failure| record.failed("session token", failure))?;
            held.source = format!("{source} > session token");
            record.found("session token", ());
        }
        let roles = self.roles(found.from_profile);
        for role in &roles {
            if role_arn.as_deref() == Some(role.role_arn.as_str()) && !found.from_profile {
                continue; // the base already is a session of it
            }
            check_chaining(role, role_arn.as_deref())?;
            let step = format!("assume role {}", role.role_arn);
            let mfa = self.mfa(role.words.serial_number.as_deref(), &mut code, &step)?;
            let session_name = role
                .words
                .role_session_name
                .as_deref()
                .unwrap_or(&self.session_name);
            let mut next = sts
                .assume_role(
                    &held,
                    &role.role_arn,
                    &role.words,
                    session_name,
                    mfa.as_ref(),
                )
                .await
                .map_err(|failure| record.failed(&step, failure))?;
            next.source = format!("{} > {step}", held.source);
            held = record.found(&step, next);
            role_arn = Some(role.role_arn.clone());
        }
        Ok(held)
    }

    /// The profile's roles, then the one an option, a setting or the environment names.
    fn roles(&self, from_profile: bool) -> Vec<RoleRequest> {
        let loose = RoleWords {
            // With GetSessionToken these two are its own.
            serial_number: self
                .settings
                .loose
                .serial_number
                .clone()
                .filter(|_| !self.settings.get_session_token),
            duration_seconds: self
                .settings
                .loose
                .duration_seconds
                .filter(|_| !self.settings.get_session_token),
            ..self.settings.loose.clone()
        };
        let mut hops: Vec<RoleRequest> = match &self.plan {
            Ok(plan) if from_profile => plan.hops.iter().map(request).collect(),
            _ => Vec::new(),
        };
        let mut on_top = self
            .settings
            .role_on_top()
            .map(<[_]>::to_vec)
            .unwrap_or_default();
        // Words of a layer that names no role belong to the profile's last, else to the last there is.
        let of_web_identity = self.settings.web_identity.is_some();
        if let Some(last) = hops
            .last_mut()
            .or_else(|| on_top.last_mut())
            .filter(|_| !of_web_identity)
        {
            last.words = loose.over(&last.words);
        }
        hops.append(&mut on_top);
        hops
    }

    fn mfa<'s, 'c: 's>(
        &self,
        serial_number: Option<&'s str>,
        code: &mut Option<&'c crate::credentials::Secret>,
        step: &str,
    ) -> Result<Option<Mfa<'s>>, Failure> {
        let Some(serial_number) = serial_number else {
            return Ok(None);
        };
        if let Some(code) = code.take() {
            return Ok(Some(Mfa {
                serial_number,
                code,
            }));
        }
        let why = if self.settings.token_provider {
            "the code was already used for another role: one code is good for one call. Let only the first role need MFA"
        } else {
            "nobody here can be asked for its code. Give the session a token_provider"
        };
        // Not a configuration failure: a set that is still held is served until it ends.
        Err(Failure::no_credentials(format!(
            "{step} needs MFA with the device {serial_number}, and {why}."
        )))
    }

    async fn identity(&self, keys: &Credentials) -> Result<Identity, Failure> {
        let principal = Sts::new(&self.http, &self.endpoint)
            .caller_identity(keys)
            .await?;
        let milliseconds = u64::try_from(self.deadline.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Identity {
            canonical_name: principal.canonical_name(self.settings.name_with_account),
            region: self.endpoint.region.clone(),
            source: keys.source.clone(),
            milliseconds,
            principal,
        })
    }

    fn names_region(&self) -> bool {
        self.settings.region.is_some() || self.plan.as_ref().is_ok_and(|plan| plan.region.is_some())
    }
}

/// The MFA device whose code a fetch would need now, if any. Reads files, asks no network.
pub fn needed_serial(settings: &Settings) -> Result<Option<String>, Failure> {
    if settings.get_session_token {
        return Ok(settings.loose.serial_number.clone());
    }
    let plan = plan(settings)?.ok();
    let from_profile = plan.as_ref().filter(|_| uses_profile(settings));
    let of_profile =
        from_profile.and_then(|plan| plan.hops.iter().find_map(|hop| hop.mfa_serial.clone()));
    let on_top = settings.role_on_top().unwrap_or_default();
    Ok(of_profile
        .or_else(|| {
            on_top
                .iter()
                .find_map(|role| role.words.serial_number.clone())
        })
        .or_else(|| settings.loose.serial_number.clone()))
}

fn uses_profile(settings: &Settings) -> bool {
    let keys = settings.environment.get("AWS_ACCESS_KEY_ID").is_some();
    !settings.supplied_source
        && settings.web_identity.is_none()
        && (settings.explicit_profile().is_some() || !keys)
}

/// What the chosen profile says. The outer failure is one that no other source may hide: the files
/// cannot be read, or a profile that was named does not exist.
fn plan(settings: &Settings) -> Result<Result<Plan, Failure>, Failure> {
    let files = Files::load(&settings.environment.to_map())?;
    let Some(named) = &settings.profile else {
        return Ok(profile::plan(&files, "default"));
    };
    if !files.contains(&named.value) && named.value != "default" {
        return Err(files
            .missing(&named.value)
            .within(&format!("profile ({})", named.origin.label())));
    }
    Ok(profile::plan(&files, &named.value))
}

fn endpoint(settings: &Settings, plan: Option<&Plan>) -> Result<Endpoint, Failure> {
    let environment = &settings.environment;
    let ignored = environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        || plan
            .and_then(|plan| plan.ignore_configured_endpoint_urls)
            .unwrap_or(false);
    let url = match (&settings.endpoint, plan) {
        (Some(endpoint), _) => Some(endpoint.value.clone()),
        (None, Some(plan)) if !ignored => plan
            .endpoints
            .clone()?
            .sts
            .map(|url| url.expose().to_owned()),
        _ => None,
    };
    if let Some(url) = &url {
        crate::http::check_endpoint("The STS endpoint of the profile", url)?;
    }
    let region = match (&settings.region, plan.and_then(|plan| plan.region.clone())) {
        (Some(region), _) => region.value.clone(),
        (None, Some(region)) => region,
        (None, None) => region::of_partition(partition(settings, plan)).to_owned(),
    };
    let switch = |name: &str, of_profile: Option<bool>| {
        environment
            .get(name)
            .map(|_| environment.is_true(name))
            .or(of_profile)
    };
    Ok(Endpoint {
        region,
        url,
        use_fips: switch(
            "AWS_USE_FIPS_ENDPOINT",
            plan.and_then(|plan| plan.use_fips_endpoint),
        ),
        use_dualstack: switch(
            "AWS_USE_DUALSTACK_ENDPOINT",
            plan.and_then(|plan| plan.use_dualstack_endpoint),
        ),
    })
}

/// The partition of the role that is asked for, whoever asks for it; else the public one.
fn partition(settings: &Settings, plan: Option<&Plan>) -> &'static str {
    let named = match &settings.role.value {
        Role::Chain(chain) => chain.last().map(|role| role.role_arn.as_str()),
        _ => None,
    };
    let of_profile = plan.and_then(|plan| match (&plan.hops.last(), &plan.base) {
        (Some(hop), _) => Some(hop.role_arn.as_str()),
        (None, Base::WebIdentity { role_arn, .. }) => Some(role_arn.as_str()),
        _ => None,
    });
    let arn = named
        .or(of_profile)
        .or_else(|| settings.environment.get("AWS_ROLE_ARN"));
    region::partition_of(arn.unwrap_or_default())
}

fn request(hop: &Hop) -> RoleRequest {
    RoleRequest {
        role_arn: hop.role_arn.clone(),
        words: RoleWords {
            role_session_name: hop.role_session_name.clone(),
            duration_seconds: hop.duration_seconds,
            external_id: hop.external_id.clone(),
            serial_number: hop.mfa_serial.clone(),
            ..RoleWords::default()
        },
    }
}

/// A role that assumes a role gets an hour at most. Refused here only where the base is known to
/// be one; else STS says it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>
fn check_chaining(role: &RoleRequest, base: Option<&str>) -> Result<(), Failure> {
    match (base, role.words.duration_seconds) {
        (Some(base), Some(seconds)) if seconds > 3600 => Err(Failure::new(
            Kind::Configuration,
            format!(
                "session_duration is {seconds} seconds for {}, which the role {base} assumes; role chaining is limited to 3600.",
                role.role_arn
            ),
        )),
        _ => Ok(()),
    }
}

/// Tells the machine and this gem apart in CloudTrail, where nobody chose a name.
fn session_name() -> String {
    let host = rustix::system::uname();
    let host: String = host
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
    format!("lex-identity-aws-{host}")
}

/// The wall clock.
#[must_use]
pub fn now() -> Millis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(Millis::MAX)
        })
}
