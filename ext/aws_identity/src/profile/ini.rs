//! The grammar of the shared config and credentials files.
//!
//! It is the one the AWS CLI and boto3 accept (Python's `configparser`, as botocore's
//! `configloader` sets it up), because files are written for and by the CLI. So keys may be
//! indented, `:` works like `=`, comment lines may be indented, and a section or key that appears
//! twice is an error. In two points the AWS SDKs' common rules are followed, which boto3 lacks: a
//! `#` or `;` after white space ends a value (but see `Value::uncut`) or a header, and white space inside
//! the brackets is trimmed.
//!
//! The SDK for Rust has a parser of its own (`env_config` of aws-runtime 1.10.2). It is not used: it
//! refuses indented keys, takes an indented comment for a part of the value before it, drops profiles
//! whose names are quoted, reads a file that is not UTF-8 as an empty one, merges duplicates, and does not
//! tell from which file a value came, which decides the order inside a profile. A test below shows the
//! first two and the merging.

use std::collections::{BTreeMap, HashSet};
use zeroize::Zeroizing;

/// One `[section]`, its keys in lower case.
pub(super) struct Section {
    /// The text between the brackets, trimmed.
    pub(super) header: String,
    pub(super) properties: Properties,
}

pub(super) type Properties = BTreeMap<String, Value>;

/// The text of one key; wiped when dropped, for it may be a secret key.
#[derive(Clone)]
pub(super) struct Value {
    /// Without the comment behind it; further lines are joined with newlines.
    pub(super) text: Zeroizing<String>,
    /// With whatever looks like a comment: a command may hold a ` ;` of its own.
    pub(super) uncut: Zeroizing<String>,
}

impl Value {
    fn append(&mut self, line: &str) {
        for text in [&mut self.text, &mut self.uncut] {
            text.push('\n');
            text.push_str(line);
        }
    }

    /// The indented `key = value` lines below a key without a value; `None` if it has a value.
    pub(super) fn nested(&self) -> Option<impl Iterator<Item = (&str, &str)>> {
        let lines = self.text.strip_prefix('\n')?;
        Some(lines.lines().filter_map(|line| {
            line.split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
        }))
    }
}

/// Where and why a file is not in this grammar. Never shows the line: it may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) remedy: &'static str,
}

/// What is wrong with a line, and what to do.
type Refusal = (String, &'static str);

fn refusal(what: impl Into<String>, remedy: &'static str) -> Refusal {
    (what.into(), remedy)
}

/// The sections of one file, in its order.
pub(super) fn parse(text: &str) -> Result<Vec<Section>, Malformed> {
    let mut reader = Reader::default();
    // CR LF, LF and a lone CR end a line, as Python reads text.
    let lines = text
        .split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    for (index, line) in lines.enumerate() {
        reader.read(line).map_err(|(what, remedy)| Malformed {
            line: index + 1,
            what,
            remedy,
        })?;
    }
    Ok(inherit_defaults(reader.sections))
}

#[derive(Default)]
struct Reader {
    sections: Vec<Section>,
    headers: HashSet<String>,
    /// The key that an indented line would continue.
    open: Option<String>,
    indent: usize,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), Refusal> {
        let body = line.trim();
        if body.is_empty() || body.starts_with(['#', ';']) {
            return Ok(());
        }
        let indent = line.len() - line.trim_start().len();
        if indent > self.indent
            && let Some(key) = &self.open
            && let Some(section) = self.sections.last_mut()
            && let Some(value) = section.properties.get_mut(key)
        {
            return continued(value, body);
        }
        self.indent = indent;
        if body.starts_with('[') {
            self.section(body)
        } else {
            self.property(body)
        }
    }

    fn section(&mut self, body: &str) -> Result<(), Refusal> {
        let header = header(body).ok_or_else(|| {
            refusal(
                "a section that starts with '[' does not end with ']'",
                "Add it.",
            )
        })?;
        if !self.headers.insert(header.to_owned()) {
            return Err(refusal(
                format!("the section [{header}] appears a second time"),
                "Merge the two.",
            ));
        }
        self.sections.push(Section {
            header: header.to_owned(),
            properties: Properties::new(),
        });
        self.open = None;
        Ok(())
    }

    fn property(&mut self, body: &str) -> Result<(), Refusal> {
        if body.starts_with('\u{feff}') {
            return Err(refusal(
                "it starts with a byte order mark",
                "Save the file as UTF-8 without one; two files that were joined have one in the middle.",
            ));
        }
        let section = self
            .sections
            .last_mut()
            .ok_or_else(|| refusal("a [section] is expected before the first key", "Add it."))?;
        let bare = without_comment(body);
        let delimiter = bare
            .find(['=', ':'])
            .ok_or_else(|| refusal("'=' is expected between a key and its value", "Add it."))?;
        let key = bare[..delimiter].trim_end().to_ascii_lowercase();
        if key.is_empty() {
            return Err(refusal(
                "the name of a key is missing before '='",
                "Add it, or remove the line.",
            ));
        }
        let value = |line: &str| Zeroizing::new(line[delimiter + 1..].trim().to_owned());
        let value = Value {
            text: value(bare),
            uncut: value(body),
        };
        if section.properties.insert(key.clone(), value).is_some() {
            return Err(refusal(
                format!(
                    "the key {key} appears a second time in [{}]",
                    section.header
                ),
                "Keep one.",
            ));
        }
        self.open = Some(key);
        Ok(())
    }
}

