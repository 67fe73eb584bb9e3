//! The interviewers of the tests are stock: they don't use our agent package.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::Path;

#[test]
fn interviewers_import_nothing_of_ours() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("agents/interviewers");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // `reporting.py` is the one that shows the package, in scenarios that say so.
        let shows = path.file_name().is_some_and(|name| name == "reporting.py");
        if path.extension().is_some_and(|e| e == "py") && !shows {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("adjourn_agent"), "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 0, "there are interviewers");
}
