//! The receipt as a page of its own, to be kept, printed, or shown to somebody. It needs nothing but itself, runs nothing, and holds
//! no token, no code and nothing that was said.

use std::path::{Path, PathBuf};

use adjourn_outbox::Receipt;
use chrono::{DateTime, FixedOffset, Utc};
use maud::{DOCTYPE, PreEscaped, html};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::new_file::new_file;
use crate::{Catalogue, Message, Snapshot};

/// Colours and measures of the window (`ui/src/style/tokens.css`), on white: it is made for paper.
const STYLE: &str = "
body { margin: 2rem auto; max-width: 40rem; padding: 0 1rem; color: #17211e; background: #fff; font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.625rem; line-height: 1.25 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.5rem; margin: 1.5rem 0 }
dt { color: #4b5854 }
dd { margin: 0; overflow-wrap: anywhere }
code { font-size: .875rem }
svg { display: block; width: 6cm; height: 6cm }
.soft { color: #4b5854 }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dd { margin-bottom: .5rem } }
@media print { body { margin: 0; max-width: none } section { break-inside: avoid } }
";

/// What a page of a receipt is made of.
pub(crate) struct ReceiptPage<'a> {
    pub(crate) receipt: &'a Receipt,
    /// The end screen.
    pub(crate) shown: &'a Snapshot,
    /// Where the candidate's clock stands against UTC.
    pub(crate) zone: FixedOffset,
}

impl ReceiptPage<'_> {
    /// The page as HTML; `None` while there is no end.
    fn html(&self) -> Option<String> {
        let claims = &self.receipt.claims;
        let end = self.shown.completed.as_ref()?;
        let language = self.shown.appearance.language;
        let catalogue = Catalogue::of(language);
        let say = |message: &Message| catalogue.text(message);
        let title = say(&Message::ReceiptTitle { receipt: claims.receipt_id.clone() });
        let host = self.shown.host.clone().unwrap_or_default();
        let ended = DateTime::parse_from_rfc3339(&end.ended_at).ok().map(|at| self.moment(at.to_utc()));
        let facts = [
            (Message::ReceiptTitleOf, self.shown.title.clone()),
            (Message::ReceiptOrganiser, Some(host.clone())),
            (Message::ReceiptOutcome, Some(say(&end.headline))),
            (Message::ReceiptEnded, ended),
            (Message::ReceiptReceived, Some(self.moment(claims.received_at))),
            (Message::ReceiptNumber, Some(claims.receipt_id.clone())),
        ];
        let proof = [
            (
                Message::ReceiptRecordId,
                format!("{} · {} · {}", claims.interview_id, claims.attempt, claims.source),
            ),
            (Message::ReceiptDigest, claims.sha256.clone()),
            (Message::ReceiptKey, self.receipt.key_id().unwrap_or_default()),
            // For `adjourn-cli verify`, and for who has no eyes for a square.
            (Message::ReceiptSigned, self.receipt.jws.clone()),
        ];
        // As little of its surface may be lost as possible: it is large as it is. One that is too large for a square stands as text alone.
        let code = QrCode::with_error_correction_level(&self.receipt.jws, EcLevel::L).ok();
        let code = code.map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build());
        // Without what stands before an image in a file of its own.
        let code = code.as_deref().and_then(|code| Some(&code[code.find("<svg")?..]));
        let page = html! {
            (DOCTYPE)
            html lang=(language.tag()) dir=(language.direction()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (title) }
                    p { (say(&Message::ReceiptMeaning { host })) }
                    dl {
                        @for (what, value) in &facts {
                            @if let Some(value) = value { dt { (say(what)) } dd { bdi { (value) } } }
                        }
                    }
                    section {
                        p.soft { (say(&Message::ReceiptProof)) }
                        dl { @for (what, value) in &proof { dt { (say(what)) } dd { code dir="ltr" { (value) } } } }
                        @if let Some(code) = code {
                            p.soft id="square" { (say(&Message::ReceiptSquare)) }
                            div role="img" aria-labelledby="square" { (PreEscaped(code)) }
                        }
                    }
                }
            }
        };
        Some(page.into_string())
    }

    /// A moment by the candidate's own clock, which says where that stands: unmistakable in every language.
    fn moment(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M:%S (UTC%:z)").to_string()
    }

    /// Writes the page into `folder`. Gives its path.
    ///
    /// # Errors
    /// It can't be written, or there is no receipt yet, as it is told.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf, Message> {
        let page = self.html().ok_or(Message::NothingToCopy)?;
        // It was given by a server, and names a file here.
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let number: String = self.receipt.claims.receipt_id.chars().take(64).map(plain).collect();
        new_file(folder, &format!("adjourn-receipt-{number}"), "html", page.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use adjourn_protocol::{ReceiptClaims, Source};

    use super::*;
    use crate::snapshot::{Completed, RecordState};
    use crate::{Appearance, Language, Screen};

    fn receipt(number: &str) -> Receipt {
        // {"alg":"EdDSA","kid":"key-7"}
        let header = "eyJhbGciOiJFZERTQSIsImtpZCI6ImtleS03In0";
        Receipt {
            claims: ReceiptClaims {
                receipt_id: number.to_owned(),
                interview_id: "abc".to_owned(),
                attempt: 1,
                source: Source::Client,
                sha256: "00ff".repeat(16),
                bytes: 2,
                received_at: "2026-11-29T17:30:00Z".parse().unwrap(),
            },
            jws: format!("{header}.{}.{}", "A".repeat(400), "B".repeat(86)),
        }
    }

    fn shown(title: &str, language: Language) -> Snapshot {
        Snapshot {
            screen: Screen::Completed,
            appearance: Appearance { language, ..Appearance::default() },
            title: Some(title.to_owned()),
            host: Some("interviews.example.com".to_owned()),
            completed: Some(Completed {
                outcome: adjourn_session::Outcome::Finished,
                headline: Message::EndFinished,
                reason: Message::BecauseFinished,
                next: None,
                ended_at: "2026-11-29T17:29:58.500Z".to_owned(),
                signs: Vec::new(),
                confirmed: None,
                delivery: RecordState::Received,
                fate: Message::FateReceived,
                can_close: true,
                can_copy: false,
                receipt: Some("R-1".to_owned()),
            }),
            ..Snapshot::default()
        }
    }

    fn written(number: &str, shown: &Snapshot) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let receipt = receipt(number);
        let zone = FixedOffset::east_opt(3_600).unwrap();
        let path = ReceiptPage { receipt: &receipt, shown, zone }.write(&folder.path().join("new")).unwrap();
        assert_eq!(path.parent(), Some(folder.path().join("new").as_path()));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn it_says_what_was_received_when_and_by_whom_and_carries_its_proof() {
        let (name, page) = written("R-4711", &shown("Backend engineer", Language::English));
        assert_eq!(name, "adjourn-receipt-R-4711.html");
        for part in
            ["Backend engineer", "interviews.example.com", "R-4711", "key-7", "<svg", "abc · 1 · client"]
        {
            assert!(page.contains(part), "{part} is missing:\n{page}");
        }
        assert!(page.contains("2026-11-29 18:30:00 (UTC+01:00)") && page.contains("18:29:58"), "{page}");
        assert!(page.contains(&"00ff".repeat(16)));
        // Nothing of it runs, or asks anybody for anything.
        let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !elsewhere.contains("<script") && !elsewhere.contains("http:") && !elsewhere.contains("https:")
        );
    }

    #[test]
    fn it_is_in_the_language_of_the_window() {
        for language in Language::ALL {
            let (_, page) = written("R-1", &shown("Interview", language));
            assert!(page.contains(&format!("lang=\"{}\"", language.tag())), "{page}");
            assert_eq!(page.contains("dir=\"rtl\""), language == Language::Arabic);
            assert!(!page.contains("receipt-"), "a sentence is missing:\n{page}");
        }
    }

    #[test]
    fn what_others_wrote_stays_text_and_names_no_other_file() {
        let (name, page) = written("../../etc/<b>", &shown("<script>alert(1)</script>", Language::English));
        assert_eq!(name, "adjourn-receipt-------etc--b-.html");
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn without_an_end_or_a_folder_there_is_none() {
        let (receipt, zone) = (receipt("R-1"), FixedOffset::east_opt(0).unwrap());
        let nothing = ReceiptPage { receipt: &receipt, shown: &Snapshot::default(), zone };
        assert_eq!(nothing.write(Path::new("/proc/nowhere")), Err(Message::NothingToCopy));
        let end = shown("Interview", Language::English);
        let nowhere = ReceiptPage { receipt: &receipt, shown: &end, zone };
        assert!(matches!(nowhere.write(Path::new("/proc/nowhere")), Err(Message::FileUnwritable { .. })));
    }
}
