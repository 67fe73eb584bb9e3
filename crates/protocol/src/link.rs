//! Join links: `adjourn://join?server=https://interviews.example.com&code=K7QF-9M2X`.

use crate::plain_text::is_unseen;
use url::Url;

use crate::Secret;

/// Where to join, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// The backend: `https`, or `http` on this very machine.
    pub server: Url,
    /// The candidate's code.
    pub code: Secret,
}

/// A link that can't be used. Each message says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not a link at all.
    #[error(
        "this is not an interview link; it should begin with adjourn://join — copy the whole link from your invitation"
    )]
    NotALink,
    /// A part is missing or given twice.
    #[error(
        "the interview link is incomplete (its {0} is missing or given twice); copy the whole link from your invitation"
    )]
    Incomplete(&'static str),
    /// The server's address can't be used.
    #[error(
        "the interview link names the server \"{0}\", which is not a web address; copy the whole link from your invitation"
    )]
    BadServer(String),
    /// The server's address is not encrypted.
    #[error(
        "the interview link leads to an unencrypted server ({0}); ask the organiser for a link with https"
    )]
    Unencrypted(String),
    /// The code can't be one.
    #[error(
        "the code in the interview link is not valid; it looks like K7QF-9M2X — copy the whole link from your invitation"
    )]
    BadCode,
}

/// Longest name of a host (RFC 1035, 2.3.4).
const LONGEST_HOST: usize = 253;

impl InviteLink {
    /// Reads a link.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let url = Url::parse(&bare(text)).map_err(|_| LinkError::NotALink)?;
        if url.scheme() != "adjourn" || !url.host_str().is_some_and(|host| host.eq_ignore_ascii_case("join"))
        {
            return Err(LinkError::NotALink);
        }
        let one = |name: &'static str| {
            let mut values = url
                .query_pairs()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.into_owned());
            match (values.next(), values.next()) {
                (Some(value), None) if !value.is_empty() => Ok(value),
                _ => Err(LinkError::Incomplete(name)),
            }
        };
        Self::new(&one("server")?, &one("code")?)
    }

    /// Whether links may lead to that server: https, or http on this very machine, a host, and a path at most.
    pub fn may_lead_to(server: &Url) -> bool {
        Self::new(server.as_str(), "AAAA-AAAA").is_ok()
    }

    /// A link from its two parts, as typed.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn new(server: &str, code: &str) -> Result<Self, LinkError> {
        let server = Url::parse(server.trim()).map_err(|_| LinkError::BadServer(server.to_owned()))?;
        let Some(host) = server.host_str().map(str::to_owned) else {
            return Err(LinkError::BadServer(server.to_string()));
        };
        if host.len() > LONGEST_HOST {
            return Err(LinkError::BadServer(format!("{}…", host.chars().take(40).collect::<String>())));
        }
        // A server's address and no more: what else is in it would go with each request, or be shown.
        let alone = server.query().is_none() && server.fragment().is_none();
        let nobodys = server.username().is_empty() && server.password().is_none();
        if !alone || !nobodys {
            return Err(LinkError::BadServer(host));
        }
        match server.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(LinkError::Unencrypted(host)),
            _ => return Err(LinkError::BadServer(server.to_string())),
        }
        let code = code_as_printed(code);
        let plausible =
            (4..=64).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plausible {
            return Err(LinkError::BadCode);
        }
        Ok(Self { server, code: Secret::new(code) })
    }

    /// Host (and port, if given) to show before it is used the first time.
    pub fn host(&self) -> String {
        let host = self.server.host_str().unwrap_or_default();
        self.server.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The link as text, with its code.
    pub fn to_text(&self) -> String {
        let mut url = self.server.clone();
        url.set_query(None);
        let server = url.as_str().trim_end_matches('/').to_owned();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("server", &server)
            .append_pair("code", self.code.expose())
            .finish();
        format!("adjourn://join?{query}")
    }
}

/// A code as it is printed, of what a person typed: in capitals, with the dash that was left out. However it is typed it is
/// the same code, and the same join.
pub fn code_as_printed(typed: &str) -> String {
    let mut code: String = typed
        .chars()
        .filter(|c| !is_unseen(*c) && !c.is_whitespace())
        .map(|c| if is_dash(c) { '-' } else { c.to_ascii_uppercase() })
        .collect();
    if code.len() == 8 && code.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
        code.insert(4, '-');
    }
    code
}

