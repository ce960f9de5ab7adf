// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The statics on one side, assembler and linker scripts on the other.

use super::bitcode::{Listed, ListedSymbol, Module};
use super::inputs::Inputs;
use super::linker_script::LinkerScript;
use crate::elf::{ElfFile, Place as ElfPlace};
use crate::error::{Error, Result};
use crate::shown::shown;
use object::elf;
use object::read::elf::FileHeader as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What else has the name of a static.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A strong global symbol in assembler.
    Strong,
    /// A weak global symbol in assembler, or a common one: any definition takes the place of either.
    Weak,
    /// A reference, in assembler or C, to what nothing defines.
    Undefined,
    /// A symbol that a linker script defines.
    Script,
    /// A local symbol in assembler.
    Local,
}

/// What happens if the static is promoted under its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The link fails.
    Loud,
    /// The wrong code runs.
    Silent,
    /// Two symbols of one name.
    Harmless,
}

impl Kind {
    /// The word that a report has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
            Self::Undefined => "undefined",
            Self::Script => "script",
            Self::Local => "local",
        }
    }

    /// What happens without a cure.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Self::Strong => Effect::Loud,
            Self::Weak | Self::Undefined | Self::Script => Effect::Silent,
            Self::Local => Effect::Harmless,
        }
    }

    /// Whether [reserving](super::reserve) the name keeps both apart.
    ///
    /// Where nothing in the link's inputs defines it, the reservation would be the definition, and hide
    /// the mistake.
    #[must_use]
    pub fn is_curable(self) -> bool {
        matches!(self, Self::Strong | Self::Weak)
    }

    /// What happens, and what to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Strong => "the link fails with a duplicate symbol: reserve the name",
            Self::Weak => "the static silently replaces it: reserve the name",
            Self::Undefined => {
                "the reference silently becomes one to the static: define what it means, or rename \
                 the static or make it __used"
            }
            Self::Script => {
                "the script's symbol silently takes the static's callers: rename the static or make \
                 it __used"
            }
            Self::Local => "two symbols of that name in kallsyms: a livepatch needs a position",
        }
    }
}

impl Effect {
    /// The word that a report has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loud => "loud",
            Self::Silent => "silent",
            Self::Harmless => "harmless",
        }
    }
}

/// Where a symbol is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The input: an object file, `archive(member)`, or a linker script.
    pub origin: String,
    /// The source file, if the input says it.
    pub source: Option<String>,
    /// The line of a linker script.
    pub line: Option<usize>,
}

/// A static that may be promoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Static {
    /// Where it is.
    pub place: Place,
    /// Whether it is a function, and not a variable.
    pub function: bool,
}

/// One name that two sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// The name.
    pub name: Vec<u8>,
    /// What else has it.
    pub kind: Kind,
    /// The statics. One of them would keep the name.
    pub statics: Vec<Static>,
    /// The others.
    pub others: Vec<Place>,
}

/// Every name that is a static's in some bitcode file, and something else's elsewhere.
#[derive(Debug)]
pub(super) struct Names<'i> {
    inputs: &'i Inputs,
    /// What bitcode has under a name: the place of the file, and what `llvm-nm` lists there.
    listed: HashMap<&'i [u8], Vec<(usize, &'i ListedSymbol)>>,
    /// What ELF files and linker scripts have under it.
    outside: HashMap<&'i [u8], Vec<(Kind, Place)>>,
}

