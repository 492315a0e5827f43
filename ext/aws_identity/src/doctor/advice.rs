//! Where the cause ends and the remedy begins.
//!
//! Every message of this crate says what happened and then what to do about it, and what to do is
//! said in the imperative. So the first sentence that begins with one of these words begins the
//! remedy.

use crate::failure::Kind;

const VERBS: [&str; 29] = [
    "Activate",
    "Add",
    "Attach",
    "Check",
    "Correct",
    "Did you mean",
    "Enable",
    "Get",
    "Give",
    "In a container",
    "Install",
    "It may pass",
    "Keep",
    "Leave",
    "Let",
    "Make",
    "Name",
    "Put",
    "Raise",
    "Read the",
    "Remove",
    "Run",
    "Save",
    "See",
    "Set",
    "Share",
    "Use",
    "Without credentials",
    "Write",
];

/// Cause and remedy of one of our messages.
pub fn split(message: &str) -> (&str, Option<&str>) {
    let starts = message
        .match_indices(['.', '?', '!', ')'])
        .filter_map(|(at, end)| {
            let rest = message[at + end.len()..].strip_prefix(' ')?;
            VERBS
                .iter()
                .any(|verb| begins_with(rest, verb))
                .then_some(message.len() - rest.len())
        });
    match starts.into_iter().next() {
        Some(start) => (message[..start].trim_end(), Some(&message[start..])),
        None => (message, None),
    }
}

fn begins_with(sentence: &str, verb: &str) -> bool {
    sentence
        .strip_prefix(verb)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// What to do where the message does not say it.
pub fn of(kind: Kind) -> &'static str {
    match kind {
        Kind::Argument | Kind::Configuration => "Correct or remove what is named here.",
        Kind::NotReady => {
            "Start LegionIO, which resolves the reference, or write the value itself."
        }
        Kind::NoCredentials | Kind::NotOnAws => {
            "Give this source what it needs, or name other credentials."
        }
        Kind::AccessDenied => {
            "Check which keys are used, the caller's permission and the role's trust policy."
        }
        Kind::Throttled | Kind::Service => {
            "Try again in a minute; if it stays, check the endpoint."
        }
        Kind::Connection | Kind::Timeout => "Check the network, proxy and endpoint.",
        Kind::Internal => "Report it with this text; the next try may work.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_imperative_sentence_begins_the_remedy() {
        for (cause, remedy) in [
            (
                "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not.",
                "Set both, or neither.",
            ),
            (
                "The SSO login has expired (token is gone. truly).",
                "Run `aws sso login --profile p`.",
            ),
            (
                "The profile \"x\" does not exist; looked in /h/.aws/config (3 profiles).",
                "Did you mean \"y\"?",
            ),
            (
                "This is an EC2 instance, and its metadata service is not there (no answer).",
                "In a container raise the hop limit to 2; else enable the service. Or not.",
            ),
            (
                "The CA bundle /b holds no certificate.",
                "Check AWS_CA_BUNDLE, ca_bundle and the file.",
            ),
        ] {
            let message = format!("{cause} {remedy}");
            assert_eq!(split(&message), (cause, Some(remedy)));
        }
    }

    #[test]
    fn a_message_without_advice_is_all_cause() {
        for message in [
            "Web identity: the token file /t cannot be read (it does not exist).",
            "Settings are wrong. Setters too.",
            "",
        ] {
            assert_eq!(split(message), (message, None));
        }
    }
}
