//! HTTP/1.1 messages, one per connection.

use anyhow::Context as _;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Longest body that is passed on: a little more than the largest record (8 MiB).
const LARGEST: usize = 9 << 20;

/// A request or an answer.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The first line.
    pub(super) start: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Message {
    /// Reads one; `None` when the other side closed before it began.
    pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> anyhow::Result<Option<Self>> {
        let mut start = String::new();
        if stream.read_line(&mut start).await? == 0 {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the connection ended in a head");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("a line of a head has no colon")?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message = Self { start: start.trim_end().to_owned(), headers, body: Vec::new() };
        let length: usize = message.header("content-length").map_or(Ok(0), str::parse)?;
        anyhow::ensure!(length <= LARGEST, "a body of {length} bytes");
        message.body = vec![0; length];
        stream.read_exact(&mut message.body).await?;
        Ok(Some(message))
    }

    /// An answer of JSON.
    pub(super) fn json(body: &serde_json::Value) -> Self {
        Self {
            start: "HTTP/1.1 200 OK".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    /// An error answer.
    pub(super) fn problem(status: u16, code: &str, retry_after: Option<u64>) -> Self {
        let body = serde_json::json!({"code": code, "title": "This was made to fail.", "status": status});
        let mut message = Self::json(&body);
        message.start = format!("HTTP/1.1 {status} Made to fail");
        message.headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
        message.headers.extend(retry_after.map(|s| ("retry-after".to_owned(), s.to_string())));
        message
    }

    /// A header's value; its name in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As it is sent: the only one on its connection.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            if name != "content-length" && name != "connection" {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        [head.into_bytes(), self.body.clone()].concat()
    }
}
