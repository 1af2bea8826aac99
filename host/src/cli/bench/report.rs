//! What was measured, in lines for people or one JSON document. Ratios within this run come first: they are what can be
//! compared between machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::bare::Bare;
use super::cell::Cell;
use super::fill::Filled;
use super::place::Place;
use super::recovery::{Recovered, Stretch};
use super::resources::processors;
use super::routes::Measured;
use super::steps::Step;
use super::{BenchArguments, Failure, Screen, Style, aside, build};
use crate::cli::screen::{grouped, table};

/// Durable changes of one flow: one for each step.
const CHANGES_PER_FLOW: u64 = Step::ALL.len() as u64;

/// Everything measured so far.
pub(super) struct Report {
    screen: Screen,
    bare: Option<Bare>,
    places: Vec<String>,
    cells: Vec<Cell>,
    filled: Vec<Filled>,
    recovered: Vec<Recovered>,
    routed: Vec<(&'static str, Measured)>,
}

impl Report {
    pub(super) fn new(screen: Screen) -> Self {
        Self {
            screen,
            bare: None,
            places: Vec::new(),
            cells: Vec::new(),
            filled: Vec::new(),
            recovered: Vec::new(),
            routed: Vec::new(),
        }
    }

    pub(super) fn begin(&self, arguments: &BenchArguments) -> Result<(), Failure> {
        let title = "Whole payments: collection, session, authorization, capture, partial refund";
        self.screen.line(self.screen.paint(Style::Bold, title))?;
        let seconds = arguments.seconds;
        aside(self.screen, format!("{} processors, {} build, {seconds} s for each figure", processors(), build()))
    }

    pub(super) fn place(&mut self, place: &Place) -> Result<(), Failure> {
        self.places.push(place.described.clone());
        self.screen.line("")?;
        self.screen.line(self.screen.paint(Style::Bold, &place.described))?;
        Ok(self.screen.flush()?)
    }

    pub(super) fn bare(&mut self, bare: Bare) -> Result<(), Failure> {
        self.bare = Some(bare);
        let rate = number(bare.commits_per_second);
        aside(self.screen, format!("bare SQLite, one insert and fsync after the other: {rate} commits/s"))
    }

    pub(super) fn filled(&mut self, filled: Filled) -> Result<(), Failure> {
        self.filled.push(filled);
        let (payments, rate) = (number(filled.payments), number(per_second(filled.written, filled.took)));
        self.screen.line("")?;
        self.screen.line(format!("another one filled with {payments} payments, {rate} whole books a second"))?;
        Ok(self.screen.flush()?)
    }

    pub(super) fn recovered(&mut self, recovered: Recovered) -> Result<(), Failure> {
        self.recovered.push(recovered);
        let title = format!("recovery of {} unknown operations", number(recovered.operations));
        self.screen.line(self.screen.paint(Style::Bold, title))?;
        for (name, stretch) in [("at a host's pace", recovered.paced), ("without a pace", recovered.unpaced)] {
            let mebibytes = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| number(bytes >> 20));
            self.screen.line(format!(
                "  {name}: {} ended in {} ms, {} a second ({} allowed, {} at once), {} MiB resident before, {} at most",
                number(stretch.ended),
                number(u64::try_from(stretch.took.as_millis()).unwrap_or(u64::MAX)),
                number(per_second(stretch.ended, stretch.took)),
                number(u64::from(stretch.allowed)),
                stretch.at_once,
                mebibytes(stretch.resident_before),
                mebibytes(stretch.resident_peak),
            ))?;
        }
        Ok(self.screen.flush()?)
    }

    /// What is measured now, for who waits.
    pub(super) fn progress(&self, what: impl std::fmt::Display) -> Result<(), Failure> {
        aside(self.screen, what)
    }

    pub(super) fn routed(&mut self, database: &'static str, routes: Vec<Measured>) -> Result<(), Failure> {
        let callers = routes.first().map_or(0, |measured| measured.callers);
        self.screen.line("")?;
        let title = format!("{database}, {callers} at once, each route under wrk");
        self.screen.line(self.screen.paint(Style::Bold, title))?;
        let heading = ["", "embedded/s", "http/s", "ratio", "p50 ms", "p99 ms"].map(str::to_owned).to_vec();
        let rows = routes.iter().map(|measured| {
            let (embedded, http) = (measured.embedded_per_second, http_per_second(measured));
            vec![
                measured.route.as_str().to_owned(),
                number(embedded),
                number(http),
                ratio(http, embedded).to_string(),
                milliseconds(measured.http.p50),
                milliseconds(measured.http.p99),
            ]
        });
        let rows: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
        for (index, line) in table(&rows, &[1, 2, 3, 4, 5]).into_iter().enumerate() {
            self.screen.line(format!("  {}", if index == 0 { self.screen.paint(Style::Dim, line) } else { line }))?;
        }
        self.routed.extend(routes.into_iter().map(|measured| (database, measured)));
        Ok(self.screen.flush()?)
    }

