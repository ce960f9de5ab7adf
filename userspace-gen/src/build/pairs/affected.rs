// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds the files of an object that change because of the changed files, by two thin links, and compiles their code.

use super::{Compiled, Front};
use crate::build::backends::{Backend, Backends, Wanted};
use crate::build::cache::CacheKey;
use crate::build::changed::below;
use crate::build::compile::Compiler;
use crate::build::index::Difference;
use crate::build::jobs::output;
use crate::build::kbuild::{Invocation, Saved};
use crate::build::kernel::is_bitcode;
use crate::build::thin_link::{Replaced, ThinLink};
use crate::build::{KbuildObject, Reason, Unit};
use crate::error::Result;
use crate::file::read_file;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

impl Front<'_> {
    /// Finds the files of one object that change because of the changed files, and compiles them before and
    /// after.
    pub(super) fn link(&self, object: &KbuildObject, files: &[&Compiled<'_>]) -> Result<Vec<Unit>> {
        let link = match self.modules.iter().find(|module| module.object == *object) {
            Some(module) => ThinLink::module(self.kernel, module)?,
            None => ThinLink::vmlinux(self.kernel)?,
        };
        let name = |file: &Compiled<'_>| file.dependant.kbuild_path.clone();
        let after = files.iter().map(|file| (name(file), file.patched.clone()));
        let after: Replaced = after.collect();
        let is_kept = |path: &Path| is_bitcode(&self.kernel.directory().join(path));
        let mut before = Replaced::new();
        for file in files {
            if !is_kept(&file.dependant.kbuild_path)? {
                before.insert(name(file), file.original.clone());
            }
        }
        self.progress.step("thin link", 2);
        let old = self.original_index(&link, &before)?;
        self.progress.advance("before");
        let new = self.directory.path().join("index").join(object.name());
        link.index(self.kernel, &after, &new)?;
        self.progress.advance("after");
        let affected = self.affected(&link, files, (&before, &old), (&after, &new))?;

        let mut wanted = Vec::new();
        for (path, _) in &affected {
            let known = files
                .iter()
                .find(|file| file.dependant.kbuild_path == *path);
            let saved = match known {
                Some(file) => file.dependant.saved.clone(),
                None => Saved::open(self.kernel.directory(), path)?,
            };
            wanted.push((path.as_path(), saved));
        }
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(kbuild_path, saved)| Wanted { kbuild_path, saved })
            .collect();
        let Some(first) = files.first() else {
            return Ok(Vec::new());
        };
        let compiler = Compiler {
            launcher: self.request.launcher.clone(),
            options: Vec::new(),
        };
        let backends = Backends {
            kernel: self.kernel,
            link: &link,
            compiler: &compiler,
            jobs: self.request.jobs,
            backend: Backend::of(self.kernel, &link, &first.dependant.saved)?,
        };
        self.progress.step("backends", 2 * wanted.len());
        let to = |name: &str| self.directory.path().join(name).join(object.name());
        let originals = backends.cached(
            &self.cache,
            &wanted,
            &before,
            &old,
            &to("original"),
            self.progress,
        )?;
        let patched = backends.compile(&wanted, &after, &new, &to("patched"), self.progress)?;
        let units = affected.iter().zip(originals).zip(patched).zip(&wanted);
        let units = units.map(|((((path, reason), original), patched), wanted)| {
            let source = wanted.saved.source.as_deref().unwrap_or(path);
            Unit {
                object: object.clone(),
                kbuild_path: path.clone(),
                source: below(self.kernel, source).unwrap_or_else(|| source.to_owned()),
                original,
                patched,
                reason: reason.clone(),
            }
        });
        Ok(units.collect())
    }

    /// Returns the directory with the indexes of the original link.
    fn original_index(&self, link: &ThinLink, before: &Replaced) -> Result<PathBuf> {
        if !before.is_empty() {
            let to = self
                .directory
                .path()
                .join("index-before")
                .join(link.object.name());
            link.index(self.kernel, before, &to)?;
            return Ok(to);
        }
        let mut key = CacheKey::new("index");
        for option in link.options() {
            key.add(option.as_bytes());
        }
        let version = Invocation {
            words: vec![link.linker().to_owned(), "--version".to_owned()],
        };
        key.add(&output(&version, self.kernel.directory())?.stdout);
        for input in link.inputs() {
            key.add(input.kbuild_path.as_os_str().as_encoded_bytes());
            // The symbols of native objects take part in the link.
            key.add_file(&self.kernel.directory().join(&input.kbuild_path))?;
        }
        self.cache.entry("index", key.finish(), |to| {
            link.index(self.kernel, before, to)
        })
    }

    /// Returns the files with code that may differ, in link order, each with the reason.
    fn affected(
        &self,
        link: &ThinLink,
        files: &[&Compiled<'_>],
        (before, old): (&Replaced, &Path),
        (after, new): (&Replaced, &Path),
    ) -> Result<Vec<(PathBuf, Reason)>> {
        let names: HashMap<String, String> = files
            .iter()
            .flat_map(|file| {
                let path = &file.dependant.kbuild_path;
                let plain = ThinLink::path_of(path, &Replaced::new());
                [before, after].map(|replaced| (ThinLink::path_of(path, replaced), plain.clone()))
            })
            .collect();
        let changed: HashMap<String, HashSet<u64>> = files
            .iter()
            .map(|file| {
                let (old, new) = &file.ir;
                (
                    ThinLink::path_of(&file.dependant.kbuild_path, &Replaced::new()),
                    old.changed(new),
                )
            })
            .collect();
        let mut affected = Vec::new();
        let mut flagged = Vec::new();
        for path in link.bitcode() {
            if let Some(file) = files.iter().find(|file| file.dependant.kbuild_path == path) {
                affected.push((path.to_owned(), Some(file.dependant.reason.clone())));
                continue;
            }
            let [old, new] = [
                ThinLink::index_of(path, before, old),
                ThinLink::index_of(path, after, new),
            ];
            if read_file(&old)? != read_file(&new)? {
                flagged.push((affected.len(), old, new));
                affected.push((path.to_owned(), None));
            }
        }
        self.progress.step("compare indexes", flagged.len());
        let texts: Vec<_> = flagged
            .iter()
            .flat_map(|(_, old, new)| [old, new])
            .collect();
        let rename = |path: &str| names.get(path).cloned().unwrap_or_else(|| path.to_owned());
        let indexes = self
            .disassembler
            .indexes(self.request.jobs, &texts, &rename)?;
        for ((at, ..), indexes) in flagged.iter().zip(indexes.chunks(2)) {
            let [old, new] = indexes else { continue };
            let own = ThinLink::path_of(&affected[*at].0, &Replaced::new());
            let difference = old.difference(new, &own, &changed);
            affected[*at].1 = difference.map(|difference| reason(&difference, files));
            self.progress.advance(&own);
        }
        Ok(affected
            .into_iter()
            .filter_map(|(path, reason)| Some((path, reason?)))
            .collect())
    }
}

/// Returns the reason that a difference of an index stands for.
fn reason(difference: &Difference, files: &[&Compiled<'_>]) -> Reason {
    let name = |guid: u64| {
        let mut irs = files.iter().flat_map(|file| [&file.ir.1, &file.ir.0]);
        let name = irs.find_map(|ir| ir.name(guid));
        name.map(crate::printable::shown)
    };
    match difference {
        Difference::Import { guid, file } => Reason::Imports {
            name: name(*guid).unwrap_or_else(|| guid.to_string()),
            from: PathBuf::from(file.trim_start_matches("./")),
        },
        Difference::Decision { guid } => Reason::Linkage {
            name: guid.and_then(name),
        },
    }
}
