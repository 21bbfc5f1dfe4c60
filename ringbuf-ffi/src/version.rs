//! Which library this is.

use libc::c_char;
use std::ffi::CStr;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no zero in it"),
    };

/// The version as a number: major, minor and patch, a byte each.
pub const NUMBER: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
    | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
    | number(env!("CARGO_PKG_VERSION_PATCH"));

const fn number(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) if number < 256 => number,
        _ => panic!("a part of a version is below 256"),
    }
}

/// The version of this library as a number.
#[unsafe(no_mangle)]
pub extern "C" fn ringbuf_version() -> u32 {
    NUMBER
}

/// The version of this library as text.
#[unsafe(no_mangle)]
pub extern "C" fn ringbuf_version_string() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of the file format that this library reads and writes.
#[unsafe(no_mangle)]
pub extern "C" fn ringbuf_format_version() -> u32 {
    ringbuf_shm::FORMAT_VERSION
}
