// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernels that are tested: each is of a series, and linked in one of several ways.

use super::link::Link;
use super::series::{self, Series};
use anyhow::{bail, ensure, Result};
use std::fmt;

/// A kernel that is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The name of its series.
    pub series: String,
    /// The way in which it is linked.
    pub link: Link,
}

impl Lane {
    /// Returns the lanes of every series, those of the default series first.
    ///
    /// # Errors
    ///
    /// Fails if the folder of a series is not understood.
    pub fn all() -> Result<Vec<Self>> {
        let mut lanes: Vec<_> = Series::all()?.iter().flat_map(Self::of).collect();
        lanes.sort_by_key(|lane| !lane.is_of_default_series());
        Ok(lanes)
    }

    /// Returns the lanes of a series.
    pub fn of(series: &Series) -> Vec<Self> {
        let lane = |&link| Self {
            series: series.name.clone(),
            link,
        };
        series.links.iter().map(lane).collect()
    }

    /// Returns the lane of a series that is linked in this way.
    ///
    /// # Errors
    ///
    /// Fails if there is none.
    pub fn linked(series: &Series, link: Link) -> Result<Self> {
        let lanes = Self::of(series);
        ensure!(
            series.links.contains(&link),
            "kernel {} has no lane that is linked as `{}`; its lanes are {}",
            series.name,
            link.name(),
            Self::list(&lanes)
        );
        Ok(Self {
            series: series.name.clone(),
            link,
        })
    }

    /// Returns the lane of this name.
    ///
    /// # Errors
    ///
    /// Fails if there is none, with those that exist.
    pub fn named(name: &str) -> Result<Self> {
        Self::named_of(&Self::all()?, name)
    }

    fn named_of(all: &[Self], name: &str) -> Result<Self> {
        let is_named = |lane: &&Self| lane.to_string() == name || lane.whole_name() == name;
        match all.iter().find(is_named) {
            Some(lane) => Ok(lane.clone()),
            None => bail!("there is no such lane; the lanes are {}", Self::list(all)),
        }
    }

    /// Returns the names of lanes, for messages.
    pub fn list(lanes: &[Self]) -> String {
        let names: Vec<_> = lanes.iter().map(Self::to_string).collect();
        names.join(", ")
    }

    /// Tells the guest: the kernel puts parameters that it does not know into the environment of init.
    pub fn parameter(&self) -> String {
        format!("KLP_LINK={}", self.link.name())
    }

    fn is_of_default_series(&self) -> bool {
        self.series == series::DEFAULT
    }

    fn whole_name(&self) -> String {
        format!("{}-{}", self.series, self.link.name())
    }
}

impl fmt::Display for Lane {
    /// Writes the name, as on the command line: only that of the link for the default series.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_of_default_series() {
            f.pad(self.link.name())
        } else {
            f.pad(&self.whole_name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(series: &str, link: Link) -> Lane {
        Lane {
            series: series.to_owned(),
            link,
        }
    }

    #[test]
    fn a_lane_is_called_as_its_series_and_link_and_by_the_link_alone_if_that_is_the_default_series()
    {
        let mut all: Vec<_> = Link::ALL.map(|link| lane(series::DEFAULT, link)).into();
        all.push(lane("99.1", Link::SuffixReduction));
        for (name, series, link) in [
            ("default", series::DEFAULT, Link::Default),
            ("6.12-default", series::DEFAULT, Link::Default),
            ("btf", series::DEFAULT, Link::Btf),
            ("99.1-suffix-reduction", "99.1", Link::SuffixReduction),
        ] {
            assert_eq!(Lane::named_of(&all, name).unwrap(), lane(series, link));
        }
        assert_eq!(lane(series::DEFAULT, Link::Btf).to_string(), "btf");
        for name in ["99.1", "99.1-btf", "99.1-default", "", "all"] {
            let error = Lane::named_of(&all, name).unwrap_err().to_string();
            let lanes = "the lanes are default, suffix-reduction, btf, 99.1-suffix-reduction";
            assert!(error.ends_with(lanes), "{error}");
        }
    }

    #[test]
    fn the_lanes_of_the_default_series_come_first_and_each_is_found_by_its_name() {
        let all = Lane::all().unwrap();
        assert_eq!(all[0], lane(series::DEFAULT, Link::Default));
        let of_default = all.iter().filter(|lane| lane.is_of_default_series());
        assert_eq!(of_default.count(), Link::ALL.len());
        for lane in all {
            assert_eq!(Lane::named(&lane.to_string()).unwrap(), lane);
        }
    }
}
