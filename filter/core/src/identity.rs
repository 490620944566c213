//! Who a request is from, for the choice of a side: never for the decision itself.
//!
//! Nothing here is proven. A header and a claim are what the client wrote: no signature is checked. That may move a
//! request to the other side, which decides by the same policy.

mod claim;
mod pins;

pub use claim::Claim;
pub use pins::{Pin, Pins};

use crate::host::{Host, HostError};
use crate::request::{self, Head, SourceAddress};
use crate::text::sanitized;
use std::borrow::Cow;

/// Where a user may be taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A header, lower case.
    Header(String),
    /// A claim of a token.
    Claim(Claim),
    /// A name in the certificate that the client showed; mutual TLS only.
    PeerCertificate(CertificateName),
    /// The client's address without its port.
    SourceAddress(SourceAddress),
    /// Always this one.
    Constant(String),
}

/// Which name of a certificate. Of several the proxy hands out the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateName {
    /// The URI of the subject's alternative names.
    Uri,
    /// The DNS name of these.
    Dns,
    /// The subject.
    Subject,
}

impl CertificateName {
    const fn property(self) -> &'static str {
        match self {
            Self::Uri => "uri_san_peer_certificate",
            Self::Dns => "dns_san_peer_certificate",
            Self::Subject => "subject_peer_certificate",
        }
    }
}

/// The user by the first source that has one; nobody has an empty name.
///
/// # Errors
/// The proxy did not tell what it should know.
pub fn user<'a>(sources: &'a [Source], head: &'a Head, host: &dyn Host) -> Result<Option<Cow<'a, str>>, HostError> {
    for source in sources {
        let user = source.user(head, host)?.filter(|user| !user.is_empty());
        if user.is_some() {
            return Ok(user);
        }
    }
    Ok(None)
}

impl Source {
    fn user<'a>(&'a self, head: &'a Head, host: &dyn Host) -> Result<Option<Cow<'a, str>>, HostError> {
        Ok(match self {
            Self::Header(name) => head.get(name),
            Self::Claim(claim) => claim.read(head).map(Cow::from),
            Self::PeerCertificate(name) => {
                let name = host.property(&["connection", name.property()])?;
                name.map(|bytes| Cow::from(sanitized(&bytes).into_owned()))
            }
            Self::SourceAddress(from) => request::client_ip(from, head, host)?.map(Cow::from),
            Self::Constant(user) => Some(Cow::from(user)),
        })
    }
}

#[cfg(test)]
mod tests;
