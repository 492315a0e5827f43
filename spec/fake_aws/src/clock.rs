//! Wall clock times, in milliseconds since 1970, and the three text formats AWS uses.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970, by the system clock.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: &'static str,
}

/// Years are counted from March so that the leap day is the last of its year.
fn civil(ms: i64) -> Civil {
    let seconds = ms.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let from_march_0000 = days + 719_468;
    let (era, in_era) = (from_march_0000.div_euclid(146_097), from_march_0000.rem_euclid(146_097));
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let day_of_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * march_month + 2) / 5 + 1,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: usize::try_from(days.rem_euclid(7)).map_or("", |index| WEEKDAYS[index]),
    }
}

/// `2026-01-31T12:00:00Z`: the expiration in every answer.
#[must_use]
pub fn iso(ms: i64) -> String {
    let c = civil(ms);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// `20260131T120000Z`: the time a signature was made at.
#[must_use]
pub fn basic(ms: i64) -> String {
    iso(ms).replace(['-', ':'], "")
}

/// `Sat, 31 Jan 2026 12:00:00 GMT`: the Date header.
#[must_use]
pub fn http(ms: i64) -> String {
    let c = civil(ms);
    let month = usize::try_from(c.month - 1).map_or("", |index| MONTHS[index]);
    format!("{}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT", c.weekday, c.day, c.year, c.hour, c.minute, c.second)
}

/// Reads `20260131T120000Z`; anything else is `None`.
#[must_use]
pub fn parse_basic(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z')?.replacen('T', "", 1);
    if digits.len() != 14 || text.as_bytes().get(8) != Some(&b'T') || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let shifted = if month > 2 { year } else { year - 1 };
    let march_month = (month + 9) % 12;
    let days = 365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100)
        + shifted.div_euclid(400)
        + (153 * march_month + 2) / 5
        + day
        - 1
        - 719_468;
    let ms = (days * DAY + part(8, 10)? * 3600 + part(10, 12)? * 60 + part(12, 14)?) * 1000;
    // A date that does not exist (month 13, 30 February) reads back as another one.
    (basic(ms) == text).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_known_times() {
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(http(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for day in 0..60_000 {
            let ms = day * DAY * 1000 + 45_296_000;
            assert_eq!(parse_basic(&basic(ms)), Some(ms));
        }
        for bad in ["", "20150830", "20150830T123600", "20151330T123600Z", "20150230T123600Z", "2015083012360TZ0"] {
            assert_eq!(parse_basic(bad), None, "{bad}");
        }
    }
}
