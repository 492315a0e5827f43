//! One fetch: base credentials, the region of IMDS, the assumed roles, and the identity.
//!
//! A session runs all steps of [`Fetch`] through [`fetch()`]; the doctor runs them one by one.

mod cached_roles;
mod disk_cache;
mod disk_entry;
mod disk_files;
mod disk_key;
mod endpoint;
mod identity_token;
mod profile_in_force;
mod request;
mod role_steps;
mod roles;
mod scope;
mod watched;

pub use cached_roles::profiles;
pub use disk_entry::DiskEntry;
pub use disk_files::DiskFiles;
pub use identity_token::identity_token;
pub(crate) use profile_in_force::profile_chain;
pub use request::{FetchRequest, FetchResult, HeldRegion, ScopedFrom};
pub(crate) use role_steps::needed_serial;
pub(crate) use roles::AssumeRoles;

use crate::{
    config::{Role, RoleRequest, Settings},
    credentials::Credentials,
    failure::Failure,
    http::Http,
    identity::Identity,
    profile::ProfileChain,
    providers::{self, BaseCredentials, Callbacks, Context, Local, Record},
    region,
    sts::{Endpoint, refuses_keys},
    task::{
        deadline::Deadline,
        fetch_task::TaskContext,
        fork_gate::{Outside, OutsideGuard, SharedGate},
    },
    util::time::{Millis, now},
};
use std::sync::Arc;

/// A `Date` header further off than a day is not believed: with such a clock STS would have refused
/// the signature.
const FURTHEST: Millis = 24 * 3_600_000;

/// Fetches what `request` asks for. A failure carries the attempts.
pub async fn fetch(
    settings: Arc<Settings>,
    request: FetchRequest,
    gate: SharedGate,
    task: TaskContext,
) -> Result<FetchResult, Failure> {
    let deadline = &task.deadline;
    let mut record = Record::new(deadline);
    let mut fetch = Fetch::prepare(&settings, &request, gate, &task);
    let outcome = match fetch.usable() {
        Ok(()) => deadline.bound(Box::pin(fetch.run(&mut record))).await,
        Err(failure) => Some(Err(failure.clone())),
    };
    let outcome = outcome.unwrap_or_else(|| Err(record.interrupted(deadline.overdue())));
    let (attempts, mut warnings) = record.into_parts();
    warnings.extend(fetch.http.warnings());
    let secrets = fetch.http.secrets();
    match outcome {
        Ok(fetched) => Ok(FetchResult {
            attempts,
            warnings,
            ..fetched
        }
        .clean(secrets)),
        Err(failure) => Err(secrets.clean(Failure {
            attempts,
            ..failure
        })),
    }
}

/// The steps of a fetch, and what they have in common.
pub(crate) struct Fetch<'a> {
    settings: &'a Settings,
    request: &'a FetchRequest,
    task: &'a TaskContext,
    gate: SharedGate,
    http: Http,
    profile: Result<ProfileChain, Failure>,
    endpoint: Endpoint,
    session_name: String,
    /// Why the profile makes every fetch fail, whichever source it would use.
    profile_error: Option<Failure>,
    /// Why `endpoint` is not the configured one.
    endpoint_error: Option<Failure>,
}

impl<'a> Fetch<'a> {
    /// Reads the profile and finds the endpoint. A failure of either is kept, since the doctor goes
    /// on as far as it can; a session calls [`Self::usable`] next.
    pub(crate) fn prepare(
        settings: &'a Settings,
        request: &'a FetchRequest,
        gate: SharedGate,
        task: &'a TaskContext,
    ) -> Self {
        // A fork waits for a file system that hangs no longer than for a name server.
        let outside = OutsideGuard::begin(gate, Outside::Files);
        let files = request
            .held
            .is_none()
            .then(|| watched::before_the_profile(settings));
        let (profile, profile_error) = match profile_chain(settings) {
            Ok(profile) => (profile, None),
            Err(failure) => (Err(failure.clone()), Some(failure)),
        };
        if let Some(mut files) = files {
            if let Ok(chain) = &profile {
                watched::add_those_of(chain, &settings.environment, &mut files);
            }
            request.notes.watch(files);
        }
        drop(outside);
        let mut http = Http::new(settings.http(), gate);
        request.note_secrets(http.secrets());
        if let Some(bundle) = profile
            .as_ref()
            .ok()
            .and_then(|chain| chain.ca_bundle.as_ref())
        {
            http.set_profile_ca_bundle(settings.environment.expand_home(bundle));
        }
        let (endpoint, endpoint_error) = match endpoint::endpoint(settings, profile.as_ref().ok()) {
            Ok(endpoint) => (endpoint, None),
            Err(failure) => (regional(settings), Some(failure)),
        };
        let mut fetch = Self {
            settings,
            request,
            task,
            gate,
            http,
            profile,
            endpoint,
            session_name: roles::session_name(),
            profile_error,
            endpoint_error,
        };
        if let Some(region) = request.region.clone().filter(|_| !fetch.names_region()) {
            fetch.endpoint.region = region.name;
            if region.use_fips {
                fetch.endpoint.use_fips = Some(true);
            }
        }
        fetch
    }

