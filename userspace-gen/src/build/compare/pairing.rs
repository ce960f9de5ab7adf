// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds the original of each function and variable of a patched file.
//!
//! A name that is unique in both versions decides. Names of static locals differ in a number only, which
//! any new string changes. Static locals are paired by the unchanged functions that use them, and then by the places of
//! their declarations, as parts of split variables always are. The only one that is left is paired by its name. Several are paired by order if they are equal and
//! remember nothing of importance; others are not paired, and whoever needs them is refused.

use super::form::{is_compared, Form, Forms, ReferentKey};
use super::names::{self, stem};
use super::sections::is_boot_only;
use super::versions::{Side, Versions};
use crate::build::code::{Code, Layouts, PieceId, PieceKind, ReferenceTarget};
use crate::build::declared::{Place, Places};
use crate::error::Result;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The pairs of one file.
#[derive(Clone, Debug, Default)]
pub struct Pairing {
    /// The patched version of each original piece.
    originals: Vec<Option<PieceId>>,
    /// The original version of each patched piece.
    patched: Vec<Option<PieceId>>,
    /// The names that several pieces of one version share.
    ambiguous: HashMap<GroupName, Group>,
    /// Those of them in which the places of the declarations are known.
    told: HashSet<GroupName>,
    /// True if no more pieces will be paired.
    is_settled: bool,
}

type GroupName = (PieceKind, Vec<u8>);

/// The pieces that share a name.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The pieces of the original file, in its order.
    pub originals: Vec<PieceId>,
    /// The pieces of the patched file, in its order.
    pub patched: Vec<PieceId>,
}

impl Pairing {
    /// Returns the original of a patched piece.
    #[must_use]
    pub fn original(&self, patched: PieceId) -> Option<PieceId> {
        self.patched.get(patched.0).copied().flatten()
    }

    /// Returns the patched version of an original piece.
    #[must_use]
    pub fn patched(&self, original: PieceId) -> Option<PieceId> {
        self.originals.get(original.0).copied().flatten()
    }

    /// Returns the pieces without pair that share the name of a piece of one version, whose code is given.
    #[must_use]
    pub fn left_of(&self, code: &Code<'_>, id: PieceId) -> Group {
        let group = self.ambiguous.get(&group_name(code, id));
        let group = group.cloned().unwrap_or_default();
        let originals = group
            .originals
            .into_iter()
            .filter(|&id| self.patched(id).is_none());
        let new = group
            .patched
            .into_iter()
            .filter(|&id| self.original(id).is_none());
        Group {
            originals: originals.collect(),
            patched: new.collect(),
        }
    }

    /// Pairs pieces with names that are unique in both versions.
    fn by_names(original: &Code<'_>, patched: &Code<'_>) -> Self {
        let mut groups: BTreeMap<GroupName, Group> = BTreeMap::new();
        for (id, piece) in original.numbered() {
            if piece.name.is_some() {
                groups
                    .entry(group_name(original, id))
                    .or_default()
                    .originals
                    .push(id);
            }
        }
        for (id, piece) in patched.numbered() {
            if piece.name.is_some() {
                groups
                    .entry(group_name(patched, id))
                    .or_default()
                    .patched
                    .push(id);
            }
        }
        let mut pairing = Self {
            originals: vec![None; original.pieces().len()],
            patched: vec![None; patched.pieces().len()],
            ambiguous: HashMap::new(),
            told: HashSet::new(),
            is_settled: false,
        };
        for (name, group) in groups {
            match (&group.originals[..], &group.patched[..]) {
                (&[one], &[other]) if !is_same_life(original, one, patched, other) => {}
                (&[one], &[other]) if !is_part(original, one) && !is_part(patched, other) => {
                    pairing.pair(one, other);
                }
                ([], _) | (_, []) => {}
                _ => {
                    pairing.ambiguous.insert(name, group);
                }
            }
        }
        pairing
    }

    fn pair(&mut self, original: PieceId, patched: PieceId) {
        if self.patched(original).is_none() && self.original(patched).is_none() {
            self.originals[original.0] = Some(patched);
            self.patched[patched.0] = Some(original);
        }
    }

