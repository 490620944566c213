//! Who is heard: configuration, environment, override.

use super::*;
use crate::config;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Configuration, environment, override; what holds.
type Row = (Json, &'static [(&'static str, &'static str)], Option<f64>, &'static str);

fn table() -> Vec<Row> {
    const HALF: (&str, &str) = ("SARK_RUST_OPA_ROLLOUT_PCT", "50");
    const NONE: (&str, &str) = ("SARK_RUST_OPA_ROLLOUT_PCT", "0");
    const ON: (&str, &str) = ("SARK_RUST_OPA_ENABLED", "true");
    const OFF: (&str, &str) = ("SARK_RUST_OPA_ENABLED", "false");
    let (nothing, five, off) = (json!({}), json!({"rollout_percentage": 5}), json!({"enabled": false}));
    vec![
        (nothing.clone(), &[], None, "100 active configuration"),
        (nothing.clone(), &[], Some(12.79), "12.79 overridden override"),
        (nothing.clone(), &[HALF], None, "50 active environment"),
        (nothing.clone(), &[HALF], Some(0.0), "0 overridden override"),
        (nothing, &[OFF], None, "100 disabled environment"),
        (five.clone(), &[], None, "5 active configuration"),
        (five.clone(), &[], Some(0.01), "0.01 overridden override"),
        (five.clone(), &[HALF], None, "50 active environment"),
        (five.clone(), &[NONE], None, "0 idle environment"),
        (five.clone(), &[HALF], Some(100.0), "100 overridden override"),
        (five.clone(), &[ON], None, "5 active environment"),
        (five, &[OFF, HALF], None, "50 disabled environment"),
        (off.clone(), &[], None, "100 disabled configuration"),
        (off.clone(), &[ON], None, "100 active environment"),
        (off.clone(), &[ON, HALF], None, "50 active environment"),
        (off, &[ON, HALF], Some(99.99), "99.99 overridden override"),
    ]
}

#[test]
fn the_table_holds_row_by_row() {
    for (rust_opa, environment, over, expected) in table() {
        let case = format!("{rust_opa} {environment:?} {over:?}");
        let vm = environment.iter().fold(Vm::of(&Process::start()), |vm, (variable, value)| vm.with(variable, value));
        let rollout = vm.take(&features(rust_opa, json!({})));
        if let Some(percentage) = over {
            rollout.update(&to(Feature::RustOpa, percentage), "ops").unwrap();
        }
        assert_eq!(seen(&rollout), expected, "{case}");
        let share: f64 = expected.split(' ').next().unwrap().parse().unwrap();
        let is_on = !expected.contains("disabled");
        assert_eq!(
            inline(&rollout),
            [is_on && share > 12.78, is_on && share > 83.01, is_on && share == 100.0],
            "{case}"
        );
        // The other feature is another one.
        assert_eq!(shown(&rollout, Feature::RustCache), "100 active configuration", "{case}");
        // A rollback is above everything.
        rollout.rollback(Feature::RustOpa, "ops").unwrap();
        assert_eq!((seen(&rollout), inline(&rollout)), ("0 rolled_back override".to_owned(), NOBODY), "{case}");
        assert!(!rollout.in_force().rust_opa.enabled, "nor do users who are named: {case}");
    }
}

#[test]
fn the_cache_has_the_same_table() {
    let rows: [Row; 10] = [
        (json!(null), &[], None, "0 absent configuration"),
        (json!(null), &[("SARK_RUST_CACHE_ENABLED", "false")], None, "0 absent configuration"),
        (json!(null), &[("SARK_RUST_CACHE_ROLLOUT_PCT", "5")], None, "0 absent configuration"),
        (json!(null), &[("SARK_RUST_CACHE_ENABLED", "true")], None, "100 active environment"),
        (json!(null), &[("SARK_RUST_CACHE_ENABLED", "true")], Some(7.0), "7 overridden override"),
        (json!({"rollout_percentage": 5}), &[], None, "5 active configuration"),
        (json!({"rollout_percentage": 5}), &[("SARK_RUST_CACHE_ROLLOUT_PCT", "0")], None, "0 idle environment"),
        (json!({"rollout_percentage": 5}), &[("SARK_RUST_CACHE_ROLLOUT_PCT", "0")], Some(1.0), "1 overridden override"),
        (json!({}), &[("SARK_RUST_CACHE_ENABLED", "false")], None, "100 disabled environment"),
        (json!({"enabled": false}), &[("SARK_RUST_CACHE_ENABLED", "true")], None, "100 active environment"),
    ];
    for (rust_cache, environment, over, expected) in rows {
        let case = format!("{rust_cache} {environment:?} {over:?}");
        let vm = environment.iter().fold(Vm::of(&Process::start()), |vm, (variable, value)| vm.with(variable, value));
        let rollout = vm.take(&features(json!({}), rust_cache));
        if let Some(percentage) = over {
            rollout.update(&to(Feature::RustCache, percentage), "ops").unwrap();
        }
        assert_eq!(shown(&rollout, Feature::RustCache), expected, "{case}");
        assert_eq!(seen(&rollout), "100 active configuration", "{case}");
        let share = rollout.in_force().rust_cache;
        assert_eq!(share.is_none(), expected.contains("absent"), "{case}");
        // bob's bucket of this feature is 3849.
        let has = share.is_some_and(|share| share.applies(Some("bob")));
        assert_eq!(has, expected.starts_with("100 active"), "{case}");
    }
}

