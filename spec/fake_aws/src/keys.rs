//! The valid access keys, their principals and their expiration.

use crate::arn::Arn;
use crate::random;
use crate::world::World;
use std::collections::{BTreeMap, HashMap};

/// The principal of a key, as `GetCallerIdentity` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    pub arn: String,
    pub user_id: String,
    pub account: String,
    pub partition: String,
    /// ARN of the role, path included, if this is a session of one.
    pub role: Option<String>,
}

impl Principal {
    /// A long-lived principal: unique id as AWS forms it, unless the world gives one.
    #[must_use]
    pub fn of_user(arn: &str, user_id: Option<&str>) -> Self {
        let parts = Arn::parse(arn);
        let account = parts.as_ref().map_or("", |parts| parts.account);
        let resource = parts.as_ref().map_or("", |parts| parts.resource);
        let derived = match resource.split('/').collect::<Vec<_>>()[..] {
            ["root"] => account.to_owned(),
            ["federated-user", name] => format!("{account}:{name}"),
            ["assumed-role", role, session] => {
                format!("{}:{session}", random::unique_id("AROA", role))
            }
            _ => random::unique_id("AIDA", arn),
        };
        Self {
            arn: arn.into(),
            user_id: user_id.map_or(derived, str::to_owned),
            account: account.into(),
            partition: parts.map_or("", |parts| parts.partition).into(),
            role: None,
        }
    }

    /// A session of a role, without the role's path, as AWS has it.
    #[must_use]
    pub fn of_role(role: &str, session: &str) -> Self {
        let parts = Arn::parse(role);
        let (partition, account, name) = parts.map_or(("", "", role), |parts| (parts.partition, parts.account, parts.name()));
        Self {
            arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"),
            user_id: format!("{}:{session}", random::unique_id("AROA", role)),
            account: account.into(),
            partition: partition.into(),
            role: Some(role.into()),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
    /// `None` for long-lived keys.
    pub expires_ms: Option<i64>,
    pub principal: Principal,
    /// Issued after an MFA code: roles that require MFA accept it.
    pub mfa: bool,
    pub source_identity: Option<String>,
    /// Transitive tags, which role chains inherit, keys in lower case.
    pub transitive_tags: BTreeMap<String, String>,
    /// How many policies of `GetScopedCredentials` it is limited by.
    pub scopes: u32,
}

impl Key {
    /// A new temporary key for a principal.
    #[must_use]
    pub fn temporary(principal: Principal, expires_ms: i64) -> Self {
        Self {
            id: random::temporary_key_id(),
            secret: random::secret_key(),
            token: Some(random::session_token()),
            expires_ms: Some(expires_ms),
            principal,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }
}

/// Every temporary key issued so far. The long-lived ones are in the world.
#[derive(Debug, Default)]
pub struct Keys {
    issued: HashMap<String, Key>,
}

impl Keys {
    pub fn add(&mut self, key: &Key) {
        self.issued.insert(key.id.clone(), key.clone());
    }

    #[must_use]
    pub fn find(&self, world: &World, id: &str) -> Option<Key> {
        self.issued.get(id).cloned().or_else(|| {
            let (arn, user) = world.users.iter().find(|(_, user)| user.access_key_id == id)?;
            Some(Key {
                id: id.into(),
                secret: user.secret_access_key.clone(),
                token: user.session_token.clone(),
                principal: Principal::of_user(arn, user.user_id.as_deref()),
                ..Key::default()
            })
        })
    }
}
