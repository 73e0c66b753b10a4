//! Worlds, and the package as a whole.

use hangar_tests::freeze::Error;

use super::sample::Sample;

const BEHAVIOUR: &str = "world behaviour {";
const HANDLER: &str = "world handler {";

/// The contract with a new interface.
fn with_clock() -> Sample {
    let clock = "\n@since(version = 1.1.0) interface clock { type tick = u64; }\n";
    let sample = Sample::new().edit("values.wit", "hangar:plugin@1.0.0;", "\n", clock);
    sample.minor()
}

#[test]
fn a_world_loses_an_import() {
    let sample = Sample::new().edit("worlds.wit", HANDLER, "import directory;", "");
    sample.breaks(&["world handler: no longer imports directory"]);
}

#[test]
fn a_world_loses_an_export() {
    let sample = Sample::new().edit("worlds.wit", HANDLER, "export meta;", "");
    sample.breaks(&["world handler: no longer exports meta"]);
}

#[test]
fn a_world_gains_an_export() {
    let sample = with_clock().edit(
        "worlds.wit",
        BEHAVIOUR,
        "export meta;",
        "export meta; @since(version = 1.1.0) export clock;",
    );
    sample.breaks(&["world behaviour: now exports clock"]);
}

#[test]
fn a_world_gains_an_import_that_says_since_when() {
    let sample =
        with_clock().edit("worlds.wit", BEHAVIOUR, "import log;", "import log; @since(version = 1.1.0) import clock;");
    sample.is_accepted();
}

#[test]
fn a_world_gains_an_import_that_does_not() {
    with_clock()
        .edit("worlds.wit", BEHAVIOUR, "import log;", "import log; import clock;")
        .breaks(&["world behaviour, import clock: is new but has no `@since`"]);
    Sample::new()
        .edit("worlds.wit", BEHAVIOUR, "import log;", "import log; import directory;")
        .minor()
        .breaks(&["world behaviour, import directory: is new but has no `@since`"]);
}

/// No statement in the world could carry the `@since`: that of the interface counts.
#[test]
fn a_world_gains_a_new_interface_through_a_use() {
    let now = "@since(version = 1.1.0) use clock.{tick}; \
               @since(version = 1.1.0) now: func() -> tick; \
               write: func(";
    let sample = with_clock().edit("imports.wit", "interface log", "write: func(", now);
    sample.is_accepted();
}

/// Here the interface is older, so the world has to say it.
#[test]
fn a_world_gains_an_old_interface_through_a_use() {
    let with_use = || {
        let used = "@since(version = 1.1.0) use session.{budgets}; info: func(";
        Sample::new().edit("imports.wit", "interface blob", "info: func(", used).minor()
    };
    with_use().breaks(&["world handler, import session: is new but has no `@since`"]);
    let said = "import blob; @since(version = 1.1.0) import session;";
    with_use().edit("worlds.wit", HANDLER, "import blob;", said).is_accepted();
}

/// This is how plugins get at a new optional export.
#[test]
fn a_world_with_a_new_export_is_added() {
    let new_world = "@since(version = 1.1.0) world ticking { include behaviour; export clock; }\n\n/// A plugin that";
    with_clock().edit("worlds.wit", "interface handlers", "/// A plugin that", new_world).is_accepted();
    let new_world = "world ticking { include behaviour; export clock; }\n\n/// A plugin that";
    with_clock()
        .edit("worlds.wit", "interface handlers", "/// A plugin that", new_world)
        .breaks(&["world ticking: is new but has no `@since`"]);
}

#[test]
fn a_world_is_renamed() {
    let sample = Sample::new().edit("worlds.wit", "", "world behaviour", "world driver");
    sample.breaks(&["world behaviour: was removed", "world driver: is new but has no `@since`"]);
}

#[test]
fn a_world_has_an_item_of_its_own() {
    let sample = Sample::new().edit("worlds.wit", BEHAVIOUR, "import log;", "import log; import now: func() -> u64;");
    let error = sample.compare().unwrap_err();
    assert!(matches!(error, Error::NotCovered { .. }), "{error}");
}

#[test]
fn another_package_is_needed() {
    let sample = Sample::new().edit("worlds.wit", BEHAVIOUR, "import log;", "import log; import a:b/c@1.0.0;");
    let error = sample.compare().unwrap_err();
    assert!(matches!(error, Error::NotCovered { .. }), "{error}");
}

#[test]
fn the_package_is_renamed() {
    let sample = Sample::new().package("current", "hangar:guest@1.0.0");
    sample.breaks(&["package hangar:plugin: was renamed to hangar:guest"]);
}

#[test]
fn the_major_version_changes() {
    let sample = Sample::new().package("current", "hangar:plugin@2.0.0");
    sample.breaks(&["package hangar:plugin: version changed from 1.0.0 to 2.0.0"]);
}

#[test]
fn the_minor_version_rises() {
    Sample::new().minor().is_accepted();
}

#[test]
fn the_version_goes_back() {
    let sample = Sample::new().package("frozen", "hangar:plugin@1.1.0");
    sample.breaks(&["package hangar:plugin: version went back from 1.1.0 to 1.0.0"]);
    let sample = Sample::new().package("frozen", "hangar:plugin@1.0.1");
    sample.breaks(&["package hangar:plugin: version went back from 1.0.1 to 1.0.0"]);
}

#[test]
fn the_package_has_no_version() {
    let sample = Sample::new().package("current", "hangar:plugin");
    let error = sample.compare().unwrap_err();
    assert!(error.to_string().contains("has no version"), "{error}");
}

#[test]
fn the_text_is_not_wit() {
    let sample = Sample::new().edit("values.wit", "record named {", "kind: string", "kind string");
    let error = sample.compare().unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }));
    // Where it is, for whoever has to mend it.
    assert!(error.to_string().contains("values.wit:"), "{error}");
}

#[test]
fn there_is_no_contract() {
    let sample = Sample::new();
    std::fs::remove_dir_all(sample.folder("frozen")).unwrap();
    let error = sample.compare().unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}
