// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The case table: every shape that a name can have, and what must become of it.
//!
//! The `KUnit` suites and the host's tests of `klp-policy` both compile this file.

/// A symbol's full name, and what each rule compares instead of it.
pub(crate) struct Case {
    /// The name in the symbol table.
    pub(crate) name: &'static [u8],
    /// By our rule.
    pub(crate) llvm: &'static [u8],
    /// By the rule of 6.5 to 6.10, which cut at `.llvm.`.
    pub(crate) llvm_cut: &'static [u8],
    /// By the rule of 5.16 to 6.4, which cut at the first dot.
    pub(crate) dot_cut: &'static [u8],
}

const fn case(
    name: &'static str,
    llvm: &'static str,
    llvm_cut: &'static str,
    dot_cut: &'static str,
) -> Case {
    Case {
        name: name.as_bytes(),
        llvm: llvm.as_bytes(),
        llvm_cut: llvm_cut.as_bytes(),
        dot_cut: dot_cut.as_bytes(),
    }
}

/// A name that has no promotion suffix and no dot: every rule leaves it whole.
const fn whole(name: &'static str) -> Case {
    case(name, name, name, name)
}

/// What the rules make of names.
pub(crate) const CASES: &[Case] = &[
    // Nothing to remove.
    whole(""),
    whole("f"),
    whole("init_once"),
    whole("llvm"),
    whole("foo_llvm_123"),
    whole("_RNvNtCs1234_6kernel5print6format"),
    // A promoted function, variable, static local and string literal.
    case("foo.llvm.123", "foo", "foo", "foo"),
    case("foo.llvm.0", "foo", "foo", "foo"),
    case("foo.llvm.deadbeef", "foo", "foo", "foo"),
    case("f.llvm.14172910296636650566", "f", "f", "f"),
    case("f.var.llvm.9a", "f.var", "f.var", "f"),
    case("f.var.32.llvm.9a", "f.var.32", "f.var.32", "f"),
    case(".str.llvm.7", ".str", ".str", ""),
    case(".str.41.llvm.7", ".str.41", ".str.41", ""),
    case("a.b.c.d.llvm.7", "a.b.c.d", "a.b.c.d", "a"),
    // Static locals and numbers are part of the name.
    case("f.var", "f.var", "f.var", "f"),
    case("f.var.32", "f.var.32", "f.var.32", "f"),
    case("foo.4", "foo.4", "foo.4", "foo"),
    case("var.100135", "var.100135", "var.100135", "var"),
    case("foo.cold", "foo.cold", "foo.cold", "foo"),
    case(
        "bpf_verifier_vlog._entry",
        "bpf_verifier_vlog._entry",
        "bpf_verifier_vlog._entry",
        "bpf_verifier_vlog",
    ),
    case(
        "bpf_verifier_vlog.__already_done",
        "bpf_verifier_vlog.__already_done",
        "bpf_verifier_vlog.__already_done",
        "bpf_verifier_vlog",
    ),
    // What a later pass appends behind the hash stays.
    case("foo.llvm.12.cold", "foo.cold", "foo", "foo"),
    case("foo.llvm.12.cold.1", "foo.cold.1", "foo", "foo"),
    case("foo.llvm.12.4", "foo.4", "foo", "foo"),
    case("foo.cold.llvm.12", "foo.cold", "foo.cold", "foo"),
    case("foo.llvm.12.", "foo.", "foo", "foo"),
    case("foo.llvm.12..b", "foo..b", "foo", "foo"),
    case("a.llvm.1.llvm", "a.llvm", "a", "a"),
    // Promoted more than once.
    case("foo.llvm.1.llvm.2", "foo", "foo", "foo"),
    case("foo.llvm.1.llvm.2.llvm.3", "foo", "foo", "foo"),
    case("foo.llvm.1.cold.llvm.2", "foo.cold", "foo", "foo"),
    case("a.llvm.1.b.llvm.2.c", "a.b.c", "a", "a"),
    case("a.llvm.1.llvm.2.c", "a.c", "a", "a"),
    case("a.llvm.1.llvm.x", "a.llvm.x", "a", "a"),
    // The hash is one or more of `[0-9a-f]` up to a dot or the end.
    case("foo.llvm", "foo.llvm", "foo.llvm", "foo"),
    case("foo.llvm.", "foo.llvm.", "foo", "foo"),
    case("foo.llvm..", "foo.llvm..", "foo", "foo"),
    case("foo.llvm..1", "foo.llvm..1", "foo", "foo"),
    case("foo.llvm.xyz", "foo.llvm.xyz", "foo", "foo"),
    case("foo.llvm.12x", "foo.llvm.12x", "foo", "foo"),
    case("foo.llvm.12_cold", "foo.llvm.12_cold", "foo", "foo"),
    case("foo.llvm.x12", "foo.llvm.x12", "foo", "foo"),
    case("foo.llvm.ABC", "foo.llvm.ABC", "foo", "foo"),
    case("foo.llvm.12G", "foo.llvm.12G", "foo", "foo"),
    case("foo.llvm.g", "foo.llvm.g", "foo", "foo"),
    case("foo.llvm./", "foo.llvm./", "foo", "foo"),
    case("foo.llvm.:", "foo.llvm.:", "foo", "foo"),
    case("foo.llvm.`", "foo.llvm.`", "foo", "foo"),
    case("foo.llvm.*", "foo.llvm.*", "foo", "foo"),
    case("foo.llvm.-1", "foo.llvm.-1", "foo", "foo"),
    case("foo.llvm. 1", "foo.llvm. 1", "foo", "foo"),
    // Not the suffix.
    case("foo.llvmx.1", "foo.llvmx.1", "foo.llvmx.1", "foo"),
    case("foo.xllvm.1", "foo.xllvm.1", "foo.xllvm.1", "foo"),
    case("foo.LLVM.1", "foo.LLVM.1", "foo.LLVM.1", "foo"),
    whole("foollvm"),
    case("foollvm.1", "foollvm.1", "foollvm.1", "foollvm"),
    case("llvm.1", "llvm.1", "llvm.1", "llvm"),
    case("llvm.llvm.1", "llvm", "llvm", "llvm"),
    // The base must not be empty.
    case(".llvm.12", ".llvm.12", "", ""),
    case(".llvm.12.cold", ".llvm.12.cold", "", ""),
    case(".llvm.1.llvm.2", ".llvm.1", "", ""),
    case("..llvm.1", ".", ".", ""),
    case(".", ".", ".", ""),
    case(".llvm.", ".llvm.", "", ""),
    // Suffixes that share a word, and text that would be one after the removal of another.
    case("x.llvm.llvm.1", "x.llvm", "x", "x"),
    case("x.llvm.llvm.1.12", "x.llvm.12", "x", "x"),
    case("x.llvm.llvm.llvm.1", "x.llvm.llvm", "x", "x"),
    case("x.llvm.a.llvm", "x.llvm", "x", "x"),
    case("x.llvm.a.llvm.b.c", "x.c", "x", "x"),
    case("x.ll.llvm.1.vm.2", "x.ll.vm.2", "x.ll", "x"),
    case("x.llvm.y.llvm.1", "x.llvm.y", "x", "x"),
];

