//! Files that do not become plugins: each is refused with what is wrong and what to do about it.

use bytes::Bytes;
use hangar_runtime::{COMPONENT_BYTES, Limits, LoadError, World};

use crate::stage::{RUNTIME, behaviour, plugin};

/// Why these bytes do not become a behaviour.
async fn refusal(bytes: impl Into<Bytes>) -> String {
    match RUNTIME.behaviour(bytes.into(), Limits::default()).await {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

/// A component written by hand.
fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap()
}

#[tokio::test]
async fn what_is_no_component_at_all() {
    assert_eq!(refusal(&b""[..]).await, "it is empty. Was it still being written? Copy it again");
    let text = refusal(&b"#!/bin/sh\n"[..]).await;
    assert_eq!(text, "it is not WebAssembly. Build a component, for example with `cargo build --target wasm32-wasip2`");
    let text = refusal(&b"\0asm\x01\0\0\0"[..]).await;
    assert!(text.starts_with("it is a core module, not a component. Build for the target `wasm32-wasip2`"), "{text}");
}

#[tokio::test]
async fn half_a_file() {
    let whole = plugin("tour-rust");
    let text = refusal(whole.slice(..whole.len() / 2)).await;
    assert!(text.starts_with("it is damaged: "), "{text}");
    assert!(text.ends_with("Was it still being written? Copy it again"), "{text}");
    let text = refusal(whole.slice(..4)).await;
    assert!(text.starts_with("it is damaged: "), "{text}");
}

#[tokio::test]
async fn machine_code_is_not_trusted() {
    let compiled = RUNTIME.engine().precompile_component(&plugin("hostile/panics")).unwrap();
    for bytes in [b"\x7fELF\x02\x01\x01".to_vec(), compiled] {
        let text = "it is precompiled machine code, which cannot be checked. Put the .wasm there; the host compiles and caches it";
        assert_eq!(refusal(bytes).await, text);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large() {
    let text = refusal(vec![0; COMPONENT_BYTES + 1]).await;
    assert_eq!(
        text,
        "it has 33554433 bytes; a plugin may have 33554432. Strip debug information, or leave out what it does not need"
    );
}

#[tokio::test]
async fn a_component_of_no_world_or_of_two() {
    let text = refusal(plugin("hostile-missing-export")).await;
    assert_eq!(
        text,
        "it exports neither `hangar:plugin/runs` (a behaviour) nor `hangar:plugin/handlers` (a handler). Build it for one of the two worlds of hangar:plugin@1.0.0; in Rust, `export_behaviour!` or `export_handler!` does so"
    );
    let both = r#"
        (instance $i)
        (export "hangar:plugin/runs@1.0.0" (instance $i)) (export "hangar:plugin/handlers@1.0.0" (instance $i))"#;
    let text = refusal(component(both)).await;
    assert_eq!(text, "it exports both `runs` and `handlers`. A plugin is either a behaviour or a handler: make it two");
    let without_meta = r#"(instance $i) (export "hangar:plugin/runs@1.0.0" (instance $i))"#;
    let text = refusal(component(without_meta)).await;
    assert_eq!(
        text,
        "it does not export `hangar:plugin/meta`, which the world `behaviour` has. Rebuild it with the SDK"
    );
}

#[tokio::test]
async fn another_major_version() {
    let text = refusal(plugin("hostile-wrong-major")).await;
    assert_eq!(
        text,
        "it is built for hangar:plugin@2.0.0; this host serves version 1.0.0 and later ones of the same major. Rebuild it with a matching SDK"
    );
}

#[tokio::test]
async fn the_other_world() {
    let text = refusal(plugin("hostile/handler-panics")).await;
    assert_eq!(
        text,
        "it is a handler, not a behaviour. Configure it as a handler, or build it for the world `behaviour`"
    );
    let wrong = RUNTIME.handler(plugin("hostile/panics"), Limits::default()).await;
    assert!(matches!(wrong, Err(LoadError::OtherWorld { found: World::Behaviour, wanted: World::Handler })));
}

/// A component that imports this and has the exports of a behaviour, as far as names go.
async fn importing(name: &str) -> String {
    let text = format!(
        r#"(import "{name}" (instance)) (instance $i)
        (export "hangar:plugin/meta@1.0.0" (instance $i)) (export "hangar:plugin/runs@1.0.0" (instance $i))"#
    );
    refusal(component(&text)).await
}

#[tokio::test]
async fn imports_that_no_plugin_gets() {
    for (name, why) in [
        (
            "acme:things/database@1.0.0",
            "the host does not have it; a plugin may import interfaces of hangar:plugin and of WASI 0.2",
        ),
        (
            "wasi:http/outgoing-handler@0.2.0",
            "plugins have no network; ask the host with an action such as `call-tools`",
        ),
        ("hangar:plugin/directory@1.0.0", "only handlers may import it"),
    ] {
        assert_eq!(importing(name).await, format!("it imports `{name}`: {why}"));
    }
}

#[tokio::test]
async fn an_import_that_this_version_does_not_have() {
    let text = r#"
        (import "hangar:plugin/log@1.0.0" (instance $log (export "shout" (func (param "line" string)))))
        (instance $i)
        (export "hangar:plugin/meta@1.0.0" (instance $i)) (export "hangar:plugin/runs@1.0.0" (instance $i))"#;
    let text = refusal(component(text)).await;
    assert!(text.starts_with("it does not fit the contract: "), "{text}");
    assert!(text.contains("`hangar:plugin/log@1.0.0`") && text.contains("`shout`"), "{text}");
    assert!(text.ends_with("Rebuild it with the SDK for hangar:plugin@1.0.0"), "{text}");
}

/// A behaviour written by hand: what `describe` says, and the instance `$runs`.
fn behaviour_of(description: &str, runs: &str) -> Vec<u8> {
    component(&format!(
        r#"(core module $code
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\00\00\00\{:02x}\00\00\00")
            (data (i32.const 8) "{}")
            (func (export "describe") (result i32) i32.const 0)
            (func (export "run") (param i32) (result i32) local.get 0))
        (core instance $code (instantiate $code))
        (func $describe (result string)
            (canon lift (core func $code "describe") (memory (core memory $code "memory"))))
        (instance $meta (export "describe" (func $describe)))
        {runs}
        (export "hangar:plugin/meta@1.0.0" (instance $meta))
        (export "hangar:plugin/runs@1.0.0" (instance $runs))"#,
        description.len(),
        description.replace('"', "\\\""),
    ))
}

#[tokio::test]
async fn functions_that_are_missing() {
    let text = refusal(behaviour_of("{}", "(instance $runs)")).await;
    assert_eq!(
        text,
        "it does not fit the contract: its function `[constructor]run` is missing. Rebuild it with the SDK for hangar:plugin@1.0.0"
    );
}

#[tokio::test]
async fn functions_of_other_types() {
    let runs = r#"
        (type $resource (resource (rep i32)))
        (func $make (param "info" u32) (result (own $resource)) (canon lift (core func $code "run")))
        (component $interface
            (import "resource" (type $resource (sub resource)))
            (import "make" (func $make (param "info" u32) (result (own $resource))))
            (export $run "run" (type $resource))
            (export "[constructor]run" (func $make) (func (param "info" u32) (result (own $run)))))
        (instance $runs (instantiate $interface (with "resource" (type $resource)) (with "make" (func $make))))"#;
    let text = refusal(behaviour_of("{}", runs)).await;
    assert!(
        text.starts_with(
            "it does not fit the contract: its function `[constructor]run` has other types than the contract: "
        ),
        "{text}"
    );
    assert!(text.ends_with("Rebuild it with the SDK for hangar:plugin@1.0.0"), "{text}");
}

#[tokio::test]
async fn a_description_that_is_no_json() {
    for description in ["no JSON", "[1]", ""] {
        let text = refusal(behaviour_of(description, "(instance $runs)")).await;
        assert!(text.starts_with("its `describe` must return a JSON object: "), "{text}");
    }
}

#[tokio::test]
async fn later_minor_versions_are_looked_at() {
    let later = component(
        r#"(instance $i)
        (export "hangar:plugin/meta@1.7.0" (instance $i)) (export "hangar:plugin/runs@1.7.0" (instance $i))"#,
    );
    let text = refusal(later).await;
    assert!(text.starts_with("it does not fit the contract: its function `describe` is missing"), "{text}");
}

#[tokio::test]
async fn a_failed_self_test_is_told_in_the_plugins_words() {
    let error = behaviour("hostile/self-test-fails").await.self_test().await.unwrap_err();
    assert_eq!(error.to_string(), "its self-test failed: the self-test found a fault");
    behaviour("hostile/well-behaved").await.self_test().await.unwrap();
}
