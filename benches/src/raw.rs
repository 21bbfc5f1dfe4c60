//! The bare results, one JSON object a line: what the page is drawn from, and what others
//! may compute with.

use crate::run::Outcome;
use crate::sample::Sample;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes what `machine` says, then a line for each repetition of each measurement.
pub(crate) fn write(path: &Path, machine: &str, outcomes: &[Outcome]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{}", json!({ "machine": machine }))?;
    for outcome in outcomes {
        for line in lines(outcome) {
            writeln!(file, "{line}")?;
        }
    }
    file.flush()
}

fn lines(outcome: &Outcome) -> Vec<Value> {
    let (workload, who) = (outcome.case.workload.to_string(), outcome.case.rival.name);
    if let Some(failure) = &outcome.failure {
        return vec![json!({ "workload": workload, "who": who, "failed": failure })];
    }
    let line = |(repetition, sample): (usize, &Sample)| {
        let mut line = json!({ "workload": workload, "who": who, "repetition": repetition });
        match sample {
            Sample::Rate(rate) => line["per_second"] = json!(rate),
            Sample::Latency { p50, p99, p99_9, max } => {
                line["ns"] = json!({ "p50": p50, "p99": p99, "p99.9": p99_9, "max": max });
            }
        }
        line
    };
    outcome.samples.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;

    #[test]
    fn every_repetition_is_a_line_and_a_failure_has_no_number() {
        let case = || run::cases().into_iter().find(|case| case.name() == "stream/8/pipe").unwrap();
        let samples = vec![Sample::Rate(1.5), Sample::Rate(2.0)];
        let found = lines(&Outcome { case: case(), samples: samples.clone(), failure: None });
        assert_eq!(found.len(), 2);
        assert_eq!((&found[1]["repetition"], &found[1]["per_second"]), (&json!(1), &json!(2.0)));
        let failed = Outcome { case: case(), samples, failure: Some("torn".to_owned()) };
        let expected = json!({ "workload": "stream/8", "who": "pipe", "failed": "torn" });
        assert_eq!(lines(&failed), [expected]);
    }
}
