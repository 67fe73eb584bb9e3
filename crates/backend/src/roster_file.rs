//! A center's roster as a file: comma-separated values, as spreadsheets write them.

use std::collections::BTreeMap;
use std::fmt;

use adjourn_kiosk::{NAME_FORM, is_name};
use adjourn_protocol::{Policy, is_plain};
use chrono::{DateTime, Duration, Utc};
use csv::{ReaderBuilder, StringRecord, Trim};

use crate::interviews::{NewInterview, Window};

/// Rows of a file at most: what a center has in a day, many times over.
const MOST_ROWS: usize = 2_000;
/// Longest reference in bytes.
const LONGEST_REFERENCE: usize = 64;
/// A length that nobody gave, in minutes.
const USUAL_MINUTES: i64 = 30;
/// Whoever is expected at a time may come so long before and after it.
const AROUND: Duration = Duration::days(1);
/// Whoever is expected at no time may come so long.
const AT_ANY_TIME: Duration = Duration::days(30);

/// Columns, in the order in which they are told of. The first two have to be there.
const COLUMNS: [&str; 11] = [
    "reference",
    "candidate",
    "seat",
    "starts",
    "minutes",
    "extra_minutes",
    "title",
    "language",
    "organiser",
    "contact",
    "agent_name",
];
const NEEDED: usize = 2;

/// What a column says of somebody; `None`: there is no such column, and what is known stays.
type Said<T> = Option<T>;

/// Somebody of a roster.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Where it stands in the file, from 1.
    pub(crate) line: u64,
    pub(crate) reference: String,
    pub(crate) candidate: String,
    pub(crate) seat: Said<Option<String>>,
    pub(crate) starts: Said<Option<DateTime<Utc>>>,
    minutes: Said<i64>,
    extra_minutes: Said<i64>,
    title: Said<String>,
    language: Said<String>,
    organiser: Said<Option<String>>,
    contact: Said<Option<String>>,
    agent_name: Said<String>,
}

/// Somebody as a roster is to have them: what the file says, and what was known where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) reference: String,
    pub(crate) candidate: String,
    pub(crate) seat: Option<String>,
    pub(crate) starts: Option<DateTime<Utc>>,
    /// The longest time, without what they have more than others.
    pub(crate) minutes: i64,
    pub(crate) extra_minutes: i64,
    pub(crate) title: String,
    pub(crate) language: String,
    pub(crate) organiser: Option<String>,
    pub(crate) contact: Option<String>,
    pub(crate) agent_name: Option<String>,
}

impl Row {
    /// Of somebody who was not there.
    pub(crate) fn new_one(&self) -> Wanted {
        self.over(&Wanted {
            reference: self.reference.clone(),
            candidate: String::new(),
            seat: None,
            starts: None,
            minutes: USUAL_MINUTES,
            extra_minutes: 0,
            title: "Interview".to_owned(),
            language: "en".to_owned(),
            organiser: None,
            contact: None,
            agent_name: Some("interviewer".to_owned()),
        })
    }

    /// Of somebody of whom something is known.
    pub(crate) fn over(&self, known: &Wanted) -> Wanted {
        fn said<T: Clone>(said: &Said<T>, known: &T) -> T {
            said.as_ref().unwrap_or(known).clone()
        }
        Wanted {
            reference: self.reference.clone(),
            candidate: self.candidate.clone(),
            seat: said(&self.seat, &known.seat),
            starts: said(&self.starts, &known.starts),
            minutes: said(&self.minutes, &known.minutes),
            extra_minutes: said(&self.extra_minutes, &known.extra_minutes),
            title: said(&self.title, &known.title),
            language: said(&self.language, &known.language),
            organiser: said(&self.organiser, &known.organiser),
            contact: said(&self.contact, &known.contact),
            agent_name: self.agent_name.clone().map_or_else(|| known.agent_name.clone(), Some),
        }
    }
}

