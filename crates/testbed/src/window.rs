//! The real window in a real webview, driven by WebDriver, on a screen that nobody sees.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, MapState};

use super::process::{Child, until};
use super::{Pulse, Tools};

/// Size of the screen in pixels.
const SCREEN: &str = "960x720x24"; // the window's own: without a window manager it fills the screen

/// How a window is opened.
#[derive(Clone, Debug, Default)]
pub struct WindowOptions {
    /// With the system's dark colours.
    pub dark: bool,
    /// Size of the screen in pixels, with its depth (`800x600x24`); the window's own, if not given.
    pub screen: Option<&'static str>,
    /// Where it keeps its data, if not in the testbed's folder.
    pub data: Option<PathBuf>,
    /// Of the program's environment, besides.
    pub environment: Vec<(String, String)>,
}

/// A running window.
#[derive(Debug)]
pub struct Window {
    page: Client,
    display: String,
    library: PathBuf,
    // Dropped in this order: driver with the app, then the screen.
    driver: Child,
    _screen: Child,
}

impl Window {
    /// Opens the app with a link, at the given sound server.
    ///
    /// # Errors
    /// The screen, the driver or the app does not start.
    pub async fn open(
        tools: &Tools,
        folder: &Path,
        link: &str,
        pulse: &Pulse,
        options: &WindowOptions,
    ) -> anyhow::Result<Self> {
        let (display, screen) = screen(folder, options.screen.unwrap_or(SCREEN)).await?;
        let (port, native) = (super::free_port()?, super::free_port()?);
        let mut command = Command::new("dbus-run-session");
        command
            .arg("--")
            .arg(&tools.driver()?)
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env("GTK_THEME", if options.dark { "Adwaita:dark" } else { "Adwaita" })
            .env("ADJOURN_LIVEKIT_LIBRARY", &tools.library)
            .stdout(std::process::Stdio::null());
        on_screen(&mut command, &display, folder);
        pulse.give(&mut command);
        command.envs(options.environment.iter().map(|(name, value)| (name, value)));
        let mut driver = Child::start("tauri-driver", &mut command, &folder.join("driver.log"))?;
        let base = format!("http://127.0.0.1:{port}");
        let (probe, address) = (reqwest::Client::new(), format!("{base}/status"));
        until(&mut driver, Duration::from_secs(20), "the driver's start", || {
            let request = probe.get(&address).send();
            async move { request.await.is_ok_and(|r| r.status().is_success()) }
        })
        .await?;
        let app = Tools::binary("adjourn")?;
        let data = options.data.clone().unwrap_or_else(|| folder.join("client"));
        let trace = folder.join("trace.jsonl");
        let options = json!({"application": app, "args": ["--join", link, "--data", data, "--trace", trace]});
        let wanted = serde_json::Map::from_iter([("tauri:options".to_owned(), options)]);
        let page = ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&base).await;
        let page = page.context("the driver opens no window")?;
        let library = tools.library.clone();
        Ok(Self { page, display, library, driver, _screen: screen })
    }

    /// The process that everything of it is below.
    pub fn driver(&self) -> i32 {
        self.driver.pid()
    }

    /// Runs a script in the page and gives its result.
    ///
    /// # Errors
    /// The page does not answer.
    pub async fn script(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.page.execute(script, Vec::new()).await?)
    }

    /// Which screen is shown.
    ///
    /// # Errors
    /// The page does not answer.
    pub async fn screen(&self) -> anyhow::Result<String> {
        let value = self.script("return document.querySelector('main')?.dataset.screen ?? ''").await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Text of the page, as a person reads it.
    ///
    /// # Errors
    /// The page does not answer.
    pub async fn text(&self) -> anyhow::Result<String> {
        let value = self.script("return document.querySelector('main')?.innerText ?? ''").await?;
        // Marks around a name that may be written from right to left: nobody sees them.
        Ok(value.as_str().unwrap_or_default().replace(['\u{2068}', '\u{2069}'], ""))
    }

    /// Waits until a script gives true.
    ///
    /// # Errors
    /// It does not in time; says what the page shows.
    pub async fn wait(&self, what: &str, script: &str, limit: Duration) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            if self.script(script).await? == Value::Bool(true) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                anyhow::bail!(
                    "{what} was not seen within {limit:?}; the window shows:\n{}",
                    self.text().await?
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for a screen.
    ///
    /// # Errors
    /// It does not come in time.
    pub async fn wait_screen(&self, name: &str, limit: Duration) -> anyhow::Result<()> {
        let script = format!("return document.querySelector('main')?.dataset.screen === '{name}'");
        self.wait(&format!("the screen `{name}`"), &script, limit).await
    }

    /// Presses the button with this text, as a person would with the keyboard.
    ///
    /// # Errors
    /// There is no such button.
    pub async fn press(&self, button: &str) -> anyhow::Result<()> {
        let path = format!("//button[normalize-space()='{button}']");
        self.page.find(Locator::XPath(&path)).await?.click().await?;
        Ok(())
    }

    /// Types these keys where the focus is (WebDriver's code points: `\u{e00c}` is Escape).
    ///
    /// # Errors
    /// Nothing has the focus.
    pub async fn keys(&self, keys: &str) -> anyhow::Result<()> {
        self.page.active_element().await?.send_keys(keys).await?;
        Ok(())
    }

    /// Saves a picture of the screen: what a person would see, taken from the X server. (The driver's own
    /// screenshot waits for the page to be painted again, which a finished page never is.)
    ///
    /// # Errors
    /// The picture can't be taken.
    pub async fn picture(&self, path: &Path) -> anyhow::Result<()> {
        picture_of(&self.display, path, None).await
    }

    /// Starts the app once more with the same folder and this link, as a desktop does when a link is opened, and waits
    /// for its end.
    ///
    /// # Errors
    /// It can't be started, or goes on running.
    pub async fn start_again(&self, folder: &Path, link: &str) -> anyhow::Result<std::process::ExitStatus> {
        let mut again = Command::new(Tools::binary("adjourn")?);
        again.args(["--join", link, "--data"]).arg(folder.join("client")).kill_on_drop(true);
        on_screen(&mut again, &self.display, folder);
        // Its library is where the first one's is.
        again.env("ADJOURN_LIVEKIT_LIBRARY", &self.library);
        let ended = tokio::time::timeout(Duration::from_secs(20), again.status()).await;
        Ok(ended.context("the second start goes on running")??)
    }

    /// What the app, and its driver, said so far.
    pub fn log(&self) -> String {
        self.driver.said()
    }

    /// Kills the process of the page, as a lack of memory does.
    ///
    /// # Errors
    /// There is none.
    pub fn kill_page(&self) -> anyhow::Result<()> {
        self.signal_page(Signal::KILL)
    }

    /// Stops the process of the page, as a script without end does.
    ///
    /// # Errors
    /// There is none.
    pub fn stop_page(&self) -> anyhow::Result<()> {
        self.signal_page(Signal::STOP)
    }

    fn signal_page(&self, signal: Signal) -> anyhow::Result<()> {
        let mut pages = self.driver.group().into_iter().filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| name.starts_with("WebKitWebProc"))
        });
        let page = pages.next().context("there is no process of a page")?;
        Child::signal_pid(page, signal)
    }

    /// Presses the window's X: asks the program to close it, as a window manager does (ICCCM, 4.2.8.1).
    ///
    /// # Errors
    /// There is no window that takes it.
    pub fn press_x(&self) -> anyhow::Result<()> {
        let (x, screen) = x11rb::connect(Some(&self.display))?;
        let root = x.setup().roots.get(screen).context("no such screen")?.root;
        let atom = |name: &[u8]| anyhow::Ok(x.intern_atom(false, name)?.reply()?.atom);
        let (protocols, delete) = (atom(b"WM_PROTOCOLS")?, atom(b"WM_DELETE_WINDOW")?);
        for window in x.query_tree(root)?.reply()?.children {
            let shown = x.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE;
            let taken = x.get_property(false, window, protocols, AtomEnum::ATOM, 0, 32)?.reply()?;
            if shown && taken.value32().is_some_and(|mut atoms| atoms.any(|atom| atom == delete)) {
                let event =
                    ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
                x.send_event(false, window, EventMask::NO_EVENT, event)?.check()?;
                return Ok(());
            }
        }
        anyhow::bail!("no window on {} can be closed", self.display)
    }

    /// Ends the session and with it the app.
    pub async fn close(mut self) {
        // A driver that is gone already has closed it.
        let _ = self.page.close().await;
        self.driver.kill().await;
    }
}

