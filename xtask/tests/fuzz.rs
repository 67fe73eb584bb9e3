//! The fuzz targets are named in four places, which agree.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_target_has_a_program_a_corpus_and_a_line_of_help() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    let text = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let programs = names("fuzz/fuzz_targets");
    assert_eq!(names("fuzz/corpus"), programs);
    let manifest = text("fuzz/Cargo.toml");
    let named = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    assert_eq!(
        named.map(|name| name.trim_end_matches(".rs\"").to_owned()).collect::<BTreeSet<_>>(),
        programs
    );
    let main = text("xtask/src/main.rs");
    let help = main.lines().find_map(|line| line.strip_prefix("    Targets: ")).unwrap();
    assert_eq!(help.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), programs);
    let list = text("xtask/src/fuzz.rs");
    assert!(programs.iter().all(|name| list.contains(&format!("\"{name}\""))));
}
