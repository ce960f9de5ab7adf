// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The instructions around the relocations of a function.
//!
//! A PC-relative operand counts from the end of its instruction. If an immediate is between the operand and
//! this end, the addend is -5, -6 or -8 instead of -4. Without decoding, the reference would seem to mean a
//! neighbour of its target.

use crate::livepatch::rela::Relocation;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use std::collections::HashMap;
use std::ops::Range;

/// The instruction that a relocation is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The place behind the instruction.
    pub end: u64,
    /// True if the instruction jumps to or calls the target of the relocation, and does not take its address.
    pub is_branch: bool,
}

/// A jump or call to another function of the same section, which needs no relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The place of the four bytes that hold the distance.
    pub offset: u64,
    /// The place behind the instruction.
    pub end: u64,
    /// The place that it goes to.
    pub to: u64,
}

/// The instructions of a piece of code that refer to something.
#[derive(Clone, Debug, Default)]
pub struct Instructions {
    /// By the places of relocations.
    pub sites: HashMap<u64, Site>,
    /// The branches without relocation that leave the piece.
    pub leaving: Vec<Leaving>,
}

impl Instructions {
    /// Decodes the bytes at `range` of a section.
    #[must_use]
    pub fn read(bytes: &[u8], range: Range<u64>, relocations: &[Relocation]) -> Self {
        let mut found = Self::default();
        let mut decoder = Decoder::with_ip(64, bytes, range.start, DecoderOptions::NONE);
        let mut relocations = relocations.iter().peekable();
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            let end = instruction.next_ip();
            let mut is_relocated = false;
            while let Some(relocation) = relocations.next_if(|r| r.offset < end) {
                is_relocated = true;
                let site = Site {
                    end,
                    is_branch: is_near_branch(&instruction),
                };
                found.sites.insert(relocation.offset, site);
            }
            let to = instruction.near_branch_target();
            if is_near_branch(&instruction) && !is_relocated && !range.contains(&to) {
                // A short jump has one byte, which cannot hold another distance.
                if instruction.len() >= 5 {
                    found.leaving.push(Leaving {
                        offset: end - 4,
                        end,
                        to,
                    });
                }
            }
        }
        found
    }
}

fn is_near_branch(instruction: &Instruction) -> bool {
    let goes = matches!(
        instruction.flow_control(),
        FlowControl::Call | FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
    );
    goes && instruction.op0_kind() == OpKind::NearBranch64
}
