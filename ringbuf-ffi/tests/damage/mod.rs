//! Rings with words in them that nobody can have stored.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the regions are described, as FORMAT.md has it.
const REGIONS: usize = 256;
const REGION_LEN: usize = 32;

/// Gives the first word of a region a value that it cannot have.
pub(crate) fn break_first_word(path: &Path, region: usize) {
    break_words(path, region, [0]);
}

/// As [`break_first_word`], the words that stand so far into the region.
pub(crate) fn break_words(path: &Path, region: usize, places: impl IntoIterator<Item = u64>) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut offset = [0; 8];
    let offset_field = REGIONS + region * REGION_LEN + 8;
    file.read_exact_at(&mut offset, offset_field as u64).unwrap();
    for place in places {
        file.write_all_at(&u64::MAX.to_ne_bytes(), u64::from_ne_bytes(offset) + place).unwrap();
    }
}
