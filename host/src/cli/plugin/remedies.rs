//! What an author can do about a fault, or a run that does not move.

use hangar_runtime::script::{Answer, Turn};

/// What to do about a turn that is not as expected, where there is more to say than that.
pub fn remedy_of(turn: &Turn<'_>) -> Option<&'static str> {
    let remedy = match &turn.outcome {
        Err(fault) => remedy(fault.code()),
        Ok(Answer::Stayed(why)) if turn.cue.expected.is_none() && why.code == "unsupported" => {
            "let the run wait in `cx.rest` there and say its `SNAPSHOT`; or, if it is to stay, write \
             {\"expect_refused\":\"unsupported\"} below"
        }
        Ok(Answer::Stayed(_)) => "let `resume` read what was kept, as `SNAPSHOT` promises",
        Ok(_) => "",
    };
    Some(remedy).filter(|remedy| !remedy.is_empty())
}

/// What to do about the fault of this code; empty where the fault says it all.
pub fn remedy(code: &str) -> &'static str {
    match code {
        "cpu-limit" => {
            "look for an endless loop, or spread the work over several steps, with a timer of 0 ms between them"
        }
        "wall-limit" | "busy" | "overloaded" => "try again: this machine has too much to do",
        "memory-limit" => "keep less in memory; leave large things in blobs, and read them in pieces",
        "stack-overflow" => "make a loop of the recursion",
        "hostcall-bytes" => "hand over less at once; put large things into blobs",
        "action-flood" => {
            "return some of the actions, and the rest with a later event; wait for what was refused before asking again"
        }
        "panic" => "mend what the text and the log lines above say",
        "exit" => "end the run with `finish` or `fail`",
        "waited" => {
            "let the host wait: use the SDK's `sleep`, which sets a timer, and ask for what is slow with an action"
        }
        "malformed" => "keep to the rule that the text names; docs/contract.md has them all",
        "trap" => "look for a division by zero or an index out of bounds; the log lines above may say more",
        "over" => "take out what the script tells after the end of the run",
        "denied" => "request it in plugin.toml, and let an operator grant it",
        _ => "",
    }
}
