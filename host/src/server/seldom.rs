//! What happens often is said seldom: a flood must not become a flood of log lines.

use std::time::Duration;

use tokio::time::Instant;

/// So often at most is one thing said.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts what happens in between, and says when it is time to speak.
#[derive(Debug, Default)]
pub struct Seldom {
    said: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// It has happened again. If it is time to say so, how often it has happened since that was said last.
    pub fn again(&mut self) -> Option<u64> {
        self.unsaid += 1;
        let now = Instant::now();
        if self.said.is_some_and(|said| now.duration_since(said) < PAUSE) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_said_once_a_second_and_nothing_is_forgotten() {
        let mut seldom = Seldom::default();
        assert_eq!(seldom.again(), Some(1));
        assert_eq!((seldom.again(), seldom.again()), (None, None));
        tokio::time::advance(PAUSE).await;
        assert_eq!((seldom.again(), seldom.again()), (Some(3), None));
    }
}
