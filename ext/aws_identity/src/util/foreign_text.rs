//! Text that came from outside (an endpoint, a program, a library, a file, the environment), made fit for a
//! terminal, a log and a message.

use std::fmt::Write as _;

/// As much of a foreign text as a message shows, in characters.
const LIMIT: usize = 512;
const CUT: &str = "...";

/// `text` on one line: control characters, and those that move text about unseen, are escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut line, c));
    line
}

/// The same, trimmed and cut at 512 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    cut(text, LIMIT)
}

/// `text` on one line of at most `limit` printable characters.
fn cut(text: &str, limit: usize) -> String {
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

fn push(line: &mut String, c: char) {
    if is_control(c) {
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
            '\0', '\u{7f}', '\u{85}', '\u{9b}', '\u{61c}', '\u{200e}', '\u{200f}', '\u{2029}',
            '\u{202a}', '\u{2066}', '\u{2069}',
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
