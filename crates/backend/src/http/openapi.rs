//! The OpenAPI document.

use std::sync::LazyLock;

use adjourn_protocol::Problem;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use utoipa::OpenApi;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, ResponseBuilder};

#[derive(OpenApi)]
#[openapi(
    info(title = "Adjourn backend", description = "Joining, records and receipts of interviews."),
    paths(crate::http::interviews::post, crate::http::interviews::code, crate::http::interviews::end, crate::http::interviews::erase, crate::http::interviews::tombstone, crate::http::join::post, crate::http::check::post, crate::http::records::put, crate::http::records::get, crate::http::records::receipt, crate::http::replacement::post, crate::http::replacement::history, crate::http::replacement::died,
        crate::http::items::post, crate::http::transcript::get, crate::http::status::get, crate::http::status::events, crate::http::webhooks::post, crate::http::events::get, crate::http::hooks::add, crate::http::hooks::list, crate::http::hooks::remove,
        crate::http::hooks::test, crate::http::hooks::rotate, crate::http::hooks::replay, crate::http::list::get, crate::http::report::get, crate::http::monitor::page, crate::http::monitor::script, crate::http::seats::tell, crate::http::seats::list, crate::http::seats::order, crate::http::seats::watch, crate::http::roster::put, crate::http::roster::get, crate::http::roster::assignment, crate::http::operator::list,
        crate::http::operator::one, crate::http::health::jwks, get, crate::http::health::metrics,
        crate::http::health::healthy, crate::http::health::ready),
    components(schemas(Problem, crate::hooks::FullEvent)),
    modifiers(&Bearer, &Problems)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for name in ["organiser", "upload"] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
        components.add_security_scheme("operator", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// Every refusal is a problem, whatever its status.
struct Problems;

impl utoipa::Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let kind = "application/problem+json";
        for item in document.paths.paths.values_mut() {
            for operation in
                [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
            {
                let responses = &mut operation.responses.responses;
                for (status, response) in responses.iter_mut() {
                    if let (true, RefOr::T(response)) =
                        (status.starts_with('4') || status.starts_with('5'), response)
                    {
                        response.content.insert(kind.to_owned(), RefOr::T(content()));
                    }
                }
                let other = ResponseBuilder::new()
                    .description(
                        "a refusal with its code; 503 with Retry-After: nothing was stored, try again",
                    )
                    .content(kind, content())
                    .build();
                responses.insert("default".to_owned(), RefOr::T(other));
            }
        }
    }
}

/// The document, as served at `/openapi.json`.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// `GET /openapi.json`
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", responses((status = 200, description = "this document", body = Object)))]
pub(crate) fn get() -> impl Future<Output = ([(HeaderName, &'static str); 1], &'static str)> {
    // Written once: anybody may ask for it, and writing it takes a hundred times as long as answering.
    // (Names and texts: it can always be written, and a test reads it.)
    static TEXT: LazyLock<String> = LazyLock::new(|| serde_json::to_string(&document()).unwrap_or_default());
    std::future::ready(([(CONTENT_TYPE, "application/json")], TEXT.as_str()))
}
