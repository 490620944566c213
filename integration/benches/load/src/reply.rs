//! As much of HTTP/1.1 as it takes to know where a message ends: `content-length` or no body.

use std::error::Error;

/// The largest head.
const MAX_HEAD: usize = 64 * 1024;

/// The length of the message that `bytes` begin with, head and body; `None`: it is not known yet.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Box<dyn Error>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > MAX_HEAD { Err("a head without an end".into()) } else { Ok(None) };
    };
    let text = std::str::from_utf8(bytes.get(..head).unwrap_or_default())?;
    let mut body = 0;
    for line in text.split("\r\n").skip(1) {
        let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse()?;
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("a chunked message".into());
        }
    }
    Ok(Some(head.saturating_add(4).saturating_add(body)))
}

/// The status of a reply.
pub fn status(reply: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(reply.get(..12)?).ok()?;
    line.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_its_length_says() {
        let whole = |bytes: &[u8]| length(bytes).unwrap();
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\ncontent-le"), None);
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\nserver: envoy\r\n\r\n"), Some(34));
        assert_eq!(whole(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n"), Some(48));
        assert!(length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(length(&[b'x'; MAX_HEAD + 1]).is_err());
    }

    #[test]
    fn a_status_is_three_digits() {
        assert_eq!(status(b"HTTP/1.1 403 Forbidden\r\n"), Some(403));
        assert_eq!(status(b"HTTP/2.0 403 Forbidden\r\n"), None);
    }
}
