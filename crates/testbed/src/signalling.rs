//! Between the client and the server's signalling: can dismiss the client, as the server does.

use anyhow::Context as _;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a server dismisses a client (`LeaveRequest.Action` of LiveKit's protocol).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dismissal {
    /// Out, for good.
    Disconnect,
    /// Come back over this connection.
    Resume,
    /// Come back anew.
    Reconnect,
}

/// Passes connections on; what LiveKit's protocol says besides comes from here.
#[derive(Debug)]
pub struct SignallingStub {
    /// `ws://…`, for the client.
    pub url: String,
    dismissals: watch::Sender<Option<Dismissal>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl SignallingStub {
    /// Stands before the server at `ws://HOST:PORT`.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(server: &str) -> anyhow::Result<Self> {
        let server = server.strip_prefix("ws://").context("the stub speaks ws:// only")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", listener.local_addr()?);
        let (dismissals, orders) = watch::channel(None);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, orders) = (server.clone(), orders.clone());
                tokio::spawn(async move {
                    // Either side is gone.
                    let _ = pass(client, &server, orders).await;
                });
            }
        });
        Ok(Self { url, dismissals, accepting })
    }

    /// Dismisses the client that is connected now and closes its connection, as livekit-server does.
    pub fn dismiss(&self, how: Dismissal) {
        self.dismissals.send_replace(Some(how));
    }
}

impl Drop for SignallingStub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    client: TcpStream,
    server: &str,
    mut orders: watch::Receiver<Option<Dismissal>>,
) -> anyhow::Result<()> {
    orders.mark_unchanged();
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut from_server = BufReader::new(from_server);
    let head = head(&mut from_server).await?;
    to_client.write_all(&head).await?;
    if !head.starts_with(b"HTTP/1.1 101") {
        tokio::io::copy(&mut from_server, &mut to_client).await?;
        return Ok(to_client.shutdown().await?);
    }
    // Frames are read by a task of their own: a frame that is half read must not be left.
    let (frames, mut read) = tokio::sync::mpsc::channel(64);
    let reading = tokio::spawn(async move {
        while let Ok(frame) = frame(&mut from_server).await {
            if frames.send(frame).await.is_err() {
                break;
            }
        }
    });
    loop {
        tokio::select! {
            frame = read.recv() => match frame {
                Some(frame) => to_client.write_all(&frame).await?,
                None => break,
            },
            changed = orders.changed() => {
                changed?;
                let order = *orders.borrow_and_update();
                if let Some(how) = order {
                    to_client.write_all(&leave(how)).await?;
                    break;
                }
            }
        }
    }
    reading.abort();
    up.abort();
    Ok(to_client.shutdown().await?)
}

/// The head of an HTTP answer.
async fn head(stream: &mut BufReader<OwnedReadHalf>) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// One frame of a server's (RFC 6455, section 5.2: not masked), whole.
async fn frame(stream: &mut BufReader<OwnedReadHalf>) -> anyhow::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    stream.read_exact(&mut frame).await?;
    let extended = match frame[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = vec![0; extended];
    stream.read_exact(&mut length).await?;
    let payload = if extended == 0 {
        usize::from(frame[1] & 0x7f)
    } else {
        length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    frame.extend(&length);
    let at = frame.len();
    frame.resize(at + payload, 0);
    stream.read_exact(&mut frame[at..]).await?;
    Ok(frame)
}

/// A frame with `SignalResponse { leave }` (livekit_rtc.proto: `leave` is field 8; of `LeaveRequest`,
/// `can_reconnect` is 1, `reason` 2, `action` 3: 0 disconnect, 1 resume, 2 reconnect).
fn leave(how: Dismissal) -> Vec<u8> {
    const SERVER_SHUTDOWN: u8 = 3;
    let request = match how {
        Dismissal::Disconnect => vec![0x10, SERVER_SHUTDOWN],
        Dismissal::Resume => vec![0x08, 1, 0x18, 1],
        Dismissal::Reconnect => vec![0x08, 1, 0x18, 2],
    };
    let length = request.len() as u8; // a few bytes
    let mut frame = vec![0x82, length + 2, 0x42, length];
    frame.extend(request);
    frame
}
