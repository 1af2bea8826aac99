//! `tillbox provider`: look at components, and install, upgrade, approve and roll back providers while payments run.
//!
//! It changes what the database says; servers that work on it follow within a second, without a restart. What a version may
//! do is shown in words before it does it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tillbox_core::ComponentDigest;
use tillbox_core::id::ProviderId;
use tillbox_runtime::manifest::MANIFEST_BYTES_MAX;
use tillbox_runtime::{Grants, RuntimeConfig};

use super::by_hand::by_hand;
use super::failure::Failure;
use super::inspect::{self, InspectArguments};
use super::load::{ID_DEFAULT, Source, check_id};
use super::operations::{DatabaseArguments, builder_of, moment, open};
use super::screen::{Screen, Style, table};
use super::serve::start_cached;
use crate::Host;
use crate::service::{ComponentSource, NewVersion, Permissions, ProviderVersion};
use crate::store::VersionState;

/// Digits of a digest in a table: enough to tell versions apart; `--json` has all.
const DIGEST_SHOWN: usize = 12;

#[derive(Debug, Subcommand)]
pub(super) enum ProviderCommand {
    Inspect(InspectArguments),
    Install(InstallArguments),
    Upgrade(UpgradeArguments),
    Approve(ApproveArguments),
    Rollback(RollbackArguments),
    List(ListArguments),
    Disable(DisableArguments),
    Enable(EnableArguments),
    Remove(RemoveArguments),
}

/// Install a component as a provider, pp_{identifier}_{ID}.
///
/// It is checked first. What it would be given is what --grants says, or else what it wants; all of it is shown, and it serves
/// once that is approved: by --approve here, or by `tillbox provider approve`. One that is given nothing serves at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider install acme.wasm --id eu --database shop.db
  tillbox provider install acme.wasm --id eu --grants acme-grants.toml --approve
  tillbox provider install acme.wasm --digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

