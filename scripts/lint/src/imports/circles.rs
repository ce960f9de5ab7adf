// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files that import each other in a circle.

use super::arrows::Arrows;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

/// Returns a text for each set of files of which every one leads to every other: its arrows.
pub fn faults(arrows: &Arrows) -> Vec<String> {
    let mut faults = Vec::new();
    for circle in circles(arrows) {
        let mut text = format!("import circle of {} files", circle.len());
        for (from, to) in arrows
            .iter()
            .filter(|(from, _)| circle.contains(from.as_path()))
        {
            for (to, names) in to.iter().filter(|(to, _)| circle.contains(to.as_path())) {
                let names = names
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                // Writing to a string does not fail.
                let _ = write!(text, "\n  {} -> {}: {names}", from.display(), to.display());
            }
        }
        faults.push(text);
    }
    faults
}

/// Returns the sets of two and more files that lead to each other, in the order of their names.
fn circles(arrows: &Arrows) -> BTreeSet<BTreeSet<&Path>> {
    let reached: HashMap<&Path, BTreeSet<&Path>> = arrows
        .keys()
        .map(|file| (file.as_path(), reached_from(arrows, file)))
        .collect();
    let mut circles = BTreeSet::new();
    for (file, others) in &reached {
        let back = |other: &&&Path| reached.get(**other).is_some_and(|from| from.contains(file));
        let circle: BTreeSet<&Path> = others.iter().filter(back).copied().collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles
}

/// Returns the files to which the arrows from `file` lead, straight or through others.
fn reached_from<'a>(arrows: &'a Arrows, file: &Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut left = vec![file];
    while let Some(file) = left.pop() {
        for to in arrows.get(file).into_iter().flat_map(|to| to.keys()) {
            if reached.insert(to.as_path()) {
                left.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn arrows(all: &[(&str, &str)]) -> Arrows {
        let mut arrows = Arrows::new();
        for (from, to) in all {
            let names = BTreeSet::from(["Name".to_owned()]);
            let from = arrows.entry(PathBuf::from(from)).or_default();
            from.insert(PathBuf::from(to), names);
        }
        arrows
    }

    #[test]
    fn a_circle_is_told_with_its_own_arrows() {
        let circle = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("e", "a")];
        let found = faults(&arrows(&circle));
        let expected = "import circle of 3 files\n  a -> b: Name\n  b -> c: Name\n  c -> a: Name";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn two_circles_are_two_and_a_tree_is_none() {
        assert_eq!(
            faults(&arrows(&[
                ("a", "b"),
                ("b", "a"),
                ("b", "c"),
                ("c", "d"),
                ("d", "c")
            ]))
            .len(),
            2
        );
        assert_eq!(
            faults(&arrows(&[("a", "b"), ("a", "c"), ("b", "c")])),
            [""; 0]
        );
    }
}
