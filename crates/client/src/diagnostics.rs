//! Numbers about sound and its way, each with a verdict: for the screen, in words, and for the record.

use std::collections::VecDeque;

use adjourn_audio::{CaptureStats, PlaybackStats, SAMPLE_RATE, StreamFormat};
use adjourn_protocol::{AudioStatistics, LinkStatistics};
use adjourn_room::{LinkNumbers, ReceivedTotals};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Message;
use crate::side::Side;
use crate::sound_check::{Finding, Verdict};

/// Looks at the link that are summed for what is shown: 5 s at two a second. Longer than a hiccup, shorter than a complaint.
const LOOKS: usize = 10;
/// There and back: ITU-T G.114 finds 150 ms one way good for most uses, and more than 400 ms not acceptable.
pub(crate) const ROUND_TRIP_MS: (f64, f64) = (300.0, 800.0);
/// What waits in the jitter buffer is delay, too: half of what G.114 allows one way, and as much as it allows.
const JITTER_BUFFER_MS: (f64, f64) = (75.0, 150.0);
/// Sound that is missing or made up, in percent: nobody hears one in a hundred packets with Opus; of five, syllables are missing.
const MISSING: (f64, f64) = (1.0, 5.0);
/// Gaps at the loudspeaker in a minute.
const GAPS: (f64, f64) = (1.0, 6.0);
/// Clocks differ by 50 to 200 ppm; up to 1,000 are made up for, so that nobody hears it.
const DRIFT_PPM: (f64, f64) = (500.0, 999.0);

/// What can be looked up about sound and its way, while a device is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Diagnostics.ts")]
pub struct Diagnostics {
    /// One number each, in words.
    pub findings: Vec<Finding>,
}

pub(crate) fn verdict(value: f64, (good, bearable): (f64, f64)) -> Verdict {
    if value <= good {
        Verdict::Good
    } else if value <= bearable {
        Verdict::Warning
    } else {
        Verdict::Bad
    }
}

/// An open device: its name, what it does, and its counters.
#[derive(Clone, Debug)]
pub(crate) struct OpenDevice<C> {
    pub(crate) name: String,
    pub(crate) format: Option<StreamFormat>,
    pub(crate) counters: C,
}

impl<C> OpenDevice<C> {
    /// Its name and what it does, once that is known.
    fn finding(&self, message: impl FnOnce(String, u32, u32, u32) -> Message) -> Option<Finding> {
        let StreamFormat { rate, channels, buffer_ms } = self.format?;
        let text = message(self.name.clone(), rate, u32::from(channels), u32::from(buffer_ms));
        Some(Finding { verdict: Verdict::Good, text })
    }
}

pub(crate) fn whole(value: f64) -> u32 {
    value.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// A share in whole percent; what is there at all is not nothing.
pub(crate) fn percent(value: f64) -> u32 {
    whole(value.ceil())
}

fn ms(samples: u64) -> f64 {
    samples as f64 * 1_000.0 / f64::from(SAMPLE_RATE)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part.max(0.0) / whole * 100.0 } else { 0.0 }
}

/// What there is to be seen now.
pub(crate) fn look(
    microphone: Option<&OpenDevice<CaptureStats>>,
    loudspeaker: Option<&OpenDevice<(PlaybackStats, f32)>>,
    link: &LinkGauge,
) -> Diagnostics {
    let mut findings = Vec::new();
    if let Some(open) = microphone {
        findings.extend(open.finding(|device, rate, channels, buffer| Message::FigureMicrophone {
            device,
            rate,
            channels,
            buffer,
        }));
        let CaptureStats { frames, lost_samples, .. } = open.counters;
        let lost = share(ms(lost_samples), frames as f64 * 10.0);
        findings.push(Finding {
            verdict: verdict(lost, MISSING),
            text: Message::FigureCaptureLost { ms: whole(ms(lost_samples)) },
        });
    }
    if let Some(open) = loudspeaker {
        findings.extend(open.finding(|device, rate, channels, buffer| Message::FigureLoudspeaker {
            device,
            rate,
            channels,
            buffer,
        }));
        let (PlaybackStats { played, underruns, skipped, .. }, drift) = open.counters;
        let minutes = (ms(played) / 60_000.0).max(1.0);
        findings.push(Finding {
            verdict: verdict(underruns as f64 / minutes, GAPS),
            text: Message::FigurePlaybackGaps { count: u32::try_from(underruns).unwrap_or(u32::MAX) },
        });
        findings.push(Finding {
            verdict: verdict(share(ms(skipped), ms(played)), MISSING),
            text: Message::FigurePlaybackSkipped { ms: whole(ms(skipped)) },
        });
        findings.push(Finding {
            verdict: verdict(f64::from(drift.abs()), DRIFT_PPM),
            // Counted the other way round: by how much the loudspeaker's is faster.
            text: Message::FigureClockDrift { ppm: -drift.round() as i32 },
        });
    }
    findings.extend(link.findings());
    Diagnostics { findings }
}

