//! The body of a request as a JSON object: serde takes a list for one as well, its values by their places, and nobody means that.

use adjourn_protocol::ProblemCode;
use axum::Json;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::api_error::ApiError;

/// What the object has.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Object<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Json(raw) = Json::<Box<RawValue>>::from_request(request, state).await?;
        read(raw.get()).map(Self)
    }
}

/// Whether a JSON text is an object.
pub(crate) fn is_object(json: &str) -> bool {
    json.trim_start().starts_with('{')
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, ApiError> {
    if !is_object(json) {
        return Err(ApiError::bad_request(ProblemCode::BadJson, "The body is not a JSON object."));
    }
    serde_json::from_str(json).map_err(|error| {
        ApiError::bad_request(
            ProblemCode::BadJson,
            format!("Failed to deserialize the JSON body into the target type: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Wish {
        title: String,
    }

    #[test]
    fn a_list_is_no_object() {
        assert_eq!(read::<Wish>(r#" {"title": "t"}"#).unwrap().title, "t");
        for other in [r#"["t"]"#, r#""t""#, "7", "null", r#"{"title": 7}"#] {
            assert_eq!(read::<Wish>(other).unwrap_err().code, ProblemCode::BadJson, "{other}");
        }
    }
}
