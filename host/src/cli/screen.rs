//! What a command says: lines, with colours where a person reads them, or one JSON document.
//!
//! It refuses to know what the lines are about.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    colour: bool,
    silent: bool,
}

/// How a word looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Headings.
    Bold,
    /// What went as it should.
    Good,
    /// What did not.
    Bad,
    /// What may be passed over.
    Dim,
}

impl Screen {
    /// Standard output; colours only on a terminal that wants them (`NO_COLOR`, see no-color.org, and `TERM=dumb`).
    pub(super) fn standard() -> Self {
        Self { colour: wants_colour(io::stdout().is_terminal()), silent: false }
    }

    /// Says nothing but its JSON document.
    pub(super) fn only_json() -> Self {
        Self { colour: false, silent: true }
    }

    /// Whether only a JSON document is wanted.
    pub(super) fn is_silent(self) -> bool {
        self.silent
    }

    /// One line.
    pub(super) fn line(self, text: impl Display) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        writeln!(io::stdout().lock(), "{text}")
    }

    /// The JSON document.
    pub(super) fn json(self, value: &Value) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{value:#}")
    }

    /// The text in a style.
    pub(super) fn paint(self, style: Style, text: impl Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let code = match style {
            Style::Bold => "1",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Lets what was said be read now, also by a program at the other end of a pipe.
    pub(super) fn flush(self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}

/// Tells a failure on standard error.
pub(super) fn tell_failure(failure: &super::failure::Failure) {
    let screen = Screen { colour: wants_colour(io::stderr().is_terminal()), silent: false };
    // Nobody is left to hear that standard error is closed as well.
    let _ = writeln!(io::stderr().lock(), "{} {failure}", screen.paint(Style::Bad, "error:"));
}

fn wants_colour(is_terminal: bool) -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    is_terminal && !forbidden && !dumb
}

/// Rows as columns, each as wide as its widest cell; the columns named in `right` are aligned to the right.
pub(super) fn table(rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A number with its thousands apart.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(table(&[row(["a", "1.00"]), row(["long", "120.00"])], &[1]), ["a       1.00", "long  120.00"]);
        assert_eq!(table(&[], &[]), Vec::<String>::new());
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn there_is_no_colour_in_a_pipe() {
        let plain = Screen { colour: false, silent: false };
        assert_eq!(plain.paint(Style::Bad, "x"), "x");
        assert!(!wants_colour(false));
    }
}
