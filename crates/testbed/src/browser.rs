//! A real WebKit that shows any page, driven by WebDriver, on a screen that nobody sees.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::Command;

use super::process::{Child, until};
use super::reader::WITH_ACCESSIBILITY;
use super::window::{on_screen, picture_of, screen};

/// Pixels of the screen: larger than whatever is shown on it.
const SCREEN: &str = "1400x1000x24";
/// What the browser shows above a page, in pixels.
const BAR: u32 = 38;
/// A script takes some seconds at most.
const LIMIT: Duration = Duration::from_secs(60);

/// The browser.
#[derive(Debug)]
pub struct Browser {
    pub(super) page: Client,
    pub(super) display: String,
    /// The file with the address of its session's bus.
    pub(super) bus: PathBuf,
    driver: Child,
    _screen: Child,
}

impl Browser {
    /// Opens it with a page.
    ///
    /// # Errors
    /// The screen, the driver or the browser does not start.
    pub async fn open(folder: &Path, address: &str) -> anyhow::Result<Self> {
        let (display, screen) = screen(folder, SCREEN).await?;
        let port = super::free_port()?;
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
        let probe = reqwest::Client::new();
        for asked in [&format!("{base}/status"), address] {
            until(&mut driver, Duration::from_secs(20), "the start of the browser", || {
                let request = probe.get(asked).send();
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
        page.goto(address).await?;
        Ok(Self { page, display, bus, driver, _screen: screen })
    }

    /// Runs a script in the page and gives its result.
    ///
    /// # Errors
    /// The page does not answer.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.page.execute(script, arguments).await?)
    }

    /// Types into what has the focus; keys without a letter as WebDriver has them (`\u{e007}`: Return).
    ///
    /// # Errors
    /// Nothing has the focus.
    pub async fn keys(&self, keys: &str) -> anyhow::Result<()> {
        Ok(self.page.active_element().await?.send_keys(keys).await?)
    }

    /// Waits until a script gives true; gives how long that took.
    ///
    /// # Errors
    /// It does not in time; says what the page shows.
    pub async fn wait(&self, what: &str, script: &str, limit: Duration) -> anyhow::Result<Duration> {
        let began = tokio::time::Instant::now();
        while self.script(script, Vec::new()).await? != Value::Bool(true) {
            if began.elapsed() > limit {
                let text = self.script("return document.body.innerText", Vec::new()).await?;
                anyhow::bail!("{what} was not seen within {limit:?}; the page shows:\n{text}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(began.elapsed())
    }

    /// Takes a picture of so much of the page, from its upper left.
    ///
    /// # Errors
    /// It can't be taken.
    pub async fn picture(&self, width: u32, height: u32, path: &Path) -> anyhow::Result<()> {
        picture_of(&self.display, path, Some(&format!("{width}x{height}+0+{BAR}"))).await
    }

    /// Closes it.
    pub async fn close(mut self) {
        // A driver that is gone already has closed it.
        let _ = self.page.close().await;
        self.driver.kill().await;
    }
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
