//! cpal: WASAPI, CoreAudio, and ALSA where there is no Pulse server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{FromSample, Sample as _, SampleFormat, SizedSample};
use rtrb::{Producer, RingBuffer};

use crate::channels::{Channels, MOST};
use crate::convert::Rate;
use crate::device::{AudioError, Device, DeviceChoice, Devices, tell_apart};
use crate::format::StreamFormat;
use crate::frame_work::FrameSink;
use crate::mixer::Source;
use crate::realtime::without_allocation;
use crate::status::{Flow, StreamState};
use crate::stream::{CaptureShared, Held, PlaybackShared};
use crate::urgent::Urgent;
use crate::{FRAME, SAMPLE_RATE};

/// How often the pump thread looks at the ring; half a frame.
const PUMP: Duration = Duration::from_millis(5);
/// Ring between the device's callback and the pump: 400 ms at 48 kHz mono.
const RING_MS: u32 = 400;

fn system(error: impl std::fmt::Display) -> AudioError {
    AudioError::System(error.to_string())
}

/// What a device does not do for us.
fn of_device(error: cpal::Error) -> AudioError {
    if error.kind() == cpal::ErrorKind::PermissionDenied { AudioError::Denied } else { system(error) }
}

pub(crate) fn devices() -> Result<Devices, AudioError> {
    let host = cpal::default_host();
    let default_in = host.default_input_device().and_then(|d| d.id().ok());
    let default_out = host.default_output_device().and_then(|d| d.id().ok());
    let list = |devices: Vec<cpal::Device>, default: Option<cpal::DeviceId>| {
        let mut found: Vec<Device> = devices
            .into_iter()
            .filter_map(|device| {
                let id = device.id().ok()?;
                let name = device.description().ok()?.name().to_owned();
                (!is_plug_in(&id.to_string(), &name)).then(|| Device {
                    default: default.as_ref() == Some(&id),
                    id: id.to_string(),
                    name,
                    ..Device::default()
                })
            })
            .collect();
        tell_apart(&mut found);
        found
    };
    Ok(Devices {
        inputs: list(host.input_devices().map_err(system)?.collect(), default_in),
        outputs: list(host.output_devices().map_err(system)?.collect(), default_out),
    })
}

/// ALSA lists its plug-ins (rate converters, "Discard all samples", whatever a sound server offers it) as if they were devices: their
/// ids say so, whatever they are called.
fn is_plug_in(id: &str, name: &str) -> bool {
    const PLUG_INS: [&str; 10] = [
        "null",
        "lavrate",
        "samplerate",
        "speexrate",
        "speex",
        "upmix",
        "vdownmix",
        "jack",
        "oss",
        "usbstream",
    ];
    let plug_in = id.rsplit(':').next().unwrap_or(id);
    PLUG_INS.iter().any(|word| plug_in == *word || name.contains("rate Converter") || name == *word)
}

fn find(choice: &DeviceChoice, input: bool) -> Result<cpal::Device, AudioError> {
    let host = cpal::default_host();
    let none = if input { AudioError::NoMicrophone } else { AudioError::NoSpeaker };
    match choice {
        DeviceChoice::SystemDefault => {
            if input { host.default_input_device() } else { host.default_output_device() }.ok_or(none)
        }
        DeviceChoice::Named(id) => {
            let parsed = id.parse().map_err(|_| AudioError::Missing(id.clone()))?;
            host.device_by_id(&parsed).ok_or_else(|| AudioError::Missing(id.clone()))
        }
    }
}

fn unsupported(what: &str, format: SampleFormat) -> AudioError {
    AudioError::Unusable(format!("the {what} speaks the unknown format {format}"))
}

/// A device that failed gives nothing more: the stream's owner is told to open it again. This may be the device's own thread:
/// nothing is written here.
fn on_error(state: Arc<StreamState>) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| {
        if fatal(error.kind()) {
            state.fail();
        } else {
            state.hiccup();
        }
    }
}

