// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rule, from a name to an answer: [`clean`] a name, put the [`query`], [`search`] a [`table`],
//! [`resolve`]; tracers have a [`fallback`], and people write a [`request`].
//!
//! With the feature `stock` there is also what a stock kernel does by itself: how it compares
//! names, and the format of a livepatch's relocations. The tools and the `KUnit` suites have it,
//! and the tools alone `parsed`, which takes names apart for reports. The module in the kernel has
//! neither.

pub mod clean;
pub mod fallback;
#[cfg(feature = "stock")]
pub mod livepatch;
pub mod name;
#[cfg(feature = "parsed")]
pub mod parsed;
mod prefix;
pub mod query;
pub mod request;
pub mod resolve;
pub mod rule;
pub mod search;
#[cfg(feature = "stock")]
pub mod stock;
pub mod table;

pub use clean::{
    cleanup_symbol_name,
    cleanup_symbol_name_in_place,
    CleanName, //
};
pub use fallback::{
    Fallback,
    Namesakes, //
};
#[cfg(feature = "stock")]
pub use livepatch::{
    FormatError,
    LivepatchSection,
    LivepatchSymbol,
    TooLarge, //
};
pub use name::{
    ObjName,
    SymbolName,
    Sympos,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
#[cfg(feature = "parsed")]
pub use parsed::{
    NameClass,
    ParsedName, //
};
pub use query::{
    Asker,
    Query, //
};
pub use request::{
    Request,
    RequestError, //
};
pub use resolve::{
    list_in_index,
    list_in_sequence,
    resolve_in_index,
    resolve_in_sequence,
    visit_in_index,
    Candidate,
    Found,
    MatchedBy,
    Reason, //
};
pub use rule::Policy;
#[cfg(feature = "stock")]
pub use search::walk_prefix;
pub use table::{
    NameIndex,
    Symbol,
    SymbolSequence,
    Visit, //
};
