//! One table of what is counted: every counter, its labels and the stat name it has in Envoy.
//!
//! Labels are closed sets, so the number of stats is fixed when the module is built and no client can
//! add one. Meaning of each: `docs/failure-modes.md`.

use crate::admin;
use crate::cache::CacheError;
use crate::remote::breaker;
use crate::shadow::Class;

/// Who decided, or was asked to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Implementation {
    /// The inline engine.
    Rust,
    /// The remote OPA.
    Remote,
    /// Neither.
    None,
}

impl Implementation {
    /// Every member, in label order.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Remote, Self::None];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Remote => "remote",
            Self::None => "none",
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The policy allows.
    Allow,
    /// The policy denies.
    Deny,
    /// The request cannot be read: 400.
    BadRequest,
    /// The body is larger than the operator allows: 413.
    BodyTooLarge,
    /// The decision wants what cannot be sent, and `validate_mutations` is on: 500.
    Invalid,
    /// The policy denies, and a dry run lets the request through.
    DryRun,
    /// Undecided, and a dry run lets that through, too.
    DryRunError,
    /// The route switched the check off.
    Disabled,
    /// Undecided, let through because the operator said so.
    FailureModeAllow,
    /// Undecided, therefore denied.
    FailureModeDeny,
}

impl Outcome {
    /// Every member, in label order.
    pub const ALL: [Self; 10] = [
        Self::Allow,
        Self::Deny,
        Self::BadRequest,
        Self::BodyTooLarge,
        Self::Invalid,
        Self::DryRun,
        Self::DryRunError,
        Self::Disabled,
        Self::FailureModeAllow,
        Self::FailureModeDeny,
    ];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::BadRequest => "bad_request",
            Self::BodyTooLarge => "body_too_large",
            Self::Invalid => "invalid",
            Self::DryRun => "dry_run",
            Self::DryRunError => "dry_run_error",
            Self::Disabled => "disabled",
            Self::FailureModeAllow => "failure_mode_allow",
            Self::FailureModeDeny => "failure_mode_deny",
        }
    }
}

/// Why one side could not decide. A closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Inline: the wall clock budget is used up.
    TimeLimit,
    /// Inline: the step budget is used up.
    StepLimit,
    /// Inline: rules and functions call each other too deep.
    DepthLimit,
    /// Inline: the decision is larger than a decision may be. Remote: the reply may be JSON, and is beyond what is read.
    SizeLimit,
    /// Inline: complete rules or functions gave different values. A plan evaluates partial rules whole, so there may be
    /// a conflict where OPA, asking for one key, has none: it counts as caused by the request.
    Conflict,
    /// Inline: any other run-time error, for instance an answer that cannot be computed exactly.
    Evaluation,
    /// Inline: the input document holds what the engine cannot hold as OPA does.
    InexactInput,
    /// The decision is undefined.
    Undefined,
    /// The decision is neither a boolean nor a well-formed object.
    BadResult,
    /// The decision wants a header, a query or a status that cannot be sent.
    BadMutation,
    /// Remote: too many calls are open; this one was not sent.
    Overloaded,
    /// Remote: the proxy refused the call.
    DispatchRejected,
    /// Remote: the call failed at once.
    DispatchFailed,
    /// Remote: no answer in time, by our own clock.
    Timeout,
    /// Remote: status 503.
    Status503,
    /// Remote: status 504, before the deadline.
    Status504,
    /// Remote: any other status than 200.
    StatusOther,
    /// Remote: the connection broke.
    Reset,
    /// Remote: the reply is larger than allowed.
    TooLarge,
    /// Remote: the reply is not the JSON of OPA's data API.
    BadJson,
    /// Remote: it was not asked, since it answers nobody.
    BreakerOpen,
    /// Neither: the policy is to see the body and Envoy does not hand it over.
    BodyUnavailable,
    /// Neither: the route's metadata is not what it may be.
    RouteMetadata,
    /// Neither: Envoy may pick another route than the one whose metadata was read.
    RouteChanged,
    /// Neither: the cache failed, and `features.rust_cache.fallback_on_error` is off.
    Cache,
}

