//! What a database is called by: the address of a Postgres, or the path of a file.

/// What a database's address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// A server, by its whole address.
    Postgres(&'a str),
    /// A file, by its path.
    File(&'a str),
}

impl<'a> Address<'a> {
    /// Nearly an address is none, and no path: it may have a password in it, which must not become a folder's name, nor be shown.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn of(address: &'a str) -> anyhow::Result<Self> {
        let begins = |with: &str| address.get(..with.len()).is_some_and(|it| it.eq_ignore_ascii_case(with));
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            anyhow::ensure!(
                is_readable(address),
                "the database's address {} can't be read: in its password, write #, /, ?, @, : and spaces as %23, %2F, %3F, \
                 %40, %3A and %20",
                without_password(address)
            );
            return Ok(Self::Postgres(address));
        }
        let path = address.strip_prefix("sqlite:").unwrap_or(address);
        let path = path.strip_prefix("//").unwrap_or(path);
        let nearly = path.contains("://")
            || path.starts_with(['"', '\''])
            || begins("postgres") && (path.contains('@') || path.contains("//"))
            || begins("file:");
        anyhow::ensure!(
            !nearly && !path.is_empty(),
            "the database's address is neither a path nor postgres://user:password@host/name: look at --database or \
             ADJOURN_DATABASE, at its first letters and at quotes"
        );
        Ok(Self::File(path))
    }
}

/// Whether an address says what it seems to say. Of `u:12#34@host` a parser reads a host `u` and a port 12: the rest of a password
/// stands where a path, a query or a fragment would.
fn is_readable(address: &str) -> bool {
    let Ok(url) = url::Url::parse(address) else { return false };
    let broken = url.username().is_empty()
        && (url.path().contains('@')
            || url.fragment().is_some()
            || url.port().is_some() && url.query().is_some_and(|query| query.contains('@')));
    !broken
}

/// For an error message or a log.
pub(crate) fn without_password(address: &str) -> String {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    match url::Url::parse(address) {
        Ok(url) if scheme.is_some() && !is_readable(address) => format!("{}://***", url.scheme()),
        Ok(mut url) => {
            if url.password().is_some() {
                // An address with a password can carry one.
                let _ = url.set_password(Some("***"));
            }
            // sqlx takes one among the options too.
            if url.query().is_some_and(|query| query.contains("password")) {
                url.set_query(Some("***"));
            }
            url.to_string()
        }
        // A path; or an address that can't be read, with a password somewhere in it.
        Err(_) => scheme.map_or_else(|| address.to_owned(), |scheme| format!("{scheme}://***")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://u:secret@h/db"), "postgres://u:***@h/db");
        assert_eq!(without_password("postgres://h/db?password=secret"), "postgres://h/db?***");
        assert_eq!(without_password("a/b.db"), "a/b.db");
        for whole in ["postgres:///db?host=/run/postgresql&user=me@tenant", "postgres://u:p%23@h:5433/db"] {
            assert!(is_readable(whole), "{whole}");
        }
        for secret in ["pa#ss", "pa/ss", "pa?ss", "12#34", "1/2", "pa ss", "pa:ss", "p@ss"] {
            let shown = without_password(&format!("postgres://u:{secret}@h/db"));
            let pieces = secret.split(['#', '/', '?', ' ', ':', '@']).filter(|piece| piece.len() > 1);
            assert!(pieces.into_iter().all(|piece| !shown.contains(piece)), "{secret}: {shown}");
        }
    }

    #[test]
    fn an_address_is_one_or_a_path_or_refused_without_being_shown() {
        assert_eq!(Address::of("postgres://u:pw@h/db").unwrap(), Address::Postgres("postgres://u:pw@h/db"));
        for (address, path) in [
            ("backend.db", "backend.db"),
            ("/var/lib/adjourn/backend.db", "/var/lib/adjourn/backend.db"),
            ("sqlite:x.db", "x.db"),
            ("sqlite:///x.db", "/x.db"),
            ("postgres.db", "postgres.db"),
            ("a@b.db", "a@b.db"),
        ] {
            assert_eq!(Address::of(address).unwrap(), Address::File(path), "{address}");
        }
        for nearly in [
            "mysql://u:secret@h/db",
            "postgresql+asyncpg://u:secret@h/db",
            "\"postgres://u:secret@h/db\"",
            "Postgres://u:secret@h/db",
            "postgres//u:secret@h/db",
            "file:x.db",
            "",
        ] {
            let said = format!("{:#}", Address::of(nearly).unwrap_err());
            assert!(said.contains("ADJOURN_DATABASE") && !said.contains("secret"), "{nearly}: {said}");
        }
    }
}
