//! Which file of the cache belongs to a request, and which tag the file must have.

use crate::{sts::AssumeRoleOptions, util::secret_json};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// The member of a tag that says who signed the call.
const ASKER: &str = "Base";

/// What the credentials of one call depend on.
///
/// The AWS CLI names its file by what *the user* set. So `options` must hold a duration and a session
/// name only where the user gave one, and never a default: the names would differ from the CLI's.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// `None` for `GetSessionToken`, which the AWS CLI does not cache.
    pub role_arn: Option<&'a str>,
    pub options: AssumeRoleOptions,
    /// Who signs the call: the access key id of long-lived keys, or the role. Never the account, whose
    /// users are not one another.
    pub asker: Option<&'a str>,
    /// The STS endpoint, where one was set.
    pub endpoint: Option<&'a str>,
    /// The endpoint was set where the AWS CLI finds it too (environment, shared config), so that
    /// the files it writes here come from the same one.
    pub endpoint_is_shared: bool,
}

/// The names one request has in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey {
    name: String,
    own_name: String,
    pub(super) tag: Value,
    /// A file that the AWS CLI wrote, which has no tag, may be used.
    pub(super) accepts_untagged: bool,
    /// Our file may have the AWS CLI's own name.
    pub(super) shares_name: bool,
}

impl CacheKey {
    #[must_use]
    pub fn new(request: &Request<'_>) -> Self {
        let arguments = request.options.cache_arguments();
        let session = arguments.session.into_iter();
        let session = Digested::of(
            session
                .filter(|(_, value)| !is_empty(value))
                .map(|(name, value)| (name, in_order(value))),
        );
        let mut tag = Map::new();
        if let Some(asker) = given(request.asker) {
            tag.insert(ASKER.into(), json!(asker));
        }
        if let Some(endpoint) = given(request.endpoint) {
            tag.insert("Endpoint".into(), json!(endpoint.trim_end_matches('/')));
        }
        let shaped = !session.is_empty();
        if shaped {
            tag.insert("Session".into(), json!(session.sha1_hex()));
        }
        let endpoint_of_ours = tag.contains_key("Endpoint") && !request.endpoint_is_shared;
        let tag = Value::Object(tag);
        let name = arguments_of(request, arguments.named).sha1_hex();
        let own_name = format!("{name}-{}", &sha1_hex(&dumps(&tag))[..8]);
        // The CLI does not read our tag. So it may use credentials from another endpoint, as it does
        // with its own files, but must never use a session with tags or policies it did not ask for.
        Self {
            name,
            own_name,
            tag,
            // The CLI caches no GetSessionToken, so a file of that name without a tag is not known to be
            // the asker's.
            accepts_untagged: request.role_arn.is_some() && !shaped && !endpoint_of_ours,
            shares_name: !shaped,
        }
    }

    /// True if an entry with this tag is of the request. `is_shared`: it has the AWS CLI's own name; only there has
    /// an entry no tag.
    pub(super) fn accepts(&self, tag: Option<&Value>, is_shared: bool) -> bool {
        match tag {
            Some(tag) => *tag == self.tag,
            None => is_shared && self.accepts_untagged,
        }
    }

    /// The same, whoever signs the call.
    #[must_use]
    pub fn without_asker(mut self) -> Self {
        take_asker(&mut self.tag);
        self
    }

    /// The name the AWS CLI gives to the file, without `.json`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of our file where the CLI's is not to be used: eight hex digits more.
    #[must_use]
    pub fn own_name(&self) -> &str {
        &self.own_name
    }
}

/// Takes out of a tag who signed the call.
pub(super) fn take_asker(tag: &mut Value) -> Option<String> {
    match tag.as_object_mut()?.remove(ASKER) {
        Some(Value::String(asker)) => Some(asker),
        _ => None,
    }
}

/// Values that are written as a digest only, because some are secret: an external id, and the signed
/// assertions of contexts. They are wiped when they are dropped.
struct Digested(Value);

impl Digested {
    fn of(values: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let named = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self(Value::Object(named.collect()))
    }

    fn is_empty(&self) -> bool {
        is_empty(&self.0)
    }

    fn sha1_hex(&self) -> String {
        sha1_hex(&dumps(&self.0))
    }
}

impl Drop for Digested {
    fn drop(&mut self) {
        secret_json::wipe(&mut self.0);
    }
}

/// What botocore hashes: `json.dumps(args, sort_keys=True)`, see `_create_cache_key` in
/// <https://github.com/boto/botocore/blob/develop/botocore/credentials.py>.
fn arguments_of(request: &Request<'_>, mut named: Vec<(&'static str, Value)>) -> Digested {
    match (request.role_arn, given(request.asker)) {
        (Some(arn), _) => named.push(("RoleArn", json!(arn))),
        // GetSessionToken takes no argument that names its user.
        (None, Some(asker)) => named.push((ASKER, json!(asker))),
        (None, None) => {}
    }
    let is_given = |value: &Value| !value.is_null() && value != "";
    Digested::of(named.into_iter().filter(|(_, value)| is_given(value)))
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(members) => members.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Sorted, because STS makes the same session for tags, policies and contexts in any order.
fn in_order(value: Value) -> Value {
    let Value::Array(mut members) = value else {
        return value;
    };
    members.sort_by(|one, other| dumps(one).as_str().cmp(dumps(other).as_str()));
    Value::Array(members)
}

pub(super) fn sha1_hex(text: &str) -> String {
    Sha1::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // writing to a String cannot fail
            hex
        })
}

/// Python's `json.dumps(value, sort_keys=True)`, in a buffer that is wiped and has room enough never to grow.
fn dumps(value: &Value) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(secret_json::room_for(value)));
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => out.push_str(&python_float(float)),
            None => out.push_str(&number.to_string()),
        },
        Value::String(text) => write_string(out, text),
        Value::Array(members) => {
            out.push('[');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, member);
            }
            out.push(']');
        }
        Value::Object(members) => {
            // By code point in both languages; not left to the map, which may keep another order.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_string(out, name);
                out.push_str(": ");
                write_value(out, member);
            }
            out.push('}');
        }
    }
}

/// Python escapes all but printable ASCII, beyond the basic plane as surrogate pairs.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}"); // writing to a String cannot fail
                }
            }
        }
    }
    out.push('"');
}

/// Both languages print the shortest digits and switch to exponents at the same sizes; Python writes
/// the exponent's sign and at least two digits of it.
///
/// Numbers come exact out of `serde_json` only with its feature `float_roundtrip`.
fn python_float(float: f64) -> String {
    let text = format!("{float:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}
