//! What nearly every test needs: a folder, a livekit-server and a backend that knows it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{
    BackendOptions, BackendServer, Interviewer, LiveKitServer, Network, Postgres, ServerOptions, Tools,
    Worker,
};

/// Running servers, and the folder in which they keep everything.
///
/// Fields end in this order: clients of a server before the server, and everything before its folder.
#[derive(Debug)]
pub struct Testbed {
    /// The backend.
    pub backend: BackendServer,
    /// LiveKit.
    pub livekit: LiveKitServer,
    /// The backend's database server, if it is on Postgres.
    pub postgres: Option<Postgres>,
    /// The network that everything is on.
    pub network: Network,
    /// What was fetched or built elsewhere.
    pub tools: Tools,
    folder: Folder,
}

#[derive(Debug)]
enum Folder {
    Own(tempfile::TempDir),
    Given(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }

    fn keep(&mut self) {
        if let Self::Own(folder) = self {
            folder.disable_cleanup(true);
        }
    }
}

/// What is started, in the order in which it ends.
type Parts = (BackendServer, LiveKitServer, Option<Postgres>, Network, Tools);

impl Drop for Folder {
    fn drop(&mut self) {
        // The logs of a test that failed are what one wants to read.
        if std::thread::panicking() {
            self.keep();
            tracing::error!(folder = %self.path().display(), "the testbed's files are kept");
        }
    }
}

/// What a testbed is to be.
#[derive(Debug, Default)]
pub struct Builder {
    folder: Option<PathBuf>,
    backend: BackendOptions,
    postgres: bool,
    webhooks: bool,
}

impl Testbed {
    /// On loopback, in a folder of its own, on SQLite, without webhooks.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The folder; one of its own is gone with the testbed, unless a test panics meanwhile.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a worker that waits for interviews.
    ///
    /// # Errors
    /// It does not start.
    pub async fn worker(&self, interviewer: &Interviewer) -> anyhow::Result<Worker> {
        Worker::start(&self.tools, self.folder(), &self.livekit, &self.network, interviewer).await
    }

    /// Starts one more backend on the same database and LiveKit.
    ///
    /// # Errors
    /// It does not start, or the database is a file, which only one server may hold.
    pub async fn another_backend(&self, program: Option<PathBuf>) -> anyhow::Result<BackendServer> {
        let postgres = self.postgres.as_ref().map(Postgres::url);
        anyhow::ensure!(postgres.is_some(), "a second backend needs Postgres");
        let options = BackendOptions { program, database: postgres, ..BackendOptions::default() };
        BackendServer::start(self.folder(), &self.livekit, &self.network, options).await
    }
}

impl Builder {
    /// In this folder, which stays.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// With another backend than the usual one.
    #[must_use]
    pub fn backend(mut self, options: BackendOptions) -> Self {
        self.backend = options;
        self
    }

    /// Whether the backend is on a Postgres of its own.
    #[must_use]
    pub fn postgres(mut self, wanted: bool) -> Self {
        self.postgres = wanted;
        self
    }

    /// Whether LiveKit tells the backend what happens.
    #[must_use]
    pub fn webhooks(mut self, wanted: bool) -> Self {
        self.webhooks = wanted;
        self
    }

    /// Starts everything.
    ///
    /// # Errors
    /// A part is not fetched, not built, or does not start.
    pub async fn start(self) -> anyhow::Result<Testbed> {
        let mut folder = match &self.folder {
            Some(given) => {
                std::fs::create_dir_all(given)?;
                Folder::Given(given.clone())
            }
            None => Folder::Own(tempfile::tempdir().context("no temporary folder can be made; see TMPDIR")?),
        };
        match self.start_in(folder.path()).await {
            Ok((backend, livekit, postgres, network, tools)) => {
                Ok(Testbed { backend, livekit, postgres, network, tools, folder })
            }
            Err(error) => {
                folder.keep();
                Err(error.context(format!("the testbed in {}", folder.path().display())))
            }
        }
    }

    async fn start_in(self, folder: &Path) -> anyhow::Result<Parts> {
        let Self { mut backend, postgres, webhooks, .. } = self;
        let tools = Tools::find()?;
        let (network, mut livekit) = (Network::Loopback, ServerOptions::default());
        let postgres = if postgres { Some(Postgres::start(folder).await?) } else { None };
        if let Some(postgres) = &postgres {
            backend.database = Some(postgres.url());
        }
        if webhooks {
            let listen = backend.listen.map_or_else(BackendServer::address, Ok)?;
            livekit.webhooks = vec![BackendServer::webhook_at(&format!("http://{listen}"))];
            backend.listen = Some(listen);
        }
        let livekit = LiveKitServer::start(&tools, folder, &network, livekit).await?;
        let backend = BackendServer::start(folder, &livekit, &network, backend).await?;
        Ok((backend, livekit, postgres, network, tools))
    }
}