impl<'i> Names<'i> {
    pub(super) fn new(
        inputs: &'i Inputs,
        listed: &'i [Listed],
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

    fn add(&mut self, name: &'i [u8], kind: Kind, place: Place) {
        if self.listed.contains_key(name) {
            self.outside.entry(name).or_default().push((kind, place));
        }
    }

    fn add_elf(&mut self) -> Result<()> {
        for object in self.inputs.elf() {
            let file = ElfFile::parse(object.origin.clone(), &object.data[..])?;
            if file.header().e_type(file.endian()) != elf::ET_REL {
                let what =
                    "expected an object to be linked, found one that is linked already (give \
                            the inputs of the link)";
                return Err(Error::unsupported(&object.origin, what));
            }
            let mut source = None;
            for symbol in file.symbols() {
                let undefined = symbol.place == ElfPlace::Undefined;
                let kind = match (symbol.kind, symbol.bind) {
                    (elf::STT_FILE, _) => {
                        source = Some(shown(symbol.name));
                        continue;
                    }
                    (elf::STT_SECTION, _) => continue,
                    _ if symbol.name.is_empty() => continue,
                    (_, elf::STB_LOCAL) => Kind::Local,
                    _ if undefined => Kind::Undefined,
                    (_, elf::STB_WEAK) => Kind::Weak,
                    _ if symbol.place == ElfPlace::Common => Kind::Weak,
                    _ => Kind::Strong,
                };
                let place = Place {
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
        for assignment in script.assignments() {
            let place = Place {
                origin: script.origin.clone(),
                source: None,
                line: Some(assignment.line),
            };
            self.add(assignment.name, Kind::Script, place);
        }
    }

    /// The bitcode files whose text has to say what `llvm-nm` does not: what is assembler's, and what
    /// may be promoted.
    pub(super) fn undecided(&self) -> BTreeSet<usize> {
        let mut files = BTreeSet::new();
        for (name, entries) in &self.listed {
            // Assembler has no variables in llvm-nm's eyes, only code.
            let variable = |entry: &ListedSymbol| matches!(entry.letter, b'd' | b'b' | b'r');
            let code = entries.iter().any(|(_, symbol)| !variable(symbol));
            if self.outside.contains_key(name) || (entries.len() > 1 && code) {
                files.extend(entries.iter().map(|(file, _)| *file));
            }
        }
        files
    }

    /// The collisions; `modules` are the [undecided](Self::undecided) files.
    pub(super) fn collisions(&self, modules: &[(usize, Module)]) -> Vec<Collision> {
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
                    sides.add(name, symbol, module, of_code, place);
                }
            }
            collisions.extend(sides.collisions(name));
        }
        collisions.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        collisions
    }

    fn place(&self, file: usize, module: &Module) -> Place {
        Place {
            origin: self.inputs.bitcode()[file].origin.clone(),
            source: Some(module.source.clone()).filter(|source| !source.is_empty()),
            line: None,
        }
    }
}

/// Who has one name.
#[derive(Default)]
struct Sides {
    statics: Vec<Static>,
    others: BTreeMap<Kind, Vec<Place>>,
    /// The code of some bitcode file defines it for all: ThinLTO sees that by itself.
    taken: bool,
}

impl Sides {
    fn add(
        &mut self,
        name: &[u8],
        symbol: &ListedSymbol,
        module: &Module,
        of_code: bool,
        place: impl Fn() -> Place,
    ) {
        let kind = match symbol {
            _ if symbol.is_undefined() => Kind::Undefined,
            _ if of_code && symbol.is_local() => {
                if let Some(function) = module.promotable(name) {
                    let place = place();
                    self.statics.push(Static { place, function });
                }
                return;
            }
            _ if of_code => {
                self.taken = true;
                return;
            }
            _ if symbol.is_local() => Kind::Local,
            _ if symbol.is_weak() => Kind::Weak,
            _ => Kind::Strong,
        };
        self.others.entry(kind).or_default().push(place());
    }

    fn collisions(mut self, name: &[u8]) -> Vec<Collision> {
        if self.taken || self.statics.is_empty() {
            return Vec::new();
        }
        let defined = [Kind::Strong, Kind::Weak, Kind::Script];
        if defined.iter().any(|kind| self.others.contains_key(kind)) {
            self.others.remove(&Kind::Undefined);
        }
        self.statics.sort();
        self.statics.dedup();
        let mut collisions = Vec::new();
        for (kind, mut others) in self.others {
            // A file's own assembler means the file's own static, which then keeps its name.
            let own = |other: &Place| self.statics.iter().any(|s| s.place == *other);
            if kind == Kind::Undefined {
                others.retain(|other| !own(other));
            }
            others.sort();
            others.dedup();
            if !others.is_empty() {
                collisions.push(Collision {
                    name: name.to_vec(),
                    kind,
                    statics: self.statics.clone(),
                    others,
                });
            }
        }
        collisions
    }
}
