//! `tillbox provider inspect`: what the host sees in a component, without granting it anything.

use clap::Args;
use serde_json::{Value, json};
use tillbox_runtime::{Grants, InspectReport, Package};

use super::failure::Failure;
use super::load::{Source, check, plain_runtime};
use super::screen::{Screen, Style, grouped, table};

/// Currencies that are shown by name; the JSON has all of them.
const CURRENCIES_SHOWN: usize = 12;

/// Check a component as `serve` would before loading it, and print what was found.
///
/// Nothing is granted: the component runs its own description under tiny limits and nothing else. A component that wants
/// more than this host gives is shown as well, with what it would take to load it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider inspect acme.wasm
  tillbox provider inspect bundled:stripe-mock
  tillbox provider inspect acme.wasm --json | jq .report.interfaces_wanted")]
pub(super) struct InspectArguments {
    /// A component, or `bundled:manual`, `bundled:stripe` or `bundled:stripe-mock`.
    #[arg(value_name = "FILE.wasm", value_parser = |text: &str| Ok::<_, String>(Source::parse(text)))]
    source: Source,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: InspectArguments) -> Result<(), Failure> {
    let package = check(&plain_runtime()?, &arguments.source).await?;
    let screen = Screen::standard();
    if arguments.json {
        return Ok(screen.json(&as_json(&package))?);
    }
    show(screen, &arguments.source, &package)
}

/// Why it does not load when nothing is granted; nothing when it does.
fn hindrance(package: &Package) -> Option<String> {
    package.grant(Grants::default()).err().map(|error| error.to_string())
}

fn as_json(package: &Package) -> Value {
    let report = package.report();
    let imports: Vec<Value> = report
        .imports
        .iter()
        .map(|import| json!({ "import": import, "covered_by": covered_by(report, import) }))
        .collect();
    let hindrance = hindrance(package);
    json!({
        "report": report,
        "imports": imports,
        "loads_without_grants": hindrance.is_none(),
        "why_not": hindrance,
    })
}

/// By which grant an import is covered, in words.
fn covered_by(report: &InspectReport, import: &str) -> String {
    let wants = |name: &str| report.interfaces_wanted.iter().any(|wanted| wanted == name);
    let short = import.rsplit_once('/').map_or(import, |(_, rest)| rest);
    let short = short.split_once('@').map_or(short, |(name, _)| name);
    if wants(short) {
        return format!("the grant `interfaces = [\"{short}\"]`");
    }
    "free: every provider has it".to_owned()
}

fn show(screen: Screen, source: &Source, package: &Package) -> Result<(), Failure> {
    let report = package.report();
    let title = format!("{} {}", report.display_name, report.version);
    screen.line(screen.paint(Style::Bold, title))?;
    let speed = if report.from_cache { "from the cache" } else { "compiled" };
    let mut facts = vec![
        ("identifier", report.identifier.clone()),
        ("component", format!("{source}, {} bytes, {speed} in {} ms", grouped(report.size_bytes), report.compile_ms)),
        ("sha-256", report.digest_sha256.clone()),
        ("contract", report.contract_version.clone()),
    ];
    facts.extend(report.docs_url.clone().map(|url| ("read more", url)));
    let (can, cannot) = abilities(report);
    facts.push(("can", or_nothing(&can)));
    facts.push(("cannot", or_nothing(&cannot)));
    facts.push(("currencies", currencies(&report.currencies)));
    section(screen, None, facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect())?;
    section(screen, Some("exports"), report.exports.iter().map(|name| vec![name.clone()]).collect())?;
    let imports = report.imports.iter().map(|name| vec![name.clone(), covered_by(report, name)]);
    section(screen, Some("imports, and what covers them"), imports.collect())?;
    let hosts = report.hosts_wanted.iter().map(|wanted| vec![wanted.host.clone(), wanted.purpose.clone()]);
    section(screen, Some("hosts it wants"), hosts.collect())?;
    let secrets = report.secrets_wanted.iter().map(|wanted| {
        let reveal = if wanted.reveal { "in plain text" } else { "unseen" };
        vec![wanted.name.clone(), reveal.to_owned(), wanted.purpose.clone()]
    });
    section(screen, Some("secrets it wants"), secrets.collect())?;
    section(screen, Some("settings"), settings(&report.settings_schema))?;
    let recovery = report.recovery.iter().map(|one| {
        vec![one.operation.clone(), format!("keys kept: {}", one.keys), format!("found again: {}", one.lookup)]
    });
    section(screen, Some("recovery of lost replies"), recovery.collect())?;
    section(screen, Some("warnings"), report.warnings.iter().map(|text| vec![text.clone()]).collect())?;
    match hindrance(package) {
        None => screen.line(screen.paint(Style::Good, "It loads with no grants at all."))?,
        Some(why) => screen.line(screen.paint(Style::Bad, format!("Without grants it does not load: {why}.")))?,
    }
    Ok(())
}