    /// Returns the identity of a piece.
    fn key(&self, side: Side, unit: usize, code: &Code<'_>, id: PieceId) -> ReferentKey {
        let original = match side {
            Side::Original => self.patched(id).map(|_| id),
            Side::Patched => self.original(id),
        };
        if let Some(original) = original {
            return ReferentKey::Pair(unit, original);
        }
        let name = group_name(code, id);
        if !self.is_settled && self.ambiguous.contains_key(&name) {
            return ReferentKey::OneOf(unit, name.1);
        }
        ReferentKey::Alone(side, unit, id)
    }
}

/// Returns true if both versions are there as long as the kernel runs, or both only while it boots.
fn is_same_life(original: &Code<'_>, one: PieceId, patched: &Code<'_>, other: PieceId) -> bool {
    let is_short = |code: &Code<'_>, id| is_boot_only(code.section(code.piece(id).section).name);
    is_short(original, one) == is_short(patched, other)
}

/// Returns true if a piece is a part of a variable that LLVM has split.
fn is_part(code: &Code<'_>, id: PieceId) -> bool {
    let piece = code.piece(id);
    piece.kind == PieceKind::Data && names::is_part(piece.name.unwrap_or_default())
}

fn group_name(code: &Code<'_>, id: PieceId) -> GroupName {
    let piece = code.piece(id);
    (piece.kind, piece.name.map(stem).unwrap_or_default())
}

/// The pairs of all files, and the names that they define for each other.
pub struct Pairings<'v, 'd> {
    versions: &'v [Versions<'d>],
    layouts: &'v Layouts,
    of_units: Vec<Pairing>,
    defined: [HashMap<&'d [u8], (usize, PieceId)>; 2],
}

/// A function that finds the places of the variables with some names of a file, before and after the patch.
pub type FindPlaces<'f> = dyn Fn(usize, &HashSet<Vec<u8>>) -> Result<Option<[Places; 2]>> + 'f;

