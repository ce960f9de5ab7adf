// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The test kernel: from Debian's source package, or a tree of the user's own, to a finished build.
//!
//! A series says where its source is and with which tools it is built. The source is the tree without any change, the
//! changes are this repository's, and the toolchain is the same for every build of a lane.

pub mod build;
pub mod changes;
mod lane;
mod link;
pub mod series;
pub mod source;
pub mod toolchain;

pub use build::{prepare, Kernel};
pub use lane::Lane;
pub use link::Link;
pub use series::Series;
