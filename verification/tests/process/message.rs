//! Messages that prove themselves: each has a number and a checksum over all of it.
//!
//! Contents and length follow from the number, so that whoever knows the numbers
//! knows at which position every message stands.

use super::random::mix;

/// A message in a typed slot: its number, bytes to tear, the checksum.
pub(crate) type Slot = [u64; 6];

/// Bytes of the longest message in a ring of bytes or records.
pub(crate) const LEN_MAX: usize = 200;
const CHECKSUM_LEN: usize = 4;
const LEN_MIN: usize = 8 + CHECKSUM_LEN;

pub(crate) fn slot(number: u64) -> Slot {
    let mut slot = [number, mix(number), !number, mix(!number), number << 7, 0];
    slot[5] = u64::from(checksum_of(&slot));
    slot
}

/// The number of a message, which is whole.
pub(crate) fn check_slot(slot: &Slot) -> u64 {
    let number = slot[0];
    assert_eq!(slot[5], u64::from(checksum_of(slot)), "message {number} is torn: {slot:x?}");
    assert_eq!(*slot, self::slot(number), "message {number} is another's");
    number
}

fn checksum_of(slot: &Slot) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    slot[..5].iter().for_each(|word| hasher.update(&word.to_ne_bytes()));
    hasher.finalize()
}

/// Bytes of message `number` in a ring of bytes or records.
pub(crate) fn len(number: u64) -> usize {
    LEN_MIN + usize::try_from(mix(number) % (LEN_MAX - LEN_MIN + 1) as u64).unwrap()
}

/// Writes message `number` to the start of `target`, and says how long it is.
pub(crate) fn write(number: u64, target: &mut [u8]) -> usize {
    let len = len(number);
    let (body, checksum) = target[..len].split_at_mut(len - CHECKSUM_LEN);
    for (chunk, word) in body.chunks_mut(8).zip(number..) {
        let word = if word == number { number } else { mix(word) };
        chunk.copy_from_slice(&word.to_ne_bytes()[..chunk.len()]);
    }
    checksum.copy_from_slice(&crc32fast::hash(body).to_ne_bytes());
    len
}

/// The number of a message, which is whole.
pub(crate) fn check(bytes: &[u8]) -> u64 {
    assert!(bytes.len() >= LEN_MIN, "a message of {} bytes", bytes.len());
    let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM_LEN);
    let number = u64::from_ne_bytes(body[..8].try_into().unwrap());
    assert_eq!(checksum, crc32fast::hash(body).to_ne_bytes(), "message {number} is torn");
    assert_eq!(bytes.len(), len(number), "message {number} has another's length");
    number
}