/// Counters for the record: of everything that was open since the start, of the link, and what was used.
pub(crate) fn statistics(
    capture: CaptureStats,
    playback: PlaybackStats,
    link: &LinkGauge,
    (input, output): (&Side, &Side),
) -> AudioStatistics {
    AudioStatistics {
        captured_frames: capture.frames,
        lost_samples: capture.lost_samples,
        played_samples: playback.played,
        underruns: playback.underruns,
        skipped_samples: playback.skipped,
        reopened: capture.reopened + playback.reopened + input.reopened() + output.reopened(),
        microphone: input.used(),
        loudspeaker: output.used(),
        link: link.statistics(),
    }
}

/// What was received between two looks.
fn since(before: ReceivedTotals, now: ReceivedTotals) -> Option<ReceivedTotals> {
    // A track that went takes its counters along.
    let grew = now.packets >= before.packets && now.emitted >= before.emitted;
    (grew && now.samples >= before.samples && now.concealed >= before.concealed).then(|| ReceivedTotals {
        packets: now.packets - before.packets,
        lost: now.lost - before.lost,
        jitter_buffer: (now.jitter_buffer - before.jitter_buffer).max(0.0),
        emitted: now.emitted - before.emitted,
        samples: now.samples - before.samples,
        concealed: now.concealed - before.concealed,
    })
}

fn jitter_buffer_ms(of: &ReceivedTotals) -> Option<f64> {
    (of.emitted > 0).then(|| of.jitter_buffer / of.emitted as f64 * 1_000.0)
}

/// Follows the link's numbers.
#[derive(Debug, Default)]
pub(crate) struct LinkGauge {
    last: Option<ReceivedTotals>,
    lately: VecDeque<ReceivedTotals>,
    now: LinkNumbers,
    /// Of everything since the start.
    received: ReceivedTotals,
    round_trips: u32,
    round_trip_sum: f64,
    round_trip_worst: f64,
}

impl LinkGauge {
    /// The link's numbers now.
    pub(crate) fn look(&mut self, numbers: LinkNumbers) {
        self.now = numbers;
        if let Some(round_trip) = numbers.round_trip {
            self.round_trips += 1;
            self.round_trip_sum += round_trip;
            self.round_trip_worst = self.round_trip_worst.max(round_trip);
        }
        let news = self.last.and_then(|last| since(last, numbers.received));
        self.last = Some(numbers.received);
        let Some(news) = news else { return };
        self.received += news;
        if self.lately.len() == LOOKS {
            self.lately.pop_front();
        }
        self.lately.push_back(news);
    }

    /// There and back to the room's server, in milliseconds, if it is known.
    pub(crate) fn round_trip_ms(&self) -> Option<u32> {
        self.now.round_trip.map(|seconds| whole(seconds * 1_000.0))
    }

    fn findings(&self) -> Vec<Finding> {
        let mut lately = ReceivedTotals::default();
        self.lately.iter().for_each(|look| lately += *look);
        let mut findings = Vec::new();
        if let Some(round_trip) = self.now.round_trip.map(|seconds| seconds * 1_000.0) {
            findings.push(Finding {
                verdict: verdict(round_trip, ROUND_TRIP_MS),
                text: Message::FigureRoundTrip { ms: whole(round_trip) },
            });
        }
        if let Some(lost) = self.now.sent_lost.map(|lost| lost * 100.0) {
            findings.push(Finding {
                verdict: verdict(lost, MISSING),
                text: Message::FigureSentLost { percent: percent(lost) },
            });
        }
        let expected = lately.packets as f64 + lately.lost.max(0) as f64;
        if expected > 0.0 {
            let lost = share(lately.lost as f64, expected);
            findings.push(Finding {
                verdict: verdict(lost, MISSING),
                text: Message::FigureReceivedLost { percent: percent(lost) },
            });
        }
        if let Some(waits) = jitter_buffer_ms(&lately) {
            findings.push(Finding {
                verdict: verdict(waits, JITTER_BUFFER_MS),
                text: Message::FigureJitterBuffer { ms: whole(waits) },
            });
            let concealed = share(lately.concealed as f64, lately.samples as f64);
            findings.push(Finding {
                verdict: verdict(concealed, MISSING),
                text: Message::FigureConcealed { percent: percent(concealed) },
            });
        }
        findings
    }

