//! What handlers say of messages on their way: plugins are asked in order, and what must be asked and cannot be stops the
//! message. It knows the library of plugins and nothing of sessions or sockets.

use std::sync::Arc;

use hangar_runtime::contract::messages::{Denial, Envelope, Rejection, StartSession, Verdict};
use hangar_runtime::library::{Generation, Library};
use hangar_runtime::manifest::Mode;
use hangar_runtime::{Directory, Scope};
use tokio::sync::Semaphore;

use crate::config::HandlersConfig;

/// The kinds of messages that handlers are asked about.
pub mod kind {
    /// Somebody wants something to be done.
    pub const TASK: &str = "task";
    /// A device is to carry something out.
    pub const COMMAND: &str = "command";
    /// A device says what came of it.
    pub const RESULTS: &str = "results";
    /// A session is over.
    pub const TASK_END: &str = "task-end";
    /// A client wants to register.
    pub const CLIENT_REGISTERED: &str = "client-registered";
    /// A client is gone.
    pub const CLIENT_GONE: &str = "client-gone";
}

/// Asks handlers.
#[derive(Clone)]
pub struct Handlers {
    library: Library,
    config: Arc<HandlersConfig>,
    /// Room for those who are told without being waited for.
    telling: Arc<Semaphore>,
}

/// Messages that handlers may be behind that only watch; beyond it they miss some.
const BEHIND: usize = 256;

/// What is to become of a message after all were asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Its new body, JSON, if a handler replaced it.
    pub body: Option<String>,
    /// Where it goes.
    pub way: Way,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// On, but for these calls of a command, which must not run.
    On(Vec<Denial>),
    /// No further: the sender is answered with this, JSON.
    Reply(String),
    /// No further.
    Reject {
        /// A word of the contract for why.
        code: String,
        /// Why, for the sender.
        text: String,
    },
    /// To these.
    Route(Vec<String>),
    /// To a behaviour, which is to answer it.
    StartSession(StartSession),
}

impl Way {
    fn reject(code: &str, text: impl Into<String>) -> Self {
        Self::Reject { code: code.to_owned(), text: text.into() }
    }
}

impl Handlers {
    /// Asks the handlers of this library.
    pub fn new(library: Library, config: HandlersConfig) -> Self {
        Self { library, config: Arc::new(config), telling: Arc::new(Semaphore::new(BEHIND)) }
    }

    /// Whether anybody is to be asked about messages of this kind: if not, nobody has to make an envelope.
    pub fn concern(&self, kind: &str) -> bool {
        !self.library.catalog().handlers_of(kind).is_empty() || self.config.required.contains_key(kind)
    }

    /// Asks all handlers of the message's kind, whatever the first of them say: who refuses it has the last word. Those that
    /// only watch are told afterwards, and are not waited for.
    pub async fn judge(&self, client: &str, mut envelope: Envelope, scope: Scope) -> Judged {
        let catalog = self.library.catalog();
        let mut handlers = catalog.handlers_of(&envelope.kind).to_vec();
        if let Some(absent) = self.absent(&envelope.kind, &handlers) {
            let text = format!("the handler `{absent}`, without which no {} passes, is not in service", envelope.kind);
            return Judged { body: None, way: Way::reject("denied", text) };
        }
        let place = |handler: &Generation| self.config.order.iter().position(|id| *id == handler.id);
        handlers.sort_by_key(|handler| place(handler).unwrap_or(usize::MAX));
        let (watching, judging): (Vec<_>, Vec<_>) = handlers.into_iter().partition(|each| each.mode == Mode::Observe);
        let mut verdict = Asked::default();
        for handler in judging {
            let said = match ask(&handler, client, envelope.clone(), scope.clone()).await {
                Ok(said) => said,
                // It must be asked, and could not be.
                Err(why) => Verdict::Reject(rejection("internal", why)),
            };
            verdict.take(said, &handler.id, &mut envelope, &*scope.directory);
            if matches!(verdict.way, Some(Way::Reject { .. })) {
                break;
            }
        }
        let Asked { way, denied, is_replaced } = verdict;
        let body = is_replaced.then(|| envelope.body.clone());
        self.tell(watching, client, &envelope, &scope);
        Judged { body, way: way.unwrap_or(Way::On(denied)) }
    }

