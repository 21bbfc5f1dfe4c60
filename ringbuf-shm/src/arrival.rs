//! Waiting until somebody sits on the other side, whatever the kind of ring.
//!
//! Who takes a seat notifies the other side, so a wait that sleeps is woken; one that is
//! killed before it does is found when the slice ends.

use crate::error::OpenError;
use crate::native::{Native, count};
use crate::patience::TimePatience;
use ringbuf_core::event::Event;
use ringbuf_core::machine::Machine;
use ringbuf_core::wait::{Patience, Step};

/// The other side, for one who waits until somebody is there.
pub(crate) trait Arrivals {
    /// Another value whenever somebody came: by a look at words alone.
    type Came: PartialEq;

    fn came(&self) -> Self::Came;

    /// Whether somebody living is there; asks the kernel.
    fn somebody_lives(&self) -> Result<bool, OpenError>;

    /// Waits until somebody living is there; false if nobody came.
    fn wait_for_arrival(
        &self,
        native: &'static Native,
        event: Event<'_, Native>,
        mut patience: TimePatience<'_>,
    ) -> Result<bool, OpenError> {
        let look = || {
            count(&native.probes, 1);
            // `None`: nobody.
            self.somebody_lives().map(|lives| lives.then_some(())).transpose()
        };
        let mut asked = self.came();
        let mut found = look();
        // Bounded by patience, which gives up when time is up.
        loop {
            if let Some(found) = found {
                return found.map(|()| true);
            }
            found = match patience.next() {
                Step::Spin => {
                    native.spin();
                    // Nobody has come while the rows name the same ones as before.
                    let before = std::mem::replace(&mut asked, self.came());
                    if before == asked { None } else { look() }
                }
                Step::Sleep(nanos) => event.sleep(nanos, look),
                Step::Probe => look(),
                Step::GiveUp => return look().transpose().map(|found| found.is_some()),
            };
        }
    }
}
