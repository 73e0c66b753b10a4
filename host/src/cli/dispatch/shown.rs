//! What came of a task, for people.

use std::io::{self, Write};

use serde_json::Value;

use crate::cli::screen::plain;

/// Prints what came of each round.
pub fn print(result: &Value, to: &mut impl Write) -> io::Result<()> {
    match result {
        Value::Array(rounds) => rounds.iter().try_for_each(|round| print_one(round.get("result").unwrap_or(round), to)),
        other => print_one(other, to),
    }
}

fn print_one(result: &Value, to: &mut impl Write) -> io::Result<()> {
    match result {
        Value::Null => Ok(()),
        Value::String(text) => print_text(text, to),
        Value::Object(output) if output.contains_key("stdout") || output.contains_key("stderr") => {
            let streams = ["stdout", "stderr"].into_iter().filter_map(|name| output.get(name)?.as_str());
            streams.filter(|stream| !stream.is_empty()).try_for_each(|stream| print_text(stream, to))
        }
        other => print_text(&serde_json::to_string_pretty(other)?, to),
    }
}

/// The words of a device, which must not drive the terminal; tabs do no harm.
fn print_text(text: &str, to: &mut impl Write) -> io::Result<()> {
    for line in text.lines() {
        let cells: Vec<String> = line.split('\t').map(plain).collect();
        writeln!(to, "{}", cells.join("\t"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(result: Value) -> String {
        let mut text = Vec::new();
        print(&result, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn results_are_readable_whatever_their_shape() {
        assert_eq!(shown(json!([{"request": "$ uname", "result": "Linux lab\n"}])), "Linux lab\n");
        assert_eq!(shown(json!([{"result": {"stdout": "a\n", "stderr": "b", "exit_code": 1}}])), "a\nb\n");
        assert_eq!(shown(json!([{"result": "a"}, {"result": {"n": 1}}])), "a\n{\n  \"n\": 1\n}\n");
        assert_eq!(shown(json!({"failure": "x"})), "{\n  \"failure\": \"x\"\n}\n");
        assert_eq!(shown(json!([])) + &shown(Value::Null) + &shown(json!([{"result": null}])), "");
        assert_eq!(shown(json!("\u{1b}[31ma\tb")), "\u{fffd}[31ma\tb\n");
    }
}
