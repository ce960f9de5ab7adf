// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Does what authors of livepatches do: follows their guide, and makes their mistakes.

pub mod guide;
mod make;
pub mod makefile;
