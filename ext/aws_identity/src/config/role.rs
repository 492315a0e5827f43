//! Which role the layers ask for, and with which options.

use super::Layers;
use crate::{
    failure::Failure,
    layer::{Chosen, Layer, Origin, chosen},
    sts::{AssumeRoleOptions, RoleRequest, limits},
};
use serde_json::{Map, Value};

/// What an option, a setting or `AWS_ROLE_ARN` says about a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// No layer asks for one.
    Unset,
    /// `role_arn: false`: no role on top of the base, whatever lower layers say.
    Off,
    /// The roles, each assumed with the credentials of the one before.
    Chain(Vec<RoleRequest>),
}

impl Role {
    /// The MFA device of the first role, which then has none.
    pub(super) fn take_serial_number(&mut self) -> Option<String> {
        match self {
            Self::Chain(chain) => chain.first_mut()?.options.serial_number.take(),
            _ => None,
        }
    }

    /// The options of the last role, with the MFA device of the first.
    fn options(&self) -> Option<AssumeRoleOptions> {
        let Self::Chain(chain) = self else {
            return None;
        };
        let mut options = chain.last()?.options.clone();
        options
            .serial_number
            .clone_from(&chain.first()?.options.serial_number);
        Some(options)
    }
}

/// What the layers say about roles.
pub(super) struct RoleChoice {
    pub(super) role: Chosen<Role>,
    /// The options of layers that name no role, merged.
    pub(super) unscoped: AssumeRoleOptions,
    /// Each layer's options of them, and those of the role of a web identity.
    pub(super) unscoped_by_layer: Vec<Chosen<AssumeRoleOptions>>,
    /// All options in force, the highest layer first, each with the layer it comes from.
    pub(super) by_origin: Vec<Chosen<AssumeRoleOptions>>,
}

impl RoleChoice {
    /// No role, whatever the layers say.
    pub(super) fn none(origin: Origin) -> Self {
        Self {
            role: chosen(Role::Off, origin),
            unscoped: AssumeRoleOptions::default(),
            unscoped_by_layer: Vec::new(),
            by_origin: Vec::new(),
        }
    }

    /// `for_web_identity`: an option or setting names a token, so that `AWS_ROLE_ARN` may be its role.
    pub(super) fn read(layers: &Layers, for_web_identity: bool) -> Result<Self, Failure> {
        let mut role = None;
        let mut by_origin = Vec::new();
        let mut unscoped = AssumeRoleOptions::default();
        let mut unscoped_by_layer = Vec::new();
        for layer in layers.options_and_settings() {
            let options = AssumeRoleOptions::read(&layer)?;
            let named = named(&layer)?;
            if named.is_some() && role.is_some() {
                continue; // a role of a lower layer, with its options, is not used
            }
            if named.as_ref().is_none_or(|named| *named == Role::Off) {
                unscoped = unscoped.with_fallback(&options);
                unscoped_by_layer.push(chosen(options.clone(), layer.origin));
                by_origin.push(chosen(options.clone(), layer.origin));
            }
            if let Some(named) = named {
                role = Some(chosen(with_options(named, &options)?, layer.origin));
            }
        }
        let role = match role {
            Some(role) => role,
            None => from_environment(layers, for_web_identity)?,
        };
        if let (Role::Chain(chain), true) = (&role.value, for_web_identity)
            && let [alone] = chain.as_slice()
        {
            unscoped_by_layer.push(chosen(alone.options.clone(), role.origin));
        }
        if let Some(options) = role.value.options() {
            // `AWS_ROLE_ARN` has one option of its own.
            let (origin, place) = match role.origin {
                Origin::Environment(_) => (
                    Origin::Environment("AWS_ROLE_SESSION_NAME"),
                    by_origin.len(),
                ),
                Origin::Option => (role.origin, 0),
                _ => (role.origin, by_origin.len()),
            };
            by_origin.insert(place, chosen(options, origin));
        }
        Ok(Self {
            role,
            unscoped,
            unscoped_by_layer,
            by_origin,
        })
    }
}

/// The options of a role that `origin` names and the `unscoped` ones of layers that name none: the
/// higher layer's come first.
pub(super) fn with_unscoped(
    origin: Origin,
    options: &AssumeRoleOptions,
    unscoped: &AssumeRoleOptions,
) -> AssumeRoleOptions {
    if origin == Origin::Option {
        options.with_fallback(unscoped)
    } else {
        unscoped.with_fallback(options)
    }
}