    /// The failure of every fetch with these settings, if there is one.
    pub(crate) fn usable(&self) -> Result<(), &Failure> {
        match (&self.profile_error, &self.endpoint_error) {
            (Some(failure), _) | (None, Some(failure)) => Err(failure),
            (None, None) => Ok(()),
        }
    }

    /// The context of a provider.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            gate: self.gate,
            local: Local {
                environment: &self.settings.environment,
                profile: self.profile.as_ref(),
                now: now(),
            },
            settings: self.settings,
            http: &self.http,
            endpoint: &self.endpoint,
            is_awaited: self.request.is_awaited,
            current_environment: self.request.environment.as_ref(),
            callbacks: Callbacks {
                answers: &self.request.answers,
                asker: &self.task.asker,
                settings: self.settings,
                has_helper: self.request.has_helper,
                refused_key: self
                    .request
                    .refused_base_key
                    .as_deref()
                    .or(self.request.refused_key.as_deref()),
                spent_key: self.request.scoped_from.as_ref().and_then(|from| {
                    let is_refused = self.request.refused_key.is_some();
                    from.spent_key(is_refused)
                }),
            },
            deadline: self.deadline(),
            notes: &self.request.notes,
            session_name: &self.session_name,
        }
    }

    /// Credentials of the first source that has any.
    pub(crate) async fn base_credentials(
        &self,
        record: &mut Record,
    ) -> Result<BaseCredentials, Failure> {
        if let Some(failure) = &self.profile_error {
            return Err(record.failed("profile", failure.clone()));
        }
        providers::base_credentials(&self.context(), record).await
    }

    /// Where no setting names a region: the one that IMDS reports, if IMDS gave `base`, or that of the session that gave
    /// `base`, else the default of the partition in which `base` has its role, if that is known.
    pub(crate) async fn region_of(&self, base: &mut BaseCredentials) -> Option<String> {
        if self.names_region() {
            return None;
        }
        if let Some(imds) = &mut base.imds {
            // The rest of the fetch needs time too, and can do without the region.
            return imds.region(self.context().time() / 2).await;
        }
        if let Some(region) = &base.region {
            return Some(region.clone()).filter(|region| self.has_roles_in(region));
        }
        let arn = base.role_arn.as_deref()?;
        Some(region::of_partition(region::partition_of(arn)).to_owned())
    }

    /// False where the role to assume belongs to another partition than the region.
    fn has_roles_in(&self, region_name: &str) -> bool {
        let Role::Chain(roles) = &self.settings.role.value else {
            return true;
        };
        let partition = |role: &RoleRequest| region::partition_of(&role.role_arn);
        roles
            .last()
            .is_none_or(|role| partition(role) == region::partition_of_region(region_name))
    }

    /// The region where no setting names one, which may be written as one of FIPS.
    pub(crate) fn set_region(&mut self, region: String) {
        let (region, is_fips) = region::without_fips(region);
        self.endpoint.region = region;
        if is_fips {
            self.endpoint.use_fips = Some(true);
        }
    }

    /// The roles to assume with the base credentials.
    pub(crate) fn roles(&self) -> AssumeRoles<'_> {
        AssumeRoles {
            context: self.context(),
            request: self.request,
        }
    }

    /// The identity of `credentials`.
    pub(crate) async fn identity(&self, credentials: &Credentials) -> Result<Identity, Failure> {
        let sts = self.context().sts();
        let principal = sts
            .caller_identity(credentials)
            .await
            .map_err(|failure| self.refused(failure, credentials.source.starts_with("profile ")))?;
        let milliseconds = u64::try_from(self.deadline().took().as_millis()).unwrap_or(u64::MAX);
        Ok(Identity {
            canonical_name: principal.canonical_name(self.settings.name_with_account.value),
            region: self.endpoint.region.clone(),
            source: credentials.source.clone(),
            milliseconds,
            principal,
        })
    }

    /// The profile, or why it cannot be used.
    pub(crate) fn profile(&self) -> Result<&ProfileChain, &Failure> {
        self.profile.as_ref()
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// The STS endpoint, or why it cannot be used.
    pub(crate) fn endpoint(&self) -> Result<&Endpoint, &Failure> {
        match &self.endpoint_error {
            Some(failure) => Err(failure),
            None => Ok(&self.endpoint),
        }
    }

    async fn run(&mut self, record: &mut Record) -> Result<FetchResult, Failure> {
        let request = self.request;
        let (fetched, is_new) = match &request.held {
            Some(held) => (Fetched::held(held), false),
            None => (self.credentials(record).await?, true),
        };
        let credentials = fetched.credentials;
        let identity = if request.identity {
            // The fetch keeps the credentials if this step times out.
            let asked = self.deadline().bound(self.identity(&credentials)).await;
            Some(asked.unwrap_or_else(|| {
                let overdue = self.deadline().overdue();
                Err(overdue.within("While asking STS who this is (sts:GetCallerIdentity)"))
            }))
        } else {
            None
        };
        let clock_offset = self
            .clock_offset()
            .map(|offset| confirmed(offset, &credentials, is_new, now()));
        Ok(FetchResult {
            credentials,
            is_new,
            needs_mfa: fetched.needs_mfa,
            scoped_from: fetched.scoped_from,
            disk_entry: fetched.disk_entry,
            identity,
            region: self.endpoint.region.clone(),
            use_fips: self.endpoint.use_fips == Some(true),
            attempts: Vec::new(),
            warnings: Vec::new(),
            clock_offset,
        })
    }

    /// How far STS's clock is ahead of ours, if an answer said and it can be true.
    fn clock_offset(&self) -> Option<Millis> {
        let offset = self.http.clock_offset();
        offset.filter(|offset| offset.saturating_abs() <= FURTHEST)
    }

    async fn credentials(&mut self, record: &mut Record) -> Result<Fetched, Failure> {
        let mut base = self.base_credentials(record).await?;
        if let Some(region) = self.region_of(&mut base).await {
            self.set_region(region);
        }
        let roles = self.roles();
        let needs_mfa = roles.needs_mfa(base.from_profile);
        let from_profile = base.from_profile;
        let base_key = base.credentials.access_key_id.clone();
        let assumed = roles.assume(base, record).await;
        let (credentials, disk_entry) =
            assumed.map_err(|failure| self.refused(failure, from_profile))?;
        let scope = self.settings.scope.as_ref();
        Ok(Fetched {
            scoped_from: scope.map(|_| ScopedFrom::new(base_key, &credentials)),
            credentials: Arc::new(credentials),
            needs_mfa,
            disk_entry,
        })
    }

    /// The same failure; where AWS refused keys of a profile, with the ways that were passed over for them.
    fn refused(&self, failure: Failure, from_profile: bool) -> Failure {
        match &self.profile {
            Ok(chain) if from_profile && refuses_keys(&failure) => {
                failure.with_notes(&chain.notes.passed_over)
            }
            _ => failure,
        }
    }

    fn deadline(&self) -> &'a Deadline {
        &self.task.deadline
    }

    fn names_region(&self) -> bool {
        let of_profile = self.profile.as_ref().ok().map(|chain| &chain.region);
        self.settings.region.is_some() || of_profile.is_some_and(Option::is_some)
    }
}

