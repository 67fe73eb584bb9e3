//! What is in the memory of a process.

use std::io::{Read as _, Seek as _, SeekFrom};

/// Read at a time, in bytes.
const BLOCK: usize = 1 << 20;

/// Whether one of the words is in what the process may write to, whatever the case of its letters. A process that is gone has none.
pub(super) fn has(pid: i32, words: &[&str]) -> bool {
    let Ok(maps) = std::fs::read_to_string(format!("/proc/{pid}/maps")) else { return false };
    let Ok(mut memory) = std::fs::File::open(format!("/proc/{pid}/mem")) else { return false };
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_lowercase().into_bytes()).collect();
    let longest = words.iter().map(Vec::len).max().unwrap_or_default();
    maps.lines().filter_map(writable).any(|(from, to)| {
        let (mut at, mut kept) = (from, Vec::new());
        while at < to {
            let length = BLOCK.min(usize::try_from(to - at).unwrap_or(BLOCK));
            let mut block = vec![0; length];
            // A part that can't be read is nobody's data: a device, or gone.
            if memory.seek(SeekFrom::Start(at)).and_then(|_| memory.read_exact(&mut block)).is_err() {
                break;
            }
            // A word may lie across two blocks.
            kept.extend(block.iter().map(u8::to_ascii_lowercase));
            if words.iter().any(|word| kept.windows(word.len()).any(|window| window == word)) {
                return true;
            }
            kept.drain(..kept.len().saturating_sub(longest));
            at += length as u64;
        }
        false
    })
}

/// The addresses of a line of `maps`, if that part may be written to.
fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let written = rest.starts_with("rw");
    written.then_some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_holds_is_found_and_what_it_does_not_is_not() {
        let kept = format!("The {} was high", "water level of the river".to_uppercase());
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(has(own, &["nothing of it", "water level OF THE river"]), "{kept}");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(!has(i32::try_from(child.id()).unwrap(), &["water level of the river"]));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn only_what_may_be_written_to_is_looked_at() {
        assert_eq!(writable("7f00-7f10 rw-p 00000000 00:00 0 [heap]"), Some((0x7f00, 0x7f10)));
        assert_eq!(writable("7f00-7f10 r-xp 00000000 00:00 0 /bin/sh"), None);
        assert_eq!(writable("nonsense"), None);
    }
}