    /// The first handler that must be there for this kind and is not among these.
    fn absent(&self, kind: &str, handlers: &[Arc<Generation>]) -> Option<&str> {
        let required = self.config.required.get(kind)?;
        required.iter().find(|id| !handlers.iter().any(|handler| handler.id == **id)).map(String::as_str)
    }

    fn tell(&self, watching: Vec<Arc<Generation>>, client: &str, envelope: &Envelope, scope: &Scope) {
        for handler in watching {
            let Ok(room) = Arc::clone(&self.telling).try_acquire_owned() else {
                tracing::warn!(
                    plugin = handler.id,
                    kind = envelope.kind,
                    "a handler that only watches misses a message"
                );
                continue;
            };
            let (client, envelope, scope) = (client.to_owned(), envelope.clone(), scope.clone());
            tokio::spawn(async move {
                let _room = room;
                if let Err(why) = ask(&handler, &client, envelope, scope).await {
                    tracing::debug!(plugin = handler.id, "a handler that only watches was not told: {why}");
                }
            });
        }
    }
}

/// What those have said who were asked so far.
#[derive(Default)]
struct Asked {
    /// Where it goes, if not simply on. The first to say so decides, unless another one refuses.
    way: Option<Way>,
    denied: Vec<Denial>,
    is_replaced: bool,
}

impl Asked {
    fn take(&mut self, verdict: Verdict, handler: &str, envelope: &mut Envelope, directory: &dyn Directory) {
        let meaningless = || {
            let text = format!("the handler `{handler}` gave a verdict that means nothing for a {}", envelope.kind);
            Way::reject("unsupported", text)
        };
        let way = match verdict {
            Verdict::Pass => return,
            Verdict::Replace(body) if serde_json::from_str::<serde::de::IgnoredAny>(&body).is_err() => {
                let text = format!("the handler `{handler}` replaced the message by something that is no JSON");
                Way::reject("internal", text)
            }
            Verdict::Replace(body) => {
                (envelope.body, self.is_replaced) = (body, true);
                return;
            }
            Verdict::Deny(calls) if envelope.kind == kind::COMMAND => {
                self.denied.extend(calls);
                return;
            }
            Verdict::Reject(why) => Way::Reject { code: why.code, text: why.text },
            Verdict::Reply(body) if envelope.kind == kind::TASK => Way::Reply(body),
            Verdict::StartSession(start) if envelope.kind == kind::TASK => Way::StartSession(start),
            // A handler names only those whom it was shown.
            Verdict::Route(targets) if envelope.kind == kind::TASK => {
                match targets.iter().find(|target| directory.get(target).is_none()) {
                    None => Way::Route(targets),
                    Some(unknown) => {
                        let text = format!("the handler `{handler}` names `{unknown:.64}`, which is not there");
                        Way::reject("not-found", text)
                    }
                }
            }
            Verdict::Deny(_)
            | Verdict::Reply(_)
            | Verdict::StartSession(_)
            | Verdict::Route(_)
            | Verdict::Broadcast
            | Verdict::Hold(_)
            | Verdict::Extension(_) => meaningless(),
        };
        if self.way.is_none() || matches!(way, Way::Reject { .. }) {
            self.way = Some(way);
        }
    }
}

fn rejection(code: &str, text: String) -> Rejection {
    Rejection { code: code.to_owned(), text, extra: String::new() }
}

