//! The plugin's log: what it writes through the `log` interface, to standard output and to standard error, bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits::Limits;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For following every step.
    Trace,
    /// For looking closer.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something went wrong.
    Error,
}

impl Level {
    /// The word of the contract; unknown words are `info`.
    fn from_word(word: &str) -> Self {
        match word {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "warn" => Self::Warn,
            "error" => Self::Error,
            _ => Self::Info,
        }
    }
}

/// Takes the lines that a plugin writes. Called while the plugin runs, so it must not wait.
pub trait LogSink: Send + Sync {
    /// One line, without its end, already cut and cleaned of control characters.
    fn line(&self, level: Level, line: &str);
}

/// Hands a plugin's lines to `tracing`.
#[derive(Debug, Clone)]
pub struct TracingSink {
    /// The plugin, as the log is to name it.
    pub plugin: String,
    /// The run, as the log is to name it.
    pub run: String,
}

impl LogSink for TracingSink {
    fn line(&self, level: Level, line: &str) {
        let (plugin, run) = (self.plugin.as_str(), self.run.as_str());
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, run, "{line}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, run, "{line}"),
            Level::Info => tracing::info!(target: "plugin", plugin, run, "{line}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, run, "{line}"),
            Level::Error => tracing::error!(target: "plugin", plugin, run, "{line}"),
        }
    }
}

/// The log of one instance; clones write to the same one.
#[derive(Clone)]
pub(crate) struct PluginLog(Arc<Mutex<Lines>>);

struct Lines {
    sink: Arc<dyn LogSink>,
    per_step: u32,
    in_all: u32,
    line_bytes: usize,
    this_step: u32,
    so_far: u32,
    dropped: u32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The end of what standard error said during this call: where a panic says why.
    last_words: String,
}

/// Which stream of the plugin.
#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// As much of standard error as is kept to explain a trap.
const LAST_WORDS: usize = 2 << 10;

impl PluginLog {
    pub(crate) fn new(sink: Arc<dyn LogSink>, limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            sink,
            per_step: limits.log_lines_per_step,
            in_all: limits.log_lines,
            line_bytes: limits.log_line_bytes,
            this_step: 0,
            so_far: 0,
            dropped: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            last_words: String::new(),
        })))
    }

    /// A line by way of the `log` interface.
    pub(crate) fn write(&self, level: &str, line: &str) {
        self.lines().line(Level::from_word(level), line);
    }

    /// A new call begins.
    pub(crate) fn begin(&self) {
        let mut lines = self.lines();
        lines.this_step = 0;
        lines.last_words.clear();
    }

    /// The call is over: what has no line end yet is a line now, and what was dropped is said.
    pub(crate) fn end(&self) {
        let mut lines = self.lines();
        for stream in [Stream::Out, Stream::Err] {
            let rest = std::mem::take(lines.unfinished(stream));
            if !rest.is_empty() {
                lines.finished(stream, &rest);
            }
        }
        if lines.dropped > 0 {
            let said = format!("{} more lines were dropped", lines.dropped);
            lines.dropped = 0;
            lines.sink.line(Level::Warn, &said);
        }
    }

    /// What standard error said last during this call, in one line: the message of a panic, without the places and
    /// stacks around it.
    pub(crate) fn last_words(&self) -> String {
        message(&self.lines().last_words)
    }

    pub(crate) fn stdout(&self) -> Pipe {
        Pipe { log: self.clone(), stream: Stream::Out }
    }

    pub(crate) fn stderr(&self) -> Pipe {
        Pipe { log: self.clone(), stream: Stream::Err }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn line(&mut self, level: Level, line: &str) {
        if self.this_step >= self.per_step || self.so_far >= self.in_all {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.this_step += 1;
        self.so_far += 1;
        self.sink.line(level, &clean(line, self.line_bytes));
    }

    fn unfinished(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.stdout,
            Stream::Err => &mut self.stderr,
        }
    }

    /// Takes bytes of a stream apart into lines; a line without end is kept only up to its bound.
    fn bytes(&mut self, stream: Stream, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line_bytes = self.line_bytes;
            let line = self.unfinished(stream);
            let room = line_bytes.saturating_add(1).saturating_sub(line.len());
            line.extend_from_slice(piece.get(..room).unwrap_or(piece));
            if piece.ends_with(b"\n") {
                let line = std::mem::take(line);
                self.finished(stream, &line);
            }
        }
    }

    fn finished(&mut self, stream: Stream, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        match stream {
            Stream::Out => self.line(Level::Info, line),
            Stream::Err => {
                self.remember(line);
                self.line(Level::Warn, line);
            }
        }
    }

    /// The last words are the newest ones: a Python traceback says at its end what was wrong.
    fn remember(&mut self, line: &str) {
        self.last_words.push_str(&clean(line, LAST_WORDS));
        self.last_words.push('\n');
        let mut excess = self.last_words.len().saturating_sub(LAST_WORDS);
        while !self.last_words.is_char_boundary(excess) {
            excess += 1;
        }
        self.last_words.drain(..excess);
    }
}

