//! Addresses and networks as Go's `net` package sees them: an IPv6 address that maps an IPv4 address is that IPv4
//! address, wherever the mask lets the mapping be seen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `::ffff:0:0`, before which an IPv4 address stands as a mapped one.
const MAPPED: u128 = 0xffff_0000_0000;

/// Whether a 128-bit address maps an IPv4 address.
pub(super) const fn is_mapped(address: u128) -> bool {
    address.wrapping_shr(32) == MAPPED.wrapping_shr(32)
}

/// An address of either family; mapped ones are IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    V4(u32),
    V6(u128),
}

impl Address {
    /// Go's `net.ParseIP`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::of_bits(address.to_bits()),
        })
    }

    pub(super) fn of_bits(bits: u128) -> Self {
        match u32::try_from(bits ^ MAPPED) {
            Ok(address) => Self::V4(address),
            Err(_) => Self::V6(bits),
        }
    }

    /// With IPv4 addresses as mapped ones.
    pub(super) fn bits(self) -> u128 {
        match self {
            Self::V4(address) => MAPPED | u128::from(address),
            Self::V6(address) => address,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(address) => Ipv4Addr::from_bits(*address).fmt(f),
            Self::V6(address) => Ipv6Addr::from_bits(*address).fmt(f),
        }
    }
}

/// A network, by its first address and the length of the prefix in 128 bits. The 96 bits before an IPv4 network count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    first: u128,
    prefix: u32,
    /// Whether it was written as an IPv4 network.
    v4: bool,
}

impl Network {
    /// Go's `net.ParseCIDR`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address = address.parse::<IpAddr>().ok()?;
        if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let prefix = prefix.parse::<u32>().ok()?;
        match address {
            IpAddr::V4(address) if prefix <= 32 => {
                Some(Self::new(Address::V4(address.to_bits()).bits(), prefix.saturating_add(96), true))
            }
            IpAddr::V6(address) if prefix <= 128 => Some(Self::new(address.to_bits(), prefix, false)),
            _ => None,
        }
    }

    pub(super) const fn new(address: u128, prefix: u32, v4: bool) -> Self {
        Self { first: address & !host_mask(prefix), prefix, v4 }
    }

    pub(super) const fn first(&self) -> u128 {
        self.first
    }

    pub(super) const fn last(&self) -> u128 {
        self.first | host_mask(self.prefix)
    }

    pub(super) const fn host_bits(&self) -> u32 {
        128_u32.saturating_sub(self.prefix)
    }

    /// Written as an IPv6 network, and not one of mapped addresses.
    pub(super) const fn is_plain_v6(&self) -> bool {
        !self.v4 && !is_mapped(self.first)
    }

    /// Written as an IPv6 network of mapped addresses.
    pub(super) const fn is_mapped_v6(&self) -> bool {
        !self.v4 && is_mapped(self.first)
    }

    /// Both must be of one family: an IPv6 network does not contain the mapped addresses in its range.
    pub(super) const fn contains(&self, address: u128) -> bool {
        is_mapped(self.first) == is_mapped(address) && address & !host_mask(self.prefix) == self.first
    }

    pub(super) fn contains_network(&self, other: &Self) -> bool {
        if self.is_plain_v6() && other.is_plain_v6() {
            return self.prefix <= other.prefix && other.first & !host_mask(self.prefix) == self.first;
        }
        self.contains(other.first) && self.contains(other.last())
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = Address::of_bits(self.first);
        let prefix = if let Address::V4(_) = address { self.prefix.saturating_sub(96) } else { self.prefix };
        write!(f, "{address}/{prefix}")
    }
}

const fn host_mask(prefix: u32) -> u128 {
    match u128::MAX.checked_shr(prefix) {
        Some(mask) => mask,
        None => 0,
    }
}
