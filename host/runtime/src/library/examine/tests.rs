use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use super::*;
use crate::blobs::hex;
use crate::limits::Limits;
use crate::live::RunSetup;
use crate::manifest::{Granted, HostConfig, Manifest, Mode, OnReload};
use crate::runtime::RuntimeConfig;
use bytes::Bytes;

/// The runtime that these tests share.
pub(in crate::library) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(16));

fn runtime(max_live_instances: u32) -> Runtime {
    let cache = Some(target().join("plugin-cache"));
    let config = RuntimeConfig { max_live_instances: Some(max_live_instances), cache, pooling: false };
    Runtime::new(&config).unwrap()
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// The bytes of a built plugin.
pub(in crate::library) fn component(name: &str) -> Bytes {
    let file = target().join(format!("plugins/{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins` first", file.display())).into()
}

const WELL_BEHAVED: &str = "id = \"well-behaved\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";

fn exam(name: &str, manifest: Option<&str>, config: &str) -> Exam {
    let component = component(name);
    let id = name.rsplit('/').next().unwrap().to_owned();
    let config = HostConfig::parse(config).unwrap().plugin(&id);
    let component_hash = hex(&<sha2::Sha256 as sha2::Digest>::digest(&component));
    let package = Package {
        place: id.clone(),
        id,
        manifest: manifest.map(|text| Manifest::parse(text).unwrap()),
        manifest_text: manifest.map(str::to_owned),
        component,
        hash: component_hash.clone(),
        component_hash,
    };
    Exam {
        number: 7,
        package: Arc::new(package),
        config,
        former: None,
        breaker: BreakerRules::default(),
        journals: None,
        bell: Arc::default(),
        clock: Clock::start(),
    }
}

async fn passed(exam: Exam) -> Examined {
    examine(&RUNTIME, exam).await.unwrap_or_else(|rejection| panic!("{rejection}"))
}

async fn rejected(exam: Exam) -> Rejection {
    examine(&RUNTIME, exam).await.err().unwrap()
}

#[tokio::test]
async fn what_is_proven_becomes_a_generation() {
    let config = "[plugins.well-behaved]\non-reload = \"move\"";
    let Examined { generation, notes, phases } = passed(exam("hostile/well-behaved", Some(WELL_BEHAVED), config)).await;
    assert_eq!((generation.number, generation.id.as_str()), (7, "well-behaved"));
    assert_eq!(generation.version, Some(Version::new(0, 1, 0)));
    assert_eq!(generation.platforms, ["linux"], "the manifest leaves it to the component");
    assert_eq!((generation.snapshot, generation.on_reload), (Some(1), OnReload::Move));
    assert!(generation.handler.is_none() && generation.kinds.is_empty());
    assert_eq!(notes, [""; 0]);
    assert!(phases.load > Duration::ZERO && phases.probe > Duration::ZERO);

    let bare = passed(exam("hostile/handler-counts-calls", None, "")).await.generation;
    assert_eq!((bare.version.clone(), bare.mode), (Some(Version::new(0, 1, 0)), Mode::Intercept));
    assert_eq!(bare.kinds, ["task", "command", "results", "task-end", "chat"]);
    assert!(bare.handler.is_some() && bare.manifest.is_none());
}

#[tokio::test]
async fn what_does_not_agree_is_rejected() {
    let handler = WELL_BEHAVED.replace("behaviour\"\n", "handler\"\n");
    let rejection = rejected(exam("hostile/well-behaved", Some(&handler), "")).await;
    assert_eq!(
        rejection.to_string(),
        "manifest: plugin.toml says `world = \"handler\"`, but the component is a behaviour: \
         put the plugin.toml and the component of one build together"
    );
    let other = WELL_BEHAVED.replace("0.1.0", "0.2.0");
    let rejection = rejected(exam("hostile/well-behaved", Some(&other), "")).await;
    assert_eq!(rejection.stage, Stage::Describe);
    assert!(rejection.why.starts_with("plugin.toml says version \"0.2.0\", the component says \"0.1.0\"\nput the"));
    assert!(!rejection.of_host);
}

#[tokio::test]
async fn a_component_alone_is_to_stay_the_plugin_that_it_was() {
    let former = passed(exam("hostile/well-behaved", None, "")).await.generation;
    let with = |name| Exam { former: Some(Arc::clone(&former)), ..exam(name, None, "") };
    passed(with("hostile/well-behaved")).await;
    let rejection = rejected(with("hostile/works-hard")).await;
    assert_eq!(rejection.stage, Stage::Describe);
    assert!(rejection.why.starts_with("it says that it is `works-hard`, and the version in service is `well-behaved`"));
}

#[tokio::test]
async fn what_does_not_load_or_passes_no_self_test_is_rejected() {
    let rejection = rejected(exam("hostile/self-test-fails", None, "")).await;
    assert_eq!(rejection.to_string(), "self-test: its self-test failed: the self-test found a fault");
    let rejection = rejected(exam("hostile-wrong-major", None, "")).await;
    assert_eq!((rejection.stage, rejection.of_host), (Stage::Load, false));
    assert!(rejection.why.starts_with("it is built for hangar:plugin@"), "{rejection}");
}

#[tokio::test]
async fn settings_must_come_together_before_anything_else() {
    let manifest = format!(
        "{WELL_BEHAVED}[settings.greeting]\ntype = \"text\"\nrequired = true\ndescription = \"What it says\"\n"
    );
    let rejection = rejected(exam("hostile/well-behaved", Some(&manifest), "")).await;
    assert_eq!(
        rejection.to_string(),
        "settings: the setting `greeting` must be given: it has no default\n\
         write into the host's configuration:\n\
         [plugins.well-behaved.settings]\n\
         greeting = \"...\" # What it says"
    );
    passed(exam("hostile/well-behaved", Some(&manifest), "[plugins.well-behaved.settings]\ngreeting = \"Ahoy\"")).await;
    let rejection = rejected(exam(
        "hostile/well-behaved",
        Some(&manifest),
        "[plugins.well-behaved.settings]\ngreeting = \"Ahoy\"\nloud = true",
    ))
    .await;
    assert_eq!(
        rejection.why,
        "there is no setting `loud`\nmend it under [plugins.well-behaved.settings] in the host's configuration"
    );
}

#[tokio::test]
async fn an_operator_is_told_of_downgrades_and_of_what_is_not_granted() {
    let manifest = format!("{WELL_BEHAVED}[capabilities]\nhost-tools = [\"clock\"]\n[limits]\nmemory = \"80 MiB\"\n");
    let mut former = passed(exam("hostile/well-behaved", None, "")).await.generation;
    Arc::get_mut(&mut former).unwrap().version = Some(Version::new(0, 2, 0));
    let exam = Exam { former: Some(former), ..exam("hostile/well-behaved", Some(&manifest), "") };
    assert_eq!(
        passed(exam).await.notes,
        [
            "this is a downgrade: 0.1.0 follows 0.2.0",
            "it asks for more than it is granted under [plugins.well-behaved] in the host's configuration: \
             host-tools = [\"clock\"], memory = \"80 MiB\"",
        ]
    );
}

#[tokio::test]
async fn what_the_host_cannot_do_is_no_fault_of_the_version() {
    let crowded = runtime(1);
    let behaviour = crowded.behaviour(component("hostile/well-behaved"), Limits::default()).await.unwrap();
    let log = Arc::new(TracingSink { plugin: String::new(), run: String::new() });
    let setup = RunSetup { info: Default::default(), blobs: Arc::default(), log, granted: Granted::everything() };
    let _run = behaviour.start(setup).unwrap();
    let rejection = examine(&crowded, exam("hostile/well-behaved", None, "")).await.err().unwrap();
    assert!(rejection.of_host, "{rejection}");
}

#[tokio::test]
async fn the_policy_says_what_journals_count() {
    let journals = tempfile::tempdir().unwrap();
    let folder = journals.path().join("well-behaved-changed");
    std::fs::create_dir(&folder).unwrap();
    let with = |policy: &str| Exam {
        journals: Some(journals.path().to_owned()),
        ..exam("hostile/well-behaved-changed", None, &format!("[plugins.well-behaved-changed]\nshadow = \"{policy}\""))
    };
    let none = passed(with("require")).await;
    assert_eq!(none.notes, ["there are no journals of former runs to play"]);

    super::super::shadow::tests::journal(&folder.join("a.jsonl"), "hostile/well-behaved", 2).await;
    let same =
        "of 1 journals of former runs it answers 1 as before and 0 otherwise; 0 cannot be played, 0 were left out";
    assert_eq!(passed(with("require")).await.notes, [same]);

    super::super::shadow::tests::journal(&folder.join("b.jsonl"), "hostile/well-behaved", 3).await;
    let notes = passed(with("warn")).await.notes;
    assert!(notes[0].starts_with("of 2 journals of former runs it answers 1 as before and 1 otherwise"), "{notes:?}");
    assert!(notes[1].starts_with("b.jsonl: event 3 was answered otherwise than before"), "{notes:?}");
    let rejection = rejected(with("require")).await;
    assert_eq!((rejection.stage, rejection.of_host), (Stage::Shadow, false));
    assert!(rejection.why.contains("b.jsonl: event 3") && rejection.why.ends_with("set `shadow = \"warn\"`"));
    assert_eq!(passed(with("off")).await.notes, [""; 0]);

    for name in ["a.jsonl", "b.jsonl"] {
        std::fs::write(folder.join(name), "damaged\n").unwrap();
    }
    let rejection = rejected(with("require")).await;
    assert!(rejection.why.contains("a.jsonl: line 1 of the journal is damaged"), "{rejection}");
    assert_eq!(passed(with("warn")).await.notes.len(), 3);
}

#[test]
fn a_rejection_is_bounded_and_clean() {
    let rejection = Rejection::new(Stage::Load, &format!("\u{1b}[31mred\n{}", "ä".repeat(WHY_BYTES)));
    assert!(rejection.why.starts_with("[31mred\nää"));
    assert!(rejection.why.len() <= WHY_BYTES + '…'.len_utf8() && rejection.why.ends_with('…'));
}
