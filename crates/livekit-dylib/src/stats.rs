//! The part of the W3C statistics that Adjourn reads.

use crate::proto;

/// One statistics object of a peer connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RtcStats {
    /// A received RTP stream.
    InboundRtp(InboundRtpStats),
    /// What the other end received of an RTP stream of ours.
    RemoteInboundRtp(RemoteInboundRtpStats),
    /// A DTLS transport.
    Transport(TransportStats),
    /// An ICE candidate pair.
    CandidatePair(CandidatePairStats),
    /// An ICE candidate of our own.
    LocalCandidate(LocalCandidateStats),
    /// Any other object; its content is not read.
    Track,
}

/// A received RTP stream.
#[derive(Debug, Clone, Default)]
pub struct InboundRtpStats {
    /// What every RTP stream has.
    pub stream: dictionaries::RtpStreamStats,
    /// Counters of the receiver.
    pub received: dictionaries::ReceivedRtpStreamStats,
    /// Counters of the decoder and jitter buffer.
    pub inbound: dictionaries::InboundRtpStreamStats,
}

/// What the other end received of an RTP stream of ours.
#[derive(Debug, Clone, Default)]
pub struct RemoteInboundRtpStats {
    /// What every RTP stream has.
    pub stream: dictionaries::RtpStreamStats,
    /// Counters of the receiver.
    pub received: dictionaries::ReceivedRtpStreamStats,
    /// What its reports say.
    pub remote_inbound: dictionaries::RemoteInboundRtpStreamStats,
}

/// A DTLS transport.
#[derive(Debug, Clone, Default)]
pub struct TransportStats {
    /// Its counters.
    pub transport: dictionaries::TransportStats,
}

/// An ICE candidate pair.
#[derive(Debug, Clone, Default)]
pub struct CandidatePairStats {
    /// Its counters.
    pub candidate_pair: dictionaries::CandidatePairStats,
}

/// An ICE candidate of our own.
#[derive(Debug, Clone, Default)]
pub struct LocalCandidateStats {
    /// What every object has.
    pub rtc: dictionaries::RtcStats,
    /// What it is.
    pub local_candidate: dictionaries::IceCandidateStats,
}

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceServerTransportProtocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// The W3C dictionaries; names and units are those of webrtc-stats (seconds, bytes, samples).
pub mod dictionaries {
    /// What every object has.
    #[derive(Debug, Clone, Default)]
    pub struct RtcStats {
        /// Its name, by which others refer to it.
        pub id: String,
    }
    /// An ICE candidate.
    #[derive(Debug, Clone, Default)]
    pub struct IceCandidateStats {
        /// `udp` or `tcp`.
        pub protocol: String,
        /// How its relay is spoken to, if it is one's.
        pub relay_protocol: Option<super::IceServerTransportProtocol>,
    }
    /// What every RTP stream has.
    #[derive(Debug, Clone, Default)]
    pub struct RtpStreamStats {
        /// Synchronisation source.
        pub ssrc: u32,
        /// `audio` or `video`.
        pub kind: String,
    }
    /// Counters of a receiver.
    #[derive(Debug, Clone, Default)]
    pub struct ReceivedRtpStreamStats {
        /// RTP packets.
        pub packets_received: u64,
        /// RTP packets lost; negative when duplicates outnumber losses.
        pub packets_lost: i64,
        /// Seconds.
        pub jitter: f64,
    }
    /// Counters of the decoder and jitter buffer.
    #[derive(Debug, Clone, Default)]
    pub struct InboundRtpStreamStats {
        /// Id of the track.
        pub track_identifier: String,
        /// Payload bytes.
        pub bytes_received: u64,
        /// Seconds, summed over emitted samples.
        pub jitter_buffer_delay: f64,
        /// Samples.
        pub jitter_buffer_emitted_count: u64,
        /// Samples.
        pub total_samples_received: u64,
        /// Samples.
        pub concealed_samples: u64,
        /// 0 to 1.
        pub audio_level: f64,
    }
    /// What the receiver's reports say.
    #[derive(Debug, Clone, Default)]
    pub struct RemoteInboundRtpStreamStats {
        /// Seconds.
        pub round_trip_time: f64,
        /// Share of packets lost since the report before, 0 to 1.
        pub fraction_lost: f64,
    }
    /// Counters of a DTLS transport.
    #[derive(Debug, Clone, Default)]
    pub struct TransportStats {
        /// Packets.
        pub packets_received: u64,
        /// Bytes.
        pub bytes_received: u64,
    }
    /// Counters of an ICE candidate pair.
    #[derive(Debug, Clone, Default)]
    pub struct CandidatePairStats {
        /// Name of our own candidate.
        pub local_candidate_id: String,
        /// Chosen for media.
        pub nominated: bool,
        /// Bytes.
        pub bytes_received: u64,
        /// Seconds.
        pub current_round_trip_time: f64,
        /// Answered STUN checks.
        pub responses_received: u64,
    }
}