/// The link without what mail programs, editors and people put around it and into it: words before and after, brackets,
/// quotes, a full stop, line breaks, signs that nobody sees, dashes that are none, an ampersand as HTML writes it, and the
/// whole of it inside another address.
fn bare(text: &str) -> String {
    let written: String =
        text.chars().filter(|c| !is_unseen(*c)).map(|c| if is_dash(c) { '-' } else { c }).collect();
    // As mail is written on its way (quoted-printable). A code may begin with 3D: told apart by the server, which does not.
    let written = if written.contains("server=3D") {
        written.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
    } else {
        written
    };
    let written = written.replace("&amp;", "&");
    let Some(link) = from_scheme(&written) else {
        // In an address that leads to it by way of somebody else's.
        let decoded = percent_encoding::percent_decode_str(&written).decode_utf8_lossy().into_owned();
        let outer = |link: String| match link.split_once("&code=") {
            // What belongs to the outer address follows the code.
            Some((before, code)) => format!("{before}&code={}", code.split('&').next().unwrap_or_default()),
            None => link,
        };
        return from_scheme(&decoded).map_or_else(|| written.trim().to_owned(), outer);
    };
    link
}

/// What editors make of a hyphen.
fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Where a link ends: at a bracket or quote around it. The brackets of an IPv6 address are its own.
fn end_of(link: &str) -> Option<usize> {
    let mut in_address = false;
    for (at, c) in link.char_indices() {
        match c {
            '[' if link[..at].ends_with("://") => in_address = true,
            ']' if in_address => in_address = false,
            '<' | '>' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '“' | '”' | '„' | '«' | '»' | '‘'
            | '’' => {
                return Some(at);
            }
            _ => {}
        }
    }
    None
}

