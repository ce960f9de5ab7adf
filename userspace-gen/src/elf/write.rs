// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes a relocatable file from sections.

use super::ElfFile;
use crate::error::{Error, Result};
use object::read::ReadRef;
use object::write::elf::{Encoder, FileHeader, FileHeaderLayout, SectionHeader};
use std::borrow::Cow;

/// The largest alignment of a section's file offset. No section of a kernel module needs more.
const LARGEST_ALIGNMENT: u64 = 4096;

/// A section to be written. Its offset and size follow from its data.
#[derive(Clone, Debug)]
pub struct NewSection<'d> {
    /// The header. `sh_offset` is ignored. `sh_size` is used for `SHT_NOBITS` only.
    pub header: SectionHeader,
    /// The bytes.
    pub data: Cow<'d, [u8]>,
}

/// Returns the bytes of a file with the header of `like` and `sections`. The null section is added.
///
/// `names` is the index of the section with the section names.
///
/// # Errors
///
/// There are more sections than a plain header can count.
pub fn relocatable<'d, R: ReadRef<'d>>(
    like: &ElfFile<'d, R>,
    sections: &[NewSection<'_>],
    names: usize,
) -> Result<Vec<u8>> {
    let endian = like.endian();
    let encoder = Encoder::new(endian, true, like.machine());
    let mut offset = encoder.file_header_size();
    let mut headers = Vec::with_capacity(sections.len());
    for section in sections {
        let mut header = section.header.clone();
        let align = header.sh_addralign;
        if align.is_power_of_two() {
            offset = offset.next_multiple_of(align.min(LARGEST_ALIGNMENT));
        }
        header.sh_offset = offset;
        if header.sh_type != object::elf::SHT_NOBITS {
            header.sh_size = section.data.len() as u64;
            offset += header.sh_size;
        }
        headers.push(header);
    }
    let count = sections.len() + 1;
    let layout = FileHeaderLayout {
        e_phoff: 0,
        segment_num: 0,
        e_shoff: offset.next_multiple_of(encoder.address_size()),
        section_num: u32::try_from(count).unwrap_or(u32::MAX),
        shstrtab_index: u32::try_from(names).unwrap_or(u32::MAX),
    };
    // The kernel does not read a larger number of sections, or index of names, from the null section header.
    if count >= object::elf::SHN_LORESERVE.into() {
        return Err(Error::unsupported(
            like.origin(),
            format_args!("expected fewer than 65280 sections, found {count}"),
        ));
    }
    let mut file = Vec::new();
    let header = FileHeader::from_raw(endian, like.header());
    encoder
        .file_header(&mut file, &header, &layout)
        .map_err(|e| like.malformed(e))?;
    for (section, header) in sections.iter().zip(&headers) {
        if header.sh_type != object::elf::SHT_NOBITS {
            pad(&mut file, header.sh_offset);
            file.extend_from_slice(&section.data);
        }
    }
    pad(&mut file, layout.e_shoff);
    encoder.null_section_header(&mut file, &layout);
    for header in &headers {
        encoder.section_header(&mut file, header);
    }
    Ok(file)
}

fn pad(file: &mut Vec<u8>, offset: u64) {
    if let Ok(offset) = usize::try_from(offset) {
        file.resize(offset.max(file.len()), 0);
    }
}
