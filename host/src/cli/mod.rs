//! The command line door: arguments in, the service asked, sentences or JSON out.
//!
//! It decides nothing about money. Exit codes: 0 done, 1 failed, 2 not understood (by clap). Results go to standard output,
//! logs and errors to standard error.

mod audit;
mod bench;
mod by_hand;
mod completions;
mod customers;
mod database;
mod demo;
mod encryption;
mod failure;
mod health;
mod inspect;
mod keys;
mod link;
mod load;
mod logging;
mod migrate;
mod openapi;
mod operations;
mod provider;
mod screen;
mod serve;
mod settings;
mod shop;
mod span;
mod walk;
mod webhooks;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Accepts payments through providers that need not be trusted: each is a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "tillbox", version, max_term_width = 100, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Milliseconds for threads to end with the program.
const SHUTDOWN_MS_MAX: u64 = 500;

const EXAMPLES: &str = "\
Examples:
  tillbox demo                           the whole payment flow, in this terminal
  tillbox serve --demo                   the same over HTTP, then a server to talk to
  tillbox provider inspect acme.wasm     what the host sees in a component
  tillbox keys create --publishable      a key for a storefront
  tillbox operations list                what was asked of providers
  tillbox webhooks add URL               have events told to a server of yours

Exit codes: 0 done, 1 failed, 2 arguments not understood.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArguments),
    Serve(serve::ServeArguments),
    Health(health::HealthArguments),
    /// Look at provider components, and install, upgrade and roll back providers while payments run.
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Look at what was asked of providers, and ask about what is open.
    #[command(subcommand)]
    Operations(operations::OperationsCommand),
    /// Say who may call the HTTP server.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look at who changed something over HTTP.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Look at who hears of events, and tell again what was given up.
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    Migrate(migrate::MigrateArguments),
    Openapi(openapi::OpenapiArguments),
    Bench(bench::BenchArguments),
    Completions(completions::CompletionsArguments),
}

/// Runs the program: reads the arguments, does what they say, tells how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ended(Err(Failure::because("the program cannot start its threads", &error))),
    };
    let result = runtime.block_on(run(cli.command));
    // A call that computes until its deadline must not hold up the end: whatever counts is durable or open by now.
    runtime.shutdown_timeout(std::time::Duration::from_millis(SHUTDOWN_MS_MAX));
    ended(result)
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Health(arguments) => health::run(arguments).await,
        Command::Provider(command) => provider::run(command).await,
        Command::Operations(command) => operations::run(command).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Webhooks(command) => webhooks::run(command).await,
        Command::Migrate(arguments) => migrate::run(arguments).await,
        Command::Openapi(_) => openapi::run(),
        Command::Bench(arguments) => bench::run(arguments).await,
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                screen::tell_failure(&failure);
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    /// Every command explains itself: what it does, and one line to copy.
    #[test]
    fn every_command_has_an_example() {
        fn look(command: &clap::Command, path: &str) {
            let name = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{name} says nothing of itself");
            if command.get_subcommands().next().is_none() {
                let after = command.get_after_help().or(command.get_after_long_help());
                assert!(after.is_some_and(|text| text.to_string().contains("Examples:")), "{name} has no example");
            }
            for part in command.get_subcommands() {
                look(part, &name);
            }
        }
        look(&Cli::command(), "");
    }
}
