// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Damage that the kernel takes without a look, and dies of: it cannot be tried. Damage of the same kind
//! that the kernel refuses is in scripts/variants.

use super::{check_bytes, check_patch, messages};
use crate::elf::{Place, ABSOLUTE};
use crate::livepatch::{Livepatch, KLP_FUNC, KLP_OBJECT, KLP_PATCH};
use klp_gen::elf::ElfFile;
use klp_policy::Policy;
use object::elf;

/// The place of the first function in the data of a livepatch of one object and one function, and the place
/// of the objects.
const OBJECT: u64 = KLP_PATCH;
const FUNCTION: u64 = KLP_PATCH + 2 * KLP_OBJECT;

fn refused(livepatch: &Livepatch) -> Vec<String> {
    messages(&check_patch(livepatch, Policy::Exact), "refused")
}

fn one() -> Livepatch {
    Livepatch::of("cmdline_proc_show")
}

/// Returns what is said if the kernel's own members of a struct have no place.
fn in_use(name: &str) -> String {
    format!(
        "the kernel's own members of a {name} are not 0, overlap another struct, or are in memory that is read-only or freed"
    )
}

#[test]
fn names_outside_of_their_table() {
    let good = one().build();
    let elf = ElfFile::parse("lp.ko".to_owned(), &good[..]).unwrap();
    let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    let symtab = elf.section(elf.symtab_section().unwrap()).unwrap();
    let symbol = usize::try_from(symtab.offset).unwrap() + 24;
    let said = |at: usize, number: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        messages(&check_bytes(&bytes, Policy::Exact), "refused")
    };
    assert_eq!(
        said(symbol, 0x0100_0000),
        ["the name of symbol 1 is not in the table of names"]
    );
    assert_eq!(
        said(headers, 0x0100_0000),
        ["the name of section 0 is not in the table of names"]
    );
}

/// `elf_type()` reads the header of the null symbol's section.
#[test]
fn a_null_symbol_in_a_section_that_is_not_there() {
    let mut bytes = one().build();
    let elf = ElfFile::parse("lp.ko".to_owned(), &bytes[..]).unwrap();
    let symtab = elf.section(elf.symtab_section().unwrap()).unwrap();
    let index = usize::try_from(symtab.offset).unwrap() + 6;
    bytes[index] = 1;
    let said = |bytes: &[u8]| messages(&check_bytes(bytes, Policy::Exact), "refused");
    assert_eq!(said(&bytes), [""; 0]);
    bytes[index] = 0x40;
    assert_eq!(said(&bytes), ["symbol 0 has an invalid section index"]);
}

/// The symbols of sections have no name, and a module that is coming has them.
#[test]
fn an_empty_name_in_a_module() {
    let of = |object| refused(&Livepatch::replacing(&[(object, &[("", 2)])]));
    assert_eq!(
        of(Some("net_mod")),
        ["its old_name is empty: the kernel may find the symbol of a section"]
    );
    assert_eq!(of(None), ["symbol '' not found in symbol table"]);
}

#[test]
fn structs_that_are_in_use() {
    let expected = in_use;
    for (at, name) in [
        (40, "klp_patch"),
        (OBJECT + 60, "klp_object"),
        (FUNCTION + 100, "klp_func"),
    ] {
        let mut livepatch = one();
        let data = livepatch.data;
        livepatch.elf.sections[data].data[usize::try_from(at).unwrap()] = 1;
        assert_eq!(refused(&livepatch), [expected(name)]);
    }
    // The array of functions begins where the data ends.
    let mut beyond = one();
    let data = &mut beyond.elf.sections[beyond.data];
    let end = i64::try_from(data.data.len()).unwrap();
    let funcs = data.relocations.iter_mut().find(|r| r.offset == OBJECT + 8);
    funcs.unwrap().addend = end;
    assert_eq!(refused(&beyond), [expected("klp_func")]);
    // The array of functions is that of the objects.
    let mut overlapping = one();
    let data = overlapping.data;
    let relocations = &mut overlapping.elf.sections[data].relocations;
    let funcs = relocations.iter_mut().find(|r| r.offset == OBJECT + 8);
    funcs.unwrap().addend = i64::try_from(OBJECT).unwrap();
    assert!(refused(&overlapping).contains(&expected("klp_object")));
}