impl<'v, 'd> Pairings<'v, 'd> {
    /// Pairs the pieces of all files.
    ///
    /// `places` takes time, and is only called for variables that nothing else tells apart.
    ///
    /// # Errors
    ///
    /// The error of `places`.
    pub fn new(
        versions: &'v [Versions<'d>],
        layouts: &'v Layouts,
        places: &FindPlaces<'_>,
    ) -> Result<Self> {
        let by_names = versions
            .iter()
            .map(|v| Pairing::by_names(&v.original, &v.patched));
        let mut pairings = Self {
            versions,
            layouts,
            of_units: by_names.collect(),
            defined: [Side::Original, Side::Patched].map(|side| definitions(versions, side)),
        };
        for unit in 0..versions.len() {
            pairings.by_users(unit);
            let open = pairings.open(unit);
            if !open.is_empty() {
                let names = open.iter().flat_map(|group| pairings.names(unit, group));
                if let Some(places) = places(unit, &names.collect())? {
                    pairings.by_places(unit, open, &places);
                    pairings.by_users(unit);
                }
            }
            pairings.by_order(unit);
        }
        for pairing in &mut pairings.of_units {
            pairing.is_settled = true;
        }
        Ok(pairings)
    }

    /// Returns the pairs of a file.
    #[must_use]
    pub fn of(&self, unit: usize) -> &Pairing {
        &self.of_units[unit]
    }

    /// Returns the file and the piece that define a symbol for others.
    #[must_use]
    pub fn definition(&self, side: Side, name: &[u8]) -> Option<(usize, PieceId)> {
        self.defined[side as usize].get(name).copied()
    }

    /// Returns the names before and after of the variables that a patched function of a file uses, and that the kernel has.
    #[must_use]
    pub fn variables_of(&self, unit: usize, function: PieceId) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Versions { original, patched } = &self.versions[unit];
        let used = targets(patched, function).into_iter().flatten();
        let pairs = used.filter_map(|id| {
            let piece = patched.piece(id);
            let is_state = piece.kind == PieceKind::Data
                && patched.section(piece.section).is_writable()
                && !names::is_forgetful(piece.name.unwrap_or_default());
            let old = self.of_units[unit].original(id).filter(|_| is_state)?;
            Some((
                names::clean(original.piece(old).name?),
                names::clean(piece.name?),
            ))
        });
        pairs.collect()
    }

    /// Returns the form of a piece.
    #[must_use]
    pub fn form(&self, side: Side, unit: usize, id: PieceId) -> Form {
        let key = |unit: usize, id| {
            let code = self.versions[unit].of(side);
            self.of_units[unit].key(side, unit, code, id)
        };
        let external = |name: &[u8]| match self.definition(side, name) {
            Some((unit, id)) => key(unit, id),
            None => ReferentKey::Name(name.to_vec()),
        };
        let forms = Forms {
            code: self.versions[unit].of(side),
            layouts: self.layouts,
            piece: &|id| key(unit, id),
            external: &external,
        };
        forms.of(id)
    }

    /// Pairs pieces that unchanged functions and variables use in the same places.
    fn by_users(&mut self, unit: usize) {
        if self.of_units[unit].ambiguous.is_empty() {
            return;
        }
        let versions = &self.versions[unit];
        let mut users: Vec<_> = (0..versions.original.pieces().len()).map(PieceId).collect();
        // Only pieces that use something without a pair can add pairs after others were paired.
        loop {
            let mut found = Vec::new();
            users.retain(|&original| {
                let Some(patched) = self.of_units[unit].patched(original) else {
                    return true;
                };
                let used = self.used(unit, original, patched);
                let is_same = !used.is_empty()
                    && self.form(Side::Original, unit, original)
                        == self.form(Side::Patched, unit, patched);
                if is_same {
                    found.extend(&used);
                }
                !used.is_empty() && !is_same
            });
            if found.is_empty() {
                return;
            }
            for (original, patched) in found {
                self.of_units[unit].pair(original, patched);
            }
        }
    }

    /// Returns the pieces without a pair that both versions of a piece use in the same places.
    fn used(&self, unit: usize, original: PieceId, patched: PieceId) -> Vec<(PieceId, PieceId)> {
        let versions = &self.versions[unit];
        let originals = targets(&versions.original, original);
        let new = targets(&versions.patched, patched);
        let pairing = &self.of_units[unit];
        let both = originals.into_iter().zip(new);
        let both = both.filter_map(|(original, patched)| original.zip(patched));
        let unpaired = both.filter(|&(original, patched)| {
            let is_open =
                pairing.patched(original).is_none() && pairing.original(patched).is_none();
            let name = group_name(&versions.original, original);
            // A function may use another part than before with the same code.
            let is_part =
                is_part(&versions.original, original) || is_part(&versions.patched, patched);
            is_open
                && !is_part
                && name == group_name(&versions.patched, patched)
                && pairing.ambiguous.contains_key(&name)
        });
        unpaired.collect()
    }

    /// Returns the groups of variables that remember something and that neither their names nor their users tell apart.
    fn open(&self, unit: usize) -> Vec<GroupName> {
        let patched = &self.versions[unit].patched;
        let groups = self.of_units[unit].ambiguous.iter();
        let open = groups.filter(|((kind, _), group)| {
            let Some(&first) = group.patched.first() else {
                return false;
            };
            let left = self.of_units[unit].left_of(patched, first);
            let is_state = |&id: &PieceId| {
                let piece = patched.piece(id);
                let is_told = names::is_forgetful(piece.name.unwrap_or_default());
                let section = patched.section(piece.section);
                !is_told && section.is_writable() && is_compared(patched, id)
            };
            *kind == PieceKind::Data
                && !left.originals.is_empty()
                && left.patched.iter().any(is_state)
        });
        open.map(|(name, _)| name.clone()).collect()
    }

    /// Returns the names in the bitcode of the pieces of a group.
    fn names(&self, unit: usize, group: &GroupName) -> Vec<Vec<u8>> {
        let Versions { original, patched } = &self.versions[unit];
        let group = &self.of_units[unit].ambiguous[group];
        let originals = group.originals.iter().map(|&id| original.piece(id).name);
        let new = group.patched.iter().map(|&id| patched.piece(id).name);
        let names = originals.chain(new).flatten();
        names.map(names::clean).collect()
    }

    /// Pairs the variables of each group that are declared in the same place.
    ///
    /// A group with a variable whose place is not certain is left as it is.
    fn by_places(&mut self, unit: usize, groups: Vec<GroupName>, places: &[Places; 2]) {
        let Versions { original, patched } = &self.versions[unit];
        for name in groups {
            let group = &self.of_units[unit].ambiguous[&name];
            let sides = [
                (original, &group.originals, &places[0]),
                (patched, &group.patched, &places[1]),
            ];
            let found = sides.map(|(code, ids, places)| by_place(code, ids, places));
            let [Some(before), Some(after)] = found else {
                continue;
            };
            let pairs = before.into_iter().filter_map(|(place, original)| {
                let one = |ids: &[PieceId]| <[PieceId; 1]>::try_from(ids).ok();
                let ([original], [patched]) = (one(&original)?, one(after.get(place)?)?);
                Some((original, patched))
            });
            let pairs: Vec<_> = pairs
                .filter(|&(one, other)| is_same_life(original, one, patched, other))
                .collect();
            let pairing = &mut self.of_units[unit];
            for (one, other) in pairs {
                pairing.pair(one, other);
            }
            pairing.told.insert(name);
        }
    }

    /// Pairs the remaining pieces of a name by order, if both versions have the same number, all are equal, and it
    /// does not matter which is which.
    fn by_order(&mut self, unit: usize) {
        let versions = &self.versions[unit];
        let pairing = &self.of_units[unit];
        // The places have told which variables have no pair.
        let names = pairing.ambiguous.keys();
        let names = names.filter(|name| !pairing.told.contains(*name));
        let names: Vec<_> = names.cloned().collect();
        for name in names {
            let Some(&first) = self.of_units[unit].ambiguous[&name].patched.first() else {
                continue;
            };
            let left = self.of_units[unit].left_of(&versions.patched, first);
            let mut pairs = left.originals.iter().zip(&left.patched);
            // Which of several is which only the functions that use them know, and those have changed. The only one
            // that is left is told by its name; of a part of a variable the name says nothing.
            let (original, patched) = (&versions.original, &versions.patched);
            let is_told = left.originals.len() <= 1 && !is_part(patched, first)
                || names::is_forgetful(patched.piece(first).name.unwrap_or_default());
            let is_told = is_told
                && left
                    .originals
                    .iter()
                    .zip(&left.patched)
                    .all(|(&one, &other)| is_same_life(original, one, patched, other));
            let is_equal = is_told
                && left.originals.len() == left.patched.len()
                && pairs.all(|(&original, &patched)| {
                    self.form(Side::Original, unit, original)
                        == self.form(Side::Patched, unit, patched)
                });
            if is_equal {
                for (original, patched) in left.originals.into_iter().zip(left.patched) {
                    self.of_units[unit].pair(original, patched);
                }
            }
        }
    }
}

