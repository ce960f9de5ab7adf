// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The changes between two builds of a file: each number and name that a build makes up, once.

use crate::elf::{Elf, Place};
use klp_gen::build::code::{Code, Layouts, PieceKind};
use klp_gen::build::compare::{compare, Changes, Pairings, Versions};
use klp_gen::build::declared::{self, At, Places};
use klp_gen::build::{KbuildObject, Reason, Unit};
use object::elf::{
    self, RelocationType, SectionFlags, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_STRINGS,
    SHF_WRITE, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_NOTYPE, STT_OBJECT, STT_SECTION,
};

pub const CODE: SectionFlags = SectionFlags(SHF_ALLOC.0 | SHF_EXECINSTR.0);
pub const DATA: SectionFlags = SectionFlags(SHF_ALLOC.0 | SHF_WRITE.0);
pub const STRINGS: SectionFlags = SectionFlags(SHF_ALLOC.0 | SHF_MERGE.0 | SHF_STRINGS.0);
pub const PC32: RelocationType = elf::R_X86_64_PC32;
pub const PLT32: RelocationType = elf::R_X86_64_PLT32;
pub const S32: RelocationType = elf::R_X86_64_32S;

/// `mov $imm32, %rdi`
pub const MOV: [u8; 7] = [0x48, 0xc7, 0xc7, 0, 0, 0, 0];
/// `call rel32`
pub const CALL: [u8; 5] = [0xe8, 0, 0, 0, 0];
/// `movl $7, disp32(%rip)`
const STORE: [u8; 10] = [0xc7, 0x05, 0, 0, 0, 0, 7, 0, 0, 0];
/// `incl disp32(%rip)`
pub const INC: [u8; 6] = [0xff, 0x05, 0, 0, 0, 0];

/// An object file as a backend writes it.
pub struct Source {
    pub elf: Elf,
}

impl Source {
    pub fn new() -> Self {
        Self {
            elf: Elf::new(elf::ET_REL),
        }
    }

    /// Adds a function with a section of its own, and returns the section.
    pub fn function(&mut self, name: &str, parts: &[&[u8]]) -> usize {
        let code = parts.concat();
        let section = self.elf.section(&format!(".text.{name}"), CODE, &code);
        let place = Place::Section(section);
        let bind = if name.contains(".llvm.") {
            STB_GLOBAL
        } else {
            STB_LOCAL
        };
        self.elf
            .symbol(name, bind, STT_FUNC, place, 0, code.len() as u64);
        section
    }

    /// Adds a variable with a section of its own, and returns its symbol.
    pub fn variable(&mut self, name: &str, bytes: &[u8]) -> usize {
        let section = self.elf.section(&format!(".data.{name}"), DATA, bytes);
        self.object(section, name, 0, bytes.len() as u64)
    }

    /// Names a part of a section.
    pub fn object(&mut self, section: usize, name: &str, value: u64, size: u64) -> usize {
        let place = Place::Section(section);
        self.elf
            .symbol(name, STB_LOCAL, STT_OBJECT, place, value, size)
    }

    /// Adds a section and returns it with its symbol.
    pub fn section(&mut self, name: &str, flags: SectionFlags, bytes: &[u8]) -> (usize, usize) {
        let section = self.elf.section(name, flags, bytes);
        let place = Place::Section(section);
        let symbol = self.elf.symbol("", STB_LOCAL, STT_SECTION, place, 0, 0);
        (section, symbol)
    }

    pub fn build(&self) -> Vec<u8> {
        // Local symbols come first, as in every file that a compiler writes.
        let mut elf = self.elf.clone();
        let mut order: Vec<usize> = (0..elf.symbols.len()).collect();
        order.sort_by_key(|&at| elf.symbols[at].bind != STB_LOCAL);
        elf.symbols = order
            .iter()
            .map(|&at| self.elf.symbols[at].clone())
            .collect();
        for section in &mut elf.sections {
            for relocation in &mut section.relocations {
                let new = order.iter().position(|&at| at == relocation.symbol);
                relocation.symbol = new.unwrap();
            }
        }
        elf.build()
    }
}

