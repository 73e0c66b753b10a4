//! Handlers: envelopes in, verdicts out.

use std::sync::Arc;

use hangar_runtime::contract::directory::{Entry, Filter, PageResult};
use hangar_runtime::contract::messages::{Envelope, Party, Verdict};
use hangar_runtime::{Blobs, Directory, Granted, Handler, HandlerSetup, Scope};
use serde_json::json;

use crate::stage::{KeptLog, NOON, RUNTIME, limits, plugin};

/// Three devices and a frontend.
struct Clients(Vec<Entry>);

impl Clients {
    fn new() -> Self {
        let entry = |id: &str, kind: &str, outstanding: u32| -> Entry {
            let name = format!("the {id}");
            let entry =
                json!({"id": id, "name": name, "kind": kind, "online": true, "load": 0.5, "outstanding": outstanding});
            serde_json::from_value(entry).unwrap()
        };
        Self(vec![
            entry("desk", "device", 1),
            entry("lab", "device", 0),
            entry("phone", "device", 7),
            entry("web", "frontend", 0),
        ])
    }

    fn fitting<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().filter(|entry| entry.kind == filter.kind)
    }
}

impl Directory for Clients {
    fn version(&self) -> u64 {
        42
    }

    fn get(&self, id: &str) -> Option<Entry> {
        self.0.iter().find(|entry| entry.id == id).cloned()
    }

    fn page(&self, filter: &Filter, cursor: Option<&str>, limit: u32) -> PageResult {
        let fitting: Vec<_> =
            self.fitting(filter).skip_while(|entry| cursor.is_some_and(|from| entry.id != from)).collect();
        let entries = fitting.iter().take(limit as usize).map(|entry| (*entry).clone()).collect();
        PageResult { entries, next: fitting.get(limit as usize).map(|entry| entry.id.clone()), extra: String::new() }
    }

    fn pick(&self, policy: &str, filter: &Filter, exclude: &[String]) -> Option<Entry> {
        assert_eq!(policy, "least_outstanding");
        self.fitting(filter).filter(|entry| !exclude.contains(&entry.id)).min_by_key(|entry| entry.outstanding).cloned()
    }
}

async fn handler(name: &str) -> Handler {
    let plugin = RUNTIME.handler(plugin(&format!("hostile/{name}")), limits()).await.unwrap();
    assert!(plugin.description().contains(name));
    plugin.self_test().await.unwrap();
    plugin.start(HandlerSetup {
        settings: "{}".into(),
        log: Arc::new(KeptLog::default()),
        seed: "seed".into(),
        granted: Granted::everything(),
    })
}

pub fn envelope(kind: &str, sender: &str, body: &str) -> Envelope {
    Envelope {
        id: "m-1".into(),
        kind: kind.into(),
        time_ms: NOON,
        sender: Party { id: sender.into(), kind: "device".into(), extra: String::new() },
        receivers: Vec::new(),
        session_id: String::new(),
        door: "aip".into(),
        body: body.into(),
        blobs: Vec::new(),
        extra: String::new(),
    }
}

pub fn chat(body: &str) -> Vec<Envelope> {
    vec![envelope("chat", "desk", body)]
}

/// How many envelopes the instance has seen that judged these.
fn seen(verdicts: &[Verdict]) -> Vec<u64> {
    let count = |verdict: &Verdict| match verdict {
        Verdict::Reply(body) => serde_json::from_str::<serde_json::Value>(body).unwrap()["seen"].as_u64().unwrap(),
        other => panic!("{other:?}"),
    };
    verdicts.iter().map(count).collect()
}

pub fn scope() -> Scope {
    Scope { directory: Arc::new(Clients::new()), blobs: Arc::new(Blobs::default()) }
}

#[tokio::test]
async fn an_instance_is_used_again() {
    let handler = handler("handler-counts-calls").await;
    assert_eq!(seen(&handler.handle(chat("{}"), scope()).await.unwrap()), [1]);
    let three = [chat("{}"), chat("{}"), chat("{}")].concat();
    assert_eq!(seen(&handler.handle(three, scope()).await.unwrap()), [2, 3, 4]);
    assert_eq!(seen(&handler.clone().handle_blocking(chat("{}"), scope()).unwrap()), [5]);
}

#[tokio::test]
async fn an_instance_is_replaced_after_many_calls() {
    let handler = handler("handler-counts-calls").await;
    let last = tokio::task::spawn_blocking(move || {
        (0..1_001).map(|_| seen(&handler.handle_blocking(chat("{}"), scope()).unwrap())[0]).collect::<Vec<_>>()
    });
    assert_eq!(last.await.unwrap()[998..], [999, 1_000, 1]);
}

#[tokio::test]
async fn calls_may_overlap() {
    let handler = handler("handler-counts-calls").await;
    let calls: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn({
                let handler = handler.clone();
                async move { seen(&handler.handle(chat("{}"), scope()).await.unwrap()).len() }
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 1);
    }
}

#[tokio::test]
async fn an_empty_batch_is_no_call() {
    let handler = handler("handler-counts-wrong").await;
    assert_eq!(handler.handle(Vec::new(), scope()).await.unwrap(), []);
}

#[tokio::test]
async fn every_envelope_needs_a_verdict() {
    let fault = handler("handler-counts-wrong").await.handle(chat("{}"), scope()).await.unwrap_err();
    assert_eq!(fault.code(), "malformed");
    assert_eq!(fault.to_string(), "the plugin broke the contract: it gave 0 verdicts on 1 messages");
}

#[tokio::test]
async fn after_a_fault_the_next_call_gets_a_fresh_instance() {
    for (name, word, code, text) in [
        ("handler-panics", "panic", "panic", "the plugin panicked: the fixture panics: m-1"),
        ("handler-loops", "loop", "cpu-limit", "the plugin used more than 500ms of processor time in one step"),
    ] {
        let handler = handler(name).await;
        assert_eq!(handler.handle(chat("{}"), scope()).await.unwrap(), [Verdict::Pass]);
        let fault = handler.handle(chat(word), scope()).await.unwrap_err();
        assert_eq!((fault.code(), fault.to_string().as_str()), (code, text));
        assert_eq!(handler.handle(chat("{}"), scope()).await.unwrap(), [Verdict::Pass]);
    }
}

#[tokio::test]
async fn a_handler_sees_the_directory() {
    let handler = handler("handler-asks-directory").await;
    let envelopes = vec![envelope("task", "lab", "{}"), envelope("task", "web", "{}"), envelope("chat", "web", "{}")];
    let seen = json!({"pages": [["desk", "lab"], ["phone"]], "sender": "the web", "version": 42}).to_string();
    let expected = [Verdict::Route(vec!["desk".into()]), Verdict::Route(vec!["lab".into()]), Verdict::Reply(seen)];
    assert_eq!(handler.handle(envelopes, scope()).await.unwrap(), expected);
}

#[tokio::test]
async fn a_call_sees_no_further_than_its_own_scope() {
    let handler = handler("handler-asks-directory").await;
    let ask = || vec![envelope("task", "lab", "{}")];
    assert_eq!(handler.handle(ask(), scope()).await.unwrap(), [Verdict::Route(vec!["desk".into()])]);
    let nobody = Scope { directory: Arc::new(Clients(Vec::new())), blobs: Arc::new(Blobs::default()) };
    let alone = handler.handle(ask(), nobody).await.unwrap();
    assert_ne!(alone, [Verdict::Route(vec!["desk".into()])], "what another call could see is out of reach");
}
