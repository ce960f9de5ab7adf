// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A copy of a finished build that may be changed and is thrown away.
//!
//! Commands and objects of a build contain the paths of its directories. A copy elsewhere would be built anew, so the
//! copy is an overlay file system at the same place, which only `make` sees. What `make` writes goes to another
//! directory.

use super::kernel::Kernel;
use crate::host::run;
use anyhow::{ensure, Context, Result};
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The script that mounts the overlay and runs a command: the options of the mount, the place, the command.
const IN_OVERLAY: &str =
    r#"mount -t overlay overlay -o "$0" "$1" || exit; shift; cd / && exec "$@""#;

/// A copy of a finished build.
pub struct ThrowawayBuild<'k> {
    kernel: &'k Kernel,
    /// The directory with the directories that the overlay needs.
    directory: PathBuf,
    /// The directories below the copy, the topmost first.
    below: Vec<PathBuf>,
}

impl<'k> ThrowawayBuild<'k> {
    /// Makes a copy of a build. What differs from the build will be in the directory.
    ///
    /// # Errors
    ///
    /// Fails if this machine does not let the user mount an overlay, or the directory cannot be created.
    pub fn of(kernel: &'k Kernel, directory: PathBuf) -> Result<Self> {
        let copy = Self {
            kernel,
            directory,
            below: vec![kernel.dir.clone()],
        };
        copy.create()?;
        run::captured(&mut copy.inside(&Command::new("true"))).context(
            "cannot mount an overlay: a kernel since 5.11 that lets users create namespaces is needed, or root",
        )?;
        Ok(copy)
    }

    /// Makes a copy of the copy.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be created.
    pub fn copy(&self, directory: PathBuf) -> Result<ThrowawayBuild<'k>> {
        let mut below = vec![self.upper()];
        below.extend(self.below.iter().cloned());
        let copy = ThrowawayBuild {
            kernel: self.kernel,
            directory,
            below,
        };
        copy.create()?;
        Ok(copy)
    }

    fn create(&self) -> Result<()> {
        for directory in [self.upper(), self.work()] {
            fs::create_dir_all(&directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
        }
        Ok(())
    }

    fn upper(&self) -> PathBuf {
        self.directory.join("upper")
    }

    fn work(&self) -> PathBuf {
        self.directory.join("work")
    }

    /// Replaces a file of the source tree.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn replace(&self, file: &str, contents: &str) -> Result<()> {
        let source = self.kernel.source.strip_prefix(&self.kernel.dir)?;
        let path = self.upper().join(source).join(file);
        fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| fs::write(&path, contents))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Waits until nobody else builds; the lock ends with the file that is returned.
    ///
    /// # Errors
    ///
    /// Fails if there cannot be a lock.
    pub fn lock(&self) -> Result<File> {
        self.kernel.lock()
    }

    /// Returns `make` with everything that the kernel was built with, for the copy. The caller has the lock.
    pub fn make(&self) -> Command {
        self.inside(&self.kernel.make())
    }

    /// Returns the path of a file in the build directory of the copy.
    ///
    /// # Errors
    ///
    /// Fails if there is no such file.
    pub fn built(&self, file: &str) -> Result<PathBuf> {
        let build = self.kernel.build.strip_prefix(&self.kernel.dir)?.join(file);
        let upper = self.upper();
        let layers = [&upper].into_iter().chain(&self.below);
        let mut files = layers.map(|layer| layer.join(&build));
        let found = files.find(|file| file.exists());
        found.with_context(|| format!("the build has no {}", build.display()))
    }

    /// Removes what differs from the build.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be removed.
    pub fn remove(self) -> Result<()> {
        // The kernel makes a directory there that nobody may read.
        let inner = self.work().join("work");
        if inner.exists() {
            fs::set_permissions(&inner, Permissions::from_mode(0o700))?;
        }
        fs::remove_dir_all(&self.directory)
            .with_context(|| format!("cannot remove {}", self.directory.display()))
    }

    /// Returns a command that runs another one with the copy in the place of the build.
    fn inside(&self, command: &Command) -> Command {
        let mut options = OsString::from("userxattr,lowerdir=");
        for (number, layer) in self.below.iter().enumerate() {
            if number > 0 {
                options.push(":");
            }
            options.push(layer);
        }
        options.push(",upperdir=");
        options.push(self.upper());
        options.push(",workdir=");
        options.push(self.work());
        let mut inside = Command::new("unshare");
        inside
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                IN_OVERLAY,
            ])
            .arg(options)
            .arg(&self.kernel.dir)
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                inside.env(name, value);
            }
        }
        inside
    }
}

/// Returns the path below the build directory of the object from which kbuild makes a module.
///
/// # Errors
///
/// Fails if the build has no such module.
pub fn module_object(kernel: &Kernel, name: &str) -> Result<String> {
    let order = kernel.build.join("modules.order");
    let text =
        fs::read_to_string(&order).with_context(|| format!("cannot read {}", order.display()))?;
    let is_named = |line: &&str| {
        let stem = Path::new(line).file_stem().unwrap_or_default();
        stem.to_string_lossy().replace('-', "_") == name
    };
    let found = text.lines().find(is_named).map(str::to_owned);
    ensure!(found.is_some(), "{}: has no module {name}", order.display());
    Ok(found.unwrap_or_default())
}
