//! What is to be measured, and measuring it by turns, each in a process of its own.

use crate::once::Entry;
use crate::rivals::{self, Rival};
use crate::sample::Sample;
use crate::workload::Workload;
use std::io;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

/// A rival at a workload.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) workload: Workload,
    pub(crate) rival: Rc<Rival>,
}

impl Case {
    /// What the filters look at.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.workload, self.rival.name)
    }
}

/// All that can be measured, in the order of the report.
pub(crate) fn cases() -> Vec<Case> {
    let rivals: Vec<Rc<Rival>> = rivals::all().into_iter().map(Rc::new).collect();
    let at = |workload| {
        let able = rivals.iter().filter(move |rival| (rival.can)(workload));
        able.map(move |rival| Case { workload, rival: Rc::clone(rival) })
    };
    Workload::all().into_iter().flat_map(at).collect()
}

/// What is measured in one run.
pub(crate) struct Plan {
    pub(crate) cases: Vec<Case>,
    pub(crate) repetitions: usize,
    /// How long each measurement counts.
    pub(crate) time: Duration,
    /// How each is started.
    pub(crate) entry: Entry,
}

/// What was found about one case.
pub(crate) struct Outcome {
    pub(crate) case: Case,
    /// One of every repetition, unless one of them failed.
    pub(crate) samples: Vec<Sample>,
    /// Why there is no number.
    pub(crate) failure: Option<String>,
}

/// Measures everything by turns, so that what changes on the machine in the course
/// of the run is spread over all.
/// Tells `progress` of how many measurements so many are done.
pub(crate) fn measure(
    plan: &Plan,
    mut progress: impl FnMut(usize, usize),
) -> io::Result<Vec<Outcome>> {
    let begin = |case: &Case| Outcome { case: case.clone(), samples: vec![], failure: None };
    let mut outcomes: Vec<Outcome> = plan.cases.iter().map(begin).collect();
    let all = plan.repetitions * plan.cases.len();
    let mut done = 0;
    for repetition in 0..plan.repetitions {
        let order: &mut dyn Iterator<Item = &mut Outcome> = match repetition % 2 {
            0 => &mut outcomes.iter_mut(),
            _ => &mut outcomes.iter_mut().rev(),
        };
        for outcome in order {
            match once(&outcome.case, plan)? {
                Ok(sample) => outcome.samples.push(sample),
                Err(failure) => {
                    eprintln!("{} failed: {failure}", outcome.case.name());
                    outcome.failure = Some(failure);
                }
            }
            done += 1;
            progress(done, all);
        }
    }
    Ok(outcomes)
}

fn once(case: &Case, plan: &Plan) -> io::Result<Result<Sample, String>> {
    let output = plan.entry.command(&case.name(), plan.time)?.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().lines().collect::<Vec<_>>().join("; ");
        return Ok(Err(if said.is_empty() { output.status.to_string() } else { said }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse())
}
