//! Times as AWS and tools write them, and as this crate counts them.

use aws_smithy_types::{DateTime, date_time::Format};
use rustix::time::{ClockId, clock_gettime};
use std::{
    ops::{Add, Sub},
    time::SystemTime,
};

/// A clock that cannot be set and that goes on while the machine sleeps.
#[cfg(target_os = "linux")]
const BOOT_CLOCK: ClockId = ClockId::Boottime;
/// That of macOS goes on while the machine sleeps, see its clock_gettime(3).
#[cfg(not(target_os = "linux"))]
const BOOT_CLOCK: ClockId = ClockId::Monotonic;

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

/// A point in time by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock, which may be set.
    pub wall: Millis,
    /// The time since the machine was started, sleep included. It cannot be set.
    pub boot: Millis,
}

impl Moment {
    #[must_use]
    pub fn now() -> Self {
        let boot = clock_gettime(BOOT_CLOCK);
        Self {
            wall: now(),
            boot: boot.tv_sec * 1_000 + boot.tv_nsec / 1_000_000,
        }
    }
}

/// That much later by both clocks.
impl Add<Millis> for Moment {
    type Output = Self;

    fn add(self, length: Millis) -> Self {
        Self {
            wall: self.wall.saturating_add(length),
            boot: self.boot.saturating_add(length),
        }
    }
}

/// That much earlier by both clocks.
impl Sub<Millis> for Moment {
    type Output = Self;

    fn sub(self, length: Millis) -> Self {
        Self {
            wall: self.wall.saturating_sub(length),
            boot: self.boot.saturating_sub(length),
        }
    }
}

/// Reads a point in time as any tool writes it: a login cache, the AWS CLI's cache, a program, an endpoint, a
/// variable.
///
/// These are the forms that botocore takes (by Python's dateutil) and that occur: RFC 3339; a space for the
/// `T`; `UTC` or `GMT` for `Z`; offsets as `+hh:mm`, `+hhmm` and `+hh`; a blank before the zone; any fraction;
/// no seconds; basic ISO 8601 (`20260102T030405Z`); RFC 1123 (`Fri, 02 Jan 2026 03:04:05 GMT`). What is finer
/// than a millisecond is cut off.
///
/// `None` for anything else. A time without a zone is no point in time, and a number may count seconds or
/// milliseconds.
#[must_use]
pub fn parse(text: &str) -> Option<Millis> {
    // The parser of the SDK indexes before it looks, so only ASCII may reach it.
    let text = text.is_ascii().then(|| text.trim())?;
    let (date, rest) = iso_date(text).or_else(|| rfc1123_date(text))?;
    let end = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ','));
    let (time, zone) = rest.split_at(end?);
    let (time, zone) = (clock_time(time)?, offset(zone.trim_start())?);
    let written = format!("{date}T{time}{zone}");
    let read = DateTime::from_str(&written, Format::DateTimeWithOffset).ok()?;
    Millis::try_from(read.as_nanos().div_euclid(1_000_000)).ok()
}

/// `2026-01-02T` or `20260102 `: the date as RFC 3339 writes it, and what follows.
fn iso_date(text: &str) -> Option<(String, &str)> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let date = match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => [year, month, day],
        [date] if date.len() == 8 => [&date[..4], &date[4..6], &date[6..]],
        _ => return None,
    };
    let is_date = digits(date[0], 4) && digits(date[1], 2) && digits(date[2], 2);
    is_date.then(|| (date.join("-"), time.trim_start()))
}

/// `Fri, 02 Jan 2026 `, the day of the week being optional. A wrong one says nothing, as in botocore.
fn rfc1123_date(text: &str) -> Option<(String, &str)> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = text
        .split_once(',')
        .filter(|(day, _)| day.len() == 3)
        .map_or(text, |(_, date)| date.trim_start());
    let (day, rest) = date.split_once(' ')?;
    let (month, rest) = rest.split_once(' ')?;
    let (year, time) = rest.split_once(' ')?;
    let at = MONTHS.find(month).filter(|at| at % 3 == 0)?;
    let is_date = month.len() == 3 && digits(year, 4) && (digits(day, 2) || digits(day, 1));
    is_date.then(|| {
        (
            format!("{year}-{:02}-{day:0>2}", at / 3 + 1),
            time.trim_start(),
        )
    })
}

/// `03:04:05.678`, `03:04`, `030405` or `0304`, as RFC 3339 writes it.
fn clock_time(text: &str) -> Option<String> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let parts = match whole.split(':').collect::<Vec<_>>()[..] {
        [hour, minute, second] => [hour, minute, second],
        [hour, minute] if fraction.is_none() => [hour, minute, "00"],
        [time] if time.len() == 6 => [&time[..2], &time[2..4], &time[4..]],
        [time] if time.len() == 4 && fraction.is_none() => [&time[..2], &time[2..], "00"],
        _ => return None,
    };
    if !parts.iter().all(|part| digits(part, 2)) {
        return None;
    }
    match fraction {
        None => Some(parts.join(":")),
        Some(fraction) if digits(fraction, fraction.len().max(1)) => {
            // The parser of the SDK takes nine digits at most.
            let fraction = &fraction[..fraction.len().min(9)];
            Some(format!("{}.{fraction}", parts.join(":")))
        }
        Some(_) => None,
    }
}

