//! Which STS is asked.

use crate::{
    config::region,
    config::{Role, Settings, check_region},
    failure::Failure,
    profile::{BaseProvider, ProfileChain},
    sts::Endpoint,
};

/// The region and the address, from the settings, else from the profile, else the partition's own.
pub(crate) fn endpoint(
    settings: &Settings,
    profile_chain: Option<&ProfileChain>,
) -> Result<Endpoint, Failure> {
    let environment = &settings.environment;
    let ignored = environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        || profile_chain
            .and_then(|profile_chain| profile_chain.ignore_configured_endpoint_urls)
            .unwrap_or(false);
    let url = match (&settings.endpoint, profile_chain) {
        (Some(endpoint), _) => Some(endpoint.value.clone()),
        (None, Some(profile_chain)) if !ignored => profile_chain.endpoints.clone()?.sts,
        _ => None,
    };
    if let Some(url) = &url {
        crate::http::check_endpoint("The STS endpoint of the profile", url.expose())?;
    }
    let region = match (
        &settings.region,
        profile_chain.and_then(|profile_chain| profile_chain.region.clone()),
    ) {
        (Some(region), _) => region.value.clone(),
        (None, Some(region)) => {
            check_region("The region of the profile", &region)?;
            region
        }
        (None, None) => region::of_partition(partition(settings, profile_chain)).to_owned(),
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
            profile_chain.and_then(|profile_chain| profile_chain.use_fips_endpoint),
        ),
        use_dualstack: switch(
            "AWS_USE_DUALSTACK_ENDPOINT",
            profile_chain.and_then(|profile_chain| profile_chain.use_dualstack_endpoint),
        ),
    })
}

/// The partition of the role that is asked for, whoever asks for it; else the public one.
fn partition(settings: &Settings, profile_chain: Option<&ProfileChain>) -> &'static str {
    let named = match &settings.role.value {
        Role::Chain(chain) => chain.last().map(|role| role.role_arn.as_str()),
        _ => None,
    };
    let of_profile = profile_chain.and_then(|profile_chain| {
        match (&profile_chain.role_steps.last(), &profile_chain.base) {
            (Some(role_step), _) => Some(role_step.role_arn.as_str()),
            (None, BaseProvider::WebIdentity { role_arn, .. }) => Some(role_arn.as_str()),
            _ => None,
        }
    });
    let arn = named
        .or(of_profile)
        .or_else(|| settings.environment.get("AWS_ROLE_ARN"));
    region::partition_of(arn.unwrap_or_default())
}
