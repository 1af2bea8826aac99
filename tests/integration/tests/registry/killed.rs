//! A process that upgrades and rolls back without a pause is killed at moments nobody chose. Whoever comes after finds one
//! version that serves, whole.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tillbox::store::VersionState;
use tillbox_artifacts::{TELLER, TELLER_SECOND};
use tillbox_store_tests::place::Place;

use crate::scene::{OPERATOR, digest, host, install, operations, paid, soon, teller, version};

/// How often it is killed, at another moment each time.
const KILLS: u64 = 12;

/// Where the process that is killed finds its database.
const DATABASE: &str = "TILLBOX_TEST_KILLED_DATABASE";

/// Moves from one version to the other for as long as it lives. Started by the story below, and by nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moves_until_it_is_killed() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let builder = tillbox::Host::builder().database_url(url).runtime(crate::scene::runtime().await);
    let host = builder.without_background_work().build().await.unwrap();
    loop {
        let serving = host.provider_details(&teller()).await.unwrap().version.unwrap();
        let new = if serving % 2 == 0 { TELLER } else { TELLER_SECOND };
        let low = tillbox::service::NewVersion { minimum_version: Some("1.0.0".into()), ..version(new) };
        if host.upgrade_provider(&teller(), low).await.is_err() {
            drop(host.roll_back_provider(&teller(), None, OPERATOR).await);
        }
    }
}

fn mover(url: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "killed::moves_until_it_is_killed", "--nocapture"]).env(DATABASE, url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

pub(crate) async fn whatever_is_killed_leaves_the_old_one_or_the_new_one(place: &dyn Place) {
    let first = host(place).await;
    install(&first, TELLER).await;
    first.stop_background_work().await;
    drop(first);
    let store = place.open().await;
    let mut moved = 0;
    for kill in 0..KILLS {
        let before = store.provider_versions().await.unwrap().len();
        let mut child = mover(&place.url());
        // It compiles first; then it moves several times a second.
        soon(Duration::from_secs(120), async || {
            (store.provider_versions().await.unwrap().len() > before).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(kill * 7 % 61)).await;
        child.kill().unwrap();
        child.wait().unwrap();

        let versions = store.provider_versions().await.unwrap();
        moved += versions.len() - before;
        let serving: Vec<_> = versions.iter().filter(|version| version.state == VersionState::Serving).collect();
        assert_eq!(serving.len(), 1, "old or new, never neither: {versions:?}");
        let host = host(place).await;
        let collection = paid(&host).await.expect("what serves can be called");
        for operation in operations(store.as_ref(), &collection).await {
            let component = operation.component.unwrap();
            assert!([digest(TELLER), digest(TELLER_SECOND)].contains(&component));
        }
        // A server may finish the commit of a process that is gone a moment later: then this host follows.
        soon(Duration::from_secs(60), async || {
            let versions = store.provider_versions().await.unwrap();
            let serving = versions.into_iter().find(|version| version.state == VersionState::Serving).unwrap();
            (host.provider_details(&teller()).await.unwrap().version == Some(serving.number)).then_some(())
        })
        .await;
        host.stop_background_work().await;
    }
    println!("killed {KILLS} times between {moved} upgrades: one version served each time");
}
