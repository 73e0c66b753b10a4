//! Writing into a script what the plugin really did.

use std::collections::BTreeMap;

use super::play::{Answer, Check, Turn, check};
use super::{Expectation, Script};
use crate::fault::Fault;

impl Script {
    /// The script's text, with what the plugin did in place of expectations that it missed, and behind cues that had
    /// none. Expectations that it met stay as they are, and so does everything else, byte for byte. What the host could
    /// not do is not written, and neither is an answer that would not be read back as the same.
    #[must_use]
    pub fn updated(&self, turns: &[Turn<'_>]) -> String {
        let (mut instead, mut behind) = (BTreeMap::new(), BTreeMap::new());
        for turn in turns.iter().filter(|turn| turn.check != Check::Met) {
            if let Some(text) = expectation_of(&turn.outcome) {
                match &turn.cue.expected {
                    Some(expected) => instead.insert(expected.line, text),
                    None => behind.insert(turn.cue.line, text),
                };
            }
        }
        let mut updated = String::with_capacity(self.source.len());
        for (number, line) in self.source.split_inclusive('\n').enumerate().map(|(at, line)| (at + 1, line)) {
            let end = end_of(line);
            match instead.get(&number) {
                Some(text) => updated.extend([text.as_str(), end]),
                None => updated.push_str(line),
            }
            if let Some(text) = behind.get(&number) {
                // Only the last line of a file may have no end, and then it needs one.
                let end = if end.is_empty() { "\n" } else { end };
                updated.extend([if line.ends_with('\n') { "" } else { end }, text, end]);
            }
        }
        updated
    }
}

/// The line that expects what happened.
fn expectation_of(outcome: &Result<Answer, Fault>) -> Option<String> {
    match outcome {
        Ok(Answer::Stayed(why)) => {
            let code = serde_json::to_string(&why.code).ok()?;
            Some(format!("{{\"expect_refused\":{code}}}"))
        }
        Ok(answer) => {
            let text = format!("[{}]", answer.json().join(","));
            let expectation = Expectation::Answer(serde_json::from_str(&text).ok()?);
            (check(Some(&expectation), outcome) == Check::Met).then(|| format!("{{\"expect\":{text}}}"))
        }
        Err(fault) if fault.is_of_host() => None,
        Err(fault) => Some(format!("{{\"expect_fault\":\"{}\"}}", fault.code())),
    }
}

fn end_of(line: &str) -> &str {
    let text = line.trim_end_matches(['\n', '\r']);
    line.get(text.len()..).unwrap_or_default()
}
