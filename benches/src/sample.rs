//! What one measurement found, and the line that carries it between processes.

use std::fmt;
use std::str::FromStr;

/// What one measurement found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sample {
    /// Messages a second.
    Rate(f64),
    /// Nanoseconds of a round trip: the median, two percentiles, the longest.
    Latency { p50: u64, p99: u64, p99_9: u64, max: u64 },
}

impl Sample {
    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        if let Self::Rate(rate) = self { *rate } else { f64::NAN }
    }

    /// The median of round trips, in nanoseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.latency()[0]
    }

    /// Nanoseconds that 99 in 100 did not exceed.
    pub(crate) fn p99(&self) -> f64 {
        self.latency()[1]
    }

    /// Nanoseconds that 999 in 1,000 did not exceed.
    pub(crate) fn p99_9(&self) -> f64 {
        self.latency()[2]
    }

    /// Nanoseconds of the longest round trip.
    pub(crate) fn max(&self) -> f64 {
        self.latency()[3]
    }

    fn latency(&self) -> [f64; 4] {
        match *self {
            Self::Latency { p50, p99, p99_9, max } => [p50, p99, p99_9, max].map(|ns| ns as f64),
            Self::Rate(_) => [f64::NAN; 4],
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "rate {rate}"),
            Self::Latency { p50, p99, p99_9, max } => {
                write!(f, "latency {p50} {p99} {p99_9} {max}")
            }
        }
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = || format!("not a result: `{line}`");
        let words: Vec<&str> = line.split_whitespace().collect();
        let nanos = |word: &str| word.parse().map_err(|_| wrong());
        match words[..] {
            ["rate", rate] => rate.parse().map(Self::Rate).map_err(|_| wrong()),
            ["latency", p50, p99, p99_9, max] => Ok(Self::Latency {
                p50: nanos(p50)?,
                p99: nanos(p99)?,
                p99_9: nanos(p99_9)?,
                max: nanos(max)?,
            }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_survives_its_line() {
        let latency = Sample::Latency { p50: 1, p99: 2, p99_9: 3, max: 4 };
        for sample in [Sample::Rate(12.5e6), latency] {
            assert_eq!(sample.to_string().parse(), Ok(sample));
        }
        assert!("rate".parse::<Sample>().is_err());
        assert!("".parse::<Sample>().is_err());
    }
}
