// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask kernel`: builds the test kernel.

use crate::host::paths;
use crate::kernel::source::Origin;
use crate::kernel::{self, series, Kernel, Lane, Link, Series};
use crate::report::outcome::Outcome;
use crate::report::progress;
use anyhow::{bail, ensure, Context, Result};
use std::path::{Path, PathBuf};

/// Build the test kernel with the module in it; print the build directory.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
}

/// The choice of a series, for every command that needs more than one kernel of it, or none.
#[derive(clap::Args)]
pub struct SeriesArgs {
    /// The series of kernels: a folder of kmod/series.
    #[arg(long, default_value = series::DEFAULT)]
    series: String,
    /// Take a copy of the kernel tree in DIR instead, which may be of any of the series.
    #[arg(long, value_name = "DIR", conflicts_with = "series")]
    kernel_source: Option<PathBuf>,
}

impl SeriesArgs {
    /// Returns the place of the source.
    ///
    /// # Errors
    ///
    /// Fails if there is no such series.
    pub fn origin(&self) -> Result<Origin> {
        match &self.kernel_source {
            Some(tree) => Ok(Origin::Tree(tree.clone())),
            None => Series::named(&self.series).map(|series| Origin::Package(Box::new(series))),
        }
    }
}

/// The choice of a kernel, for every command that needs one.
#[derive(clap::Args)]
pub struct KernelArgs {
    /// The kernel: `default`, as LLVM 22 links it; `suffix-reduction`, as LLD 23 links it; or `btf`, with BTF. The
    /// same with a series in front is a kernel of another series: `7.3-default`.
    #[arg(long, value_parser = parse_lane)]
    lane: Option<Lane>,
    #[command(flatten)]
    tree: TreeArgs,
}

/// A kernel tree of the user's own.
#[derive(clap::Args, Default)]
pub struct TreeArgs {
    /// Build a copy of the kernel tree in DIR, which may be of any of the series.
    #[arg(long, value_name = "DIR")]
    kernel_source: Option<PathBuf>,
}

impl KernelArgs {
    /// Returns the lane, and the place of its source. If none was given, it is that with the first of `links`.
    ///
    /// # Errors
    ///
    /// Fails if the lane is linked in none of these ways, or is of another series than the user's tree.
    pub fn choose(&self, links: &[Link]) -> Result<(Lane, Origin)> {
        self.tree.choose(self.lane.as_ref(), links)
    }

    /// The same for a command that needs a recent kernel: if no lane was given, it is of the newest series.
    ///
    /// # Errors
    ///
    /// Fails as [`choose`](Self::choose) does.
    pub fn choose_newest(&self, links: &[Link]) -> Result<(Lane, Origin)> {
        if self.lane.is_some() || self.tree.kernel_source.is_some() {
            return self.choose(links);
        }
        let all = Series::all()?;
        let newest = all.last().context("there is no series")?;
        let lane = Lane::linked(newest, links[0])?;
        self.tree.choose(Some(&lane), links)
    }

    /// Builds the kernel if it is not up to date.
    ///
    /// # Errors
    ///
    /// Fails as [`choose`](Self::choose) does, or if a step of the build fails.
    pub fn prepare(&self, links: &[Link], logs: &Path) -> Result<Kernel> {
        let (lane, origin) = self.choose(links)?;
        kernel::prepare(&lane, &origin, logs)
    }
}

impl TreeArgs {
    /// Returns the place of the source of a series: the user's tree, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if there is no such series.
    pub fn origin(&self, series: &str) -> Result<Origin> {
        match &self.kernel_source {
            Some(tree) => Ok(Origin::Tree(tree.clone())),
            None => Series::named(series).map(|series| Origin::Package(Box::new(series))),
        }
    }

    /// Returns the series of the user's tree, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if the tree is of no series.
    pub fn series(&self) -> Result<Option<Series>> {
        let tree = self.kernel_source.clone();
        tree.map(|tree| Origin::Tree(tree).series()).transpose()
    }

    /// As [`KernelArgs::choose`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn choose(&self, lane: Option<&Lane>, links: &[Link]) -> Result<(Lane, Origin)> {
        let origin = self.origin(lane.map_or(series::DEFAULT, |lane| &lane.series))?;
        let series = origin.series()?;
        let lane = match lane {
            Some(lane) => lane.clone(),
            None => Lane::linked(&series, links[0])?,
        };
        let lanes = Lane::of(&series).into_iter();
        let usable: Vec<_> = lanes.filter(|lane| links.contains(&lane.link)).collect();
        if let Some(tree) = &self.kernel_source {
            ensure!(
                lane.series == series.name,
                "{} is a tree of kernel {}, and the lane {lane} is of kernel {}; leave out --lane, or use one of {}",
                tree.display(),
                series.name,
                lane.series,
                Lane::list(&usable)
            );
        }
        if !links.contains(&lane.link) {
            let mut usable = Lane::all()?;
            usable.retain(|lane| links.contains(&lane.link));
            bail!(
                "the lane {lane} is linked otherwise than this command needs; use one of {}",
                Lane::list(&usable)
            );
        }
        Ok((lane, origin))
    }
}

/// Reads a name of a lane from the command line.
///
/// # Errors
///
/// Fails with the lanes that exist if there is no such lane.
pub fn parse_lane(name: &str) -> Result<Lane, String> {
    Lane::named(name).map_err(|error| format!("{error:#}"))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("kernel")?;
    let kernel = args.kernel.prepare(&Link::ALL, &logs)?;
    progress::finish(&logs);
    println!("{}", kernel.build.display());
    Ok(Outcome::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree_of(version: [u32; 3]) -> (tempfile::TempDir, TreeArgs) {
        let dir = tempfile::tempdir().unwrap();
        let [version, level, sublevel] = version;
        let makefile =
            format!("VERSION = {version}\nPATCHLEVEL = {level}\nSUBLEVEL = {sublevel}\n");
        fs::write(dir.path().join("Makefile"), makefile).unwrap();
        let kernel_source = Some(dir.path().to_owned());
        (dir, TreeArgs { kernel_source })
    }

    #[test]
    fn a_tree_chooses_the_series_and_a_lane_of_another_one_is_refused() {
        let (_dir, tree) = tree_of([6, 12, 117]);
        let (lane, origin) = tree.choose(None, &[Link::Btf]).unwrap();
        assert_eq!(lane, Lane::named("btf").unwrap());
        assert!(matches!(origin, Origin::Tree(_)));
        let other = Lane {
            series: "99.1".to_owned(),
            link: Link::Default,
        };
        let error = tree.choose(Some(&other), &Link::ALL).err().unwrap();
        let error = error.to_string();
        let expected = "is a tree of kernel 6.12, and the lane 99.1-default is of kernel 99.1; leave out --lane, or \
                        use one of default, suffix-reduction, btf";
        assert!(error.ends_with(expected), "{error}");

        let (_dir, none) = tree_of([99, 1, 0]);
        let error = none.choose(None, &Link::ALL).err().unwrap().to_string();
        assert!(
            error.contains("there are no patches for kernel 99.1"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_needs_btf_takes_no_other_lane() {
        let tree = TreeArgs::default();
        let choose = |lane: &str| tree.choose(Some(&Lane::named(lane).unwrap()), &[Link::Btf]);
        assert_eq!(choose("btf").unwrap().0.link, Link::Btf);
        let error = choose("suffix-reduction").err().unwrap().to_string();
        assert!(
            error.ends_with("linked otherwise than this command needs; use one of btf"),
            "{error}"
        );
    }
}
