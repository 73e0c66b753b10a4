//! Every file that cannot be used, put where a good one serves. It is refused with a reason, what serves goes on serving,
//! the run that is on its way feels nothing, and a good file takes over afterwards.

use hangar_runtime::library::State;

use super::stage::{Rejected, Stage, greeter};
use crate::stage::{RUNTIME, plugin};

/// Does this to the greeter's folder, and sees it refused at this stage for this reason. A `…` stands for anything.
async fn refused(deed: impl FnOnce(&Stage), at: &str, why: &str) {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;

    deed(&stage);
    let rejected = stage.rejected().await;
    let Rejected { place, id, serving, .. } = &rejected;
    assert_eq!((place.as_str(), id.as_deref(), serving.as_ref()), ("greeter", Some("greeter"), Some(&first.version)));
    assert_eq!(rejected.stage, at, "{rejected:?}");
    assert_like(&rejected.why, why);

    let status = stage.plugin("greeter").await;
    let live = status.live.unwrap();
    assert_eq!((live.generation, live.state, &live.hash), (first.version.generation, State::Live, &first.version.hash));
    assert_eq!((live.runs, live.strikes_in_all), (1, 0));
    let candidate = status.candidate.unwrap();
    assert!(!candidate.checking);
    assert_eq!(candidate.hash.is_empty(), at == "files", "files that cannot be read have no hash");
    assert_eq!(stage.reason("greeter").await.as_deref(), Some(&*rejected.why));

    stage.nothing_comes_of_it().await;
    let later = stage.run("greeter").await;
    assert_eq!(later.generation(), first.version.generation);
    assert_eq!(later.finish().await, "goodbye");

    stage.put("greeter", &greeter("1.1.0", "good again"), "hostile/greeter-later");
    let good = stage.published("greeter").await;
    assert_eq!((good.version.version.as_str(), good.former), ("1.1.0", Some(first.version.clone())));
    assert_eq!((stage.reason("greeter").await, stage.plugin("greeter").await.candidate), (None, None));
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");

    assert_eq!(run.generation(), first.version.generation);
    assert_eq!(run.finish().await, "goodbye");
}

fn assert_like(text: &str, pattern: &str) {
    let (before, after) = pattern.split_once('…').unwrap_or((pattern, ""));
    let fits =
        if pattern.contains('…') { text.starts_with(before) && text.ends_with(after) } else { text == pattern };
    assert!(fits, "{text}\nis not like\n{pattern}");
}

/// The component is another one, under the manifest that is there.
async fn component_refused(bytes: &[u8], at: &str, why: &str) {
    refused(|stage| stage.write("greeter", None, Some(bytes)), at, why).await;
}

async fn manifest_refused(manifest: &str, at: &str, why: &str) {
    refused(|stage| stage.write("greeter", Some(manifest), None), at, why).await;
}

#[tokio::test]
async fn truncated() {
    let whole = plugin("hostile/greeter-later");
    let why = "it is damaged: unexpected end-of-file (at offset 0x…). Was it still being written? Copy it again";
    component_refused(&whole[..whole.len() / 2], "load", why).await;
    component_refused(b"", "load", "it is empty. Was it still being written? Copy it again").await;
}

#[tokio::test]
async fn not_web_assembly() {
    let why = "it is not WebAssembly. Build a component, for example with `cargo build --target wasm32-wasip2`";
    component_refused(b"#!/bin/sh\necho hello\n", "load", why).await;
}

#[tokio::test]
async fn machine_code_under_the_name_of_a_component() {
    let compiled = RUNTIME.engine().precompile_component(&plugin("hostile/greeter-later")).unwrap();
    let why =
        "it is precompiled machine code, which cannot be checked. Put the .wasm there; the host compiles and caches it";
    component_refused(&compiled, "load", why).await;
}

#[tokio::test]
async fn compiled_code_instead_of_a_component() {
    let deed = |stage: &Stage| {
        let compiled = RUNTIME.engine().precompile_component(&plugin("hostile/greeter-later")).unwrap();
        std::fs::write(stage.place("greeter/plugin.cwasm"), compiled).unwrap();
        std::fs::remove_file(stage.place("greeter/plugin.wasm")).unwrap();
    };
    let why = "greeter/plugin.cwasm is compiled code, which is not taken from files: put the .wasm file there that it was made from";
    refused(deed, "files", why).await;
}

