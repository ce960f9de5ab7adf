// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Parses KTAP, the kernel's test output (`Documentation/dev-tools/ktap.rst`).
//!
//! A suite is what has a `# Subtest: NAME` line; a suite within a suite is called `outer/inner`. Whatever
//! KTAP counts (the plan, the numbers, the result of a suite) is checked, not believed.

/// The number of diagnostic lines before a result that are kept.
const DIAGNOSTICS: usize = 20;

/// The results of one suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Its cases, without those that are suites themselves.
    pub cases: Vec<Case>,
    /// The faults of the suite as a whole.
    pub complaints: Vec<String>,
}

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The reason for which it failed, if it did; a skipped case has failed to test anything.
    pub failure: Option<String>,
}

/// Finds all suites of `output`.
pub fn parse(output: &str) -> Vec<Suite> {
    let mut parser = Parser::default();
    for line in output.lines() {
        parser.line(line);
    }
    parser.finish()
}

enum Line<'a> {
    Version,
    Name(&'a str),
    Plan(usize),
    Result {
        ok: bool,
        number: Option<usize>,
        name: &'a str,
        directive: Option<&'a str>,
    },
    Other(&'a str),
}

impl<'a> Line<'a> {
    fn parse(text: &'a str) -> Self {
        if text.starts_with("KTAP version ") || text.starts_with("TAP version ") {
            return Self::Version;
        }
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            return Self::Name(name);
        }
        if let Some(count) = text.strip_prefix("1..") {
            if let Ok(count) = count.parse() {
                return Self::Plan(count);
            }
        }
        for (prefix, ok) in [("ok ", true), ("not ok ", false)] {
            if let Some(rest) = text.strip_prefix(prefix) {
                return Self::result(ok, rest);
            }
        }
        Self::Other(text)
    }

    fn result(ok: bool, rest: &'a str) -> Self {
        let (number, rest) = match rest.split_once(' ') {
            Some((number, rest)) => (number.parse().ok(), rest),
            None => (rest.parse().ok(), ""),
        };
        let rest = rest.strip_prefix("- ").unwrap_or(rest);
        let (name, directive) = match rest.split_once(" # ") {
            Some((name, directive)) => (name, Some(directive.trim())),
            None => (rest, None),
        };
        Self::Result {
            ok,
            number,
            name: name.trim(),
            directive,
        }
    }
}

/// The lines of one indentation, from a version line to the result that sums them up.
#[derive(Default)]
struct Level {
    indent: usize,
    name: Option<String>,
    planned: Option<usize>,
    seen: usize,
    failed: usize,
    cases: Vec<Case>,
    complaints: Vec<String>,
    diagnostics: Vec<String>,
}

#[derive(Default)]
struct Parser {
    open: Vec<Level>,
    suites: Vec<Suite>,
}

impl Parser {
    fn line(&mut self, line: &str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        match Line::parse(text.trim_end()) {
            Line::Version => {
                // The end of an unfinished suite, or of the document before.
                self.close_down_to(indent);
                self.open.push(Level {
                    indent,
                    ..Level::default()
                });
            }
            Line::Name(name) => self.level(indent).name = Some(name.trim().to_owned()),
            Line::Plan(count) => self.level(indent).planned = Some(count),
            Line::Result {
                ok,
                number,
                name,
                directive,
            } => self.result(indent, ok, number, name, directive),
            Line::Other("") => {}
            Line::Other(text) => {
                if let Some(level) = self.open.last_mut() {
                    level.diagnostics.push(text.to_owned());
                }
            }
        }
    }

