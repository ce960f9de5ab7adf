// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and variables of a bitcode file that differ from those of another version of the file.
//!
//! Both versions are compared as `llvm-dis` prints them, without the numbers that any edit moves. Metadata,
//! attributes, types and strings are compared by content. Places in the source (`!srcloc`, `!dbg`) are not
//! compared.

mod text;

use blake3::Hash;
use std::collections::{HashMap, HashSet};
use text::Text;

/// The parts of a module that are compared.
#[derive(Debug)]
pub struct Ir {
    /// Module flags and the target. A file that imports any function imports these as well.
    flags: Hash,
    /// Assembler outside of functions.
    assembler: Hash,
    /// Each definition in order.
    definitions: Vec<(Vec<u8>, Hash)>,
    /// The names of the symbols in the summary.
    names: HashMap<u64, Vec<u8>>,
}

impl Ir {
    /// Reads the output of `llvm-dis`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let text = Text::read(text);
        let definitions = text.definitions.iter().map(|name| {
            let body = text
                .globals
                .get(name)
                .map_or(&b""[..], |global| global.text);
            // Whoever imports an alias gets a copy of the function behind it.
            let behind = text.behind_alias(body).unwrap_or_default();
            (name.to_vec(), text.hash_all(&[body, behind]))
        });
        Self {
            definitions: definitions.collect(),
            flags: text.hash_all(&text.flags),
            assembler: text.hash_all(&text.assembler),
            names: text
                .names
                .iter()
                .map(|(guid, name)| (*guid, name.to_vec()))
                .collect(),
        }
    }

    /// Returns true if both compile to the same code and data.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.flags == other.flags
            && self.assembler == other.assembler
            && self.has_same_definitions(other)
    }

    /// Returns true if both have the same functions and variables, each under the same name, except for strings.
    ///
    /// Debug information is no difference.
    #[must_use]
    pub fn has_same_definitions(&self, other: &Self) -> bool {
        self.definitions.len() == other.definitions.len()
            && self
                .definitions
                .iter()
                .zip(&other.definitions)
                .all(|((a, x), (b, y))| {
                    // The names of strings contain numbers.
                    x == y && (a == b || is_numbered(a) && is_numbered(b))
                })
    }

    /// Returns the names of the functions and variables in order.
    pub fn definitions(&self) -> impl Iterator<Item = &[u8]> {
        self.definitions.iter().map(|(name, _)| name.as_slice())
    }

    #[cfg(test)]
    fn hash_of(&self, name: &[u8]) -> Option<Hash> {
        let found = self.definitions.iter().find(|(of, _)| of == name);
        found.map(|(_, hash)| *hash)
    }

    /// Returns the GUIDs of the symbols with different definitions.
    #[must_use]
    pub fn changed(&self, other: &Self) -> HashSet<u64> {
        let old: HashMap<_, _> = self
            .definitions
            .iter()
            .map(|(name, hash)| (name, hash))
            .collect();
        let new: HashMap<_, _> = other
            .definitions
            .iter()
            .map(|(name, hash)| (name, hash))
            .collect();
        let all = self.flags != other.flags;
        let guids = self.names.iter().chain(&other.names);
        let changed = guids.filter(|(_, name)| all || old.get(name) != new.get(name));
        changed.map(|(guid, _)| *guid).collect()
    }

    /// Returns the name of a symbol.
    #[must_use]
    pub fn name(&self, guid: u64) -> Option<&[u8]> {
        self.names.get(&guid).map(Vec::as_slice)
    }
}

