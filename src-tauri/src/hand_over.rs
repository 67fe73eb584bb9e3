//! One instance per folder: who is started second gives its link to the first and ends. Works without a session bus:
//! over a socket beside the journal (a named pipe on Windows).

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

/// The first instance may still be starting, or hang.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between two tries.
const AGAIN: Duration = Duration::from_millis(50);
/// Longest message in bytes: a link is shorter by far.
const LONGEST: u64 = 8 << 10;
/// Longest link that is given, in characters. What is longer is none, and said to be none.
const LONGEST_LINK: usize = 1_000;
/// So many may say something at a time.
const AT_A_TIME: usize = 32;

/// What the second instance was started for.
#[derive(Debug, Serialize, Deserialize)]
struct Wish {
    /// Its link, if it was given one.
    link: Option<String>,
    /// When it gives up, milliseconds since 1970: what is read later than that is nobody's wish any more.
    until: u64,
}

/// What the first instance says to that.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    /// It looks after the wish.
    taken: bool,
}

#[cfg(unix)]
fn name(data: &Path) -> io::Result<Name<'static>> {
    // The folder is its owner's alone; so is the runtime folder, where a name is short enough for a socket.
    let beside = data.join("instance.sock");
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| beside.as_os_str().len() > LONGEST_NAME);
    let path = runtime.map_or(beside, |runtime| {
        let folder = adjourn_protocol::sha256(data.as_os_str().as_encoded_bytes());
        Path::new(&runtime).join(format!("adjourn-{}.sock", &folder[..32]))
    });
    path.to_fs_name::<GenericFilePath>()
}

/// Bytes of a socket's name at most (Linux: 107, macOS: 103).
#[cfg(unix)]
const LONGEST_NAME: usize = 100;

/// Now, milliseconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(not(unix))]
fn name(data: &Path) -> io::Result<Name<'static>> {
    let folder = adjourn_protocol::sha256(data.to_string_lossy().as_bytes());
    format!(r"\\.\pipe\adjourn-{}", &folder[..32]).to_fs_name::<GenericFilePath>()
}

/// Takes links from later instances, for as long as this process lives. `take` says whether the wish is looked after.
pub(crate) async fn listen(
    data: &Path,
    take: impl Fn(Option<String>) -> bool + Send + Sync + 'static,
) -> io::Result<()> {
    let take = Arc::new(take);
    let places = Arc::new(tokio::sync::Semaphore::new(AT_A_TIME));
    let mut strange = 0_u64;
    // The folder is locked by us: a socket that is there is one of a process that died.
    let listener: Listener = ListenerOptions::new().name(name(data)?).try_overwrite(true).create_tokio()?;
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, perhaps: that passes.
                tracing::warn!(%error, "a second start could not be heard");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
        };
        // A connection that stays silent keeps nobody else from being heard.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            strange += 1;
            if strange.is_power_of_two() {
                tracing::warn!(strange, "too many say something at once");
            }
            continue;
        };
        let take = Arc::clone(&take);
        tokio::spawn(async move {
            let answered = tokio::time::timeout(PATIENCE, answer(stream, take.as_ref())).await;
            if !matches!(answered, Ok(Ok(()))) {
                tracing::debug!(?answered, "a second start said nothing of use");
            }
            drop(place);
        });
    }
}

async fn answer(stream: Stream, take: &(impl Fn(Option<String>) -> bool + Sync)) -> io::Result<()> {
    let wish: Wish = read(&stream).await?;
    // Of a process that stood still meanwhile: its maker was told that nobody answered, and may have done something else.
    let taken = now() <= wish.until && take(wish.link);
    write(&stream, &Answer { taken }).await
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// It is looked after.
    Taken,
    /// The first instance is ending.
    Refused,
    /// It says nothing.
    NoAnswer,
}

/// Gives the link to the instance that has the folder.
pub(crate) async fn give(data: &Path, link: Option<String>) -> Given {
    let link = link.map(|link| link.chars().take(LONGEST_LINK).collect());
    let until = now() + u64::try_from(PATIENCE.as_millis()).unwrap_or_default();
    let wish = Wish { link, until };
    let given = async {
        loop {
            match ask(data, &wish).await {
                Ok(answer) if answer.taken => return Given::Taken,
                Ok(_) => return Given::Refused,
                Err(error) => tracing::debug!(%error, "the first instance does not answer yet"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::time::timeout(PATIENCE, given).await.unwrap_or(Given::NoAnswer)
}

async fn ask(data: &Path, wish: &Wish) -> io::Result<Answer> {
    let stream = Stream::connect(name(data)?).await?;
    write(&stream, wish).await?;
    read(&stream).await
}

async fn write(mut stream: &Stream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn read<M: DeserializeOwned>(stream: &Stream) -> io::Result<M> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST)).read_until(b'\n', &mut line).await?;
    Ok(serde_json::from_slice(&line)?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_link_reaches_the_first_instance_whatever_was_left_behind_or_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_owned();
        assert_eq!(give(&data, None).await, Given::NoAnswer, "nobody listens");
        // Of a process that died.
        drop(std::os::unix::net::UnixListener::bind(data.join("instance.sock")).unwrap());
        let (taken, mut links) = tokio::sync::mpsc::unbounded_channel();
        let taken = Arc::new(taken);
        let listening = {
            let data = data.clone();
            tokio::spawn(async move { listen(&data, move |link| taken.send(link).is_ok()).await })
        };
        assert_eq!(give(&data, Some("adjourn://join?x".to_owned())).await, Given::Taken);
        assert_eq!(links.recv().await, Some(Some("adjourn://join?x".to_owned())));
        // Rubbish, and somebody who hangs up: the next one is heard all the same.
        let mut rude = tokio::net::UnixStream::connect(data.join("instance.sock")).await.unwrap();
        rude.write_all(b"{\"link\": 7}\n").await.unwrap();
        drop(tokio::net::UnixStream::connect(data.join("instance.sock")).await.unwrap());
        assert_eq!(give(&data, None).await, Given::Taken);
        assert_eq!(links.recv().await, Some(None));
        // Twenty who hold the line keep nobody from being heard; nor does a wish that came too late count.
        let held: Vec<_> = (0..20)
            .map(|_| std::os::unix::net::UnixStream::connect(data.join("instance.sock")).unwrap())
            .collect();
        assert_eq!(give(&data, Some("x".repeat(9_000))).await, Given::Taken);
        assert_eq!(links.recv().await.unwrap().unwrap().len(), LONGEST_LINK);
        drop(held);
        let mut late = tokio::net::UnixStream::connect(data.join("instance.sock")).await.unwrap();
        late.write_all(b"{\"link\": \"late\", \"until\": 1}\n").await.unwrap();
        let mut said = String::new();
        BufReader::new(&mut late).read_line(&mut said).await.unwrap();
        assert_eq!(said, "{\"taken\":false}\n");
        assert!(links.try_recv().is_err());
        // A client that is gone takes nothing.
        drop(links);
        assert_eq!(give(&data, None).await, Given::Refused);
        assert!(!listening.is_finished());
    }
}