/// Whether a stream has to be opened again after this error. A buffer that ran out or over and a real-time priority that was
/// denied cost a moment at most; one that the system exchanged for another device is another device, and shown as such.
fn fatal(kind: cpal::ErrorKind) -> bool {
    use cpal::ErrorKind as K;
    !matches!(kind, K::Xrun | K::RealtimeDenied)
}

/// Captures until stopped.
///
/// # Errors
/// The device can't be opened.
pub(crate) fn capture(
    choice: &DeviceChoice,
    shared: Arc<CaptureShared>,
    mut sink: FrameSink,
) -> Result<Held, AudioError> {
    choice.check(&devices()?.inputs, AudioError::NoMicrophone)?;
    let device = find(choice, true)?;
    let supported = device.default_input_config().map_err(system)?;
    let (format, config) = (supported.sample_format(), supported.config());
    let channels = usize::from(config.channels);
    let capacity = (config.sample_rate * RING_MS / 1000) as usize * channels;
    let (producer, mut consumer) = RingBuffer::<f32>::new(capacity);
    let lost = Arc::clone(&shared);
    #[expect(clippy::wildcard_enum_match_arm, reason = "cpal's list of formats is open")]
    let stream = match format {
        SampleFormat::F32 => input::<f32>(&device, &config, producer, lost),
        SampleFormat::I16 => input::<i16>(&device, &config, producer, lost),
        SampleFormat::I32 => input::<i32>(&device, &config, producer, lost),
        SampleFormat::U8 => input::<u8>(&device, &config, producer, lost),
        other => Err(unsupported("microphone", other)),
    }?;
    let mut rate = Rate::new(config.sample_rate, SAMPLE_RATE)?;
    shared.state.opened(device.id().ok().map(|id| id.to_string()).as_deref());
    shared.state.format.set(known(&config, 0));
    let (state, stop) = (Arc::clone(&shared.state), Arc::clone(&shared.state));
    let pump = move || {
        let _urgent = Urgent::ask();
        let (mut channel, mut single) = (Channels::new(channels), Vec::with_capacity(capacity));
        let mut flow = Flow::new(Instant::now());
        while !state.stopped() {
            let whole = consumer.slots() / channels * channels;
            flow.look(whole > 0, Instant::now(), &state);
            state.tell_failure();
            single.clear();
            for _ in 0..whole / channels {
                single.push(channel.mix((0..channels).map(|_| consumer.pop().unwrap_or(0.0))));
                // Past those that are looked at.
                for _ in MOST..channels {
                    let _ = consumer.pop();
                }
            }
            rate.process(&single, |out| out.iter().for_each(|sample| sink.take(*sample)));
            std::thread::sleep(PUMP);
        }
    };
    std::thread::Builder::new().name("microphone-pump".to_owned()).spawn(pump).map_err(system)?;
    // A pump of a stream that does not run would turn for ever.
    stream.play().inspect_err(|_| stop.stop()).map_err(system)?;
    Ok(Held::new(stream))
}

/// What a device does that gives or takes so many samples of each channel at once.
fn known(config: &cpal::StreamConfig, at_once: usize) -> StreamFormat {
    let ms = at_once as u64 * 1_000 / u64::from(config.sample_rate.max(1));
    StreamFormat {
        rate: config.sample_rate,
        channels: config.channels,
        buffer_ms: u16::try_from(ms).unwrap_or(u16::MAX),
    }
}

