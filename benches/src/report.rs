//! The tables, and how ours compares with the limit and with the best rival.

use crate::broadcast::Broadcast;
use crate::rivals::Kind;
use crate::run::Outcome;
use crate::sample::Sample;
use crate::spread::{Spread, number};
use crate::targets;
use crate::workload::{BATCH, Crowd, FRAMES, Waiting, Workload};

/// Prints everything that was measured, workload by workload.
pub(crate) fn print(outcomes: &[Outcome]) {
    for workload in Workload::all() {
        let of_it: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| outcome.case.workload == workload).collect();
        if !of_it.is_empty() {
            println!("\n### {workload}: {}\n", title(workload));
            println!("{}", head(workload));
            of_it.iter().for_each(|outcome| println!("{}", row(outcome)));
            println!();
            let lines = comparisons(&of_it);
            if !lines.is_empty() {
                println!("How fast, with the other one as 1:\n");
            }
            lines.iter().for_each(|line| println!("{line}"));
        }
    }
    let targets = targets::table(outcomes);
    if !targets.is_empty() {
        println!("\n### What we aim at: how fast ours is, with another as 1\n\n{targets}");
    }
    println!("\n### What the names mean\n");
    let mut named = Vec::new();
    for outcome in outcomes {
        let rival = &outcome.case.rival;
        if !named.contains(&rival.name) {
            named.push(rival.name);
            println!("- `{}`: {}", rival.name, rival.how);
        }
    }
    println!();
}

pub(crate) fn title(workload: Workload) -> String {
    match workload {
        Workload::Stream { bytes, batch, capacity } => {
            let at_once = if batch == BATCH { "64 at a time" } else { "one at a time" };
            format!("messages of {bytes} bytes, {at_once}, room for {capacity}")
        }
        Workload::RoundTrip { bytes, waiting: Waiting::Spin } => {
            format!("{bytes} bytes there and back, both sides spin")
        }
        Workload::RoundTrip { bytes, waiting: Waiting::SpinThenSleep } => {
            format!("{bytes} bytes there and back, calls that wait, as by default")
        }
        Workload::RoundTrip { bytes, waiting: Waiting::Sleep } => {
            format!("{bytes} bytes there and back, both sides sleep")
        }
        Workload::Frames { touched } => {
            let what = if touched { "written and summed whole" } else { "handed over untouched" };
            format!("frames of 3,110,400 bytes, {what}, room for {FRAMES}")
        }
        Workload::Mpmc(Crowd { producers, consumers, capacity, idle }) => {
            let idle = if idle == 0 { String::new() } else { format!(", beside {idle} idle") };
            format!(
                "8 bytes, each to one, from {producers} to {consumers}{idle}, room for {capacity}"
            )
        }
        Workload::Broadcast(broadcast) => broadcast_title(broadcast),
    }
}

fn broadcast_title(broadcast: Broadcast) -> String {
    let (bytes, room) = (broadcast.bytes(), broadcast.capacity());
    let to = match broadcast.subscribers() {
        1 => "to 1 subscriber".to_owned(),
        several => format!("each to {several} subscribers"),
    };
    match broadcast {
        Broadcast::Messages { .. } => format!("messages of {bytes} bytes, {to}, room for {room}"),
        Broadcast::RoundTrip { .. } => {
            format!("{bytes} bytes published there and published back, both sides spin")
        }
        Broadcast::Frames { touched, .. } => {
            let what = if touched { "written and summed whole" } else { "handed over untouched" };
            format!("frames of {bytes} bytes, {what}, {to}, room for {room}")
        }
    }
}

fn head(workload: Workload) -> &'static str {
    match workload {
        Workload::Mpmc(_) => "| who | where | M msg/s | ns/msg |\n|---|---|--:|--:|",
        _ if workload.returns() => {
            "| who | where | p50 ns | p99 ns | p99.9 ns | max ns |\n|---|---|--:|--:|--:|--:|"
        }
        _ if workload.frames() => "| who | where | frames/s | GB/s |\n|---|---|--:|--:|",
        _ => "| who | where | M msg/s | GB/s |\n|---|---|--:|--:|",
    }
}

