//! Connections: each gets so long to say what it wants, there are only so many of them, and none of them keeps the server
//! from stopping.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

use crate::proxies::bucket;
use crate::shares::Shares;
use crate::tls::Tls;

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until a request's head is there whole, also of a connection that was used before: who says nothing for so long is
    /// hung up on.
    pub head: Duration,
    /// Connections at a time; more wait to be taken.
    pub connections: usize,
    /// Of them, of one address (of IPv6: of one household); more are hung up on.
    pub of_one: usize,
    /// What is under way when the server is stopped gets so long.
    pub stop: Duration,
    /// Who takes nothing of its answer for so long is hung up on.
    pub unread: Duration,
    /// Bytes of a request's head, and of what is read at once.
    pub head_bytes: usize,
    /// Further requests of connections that begin in one round of all that is ready.
    pub turns: usize,
}

impl Limits {
    /// Those of a server. Raises this process's own limit of open files as far as it may.
    pub fn for_this_process() -> Self {
        Self {
            head: Duration::from_secs(20),
            connections: places(4_096),
            // A test center behind one address, several times.
            of_one: 1_024,
            stop: Duration::from_secs(20),
            unread: Duration::from_secs(30),
            head_bytes: 64 << 10,
            turns: 4,
        }
    }
}

/// Files that are open besides connections: the database's, LiveKit's, the log.
const OTHER_FILES: u64 = 128;

/// How many of `wanted` connections there are descriptors for, once the process was allowed as many as the system lets it have.
#[cfg(unix)]
fn places(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = wanted as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    if limit.current.is_some_and(|current| current < most) {
        let raised = Rlimit { current: Some(most), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "no more files can be open");
        }
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(needed);
    let places = usize::try_from(current.saturating_sub(OTHER_FILES)).unwrap_or(wanted).clamp(16, wanted);
    if places < wanted {
        tracing::warn!(
            places,
            "fewer connections at a time than usual: the limit of open files (ulimit -n) is low"
        );
    }
    places
}

/// Sockets are no files here.
#[cfg(not(unix))]
fn places(wanted: usize) -> usize {
    wanted
}

/// Pause after a connection that could not be taken: mostly there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that wait to be taken, as far as the system lets so many wait. With fewer (1,024 is usual) a crowd that comes at once
/// costs whoever comes with it a second: the time after which TCP asks again.
const WAITING: u32 = 4_096;

/// Listens there.
///
/// # Errors
/// The address can't be had.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // After a restart the address of connections that linger can be had at once. Elsewhere this would let a second server have it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves until `stopped`, and then what is under way. Of addresses that don't count (proxies, and this very computer, where one may
/// run) any number of connections is taken.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    counts: impl Fn(IpAddr) -> bool,
    stopped: impl Future<Output = ()>,
) {
    let shares = Shares::of(limits.of_one);
    let places = Arc::new(Semaphore::new(limits.connections));
    let turns = Arc::new(Semaphore::new(limits.turns));
    let graceful = GracefulShutdown::new();
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let taken = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, (stream, address)) = tokio::select! {
            (place, accepted) = taken => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = &mut stopped => break,
        };
        let from = address.ip().to_canonical();
        let share = counts(from).then(|| shares.take(bucket(from)));
        if matches!(share, Some(None)) {
            metrics::counter!("adjourn_connections_over_the_share").increment(1);
            continue;
        }
        // Answers are small: none waits for more to come.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone already");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.unread));
        let stream = Box::pin(stream);
        let acceptor = tls.as_ref().map(Tls::acceptor);
        let conversation = Conversation {
            router: router.clone(),
            turns: Arc::clone(&turns),
            watcher: graceful.watcher(),
            limits,
            address,
        };
        tokio::spawn(async move {
            match acceptor {
                None => conversation.goes_on(stream).await,
                // What is no TLS, or comes too slowly, is hung up on.
                Some(acceptor) => match tokio::time::timeout(limits.head, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => conversation.goes_on(stream).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a connection came to no TLS"),
                    Err(_) => tracing::debug!("a connection came to no TLS in time"),
                },
            }
            drop((place, share));
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.stop, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that were still under way are cut off; clients come again");
    }
}

/// One connection.
struct Conversation {
    router: Router,
    turns: Arc<Semaphore>,
    watcher: Watcher,
    limits: Limits,
    address: SocketAddr,
}

