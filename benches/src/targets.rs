//! What we aim at, and whether this run got there.
//!
//! Every target is a ratio of medians within one run: how fast ours is with another as 1. Ours
//! runs across processes, and its consumer may sleep unless both sides spin.

use crate::report::{fastest, speeds};
use crate::rivals::Kind;
use crate::run::Outcome;
use crate::spread::Ratio;

/// Whom a target is measured against: the fastest of them.
#[derive(Clone, Copy, Debug)]
enum Against {
    /// All rivals, not the limits.
    Rivals,
    /// Those of these names.
    Named(&'static [&'static str]),
}

/// `(workload, ours, against, at least)`.
type Target = (&'static str, &'static str, Against, f64);

use Against::{Named, Rivals};

/// The slowest that a round trip may be against the limit, as a speed.
const WITHIN_8_PERCENT: f64 = 1.0 / 1.08;
const WITHIN_10_PERCENT: f64 = 1.0 / 1.1;

const TARGETS: [Target; 29] = [
    ("trip/8/spin", "ringbuf-line", Named(&["limit-two-lines"]), WITHIN_8_PERCENT),
    ("trip/8/spin", "ringbuf-line", Rivals, 1.0),
    ("trip/64/spin", "ringbuf-spin", Rivals, 0.9),
    ("stream/8", "ringbuf-futex", Rivals, 1.5),
    ("stream/8", "ringbuf-line", Rivals, 1.2),
    ("stream/64", "ringbuf-futex", Rivals, 4.0),
    ("stream/1024", "ringbuf-futex", Rivals, 1.1),
    ("stream/8x64", "ringbuf-futex", Named(&["rtrb", "disruptor"]), 1.4),
    ("stream/64x64", "ringbuf-futex", Named(&["rtrb", "disruptor"]), 0.95),
    ("stream/1024x64", "ringbuf-futex", Named(&["rtrb", "disruptor"]), 0.95),
    ("stream/8", "ringbuf-futex", Named(&["shmem-ipc"]), 10.0),
    ("stream/8", "ringbuf-futex", Named(&["iceoryx2"]), 80.0),
    ("trip/8/sleep", "ringbuf-futex", Named(&["limit-futex"]), WITHIN_10_PERCENT),
    ("trip/64/sleep", "ringbuf-futex", Named(&["limit-futex"]), WITHIN_10_PERCENT),
    ("trip/8/sleep", "ringbuf-futex", Named(&["iceoryx2-event"]), 2.0),
    ("trip/8/wait", "ringbuf-futex", Named(&["crossbeam-channel", "kanal"]), 2.0),
    ("trip/64/wait", "ringbuf-futex", Named(&["crossbeam-channel", "kanal"]), 2.0),
    ("broadcast/1080p", "ringbuf-futex", Named(&["iceoryx2"]), 1.0),
    ("broadcast/4k", "ringbuf-futex", Named(&["iceoryx2"]), 1.0),
    ("frames/touched", "ringbuf-futex", Named(&["rtrb"]), 1.0),
    ("broadcast/4k/untouched", "ringbuf-futex", Named(&["iceoryx2"]), 2.5),
    ("mpmc/1p1c", "ringbuf-fast-futex", Named(&["array-queue", "kanal"]), 1.0),
    ("mpmc/2p2c", "ringbuf-fast-futex", Named(&["array-queue", "kanal"]), 0.8),
    ("mpmc/4p4c", "ringbuf-fast-futex", Named(&["array-queue", "kanal"]), 1.5),
    ("broadcast/8", "ringbuf-futex", Named(&["iceoryx2"]), 20.0),
    ("broadcast/64", "ringbuf-futex", Named(&["iceoryx2"]), 20.0),
    ("broadcast/round-trip-8", "ringbuf-spin", Named(&["iceoryx2"]), 4.0),
    ("broadcast/round-trip", "ringbuf-spin", Named(&["iceoryx2"]), 4.0),
    ("broadcast/1080p/untouched", "ringbuf-futex", Named(&["iceoryx2"]), 2.5),
];

/// A table of all targets that this run can tell of, or nothing.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let rows: Vec<String> = TARGETS.iter().filter_map(|target| row(target, outcomes)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = "| workload | ours | against | at least | found, with 95 % | |\n\
                |---|---|---|--:|--:|---|\n";
    format!("{head}{}\n", rows.join("\n"))
}

fn row(&(workload, ours, against, least): &Target, outcomes: &[Outcome]) -> Option<String> {
    let of_it = || outcomes.iter().filter(|it| it.case.workload.to_string() == workload);
    let our = fastest(of_it().filter(|outcome| outcome.case.rival.name == ours))?;
    let others = of_it().filter(|outcome| match against {
        Rivals => outcome.case.rival.kind == Kind::Rival,
        Named(names) => names.contains(&outcome.case.rival.name),
    });
    let other = fastest(others)?;
    let ratio = speeds(our).ratio(&speeds(other));
    let verdict = match ratio {
        Ratio { low, .. } if low >= least => "yes",
        Ratio { found, .. } if found >= least => "yes, but not surely",
        Ratio { high, .. } if high >= least => "no, but not surely",
        _ => "**no**",
    };
    let name = other.case.rival.name;
    Some(format!("| {workload} | {ours} | {name} | {least:.2} | {ratio} | {verdict} |"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;
    use crate::sample::Sample;

    /// Outcomes of stream/64 with these rates.
    fn outcomes(rates: &[(&str, f64)]) -> Vec<Outcome> {
        let cases = run::cases();
        let outcome = |&(name, rate): &(&str, f64)| {
            let name = format!("stream/64/{name}");
            let case = cases.iter().find(|case| case.name() == name).unwrap().clone();
            Outcome { case, samples: vec![Sample::Rate(rate); 3], failure: None }
        };
        rates.iter().map(outcome).collect()
    }

    #[test]
    fn a_target_is_met_against_the_fastest_rival_and_no_limit() {
        let rates = [("ringbuf-futex", 40.0), ("rtrb", 10.0), ("pipe", 1.0), ("limit-parts", 90.0)];
        let met = table(&outcomes(&rates));
        assert!(met.contains("| rtrb | 4.00 | 4.00 (4.00 to 4.00) | yes |"), "{met}");
        let missed = table(&outcomes(&[("ringbuf-futex", 39.0), ("rtrb", 10.0)]));
        assert!(missed.contains("| 3.90 (3.90 to 3.90) | **no** |"), "{missed}");
    }

    #[test]
    fn what_was_not_measured_is_not_told_of() {
        assert_eq!(table(&outcomes(&[("ringbuf-futex", 1.0)])), "");
        assert_eq!(table(&outcomes(&[("rtrb", 1.0)])), "");
    }

    #[test]
    fn every_target_names_a_workload() {
        let known = |workload| {
            let is = |case: &run::Case| case.workload.to_string() == workload;
            run::cases().iter().any(is)
        };
        let unknown: Vec<_> =
            TARGETS.iter().map(|target| target.0).filter(|&it| !known(it)).collect();
        assert_eq!(unknown, [""; 0]);
    }
}
