//! Where commands print to: standard output, in colour when that is a terminal and nobody objects.

use std::io::{self, Stdout, Write};
use std::ops::RangeInclusive;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// What is as it should be.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is not.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What may be a mistake.
pub const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
/// What matters.
pub const STRONG: Style = Style::new().bold();
/// What can be skipped.
pub const FAINT: Style = Style::new().dimmed();

/// Standard output.
pub struct Screen(AutoStream<Stdout>);

impl Screen {
    /// The one of this process.
    pub fn new() -> Self {
        Self(anstream::stdout())
    }

    /// A line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(value)?;
        writeln!(self.0, "{line}")
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Characters that turn the direction of what follows: with them a name shows as another one.
const TURNS: [RangeInclusive<char>; 2] = ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];

/// A line with words of a plugin in it, which must not drive the terminal.
pub fn plain(line: &str) -> String {
    let drives = |char: char| char.is_control() || TURNS.iter().any(|turns| turns.contains(&char));
    line.chars().map(|char| if drives(char) { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

/// Whether a command stopped because nobody reads what it prints any more, as in `hangar ... | head`.
pub fn is_closed(error: &anyhow::Error) -> bool {
    let io_errors = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    io_errors.into_iter().any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_drives_no_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}é"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}é");
        assert_eq!(plain("\u{202e}msaw.evil\u{2066}"), "\u{fffd}msaw.evil\u{fffd}");
    }
}
