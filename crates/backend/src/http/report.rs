//! The report of an interview, for whoever may read it.

use axum::Json;
use axum::extract::{Path, State};

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::organisers::Scope;
use crate::report::Report;
use crate::state::App;

/// Bytes of records in one report; a larger one is read by itself.
const MOST: usize = 16 << 20;

/// `GET /v1/interviews/{id}/report`
#[utoipa::path(get, path = "/v1/interviews/{id}/report", operation_id = "read_report", params(("id" = String, Path)),
    responses((status = 200, body = Report), (status = 404, description = "not_found"), (status = 410, description = "erased"), (status = 429, description = "too_many: two are read already")), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Report>, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    let _share = app.large.take("reports".to_owned()).ok_or_else(|| {
        let title = "Too many reports are read at a time.";
        ApiError::too_many(title, 2)
    })?;
    audit::note_of(&app.store, &actor, Deed::ReadReport, &id).await?;
    Report::of(&app.store, &id, MOST).await.map(Json)
}
