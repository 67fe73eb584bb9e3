//! Room on the disk, looked at before an hour of building and not found missing in its last minutes.

use std::path::Path;
use std::process::Command;

use crate::step::{self, Result, output, target};

/// What `target/` holds when a whole suite was built from nothing, with something over, in MB: 8,900 measured, and 9,000 more with what
/// makes the next build faster, unless it is left out.
pub(crate) fn whole_suite() -> u64 {
    let once = std::env::var_os("CARGO_INCREMENTAL").is_some_and(|wish| wish == "0");
    if once { 11_000 } else { 22_000 }
}

/// Free in any case: recordings, databases and the next build of what changed, in MB.
const ALWAYS: u64 = 3_000;

/// Says how much is missing, if the disk can't take a `target/` of `megabytes`.
pub(crate) fn ensure(megabytes: u64) -> Result<()> {
    let target = target();
    // It is made by the first build.
    let held =
        if target.exists() { first_number(Command::new("du").arg("-sm").arg(&target)) } else { Some(0) };
    let folder = if target.exists() { target } else { step::root() };
    let (Some(held), Some(free)) = (held, free(&folder)) else {
        return Err(format!("{}: how much room its disk has can't be found out (df, du)", folder.display()));
    };
    enough(held, free, megabytes).map_err(|missing| {
        format!(
            "the disk of {} has {free} MB free, and building the whole suite takes {missing} MB more: make room, or name a folder on a larger disk \
             by CARGO_TARGET_DIR",
            folder.display()
        )
    })
}

/// What is there counts for what will be built; but it may be of another day.
fn enough(held: u64, free: u64, wanted: u64) -> std::result::Result<(), u64> {
    let missing = wanted.saturating_sub(held).max(ALWAYS).saturating_sub(free);
    if missing == 0 { Ok(()) } else { Err(missing) }
}

fn free(folder: &Path) -> Option<u64> {
    let text = output(Command::new("df").args(["-m", "--output=avail"]).arg(folder))?;
    text.lines().last()?.trim().parse().ok()
}

fn first_number(command: &mut Command) -> Option<u64> {
    output(command)?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_already_needs_no_room_again() {
        assert_eq!(enough(0, 24_000, 24_000), Ok(()));
        assert_eq!(enough(20_000, 4_000, 24_000), Ok(()));
        assert_eq!(enough(0, 14_000, 24_000), Err(10_000));
        assert_eq!(enough(30_000, 1_000, 24_000), Err(2_000));
    }

    #[test]
    fn a_disk_has_a_size() {
        assert!(free(&step::root()).is_some());
    }
}