/// Returns the variables that are declared in each place; nothing if the place of one is not known.
fn by_place<'p>(
    code: &Code<'_>,
    ids: &[PieceId],
    places: &'p Places,
) -> Option<HashMap<&'p Place, Vec<PieceId>>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for &id in ids {
        let place = places.get(&names::clean(code.piece(id).name?))?;
        // A new variable has no place.
        if let Some(place) = place {
            found.entry(place).or_default().push(id);
        }
    }
    Some(found)
}

/// Returns the pieces of the same file that a piece and its entries refer to, reference by reference.
fn targets(code: &Code<'_>, id: PieceId) -> Vec<Option<PieceId>> {
    let piece = code.piece(id);
    let parts = code.entries(id).iter().map(|e| (e.section, e.start, e.end));
    let parts = [(piece.section, piece.start, piece.end)]
        .into_iter()
        .chain(parts);
    let references = parts.flat_map(|(section, start, end)| code.references(section, start, end));
    let target = references.map(|reference| match reference.target {
        ReferenceTarget::Piece(id) => Some(id),
        _ => None,
    });
    target.collect()
}

/// Returns the symbols that the files define for each other.
fn definitions<'d>(versions: &[Versions<'d>], side: Side) -> HashMap<&'d [u8], (usize, PieceId)> {
    let mut defined = HashMap::new();
    for (unit, version) in versions.iter().enumerate() {
        let code = version.of(side);
        for symbol in code.elf().symbols() {
            let is_global = symbol.bind == object::elf::STB_GLOBAL && symbol.section().is_some();
            if let Some(id) = code.piece_of(symbol.id).filter(|_| is_global) {
                defined.insert(symbol.name, (unit, id));
            }
        }
    }
    defined
}
