//! Whether the interviewer was heard: what came out of the loudspeaker against what it sent. The goodbye to its end,
//! and of the first question every piece.

use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

use super::bed::ScenarioBed;

/// Samples whose level is one point of an envelope: 10 ms at 48 kHz.
const POINT: usize = 480;
/// Points that are compared at once: 0.5 s. A jitter buffer stretches and squeezes speech, so what was sent drifts
/// against what is heard; each stretch is looked for where the one before it was.
const STRETCH: usize = 50;
/// So far a stretch may have drifted against the one before it, in points.
const DRIFT: isize = 6;
/// And so far from where the whole is most alike, in points: a jitter buffer that grew or shrank in the middle. More is
/// sound that was skipped. Measured over 111 goodbyes and 121 questions: 7 at most, but for a network that churns (8).
const FAR: isize = 8;
/// A stretch less alike than this to what is heard there says nothing about the drift (a pause, a hole).
const FOUND: f64 = 0.5;
/// At least so alike is the goodbye's last stretch (1: the same). Measured over 71 runs with nothing cut: 0.87 and
/// more; with the last 300 ms cut in the same: 0.58 at most, but for one whose cut fell into a pause.
const ALIKE: f64 = 0.7;

/// Of the pieces of a question that are not silence, at least this share must be heard. A piece is 20 ms.
const HEARD: f64 = 0.99;
/// A piece counts as silence below this, in dBFS: its beginnings and ends are the codec's affair.
const QUIET: f64 = -40.0;
/// So much softer than it was sent may a piece be heard, in dB. Measured: a codec and a jitter buffer cost 2 at most.
const SOFTER: f64 = 6.0;
/// So many points around a hole that the interviewer itself sent are not judged: what comes before and after it fades, and how
/// long the hole is was measured where frames are given to the encoder, in its steps of 10 ms.
const AROUND_A_HOLE: usize = 10;
/// Within a stretch a piece may be heard so many points sooner or later.
const SHIFTED: usize = 4;

/// Compares the first question; a share that is missing is a failure. Gives the share.
pub(super) async fn listen(bed: &ScenarioBed, failures: &mut Vec<String>) -> anyhow::Result<f64> {
    let sent = spoken(bed, &["questions", "0"]).await?;
    let heard = levels(&std::fs::read(bed.folder.join("heard.raw"))?);
    let (_, at) = best(&sent.levels, &heard).context("less was heard than was sent")?;
    let (share, _) = found(&sent, &heard, at);
    if share < HEARD {
        failures.push(format!("{:.1} % of the first question were heard, wanted are {HEARD}", share * 100.0));
    }
    Ok(share)
}

/// Compares; what is cut is a failure.
pub(super) async fn compare(bed: &ScenarioBed, failures: &mut Vec<String>) -> anyhow::Result<()> {
    let sent = spoken(bed, &["goodbye"]).await?;
    let heard = levels(&std::fs::read(bed.folder.join("heard.raw"))?);
    let (_, at) = best(&sent.levels, &heard).context("less was heard than was sent")?;
    let (share, end) = found(&sent, &heard, at);
    if share < HEARD || end < ALIKE {
        failures.push(format!(
            "the goodbye was not heard whole: {:.1} % of it, its end alike {end:.2}",
            share * 100.0
        ));
    }
    Ok(())
}

