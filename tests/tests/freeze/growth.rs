//! What only plugins import may grow, and says since when.

use hangar_tests::freeze::Error;

use super::sample::Sample;

const CREATE: &str = "create: func(";

/// The contract with something new in `blob`, which both worlds import.
fn blob_with(addition: &str) -> Sample {
    let grown = format!("{addition} {CREATE}");
    Sample::new().edit("imports.wit", "interface blob", CREATE, &grown)
}

/// The contract with a new interface.
fn contract_with(addition: &str) -> Sample {
    let sample = Sample::new();
    sample.edit("values.wit", "hangar:plugin@1.0.0;", "\n", &format!("\n{addition}\n"))
}

#[test]
fn a_function_that_says_since_when() {
    let sample = blob_with("@since(version = 1.1.0) forget: func(id: blob-id);");
    sample.minor().is_accepted();
}

#[test]
fn a_function_that_does_not() {
    let sample = blob_with("forget: func(id: blob-id);").minor();
    sample.breaks(&["function blob.forget: is new but has no `@since`"]);
}

#[test]
fn a_function_that_claims_to_be_in_the_release() {
    let sample = blob_with("@since(version = 1.0.0) forget: func(id: blob-id);").minor();
    sample.breaks(&["function blob.forget: is new but says `@since(version = 1.0.0)`"]);
}

#[test]
fn a_function_of_a_version_that_the_package_has_not_reached() {
    let sample = blob_with("@since(version = 1.1.0) forget: func(id: blob-id);");
    let error = sample.compare().unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }));
    assert!(error.to_string().contains("unreleased version 1.1.0"), "{error}");
}

#[test]
fn a_function_that_is_not_published() {
    blob_with("@unstable(feature = forget) forget: func(id: blob-id);").is_accepted();
}

#[test]
fn a_type() {
    blob_with("@since(version = 1.1.0) type mime = string;").minor().is_accepted();
    let sample = blob_with("type mime = string;").minor();
    sample.breaks(&["type blob.mime: is new but has no `@since`"]);
}

#[test]
fn a_resource_speaks_for_its_functions() {
    let resource = "resource reader { constructor(id: blob-id); next: func() -> list<u8>; }";
    blob_with(&format!("@since(version = 1.1.0) {resource}")).minor().is_accepted();
    let sample = blob_with(resource).minor();
    sample.breaks(&["resource blob.reader: is new but has no `@since`"]);
}

#[test]
fn what_is_there_does_not_change() {
    let sample = Sample::new().edit("imports.wit", "interface blob", "offset: u32", "start: u64");
    sample.breaks(&["function blob.read: changed from \
                     `func(id: values.blob-id, offset: u32, length: u32) -> result<list<u8>, values.failure>` to \
                     `func(id: values.blob-id, start: u64, length: u32) -> result<list<u8>, values.failure>`"]);
}

#[test]
fn a_function_is_not_removed() {
    let sample = Sample::new().edit("imports.wit", "interface directory", "version: func() -> u64;", "");
    sample.breaks(&["function directory.version: was removed"]);
}

#[test]
fn an_interface_that_says_since_when() {
    contract_with("@since(version = 1.1.0) interface pausing { pause: func(); }").minor().is_accepted();
}

#[test]
fn an_interface_that_does_not() {
    let sample = contract_with("interface pausing { pause: func(); }").minor();
    sample.breaks(&["interface pausing: is new but has no `@since`"]);
}

#[test]
fn an_interface_is_not_removed() {
    let sample = Sample::new()
        .edit("imports.wit", "/// The plugin's log.", "interface log", "/* interface log")
        .edit("imports.wit", "interface log", "/// Bytes", "*/ /// Bytes")
        .edit("worlds.wit", "world behaviour", "import log;", "")
        .edit("worlds.wit", "world handler", "import log;", "");
    sample.breaks(&[
        "interface log: was removed",
        "world behaviour: no longer imports log",
        "world handler: no longer imports log",
    ]);
}
