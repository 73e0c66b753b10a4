//! Every published type stays as it is.

use super::sample::Sample;

#[test]
fn a_break_is_a_sentence_for_an_engineer() {
    let sample = Sample::new().edit("events.wit", "record start {", "turn: u32", "turn: u64");
    let breaks = sample.compare().unwrap();
    let sentences: Vec<_> = breaks.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        ["record events.start: field `turn` changed from u32 to u64; a published record is immutable: put new data \
          into `extra` or add a new interface"]
    );
}

#[test]
fn a_field_is_added() {
    let sample = Sample::new().edit("events.wit", "record start {", "turn: u32,", "turn: u32, more: bool,");
    sample.breaks(&["record events.start: field `more` was added"]);
}

#[test]
fn a_field_is_removed() {
    let sample = Sample::new().edit("events.wit", "record start {", "history: history,", "");
    sample.breaks(&["record events.start: field `history` was removed"]);
}

#[test]
fn a_field_is_renamed() {
    let sample = Sample::new().edit("events.wit", "record start {", "turn:", "round:");
    sample.breaks(&["record events.start: field `turn` was renamed to `round`"]);
}

#[test]
fn a_field_has_another_type() {
    let sample = Sample::new().edit("values.wit", "record image {", "blob: blob-id", "blob: option<blob-id>");
    sample.breaks(&["record values.image: field `blob` changed from values.blob-id to option<values.blob-id>"]);
}

#[test]
fn fields_change_places() {
    let sample = Sample::new()
        .edit("values.wit", "record named {", "kind: string", "KEPT: string")
        .edit("values.wit", "record named {", "body: string", "kind: string")
        .edit("values.wit", "record named {", "KEPT: string", "body: string");
    sample.breaks(&["record values.named: the order changed from kind, body to body, kind"]);
}

#[test]
fn a_case_is_added() {
    let sample = Sample::new().edit("messages.wit", "variant verdict {", "pass,", "pass, wait(u32),");
    sample.breaks(&["variant messages.verdict: case `wait` was added"]);
}

#[test]
fn a_case_is_renamed() {
    let sample = Sample::new().edit("messages.wit", "variant verdict {", "pass,", "let-go,");
    sample.breaks(&["variant messages.verdict: case `pass` was renamed to `let-go`"]);
}

#[test]
fn a_case_carries_something_else() {
    let sample = Sample::new().edit("messages.wit", "variant verdict {", "pass,", "pass(string),");
    let sample = sample.edit("messages.wit", "variant verdict {", "reply(string)", "reply(list<u8>)");
    sample.breaks(&[
        "variant messages.verdict: case `pass` changed from no payload to string",
        "variant messages.verdict: case `reply` changed from string to list<u8>",
    ]);
}

#[test]
fn a_type_is_removed() {
    let sample = Sample::new()
        .edit("actions.wit", "variant image-edit {", "resize(size)", "resize(rect)")
        .edit("actions.wit", "interface actions {", "record size {", "record measure {")
        .minor();
    sample.breaks(&[
        "variant actions.image-edit: case `resize` changed from actions.size to actions.rect",
        "record actions.size: was removed",
        "record actions.measure: is new but has no `@since`",
    ]);
}

#[test]
fn a_type_is_hidden_behind_a_feature() {
    let hidden = "@unstable(feature = sizes) record size {";
    let sample = Sample::new().edit("actions.wit", "variant image-edit {", "resize(size)", "resize(rect)");
    let sample = sample.edit("actions.wit", "interface actions {", "record size {", hidden);
    sample.breaks(&[
        "variant actions.image-edit: case `resize` changed from actions.size to actions.rect",
        "record actions.size: was removed",
    ]);
}

#[test]
fn a_type_becomes_another_kind_of_type() {
    let sample = Sample::new().edit(
        "values.wit",
        "interface values {",
        "type blob-id = string;",
        "record blob-id { id: string }",
    );
    sample.breaks(&["type values.blob-id: changed from type to record"]);
}

#[test]
fn an_alias_stands_for_something_else() {
    let sample = Sample::new().edit("values.wit", "", "type blob-id = string", "type blob-id = u64");
    sample.breaks(&["type values.blob-id: changed from string to u64"]);
}

/// The name stays, so only following the `use` shows what its users got.
#[test]
fn a_used_type_comes_from_elsewhere() {
    let sample = Sample::new().edit(
        "worlds.wit",
        "interface runs",
        "use values.{failure};",
        "use session.{model-info as failure};",
    );
    sample.breaks(&[
        "type runs.failure: changed from values.failure to session.model-info",
        "function runs.run.restore: changed from \
         `static func(info: session.run-info, snapshot: list<u8>) -> result<runs.run, values.failure>` to \
         `static func(info: session.run-info, snapshot: list<u8>) -> result<runs.run, session.model-info>`",
        "function runs.run.save: changed from \
         `func() -> result<list<u8>, values.failure>` to `func() -> result<list<u8>, session.model-info>`",
        "function runs.run.step: changed from \
         `func(event: events.event) -> result<list<actions.action>, values.failure>` to \
         `func(event: events.event) -> result<list<actions.action>, session.model-info>`",
    ]);
}

/// The contract has no enums and flags today; the check knows them nevertheless.
#[test]
fn enums_and_flags_are_closed() {
    let both = |members: &str| format!("enum colour {{ {members} }} flags marks {{ {members} }} record named {{");
    let (before, now) = (both("red, green"), both("red, green, blue"));
    let sample = Sample::new().edit_in("frozen", "values.wit", "interface values", "record named {", &before);
    let sample = sample.edit("values.wit", "interface values", "record named {", &now);
    sample.breaks(&["enum values.colour: case `blue` was added", "flags values.marks: flag `blue` was added"]);
}