/// The credentials of a fetch, and what is known about them.
struct Fetched {
    credentials: Arc<Credentials>,
    needs_mfa: bool,
    scoped_from: Option<ScopedFrom>,
    disk_entry: Option<DiskEntry>,
}

impl Fetched {
    /// Those that are held and stay.
    fn held(credentials: &Arc<Credentials>) -> Self {
        Self {
            credentials: Arc::clone(credentials),
            needs_mfa: false,
            scoped_from: None,
            disk_entry: None,
        }
    }
}

/// What of the offset in a `Date` header the expiration of new credentials confirms: a proxy may
/// answer with a `Date` of its own. STS's time is their expiration less what was asked for.
fn confirmed(offset: Millis, credentials: &Credentials, is_new: bool, now: Millis) -> Millis {
    let (Some(end), Some(requested), true) =
        (credentials.expires_at, credentials.requested, is_new)
    else {
        return offset;
    };
    let by_expiration = end.saturating_sub(requested).saturating_sub(now);
    if offset.signum() == by_expiration.signum() {
        offset.signum() * offset.saturating_abs().min(by_expiration.saturating_abs())
    } else {
        0
    }
}

/// The endpoint if the configured one cannot be used: metadata sources need none, so the doctor
/// goes on.
fn regional(settings: &Settings) -> Endpoint {
    let region = settings.region.as_ref();
    Endpoint {
        region: region.map_or_else(
            || region::of_partition("aws").to_owned(),
            |region| region.value.clone(),
        ),
        url: None,
        use_fips: None,
        use_dualstack: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_header_is_believed_as_far_as_the_expiration_confirms_it() {
        const HOUR: Millis = 3_600_000;
        let now = 1_800_000_000_000;
        let issued = |ahead: Millis| {
            let mut credentials = Credentials::new("ASIA", "s", None, "test");
            credentials.expires_at = Some(now + ahead + HOUR);
            credentials.requested = Some(HOUR);
            credentials
        };
        for (date, sts, believed) in [
            (2 * HOUR, 2 * HOUR, 2 * HOUR),
            (-2 * HOUR, -2 * HOUR, -2 * HOUR),
            (2 * HOUR, 0, 0), // a proxy's clock
            (-2 * HOUR, 600, 0),
            (2 * HOUR, HOUR, HOUR),
            (-2 * HOUR, -HOUR, -HOUR),
            (0, 2 * HOUR, 0),
        ] {
            assert_eq!(confirmed(date, &issued(sts), true, now), believed, "{date}");
            let held = confirmed(date, &issued(sts), false, now);
            assert_eq!(held, date, "the expiration was given long ago");
        }
    }
}
