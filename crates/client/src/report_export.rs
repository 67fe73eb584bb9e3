//! A copy of the report that candidates can hand over themselves.

use std::path::{Path, PathBuf};

use adjourn_protocol::{ClientInfo, InviteLink, Record, sha256};
use serde::Serialize;

use crate::new_file::new_file;
use crate::{Message, Storage};

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
///
/// # Errors
/// There is no report, or the file can't be written, as it is told.
pub(crate) async fn write(
    storage: &dyn Storage,
    link: &InviteLink,
    client: &ClientInfo,
    unsaved: Option<Vec<u8>>,
    folder: &Path,
) -> Result<PathBuf, Message> {
    let stored = storage.record_of(link).await.map(|stored| stored.filter(|(body, _)| !body.is_empty()));
    let (body, receipt) = match (stored, unsaved) {
        (Ok(Some(stored)), _) => stored,
        (Ok(None) | Err(_), Some(unsaved)) => (unsaved, None),
        (Ok(None), None) => return Err(Message::NothingToCopy),
        // There may be one: the disk does not give it.
        (Err(error), None) => {
            tracing::error!(%error, "the report to copy can't be read");
            return Err(Message::from(&error));
        }
    };
    let head = serde_json::from_slice::<Record>(&body).ok().map(|record| record.head);
    let name = head.map_or_else(
        || "interview".to_owned(),
        |head| format!("{}-{}", head.interview_id.replace(['/', '\\'], "-"), head.attempt),
    );
    let copy = Copy {
        client,
        receipt,
        report: &String::from_utf8_lossy(&body),
        server: link.host(),
        sha256: sha256(&body),
    };
    let bytes =
        serde_json::to_vec_pretty(&copy).map_err(|error| Message::unwritable(folder, &error.into()))?;
    // An older copy may have gone to somebody: it stays what it was.
    new_file(folder, &format!("adjourn-report-{name}"), "json", &bytes)
}
