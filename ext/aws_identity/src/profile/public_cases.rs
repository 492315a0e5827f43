//! The public cases of the AWS SDK for Rust on the grammar of the files.
//!
//! Where the data comes from and its licence: `spec/fixtures/profiles/README.md`.

use super::{Files, ini::Properties};
use serde_json::{Map, Value, json};

/// Cases that do not apply. The files are written for the CLI, so the grammar is botocore's, and
/// these are where the two differ.
const BOTOCORE_DIFFERS: [(&str, &str); 13] = [
    (
        "Profile names support alphanumeric characters and - / . % @ _ : +",
        "a name may hold any character",
    ),
    (
        "Property definitions must contain an equals sign.",
        "':' works like '='",
    ),
    (
        "Duplicate profiles in the same file merge properties.",
        "a section that appears twice is refused",
    ),
    (
        "Duplicate properties in a profile use the last one defined.",
        "a key that appears twice is refused",
    ),
    (
        "Duplicate properties in duplicate profiles use the last one defined.",
        "as the two above",
    ),
    (
        "Duplicate properties in duplicate profiles use the last one defined (case insensitive).",
        "as the three above",
    ),
    (
        "Default profile with profile prefix overrides default profile without prefix when profile prefix is first.",
        "the later of the two counts",
    ),
    (
        "Default profiles with mixed prefixes in the config file ignore the one without prefix when merging.",
        "a section that appears twice is refused",
    ),
    (
        "Default profiles with mixed prefixes merge with credentials",
        "a section that appears twice is refused",
    ),
    (
        "Invalid profile names are ignored.",
        "a name in the credentials file may hold spaces",
    ),
    (
        "Invalid property names are ignored.",
        "they are kept, and no code reads them",
    ),
    (
        "Credentials profiles with prefix are ignored.",
        "in that file \"profile foo\" is a name like any other",
    ),
    (
        "profile name with extra whitespace in credentials",
        "its second section is \"profile bar\", a name like any other",
    ),
];

/// What the SDK says about a malformed file, and what we say.
const REFUSALS: [(&str, &str); 7] = [
    (
        "Profile definition must end with ']'",
        "does not end with ']'",
    ),
    (
        "Expected a profile definition",
        "a [section] is expected before the first key",
    ),
    (
        "Property did not have a name",
        "the name of a key is missing",
    ),
    ("Expected a property definition", "'=' is expected"),
    // The two cases that expect this hold a section twice, which is refused first.
    ("Expected a property definition", "a second time"),
    (
        "Expected an '=' sign defining a sub-property",
        "between an indented key and its value",
    ),
    (
        "Sub-property did not have a name",
        "the name of an indented key is missing",
    ),
];

#[test]
fn grammar() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../spec/fixtures/profiles/profile-parser-tests.json"
    );
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = cases["tests"].as_array().unwrap();
    assert_eq!(cases.len(), 65);
    let mut differing = 0;
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let found = read(&case["input"]);
        let expected = &case["output"];
        let agrees = match (
            &found,
            expected.get("config"),
            expected["errorContaining"].as_str(),
        ) {
            (Ok(found), Some(config), _) => {
                let sessions = config
                    .get("sso_sessions")
                    .cloned()
                    .unwrap_or_else(|| json!({}));
                found["profiles"] == config["profiles"] && found["sso_sessions"] == sessions
            }
            (Err(message), _, Some(error)) => REFUSALS
                .iter()
                .any(|(theirs, ours)| error.contains(theirs) && message.contains(ours)),
            _ => false,
        };
        let known = BOTOCORE_DIFFERS.iter().find(|(listed, _)| *listed == name);
        // Both ways, so that the list cannot grow stale.
        assert_eq!(
            agrees,
            known.is_none(),
            "{name} {known:?}\nfound {found:?}\nin {case:#}"
        );
        differing += usize::from(known.is_some());
    }
    assert_eq!(differing, BOTOCORE_DIFFERS.len(), "a listed case is gone");
}

fn read(input: &Value) -> Result<Value, String> {
    let text = |file: &str| input[file].as_str().unwrap_or_default();
    let files = Files::from_texts(text("configFile"), text("credentialsFile"))
        .map_err(|failure| failure.message())?;
    let plain = |properties: &Properties| -> Map<String, Value> {
        properties
            .iter()
            .map(|(key, value)| (key.clone(), value.text.as_str().into()))
            .collect()
    };
    let profiles: Map<String, Value> = files
        .profiles()
        .iter()
        .map(|(name, profile)| {
            let mut both = plain(&profile.config);
            both.extend(plain(&profile.credentials));
            (name.clone(), both.into())
        })
        .collect();
    let sessions: Map<String, Value> = files
        .sso_session_names()
        .filter_map(|name| Some((name.to_owned(), plain(files.sso_session(name)?).into())))
        .collect();
    Ok(json!({"profiles": profiles, "sso_sessions": sessions}))
}