    pub(super) fn cell(&mut self, cell: Cell) -> Result<(), Failure> {
        self.screen.line("")?;
        let full = if cell.full { " and full" } else { "" };
        let title = format!("{}{full}, {}, {} at once", cell.database, cell.via.as_str(), cell.clients);
        self.screen.line(format!("{}: {}", self.screen.paint(Style::Bold, title), self.summary(&cell)))?;
        let heading = ["ms", "p50", "p95", "p99"].map(str::to_owned).to_vec();
        let rows = Step::ALL.map(|step| {
            let quantile = |quantile| milliseconds(cell.times.of(step).value_at_quantile(quantile));
            vec![step.as_str().to_owned(), quantile(0.5), quantile(0.95), quantile(0.99)]
        });
        let rows: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
        for (index, line) in table(&rows, &[1, 2, 3]).into_iter().enumerate() {
            self.screen.line(format!("  {}", if index == 0 { self.screen.paint(Style::Dim, line) } else { line }))?;
        }
        self.cells.push(cell);
        Ok(self.screen.flush()?)
    }

    pub(super) fn end(self) -> Result<(), Failure> {
        if !self.filled.is_empty() {
            self.screen.line("")?;
            self.screen.line(self.screen.paint(Style::Bold, "Full against empty"))?;
        }
        for (empty, full) in self.pairs() {
            let of = |figure: fn(&Cell) -> Option<u64>| Some(ratio(figure(full)?, figure(empty)?));
            let words = [("time", of(time_per_flow)), ("CPU", of(cpu_per_flow)), ("bytes", of(bytes_per_flow))];
            let words: Vec<String> =
                words.iter().filter_map(|(name, ratio)| Some(format!("{name} {}", times(ratio.as_ref()?)))).collect();
            let (database, via, clients) = (full.database, full.via.as_str(), full.clients);
            let line = format!("  {database}, {via}, {clients} at once: {} a flow", words.join(", "));
            self.screen.line(line)?;
        }
        if self.screen.is_silent() {
            return Ok(self.screen.json(&self.as_json())?);
        }
        Ok(())
    }

    /// The same cell on the empty and on the full database.
    fn pairs(&self) -> impl Iterator<Item = (&Cell, &Cell)> {
        let same = |one: &Cell, other: &Cell| {
            !one.full && (one.database, one.via, one.clients) == (other.database, other.via, other.clients)
        };
        self.cells
            .iter()
            .filter(|cell| cell.full)
            .filter_map(move |full| self.cells.iter().find(|empty| same(empty, full)).map(|empty| (empty, full)))
    }

    fn summary(&self, cell: &Cell) -> String {
        let mut words = vec![format!("{} flows/s", number(rate(cell)))];
        if let Some(one) = self.alone(cell).filter(|_| cell.clients > 1) {
            words.push(format!("{} of one at a time", times(&one)));
        }
        if let Some(bare) = self.against_bare(cell) {
            words.push(format!("durable changes {} of bare commits", times(&bare)));
        }
        if let Some(micros) = cpu_per_flow(cell) {
            words.push(format!("{} µs CPU a flow", number(micros)));
        }
        match cell.commits {
            Some((changes, batches)) => words.push(format!("{} changes a commit", times(&ratio(changes, batches)))),
            None => words.push(cell.commits_source.to_owned()),
        }
        if let Some(bytes) = bytes_per_flow(cell) {
            words.push(format!("{} bytes a flow ({})", number(bytes), cell.bytes_source));
        }
        if let Some(bytes) = cell.resident_bytes {
            words.push(format!("{} MiB resident", number(bytes >> 20)));
        }
        words.join(", ")
    }

    /// Flows per second against those of one client, where that was measured.
    fn alone(&self, cell: &Cell) -> Option<Value> {
        let same =
            |one: &&Cell| one.clients == 1 && (one.database, one.via, one.full) == (cell.database, cell.via, cell.full);
        let one = self.cells.iter().rev().find(same)?;
        Some(ratio(rate(cell), rate(one)))
    }

    /// Durable changes per second against the commits of the bare loop. It says nothing about another database.
    fn against_bare(&self, cell: &Cell) -> Option<Value> {
        let bare = self.bare.filter(|_| cell.database == "sqlite")?;
        Some(ratio(rate(cell) * CHANGES_PER_FLOW, bare.commits_per_second))
    }

    fn as_json(&self) -> Value {
        let cells: Vec<Value> = self.cells.iter().map(|cell| self.cell_as_json(cell)).collect();
        let filled = self.filled.iter().map(|filled| {
            json!({ "payments": filled.payments, "books_per_second": per_second(filled.written, filled.took) })
        });
        let flatness = self.pairs().map(|(empty, full)| {
            let of = |figure: fn(&Cell) -> Option<u64>| Some(ratio(figure(full)?, figure(empty)?));
            json!({
                "database": full.database,
                "via": full.via.as_str(),
                "concurrency": full.clients,
                "payments": [empty.payments, full.payments],
                "time_ratio": of(time_per_flow),
                "cpu_ratio": of(cpu_per_flow),
                "bytes_ratio": of(bytes_per_flow),
            })
        });
        json!({
            "build": build(),
            "processors": processors(),
            "databases": self.places,
            "bare_sqlite_commits_per_second": self.bare.map(|bare| bare.commits_per_second),
            "cells": cells,
            "filled": filled.collect::<Vec<_>>(),
            "full_against_empty": flatness.collect::<Vec<_>>(),
            "recovery": self.recovered.iter().map(recovered_as_json).collect::<Vec<_>>(),
            "routes": self.routed.iter().map(route_as_json).collect::<Vec<_>>(),
        })
    }

