//! What is wrong with a setting: where it stands, in words, and how to mend it; and how a person
//! sees it, with a caret under the place.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    Severity, SourceCode, SourceSpan, SpanContents,
};

use crate::domain::setting::SettingFault;

use super::source::Source;

/// Where a value came from.
#[derive(Debug, Clone)]
pub enum Place {
    /// A part of a file.
    At(Arc<Source>, Range<usize>),
    /// A file or folder as a whole.
    File(String),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(source, span) => {
                let (line, column) = source.line_and_column(span.start);
                write!(f, "{}:{line}:{column}", source.name())
            }
            Self::File(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
            Self::Flag(name) => write!(f, "the flag `{name}`"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// ASCII without colours: for files, pipes and logs.
    Plain,
    /// Lines and colours: for terminals.
    Colours,
}

/// One thing that is wrong, or that somebody should know.
#[derive(Debug, Clone)]
pub struct Fault {
    message: String,
    help: Option<String>,
    place: Place,
    is_warning: bool,
}

impl Fault {
    /// A fault at a place: lower case, no full stop, values in backticks.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, place, is_warning: false }
    }

    /// The same with how to mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same as a warning: the settings can be used.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.is_warning = true;
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How to mend it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Line and column, both from 1, if it stands in a file.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        match &self.place {
            Place::At(source, span) => Some(source.line_and_column(span.start)),
            _ => None,
        }
    }

    /// The same as an operator is told while the broker runs: without caret and source.
    pub fn told(&self) -> SettingFault {
        let (line, column) = self.line_and_column().unzip();
        let file = match &self.place {
            Place::At(source, _) => source.name().to_owned(),
            place => place.to_string(),
        };
        SettingFault { file, line, column, message: self.message.clone() }
    }

