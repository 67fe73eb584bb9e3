//! What is done for an interview beside any request says in the log which one it is about.

use tracing::{Span, info_span};

/// The span of such work.
pub(crate) fn of_interview(id: &str) -> Span {
    info_span!("interview", interview_id = %id)
}