fn row(outcome: &Outcome) -> String {
    let Outcome { case, samples, failure } = outcome;
    let sides = case.rival.sides.shown(case.workload.peers());
    let who = format!("| {} | {sides} |", case.rival.name);
    if let Some(failure) = failure {
        return format!("{who} failed: {failure} |");
    }
    let spread = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of));
    if case.workload.returns() {
        let columns = [Sample::p99, Sample::p99_9, Sample::max].map(|of| spread(of).range());
        return format!("{who} {} | {} |", spread(Sample::p50), columns.join(" | "));
    }
    let rate = spread(Sample::rate);
    let gigabytes = number(rate.median() * case.workload.bytes() as f64 / 1e9);
    let (unit, besides) = match case.workload {
        Workload::Mpmc(_) => (1e-6, number(1e9 / rate.median())),
        // What is handed over untouched crosses nothing.
        workload if !workload.touched() => (1.0, "-".to_owned()),
        workload if workload.frames() => (1.0, gigabytes),
        _ => (1e-6, gigabytes),
    };
    format!("{who} {} | {besides} |", rate.times(unit))
}

/// The numbers by which rivals are compared, the more the better: the rates, or the
/// inverse of the median round trips.
pub(crate) fn speeds(outcome: &Outcome) -> Spread {
    Spread::of(outcome.samples.iter().map(|sample| match sample {
        Sample::Rate(rate) => *rate,
        Sample::Latency { .. } => 1.0 / sample.p50(),
    }))
}

fn speed(outcome: &Outcome) -> f64 {
    speeds(outcome).median()
}

/// The fastest of those that did not fail.
pub(crate) fn fastest<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Option<&'a Outcome> {
    let able = outcomes.filter(|outcome| outcome.failure.is_none());
    able.max_by(|one, other| speed(one).total_cmp(&speed(other)))
}

/// One line for each of ours: how fast it is, with each limit and the best rival as 1, and
/// between what that lies with 95 %.
pub(crate) fn comparisons(outcomes: &[&Outcome]) -> Vec<String> {
    let able = |kind| {
        let of_kind = move |outcome: &&&Outcome| outcome.case.rival.kind == kind;
        outcomes.iter().filter(of_kind).filter(|outcome| outcome.failure.is_none())
    };
    let mut others: Vec<&&Outcome> = able(Kind::Limit).collect();
    let best = fastest(able(Kind::Rival).copied());
    others.extend(best.as_ref());
    let line = |our: &&Outcome| {
        let against = |other: &&&Outcome| {
            let ratio = speeds(our).ratio(&speeds(other));
            let best = if other.case.rival.kind == Kind::Rival { "the best rival, " } else { "" };
            format!("{ratio} of {best}{}", other.case.rival.name)
        };
        let said: Vec<String> = others.iter().map(against).collect();
        (!said.is_empty()).then(|| format!("- `{}`: {}", our.case.rival.name, said.join("; ")))
    };
    able(Kind::Ours).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;

    fn outcome(name: &str, samples: &[Sample], failure: Option<&str>) -> Outcome {
        let case = run::cases().into_iter().find(|case| case.name() == name).unwrap();
        Outcome { case, samples: samples.to_vec(), failure: failure.map(str::to_owned) }
    }

    #[test]
    fn a_failed_measurement_has_no_number_and_is_not_the_best() {
        let failed = outcome("stream/8/rtrb", &[Sample::Rate(9e9)], Some("torn"));
        assert_eq!(row(&failed), "| rtrb | 2 threads | failed: torn |");
        let ours = outcome("stream/8/ringbuf-spin", &[Sample::Rate(2e6)], None);
        let pipe = outcome("stream/8/pipe", &[Sample::Rate(1e6)], None);
        assert_eq!(
            comparisons(&[&ours, &failed, &pipe]),
            ["- `ringbuf-spin`: 2.00 (2.00 to 2.00) of the best rival, pipe"]
        );
    }

    #[test]
    fn many_are_counted_and_their_message_takes_a_time() {
        let ours = outcome("mpmc/2p2c/ringbuf-spin", &[Sample::Rate(20e6)], None);
        assert_eq!(row(&ours), "| ringbuf-spin | 4 processes | 20.0 [20.0..20.0] | 50.0 |");
    }

    #[test]
    fn a_shorter_round_trip_is_faster() {
        let trip = |p50| Sample::Latency { p50, p99: p50, p99_9: p50, max: p50 };
        let ours = outcome("trip/8/spin/ringbuf-spin", &[trip(600)], None);
        let limit = outcome("trip/8/spin/limit-one-line", &[trip(300)], None);
        assert_eq!(
            comparisons(&[&ours, &limit]),
            ["- `ringbuf-spin`: 0.50 (0.50 to 0.50) of limit-one-line"]
        );
        assert!(row(&ours).contains("600 [600..600]"));
    }
}
