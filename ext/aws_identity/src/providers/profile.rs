//! The profile: one arm for each kind of its base provider.

use super::{
    container,
    context::{Context, Local},
    environment, imds, login, process,
    source::{Availability, BaseCredentials, PROFILE, Provided, Source},
    sso, web_identity,
};
use crate::{
    environment::Environment,
    failure::Failure,
    profile::{BaseProvider, ProfileChain},
};

pub(super) const NAME: &str = PROFILE;

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: false,
    label,
    provide: |context| Box::pin(provide(context)),
    check,
};

fn label(context: &Context<'_>) -> String {
    let named = context.settings.explicit_profile();
    match context
        .local
        .profile
        .ok()
        .map(|chain| chain.profile.as_str())
        .or(named)
    {
        Some(profile) => format!("{NAME} {profile}"),
        None => NAME.into(),
    }
}

async fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    let chain = context.local.profile.map_err(Clone::clone)?;
    let provided = base(context, chain).await.map_err(|failure| {
        failure
            .within(&format!("The profile {:?}", chain.profile))
            .with_notes(&chain.notes.passed_over)
    })?;
    Ok(match provided {
        Provided::Found(mut found) => {
            found.from_profile = true;
            found.credentials.source = label(context);
            Provided::Found(found)
        }
        absent @ Provided::Absent(_) => absent,
    })
}

async fn base(context: &Context<'_>, chain: &ProfileChain) -> Result<Provided, Failure> {
    let profile = &chain.base_profile;
    match &chain.base {
        BaseProvider::None => Ok(Provided::Absent(absence(chain).into())),
        BaseProvider::Keys(keys) => Ok(keys.clone().into()),
        BaseProvider::Environment => required(ENVIRONMENT, environment::provide(context)?),
        BaseProvider::Container => required(CONTAINER, container::provide(context).await?),
        BaseProvider::Imds => required(IMDS, imds::provide(context).await?),
        BaseProvider::Process {
            command,
            account_id,
        } => process::provide(context, command, account_id.as_deref(), profile).await,
        BaseProvider::WebIdentity { .. } => web_identity::provide_for_profile(context, chain).await,
        BaseProvider::Sso { .. } => sso::provide(context, chain).await,
        BaseProvider::Login { session } => login::provide(context, session, profile).await,
    }
}

/// Who signs calls with the base credentials of the profile, as [`BaseCredentials::asker`] will say of them; `None` where
/// only the source knows it.
pub(crate) fn known_asker(chain: &ProfileChain, environment: &Environment) -> Option<String> {
    let of_keys = |keys| BaseCredentials::new(keys).asker();
    match &chain.base {
        BaseProvider::Keys(keys) => Some(of_keys(keys.clone())),
        BaseProvider::Environment => environment::read(environment).ok()?.map(of_keys),
        BaseProvider::WebIdentity { role_arn, .. } => Some(role_arn.clone()),
        BaseProvider::Sso { .. } => sso::asker(chain),
        BaseProvider::Container
        | BaseProvider::Imds
        | BaseProvider::Process { .. }
        | BaseProvider::Login { .. }
        | BaseProvider::None => None,
    }
}

/// Checks whether the chosen profile would give credentials.
pub(super) fn check(local: &Local<'_>) -> Availability {
    let chain = match local.profile {
        Ok(chain) => chain,
        Err(failure) => return Availability::Unusable(failure.clone()),
    };
    let available = match &chain.base {
        BaseProvider::None => Availability::Absent(absence(chain)),
        BaseProvider::Keys(_) => Availability::Available(String::new()),
        BaseProvider::Environment => must_be_there(ENVIRONMENT, environment::check(local)),
        BaseProvider::Container => must_be_there(CONTAINER, container::check(local)),
        BaseProvider::Imds => must_be_there(IMDS, imds::check(local)),
        BaseProvider::Process { command, .. } => process::check(local, command),
        BaseProvider::WebIdentity { token_file, .. } => {
            web_identity::check_token(local, token_file)
        }
        BaseProvider::Sso { .. } => sso::check(local, chain),
        BaseProvider::Login { session } => login::check(local, session, &chain.base_profile),
    };
    match available {
        Availability::Available(_) => Availability::Available("could give credentials".into()),
        other => other,
    }
}

/// Why the profile has no credentials, which is a failure only for a named profile.
fn absence(chain: &ProfileChain) -> String {
    if chain.exists {
        "it holds no credentials".into()
    } else {
        "there is none".into()
    }
}

/// The failure of a named profile without credentials.
pub(super) fn without_credentials(name: &str, chain: Option<&ProfileChain>) -> Failure {
    Failure::no_credentials(
        format!(
            "The profile {name:?} holds no credentials: no keys, role, process, SSO or token file."
        ),
        "Add some, or name another profile.",
    )
    .with_notes(chain.into_iter().flat_map(|chain| chain.notes.of_profile()))
}

/// The values of `credential_source`.
const ENVIRONMENT: &str = "Environment";
const CONTAINER: &str = "EcsContainer";
const IMDS: &str = "Ec2InstanceMetadata";

/// Fails if the source that `credential_source` names is absent.
fn required(name: &str, provided: Provided) -> Result<Provided, Failure> {
    match provided {
        Provided::Absent(absence) => Err(missing(name, &absence.reason)),
        found @ Provided::Found(_) => Ok(found),
    }
}

fn must_be_there(name: &str, availability: Availability) -> Availability {
    match availability {
        Availability::Absent(reason) => Availability::Unusable(missing(name, &reason)),
        other => other,
    }
}

fn missing(name: &str, reason: &str) -> Failure {
    Failure::no_credentials(
        format!("credential_source is {name}, and there is none here: {reason}."),
        "Run this where there is one, or give the profile another credential_source.",
    )
}
