//! placeholder until the door lands
/// Room.
#[derive(Debug)]
pub struct Reservation;