/// `state_initialized` of the kobject of a `klp_patch`: `kobject_init()` complains of it.
const STATE_INITIALIZED: usize = 32 + 16 + 60;

/// Only the symbol of a variable says its length, and the kernel does not read that.
#[test]
fn structs_that_are_longer_than_their_symbol() {
    for size in [0, 1, 48, 96, 4096] {
        let mut livepatch = one();
        let symbols = &mut livepatch.elf.symbols;
        let patch = symbols.iter_mut().find(|s| s.name == "patch").unwrap();
        patch.size = size;
        assert_eq!(refused(&livepatch), [""; 0], "{size}");
        let data = livepatch.data;
        livepatch.elf.sections[data].data[STATE_INITIALIZED] = 1;
        assert_eq!(refused(&livepatch), [in_use("klp_patch")], "{size}");
    }
    for size in [0, 8, 151] {
        let mut livepatch = one();
        let symbols = &mut livepatch.elf.symbols;
        let funcs = symbols.iter_mut().find(|s| s.name == "funcs").unwrap();
        funcs.size = size;
        assert_eq!(refused(&livepatch), [""; 0], "{size}");
        let (data, last) = (livepatch.data, usize::try_from(FUNCTION + 146).unwrap());
        // nop
        livepatch.elf.sections[data].data[last] = 1;
        assert_eq!(refused(&livepatch), [in_use("klp_func")], "{size}");
    }
}

#[test]
fn structs_that_do_not_stay_writable() {
    let named = |name: &str, flags| {
        let mut livepatch = one();
        let data = &mut livepatch.elf.sections[livepatch.data];
        (data.name, data.flags) = (name.to_owned(), flags);
        refused(&livepatch)
    };
    let write = elf::SHF_ALLOC | elf::SHF_WRITE;
    assert_eq!(named(".data.own", write), [""; 0]);
    assert_eq!(named(".rodata", elf::SHF_ALLOC), [in_use("klp_patch")]);
    assert_eq!(named(".init.data", write), [in_use("klp_patch")]);
    for (name, flag) in [(".data..ro_after_init", 0), (".data.own", 0x0020_0000)] {
        let flags = elf::SectionFlags(write.0 | flag);
        assert_eq!(named(name, flags), [in_use("klp_patch")]);
    }
    // A pointer to a per-cpu variable is an offset, and the relocations of those are not applied.
    let mut per_cpu = one().enabled_by_code();
    let data = per_cpu.data;
    per_cpu.elf.sections[data].name = ".data..percpu".to_owned();
    assert_eq!(
        refused(&per_cpu),
        ["its klp_patch, a per-cpu variable, does not point to anything in the module"]
    );
}

#[test]
fn arrays_without_an_end() {
    let expected = |name| {
        format!(
            "an array of {name} has no empty element at its end: the kernel reads beyond the array"
        )
    };
    let mut funcs = one();
    let data = funcs.data;
    let end = usize::try_from(FUNCTION + KLP_FUNC).unwrap();
    funcs.elf.sections[data].data.truncate(end);
    assert_eq!(refused(&funcs), [expected("klp_func")]);
    // Behind the only object comes the array of functions, which the kernel takes for another object.
    let mut objs = one();
    let section = &mut objs.elf.sections[data];
    let (start, moved) = (OBJECT + KLP_OBJECT, i64::try_from(KLP_OBJECT).unwrap());
    section
        .data
        .drain(usize::try_from(start).unwrap()..usize::try_from(FUNCTION).unwrap());
    let inner = section.relocations.iter_mut();
    for relocation in inner.filter(|r| r.offset >= FUNCTION) {
        relocation.offset -= KLP_OBJECT;
    }
    let funcs = section
        .relocations
        .iter_mut()
        .find(|r| r.offset == OBJECT + 8);
    funcs.unwrap().addend -= moved;
    for symbol in &mut objs.elf.symbols {
        match symbol.name.as_str() {
            "objs" => symbol.size = KLP_OBJECT,
            "funcs" => symbol.value -= KLP_OBJECT,
            _ => {}
        }
    }
    let refused = refused(&objs);
    assert!(refused.contains(&in_use("klp_func")), "{refused:?}");
}