fn is_numbered(name: &[u8]) -> bool {
    name.starts_with(b".str")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"
%struct.a = type { i32 }
@.str = private constant [3 x i8] c"hi\00"
@x = internal global %struct.a { i32 1 }
@"f.alias" = alias i32 (i32), ptr @f
define i32 @f(i32 %0) #0 {
  %2 = call i32 asm "nop", "=r"() #1, !srcloc !5
  call void @g(ptr @.str), !llvm.loop !11
  ret i32 %2
}
define void @h() #0 {
  ret void
}
declare void @g(ptr) #0
attributes #0 = { nounwind }
attributes #1 = { cold }
!llvm.module.flags = !{!0}
!0 = !{i32 1, !"wchar_size", i32 2}
!5 = !{i64 17}
!11 = distinct !{!11, !12}
!12 = !{!"llvm.loop.mustprogress"}
^0 = module: (path: "a.o", hash: (1, 2, 3, 4, 5))
^1 = gv: (name: "f", summaries: (function: (module: ^0))) ; guid = 11
^2 = gv: (name: "h", summaries: (function: (module: ^0))) ; guid = 12
^3 = gv: (name: "x", summaries: (variable: (module: ^0))) ; guid = 13
^4 = gv: (name: "f.alias", summaries: (alias: (module: ^0))) ; guid = 14
"#;

    fn changed(edits: &[(&str, &str)]) -> (bool, Vec<u64>) {
        let mut text = MODULE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let (old, new) = (Ir::parse(MODULE.as_bytes()), Ir::parse(text.as_bytes()));
        let mut changed: Vec<_> = old.changed(&new).into_iter().collect();
        changed.sort_unstable();
        (old.is_same(&new), changed)
    }

    #[test]
    fn the_vendor_of_a_target_has_no_meaning() {
        let with =
            |triple: &str| Ir::parse(format!("target triple = \"{triple}\"\n{MODULE}").as_bytes());
        let kernel = with("x86_64-unknown-linux-gnu");
        assert!(kernel.is_same(&with("x86_64-pc-linux-gnu")));
        assert!(!kernel.is_same(&with("aarch64-unknown-linux-gnu")));
        assert!(!kernel.is_same(&with("x86_64-unknown-none")));
    }

    #[test]
    fn debug_information_is_no_difference() {
        let edits = [
            ("{ i32 1 }\n", "{ i32 1 }, !dbg !7\n"),
            (
                "(i32 %0) #0 {\n",
                "(i32 %0) #0 !dbg !8 {\n    #dbg_value(i32 %0, !9, !DIExpression(), !10)\n",
            ),
            (
                "!srcloc !5\n",
                "!dbg !10, !srcloc !5\n    #dbg_value(i32 %2, !9, !DIExpression(), !10)\n",
            ),
            ("ret i32 %2\n", "ret i32 %2, !dbg !10\n"),
            ("ret void\n", "ret void, !dbg !10, !llvm.loop !13\n"),
            ("!12 = ", "!13 = distinct !{!13, !10, !10}\n!12 = "),
            ("!{!11, !12}", "!{!11, !10, !10, !12}"),
            ("!12 = ", "!10 = !DILocation(line: 1)\n!12 = "),
            (
                "{!0}\n",
                "{!0, !6}\n!6 = !{i32 2, !\"Debug Info Version\", i32 3}\n",
            ),
        ];
        let mut text = MODULE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let (plain, debug) = (Ir::parse(MODULE.as_bytes()), Ir::parse(text.as_bytes()));
        assert!(plain.has_same_definitions(&debug));
        assert!(!plain.is_same(&debug));
        let other = text.replace("call void @g", "call void @h");
        assert!(!plain.has_same_definitions(&Ir::parse(other.as_bytes())));
    }

    #[test]
    fn a_name_and_its_guid() {
        assert_eq!(Ir::parse(MODULE.as_bytes()).name(12), Some(&b"h"[..]));
    }

    #[test]
    fn places_and_numbers_are_no_change() {
        assert_eq!(
            changed(&[("!5 = !{i64 17}", "!5 = !{i64 99}")]),
            (true, vec![])
        );
        assert_eq!(changed(&[("#1", "#7"), ("!5", "!9")]), (true, vec![]));
        assert_eq!(changed(&[(".str", ".str.4")]), (true, vec![]));
        assert_eq!(changed(&[("struct.a", "struct.b")]), (true, vec![]));
        assert_eq!(
            changed(&[("  ret void\n", "  ret void, !dbg !77\n")]),
            (true, vec![])
        );
    }

    #[test]
    fn what_changes_a_function() {
        // Its body, its attributes, those of what it calls, a string.
        assert_eq!(changed(&[("ret void", "unreachable")]), (false, vec![12]));
        assert_eq!(changed(&[("{ cold }", "{ hot }")]), (false, vec![11, 14]));
        assert_eq!(
            changed(&[("declare void @g(ptr) #0", "declare void @g(ptr) #1")]),
            (false, vec![11, 14])
        );
        assert_eq!(
            changed(&[("c\"hi\\00\"", "c\"ho\\00\"")]),
            (false, vec![11, 14])
        );
        assert_eq!(changed(&[("{ i32 1 }", "{ i32 2 }")]), (false, vec![13]));
        assert_eq!(
            changed(&[("type { i32 }", "type { i64 }")]),
            (false, vec![13])
        );
    }

    #[test]
    fn a_function_is_changed_by_the_name_of_what_it_uses() {
        let text = "@x = external global i32\n@y = external global i32\n@f.k = internal global i32 0\n\
            @f.k.7 = internal global i32 0\ndefine void @f() {\n  call void @a(ptr @x, ptr @f.k.7)\n}\n\
            declare void @a(ptr, ptr)\ndeclare void @b(ptr, ptr)\n";
        let old = Ir::parse(text.as_bytes());
        for (from, to, is_same) in [
            ("call void @a", "call void @b", false),
            ("ptr @x,", "ptr @y,", false),
            ("ptr @f.k.7)", "ptr @f.k)", false),
            ("f.k.7", "f.k.9", true),
        ] {
            let new = text.replace(from, to);
            let (old, new) = (old.hash_of(b"f"), Ir::parse(new.as_bytes()).hash_of(b"f"));
            assert_eq!(old == new, is_same, "{from}");
        }
    }

    #[test]
    fn an_alias_changes_with_its_function() {
        // Also if the alias is what others import.
        assert_eq!(
            changed(&[("ret i32 %2", "ret i32 %0")]),
            (false, vec![11, 14])
        );
    }

    #[test]
    fn module_flags_change_everything() {
        assert_eq!(
            changed(&[("i32 2}", "i32 4}")]),
            (false, vec![11, 12, 13, 14])
        );
    }
}
