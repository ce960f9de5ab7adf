// SPDX-License-Identifier: GPL-2.0

//! Lets livepatches and tracers find symbols that `ThinLTO` renamed.
//!
//! A name comes in by one of three doors: [`resolver`] (livepatch), [`fallback`] (kallsyms and
//! tracers), [`query`] (people, through debugfs). The first two can be left out, each by itself:
//! [`parameters`]. Each hands it to [`policy`], which is the rule
//! and the same for the tools in userspace, and [`tables`] are the symbols that it is applied to.
//!
//! # Lifetimes
//!
//! The C side may call into this module between the registration of a door and the end of its
//! unregistration, which waits for callers: lookups of livepatch are in an SRCU read-side critical
//! section, those of kallsyms in one of RCU, and debugfs counts the users of a file and holds the
//! module while one is open. All three are undone by dropping [`KlpSympos`], be it
//! because the module is removed or because its initialisation fails, and the module's memory is
//! freed after that.

// The tools compile it as a crate, which exports what is `pub` in it.
#[allow(unreachable_pub, unused_imports)]
#[path = "policy/mod.rs"]
mod policy;

mod fallback;
mod parameters;
mod query;
mod refusal;
mod resolver;
mod tables;
mod this_module;

use kernel::{
    answer_file::Dir,
    kallsyms::FallbackRegistration,
    livepatch::ResolverRegistration,
    prelude::*, //
};

module! {
    type: KlpSympos,
    name: "klp_sympos",
    description: "Resolve symbols of ThinLTO kernels by their names in the source",
    license: "GPL",
}

/// What is undone when the module goes, in this order.
struct KlpSympos {
    _debugfs: Dir,
    _resolver: Option<ResolverRegistration<resolver::Livepatch>>,
    _fallback: Option<FallbackRegistration<fallback::Tracers>>,
}

impl kernel::Module for KlpSympos {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let fallback = parameters::tracers()
            // SAFETY: It is dropped with `KlpSympos`, or at an error below, and never forgotten.
            .then(|| unsafe { FallbackRegistration::new() })
            .transpose()?;
        let resolver = parameters::livepatch()
            // SAFETY: `module` is this module, which has the code of the resolver. The registration
            // is dropped as that of the fallback is.
            .then(|| unsafe { ResolverRegistration::new(module) })
            .transpose()?;
        // A file can be held open from here on: nothing that comes after may fail, since a module
        // whose initialisation fails is freed in spite of references.
        let debugfs = Dir::new(c"klp_sympos");
        // SAFETY: The directory is dropped with `KlpSympos`, and never forgotten.
        unsafe { query::add_files(&debugfs) };
        Ok(Self {
            _debugfs: debugfs,
            _resolver: resolver,
            _fallback: fallback,
        })
    }
}
