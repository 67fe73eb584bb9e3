//! Remote procedure calls between participants.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::participant::{LocalShared, ParticipantIdentity};
use crate::proto;
use crate::proto::ffi_event::Message as Event;
use crate::proto::ffi_request::Message as Request;
use crate::server;

/// A call to another participant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PerformRpcData {
    /// Who is called.
    pub destination_identity: String,
    /// The method's name.
    pub method: String,
    /// The argument.
    pub payload: String,
    /// Limit of the whole call. The callee is given this minus `max_round_trip_latency`.
    pub response_timeout: Duration,
    /// What the way there and back may take; 7 s by default, which leaves the callee of a short
    /// call nothing: set it.
    pub max_round_trip_latency: Duration,
}

impl Default for PerformRpcData {
    fn default() -> Self {
        Self {
            destination_identity: String::new(),
            method: String::new(),
            payload: String::new(),
            response_timeout: Duration::from_secs(15),
            max_round_trip_latency: Duration::from_secs(7),
        }
    }
}

impl PerformRpcData {
    /// A call of `method` at `destination_identity` with default limits.
    pub fn new(destination_identity: impl Into<ParticipantIdentity>, method: impl Into<String>) -> Self {
        Self {
            destination_identity: destination_identity.into().into(),
            method: method.into(),
            ..Self::default()
        }
    }
    /// Sets the argument.
    pub fn with_payload(mut self, payload: impl Into<String>) -> Self {
        self.payload = payload.into();
        self
    }
    /// Sets the limit of the whole call.
    pub fn with_response_timeout(mut self, response_timeout: Duration) -> Self {
        self.response_timeout = response_timeout;
        self
    }
    /// Sets what the way there and back may take.
    pub fn with_max_round_trip_latency(mut self, max_round_trip_latency: Duration) -> Self {
        self.max_round_trip_latency = max_round_trip_latency;
        self
    }
}

/// A call that reached us.
#[derive(Debug, Clone)]
pub struct RpcInvocationData {
    /// Same at both ends.
    pub request_id: String,
    /// Who calls.
    pub caller_identity: ParticipantIdentity,
    /// The argument.
    pub payload: String,
    /// How long the caller waits.
    pub response_timeout: Duration,
}

/// A failed call.
#[derive(Debug, Clone)]
pub struct RpcError {
    /// [`RpcErrorCode`], or the callee's own.
    pub code: u32,
    /// What went wrong.
    pub message: String,
    /// More, if the callee says more.
    pub data: Option<String>,
}

impl RpcError {
    /// An error with a code of one's own.
    pub fn new(code: u32, message: String, data: Option<String>) -> Self {
        Self { code, message, data }
    }
    /// A built-in error.
    pub fn built_in(code: RpcErrorCode, data: Option<String>) -> Self {
        Self { code: code as u32, message: format!("{code:?}"), data }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RPC Error: {} ({})", self.message, self.code)
    }
}
impl std::error::Error for RpcError {}

/// Codes of built-in errors.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum RpcErrorCode {
    ApplicationError = 1500,
    ConnectionTimeout = 1501,
    ResponseTimeout = 1502,
    RecipientDisconnected = 1503,
    ResponsePayloadTooLarge = 1504,
    SendFailed = 1505,
    UnsupportedMethod = 1400,
    RecipientNotFound = 1401,
    RequestPayloadTooLarge = 1402,
    UnsupportedServer = 1403,
    UnsupportedVersion = 1404,
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

pub(crate) async fn perform(local: u64, data: PerformRpcData) -> Result<String, RpcError> {
    let pending = server::request_async("perform_rpc", |id| {
        Request::PerformRpc(proto::PerformRpcRequest {
            local_participant_handle: local,
            destination_identity: data.destination_identity,
            method: data.method,
            payload: data.payload,
            response_timeout_ms: Some(millis(data.response_timeout)),
            request_async_id: Some(id),
            max_round_trip_latency_ms: Some(millis(data.max_round_trip_latency)),
        })
    })?;
    match pending.wait().await {
        Some(Event::PerformRpc(answer)) => match answer.error {
            Some(error) => Err(RpcError::new(error.code, error.message, error.data)),
            None => Ok(answer.payload.unwrap_or_default()),
        },
        _ => Err(RpcError::built_in(RpcErrorCode::SendFailed, None)),
    }
}

/// Answers a call that reached us, on the runtime that joined the room.
pub(crate) fn invoke(local: &Arc<LocalShared>, call: proto::RpcMethodInvocationEvent) {
    let handler = local.rpc_handlers.lock().get(&call.method).map(Arc::clone);
    let local = Arc::clone(local);
    let runtime = local.runtime.clone();
    runtime.spawn(async move {
        let answer = match handler {
            Some(handler) => {
                handler(RpcInvocationData {
                    request_id: call.request_id,
                    caller_identity: call.caller_identity.into(),
                    payload: call.payload,
                    response_timeout: Duration::from_millis(call.response_timeout_ms.into()),
                })
                .await
            }
            None => Err(RpcError::built_in(RpcErrorCode::UnsupportedMethod, None)),
        };
        let (payload, error) = match answer {
            Ok(payload) => (Some(payload), None),
            Err(e) => (None, Some(proto::RpcError { code: e.code, message: e.message, data: e.data })),
        };
        let request = Request::RpcMethodInvocationResponse(proto::RpcMethodInvocationResponseRequest {
            local_participant_handle: local.handle.id(),
            invocation_id: call.invocation_id,
            payload,
            error,
        });
        if let Err(error) = server::request("rpc_method_invocation_response", request) {
            tracing::debug!(%error, "an RPC could not be answered");
        }
    });
}
