//! A copy of the report that candidates can hand over themselves.

use std::path::{Path, PathBuf};

use adjourn_protocol::{ClientInfo, JoinLink, Record, sha256};
use serde::Serialize;

use crate::Storage;

/// A copy that could not be saved. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("{}", crate::messages::NO_COPY_YET)]
    Nothing,
    #[error(
        "The copy could not be saved in {0} ({1}). Free some disk space, or choose another folder for downloads."
    )]
    Unwritable(PathBuf, std::io::Error),
}

/// What a copy holds.
#[derive(Serialize)]
struct Copy<'a> {
    client: &'a ClientInfo,
    receipt: Option<String>,
    /// As text: the digest is of exactly these bytes.
    report: &'a str,
    server: String,
    sha256: String,
}

/// Writes the newest report of `link` into `folder`; `unsaved`: one that the disk did not take. The file holds
/// the report as it is sent, its digest, and its receipt if there is one; no token and no code. Gives its path.
pub(crate) async fn write(
    storage: &dyn Storage,
    link: &JoinLink,
    client: &ClientInfo,
    unsaved: Option<Vec<u8>>,
    folder: &Path,
) -> Result<PathBuf, CopyError> {
    let stored = storage.record_of(link).await.ok().flatten().filter(|(body, _)| !body.is_empty());
    let (body, receipt) = stored.or_else(|| Some((unsaved?, None))).ok_or(CopyError::Nothing)?;
    let head = serde_json::from_slice::<Record>(&body).ok().map(|record| record.head);
    let name = head.map_or_else(
        || "interview".to_owned(),
        |head| format!("{}-{}", head.interview_id.replace(['/', '\\'], "-"), head.attempt),
    );
    let path = folder.join(format!("adjourn-report-{name}.json"));
    let copy = Copy {
        client,
        receipt,
        report: &String::from_utf8_lossy(&body),
        server: link.host(),
        sha256: sha256(&body),
    };
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, serde_json::to_vec_pretty(&copy).unwrap_or_default()));
    written.map_err(|error| CopyError::Unwritable(folder.to_owned(), error))?;
    Ok(path)
}
