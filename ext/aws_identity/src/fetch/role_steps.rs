//! Which roles the settings and the profile name, with the options of each. Sends no request.

use super::profile_in_force::profile_chain;
use crate::{
    config::{AssumeRoleOptions, RoleRequest, Settings},
    failure::Failure,
    profile::{BaseProvider, ProfileChain, RoleStep},
    providers,
};

/// The profile's roles, then the one an option, a setting or the environment names.
pub(super) fn role_steps(
    settings: &Settings,
    profile: Option<&ProfileChain>,
    from_profile: bool,
) -> (Vec<RoleRequest>, Vec<RoleRequest>) {
    let unscoped = AssumeRoleOptions {
        // With GetSessionToken these two belong to it.
        serial_number: settings
            .unscoped
            .serial_number
            .clone()
            .filter(|_| !settings.get_session_token.value),
        duration_seconds: settings
            .unscoped
            .duration_seconds
            .filter(|_| !settings.get_session_token.value),
        ..settings.unscoped.clone()
    };
    let mut of_profile: Vec<RoleRequest> = match profile {
        Some(chain) if from_profile => chain.role_steps.iter().map(request).collect(),
        _ => Vec::new(),
    };
    let mut on_top = settings
        .role_on_top()
        .map(<[_]>::to_vec)
        .unwrap_or_default();
    // Options without `role_arn` apply to the profile's last role, else to the last role on
    // top. A profile with a web identity has used them for the role of its token.
    let are_used = from_profile
        && profile.is_some_and(|chain| matches!(chain.base, BaseProvider::WebIdentity { .. }));
    if let Some(last) = of_profile.last_mut() {
        last.options = unscoped.with_fallback(&last.options);
    } else if let Some(last) = on_top.last_mut().filter(|_| !are_used) {
        last.options = settings.with_unscoped(&last.options, &unscoped);
    }
    (of_profile, on_top)
}

/// The options of `GetSessionToken`.
pub(super) fn session_token_options(settings: &Settings) -> AssumeRoleOptions {
    AssumeRoleOptions {
        duration_seconds: settings.unscoped.duration_seconds,
        minimum_session_token_size: settings.unscoped.minimum_session_token_size,
        serial_number: settings.unscoped.serial_number.clone(),
        ..AssumeRoleOptions::default()
    }
}

/// The MFA device whose code a fetch would need now, if any. Reads files and sends no request.
pub(crate) fn needed_serial(settings: &Settings) -> Result<Option<String>, Failure> {
    if settings.get_session_token.value && settings.unscoped.serial_number.is_some() {
        return Ok(settings.unscoped.serial_number.clone());
    }
    let chain = profile_chain(settings)?.ok();
    let from_profile = providers::uses_profile(settings);
    let (of_profile, on_top) = role_steps(settings, chain.as_ref(), from_profile);
    let mut roles = of_profile.into_iter().chain(on_top);
    Ok(roles.find_map(|role| role.options.serial_number))
}

fn request(role_step: &RoleStep) -> RoleRequest {
    RoleRequest {
        role_arn: role_step.role_arn.clone(),
        options: role_step.options(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Layers, environment::Environment};
    use serde_json::{Value, json};
    use std::{env, fs, path::PathBuf, process};

    const ROLE: &str = "arn:aws:iam::123456789012:role/r";

    struct ConfigFile(PathBuf);

    impl Drop for ConfigFile {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn the_device_is_the_one_that_a_fetch_asks_for() {
        let path = env::temp_dir().join(format!("aws-identity-serial-{}", process::id()));
        let file = ConfigFile(path);
        let keys = "aws_access_key_id = AKIAX\naws_secret_access_key = s\n";
        let text = format!(
            "[profile keys]\n{keys}\
             [profile plain]\nrole_arn = {ROLE}\nsource_profile = keys\n\
             [profile mfa]\nrole_arn = {ROLE}\nsource_profile = keys\nmfa_serial = of-profile\n"
        );
        fs::write(&file.0, text).unwrap();
        let needed = |options: Value| {
            let Value::Object(options) = options else {
                panic!("no Hash");
            };
            let environment = Environment::new([
                ("AWS_CONFIG_FILE", file.0.to_str().unwrap()),
                ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
            ]);
            let settings = Settings::new(Layers {
                options,
                environment,
                ..Layers::default()
            });
            needed_serial(&settings.unwrap()).unwrap()
        };
        for (options, serial) in [
            (json!({"profile": "keys"}), None),
            (json!({"profile": "plain"}), None),
            (json!({"profile": "mfa"}), Some("of-profile")),
            (
                json!({"profile": "plain", "serial_number": "of-option"}),
                Some("of-option"),
            ),
            (
                json!({"profile": "mfa", "serial_number": "of-option"}),
                Some("of-option"),
            ),
            (
                json!({"profile": "keys", "role_arn": ROLE, "serial_number": "of-option"}),
                Some("of-option"),
            ),
            (
                json!({"profile": "keys", "get_session_token": true, "serial_number": "of-option"}),
                Some("of-option"),
            ),
        ] {
            assert_eq!(needed(options.clone()).as_deref(), serial, "{options}");
        }
    }
}