pub fn unit() -> Unit {
    Unit {
        object: KbuildObject::Vmlinux,
        kbuild_path: "fs/file.o".into(),
        source: "fs/file.c".into(),
        original: "original.o".into(),
        patched: "patched.o".into(),
        reason: Reason::Patched,
    }
}

/// Returns the names of the functions and variables that differ, and what is refused.
fn changes(original: &Source, patched: &Source) -> (Vec<String>, Vec<String>, Vec<String>) {
    changes_with(original, patched, None)
}

/// Returns the same, with the places of variables before and after.
fn changes_with(
    original: &Source,
    patched: &Source,
    places: Option<&[Places; 2]>,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (before, after) = (original.build(), patched.build());
    let layouts = Layouts::X86_64;
    let versions = [Versions {
        original: Code::read("original.o".to_owned(), &before, &layouts).unwrap(),
        patched: Code::read("patched.o".to_owned(), &after, &layouts).unwrap(),
    }];
    let pairings = Pairings::new(&versions, &layouts, &|_, _| Ok(places.cloned())).unwrap();
    let Changes {
        functions,
        data,
        refusals,
    } = compare(&[unit()], &versions, &pairings);
    let code = &versions[0].patched;
    let functions = functions.iter().map(|f| code.name(f.patched));
    let data = data.iter().map(|&(_, id)| code.name(id));
    let refusals = refusals
        .iter()
        .map(|r| format!("{}: {}", r.subject, r.reason));
    (functions.collect(), data.collect(), refusals.collect())
}

#[track_caller]
fn assert_changed(make: impl Fn(bool) -> Source, expected: &[&str]) {
    let (functions, data, refusals) = changes(&make(false), &make(true));
    assert_eq!(functions, expected);
    assert_eq!(data, [""; 0]);
    assert_eq!(refusals, [""; 0]);
}

#[test]
fn bytes() {
    assert_changed(
        |patched| {
            let mut source = Source::new();
            source.function("same", &[&[0x31, 0xc0, 0xc3]]);
            source.function("other", &[&[0x31, if patched { 0xc9 } else { 0xc0 }, 0xc3]]);
            source
        },
        &["other"],
    );
}

#[test]
fn the_hash_of_a_promoted_name_is_of_one_build() {
    assert_changed(
        |patched| {
            let hash = if patched { "222" } else { "111" };
            let mut source = Source::new();
            let user = source.function("user", &[&CALL, &[0xc3]]);
            source.function(&format!("promoted.llvm.{hash}"), &[&[0xc3]]);
            let callee = source.elf.symbols.len() - 1;
            source.elf.relocate(user, 1, callee, PLT32, -4);
            source
        },
        &[],
    );
}

#[test]
fn a_static_that_is_promoted_by_the_patch_is_the_same_one() {
    assert_changed(
        |patched| {
            let mut source = Source::new();
            let user = source.function("user", &[&CALL, &[0xc3]]);
            source.function(
                if patched { "callee.llvm.222" } else { "callee" },
                &[&[0xc3]],
            );
            let callee = source.elf.symbols.len() - 1;
            source.elf.relocate(user, 1, callee, PLT32, -4);
            source
        },
        &[],
    );
}

#[test]
fn another_file_is_told_by_the_whole_name() {
    assert_changed(
        |patched| {
            let mut source = Source::new();
            let user = source.function("user", &[&CALL, &[0xc3]]);
            let callee = if patched {
                "twin.llvm.222"
            } else {
                "twin.llvm.111"
            };
            let callee = source.elf.undefined(callee);
            source.elf.relocate(user, 1, callee, PLT32, -4);
            source
        },
        &["user"],
    );
}

#[test]
fn strings_are_compared_by_content() {
    let make = |strings: &[u8], offset: i64| {
        let mut source = Source::new();
        let show = source.function("show", &[&MOV, &[0xc3]]);
        let (_, symbol) = source.section(".rodata.str1.1", STRINGS, strings);
        source.elf.relocate(show, 3, symbol, S32, offset);
        source
    };
    let original = make(b"first\0second\0", 6);
    // Another string in front of it.
    let shifted = changes(&original, &make(b"zero\0first\0second\0", 11));
    assert_eq!(shifted.0, [""; 0]);
    // Another string in its place, as long as the one before.
    let other = changes(&original, &make(b"first\0minute\0", 6));
    assert_eq!(other.0, ["show"]);
    // A string that begins in the same way.
    let longer = changes(&original, &make(b"first\0second one\0", 6));
    assert_eq!(longer.0, ["show"]);
}

