//! Reads the two numbers that matter out of the statistics.
//!
//! Which track an inbound stream belongs to is not in them: `track_identifier` is an id of WebRTC's own.
//! So each track is asked for its own statistics.

use crate::sdk::webrtc::stats::RtcStats;

/// What our connection received: bytes of all candidate pairs. Grows at least once a second on a connection
/// that works, even without any probe and with a silent interviewer (reports about our own sound: 65 bytes and
/// more, row `no-data-grant`). Answered STUN checks don't count: after a change of our address they went on while
/// nothing else arrived (row `roam`).
pub(crate) fn received<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> u64 {
    objects
        .map(|object| {
            let RtcStats::CandidatePair(pair) = object else { return 0 };
            pair.candidate_pair.bytes_received
        })
        .sum()
}

/// RTP packets received of one sound track.
pub(crate) fn packets<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Option<u64> {
    objects
        .filter_map(|object| {
            let RtcStats::InboundRtp(rtp) = object else { return None };
            (rtp.stream.kind == "audio").then_some(rtp.received.packets_received)
        })
        .reduce(|sum, packets| sum + packets)
}
