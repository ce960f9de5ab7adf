// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares the statics in bitcode with the symbols of ELF objects and linker scripts.

use super::linker_script::{LinkerScript, Role};
use crate::bitcode::text::{BitcodeNames, ListedSymbol, SymbolList};
use crate::bitcode::LinkInputs;
use crate::error::Result;
use crate::printable::shown;
use object::elf;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The kind of the other symbol with a static's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CollisionKind {
    /// A strong global symbol of an object that is no bitcode, or of assembler in C.
    Strong,
    /// A weak or common symbol: any strong definition replaces it.
    Weak,
    /// A reference to a symbol that nothing defines.
    Undefined,
    /// A symbol that a linker script defines in any case.
    Script,
    /// A symbol that a linker script defines only if no object does.
    Provide,
    /// A local symbol of an object that is no bitcode, or of assembler in C.
    Local,
}

/// The effect if the static is promoted under its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The link fails.
    Loud,
    /// The wrong code runs.
    Silent,
    /// Two symbols have the same name, or the script does not define a symbol that nothing uses.
    Harmless,
}

impl CollisionKind {
    /// Returns the name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
            Self::Undefined => "undefined",
            Self::Script => "script",
            Self::Provide => "provide",
            Self::Local => "local",
        }
    }

    /// Returns true if [reserving](super::reserve) the name prevents the collision.
    ///
    /// If no input of the link defines the name, the reservation would define it. That would hide a
    /// mistake, or replace the symbol that a script provides.
    #[must_use]
    pub fn is_curable(self) -> bool {
        matches!(self, Self::Strong | Self::Weak)
    }
}

impl Collision {
    /// Returns the effect of the collision.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self.kind {
            CollisionKind::Strong => Effect::Loud,
            CollisionKind::Weak | CollisionKind::Undefined | CollisionKind::Script => {
                Effect::Silent
            }
            CollisionKind::Provide if !self.references.is_empty() => Effect::Silent,
            CollisionKind::Provide | CollisionKind::Local => Effect::Harmless,
        }
    }

    /// Returns a message with the effect, and what to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.kind {
            CollisionKind::Strong => "the link fails with a duplicate symbol: reserve the name",
            CollisionKind::Weak => "the static silently replaces it: reserve the name",
            CollisionKind::Undefined => {
                "no given input defines it, and the reference silently becomes a reference to the static: \
                give all inputs of the link, or define the symbol, or rename the static or make it __used"
            }
            CollisionKind::Script => {
                "references to the static silently become references to the script's symbol (in a link after \
                ld -r; in the link of the bitcode itself it is a duplicate symbol): rename the static or \
                make it __used"
            }
            CollisionKind::Provide if self.references.is_empty() => {
                "the script does not provide its symbol, and nothing refers to the symbol"
            }
            CollisionKind::Provide => {
                "the script does not provide its symbol, and references to it silently become references to \
                the static (in a link after ld -r; in the link of the bitcode itself it is a duplicate \
                symbol): rename the static or make it __used"
            }
            CollisionKind::Local => "kallsyms has two symbols of that name: a livepatch needs a position",
        }
    }
}

impl Effect {
    /// Returns the name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loud => "loud",
            Self::Silent => "silent",
            Self::Harmless => "harmless",
        }
    }
}

/// The place of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputPlace {
    /// The input: an object file, `archive(member)`, or a linker script.
    pub origin: String,
    /// The source file, if the input tells.
    pub source: Option<String>,
    /// The line of a linker script.
    pub line: Option<usize>,
}

/// A static that may be promoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Static {
    /// The place of the static.
    pub place: InputPlace,
    /// True for a function, false for a variable.
    pub function: bool,
}

/// A name of a static and of another symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// The name.
    pub name: Vec<u8>,
    /// The kind of the other symbol.
    pub kind: CollisionKind,
    /// The statics. One of them would keep the name.
    pub statics: Vec<Static>,
    /// The places of the other symbols.
    pub others: Vec<InputPlace>,
    /// The references to the symbol that a script [provides](CollisionKind::Provide).
    pub references: Vec<InputPlace>,
}

