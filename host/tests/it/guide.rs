//! `docs/plugins.md` is true: its commands are run and its files are written, from top to bottom, in an empty folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stage::{Folder, repository, said};

#[test]
fn the_guide_for_plugin_authors_is_true() {
    let guide = fs::read_to_string(repository().join("docs/plugins.md")).unwrap();
    let folder = Folder::new();
    let mut reader = Reader { folder: &folder, place: PathBuf::new() };
    let mut tried = 0;
    for block in blocks(&guide) {
        tried += reader.follow(&block);
    }
    assert!(tried > 20, "the guide has commands and files to try, but only {tried} were found");
}

/// A fenced block: what stands behind the fence, and what is in it.
struct Block {
    line: usize,
    words: Vec<String>,
    text: String,
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = guide.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let words = info.split_whitespace().map(Into::into).collect();
        blocks.push(Block { line: at + 1, words, text: text.join("\n") + "\n" });
    }
    blocks
}

/// Somebody who does what the guide says.
struct Reader<'a> {
    folder: &'a Folder,
    /// Where they are, below the folder.
    place: PathBuf,
}

impl Reader<'_> {
    /// Does what a block says; how many things that were.
    fn follow(&mut self, block: &Block) -> usize {
        let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["console"] => self.run_all(block),
            ["text"] => 0,
            [_language, file] => {
                self.folder.write(self.place.join(file).to_str().unwrap(), &block.text);
                1
            }
            _ => panic!("line {}: a block is `console`, `text`, or a language and a file to write", block.line),
        }
    }

    /// Runs the lines that begin with `$ `, and compares what they print with the lines below.
    fn run_all(&mut self, block: &Block) -> usize {
        let commands = block.text.split("$ ").skip(1);
        commands.map(|command| self.run(block.line, command.split_once('\n').unwrap())).count()
    }

    fn run(&mut self, line: usize, (command, expected): (&str, &str)) {
        if let Some(place) = command.strip_prefix("cd ") {
            self.place.push(place);
            assert!(self.folder.path(self.place.to_str().unwrap()).is_dir(), "line {line}: there is no {place}");
            return;
        }
        let binaries = Path::new(env!("CARGO_BIN_EXE_hangar")).parent().unwrap();
        let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
        let mut shell = self.folder.program("sh", self.place.to_str().unwrap());
        shell.args(["-c", &format!("{command} 2>&1")]).env("PATH", path);
        let said = said(&mut shell);
        let fails = expected.contains("error: ") || expected.contains("FAILED");
        assert_eq!(said.code == Some(0), !fails, "line {line}: {command}\n{said}");
        assert!(
            fits(expected.trim_end(), said.out.trim_end()),
            "line {line}: {command}\nexpected:\n{expected}\n{said}"
        );
    }
}

/// Whether a text is as expected; `...` stands for any text, also for lines.
fn fits(expected: &str, text: &str) -> bool {
    if expected.is_empty() {
        return true;
    }
    let pieces: Vec<&str> = expected.split("...").collect();
    let [first, between @ .., last] = pieces.as_slice() else { return expected == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for piece in between {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn dots_stand_for_anything() {
    assert!(fits("a...c", "abc") && fits("...", "x") && fits("ok\n...\nend", "ok\n1\n2\nend") && fits("a", "a"));
    assert!(!fits("a...c", "ab") && !fits("a", "ab") && !fits("x...", "ax"));
}