#[tokio::test]
async fn a_core_module() {
    let why = "it is a core module, not a component. Build for the target `wasm32-wasip2`, or wrap it with `wasm-tools component new`";
    component_refused(&wat::parse_str("(module)").unwrap(), "load", why).await;
}

#[tokio::test]
async fn built_for_another_major_version() {
    let why = "it is built for hangar:plugin@2.0.0; this host serves version 1.0.0 and later ones of the same major. Rebuild it with a matching SDK";
    component_refused(&plugin("hostile-wrong-major"), "load", why).await;
}

#[tokio::test]
async fn an_import_that_no_plugin_gets() {
    let text = r#"(component (import "wasi:http/outgoing-handler@0.2.0" (instance)) (instance $i)
        (export "hangar:plugin/meta@1.0.0" (instance $i)) (export "hangar:plugin/runs@1.0.0" (instance $i)))"#;
    let why = "it imports `wasi:http/outgoing-handler@0.2.0`: plugins have no network; ask the host with an action such as `call-tools`";
    component_refused(&wat::parse_str(text).unwrap(), "load", why).await;
}

#[tokio::test]
async fn a_self_test_that_fails() {
    let deed = |stage: &Stage| stage.put("greeter", &greeter("1.3.0", "unfit"), "hostile/greeter-unfit");
    refused(deed, "self-test", "its self-test failed: the greeter has lost its voice").await;
}

const ONE_BUILD: &str = "put the plugin.toml and the component of one build together";

#[tokio::test]
async fn a_manifest_beside_the_component_of_another_plugin() {
    let why = format!(
        "plugin.toml says id \"greeter\", the component says \"works-hard\"\n\
         plugin.toml says version \"1.0.0\", the component says \"0.1.0\"\n{ONE_BUILD}"
    );
    component_refused(&plugin("hostile/works-hard"), "describe", &why).await;
}

#[tokio::test]
async fn a_manifest_of_another_version() {
    let why = format!("plugin.toml says version \"7.0.0\", the component says \"1.0.0\"\n{ONE_BUILD}");
    manifest_refused(&greeter("7.0.0", ""), "describe", &why).await;
}

#[tokio::test]
async fn a_manifest_of_another_world() {
    let why = format!("plugin.toml says `world = \"handler\"`, but the component is a behaviour: {ONE_BUILD}");
    let manifest = greeter("1.0.0", "").replace("behaviour", "handler");
    manifest_refused(&manifest, "manifest", &why).await;
}

#[tokio::test]
async fn a_manifest_of_another_plugin() {
    let why = "it holds the plugin `greeter`, and now its files say that they are `impostor`. Put `impostor` in a folder \
        of its own; if `greeter` is to go, remove this one first";
    let manifest = greeter("1.0.0", "").replace("\"greeter\"", "\"impostor\"");
    manifest_refused(&manifest, "files", why).await;
}

#[tokio::test]
async fn all_the_files_of_another_plugin() {
    let why = "it holds the plugin `greeter`, and now its files say that they are `works-hard`. Put `works-hard` in a \
        folder of its own; if `greeter` is to go, remove this one first";
    let manifest = "id = \"works-hard\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";
    refused(|stage| stage.put("greeter", manifest, "hostile/works-hard"), "files", why).await;
}

#[tokio::test]
async fn a_broken_manifest() {
    let why = "greeter/plugin.toml:1: `version` is missing: such as `0.1.0`\n\
        greeter/plugin.toml:2: unknown key `verson`; did you mean `version`?";
    manifest_refused("id = \"greeter\"\nverson = \"1.0.0\"\nworld = \"behaviour\"\n", "files", why).await;
    manifest_refused("id = \"greeter", "files", "greeter/plugin.toml:1: …").await;
}

#[tokio::test]
async fn no_component_any_more() {
    let deed = |stage: &Stage| std::fs::remove_file(stage.place("greeter/plugin.wasm")).unwrap();
    refused(deed, "files", "greeter has no .wasm file yet: run `hangar plugin build`").await;
}