/// What a written name asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The exact name, or else the cleaned one.
    Plain,
    /// The exact name with its hash; for a tracer, or else the cleaned one.
    Hashed,
    /// Every symbol of the cleaned name.
    Any,
}

/// A written name, what it asks for, and the cleaned name that it stands for.
pub(crate) struct QueryCase {
    pub(crate) text: &'static [u8],
    pub(crate) asks: Asks,
    pub(crate) cleaned: &'static [u8],
}

const fn query(text: &'static str, asks: Asks, cleaned: &'static str) -> QueryCase {
    QueryCase {
        text: text.as_bytes(),
        asks,
        cleaned: cleaned.as_bytes(),
    }
}

/// How written names are read.
pub(crate) const QUERIES: &[QueryCase] = &[
    query("foo", Asks::Plain, "foo"),
    query("f.var.32", Asks::Plain, "f.var.32"),
    query("foo.llvm.xyz", Asks::Plain, "foo.llvm.xyz"),
    query("foo.llvm.123", Asks::Hashed, "foo"),
    query("foo.llvm.12.cold", Asks::Hashed, "foo.cold"),
    query("foo.llvm.*", Asks::Any, "foo"),
    query(".str.4.llvm.*", Asks::Any, ".str.4"),
    query("f", Asks::Plain, "f"),
    // A star is special at the end and behind a base only.
    query("foo.llvm.*.cold", Asks::Plain, "foo.llvm.*.cold"),
    query("foo.llvm.**", Asks::Plain, "foo.llvm.**"),
    query("foo.*", Asks::Plain, "foo.*"),
    query(".llvm.*", Asks::Plain, ".llvm.*"),
    query("*", Asks::Plain, "*"),
    // What stands before the star is a cleaned name already, and taken as it is.
    query("foo.llvm.12.llvm.*", Asks::Any, "foo.llvm.12"),
    query("foo.llvm.*.llvm.*", Asks::Any, "foo.llvm.*"),
];

