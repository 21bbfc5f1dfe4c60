//! The limit: what the machine allows when nothing is checked, counted or kept
//! for anybody who might come later. Not usable as a queue.

mod bounce;
mod counter;
mod cursors;
mod one_process;
mod parts;

use super::{Kind, Rival, Sides};
use crate::sides::{broadcast, processes};
use crate::workload::{Waiting, Workload};
use bounce::Bounce;
use cursors::Cursors;
use parts::Parts;

pub(super) fn rivals() -> Vec<Rival> {
    vec![
        Rival {
            name: "limit-parts",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "a bare mapping in parts of 64 messages or one frame, each with a word \
                  that says whose it is",
            can: |workload| workload.one_to_one() && !workload.returns() && !workload.varied(),
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
            can: |workload| workload.frames() && workload.touched(),
            run: one_process::run,
        },
        Rival {
            name: "limit-counter",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "one number that every peer adds one to for every message, and nothing else",
            can: |workload| workload.mpmc().is_some() && !workload.varied(),
            run: counter::run,
        },
        Rival {
            name: "limit-cursors",
            kind: Kind::Limit,
            sides: Sides::Processes,
            how: "a bare array of messages, a position of the publisher and a cursor of each \
                  subscriber; nobody may die, join or be left behind",
            // Whole frames are bound by memory, and go round all of it here.
            can: |workload| match workload {
                Workload::Broadcast(_) => !(workload.frames() && workload.touched()),
                _ => false,
            },
            run: broadcast::run::<Cursors>,
        },
    ]
}
