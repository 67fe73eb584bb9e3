//! A page that died, or that hangs, is loaded again: the client, which is no part of it, goes on meanwhile, sound included. One that
//! can't be loaded is replaced by a sentence.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tauri::WebviewWindow;
use tokio::time::MissedTickBehavior;

/// Between two questions to the page whether it lives.
const BEAT: Duration = Duration::from_secs(1);
/// Questions in a row that a page leaves unanswered until it hangs. Questions, not seconds: a computer on which nothing runs, or a program
/// whose main thread stands still, asks none meanwhile.
const UNANSWERED: u32 = 5;
/// The same for a page that is being loaded: until it listens.
const LOADING: u32 = 30;
/// A page is loaded again so often at most within [`WITHIN`], or without ever listening: what keeps it from living may be here to stay.
const MOST: usize = 3;
/// See [`MOST`]; and so long until one that was given up is tried once more.
const WITHIN: Duration = Duration::from_secs(60);

/// What is known of the page.
#[derive(Debug, Default)]
struct PageHealth {
    /// It was loaded, and takes what there is to be shown.
    listens: bool,
    /// Questions since its last sign of life.
    unanswered: u32,
    /// How often it answered so far.
    answers: u64,
    /// When it was loaded again.
    loaded_again: VecDeque<Instant>,
    /// How often that was since it listened last.
    fruitless: usize,
    /// It was loaded too often, and a sentence stands in its place: since when.
    given_up: Option<Instant>,
}

/// What to do about the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It lives, as far as is known, or there is nothing to be done now.
    Wait,
    /// It hangs: an end to it.
    Kill,
    /// Once more, in place of the sentence.
    Load,
}

impl PageHealth {
    /// It is about to be asked once more.
    fn beat(&mut self, now: Instant) -> Step {
        if let Some(since) = self.given_up {
            if now.duration_since(since) < WITHIN {
                return Step::Wait;
            }
            // One try.
            self.fruitless = MOST - 1;
            return if self.loads(now) { Step::Load } else { Step::Wait };
        }
        self.unanswered += 1;
        let most = if self.listens { UNANSWERED } else { LOADING };
        if self.unanswered <= most {
            return Step::Wait;
        }
        (self.listens, self.unanswered) = (false, 0);
        Step::Kill
    }

    /// It answered. One that does not listen yet shows nothing, whatever it answers.
    fn answered(&mut self) {
        if self.listens {
            self.unanswered = 0;
            self.answers += 1;
        }
    }

    /// It listens.
    fn listens(&mut self) {
        (self.listens, self.unanswered, self.fruitless) = (true, 0, 0);
    }

    /// Whether it is loaded again now.
    fn loads(&mut self, now: Instant) -> bool {
        while self.loaded_again.front().is_some_and(|at| now.duration_since(*at) >= WITHIN) {
            self.loaded_again.pop_front();
        }
        (self.listens, self.unanswered) = (false, 0);
        if self.loaded_again.len() >= MOST || self.fruitless >= MOST {
            self.given_up = Some(now);
            return false;
        }
        self.loaded_again.push_back(now);
        (self.fruitless, self.given_up) = (self.fruitless + 1, None);
        true
    }
}

/// Watches the page of the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageGuard(Arc<Mutex<PageHealth>>);

impl PageGuard {
    /// The page listens.
    pub(crate) fn listens(&self) {
        self.0.lock().listens();
    }

    /// How often a page that shows something answered so far.
    #[cfg(target_os = "linux")]
    pub(crate) fn answers(&self) -> u64 {
        self.0.lock().answers
    }

    /// Whether there is a page that could ask something. Where no sentence can be shown in its place, it is taken for one.
    pub(crate) fn shows(&self) -> bool {
        self.0.lock().given_up.is_none() || !cfg!(target_os = "linux")
    }

