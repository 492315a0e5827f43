//! Text that came from outside (an endpoint, a program, a library, a file, the environment), made fit for a
//! terminal, a log and a message.

use super::mask::MASK;
use std::fmt::Write as _;

/// As much of a foreign text as a message shows, in characters.
const LIMIT: usize = 512;
const CUT: &str = "...";

/// `text` on one line: control characters, and those that move text about or hide it, are escaped. A JSON Web Token
/// in it is masked: it may stand by mistake where a path, a profile or an ARN belongs.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !is_of_token(c)) {
        let word = part.trim_end_matches(|c: char| c == '.' || !is_of_token(c));
        let (before, token) = word.split_at(token_in(word).unwrap_or(word.len()));
        let shown = if token.is_empty() { "" } else { MASK };
        let rest = &part[word.len()..];
        [before, shown, rest]
            .iter()
            .flat_map(|text| text.chars())
            .for_each(|c| push(&mut line, c));
    }
    line
}

/// Where a JSON Web Token begins, whose header is that of an object in base64. A letter may stand before it, such as
/// that of an escaped line end.
fn token_in(word: &str) -> Option<usize> {
    const SHORTEST: usize = 24;
    word.find("eyJ").filter(|at| {
        let token = &word[*at..];
        token.contains('.') && (*at == 0 || token.len() >= SHORTEST)
    })
}

/// Base64url, and the dots between its parts.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// The same, trimmed and cut at 512 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    cut(text, LIMIT)
}

/// `text` on one line of at most `limit` printable characters.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let (mut length, mut kept) = (0, 0);
    for c in text.trim().chars() {
        let before = line.len();
        push(&mut line, c);
        length += line[before..].chars().count();
        if length > limit {
            line.truncate(kept);
            line.push_str(CUT);
            break;
        }
        if length + CUT.len() <= limit {
            kept = line.len();
        }
    }
    line
}

/// True for a control character (C0, DEL, C1), a line or paragraph separator, and Unicode's bidi controls.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True for what a terminal shows as nothing: a control character, and Unicode's `Default_Ignorable_Code_Point`
/// with what marks annotations.
fn is_hidden(c: char) -> bool {
    is_control(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn push(line: &mut String, c: char) {
    if is_hidden(c) {
        let _ = write!(line, "{}", c.escape_default());
    } else {
        line.push(c);
    }
}

/// An error code of a service; `None` for what is no such word.
#[must_use]
pub fn code(text: &str) -> Option<&str> {
    let is_code = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    is_code.then_some(text)
}

/// The words of AWS on what a principal may not do, on one line of at most 512 characters. Where they are
/// longer, principal and resource are shortened, never the action.
#[must_use]
pub fn denial(text: &str) -> String {
    const PERFORM: &str = " is not authorized to perform: ";
    const ON: &str = " on resource: ";
    let whole = shown(text);
    if !whole.ends_with(CUT) {
        return whole;
    }
    let Some((principal, rest)) = text.split_once(PERFORM) else {
        return whole;
    };
    let (action, resource) = rest.split_once(ON).unwrap_or((rest, ""));
    let on = if resource.is_empty() { "" } else { ON };
    format!(
        "{}{PERFORM}{}{on}{}",
        cut(principal, 180),
        cut(action, 100),
        cut(resource, 180)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_that_a_terminal_can_show() {
        assert_eq!(
            shown(" two\r\nlines \u{1b}[31m"),
            r"two\r\nlines \u{1b}[31m"
        );
        assert_eq!(shown("a\u{202e}b\u{2028}c"), r"a\u{202e}b\u{2028}c");
        for c in [
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{61c}',
            '\u{200e}',
            '\u{200f}',
            '\u{2029}',
            '\u{202a}',
            '\u{2066}',
            '\u{2069}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{fff9}',
            '\u{fe0f}',
            '\u{e0041}',
        ] {
            let line = printable(&format!(" a{c}b "));
            assert!(!line.contains(c) && line.starts_with(" a\\"), "{line}");
        }
        assert_eq!(
            shown("Zugriff verweigert: früh"),
            "Zugriff verweigert: früh"
        );
        assert_eq!(shown("\n"), "");
    }

    #[test]
    fn a_json_web_token_is_masked() {
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.c2ln-bmF0_dXJl";
        for (before, after) in [
            ("the file ", " does not exist"),
            ("", "."),
            ("it is \"", "\", which is no ARN"),
            ("/a/", "/b"),
            ("früh=", "\n"),
            ("/run/token-", ""),
            ("\"x\\n", "\""),
        ] {
            let text = format!("{before}{token}{after}");
            let expected = format!("{before}[secret]{after}").replace('\n', "\\n");
            assert_eq!(printable(&text), expected);
        }
        assert_eq!(printable(&format!("{}...", &token[..30])), "[secret]...");
        assert_eq!(
            printable("eyJa. a.eyJb.c eyJ eyJ..."),
            "eyJa. a.eyJb.c eyJ eyJ..."
        );
    }

    #[test]
    fn it_is_cut() {
        assert_eq!(shown(&"é".repeat(512)), "é".repeat(512));
        assert_eq!(shown(&"é".repeat(513)), format!("{}...", "é".repeat(509)));
        let escapes = shown(&"\u{1b}".repeat(500));
        assert!(
            escapes.len() <= 512 && escapes.ends_with(r"\u{1b}..."),
            "{escapes}"
        );
    }

    #[test]
    fn a_code_is_one_word() {
        for good in ["AccessDenied", "com.amazonaws:No-Such_Thing.1", "7"] {
            assert_eq!(code(good), Some(good));
        }
        let long = "x".repeat(65);
        for bad in ["", "two words", "AccessDenied\n  ok", "a/b", "früh", &long] {
            assert_eq!(code(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_long_denial_keeps_its_action() {
        let long = "x".repeat(2000);
        let said = format!(
            "User: arn:aws:iam::1:user/{long} is not authorized to perform: sts:TagSession on resource: arn:aws:iam::1:role/{long} because no"
        );
        let line = denial(&said);
        assert!(line.chars().count() <= 512, "{line}");
        assert!(
            line.contains("... is not authorized to perform: sts:TagSession on resource: arn:aws:iam::1:role/x"),
            "{line}"
        );
        assert_eq!(denial("no"), "no");
        assert_eq!(denial(&long), shown(&long));
    }
}