fn input<T>(
    device: &cpal::Device,
    config: &cpal::StreamConfig,
    mut ring: Producer<f32>,
    shared: Arc<CaptureShared>,
) -> Result<cpal::Stream, AudioError>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let (told, config_of) = (Arc::clone(&shared.state), *config);
    let channels = usize::from(config.channels.max(1));
    let mut take = move |data: &[T]| {
        let at_once = data.len() / channels;
        shared.state.format.set(known(&config_of, at_once));
        // Whole frames: half of one would exchange the channels for ever after.
        let fit = ring.slots().min(data.len()) / channels * channels;
        for sample in &data[..fit] {
            let _ = ring.push(f32::from_sample(*sample));
        }
        if fit < data.len() {
            // In ours, at 48 kHz.
            let lost = ((data.len() - fit) / channels) as u64 * u64::from(SAMPLE_RATE);
            shared.lost_samples.fetch_add(lost / u64::from(config_of.sample_rate.max(1)), Ordering::Relaxed);
        }
    };
    let callback = move |data: &[T], _: &cpal::InputCallbackInfo| without_allocation(|| take(data));
    device.build_input_stream(*config, callback, on_error(told), None).map_err(of_device)
}

/// Plays until stopped.
///
/// # Errors
/// The device can't be opened.
pub(crate) fn playback(
    choice: &DeviceChoice,
    shared: Arc<PlaybackShared>,
    mut source: Source,
) -> Result<Held, AudioError> {
    choice.check(&devices()?.outputs, AudioError::NoSpeaker)?;
    let device = find(choice, false)?;
    let supported = device.default_output_config().map_err(system)?;
    let (format, config) = (supported.sample_format(), supported.config());
    let capacity = (config.sample_rate * RING_MS / 1000) as usize;
    // What waits in the device's ring is delay: keep two frames, or what the device takes at once and one frame more.
    let least = (config.sample_rate / 50) as usize;
    let (takes, dry) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (mut producer, consumer) = RingBuffer::<f32>::new(capacity);
    let told = (Arc::clone(&takes), Arc::clone(&dry), Arc::clone(&shared));
    #[expect(clippy::wildcard_enum_match_arm, reason = "cpal's list of formats is open")]
    let stream = match format {
        SampleFormat::F32 => output::<f32>(&device, &config, consumer, told),
        SampleFormat::I16 => output::<i16>(&device, &config, consumer, told),
        SampleFormat::I32 => output::<i32>(&device, &config, consumer, told),
        SampleFormat::U8 => output::<u8>(&device, &config, consumer, told),
        other => Err(unsupported("loudspeaker", other)),
    }?;
    source.set_rate(config.sample_rate)?;
    shared.state.opened(device.id().ok().map(|id| id.to_string()).as_deref());
    shared.state.format.set(known(&config, 0));
    let (state, stop) = (Arc::clone(&shared.state), Arc::clone(&shared.state));
    let pump = move || {
        let _urgent = Urgent::ask();
        let mut part = [0.0; FRAME];
        let mut flow = Flow::new(Instant::now());
        let mut reserve = Reserve::new(config.sample_rate);
        while !state.stopped() {
            let more = reserve.after(dry.load(Ordering::Relaxed), Instant::now());
            let target = target(takes.load(Ordering::Relaxed), least + more, capacity);
            flow.look(capacity - producer.slots() < target, Instant::now(), &state);
            state.tell_failure();
            while capacity - producer.slots() < target {
                source.fill(&mut part);
                for sample in &part {
                    let _ = producer.push(*sample);
                }
            }
            std::thread::sleep(PUMP);
        }
    };
    std::thread::Builder::new().name("loudspeaker-pump".to_owned()).spawn(pump).map_err(system)?;
    // A pump of a stream that does not run would turn for ever.
    stream.play().inspect_err(|_| stop.stop()).map_err(system)?;
    Ok(Held::new(stream))
}

/// What is kept waiting beyond what a device takes, where the pump was late: 5 ms more each time, 60 ms at most, a millisecond less after
/// each ten seconds without.
struct Reserve {
    /// Samples of a millisecond.
    ms: usize,
    seen: usize,
    more: usize,
    since: Instant,
}

impl Reserve {
    fn new(rate: u32) -> Self {
        Self { ms: (rate / 1000) as usize, seen: 0, more: 0, since: Instant::now() }
    }