#[test]
fn objects_among_mergeable_constants_are_as_large_as_their_symbols() {
    let make = |last: u8| {
        let mut source = Source::new();
        let show = source.function("show", &[&MOV, &[0xc3]]);
        let bytes = [1, 0, 2, 0, last, 0, 9, 9];
        let (section, symbol) = source.section(".rodata.cst8", STRINGS, &bytes);
        source.object(section, "table", 0, 6);
        source.elf.relocate(show, 3, symbol, S32, 0);
        source
    };
    // As a string, the table would end at its first zero.
    assert_eq!(changes(&make(3), &make(4)).0, ["show"]);
    assert_eq!(changes(&make(3), &make(3)).0, [""; 0]);
}

/// Two static locals of one name and those who use them. The patch adds another one in front of them, so that
/// LLVM numbers them anew.
fn static_locals(patched: bool, changed_uses: usize) -> Source {
    let mut source = Source::new();
    let names: &[&str] = if patched {
        &["count.key", "count.key.8", "count.key.12"]
    } else {
        &["count.key", "count.key.7"]
    };
    let symbols: Vec<_> = names
        .iter()
        .map(|name| source.variable(name, &[0; 8]))
        .collect();
    let first = usize::from(patched);
    for (at, name) in ["reads_first", "reads_second"].iter().enumerate() {
        let section = source.function(name, &[&INC, &[0xc3]]);
        source
            .elf
            .relocate(section, 2, symbols[first + at], PC32, -4);
    }
    let section = source.function("count", &[&INC, &[0xc3]]);
    let used = if patched { changed_uses } else { 0 };
    source.elf.relocate(section, 2, symbols[used], PC32, -4);
    source
}

#[test]
fn static_locals_are_paired_by_their_users() {
    // count() used the first one, and still does.
    let (functions, data, _) = changes(&static_locals(false, 0), &static_locals(true, 1));
    assert_eq!((functions, data), (vec![], vec![]));
    // It uses the second one: by folded names, nothing would have changed.
    let (functions, ..) = changes(&static_locals(false, 0), &static_locals(true, 2));
    assert_eq!(functions, ["count"]);
    // It uses the new one, which has the name that the first one had.
    let (functions, ..) = changes(&static_locals(false, 0), &static_locals(true, 0));
    assert_eq!(functions, ["count"]);
}

/// Returns the name of the original of each variable of a patched file that has one, by the variable's name.
fn pairs(original: &Source, patched: &Source) -> Vec<(String, String)> {
    let (before, after) = (original.build(), patched.build());
    let layouts = Layouts::X86_64;
    let versions = [Versions {
        original: Code::read("original.o".to_owned(), &before, &layouts).unwrap(),
        patched: Code::read("patched.o".to_owned(), &after, &layouts).unwrap(),
    }];
    let pairings = Pairings::new(&versions, &layouts, &|_, _| Ok(None)).unwrap();
    let Versions { original, patched } = &versions[0];
    let variables = patched
        .numbered()
        .filter(|(_, p)| p.kind == PieceKind::Data);
    let pairs = variables.filter_map(|(id, _)| Some((id, pairings.of(0).original(id)?)));
    let name =
        |code: &Code<'_>, id| String::from_utf8_lossy(code.piece(id).name.unwrap()).into_owned();
    pairs
        .map(|(id, of)| (name(patched, id), name(original, of)))
        .collect()
}

