//! What the numbers were measured on.

use crate::pin::Cores;
use crate::run::Plan;
use std::fs;
use std::thread;

/// On what, and how, the numbers are measured, in lines.
pub(crate) fn describe(plan: &Plan, cores: Cores) -> String {
    let mut said = vec![system()];
    said.push(format!(
        "Median [min..max] of {} repetitions of {:.2} s, every one a process of its own, \
         by turns, the order reversed every second time.",
        plan.repetitions,
        plan.time.as_secs_f64()
    ));
    if cores.shared() {
        said.push(format!(
            "**Both sides share processor {}: these numbers say nothing about two.**",
            cores.watch
        ));
    } else {
        said.push(format!(
            "Receiver on processor {}, sender on {}; many by turns on both.",
            cores.watch, cores.peer
        ));
    }
    if !cfg!(boost) {
        said.push("Boost is not measured: it was not found when this was built.".to_owned());
    }
    if !cfg!(feature = "iceoryx2") {
        said.push(
            "iceoryx2 is not measured: it was not asked for (`--features iceoryx2`).".to_owned(),
        );
    }
    said.push(format!("Load average at the start: {}.", load()));
    said.join("\n")
}

/// The processor, and the system that runs on it.
pub(crate) fn system() -> String {
    let count = thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{}, {count} usable processors, Linux {kernel}.", processor())
}

/// Processes that ran or wanted to, on average over 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn processor() -> String {
    let info = read("/proc/cpuinfo");
    let name = info.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or("an unnamed processor", |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}