/// From `adjourn://` on, without what stands around it.
fn from_scheme(text: &str) -> Option<String> {
    const SCHEME: &str = "adjourn://";
    // Letters of ASCII are as long in either case.
    let lower = text.to_ascii_lowercase();
    let begin = lower.find(SCHEME)?;
    let again = lower[begin + SCHEME.len()..].find(SCHEME).map_or(text.len(), |at| begin + SCHEME.len() + at);
    let mut link = String::new();
    for word in text[begin..again].split_whitespace() {
        // A line that was broken goes on until the code is there; what follows are other words.
        if link.contains("code=") && !link.ends_with("code=") {
            break;
        }
        link.push_str(word);
    }
    link.truncate(end_of(&link).unwrap_or(link.len()));
    Some(link.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']).to_owned())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_survives_being_written_and_read() {
        let link =
            InviteLink::parse("adjourn://join?server=https://interviews.example.com&code=k7qf-9m2x").unwrap();
        assert_eq!(link.host(), "interviews.example.com");
        assert_eq!(link.code.expose(), "K7QF-9M2X");
        assert_eq!(InviteLink::parse(&link.to_text()).unwrap(), link);
    }

    #[test]
    fn a_link_in_capitals_with_an_address_in_brackets_or_unseen_signs_is_one() {
        let link = InviteLink::parse("adjourn://join?server=http://[::1]:9&code=K7QF-9M2X").unwrap();
        assert_eq!(link.host(), "[::1]:9");
        assert_eq!(
            InviteLink::parse("see [adjourn://join?server=http://[::1]:9&code=K7QF-9M2X]").unwrap(),
            link
        );
        let shouted = "ADJOURN://JOIN?SERVER=HTTPS://INTERVIEWS.EXAMPLE.COM&CODE=K7QF-9M2X";
        let plain = "adjourn://join?server=https://interviews.example.com&code=k7qf-9m2x";
        assert_eq!(InviteLink::parse(shouted), InviteLink::parse(plain));
        for unseen in ['\u{202e}', '\u{2066}', '\u{2069}', '\u{61c}'] {
            assert_eq!(InviteLink::parse(&format!("{unseen}{plain}{unseen}")), InviteLink::parse(plain));
        }
        let long = format!("adjourn://join?server=https://{}.com&code=K7QF-9M2X", "a".repeat(5_000));
        assert!(InviteLink::parse(&long).unwrap_err().to_string().len() < 300);
    }

    #[test]
    fn a_servers_address_is_an_address_and_no_more() {
        for server in [
            "https://me:secret@h.example",
            "https://me@h.example",
            "https://h.example/?a=1",
            "https://h.example/#a",
        ] {
            let error = InviteLink::new(server, "K7QF-9M2X").unwrap_err();
            assert_eq!(error, LinkError::BadServer("h.example".to_owned()), "{server}");
        }
    }

    /// A link as people and their programs paste it.
    fn pasted(code: &str) -> Vec<String> {
        let link = format!("adjourn://join?server=https://interviews.example.com&code={code}");
        let shown = |shown: &str| link.replace(code, shown);
        let encoded = percent_encoding::utf8_percent_encode(&link, percent_encoding::NON_ALPHANUMERIC);
        vec![
            format!("  <{link}>\r\n"),
            format!("\"{link}\""),
            format!("“{link}”."),
            format!("({link})."),
            format!("{link},"),
            format!("\u{feff}{link}"),
            link.replace('&', "&amp;"),
            link.replace("com&", "com\n&"),
            link.replace("code=", "code=\n"),
            link.replace("adjourn", "Adjourn"),
            shown(&code.replace('-', "").to_ascii_lowercase()),
            format!("Your link: {link} Good luck!"),
            format!("[Join]({link}):"),
            format!("{link}\n{link}"),
            format!("{link}?"),
            shown(&code.replace('-', "\u{2011}")),
            shown(&format!("{}\u{200b}{}\u{ad}{}", &code[..1], &code[1..2], &code[2..])),
            link.replace('=', "=3D"),
            link.replace('=', "=3D").replace("com&", "com=\r\n&"),
            format!("https://safe.example/?url={encoded}&data=5"),
        ]
    }

    #[test]
    fn a_link_is_taken_as_people_paste_it_whatever_its_code() {
        // Every beginning and every end of a code that there is: none may look like something that was put around it.
        const LETTERS: &str = "BCDFGHJKLMNPQRSTVWXZ23456789";
        let pairs = LETTERS.chars().flat_map(|a| LETTERS.chars().map(move |b| format!("{a}{b}")));
        let codes = pairs.flat_map(|pair| [format!("{pair}QF-9M2X"), format!("K7QF-9M{pair}")]);
        for code in codes {
            let server = "https://interviews.example.com";
            let expected = InviteLink::new(server, &code).unwrap();
            assert_eq!(expected.code.expose(), code);
            assert_eq!(InviteLink::parse(&expected.to_text()).as_ref(), Ok(&expected));
            for pasted in pasted(&code) {
                assert_eq!(InviteLink::parse(&pasted).as_ref(), Ok(&expected), "{pasted:?}");
            }
        }
    }

    #[test]
    fn a_code_is_known_however_it_was_typed() {
        for typed in ["K7QF-9M2X", "k7qf-9m2x", " K7QF9M2X ", "k7qf9m2x"] {
            assert_eq!(code_as_printed(typed), "K7QF-9M2X");
        }
        for typed in ["k7qf – 9m2x", "\u{200b}K7QF\u{2011}9M2X\u{feff}", "K7QF\u{a0}9M2X"] {
            assert_eq!(code_as_printed(typed), "K7QF-9M2X");
        }
        assert_eq!(code_as_printed("K7QF-9M2"), "K7QF-9M2");
        assert_eq!(code_as_printed("ÄÖÜß"), "ÄÖÜß");
    }

    #[test]
    fn bad_links_say_what_is_wrong() {
        let error = |text| InviteLink::parse(text).unwrap_err();
        assert_eq!(error("hello"), LinkError::NotALink);
        assert_eq!(error("https://example.com"), LinkError::NotALink);
        assert_eq!(error("adjourn://join?server=https://a.example"), LinkError::Incomplete("code"));
        assert_eq!(
            error("adjourn://join?server=https://a.example&code=K7QF-9M2X&code=K7QF-9M2Y"),
            LinkError::Incomplete("code")
        );
        assert_eq!(
            error("adjourn://join?server=http://a.example&code=K7QF-9M2X"),
            LinkError::Unencrypted("a.example".to_owned())
        );
        assert_eq!(error("adjourn://join?server=https://a.example&code=%2F%2F"), LinkError::BadCode);
        assert!(InviteLink::parse("adjourn://join?server=http://127.0.0.1:8080&code=K7QF-9M2X").is_ok());
    }
}
