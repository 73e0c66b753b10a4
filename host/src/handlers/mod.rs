//! What handlers say of messages on their way: plugins are asked in order, and what must be asked and cannot be stops the
//! message. It knows the library of plugins and nothing of sessions or sockets.

use std::sync::Arc;

use hangar_runtime::contract::messages::{Denial, Envelope, StartSession, Verdict};
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
pub enum Judged {
    /// It goes on, with this body if a handler replaced it.
    Pass {
        /// The new body, JSON.
        body: Option<String>,
        /// Calls of a command that must not run.
        denied: Vec<Denial>,
    },
    /// The sender is answered with this, JSON, and the message stops.
    Reply(String),
    /// It stops.
    Reject {
        /// A word of the contract for why.
        code: String,
        /// Why, for the sender.
        text: String,
    },
    /// It goes to these.
    Route(Vec<String>),
    /// A behaviour is to answer it.
    StartSession(StartSession),
}

impl Judged {
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

    /// Asks all handlers of the message's kind. Those that only watch are told afterwards, and are not waited for.
    pub async fn judge(&self, client: &str, mut envelope: Envelope, scope: Scope) -> Judged {
        let catalog = self.library.catalog();
        let mut handlers = catalog.handlers_of(&envelope.kind).to_vec();
        if let Some(absent) = self.absent(&envelope.kind, &handlers) {
            let text = format!("the handler `{absent}`, without which no {} passes, is not in service", envelope.kind);
            return Judged::reject("denied", text);
        }
        let place = |handler: &Generation| self.config.order.iter().position(|id| *id == handler.id);
        handlers.sort_by_key(|handler| place(handler).unwrap_or(usize::MAX));
        let (watching, judging): (Vec<_>, Vec<_>) = handlers.into_iter().partition(|each| each.mode == Mode::Observe);
        let (mut replaced, mut denied) = (false, Vec::new());
        for handler in judging {
            let verdict = match ask(&handler, client, envelope.clone(), scope.clone()).await {
                Ok(verdict) => verdict,
                // It must be asked, and could not be.
                Err(why) => return Judged::reject("internal", why),
            };
            match verdict {
                Verdict::Pass => {}
                Verdict::Replace(body) if serde_json::from_str::<serde::de::IgnoredAny>(&body).is_err() => {
                    let text =
                        format!("the handler `{}` replaced the message by something that is no JSON", handler.id);
                    return Judged::reject("internal", text);
                }
                Verdict::Replace(body) => (envelope.body, replaced) = (body, true),
                Verdict::Deny(calls) => denied.extend(calls),
                Verdict::Reply(body) => return Judged::Reply(body),
                Verdict::Reject(why) => return Judged::Reject { code: why.code, text: why.text },
                Verdict::Route(targets) => return self.routed(targets, &handler, &*scope.directory),
                Verdict::StartSession(start) => return Judged::StartSession(start),
                Verdict::Broadcast | Verdict::Hold(_) | Verdict::Extension(_) => {
                    let text = format!(
                        "the handler `{}` gave a verdict that means nothing for a {}",
                        handler.id, envelope.kind
                    );
                    return Judged::reject("unsupported", text);
                }
            }
        }
        let body = replaced.then(|| envelope.body.clone());
        self.tell(watching, client, envelope, &scope);
        Judged::Pass { body, denied }
    }

    /// The first handler that must be there for this kind and is not among these.
    fn absent(&self, kind: &str, handlers: &[Arc<Generation>]) -> Option<&str> {
        let required = self.config.required.get(kind)?;
        required.iter().find(|id| !handlers.iter().any(|handler| handler.id == **id)).map(String::as_str)
    }

    /// A handler names only those whom it was shown.
    fn routed(&self, targets: Vec<String>, handler: &Generation, directory: &dyn Directory) -> Judged {
        match targets.iter().find(|target| directory.get(target).is_none()) {
            None => Judged::Route(targets),
            Some(unknown) => {
                let text = format!("the handler `{}` names `{unknown:.64}`, which is not there", handler.id);
                Judged::reject("not-found", text)
            }
        }
    }

    fn tell(&self, watching: Vec<Arc<Generation>>, client: &str, envelope: Envelope, scope: &Scope) {
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

async fn ask(handler: &Arc<Generation>, client: &str, envelope: Envelope, scope: Scope) -> Result<Verdict, String> {
    let verdicts = handler.handle(client, vec![envelope], scope).await.map_err(|error| {
        tracing::warn!(plugin = handler.id, %error, "a handler gave no verdict");
        format!("the handler `{}` gave no verdict", handler.id)
    })?;
    verdicts.into_iter().next().ok_or_else(|| format!("the handler `{}` gave no verdict", handler.id))
}
