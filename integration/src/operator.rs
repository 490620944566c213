//! An operator of the admin API: tokens, the section of a configuration that knows them, requests.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::Request;

/// May change.
pub const WRITER: &str = "w-3f9c1e7a5b2d4860c1e7a5b2d4860f9c";

/// May look.
pub const READER: &str = "r-81c2f4d6e8a0b2c4d6e8a0b2c4d6e8f0";

/// What a configuration knows of a token.
#[must_use]
pub fn digest(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The section `admin`, for both tokens.
#[must_use]
pub fn section() -> Value {
    json!({"tokens": [
        {"name": "writer", "role": "write", "sha256": digest(WRITER)},
        {"name": "reader", "role": "read", "sha256": digest(READER)},
    ]})
}

/// A request with the writer's token.
#[must_use]
pub fn request(method: &str, target: &str) -> Request {
    bearing(WRITER, method, target)
}

/// A request with a token.
#[must_use]
pub fn bearing(token: &str, method: &str, target: &str) -> Request {
    Request::new(method, target).header("authorization", format!("Bearer {token}"))
}

/// A POST of a JSON body with the writer's token, as `curl -d` sends it.
#[must_use]
pub fn post(target: &str, body: &Value) -> Request {
    request("POST", target).header("content-type", "application/x-www-form-urlencoded").body(body.to_string())
}

/// Another percentage for a feature.
#[must_use]
pub fn update(feature: &str, percentage: f64) -> Request {
    post("/admin/rollout/update", &json!({"feature": feature, "percentage": percentage}))
}

/// A feature for nobody.
#[must_use]
pub fn rollback(feature: &str) -> Request {
    post("/admin/rollout/rollback", &json!({"feature": feature}))
}
