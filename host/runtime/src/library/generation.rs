//! TEMP
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing { Live, Draining, Ending }
