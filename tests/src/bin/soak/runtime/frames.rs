//! Frames of AIP, damaged in every way: whatever comes, it is read as a message or refused with a reason, and what is read
//! is canonical once it is written.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail, ensure};
use hangar_aip::binary::{Receiver, TransferLimits};
use hangar_aip::read::peek;
use hangar_aip::{ClientMessage, ClientType, Flaw, Id, ReadError, ServerMessage, Stamp};

use super::chosen;

/// Frames in one scenario.
const PER_SCENARIO: usize = 500;

/// Bytes that a frame may grow to by being damaged again and again.
const FRAME_BYTES: usize = 64 << 10;

/// What is put where a value was, beside what other frames have there.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "1.50",
    "18446744073709551616",
    "\"\"",
    "\" \"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"a\\nb\"",
    "\"REGISTER\"",
    "\"ClientMessageType.TASK\"",
    "\"x::result\"",
    "\"constellation\"",
    "{}",
    "[]",
    "[[]]",
    "[{}]",
    "{\"error\":\"x\"}",
    "{\"type\":\"constellation_client\"}",
    "{\"system_info\":{\"platform\":\"win32\"}}",
    "{\"payload\":{\"type\":\"error\"}}",
    "NaN",
    "\u{feff}",
    "\"\u{202e}ß\u{1f600}\"",
];

/// What is put where a key was.
const KEYS: &[&str] = &[
    "type",
    "message_type",
    "messageType",
    "msg_type",
    "payload",
    "status",
    "client_type",
    "client_id",
    "device_id",
    "agent_id",
    "target_id",
    "session_id",
    "prev_response_id",
    "response_id",
    "action_results",
    "results",
    "actions",
    "output",
    "metadata",
    "system_info",
    "platform",
    "request",
    "user_request",
    "error",
    "result",
    "size",
    "chunk_num",
    "chunk_size",
    "total_chunks",
    "filename",
    "checksum",
    "tool_type",
    "\u{1f600}",
];

/// Frames to begin with.
pub struct Frames {
    corpus: Vec<Vec<u8>>,
    messages: AtomicU64,
    refusals: AtomicU64,
}

impl Frames {
    /// The corpus that the tests of the crate have, too.
    pub fn load(root: &Path) -> Result<Self> {
        let mut corpus = Vec::new();
        for entry in fs::read_dir(root.join("tests/fixtures/aip"))? {
            corpus.push(fs::read(entry?.path())?);
        }
        ensure!(!corpus.is_empty(), "there are no frames to begin with");
        let (messages, refusals) = Default::default();
        Ok(Self { corpus, messages, refusals })
    }

    /// Reads many frames that nobody has seen before.
    pub fn scenario(&self) -> Result<()> {
        // It lives through many frames, as on a connection.
        let mut receiver = Receiver::new(TransferLimits { file_bytes: 4_096, frame_bytes: 1_024, chunks: 16 });
        for _ in 0..PER_SCENARIO {
            let frame = self.damaged()?;
            self.read(&frame, &mut receiver).with_context(|| format!("frame {}", frame.escape_ascii()))?;
        }
        Ok(())
    }

    /// A frame that nobody has seen before.
    pub fn damaged(&self) -> Result<Vec<u8>> {
        let mut frame = chosen(&self.corpus)?.clone();
        for _ in 0..fastrand::usize(1..6) {
            self.damage(&mut frame)?;
        }
        frame.truncate(FRAME_BYTES);
        Ok(frame)
    }

    /// What was done.
    pub fn report(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!("damaged frames: {} read, {} refused", count(&self.messages), count(&self.refusals))
    }

