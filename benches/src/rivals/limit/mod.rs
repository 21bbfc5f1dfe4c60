//! The limit: what the machine allows when nothing is checked, counted or kept
//! for anybody who might come later. Not usable as a queue.

mod bounce;
mod counter;
mod one_process;
mod parts;

use super::{Kind, Rival, Sides};
use crate::sides::processes;
use crate::workload::{Waiting, Workload};
use bounce::Bounce;
use parts::Parts;

pub(super) fn rivals() -> Vec<Rival> {
    vec![
        Rival {
            name: "limit-parts",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "a bare mapping in parts of 64 messages or one frame, each with a word \
                  that says whose it is",
            can: |workload| !workload.returns() && workload.crowd().is_none(),
            run: |job| match job.workload {
                Workload::Frames { .. } => processes::frames::<Parts>(job),
                _ => processes::messages::<Parts>(job),
            },
        },
        Rival {
            name: "limit-one-line",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "one bare cache line each way, with the message and its number",
            can: |workload| workload.bytes() == 8 && workload.waiting() == Some(Waiting::Spin),
            run: processes::messages::<Bounce<1>>,
        },
        Rival {
            name: "limit-two-lines",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "two bare cache lines each way, the message and its number",
            can: |workload| workload.waiting() == Some(Waiting::Spin),
            run: processes::messages::<Bounce<2>>,
        },
        Rival {
            name: "limit-futex",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "two bare cache lines each way, a futex call to wait and one to wake",
            can: |workload| workload.waiting() == Some(Waiting::Sleep),
            run: processes::messages::<Bounce<2>>,
        },
        Rival {
            name: "limit-one-process",
            kind: Kind::Limit,
            sides: Sides::OneThread,
            how: "one frame, filled and summed by turns; nothing crosses",
            can: |workload| workload == Workload::Frames { touched: true },
            run: one_process::run,
        },
        Rival {
            name: "limit-counter",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "one number that every peer adds one to for every message, and nothing else",
            can: |workload| workload.crowd().is_some_and(|crowd| !crowd.varied()),
            run: counter::run,
        },
    ]
}
