//! Every state of the window, in a real WebKit: nothing is unreachable, cut, covered or off the side, and axe finds nothing.
//! Pictures are kept in `target/pictures/gallery`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::path::Path;

use adjourn_client::{Language, TextSize, Theme};
use adjourn_testbed::{AccessibleNode, Exhibit, Gallery, Tools};

/// A state in the window's own size.
fn usual(state: &str) -> Exhibit {
    let (theme, size, language) = (Theme::Light, TextSize::Usual, Language::English);
    Exhibit {
        state: state.to_owned(),
        width: 960,
        height: 720,
        theme,
        scale: 1.0,
        size,
        language,
        stretched: false,
        press: None,
    }
}

/// Windows in which everything has to be reached: a small screen, the least window, the window's own at 200 % (which has half
/// the pixels), text alone at 200 % in it and in the least one, and the largest captions.
fn windows(state: &str) -> [Exhibit; 6] {
    let own = usual(state);
    [
        Exhibit { width: 800, height: 600, ..own.clone() },
        Exhibit { width: 420, height: 520, ..own.clone() },
        Exhibit { width: 480, height: 360, ..own.clone() },
        Exhibit { scale: 2.0, ..own.clone() },
        Exhibit { width: 420, height: 520, scale: 2.0, ..own.clone() },
        Exhibit { width: 800, height: 600, size: TextSize::Largest, ..own },
    ]
}

async fn open(folder: &Path) -> Gallery {
    Gallery::open(&Tools::find().unwrap(), folder).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_state_everything_is_reached_and_axe_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gallery = open(folder.path()).await;
    let states = gallery.states().await.unwrap();
    assert!(states.len() >= 50, "{states:?}");
    let mut wrong = Vec::new();
    let mut examined = 0;
    for state in &states {
        let plain = windows(state).map(|exhibit| (exhibit, false));
        let themes = [Theme::Light, Theme::Dark].map(|theme| (Exhibit { theme, ..usual(state) }, true));
        // The longest words, and the other direction; each in the least window, where there is no room.
        let languages = [Language::German, Language::French, Language::Spanish, Language::Arabic]
            .map(|language| (Exhibit { language, width: 420, height: 520, ..usual(state) }, false));
        // And sentences that are a third longer.
        let own = Exhibit { stretched: true, ..usual(state) };
        let stretched =
            [Exhibit { width: 420, height: 520, ..own.clone() }, Exhibit { width: 800, height: 600, ..own }];
        let stretched = stretched.map(|exhibit| (exhibit, false));
        for (exhibit, accessibility) in plain.into_iter().chain(themes).chain(languages).chain(stretched) {
            examined += 1;
            let faults = gallery.examine(&exhibit, accessibility, "").await.unwrap();
            wrong.extend(faults.into_iter().map(|fault| format!("{exhibit:?}: {fault}")));
        }
    }
    // What opens over it.
    for (state, button) in
        [("listening", "Sound"), ("waiting", "Sound"), ("listening", "Help"), ("waiting", "Leave")]
    {
        for exhibit in windows(state) {
            examined += 1;
            let exhibit = Exhibit { press: Some(button.to_owned()), ..exhibit };
            let faults = gallery.examine(&exhibit, true, "").await.unwrap();
            wrong.extend(faults.into_iter().map(|fault| format!("{exhibit:?}: {fault}")));
        }
    }
    println!("gallery: {} states, examined {examined} times, {} faults", states.len(), wrong.len());
    gallery.close().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What would be found, if it were there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_planted_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let gallery = open(folder.path()).await;
    let planted = [
        ("<div style='width: 2000px'>x</div>", "px wide in a window"),
        ("<button style='position: absolute; left: -300px'>Away</button>", "off the side"),
        ("<div style='position: fixed; inset: 0; z-index: 9'></div>", "is covered by"),
        ("<p style='overflow: hidden; height: 8px; line-height: 40px'>Cut</p>", "is cut off"),
        (
            "<div style='overflow: hidden; height: 10px'><button>Clipped</button></div>",
            "cuts off what is in it",
        ),
        ("<h1>Another</h1>", "not exactly one h1"),
        ("<button style='width: 30px; padding: 0; overflow-wrap: anywhere'>Squeezed</button>", "is squeezed"),
        ("<p style='color: #999; background: #fff'>Pale</p>", "axe, color-contrast"),
        ("<button></button>", "axe, button-name"),
    ];
    for (markup, found) in planted {
        let faults = gallery.examine(&usual("listening"), true, markup).await.unwrap();
        assert!(faults.iter().any(|fault| fault.contains(found)), "{markup}: {faults:?}");
    }
    // What ends the interview is out of sight.
    let pushed = "<style>.controls { position: static !important; margin-top: 900px !important }</style>";
    let faults = gallery.examine(&usual("listening"), false, pushed).await.unwrap();
    assert!(faults.iter().any(|fault| fault.contains("out of sight")), "{faults:?}");
    assert_eq!(gallery.examine(&usual("listening"), true, "").await.unwrap(), [""; 0]);
    gallery.close().await;
}

