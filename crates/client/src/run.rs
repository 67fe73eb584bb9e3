//! The event loop: shows what is true, waits for one thing, and does what it asks for.

use std::path::PathBuf;
use std::time::Duration;

use adjourn_outbox::{Outbox, OutboxError, Seal};
use adjourn_protocol::ClientInfo;
use adjourn_room::Transport;
use adjourn_session::{Input, Policy, Session, Time};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::Instrument as _;

use crate::adjustment::Adjustment;
use crate::audio_ends::{AudioInput, AudioOutput};
use crate::audio_io::AudioIo;
use crate::connection::{Connection, Entered};
use crate::connection_check::ConnectionCheck;
use crate::deliveries::Deliveries;
use crate::event::{Event, Events};
use crate::invitation::Invitation;
use crate::leaving::Leaving;
use crate::panics::{Panics, guarded};
use crate::preferences::PreferencesFile;
use crate::presenter::Presenter;
use crate::recorder::Recorder;
use crate::seat::{Seat, SeatSetup};
use crate::seat_policy::journal_seal;
use crate::start_error::StartError;
use crate::tracefile::TraceFile;
use crate::ui_state::UiState;
use crate::{Command, Environment, Language, Message, Shell, Snapshot};

/// Meters: 20 times a second at most (a webview's queue must not grow).
const METERS: Duration = Duration::from_millis(50);
/// Statistics of our own connection (design: every 500 ms; a request costs 1 to 3 ms).
const STATS: Duration = Duration::from_millis(500);
/// A loop that failed more often is left.
const MOST_FAILURES: u32 = 3;

/// What a client is started with.
#[derive(Debug)]
pub struct Setup {
    /// Folder of the outbox.
    pub data: PathBuf,
    /// Who we are.
    pub info: ClientInfo,
    /// The candidate's voice.
    pub audio_input: AudioInput,
    /// The interviewer's voice.
    pub audio_output: AudioOutput,
    /// Where the chosen devices are remembered, if anywhere.
    pub preferences: Option<PathBuf>,
    /// The system's language, if the window speaks it.
    pub language: Option<Language>,
    /// Where to write the session's inputs, if anywhere.
    pub trace: Option<PathBuf>,
    /// A link to begin with.
    pub link: Option<String>,
    /// Folder for copies of reports that a person asks for.
    pub copies: PathBuf,
    /// Who hears of panics; nobody in a test.
    pub panics: Option<Panics>,
    /// The seat, in a test center.
    pub seat: Option<SeatSetup>,
}

/// A client that is about to run: the session, which decides, and the parts that do.
pub struct Client<T: Transport, S: Shell> {
    pub(crate) environment: Environment,
    pub(crate) info: ClientInfo,
    pub(crate) copies: PathBuf,
    pub(crate) session: Session,
    pub(crate) trace: TraceFile,
    pub(crate) ui: UiState,
    pub(crate) invitation: Invitation,
    /// Of the interview that was joined: what is logged says which one it is about.
    pub(crate) span: tracing::Span,
    pub(crate) connection: Connection<T>,
    pub(crate) connection_check: ConnectionCheck,
    pub(crate) adjustment: Adjustment,
    pub(crate) audio: AudioIo,
    pub(crate) preferences: PreferencesFile,
    pub(crate) system_language: Option<Language>,
    pub(crate) recorder: Recorder,
    pub(crate) deliveries: Deliveries,
    pub(crate) presenter: Presenter,
    pub(crate) seat: Option<Seat>,
    pub(crate) shell: S,
    pub(crate) events: Events,
    link: Option<String>,
    inbox: Option<Inbox<T>>,
}

/// What the loop waits for.
pub(crate) struct Inbox<T: Transport> {
    pub(crate) events: mpsc::Receiver<Event>,
    rooms: mpsc::Receiver<Entered<T::Room>>,
    panics: Panics,
}

/// Whether the loop goes on.
enum LoopStep {
    Goes,
    Ends(Leaving),
}