    fn cell_as_json(&self, cell: &Cell) -> Value {
        let steps = Step::ALL.iter().map(|step| {
            let times = cell.times.of(*step);
            let quantile = |quantile| times.value_at_quantile(quantile);
            let figures = json!({
                "p50_micros": quantile(0.5),
                "p95_micros": quantile(0.95),
                "p99_micros": quantile(0.99),
                "max_micros": times.max(),
            });
            (step.as_str().to_owned(), figures)
        });
        json!({
            "database": cell.database,
            "via": cell.via.as_str(),
            "concurrency": cell.clients,
            "full": cell.full,
            "payments_before": cell.payments,
            "flows": cell.times.flows(),
            "flows_per_second": rate(cell),
            "ratio_to_one_client": self.alone(cell),
            "ratio_to_bare_commits": self.against_bare(cell),
            "cpu_micros_per_flow": cpu_per_flow(cell),
            "changes_per_commit": cell.commits.map(|(changes, batches)| ratio(changes, batches)),
            "commits": cell.commits_source,
            "bytes_per_flow": bytes_per_flow(cell),
            "bytes": cell.bytes_source,
            "resident_bytes": cell.resident_bytes,
            "worst_p99_micros": cell.times.worst(0.99),
            "steps": steps.collect::<serde_json::Map<_, _>>(),
        })
    }
}

fn recovered_as_json(recovered: &Recovered) -> Value {
    let stretch = |stretch: Stretch| {
        json!({
            "looks_per_second_allowed": stretch.allowed,
            "looks_at_once_allowed": stretch.at_once,
            "ended": stretch.ended,
            "left": stretch.left,
            "milliseconds": u64::try_from(stretch.took.as_millis()).unwrap_or(u64::MAX),
            "ended_per_second": per_second(stretch.ended, stretch.took),
            "resident_bytes_before": stretch.resident_before,
            "resident_bytes_peak": stretch.resident_peak,
        })
    };
    json!({
        "operations": recovered.operations,
        "paced": stretch(recovered.paced),
        "unpaced": stretch(recovered.unpaced),
    })
}

fn http_per_second(measured: &Measured) -> u64 {
    per_second(measured.http.requests, Duration::from_micros(measured.http.micros))
}

fn route_as_json((database, measured): &(&'static str, Measured)) -> Value {
    json!({
        "database": database,
        "route": measured.route.as_str(),
        "concurrency": measured.callers,
        "embedded_per_second": measured.embedded_per_second,
        "http_per_second": http_per_second(measured),
        "http_to_embedded": ratio(http_per_second(measured), measured.embedded_per_second),
        "http_requests": measured.http.requests,
        "http_p50_micros": measured.http.p50,
        "http_p99_micros": measured.http.p99,
    })
}

fn rate(cell: &Cell) -> u64 {
    per_second(cell.times.flows(), cell.took)
}

/// Microseconds of the wall clock for a flow of all clients together.
fn time_per_flow(cell: &Cell) -> Option<u64> {
    u64::try_from(cell.took.as_micros()).ok()?.checked_div(cell.times.flows())
}

fn cpu_per_flow(cell: &Cell) -> Option<u64> {
    cell.used.cpu_micros?.checked_div(cell.times.flows())
}

fn bytes_per_flow(cell: &Cell) -> Option<u64> {
    cell.written_bytes?.checked_div(cell.times.flows())
}

/// How many a second, rounded down.
pub(super) fn per_second(count: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / millis
}

/// A ratio with two decimals, as a JSON number.
fn ratio(of: u64, against: u64) -> Value {
    let hundredths = of.saturating_mul(100).checked_div(against).unwrap_or(0);
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    serde_json::from_str(&text).expect("digits and a point are a number")
}

fn times(ratio: &Value) -> String {
    format!("{ratio} ×")
}

fn number(value: u64) -> String {
    grouped(usize::try_from(value).unwrap_or(usize::MAX))
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_plain_numbers() {
        assert_eq!(per_second(3_000, Duration::from_millis(1_500)), 2_000);
        assert_eq!(per_second(1, Duration::ZERO), 1_000);
        assert_eq!(ratio(3, 2).to_string(), "1.50");
        assert_eq!(ratio(1, 0).to_string(), "0.00");
        assert_eq!(milliseconds(12_345), "12.34");
        assert_eq!(times(&ratio(7, 7)), "1.00 ×");
    }
}
