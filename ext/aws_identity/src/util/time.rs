//! Times as AWS writes them, and as this crate counts them.

use aws_smithy_types::{DateTime, date_time::Format};
use std::{borrow::Cow, time::SystemTime};

/// The wall clock.
#[must_use]
pub fn now() -> Millis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(Millis::MAX)
        })
}

/// Milliseconds since the Unix epoch: the unit of every time in this crate.
pub type Millis = i64;

/// Reads an RFC 3339 time with any offset and any fraction, such as `2026-01-02T03:04:05.678+09:00`.
///
/// `UTC` for `Z` is read too: botocore wrote it into cached SSO tokens. `None` for anything else; a
/// time without an offset is not a point in time. What is finer than a millisecond is cut off.
#[must_use]
pub fn parse_iso8601(text: &str) -> Option<Millis> {
    // The parser of the SDK indexes before it looks, so only ASCII may reach it.
    if !text.is_ascii() {
        return None;
    }
    let text = match text.strip_suffix("UTC") {
        Some(bare) => Cow::Owned(format!("{bare}Z")),
        None => Cow::Borrowed(text),
    };
    let time = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    let millis = time.as_nanos().div_euclid(1_000_000);
    Millis::try_from(millis).ok()
}

/// Writes a time in UTC, such as `2026-01-02T03:04:05.678Z`; a whole second has no fraction.
///
/// A time outside the years 1 to 9999 is written as the nearest one inside.
#[must_use]
pub fn format_iso8601(time: Millis) -> String {
    const FIRST: Millis = -62_135_596_800_000; // 0001-01-01T00:00:00Z
    const LAST: Millis = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
    DateTime::from_millis(time.clamp(FIRST, LAST))
        .fmt(Format::DateTime)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_aws_writes() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-02T03:04:05Z", 1_767_323_045_000),
            ("2026-01-02T03:04:05.678Z", 1_767_323_045_678),
            ("2026-01-02T03:04:05.678999Z", 1_767_323_045_678),
            ("2026-01-02T03:04:05.678999999Z", 1_767_323_045_678),
            ("2026-01-02T03:04:05+00:00", 1_767_323_045_000),
            ("2026-01-02T12:04:05+09:00", 1_767_323_045_000),
            ("2026-01-01T21:34:05-05:30", 1_767_323_045_000),
            ("2026-01-02T03:04:05UTC", 1_767_323_045_000),
            ("2026-01-02t03:04:05z", 1_767_323_045_000),
            ("1969-12-31T23:59:59.999Z", -1),
        ];
        for (text, time) in cases {
            assert_eq!(parse_iso8601(text), Some(time), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_point_in_time() {
        for text in [
            "",
            "now",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05Z",
            "2026-13-02T03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-01-02T25:04:05Z",
            "2026-01-02T03:04:05ZZ",
            "1767323045",
            " 2026-01-02T03:04:05Z",
            "２０２６-01-02T03:04:05Z",
            "2026-01-0é",
        ] {
            assert_eq!(parse_iso8601(text), None, "{text:?}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for time in [
            0,
            -1,
            1_767_323_045_000,
            1_767_323_045_678,
            253_402_300_799_999,
        ] {
            assert_eq!(parse_iso8601(&format_iso8601(time)), Some(time));
        }
        assert_eq!(
            format_iso8601(1_767_323_045_678),
            "2026-01-02T03:04:05.678Z"
        );
        assert_eq!(format_iso8601(1_767_323_045_000), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_written_as_its_end() {
        assert_eq!(format_iso8601(Millis::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(format_iso8601(Millis::MIN), "0001-01-01T00:00:00Z");
    }
}