    /// How a person sees it: place, words, the line with a caret, the fix.
    pub fn render(&self, look: Look) -> String {
        let theme = match look {
            Look::Plain => GraphicalTheme::none(),
            Look::Colours => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(100)
            .with_context_lines(1)
            .without_syntax_highlighting();
        let mut text = String::new();
        match handler.render_report(&mut text, &Shown::of(self)) {
            Ok(()) => text,
            Err(_) => format!("{self}\n"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Default => f.write_str(&self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

/// Everything that is wrong with the settings, never empty, and the warnings beside it.
#[derive(Debug, Clone, thiserror::Error)]
pub struct Faults {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Faults {
    /// Takes what was found. If nothing is at fault the warnings are handed back.
    pub fn of(mut faults: Vec<Fault>, mut warnings: Vec<Fault>) -> Result<Vec<Fault>, Self> {
        sort(&mut faults);
        sort(&mut warnings);
        if faults.is_empty() { Ok(warnings) } else { Err(Self { faults, warnings }) }
    }

    /// Each fault, by file and place.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    /// What somebody should know beside the faults.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Adds what was found elsewhere.
    pub fn add_warnings(&mut self, warnings: impl IntoIterator<Item = Fault>) {
        self.warnings.extend(warnings);
        sort(&mut self.warnings);
    }

    /// How many faults there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.faults.len()
    }

    /// All faults as a person sees them.
    pub fn render(&self, look: Look) -> String {
        self.faults.iter().map(|fault| fault.render(look)).collect::<Vec<_>>().join("\n")
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault], warnings: Vec::new() }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// What the reading of one file has found so far.
#[derive(Debug)]
pub struct Report {
    source: Arc<Source>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    others: Vec<Other>,
}

/// Another file that was read, and the hash of what it held; none if it could not be read.
pub type Other = (PathBuf, Option<[u8; 32]>);

impl Report {
    /// Nothing found yet.
    pub fn new(source: Arc<Source>) -> Self {
        Self { source, faults: Vec::new(), warnings: Vec::new(), others: Vec::new() }
    }

    /// Notes what was read from another file, to which this one refers.
    pub fn depends_on(&mut self, path: &Path, held: Option<[u8; 32]>) {
        self.others.push((path.to_owned(), held));
    }

    /// The other files that were read, or should have been.
    pub fn others(&self) -> &[Other] {
        &self.others
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// A place in the file.
    pub fn at(&self, span: Range<usize>) -> Place {
        Place::At(Arc::clone(&self.source), span)
    }

    /// Notes what is wrong and how to mend it.
    pub fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(Fault::new(self.at(span), message).with_help(help));
    }

    /// Notes what somebody should know and what to do about it.
    pub fn warn(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.warnings.push(Fault::new(self.at(span), message).with_help(help).as_warning());
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// What was found: faults and warnings.
    pub fn into_parts(self) -> (Vec<Fault>, Vec<Fault>) {
        (self.faults, self.warnings)
    }
}

/// Brings faults into the order in which a person reads the files.
fn sort(faults: &mut [Fault]) {
    faults.sort_by(|a, b| reading_order(a).cmp(&reading_order(b)));
}

fn reading_order(fault: &Fault) -> (u8, &str, usize) {
    match &fault.place {
        Place::Flag(name) => (0, name, 0),
        Place::Variable(name) => (1, name, 0),
        Place::Default => (2, "", 0),
        Place::File(name) => (3, name, 0),
        Place::At(source, span) => (3, source.name(), span.start),
    }
}

/// A file of which one line is shown, whole: the lines around it are somebody else's business.
#[derive(Debug)]
struct Snippet {
    name: String,
    text: String,
}

impl SourceCode for Snippet {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let start = self.text[..span.offset()].rfind('\n').map_or(0, |at| at + 1);
        // The line's end belongs to it: a caret may stand there.
        let end = self.text[span.offset()..].find('\n').map_or(self.text.len(), |at| span.offset() + at + 1);
        let line = self.text[..start].matches('\n').count();
        // miette asks without context when it wants the position of the caret.
        let column = if lines_before == 0 { self.text[start..span.offset()].chars().count() } else { 0 };
        let shown = SourceSpan::from(start..end);
        let bytes = &self.text.as_bytes()[start..end];
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), bytes, shown, line, column, 1)))
    }
}

/// A fault as miette wants it.
#[derive(Debug)]
struct Shown {
    headline: String,
    help: Option<String>,
    snippet: Option<(Snippet, Range<usize>)>,
    is_warning: bool,
}

impl Shown {
    fn of(fault: &Fault) -> Self {
        let snippet = match &fault.place {
            Place::At(source, span) if !source.is_hidden() && !source.text().trim().is_empty() => {
                let shown = source.shown() + "\n";
                let span = narrowed(&shown, span);
                Some((Snippet { name: source.name().to_owned(), text: shown }, span))
            }
            _ => None,
        };
        let headline = if snippet.is_some() { fault.message.clone() } else { fault.to_string() };
        Self { headline, help: fault.help.clone(), snippet, is_warning: fault.is_warning }
    }
}

/// The first line of a span, within the text: a caret under a whole table says nothing.
fn narrowed(text: &str, span: &Range<usize>) -> Range<usize> {
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at);
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, line_end(start));
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<Severity> {
        Some(if self.is_warning { Severity::Warning } else { Severity::Error })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, span) = self.snippet.as_ref()?;
        let label = LabeledSpan::new_primary_with_span(None, span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Table;
    use super::*;

    static SHAPE: Table = Table { doc: "test", fields: &[], each: None };

    #[test]
    fn a_fault_shows_its_line_and_a_caret() {
        let source = Source::new("t.toml", "# one\n[lable]\n", &SHAPE);
        let fault = Fault::new(Place::At(source, 7..12), "unknown setting `lable`")
            .with_help("did you mean `label`?");
        let shown = fault.render(Look::Plain);
        assert!(
            shown.contains("t.toml:2:2") && shown.contains("^^^^^") && shown.contains("help: did you"),
            "{shown}"
        );
    }

    #[test]
    fn a_hidden_file_shows_line_and_column_only() {
        let source = Source::hidden("keys.toml", "key = \"canary\"\n", &SHAPE);
        let shown = Fault::new(Place::At(source, 6..14), "not a key").render(Look::Plain);
        assert!(shown.contains("keys.toml:1:7: not a key") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        let source = Source::new("t.toml", "ü\n", &SHAPE);
        for span in [0..0, 1..1, 0..1, 2..3, 90..99, 3..3] {
            assert!(Fault::new(Place::At(Arc::clone(&source), span), "x").render(Look::Plain).contains('x'));
        }
        let empty = Source::new("t.toml", "", &SHAPE);
        assert!(Fault::new(Place::At(empty, 0..0), "missing").render(Look::Colours).contains("missing"));
    }

    #[test]
    fn faults_are_read_from_top_to_bottom() {
        let source = Source::new("t.toml", "a\nb\n", &SHAPE);
        let at = |offset| Place::At(Arc::clone(&source), offset..offset + 1);
        let found = vec![
            Fault::new(at(2), "two"),
            Fault::new(at(0), "one"),
            Fault::new(Place::Flag("--listen"), "zero"),
        ];
        let faults = Faults::of(found, Vec::new()).unwrap_err();
        let words: Vec<_> = faults.iter().map(Fault::message).collect();
        assert_eq!(words, ["zero", "one", "two"]);
        assert!(Faults::of(Vec::new(), Vec::new()).is_ok());
    }
}
