//! A duration on the command line: `0.5`, `2s`, `250ms`, `5min`.

use std::time::Duration;

/// Longer units come before shorter ones that they end in.
const UNITS: [(&str, f64); 6] =
    [("min", 60.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("s", 1.0)];

/// A number of seconds, which may have a fraction, or another unit behind it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let with_unit = |&(unit, seconds): &(&str, f64)| {
        text.strip_suffix(unit).map(|number| (number.trim_end(), seconds))
    };
    let (number, seconds) = UNITS.iter().find_map(with_unit).unwrap_or((text, 1.0));
    let number =
        number.parse::<f64>().map_err(|_| "give a number of seconds, or 250ms, 2s, 5min")?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood_and_nonsense_is_not() {
        for (text, millis) in
            [("0", 0), ("0.5", 500), ("2s", 2_000), ("250ms", 250), ("1.5 min", 90_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("3us"), Ok(Duration::from_micros(3)));
        for text in ["", "s", "-1", "1 fortnight", "nan", "1e300h", "inf"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