/// Every name of a static in a bitcode file and of another symbol.
#[derive(Debug)]
pub(super) struct Names<'i> {
    inputs: &'i LinkInputs,
    /// The symbols of bitcode by name: the index of the file, and the entry of `llvm-nm`.
    listed: HashMap<&'i [u8], Vec<(usize, &'i ListedSymbol)>>,
    /// The symbols of ELF objects and linker scripts, by name.
    outside: HashMap<&'i [u8], Vec<(CollisionKind, InputPlace)>>,
}

impl<'i> Names<'i> {
    pub(super) fn new(
        inputs: &'i LinkInputs,
        listed: &'i [SymbolList],
        scripts: &'i [LinkerScript],
    ) -> Result<Self> {
        let mut by_name = HashMap::<_, Vec<_>>::new();
        let all = listed.iter().flat_map(|file| &file.symbols);
        for symbol in all.filter(|symbol| symbol.is_local() && !symbol.name.is_empty()) {
            by_name.entry(symbol.name.as_slice()).or_default();
        }
        for (file, symbols) in listed.iter().enumerate() {
            for symbol in &symbols.symbols {
                if let Some(entries) = by_name.get_mut(symbol.name.as_slice()) {
                    entries.push((file, symbol));
                }
            }
        }
        let mut names = Self {
            inputs,
            listed: by_name,
            outside: HashMap::new(),
        };
        names.add_elf()?;
        for script in scripts {
            names.add_script(script);
        }
        Ok(names)
    }

    fn add(&mut self, name: &'i [u8], kind: CollisionKind, place: InputPlace) {
        if self.listed.contains_key(name) {
            self.outside.entry(name).or_default().push((kind, place));
        }
    }

    fn add_elf(&mut self) -> Result<()> {
        for object in self.inputs.elf() {
            let mut source = None;
            for symbol in object.symbols()? {
                let kind = match (symbol.kind, symbol.bind) {
                    (elf::STT_FILE, _) => {
                        source = Some(shown(symbol.name));
                        continue;
                    }
                    (elf::STT_SECTION, _) => continue,
                    _ if symbol.name.is_empty() => continue,
                    (_, elf::STB_LOCAL) => CollisionKind::Local,
                    _ if symbol.section == elf::SHN_UNDEF => CollisionKind::Undefined,
                    (_, elf::STB_WEAK) => CollisionKind::Weak,
                    _ if symbol.section == elf::SHN_COMMON => CollisionKind::Weak,
                    _ => CollisionKind::Strong,
                };
                let place = InputPlace {
                    origin: object.origin.clone(),
                    source: source.clone(),
                    line: None,
                };
                self.add(symbol.name, kind, place);
            }
        }
        Ok(())
    }

    fn add_script(&mut self, script: &'i LinkerScript) {
        for symbol in script.symbols() {
            let kind = match symbol.role {
                Role::Assigned => CollisionKind::Script,
                Role::Provided => CollisionKind::Provide,
                Role::Referred => CollisionKind::Undefined,
            };
            let place = InputPlace {
                origin: script.origin.clone(),
                source: None,
                line: symbol.line,
            };
            self.add(symbol.name, kind, place);
        }
    }

    /// Returns the bitcode files that have to be disassembled. `llvm-nm` does not tell which symbols are of
    /// assembler, and which may be promoted.
    pub(super) fn undecided(&self) -> BTreeSet<usize> {
        let mut files = BTreeSet::new();
        for (name, entries) in &self.listed {
            // llvm-nm lists all symbols of assembler as code.
            let variable = |entry: &ListedSymbol| matches!(entry.letter, b'd' | b'b' | b'r');
            let code = entries.iter().any(|(_, symbol)| !variable(symbol));
            if self.outside.contains_key(name) || (entries.len() > 1 && code) {
                files.extend(entries.iter().map(|(file, _)| *file));
            }
        }
        files
    }