#[tokio::test]
async fn a_component_that_leads_out_of_its_folder() {
    let deed = |stage: &Stage| {
        std::fs::write(stage.path("elsewhere.wasm"), plugin("hostile/greeter")).unwrap();
        std::fs::remove_file(stage.place("greeter/plugin.wasm")).unwrap();
        std::os::unix::fs::symlink(stage.path("elsewhere.wasm"), stage.place("greeter/plugin.wasm")).unwrap();
    };
    refused(deed, "files", "greeter/plugin.wasm leads out of its folder, to …: put the file itself there").await;
}

#[tokio::test]
async fn compiled_code_alone_is_no_plugin() {
    let (mut stage, first) = Stage::with_greeter().await;
    stage.put_file("extra.cwasm", b"\x7fELF");
    let rejected = stage.rejected().await;
    let why =
        "extra.cwasm is compiled code, which is not taken from files: put the .wasm file there that it was made from";
    assert_eq!(
        rejected,
        Rejected { place: "extra.cwasm".into(), id: None, stage: "files", why: why.into(), serving: None }
    );
    let status = stage.status().await;
    assert_eq!(status.strays.len(), 1);
    assert!(status.strays[0].place == "extra.cwasm" && status.strays[0].why.ends_with(why));
    assert_eq!(stage.run("greeter").await.generation(), first.version.generation);
    std::fs::remove_file(stage.place("extra.cwasm")).unwrap();
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.status().await.strays, []);
}

#[tokio::test]
async fn a_component_alone_that_says_it_is_another() {
    let mut stage = Stage::open();
    stage.put_file("voice.wasm", &plugin("hostile/greeter"));
    let first = stage.published("voice").await;
    assert_eq!((first.version.id.as_str(), first.version.version.as_str()), ("voice", ""));
    let run = stage.run("voice").await;

    stage.put_file("voice.wasm", &plugin("hostile/works-hard"));
    let rejected = stage.rejected().await;
    let why = "it says that it is `works-hard`, and the version in service is `greeter`: give another plugin a file of its own";
    assert_eq!((rejected.stage, rejected.why.as_str()), ("describe", why));
    assert_eq!(stage.reason("voice").await.as_deref(), Some(why));
    assert_eq!(stage.run("voice").await.finish().await, "goodbye");

    stage.put_file("voice.wasm", &plugin("hostile/greeter-later"));
    assert_eq!(stage.published("voice").await.former, Some(first.version));
    assert_eq!(stage.run("voice").await.finish().await, "farewell");
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn a_lower_version_is_taken_and_noted() {
    let mut stage = Stage::open();
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let first = stage.published("greeter").await;
    assert_eq!(first.notes, [""; 0]);
    let run = stage.run("greeter").await;
    stage.put("greeter", &greeter("1.0.0", ""), "hostile/greeter");
    let lower = stage.published("greeter").await;
    assert_eq!((lower.version.version.as_str(), lower.former), ("1.0.0", Some(first.version)));
    let note = "this is a downgrade: 1.0.0 follows 1.1.0";
    assert_eq!(
        (lower.notes.as_slice(), stage.live("greeter").await.notes),
        (&[note.to_owned()][..], vec![note.into()])
    );
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");
    assert_eq!(run.finish().await, "farewell");
}

#[tokio::test]
async fn a_required_setting_that_is_missing_and_then_given() {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    let setting = "[settings.name]\ntype = \"text\"\nrequired = true\ndescription = \"Whom to greet\"\n";
    stage.write("greeter", Some(&format!("{}{setting}", greeter("1.0.0", ""))), None);
    let rejected = stage.rejected().await;
    assert_eq!((rejected.stage, rejected.serving), ("settings", Some(first.version)));
    let why = "the setting `name` must be given: it has no default\nwrite into the host's configuration:\n\
        [plugins.greeter.settings]\nname = \"...\" # Whom to greet";
    assert_eq!(rejected.why, why);
    assert_eq!(stage.reason("greeter").await, Some(rejected.why));
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");

    stage.configure("[plugins.greeter.settings]\nname = \"world\"\n").await;
    let second = stage.published("greeter").await;
    assert_eq!(stage.reason("greeter").await, None);
    let run_with_it = stage.run("greeter").await;
    assert_eq!(run_with_it.generation(), second.version.generation);
    assert_eq!(run.finish().await, "goodbye");
}
