//! Numbers as people read them.

use std::time::Duration;

/// `3,110,400`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `24.0 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `850 ns`, `12.5 µs`, `3.1 ms`, `12.5 s`, `5 min`, `3 h`, `2 d`.
pub(crate) fn time(duration: Duration) -> String {
    let (nanos, seconds) = (duration.as_nanos(), duration.as_secs());
    let scaled = |divisor: f64| nanos as f64 / divisor;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", scaled(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1} ms", scaled(1e6)),
        _ if seconds < 120 => format!("{:.1} s", scaled(1e9)),
        _ if seconds < 120 * 60 => format!("{} min", seconds / 60),
        _ if seconds < 48 * 3600 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        let groups = [0, 999, 1_000, 3_110_400].map(grouped);
        assert_eq!(groups, ["0", "999", "1,000", "3,110,400"]);
        let sizes = [1023, 1024, 25 << 20, u64::MAX].map(bytes);
        assert_eq!(sizes, ["1023 B", "1.0 KiB", "25.0 MiB", "16384.0 PiB"]);
        let times = [850, 12_500, 3_100_000, 12_500_000_000, 300_000_000_000, 200_000_000_000_000];
        let times = times.map(|nanos| time(Duration::from_nanos(nanos)));
        assert_eq!(times, ["850 ns", "12.5 µs", "3.1 ms", "12.5 s", "5 min", "2 d"]);
    }
}
