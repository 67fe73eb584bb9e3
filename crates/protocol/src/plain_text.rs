//! What of a text somebody sees.

/// A text as it is typed and sent: without signs that steer a machine, and without space around it. Empty, if nobody would see anything of
/// it. (Signs that nobody sees hold letters of Persian, and emoji, together: they stay in a text that has others.)
pub fn plain_text(typed: &str) -> String {
    let lines = typed.replace("\r\n", "\n");
    let text: String = lines.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    if text.chars().all(|c| c.is_whitespace() || is_unseen(c)) {
        String::new()
    } else {
        text.trim().to_owned()
    }
}

/// Whether a text holds nothing that steers a machine, turns a line around, ends it, or that nobody sees: what somebody writes about
/// themselves for others to read.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(steers)
}

/// The same text without such signs, of so many characters at most.
fn made_plain(text: &str, most: usize) -> String {
    text.chars().filter(|c| !steers(*c)).take(most).collect()
}

/// Longest title, name or way to be reached that is shown, in characters.
const LONGEST: usize = 500;

/// What an organiser wrote about an interview, as it can be shown, whatever a server says: a text of a line, without signs that turn it
/// around.
pub(crate) fn shown_line(text: &str) -> String {
    made_plain(text, LONGEST)
}

/// The same of what may be absent: of nothing but such signs nobody sees anything.
pub(crate) fn shown_line_if_any(text: Option<String>) -> Option<String> {
    text.map(|text| shown_line(&text)).filter(|text| !text.trim().is_empty())
}

fn steers(c: char) -> bool {
    // Two of them hold letters and emoji together, and are seen by that.
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || is_unseen(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// Signs that nobody sees, of which a link has none either (Unicode's *Format*, as far as programs put them into texts).
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}
