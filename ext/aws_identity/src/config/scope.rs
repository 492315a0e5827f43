//! The options of a scoped session: its source's identity with less power.
//!
//! They stand for the session alone. A role or another base beside them would leave open which session the
//! scope is for, and roles of the lower layers belong to the source.

use super::{Base, Layers};
use crate::{
    failure::Failure,
    layer::{Chosen, Layer, chosen},
    sts::{AssumeRoleOptions, Scope},
};
use serde_json::Value;

const POLICY: &str = "scope_policy";
const OTHERS: [&str; 2] = ["scope_duration", "scope_description"];
/// The option of a role that scoped credentials have too.
const TOKEN_SIZE: &str = "minimum_session_token_size";

/// The scope that the options give, if any.
pub(super) fn read(
    layers: &Layers,
    base: Option<&Chosen<Base>>,
) -> Result<Option<Chosen<Scope>>, Failure> {
    let [options, _] = layers.options_and_settings();
    let Some(policy) = options.json_object(POLICY, "an IAM policy")? else {
        let given = OTHERS.iter().find(|name| options.get(name).is_some());
        return given.map_or(Ok(None), |name| Err(without_policy(name)));
    };
    if base.is_none_or(|base| base.value != Base::Supplied || base.origin != options.origin) {
        return Err(Failure::configuration(
            format!("{POLICY} is given without a source, whose credentials it limits."),
            "Call session.scoped(policy: …), or give source. A role takes policy.",
        ));
    }
    if let Some(name) = contradiction(&options) {
        return Err(Failure::configuration(
            format!(
                "{name} is given beside {POLICY}, which limits the source and assumes no role."
            ),
            "Keep one of them; to scope a role's session: session.assume_role(…).scoped(policy: …).",
        ));
    }
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let token_size = layers.first(|layer| layer.whole(TOKEN_SIZE, "a whole number of bytes"))?;
    let scope = Scope {
        policy,
        duration_seconds: options.whole_seconds("scope_duration")?.map(number),
        description: options.text("scope_description")?,
        minimum_session_token_size: token_size.map(|size| number(size.value)),
    };
    scope.check()?;
    Ok(Some(chosen(scope, options.origin)))
}

fn without_policy(name: &str) -> Failure {
    Failure::configuration(
        format!("{name} is given without {POLICY}."),
        format!("Give {POLICY} too: without it the session could do all that its source can."),
    )
}

/// An option of the layer that asks for a role, or for a session token of the user.
fn contradiction(options: &Layer<'_>) -> Option<&'static str> {
    let is_given = |name: &&str| {
        options
            .get(name)
            .is_some_and(|value| *value != Value::Bool(false))
    };
    let of_roles = AssumeRoleOptions::default().report();
    ["role_arn", "get_session_token"]
        .into_iter()
        .chain(of_roles.into_iter().map(|(name, _)| name))
        .filter(|name| *name != TOKEN_SIZE)
        .find(is_given)
}
