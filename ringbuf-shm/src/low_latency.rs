#![doc = include_str!("../LOW_LATENCY.md")]
