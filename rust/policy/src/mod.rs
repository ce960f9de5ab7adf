// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rule, from a name to an answer: [`clean`] a name, put the [`query`], walk a [`table`],
//! [`resolve`]; tracers have a [`fallback`]. [`livepatch`] and [`request`] are the two ways in
//! which a query is written down.

pub mod clean;
pub mod fallback;
pub mod livepatch;
pub mod name;
pub mod parsed;
pub mod query;
pub mod request;
pub mod resolve;
pub mod rule;
pub mod table;

pub use clean::{
    cleanup_symbol_name,
    cleanup_symbol_name_in_place,
    CleanName, //
};
pub use fallback::Fallback;
pub use livepatch::{
    FormatError,
    LivepatchSection,
    LivepatchSymbol, //
};
pub use name::{
    ObjName,
    SymbolName,
    Sympos,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
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
pub use table::{
    NameIndex,
    Prefix,
    Symbol,
    SymbolSequence,
    Visit, //
};
