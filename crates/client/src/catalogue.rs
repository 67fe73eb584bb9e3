//! The sentences, for a terminal and for tests; the page has the same catalogue (`ui/src/locale.ts`).

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde_json::Value;

use crate::Message;

/// English, as it is in the catalogue.
pub const ENGLISH: &str = include_str!("../../../ui/locales/en/client.ftl");

/// A language's sentences.
pub struct Catalogue(FluentBundle<FluentResource>);

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Catalogue")
    }
}

impl Catalogue {
    /// English. What of it can't be read is left out, and said in the log; a test reads all of it.
    pub fn english() -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![unic_langid::langid!("en")]);
        // A terminal has no use for marks around what is inserted.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(ENGLISH.to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(?errors, "the catalogue has mistakes");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, "the catalogue says something twice");
        }
        Self(bundle)
    }

    /// A message as a sentence. One that the catalogue lacks is its name.
    pub fn text(&self, message: &Message) -> String {
        let (id, args) = parts(message);
        let Some(pattern) = self.0.get_message(&id).and_then(|message| message.value()) else { return id };
        let mut errors = Vec::new();
        let text = self.0.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(id, ?errors, "a sentence lacks something");
        }
        text
    }
}

/// A message's name, and what it names.
fn parts(message: &Message) -> (String, FluentArgs<'static>) {
    // As it goes to the page.
    let value = serde_json::to_value(message).unwrap_or_default();
    let mut args = FluentArgs::new();
    for (name, value) in value["args"].as_object().into_iter().flatten() {
        let value = match value {
            Value::Number(number) => FluentValue::from(number.as_f64().unwrap_or_default()),
            Value::String(text) => FluentValue::from(text.clone()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => FluentValue::None,
        };
        args.set(name.clone(), value);
    }
    (value["id"].as_str().unwrap_or_default().to_owned(), args)
}