#[test]
fn flags_of_macros_without_other_users_are_paired_by_order_among_equals() {
    let make = |name: &str, numbers: [u8; 2]| {
        let mut source = Source::new();
        let names = numbers.map(|number| format!("show.{name}.{number}"));
        let symbols = names.map(|name| source.variable(&name, &[0; 8]));
        let section = source.function("show", &[&INC, &INC, &[0xc3, numbers[0]]]);
        for (at, symbol) in (0..).zip(symbols) {
            source.elf.relocate(section, 2 + 6 * at, symbol, PC32, -4);
        }
        source
    };
    let flag = |numbers| make("__already_done", numbers);
    let pair = |patched, original| {
        let name = |number| format!("show.__already_done.{number}");
        (name(patched), name(original))
    };
    assert_eq!(
        pairs(&flag([1, 2]), &flag([5, 9])),
        [pair(5, 1), pair(9, 2)]
    );
    // A counter remembers something: which one is which matters.
    let counter = |numbers| make("count", numbers);
    assert_eq!(pairs(&counter([1, 2]), &counter([5, 9])), []);
}

#[test]
fn a_symbol_of_another_patched_file_is_told_by_its_definition() {
    let make = |hash: &str| {
        let mut user = Source::new();
        let section = user.function("user", &[&CALL, &[0xc3]]);
        let name = format!("promoted.llvm.{hash}");
        let callee = user.elf.undefined(&name);
        user.elf.relocate(section, 1, callee, PLT32, -4);
        let mut definition = Source::new();
        definition.function(&name, &[&[0xc3]]);
        [user.build(), definition.build()]
    };
    let (before, after) = (make("111"), make("222"));
    let layouts = Layouts::X86_64;
    let versions = before.iter().zip(&after).map(|(before, after)| Versions {
        original: Code::read("original.o".to_owned(), before, &layouts).unwrap(),
        patched: Code::read("patched.o".to_owned(), after, &layouts).unwrap(),
    });
    let versions: Vec<_> = versions.collect();
    let pairings = Pairings::new(&versions, &layouts, &|_, _| Ok(None)).unwrap();
    assert_eq!(
        compare(&[unit(), unit()], &versions, &pairings).functions,
        []
    );
}

#[test]
fn an_immediate_behind_a_pc_relative_operand_is_no_distance() {
    let make = |name: &str| {
        let mut source = Source::new();
        let store = source.function("store", &[&STORE, &[0xc3]]);
        let (section, symbol) = source.section(".data..ro_after_init", DATA, &[0; 16]);
        source.object(section, "neighbour", 0, 8);
        source.object(section, name, 8, 8);
        // The instruction ends 8 bytes behind the operand: 0 is meant as the distance from the second.
        source.elf.relocate(store, 2, symbol, PC32, 0);
        source
    };
    // With -4 for every operand, the reference would be to the neighbour, which keeps its name.
    let (functions, ..) = changes(&make("meant"), &make("another"));
    assert_eq!(functions, ["store"]);
    assert_eq!(changes(&make("meant"), &make("meant")).0, [""; 0]);
}

#[test]
fn chunks_are_compared_by_content() {
    let make = |shift: usize, byte: u8| {
        let mut source = Source::new();
        let user = source.function("user", &[&[0xe9, 0, 0, 0, 0], &[0xc3]]);
        let mut chunk = vec![0x90; shift];
        chunk.extend([0xf6, byte, 0xc3]);
        let (_, symbol) = source.section(".altinstr_aux", CODE, &chunk);
        if shift > 0 {
            let other = source.function("other", &[&[0xe9, 0, 0, 0, 0], &[0xc3]]);
            source.elf.relocate(other, 1, symbol, PLT32, -4);
        }
        let addend = i64::try_from(shift).unwrap() - 4;
        source.elf.relocate(user, 1, symbol, PLT32, addend);
        source
    };
    assert_eq!(changes(&make(0, 1), &make(8, 1)).0, [""; 0]);
    assert_eq!(changes(&make(0, 1), &make(0, 2)).0, ["user"]);
}

