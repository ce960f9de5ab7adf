// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Derives livepatches that are good and bad in every way, with predictions by `klp-gen check`, for a
//! boot that loads each of them.

use crate::guest::image::Contents;
use crate::host::run;
use crate::kernel::build::external;
use crate::kernel::{Kernel, Link};
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use klp_variants::{derive, list, Derived, Expected, Inputs, Listed, Rule, Verdict};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// With one processor no other one can be idle in the kernel: a livepatch has changed every task over
/// when it is loaded.
pub const APPEND: &str = "maxcpus=1 printk.devkmsg=on";

/// The directory of the variants in the guest.
const IN_GUEST: &str = "klp/variants";

/// The texts of which each must be in some refusal, or the variants would not cover the loader and the livepatch
/// core.
const SAID: [&str; 20] = [
    "not found in symbol table",
    "unresolvable ambiguity for symbol 'event_show' in object '(null)'",
    "unresolvable ambiguity for symbol 'event_show.llvm.*' in object 'vmlinux'",
    "unresolvable ambiguity for symbol 'twin.llvm.*' in object 'klp_twins'",
    "in object 'vmlinux' not found",
    "in object 'klp_twins' not found",
    "is not marked as a livepatch symbol",
    "has an incorrectly formatted name",
    "invalid access to vmlinux symbol",
    "kallsyms size lookup failed for",
    "failed to find location for function",
    "is not marked as a livepatch module",
    "Unknown symbol klp_sympos_v1 (err -2)",
    // On 7.3 a module with CFI refers to another export for GPL modules before.
    "Unknown symbol klp_enable_patch (err -2)|Unknown symbol __clear_pages_unrolled (err -2)",
    "Unknown rela relocation: ",
    "Invalid relocation target, existing value is nonzero for ",
    "overflow in relocation type 10 val ",
    "overflow in relocation type 11 val ",
    "version magic",
    "execmem: unable to allocate memory",
];

/// The variants, derived and judged.
pub struct Variants {
    derived: Vec<Derived>,
    dir: PathBuf,
    link: Link,
}

impl Variants {
    /// Derives them from what was built for `kernel`.
    ///
    /// # Errors
    ///
    /// Fails if a base is missing, or not what its variants expect.
    pub fn derive(kernel: &Kernel, logs: &Path) -> Result<Self> {
        let built = |stem: &str| built(kernel, stem);
        let inputs = inputs(kernel, &built)?;
        let derived = run::timed("derive livepatches, good and bad", || derive(&inputs))?;
        let dir = logs.join("variants");
        write(
            &dir,
            derived.iter().map(|one| (&one.listed, &one.bytes[..])),
        )?;
        Ok(Self {
            derived,
            dir,
            link: kernel.lane.link,
        })
    }

    /// Puts them where the guest looks for them.
    pub fn add_to(&self, contents: &mut Contents) {
        contents.add(self.dir.clone(), IN_GUEST.to_owned());
    }

    /// Holds the predictions to what the authors of the variants think, and the variants to what
    /// they are for: no two are the same, and everything that a kernel can say occurs.
    pub fn check(&self, tally: &mut Tally) {
        for one in &self.derived {
            for rule in Rule::ALL {
                match wrong(one, rule, self.link) {
                    None => tally.pass(),
                    Some(reason) => {
                        let (name, rule) = (one.variant.name, rule.as_str());
                        tally.fail(format!("klp-gen check: {name} ({rule})"), reason);
                    }
                }
            }
        }
        // One may come first or later.
        let different = |one: &Derived| (one.bytes.clone(), one.variant.order as u8);
        let files: BTreeSet<_> = self.derived.iter().map(different).collect();
        let names: BTreeSet<_> = self.derived.iter().map(|one| one.variant.name).collect();
        // What the example refers to kept its name: converted for either rule it is the same.
        let same = usize::from(self.link.reduces_suffixes());
        if files.len() + same == self.derived.len() && names.len() == self.derived.len() {
            tally.pass();
        } else {
            let reason = format!("{} of {} differ", files.len(), self.derived.len());
            tally.fail("variants: each is another".to_owned(), reason);
        }
        for text in SAID {
            if text.split('|').any(|text| self.says(text)) {
                tally.pass();
            } else {
                tally.fail(
                    format!("variants: some is refused with `{text}`"),
                    String::new(),
                );
            }
        }
    }

    fn says(&self, text: &str) -> bool {
        let both =
            |one: &Derived| Rule::ALL.map(|rule| one.listed.prediction(rule).verdict.clone());
        let mut verdicts = self.derived.iter().flat_map(both);
        verdicts.any(|verdict| matches!(verdict, Verdict::Refused(said) if said.contains(text)))
    }
}

/// Returns the difference of a prediction from what the author of the variant thinks.
fn wrong(one: &Derived, rule: Rule, link: Link) -> Option<String> {
    let taken = match one.variant.expected {
        Expected::Taken => true,
        Expected::Refused => false,
        Expected::TakenWithModule => rule == Rule::KlpSympos,
        Expected::TakenBy(takes) => takes(one.release),
        Expected::TakenIfKept => rule == Rule::KlpSympos || link.reduces_suffixes(),
    };
    let verdict = &one.listed.prediction(rule).verdict;
    (verdict.taken() != Some(taken)).then(|| {
        let expected = if taken { "taken" } else { "refused" };
        format!("expected was {expected}, predicted {verdict:?}")
    })
}

/// Writes livepatches and their list into a directory.
pub fn write<'l>(
    dir: &Path,
    livepatches: impl Iterator<Item = (&'l Listed, &'l [u8])>,
) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut all = Vec::new();
    for (listed, bytes) in livepatches {
        let file = dir.join(format!("{}.ko", listed.name));
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        all.push(listed);
    }
    Ok(fs::write(
        dir.join(list::FILE),
        serde_json::to_vec_pretty(&all)?,
    )?)
}

/// Returns the files that livepatches are made of, and for.
pub fn inputs<'i>(
    kernel: &Kernel,
    built: &'i dyn Fn(&str) -> Result<PathBuf>,
) -> Result<Inputs<'i>> {
    Ok(Inputs {
        vmlinux: kernel.build.join("vmlinux"),
        symvers: kernel.build.join("Module.symvers"),
        twins: built("klp_twins")?,
        built,
    })
}

/// A module as it was built.
pub fn built(kernel: &Kernel, stem: &str) -> Result<PathBuf> {
    let directories = [
        external::directory(kernel, "targets"),
        external::directory(kernel, "livepatches"),
        external::directory(kernel, "examples-unconverted"),
        external::directory(kernel, "livepatch-selftests"),
        kernel.build.join("samples/livepatch"),
    ];
    let files = directories.map(|dir| dir.join(stem).with_extension("ko"));
    let found = files.into_iter().find(|file| file.is_file());
    found.with_context(|| format!("no module {stem} was built"))
}