    /// Asks the page every second, until the window is gone, and does what is to be done.
    ///
    /// # Errors
    /// The window is gone.
    pub(crate) fn watch(&self, window: &WebviewWindow) -> tauri::Result<()> {
        webview::watch(self, window)?;
        let (guard, window) = (self.clone(), window.clone());
        tauri::async_runtime::spawn(async move {
            let mut beats = tokio::time::interval(BEAT);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let asking = Arc::new(AtomicBool::new(false));
            loop {
                beats.tick().await;
                // The thread that asks is the one that hears the answer: while it stands still, nothing is to be learnt of the page.
                if asking.swap(true, Ordering::Relaxed) {
                    continue;
                }
                let (guard, page, asking) = (guard.clone(), window.clone(), Arc::clone(&asking));
                let ask = move || {
                    asking.store(false, Ordering::Relaxed);
                    if let Err(error) = guard.ask(&page) {
                        tracing::debug!(%error, "the page can't be asked");
                    }
                };
                if window.run_on_main_thread(ask).is_err() {
                    tracing::debug!("the window is gone");
                    return;
                }
            }
        });
        Ok(())
    }

    fn ask(&self, page: &WebviewWindow) -> tauri::Result<()> {
        // Apart from what it leads to, which locks as well.
        let step = self.0.lock().beat(Instant::now());
        match step {
            Step::Wait => {}
            Step::Kill => {
                tracing::error!("the page does not answer, and is loaded again");
                webview::end(page)?;
            }
            Step::Load => webview::load(page)?,
        }
        // A page that is dead answers nothing, and one that hangs does not answer (tried with WebKitGTK).
        let answered = Arc::clone(&self.0);
        page.eval_with_callback("1", move |answer| {
            if answer == "1" {
                answered.lock().answered();
            }
        })
    }
}

#[cfg(target_os = "linux")]
mod webview {
    use std::time::Instant;

    use adjourn_client::{Catalogue, Command, Message};
    use gtk::prelude::{BoxExt as _, Cast as _, ContainerExt as _, LabelExt as _, WidgetExt as _};
    use tauri::{Manager as _, WebviewWindow};
    use webkit2gtk::{WebProcessTerminationReason, WebView, WebViewExt as _};

    use super::PageGuard;
    use crate::window_shell::WindowShell;

    /// The widget's name of the sentence in the page's place.
    const SENTENCE: &str = "adjourn-sentence";

    /// Loads the page again when its process is gone.
    pub(super) fn watch(guard: &PageGuard, window: &WebviewWindow) -> tauri::Result<()> {
        let shell = window.state::<WindowShell>().inner().clone();
        let guard = guard.clone();
        window.with_webview(move |webview| {
            webview.inner().connect_web_process_terminated(move |view, reason| {
                tracing::error!(?reason, "the page's process is gone");
                // Whoever ended it goes on from there.
                if reason != WebProcessTerminationReason::TerminatedByApi {
                    anew(view, &guard, &shell);
                }
            });
        })
    }

    /// Ends the page's process, and loads the page again.
    pub(super) fn end(window: &WebviewWindow) -> tauri::Result<()> {
        let (guard, shell) =
            (window.state::<PageGuard>().inner().clone(), window.state::<WindowShell>().inner().clone());
        window.with_webview(move |webview| {
            let view = webview.inner();
            view.terminate_web_process();
            // Asked for in the same turn of the main loop, the page would be loaded by the process that ends.
            gtk::glib::idle_add_local_once(move || anew(&view, &guard, &shell));
        })
    }

    /// Loads the page whose process is gone, or says that there is none.
    fn anew(view: &WebView, guard: &PageGuard, shell: &WindowShell) {
        // Whoever held a key, holds it no longer as far as anybody knows.
        if let Err(error) = shell.order(Command::Talk { talking: false }) {
            tracing::debug!(error, "nobody talks");
        }
        // What is sent to nobody would pile up.
        shell.page_is_gone();
        let again = guard.0.lock().loads(Instant::now());
        if again {
            view.reload();
        } else {
            tracing::error!("the page is given up for now");
            say(view, &Catalogue::of(shell.language()).text(&Message::PageGone));
        }
    }

    /// Loads the page in place of the sentence.
    pub(super) fn load(window: &WebviewWindow) -> tauri::Result<()> {
        window.with_webview(|webview| {
            let view = webview.inner();
            if let Some(around) = around(&view) {
                for child in around.children().into_iter().filter(|child| child.widget_name() == SENTENCE) {
                    around.remove(&child);
                }
            }
            view.set_no_show_all(false);
            view.show();
            view.reload();
        })
    }