/// The text between the brackets, trimmed. As in `configparser`, the last `]` ends it and what follows is
/// ignored, except that a comment after the first `]` may hold brackets of its own.
fn header(body: &str) -> Option<&str> {
    let body = body.strip_prefix('[')?;
    let (first, rest) = body.split_once(']')?;
    let header = if rest.trim_start().starts_with(['#', ';']) {
        first
    } else {
        body.rsplit_once(']')?.0
    };
    Some(header.trim())
}

/// A line indented deeper than its key belongs to the key's value. Below a key without a value
/// are nested keys, one level deep (as in `s3 =` and in `[services]`).
fn continued(value: &mut Value, body: &str) -> Result<(), Refusal> {
    if value.text.is_empty() || value.text.starts_with('\n') {
        match body.split_once('=') {
            None => {
                return Err(refusal(
                    "'=' is expected between an indented key and its value",
                    "Add it.",
                ));
            }
            Some((key, _)) if key.trim().is_empty() => {
                return Err(refusal(
                    "the name of an indented key is missing before '='",
                    "Add it, or remove the line.",
                ));
            }
            Some(_) => {}
        }
    }
    value.append(body);
    Ok(())
}

/// `body` up to a `#` or `;` that white space comes before.
fn without_comment(body: &str) -> &str {
    let mut after_space = false;
    for (index, letter) in body.char_indices() {
        if after_space && matches!(letter, '#' | ';') {
            return body[..index].trim_end();
        }
        after_space = letter.is_whitespace();
    }
    body
}

