//! Every sentence that a candidate can read is in the catalogue, and nothing else is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use adjourn_client::{Catalogue, Language, Message};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

type Sentences = BTreeMap<String, BTreeSet<String>>;

/// What the client tells in English.
fn told() -> Sentences {
    sentences(adjourn_client::sentences(Language::English))
}

/// Names of a catalogue's sentences, with the arguments that each uses.
fn sentences(catalogue: &str) -> Sentences {
    let resource = fluent_syntax::parser::parse(catalogue).expect("the catalogue has mistakes");
    let mut sentences = Sentences::new();
    for entry in resource.body {
        if let Entry::Message(message) = entry {
            let mut used = BTreeSet::new();
            pattern(&message.value.expect("a sentence"), &mut used);
            let twice = sentences.insert(message.id.name.to_owned(), used);
            assert!(twice.is_none(), "{} is there twice", message.id.name);
        }
    }
    sentences
}

fn pattern(of: &Pattern<&str>, used: &mut BTreeSet<String>) {
    for element in &of.elements {
        if let PatternElement::Placeable { expression } = element {
            match expression {
                Expression::Inline(inline) => argument(inline, used),
                Expression::Select { selector, variants } => {
                    argument(selector, used);
                    variants.iter().for_each(|variant| pattern(&variant.value, used));
                }
            }
        }
    }
}

fn argument(of: &InlineExpression<&str>, used: &mut BTreeSet<String>) {
    let InlineExpression::VariableReference { id } = of else {
        panic!("the catalogue uses {of:?}, which nobody needs")
    };
    used.insert(id.name.to_owned());
}

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui")
}