impl From<proto::RtpStreamStats> for dictionaries::RtpStreamStats {
    fn from(s: proto::RtpStreamStats) -> Self {
        Self { ssrc: s.ssrc, kind: s.kind }
    }
}

impl From<proto::ReceivedRtpStreamStats> for dictionaries::ReceivedRtpStreamStats {
    fn from(s: proto::ReceivedRtpStreamStats) -> Self {
        Self { packets_received: s.packets_received, packets_lost: s.packets_lost, jitter: s.jitter }
    }
}

impl From<proto::RtcStats> for RtcStats {
    fn from(stats: proto::RtcStats) -> Self {
        use proto::rtc_stats::Stats;
        match stats.stats {
            Some(Stats::InboundRtp(s)) => Self::InboundRtp(InboundRtpStats {
                stream: s.stream.into(),
                received: s.received.into(),
                inbound: dictionaries::InboundRtpStreamStats {
                    track_identifier: s.inbound.track_identifier,
                    bytes_received: s.inbound.bytes_received,
                    jitter_buffer_delay: s.inbound.jitter_buffer_delay,
                    jitter_buffer_emitted_count: s.inbound.jitter_buffer_emitted_count,
                    total_samples_received: s.inbound.total_samples_received,
                    concealed_samples: s.inbound.concealed_samples,
                    audio_level: s.inbound.audio_level,
                },
            }),
            Some(Stats::RemoteInboundRtp(s)) => Self::RemoteInboundRtp(RemoteInboundRtpStats {
                stream: s.stream.into(),
                received: s.received.into(),
                remote_inbound: dictionaries::RemoteInboundRtpStreamStats {
                    round_trip_time: s.remote_inbound.round_trip_time,
                    fraction_lost: s.remote_inbound.fraction_lost,
                },
            }),
            Some(Stats::Transport(s)) => Self::Transport(TransportStats {
                transport: dictionaries::TransportStats {
                    packets_received: s.transport.packets_received,
                    bytes_received: s.transport.bytes_received,
                },
            }),
            Some(Stats::CandidatePair(s)) => Self::CandidatePair(CandidatePairStats {
                candidate_pair: dictionaries::CandidatePairStats {
                    local_candidate_id: s.candidate_pair.local_candidate_id,
                    nominated: s.candidate_pair.nominated,
                    bytes_received: s.candidate_pair.bytes_received,
                    current_round_trip_time: s.candidate_pair.current_round_trip_time,
                    responses_received: s.candidate_pair.responses_received,
                },
            }),
            Some(Stats::LocalCandidate(s)) => Self::LocalCandidate(LocalCandidateStats {
                rtc: dictionaries::RtcStats { id: s.rtc.id },
                local_candidate: dictionaries::IceCandidateStats {
                    relay_protocol: s.candidate.relay_protocol.map(|_| match s.candidate.relay_protocol() {
                        proto::IceServerTransportProtocol::TransportUdp => IceServerTransportProtocol::Udp,
                        proto::IceServerTransportProtocol::TransportTcp => IceServerTransportProtocol::Tcp,
                        proto::IceServerTransportProtocol::TransportTls => IceServerTransportProtocol::Tls,
                    }),
                    protocol: s.candidate.protocol,
                },
            }),
            None => Self::Track,
        }
    }
}
