//! What goes wrong, switched on at run time: which requests, how often, and what happens to them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Faults that wait at once: enough for any test, and a loop that adds them is noticed.
pub const FAULTS_MAX: usize = 1_000;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The connection is closed, and nothing is done.
    Refuse,
    /// Everything is done, and the connection is closed without an answer.
    LoseReply,
    /// Nothing is done for so many milliseconds, then all of it.
    DelayBefore(u64),
    /// Everything is done, and answered so many milliseconds later.
    DelayAfter(u64),
    /// Nothing is done; this status is answered, with `Retry-After` in seconds where given.
    Answer {
        /// The status.
        status: u16,
        /// Seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Everything is done, and this status is answered.
    AnswerAfter(u16),
    /// Everything is done, and the answer is a web page with status 200.
    Html,
    /// Everything is done, and the answer comes at so many milliseconds a byte.
    Drip(u64),
    /// Everything is done, and the answer's body never ends.
    Endless,
    /// Everything is done, and the answer unpacks to so many bytes.
    GzipBomb(usize),
    /// Everything is done, and the answer ends before the length it names.
    Short,
    /// Nothing is done; the client is sent elsewhere.
    Redirect(String),
    /// Everything is done, and the answer says something else at this place (RFC 6901).
    Lie {
        /// Where.
        pointer: String,
        /// What.
        value: Value,
    },
}

/// Which requests it happens to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths that begin like this: `/v1/refunds`.
    #[serde(default)]
    pub path: Option<String>,
    /// Only paths that end like this: `/capture`.
    #[serde(default)]
    pub ends: Option<String>,
    /// So many requests pass first.
    #[serde(default)]
    pub after: u32,
    /// To so many requests it happens; for ever when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub action: Action,
}

impl Fault {
    /// One that happens once, to the next request that fits.
    #[must_use]
    pub fn once(method: &str, ends: &str, action: Action) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: None,
            ends: Some(ends.to_owned()),
            after: 0,
            times: Some(1),
            action,
        }
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|start| path.starts_with(start))
            && self.ends.as_deref().is_none_or(|end| path.ends_with(end))
    }
}

/// The faults that are switched on.
#[derive(Debug, Default)]
pub struct Faults {
    on: Vec<Fault>,
}

impl Faults {
    /// Switches one on; `false` when there are too many.
    pub fn add(&mut self, fault: Fault) -> bool {
        let room = self.on.len() < FAULTS_MAX;
        if room {
            self.on.push(fault);
        }
        room
    }

    /// Switches all off.
    pub fn clear(&mut self) {
        self.on.clear();
    }

    /// Those that are left.
    #[must_use]
    pub fn left(&self) -> &[Fault] {
        &self.on
    }

    /// What happens to this request: the first that fits decides, and is counted.
    pub fn meet(&mut self, method: &str, path: &str) -> Option<Action> {
        let place = self.on.iter().position(|fault| fault.fits(method, path))?;
        let fault = &mut self.on[place];
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        let action = fault.action.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.on.remove(place);
            }
        }
        Some(action)
    }
}

/// Milliseconds as a time to wait.
#[must_use]
pub fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_whom_it_fits_after_its_turn_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        let fault = Fault { after: 1, times: Some(2), ..Fault::once("post", "/capture", Action::LoseReply) };
        assert!(faults.add(fault));
        assert_eq!(faults.meet("GET", "/v1/payment_intents/pi_1/capture"), None);
        let mut meet = || faults.meet("POST", "/v1/payment_intents/pi_1/capture").is_some();
        assert_eq!([meet(), meet(), meet(), meet()], [false, true, true, false]);
        assert!(faults.left().is_empty());
    }

    #[test]
    fn they_are_written_as_json_and_typos_are_refused() {
        let read: Fault = serde_json::from_str(
            r#"{"path":"/v1/refunds","times":1,"action":{"answer":{"status":429,"retry_after":7}}}"#,
        )
        .unwrap();
        assert_eq!(read.action, Action::Answer { status: 429, retry_after: Some(7) });
        assert_eq!(serde_json::from_str::<Fault>(r#"{"action":"lose_reply"}"#).unwrap().times, None);
        assert!(serde_json::from_str::<Fault>(r#"{"pth":"/","action":"refuse"}"#).is_err());
    }

    #[test]
    fn there_is_a_limit() {
        let mut faults = Faults::default();
        for _ in 0..FAULTS_MAX {
            assert!(faults.add(Fault::once("GET", "/", Action::Refuse)));
        }
        assert!(!faults.add(Fault::once("GET", "/", Action::Refuse)));
    }
}