    /// For the record; nothing, if nothing was received or measured.
    pub(crate) fn statistics(&self) -> Option<LinkStatistics> {
        let of = &self.received;
        (self.round_trips > 0 || of.packets > 0).then(|| LinkStatistics {
            round_trip_ms: whole(self.round_trip_sum / f64::from(self.round_trips.max(1)) * 1_000.0),
            worst_round_trip_ms: whole(self.round_trip_worst * 1_000.0),
            packets: of.packets,
            lost_packets: u64::try_from(of.lost).unwrap_or(0),
            jitter_buffer_ms: whole(jitter_buffer_ms(of).unwrap_or(0.0)),
            concealed_ms: whole(ms(of.concealed)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(packets: u64, lost: i64, concealed: u64) -> LinkNumbers {
        let samples = packets * 960;
        LinkNumbers {
            round_trip: Some(0.05),
            sent_lost: Some(0.004),
            received: ReceivedTotals {
                packets,
                lost,
                jitter_buffer: samples as f64 * 0.06,
                emitted: samples,
                samples,
                concealed,
            },
        }
    }

    fn shown(gauge: &LinkGauge) -> Vec<(Verdict, Message)> {
        look(None, None, gauge).findings.into_iter().map(|found| (found.verdict, found.text)).collect()
    }

    #[test]
    fn what_was_lost_lately_is_shown_and_forgotten_and_the_record_keeps_it() {
        let mut gauge = LinkGauge::default();
        assert_eq!((shown(&gauge), gauge.statistics()), (Vec::new(), None));
        gauge.look(received(100, 0, 0));
        // 25 packets in half a second, 2 of them lost.
        gauge.look(received(123, 2, 1_920));
        let now = shown(&gauge);
        assert!(now.contains(&(Verdict::Good, Message::FigureRoundTrip { ms: 50 })));
        assert!(now.contains(&(Verdict::Good, Message::FigureSentLost { percent: 1 })));
        assert!(now.contains(&(Verdict::Bad, Message::FigureReceivedLost { percent: 8 })));
        assert!(now.contains(&(Verdict::Good, Message::FigureJitterBuffer { ms: 60 })));
        assert!(now.contains(&(Verdict::Bad, Message::FigureConcealed { percent: 9 })));
        for look in 0..LOOKS as u64 {
            gauge.look(received(148 + look * 25, 2, 1_920));
        }
        assert!(shown(&gauge).contains(&(Verdict::Good, Message::FigureReceivedLost { percent: 0 })));
        let kept = gauge.statistics().unwrap();
        assert_eq!((kept.round_trip_ms, kept.lost_packets, kept.concealed_ms), (50, 2, 40));
        assert_eq!(kept.packets, 23 + 25 * LOOKS as u64);
    }

    #[test]
    fn a_track_that_went_is_no_loss() {
        let mut gauge = LinkGauge::default();
        gauge.look(received(1_000, 50, 0));
        gauge.look(received(10, 0, 0));
        gauge.look(received(35, 0, 0));
        assert!(shown(&gauge).contains(&(Verdict::Good, Message::FigureReceivedLost { percent: 0 })));
        assert_eq!(gauge.statistics().map(|kept| kept.packets), Some(25));
    }

    #[test]
    fn open_devices_are_shown_with_what_they_do() {
        let format = Some(StreamFormat { rate: 16_000, channels: 1, buffer_ms: 10 });
        let counters = CaptureStats { frames: 1_000, lost_samples: 4_800, reopened: 0 };
        let microphone = OpenDevice { name: "Headset".to_owned(), format, counters };
        let counters = (PlaybackStats { played: 48_000 * 60, underruns: 3, ..Default::default() }, -42.4);
        let loudspeaker = OpenDevice { name: "Headset".to_owned(), format: None, counters };
        let found = look(Some(&microphone), Some(&loudspeaker), &LinkGauge::default()).findings;
        let device = "Headset".to_owned();
        let expected = [
            (Verdict::Good, Message::FigureMicrophone { device, rate: 16_000, channels: 1, buffer: 10 }),
            (Verdict::Good, Message::FigureCaptureLost { ms: 100 }),
            (Verdict::Warning, Message::FigurePlaybackGaps { count: 3 }),
            (Verdict::Good, Message::FigurePlaybackSkipped { ms: 0 }),
            (Verdict::Good, Message::FigureClockDrift { ppm: 42 }),
        ];
        assert_eq!(found, expected.map(|(verdict, text)| Finding { verdict, text }));
    }
}
