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

/// Whether a text holds nothing that steers a machine or turns a line around: what somebody writes about themselves for others to read.
pub fn is_plain(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.chars().any(|c| c.is_control() || turns(c))
}

/// Signs that nobody sees, of which a link has none either (Unicode's *Format*, as far as programs put them into texts).
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}
