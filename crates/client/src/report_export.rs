//! A copy of the report that candidates can hand over themselves.

use std::path::{Path, PathBuf};

use adjourn_protocol::{ClientInfo, InviteLink, Record, sha256};
use serde::Serialize;

use crate::{Message, Storage};

/// A copy that could not be saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("there is no report")]
    Nothing,
    #[error("{0} can't be written: {1}")]
    Unwritable(PathBuf, std::io::Error),
}

impl From<CopyError> for Message {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Nothing => Self::NothingToCopy,
            CopyError::Unwritable(folder, reason) => Self::unwritable(&folder, &reason),
        }
    }
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
    link: &InviteLink,
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
