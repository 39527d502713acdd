//! Leave to keep connections waiting: shared by all clients of a server, as its connections are in a browser.

use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::calls::lock;

/// The seats of every server that a client has: few, so that a list is enough.
static SEATS: Mutex<Vec<(String, Weak<Semaphore>)>> = Mutex::new(Vec::new());

/// Leave to keep a connection waiting, for as long as it is held.
pub(crate) type Seat = OwnedSemaphorePermit;

/// Seats of those who wait on purpose.
pub(crate) struct Seats(Arc<Semaphore>);

impl Seats {
    /// Any number.
    pub(crate) fn unbounded() -> Self {
        Self(Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)))
    }

    /// Those of the server at `place`, `most` unless another client of it has said how many.
    pub(crate) fn at(place: &str, most: usize) -> Self {
        let mut all = lock(&SEATS);
        all.retain(|(_, seats)| seats.strong_count() > 0);
        let known = all.iter().find(|(at, _)| at == place).and_then(|(_, seats)| seats.upgrade());
        Self(known.unwrap_or_else(|| {
            let seats = Arc::new(Semaphore::new(most));
            all.push((place.to_owned(), Arc::downgrade(&seats)));
            seats
        }))
    }

    /// One of them, unless all are taken.
    pub(crate) fn take(&self) -> Option<Seat> {
        self.0.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_one_server_share_its_seats() {
        let (one, two) = (Seats::at("shared:1", 1), Seats::at("shared:1", 1));
        let other = Seats::at("shared:2", 1);
        let seat = one.take().unwrap();
        assert!(two.take().is_none() && other.take().is_some());
        drop((one, seat));
        let three = Seats::at("shared:1", 9);
        let _seat = three.take().unwrap();
        assert!(two.take().is_none(), "as many as the first client of it has said");
    }
}
