//! The endpoint of STS.

use crate::{
    config::{Origin, Role, Settings},
    credentials::Secret,
    failure::Failure,
    http,
    profile::{BaseProvider, ProfileChain},
    region,
    sts::Endpoint,
};

/// The region and the address: of the settings, else of the profile, else the partition's default.
pub(super) fn endpoint(
    settings: &Settings,
    profile: Option<&ProfileChain>,
) -> Result<Endpoint, Failure> {
    let environment = &settings.environment;
    let switch = |name: &str, of_profile: Option<bool>| environment.switch(name).or(of_profile);
    // As in botocore: the profile's switch is for the variables too, and the variable outranks it.
    let ignored = switch(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        profile.and_then(|chain| chain.ignore_configured_endpoint_urls),
    ) == Some(true);
    let given = settings.endpoint.as_ref();
    let given = given.filter(|url| !(ignored && matches!(url.origin, Origin::Environment(_))));
    let mut url = match (given, profile) {
        (Some(endpoint), _) => Some(endpoint.value.clone()),
        (None, Some(chain)) if !ignored => chain.endpoints.clone()?.sts,
        _ => None,
    };
    if let Some(url) = &mut url {
        *url = Secret::new(http::check_endpoint(
            "The STS endpoint of the profile",
            url.expose(),
        )?);
    }
    let region = match (
        &settings.region,
        profile.and_then(|chain| chain.region.clone()),
    ) {
        (Some(region), _) => region.value.clone(),
        (None, Some(region)) => {
            region::check_region("The region of the profile", &region)?;
            region
        }
        (None, None) => region::of_partition(partition(settings, profile)).to_owned(),
    };
    let (region, is_fips) = region::without_fips(region);
    Ok(Endpoint {
        region,
        url,
        use_fips: is_fips.then_some(true).or_else(|| {
            switch(
                "AWS_USE_FIPS_ENDPOINT",
                profile.and_then(|chain| chain.use_fips_endpoint),
            )
        }),
        use_dualstack: switch(
            "AWS_USE_DUALSTACK_ENDPOINT",
            profile.and_then(|chain| chain.use_dualstack_endpoint),
        ),
    })
}

/// The partition of the role that an option, the profile or the environment names; else the public
/// one.
fn partition(settings: &Settings, profile: Option<&ProfileChain>) -> &'static str {
    let named = match &settings.role.value {
        Role::Chain(chain) => chain.last().map(|role| role.role_arn.as_str()),
        _ => None,
    };
    let of_profile = profile.and_then(|chain| match (&chain.role_steps.last(), &chain.base) {
        (Some(role_step), _) => Some(role_step.role_arn.as_str()),
        (None, BaseProvider::WebIdentity { role_arn, .. }) => Some(role_arn.as_str()),
        (None, BaseProvider::Login { session }) => Some(session.as_str()),
        _ => None,
    });
    let arn = named
        .or(of_profile)
        .or_else(|| settings.environment.get("AWS_ROLE_ARN"));
    region::partition_of(arn.unwrap_or_default())
}
