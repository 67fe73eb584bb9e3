//! A client: the session, which decides, and the parts that do, put together.

use std::path::PathBuf;

use adjourn_outbox::{Outbox, OutboxError, Seal};
use adjourn_protocol::ClientInfo;
use adjourn_room::Transport;
use adjourn_session::{Policy, Session, Time};
use tokio::sync::mpsc;

use crate::adjustment::Adjustment;
use crate::audio_ends::{AudioInput, AudioOutput};
use crate::audio_io::AudioIo;
use crate::connection::{Connection, Entered};
use crate::connection_check::ConnectionCheck;
use crate::deliveries::Deliveries;
use crate::event::{Event, Events};
use crate::invitation::Invitation;
use crate::panics::Panics;
use crate::preferences::PreferencesFile;
use crate::presenter::Presenter;
use crate::recorder::Recorder;
use crate::seat::{Seat, SeatSetup};
use crate::seat_policy::journal_seal;
use crate::start_error::StartError;
use crate::tracefile::TraceFile;
use crate::ui_state::UiState;
use crate::{Environment, Language, Message, Shell, Snapshot};

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
    /// To begin with.
    pub(crate) link: Option<String>,
    /// Until it runs.
    pub(crate) inbox: Option<Inbox<T>>,
}

/// What the loop waits for.
pub(crate) struct Inbox<T: Transport> {
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) rooms: mpsc::Receiver<Entered<T::Room>>,
    pub(crate) panics: Panics,
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
}
