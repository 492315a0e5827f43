//! The keys of a profile that decide whose credentials come out.

/// An access key: its id and its secret.
pub(super) const PAIR: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];

/// True for the keys that decide whose credentials come out.
pub(super) fn chooses_identity(key: &str) -> bool {
    PAIR.contains(&key)
        || matches!(
            key,
            "aws_session_token"
                | "aws_security_token"
                | "role_arn"
                | "source_profile"
                | "credential_source"
                | "external_id"
                | "web_identity_token_file"
                | "sso_session"
                | "sso_account_id"
                | "sso_role_name"
                | "login_session"
                | "credential_process"
        )
}