impl Wanted {
    /// When its seat is theirs, if both are known.
    pub(crate) fn takes(&self) -> Option<Taken> {
        let (seat, from) = (self.seat.clone()?, self.starts?);
        let to = from.checked_add_signed(Duration::try_minutes(self.minutes + self.extra_minutes)?)?;
        Some(Taken { seat, from, to, reference: self.reference.clone() })
    }

    /// From when until when they may come.
    pub(crate) fn window(&self, now: DateTime<Utc>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        match self.starts {
            Some(starts) => (starts.checked_sub_signed(AROUND), starts.checked_add_signed(AROUND)),
            None => (None, now.checked_add_signed(AT_ANY_TIME)),
        }
    }

    /// Whether their time is over.
    pub(crate) fn is_past(&self, now: DateTime<Utc>) -> bool {
        self.starts.is_some() && self.window(now).1.is_none_or(|to| to <= now)
    }

    /// Their interview.
    pub(crate) fn interview(&self, now: DateTime<Utc>) -> NewInterview {
        let (from, to) = self.window(now);
        NewInterview {
            title: self.title.clone(),
            candidate_name: Some(self.candidate.clone()),
            organiser: self.organiser.clone(),
            contact: self.contact.clone(),
            language: self.language.clone(),
            max_minutes: self.minutes + self.extra_minutes,
            window: Window { from, to },
            agent_name: self.agent_name.clone(),
            replacements: 0,
            policy: Policy::default(),
        }
    }
}

/// A seat that is somebody's for a time.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) seat: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) reference: String,
}

impl Taken {
    /// Whether both want one seat at one time.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.reference != other.reference
            && self.seat == other.seat
            && self.from < other.to
            && other.from < self.to
    }
}

/// What is wrong, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) line: u64,
    pub(crate) what: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Reads a file; gives its rows, or everything that is wrong with it by itself.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Row>, Vec<Trouble>> {
    let text = text(bytes).map_err(|trouble| vec![trouble])?;
    let first = text.lines().next().unwrap_or_default();
    // Spreadsheets of half of Europe.
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).flexible(true).from_reader(text.as_bytes());
    let columns = match reader.headers() {
        Ok(headers) => columns(headers)?,
        Err(error) => return Err(vec![Trouble { line: 1, what: unreadable(&error) }]),
    };
    let (mut rows, mut troubles, mut lines) = (Vec::new(), Vec::new(), Lines::of(text));
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, |position| lines.at(position.byte()));
                troubles.push(Trouble { line, what: unreadable(&error) });
                break;
            }
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(1, |position| lines.at(position.byte()));
        if rows.len() + troubles.len() >= MOST_ROWS {
            troubles.push(Trouble { line, what: format!("a roster has {MOST_ROWS} rows at most; part it") });
            break;
        }
        match row(&columns, &record, line) {
            Ok(row) => rows.push(row),
            Err(what) => troubles.push(Trouble { line, what }),
        }
    }
    if rows.is_empty() && troubles.is_empty() {
        troubles.push(Trouble { line: 1, what: "nobody is in it".to_owned() });
    }
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        match seen.get(row.reference.as_str()) {
            Some(first) => troubles.push(Trouble {
                line: row.line,
                what: format!("the reference {:?} is in line {first} already", row.reference),
            }),
            None => drop(seen.insert(&row.reference, row.line)),
        }
    }
    if troubles.is_empty() { Ok(rows) } else { Err(troubles) }
}

/// Numbers of lines, asked for in their order. The reader counts a line's second end with the next record.
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), counted: 0, line: 1 }
    }

    /// Of the first byte at or after that one which ends no line.
    fn at(&mut self, byte: u64) -> u64 {
        let mut at = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes.len());
        while matches!(self.bytes.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        let between = self.bytes.get(self.counted..at).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = self.counted.max(at);
        self.line
    }
}

