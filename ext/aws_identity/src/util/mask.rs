//! Finds secrets in a text, whole or in parts, as they are and percent-, XML- or JSON-encoded.

use std::{collections::HashSet, ops::Range};

/// A part of a secret of this length or longer counts as the secret.
pub const PART: usize = 16;
/// A shorter secret masks nothing: it would mask ordinary words.
pub const SHORTEST: usize = 6;

/// What stands where a secret stood.
pub const MASK: &str = "[secret]";
/// An encoding inside another is undone as often as this.
const ROUNDS: usize = 3;

/// What is masked of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masks {
    /// Every secret; one shorter than [`PART`] where it is a word of its own.
    All,
    /// Secrets and parts of [`PART`] bytes or more, so that no short one hits a word of ours.
    Long,
}

/// `text` without `secrets`. Upper and lower case of ASCII count as the same.
#[must_use]
pub fn mask<S: AsRef<str>>(text: &str, secrets: &[S], masks: Masks) -> String {
    let lowered: Vec<Vec<u8>> = secrets
        .iter()
        .map(|secret| secret.as_ref().to_ascii_lowercase().into_bytes())
        .collect();
    let parts: HashSet<&[u8]> = lowered
        .iter()
        .flat_map(|secret| secret.windows(PART))
        .collect();
    let short: Vec<&[u8]> = lowered
        .iter()
        .map(Vec::as_slice)
        .filter(|secret| (SHORTEST..PART).contains(&secret.len()) && masks == Masks::All)
        .collect();
    if parts.is_empty() && short.is_empty() {
        return text.to_owned();
    }
    let mut hidden = vec![false; text.len()];
    let mut view = View::of(text);
    for _ in 0..=ROUNDS {
        view.hide(&parts, &short, &mut hidden);
        match view.decoded() {
            Some(next) => view = next,
            None => break,
        }
    }
    without(text, &hidden)
}

fn without(text: &str, hidden: &[bool]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut was_hidden = false;
    for (at, c) in text.char_indices() {
        let is_hidden = hidden[at..at + c.len_utf8()].contains(&true);
        if !is_hidden {
            shown.push(c);
        } else if !was_hidden {
            shown.push_str(MASK);
        }
        was_hidden = is_hidden;
    }
    shown
}

/// A text in lower case with some encodings undone; each byte knows where it stood.
struct View {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl View {
    fn of(text: &str) -> Self {
        Self {
            bytes: text.to_ascii_lowercase().into_bytes(),
            places: (0..text.len()).map(|at| at..at + 1).collect(),
        }
    }

    fn hide(&self, parts: &HashSet<&[u8]>, short: &[&[u8]], hidden: &mut [bool]) {
        let mut mark = |found: Range<usize>| {
            let place = self.places[found.start].start..self.places[found.end - 1].end;
            hidden[place].fill(true);
        };
        for (at, part) in self.bytes.windows(PART).enumerate() {
            if parts.contains(part) {
                mark(at..at + PART);
            }
        }
        for secret in short {
            let found = self.bytes.windows(secret.len()).enumerate();
            for (at, _) in found.filter(|(_, part)| part == secret) {
                let end = at + secret.len();
                if !(self.is_word(at.checked_sub(1)) || self.is_word(Some(end))) {
                    mark(at..end);
                }
            }
        }
    }

    fn is_word(&self, at: Option<usize>) -> bool {
        let byte = at.and_then(|at| self.bytes.get(at));
        byte.is_some_and(u8::is_ascii_alphanumeric)
    }

    /// The same with one more level of encoding undone; `None` if there is none.
    fn decoded(&self) -> Option<Self> {
        let mut next = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            places: Vec::with_capacity(self.bytes.len()),
        };
        let mut at = 0;
        while at < self.bytes.len() {
            let (byte, length) = match decode(&self.bytes[at..]) {
                Some((Decoded::Byte(byte), length)) => (byte, length),
                Some((Decoded::Char(c), length)) => {
                    let place = self.places[at].start..self.places[at + length - 1].end;
                    let mut buffer = [0; 4];
                    for byte in c.to_ascii_lowercase().encode_utf8(&mut buffer).bytes() {
                        next.bytes.push(byte);
                        next.places.push(place.clone());
                    }
                    at += length;
                    continue;
                }
                None => (self.bytes[at], 1),
            };
            next.bytes.push(byte.to_ascii_lowercase());
            next.places
                .push(self.places[at].start..self.places[at + length - 1].end);
            at += length;
        }
        (next.bytes.len() < self.bytes.len()).then_some(next)
    }
}