    fn read(&self, frame: &[u8], receiver: &mut Receiver) -> Result<()> {
        if let Err(error) = peek(frame) {
            ensure!(error.to_string().len() < 1_024, "an error text is too long");
        }
        let stamp = Stamp { response_id: Id::new("r")?, ..Stamp::now() };
        let read = match fastrand::u8(..3) {
            0 => ClientMessage::read(frame),
            1 => ClientMessage::read_from(ClientType::Device, frame),
            _ => ClientMessage::read_from(ClientType::Constellation, frame),
        };
        self.judge(read.as_ref().map(drop))?;
        match read {
            Ok(ClientMessage::Transfer(announcement)) => {
                if receiver.announcement(&announcement).is_err() && !receiver.is_idle() {
                    bail!("a refused transfer goes on");
                }
                if receiver.expects_binary() && fastrand::bool() {
                    let _ = receiver.binary(frame.get(..fastrand::usize(..=frame.len())).unwrap_or_default());
                }
            }
            Ok(message) => {
                let again = message.write(stamp.timestamp);
                match ClientMessage::read(again.as_bytes()) {
                    Ok(reread) => {
                        ensure!(reread.write(stamp.timestamp) == again, "a client's message is not canonical: {again}");
                    }
                    // A result alone has become a list, which is one level more.
                    Err(ReadError { flaw: Flaw::TooDeep, .. }) => {}
                    Err(error) => bail!("a client's message is not read again: {error}: {again}"),
                }
            }
            Err(_) => {}
        }
        let read = ServerMessage::read(frame);
        self.judge(read.as_ref().map(drop))?;
        if let Ok(message) = read {
            let again = message.write(&stamp);
            match ServerMessage::read(again.as_bytes()) {
                Ok(reread) => ensure!(reread.write(&stamp) == again, "a server's message is not canonical: {again}"),
                Err(ReadError { flaw: Flaw::TooDeep, .. }) => {}
                Err(error) => bail!("a server's message is not read again: {error}: {again}"),
            }
        }
        Ok(())
    }

    fn judge(&self, read: Result<(), &ReadError>) -> Result<()> {
        match read {
            Ok(()) => self.messages.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                let text = error.to_string();
                ensure!(text.len() < 1_024 && !text.contains(char::is_control), "an error text is unfit: {text:?}");
                self.refusals.fetch_add(1, Ordering::Relaxed)
            }
        };
        Ok(())
    }

    /// Half of the time bytes, half of the time JSON.
    fn damage(&self, frame: &mut Vec<u8>) -> Result<()> {
        if frame.is_empty() {
            frame.push(b'{');
        }
        let at = fastrand::usize(..frame.len());
        match fastrand::u8(..12) {
            0 => super::damage(frame),
            1 => frame.truncate(at),
            2 => frame.insert(at, fastrand::u8(..)),
            3 => {
                frame.remove(at);
            }
            4 => {
                // Deeper and deeper.
                let depth = fastrand::usize(1..200);
                let (open, close) = if fastrand::bool() { ("[", "]") } else { ("{\"a\":", "}") };
                let nested = [open.repeat(depth), "1".into(), close.repeat(depth)].concat();
                self.replace(frame, is_value, &nested);
            }
            5 => {
                // As the payload of itself.
                let outer = [b"{\"payload\":".as_slice(), frame, b"}"].concat();
                *frame = outer;
            }
            6..9 => {
                let value = chosen(VALUES)?;
                self.replace(frame, is_value, value);
            }
            9 => {
                let other = chosen(&self.corpus)?;
                if let Some(range) = token(other, is_value) {
                    let value = String::from_utf8_lossy(other.get(range).unwrap_or_default()).into_owned();
                    self.replace(frame, is_value, &value);
                }
            }
            _ => {
                let key = format!("\"{}\"", chosen(KEYS)?);
                self.replace(frame, is_key, &key);
            }
        }
        Ok(())
    }

    fn replace(&self, frame: &mut Vec<u8>, which: fn(&[u8], usize) -> bool, new: &str) {
        if let Some(range) = token(frame, which) {
            frame.splice(range, new.bytes());
        }
    }
}

/// One of the strings, numbers and words of a frame, as far as it still is JSON.
fn token(frame: &[u8], which: fn(&[u8], usize) -> bool) -> Option<std::ops::Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = frame.get(at) {
        let start = at;
        at += 1;
        if byte == b'"' {
            while let Some(&byte) = frame.get(at) {
                at += if byte == b'\\' { 2 } else { 1 };
                if byte == b'"' {
                    break;
                }
            }
        } else if byte.is_ascii_alphanumeric() || byte == b'-' {
            while frame.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(byte)) {
                at += 1;
            }
        } else {
            continue;
        }
        let end = at.min(frame.len());
        if which(frame, end) {
            tokens.push(start..end);
        }
    }
    fastrand::choice(tokens)
}

fn is_key(frame: &[u8], end: usize) -> bool {
    frame.get(end) == Some(&b':')
}

fn is_value(frame: &[u8], end: usize) -> bool {
    !is_key(frame, end)
}