/// Rust, Python and JavaScript say what is wrong in lines that are not indented, among others that say where.
fn message(words: &str) -> String {
    let of_panic = |line: &&str| line.starts_with("thread '") && line.contains(" panicked at ");
    let of_place = |line: &&str| {
        line.is_empty() || line.starts_with(' ') || line.starts_with("Traceback ") || line.starts_with("note: ")
    };
    let lines: Vec<&str> = words.lines().collect();
    let before = lines.iter().rposition(of_panic).map_or(0, |panic| panic + 1);
    lines.into_iter().skip(before).filter(|line| !of_place(line)).map(thrown).collect::<Vec<_>>().join("; ")
}

/// The engine of JavaScript shows what was thrown in the debug form of its own values; people want the text in it.
fn thrown(line: &str) -> String {
    let text = line.split_once("Value(String(Ok(\"").and_then(|(_, rest)| rest.strip_suffix("\")))"));
    let plain = |text: &str| text.replace("\\n", "; ").replace("\\\"", "\"").replace("\\\\", "\\");
    text.map_or_else(|| line.to_owned(), plain)
}

/// At most so many bytes of the text, with control characters taken out: a plugin must not be able to forge log lines
/// or drive a terminal.
pub(crate) fn clean(text: &str, max_bytes: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(max_bytes));
    for char in text.chars() {
        let char = if char == '\t' { ' ' } else { char };
        if char.is_control() {
            continue;
        }
        if cleaned.len() + char.len_utf8() > max_bytes {
            cleaned.push('…');
            break;
        }
        cleaned.push(char);
    }
    cleaned
}

/// The same with the lines kept apart.
pub(crate) fn clean_lines(text: &str, max_bytes: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| clean(line, max_bytes)).collect();
    let mut cleaned = lines.join("\n");
    if cleaned.len() > max_bytes {
        cleaned.truncate(cleaned.floor_char_boundary(max_bytes));
        cleaned.push('…');
    }
    cleaned
}

/// Standard output or standard error of a plugin. It takes everything at once and never waits.
#[derive(Clone)]
pub(crate) struct Pipe {
    log: PluginLog,
    stream: Stream,
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Pipe {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // WASI 0.2 never comes here: `p2_stream` is below.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Pipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.lines().bytes(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Pipe {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, level: Level, line: &str) {
            self.0.lock().unwrap().push(format!("{level:?} {line}"));
        }
    }

    fn log(limits: &Limits) -> (PluginLog, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        (PluginLog::new(kept.clone(), limits), kept)
    }

    #[test]
    fn streams_become_lines_and_control_characters_go() {
        let (log, kept) = log(&Limits::default());
        log.stdout().write(Bytes::from_static(b"one\ntw")).unwrap();
        log.stderr().write(Bytes::from_static(b"bad \x1b[31mred\r\n")).unwrap();
        log.stdout().write(Bytes::from_static(b"o")).unwrap();
        log.end();
        assert_eq!(*kept.0.lock().unwrap(), ["Info one", "Warn bad [31mred", "Info two"]);
        assert_eq!(log.last_words(), "bad [31mred");
    }

    #[test]
    fn what_javascript_throws_is_told_as_it_was_said() {
        let words = r#"Failed to call 'handle': Value(String(Ok("TypeError: \"x\" is no list (plugin.js, line 3)")))"#;
        assert_eq!(message(words), "TypeError: \"x\" is no list (plugin.js, line 3)");
        assert_eq!(message("Value(String(Ok(\"broken off"), "Value(String(Ok(\"broken off");
    }

    #[test]
    fn floods_are_cut_and_counted() {
        let (log, kept) = log(&Limits { log_lines_per_step: 2, log_lines: 3, log_line_bytes: 4, ..Limits::default() });
        for _ in 0..2 {
            log.begin();
            for _ in 0..5 {
                log.write("error", "abcdefgh");
            }
            log.end();
        }
        let expected = [
            "Error abcd…",
            "Error abcd…",
            "Warn 3 more lines were dropped",
            "Error abcd…",
            "Warn 4 more lines were dropped",
        ];
        assert_eq!(*kept.0.lock().unwrap(), expected);
    }

    #[test]
    fn a_line_without_end_does_not_grow() {
        let (log, _kept) = log(&Limits::default());
        for _ in 0..100 {
            log.stdout().write(Bytes::from(vec![b'x'; 64 << 10])).unwrap();
        }
        assert!(log.lines().stdout.len() <= Limits::default().log_line_bytes + 1);
    }

    #[test]
    fn last_words_are_the_message_only() {
        let said = [
            (
                "working\n\nthread '<unnamed>' (1) panicked at src/lib.rs:11:9:\nleft\nright\nnote: run with `RUST_BACKTRACE=1`",
                "left; right",
            ),
            (
                "Traceback (most recent call last):\n  File \"runs.py\", line 1, in step\n    pass\nValueError: no",
                "ValueError: no",
            ),
            ("Error: no\n\tat step (tour.js:1:2)", "Error: no"),
            ("", ""),
        ];
        for (words, expected) in said {
            let (log, _kept) = log(&Limits::default());
            log.stderr().write(Bytes::from(words)).unwrap();
            log.end();
            assert_eq!(log.last_words(), expected);
        }
    }

    #[test]
    fn last_words_keep_the_end() {
        let (log, _kept) = log(&Limits::default());
        for number in 0..1_000 {
            log.stderr().write(Bytes::from(format!("frame ä {number}\n"))).unwrap();
        }
        assert!(log.last_words().ends_with("frame ä 999"));
        assert!(log.lines().last_words.len() <= LAST_WORDS);
    }
}
