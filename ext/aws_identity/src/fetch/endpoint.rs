//! Which STS is asked.

use crate::{
    config::region,
    config::{Role, Settings, check_region},
    failure::Failure,
    profile::{Base, Plan},
    sts::Endpoint,
};

/// The region and the address, from the settings, else from the profile, else the partition's own.
pub(crate) fn endpoint(settings: &Settings, plan: Option<&Plan>) -> Result<Endpoint, Failure> {
    let environment = &settings.environment;
    let ignored = environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        || plan
            .and_then(|plan| plan.ignore_configured_endpoint_urls)
            .unwrap_or(false);
    let url = match (&settings.endpoint, plan) {
        (Some(endpoint), _) => Some(endpoint.value.clone()),
        (None, Some(plan)) if !ignored => plan.endpoints.clone()?.sts,
        _ => None,
    };
    if let Some(url) = &url {
        crate::http::check_endpoint("The STS endpoint of the profile", url.expose())?;
    }
    let region = match (&settings.region, plan.and_then(|plan| plan.region.clone())) {
        (Some(region), _) => region.value.clone(),
        (None, Some(region)) => {
            check_region("The region of the profile", &region)?;
            region
        }
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
