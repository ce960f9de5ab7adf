// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The outcome that `klp-gen build --format json` prints, as docs/schema/build.json describes it.

use serde::Deserialize;

/// The changes of a source patch, or the reasons for which it cannot become a livepatch.
#[derive(Deserialize)]
pub struct BuildOutcome {
    pub functions: Vec<BuiltFunction>,
    pub refusals: Vec<Refusal>,
}

/// A function of the livepatch.
#[derive(Deserialize)]
pub struct BuiltFunction {
    /// `vmlinux`, or the name of a module.
    pub object: String,
    /// The name in the source.
    pub name: String,
    pub change: Change,
}

/// The relation of a function to the running kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The kernel has it.
    Changed,
    /// Only the livepatch has it.
    New,
}

/// A reason for which there is no livepatch.
#[derive(Deserialize)]
pub struct Refusal {
    pub kind: String,
    pub subject: String,
    pub reason: String,
}

impl BuildOutcome {
    /// Returns the names of the functions that the livepatch replaces (`Changed`) or adds (`New`).
    pub fn names(&self, change: Change) -> impl Iterator<Item = &str> {
        let of = self.functions.iter();
        of.filter(move |function| function.change == change)
            .map(|function| function.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_schema_is_read() {
        let text = r#"{"functions": [
                {"object": "vmlinux", "name": "foo", "file": "a.c", "change": "changed", "why": "the patch"},
                {"object": "vlan", "name": "bar", "file": "b.c", "change": "new", "why": "the patch"}
            ], "data": [], "refusals": [], "output": "a.ko"}"#;
        let outcome: BuildOutcome = serde_json::from_str(text).unwrap();
        assert_eq!(outcome.names(Change::Changed).collect::<Vec<_>>(), ["foo"]);
        assert_eq!(outcome.names(Change::New).collect::<Vec<_>>(), ["bar"]);
        assert_eq!(outcome.functions[1].object, "vlan");
    }

    #[test]
    fn an_outcome_without_a_field_is_an_error() {
        for text in [
            "{}",
            r#"{"functions": [], "refusals": [{"subject": "foo"}]}"#,
            "none",
        ] {
            assert!(
                serde_json::from_str::<BuildOutcome>(text).is_err(),
                "{text}"
            );
        }
    }
}
