#![doc = include_str!("../COMING_FROM.md")]