A file of grants:
  interfaces = [\"http\", \"secrets\"]
  hosts = [\"api.gateway.example\"]
  secrets = [{ name = \"api_key\", env = \"GATEWAY_KEY\" }]
  [settings]
  account = \"acct_1\"")]
pub(super) struct InstallArguments {
    /// A component, or `bundled:manual` or `bundled:stripe-mock`.
    #[arg(value_name = "FILE.wasm", value_parser = |text: &str| Ok::<_, String>(Source::parse(text)))]
    source: Source,
    /// Under which id.
    #[arg(long, value_name = "ID", default_value = ID_DEFAULT, value_parser = tail)]
    id: String,
    #[command(flatten)]
    version: VersionArguments,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Let another component, or other grants, take the place of a provider that was installed.
///
/// Payments go on meanwhile: operations that are open finish on the component they began with, new ones take the new one. When
/// it would be given anything but what is approved, it waits for an approval, and the old one goes on. A component that is
/// damaged, another provider, or older than it may be is refused.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider upgrade pp_acme_eu acme-2.wasm --database shop.db
  tillbox provider upgrade pp_acme_eu acme-2.wasm --grants acme-grants.toml --approve
  tillbox provider upgrade pp_acme_eu acme-2.wasm --minimum-version 2.0.0")]
pub(super) struct UpgradeArguments {
    /// The provider's id.
    #[arg(value_name = "PROVIDER", value_parser = provider)]
    id: ProviderId,
    /// A component, or `bundled:manual` or `bundled:stripe-mock`.
    #[arg(value_name = "FILE.wasm", value_parser = |text: &str| Ok::<_, String>(Source::parse(text)))]
    source: Source,
    #[command(flatten)]
    version: VersionArguments,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Debug, Args)]
struct VersionArguments {
    /// What it may do [default: what is approved, and what else it wants].
    #[arg(long, value_name = "FILE.toml")]
    grants: Option<PathBuf>,
    /// The SHA-256 that the component must have, where its author told it.
    #[arg(long, value_name = "SHA256", value_parser = digest)]
    digest: Option<ComponentDigest>,
    /// The lowest version that upgrades may have from here on [default: this one's].
    #[arg(long, value_name = "VERSION")]
    minimum_version: Option<String>,
    /// Approve what it may do.
    #[arg(long)]
    approve: bool,
    #[command(flatten)]
    by: ByArgument,
}

#[derive(Debug, Args)]
struct ByArgument {
    /// Who does it, for the books.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    by: String,
}

/// Approve what the version that waits may do, and let it serve.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider approve pp_acme_eu --database shop.db
  tillbox provider approve pp_acme_eu --number 2")]
pub(super) struct ApproveArguments {
    /// The provider's id.
    #[arg(value_name = "PROVIDER", value_parser = provider)]
    id: ProviderId,
    /// The number of the version, as it was shown.
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    #[command(flatten)]
    by: ByArgument,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Let a version serve again that served before. Operations that are open finish on the component they began with.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider rollback pp_acme_eu --database shop.db
  tillbox provider rollback pp_acme_eu --to 3")]
pub(super) struct RollbackArguments {
    /// The provider's id.
    #[arg(value_name = "PROVIDER", value_parser = provider)]
    id: ProviderId,
    /// The number of a version [default: the one that served before].
    #[arg(long, value_name = "N")]
    to: Option<u32>,
    #[command(flatten)]
    by: ByArgument,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// List the versions of providers that were installed, and what waits for an approval.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider list --database shop.db
  tillbox provider list pp_acme_eu --json")]
pub(super) struct ListArguments {
    /// Of this provider alone.
    #[arg(value_name = "PROVIDER", value_parser = provider)]
    id: Option<ProviderId>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Keep new sessions from a provider. Those it has, and its payments, go on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider disable pp_acme_eu --database shop.db")]
pub(super) struct DisableArguments {
    #[command(flatten)]
    switch: SwitchArguments,
}

/// Let new sessions use a provider again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider enable pp_acme_eu --database shop.db")]
pub(super) struct EnableArguments {
    #[command(flatten)]
    switch: SwitchArguments,
}

#[derive(Debug, Args)]
struct SwitchArguments {
    /// The provider's id.
    #[arg(value_name = "PROVIDER", value_parser = provider)]
    id: ProviderId,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Take a provider away that was installed, or one version of it.
///
/// Refused while operations are open that only it can finish; with --force they stay open and say which component they began
/// with. Switch it off first, so that no new ones begin.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox provider remove pp_acme_eu --database shop.db
  tillbox provider remove pp_acme_eu --number 2      turn down what waits, or take away what served before")]
pub(super) struct RemoveArguments {
    /// The provider's id.
    #[arg(value_name = "PROVIDER", value_parser = provider)]
    id: ProviderId,
    /// This version alone.
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// Also while operations are open that only it can finish.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    by: ByArgument,
    #[command(flatten)]
    database: DatabaseArguments,
}

fn tail(text: &str) -> Result<String, String> {
    check_id(text).map(|()| text.to_owned())
}

fn provider(text: &str) -> Result<ProviderId, String> {
    ProviderId::parse(text).map_err(|error| format!("{error}; `tillbox provider list` shows them"))
}

fn digest(text: &str) -> Result<ComponentDigest, String> {
    let text = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    ComponentDigest::parse(&text)
        .ok_or_else(|| "a SHA-256 has 64 hexadecimal digits; `sha256sum FILE` prints it".to_owned())
}

pub(super) async fn run(command: ProviderCommand) -> Result<(), Failure> {
    match command {
        ProviderCommand::Inspect(arguments) => inspect::run(arguments).await,
        ProviderCommand::Install(InstallArguments { source, id, version, database }) => {
            let new = wanted(&source, version)?;
            let host = with_runtime(&database).await?;
            let done = Box::pin(host.install_provider(&id, new));
            told(&by_hand(&host, "provider install", Some(&id), done).await?, database.json)
        }
        ProviderCommand::Upgrade(UpgradeArguments { id, source, version, database }) => {
            let new = wanted(&source, version)?;
            let host = with_runtime(&database).await?;
            let done = Box::pin(host.upgrade_provider(&id, new));
            told(&by_hand(&host, "provider upgrade", Some(id.as_str()), done).await?, database.json)
        }
        ProviderCommand::Approve(ApproveArguments { id, number, by, database }) => {
            let host = with_runtime(&database).await?;
            let done = Box::pin(host.approve_provider(&id, number, &by.by));
            told(&by_hand(&host, "provider approve", Some(id.as_str()), done).await?, database.json)
        }
        ProviderCommand::Rollback(RollbackArguments { id, to, by, database }) => {
            let host = with_runtime(&database).await?;
            let done = Box::pin(host.roll_back_provider(&id, to, &by.by));
            told(&by_hand(&host, "provider rollback", Some(id.as_str()), done).await?, database.json)
        }
        ProviderCommand::List(arguments) => list(arguments).await,
        ProviderCommand::Disable(DisableArguments { switch }) => switched(&switch, false).await,
        ProviderCommand::Enable(EnableArguments { switch }) => switched(&switch, true).await,
        ProviderCommand::Remove(RemoveArguments { id, number, force, by, database }) => {
            let host = open(&database, &[]).await?;
            let done = Box::pin(async {
                match number {
                    Some(number) => host.remove_version(&id, number, force, &by.by).await,
                    None => host.remove_provider(&id, force, &by.by).await,
                }
            });
            let removed = by_hand(&host, "provider remove", Some(id.as_str()), done).await?;
            told(&removed, database.json)
        }
    }
}

/// A host on the database that can load components. What it compiles is in the cache of this user's servers.
async fn with_runtime(database: &DatabaseArguments) -> Result<Host, Failure> {
    let runtime = start_cached(RuntimeConfig::default(), None)?;
    Ok(builder_of(database, None)?.runtime(runtime).build().await?)
}

fn wanted(source: &Source, version: VersionArguments) -> Result<NewVersion, Failure> {
    let VersionArguments { grants, digest, minimum_version, approve, by } = version;
    let grants = grants.as_deref().map(read_grants).transpose()?;
    let component = ComponentSource::Bytes(source.read()?.into_owned());
    Ok(NewVersion { digest, grants, minimum_version, approve, ..NewVersion::new(component, by.by) })
}

fn read_grants(path: &Path) -> Result<Grants, Failure> {
    let shown = path.display();
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MANIFEST_BYTES_MAX as u64).read_to_string(&mut text).map(|_| ()));
    read.map_err(|error| Failure::because(format!("{shown} cannot be read"), &error))?;
    toml::from_str(&text).map_err(|error| {
        Failure::because(format!("{shown} does not say what a provider may do"), &error)
            .next("write it like `[providers.grants]` of a configuration, without that line")
    })
}

async fn switched(SwitchArguments { id, database }: &SwitchArguments, is_enabled: bool) -> Result<(), Failure> {
    let host = open(database, &[]).await?;
    let words = if is_enabled { "provider enable" } else { "provider disable" };
    by_hand(&host, words, Some(id.as_str()), host.switch_provider(id, is_enabled)).await?;
    let screen = Screen::standard();
    if database.json {
        return Ok(screen.json(&json!({ "id": id.as_str(), "is_enabled": is_enabled }))?);
    }
    let what = if is_enabled { "takes new sessions again" } else { "takes no new sessions; its payments go on" };
    Ok(screen.line(format!("{id} {what}."))?)
}

/// What became of a version, and what it may do.
fn told(version: &ProviderVersion, json: bool) -> Result<(), Failure> {
    let screen = Screen::standard();
    if json {
        return Ok(screen.json(&as_json(version))?);
    }
    let name = format!("{} version {} ({})", version.provider, version.number, version.version);
    match version.state {
        VersionState::Proposed => {
            screen.line(
                screen.paint(Style::Bold, format!("{name} waits for approval. It would be different in this:")),
            )?;
            for change in &version.changes {
                let style = if change.widens { Style::Bad } else { Style::Good };
                screen.line(format!(
                    "  {} it {}",
                    screen.paint(style, if change.widens { "+" } else { "-" }),
                    change.words
                ))?;
            }
            let approve = format!("tillbox provider approve {} --number {}", version.provider, version.number);
            screen.line(format!("What serves now goes on. `{approve}` lets this one serve."))?;
        }
        VersionState::Serving => {
            screen.line(
                screen.paint(Style::Good, format!("{name} serves. Servers on this database follow within a second.")),
            )?;
            permissions(screen, &version.permissions)?;
        }
        VersionState::Retired => screen.line(format!("{name} only finishes what it began."))?,
        VersionState::Rejected => screen.line(format!("{name} is turned down."))?,
        VersionState::Removed => screen.line(format!("{name} is removed."))?,
    }
    if let Some(trouble) = &version.trouble {
        screen.line(screen.paint(Style::Bad, format!("It cannot be loaded here: {trouble}")))?;
    }
    Ok(screen.flush()?)
}

fn permissions(screen: Screen, permissions: &Permissions) -> Result<(), Failure> {
    let Permissions { interfaces, hosts, secrets, settings, memory_bytes, calls_max } = permissions;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (what, list) in [("interface", interfaces), ("host", hosts), ("secret", secrets), ("setting", settings)] {
        rows.extend(list.iter().map(|one| vec![what.to_owned(), one.clone()]));
    }
    rows.push(vec!["limits".to_owned(), format!("{memory_bytes} bytes of memory a call, {calls_max} calls at once")]);
    for line in table(&rows, &[]) {
        screen.line(format!("  {line}"))?;
    }
    Ok(())
}

async fn list(arguments: ListArguments) -> Result<(), Failure> {
    let host = open(&arguments.database, &[]).await?;
    let versions = host.provider_versions(arguments.id.as_ref()).await?;
    let screen = Screen::standard();
    if arguments.database.json {
        let rows: Vec<Value> = versions.iter().map(as_json).collect();
        return Ok(screen.json(&json!({ "provider_versions": rows }))?);
    }
    if versions.is_empty() {
        let what = "Nothing is installed in this database; a configuration may name providers beside it.";
        return Ok(screen.line(what)?);
    }
    let heading = ["provider", "number", "state", "version", "component", "served from", "until", "approved by"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(versions.iter().map(|version| {
        vec![
            version.provider.to_string(),
            version.number.to_string(),
            version.state.as_str().to_owned(),
            version.version.clone(),
            version.digest.to_string()[..DIGEST_SHOWN].to_owned(),
            version.served_from.map(moment).unwrap_or_default(),
            version.served_until.map(moment).unwrap_or_default(),
            version.approved_by.clone().unwrap_or_default(),
        ]
    }));
    for (index, line) in table(&rows, &[1]).into_iter().enumerate() {
        screen.line(if index == 0 { screen.paint(Style::Bold, line) } else { line })?;
    }
    for version in versions.iter().filter(|version| version.state == VersionState::Proposed) {
        told(version, false)?;
    }
    Ok(screen.flush()?)
}

fn as_json(version: &ProviderVersion) -> Value {
    let Permissions { interfaces, hosts, secrets, settings, memory_bytes, calls_max } = &version.permissions;
    let changes = version.changes.iter();
    let changes: Vec<Value> = changes
        .map(|change| json!({ "kind": change.kind.as_str(), "widens": change.widens, "words": change.words }))
        .collect();
    json!({
        "provider_id": version.provider.as_str(),
        "number": version.number,
        "state": version.state.as_str(),
        "component": version.digest.to_string(),
        "identifier": version.identifier,
        "version": version.version,
        "minimum_version": version.minimum_version,
        "permissions": {
            "interfaces": interfaces, "hosts": hosts, "secrets": secrets, "settings": settings,
            "memory_bytes": memory_bytes, "calls_max": calls_max,
        },
        "changes": changes,
        "proposed_by": version.proposed_by,
        "approved_by": version.approved_by,
        "created_at": moment(version.created_at),
        "approved_at": version.approved_at.map(moment),
        "served_from": version.served_from.map(moment),
        "served_until": version.served_until.map(moment),
        "trouble": version.trouble,
    })
}