/// The file as text.
fn text(bytes: &[u8]) -> Result<&str, Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() as u64;
        Trouble { line, what: "this is not UTF-8; save the file as \"CSV UTF-8\"".to_owned() }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn unreadable(error: &csv::Error) -> String {
    format!("this can't be read as CSV ({error})")
}

/// Where which column is, and how many there are.
struct Columns {
    at: BTreeMap<&'static str, usize>,
    all: usize,
}

/// Which column is where. One without a name, as spreadsheets leave them at the end, has to be empty.
fn columns(headers: &StringRecord) -> Result<Columns, Vec<Trouble>> {
    let (mut at, mut wrong) = (BTreeMap::new(), Vec::new());
    for (n, header) in headers.iter().enumerate().filter(|(_, header)| !header.is_empty()) {
        match COLUMNS.into_iter().find(|name| header.eq_ignore_ascii_case(name)) {
            Some(name) if at.insert(name, n).is_none() => {}
            Some(name) => wrong.push(format!("the column {name} is there twice")),
            None => wrong.push(format!("there is no column {header:?}; there are {}", COLUMNS.join(", "))),
        }
    }
    let missing = COLUMNS[..NEEDED].iter().filter(|name| !at.contains_key(*name));
    wrong.extend(
        missing.map(|name| format!("the column {name} is missing; the first line names the columns")),
    );
    if wrong.is_empty() {
        return Ok(Columns { at, all: headers.len() });
    }
    Err(wrong.into_iter().map(|what| Trouble { line: 1, what }).collect())
}

fn row(columns: &Columns, record: &StringRecord, line: u64) -> Result<Row, String> {
    // What a quote that is never closed takes, and what a comma too many moves, is found here.
    if record.len() != columns.all {
        return Err(format!(
            "there are {} fields, and {} columns; a comma inside a field needs quotes around it",
            record.len(),
            columns.all
        ));
    }
    let named = |at: usize| columns.at.values().any(|column| *column == at);
    if record.iter().enumerate().any(|(at, text)| !text.is_empty() && !named(at)) {
        return Err("there is something in a column without a name".to_owned());
    }
    for (name, at) in &columns.at {
        if record.get(*at).is_some_and(|text| !text.is_empty() && !is_plain(text)) {
            return Err(format!("{name} has signs in it that nobody sees, or more than one line"));
        }
    }
    let text = |name: &str| columns.at.get(name).map(|at| record.get(*at).unwrap_or_default());
    let field = |name: &str| text(name).map(|text| (!text.is_empty()).then(|| text.to_owned()));
    let number = |name: &str, usual: i64| {
        let number = field(name).map(|text| {
            text.map_or(Ok(usual), |text| {
                text.parse::<i64>().map_err(|_| format!("{name} is a whole number, and not {text:?}"))
            })
        });
        number.transpose()
    };
    let reference = field("reference").flatten().ok_or("reference is empty")?;
    if reference.len() > LONGEST_REFERENCE {
        return Err(format!("reference has {LONGEST_REFERENCE} bytes at most"));
    }
    let candidate = field("candidate").flatten().ok_or("candidate is empty")?;
    let seat = field("seat");
    if let Some(seat) = seat.iter().flatten().find(|seat| !is_name(seat)) {
        return Err(format!("{seat:?} is no seat's name: {NAME_FORM}"));
    }
    let starts = field("starts").map(|text| text.map(|text| time(&text)).transpose()).transpose()?;
    let (minutes, extra_minutes) = (number("minutes", USUAL_MINUTES)?, number("extra_minutes", 0)?);
    let long = |minutes: Option<i64>, least: i64| minutes.is_some_and(|n| !(least..=480).contains(&n));
    if long(minutes, 1) || long(extra_minutes, 0) {
        return Err("minutes are 1 to 480, and extra_minutes 0 to 480".to_owned());
    }
    Ok(Row {
        line,
        reference,
        candidate,
        seat,
        starts,
        minutes,
        extra_minutes,
        title: field("title").map(|text| text.unwrap_or_else(|| "Interview".to_owned())),
        language: field("language").map(|text| text.unwrap_or_else(|| "en".to_owned())),
        organiser: field("organiser"),
        contact: field("contact"),
        agent_name: field("agent_name").map(|text| text.unwrap_or_else(|| "interviewer".to_owned())),
    })
}

