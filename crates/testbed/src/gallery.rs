//! Every state of the window, in a real WebKit: to be examined, and for pictures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_client::{Language, TextSize, Theme};
use anyhow::Context as _;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Serialize;
use serde_json::json;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::Tools;
use super::process::{Child, until};
use super::reader::{AccessibleNode, PYTHON, Reader, WITH_ACCESSIBILITY};
use super::window::{on_screen, picture_of, screen};

/// Pixels of the screen: larger than whatever is shown on it.
const SCREEN: &str = "1400x1000x24";
/// What the browser shows above a page, in pixels.
const BAR: u32 = 38;
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
    page: Client,
    reader: Reader,
    display: String,
    driver: Child,
    _server: Child,
    _screen: Child,
}

impl Gallery {
    /// Builds it out of the page's sources and opens it.
    ///
    /// # Errors
    /// The page can't be built, or something does not start.
    pub async fn open(tools: &Tools, folder: &Path) -> anyhow::Result<Self> {
        let ui = tools.root.join("ui");
        BUILT.get_or_try_init(|| build(&ui)).await?;
        let (display, screen) = screen(folder, SCREEN).await?;
        let (port, files) = (super::free_port()?, super::free_port()?);
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", &files.to_string(), "--bind", "127.0.0.1", "--directory"]);
        command.arg(ui.join("gallery-dist"));
        let server = Child::start("the gallery's server", &mut command, &folder.join("gallery.log"))?;
        let mut command = Command::new("dbus-run-session");
        command
            .args(["--", "sh", "-c", WITH_ACCESSIBILITY, "WebKitWebDriver", &format!("--port={port}")])
            .env("GTK_THEME", "Adwaita")
            .stdout(std::process::Stdio::null());
        on_screen(&mut command, &display, folder);
        let bus = folder.join("session-bus");
        command.env_remove("NO_AT_BRIDGE").env("SESSION_BUS", &bus);
        let mut driver = Child::start("WebKitWebDriver", &mut command, &folder.join("driver.log"))?;
        let base = format!("http://127.0.0.1:{port}");
        let (probe, addresses) = (
            reqwest::Client::new(),
            [format!("{base}/status"), format!("http://127.0.0.1:{files}/index.html")],
        );
        for address in &addresses {
            until(&mut driver, Duration::from_secs(20), "the start of the browser", || {
                let request = probe.get(address).send();
                async move { request.await.is_ok_and(|r| r.status().is_success()) }
            })
            .await?;
        }
        let options = json!({"binary": browser()?, "args": ["--automation"]});
        let wanted = serde_json::Map::from_iter([
            ("webkitgtk:browserOptions".to_owned(), options),
            ("timeouts".to_owned(), json!({"script": LIMIT.as_millis()})),
        ]);
        let page = ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&base).await;
        let page = page.context("no browser opens")?;
        page.set_window_size(1300, 950).await?;
        page.goto(&format!("{}?test", addresses[1])).await?;
        let reader = Reader::start(tools, folder, &display, &bus, Command::new(PYTHON))?;
        Ok(Self { page, reader, display, driver, _server: server, _screen: screen })
    }

    /// Names of the states.
    ///
    /// # Errors
    /// The page does not answer.
    pub async fn states(&self) -> anyhow::Result<Vec<String>> {
        let script = "const done = arguments[0]; \
            const look = () => window.states ? done(window.states) : setTimeout(look, 20); look()";
        Ok(serde_json::from_value(self.page.execute_async(script, Vec::new()).await?)?)
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
        let faults = self.page.execute_async(script, arguments).await?;
        serde_json::from_value(faults.clone()).with_context(|| format!("{}: {faults}", exhibit.state))
    }

    /// Shows it, with markup put into it; gives the name of what is shown.
    async fn show(&self, exhibit: &Exhibit, planted: &str) -> anyhow::Result<String> {
        let script = "const [wish, planted, done] = arguments; \
            window.show(wish, planted).then((name) => done({ name }), (error) => done({ error: `${error}` }))";
        let wish = serde_json::to_value(exhibit)?;
        let shown = self.page.execute_async(script, vec![wish, json!(planted)]).await?;
        let name = shown["name"].as_str().with_context(|| format!("{}: {shown}", exhibit.state))?;
        Ok(name.to_owned())
    }

    /// Takes a picture of it.
    ///
    /// # Errors
    /// It can't be taken.
    pub async fn picture(&self, exhibit: &Exhibit, path: &Path) -> anyhow::Result<()> {
        self.show(exhibit, "").await?;
        let Exhibit { width, height, .. } = exhibit;
        picture_of(&self.display, path, Some(&format!("{width}x{height}+0+{BAR}"))).await
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
    pub async fn close(mut self) {
        // A driver that is gone already has closed it.
        let _ = self.page.close().await;
        self.driver.kill().await;
    }
}

/// Built once for all that open it.
static BUILT: OnceCell<()> = OnceCell::const_new();

async fn build(ui: &Path) -> anyhow::Result<()> {
    let built = Command::new("npm").args(["run", "--silent", "gallery"]).current_dir(ui).output().await?;
    anyhow::ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(())
}

/// WebKitGTK's own small browser.
fn browser() -> anyhow::Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?;
    let found = folders
        .filter_map(Result::ok)
        .map(|folder| folder.path().join("webkit2gtk-4.1/MiniBrowser"))
        .find(|path| path.exists());
    found.context("WebKitGTK's MiniBrowser is not installed (libwebkit2gtk-4.1-0)")
}
