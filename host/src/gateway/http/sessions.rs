//! What goes on, and what went on.

use std::io;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::Api;
use super::error::{ApiError, Detail};
use crate::sessions::SessionView;

/// Sessions that are over which are listed when nobody says how many.
const USUAL: usize = 100;

/// The most of them.
const MOST: usize = 1_000;

/// Bytes of a journal that are shown with its session; the whole is in the bundle.
const JOURNAL: usize = 1 << 20;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(super) struct ListQuery {
    /// How many of the sessions that are over to list, at most 1000.
    past: Option<usize>,
}

/// Sessions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SessionsView {
    /// Those that live, then those that are over, the newest first.
    sessions: Vec<SessionView>,
    total: usize,
}

/// What goes on and what went on
#[utoipa::path(get, path = "/api/sessions", tag = "sessions", params(ListQuery), responses(
    (status = 200, description = "Sessions, live ones first", body = SessionsView),
    (status = 401, description = "The key is missing or wrong", body = Detail)))]
pub(super) async fn list(State(Api(api)): State<Api>, Query(query): Query<ListQuery>) -> Json<SessionsView> {
    let sessions = api.sessions.list(query.past.unwrap_or(USUAL).min(MOST));
    Json(SessionsView { total: sessions.len(), sessions })
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(super) struct OneQuery {
    /// `entries` (usual) shows the journal without blobs, `none` leaves it out, `bundle` gives nothing but the journal,
    /// blobs included: a file that `hangar plugin run --script` replays.
    journal: Option<String>,
}

/// One session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct OneView {
    #[serde(flatten)]
    session: SessionView,
    /// What its run was told, and how it answered; absent if there is no journal (any more).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    journal: Option<Vec<Box<RawValue>>>,
    /// Whether the journal is longer than what is shown of it.
    journal_cut: bool,
}

/// One session with its journal
#[utoipa::path(get, path = "/api/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "The session"), OneQuery),
    responses(
        (status = 200, description = "The session", body = OneView),
        (status = 400, description = "`journal` is none of the words", body = Detail),
        (status = 401, description = "The key is missing or wrong", body = Detail),
        (status = 404, description = "There is no such session, or no journal of it", body = Detail)))]
pub(super) async fn one(
    State(Api(api)): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<OneQuery>,
) -> Result<Response, ApiError> {
    let session = api.sessions.view(&id).ok_or_else(|| ApiError::unknown("Session not found"))?;
    match query.journal.as_deref() {
        Some("none") => Ok(Json(OneView { session, journal: None, journal_cut: false }).into_response()),
        Some("bundle") => {
            let journal = api.sessions.journal(&session).await;
            let journal = journal.ok_or_else(|| ApiError::unknown("There is no journal of this session"))?;
            let name = format!("attachment; filename=\"{}.jsonl\"", session.run_id);
            let headers = [(CONTENT_TYPE, "application/x-ndjson".to_owned()), (CONTENT_DISPOSITION, name)];
            Ok((headers, Body::from_stream(pieces(journal.into_file()))).into_response())
        }
        None | Some("entries") => {
            let (journal, journal_cut) = match api.sessions.journal(&session).await {
                Some(journal) => {
                    let (shown, is_cut) = journal.beginning(JOURNAL).await;
                    (Some(shown), is_cut)
                }
                None => (None, false),
            };
            Ok(Json(OneView { session, journal, journal_cut }).into_response())
        }
        Some(_) => Err(ApiError::bad("journal must be \"entries\", \"none\" or \"bundle\"")),
    }
}

/// A file piece by piece: who reads slowly holds one of them, and not the whole.
fn pieces(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    const PIECE: usize = 64 << 10;
    try_unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(piece), file)))
    })
}