    /// The device has run dry so often; gives how many samples more are kept now.
    fn after(&mut self, dry: usize, now: Instant) -> usize {
        if dry != self.seen {
            self.more = (self.more + 5 * self.ms).min(60 * self.ms);
            (self.seen, self.since) = (dry, now);
        } else if now.saturating_duration_since(self.since) >= Duration::from_secs(10) {
            self.more = self.more.saturating_sub(self.ms);
            self.since = now;
        }
        self.more
    }
}

/// How many samples are kept waiting for a device that `takes` so many at once.
fn target(takes: usize, least: usize, capacity: usize) -> usize {
    least.max(takes + least / 2).min(capacity)
}

fn output<T>(
    device: &cpal::Device,
    config: &cpal::StreamConfig,
    mut ring: rtrb::Consumer<f32>,
    (takes, dry, shared): (Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<PlaybackShared>),
) -> Result<cpal::Stream, AudioError>
where
    T: SizedSample + FromSample<f32>,
{
    let (channels, told, config_of) = (usize::from(config.channels), Arc::clone(&shared), *config);
    // Before anything was played, nothing runs out.
    let mut flows = false;
    let mut give = move |data: &mut [T]| {
        let at_once = data.len() / channels;
        takes.fetch_max(at_once, Ordering::Relaxed);
        told.state.format.set(known(&config_of, at_once));
        for frame in data.chunks_mut(channels) {
            let sample = ring.pop();
            if flows && sample.is_err() {
                dry.fetch_add(1, Ordering::Relaxed);
                told.underruns.fetch_add(1, Ordering::Relaxed);
            }
            flows = sample.is_ok();
            frame.fill(T::from_sample(sample.unwrap_or(0.0)));
        }
    };
    let callback = move |data: &mut [T], _: &cpal::OutputCallbackInfo| without_allocation(|| give(data));
    let failing = Arc::clone(&shared.state);
    device.build_output_stream(*config, callback, on_error(failing), None).map_err(of_device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pump_that_is_late_keeps_more_and_less_again() {
        let mut reserve = Reserve::new(48_000);
        let now = Instant::now();
        assert_eq!(reserve.after(0, now), 0);
        assert_eq!(reserve.after(1, now), 240);
        assert_eq!(reserve.after(1, now), 240);
        assert_eq!((2..40).map(|dry| reserve.after(dry, now)).last(), Some(60 * 48));
        let later = now + Duration::from_secs(10);
        assert_eq!((reserve.after(39, later), reserve.after(39, later)), (59 * 48, 59 * 48));
    }

    #[test]
    fn a_device_that_takes_much_at_once_is_served() {
        // 48 kHz: two frames of 10 ms are kept for one that takes 10 ms, 50 ms for one that takes 40 ms.
        assert_eq!(target(480, 960, 19_200), 960);
        assert_eq!(target(1_920, 960, 19_200), 2_400);
        assert_eq!(target(48_000, 960, 19_200), 19_200, "no more than there is room for");
    }

    #[test]
    fn plug_ins_are_no_devices() {
        assert!(is_plug_in("alsa:null", "Discard all samples (playback) or generate zero samples (capture)"));
        assert!(is_plug_in("alsa:speexrate", "Rate Converter Plugin Using Speex Resampler"));
        assert!(!is_plug_in("alsa:hw:CARD=PCH,DEV=0", "HDA Intel PCH, ALC257 Analog"));
        assert!(!is_plug_in("alsa:default", "Default Audio Device"));
    }

    #[test]
    fn only_what_ends_a_stream_makes_it_be_opened_again() {
        assert!(!fatal(cpal::ErrorKind::Xrun));
        assert!(fatal(cpal::ErrorKind::DeviceChanged), "another device is shown as another one");
        assert!(fatal(cpal::ErrorKind::DeviceNotAvailable));
    }
}