/// A function with an entry of `__bug_table`: at its second byte, with a line and flags.
fn bug(line: u16, flags: u16) -> Source {
    let mut source = Source::new();
    source.function("warns", &[&[0x90, 0x0f, 0x0b, 0xc3]]);
    let function = source.elf.symbols.len() - 1;
    let mut entry = [0; 12];
    entry[8..10].copy_from_slice(&line.to_le_bytes());
    entry[10..].copy_from_slice(&flags.to_le_bytes());
    let (table, _) = source.section("__bug_table", DATA, &entry);
    let (_, strings) = source.section(".rodata.str1.1", STRINGS, b"file.c\0");
    source.elf.relocate(table, 0, function, PC32, 1);
    source.elf.relocate(table, 4, strings, PC32, 0);
    source
}

#[test]
fn lines_of_warnings_are_no_change_but_their_flags_are() {
    assert_eq!(changes(&bug(10, 1), &bug(11, 1)).0, [""; 0]);
    assert_eq!(changes(&bug(10, 1), &bug(10, 2)).0, ["warns"]);
}

#[test]
fn an_entry_that_code_refers_to_may_have_another_place_in_its_table() {
    let make = |others: u8, flags: u8| {
        let mut source = Source::new();
        let lea = [0x48, 0x8d, 0x3d, 0, 0, 0, 0];
        let warns = source.function("warns", &[&lea, &[0x0f, 0x0b, 0xc3]]);
        let mut entries = vec![0; 12 * usize::from(others)];
        let at = 12 * u64::from(others);
        entries.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, flags, 0]);
        source.function("other", &[&[0x0f, 0x0b, 0xc3]]);
        let (table, symbol) = source.section("__bug_table", DATA, &entries);
        for other in 0..u64::from(others) {
            source.elf.relocate(table, 12 * other, 1, PC32, 0);
        }
        source.elf.relocate(table, at, 0, PC32, 7);
        source
            .elf
            .relocate(warns, 3, symbol, PC32, 12 * i64::from(others) - 4);
        source
    };
    assert_eq!(changes(&make(0, 1), &make(1, 1)).0, ["other"]);
    assert_eq!(changes(&make(0, 1), &make(0, 2)).0, ["warns"]);
}

#[test]
fn entries_of_tables_are_part_of_their_function() {
    let make = |fixup: i64| {
        let mut source = Source::new();
        source.function("reads", &[&[0x90; 8], &[0xc3]]);
        let function = source.elf.symbols.len() - 1;
        let (table, _) = source.section("__ex_table", SHF_ALLOC, &[0; 12]);
        source.elf.relocate(table, 0, function, PC32, 2);
        source.elf.relocate(table, 4, function, PC32, fixup);
        source
    };
    assert_eq!(changes(&make(6), &make(7)).0, ["reads"]);
    assert_eq!(changes(&make(6), &make(6)).0, [""; 0]);
}

#[test]
fn an_alternative_without_replacement_is_not_the_one_behind_it() {
    let make = |length: u8, byte: u8| {
        let mut source = Source::new();
        source.function("user", &[&[0x90; 8], &[0xc3]]);
        let function = source.elf.symbols.len() - 1;
        let mut entry = [0; 14];
        entry[13] = length;
        let (table, _) = source.section(".altinstructions", SHF_ALLOC, &entry);
        let (_, replacement) = source.section(".altinstr_replacement", CODE, &[byte, 0x90]);
        source.elf.relocate(table, 0, function, PC32, 2);
        source.elf.relocate(table, 4, replacement, PC32, 0);
        source
    };
    assert_eq!(changes(&make(0, 1), &make(0, 2)).0, [""; 0]);
    assert_eq!(changes(&make(1, 1), &make(1, 2)).0, ["user"]);
}

#[test]
fn counters_in_names_of_macros_are_no_change() {
    assert_changed(
        |patched| {
            let number = if patched { 31 } else { 17 };
            let mut source = Source::new();
            let user = source.function("user", &[&INC, &[0xc3]]);
            let state = source.variable(&format!("__UNIQUE_ID_state{number}"), &[0; 8]);
            source.elf.relocate(user, 2, state, PC32, -4);
            source
        },
        &[],
    );
}