#[test]
fn bounds_and_times_of_the_cache_come_from_the_environment_too() {
    let read = |configuration: Json, variable: &str, value: &str| {
        let env = |name: &str| (name == variable).then(|| value.to_owned());
        config::read(configuration.to_string().as_bytes(), &env).unwrap().settings.rust_cache.unwrap()
    };
    let configured = || json!({"features": {"rust_cache": {"max_size": 5, "ttl_seconds": 60, "ttl_seconds_deny": 1}}});
    let cache = read(configured(), "SARK_RUST_CACHE_MAX_SIZE", "77");
    assert_eq!((cache.bounds.max_size, cache.times.allow.as_secs()), (77, 60));
    let cache = read(configured(), "SARK_RUST_CACHE_TTL_SECONDS", "7");
    assert_eq!((cache.bounds.max_size, cache.times.allow.as_secs(), cache.times.deny.as_secs()), (5, 7, 1));
    let cache = read(json!({}), "SARK_RUST_CACHE_ENABLED", "true");
    assert_eq!((cache.bounds.max_size, cache.times.allow.as_secs(), cache.times.deny.as_secs()), (10_000, 300, 300));
}

#[test]
fn a_bad_variable_is_refused_by_its_name_and_its_text_not_shown() {
    const PERCENTAGE: &str = "must be a number from 0 to 100, at most two decimals";
    const SWITCH: &str = "must be `true` or `false`";
    const NUMBER: &str = "must be a whole number";
    let rows = [
        ("SARK_RUST_OPA_ENABLED", "", SWITCH),
        ("SARK_RUST_OPA_ENABLED", "TRUE", SWITCH),
        ("SARK_RUST_OPA_ENABLED", "1", SWITCH),
        ("SARK_RUST_OPA_ENABLED", "s3cret", SWITCH),
        ("SARK_RUST_CACHE_ENABLED", " true", SWITCH),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "5%", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "1e1", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "+5", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "-5", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "inf", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "nan", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "\u{fffd}", PERCENTAGE),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "100.01", "must be between 0 and 100"),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "33.333", "may have at most two decimals"),
        ("SARK_RUST_CACHE_ROLLOUT_PCT", "s3cret", PERCENTAGE),
        ("SARK_RUST_CACHE_ROLLOUT_PCT", "101", "must be between 0 and 100"),
        ("SARK_RUST_CACHE_MAX_SIZE", "", NUMBER),
        ("SARK_RUST_CACHE_MAX_SIZE", "s3cret", NUMBER),
        ("SARK_RUST_CACHE_MAX_SIZE", "+1", NUMBER),
        ("SARK_RUST_CACHE_MAX_SIZE", "99999999999999999999", NUMBER),
        ("SARK_RUST_CACHE_MAX_SIZE", "0", "must be between 1 and 1000000"),
        ("SARK_RUST_CACHE_TTL_SECONDS", "1.5", NUMBER),
        ("SARK_RUST_CACHE_TTL_SECONDS", "0", "must be between 1 and 86400"),
        ("SARK_RUST_CACHE_TTL_SECONDS", "86401", "must be between 1 and 86400"),
    ];
    for (variable, value, expected) in rows {
        // Named or not, a cache's variables are looked at.
        for configuration in [features(json!({}), json!({})), features(json!({}), json!(null))] {
            let env = |name: &str| match name {
                "OTHER" => Some("s3cret".to_owned()),
                name => (name == variable).then(|| value.to_owned()),
            };
            let refused = config::read(configuration.to_string().as_bytes(), &env).err();
            let refused = refused.unwrap_or_else(|| panic!("{variable}={value} is taken")).to_string();
            assert!(refused.starts_with(&format!("{variable}: {expected}")), "{refused}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }
}

#[test]
fn a_variable_is_checked_against_the_configuration_like_the_key() {
    let refused = |configuration: Json, variable: &str, value: &str| {
        let env = |name: &str| (name == variable).then(|| value.to_owned());
        config::read(configuration.to_string().as_bytes(), &env).err().unwrap().to_string()
    };
    let alone = || json!({});
    let error = refused(alone(), "SARK_RUST_OPA_ENABLED", "false");
    assert_eq!(error, "SARK_RUST_OPA_ENABLED: cannot be false without `remote`: nobody could decide");
    let error = refused(alone(), "SARK_RUST_OPA_ROLLOUT_PCT", "99");
    assert_eq!(error, "SARK_RUST_OPA_ROLLOUT_PCT: must be 100 without `remote`: nobody could decide for the rest");
    let remote = json!({"remote": {"cluster": "opa"}});
    let error = refused(remote, "SARK_RUST_OPA_ROLLOUT_PCT", "99");
    assert!(error.starts_with("identity: must name where the user is taken from"), "{error}");
    let cache = json!({"features": {"rust_cache": {}}});
    let error = refused(cache, "SARK_RUST_CACHE_MAX_SIZE", "100000");
    assert!(error.ends_with("must be at least 9666560 with a `SARK_RUST_CACHE_MAX_SIZE` of 100000"), "{error}");
}
