//! What a run remembers of its steps: each action as one line of text, as the model is shown it.

use std::collections::VecDeque;

use crate::cut::cut;

/// How much of one action is remembered, in characters.
const ACTION: usize = 7_000;

/// How much is shown of the last step, and of all steps before it, in characters; the oldest are dropped first.
const SHOWN: usize = 24_000;

/// How much is kept of a step before the last one, in characters: so little that two always have room.
const EARLIER: usize = SHOWN / 2 - 100;

/// The steps that are over, as far as there is room for them.
#[derive(Debug, Default)]
pub struct Memory {
    /// Oldest first, without the last one.
    earlier: VecDeque<String>,
    last: Option<Past>,
    dropped: usize,
}

/// One step that is over.
#[derive(Debug)]
struct Past {
    thought: String,
    actions: Vec<String>,
}

impl Memory {
    /// Remembers a step. Its actions share the room that there is.
    pub fn keep(&mut self, thought: &str, actions: &[String]) {
        if let Some(past) = self.last.take() {
            let number = self.dropped + self.earlier.len() + 1;
            let step = format!("Step {number}: {}\n{}", past.thought, past.actions.join("\n"));
            self.earlier.push_back(cut(&step, EARLIER));
            while self.earlier.iter().map(|step| step.chars().count()).sum::<usize>() > SHOWN {
                self.earlier.pop_front();
                self.dropped += 1;
            }
        }
        let longest = ACTION.min(SHOWN / actions.len().max(1));
        let actions = actions.iter().map(|action| cut(action, longest)).collect();
        self.last = Some(Past { thought: thought.into(), actions });
    }

    /// What the last step did.
    pub fn last_actions(&self) -> &[String] {
        self.last.as_ref().map_or(&[], |past| past.actions.as_slice())
    }

    /// All steps but the last one, oldest first.
    pub fn earlier(&self) -> String {
        let dropped = (self.dropped > 0).then(|| format!("(steps 1 to {} are left out)", self.dropped));
        dropped.into_iter().chain(self.earlier.iter().cloned()).collect::<Vec<_>>().join("\n")
    }
}
