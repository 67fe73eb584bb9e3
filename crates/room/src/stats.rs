//! Reads the two numbers that matter out of the statistics.

use crate::sdk::webrtc::stats::RtcStats;

/// What our connection received, and how many audio packets per track.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes of all candidate pairs and transports, plus answered STUN checks: grows while anything
    /// reaches us.
    pub(crate) total: u64,
    /// RTP packets by track id.
    pub(crate) audio: Vec<(String, u64)>,
}

pub(crate) fn received<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Received {
    let mut sum = Received::default();
    for object in objects {
        if let RtcStats::CandidatePair(pair) = object {
            sum.total += pair.candidate_pair.bytes_received + pair.candidate_pair.responses_received;
        } else if let RtcStats::InboundRtp(rtp) = object
            && rtp.stream.kind == "audio"
        {
            sum.audio.push((rtp.inbound.track_identifier.clone(), rtp.received.packets_received));
        }
    }
    sum
}