/// `one_of_each` is written by hand, and what is not in it no test here looks at; the page's type is made out of the enum itself.
#[test]
fn one_of_each_message_is_one_of_each() {
    let page = std::fs::read_to_string(ui().join("src/generated/Message.ts")).unwrap();
    let every: BTreeSet<&str> =
        page.split("\"id\": \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let listed: Vec<String> = Message::one_of_each().iter().map(Message::id).collect();
    let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert!(every.len() > 200, "{} messages were found", every.len());
    let missing: Vec<_> = every.symmetric_difference(&listed).collect();
    assert!(missing.is_empty(), "not in one_of_each, or not in the page's type: {missing:?}");
}

/// What a person may write is cut by the page as they write, and refused by the client: both by the same number.
#[test]
fn the_page_and_the_client_take_texts_of_the_same_length() {
    for (page, longest) in
        [("Adjustment", adjourn_protocol::LONGEST_ADJUSTMENT), ("Typing", adjourn_client::LONGEST_TYPED)]
    {
        let page = std::fs::read_to_string(ui().join(format!("src/parts/{page}.svelte"))).unwrap();
        assert!(
            page.contains(&format!("const LONGEST = {longest};")),
            "the client takes {longest} characters"
        );
    }
}

#[test]
fn each_message_has_a_sentence_with_its_arguments_and_each_sentence_a_message() {
    let said: Sentences = Message::one_of_each()
        .iter()
        .map(|message| {
            let value = serde_json::to_value(message).unwrap();
            let args = value["args"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
            (message.id(), args.collect())
        })
        .collect();
    assert_eq!(told(), said);
}

/// The page's own sentences in a language.
fn own(language: Language) -> Sentences {
    let read = |name: &str| {
        let file = ui().join(format!("locales/{}/{name}.ftl", language.tag()));
        sentences(&std::fs::read_to_string(file).unwrap())
    };
    let (mut own, seat) = (read("window"), read("seat"));
    // A seat says some of what is told in other words: of the same things.
    let told = told();
    for (id, used) in seat {
        match told.get(&id) {
            Some(arguments) => assert_eq!(&used, arguments, "{id}"),
            None => assert!(own.insert(id.clone(), used).is_none(), "{id} is in both files"),
        }
    }
    own
}

#[test]
fn each_language_has_each_sentence_with_its_arguments() {
    let folders = std::fs::read_dir(ui().join("locales"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count();
    assert_eq!(folders, Language::ALL.len(), "a folder for each language, and no other");
    for language in Language::ALL {
        assert_eq!(sentences(adjourn_client::sentences(language)), told(), "{language:?}");
        assert_eq!(own(language), own(Language::English), "{language:?}");
        let (catalogue, english) = (Catalogue::of(language), Catalogue::english());
        for message in Message::one_of_each() {
            let text = catalogue.text(&message);
            assert!(
                text != message.id() && !text.contains('{') && !text.contains('$'),
                "{language:?}: {text}"
            );
            let translated = language == Language::English || text != english.text(&message);
            assert!(translated, "{language:?} says {text:?} in English");
        }
    }
}

#[test]
fn numbers_have_the_forms_of_their_language() {
    let said = |language, count| Catalogue::of(language).text(&Message::EntriesPutAside { count });
    for (count, begins) in [(1, "كان سطر"), (2, "كان سطران"), (3, "كانت 3 أسطر"), (11, "كان 11 سطرًا")]
    {
        let text = said(Language::Arabic, count);
        assert!(text.starts_with(begins), "{text}");
    }
    assert!(said(Language::French, 0).starts_with("Une ligne"), "{}", said(Language::French, 0));
    assert!(said(Language::German, 0).starts_with("0 Einträge"), "{}", said(Language::German, 0));
}

#[test]
fn each_sentence_can_be_said() {
    let english = Catalogue::english();
    for message in Message::one_of_each() {
        let text = english.text(&message);
        assert!(text != message.id() && !text.contains('{') && !text.contains("$"), "{text}");
        // What is told is a sentence; headings, answers, signs and the rows of a receipt are none.
        let id = message.id();
        let heading = ["end-", "head-", "ask-", "answer-", "sign-", "figure-", "receipt-"]
            .iter()
            .any(|kind| id.starts_with(kind));
        let ends = text.ends_with(['.', '…', '?', ')']) || text.ends_with("R-1");
        assert!(heading || ends || text.ends_with("…") || id.ends_with("-received"), "{id}: {text}");
    }
    let rows = |count| english.text(&Message::EntriesPutAside { count });
    assert!(rows(1).starts_with("One entry ") && rows(3).starts_with("3 entries "), "{}", rows(3));
}

/// What the page says by itself: `say("name"` or `say("name", { argument: … })` in its sources.
#[test]
fn the_page_uses_each_of_its_own_sentences_and_no_other() {
    let own = own(Language::English);
    let mut used = Sentences::new();
    for file in sources(&ui().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("say(\"") {
            let rest = &text[at + 5..];
            let (id, rest) = rest.split_once('"').unwrap();
            let args =
                rest.strip_prefix(", {").and_then(|rest| rest.split_once('}')).map_or("", |(args, _)| args);
            let names = args.split(',').filter_map(|arg| arg.split(':').next()).map(str::trim);
            let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
            if let Some(before) = used.insert(id.to_owned(), names.clone()) {
                assert_eq!(before, names, "{id} in {}", file.display());
            }
        }
    }
    assert_eq!(own, used);
    let both: Vec<_> = own.keys().filter(|id| told().contains_key(*id)).cloned().collect();
    assert!(both.is_empty(), "{both:?} are in both files");
}

/// What the page's bundle leaves out (`ui/catalogues.ts`) is no sentence of a screen.
#[test]
fn what_is_left_out_of_the_page_is_said_elsewhere() {
    let list = std::fs::read_to_string(ui().join("locales/elsewhere.json")).unwrap();
    let left_out: Vec<String> = serde_json::from_str(&list).unwrap();
    let states = std::fs::read_to_string(ui().join("src/generated/states.json")).unwrap();
    let told = told();
    for id in &left_out {
        assert!(told.contains_key(id), "there is no {id}");
        assert!(
            !states.contains(&format!("\"id\": \"{id}\"")) && !states.contains(&format!("\"id\":\"{id}\"")),
            "{id}"
        );
    }
    assert!(states.contains("\"id\""), "the states name their sentences");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "generated" {
            files.extend(sources(&path));
        } else if name.ends_with(".svelte") || name.ends_with(".ts") {
            files.push(path);
        }
    }
    files
}

/// Nothing that a person reads is written into a screen.
#[test]
fn no_screen_has_a_sentence_of_its_own() {
    for file in sources(&ui().join("src")) {
        if file.extension().is_some_and(|end| end == "ts") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let markup = text.split("</script>").nth(1).unwrap_or(&text);
        // Text between tags, without what is computed.
        let mut depth = 0_usize;
        let (mut tag, mut words) = (false, String::new());
        for letter in markup.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                '<' if depth == 0 => tag = true,
                '>' if depth == 0 && tag => tag = false,
                other if depth == 0 && !tag => words.push(other),
                _ => {}
            }
        }
        let left: String = words.chars().filter(|letter| letter.is_alphabetic()).collect();
        assert!(left.is_empty(), "{} says {:?}", file.display(), words.trim());
    }
}