    /// What the page is in, and the sentence in its place.
    fn around(view: &WebView) -> Option<gtk::Box> {
        view.parent()?.downcast().ok()
    }

    /// Says this in the page's place.
    fn say(view: &WebView, sentence: &str) {
        let Some(around) = around(view) else { return };
        let label = gtk::Label::new(None);
        // As large as the page's own text.
        label.set_markup(&format!("<span size='x-large'>{}</span>", gtk::glib::markup_escape_text(sentence)));
        label.set_max_width_chars(48);
        label.set_widget_name(SENTENCE);
        label.set_line_wrap(true);
        label.set_margin(24);
        // Who reads with their ears is where it is said.
        label.set_selectable(true);
        view.hide();
        // A window that is brought to the front shows all that is in it.
        view.set_no_show_all(true);
        around.pack_start(&label, true, true, 0);
        label.show();
        label.grab_focus();
        label.select_region(0, 0);
    }
}

/// WebView2 and WKWebView tell of the death of a process elsewhere, where nobody listens yet; what does not answer is loaded again.
#[cfg(not(target_os = "linux"))]
mod webview {
    use std::time::Instant;

    use tauri::{Manager as _, WebviewWindow};

    use super::PageGuard;

    pub(super) fn watch(_: &PageGuard, _: &WebviewWindow) -> tauri::Result<()> {
        Ok(())
    }

    pub(super) fn end(window: &WebviewWindow) -> tauri::Result<()> {
        let again = window.state::<PageGuard>().0.lock().loads(Instant::now());
        if again { window.reload() } else { Ok(()) }
    }

    pub(super) fn load(window: &WebviewWindow) -> tauri::Result<()> {
        window.reload()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks once a second from `at` on; the steps that are none of waiting, with their seconds.
    fn steps(health: &mut PageHealth, begin: Instant, seconds: std::ops::Range<u64>) -> Vec<(u64, Step)> {
        let ask = |s| (s, health.beat(begin + Duration::from_secs(s)));
        seconds.map(ask).filter(|(_, step)| *step != Step::Wait).collect()
    }

    fn listening() -> PageHealth {
        PageHealth { listens: true, ..PageHealth::default() }
    }

    #[test]
    fn a_page_that_answers_is_left_alone_and_one_that_does_not_is_ended_once() {
        let (mut health, begin) = (listening(), Instant::now());
        for second in 0..100 {
            assert_eq!(health.beat(begin + Duration::from_secs(second)), Step::Wait);
            health.answered();
        }
        assert_eq!(steps(&mut health, begin, 100..120), [(105, Step::Kill)]);
    }

    #[test]
    fn a_page_that_never_listens_is_given_up_however_slowly_it_fails_and_tried_again() {
        let (mut health, begin) = (PageHealth::default(), Instant::now());
        let mut seen = Vec::new();
        for second in 0..400 {
            let now = begin + Duration::from_secs(second);
            let step = health.beat(now);
            health.answered();
            if step != Step::Wait {
                seen.push((second, step));
            }
            // Its process is gone then.
            if step == Step::Kill && !health.loads(now) {
                seen.push((second, Step::Wait));
            }
        }
        let (kill, wait, load) = (Step::Kill, Step::Wait, Step::Load);
        let first = [(30, kill), (61, kill), (92, kill), (123, kill), (123, wait)];
        assert_eq!(seen[..5], first, "three loads, and a sentence");
        // A minute later one try, which is given as long.
        assert_eq!(seen[5..8], [(183, load), (214, kill), (214, wait)]);
        assert_eq!(seen[8], (274, load), "and so on");
        health.listens();
        assert_eq!(health.fruitless, 0);
    }

    #[test]
    fn a_page_that_dies_again_and_again_is_given_up_until_a_minute_is_over() {
        let (mut health, begin) = (listening(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        for second in 0..3 {
            assert!(health.loads(at(second)));
            health.listens();
        }
        assert!(!health.loads(at(3)) && health.given_up.is_some());
        assert_eq!(steps(&mut health, begin, 4..63), []);
        assert_eq!(health.beat(at(63)), Step::Load);
        assert!(health.given_up.is_none());
    }
}
