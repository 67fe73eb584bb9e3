//! Reads the two numbers that matter out of the statistics.
//!
//! Which track an inbound stream belongs to is not in them: `track_identifier` is an id of WebRTC's own.
//! So each track is asked for its own statistics.

use crate::sdk::webrtc::stats::RtcStats;

/// What our connection received: bytes of all candidate pairs, plus answered STUN checks. Grows while
/// anything reaches us.
pub(crate) fn received<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> u64 {
    objects
        .map(|object| match object {
            RtcStats::CandidatePair(pair) => {
                pair.candidate_pair.bytes_received + pair.candidate_pair.responses_received
            }
            // The enum is upstream's and open; nothing else is of interest.
            _ => 0,
        })
        .sum()
}

/// RTP packets received of one sound track.
pub(crate) fn packets<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Option<u64> {
    objects
        .filter_map(|object| match object {
            RtcStats::InboundRtp(rtp) if rtp.stream.kind == "audio" => Some(rtp.received.packets_received),
            _ => None,
        })
        .reduce(|sum, packets| sum + packets)
}
