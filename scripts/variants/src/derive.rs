// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From the built livepatches to the variants and the predictions.

use crate::cases::{self, Base, Order, Variant};
use crate::list::{Listed, Rule};
use crate::module::Module;
use crate::names::Names;
use crate::predict::{predict, predict_before};
use anyhow::{bail, Context, Result};
use klp_gen::convert::{convert, Conversion};
use klp_gen::release::Release;
use klp_gen::target::{Symvers, Target, TargetFiles};
use klp_policy::ObjName;
use object::elf::R_X86_64_64;
use object::LittleEndian as LE;
use std::fs;
use std::path::PathBuf;
use std::slice;

/// The files that variants are made of.
pub struct Inputs<'i> {
    /// The kernel's image.
    pub vmlinux: PathBuf,
    /// The symbols that the kernel exports.
    pub symvers: PathBuf,
    /// The module that some variants are for.
    pub twins: PathBuf,
    /// Finds a livepatch, as it was built, by the name of its file.
    pub built: &'i dyn Fn(&str) -> Result<PathBuf>,
}

/// A variant and what will become of it.
pub struct Derived {
    /// The entry in the table.
    pub variant: &'static Variant,
    /// The file.
    pub bytes: Vec<u8>,
    /// The entry for the guest.
    pub listed: Listed,
    /// The release of the kernel.
    pub release: &'static Release,
}

/// The kernel that livepatches are for, without and with `klp_twins`.
pub struct KernelFiles {
    alone: TargetFiles,
    both: TargetFiles,
}

impl KernelFiles {
    /// Opens them.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn open(inputs: &Inputs<'_>) -> Result<Self> {
        let open = |modules: &[PathBuf]| TargetFiles::open(Some(&inputs.vmlinux), modules, None);
        Ok(Self {
            alone: open(&[])?,
            both: open(slice::from_ref(&inputs.twins))?,
        })
    }
}

/// Makes livepatches of built ones, and predicts what becomes of them.
pub struct Deriver<'f> {
    alone: Target<'f>,
    both: Target<'f>,
    built: &'f dyn Fn(&str) -> Result<PathBuf>,
    /// The names that only the build of this kernel knows.
    pub names: Names,
}

impl<'f> Deriver<'f> {
    /// Reads what is needed of the kernel.
    ///
    /// # Errors
    ///
    /// A file is not what it should be.
    pub fn new(files: &'f KernelFiles, inputs: &Inputs<'f>) -> Result<Self> {
        let alone = Target::load(&files.alone)?;
        let symvers = Symvers::open(slice::from_ref(&inputs.symvers))?;
        let both = Target::load(&files.both)?.with_symvers(symvers);
        let kernel = alone.object(ObjName::VMLINUX).context("no vmlinux")?;
        let entries = kernel.symbols.entries().iter();
        let names = Names::new(entries.map(|e| String::from_utf8_lossy(e.name.0).into_owned()));
        Ok(Self {
            built: inputs.built,
            alone,
            both,
            names,
        })
    }

    /// A base, converted if it has anything to convert.
    ///
    /// # Errors
    ///
    /// It was not built, or cannot be converted.
    pub fn base(&self, base: Base) -> Result<Vec<u8>> {
        let path = (self.built)(base.stem())?;
        let data = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let Some(policy) = base.policy() else {
            return Ok(data);
        };
        match convert(base.stem(), &data, &self.both, policy)? {
            Conversion::Done(converted) => Ok(converted.bytes),
            Conversion::Refused(problems) => bail!("{problems:?}"),
            Conversion::Rejected(report) => bail!("{report:?}"),
        }
    }

    /// Returns the entry for the guest about a livepatch that was made of `base`.
    #[must_use]
    pub fn listed(&self, name: &str, base: Base, order: Order, bytes: &[u8]) -> Listed {
        let origin = format!("{name}.ko");
        let [stock, klp_sympos] = Rule::ALL.map(|rule| match order {
            Order::Without => predict(&origin, bytes, &self.alone, rule),
            Order::First => predict(&origin, bytes, &self.both, rule),
            Order::Later => predict_before(&origin, bytes, &self.alone, &self.both, rule),
        });
        Listed {
            name: name.to_owned(),
            module: base.stem().replace('-', "_"),
            order,
            addend: None,
            stock,
            klp_sympos,
        }
    }

    fn derive(&self, variant: &'static Variant) -> Result<Derived> {
        let mut module = Module::parse(variant.base.stem(), self.base(variant.base)?)?;
        (variant.edit)(&mut module, &self.names)?;
        let addend = shown_addend(&mut module, variant.base);
        let bytes = module.into_bytes()?;
        let mut listed = self.listed(variant.name, variant.base, variant.order, &bytes);
        listed.addend = addend;
        Ok(Derived {
            variant,
            bytes,
            listed,
            release: self.alone.release(None),
        })
    }
}

/// Makes all of them.
///
/// # Errors
///
/// Fails if a base is not as its variants expect.
pub fn derive(inputs: &Inputs<'_>) -> Result<Vec<Derived>> {
    let files = KernelFiles::open(inputs)?;
    let source = Deriver::new(&files, inputs)?;
    cases::all()
        .map(|variant| source.derive(variant).with_context(|| variant.name))
        .collect()
}

/// Returns the addend to the address that the parameter `where` will show, if it will show one.
fn shown_addend(module: &mut Module, base: Base) -> Option<i64> {
    if base != Base::Symbol {
        return None;
    }
    let relocation = module.klp_relocation("vmlinux").ok()?;
    let whole = relocation.r_type(LE, false) == R_X86_64_64;
    whole.then(|| relocation.r_addend.get(LE))
}