/// A name is read when a module comes, and when a cumulative livepatch does.
#[test]
fn names_that_do_not_stay() {
    let strings = |change: &dyn Fn(&mut Livepatch, usize)| {
        let mut livepatch = Livepatch::replacing(&[(Some("net_mod"), &[("handle", 0)])]);
        let sections = &livepatch.elf.sections;
        let strings = sections.iter().position(|s| s.name == ".rodata.str1.1");
        change(&mut livepatch, strings.unwrap());
        refused(&livepatch)
    };
    assert_eq!(strings(&|_, _| ()), [""; 0]);
    let freed = strings(&|l, at| l.elf.sections[at].name = ".init.rodata".to_owned());
    assert_eq!(
        freed,
        [
            "the name of a klp_object is in a section that is freed once the module has loaded",
            "its old_name is in a section that is freed once the module has loaded"
        ]
    );
    // "\0net_mod\0handle\0"
    let written = |offset, kind| {
        strings(&|l, at| {
            let data = &mut l.elf.sections[at].data;
            data.resize(32, 0);
            let symbol = l.new_func;
            l.elf.relocate(at, offset, symbol, kind, 0);
        })
    };
    let pointer = elf::R_X86_64_64;
    let into_function = "a relocation writes into its old_name";
    assert_eq!(written(16, pointer), [""; 0]);
    let nonzero = |kind: elf::RelocationType| {
        format!(
            "x86/modules: Invalid relocation target, existing value is nonzero for type {}",
            kind.0
        )
    };
    assert_eq!(written(12, pointer), [&nonzero(pointer), into_function]);
    assert_eq!(written(12, elf::R_X86_64_NONE), [""; 0]);
    // What ends it is overwritten.
    let end = elf::R_X86_64_PC32;
    assert_eq!(written(15, end), [into_function]);
    assert_eq!(
        written(8, end),
        [
            &nonzero(end),
            "a relocation writes into the name of a klp_object"
        ]
    );
}

/// The bytes that are 0 in the file are a list, a kobject, or patched code when the name is read.
#[test]
fn names_that_the_kernel_writes_over() {
    let named = |at: &dyn Fn(&Livepatch) -> (usize, u64)| {
        let mut livepatch = one();
        let (section, offset) = at(&livepatch);
        let place = Place::Section(section);
        let (bind, kind) = (elf::STB_LOCAL, elf::STT_OBJECT);
        let symbol = livepatch.elf.symbol("name", bind, kind, place, 0, 0);
        let data = livepatch.data;
        let relocations = &mut livepatch.elf.sections[data].relocations;
        let name = relocations.iter_mut().find(|r| r.offset == FUNCTION);
        let name = name.unwrap();
        name.symbol = symbol;
        name.addend = i64::try_from(offset).unwrap();
        refused(&livepatch)
    };
    let expected =
        "a name overlaps the kernel's own members of a klp_patch, klp_object or klp_func";
    let of_data = |offset| move |l: &Livepatch| (l.data, offset);
    for offset in [32, 108, OBJECT + 48, FUNCTION + 24, FUNCTION + KLP_FUNC - 1] {
        let refused = named(&of_data(offset));
        assert!(
            refused.contains(&expected.to_owned()),
            "{offset} {refused:?}"
        );
    }
    // Behind the structs is a place for a name.
    let free = FUNCTION + KLP_FUNC + 24;
    assert_eq!(
        named(&of_data(free)),
        ["symbol '' not found in symbol table"]
    );
    let nowhere = ["its old_name does not point to a string"];
    assert_eq!(named(&|l| (l.text, 0x80)), nowhere);
    let module = |l: &Livepatch| {
        let mut sections = l.elf.sections.iter();
        let found = sections.position(|s| s.name == ".gnu.linkonce.this_module");
        (found.unwrap(), 8)
    };
    assert_eq!(named(&module), nowhere);
}

