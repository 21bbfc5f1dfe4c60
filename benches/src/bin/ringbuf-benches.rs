//! Measures ringbuf beside its rivals and the limit of the machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringbuf_benches::main()
}
