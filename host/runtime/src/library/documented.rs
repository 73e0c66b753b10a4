//! `docs/reload.md` is true to the numbers that only the library knows.

use std::path::Path;

use super::{ledger, look, shadow, watcher};

#[test]
fn the_bounds_are_those_of_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reload.md");
    let page = std::fs::read_to_string(page).unwrap();
    for (name, value) in [
        ("polling", format!("{} s", watcher::WITHOUT_NATIVE.as_secs())),
        ("places", look::PLACES.to_string()),
        ("history", ledger::HISTORY.to_string()),
        ("marks", ledger::MARKS.to_string()),
        ("journals", shadow::JOURNALS.to_string()),
        ("journal-bytes", format!("{} MiB", shadow::JOURNAL_BYTES >> 20)),
        ("shadow-time", format!("{} s", shadow::TIME.as_secs())),
    ] {
        assert!(page.contains(&format!("\n| `{name}` | {value} | ")), "`{name}` is {value}");
    }
}