#[test]
fn the_line_of_a_debug_message_is_no_change_but_its_text_is() {
    let make = |line: u32, class: u32, text: &[u8]| {
        let mut source = Source::new();
        let user = source.function("user", &[&MOV, &[0xc3]]);
        let mut descriptor = [0; 56];
        descriptor[32..36].copy_from_slice(&(line | class << 18).to_le_bytes());
        let (section, _) = source.section("__dyndbg", DATA, &descriptor);
        let (_, strings) = source.section(".rodata.str1.1", STRINGS, text);
        let descriptor = source.object(section, "user.__UNIQUE_ID_ddebug9", 0, 56);
        source
            .elf
            .relocate(section, 24, strings, elf::R_X86_64_64, 0);
        source.elf.relocate(user, 3, descriptor, S32, 0);
        source
    };
    assert_eq!(
        changes(&make(10, 1, b"a\0"), &make(11, 1, b"a\0")).0,
        [""; 0]
    );
    assert_eq!(
        changes(&make(10, 1, b"a\0"), &make(10, 1, b"b\0")).0,
        ["user"]
    );
    assert_eq!(
        changes(&make(10, 1, b"a\0"), &make(10, 2, b"a\0")).0,
        ["user"]
    );
}

#[test]
fn private_tables_are_part_of_their_users() {
    let make = |entry: u8| {
        let mut source = Source::new();
        let user = source.function("user", &[&MOV, &[0xc3]]);
        let (_, table) = source.section(".rodata..Lswitch.table.user", SHF_ALLOC, &[1, entry]);
        source.elf.relocate(user, 3, table, S32, 0);
        source
    };
    assert_eq!(changes(&make(2), &make(3)).0, ["user"]);
    assert_eq!(changes(&make(2), &make(2)).0, [""; 0]);
}

/// Two functions in one section, of which the first calls the second without a relocation.
fn shared(between: usize, callee: &str) -> Source {
    let mut source = Source::new();
    let mut code = CALL.to_vec();
    let distance = u8::try_from(between).unwrap();
    code[1] = 1 + distance;
    code.push(0xc3);
    code.extend(vec![0x90; between]);
    let at = code.len() as u64;
    code.push(0xc3);
    let section = source.elf.section(".sched.text", CODE, &code);
    let place = Place::Section(section);
    source
        .elf
        .symbol("caller", STB_LOCAL, STT_FUNC, place, 0, 6);
    if between > 0 {
        let size = between as u64;
        source
            .elf
            .symbol("between", STB_LOCAL, STT_FUNC, place, 6, size);
    }
    source.elf.symbol(callee, STB_LOCAL, STT_FUNC, place, at, 1);
    source
}

#[test]
fn calls_within_a_section_are_references() {
    assert_eq!(
        changes(&shared(0, "callee"), &shared(9, "callee")).0,
        [""; 0]
    );
    assert_eq!(
        changes(&shared(0, "callee"), &shared(0, "another")).0,
        ["caller"]
    );
}

#[test]
fn a_function_changes_with_its_cold_part() {
    assert_changed(
        |patched| {
            let mut source = Source::new();
            source.function("hot", &[&[0xc3]]);
            source.function("hot.cold", &[&[0x0f, if patched { 0xb9 } else { 0x0b }]]);
            source
        },
        &["hot"],
    );
}

#[test]
fn existing_data_does_not_change() {
    let make = |value| {
        let mut source = Source::new();
        source.variable("limit", &[value; 8]);
        source
    };
    let (_, data, refusals) = changes(&make(1), &make(2));
    assert_eq!(data, ["limit"]);
    assert_eq!(refusals.len(), 1);
    assert!(
        refusals[0].starts_with("limit: fs/file.c: differs from the variable"),
        "{refusals:?}"
    );
}

#[test]
fn variables_without_contents_have_a_size() {
    let make = |size: u64| {
        let mut source = Source::new();
        let section = source.elf.section(".bss.limits", DATA, &[]);
        source.elf.sections[section].kind = elf::SHT_NOBITS;
        source.elf.sections[section].size = size;
        source.object(section, "limits", 0, size);
        source
    };
    assert_eq!(changes(&make(8), &make(16)).1, ["limits"]);
    assert_eq!(changes(&make(8), &make(8)).1, [""; 0]);
}

