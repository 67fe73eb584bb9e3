//! A relay for UDP that loses, delays, reorders and slows down what one client sends and gets.
//!
//! Everybody's packets pass through it, because the server names it as its own address; only those of the
//! client suffer. Chance comes from a seed.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// Largest packet: Ethernet's, with room to spare.
const PACKET: usize = 2_048;
/// A packet that would wait longer for its turn on a slow line is dropped, as a router's queue would.
const QUEUE: Duration = Duration::from_millis(400);

/// What happens to the client's packets, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Impairment {
    /// Share of packets that are lost, 0 to 1.
    pub loss: f64,
    /// Each packet is delayed by 0 to this, in ms; what comes later may overtake.
    pub jitter_ms: u64,
    /// Share of packets that are held back by 50 ms, 0 to 1.
    pub reorder: f64,
    /// Speed of the line in kbit/s; 0 for unlimited.
    pub rate_kbit: u64,
    /// Nothing from the client passes.
    pub no_up: bool,
    /// Nothing to the client passes.
    pub no_down: bool,
}

impl Impairment {
    /// Whether its shares are shares.
    pub fn possible(&self) -> bool {
        [self.loss, self.reorder].iter().all(|share| (0.0..=1.0).contains(share))
    }
}

#[derive(Debug)]
struct ImpairedLine {
    impairment: Impairment,
    chance: Rng,
    /// When the slow line is free again, up and down.
    free: [Option<Instant>; 2],
}

impl ImpairedLine {
    /// How long a packet of so many bytes waits; `None`: it is lost.
    fn delay(&mut self, bytes: usize, up: bool, now: Instant) -> Option<Duration> {
        let impairment = self.impairment;
        let blocked = if up { impairment.no_up } else { impairment.no_down };
        if blocked || self.chance.f64() < impairment.loss {
            return None;
        }
        let mut delay = Duration::from_secs_f64(self.chance.f64() * impairment.jitter_ms as f64 / 1000.0);
        if self.chance.f64() < impairment.reorder {
            delay += Duration::from_millis(50);
        }
        if impairment.rate_kbit > 0 {
            let slot = self.free.get_mut(usize::from(up))?;
            let start = slot.map_or(now, |free| free.max(now));
            if start - now > QUEUE {
                return None;
            }
            let end =
                start + Duration::from_secs_f64(bytes as f64 * 8.0 / (impairment.rate_kbit as f64 * 1000.0));
            *slot = Some(end);
            delay += end - now;
        }
        Some(delay)
    }
}

/// Relays until standard input is closed. Orders are lines of JSON: the [`Impairment`] from now on.
///
/// # Errors
/// The address can't be listened on.
pub async fn serve(listen: SocketAddr, forward: SocketAddr, client: IpAddr, seed: u64) -> anyhow::Result<()> {
    let public = Arc::new(UdpSocket::bind(listen).await.with_context(|| format!("{listen} can't be used"))?);
    let line = Arc::new(Mutex::new(ImpairedLine {
        impairment: Impairment::default(),
        chance: Rng::with_seed(seed),
        free: [None; 2],
    }));
    let relaying = tokio::spawn(upwards(Arc::clone(&public), forward, client, Arc::clone(&line)));
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        line.lock().impairment = serde_json::from_str(&order).context("not an order for the relay")?;
    }
    relaying.abort();
    Ok(())
}

async fn upwards(
    public: Arc<UdpSocket>,
    forward: SocketAddr,
    client: IpAddr,
    line: Arc<Mutex<ImpairedLine>>,
) {
    let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut packet = vec![0_u8; PACKET];
    loop {
        // A port that is closed answers with an error now and then; the next packet may pass.
        let Ok((length, from)) = public.recv_from(&mut packet).await else { continue };
        let suffers = from.ip() == client;
        let way = match ways.get(&from) {
            Some(way) => Arc::clone(way),
            None => {
                let Ok(way) = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)).await else { continue };
                if way.connect(forward).await.is_err() {
                    continue;
                }
                let way = Arc::new(way);
                ways.insert(from, Arc::clone(&way));
                let line = suffers.then(|| Arc::clone(&line));
                tokio::spawn(downwards(Arc::clone(&way), Arc::clone(&public), from, line));
                way
            }
        };
        let Some(delay) = wait(suffers.then_some(&*line), length, true) else { continue };
        let bytes = packet.get(..length).unwrap_or_default().to_vec();
        later(delay, async move {
            // What UDP does not take is lost, as it would be on a line.
            let _ = way.send(&bytes).await;
        })
        .await;
    }
}

async fn downwards(
    way: Arc<UdpSocket>,
    public: Arc<UdpSocket>,
    to: SocketAddr,
    line: Option<Arc<Mutex<ImpairedLine>>>,
) {
    let mut packet = vec![0_u8; PACKET];
    loop {
        let Ok(length) = way.recv(&mut packet).await else {
            tokio::time::sleep(Duration::from_millis(5)).await; // the server is down: it may come back
            continue;
        };
        let Some(delay) = wait(line.as_deref(), length, false) else { continue };
        let bytes = packet.get(..length).unwrap_or_default().to_vec();
        let public = Arc::clone(&public);
        later(delay, async move {
            // What UDP does not take is lost, as it would be on a line.
            let _ = public.send_to(&bytes, to).await;
        })
        .await;
    }
}

/// How long a packet waits; nobody's line but the client's makes it wait.
fn wait(line: Option<&Mutex<ImpairedLine>>, bytes: usize, up: bool) -> Option<Duration> {
    line.map_or(Some(Duration::ZERO), |line| line.lock().delay(bytes, up, Instant::now()))
}

/// Packets without delay go in their order; others when their time has come.
async fn later(delay: Duration, send: impl Future<Output = ()> + Send + 'static) {
    if delay.is_zero() {
        send.await;
    } else {
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            send.await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(impairment: Impairment) -> ImpairedLine {
        ImpairedLine { impairment, chance: Rng::with_seed(7), free: [None; 2] }
    }

    #[test]
    fn the_share_that_is_lost_is_the_share_that_was_asked_for_and_repeats_by_seed() {
        let lost = || {
            let mut line = line(Impairment { loss: 0.2, ..Impairment::default() });
            let now = Instant::now();
            (0..10_000).map(|_| line.delay(100, true, now).is_none()).collect::<Vec<_>>()
        };
        let count = lost().iter().filter(|lost| **lost).count();
        assert!((1_900..=2_100).contains(&count), "{count}");
        assert_eq!(lost(), lost());
    }

    #[test]
    fn a_slow_line_queues_and_then_drops() {
        let mut line = line(Impairment { rate_kbit: 64, ..Impairment::default() });
        let now = Instant::now();
        // 800 bytes are 100 ms at 64 kbit/s.
        let delays: Vec<_> = (0..8).map(|_| line.delay(800, true, now).map(|d| d.as_millis())).collect();
        assert_eq!(delays, [Some(100), Some(200), Some(300), Some(400), Some(500), None, None, None]);
        assert_eq!(
            line.delay(800, false, now).map(|d| d.as_millis()),
            Some(100),
            "the other direction is free"
        );
    }

    #[test]
    fn one_direction_can_be_dead() {
        let mut line = line(Impairment { no_up: true, ..Impairment::default() });
        assert!(line.delay(1, true, Instant::now()).is_none());
        assert!(line.delay(1, false, Instant::now()).is_some());
    }
}
