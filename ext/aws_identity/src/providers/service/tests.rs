//! The names of the hosts, as the endpoint rules of botocore 1.44.8 give them.

use super::*;

/// Region, FIPS, dual stack, then the hosts of the portal, of OIDC and of Sign-In.
#[rustfmt::skip]
const HOSTS: [(&str, bool, bool, [&str; 3]); 40] = [
    ("eu-west-1", false, false, ["portal.sso.eu-west-1.amazonaws.com", "oidc.eu-west-1.amazonaws.com", "eu-west-1.signin.aws.amazon.com"]),
    ("eu-west-1", false, true, ["portal.sso.eu-west-1.api.aws", "oidc.eu-west-1.api.aws", "signin.eu-west-1.api.aws"]),
    ("eu-west-1", true, false, ["portal.sso-fips.eu-west-1.amazonaws.com", "oidc-fips.eu-west-1.amazonaws.com", "signin-fips.eu-west-1.amazonaws.com"]),
    ("eu-west-1", true, true, ["portal.sso-fips.eu-west-1.api.aws", "oidc-fips.eu-west-1.api.aws", "signin-fips.eu-west-1.api.aws"]),
    ("us-gov-west-1", false, false, ["portal.sso.us-gov-west-1.amazonaws.com", "oidc.us-gov-west-1.amazonaws.com", "us-gov-west-1.signin.amazonaws-us-gov.com"]),
    ("us-gov-west-1", false, true, ["portal.sso.us-gov-west-1.api.aws", "oidc.us-gov-west-1.api.aws", "signin.us-gov-west-1.api.aws"]),
    ("us-gov-west-1", true, false, ["portal.sso.us-gov-west-1.amazonaws.com", "oidc.us-gov-west-1.amazonaws.com", "signin-fips.amazonaws-us-gov.com"]),
    ("us-gov-west-1", true, true, ["portal.sso-fips.us-gov-west-1.api.aws", "oidc-fips.us-gov-west-1.api.aws", "signin-fips.us-gov-west-1.api.aws"]),
    ("us-gov-east-1", false, false, ["portal.sso.us-gov-east-1.amazonaws.com", "oidc.us-gov-east-1.amazonaws.com", "us-gov-east-1.signin.amazonaws-us-gov.com"]),
    ("us-gov-east-1", false, true, ["portal.sso.us-gov-east-1.api.aws", "oidc.us-gov-east-1.api.aws", "signin.us-gov-east-1.api.aws"]),
    ("us-gov-east-1", true, false, ["portal.sso.us-gov-east-1.amazonaws.com", "oidc.us-gov-east-1.amazonaws.com", "us-gov-east-1.signin-fips.amazonaws-us-gov.com"]),
    ("us-gov-east-1", true, true, ["portal.sso-fips.us-gov-east-1.api.aws", "oidc-fips.us-gov-east-1.api.aws", "signin-fips.us-gov-east-1.api.aws"]),
    ("cn-north-1", false, false, ["portal.sso.cn-north-1.amazonaws.com.cn", "oidc.cn-north-1.amazonaws.com.cn", "cn-north-1.signin.amazonaws.cn"]),
    ("cn-north-1", false, true, ["portal.sso.cn-north-1.api.amazonwebservices.com.cn", "oidc.cn-north-1.api.amazonwebservices.com.cn", "signin.cn-north-1.api.amazonwebservices.com.cn"]),
    ("cn-north-1", true, false, ["portal.sso-fips.cn-north-1.amazonaws.com.cn", "oidc-fips.cn-north-1.amazonaws.com.cn", "signin-fips.cn-north-1.amazonaws.com.cn"]),
    ("cn-north-1", true, true, ["portal.sso-fips.cn-north-1.api.amazonwebservices.com.cn", "oidc-fips.cn-north-1.api.amazonwebservices.com.cn", "signin-fips.cn-north-1.api.amazonwebservices.com.cn"]),
    ("us-iso-east-1", false, false, ["portal.sso.us-iso-east-1.c2s.ic.gov", "oidc.us-iso-east-1.c2s.ic.gov", "us-iso-east-1.signin.c2shome.ic.gov"]),
    ("us-iso-east-1", false, true, ["portal.sso.us-iso-east-1.api.aws.ic.gov", "oidc.us-iso-east-1.api.aws.ic.gov", "signin.us-iso-east-1.api.aws.ic.gov"]),
    ("us-iso-east-1", true, false, ["portal.sso-fips.us-iso-east-1.c2s.ic.gov", "oidc-fips.us-iso-east-1.c2s.ic.gov", "signin-fips.us-iso-east-1.c2s.ic.gov"]),
    ("us-iso-east-1", true, true, ["portal.sso-fips.us-iso-east-1.api.aws.ic.gov", "oidc-fips.us-iso-east-1.api.aws.ic.gov", "signin-fips.us-iso-east-1.api.aws.ic.gov"]),
    ("us-isob-east-1", false, false, ["portal.sso.us-isob-east-1.sc2s.sgov.gov", "oidc.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1.signin.sc2shome.sgov.gov"]),
    ("us-isob-east-1", false, true, ["portal.sso.us-isob-east-1.api.aws.scloud", "oidc.us-isob-east-1.api.aws.scloud", "signin.us-isob-east-1.api.aws.scloud"]),
    ("us-isob-east-1", true, false, ["portal.sso-fips.us-isob-east-1.sc2s.sgov.gov", "oidc-fips.us-isob-east-1.sc2s.sgov.gov", "signin-fips.us-isob-east-1.sc2s.sgov.gov"]),
    ("us-isob-east-1", true, true, ["portal.sso-fips.us-isob-east-1.api.aws.scloud", "oidc-fips.us-isob-east-1.api.aws.scloud", "signin-fips.us-isob-east-1.api.aws.scloud"]),
    ("us-isof-south-1", false, false, ["portal.sso.us-isof-south-1.csp.hci.ic.gov", "oidc.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1.signin.csphome.hci.ic.gov"]),
    ("us-isof-south-1", false, true, ["portal.sso.us-isof-south-1.api.aws.hci.ic.gov", "oidc.us-isof-south-1.api.aws.hci.ic.gov", "signin.us-isof-south-1.api.aws.hci.ic.gov"]),
    ("us-isof-south-1", true, false, ["portal.sso-fips.us-isof-south-1.csp.hci.ic.gov", "oidc-fips.us-isof-south-1.csp.hci.ic.gov", "signin-fips.us-isof-south-1.csp.hci.ic.gov"]),
    ("us-isof-south-1", true, true, ["portal.sso-fips.us-isof-south-1.api.aws.hci.ic.gov", "oidc-fips.us-isof-south-1.api.aws.hci.ic.gov", "signin-fips.us-isof-south-1.api.aws.hci.ic.gov"]),
    ("eu-isoe-west-1", false, false, ["portal.sso.eu-isoe-west-1.cloud.adc-e.uk", "oidc.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1.signin.csphome.adc-e.uk"]),
    ("eu-isoe-west-1", false, true, ["portal.sso.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "oidc.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "signin.eu-isoe-west-1.api.cloud-aws.adc-e.uk"]),
    ("eu-isoe-west-1", true, false, ["portal.sso-fips.eu-isoe-west-1.cloud.adc-e.uk", "oidc-fips.eu-isoe-west-1.cloud.adc-e.uk", "signin-fips.eu-isoe-west-1.cloud.adc-e.uk"]),
    ("eu-isoe-west-1", true, true, ["portal.sso-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "oidc-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "signin-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk"]),
    ("eusc-de-east-1", false, false, ["portal.sso.eusc-de-east-1.amazonaws.eu", "oidc.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1.signin.amazonaws-eusc.eu"]),
    ("eusc-de-east-1", false, true, ["portal.sso.eusc-de-east-1.api.amazonwebservices.eu", "oidc.eusc-de-east-1.api.amazonwebservices.eu", "signin.eusc-de-east-1.api.amazonwebservices.eu"]),
    ("eusc-de-east-1", true, false, ["portal.sso-fips.eusc-de-east-1.amazonaws.eu", "oidc-fips.eusc-de-east-1.amazonaws.eu", "signin-fips.eusc-de-east-1.amazonaws.eu"]),
    ("eusc-de-east-1", true, true, ["portal.sso-fips.eusc-de-east-1.api.amazonwebservices.eu", "oidc-fips.eusc-de-east-1.api.amazonwebservices.eu", "signin-fips.eusc-de-east-1.api.amazonwebservices.eu"]),
    ("xx-new-1", false, false, ["portal.sso.xx-new-1.amazonaws.com", "oidc.xx-new-1.amazonaws.com", "xx-new-1.signin.aws.amazon.com"]),
    ("xx-new-1", false, true, ["portal.sso.xx-new-1.api.aws", "oidc.xx-new-1.api.aws", "signin.xx-new-1.api.aws"]),
    ("xx-new-1", true, false, ["portal.sso-fips.xx-new-1.amazonaws.com", "oidc-fips.xx-new-1.amazonaws.com", "signin-fips.xx-new-1.amazonaws.com"]),
    ("xx-new-1", true, true, ["portal.sso-fips.xx-new-1.api.aws", "oidc-fips.xx-new-1.api.aws", "signin-fips.xx-new-1.api.aws"]),
];

