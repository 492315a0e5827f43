//! The IAM policy documents that allow what AWS refused, from the words of AWS:
//! `User: ARN is not authorized to perform: ACTION on resource: ARN`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use super::finding::Finding;
use crate::{
    principal::{Kind, Principal},
    sts::{AssumeRoleOptions, RoleRequest},
    util::iam_policy::{action, allowing, document},
};
use serde_json::{Value, json};

const ASSUME: &str = "sts:AssumeRole";
/// Stands where AWS does not tell the path of the caller's role.
const PATH: &str = "PATH";
/// Stands for the external id, which the doctor does not show.
const EXTERNAL_ID: &str = "EXTERNAL_ID";

/// The documents that a refused call takes, as JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Documents {
    /// For the policy of the caller.
    pub caller: Option<String>,
    /// The trust policy of the role.
    pub trust: Option<String>,
    /// What to replace in them, and why; empty if nothing is.
    pub note: String,
}

impl Documents {
    /// The finding with these documents in its details.
    pub(super) fn beside(self, found: Finding) -> Finding {
        let documents = [("caller_policy", self.caller), ("trust_policy", self.trust)];
        let found = documents
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .fold(found, |found, (name, text)| found.detail(name, text));
        found.detail("policy_note", self.note)
    }
}

/// For a call that the policy of the caller alone decides, whatever it is called on.
pub(super) fn of_caller(action: &str) -> Documents {
    Documents {
        caller: Some(allowing(&[action])),
        trust: None,
        note: String::new(),
    }
}

/// The caller and the action of a refusal.
struct Denied<'a> {
    caller: &'a str,
    action: &'a str,
}

impl<'a> Denied<'a> {
    fn read(message: &'a str) -> Option<Self> {
        let (before, after) = message.split_once(" is not authorized to perform: ")?;
        let (_, caller) = before.rsplit_once("User: ")?;
        let action = after.split_whitespace().next()?.trim_end_matches('.');
        let (service, name) = action.split_once(':')?;
        let is_action = service == "sts" && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_action.then_some(Self {
            caller: caller.trim(),
            action,
        })
    }
}

/// The documents for a refused `AssumeRole`. `known`: ARNs of roles, one of which may be the caller's.
pub(super) fn documents(message: &str, role: &RoleRequest, known: &[String]) -> Option<Documents> {
    let denied = Denied::read(message)?;
    let (caller, path_note) = trusted(denied.caller, known)?;
    let action = action(&actions(denied.action, &role.options));
    let mut trust = vec![
        ("Effect", json!("Allow")),
        ("Principal", json!({"AWS": caller})),
        ("Action", action.clone()),
    ];
    let conditions = conditions(&role.options);
    if conditions.as_object().is_some_and(|all| !all.is_empty()) {
        trust.push(("Condition", conditions));
    }
    let external_id_note =
        role.options.external_id.as_ref().map(|_| {
            format!("Write the external id for {EXTERNAL_ID}: the doctor does not show it.")
        });
    let notes: Vec<String> = path_note.into_iter().chain(external_id_note).collect();
    Some(Documents {
        caller: Some(document(&[
            ("Effect", json!("Allow")),
            ("Action", action),
            ("Resource", json!(role.role_arn)),
        ])),
        trust: Some(document(&trust)),
        note: notes.join(" "),
    })
}

/// What the caller is called in a trust policy, and what to replace in it. STS leaves the path of a role
/// out of the ARN of its session.
fn trusted(arn: &str, known: &[String]) -> Option<(String, Option<String>)> {
    let caller = Principal::parse(arn, None, "").ok()?;
    let (Kind::Role | Kind::Sso, Some(role), Some(_)) =
        (caller.kind, &caller.role, &caller.session_name)
    else {
        // A federated user and an instance identity cannot be named so.
        return matches!(caller.kind, Kind::User | Kind::Root | Kind::Role)
            .then(|| (caller.arn.clone(), None));
    };
    let is_same = |known: &&String| {
        Principal::parse(known, None, "").is_ok_and(|other| {
            other.session_name.is_none()
                && other.role.as_ref() == Some(role)
                && (&other.account, &other.partition) == (&caller.account, &caller.partition)
        })
    };
    if let Some(known) = known.iter().find(is_same) {
        return Some((known.clone(), None));
    }
    let (partition, account) = (&caller.partition, &caller.account);
    Some((
        format!("arn:{partition}:iam::{account}:role/{PATH}/{role}"),
        Some(format!(
            "AWS does not say the path of the caller's role: replace {PATH}/ by it, or remove it where there is none (`aws iam get-role --role-name {role} --query Role.Arn`)."
        )),
    ))
}

/// What both documents must allow: the refused action, and what the options of the role ask for.
fn actions(denied: &str, options: &AssumeRoleOptions) -> Vec<String> {
    let of_options = [
        ("sts:TagSession", !options.tags.is_empty()),
        ("sts:SetSourceIdentity", options.source_identity.is_some()),
        ("sts:SetContext", !options.provided_contexts.is_empty()),
    ];
    let mut all = vec![ASSUME.to_owned()];
    for (action, is_needed) in of_options {
        if is_needed || action == denied {
            all.push(action.to_owned());
        }
    }
    all
}

