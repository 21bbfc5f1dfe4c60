//! The example of the README: a camera and its viewers.

use ringbuf_shm::broadcast::{Delivery, bytes};
use ringbuf_shm::{Options, Ring};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One process: a camera.
    let options = Options::new().capacity(8).slot_size(1920 * 1080 * 3 / 2);
    let mut camera = bytes::Publisher::create("camera0", &options)?; // a name, or a path
    let mut frame = camera.claim()?; // room in the ring, to be written in place
    frame.fill(128);
    frame.set_tag(1);
    let len = frame.len();
    frame.commit(len)?;

    // Other processes: a recorder that wants every frame, a screen that wants the newest.
    let mut recorder = bytes::Subscriber::open("camera0", Delivery::Lossless)?;
    let mut screen = bytes::Subscriber::open("camera0", Delivery::Latest)?;
    for viewer in [&mut recorder, &mut screen] {
        let frame = viewer.read()?; // the same bytes, in place, as they are until dropped
        assert_eq!((frame[0], frame.tag()), (128, 1));
    }
    Ring::unlink("camera0")?;
    Ok(())
}
