//! The C functions of the library: the only module that calls them, and the only one with `unsafe` in it but [`library`](crate::library),
//! which vouches for the file. No address leaves it.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::OnceLock;

use libloading::Library as DynamicLibrary;
use prost::Message as _;

use crate::proto;
use crate::proto::ffi_request::Message as Request;
use crate::proto::ffi_response::Message as Response;

type Callback = extern "C" fn(*const u8, usize);
type InitializeFn = unsafe extern "C" fn(Callback, bool, *const c_char, *const c_char);
type RequestFn = unsafe extern "C" fn(*const u8, usize, *mut *const u8, *mut usize) -> u64;
type DropHandleFn = unsafe extern "C" fn(u64) -> bool;

pub(crate) struct Library {
    request: RequestFn,
    drop_handle: DropHandleFn,
    /// Keeps the code mapped; never unloaded, because its threads outlive every room.
    _library: DynamicLibrary,
}

static LIBRARY: OnceLock<Library> = OnceLock::new();
/// Where events go.
static DISPATCH: OnceLock<fn(proto::FfiEvent)> = OnceLock::new();

pub(crate) fn loaded() -> Option<&'static Library> {
    LIBRARY.get()
}

/// Loads the library and starts it; what it tells goes to `dispatch`, on its own threads. Two threads may load at once: one of
/// them wins, the other one's mapping is dropped.
///
/// # Errors
/// The system's loader refuses the file.
///
/// # Safety
/// The file is livekit-ffi 0.13.2: its constructors run, and the signatures above are believed.
pub(crate) unsafe fn open(path: &Path, dispatch: fn(proto::FfiEvent)) -> Result<(), libloading::Error> {
    // SAFETY: by our own contract the signatures are those of `livekit_ffi.h` in the same wheel.
    unsafe {
        let library = DynamicLibrary::new(path)?;
        let initialize: InitializeFn = *library.get(b"livekit_ffi_initialize\0")?;
        let request: RequestFn = *library.get(b"livekit_ffi_request\0")?;
        let drop_handle: DropHandleFn = *library.get(b"livekit_ffi_drop_handle\0")?;
        let sdk = CString::from(c"rust");
        let version = CString::new(env!("CARGO_PKG_VERSION")).unwrap_or_default();
        let _ = DISPATCH.set(dispatch);
        // capture_logs: without it the library writes to standard error itself.
        initialize(on_event, true, sdk.as_ptr(), version.as_ptr());
        let _ = LIBRARY.set(Library { request, drop_handle, _library: library });
    }
    Ok(())
}

/// Called by the library on its own threads, concurrently; must not block or unwind.
extern "C" fn on_event(data: *const u8, len: usize) {
    // SAFETY: the library passes a buffer of `len` bytes that lives until we return.
    let bytes = unsafe { std::slice::from_raw_parts(data, len) };
    let result = std::panic::catch_unwind(|| match proto::FfiEvent::decode(bytes) {
        Ok(event) => {
            if let Some(dispatch) = DISPATCH.get() {
                dispatch(event);
            }
        }
        Err(error) => tracing::warn!(%error, "an event of the LiveKit library could not be decoded"),
    });
    if result.is_err() {
        tracing::error!("handling an event of the LiveKit library panicked");
    }
}

/// What an audio processing module is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processing {
    pub(crate) apm_handle: u64,
    /// Hertz.
    pub(crate) sample_rate: u32,
    pub(crate) num_channels: u32,
    /// What the loudspeaker plays, instead of what the microphone captured.
    pub(crate) reverse: bool,
}

impl Library {
    /// Sends one request and returns its response, or `None` when the library refused it (it writes the reason to its log).
    /// One that names memory is not sent: it is made here ([`Self::capture`], [`Self::process`]), where the memory is known.
    pub(crate) fn request(&self, message: Request) -> Option<Response> {
        if matches!(
            message,
            Request::CaptureAudioFrame(_)
                | Request::ApmProcessStream(_)
                | Request::ApmProcessReverseStream(_)
        ) {
            return None;
        }
        // SAFETY: no other request of ours names memory.
        unsafe { self.send(message) }
    }

