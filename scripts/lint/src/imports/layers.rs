// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The layers that a page names: which rooms of a crate may import which.
//!
//! A room is a file or a folder beside the crate's root. The page has a fenced block for each crate:
//!
//! ```text
//! layers of rust/policy/src, each imports only what is below it
//! resolve
//! search stock
//! name
//! ```

use super::arrows::Arrows;
use super::modules::Modules;
use std::collections::BTreeSet;
use std::path::Path;

/// The layers of one crate.
#[derive(Debug)]
pub struct Layers {
    folder: String,
    /// The rooms of each layer, the highest first.
    layers: Vec<Vec<String>>,
}

/// Reads the layers that a page names.
pub fn read(page: &str) -> Vec<Layers> {
    let mut all = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("layers of ") else {
            continue;
        };
        let folder = rest.split(',').next().unwrap_or(rest).trim().to_owned();
        let block = lines.by_ref().take_while(|line| !line.starts_with("```"));
        let rooms = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        let layers = block.map(rooms).collect();
        all.push(Layers { folder, layers });
    }
    all
}

impl Layers {
    /// Returns the folder of the crate, from the top of the repository.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Returns whether these are the layers of the crate with that first file.
    pub fn are_of(&self, root: &str) -> bool {
        Path::new(root).parent() == Some(Path::new(&self.folder))
    }

    /// Returns a line for each arrow that does not lead down, and for each room that is not in its place.
    pub fn faults(&self, modules: &Modules, arrows: &Arrows) -> Vec<String> {
        let mut faults = Vec::new();
        let files = modules.values().map(|module| module.file.as_path());
        let rooms: BTreeSet<&str> = files.filter_map(|file| self.room(file)).collect();
        for room in rooms.iter().filter(|room| self.layer(room).is_none()) {
            faults.push(format!(
                "{}/{room}: no layer of the page has this room",
                self.folder
            ));
        }
        for (from, all) in arrows {
            for (to, names) in all {
                let (Some(above), Some(below)) = (self.room(from), self.room(to)) else {
                    continue;
                };
                let leads_down = above == below || self.layer(above) < self.layer(below);
                if !leads_down {
                    let names = names
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                        .join(", ");
                    faults.push(format!(
                        "{}: imports {names} of {}, but {below} is not below {above}",
                        from.display(),
                        to.display()
                    ));
                }
            }
        }
        faults
    }

    /// Returns the room of a file; the crate's root itself has none.
    fn room<'f>(&self, file: &'f Path) -> Option<&'f str> {
        let inside = file.strip_prefix(&self.folder).ok()?;
        let first = inside.components().next()?.as_os_str().to_str()?;
        let room = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(first, "lib.rs" | "main.rs" | "mod.rs")).then_some(room)
    }

    /// Returns how many layers are above that of a room.
    fn layer(&self, room: &str) -> Option<usize> {
        let has = |layer: &Vec<String>| layer.iter().any(|other| other == room);
        self.layers.iter().position(has)
    }
}

#[cfg(test)]
mod tests {
    use super::super::modules::RustModule;
    use super::*;
    use std::path::PathBuf;

    const PAGE: &str =
        "# Design\n\n```text\nlayers of x/src, downwards\ncli\nread write\nerror\n```\n";

    fn faults(arrows: &[(&str, &str)]) -> Vec<String> {
        let mut all = Arrows::new();
        let mut modules = Modules::new();
        for (from, to) in arrows {
            let (from, to) = (PathBuf::from(from), PathBuf::from(to));
            for file in [&from, &to] {
                let module = RustModule {
                    file: file.clone(),
                    ..RustModule::default()
                };
                modules.insert(vec![file.display().to_string()], module);
            }
            let names = BTreeSet::from(["Name".to_owned()]);
            all.entry(from).or_default().insert(to, names);
        }
        let [layers] = &read(PAGE)[..] else {
            panic!("expected one list of layers");
        };
        assert!(layers.are_of("x/src/lib.rs"));
        layers.faults(&modules, &all)
    }

    #[test]
    fn arrows_lead_down_or_stay_in_a_room() {
        let down = [
            ("x/src/cli/check.rs", "x/src/read/mod.rs"),
            ("x/src/read/mod.rs", "x/src/read/part.rs"),
            ("x/src/write.rs", "x/src/error.rs"),
            ("x/src/lib.rs", "x/src/cli/check.rs"),
        ];
        assert_eq!(faults(&down), [""; 0]);
    }

    #[test]
    fn arrows_up_and_aside_are_faults() {
        assert_eq!(
            faults(&[("x/src/error.rs", "x/src/cli/check.rs")]),
            ["x/src/error.rs: imports Name of x/src/cli/check.rs, but cli is not below error"]
        );
        assert_eq!(
            faults(&[("x/src/read/part.rs", "x/src/write.rs")]),
            ["x/src/read/part.rs: imports Name of x/src/write.rs, but write is not below read"]
        );
    }

    #[test]
    fn every_room_has_a_layer() {
        assert_eq!(
            faults(&[
                ("x/src/cli/check.rs", "x/src/cli/new.rs"),
                ("x/src/new.rs", "x/src/new.rs")
            ]),
            ["x/src/new: no layer of the page has this room"]
        );
    }
}
