//! The sentences, for a terminal and for tests; the page has the same catalogue (`ui/src/locale.ts`).

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde_json::Value;

use crate::{Language, Message};

/// What the client tells, as it is in the catalogue of a language.
pub fn sentences(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../../ui/locales/en/client.ftl"),
        Language::German => include_str!("../../../ui/locales/de/client.ftl"),
        Language::Spanish => include_str!("../../../ui/locales/es/client.ftl"),
        Language::French => include_str!("../../../ui/locales/fr/client.ftl"),
        Language::Arabic => include_str!("../../../ui/locales/ar/client.ftl"),
    }
}

/// A language's sentences.
pub struct Catalogue(FluentBundle<FluentResource>);

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Catalogue")
    }
}

impl Catalogue {
    /// English.
    pub fn english() -> Self {
        Self::of(Language::English)
    }

    /// A language. What of it can't be read is left out, and said in the log; a test reads all of it.
    pub fn of(language: Language) -> Self {
        let tag = language.tag().parse().unwrap_or_else(|_| unic_langid::langid!("en"));
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // A terminal has no use for marks around what is inserted.
        bundle.set_use_isolating(false);
        let resource =
            FluentResource::try_new(sentences(language).to_owned()).unwrap_or_else(|(resource, errors)| {
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