/// How long the window takes from the start of its program until its first screen can be used, by itself: nothing drives it.
///
/// # Errors
/// The screen or the app does not start.
pub async fn opening_window(folder: &Path) -> anyhow::Result<Duration> {
    let tools = Tools::find()?;
    let (display, _screen) = screen(folder, SCREEN).await?;
    let mut command = Command::new("dbus-run-session");
    command.arg("--").arg(Tools::binary("adjourn")?).arg("--data").arg(folder.join("client"));
    command.env("ADJOURN_LIVEKIT_LIBRARY", &tools.library);
    on_screen(&mut command, &display, folder);
    let began = std::time::Instant::now();
    let mut app = Child::start("adjourn", &mut command, &folder.join("window.log"))?;
    let limit = Duration::from_secs(30);
    loop {
        if app.said().contains("the page listens") {
            let took = began.elapsed();
            app.kill().await;
            return Ok(took);
        }
        anyhow::ensure!(began.elapsed() < limit && app.running(), "the window does not open: {}", app.said());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The first line that a program prints which opens a window, on a screen that nobody sees.
///
/// # Errors
/// The screen or the program does not start, or it prints nothing.
pub async fn line_on_a_screen(mut command: Command, folder: &Path) -> anyhow::Result<String> {
    let (display, _screen) = screen(folder, SCREEN).await?;
    on_screen(&mut command, &display, folder);
    let log = folder.join("opens.log");
    let (_child, _, mut lines) = Child::start_talking("the program", &mut command, &log)?;
    let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await;
    let line = line.with_context(|| format!("it prints nothing; see {}", log.display()))??;
    line.with_context(|| format!("it ended; see {}", log.display()))
}

/// Where a webview shows itself, without what a screen that nobody sees does not have.
pub(super) fn on_screen(command: &mut Command, display: &str, folder: &Path) {
    command
        .env("DISPLAY", display)
        .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("NO_AT_BRIDGE", "1")
        .env("XDG_RUNTIME_DIR", folder);
}

/// Saves a picture of a screen, or of a part of it (`WIDTHxHEIGHT+X+Y`).
pub(super) async fn picture_of(display: &str, path: &Path, part: Option<&str>) -> anyhow::Result<()> {
    let mut command = Command::new("import");
    command.args(["-display", display, "-window", "root"]);
    command.args(part.iter().flat_map(|part| ["-crop", part, "+repage"])).arg(path);
    let output = command.output().await.context("`import` (imagemagick) is not installed")?;
    anyhow::ensure!(
        output.status.success(),
        "no picture: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// Starts a virtual screen of this size; the server chooses the number and says it.
pub(super) async fn screen(folder: &Path, size: &str) -> anyhow::Result<(String, Child)> {
    let mut command = Command::new("Xvfb");
    // -noreset: with its last program gone it would begin anew, and take nobody in the meantime.
    command.args(["-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp", "-noreset"]);
    let (child, _, mut lines) = Child::start_talking("Xvfb", &mut command, &folder.join("xvfb.log"))
        .context("Xvfb is needed for the window")?;
    let number = tokio::time::timeout(Duration::from_secs(10), lines.next_line())
        .await
        .context("Xvfb says nothing")??;
    Ok((format!(":{}", number.context("Xvfb ended")?.trim()), child))
}
