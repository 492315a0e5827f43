use super::*;
use crate::{failure::Kind, util::time::parse};
use aws_smithy_types::base64;
use serde_json::json;

const KEYS: [&str; 2] = ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI"];
const NOW: Millis = 1_795_867_200_000;

fn keys(expires_at: Option<Millis>) -> Credentials {
    let mut keys = Credentials::new(KEYS[0], KEYS[1], None, "test");
    keys.expires_at = expires_at;
    keys
}

fn made(kind: &str, words: &Value) -> Result<Token, Failure> {
    let words = words.as_object().cloned().unwrap_or_default();
    let place = Place {
        region: "eu-west-1",
        use_fips: false,
    };
    token(kind, &words, &place, &keys(None), NOW)
}

/// The URL inside a token.
fn url(token: &Token) -> String {
    let text = token.text.expose();
    let decoded = |text: &str| {
        let mut padded = text.replace('-', "+").replace('_', "/");
        padded.push_str(["", "", "==", "="][padded.len() % 4]);
        String::from_utf8(base64::decode(padded).expect("base64")).expect("UTF-8")
    };
    match token.kind {
        "eks" => decoded(text.strip_prefix("k8s-aws-v1.").expect("prefix")),
        "msk" => decoded(text),
        "bedrock" => decoded(text.strip_prefix("bedrock-api-key-").expect("prefix")),
        _ => text.to_owned(),
    }
}

fn parts(url: &str) -> (String, String, Map<String, Value>) {
    let bare = url.trim_start_matches("https://");
    let (address, query) = bare.split_once('?').expect("a query");
    let (host, path) = address.split_at(address.find('/').expect("a path"));
    let query = query
        .split('&')
        .map(|pair| pair.split_once('=').expect("a value"))
        .map(|(name, value)| (name.to_owned(), Value::String(unescaped(value))))
        .collect();
    (host.to_owned(), path.to_owned(), query)
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let pair = [rest.next().expect("hex"), rest.next().expect("hex")];
            u8::from_str_radix(std::str::from_utf8(&pair).expect("ASCII"), 16).expect("hex")
        } else {
            byte
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// `spec/fixtures/tokens/README.md` says which tools made them.
#[test]
fn each_is_what_the_vendors_own_tool_makes() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../spec/fixtures/tokens/presigned.json"
    );
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(file).expect("the file")).expect("JSON");
    assert!(cases.len() >= 112, "{}", cases.len());
    for case in &cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        let keys = Credentials::new(
            text("access_key_id"),
            text("secret_access_key"),
            case["session_token"].as_str().map(str::to_owned),
            "test",
        );
        let region = text("region");
        let place = Place {
            region: &region,
            use_fips: case["fips"] == true,
        };
        let words = case["words"].as_object().expect("words");
        let now = parse(&text("at")).expect("a time");
        let made = token(&text("kind"), words, &place, &keys, now).expect("a token");
        let (host, path, mut query) = parts(&url(&made));
        if made.kind == "bedrock" {
            assert_eq!(query["Version"], "1");
        }
        if made.kind == "msk" {
            let user_agent = query.remove("User-Agent").expect("User-Agent");
            assert!(
                user_agent
                    .as_str()
                    .expect("text")
                    .starts_with("lex-identity-aws/")
            );
        }
        assert_eq!(host, text("host"), "{case}");
        assert_eq!(path, text("path"), "{case}");
        assert_eq!(Value::Object(query), case["query"], "{case}");
    }
}

#[test]
fn the_earlier_end_counts() {
    let words = json!({"cluster": "c"});
    let words = words.as_object().expect("words");
    let place = Place {
        region: "eu-west-1",
        use_fips: false,
    };
    for (credentials_end, end) in [
        (None, NOW + 840_000),
        (Some(NOW + 60_000), NOW + 60_000),
        (Some(NOW + 3_600_000), NOW + 840_000),
    ] {
        let made = token("eks", words, &place, &keys(credentials_end), NOW).expect("a token");
        assert_eq!(made.expires_at, end);
        assert_eq!(made.kind, "eks");
    }
    let short = made("bedrock", &json!({"duration_seconds": 600})).expect("a token");
    assert_eq!(short.expires_at, NOW + 600_000);
}

