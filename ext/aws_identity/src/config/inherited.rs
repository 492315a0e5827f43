//! What a session that assumes a role on top of another takes over from it.

use super::Layers;
use crate::util::secret_json;
use serde_json::{Map, Value};

/// Where STS is, and how long it may take.
const NAMES: [&str; 8] = [
    "region",
    "endpoint",
    "ca_bundle",
    "resolve_timeout",
    "connect_timeout",
    "read_timeout",
    "process_timeout",
    "token_timeout",
];

/// Some options of a session, and its profile. Wiped when dropped, because an endpoint may hold a password.
#[derive(Default)]
pub struct Inherited {
    options: Map<String, Value>,
    profile: Option<String>,
}

impl Inherited {
    /// Of the session that is made with these layers.
    #[must_use]
    pub fn of(layers: &Layers) -> Self {
        let options = NAMES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), layers.options.get(*name)?.clone())))
            .collect();
        let profile = layers.options.get("profile").and_then(Value::as_str);
        let profile = profile.filter(|profile| !profile.trim().is_empty());
        Self {
            options,
            profile: profile
                .map(str::to_owned)
                .or_else(|| layers.inherited_profile.clone()),
        }
    }

    /// Adds them to the layers of the session on top, except where that was given its own, a null included.
    pub fn add_to(&self, layers: &mut Layers) {
        for (name, value) in &self.options {
            layers.options.entry(name).or_insert_with(|| value.clone());
        }
        layers.inherited_profile.clone_from(&self.profile);
    }
}

impl Drop for Inherited {
    fn drop(&mut self) {
        self.options.values_mut().for_each(secret_json::wipe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn layers(options: &Value) -> Layers {
        Layers {
            options: options.as_object().unwrap().clone(),
            ..Layers::default()
        }
    }

    #[test]
    fn place_and_time_outs_pass_on_and_nothing_else() {
        let below = layers(
            &json!({"region": "eu-west-1", "read_timeout": 2, "role_arn": "r", "profile": "prod"}),
        );
        let mut above = layers(&json!({"read_timeout": null, "role_arn": "s"}));
        Inherited::of(&below).add_to(&mut above);
        let expected = json!({"region": "eu-west-1", "read_timeout": null, "role_arn": "s"});
        assert_eq!(Value::Object(above.options.clone()), expected);
        assert_eq!(above.inherited_profile.as_deref(), Some("prod"));

        let mut third = layers(&json!({}));
        Inherited::of(&above).add_to(&mut third);
        assert_eq!(third.inherited_profile.as_deref(), Some("prod"));
        let mut blank = layers(&json!({"profile": " "}));
        blank.inherited_profile = Some("prod".into());
        assert_eq!(Inherited::of(&blank).profile.as_deref(), Some("prod"));
    }
}