#[test]
fn hosts_are_botocore_s() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for (region, fips, dualstack, hosts) in HOSTS {
        let endpoint = Endpoint {
            region: region.into(),
            url: None,
            use_fips: Some(fips),
            use_dualstack: Some(dualstack),
        };
        let sts = runtime.block_on(endpoint.resolve()).unwrap();
        let made = [Service::Sso, Service::SsoOidc, Service::Signin]
            .map(|service| service.beside_sts(&endpoint, sts.expose()));
        assert_eq!(
            made,
            hosts.map(|host| format!("https://{host}")),
            "{region} {fips} {dualstack}"
        );
    }
}

#[test]
fn no_number_of_seconds_is_too_large_to_count() {
    let answer = |json: &str| Answer {
        status: 200,
        json: SecretJson::parse(json.as_bytes()),
        secrets: KnownSecrets::default(),
    };
    for (json, expected) in [
        (r#"{"expiresIn":60}"#, Ok(61_000)),
        (r#"{"expiresIn":9223372036854775807}"#, Ok(Millis::MAX)),
        (
            r#"{"expiresIn":-9223372036854775808}"#,
            Ok(Millis::MIN + 1000),
        ),
        (
            r#"{"expiresIn":"60"}"#,
            Err("no expiresIn that is a number".to_owned()),
        ),
    ] {
        assert_eq!(answer(json).expires_at(1000), expected, "{json}");
    }
}
