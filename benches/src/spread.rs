//! What several repetitions of one measurement have in common: a median, a range, the two
//! states they were found in; and how sure a ratio of two medians is.

use std::fmt;

/// Neighbours that differ by so much, one divided by the other, are of two states.
const GAP_MIN: f64 = 1.5;
/// The part of all values that makes a state, and not a stray.
const STATE_MIN: f64 = 0.2;
/// How often the values are drawn again for an interval.
const DRAWS: usize = 2_000;
/// The same in every run, so that the same values have the same interval.
const SEED: u64 = 1;

/// Values in order; at least one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> f64 {
        median(&self.0)
    }

    pub(crate) fn min(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// All of them, in order.
    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    pub(crate) fn times(&self, factor: f64) -> Self {
        Self::of(self.0.iter().map(|value| value * factor))
    }

    /// The median and the ends.
    pub(crate) fn range(&self) -> String {
        let [median, min, max] = [self.median(), self.min(), self.max()].map(number);
        format!("{median} [{min}..{max}]")
    }

    /// The values below and above the widest gap, if it is wide and neither side is a
    /// stray: a machine, or a queue, that was in two states.
    pub(crate) fn states(&self) -> Option<[Self; 2]> {
        let gap = |at: &usize| self.0[*at] / self.0[at - 1];
        let widest = (1..self.0.len()).max_by(|one, other| gap(one).total_cmp(&gap(other)))?;
        let (low, high) = self.0.split_at(widest);
        let least = STATE_MIN * self.0.len() as f64;
        let both = low.len().min(high.len()) as f64 >= least.max(2.0);
        (both && gap(&widest) >= GAP_MIN).then(|| [low, high].map(|part| Self(part.to_vec())))
    }

    /// How many times the median of the other its own is.
    pub(crate) fn ratio(&self, other: &Self) -> Ratio {
        let [low, high] = self.ratio_interval(other);
        Ratio { found: self.median() / other.median(), low, high }
    }

    /// Between what the ratio of the medians lies, with 95 %: a bootstrap, in which both
    /// sides are drawn again and again from what was found.
    fn ratio_interval(&self, other: &Self) -> [f64; 2] {
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut again = |values: &[f64]| {
            let drawn = values.iter().map(|_| values[random.usize(..values.len())]);
            Self::of(drawn).median()
        };
        let ratios = Self::of((0..DRAWS).map(|_| again(&self.0) / again(&other.0)));
        [DRAWS / 40, DRAWS - 1 - DRAWS / 40].map(|at| ratios.0[at])
    }
}

/// The ratio of two medians, and between what it lies with 95 %.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) found: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.found, self.low, self.high)
    }
}

/// The median, the ends, and the medians of two states if there are two.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.range())?;
        if let Some([low, high]) = self.states() {
            let (at_low, at_high) = (number(low.median()), number(high.median()));
            write!(f, ", {} at {at_low} and {} at {at_high}", low.0.len(), high.0.len())?;
        }
        Ok(())
    }
}

fn median(sorted: &[f64]) -> f64 {
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

/// Three digits that matter, or all before the point.
pub(crate) fn number(value: f64) -> String {
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_and_the_ends() {
        let odd = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!((odd.median(), odd.min(), odd.max()), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(Spread::of([5.0, 250.0]).to_string(), "128 [5.00..250]");
    }

    #[test]
    fn two_states_are_told_and_a_stray_is_not() {
        let two = Spread::of([10.0, 11.0, 12.0, 50.0, 52.0, 51.0, 53.0]);
        assert_eq!(two.to_string(), "50.0 [10.0..53.0], 3 at 11.0 and 4 at 51.5");
        assert_eq!(Spread::of([10.0, 11.0, 12.0, 13.0, 14.0, 50.0]).states(), None);
        assert_eq!(Spread::of([10.0, 12.0, 14.0, 16.0]).states(), None);
        assert_eq!(Spread::of([10.0]).states(), None);
    }

    #[test]
    fn a_ratio_lies_within_its_interval() {
        let exact = Spread::of([4.0; 15]).ratio_interval(&Spread::of([2.0; 15]));
        assert_eq!(exact, [2.0, 2.0]);
        let ours = Spread::of((0..15).map(|at| 100.0 + f64::from(at)));
        let other = Spread::of((0..15).map(|at| 50.0 + f64::from(at)));
        let [low, high] = ours.ratio_interval(&other);
        let ratio = ours.median() / other.median();
        assert!(1.5 < low && low < ratio && ratio < high && high < 2.2, "{low} {ratio} {high}");
        assert_eq!(ours.ratio_interval(&other), [low, high], "the same every time");
    }
}