    /// Gives captured samples to a source; the library has copied them when this returns. `request` says everything about them
    /// but where they are.
    pub(crate) fn capture(
        &self,
        samples: &[i16],
        mut request: proto::CaptureAudioFrameRequest,
    ) -> Option<Response> {
        let said = request.buffer.num_channels as usize * request.buffer.samples_per_channel as usize;
        if said != samples.len() {
            return None;
        }
        request.buffer.data_ptr = samples.as_ptr() as u64;
        // SAFETY: the library reads `said` samples at that address before it answers (livekit-ffi 0.13.2, `capture_frame`
        // copies them first), and we hold them.
        unsafe { self.send(Request::CaptureAudioFrame(request)) }
    }

    /// Lets an audio processing module work on samples in place. `None` too if there are more than can be said.
    pub(crate) fn process(&self, samples: &mut [i16], processing: Processing) -> Option<Response> {
        let Processing { apm_handle, sample_rate, num_channels, reverse } = processing;
        let size = u32::try_from(std::mem::size_of_val(samples)).ok()?;
        let data_ptr = samples.as_mut_ptr() as u64;
        let request = if reverse {
            Request::ApmProcessReverseStream(proto::ApmProcessReverseStreamRequest {
                apm_handle,
                data_ptr,
                size,
                sample_rate,
                num_channels,
            })
        } else {
            Request::ApmProcessStream(proto::ApmProcessStreamRequest {
                apm_handle,
                data_ptr,
                size,
                sample_rate,
                num_channels,
            })
        };
        // SAFETY: `size` bytes at that address are ours alone until the library answers, and it keeps no address.
        unsafe { self.send(request) }
    }

    /// # Safety
    /// An address in `message` is that of memory which may be read (of a module's request: also written) for the length that the
    /// message says, until this returns.
    unsafe fn send(&self, message: Request) -> Option<Response> {
        let bytes = proto::FfiRequest { message: Some(message) }.encode_to_vec();
        let mut data: *const u8 = std::ptr::null();
        let mut len = 0_usize;
        // SAFETY: `bytes` is valid for the call; `data` and `len` are written before it returns.
        let handle = unsafe { (self.request)(bytes.as_ptr(), bytes.len(), &mut data, &mut len) };
        if handle == 0 || data.is_null() {
            return None;
        }
        // SAFETY: the response buffer lives until its handle is dropped, below.
        let response = proto::FfiResponse::decode(unsafe { std::slice::from_raw_parts(data, len) });
        self.drop_handle(handle);
        response.ok()?.message
    }

    pub(crate) fn drop_handle(&self, handle: u64) {
        // SAFETY: takes any number; an unknown one is answered with false.
        unsafe { (self.drop_handle)(handle) };
    }
}

/// Copies one PCM frame out of the library's memory.
pub(crate) fn copy_samples(info: &proto::AudioFrameBufferInfo) -> Vec<i16> {
    let len = info.num_channels as usize * info.samples_per_channel as usize;
    if info.data_ptr == 0 || len == 0 {
        return Vec::new();
    }
    // SAFETY: the library owns `len` samples at `data_ptr` until the frame's handle is dropped,
    // which its caller does after this copy.
    unsafe { std::slice::from_raw_parts(info.data_ptr as *const i16, len) }.to_vec()
}

/// Copies a data packet out of the library's memory.
pub(crate) fn copy_bytes(info: &proto::BufferInfo) -> Vec<u8> {
    if info.data_ptr == 0 || info.data_len == 0 {
        return Vec::new();
    }
    // SAFETY: as above, for `data_len` bytes until the buffer's handle is dropped.
    unsafe { std::slice::from_raw_parts(info.data_ptr as *const u8, info.data_len as usize) }.to_vec()
}