#[test]
fn numbers_that_relocations_write() {
    let with = |at: u64, value: Option<u64>| {
        let mut livepatch = one();
        let (data, mut symbol) = (livepatch.data, livepatch.new_func);
        if let Some(value) = value {
            let (bind, kind) = (elf::STB_LOCAL, elf::STT_NOTYPE);
            symbol = livepatch
                .elf
                .symbol("number", bind, kind, ABSOLUTE, value, 0);
        }
        livepatch.point(data, at, symbol, 0);
        refused(&livepatch)
    };
    let sympos = FUNCTION + 16;
    assert_eq!(
        with(sympos, None),
        ["a relocation writes into its old_sympos"]
    );
    assert_eq!(with(sympos, Some(1)), [""; 0]);
    assert_eq!(
        with(sympos, Some(7)),
        ["symbol position 7 for symbol 'cmdline_proc_show' in object 'vmlinux' not found"]
    );
    assert_eq!(
        with(24, None),
        ["a relocation writes into the replace of its klp_patch"]
    );
    // What the kernel keeps in a struct is no place for one either.
    for (at, name) in [
        (KLP_PATCH - 8, "klp_patch"),
        (OBJECT + 56, "klp_object"),
        (FUNCTION + 24, "klp_func"),
    ] {
        assert_eq!(with(at, None), [in_use(name)]);
    }
}

#[test]
fn a_patch_that_is_not_whole() {
    let without = |offset: u64| {
        let mut livepatch = one().enabled_by_code();
        let data = livepatch.data;
        let relocations = &mut livepatch.elf.sections[data].relocations;
        relocations.retain(|r| r.offset != offset);
        refused(&livepatch)
    };
    assert_eq!(refused(&one().enabled_by_code()), [""; 0]);
    assert_eq!(
        without(0),
        ["-EINVAL without a log message: mod of its klp_patch is NULL"]
    );
    assert_eq!(
        without(8),
        ["-EINVAL without a log message: objs of its klp_patch is NULL"]
    );
}

#[test]
fn an_array_that_begins_beside_its_first_pointer() {
    let mut livepatch = one();
    let data = livepatch.data;
    let relocations = &mut livepatch.elf.sections[data].relocations;
    let objs = relocations.iter_mut().find(|r| r.offset == 8).unwrap();
    objs.addend -= 7;
    let unchecked = messages(&check_patch(&livepatch, Policy::Exact), "unchecked");
    assert_eq!(
        unchecked,
        ["no klp_patch was found in its data: its functions cannot be checked"]
    );
}

#[test]
fn refuses_replacements_that_are_no_code() {
    let data = one().data;
    let pointer = |offset: u64, change: &dyn Fn(&mut Livepatch, usize)| {
        let mut livepatch = one();
        let relocations = &livepatch.elf.sections[data].relocations;
        let index = relocations.iter().position(|r| r.offset == offset).unwrap();
        change(&mut livepatch, index);
        refused(&livepatch)
    };
    let moved = |distance: i64| {
        pointer(FUNCTION + 8, &|l, index| {
            l.elf.sections[data].relocations[index].addend = distance;
        })
    };
    assert_eq!(
        moved(4),
        ["its replacement is in the middle of replacement"]
    );
    assert_eq!(moved(0x1_0000), ["its replacement is outside of .text"]);
    let far = ["kallsyms size lookup failed for 'cmdline_proc_show' replacement"];
    assert_eq!(moved(1 << 32), far);
    // Both sizes are looked up before ftrace is asked for the place of the old function.
    let mut untraceable = Livepatch::of("noinstr_function");
    let replacement = |r: &&mut crate::elf::Reloc| r.offset == FUNCTION + 8;
    let relocations = &mut untraceable.elf.sections[data].relocations;
    relocations.iter_mut().find(replacement).unwrap().addend = 1 << 32;
    assert_eq!(
        refused(&untraceable),
        ["kallsyms size lookup failed for 'noinstr_function' replacement"]
    );
    // Half a pointer is none.
    let half = pointer(FUNCTION + 8, &|l, index| {
        l.elf.sections[data].relocations[index].kind = elf::R_X86_64_32S;
    });
    assert_eq!(half, far);
    let half_a_name = pointer(FUNCTION, &|l, index| {
        l.elf.sections[data].relocations[index].kind = elf::R_X86_64_32S;
    });
    assert_eq!(half_a_name, ["its old_name does not point to a string"]);
    // The list ends with an object whose name is a number.
    let mut objs = one();
    let end = usize::try_from(OBJECT + KLP_OBJECT).unwrap();
    objs.elf.sections[data].data[end] = 1;
    assert_eq!(
        refused(&objs),
        ["the name of a klp_object does not point to anything in the module"]
    );
    objs.elf.sections[data].data.swap(end, end + 8);
    assert_eq!(
        refused(&objs),
        ["the array of functions of a klp_object does not point to anything in the module"]
    );
    // One that is not written at all is NULL, and so is the null symbol.
    let null = ["-EINVAL without a log message: new_func is NULL"];
    let none = pointer(FUNCTION + 8, &|l, index| {
        l.elf.sections[data].relocations[index].kind = elf::R_X86_64_NONE;
    });
    assert_eq!(none, null);
    // A relocation that writes nothing takes nothing from the one that is there.
    let both = pointer(FUNCTION + 8, &|l, _| {
        let symbol = l.new_func;
        let kind = elf::R_X86_64_NONE;
        l.elf.relocate(data, FUNCTION + 8, symbol, kind, 0);
    });
    assert_eq!(both, [""; 0]);
    // A symbol that is the number 0.
    let null = pointer(FUNCTION + 8, &|l, _| {
        l.elf.symbols[l.new_func].place = ABSOLUTE;
    });
    assert_eq!(null, ["-EINVAL without a log message: new_func is NULL"]);
    let mut callback = one();
    let to = callback.new_func;
    callback.point(data, OBJECT + 16, to, 0);
    assert_eq!(refused(&callback), [""; 0]);
    callback.point(data, OBJECT + 24, to, 4);
    assert_eq!(
        refused(&callback),
        ["one of its callbacks is in the middle of replacement"]
    );
}

