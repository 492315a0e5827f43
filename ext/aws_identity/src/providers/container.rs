//! The credentials endpoint of ECS tasks and of EKS Pod Identity.
//!
//! Ours and not the SDK's: that one sends the token with its line end, waits 17 s for a silent
//! endpoint, and looks the host up a second time after it has checked the address.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use crate::{
    credentials::{Credentials, Secret},
    environment::Environment,
    failure::{Failure, Kind},
    http::{self, Allowed, Http, HttpError},
    providers::metadata_credentials,
    providers::token_file,
};
use std::{net::IpAddr, path::Path, time::Duration};
use tokio::time::sleep;

const CONNECT: Duration = Duration::from_secs(1);
const READ: Duration = Duration::from_secs(2);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// True where the environment names a container endpoint.
#[must_use]
pub fn is_configured(environment: &Environment) -> bool {
    environment
        .first(&[
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ])
        .is_some()
}

/// Asks the endpoint the environment names.
pub async fn credentials(http: &Http, environment: &Environment) -> Result<Credentials, Failure> {
    let uri = uri(environment)?;
    let token = token(environment)?;
    let allowed = if uri.starts_with("https:") {
        Allowed::Anything
    } else {
        Allowed::Container
    };
    let direct = http.direct(&uri, CONNECT, READ, allowed)?;
    let headers: Vec<(&'static str, &str)> = token
        .iter()
        .map(|token| ("authorization", token.expose()))
        .collect();
    let place = http::without_userinfo(&uri);
    let mut tries = 0;
    let reply = loop {
        tries += 1;
        let last = tries >= TRIES;
        match direct.send("GET", &uri, &headers).await {
            Ok(reply) if (reply.status >= 500 || reply.status == 429) && !last => {
                sleep(PAUSE * tries).await;
            }
            Err(HttpError::Timeout) if !last => {}
            Ok(reply) => break reply,
            Err(HttpError::Timeout) => {
                return Err(Failure::timeout(
                    format!(
                        "The container endpoint {place} does not answer. Check the agent, and AWS_CONTAINER_CREDENTIALS_FULL_URI."
                    ),
                    "",
                ));
            }
            Err(HttpError::Connection(why)) => {
                return Err(Failure::new(
                    Kind::Connection,
                    format!(
                        "The container endpoint {place} cannot be reached ({why}). Check the agent, and AWS_CONTAINER_CREDENTIALS_FULL_URI."
                    ),
                    "",
                ));
            }
        }
    };
    if reply.status != 200 {
        return Err(refused(&place, reply.status));
    }
    metadata_credentials::parse(&reply.body, "container").map_err(|reason| {
        Failure::new(
            Kind::Service,
            format!("The container endpoint {place} gave no usable credentials: {reason}."),
            "",
        )
    })
}

fn refused(place: &str, status: u16) -> Failure {
    let (kind, advice) = match status {
        401 | 403 => (
            Kind::AccessDenied,
            "Check AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE).",
        ),
        429 => (Kind::Throttled, "It may pass."),
        500.. => (Kind::Service, "It may pass."),
        _ => (
            Kind::Service,
            "Check the task role, or the Pod Identity association.",
        ),
    };
    let mut failure = Failure::new(
        kind,
        format!("The container endpoint {place} answered {status}. {advice}"),
        "",
    );
    failure.status = Some(status);
    failure
}

fn uri(environment: &Environment) -> Result<String, Failure> {
    if let Some(path) = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        let path = path.trim();
        if !path.starts_with('/') {
            return Err(Failure::configuration(
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash.",
                "",
            ));
        }
        return Ok(format!("http://169.254.170.2{path}"));
    }
    let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let uri = environment.get(name).unwrap_or_default().trim().to_owned();
    http::check_endpoint(name, &uri)?;
    // A name is checked when it is looked up; an address never is looked up.
    let address = http::host(&uri).and_then(|host| host.parse::<IpAddr>().ok());
    if uri.starts_with("http:")
        && address.is_some_and(|address| !Allowed::Container.permits(address))
    {
        return Err(Failure::configuration(
            format!(
                "{name} is {}: over plain HTTP only loopback, 169.254.170.2, 169.254.170.23 and fd00:ec2::23 are asked, \
             since the token would be readable on the way. Use https.",
                http::without_userinfo(&uri)
            ),
            "",
        ));
    }
    Ok(uri)
}

fn token(environment: &Environment) -> Result<Option<Secret>, Failure> {
    if let Some(path) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        return token_file::read(Path::new(path.trim()))
            .map(Some)
            .map_err(|reason| {
                Failure::no_credentials(
                    format!("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {reason}."),
                    "",
                )
            });
    }
    let Some(token) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") else {
        return Ok(None);
    };
    if token.trim().bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Failure::configuration(
            "AWS_CONTAINER_AUTHORIZATION_TOKEN holds control characters; it is one line of text.",
            "",
        ));
    }
    Ok(Some(Secret::new(token.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Result<String, Failure> {
        uri(&Environment::new([(name, value)]))
    }

    #[test]
    fn plain_http_goes_to_few_addresses() {
        let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        for good in [
            "https://example.com/c",
            "http://127.0.0.1:1/c",
            "http://[::1]/c",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert_eq!(of(name, good).unwrap(), good);
        }
        for bad in [
            "http://10.0.0.1/c",
            "http://169.254.169.254/",
            "ftp://127.0.0.1/",
            "/c",
        ] {
            assert!(of(name, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_relative_uri_goes_to_ecs() {
        let name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        assert_eq!(of(name, "/v2/x").unwrap(), "http://169.254.170.2/v2/x");
        assert!(of(name, "v2").is_err());
    }

    #[test]
    fn a_token_with_a_line_in_it_is_refused_unseen() {
        let environment =
            Environment::new([("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary\r\nx: y")]);
        let failure = token(&environment).unwrap_err();
        assert!(
            !failure.message().contains("canary"),
            "{}",
            failure.message()
        );
        let environment = Environment::new([("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token\n")]);
        assert_eq!(token(&environment).unwrap().unwrap().expose(), "token");
    }
}