/// A zone that says how far it is from UTC, as RFC 3339 writes it.
fn offset(zone: &str) -> Option<String> {
    if matches!(zone, "Z" | "z" | "UTC" | "GMT") {
        return Some("Z".into());
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = match rest.len() {
        2 => (rest, "00"),
        4 => rest.split_at(2),
        _ => rest.split_once(':')?,
    };
    let is_offset = matches!(sign, "+" | "-") && digits(hours, 2) && digits(minutes, 2);
    is_offset.then(|| format!("{sign}{hours}:{minutes}"))
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
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

    const SECOND: Millis = 1_767_323_045_000;

    /// Python's dateutil reads each of them as the same time.
    #[test]
    fn reads_every_form_that_tools_write() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2026-01-02T03:04:05Z", SECOND),
            ("2026-01-02t03:04:05z", SECOND),
            ("2026-01-02T03:04:05.678Z", SECOND + 678),
            ("2026-01-02T03:04:05,678Z", SECOND + 678),
            ("2026-01-02T03:04:05.678999999Z", SECOND + 678),
            ("2026-01-02T03:04:05.6789999991234Z", SECOND + 678),
            ("2026-01-02T03:04:05.6+00:00", SECOND + 600),
            ("2026-01-02T03:04:05+00:00", SECOND),
            ("2026-01-02T03:04:05+0000", SECOND),
            ("2026-01-02T03:04:05+00", SECOND),
            ("2026-01-02T03:04:05-00:00", SECOND),
            ("2026-01-02T12:04:05+09:00", SECOND),
            ("2026-01-02T12:04:05+0900", SECOND),
            ("2026-01-02T12:04:05+09", SECOND),
            ("2026-01-01T21:34:05-05:30", SECOND),
            ("2026-01-02T03:04:05UTC", SECOND),
            ("2026-01-02T03:04:05 UTC", SECOND),
            ("2026-01-02T03:04:05GMT", SECOND),
            ("2026-01-02 03:04:05Z", SECOND),
            ("2026-01-02 03:04:05+00:00", SECOND),
            ("2026-01-02 12:04:05 +0900", SECOND),
            ("2026-01-02 03:04:05.678000+00:00", SECOND + 678),
            ("2026-01-02T03:04Z", SECOND - 5000),
            ("2026-01-02 03:04 UTC", SECOND - 5000),
            ("20260102T030405Z", SECOND),
            ("20260102T030405.678Z", SECOND + 678),
            ("20260102T030405+0000", SECOND),
            ("20260102T0304Z", SECOND - 5000),
            ("20260102 030405 -0000", SECOND),
            ("Fri, 02 Jan 2026 03:04:05 GMT", SECOND),
            ("Fri, 2 Jan 2026 03:04:05 GMT", SECOND),
            ("02 Jan 2026 03:04:05 +0000", SECOND),
            ("Fri, 02 Jan 2026 12:04:05 +0900", SECOND),
            ("Mon, 02 Jan 2026 03:04:05 GMT", SECOND),
            (" 2026-01-02T03:04:05Z\n", SECOND),
        ];
        for (text, time) in cases {
            assert_eq!(parse(text), Some(time), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_point_in_time() {
        for text in [
            "",
            " ",
            "Z",
            "now",
            "2026-01-02",
            "2026-01-02Z",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05",
            "2026-01-02T03:04",
            "20260102T030405",
            "Fri, 02 Jan 2026 03:04:05",
            "2026-01-02T03:04:05 CET",
            "2026-01-02T03:04:05 utc",
            "2026-01-02T03:04:05 +0000 UTC",
            "2026-01-02T03:04:05+0",
            "2026-01-02T03:04:05+000",
            "2026-01-02T03:04:05+25:00",
            "2026-01-02T03:04:05GMT+3",
            "2026-13-02T03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-01-02T25:04:05Z",
            "2026-01-02T03:60:05Z",
            "2026-01-02T03:04:05ZZ",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.6.7Z",
            "2026-01-02T03.5Z",
            "2026-01-02T:04:05Z",
            "26-01-02T03:04:05Z",
            "2026-0102T03:04:05Z",
            "Fri, 02 anF 2026 03:04:05 GMT",
            "Fri, 00 Jan 2026 03:04:05 GMT",
            "-2026-01-02T03:04:05Z",
            "1767323045",
            "1767323045000",
            "1767323045 Z",
            "２０２６-01-02T03:04:05Z",
            "2026-01-0é",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
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
            assert_eq!(parse(&format_iso8601(time)), Some(time));
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
