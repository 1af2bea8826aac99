//! The table of routes: every line is a route and its description at once, so there is none without the other.
//!
//! It looks like axum's `Router`, and is one in the end. What a handler takes and answers is read off its type; a line adds
//! one sentence, and `asking()` where a provider is asked.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};

use super::draft::{Answered, Argument, Draft};
use crate::Host;

/// Paths, their handlers and their descriptions.
#[derive(Debug, Default)]
pub(in crate::http) struct Routes {
    router: Router<Host>,
    listed: Vec<Listed>,
}

/// One method of one path, for the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) path: &'static str,
    pub(super) line: Line,
}

/// What a line of the table says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// In lower case.
    pub(super) method: &'static str,
    /// One sentence.
    pub(super) summary: &'static str,
    pub(super) describe: fn(&mut Draft<'_>),
    /// Whether a provider is asked: then there are more ways to end without a result.
    pub(super) asks: bool,
}

/// The methods of a path.
#[derive(Debug)]
pub(in crate::http) struct Methods {
    router: MethodRouter<Host>,
    lines: Vec<Line>,
}

impl Routes {
    /// With another path.
    pub(in crate::http) fn route(mut self, path: &'static str, methods: Methods) -> Self {
        self.router = self.router.route(path, methods.router);
        self.listed.extend(methods.lines.into_iter().map(|line| Listed { path, line }));
        self
    }

    /// What answers.
    pub(in crate::http) fn router(self) -> Router<Host> {
        self.router
    }

    pub(super) fn listed(&self) -> &[Listed] {
        &self.listed
    }
}

/// GET, and what it does in one sentence.
pub(in crate::http) fn get<H: Described<I, O>, I: Arguments, O: Answered>(
    handler: H,
    summary: &'static str,
) -> Methods {
    Methods { router: routing::get(handler), lines: vec![Line::new::<I, O>("get", summary)] }
}

/// POST, and what it does in one sentence.
pub(in crate::http) fn post<H: Described<I, O>, I: Arguments, O: Answered>(
    handler: H,
    summary: &'static str,
) -> Methods {
    Methods { router: routing::post(handler), lines: vec![Line::new::<I, O>("post", summary)] }
}

/// DELETE, and what it does in one sentence.
pub(in crate::http) fn delete<H: Described<I, O>, I: Arguments, O: Answered>(
    handler: H,
    summary: &'static str,
) -> Methods {
    Methods { router: routing::delete(handler), lines: vec![Line::new::<I, O>("delete", summary)] }
}

impl Methods {
    /// POST besides.
    pub(in crate::http) fn post<H: Described<I, O>, I: Arguments, O: Answered>(
        mut self,
        handler: H,
        summary: &'static str,
    ) -> Self {
        self.router = self.router.post(handler);
        self.lines.push(Line::new::<I, O>("post", summary));
        self
    }

    /// DELETE besides.
    pub(in crate::http) fn delete<H: Described<I, O>, I: Arguments, O: Answered>(
        mut self,
        handler: H,
        summary: &'static str,
    ) -> Self {
        self.router = self.router.delete(handler);
        self.lines.push(Line::new::<I, O>("delete", summary));
        self
    }

    /// The method before this one may ask a provider.
    pub(in crate::http) fn asking(mut self) -> Self {
        if let Some(line) = self.lines.last_mut() {
            line.asks = true;
        }
        self
    }
}

impl Line {
    fn new<I: Arguments, O: Answered>(method: &'static str, summary: &'static str) -> Self {
        Self { method, summary, describe: describe::<I, O>, asks: false }
    }
}

fn describe<I: Arguments, O: Answered>(draft: &mut Draft<'_>) {
    I::describe(draft);
    O::describe(draft);
}

/// A handler whose arguments and answer have types that describe themselves.
pub(in crate::http) trait Described<I, O>: Handler<I, Host> {}

/// The arguments of a handler, as axum lists them.
pub(in crate::http) trait Arguments: 'static {
    /// Says what they take.
    fn describe(draft: &mut Draft<'_>);
}

impl<F, A, O> Described<((),), O> for F
where
    F: FnOnce() -> A + Handler<((),), Host>,
    A: Future<Output = O>,
{
}

impl Arguments for ((),) {
    fn describe(_: &mut Draft<'_>) {}
}

macro_rules! handlers {
    ($(($($argument:ident),+))+) => {
        $(
            impl<F, A, O, M, $($argument),+> Described<(M, $($argument,)+), O> for F
            where
                F: FnOnce($($argument),+) -> A + Handler<(M, $($argument,)+), Host>,
                A: Future<Output = O>,
            {
            }

            /// The first one is axum's own mark.
            impl<M: 'static, $($argument: Argument + 'static),+> Arguments for (M, $($argument,)+) {
                fn describe(draft: &mut Draft<'_>) {
                    $($argument::describe(draft);)+
                }
            }
        )+
    };
}

handlers! {
    (A1)
    (A1, A2)
    (A1, A2, A3)
    (A1, A2, A3, A4)
    (A1, A2, A3, A4, A5)
    (A1, A2, A3, A4, A5, A6)
}