impl<T: Transport, S: Shell> Client<T, S> {
    /// Opens the outbox and prepares everything.
    ///
    /// # Errors
    /// The outbox can't be opened.
    pub async fn new(transport: T, shell: S, setup: Setup) -> Result<Self, StartError> {
        let seal = setup.seat.as_ref().map_or(Ok(Seal::default()), |seat| journal_seal(&seat.settings));
        let opened = match seal {
            Ok(seal) => Outbox::open_sealed(&setup.data, seal).await,
            Err(why) => Err(OutboxError::Unreadable(why)),
        };
        let (outbox, notice) = match opened {
            Ok((outbox, quarantined)) => (outbox, quarantined.first().map(Message::from)),
            // Another window has it: nothing is taken over from that.
            Err(error @ OutboxError::InUse(_)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "the interview is kept in memory");
                (Outbox::in_memory().await?, Some(Message::NotJournaled))
            }
        };
        Ok(Self::within(Environment::real(outbox), transport, shell, setup, notice))
    }

    /// The same in any environment; `notice`: something to know from the start.
    pub fn within(
        environment: Environment,
        transport: T,
        mut shell: S,
        setup: Setup,
        notice: Option<Message>,
    ) -> Self {
        let Setup {
            data: _,
            info,
            audio_input,
            audio_output,
            preferences,
            language,
            trace,
            link,
            copies,
            panics,
            seat,
        } = setup;
        let preferences = PreferencesFile::open(preferences);
        let (events, received) = Events::new();
        let (connection, rooms) = Connection::new(transport);
        let panics = panics.unwrap_or_else(Panics::nobody);
        let disk_is_dead = notice == Some(Message::NotJournaled);
        let ui = UiState::begin(notice.filter(|_| !disk_is_dead), disk_is_dead);
        shell.show(&Snapshot { notices: ui.notices(), ..Snapshot::default() });
        Self {
            session: Session::new(Policy::default(), Time::ZERO),
            trace: TraceFile::create(trace.as_deref()),
            ui,
            span: tracing::Span::none(),
            invitation: Invitation::new(environment.clone(), info.clone(), events.clone()),
            connection,
            connection_check: ConnectionCheck::new(events.clone()),
            adjustment: Adjustment::new(environment.clone(), events.clone()),
            audio: AudioIo::new(&environment, events.clone(), audio_input, audio_output, preferences.clone()),
            preferences,
            system_language: language,
            recorder: Recorder::new(environment.clone(), events.clone()),
            deliveries: Deliveries::new(environment.clone(), info.clone(), events.clone()),
            presenter: Presenter::default(),
            seat: seat.map(|setup| Seat::new(setup, events.clone())),
            shell,
            events,
            link,
            inbox: Some(Inbox { events: received, rooms, panics }),
            environment,
            info,
            copies,
        }
    }

    /// Runs until [`Command::Quit`] or until nobody can send commands any more; gives the snapshot
    /// that was shown last.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Snapshot {
        let Some(mut inbox) = self.inbox.take() else { return self.presenter.last().clone() };
        let mut meters = ticks(METERS);
        let mut stats = ticks(STATS);
        self.deliveries.start();
        self.audio.watch_devices();
        match self.link.take() {
            Some(link) => self.open_link(&link),
            // At a seat, once its policy says for how long what was broken off is offered.
            None if self.seat.is_some() => {}
            None => self.invitation.look_after_unfinished(None),
        }
        let mut failures = 0;
        let leaving = loop {
            let span = self.span.clone();
            let turn = self.turn(&mut commands, &mut inbox, &mut meters, &mut stats);
            match guarded(turn.instrument(span)).await {
                Some(LoopStep::Goes) => {}
                Some(LoopStep::Ends(leaving)) => break leaving,
                // What failed is told by the panic itself. A loop that fails again and again is left, so
                // that what was said is committed all the same.
                None if failures < MOST_FAILURES => failures += 1,
                None => break Leaving::System,
            }
        };
        // From now on a sender is told that its command will not be done.
        commands.close();
        self.close(inbox.events, leaving).await
    }

    async fn turn(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        inbox: &mut Inbox<T>,
        meters: &mut tokio::time::Interval,
        stats: &mut tokio::time::Interval,
    ) -> LoopStep {
        fail::fail_point!("loop");
        let over = self.look_after_seat();
        self.show();
        if over {
            return LoopStep::Ends(Leaving::Person);
        }
        let due = self.due();
        // In this order: a flood of events must not starve commands and timers, and the same happens each time.
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Quit) | None => return LoopStep::Ends(Leaving::System),
                // A seat's window is closed by nobody who sits there.
                Some(Command::Close) if self.seat.is_none() && self.ui.may_close(&self.session.view()) => {
                    if self.ui.close_was_answered() {
                        self.feed(Input::EndConfirmed);
                    }
                    return LoopStep::Ends(Leaving::Person);
                }
                Some(command) => self.command(command),
            },
            () = inbox.panics.next() => self.feed(Input::ClientFailed),
            Some(event) = inbox.events.recv() => self.event(event).await,
            Some(entered) = inbox.rooms.recv() => self.entered(entered),
            () = sleep_until(due) => self.time_passed(),
            _ = meters.tick() => self.measure(),
            _ = stats.tick() => self.look_after(),
            event = self.connection.next_room_event() => self.room_event(event),
        }
        LoopStep::Goes
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
