//! Reads the seeds of a fuzz target again. Each crate that has a target takes this file into its tests.

use std::path::Path;

/// Gives every seed of `target` to `read`, which says whether it is good: all are, but one that is named `odd`.
pub(crate) fn again(target: &str, read: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        let good = read(&std::fs::read(&seed).unwrap());
        assert_eq!(good, !seed.ends_with("odd"), "{}", seed.display());
    }
}