async fn ask(handler: &Arc<Generation>, client: &str, envelope: Envelope, scope: Scope) -> Result<Verdict, String> {
    let verdicts = handler.handle(client, vec![envelope], scope).await.map_err(|error| {
        tracing::warn!(plugin = handler.id, %error, "a handler gave no verdict");
        format!("the handler `{}` gave no verdict", handler.id)
    })?;
    verdicts.into_iter().next().ok_or_else(|| format!("the handler `{}` gave no verdict", handler.id))
}

#[cfg(test)]
mod tests {
    use hangar_runtime::contract::directory::{Entry, Filter, PageResult};
    use hangar_runtime::contract::messages::Party;
    use serde_json::{Value, json};

    use super::*;

    /// Somebody who sees one device.
    struct One;

    impl Directory for One {
        fn version(&self) -> u64 {
            0
        }

        fn get(&self, id: &str) -> Option<Entry> {
            let entry = json!({"id": id, "kind": "device", "load": 0.0});
            (id == "lab-1").then(|| serde_json::from_value(entry).unwrap())
        }

        fn page(&self, _: &Filter, _: Option<&str>, _: u32) -> PageResult {
            PageResult { entries: Vec::new(), next: None, extra: String::new() }
        }

        fn pick(&self, _: &str, _: &Filter, _: &[String]) -> Option<Entry> {
            None
        }
    }

    /// What is said after all of these verdicts of a message of this kind.
    fn after(kind: &str, verdicts: &[Value]) -> (Option<String>, Way) {
        let sender = Party { id: "d".into(), kind: "device".into(), extra: String::new() };
        let envelope = json!({"kind": kind, "time_ms": 0, "sender": sender, "body": {}});
        let mut envelope: Envelope = serde_json::from_value(envelope).unwrap();
        let mut asked = Asked::default();
        for (at, verdict) in verdicts.iter().enumerate() {
            let verdict = serde_json::from_value(verdict.clone()).unwrap();
            asked.take(verdict, &format!("h{at}"), &mut envelope, &One);
        }
        let way = asked.way.unwrap_or(Way::On(asked.denied));
        (asked.is_replaced.then_some(envelope.body), way)
    }

    #[test]
    fn who_refuses_has_the_last_word() {
        let no = json!({"reject": {"code": "denied", "text": "no"}});
        for way in [json!({"reply": 1}), json!({"route": ["lab-1"]}), json!({"start_session": {"behaviour": "b"}})] {
            let (_, way) = after(kind::TASK, &[way, no.clone()]);
            assert_eq!(way, Way::reject("denied", "no"));
        }
    }

    #[test]
    fn what_was_replaced_goes_the_way_that_another_one_names() {
        let verdicts = [json!({"replace": {"a": 1}}), json!({"route": ["lab-1"]}), json!({"reply": 2})];
        let (body, way) = after(kind::TASK, &verdicts);
        assert_eq!(
            (body.as_deref(), way),
            (Some(r#"{"a": 1}"#.replace(' ', "").as_str()), Way::Route(vec!["lab-1".into()]))
        );
    }

    #[test]
    fn a_verdict_that_means_nothing_stops_the_message() {
        let deny = json!({"deny": [{"call_id": "c", "reason": "no"}]});
        assert!(matches!(after(kind::COMMAND, std::slice::from_ref(&deny)).1, Way::On(denied) if denied.len() == 1));
        for (kind, verdict) in [
            (kind::TASK, deny.clone()),
            (kind::CLIENT_REGISTERED, deny),
            (kind::CLIENT_REGISTERED, json!({"reply": 1})),
            (kind::RESULTS, json!({"route": ["lab-1"]})),
            (kind::TASK_END, json!({"start_session": {}})),
            (kind::TASK, json!("broadcast")),
            (kind::TASK, json!({"hold": {}})),
            (kind::TASK, json!({"route": ["lab-2"]})),
        ] {
            assert!(matches!(after(kind, std::slice::from_ref(&verdict)).1, Way::Reject { .. }), "{kind}: {verdict}");
        }
    }
}
