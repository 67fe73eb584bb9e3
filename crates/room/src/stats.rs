//! Reads the numbers that matter out of the statistics.
//!
//! Which track an inbound stream belongs to is not in them: `track_identifier` is an id of WebRTC's own.
//! So each track is asked for its own statistics.

use crate::link_check::Way;
use crate::room_event::ReceivedTotals;
use crate::sdk::webrtc::stats::{IceServerTransportProtocol, RtcStats};

/// What our connection received: bytes of all candidate pairs. Grows at least once a second on a connection
/// that works, even without any probe and with a silent interviewer (reports about our own sound: 65 bytes and
/// more, scenario `no-data-grant`). Answered STUN checks don't count: after a change of our address they went on while
/// nothing else arrived (scenario `roam`).
pub(crate) fn received<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> u64 {
    objects
        .map(|object| {
            let RtcStats::CandidatePair(pair) = object else { return 0 };
            pair.candidate_pair.bytes_received
        })
        .sum()
}

/// What was received of one sound track.
pub(crate) fn of_track<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Option<ReceivedTotals> {
    objects
        .filter_map(|object| {
            let RtcStats::InboundRtp(rtp) = object else { return None };
            (rtp.stream.kind == "audio").then_some(ReceivedTotals {
                packets: rtp.received.packets_received,
                lost: rtp.received.packets_lost,
                jitter_buffer: rtp.inbound.jitter_buffer_delay,
                emitted: rtp.inbound.jitter_buffer_emitted_count,
                samples: rtp.inbound.total_samples_received,
                concealed: rtp.inbound.concealed_samples,
            })
        })
        .reduce(|mut sum, totals| {
            sum += totals;
            sum
        })
}

/// There and back on the pair that carries sound, in seconds; nothing before it was measured.
pub(crate) fn round_trip<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Option<f64> {
    objects
        .filter_map(|object| {
            let RtcStats::CandidatePair(pair) = object else { return None };
            let pair = &pair.candidate_pair;
            // Less than half a millisecond is 0, and measured all the same.
            (pair.nominated && pair.responses_received > 0).then_some(pair.current_round_trip_time)
        })
        .reduce(f64::max)
}

/// Share of our own packets that the server missed lately, by its own reports.
pub(crate) fn sent_lost<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Option<f64> {
    objects
        .filter_map(|object| {
            let RtcStats::RemoteInboundRtp(rtp) = object else { return None };
            (rtp.stream.kind == "audio").then_some(rtp.remote_inbound.fraction_lost)
        })
        .reduce(f64::max)
}

/// Our own packets that the server missed since the beginning, by its reports; nothing before the first one.
pub(crate) fn sent_lost_packets<'a>(objects: impl Iterator<Item = &'a RtcStats>) -> Option<u64> {
    objects
        .filter_map(|object| {
            let RtcStats::RemoteInboundRtp(rtp) = object else { return None };
            (rtp.stream.kind == "audio").then(|| u64::try_from(rtp.received.packets_lost).unwrap_or(0))
        })
        .reduce(|sum, lost| sum + lost)
}

/// How sound goes to the server, once that is settled.
pub(crate) fn way<'a>(objects: impl Iterator<Item = &'a RtcStats> + Clone) -> Option<Way> {
    // One that was nominated first and failed stays in the list: the one that carries something counts.
    let nominated = objects.clone().filter_map(|object| {
        let RtcStats::CandidatePair(pair) = object else { return None };
        pair.candidate_pair.nominated.then_some(&pair.candidate_pair)
    });
    let ours = nominated.max_by_key(|pair| pair.bytes_received)?.local_candidate_id.as_str();
    let candidate = objects.into_iter().find_map(|object| {
        let RtcStats::LocalCandidate(candidate) = object else { return None };
        (candidate.rtc.id == ours).then_some(&candidate.local_candidate)
    })?;
    // A relay's own protocol is that between it and the server.
    let over_udp = match candidate.relay_protocol {
        Some(relay) => relay == IceServerTransportProtocol::Udp,
        None => candidate.protocol.eq_ignore_ascii_case("udp"),
    };
    Some(if over_udp { Way::Udp } else { Way::Tcp })
}
