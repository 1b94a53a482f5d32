//! How a limit is told: `RateLimit` and `RateLimit-Policy` as structured fields (RFC 9651), of
//! draft-ietf-httpapi-ratelimit-headers-10 (27 September 2025), and `Retry-After` (RFC 9110, 10.2.3).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::rate::Quota;

/// Tells what is left: quota and window of the policy; what remains now, and after how many seconds
/// all of it is there again.
pub fn tell(headers: &mut HeaderMap, quota: &Quota) {
    let Quota { name, rate, remaining, .. } = quota;
    let policy = format!("\"{name}\";q={};w={}", rate.quota, rate.window.as_secs());
    let left = format!("\"{name}\";r={remaining};t={}", seconds(quota.reset));
    for (header, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        let value = HeaderValue::from_str(&value).expect("names of limits are words of ours");
        headers.insert(HeaderName::from_static(header), value);
    }
}

/// Tells somebody who has nothing left, and when to come back.
pub fn refuse(headers: &mut HeaderMap, quota: &Quota) {
    tell(headers, quota);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after(quota)));
}

/// After how many seconds there is one again, at least one.
pub fn retry_after(quota: &Quota) -> u64 {
    seconds(quota.retry_after).max(1)
}

/// Rounded up: who comes then does not come too early.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::super::rate::Rate;
    use super::*;

    #[test]
    fn the_fields_are_written_as_the_draft_wants_them() {
        let (mut headers, rate) = (HeaderMap::new(), Rate::per_minute(600));
        let (clear, _) = rate.take(0, 1_000_000);
        tell(&mut headers, &rate.quota("client", clear, 1_000_000));
        assert_eq!(headers["ratelimit-policy"], "\"client\";q=600;w=60");
        assert_eq!(headers["ratelimit"], "\"client\";r=599;t=1");
        assert!(!headers.contains_key("retry-after"));
    }

    #[test]
    fn who_has_nothing_left_is_told_when_to_come_back() {
        let (mut headers, rate) = (HeaderMap::new(), Rate::per_minute(2));
        let clear = (0..2).fold(0, |clear, _| rate.take(clear, 1_000_000).0);
        refuse(&mut headers, &rate.quota("client", clear, 1_000_001));
        assert_eq!(
            (&headers["retry-after"], &headers["ratelimit"]),
            (&HeaderValue::from(30), &HeaderValue::from_static("\"client\";r=0;t=60"))
        );
    }
}
