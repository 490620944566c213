//! Which requests are admin requests.

use crate::host::{Host, HostError};
use crate::request::Head;

/// Where the API is served: `admin` without its tokens.
#[derive(Debug)]
pub struct Place {
    /// Begins with `/`, ends without one, holds nothing that could be written in another way.
    pub prefix: String,
    /// Lower case, with a port or without. Empty: any.
    pub hosts: Vec<String>,
    /// Names of Envoy's filter chains. Empty: any.
    pub filter_chains: Vec<String>,
}

impl Place {
    /// What follows the prefix, where the request is one for this place; else it is an ordinary one.
    ///
    /// The path is taken exactly as Envoy hands it over. Whatever begins with the prefix is under it, dots, escapes and
    /// all; what only leads there for somebody who decodes or normalises it is an ordinary path, and the policy's affair.
    ///
    /// # Errors
    /// Envoy did not say on which filter chain the request came.
    pub fn rest<'a>(&self, path: &'a str, head: &Head, host: &dyn Host) -> Result<Option<&'a str>, HostError> {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let rest = path.strip_prefix(self.prefix.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_here = rest.is_some() && self.has_host(head) && self.has_filter_chain(host)?;
        Ok(rest.filter(|_| is_here))
    }

    fn has_host(&self, head: &Head) -> bool {
        if self.hosts.is_empty() {
            return true;
        }
        let authority = head.get(":authority").unwrap_or_default().to_ascii_lowercase();
        self.hosts.iter().any(|host| *host == authority || *host == without_port(&authority))
    }

    fn has_filter_chain(&self, host: &dyn Host) -> Result<bool, HostError> {
        if self.filter_chains.is_empty() {
            return Ok(true);
        }
        let name = host.property(&["xds", "filter_chain_name"])?.unwrap_or_default();
        Ok(self.filter_chains.iter().any(|chain| chain.as_bytes() == name))
    }
}

/// `a:1` and `[::1]:1` without their ends; `::1` is an address as a whole.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn place(hosts: &[&str], filter_chains: &[&str]) -> Place {
        let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Place { prefix: "/admin".to_owned(), hosts: all(hosts), filter_chains: all(filter_chains) }
    }

    fn rest<'a>(place: &Place, path: &'a str, authority: &str, chain: Option<&str>) -> Option<&'a str> {
        let mut host = FakeHost::default();
        host.properties.extend(chain.map(|chain| ("xds.filter_chain_name".to_owned(), chain.into())));
        place.rest(path, &Head::new([(&b":authority"[..], authority.as_bytes())]), &host).unwrap()
    }

    #[test]
    fn the_prefix_is_taken_byte_by_byte() {
        let place = place(&[], &[]);
        for (path, expected) in [
            ("/admin", Some("")),
            ("/admin/", Some("/")),
            ("/admin/features", Some("/features")),
            ("/admin/features?x=/../../y", Some("/features")),
            ("/admin?/features", Some("")),
            ("/admin/features/", Some("/features/")),
            ("/admin//features", Some("//features")),
            ("/admin/../x", Some("/../x")),
            ("/admin/features;x", Some("/features;x")),
            ("/admin/%66eatures", Some("/%66eatures")),
            ("/admin/features#x", Some("/features#x")),
            ("/admin/features\u{0}", Some("/features\u{0}")),
            ("/administrator", None),
            ("/admin;x/features", None),
            ("/admin%2ffeatures", None),
            ("/Admin/features", None),
            ("/ADMIN/features", None),
            ("//admin/features", None),
            ("/%61dmin/features", None),
            ("/x/../admin/features", None),
            ("/./admin/features", None),
            ("/x?/admin/features", None),
            ("http://a/admin/features", None),
            ("admin/features", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(rest(&place, path, "a", None), expected, "{path}");
        }
    }

    #[test]
    fn a_host_is_the_whole_authority_with_or_without_its_port() {
        let place = place(&["ops.test", "ops.test:81", "[::1]", "only.test:82"], &[]);
        for (authority, is_here) in [
            ("ops.test", true),
            ("OPS.test", true),
            ("ops.test:80", true),
            ("[::1]:80", true),
            ("[::1]", true),
            ("only.test:82", true),
            ("only.test", false),
            ("only.test:83", false),
            ("ops.test.", false),
            ("x.ops.test", false),
            ("ops.test:80:80", false),
            ("ops.test:x", false),
            ("ops.test,ops.test", false),
            ("user@ops.test", false),
            ("", false),
        ] {
            assert_eq!(rest(&place, "/admin/features", authority, None).is_some(), is_here, "{authority}");
        }
    }

    #[test]
    fn a_filter_chain_is_named_by_envoy() {
        let place = place(&[], &["ops"]);
        for (chain, is_here) in [(Some("ops"), true), (Some("Ops"), false), (Some(""), false), (None, false)] {
            assert_eq!(rest(&place, "/admin/features", "a", chain).is_some(), is_here, "{chain:?}");
        }
    }
}