/// A heading with rows below; nothing when there is nothing to show.
fn section(screen: Screen, heading: Option<&str>, rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    if let Some(heading) = heading {
        screen.line(screen.paint(Style::Bold, heading))?;
    }
    for line in table(&rows, &[]) {
        screen.line(format!("  {line}"))?;
    }
    Ok(())
}

/// What it can do and what it cannot, in words.
pub(super) fn abilities(report: &InspectReport) -> (Vec<&'static str>, Vec<&'static str>) {
    let has = report.capabilities;
    let all = [
        ("capture in parts", has.partial_capture),
        ("several captures", has.multiple_captures),
        ("refund in parts", has.partial_refund),
        ("several refunds", has.multiple_refunds),
        ("automatic capture", has.automatic_capture),
        ("cancel", has.cancel_authorized),
        ("change the amount", has.update_amount),
        ("webhooks", has.webhooks),
        ("account holders", has.account_holders),
        ("payment methods", has.payment_methods),
    ];
    let (can, cannot): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, has)| *has);
    let names = |list: Vec<(&'static str, bool)>| list.into_iter().map(|(name, _)| name).collect();
    (names(can), names(cannot))
}

fn or_nothing(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn currencies(codes: &[String]) -> String {
    if codes.is_empty() {
        return "all".to_owned();
    }
    let first: Vec<&str> = codes.iter().take(CURRENCIES_SHOWN).map(String::as_str).collect();
    let rest = codes.len().saturating_sub(CURRENCIES_SHOWN);
    if rest == 0 { first.join(", ") } else { format!("{} and {rest} more", first.join(", ")) }
}

/// The schema as rows: name, what it may be, whether it must be given, what it is for.
fn settings(schema: &str) -> Vec<Vec<String>> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let required = |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
    let row = |(name, one): (&String, &Value)| {
        let shape = match one["enum"].as_array() {
            Some(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
            None => one["type"].as_str().unwrap_or("any").to_owned(),
        };
        let default = match one.get("default") {
            Some(default) => format!("default {default}"),
            None if required(name) => "required".to_owned(),
            None => "optional".to_owned(),
        };
        vec![name.clone(), shape, default, one["description"].as_str().unwrap_or("").to_owned()]
    };
    properties.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_told_in_rows() {
        let schema = r#"{"type":"object","required":["a"],"properties":{
            "a":{"type":"string","description":"First."},"b":{"enum":["x",1],"default":"x"},"c":{}}}"#;
        let rows = settings(schema);
        assert_eq!(rows[0], ["a", "string", "required", "First."]);
        assert_eq!(rows[1], ["b", "\"x\" | 1", "default \"x\"", ""]);
        assert_eq!(rows[2], ["c", "any", "optional", ""]);
        assert!(settings("{}").is_empty());
    }

    #[test]
    fn many_currencies_are_counted() {
        let codes = |count: usize| vec!["EUR".to_owned(); count];
        assert_eq!(currencies(&[]), "all");
        assert_eq!(currencies(&codes(2)), "EUR, EUR");
        assert!(currencies(&codes(20)).ends_with("EUR and 8 more"));
    }
}
