//! A copy of the report that a candidate can hand over himself.

use std::path::{Path, PathBuf};

use adjourn_protocol::{ClientInfo, JoinLink, sha256};
use adjourn_outbox::Outbox;
use serde_json::{Value, json};

/// A copy that could not be saved. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("{}", crate::words::NO_COPY_YET)]
    Nothing,
    #[error(
        "The copy could not be saved in {0} ({1}). Free some disk space, or choose another folder for downloads."
    )]
    Unwritable(PathBuf, std::io::Error),
}

/// Writes the newest report of `link` into `folder`; `unsaved`: one that the disk did not take. The file holds
/// the report as it is sent, its digest, and its receipt if there is one; no token and no code. Gives its path.
pub(crate) async fn write(
    outbox: &Outbox,
    link: &JoinLink,
    client: &ClientInfo,
    unsaved: Option<Vec<u8>>,
    folder: &Path,
) -> Result<PathBuf, CopyError> {
    let stored = outbox.record_of(link).await.ok().flatten().filter(|(body, _)| !body.is_empty());
    let (body, receipt) = stored.or_else(|| Some((unsaved?, None))).ok_or(CopyError::Nothing)?;
    let record: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let name = |field: &str| record[field].as_str().unwrap_or("interview").replace(['/', '\\'], "-");
    let path = folder.join(format!("adjourn-report-{}-{}.json", name("interview_id"), record["attempt"]));
    let copy = json!({
        "sha256": sha256(&body), "receipt": receipt, "client": client, "server": link.host(),
        // As text: the digest is of exactly these bytes.
        "report": String::from_utf8_lossy(&body),
    });
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, serde_json::to_vec_pretty(&copy).unwrap_or_default()));
    written.map_err(|error| CopyError::Unwritable(folder.to_owned(), error))?;
    Ok(path)
}