/// Of what was `sent` and is most alike to what was `heard` from `at` on: the share of loud pieces of 20 ms that were heard,
/// and how alike its end is.
fn found(sent: &Sent, heard: &[f64], at: usize) -> (f64, f64) {
    let Sent { levels: sent, unjudged } = sent;
    let last = sent.len().saturating_sub(STRETCH);
    let (mut drift, mut end) = (0_isize, 0.0);
    let (mut loud, mut there) = (0_usize, 0_usize);
    for from in (0..last).step_by(STRETCH).chain([last]) {
        let stretch = &sent[from..(from + STRETCH).min(sent.len())];
        let place = |by: isize| (at + from).checked_add_signed(by);
        let around = (drift - DRIFT).max(-FAR)..=(drift + DRIFT).min(FAR);
        let nearest = around
            .filter_map(|by| {
                let from = place(by)?;
                Some((alike(stretch, heard.get(from..from + stretch.len())?), by))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let (alike, by) = nearest.unwrap_or((0.0, drift));
        if alike > FOUND {
            drift = by;
        }
        end = alike;
        let here = place(drift).unwrap_or_default();
        for (n, piece) in stretch.chunks(2).enumerate() {
            let level = piece.iter().copied().fold(FLOOR, f64::max);
            let unjudged = unjudged[from + 2 * n..].iter().take(2).any(|unjudged| *unjudged);
            if level <= QUIET || unjudged {
                continue;
            }
            loud += 1;
            let first = (here + 2 * n).saturating_sub(SHIFTED).min(heard.len());
            let after = (here + 2 * n + 2 + SHIFTED).min(heard.len());
            there += usize::from(heard[first..after].iter().any(|heard| *heard >= level - SOFTER));
        }
    }
    (there as f64 / loud.max(1) as f64, end)
}

/// What an interviewer sent.
struct Sent {
    /// Its envelope.
    levels: Vec<f64>,
    /// Which points say nothing about the way to the candidate.
    unjudged: Vec<bool>,
}

/// The line of the script at these keys, as the interviewer sent it, without silence at its ends.
async fn spoken(bed: &ScenarioBed, line: &[&str]) -> anyhow::Result<Sent> {
    let decode = "import json,sys,av\n\
        folder=sys.argv[1]; line=json.load(open(folder+'/script.json'))\n\
        for key in sys.argv[2:]: line=line[int(key) if key.isdigit() else key]\n\
        name=line['file']\n\
        print(name, flush=True)\n\
        resample=av.AudioResampler(format='s16',layout='mono',rate=48000)\n\
        for frame in av.open(folder+'/speech/'+name).decode(audio=0):\n\
        \x20   for part in resample.resample(frame): sys.stdout.buffer.write(bytes(part.planes[0])[:part.samples*2])\n";
    let folder: &Path = &bed.tools.interviewers();
    let output =
        Command::new(&bed.tools.agent_python).args(["-c", decode]).arg(folder).args(line).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "a line of the script can't be decoded: {}", said.trim());
    let (name, sent) =
        output.stdout.split_at(output.stdout.iter().position(|byte| *byte == b'\n').context("no name")?);
    let name = std::str::from_utf8(name)?;
    let events = bed.events();
    let holes = events.iter().filter(|e| e.event == "stutter" && e.line.as_deref() == Some(name));
    let holes: Vec<(f64, f64)> = holes.filter_map(|e| e.from_s.zip(e.lasts_s)).collect();
    let Sent { levels, unjudged } = with_holes(&levels(&sent[1..]), &holes);
    let loud = |level: &f64| *level > FLOOR + 10.0;
    let (first, last) = levels.iter().position(loud).zip(levels.iter().rposition(loud)).context("silence")?;
    Ok(Sent { levels: levels[first..=last].to_vec(), unjudged: unjudged[first..=last].to_vec() })
}

/// What was sent of `levels` by an interviewer that stuttered: silence at each of `holes` (from, length; seconds).
fn with_holes(levels: &[f64], holes: &[(f64, f64)]) -> Sent {
    let points = |seconds: f64| (seconds * 48_000.0 / POINT as f64).round() as usize;
    let mut sent = Vec::with_capacity(levels.len());
    let mut around = Vec::new();
    let mut done = 0;
    for (from, lasts) in holes {
        let from = points(*from).clamp(done, levels.len());
        sent.extend(&levels[done..from]);
        let begins = sent.len();
        sent.extend(std::iter::repeat_n(FLOOR, points(*lasts)));
        around.push(begins.saturating_sub(AROUND_A_HOLE)..sent.len() + AROUND_A_HOLE);
        done = from;
    }
    sent.extend(&levels[done..]);
    let unjudged = (0..sent.len()).map(|point| around.iter().any(|hole| hole.contains(&point))).collect();
    Sent { levels: sent, unjudged }
}

/// Levels below this count as silence, in dBFS.
const FLOOR: f64 = -60.0;

/// Level of each 10 ms, in dBFS, of samples of 16 bits.
fn levels(bytes: &[u8]) -> Vec<f64> {
    let samples: Vec<i16> = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    samples.chunks_exact(POINT).map(|point| f64::from(adjourn_audio::dbfs(point)).max(FLOOR)).collect()
}

/// Where in `heard` it is most alike to `sent`, and how much.
fn best(sent: &[f64], heard: &[f64]) -> Option<(f64, usize)> {
    heard
        .windows(sent.len())
        .enumerate()
        .map(|(at, part)| (alike(sent, part), at))
        .max_by(|a, b| a.0.total_cmp(&b.0))
}

/// Correlation of two envelopes of the same length.
fn alike(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - mean_a, y - mean_b)).sum::<f64>();
    let norm = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    if norm > 0.0 { sum(&|x, y| x * y) / norm } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was sent, without a hole.
    fn whole(levels: &[f64]) -> Sent {
        with_holes(levels, &[])
    }

    fn speech(points: usize) -> Vec<f64> {
        (0..points).map(|n| FLOOR + 25.0 + 20.0 * ((n * n) as f64 / 97.0).sin()).collect()
    }

    #[test]
    fn what_is_missing_in_the_middle_is_found() {
        let sent = speech(600);
        let silence = vec![FLOOR; 100];
        let all = [silence.clone(), sent.clone(), silence.clone()].concat();
        let of = |heard: &[f64]| found(&whole(&sent), heard, 100).0;
        assert!(of(&all) > 0.999);
        let mut broken = all.clone();
        broken[300..360].fill(FLOOR);
        assert!(of(&broken) < 0.95, "{}", of(&broken));
        // Softer is heard; half as loud is not.
        let softer = |by: f64| all.iter().map(|level| (level - by).max(FLOOR)).collect::<Vec<_>>();
        assert!(of(&softer(3.0)) > 0.999 && of(&softer(40.0)) < 0.1);
    }

    #[test]
    fn what_is_cut_is_found() {
        let sent = speech(300);
        let silence = vec![FLOOR; 100];
        let heard = [silence.clone(), sent.clone(), silence.clone()].concat();
        let (alike, at) = best(&sent, &heard).unwrap();
        assert!(alike > 0.999 && at == 100, "{alike} at {at}");
        // The last 0.3 s are missing.
        let cut = [&silence, &sent[..270], &silence[..]].concat();
        let (_, at) = best(&sent, &cut).unwrap();
        assert!(found(&whole(&sent), &cut, at).1 < ALIKE);
    }

    #[test]
    fn a_buffer_that_grows_and_shrinks_is_no_loss() {
        // From the middle on, everything is 60 ms later; or sooner.
        let sent = speech(300);
        let silence = vec![FLOOR; 100];
        let later = [&silence, &sent[..150], &[sent[150]; 6], &sent[150..], &silence].concat();
        let sooner = [&silence, &sent[..150], &sent[156..], &silence].concat();
        for heard in [later, sooner] {
            let (_, at) = best(&sent, &heard).unwrap();
            let (share, end) = found(&whole(&sent), &heard, at);
            assert!(share > 0.97 && end > ALIKE, "{share} {end}");
        }
    }

    #[test]
    fn what_was_never_said_is_no_loss() {
        let script = speech(300);
        // Three holes of 50 ms, as an interviewer that got no time sends them.
        let holes = [(1.0, 0.05), (1.05, 0.05), (1.1, 0.05)];
        let sent = with_holes(&script, &holes);
        assert_eq!(sent.levels.len(), 315);
        assert_eq!((sent.levels[99], sent.levels[100], sent.levels[105]), (script[99], FLOOR, script[100]));
        let judged: Vec<bool> = sent.unjudged.iter().map(|unjudged| !unjudged).collect();
        assert!(
            judged[..90].iter().chain(&judged[135..]).all(|judged| *judged)
                && !judged[90..135].contains(&true)
        );
        let (silence, hole) = (vec![FLOOR; 100], vec![FLOOR; 5]);
        let parts = [&script[..100], &script[100..105], &script[105..110], &script[110..]];
        let heard = [silence.clone(), parts.join(&hole[..]), silence].concat();
        let share = |sent: &Sent, heard: &[f64]| {
            let (_, at) = best(&sent.levels, heard).unwrap();
            found(sent, heard, at).0
        };
        assert!(share(&sent, &heard) > 0.999 && share(&whole(&script), &heard) < HEARD);
        // A hole that nobody reports is one that was made on the way, wherever another one was reported.
        assert!(share(&with_holes(&script, &[(2.5, 0.15)]), &heard) < HEARD);
        let mut lost = heard.clone();
        lost[300..320].fill(FLOOR);
        assert!(share(&sent, &lost) < HEARD, "{}", share(&sent, &lost));
    }

    #[test]
    fn what_is_skipped_is_found() {
        let sent = speech(600);
        let silence = vec![FLOOR; 100];
        // 200 ms at once, and 50 ms of every 500.
        let once = [&silence, &sent[..300], &sent[320..], &silence].concat();
        let often: Vec<f64> = sent.chunks(50).flat_map(|part| &part[..45]).copied().collect();
        let often = [&silence[..], &often, &silence].concat();
        for heard in [once, often] {
            let (_, at) = best(&sent, &heard).unwrap();
            let (share, end) = found(&whole(&sent), &heard, at);
            assert!(share < HEARD || end < ALIKE, "{share} {end}");
        }
    }
}