/// Python's `configparser` gives what is in `[DEFAULT]` (in capitals) to every section that
/// does not have the key itself, and so do the CLI and boto3.
fn inherit_defaults(mut sections: Vec<Section>) -> Vec<Section> {
    let Some(index) = sections
        .iter()
        .position(|section| section.header == "DEFAULT")
    else {
        return sections;
    };
    let defaults = sections.remove(index).properties;
    for section in &mut sections {
        for (key, value) in &defaults {
            section
                .properties
                .entry(key.clone())
                .or_insert_with(|| value.clone());
        }
    }
    sections
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn value(text: &str, header: &str, key: &str) -> Option<String> {
        let sections = parse(text)
            .map_err(|bad| format!("{bad:?} in {text:?}"))
            .unwrap();
        let section = sections.iter().find(|section| section.header == header)?;
        section
            .properties
            .get(key)
            .map(|value| value.text.to_string())
    }

    fn refused(text: &str) -> (usize, String) {
        let bad = parse(text)
            .map(|_| format!("accepted: {text:?}"))
            .unwrap_err();
        (bad.line, bad.what)
    }

    #[test]
    fn keys_may_be_indented_use_colons_and_capitals() {
        let text = "  [profile a]\n   Region = eu-west-1\n   Output: json\n";
        assert_eq!(
            value(text, "profile a", "region").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(value(text, "profile a", "output").as_deref(), Some("json"));
    }

    #[test]
    fn indented_comments_are_no_part_of_a_value() {
        let text = "[a]\n  # first\nregion = eu-west-1\n    ; second\noutput = json\n";
        assert_eq!(value(text, "a", "region").as_deref(), Some("eu-west-1"));
        assert_eq!(value(text, "a", "output").as_deref(), Some("json"));
    }

    #[test]
    fn a_comment_behind_a_value_is_cut_but_kept_for_commands() {
        let sections = parse("[a]\ncredential_process = sh -c 'a ; b' # c\nk = v#1;2\n").unwrap();
        let properties = &sections[0].properties;
        assert_eq!(properties["credential_process"].text.as_str(), "sh -c 'a");
        assert_eq!(
            properties["credential_process"].uncut.as_str(),
            "sh -c 'a ; b' # c"
        );
        assert_eq!(properties["k"].text.as_str(), "v#1;2");
    }

    #[test]
    fn deeper_lines_continue_a_value_or_nest_below_an_empty_one() {
        let text = "[services s]\nsts =\n  endpoint_url = http://a=b\n  x =\nk = v\n  more\n";
        let sections = parse(text).unwrap();
        let sts: Vec<_> = sections[0].properties["sts"].nested().unwrap().collect();
        assert_eq!(sts, [("endpoint_url", "http://a=b"), ("x", "")]);
        assert_eq!(sections[0].properties["k"].text.as_str(), "v\nmore");
        assert!(sections[0].properties["k"].nested().is_none());
    }

    // Each expectation is what `configparser` gives.
    #[test]
    fn a_line_ends_at_lf_cr_lf_or_a_lone_cr() {
        for text in [
            "[a]\rk = v\r[b]\rk = w\r",
            "[a]\nk = v\r[b]\r\nk = w",
            "[a]\r\r\n\rk = v\r\r\n[b]\rk = w\r",
            "\r[a]\rk: v\r# c\r[b] ; c\rk= w\n\r",
        ] {
            assert_eq!(value(text, "a", "k").as_deref(), Some("v"), "{text:?}");
            assert_eq!(value(text, "b", "k").as_deref(), Some("w"), "{text:?}");
        }
        let continued = value("[a]\rk = v\r  w\rl = x\r", "a", "k");
        assert_eq!(continued.as_deref(), Some("v\nw"));
    }

    #[test]
    fn the_last_bracket_ends_a_header_and_the_rest_is_ignored() {
        for (line, header) in [
            ("[a] b", "a"),
            ("[a] k = v", "a"),
            ("[a]]", "a]"),
            ("[a]b]", "a]b"),
            ("[[a]]", "[a]"),
            ("[a];c", "a"),
            ("[a] # c", "a"),
            // boto3 takes all up to the last bracket here too.
            ("[a] # see [b]", "a"),
        ] {
            let found = value(&format!("{line}\nk = 1\n"), header, "k");
            assert_eq!(found.as_deref(), Some("1"), "{line}");
        }
    }

    #[test]
    fn capital_default_is_inherited_and_no_section() {
        let text = "[DEFAULT]\nregion = eu-west-1\n[a]\n[b]\nregion = us-east-1\n";
        assert_eq!(value(text, "a", "region").as_deref(), Some("eu-west-1"));
        assert_eq!(value(text, "b", "region").as_deref(), Some("us-east-1"));
        assert_eq!(value(text, "DEFAULT", "region"), None);
    }

    #[test]
    fn what_boto3_refuses_is_refused_with_its_line() {
        let cases = [
            ("a = b\n", 1, "before the first key"),
            ("\u{feff}[a]\n", 1, "byte order mark"),
            ("[a\n", 1, "does not end with ']'"),
            ("[x]\nk = 1\n\u{feff}[a]\n", 3, "byte order mark"),
            ("[x]\rk = 1\r\rk\r", 4, "'=' is expected"),
            ("[x]\r\nk = 1\r\n\r\nk\r\n", 4, "'=' is expected"),
            ("[a]\nkey\n", 2, "'=' is expected"),
            ("[a]\n= b\n", 2, "name of a key is missing"),
            (
                "[a]\nk = 1\nK = 2\n",
                3,
                "the key k appears a second time in [a]",
            ),
            (
                "[a]\n\n[b]\n[ a ]\n",
                4,
                "the section [a] appears a second time",
            ),
            ("[a]\ns3 =\n  x\n", 3, "indented key and its value"),
            (
                "[a]\ns3 =\n  = x\n",
                3,
                "name of an indented key is missing",
            ),
        ];
        for (text, line, what) in cases {
            let (found, said) = refused(text);
            assert!(
                found == line && said.contains(what),
                "{text:?}: line {found}, {said}"
            );
        }
    }

    /// As soon as this fails, the SDK's own parser is worth another look.
    #[test]
    fn the_sdk_s_parser_still_reads_these_files_otherwise_than_the_aws_cli() {
        use aws_config::profile::{ProfileSet, load};
        use aws_runtime::env_config::file::EnvConfigFiles;
        use aws_types::os_shim_internal::{Env, Fs};
        let read = |config: &str| -> Option<ProfileSet> {
            let files = Fs::from_slice(&[("/config", config)]);
            let variables = Env::from_slice(&[("AWS_CONFIG_FILE", "/config"), ("HOME", "/")]);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let files = (files, EnvConfigFiles::default());
            runtime
                .block_on(load(&files.0, &variables, &files.1, None))
                .ok()
        };
        let region = |config: &str| read(config)?.get("region").map(str::to_owned);
        assert_eq!(region("[default]\n  region = a\n"), None);
        let commented = region("[default]\nregion = a\n  # note\n");
        assert_ne!(commented.as_deref(), Some("a"));
        let twice = region("[default]\nregion = a\nregion = b\n");
        assert_eq!(twice.as_deref(), Some("b"));
    }

    #[test]
    fn a_refusal_does_not_show_the_line() {
        let (_, said) = refused("[a]\naws_secret_access_key canary-secret\n");
        assert!(!said.contains("canary"), "{said}");
    }
}