impl Reason {
    /// Every reason the inline side can have.
    pub const RUST: [Self; 10] = [
        Self::TimeLimit,
        Self::StepLimit,
        Self::DepthLimit,
        Self::SizeLimit,
        Self::Conflict,
        Self::Evaluation,
        Self::InexactInput,
        Self::Undefined,
        Self::BadResult,
        Self::BadMutation,
    ];

    /// Every reason the remote side can have.
    pub const REMOTE: [Self; 15] = [
        Self::Overloaded,
        Self::DispatchRejected,
        Self::DispatchFailed,
        Self::Timeout,
        Self::Status503,
        Self::Status504,
        Self::StatusOther,
        Self::Reset,
        Self::TooLarge,
        Self::BadJson,
        Self::BreakerOpen,
        Self::SizeLimit,
        Self::Undefined,
        Self::BadResult,
        Self::BadMutation,
    ];

    /// Every reason for which neither side is asked, or what it decided is not done.
    pub const NEITHER: [Self; 4] = [Self::BodyUnavailable, Self::RouteMetadata, Self::RouteChanged, Self::Cache];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TimeLimit => "time_limit",
            Self::StepLimit => "step_limit",
            Self::DepthLimit => "depth_limit",
            Self::SizeLimit => "size_limit",
            Self::Conflict => "conflict",
            Self::Evaluation => "evaluation",
            Self::InexactInput => "inexact_input",
            Self::Undefined => "undefined",
            Self::BadResult => "bad_result",
            Self::BadMutation => "bad_mutation",
            Self::Overloaded => "overloaded",
            Self::DispatchRejected => "dispatch_rejected",
            Self::DispatchFailed => "dispatch_failed",
            Self::Timeout => "timeout",
            Self::Status503 => "status_503",
            Self::Status504 => "status_504",
            Self::StatusOther => "status_other",
            Self::Reset => "reset",
            Self::TooLarge => "too_large",
            Self::BadJson => "bad_json",
            Self::BreakerOpen => "breaker_open",
            Self::BodyUnavailable => "body_unavailable",
            Self::RouteMetadata => "route_metadata",
            Self::RouteChanged => "route_changed",
            Self::Cache => "cache",
        }
    }

    /// No answer of the remote OPA: what the breaker counts. An answer that is of no use is one; a call that was not sent,
    /// since too many are open, says nothing.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        matches!(
            self,
            Self::DispatchRejected
                | Self::DispatchFailed
                | Self::Timeout
                | Self::Status503
                | Self::Status504
                | Self::Reset
        )
    }

    /// Whether requests themselves can bring this error about where an OPA would have decided, so that it must
    /// never let one through: else a client could choose the failure mode (design decision 6). Filling up the open
    /// calls is such a way.
    #[must_use]
    pub const fn request_caused(self) -> bool {
        matches!(
            self,
            Self::TimeLimit
                | Self::StepLimit
                | Self::DepthLimit
                | Self::SizeLimit
                | Self::Conflict
                | Self::Evaluation
                | Self::InexactInput
                | Self::BadMutation
                | Self::Overloaded
                | Self::TooLarge
                | Self::BodyUnavailable
                | Self::RouteMetadata
                | Self::RouteChanged
                | Self::Cache
        )
    }
}

/// Whether a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeResult {
    /// It was.
    Answered,
    /// It was not.
    Unanswered,
}

impl ProbeResult {
    /// Every member, in label order.
    pub const ALL: [Self; 2] = [Self::Answered, Self::Unanswered];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
        }
    }
}

/// A feature flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// `features.rust_opa`.
    RustOpa,
    /// `features.rust_cache`.
    RustCache,
}

impl Feature {
    /// Every member, in label order.
    pub const ALL: [Self; 2] = [Self::RustOpa, Self::RustCache];