    /// The open level of this indentation; what is deeper has lost its result line.
    fn level(&mut self, indent: usize) -> &mut Level {
        self.close_down_to(indent + 1);
        if self.open.last().is_none_or(|level| level.indent < indent) {
            self.open.push(Level {
                indent,
                ..Level::default()
            });
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn result(
        &mut self,
        indent: usize,
        ok: bool,
        number: Option<usize>,
        name: &str,
        directive: Option<&str>,
    ) {
        let has_children = self.open.last().is_some_and(|level| level.indent > indent);
        if has_children {
            self.close_with_result(ok, name);
        }
        let level = self.level(indent);
        level.seen += 1;
        if number != Some(level.seen) {
            let complaint = format!("result `{name}` is number {}, not {number:?}", level.seen);
            level.complaints.push(complaint);
        }
        let said = std::mem::take(&mut level.diagnostics);
        let skipped =
            directive.filter(|directive| directive.to_ascii_uppercase().starts_with("SKIP"));
        level.failed += usize::from(!ok);
        if has_children {
            return;
        }
        let failure = if let Some(reason) = skipped {
            Some(format!("skipped: {}", reason[4..].trim()))
        } else if ok {
            None
        } else {
            Some(said[said.len().saturating_sub(DIAGNOSTICS)..].join("\n"))
        };
        level.cases.push(Case {
            name: name.to_owned(),
            failure,
        });
    }

    /// Closes the children of the result `name`.
    fn close_with_result(&mut self, ok: bool, name: &str) {
        // Deeper levels than the direct children have lost their results.
        let child = self
            .open
            .iter()
            .rposition(|level| level.name.as_deref() == Some(name))
            .unwrap_or(self.open.len() - 1);
        while self.open.len() > child + 1 {
            self.close_without_result();
        }
        let Some(mut level) = self.open.pop() else {
            return;
        };
        if !ok && level.failed == 0 {
            let said = level.diagnostics.join("\n");
            level
                .complaints
                .push(format!("the suite failed, but none of its cases: {said}"));
        }
        level.name.get_or_insert_with(|| name.to_owned());
        self.finish_level(level);
    }

    fn close_down_to(&mut self, indent: usize) {
        while self.open.last().is_some_and(|level| level.indent >= indent) {
            self.close_without_result();
        }
    }

    fn close_without_result(&mut self) {
        let Some(mut level) = self.open.pop() else {
            return;
        };
        if level.indent > 0 {
            level
                .complaints
                .push("the suite ended without a result".to_owned());
        }
        self.finish_level(level);
    }

    fn finish_level(&mut self, mut level: Level) {
        match level.planned {
            None => level.complaints.push("the suite has no plan".to_owned()),
            Some(planned) if planned != level.seen => level.complaints.push(format!(
                "{planned} results were planned and {} came",
                level.seen
            )),
            Some(_) => {}
        }
        let named_outside = self.open.iter().filter_map(|level| level.name.clone());
        let path: Vec<_> = named_outside.chain(level.name.clone()).collect();
        if level.name.is_none() && level.cases.is_empty() && level.complaints.is_empty() {
            // Only the frame around other suites.
            return;
        }
        let name = level
            .name
            .map_or_else(|| "(unnamed)".to_owned(), |_| path.join("/"));
        self.suites.push(Suite {
            name,
            cases: level.cases,
            complaints: level.complaints,
        });
    }

    fn finish(mut self) -> Vec<Suite> {
        self.close_down_to(0);
        self.suites
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of /sys/kernel/debug/kunit/SUITE/results.
    const KUNIT: &str = "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: klp_policy\n    1..2\n    \
                         ok 1 cleans\n    # sorts: EXPECTATION FAILED at x.rs:1\n    not ok 2 sorts\n\
                         # klp_policy: pass:1 fail:1 skip:0 total:2\n# Totals: pass:1\nnot ok 1 klp_policy\n";

    fn case(name: &str, failure: Option<&str>) -> Case {
        Case {
            name: name.to_owned(),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn a_kunit_suite_has_its_cases_and_no_complaint() {
        let suites = parse(KUNIT);
        assert_eq!(suites.len(), 1);
        assert_eq!(suites[0].name, "klp_policy");
        assert_eq!(
            suites[0].cases,
            [
                case("cleans", None),
                case("sorts", Some("# sorts: EXPECTATION FAILED at x.rs:1"))
            ]
        );
        assert_eq!(suites[0].complaints, [""; 0]);
    }

    #[test]
    fn documents_are_found_between_other_lines() {
        let output = format!(
            "hello\nKTAP version 1\n# Subtest: smoke\n1..1\nok 1 - loads\n{KUNIT}KTAP version 1\n\
             # Subtest: last\n1..1\nok 1 - x # SKIP no such file\n"
        );
        let suites = parse(&output);
        let names: Vec<_> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(names, ["smoke", "klp_policy", "last"]);
        assert_eq!(suites[0].cases, [case("loads", None)]);
        assert_eq!(suites[2].cases, [case("x", Some("skipped: no such file"))]);
    }

    #[test]
    fn a_suite_within_a_suite_has_the_name_of_both() {
        let output = "KTAP version 1\n# Subtest: outer\n1..2\n    KTAP version 1\n    # Subtest: a\n    ok 1 x\n    \
                      ok 2 y\n    1..2\nok 1 a\n    KTAP version 1\n    # Subtest: b\n    ok 1 z\n    1..1\n\
                      not ok 2 b\n";
        let suites = parse(output);
        let names: Vec<_> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(names, ["outer/a", "outer/b", "outer"]);
        assert_eq!(suites[0].complaints, [""; 0]);
        assert!(suites[1].complaints[0].contains("none of its cases"));
        assert_eq!(suites[2].complaints, [""; 0]);
    }

    #[test]
    fn what_is_cut_off_is_noticed() {
        let output = "KTAP version 1\n# Subtest: s\n1..3\nok 1 a\nok 2 b\n";
        assert_eq!(
            parse(output)[0].complaints,
            ["3 results were planned and 2 came"]
        );
        let output =
            "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n    1..1\n    ok 1 a\n";
        let suites = parse(output);
        assert_eq!(suites[0].complaints, ["the suite ended without a result"]);
        assert_eq!(suites[1].complaints, ["1 results were planned and 0 came"]);
    }

    #[test]
    fn a_missing_number_or_plan_is_noticed() {
        let output = "KTAP version 1\n# Subtest: s\nok 1 a\nok 3 b\n";
        assert_eq!(parse(output)[0].complaints.len(), 2);
    }

    #[test]
    fn no_output_is_no_suite() {
        assert_eq!(parse(""), []);
        assert_eq!(parse("bash: not found\n"), []);
    }
}
