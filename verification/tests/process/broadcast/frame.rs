//! Frames that prove themselves: each carries its position, and a checksum over all its
//! bytes.
//!
//! Contents and length follow from the position, so that a part can be checked too.

use crate::process::random::mix;

/// Bytes of the longest frame.
pub(crate) const LEN_MAX: usize = 64 << 10;
/// Bytes of the shortest.
pub(crate) const LEN_MIN: usize = 64;
const WORD: usize = 8;

/// Bytes of the frame at this position: a few are long, most are short.
pub(crate) fn len(position: u64) -> usize {
    let choice = mix(position);
    let most = match choice % 64 {
        0 => return LEN_MAX,
        1 => LEN_MAX,
        2..10 => 4096,
        _ => 256,
    };
    let choices = (most - LEN_MIN) / WORD + 1;
    LEN_MIN + WORD * (usize::try_from(choice >> 8).unwrap() % choices)
}

/// Word number `index` of the frame, but for the last.
fn word(position: u64, index: usize) -> u64 {
    match index {
        0 => position,
        _ => mix(position).wrapping_add((index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
    }
}

/// Writes the frame of this position to the start of `target`, and says how long it is.
pub(crate) fn write(position: u64, target: &mut [u8]) -> usize {
    let len = len(position);
    let (body, last) = target[..len].split_at_mut(len - WORD);
    for (index, bytes) in body.chunks_exact_mut(WORD).enumerate() {
        bytes.copy_from_slice(&word(position, index).to_ne_bytes());
    }
    last.copy_from_slice(&checksum(body).to_ne_bytes());
    len
}

fn checksum(body: &[u8]) -> u64 {
    let checksum = u64::from(crc32fast::hash(body));
    !checksum << 32 | checksum
}

/// The frame of this position, which is whole.
pub(crate) fn check(position: u64, bytes: &[u8]) {
    assert_eq!(bytes.len(), len(position), "frame {position} has another's length");
    let (body, last) = bytes.split_at(bytes.len() - WORD);
    assert_eq!(last, checksum(body).to_ne_bytes(), "frame {position} is torn");
    assert_eq!(body[..WORD], position.to_ne_bytes(), "frame {position} is another's");
}

/// The first bytes of the frame of this position.
pub(crate) fn check_part(position: u64, bytes: &[u8]) {
    let len = len(position);
    assert!(bytes.len() <= len, "frame {position} is too long");
    let body = &bytes[..bytes.len().min(len - WORD)];
    for (index, bytes) in body.chunks(WORD).enumerate() {
        let expected = word(position, index).to_ne_bytes();
        assert_eq!(bytes, &expected[..bytes.len()], "frame {position} is torn at word {index}");
    }
}