#[test]
fn words_that_do_not_fit_are_named() {
    for (kind, words, said) in [
        (
            "elastic_cache",
            json!({}),
            "There is no token of kind \"elastic_cache\". Did you mean elasticache?",
        ),
        (
            "vault",
            json!({}),
            "There is eks, rds, dsql, elasticache, memorydb, msk, bedrock, and identity, which AWS signs.",
        ),
        ("identitty", json!({}), "Did you mean identity?"),
        (
            "identity",
            json!({}),
            "AWS signs it. Ask identity_token for it.",
        ),
        ("eks", json!({}), "A token of kind eks needs cluster."),
        ("eks", json!({"cluster": " "}), "It takes a text."),
        ("eks", json!({"cluster": null}), "It takes a text."),
        (
            "eks",
            json!({"cluster_name": "c"}),
            "takes no \"cluster_name\". It takes cluster.",
        ),
        ("msk", json!({"host": "h"}), "It takes region alone."),
        (
            "rds",
            json!({"host": "h", "user": "u"}),
            "needs port. It takes",
        ),
        ("rds", json!({}), "needs host, port and user."),
        (
            "rds",
            json!({"host": "h", "user": "u", "port": "5432x"}),
            "an Integer from 1 to 65535",
        ),
        (
            "rds",
            json!({"host": "h", "user": "u", "port": 0}),
            "an Integer from 1 to 65535",
        ),
        (
            "rds",
            json!({"host": "https://h/", "user": "u", "port": 1}),
            "host of a token of kind rds is not what it takes. It takes a host name alone",
        ),
        (
            "rds",
            json!({"host": "h@evil", "user": "u", "port": 1}),
            "It takes a host name alone, without scheme, port and path.",
        ),
        (
            "elasticache",
            json!({"name": "a/b", "user": "u"}),
            "It takes a host name",
        ),
        (
            "dsql",
            json!({"host": "h", "admin": "yes"}),
            "It takes true or false.",
        ),
        (
            "bedrock",
            json!({"duration_seconds": 43_201}),
            "an Integer from 1 to 43200",
        ),
    ] {
        let failure = made(kind, &words).expect_err("refused");
        assert_eq!(failure.kind, Kind::Argument);
        assert!(failure.message().contains(said), "{}", failure.message());
        let words = words.as_object().expect("words");
        let checked = check(kind, words);
        assert_eq!(checked.is_err(), kind != "identity" || words.is_empty());
    }
    assert!(made("dsql", &json!({"host": "h", "admin": null})).is_ok());
}

#[test]
fn words_of_references_and_variables_are_strings() {
    for (kind, texts, typed) in [
        (
            "rds",
            json!({"host": "h", "user": "u", "port": "5432"}),
            json!({"host": "h", "user": "u", "port": 5432}),
        ),
        (
            "dsql",
            json!({"host": "h", "admin": "True"}),
            json!({"host": "h", "admin": true}),
        ),
        (
            "dsql",
            json!({"host": "h", "admin": "false"}),
            json!({"host": "h"}),
        ),
        (
            "bedrock",
            json!({"duration_seconds": "600"}),
            json!({"duration_seconds": 600}),
        ),
    ] {
        let [texts, typed] = [texts, typed].map(|words| made(kind, &words).expect("a token"));
        assert_eq!(texts.text, typed.text);
        assert_eq!(texts.expires_at, typed.expires_at);
    }
}

#[test]
fn a_region_cannot_move_the_host() {
    let place = Place {
        region: "eu-west-1.evil.example/",
        use_fips: false,
    };
    for kind in ["eks", "msk"] {
        let words = json!({"cluster": "c"});
        let words = words.as_object().filter(|_| kind == "eks").cloned();
        let failure = token(kind, &words.unwrap_or_default(), &place, &keys(None), NOW);
        assert_eq!(failure.expect_err("refused").kind, Kind::Configuration);
    }
}

#[test]
fn what_cannot_be_signed_is_no_panic_and_shows_nothing() {
    let bad = Credentials::new("AKIA\nX", "s", Some("tok\nen".to_owned()), "test");
    let place = Place {
        region: "eu-west-1",
        use_fips: false,
    };
    let words = json!({"cluster": "a\u{1}b"});
    let words = words.as_object().expect("words");
    let failure = token("eks", words, &place, &bad, NOW).expect_err("refused");
    assert!(!failure.message().contains("tok"), "{}", failure.message());
}

#[test]
fn spaces_around_a_cluster_and_a_host_are_no_part_of_them_and_around_a_user_they_are() {
    let text = |kind, words| made(kind, &words).expect("a token").text;
    assert_eq!(
        text("eks", json!({"cluster": " c\n"})),
        text("eks", json!({"cluster": "c"}))
    );
    let rds = |host, user| text("rds", json!({"host": host, "port": 1, "user": user}));
    assert_eq!(rds(" h\n", "u"), rds("h", "u"));
    assert_ne!(rds("h", "u "), rds("h", "u"));
}
