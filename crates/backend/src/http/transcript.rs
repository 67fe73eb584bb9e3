//! What was said, for whoever may read it.

use axum::Json;
use axum::extract::{Path, State};

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::organisers::Scope;
use crate::state::App;
use crate::transcript::{Transcript, transcript};

/// `GET /v1/interviews/{id}/transcript`
#[utoipa::path(get, path = "/v1/interviews/{id}/transcript", operation_id = "read_transcript", params(("id" = String, Path)),
    responses((status = 200, body = Transcript), (status = 410, description = "erased")), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Transcript>, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    audit::note_of(&app.store, &actor, Deed::ReadTranscript, &id).await?;
    Ok(Json(transcript(&app.store, &id).await?))
}
