//! What a tree of processes costs: time of the cores, and memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every process below `root`, itself included.
fn tree(root: i32) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in processes() {
        if let Some(parent) = adjourn_testbed::parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = BTreeSet::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        if found.insert(pid) {
            next.extend(children.get(&pid).into_iter().flatten());
        }
    }
    found
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Processes below `root` that run this program.
pub(in super::super) fn running(root: i32, program: &str) -> Vec<i32> {
    let runs = |pid: &i32| {
        let path = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(program))
    };
    tree(root).into_iter().filter(runs).collect()
}

/// Seconds of a core that these processes, and those below them, used so far.
pub(in super::super) fn cpu_s(roots: &[i32]) -> f64 {
    let all: BTreeSet<i32> = roots.iter().flat_map(|root| tree(*root)).collect();
    all.into_iter().map(adjourn_testbed::cpu_s).sum()
}

/// Memory of these processes and those below them, in MiB: what is their own, and each page of a file once.
pub(in super::super) fn footprint_mib(roots: &[i32]) -> f64 {
    let all: BTreeSet<i32> = roots.iter().flat_map(|root| tree(*root)).collect();
    let mut own = 0.0;
    let mut files: BTreeMap<String, f64> = BTreeMap::new();
    for pid in all {
        let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("smaps"));
        for Mapping { file, resident_kib, anonymous_kib } in mappings(&text.unwrap_or_default()) {
            own += anonymous_kib;
            let shared = files.entry(file).or_default();
            *shared = shared.max(resident_kib - anonymous_kib);
        }
    }
    (own + files.into_values().sum::<f64>()) / 1_024.0
}

/// One mapping of a process.
#[derive(Debug, PartialEq)]
struct Mapping {
    /// Device, inode and place in it.
    file: String,
    resident_kib: f64,
    anonymous_kib: f64,
}

fn mappings(smaps: &str) -> Vec<Mapping> {
    let mut found: Vec<Mapping> = Vec::new();
    for line in smaps.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_head = words.first().is_some_and(|word| word.contains('-') && !word.ends_with(':'));
        if let (true, [_, _, offset, device, inode, ..]) = (is_head, &words[..]) {
            let file = format!("{device} {inode} {offset}");
            found.push(Mapping { file, resident_kib: 0.0, anonymous_kib: 0.0 });
            continue;
        }
        let (Some(mapping), [name, kib, ..]) = (found.last_mut(), &words[..]) else { continue };
        let kib: f64 = kib.parse().unwrap_or_default();
        if *name == "Rss:" {
            mapping.resident_kib = kib;
        } else if *name == "Anonymous:" {
            mapping.anonymous_kib = kib;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_the_kernel_says() {
        let text = "\
55d0-55d4 r-xp 00001000 fe:00 42     /bin/x\nSize: 16 kB\nRss: 16 kB\nAnonymous: 4 kB\n\
7f00-7f10 rw-p 00000000 00:00 0 \nRss: 64 kB\nAnonymous: 64 kB\n";
        let file = |file: &str, resident_kib, anonymous_kib| Mapping {
            file: file.to_owned(),
            resident_kib,
            anonymous_kib,
        };
        let expected = [file("fe:00 42 00001000", 16.0, 4.0), file("00:00 0 00000000", 64.0, 64.0)];
        assert_eq!(mappings(text), expected);
    }

    #[test]
    fn this_process_costs_something() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(tree(own).contains(&own));
        assert!(footprint_mib(&[own]) > 1.0);
        let before = cpu_s(&[own]);
        let until = std::time::Instant::now() + std::time::Duration::from_millis(200);
        while std::time::Instant::now() < until {}
        assert!(cpu_s(&[own]) > before, "200 ms of a core");
    }
}