/// `AWS_ROLE_ARN`, which while `AWS_WEB_IDENTITY_TOKEN_FILE` is set belongs to the web identity.
fn from_environment(layers: &Layers, for_web_identity: bool) -> Result<Chosen<Role>, Failure> {
    let environment = &layers.environment;
    let taken = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && !for_web_identity;
    let Some(role_arn) = environment.get("AWS_ROLE_ARN").filter(|_| !taken) else {
        return Ok(chosen(Role::Unset, Origin::Default));
    };
    limits::role_arn("AWS_ROLE_ARN", role_arn.trim())?;
    let options = AssumeRoleOptions {
        role_session_name: environment
            .get("AWS_ROLE_SESSION_NAME")
            .map(|name| name.trim().to_owned()),
        ..AssumeRoleOptions::default()
    };
    if let Some(name) = &options.role_session_name {
        limits::session_name("AWS_ROLE_SESSION_NAME", name)?;
    }
    let chain = vec![RoleRequest {
        role_arn: role_arn.trim().to_owned(),
        options,
    }];
    Ok(chosen(
        Role::Chain(chain),
        Origin::Environment("AWS_ROLE_ARN"),
    ))
}

/// What `role_arn` of this layer says, without the options beside it.
fn named(layer: &Layer<'_>) -> Result<Option<Role>, Failure> {
    const FORMS: &str = "a string, false, or a list of strings and Hashes";
    let single = |text: &str| -> Result<RoleRequest, Failure> {
        limits::role_arn(&layer.label("role_arn"), text.trim())?;
        Ok(RoleRequest {
            role_arn: text.trim().to_owned(),
            options: AssumeRoleOptions::default(),
        })
    };
    match layer.get("role_arn") {
        None => Ok(None),
        Some(Value::Bool(false)) => Ok(Some(Role::Off)),
        Some(Value::String(text)) => Ok(Some(Role::Chain(vec![single(text)?]))),
        Some(Value::Array(_)) if layer.origin == Origin::Settings => Err(Failure::configuration(
            "identity.aws.role_arn is a list.",
            "In settings a list is a fallback list for secrets; name one role there, and give a chain of roles as an option.",
        )),
        Some(Value::Array(items)) if items.is_empty() => Err(Failure::configuration(
            "role_arn is an empty list.",
            "Name a role, or give false for none.",
        )),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(place, item)| match item {
                Value::String(text) => single(text),
                Value::Object(fields) => of_list(fields),
                other => Err(layer.wrong_item("role_arn", place, other, FORMS)),
            })
            .collect::<Result<_, _>>()
            .map(|chain| Some(Role::Chain(chain))),
        Some(other) => Err(layer.wrong("role_arn", other, FORMS)),
    }
}

/// A role of the list with options of its own: all but the MFA device, which belongs to the first role.
fn of_list(fields: &Map<String, Value>) -> Result<RoleRequest, Failure> {
    let every = AssumeRoleOptions::default().report();
    let allowed: Vec<&str> = std::iter::once("role_arn")
        .chain(every.into_iter().map(|(name, _)| name))
        .filter(|name| *name != "serial_number")
        .collect();
    if let Some(unknown) = fields.keys().find(|name| !allowed.contains(&name.as_str())) {
        return Err(Failure::configuration(
            format!(
                "A role of the list in role_arn has the option {unknown:?}, which a single role cannot have."
            ),
            format!("It takes {}.", allowed.join(", ")),
        ));
    }
    let layer = Layer {
        origin: Origin::Option,
        values: fields,
    };
    let Some(role_arn) = layer.text("role_arn")? else {
        return Err(Failure::configuration(
            "A role of the list in role_arn has no role_arn.",
            "Add it.",
        ));
    };
    limits::role_arn("role_arn", &role_arn)?;
    let options = AssumeRoleOptions::read(&layer)?;
    options.check(false)?;
    Ok(RoleRequest { role_arn, options })
}

/// The options beside `role_arn` go to the last role, the MFA device to the first: that is the one the
/// user's own keys assume.
fn with_options(role: Role, options: &AssumeRoleOptions) -> Result<Role, Failure> {
    let Role::Chain(mut chain) = role else {
        return Ok(role);
    };
    options.check(false)?;
    let mut options = options.clone();
    let serial_number = options.serial_number.take();
    if let Some(last) = chain.last_mut() {
        last.options = options.with_fallback(&last.options);
    }
    if let Some(first) = chain.first_mut() {
        first.options.serial_number = serial_number;
    }
    Ok(Role::Chain(chain))
}
