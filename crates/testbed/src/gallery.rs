//! Every state of the window, in a real WebKit: to be examined, and for pictures.

use std::path::Path;
use std::time::Duration;

use adjourn_client::{Language, TextSize, Theme};
use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::Tools;
use super::browser::Browser;
use super::process::Child;
use super::reader::{AccessibleNode, PYTHON, Reader};

/// An examination takes about a second.
const LIMIT: Duration = Duration::from_secs(60);

/// One state, in one window.
#[derive(Clone, Debug, Serialize)]
pub struct Exhibit {
    /// Name of the state.
    pub state: String,
    /// Size of the window in pixels.
    pub width: u32,
    /// Likewise.
    pub height: u32,
    /// Colours.
    pub theme: Theme,
    /// Size of text, 2 for 200 %.
    pub scale: f64,
    /// Size of captions.
    pub size: TextSize,
    /// Which language the window speaks.
    pub language: Language,
    /// Every sentence a third longer than in English, with accents and longer words: room for a language that is to come.
    pub stretched: bool,
    /// A button that is pressed first, and opens something.
    pub press: Option<String>,
}

/// The gallery, open in a browser.
#[derive(Debug)]
pub struct Gallery {
    browser: Browser,
    reader: Reader,
    _server: Child,
}

impl Gallery {
    /// Builds it out of the page's sources and opens it.
    ///
    /// # Errors
    /// The page can't be built, or something does not start.
    pub async fn open(tools: &Tools, folder: &Path) -> anyhow::Result<Self> {
        let ui = tools.root.join("ui");
        BUILT.get_or_try_init(|| build(&ui)).await?;
        let files = super::free_port()?;
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", &files.to_string(), "--bind", "127.0.0.1", "--directory"]);
        command.arg(ui.join("gallery-dist"));
        let server = Child::start("the gallery's server", &mut command, &folder.join("gallery.log"))?;
        let browser = Browser::open(folder, &format!("http://127.0.0.1:{files}/index.html?test")).await?;
        let reader = Reader::start(folder, &browser.display, &browser.bus, Command::new(PYTHON))?;
        Ok(Self { browser, reader, _server: server })
    }

    /// Names of the states.
    ///
    /// # Errors
    /// The page does not answer.
    pub async fn states(&self) -> anyhow::Result<Vec<String>> {
        let script = "const done = arguments[0]; \
            const look = () => window.states ? done(window.states) : setTimeout(look, 20); look()";
        Ok(serde_json::from_value(self.browser.page.execute_async(script, Vec::new()).await?)?)
    }

    /// What is wrong with it, a sentence each; `accessibility`: also what axe says. `planted`: markup that is put into it first.
    ///
    /// # Errors
    /// It can't be examined.
    pub async fn examine(
        &self,
        exhibit: &Exhibit,
        accessibility: bool,
        planted: &str,
    ) -> anyhow::Result<Vec<String>> {
        let script = "const [wish, axe, planted, done] = arguments; \
            window.examine(wish, axe, planted).then(done, (error) => done(`it can't be examined: ${error}`))";
        let arguments = vec![serde_json::to_value(exhibit)?, json!(accessibility), json!(planted)];
        let faults = self.browser.page.execute_async(script, arguments).await?;
        serde_json::from_value(faults.clone()).with_context(|| format!("{}: {faults}", exhibit.state))
    }

    /// Shows it, with markup put into it; gives the name of what is shown.
    async fn show(&self, exhibit: &Exhibit, planted: &str) -> anyhow::Result<String> {
        let script = "const [wish, planted, done] = arguments; \
            window.show(wish, planted).then((name) => done({ name }), (error) => done({ error: `${error}` }))";
        let wish = serde_json::to_value(exhibit)?;
        let shown = self.browser.page.execute_async(script, vec![wish, json!(planted)]).await?;
        let name = shown["name"].as_str().with_context(|| format!("{}: {shown}", exhibit.state))?;
        Ok(name.to_owned())
    }

    /// Takes a picture of it.
    ///
    /// # Errors
    /// It can't be taken.
    pub async fn picture(&self, exhibit: &Exhibit, path: &Path) -> anyhow::Result<()> {
        self.show(exhibit, "").await?;
        self.browser.picture(exhibit.width, exhibit.height, path).await
    }

    /// What a screen reader is told of it, once that is of this state; `planted`: markup that is put into it.
    ///
    /// # Errors
    /// It can't be shown, or nothing of it is told.
    pub async fn tree(&mut self, exhibit: &Exhibit, planted: &str) -> anyhow::Result<AccessibleNode> {
        let name = self.show(exhibit, planted).await?;
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let told = self.reader.tree().await?;
            let line = told.as_ref().map_or_else(|| "nothing".to_owned(), AccessibleNode::outline);
            if let Some(tree) = told.filter(|tree| tree.name == name && !tree.children.is_empty()) {
                return Ok(tree);
            }
            let late = tokio::time::Instant::now() >= deadline;
            anyhow::ensure!(!late, "{name} is not told of, but {line}");
        }
    }

    /// Closes it.
    pub async fn close(self) {
        self.browser.close().await;
    }
}

/// Built once for all that open it.
static BUILT: OnceCell<()> = OnceCell::const_new();

async fn build(ui: &Path) -> anyhow::Result<()> {
    let built = Command::new("npm").args(["run", "--silent", "gallery"]).current_dir(ui).output().await?;
    anyhow::ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(())
}
