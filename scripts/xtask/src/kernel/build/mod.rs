// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a source tree to a finished build.
//!
//! The source tree is built with [`Changes`]: the patches of a series and the
//! overlay of files that this repository keeps elsewhere. They are brought into the tree by content,
//! so that the build system rebuilds what depends on a difference and nothing else. What a finished
//! build was made of is kept in two stamps, one for the kernel and one for the module.

mod config;
mod directory;
pub mod external;
mod kernel;
mod stamp;
pub mod steps;

pub use kernel::Kernel;

use super::changes::overlay::Part;
use super::changes::{self, Changes};
use super::source::{Origin, Source};
use super::toolchain::Toolchain;
use super::Lane;
use crate::host::run::{self, Unit};
use crate::host::{history, klp_gen, packages, paths};
use crate::report::progress;
use anyhow::{Context, Result};
use stamp::Key;
use std::fs;
use std::path::Path;

/// Builds whatever is not up to date.
///
/// A kernel tree of the user's own is copied and never modified.
///
/// # Errors
///
/// Fails if something is missing on this machine or a step of the build fails.
pub fn prepare(lane: Lane, origin: &Origin, logs: &Path) -> Result<Kernel> {
    let series = origin.series()?;
    packages::ensure(series.packages().chain(origin.packages()), logs)?;
    let toolchain = Toolchain::ensure(lane, &series.tools, logs)?;
    let source = Source::find(origin, logs)?;
    let dir = paths::cache()?
        .join("kernel")
        .join(source.directory_name(lane, &toolchain.versions));
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut kernel = Kernel {
        source: dir.join("source"),
        build: dir.join("build"),
        lane,
        dir,
        toolchain,
    };
    let _lock = kernel.lock()?;
    if changes::parts(lane, &source).contains(&Part::Planted) {
        // In a place of its own, so that another clone of the repository gives the same command lines.
        let klp_gen = kernel.dir.join("klp-gen");
        fs::copy(klp_gen::release(logs)?, &klp_gen)
            .with_context(|| format!("cannot write {}", klp_gen.display()))?;
        kernel.toolchain.klp_gen = Some(klp_gen);
    }
    let dir = &kernel.dir;

    let changes = Changes::collect(lane, &source)?;
    source.mirror(&kernel.source, &changes::ever_changed(dir)?)?;
    changes.sync(&source.pristine, &kernel.source, dir)?;

    let fragments = config::Fragments::read(config::fragments(lane, &source))?;
    let keys = stamp::Keys::new(&source, &kernel.toolchain, &fragments, &changes);
    let title = format!("build the kernel and its modules ({})", lane.name());
    if !stamp::holds(dir, Key::Kernel, &keys) {
        stamp::clear(dir, &[Key::Kernel, Key::Module])?;
        config::configure(&kernel, &fragments, logs)?;
        if history::last(&title).is_none() {
            progress::note("the first build of a kernel takes about 20 minutes of processor time");
        }
        let mut make = kernel.make();
        run::counted(
            &title,
            Unit::OBJECTS,
            make.args(["bzImage", "modules"]),
            &logs.join("build.log"),
        )?;
        stamp::set(dir, Key::Kernel, &keys)?;
        stamp::set(dir, Key::Module, &keys)?;
    } else if !stamp::holds(dir, Key::Module, &keys) {
        stamp::clear(dir, &[Key::Module])?;
        let mut make = kernel.make();
        run::counted(
            &format!("build the kernel's modules ({})", lane.name()),
            Unit::OBJECTS,
            make.arg("modules"),
            &logs.join("modules.log"),
        )?;
        stamp::set(dir, Key::Module, &keys)?;
    }
    directory::forget_old_builds(dir);
    progress::note(&format!(
        "kernel {} ({}) is up to date in {}",
        source.version,
        lane.name(),
        kernel.build.display()
    ));
    Ok(kernel)
}
