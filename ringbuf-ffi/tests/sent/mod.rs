//! What the test programs send to each other, as `tests/c/message.h` has it: messages of
//! changing lengths, each with its number in front, and checksums over them.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) const MESSAGE_LENGTH_MAX: u64 = 256;
/// The ring's, and that of who opens it.
pub(crate) const TYPE_NAME: &str = "test message v1";
/// Where a checksum begins.
pub(crate) const CHECKSUM_START: u64 = 0xcbf2_9ce4_8422_2325;

pub(crate) fn message(number: u64) -> Vec<u8> {
    let length = 8 + number * 37 % (MESSAGE_LENGTH_MAX - 8 + 1);
    let mut message = number.to_ne_bytes().to_vec();
    message.extend((8..length).map(|i| (number.wrapping_mul(31) + i).to_le_bytes()[0]));
    message
}

/// FNV-1a, continued.
pub(crate) fn checksum_add(checksum: u64, bytes: &[u8]) -> u64 {
    let add = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(checksum, add)
}

/// How many messages, and the sum of their checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(pub(crate) u64, pub(crate) u64);

impl Sum {
    pub(crate) fn of(numbers: impl Iterator<Item = u64>) -> Self {
        numbers.fold(Self::default(), |sum, number| sum.and_one(&message(number)))
    }

    pub(crate) fn and_one(self, message: &[u8]) -> Self {
        self.and(Self(1, checksum_add(CHECKSUM_START, message)))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1.wrapping_add(other.1))
    }

    /// What a C program printed.
    pub(crate) fn printed(text: &str) -> Self {
        let line = text.lines().next().unwrap();
        let (count, sum) = line.split_once(" messages, sum ").unwrap();
        Self(count.parse().unwrap(), u64::from_str_radix(sum, 16).unwrap())
    }
}
