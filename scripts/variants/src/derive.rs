// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From the built livepatches to the variants and the predictions.

use crate::list::{Listed, Rule};
use crate::module::Module;
use crate::names::Names;
use crate::predict::predict;
use crate::table::{self, Base, Order, Variant};
use anyhow::{bail, Context, Result};
use klp_gen::convert::{convert, Conversion, Symvers};
use klp_gen::target::{Target, TargetFiles};
use klp_policy::ObjName;
use object::elf::R_X86_64_64;
use object::LittleEndian as LE;
use std::fs;
use std::path::{Path, PathBuf};

/// Where everything is that is needed for it.
pub struct Inputs<'i> {
    /// The kernel's image.
    pub vmlinux: &'i Path,
    /// What it exports.
    pub symvers: &'i Path,
    /// The module that some variants are for.
    pub twins: &'i Path,
    /// Finds a livepatch, as it was built, by the name of its file.
    pub built: &'i dyn Fn(&str) -> Result<PathBuf>,
}

/// A variant and what will become of it.
pub struct Derived {
    /// The entry in the table.
    pub variant: &'static Variant,
    /// The file.
    pub bytes: Vec<u8>,
    /// What the guest is told.
    pub listed: Listed,
}

/// Makes all of them.
///
/// # Errors
///
/// Fails if a base is not as its variants expect.
pub fn derive(inputs: &Inputs<'_>) -> Result<Vec<Derived>> {
    let open = |modules: &[PathBuf]| TargetFiles::open(Some(inputs.vmlinux), modules, None);
    let (alone, both) = (open(&[])?, open(&[inputs.twins.to_owned()])?);
    let (alone, both) = (Target::load(&alone)?, Target::load(&both)?);
    let kernel = alone.object(ObjName::VMLINUX).context("no vmlinux")?;
    let entries = kernel.symbols.entries().iter();
    let names = Names::new(entries.map(|e| String::from_utf8_lossy(e.name.0).into_owned()));
    let symvers = Symvers::open(&[inputs.symvers.to_owned()])?;
    let derive = |variant: &'static Variant| -> Result<Derived> {
        let path = (inputs.built)(variant.base.stem())?;
        let data = base(&path, variant.base, &both, &symvers)?;
        let mut module = Module::parse(variant.base.stem(), data)?;
        (variant.edit)(&mut module, &names)?;
        let addend = shown_addend(&mut module, variant.base);
        let bytes = module.into_bytes()?;
        let target = match variant.order {
            Order::Without => &alone,
            Order::First | Order::Later => &both,
        };
        let origin = format!("{}.ko", variant.name);
        let [stock, klp_sympos] = Rule::ALL.map(|rule| predict(&origin, &bytes, target, rule));
        let listed = Listed {
            name: variant.name.to_owned(),
            module: variant.base.stem().replace('-', "_"),
            order: variant.order,
            addend,
            stock,
            klp_sympos,
        };
        Ok(Derived {
            variant,
            bytes,
            listed,
        })
    };
    table::all()
        .map(|variant| derive(variant).with_context(|| variant.name))
        .collect()
}

/// A base, converted if it has anything to convert.
fn base(path: &Path, base: Base, target: &Target<'_>, symvers: &Symvers) -> Result<Vec<u8>> {
    let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(policy) = base.policy() else {
        return Ok(data);
    };
    match convert(base.stem(), &data, target, symvers, policy)? {
        Conversion::Done(converted) => Ok(converted.bytes),
        Conversion::Refused(problems) => bail!("{problems:?}"),
    }
}

/// What is added to the address that the parameter `where` will show, if it will show one.
fn shown_addend(module: &mut Module, base: Base) -> Option<i64> {
    if base != Base::Symbol {
        return None;
    }
    let relocation = module.klp_relocation("vmlinux").ok()?;
    let whole = relocation.r_type(LE, false) == R_X86_64_64;
    whole.then(|| relocation.r_addend.get(LE))
}
