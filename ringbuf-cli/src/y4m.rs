//! YUV4MPEG2: the stream of raw video that ffmpeg, mpv and mjpegtools speak.
//!
//! ```text
//! YUV4MPEG2 W1280 H720 F25:1 Ip A1:1 C420jpeg\n     once
//! FRAME\n  or  FRAME Ixyz\n                           before each frame
//! ... planes, one behind the other ...
//! ```
//!
//! In the ring, the first line is the metadata, and a message is a frame with its
//! `FRAME` line *behind* it: the picture then begins where the slot begins, aligned
//! to 64 bytes, whatever the line says; and nothing of it is lost.

use std::io::{self, BufRead, Read};
use thiserror::Error;

/// What the messages are called in the ring.
pub(crate) const TYPE_NAME: &str = "YUV4MPEG2 frame, then its FRAME line";
/// The longest `FRAME` line, its end included.
pub(crate) const FRAME_LINE_MAX: usize = 256;
/// The longest first line, its end included: what fits into a ring's metadata.
const HEADER_LEN_MAX: usize = ringbuf_shm::METADATA_LEN_MAX;
const MAGIC: &[u8] = b"YUV4MPEG2 ";

/// What is wrong with a stream.
#[derive(Debug, Error)]
pub(crate) enum Y4mError {
    /// It does not begin like one.
    #[error("it does not begin with `YUV4MPEG2 `")]
    NotY4m,
    /// The first line does not end in time.
    #[error("its first line is longer than {HEADER_LEN_MAX} bytes")]
    LongHeader,
    /// The first line has no usable width or height.
    #[error("its first line gives no width and height that can be")]
    Size,
    /// The colourspace has no known frame size.
    #[error(
        "its colourspace `{0}` is not known; convert it, for example with `ffmpeg -pix_fmt yuv420p`"
    )]
    Colourspace(String),
    /// Something else stands where a `FRAME` line must be.
    #[error("frame {0} does not begin with a `FRAME` line of at most {FRAME_LINE_MAX} bytes")]
    FrameLine(u64),
    /// The stream ends within a frame.
    #[error("it ends in the middle of frame {0}")]
    Cut(u64),
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The first line, and what it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The line as it stands in the stream, its end included.
    pub(crate) line: Vec<u8>,
    /// Bytes of the picture of each frame.
    pub(crate) frame_bytes: usize,
}

impl Header {
    /// Reads the first line.
    pub(crate) fn read(input: &mut impl BufRead) -> Result<Self, Y4mError> {
        let mut line = Vec::new();
        input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut line)?;
        if line != MAGIC {
            return Err(Y4mError::NotY4m);
        }
        let rest = (HEADER_LEN_MAX - MAGIC.len()) as u64;
        input.by_ref().take(rest).read_until(b'\n', &mut line)?;
        Self::parse(line)
    }

    /// Understands the first line, its end included.
    pub(crate) fn parse(line: Vec<u8>) -> Result<Self, Y4mError> {
        let parameters = line.strip_prefix(MAGIC).ok_or(Y4mError::NotY4m)?;
        let parameters = parameters.strip_suffix(b"\n").ok_or(Y4mError::LongHeader)?;
        let (mut width, mut height) = (None, None);
        let mut colourspace = String::from("420jpeg");
        for parameter in String::from_utf8_lossy(parameters).split(' ') {
            match parameter.split_at_checked(1) {
                Some(("W", value)) => width = value.parse::<u64>().ok(),
                Some(("H", value)) => height = value.parse::<u64>().ok(),
                Some(("C", value)) => value.clone_into(&mut colourspace),
                _ => {}
            }
        }
        let (Some(width), Some(height)) = (width, height) else { return Err(Y4mError::Size) };
        let Some((planes, sample_bytes)) = planes(&colourspace) else {
            return Err(Y4mError::Colourspace(colourspace.escape_debug().to_string()));
        };
        let frame_bytes = frame_bytes(width, height, planes, sample_bytes).ok_or(Y4mError::Size)?;
        Ok(Self { line, frame_bytes })
    }
}

/// The planes of a picture.
#[derive(Clone, Copy)]
struct Planes {
    /// Of full size: brightness, perhaps transparency.
    full: u64,
    /// Of reduced size: colour.
    reduced: u64,
    /// How many columns, and how many rows, share one sample of a reduced plane.
    shared: (u64, u64),
}

/// The planes, and the bytes of a sample.
fn planes(colourspace: &str) -> Option<(Planes, u64)> {
    let (layout, sample_bytes) = match colourspace {
        "420jpeg" | "420mpeg2" | "420paldv" => ("420", 1),
        "420" | "411" | "422" | "444" | "444alpha" | "mono" => (colourspace, 1),
        deep => {
            let at = deep.find(['p', 'o']).filter(|_| !deep.ends_with("alpha"))?;
            let (layout, depth) = match deep.strip_prefix("mono") {
                Some(depth) => ("mono", depth),
                None => (&deep[..at], &deep[at + 1..]),
            };
            matches!(depth, "9" | "10" | "12" | "14" | "16").then_some((layout, 2))?
        }
    };
    let colour = |columns, rows| Planes { full: 1, reduced: 2, shared: (columns, rows) };
    let full = |count| Planes { full: count, reduced: 0, shared: (1, 1) };
    let planes = match layout {
        "420" => colour(2, 2),
        "411" => colour(4, 1),
        "422" => colour(2, 1),
        "444" => full(3),
        "444alpha" => full(4),
        "mono" => full(1),
        _ => return None,
    };
    Some((planes, sample_bytes))
}