#[test]
fn the_line_in_an_entry_of_the_printk_index_is_no_change() {
    let make = |line: u8| {
        let mut source = Source::new();
        let (section, _) = source.section(".rodata.show._entry", SHF_ALLOC, &[line; 8]);
        source.object(section, "show._entry", 0, 8);
        source
    };
    assert_eq!(changes(&make(1), &make(2)).1, [""; 0]);
}

#[test]
fn a_place_behind_the_end_of_a_section_is_told_by_the_section() {
    assert_changed(
        |patched| {
            let mut source = Source::new();
            let hash = if patched { "222" } else { "111" };
            let show = source.function("show", &[&INC, &[0xc3]]);
            let name = format!(".rodata.show.llvm.{hash}");
            let (_, place) = source.section(&name, SHF_ALLOC, &[1; 8]);
            source.elf.relocate(show, 2, place, PC32, 12);
            source
        },
        &[],
    );
}

#[test]
fn entries_of_tables_without_a_pair_are_counted() {
    let make = |numbers: &[u8]| {
        let mut source = Source::new();
        let (section, _) = source.section("__table", SHF_ALLOC, &vec![0; 8 * numbers.len()]);
        for (at, number) in (0..).zip(numbers) {
            source.object(section, &format!("show.entry.{number}"), 8 * at, 8);
        }
        source
    };
    // As many as before, whichever is which.
    assert_eq!(changes(&make(&[1, 2]), &make(&[3, 4])).2, [""; 0]);
    assert_eq!(changes(&make(&[1, 2]), &make(&[3, 4, 5])).2.len(), 3);
    assert_eq!(changes(&make(&[1, 2, 5]), &make(&[3, 4])).2.len(), 3);
}

#[test]
fn code_of_the_boot_does_not_change() {
    let make = |value| {
        let mut source = Source::new();
        let section = source.elf.section(".init.text", CODE, &[value, 0xc3]);
        let place = Place::Section(section);
        source.elf.symbol("setup", STB_LOCAL, STT_FUNC, place, 0, 2);
        source
    };
    let (_, _, refusals) = changes(&make(0x90), &make(0xf8));
    assert!(
        refusals[0].starts_with("setup: fs/file.c: is only executed while"),
        "{refusals:?}"
    );
}

#[test]
fn entries_of_tables_of_the_kernel_neither_come_nor_go() {
    let make = |patched: bool| {
        let mut source = Source::new();
        source.function("same", &[&[0xc3]]);
        if patched {
            let (section, _) = source.section("__param", SHF_ALLOC, &[0; 8]);
            source.object(section, "__param_new", 0, 8);
        }
        source
    };
    let (_, _, refusals) = changes(&make(false), &make(true));
    assert!(
        refusals[0].starts_with("__param_new: fs/file.c: adds an entry"),
        "{refusals:?}"
    );
    let (_, _, refusals) = changes(&make(true), &make(false));
    assert!(
        refusals[0].starts_with("__param_new: fs/file.c: removes an entry of __param"),
        "{refusals:?}"
    );
    assert_eq!(changes(&make(true), &make(true)).2, [""; 0]);
}

/// A function with a type in front of it, behind or before some padding.
fn typed(type_id: u8, is_padded: bool, first: u8) -> Source {
    let mut source = Source::new();
    let id = [0xb8, type_id, 2, 3, 4];
    let front = if is_padded {
        [&[0x90; 11][..], &id].concat()
    } else {
        [&id[..], &[0x90; 11]].concat()
    };
    let code = [&front[..], &[first, 0xc3]].concat();
    let section = source.elf.section(".text.show", CODE, &code);
    let place = Place::Section(section);
    source
        .elf
        .symbol("__cfi_show", STB_LOCAL, STT_FUNC, place, 0, 16);
    source.elf.symbol("show", STB_LOCAL, STT_FUNC, place, 16, 2);
    source
}