    /// The feature of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.label() == name)
    }

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::RustOpa => crate::rollout::RUST_OPA,
            Self::RustCache => crate::rollout::RUST_CACHE,
        }
    }
}

/// What the cache did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheOperation {
    /// A decision was found; nothing was evaluated and nobody asked.
    Hit,
    /// None was found.
    Miss,
    /// A decision was kept.
    Put,
    /// One had to go for another.
    Evict,
    /// One was removed because its time was over, by the sweep.
    Expire,
    /// A request whose decision is never kept.
    Bypass,
}

impl CacheOperation {
    /// Every member, in label order.
    pub const ALL: [Self; 6] = [Self::Hit, Self::Miss, Self::Put, Self::Evict, Self::Expire, Self::Bypass];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Put => "put",
            Self::Evict => "evict",
            Self::Expire => "expire",
            Self::Bypass => "bypass",
        }
    }
}

/// What went wrong with the live state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiveError {
    /// The proxy did not hand out the document, or the number of its changes.
    Read,
    /// The document is not one of ours.
    Malformed,
    /// The proxy did not store the document, or did not tell the workers of it.
    Write,
}

impl LiveError {
    /// Every member, in label order.
    pub const ALL: [Self; 3] = [Self::Read, Self::Malformed, Self::Write];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Malformed => "malformed",
            Self::Write => "write",
        }
    }
}

/// Something that is counted, with its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counter {
    /// `sark_decisions_total{implementation, result}`: one per request.
    Decision(Implementation, Outcome),
    /// `feature_flag_assignments_total{feature, implementation}`: one per request that is decided. For the cache,
    /// `rust` are those that use it and `none` those that do not.
    Assignment(Feature, Implementation),
    /// `sark_identity_missing_total`: an identity is configured and the request has none.
    IdentityMissing,
    /// `opa_evaluation_errors_total{implementation, reason}`: one per failed attempt.
    EvaluationError(Implementation, Reason),
    /// `sark_fallbacks_total{implementation}`: `remote`: inline errors handed to the remote OPA; `rust`: requests of
    /// remote users decided inline while the breaker was open.
    Fallback(Implementation),
    /// `sark_host_errors_total`: calls into the host that failed.
    HostError,
    /// `sark_breaker_transitions_total{state}`: how often a breaker began to be in a state.
    BreakerTransition(breaker::State),
    /// `sark_breaker_probes_total{result}`.
    BreakerProbe(ProbeResult),
    /// `cache_operations_total{implementation="rust", operation}`.
    Cache(CacheOperation),
    /// `cache_operation_errors_total{implementation="rust", reason}`.
    CacheError(CacheError),
    /// `sark_live_errors_total{reason}`.
    LiveError(LiveError),
    /// `sark_admin_requests_total{endpoint, result}`: one per admin request; these are no decisions.
    Admin(admin::Outcome),
    /// `sark_shadow_total{class}`: one per request that both sides decided.
    Shadow(Class),
    /// `sark_shadow_dropped_total`: requests that both sides were to decide, and one did.
    ShadowDropped,
}