enum Decoded {
    Byte(u8),
    Char(char),
}

/// What the first encoded character of `bytes`, which are in lower case, stands for, and its length.
fn decode(bytes: &[u8]) -> Option<(Decoded, usize)> {
    match *bytes.first()? {
        b'%' => {
            let byte = u8::try_from(hex(bytes.get(1..3)?)?).ok()?;
            Some((Decoded::Byte(byte), 3))
        }
        b'&' => entity(bytes),
        b'\\' => escape(bytes),
        _ => None,
    }
}

/// `&amp;`, `&#38;` or `&#x26;`.
fn entity(bytes: &[u8]) -> Option<(Decoded, usize)> {
    const LONGEST: usize = 12;
    let end = bytes.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let c = match &bytes[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', digits @ ..] => char::from_u32(hex(digits)?)?,
        [b'#', digits @ ..] => {
            let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
            char::from_u32(number)?
        }
        _ => return None,
    };
    Some((Decoded::Char(c), end + 1))
}

/// `\/` or `\u002f`, as in JSON.
fn escape(bytes: &[u8]) -> Option<(Decoded, usize)> {
    match bytes.get(1)? {
        byte @ (b'/' | b'"' | b'\'' | b'\\') => Some((Decoded::Byte(*byte), 2)),
        b'u' => Some((Decoded::Char(char::from_u32(hex(bytes.get(2..6)?)?)?), 6)),
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "FwoGZXIvYXdz/ca+na&ry\"in<a>cage==";

    fn masked(text: &str, secrets: &[&str]) -> String {
        mask(text, secrets, Masks::All)
    }

    #[test]
    fn a_secret_is_masked_whole_in_part_and_encoded() {
        let percent = "FwoGZXIvYXdz%2Fca%2Bna%26ry%22in%3Ca%3Ecage%3D%3D";
        for form in [
            TOKEN.to_owned(),
            TOKEN.to_ascii_lowercase(),
            percent.to_owned(),
            percent.to_ascii_lowercase(),
            percent.replace('%', "%25"),
            percent.replace('%', "%2525"),
            "FwoGZXIvYXdz/ca+na&amp;ry&quot;in&lt;a&gt;cage==".to_owned(),
            "FwoGZXIvYXdz&#47;ca&#x2B;na&#38;ry&#34;in&lt;a&#62;cage&#61;=".to_owned(),
            r#"FwoGZXIvYXdz\/ca+na\u0026ry\"in\u003Ca\u003ecage=="#.to_owned(),
            TOKEN[..16].to_owned(),
            TOKEN[10..26].to_owned(),
            TOKEN[17..].to_owned(),
        ] {
            let text = format!("the token {form} is not known");
            assert_eq!(
                masked(&text, &[TOKEN]),
                "the token [secret] is not known",
                "{form}"
            );
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let said = "User: arn:aws:iam::123456789012:user/demo is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/früh &c; 100% \\d";
        assert_eq!(masked(said, &[TOKEN]), said);
        assert_eq!(masked(said, &[]), said);
        assert_eq!(masked(&TOKEN[..15], &[TOKEN]), TOKEN[..15]);
        assert_eq!(masked("a test's s", &["s", "tests"]), "a test's s");
    }

    #[test]
    fn a_short_secret_is_masked_where_it_is_a_word() {
        let text = "TokenCode=123456&ExternalId=a%2Fb-c12, arn:aws:iam::123456789012:role/r";
        assert_eq!(
            masked(text, &["123456", "a/b-c12"]),
            "TokenCode=[secret]&ExternalId=[secret], arn:aws:iam::123456789012:role/r"
        );
        assert_eq!(mask(text, &["123456"], Masks::Long), text);
    }

    #[test]
    fn a_mask_keeps_to_the_borders_of_characters() {
        let secret = "gehe\u{fc}im-gehe\u{fc}im";
        assert_eq!(
            masked(&format!("\u{fc}{secret}\u{fc}"), &[secret]),
            "\u{fc}[secret]\u{fc}"
        );
        for text in [
            "%",
            "%2",
            "&#",
            "&#x110000;",
            "&#99999999999;",
            "\\u12",
            "\\",
        ] {
            let text = format!("{text}{text}");
            assert_eq!(masked(&text, &[TOKEN]), text);
        }
    }
}
