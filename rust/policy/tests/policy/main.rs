// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tests of `klp-policy`: one table of cases, and a naive twin of everything that is computed.
//!
//! The case table and the table in memory are the ones that the `KUnit` suites use.

#[path = "../../../../kunit/cases.rs"]
mod cases;
#[path = "../../../../kunit/host/sscanf.rs"]
mod sscanf;
#[path = "../../../../kunit/host/table.rs"]
mod table;

mod random;

mod agreement;
mod clean;
mod clean_name;
mod display;
mod fallback;
mod livepatch;
mod parsed;
mod query;
mod request;
mod resolve;
mod rule;
mod search;

use klp_testkit::naive;