/// `None`: nothing to see, or more than can be counted.
fn frame_bytes(width: u64, height: u64, planes: Planes, sample_bytes: u64) -> Option<usize> {
    let full = width.checked_mul(height)?.checked_mul(planes.full)?;
    let (columns, rows) = planes.shared;
    let reduced = width.div_ceil(columns).checked_mul(height.div_ceil(rows))?;
    let samples = full.checked_add(reduced.checked_mul(planes.reduced)?)?;
    let bytes = samples.checked_mul(sample_bytes).filter(|&bytes| bytes != 0)?;
    usize::try_from(bytes).ok().filter(|&bytes| bytes < usize::MAX / 2)
}

/// Reads the line before frame number `frame` into `line`; false at the end of the
/// stream.
pub(crate) fn read_frame_line(
    input: &mut impl BufRead,
    frame: u64,
    line: &mut Vec<u8>,
) -> Result<bool, Y4mError> {
    line.clear();
    input.by_ref().take(FRAME_LINE_MAX as u64).read_until(b'\n', line)?;
    let good = |line: &[u8]| line == b"FRAME\n" || line.starts_with(b"FRAME ");
    match line.as_slice() {
        [] => Ok(false),
        [.., b'\n'] if good(line) => Ok(true),
        start
            if start.len() < FRAME_LINE_MAX
                && b"FRAME ".starts_with(&start[..start.len().min(6)]) =>
        {
            Err(Y4mError::Cut(frame))
        }
        _ => Err(Y4mError::FrameLine(frame)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(parameters: &str) -> Result<usize, Y4mError> {
        let line = format!("YUV4MPEG2 {parameters}\n").into_bytes();
        Header::parse(line).map(|header| header.frame_bytes)
    }

    #[test]
    fn every_colourspace_has_the_frame_size_that_ffmpeg_writes() {
        for (colourspace, expected) in [
            ("", 35 + 2 * 12),
            (" C420jpeg", 35 + 2 * 12),
            (" C420mpeg2", 35 + 2 * 12),
            (" C420paldv", 35 + 2 * 12),
            (" C420", 35 + 2 * 12),
            (" C411", 35 + 2 * 10),
            (" C422", 35 + 2 * 20),
            (" C444", 3 * 35),
            (" C444alpha", 4 * 35),
            (" Cmono", 35),
            (" C420p10", 2 * (35 + 2 * 12)),
            (" C422p12 XYSCSS=422P12", 2 * (35 + 2 * 20)),
            (" C444p14", 6 * 35),
            (" C420p16", 2 * (35 + 2 * 12)),
            (" Cmono16", 2 * 35),
        ] {
            let found = bytes(&format!("W7 H5 F25:1{colourspace}")).unwrap();
            assert_eq!(found, expected, "{colourspace}");
        }
    }

    #[test]
    fn what_has_no_frame_size_is_refused() {
        for colourspace in
            ["rgb", "420p11", "420p", "monop", "mono1", "p10", "444alphap10", "", "é"]
        {
            let refused = bytes(&format!("W7 H5 C{colourspace}"));
            assert!(matches!(refused, Err(Y4mError::Colourspace(_))), "{colourspace}: {refused:?}");
        }
        for size in ["W7", "H5", "W0 H5", "W7 H0", "W-7 H5", "W4294967296 H4294967296", "Wx H5"] {
            assert!(matches!(bytes(size), Err(Y4mError::Size)), "{size}");
        }
    }

    #[test]
    fn a_frame_line_is_whole_or_an_error() {
        let read = |text: &[u8]| {
            let mut line = Vec::new();
            read_frame_line(&mut &*text, 3, &mut line).map(|more| more.then_some(line))
        };
        assert!(matches!(read(b""), Ok(None)));
        assert_eq!(read(b"FRAME\nxy").unwrap().unwrap(), b"FRAME\n");
        assert_eq!(read(b"FRAME Ipp\nxy").unwrap().unwrap(), b"FRAME Ipp\n");
        for cut in [&b"F"[..], b"FRAME", b"FRAME Ip"] {
            assert!(matches!(read(cut), Err(Y4mError::Cut(3))), "{cut:?}");
        }
        let long = [b"FRAME ".as_slice(), &[b'x'; FRAME_LINE_MAX]].concat();
        for bad in [&b"FRAMES\n"[..], b"\n", b"frame\n", &long] {
            assert!(matches!(read(bad), Err(Y4mError::FrameLine(3))), "{bad:?}");
        }
    }
}
