//! Files that a candidate asked for: none takes another one's place.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::Message;

/// As many of one name; who has more of them has another problem.
const MOST: u32 = 99;

/// Writes a file named `stem.extension` into `folder`, which is made if need be; if there is another one of that name, beside it
/// (`stem-2.extension`). The same bytes are not written twice. Gives the path.
///
/// # Errors
/// It can't be written, as it is told.
pub(crate) fn new_file(folder: &Path, stem: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf, Message> {
    write(folder, stem, extension, bytes).map_err(|error| Message::unwritable(folder, &error))
}

fn write(folder: &Path, stem: &str, extension: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for number in 1..=MOST {
        let name = if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") };
        let path = folder.join(format!("{name}.{extension}"));
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(bytes).and_then(|()| file.sync_all());
                // Half a file is none.
                written.inspect_err(|_| {
                    let _ = std::fs::remove_file(&path);
                })?;
                return Ok(path);
            }
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Err(_) if is_it(&path, bytes) => return Ok(path),
            Err(_) => {}
        }
    }
    Err(std::io::Error::new(ErrorKind::AlreadyExists, format!("there are {MOST} files named {stem}")))
}

/// Whether the same is in a file. (A pipe would never end.)
fn is_it(path: &Path, bytes: &[u8]) -> bool {
    let alike = std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() == bytes.len() as u64);
    alike && std::fs::read(path).is_ok_and(|there| there == bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_takes_anothers_place_and_the_same_one_is_not_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new/folder");
        let first = new_file(&folder, "receipt-R-1", "html", b"one").unwrap();
        assert_eq!(first, folder.join("receipt-R-1.html"));
        assert_eq!(new_file(&folder, "receipt-R-1", "html", b"one").unwrap(), first);
        let other = new_file(&folder, "receipt-R-1", "html", b"another organiser's").unwrap();
        assert_eq!(other, folder.join("receipt-R-1-2.html"));
        assert_eq!(std::fs::read(first).unwrap(), b"one");
        assert!(matches!(
            new_file(Path::new("/proc/no"), "a", "b", b""),
            Err(Message::FileUnwritable { .. })
        ));
    }
}