/// What people use, in AT-SPI's words.
const USED: [&str; 8] =
    ["push button", "toggle button", "check box", "radio button", "combo box", "entry", "link", "switch"];

/// What is wrong with what a screen reader is told of a state.
fn told_wrong(tree: &AccessibleNode) -> Vec<String> {
    let all = tree.all();
    let mut wrong = Vec::new();
    // A question that stands over everything is all that is told.
    let question = all.iter().find(|node| node.role == "dialog");
    let level = if question.is_some() { 2 } else { 1 };
    let headings: Vec<_> = all.iter().filter(|node| node.level == Some(level)).collect();
    if headings.len() != 1 || headings.iter().any(|heading| heading.name.trim().is_empty()) {
        wrong.push(format!("not exactly one heading with a name: {headings:?}"));
    }
    if question.is_some_and(|question| question.name.trim().is_empty()) {
        wrong.push("a question without a name".to_owned());
    }
    for node in &all {
        if USED.contains(&node.role.as_str()) && node.name.trim().is_empty() {
            wrong.push(format!("a {} without a name", node.role));
        }
        if node.is("focusable") && node.role == "section" && node.name.trim().is_empty() {
            wrong.push("a part that is walked to, and has no name".to_owned());
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_reader_is_told_what_each_state_is_and_what_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut gallery = open(folder.path()).await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/accessible");
    std::fs::create_dir_all(&kept).unwrap();
    let mut wrong = Vec::new();
    for state in gallery.states().await.unwrap() {
        let tree = gallery.tree(&usual(&state), "").await.unwrap();
        std::fs::write(kept.join(format!("{state}.txt")), tree.outline()).unwrap();
        let mut faults = told_wrong(&tree);
        let all = tree.all();
        let has = |role: &str, name: &str| all.iter().any(|node| node.role == role && node.name == name);
        // In the interview the microphone says whether it is on, and the way out has its name.
        if ["listening", "speaking", "muted", "typing"].contains(&state.as_str()) {
            let microphone = all.iter().find(|node| node.name == "Microphone" && node.role != "heading");
            match microphone {
                Some(node) if node.is("checked") != (state == "muted") => {}
                other => faults.push(format!("the microphone is told as {other:?}")),
            }
            if !has("push button", "End interview") {
                faults.push("there is no way to end the interview".to_owned());
            }
        }
        if state.starts_with("asking") || state.ends_with("closing") {
            let safe = all.iter().find(|node| node.role == "push button");
            let begins = safe.is_some_and(|safe| safe.is("focused"));
            if !all.iter().any(|node| node.role == "dialog") || !begins {
                faults.push(format!("it is no question, or does not begin at its safe answer: {safe:?}"));
            }
        }
        wrong.extend(faults.into_iter().map(|fault| format!("{state}: {fault}")));
    }
    // What would be found, if it were there.
    for (markup, found) in [
        ("<button></button>", "a push button without a name"),
        ("<input type=text>", "a entry without a name"),
        ("<h1>Another</h1>", "not exactly one heading"),
    ] {
        let tree = gallery.tree(&usual("listening"), markup).await.unwrap();
        let faults = told_wrong(&tree);
        assert!(faults.iter().any(|fault| fault.contains(found)), "{markup}: {faults:?}\n{}", tree.outline());
    }
    gallery.close().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_state_has_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    let gallery = open(folder.path()).await;
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/pictures/gallery");
    std::fs::create_dir_all(&pictures).unwrap();
    for state in gallery.states().await.unwrap() {
        let looks = [
            (Theme::Light, Language::English, ""),
            (Theme::Dark, Language::English, "-dark"),
            (Theme::Light, Language::German, "-de"),
            (Theme::Light, Language::Arabic, "-ar"),
        ];
        for (theme, language, name) in looks {
            let path = pictures.join(format!("{state}{name}.png"));
            gallery.picture(&Exhibit { theme, language, ..usual(&state) }, &path).await.unwrap();
            assert!(path.metadata().unwrap().len() > 5_000, "{} is empty", path.display());
        }
    }
    gallery.close().await;
}