/// Names of livepatch symbols that the kernel reads, or refuses to.
///
/// Nothing is expected here: `sscanf()` says what is right.
pub(crate) const LIVEPATCH_SYMBOLS: &[&[u8]] = &[
    b".klp.sym.vmlinux.init_once.llvm.*,2",
    b".klp.sym.vmlinux.printk,0",
    b".klp.sym.vmlinux..str.4.llvm.*,1",
    b".klp.sym.ext4.a.b.c,18446744073709551615",
    b".klp.sym.ext4.a,007",
    // `%lu` skips white space, wraps around or saturates, and does not look behind the number.
    b".klp.sym.ext4.a,18446744073709551616",
    b".klp.sym.ext4.a,99999999999999999999999",
    b".klp.sym.ext4.a, 1",
    b".klp.sym.ext4.a,\t\n\x0b\x0c\r 1",
    b".klp.sym.ext4.a,\xa01",
    b".klp.sym.ext4.a,\x851",
    b".klp.sym.ext4.a,\x081",
    b".klp.sym.ext4.a,\x0e1",
    b".klp.sym.ext4.a,1 ",
    b".klp.sym.ext4.a,1x",
    b".klp.sym.ext4.a,1,2",
    b".klp.sym.ext4.a,0x10",
    b".klp.sym.ext4.a,+1",
    b".klp.sym.ext4.a,-1",
    b".klp.sym.ext4.a,x1",
    b".klp.sym.ext4.a,",
    b".klp.sym.ext4.a, ",
    b".klp.sym.ext4.a",
    b".klp.sym.ext4.a b,1",
    b".klp.sym.ext4. a,1",
    b".klp.sym.e xt4.a,1",
    b".klp.sym.,.a,1",
    b".klp.sym.ext4.,1",
    b".klp.sym.ext4.,,1",
    b".klp.sym.ext4..,1",
    b".klp.sym.ext4",
    b".klp.sym.ext4,1",
    b".klp.sym.ext4.",
    b".klp.sym..a,1",
    b".klp.sym.",
    b".klp.sym",
    b".klp.symx.ext4.a,1",
    b".klp.rela.ext4.a,1",
    b"klp.sym.ext4.a,1",
    b" .klp.sym.ext4.a,1",
    b".KLP.sym.ext4.a,1",
    b"",
];

/// Names of livepatch relocation sections that the kernel reads, or refuses to.
pub(crate) const LIVEPATCH_SECTIONS: &[&[u8]] = &[
    b".klp.rela.vmlinux..text.f",
    b".klp.rela.ext4..rela.text",
    b".klp.rela.ext4.x",
    b".klp.rela.ext4.",
    b".klp.rela.ext4",
    b".klp.rela.e xt4,.x",
    b".klp.rela.m12345678901234567890123456789012345678901234567890123.x",
    b".klp.rela.m123456789012345678901234567890123456789012345678901234.x",
    b".klp.rela.m1234567890123456789012345678901234567890123456789012345.x",
    b".klp.rela.m1234567890123456789012345678901234567890123456789012345",
    b".klp.rela..x",
    b".klp.rela.",
    b".klp.rela",
    b".klp.relax.ext4.x",
    b".klp.sym.ext4.x",
    b"klp.rela.ext4.x",
    b"",
];