/// A time with its offset: a time without one is another one in each country.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
        format!("starts is a time with its offset, as 2026-11-30T09:00+01:00, and not {text:?}")
    });
    // Without seconds, as people write it.
    time.or_else(|why| {
        DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z")
            .or_else(|_| DateTime::parse_from_str(&text.replace('Z', "+00:00"), "%Y-%m-%dT%H:%M%:z"))
            .map_err(|_| why)
    })
    .map(|time| time.to_utc())
}

/// Seats that two want at one time: each line of a file, with what it takes.
pub(crate) fn twice_taken(mut taken: Vec<(Taken, u64)>) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    taken.sort_by(|(a, _), (b, _)| (&a.seat, a.from).cmp(&(&b.seat, b.from)));
    // Whoever has the seat longest of those before.
    let mut longest: Option<&Taken> = None;
    for (next, line) in &taken {
        if let Some(first) = longest.filter(|first| first.meets(next)) {
            let what = format!("seat {} is {:?}'s at that time", next.seat, first.reference);
            troubles.push(Trouble { line: *line, what });
        }
        if longest.is_none_or(|first| first.seat != next.seat || first.to < next.to) {
            longest = Some(next);
        }
    }
    troubles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2027-01-15T08:00:00Z".parse().unwrap()
    }

    fn of(text: &[u8]) -> Result<Vec<Row>, Vec<Trouble>> {
        read(text)
    }

    fn wrong(text: &[u8]) -> String {
        of(text).unwrap_err().iter().map(Trouble::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_file_is_read_as_spreadsheets_write_it() {
        let text = "\u{feff}Reference;Candidate;Seat;starts;minutes;extra_minutes;\r\n\
                    A1;\"Ada; Countess\";S-1;2999-01-02T09:00+01:00;40;20;\r\n\r\n;;;;;;\r\nA2;Grace;;;;;\r\n";
        let rows = of(text.as_bytes()).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5]);
        let ada = rows[0].new_one();
        assert_eq!(ada.candidate, "Ada; Countess");
        assert_eq!((ada.interview(now()).max_minutes, ada.extra_minutes), (60, 20));
        assert_eq!(ada.starts.unwrap().to_rfc3339(), "2999-01-02T08:00:00+00:00");
        let grace = rows[1].new_one();
        assert_eq!((grace.seat, grace.minutes, grace.title.as_str()), (None, 30, "Interview"));
        for row in rows {
            row.new_one().interview(now()).times(now()).unwrap();
        }
        assert!(of(b"reference,candidate,starts\na,b,2999-01-02T09:00Z\nc,d,2999-01-02T09:00:30Z\n").is_ok());
    }

    #[test]
    fn what_has_no_column_stays_and_what_is_empty_is_taken_away() {
        let known =
            of(b"reference,candidate,seat,minutes,extra_minutes,language,contact\na,Ada,S1,40,15,de,Jo\n")
                .unwrap()[0]
                .new_one();
        let moved = of(b"reference,candidate,seat\na,Ada,S2\n").unwrap()[0].over(&known);
        assert_eq!(moved, Wanted { seat: Some("S2".to_owned()), ..known.clone() });
        let emptied =
            of(b"reference,candidate,seat,contact,extra_minutes\na,Ada,,,\n").unwrap()[0].over(&known);
        assert_eq!(emptied, Wanted { seat: None, contact: None, extra_minutes: 0, ..known });
    }

    #[test]
    fn the_example_is_one() {
        let rows = of(include_bytes!("../../../examples/roster.csv")).unwrap();
        let rows: Vec<Wanted> = rows.iter().map(Row::new_one).collect();
        assert!(rows.iter().any(|row| row.extra_minutes > 0) && rows.iter().any(|row| row.seat.is_none()));
        for row in rows {
            row.interview(now()).times(now()).unwrap();
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            (&b""[..], "line 1: the column reference is missing"),
            (b"reference,candidate\n", "line 1: nobody is in it"),
            (b"reference,candidate,shoe\na,b,c\n", "line 1: there is no column \"shoe\""),
            (b"reference,candidate,seat,seat\na,b,c,d\n", "line 1: the column seat is there twice"),
            (
                b"reference,candidate\r\na,b\r\n\r\na,c\r\n",
                "line 4: the reference \"a\" is in line 2 already",
            ),
            (b"reference,candidate\n,b\n", "line 2: reference is empty"),
            (b"reference,candidate\na,\n", "line 2: candidate is empty"),
            (b"reference,candidate\na,b,c\n", "line 2: there are 3 fields, and 2 columns"),
            (b"reference,candidate,\na,b,c\n", "line 2: there is something in a column without a name"),
            (b"reference,candidate,seat\na,b,x y\n", "line 2: \"x y\" is no seat's name"),
            (
                b"reference,candidate,minutes\na,b,soon\n",
                "line 2: minutes is a whole number, and not \"soon\"",
            ),
            (b"reference,candidate,minutes\na,b,0\n", "line 2: minutes are 1 to 480"),
            (b"reference,candidate,starts\na,b,tomorrow\n", "line 2: starts is a time with its offset"),
            (
                b"reference,candidate,starts\na,b,2999-01-02T09:00\n",
                "line 2: starts is a time with its offset",
            ),
            (
                b"reference,candidate\na,b\nc,M\xfcller\n",
                "line 3: this is not UTF-8; save the file as \"CSV UTF-8\"",
            ),
            ("reference,candidate\na,b\u{202e}c\n".as_bytes(), "line 2: candidate has signs in it"),
            (
                b"reference,candidate,title\na,b,\"two\nlines\"\n",
                "line 2: title has signs in it that nobody sees, or more than one line",
            ),
            // A quote that is never closed takes whoever comes after it.
            (b"reference,candidate,title\na,b,\"Engineer\nc,d,Engineer\n", "line 2: title has signs in it"),
            (b"reference,candidate\na,\"b\nc,d\n", "line 2: candidate has signs in it"),
        ] {
            let told = wrong(text);
            assert!(told.contains(said), "{told}");
        }
        let many: String =
            (0..=MOST_ROWS).fold("reference,candidate\n".to_owned(), |text, n| text + &format!("r{n},c\n"));
        assert!(wrong(many.as_bytes()).starts_with("line 2002: a roster has 2000 rows at most"));
    }

    #[test]
    fn two_at_one_seat_at_one_time_are_told_of() {
        let taken = |text: &[u8]| {
            let rows = of(text).unwrap();
            let taken = rows.iter().filter_map(|row| Some((row.new_one().takes()?, row.line))).collect();
            twice_taken(taken).iter().map(Trouble::to_string).collect::<Vec<_>>().join("\n")
        };
        let two = b"reference,candidate,seat,starts,minutes\n\
            a,b,S1,2999-01-02T09:00Z,30\nc,d,S1,2999-01-02T09:29Z,30\ne,f,S1,2999-01-02T09:59Z,30\ng,h,S2,2999-01-02T09:00Z,30\n";
        assert_eq!(taken(two), "line 3: seat S1 is \"a\"'s at that time");
        let long = b"reference,candidate,seat,starts,minutes\n\
            a,b,S1,2999-01-02T09:00Z,120\nc,d,S1,2999-01-02T09:10Z,10\ne,f,S1,2999-01-02T10:00Z,10\n";
        assert!(taken(long).contains("line 4: seat S1 is \"a\"'s"), "{}", taken(long));
    }
}
