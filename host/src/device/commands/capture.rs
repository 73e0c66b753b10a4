//! What a program prints, in bounded memory: its beginning and its end, and between them how much was left out.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The output of a program, as much of it as is kept.
#[derive(Debug)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    left_out: u64,
}

impl Capture {
    /// One that keeps so many bytes.
    pub fn of(bytes: usize) -> Self {
        Self { head: Vec::new(), tail: VecDeque::new(), half: bytes.div_ceil(2), left_out: 0 }
    }

    /// Reads to the end. What cannot be read is the end. It can be dropped at any time; what was read is kept.
    pub async fn fill(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut buffer = vec![0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            self.take(buffer.get(..read).unwrap_or_default());
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    /// Whether something was left out.
    pub fn is_cut(&self) -> bool {
        self.left_out > 0
    }

    /// What was kept. What is no text becomes a mark for each byte that is none.
    pub fn text(mut self) -> String {
        if self.is_cut() {
            let head = String::from_utf8_lossy(&self.head).into_owned();
            let tail = String::from_utf8_lossy(self.tail.make_contiguous()).into_owned();
            return format!("{head}\n[... {} bytes left out ...]\n{tail}", self.left_out);
        }
        self.head.extend(self.tail);
        String::from_utf8_lossy(&self.head).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn captured(bytes: usize, output: &[u8]) -> (bool, String) {
        let mut capture = Capture::of(bytes);
        capture.fill(Some(output)).await;
        (capture.is_cut(), capture.text())
    }

    #[tokio::test]
    async fn beginning_and_end_are_kept() {
        assert_eq!(captured(10, b"0123456789").await, (false, "0123456789".into()));
        assert_eq!(captured(10, b"0123456789abc").await, (true, "01234\n[... 3 bytes left out ...]\n89abc".into()));
        assert_eq!(captured(10, b"").await, (false, String::new()));
        let long = "größe".repeat(100_000);
        let (is_cut, text) = captured(1_000, long.as_bytes()).await;
        assert!(is_cut && text.len() < 1_100, "{}", text.len());
        assert!(text.contains(&format!("[... {} bytes left out ...]", long.len() - 1_000)));
    }

    #[tokio::test]
    async fn a_character_that_lies_across_two_reads_stays_whole() {
        let output = "ß".repeat(20_000);
        assert_eq!(captured(100_000, format!("a{output}").as_bytes()).await, (false, format!("a{output}")));
    }
}