/// What of the role's options a trust policy usually asks for.
fn conditions(options: &AssumeRoleOptions) -> Value {
    let mut all = json!({});
    if options.external_id.is_some() {
        all["StringEquals"] = json!({"sts:ExternalId": EXTERNAL_ID});
    }
    if options.serial_number.is_some() {
        all["Bool"] = json!({"aws:MultiFactorAuthPresent": "true"});
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Secret;

    const ROLE: &str = "arn:aws:iam::210987654321:role/team/deploy";

    fn asked(options: AssumeRoleOptions) -> RoleRequest {
        RoleRequest {
            role_arn: ROLE.into(),
            options,
        }
    }

    fn refusal(caller: &str, action: &str) -> String {
        format!(
            "sts:AssumeRole {ROLE}: sts.amazonaws.com answered AccessDenied: User: {caller} is not authorized to perform: {action} on resource: {ROLE}."
        )
    }

    fn parsed(document: Option<&String>) -> Value {
        serde_json::from_str(document.unwrap()).unwrap()
    }

    fn statement(document: Option<&String>) -> Value {
        parsed(document)["Statement"][0].clone()
    }

    fn principal(documents: &Documents) -> Value {
        statement(documents.trust.as_ref())["Principal"]["AWS"].clone()
    }

    #[test]
    fn both_sides_have_the_arns_that_aws_named() {
        let user = "arn:aws-us-gov:iam::123456789012:user/people/demo";
        let message = refusal(user, ASSUME);
        let found = documents(&message, &asked(AssumeRoleOptions::default()), &[]).unwrap();
        assert_eq!(
            parsed(found.caller.as_ref()),
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ASSUME, "Resource": ROLE}]})
        );
        let order = found.trust.as_ref().unwrap();
        assert!(
            order.starts_with(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal""#
            )
        );
        assert_eq!(
            parsed(found.trust.as_ref()),
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ASSUME, "Principal": {"AWS": user}}]})
        );
        assert_eq!(found.note, "");
    }

    #[test]
    fn the_path_of_the_callers_role_is_the_known_one_or_a_placeholder() {
        let message = refusal("arn:aws:sts::123456789012:assumed-role/web/i-0a", ASSUME);
        let role = asked(AssumeRoleOptions::default());
        let known = "arn:aws:iam::123456789012:role/machines/web".to_owned();
        let others = [
            "arn:aws:iam::999999999999:role/a/web".to_owned(),
            "arn:aws-cn:iam::123456789012:role/b/web".to_owned(),
            "arn:aws:iam::123456789012:role/machines/webs".to_owned(),
            "no ARN".to_owned(),
        ];
        let all: Vec<String> = others.iter().cloned().chain([known.clone()]).collect();
        let found = documents(&message, &role, &all).unwrap();
        assert_eq!((principal(&found), &*found.note), (json!(known), ""));

        let found = documents(&message, &role, &others).unwrap();
        assert_eq!(principal(&found), "arn:aws:iam::123456789012:role/PATH/web");
        assert!(found.note.contains("--role-name web"), "{}", found.note);
    }

    #[test]
    fn every_action_that_is_needed_stands_in_both() {
        let caller = "arn:aws:iam::123456789012:user/demo";
        for denied in ["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"] {
            let message = refusal(caller, denied);
            let found = documents(&message, &asked(AssumeRoleOptions::default()), &[]).unwrap();
            for side in [found.caller, found.trust] {
                assert_eq!(statement(side.as_ref())["Action"], json!([ASSUME, denied]));
            }
        }
        let options = AssumeRoleOptions {
            tags: vec![("team".into(), "a".into())],
            source_identity: Some("me".into()),
            external_id: Some(Secret::new("canary")),
            serial_number: Some("arn:aws:iam::1:mfa/a".into()),
            ..AssumeRoleOptions::default()
        };
        let found = documents(&refusal(caller, ASSUME), &asked(options), &[]).unwrap();
        assert_eq!(
            statement(found.trust.as_ref())["Action"],
            json!([ASSUME, "sts:TagSession", "sts:SetSourceIdentity"])
        );
        assert_eq!(
            statement(found.trust.as_ref())["Condition"],
            json!({"StringEquals": {"sts:ExternalId": "EXTERNAL_ID"},
                   "Bool": {"aws:MultiFactorAuthPresent": "true"}})
        );
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn other_words_give_no_documents() {
        let role = asked(AssumeRoleOptions::default());
        for message in [
            "Access denied",
            "User: x is not authorized to perform: sts:AssumeRole on resource: y",
            "User: arn:aws:iam::123456789012:user/a is not authorized to perform: s3:GetObject",
            "User: arn:aws:iam::123456789012:user/a is not authorized to perform: sts:\"}",
            "User: arn:aws:sts::123456789012:federated-user/a is not authorized to perform: sts:AssumeRole",
        ] {
            assert_eq!(documents(message, &role, &[]), None, "{message}");
        }
    }
}
