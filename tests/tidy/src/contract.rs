//! The contract is reference text: half of it or more is documentation, and each function states its rules.
//!
//! It refuses to parse WIT beyond lines.

use crate::Complaint;

/// What the documentation of a function that a provider exports has to speak of.
const RULES: &[&str] = &["Replay", "Limits"];

/// At least half of the lines that are not blank are documentation.
#[must_use]
pub fn check_share(path: &str, text: &str) -> Vec<Complaint> {
    let written = text.lines().filter(|line| !line.trim().is_empty()).count();
    let documented = text.lines().filter(|line| line.trim_start().starts_with("///")).count();
    if documented * 2 >= written {
        return Vec::new();
    }
    let message =
        format!("{documented} of {written} lines are documentation, fewer than half: say what each item means");
    vec![Complaint::new(path, 0, message)]
}

/// The interfaces that some world exports, in all files.
#[must_use]
pub fn exported(texts: &[&str]) -> Vec<String> {
    let lines = texts.iter().flat_map(|text| text.lines());
    let names = lines.filter_map(|line| line.trim().strip_prefix("export ")?.strip_suffix(';'));
    names.map(|name| name.trim().to_string()).collect()
}

/// Each function of an exported interface states its rules.
#[must_use]
pub fn check_functions(path: &str, text: &str, exported: &[String]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut interface = None;
    let mut documentation = String::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if let Some(words) = line.strip_prefix("///") {
            documentation.push_str(words);
            continue;
        }
        if let Some(rest) = line.strip_prefix("interface ") {
            interface = rest.split_whitespace().next();
        }
        let function = line.split_once(": func(").map(|(name, _)| name);
        if let (Some(function), Some(interface)) = (function, interface)
            && exported.iter().any(|name| name == interface)
        {
            for rule in RULES.iter().filter(|rule| !documentation.contains(**rule)) {
                let message =
                    format!("the documentation of {interface}.{function} lacks a sentence that begins `{rule}:`");
                complaints.push(Complaint::new(path, index + 1, message));
            }
        }
        documentation.clear();
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "/// One.\ninterface payments {\n    /// Takes.\n    ///\n    /// Replay: once. Limits: few.\n    \
                        capture: func(x: u8) -> u8;\n}\n";

    #[test]
    fn a_contract_without_words_is_found() {
        assert_eq!(check_share("wit/a.wit", GOOD), []);
        assert_eq!(check_share("wit/a.wit", "/// One.\ninterface a {\n    x: func();\n}\n").len(), 1);
    }

    #[test]
    fn a_function_without_rules_is_found() {
        let exported = exported(&["world w {\n    export payments;\n    import log;\n}"]);
        assert_eq!(exported, ["payments"]);
        assert_eq!(check_functions("wit/a.wit", GOOD, &exported), []);
        for rule in RULES {
            let bad = GOOD.replace(rule, "Else");
            assert_eq!(check_functions("wit/a.wit", &bad, &exported).len(), 1, "{rule}");
        }
        let undocumented = "interface payments {\n    /// Replay Limits\n    type x = u8;\n    f: func();\n}";
        assert_eq!(check_functions("wit/a.wit", undocumented, &exported).len(), 2);
        assert_eq!(check_functions("wit/a.wit", &GOOD.replace("payments", "log"), &[]), []);
    }
}
