//! Between a candidate's client and the backend: passes requests on, loses, delays and forges answers.
//!
//! A process of its own, so that it can live in the client's namespace. Orders are lines of JSON on
//! standard input; each request is one line of JSON on standard output.

mod fault;
mod forge;
mod message;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use self::fault::{Act, Fault, Forged, Mutation, Part};
use self::forge::Forger;
use self::message::Message;

/// An answer that trickles comes byte by byte, so far apart.
const TRICKLE: Duration = Duration::from_millis(250);

/// How the proxy is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The backend.
    pub forward: SocketAddr,
    /// Folder with `good.pem`, `good.key` and `evil.pem`, `evil.key`: it speaks TLS.
    pub tls: Option<PathBuf>,
}

/// One order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProxyCommand {
    /// From now on these faults and no others.
    Faults(Vec<Fault>),
    /// Which certificate is shown: `good` or `evil`.
    Certificate(String),
}

/// One request that came through.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Passed {
    /// Seconds since 1970.
    pub at: f64,
    /// Of which part.
    pub part: Part,
    /// What was done to it.
    pub act: Option<Act>,
    /// It came before the time that the answer before asked it to wait.
    pub too_soon: bool,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    /// Until when requests were asked to stay away.
    away: Vec<(Part, Instant)>,
    acceptor: Option<TlsAcceptor>,
}

/// Runs until its standard input ends.
///
/// # Errors
/// The address can't be used, or the certificates can't be read.
#[allow(clippy::print_stdout, reason = "this is a program's answer")]
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let shown = options.tls.as_ref().map(|folder| acceptor(folder, "good")).transpose()?;
    let state = Arc::new(Mutex::new(State { acceptor: shown, ..State::default() }));
    let forger = Arc::new(Forger::new()?);
    println!("ready");
    let accepting = Arc::clone(&state);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (state, forger) = (Arc::clone(&accepting), Arc::clone(&forger));
            let acceptor = state.lock().acceptor.clone();
            tokio::spawn(async move {
                // The client has left again, or refused the certificate.
                let _ = match acceptor {
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => one(stream, options.forward, &state, &forger).await,
                        Err(error) => Err(error.into()),
                    },
                    None => one(stream, options.forward, &state, &forger).await,
                };
            });
        }
    });
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = orders.next_line().await? {
        match serde_json::from_str(&line).context("not an order")? {
            ProxyCommand::Faults(faults) => state.lock().faults = faults,
            ProxyCommand::Certificate(which) => {
                let folder = options.tls.as_ref().context("this proxy speaks no TLS")?;
                let shown = acceptor(folder, &which)?;
                state.lock().acceptor = Some(shown);
            }
        }
        println!("done");
    }
    Ok(())
}

fn acceptor(folder: &std::path::Path, which: &str) -> anyhow::Result<TlsAcceptor> {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(folder.join(format!("{which}.pem")))?.collect();
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{which}.key")))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain?, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// One connection with one request.
#[allow(clippy::print_stdout, reason = "this is a program's answer")]
async fn one<S>(stream: S, backend: SocketAddr, state: &Mutex<State>, forger: &Forger) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let Some(request) = Message::read(&mut stream).await? else { return Ok(()) };
    let part = Part::of(&request.start);
    let act = take(&mut state.lock().faults, part);
    let too_soon = state.lock().away.iter().any(|(of, until)| *of == part && Instant::now() < *until);
    let passed = Passed { at: crate::unix_now(), part, act: act.clone(), too_soon };
    println!("{}", serde_json::to_string(&passed)?);
    match act {
        None => answer(&mut stream, forward(backend, &request).await?).await,
        Some(Act::Drop) => Ok(()),
        Some(Act::LoseAnswer) => forward(backend, &request).await.map(drop),
        Some(Act::Twice) => {
            forward(backend, &request).await?;
            answer(&mut stream, forward(backend, &request).await?).await
        }
        Some(Act::Refuse { status, code, retry_after }) => {
            if let Some(seconds) = retry_after {
                let mut state = state.lock();
                state.away.retain(|(of, _)| *of != part);
                state.away.push((part, Instant::now() + Duration::from_secs(seconds)));
            }
            answer(&mut stream, Message::problem(status, &code, retry_after)).await
        }
        Some(Act::Hang) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            stream.flush().await?;
            // Until the other side gives up.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            Ok(())
        }
        Some(Act::Trickle) => {
            for byte in forward(backend, &request).await?.bytes() {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(TRICKLE).await;
            }
            Ok(())
        }
        Some(Act::Mutation(twist)) => {
            let mut twisted = forward(backend, &request).await?;
            forger.twist(twist, &mut twisted)?;
            answer(&mut stream, twisted).await
        }
        Some(Act::Receipt(forged)) => {
            let receipt = forger.receipt(forged, &request)?;
            answer(&mut stream, Message::json(&serde_json::json!({ "receipt": receipt }))).await
        }
    }
}

/// The first fault of this part, counted down.
fn take(faults: &mut [Fault], part: Part) -> Option<Act> {
    let at = faults.iter().position(|fault| fault.on == part && fault.times != Some(0))?;
    let fault = &mut faults[at];
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    Some(fault.act.clone())
}

async fn forward(backend: SocketAddr, request: &Message) -> anyhow::Result<Message> {
    let mut server = BufReader::new(TcpStream::connect(backend).await?);
    server.write_all(&request.bytes()).await?;
    server.flush().await?;
    Message::read(&mut server).await?.context("the backend closed the connection")
}

async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, answer: Message) -> anyhow::Result<()> {
    stream.write_all(&answer.bytes()).await?;
    stream.flush().await?;
    Ok(stream.shutdown().await?)
}