    /// Returns the collisions; `modules` are the [undecided](Self::undecided) files.
    pub(super) fn collisions(&self, modules: &[(usize, BitcodeNames)]) -> Vec<Collision> {
        let modules: HashMap<_, _> = modules.iter().map(|(file, m)| (*file, m)).collect();
        let mut collisions = Vec::new();
        for (name, entries) in &self.listed {
            let mut sides = Sides::default();
            for (kind, place) in self.outside.get(name).into_iter().flatten() {
                sides.others.entry(*kind).or_default().push(place.clone());
            }
            let mut before = None;
            for &(file, symbol) in entries {
                // llvm-nm lists the symbol of the code before that of assembler.
                let first = before.replace(file) != Some(file);
                if let Some(module) = modules.get(&file) {
                    let of_code = first && module.has(name);
                    let place = || self.place(file, module);
                    let taken = if self.inputs.bitcode()[file].is_member {
                        Taken::Perhaps
                    } else {
                        Taken::Yes
                    };
                    sides.add(name, symbol, module, of_code, taken, place);
                }
            }
            collisions.extend(sides.collisions(name));
        }
        collisions.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        collisions
    }

    fn place(&self, file: usize, module: &BitcodeNames) -> InputPlace {
        InputPlace {
            origin: self.inputs.bitcode()[file].origin.clone(),
            source: Some(module.source.clone()).filter(|source| !source.is_empty()),
            line: None,
        }
    }
}

/// Both sides of a name.
#[derive(Default)]
struct Sides {
    statics: Vec<Static>,
    others: BTreeMap<CollisionKind, Vec<InputPlace>>,
    taken: Taken,
}

/// The answer to the question if the code of a bitcode file defines a global symbol of a name, which
/// ThinLTO sees by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Taken {
    /// No file defines it.
    #[default]
    No,
    /// A member of an archive defines it. The member is linked if the whole archive is linked, as
    /// vmlinux.a, or if something refers to the member, as for lib/lib.a.
    Perhaps,
    /// A file that is always linked defines it.
    Yes,
}

impl Sides {
    fn add(
        &mut self,
        name: &[u8],
        symbol: &ListedSymbol,
        module: &BitcodeNames,
        of_code: bool,
        taken: Taken,
        place: impl Fn() -> InputPlace,
    ) {
        let kind = match symbol {
            _ if symbol.is_undefined() => CollisionKind::Undefined,
            _ if of_code && symbol.is_local() => {
                if let Some(function) = module.promotable(name) {
                    let place = place();
                    self.statics.push(Static { place, function });
                }
                return;
            }
            _ if of_code => {
                self.taken = self.taken.max(taken);
                return;
            }
            _ if symbol.is_local() => CollisionKind::Local,
            _ if symbol.is_weak() => CollisionKind::Weak,
            _ => CollisionKind::Strong,
        };
        self.others.entry(kind).or_default().push(place());
    }

    fn collisions(mut self, name: &[u8]) -> Vec<Collision> {
        if self.taken == Taken::Yes || self.statics.is_empty() {
            return Vec::new();
        }
        if self.taken == Taken::Perhaps {
            // A reference makes the linker link the member that defines the name. A definition does not,
            // and the static may be promoted in that case. Both together are harmless.
            for kind in [
                CollisionKind::Undefined,
                CollisionKind::Provide,
                CollisionKind::Local,
            ] {
                self.others.remove(&kind);
            }
        }
        // Assembler in a file refers to the static of the same file, which keeps its name.
        let own = |other: &InputPlace| self.statics.iter().any(|s| s.place == *other);
        let mut references = self
            .others
            .remove(&CollisionKind::Undefined)
            .unwrap_or_default();
        references.retain(|other| !own(other));
        references.sort();
        references.dedup();
        let has = |kind| self.others.contains_key(&kind);
        let is_defined =
            has(CollisionKind::Strong) || has(CollisionKind::Weak) || has(CollisionKind::Script);
        if is_defined {
            // An object or the script defines the symbol.
            self.others.remove(&CollisionKind::Provide);
            references.clear();
        } else if !has(CollisionKind::Provide) && !references.is_empty() {
            self.others
                .insert(CollisionKind::Undefined, std::mem::take(&mut references));
        }
        self.statics.sort();
        self.statics.dedup();
        let mut collisions = Vec::new();
        for (kind, mut others) in self.others {
            others.sort();
            others.dedup();
            collisions.push(Collision {
                name: name.to_vec(),
                kind,
                statics: self.statics.clone(),
                others,
                references: match kind {
                    CollisionKind::Provide => references.clone(),
                    _ => Vec::new(),
                },
            });
        }
        collisions
    }
}