#[test]
fn refuses_pointers_into_sections_without_memory() {
    let mut livepatch = one();
    let comment = livepatch
        .elf
        .section(".comment", elf::SectionFlags(0), &[1]);
    let place = Place::Section(comment);
    let to = livepatch
        .elf
        .symbol("c", elf::STB_LOCAL, elf::STT_OBJECT, place, 0, 1);
    let (data, end) = (livepatch.data, FUNCTION + 2 * 152);
    livepatch.elf.sections[data]
        .data
        .resize(usize::try_from(end).unwrap() + 8, 0);
    livepatch.point(data, end, to, 0);
    assert_eq!(
        refused(&livepatch),
        ["it refers to a section that is not loaded"]
    );
    let last = livepatch.elf.sections[data].relocations.last_mut().unwrap();
    last.kind = elf::R_X86_64_32S;
    assert_eq!(refused(&livepatch), ["overflow in relocation type 11 val"]);
}

#[test]
fn an_identity_that_nobody_looks_at() {
    for (at, byte) in [(4, 1), (5, 2), (6, 0)] {
        let mut bytes = one().build();
        bytes[at] = byte;
        let report = check_bytes(&bytes, Policy::Exact);
        assert_eq!(messages(&report, "refused"), [""; 0]);
        assert!(messages(&report, "warning")[0].contains("e_ident"));
    }
}

/// The kernel reads an array until an element is 0, and by then it has written its own members.
#[test]
fn arrays_that_end_where_the_kernel_writes() {
    let ending_at = |pointer: u64, at: u64| {
        let mut livepatch = one().enabled_by_code();
        let data = livepatch.data;
        let relocations = &mut livepatch.elf.sections[data].relocations;
        let array = relocations.iter_mut().find(|r| r.offset == pointer);
        array.unwrap().addend = i64::try_from(at).unwrap();
        refused(&livepatch)
    };
    let expected = |name| {
        format!(
            "the empty element of an array of {name} overlaps the kernel's own members of a klp_patch, klp_object or klp_func: the kernel reads beyond the array"
        )
    };
    let funcs = OBJECT + 8;
    assert_eq!(ending_at(funcs, FUNCTION), [""; 0]);
    // Behind the last element nothing is but zeros, which nobody writes.
    assert_eq!(ending_at(funcs, FUNCTION + KLP_FUNC), [""; 0]);
    for at in [KLP_PATCH - 140, KLP_PATCH - 41, KLP_PATCH - 24] {
        assert_eq!(ending_at(funcs, at), [expected("klp_func")], "{at}");
    }
    for at in [KLP_PATCH - 140, KLP_PATCH - 24] {
        assert!(ending_at(8, at).contains(&expected("klp_object")), "{at}");
    }
}

