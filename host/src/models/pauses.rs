//! How long is waited before a call is tried again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The pauses of one model: each twice as long as the one before, and never all callers at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pauses {
    /// The first one.
    pub first: Duration,
    /// No pause of its own is longer.
    pub longest: Duration,
    /// How long an endpoint may ask to be left alone; whoever wants more is not asked again in this call.
    pub longest_asked: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            longest_asked: Duration::from_secs(60),
        }
    }
}

impl Pauses {
    /// The pause before retry number `retry`, from 0; none if the endpoint asked for too long a one. `chance` is between
    /// 0 and 1.
    pub fn before(&self, retry: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        let chance = chance.clamp(0.0, 1.0);
        match asked {
            Some(asked) if asked > self.longest_asked => None,
            // Not earlier than it asked for, and not all of those that it told the same.
            Some(asked) => Some(asked + self.first.mul_f64(chance / 2.0)),
            None => {
                let doubled = self.first.saturating_mul(2_u32.saturating_pow(retry)).min(self.longest);
                Some(doubled.mul_f64(1.0 - chance / 2.0))
            }
        }
    }
}

/// How long the endpoint asks to be left alone.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(milliseconds / 1_000.0).ok();
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(after) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(after).ok()?;
    // One that is over asks for nothing.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &'static str, value: &str) -> Option<Duration> {
        let now = "2015-10-21T07:27:30Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers, now)
    }

    #[test]
    fn an_endpoint_asks_in_several_ways() {
        assert_eq!(asked("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("retry-after", " 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(asked("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(asked("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT"), Some(Duration::ZERO));
        for nothing in ["", "soon", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(asked("retry-after", nothing), None, "{nothing}");
        }
    }

    #[test]
    fn pauses_double_and_are_never_all_the_same() {
        let pauses = Pauses::default();
        let all: Vec<_> = (0..8).map(|retry| pauses.before(retry, None, 0.0).unwrap().as_millis()).collect();
        assert_eq!(all, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
        assert_eq!(pauses.before(2, None, 1.0), Some(Duration::from_secs(1)));
        assert_eq!(pauses.before(u32::MAX, None, 0.0), Some(Duration::from_secs(20)));
    }

    #[test]
    fn what_is_asked_for_is_kept_unless_it_is_too_much() {
        let pauses = Pauses::default();
        let seconds = Duration::from_secs;
        assert_eq!(pauses.before(0, Some(seconds(60)), 0.0), Some(seconds(60)));
        assert_eq!(pauses.before(0, Some(seconds(3)), 1.0), Some(Duration::from_millis(3_250)));
        assert_eq!(pauses.before(0, Some(seconds(61)), 0.0), None);
    }
}
