// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Numbers in a file's byte order.

use object::endian::Endian as _;
use object::Endianness;

macro_rules! read {
    ($($name:ident: $type:ty,)*) => {$(
        #[doc = concat!("Returns the `", stringify!($type), "` at the beginning of `bytes`.")]
        #[must_use]
        pub fn $name(endian: Endianness, bytes: &[u8]) -> Option<$type> {
            let bytes = *bytes.first_chunk()?;
            Some(if endian.is_big_endian() {
                <$type>::from_be_bytes(bytes)
            } else {
                <$type>::from_le_bytes(bytes)
            })
        }
    )*};
}

macro_rules! bytes {
    ($($name:ident: $type:ty,)*) => {$(
        #[doc = concat!("Returns the bytes of a `", stringify!($type), "`.")]
        #[must_use]
        pub fn $name(endian: Endianness, number: $type) -> [u8; size_of::<$type>()] {
            if endian.is_big_endian() {
                number.to_be_bytes()
            } else {
                number.to_le_bytes()
            }
        }
    )*};
}

read! {
    read_u16: u16,
    read_u32: u32,
    read_u64: u64,
}

bytes! {
    u32_bytes: u32,
    u64_bytes: u64,
}