impl Conversation {
    /// Answers what is asked there, until its end.
    async fn goes_on(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { router, turns, watcher, limits, address } = self;
        let asked = AtomicBool::new(false);
        let service = service_fn(move |request: Request<Incoming>| {
            let turns = asked.swap(true, Ordering::Relaxed).then(|| Arc::clone(&turns));
            answer(router.clone(), address, request, turns)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(limits.head_bytes)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// Answers a request. Another one on the same connection waits for one of the `turns`, of which there are few in one round of all that
/// is ready: who asks many things at once would else be answered as fast as they are read, and who comes new waits for all of them.
/// A turn is over once the request begins, so that a slow one keeps nobody from theirs.
async fn answer(
    router: Router,
    address: SocketAddr,
    request: Request<Incoming>,
    turns: Option<Arc<Semaphore>>,
) -> Result<axum::response::Response, Infallible> {
    if let Some(turns) = turns {
        // The semaphore is never closed.
        let turn = turns.acquire().await.ok();
        tokio::task::yield_now().await;
        drop(turn);
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(address));
    router.oneshot(request).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    struct Running {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        ended: tokio::task::JoinHandle<()>,
    }

    async fn run(limits: Limits) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "done"
        };
        let much = || async { "x".repeat(4 << 20) };
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/slow", get(slow))
            .route("/much", get(much));
        let ended = tokio::spawn(async move {
            serve(listener, router, limits, None, |_| true, async move { drop(stopped.await) }).await;
        });
        Running { address, stop, ended }
    }

    fn short() -> Limits {
        Limits {
            head: Duration::from_millis(300),
            connections: 4,
            of_one: 3,
            stop: Duration::from_secs(1),
            unread: Duration::from_millis(500),
            head_bytes: 8 << 10,
            turns: 2,
        }
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_crowd_that_comes_at_once_is_let_in_at_once() {
        const MANY: usize = 1_500;
        let _ = Limits::for_this_process(); // as many open files as the system allows
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody takes them yet: they wait, and none is asked to come again a second later.
        let began = Instant::now();
        let crowd: Vec<_> = (0..MANY).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
        let mut inside = Vec::new();
        for one in crowd {
            inside.push(one.await.unwrap().unwrap());
        }
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn who_says_nothing_or_half_of_it_is_hung_up_on_and_keeps_nobody_out() {
        let server = run(short()).await;
        let began = Instant::now();
        let mut idle = Vec::new();
        for head in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n", "P"] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            idle.push(stream);
        }
        // All places of this address are taken: the fourth is hung up on, and a fifth served once they all are.
        let mut rest = Vec::new();
        let mut fourth = idle.pop().unwrap();
        let hung_up = tokio::time::timeout(Duration::from_millis(200), fourth.read_to_end(&mut rest)).await;
        assert!(hung_up.is_ok(), "one address has all places");
        tokio::time::sleep(Duration::from_millis(500)).await; // the others' time for a head is over
        assert!(ask(server.address, "/").await.ends_with("hello"));
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        for mut stream in idle {
            let mut rest = Vec::new();
            // Closed, with or without a word.
            let _ =
                tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut rest)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_asks_many_things_at_once_has_one_turn_as_everybody_else() {
        const MANY: usize = 200;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut greedy = TcpStream::connect(address).await.unwrap();
        greedy.write_all(&b"GET /many HTTP/1.1\r\nhost: x\r\n\r\n".repeat(MANY)).await.unwrap();
        // Both have asked before either is answered.
        let mut late = TcpStream::connect(address).await.unwrap();
        late.write_all(b"GET /one HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answered = Arc::new(AtomicUsize::new(0));
        let (many, before) = (Arc::clone(&answered), Arc::clone(&answered));
        let router = Router::new()
            .route(
                "/many",
                get(async move || {
                    many.fetch_add(1, Ordering::Relaxed);
                }),
            )
            .route("/one", get(async move || before.load(Ordering::Relaxed).to_string()));
        let limits = Limits { head_bytes: 64 << 10, ..short() };
        let server = tokio::spawn(serve(listener, router, limits, None, |_| true, std::future::pending()));
        let mut answer = [0; 512];
        let read = late.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        let before: usize = answer.rsplit("\r\n").next().unwrap().parse().unwrap();
        assert!(before <= 8, "{before} of {MANY} were answered before");
        // They are answered all the same.
        while answered.load(Ordering::Relaxed) < MANY {
            tokio::task::yield_now().await;
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_slow_request_keeps_nobody_from_a_turn() {
        let limits = Limits { connections: 16, of_one: 16, stop: Duration::from_secs(5), ..short() };
        let server = run(limits).await;
        let mut slow = Vec::new();
        for _ in 0..limits.turns * 2 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(&b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2)).await.unwrap();
            slow.push(stream);
        }
        for stream in &mut slow {
            let mut answer = [0; 512];
            let read = stream.read(&mut answer).await.unwrap();
            assert!(String::from_utf8_lossy(&answer[..read]).ends_with("done"));
        }
        // All of the second ones are under way.
        let began = Instant::now();
        let mut quick = TcpStream::connect(server.address).await.unwrap();
        for _ in 0..20 {
            quick.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = [0; 512];
            let read = quick.read(&mut answer).await.unwrap();
            assert!(String::from_utf8_lossy(&answer[..read]).ends_with("hello"));
        }
        assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
        drop(slow);
    }

    #[tokio::test]
    async fn who_asks_and_reads_nothing_is_hung_up_on() {
        let server = run(short()).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // More than the system buffers for somebody who does not read.
        for _ in 0..8 {
            stream.write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1_500)).await; // three times as long as an answer may lie unread
        let mut read = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut read)).await;
        assert!(ended.is_ok(), "it stays for ever");
        assert!(read.len() < 8 * (4 << 20), "all of it was sent: {} bytes", read.len());
    }

    #[tokio::test]
    async fn a_used_connection_that_falls_silent_is_hung_up_on() {
        let server = run(short()).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "it stays for ever");
        assert!(String::from_utf8_lossy(&answer).ends_with("hello"));
    }

    #[tokio::test]
    async fn stopping_waits_for_what_is_under_way_and_for_nobody_who_says_nothing() {
        let server = run(Limits { head: Duration::from_secs(60), ..short() }).await;
        let mut half = TcpStream::connect(server.address).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
        let asking = tokio::spawn(ask(server.address, "/slow"));
        tokio::time::sleep(Duration::from_millis(100)).await; // the request is under way
        let began = Instant::now();
        server.stop.send(()).unwrap();
        server.ended.await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert!(asking.await.unwrap().ends_with("done"));
    }
}