#[test]
fn types_of_functions_do_not_change() {
    for is_padded in [true, false] {
        let before = typed(1, is_padded, 0x90);
        let (functions, _, refusals) = changes(&before, &typed(1, is_padded, 0xf8));
        assert_eq!((functions, refusals), (vec!["show".to_owned()], vec![]));
        let (functions, _, refusals) = changes(&before, &typed(9, is_padded, 0xf8));
        assert_eq!(functions, [""; 0]);
        assert!(refusals[0].contains("show: "), "{refusals:?}");
        assert!(refusals[0].contains("has another type"), "{refusals:?}");
    }
}

#[test]
fn read_only_variables_stay_read_only() {
    let make = |section: &str| {
        let mut source = Source::new();
        let (number, _) = source.section(section, DATA, &[1; 8]);
        source.object(number, "allowed", 0, 8);
        source
    };
    for (before, after) in [
        (".data..ro_after_init", ".data.allowed"),
        (".rodata.allowed", ".data.allowed"),
        (".data.allowed", ".data..percpu"),
    ] {
        let (_, data, refusals) = changes(&make(before), &make(after));
        assert_eq!(data, ["allowed"]);
        assert!(
            refusals[0].contains("is read-only, per-cpu or"),
            "{refusals:?}"
        );
    }
    let (_, data, _) = changes(&make(".data.allowed"), &make(".data..read_mostly"));
    assert_eq!(data, [""; 0]);
}

#[test]
fn init_functions_pair_only_with_init_functions() {
    let make = |section: &str| {
        let mut source = Source::new();
        let code = source.elf.section(section, CODE, &[0xc3]);
        let place = Place::Section(code);
        source.elf.symbol("setup", STB_LOCAL, STT_FUNC, place, 0, 1);
        let caller = source.function("caller", &[&CALL, &[0xc3]]);
        let setup = source.elf.symbols.iter().position(|s| s.name == "setup");
        source.elf.relocate(caller, 1, setup.unwrap(), PLT32, -4);
        source
    };
    let (functions, ..) = changes(&make(".init.text"), &make(".text.setup"));
    assert_eq!(functions, ["caller"]);
}

#[test]
fn parts_of_a_variable_are_told_by_their_fields() {
    let make = |numbers: [u8; 2]| {
        let mut source = Source::new();
        let symbols = numbers.map(|n| source.variable(&format!("state.{n}"), &[0; 8]));
        for (name, symbol) in ["one", "two"].into_iter().zip(symbols) {
            let section = source.function(name, &[&INC, &[0xc3]]);
            source.elf.relocate(section, 2, symbol, PC32, -4);
        }
        source
    };
    let fields = |parts: [(&str, &str); 2]| {
        let place = |field: &str| declared::Place {
            at: At::File,
            form: field.into(),
        };
        let parts = parts.map(|(name, field)| (name.as_bytes().to_vec(), Some(place(field))));
        Places::from(parts)
    };
    let old = fields([("state.1", "first"), ("state.2", "second")]);
    let (before, after) = (make([1, 2]), make([2, 3]));
    for (new, expected) in [
        // Nothing is known, and the same code may use another field.
        (None, &["one", "two"][..]),
        (Some([("state.2", "first"), ("state.3", "second")]), &[]),
        (
            Some([("state.2", "second"), ("state.3", "first")]),
            &["one", "two"],
        ),
        (Some([("state.2", "first"), ("state.3", "third")]), &["two"]),
    ] {
        let places = new.map(|new| [old.clone(), fields(new)]);
        let (functions, ..) = changes_with(&before, &after, places.as_ref());
        assert_eq!(functions, expected, "{new:?}");
    }
}

#[test]
fn exports_do_not_change() {
    let make = |patched: bool| {
        let mut source = Source::new();
        let (section, _) = source.section(".export_symbol", SHF_ALLOC, &[0; 8]);
        if patched {
            let place = Place::Section(section);
            source
                .elf
                .symbol("__export_symbol_new", STB_LOCAL, STT_NOTYPE, place, 0, 0);
        }
        source
    };
    for (before, after, expected) in [
        (false, true, "new: is exported by the patch"),
        (true, false, "new: is no longer exported"),
    ] {
        let (_, _, refusals) = changes(&make(before), &make(after));
        assert!(refusals[0].starts_with(expected), "{refusals:?}");
    }
}
