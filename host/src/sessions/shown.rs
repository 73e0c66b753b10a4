//! Sessions as they are shown to those who look at them from outside: live ones and those that are over, in one form.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

use super::Sessions;
use super::entry::Entry;
use super::feed::{Item, PluginName, Shown, State};
use super::results::Past;

/// A session as it is shown.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// The session.
    pub session_id: String,
    /// Its run.
    pub run_id: String,
    /// What the task is called.
    pub task_name: String,
    /// What was asked for.
    pub request: String,
    /// How far it is.
    pub state: State,
    /// The device that does it.
    pub executor: String,
    /// What asked for it: `device`, `constellation` or `http`.
    pub requester_kind: String,
    /// Who, if it was a client.
    pub requester: Option<String>,
    /// The plugin that drives it, once it runs.
    pub plugin: Option<PluginName>,
    /// When it was asked for.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When its run began.
    #[schema(value_type = Option<String>)]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Timestamp>,
    /// The agent step that was declared last.
    pub agent_step: u32,
    /// What was said of it.
    pub summary: String,
    /// Commands that were sent to the device.
    pub commands: u32,
    /// Events that the run was told.
    pub events: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// What came of it; only where one session is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
    /// What it has shown; only where one session is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feed: Vec<Item>,
}

/// The journal of a run, a file with a line of JSON for each entry.
pub struct Journal(tokio::fs::File);

/// Bytes of a journal that are looked through for what is shown of it.
const LOOKED_AT: u64 = 16 << 20;

impl Journal {
    /// The file, from its beginning.
    pub fn into_file(self) -> tokio::fs::File {
        self.0
    }

    /// The first lines, without those that hold blobs, as far as they have so many bytes; and whether there are more.
    pub async fn beginning(self, most: usize) -> (Vec<Box<RawValue>>, bool) {
        let length = self.0.metadata().await.map_or(u64::MAX, |metadata| metadata.len());
        let mut lines = tokio::io::BufReader::new(self.0.take(LOOKED_AT)).split(b'\n');
        let (mut shown, mut bytes) = (Vec::new(), 0);
        loop {
            match lines.next_segment().await {
                Ok(Some(line)) if line.starts_with(br#"{"blob":"#) => {}
                Ok(Some(line)) => {
                    bytes += line.len();
                    match serde_json::from_slice(&line) {
                        Ok(entry) if bytes <= most => shown.push(entry),
                        _ => return (shown, true),
                    }
                }
                Ok(None) => return (shown, length > LOOKED_AT),
                Err(_) => return (shown, true),
            }
        }
    }
}

impl Sessions {
    /// Live sessions, and so many of those that are over, the newest first.
    pub fn list(&self, past: usize) -> Vec<SessionView> {
        let mut views: Vec<SessionView> = self.0.live.all(|_| true).iter().map(|entry| of_live(entry)).collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.created_at));
        let brief = |past: Arc<super::Past>| SessionView { result: None, feed: Vec::new(), ..of_past(&past) };
        let shown: Vec<SessionView> = self.0.results.newest(past).into_iter().map(brief).collect();
        views.extend(shown);
        views
    }

    /// The session of this id, live or over.
    pub fn view(&self, id: &str) -> Option<SessionView> {
        let live = || {
            let entry = self.0.live.get(id)?;
            let feed = entry.shown().feed.iter().cloned().collect();
            Some(SessionView { feed, ..of_live(&entry) })
        };
        live().or_else(|| self.0.results.get(id).map(|past| of_past(&past)))
    }

    /// The journal of this session, if its run has begun and it was not thrown away.
    pub async fn journal(&self, view: &SessionView) -> Option<Journal> {
        let plugin = view.plugin.as_ref()?;
        self.0.journals.open_file(&plugin.id, &view.run_id).await.map(Journal)
    }

    /// What became of the newest task of this name, or of the session of this id; none while it goes on, or if nobody
    /// knows of it.
    pub fn outcome(&self, name_or_id: &str) -> Option<Arc<Past>> {
        let past = self.0.results.find(name_or_id);
        match (self.named(name_or_id), past) {
            // What a client calls its own task is no news of one of the API.
            (Some(entry), Some(past)) if entry.requester.client().is_some() && past.requester.is_none() => Some(past),
            (Some(_), _) => None,
            (None, past) => past,
        }
    }
}

fn of_live(entry: &Entry) -> SessionView {
    let shown = entry.shown();
    SessionView {
        session_id: entry.id.to_string(),
        run_id: entry.run_id.clone(),
        task_name: entry.order.task_name.clone(),
        request: entry.order.request.clone(),
        executor: entry.executor().id.to_string(),
        requester_kind: entry.requester.kind().to_owned(),
        requester: entry.requester.client().map(|client| client.id.to_string()),
        created_at: entry.created_at,
        ended_at: None,
        error: None,
        result: None,
        ..of_shown(&shown)
    }
}

fn of_past(past: &Past) -> SessionView {
    SessionView {
        session_id: past.id.to_string(),
        run_id: past.run_id.clone(),
        task_name: past.task_name.clone(),
        request: past.request.clone(),
        executor: past.executor.to_string(),
        requester_kind: past.requester_kind.to_owned(),
        requester: past.requester.as_ref().map(ToString::to_string),
        created_at: past.created_at,
        ended_at: Some(past.ended_at),
        error: past.outcome.error().map(str::to_owned),
        result: past.outcome.result().cloned().map(Into::into),
        feed: past.shown.feed.iter().cloned().collect(),
        ..of_shown(&past.shown)
    }
}

fn of_shown(shown: &Shown) -> SessionView {
    SessionView {
        session_id: String::new(),
        run_id: String::new(),
        task_name: String::new(),
        request: String::new(),
        state: shown.state,
        executor: String::new(),
        requester_kind: String::new(),
        requester: None,
        plugin: shown.plugin.clone(),
        created_at: Timestamp::UNIX_EPOCH,
        started_at: shown.started_at,
        ended_at: None,
        agent_step: shown.agent_step,
        summary: shown.summary.clone(),
        commands: shown.commands,
        events: shown.events,
        error: None,
        result: None,
        feed: Vec::new(),
    }
}
