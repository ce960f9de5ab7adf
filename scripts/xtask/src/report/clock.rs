// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Times, as people read them.

use std::time::Duration;

/// The time that a step took when it last succeeded, and what it counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Last {
    /// The time.
    pub time: Duration,
    /// The objects, tests or boots.
    pub count: Option<usize>,
}

/// Returns `1:02:03`, or `2:03` if it is less than an hour.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// Returns `2.3 s`, or `2:03` if it is more than ten seconds.
pub fn took(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f32())
    } else {
        clock(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_seconds_have_two_digits() {
        let clock = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!(clock(5), "0:05");
        assert_eq!(clock(754), "12:34");
        assert_eq!(clock(3723), "1:02:03");
        assert_eq!(took(Duration::from_millis(2340)), "2.3 s");
        assert_eq!(took(Duration::from_millis(12_340)), "0:12");
    }
}
