//! The secrets of one call: which are open, what each may be used for, and whether a request carries one where it may not.
//! Shared by both doors to the network, so that what one refuses the other refuses.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::egress::{Asked, Refusal};
use crate::network::SharedNetwork;
use crate::redact::Redactor;
use crate::secrets::{NoSecret, Opened, SECRETS_OPEN_MAX};

/// The secrets that a guest holds. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    network: SharedNetwork,
    opened: Vec<Opened>,
    known: Option<Arc<Known>>,
}

/// The secrets of a provider, and what finds them.
#[derive(Debug)]
pub(crate) struct Known {
    /// How many were open when this was made.
    open: usize,
    each: Vec<(Redactor, Opened)>,
    pub(crate) redactor: Redactor,
}

/// A header whose value is a secret.
pub(crate) struct Bound {
    pub(crate) header: String,
    pub(crate) secret: Opened,
}

/// Why a secret was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOpened {
    No(NoSecret),
    /// The call holds as many as it may.
    TooMany,
}

impl Held {
    pub(crate) fn new(network: SharedNetwork) -> Self {
        Self(Arc::new(Mutex::new(Inner { network, ..Inner::default() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no holder panics")
    }

    /// Opens one more, and tells its place. The same within a call, also when it is rotated meanwhile.
    pub(crate) fn open(&self, name: &str) -> Result<usize, NotOpened> {
        let opened = self.named(name).map_err(NotOpened::No);
        let mut inner = self.inner();
        if inner.opened.len() >= SECRETS_OPEN_MAX {
            return Err(NotOpened::TooMany);
        }
        inner.opened.push(opened?);
        Ok(inner.opened.len() - 1)
    }

    /// The one at this place.
    pub(crate) fn at(&self, place: usize) -> Option<Opened> {
        self.inner().opened.get(place).cloned()
    }

    /// The one of this name, as it was when the call opened it.
    fn named(&self, name: &str) -> Result<Opened, NoSecret> {
        let inner = self.inner();
        match (inner.opened.iter().find(|opened| opened.rule.name == name), &inner.network) {
            (Some(opened), _) => Ok(opened.clone()),
            (None, Some(network)) => network.secrets.open(name),
            (None, None) => Err(NoSecret::NotGranted),
        }
    }

    /// The one of this name, opened if it is not.
    pub(crate) fn used(&self, name: &str) -> Result<Opened, NotOpened> {
        if let Some(opened) = self.inner().opened.iter().find(|opened| opened.rule.name == name) {
            return Ok(opened.clone());
        }
        let place = self.open(name)?;
        Ok(self.at(place).expect("opened just now"))
    }

    /// Every secret that the provider was granted, those of this call as they were when it opened them. Read when first asked
    /// for, and anew when one more was opened.
    pub(crate) fn known(&self) -> Arc<Known> {
        let mut inner = self.inner();
        let open = inner.opened.len();
        match &inner.known {
            Some(known) if known.open == open => Arc::clone(known),
            Some(_) | None => {
                let granted = inner.network.as_ref().map(|network| network.secrets.all()).unwrap_or_default();
                let all: Vec<Opened> = inner.opened.iter().cloned().chain(granted).collect();
                let redactor = Redactor::new(all.iter().map(|opened| &*opened.value));
                let each = all.into_iter().map(|opened| (Redactor::new([&*opened.value]), opened)).collect();
                let known = Arc::new(Known { open, each, redactor });
                inner.known = Some(Arc::clone(&known));
                known
            }
        }
    }

    /// What finds every secret that the provider was granted.
    pub(crate) fn redactor(&self) -> Redactor {
        self.known().redactor.clone()
    }

    /// Lets a request pass whose secrets go where they may: `parts` is what it says in the open, `bound` its secret headers.
    ///
    /// # Errors
    /// The secret that may not go there, and what would have to be granted.
    pub(crate) fn let_pass(&self, mut asked: Asked, parts: &[&[u8]], bound: &[Bound]) -> Result<Asked, Refusal> {
        let known = self.known();
        asked.secrets = known.redactor.clone();
        let host = &asked.target.host;
        let body: &[u8] = &asked.body;
        if let Some(refusal) = known.carried(host, parts).or_else(|| known.carried(host, &[body])) {
            return Err(refusal);
        }
        match bound.iter().find(|bound| !bound.secret.may_go(host, &bound.header)) {
            None => Ok(asked),
            Some(Bound { header, secret }) => {
                let name = &secret.rule.name;
                Err(Refusal::Secret(format!(
                    "secrets = [{{ name = \"{name}\", hosts = [\"{host}\"], headers = [\"{header}\"] }}]"
                )))
            }
        }
    }
}

impl Known {
    /// Whether one is in there that may not go to this host in the open: in a URL, a body, a key or a plain header.
    fn carried(&self, host: &str, parts: &[&[u8]]) -> Option<Refusal> {
        let astray = self
            .each
            .iter()
            .find(|(redactor, opened)| !opened.may_be_said_to(host) && parts.iter().any(|part| redactor.finds(part)));
        astray.map(|(_, opened)| {
            let name = &opened.rule.name;
            Refusal::Secret(format!(
                "the request has the secret `{name}` in the open; use it as a secret header, or grant: secrets = [{{ name = \"{name}\", hosts = [\"{host}\"], reveal = true }}]"
            ))
        })
    }
}