impl Counter {
    /// Every counter there is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for implementation in Implementation::ALL {
            for outcome in Outcome::ALL {
                all.push(Self::Decision(implementation, outcome));
            }
        }
        all.push(Self::Assignment(Feature::RustOpa, Implementation::Rust));
        all.push(Self::Assignment(Feature::RustOpa, Implementation::Remote));
        all.push(Self::Assignment(Feature::RustCache, Implementation::Rust));
        all.push(Self::Assignment(Feature::RustCache, Implementation::None));
        all.push(Self::IdentityMissing);
        all.extend(Reason::RUST.map(|reason| Self::EvaluationError(Implementation::Rust, reason)));
        all.extend(Reason::REMOTE.map(|reason| Self::EvaluationError(Implementation::Remote, reason)));
        all.extend(Reason::NEITHER.map(|reason| Self::EvaluationError(Implementation::None, reason)));
        all.push(Self::Fallback(Implementation::Remote));
        all.push(Self::Fallback(Implementation::Rust));
        all.push(Self::HostError);
        all.extend(breaker::State::ALL.map(Self::BreakerTransition));
        all.extend(ProbeResult::ALL.map(Self::BreakerProbe));
        all.extend(CacheOperation::ALL.map(Self::Cache));
        all.extend(CacheError::ALL.map(Self::CacheError));
        all.extend(LiveError::ALL.map(Self::LiveError));
        all.extend(admin::Outcome::all().into_iter().map(Self::Admin));
        all.extend(Class::ALL.map(Self::Shadow));
        all.push(Self::ShadowDropped);
        all
    }

    /// The stat's name; label values follow label names, so that Envoy's `stats_tags` can take them out.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Decision(implementation, outcome) => {
                format!("sark_decisions_total.implementation.{}.result.{}", implementation.label(), outcome.label())
            }
            Self::Assignment(feature, implementation) => format!(
                "feature_flag_assignments_total.feature.{}.implementation.{}",
                feature.label(),
                implementation.label()
            ),
            Self::IdentityMissing => "sark_identity_missing_total".to_owned(),
            Self::EvaluationError(implementation, reason) => format!(
                "opa_evaluation_errors_total.implementation.{}.reason.{}",
                implementation.label(),
                reason.label()
            ),
            Self::Fallback(implementation) => {
                format!("sark_fallbacks_total.implementation.{}", implementation.label())
            }
            Self::HostError => "sark_host_errors_total".to_owned(),
            Self::BreakerTransition(state) => format!("sark_breaker_transitions_total.state.{}", state.label()),
            Self::BreakerProbe(result) => format!("sark_breaker_probes_total.result.{}", result.label()),
            Self::Cache(operation) => {
                format!("cache_operations_total.implementation.rust.operation.{}", operation.label())
            }
            Self::CacheError(error) => {
                format!("cache_operation_errors_total.implementation.rust.reason.{}", error.label())
            }
            Self::LiveError(error) => format!("sark_live_errors_total.reason.{}", error.label()),
            Self::Admin(outcome) => {
                format!("sark_admin_requests_total.endpoint.{}.result.{}", outcome.endpoint(), outcome.result())
            }
            Self::Shadow(class) => format!("sark_shadow_total.class.{}", class.label()),
            Self::ShadowDropped => "sark_shadow_dropped_total".to_owned(),
        }
    }
}

/// Gauge: calls to the remote OPA that are open, over all workers.
pub const CALLOUTS_IN_FLIGHT: &str = "sark_callouts_in_flight";

/// Gauge: changes of live states since the process started. Not a counter: Envoy's admin interface sets those to 0, and a
/// worker would take an earlier number for one that it has seen.
pub const LIVE_CHANGES: &str = "sark_live_changes";

/// Gauge: workers that do not ask the remote OPA, since it does not answer.
pub const BREAKERS_OPEN: &str = "sark_breakers_open";

/// Gauge: decisions that are kept, over all workers.
pub const CACHE_ENTRIES: &str = "rust_cache_size_entries";

/// Gauge: bytes of memory that the caches take, over all workers.
pub const CACHE_BYTES: &str = "rust_cache_size_bytes";

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_distinct_and_labels_stand_in_pairs() {
        let all = Counter::all();
        let names: std::collections::BTreeSet<String> = all.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| name.split('.').count() % 2 == 1));
    }

    #[test]
    fn only_what_an_opa_would_have_decided_is_request_caused() {
        let caused: Vec<_> =
            Reason::RUST.into_iter().chain(Reason::REMOTE).filter(|reason| reason.request_caused()).collect();
        assert_eq!(
            caused,
            [
                Reason::TimeLimit,
                Reason::StepLimit,
                Reason::DepthLimit,
                Reason::SizeLimit,
                Reason::Conflict,
                Reason::Evaluation,
                Reason::InexactInput,
                Reason::BadMutation,
                Reason::Overloaded,
                Reason::TooLarge,
                Reason::SizeLimit,
                Reason::BadMutation
            ]
        );
    }
}
