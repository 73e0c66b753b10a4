//! An exported interface never grows and never changes.

use super::sample::Sample;

const SAVE: &str = "save: func()";

#[test]
fn a_function_is_added() {
    let added = "@since(version = 1.1.0) check: func(); describe: func()";
    let sample = Sample::new().edit("worlds.wit", "interface meta", "describe: func()", added);
    sample.minor().breaks(&["function meta.check: was added to an exported interface"]);
}

#[test]
fn a_method_is_added() {
    let added = "@since(version = 1.1.0) pause: func(); save: func()";
    let sample = Sample::new().edit("worlds.wit", "resource run", SAVE, added);
    sample.minor().breaks(&["function runs.run.pause: was added to an exported interface"]);
}

#[test]
fn a_type_is_added() {
    let added = "@since(version = 1.1.0) type name = string; describe: func()";
    let sample = Sample::new().edit("worlds.wit", "interface meta", "describe: func()", added);
    sample.minor().breaks(&["type meta.name: was added to an exported interface"]);
}

#[test]
fn a_method_waits() {
    let sample = Sample::new().edit("worlds.wit", "resource run", SAVE, "save: async func()");
    sample.breaks(&["function runs.run.save: changed from \
                     `func() -> result<list<u8>, values.failure>` to \
                     `async func() -> result<list<u8>, values.failure>`"]);
}

#[test]
fn a_static_function_becomes_a_method() {
    let sample = Sample::new().edit("worlds.wit", "resource run", "restore: static func(", "restore: func(");
    sample.breaks(&["function runs.run.restore: changed from \
                     `static func(info: session.run-info, snapshot: list<u8>) -> result<runs.run, values.failure>` \
                     to `func(info: session.run-info, snapshot: list<u8>) -> result<runs.run, values.failure>`"]);
}

#[test]
fn a_constructor_takes_something_else() {
    let sample = Sample::new().edit(
        "worlds.wit",
        "resource handler",
        "constructor(settings: string)",
        "constructor(settings: option<string>)",
    );
    sample.breaks(&["function handlers.handler.constructor: changed from \
                     `constructor(settings: string)` to `constructor(settings: option<string>)`"]);
}

/// A release with an optional export, which is in no world, and the contract in which that has one function more.
fn optional_export_with_a_new_function() -> Sample {
    let interface =
        |functions: &str| format!("@since(version = 1.1.0) interface pausing {{ {functions} }}\n\n/// A plugin");
    let published = interface("pause: func();");
    let grown = interface("pause: func(); @since(version = 1.2.0) resume: func();");
    Sample::new()
        .edit_in("frozen", "worlds.wit", "interface handlers", "/// A plugin", &published)
        .edit("worlds.wit", "interface handlers", "/// A plugin", &grown)
        .package("frozen", "hangar:plugin@1.1.0")
        .package("current", "hangar:plugin@1.2.0")
}

#[test]
fn an_optional_export_is_closed_once_published() {
    let sample = optional_export_with_a_new_function();
    sample.breaks(&["function pausing.resume: was added to an exported interface"]);
}

#[test]
fn an_optional_export_does_not_open_by_being_imported() {
    let import = "import log; @since(version = 1.2.0) import pausing;";
    let sample = optional_export_with_a_new_function();
    let sample = sample.edit("worlds.wit", "world behaviour", "import log;", import);
    sample.breaks(&["function pausing.resume: was added to an exported interface"]);
}
