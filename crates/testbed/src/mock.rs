//! LiveKit's own mock server for its SDKs (`cmd/test-server`): it misbehaves as the token says. No media.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::livekit::{SECRET, signed};
use super::process::{Child, until};
use super::{Tools, free_port};

/// A running mock server.
#[derive(Debug)]
pub struct MockServer {
    /// Where it listens.
    pub url: String,
    _process: Child,
}

impl MockServer {
    /// Every way in which it can misbehave while somebody joins (`signal.go` of livekit-server 1.13.5).
    pub const MODES: [&str; 13] = [
        "validate_500",
        "validate_service_not_found",
        "room_not_found",
        "happy",
        "no_first_message",
        "no_pong",
        "close_before_join",
        "close_when_connected",
        "drop_when_connected",
        "leave_when_connected",
        "leave_first_message",
        "leave_during_reconnect",
        "drop_on_close",
    ];

    /// Starts one; ready when it takes connections.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(Tools::mock_server()?);
        command.args(["--bind", "127.0.0.1", "--ports", &port.to_string(), "--api-secret", SECRET]);
        let mut process = Child::start("the mock server", &mut command, &folder.join("mock.log"))?;
        until(&mut process, Duration::from_secs(10), "the mock server", || async move {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await?;
        Ok(Self { url: format!("ws://127.0.0.1:{port}"), _process: process })
    }

    /// A token with which it behaves in this way.
    ///
    /// # Errors
    /// It can't be signed.
    pub fn token(mode: &str) -> anyhow::Result<String> {
        let control = serde_json::json!({ "signal": mode }).to_string();
        let video = serde_json::json!({ "roomJoin": true, "room": "mock" });
        signed("candidate", 600, &video, None, Some(serde_json::json!({ "lk.mock": control })))
    }
}