/// `module_param()` of a variable in the wrong section.
#[test]
fn parameters_whose_values_are_elsewhere() {
    let with = |section: &str, perm: u8| {
        let mut livepatch = one();
        let write = elf::SHF_ALLOC | elf::SHF_WRITE;
        let variable = livepatch.elf.section(section, write, &[0; 8]);
        let (bind, kind) = (elf::STB_LOCAL, elf::STT_OBJECT);
        let place = Place::Section(variable);
        let symbol = livepatch.elf.symbol("level", bind, kind, place, 0, 8);
        let mut parameter = [0; 40];
        parameter[24] = perm;
        let parameters = livepatch.elf.section("__param", elf::SHF_ALLOC, &parameter);
        livepatch.point(parameters, 32, symbol, 0);
        refused(&livepatch)
    };
    assert_eq!(with(".bss.level", 0o44), [""; 0]);
    assert_eq!(with(".init.data", 0), [""; 0]);
    assert_eq!(
        with(".init.data", 0o44),
        ["the value of parameter 0 is freed once the module has loaded, but sysfs shows it (its \
          permissions are not 0)"]
    );
    assert_eq!(
        with(".data..percpu", 0),
        ["the value of parameter 0 is a per-cpu variable"]
    );
}

/// modpost's `struct module` has the functions that the loader calls.
#[test]
fn functions_that_the_loader_calls() {
    let with = |function: &str, section: &str, addend: u64| {
        let mut livepatch = one();
        let flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
        let code = livepatch.elf.section(section, flags, &[0; 32]);
        let (bind, kind) = (elf::STB_GLOBAL, elf::STT_FUNC);
        let place = Place::Section(code);
        let symbol = livepatch.elf.symbol(function, bind, kind, place, 0, 32);
        let mut sections = livepatch.elf.sections.iter();
        let module = sections.position(|s| s.name == ".gnu.linkonce.this_module");
        let module = module.unwrap();
        livepatch.elf.sections[module].relocations.clear();
        livepatch.point(module, 0, symbol, addend);
        refused(&livepatch)
    };
    assert_eq!(with("init_module", ".init.text", 0), [""; 0]);
    assert_eq!(with("init_module", ".text.init_module", 0), [""; 0]);
    assert_eq!(with("cleanup_module", ".exit.text", 0), [""; 0]);
    assert_eq!(
        with("cleanup_module", ".init.text", 0),
        ["its exit function is in .init.text, which is freed once the module has loaded"]
    );
    assert_eq!(
        with("cleanup_module", ".data..percpu", 0),
        ["its exit function does not point to code of the module"]
    );
    assert_eq!(
        with("init_module", ".init.text", 8),
        ["its init function is in the middle of init_module"]
    );
}

/// A pointer to a per-cpu variable is an offset.
#[test]
fn names_and_states_that_are_per_cpu_variables() {
    let mut livepatch = Livepatch::replacing(&[(Some("net_mod"), &[("handle", 0)])]);
    livepatch = livepatch.enabled_by_code();
    let mut sections = livepatch.elf.sections.iter();
    let strings = sections.position(|s| s.name == ".rodata.str1.1").unwrap();
    livepatch.elf.sections[strings].name = ".data..percpu".to_owned();
    assert_eq!(
        refused(&livepatch),
        ["the name of a klp_object does not point to anything in the module"]
    );
    let mut function = one();
    function.elf.sections[strings].name = ".data..percpu".to_owned();
    assert_eq!(
        refused(&function),
        ["its old_name does not point to a string"]
    );
    let mut states = one();
    let flags = elf::SHF_ALLOC | elf::SHF_WRITE;
    let variable = states.elf.section(".data..percpu", flags, &[0; 48]);
    let (bind, kind) = (elf::STB_LOCAL, elf::STT_OBJECT);
    let place = Place::Section(variable);
    let symbol = states.elf.symbol("states", bind, kind, place, 0, 48);
    let data = states.data;
    states.point(data, 16, symbol, 0);
    assert_eq!(
        refused(&states),
        ["the array of states of its klp_patch does not point to anything in the module"]
    );
}
