"""What a ramp watches: counters of Envoy's Prometheus page, as they grew, against limits."""

import dataclasses

# Classes of `sark_shadow_total` that are no disagreement on the answer: the remote side had none to compare with, or the
# sides took different times.
AGREED = ("same", "latency", "error_remote")

# Envoy counts whole milliseconds.
NOISE_MILLISECONDS = 1

ERRORS = {"rust_opa": "opa_evaluation_errors_total", "rust_cache": "cache_operation_errors_total"}


@dataclasses.dataclass
class Seen:
    """How counters of one Envoy, or the sum of several, stand or grew."""

    requests: float = 0  # that have the feature
    errors: float = 0  # of the side that the feature brings in
    answers: float = 0  # of the listeners, whoever decided
    failures: float = 0  # those of them that are 5xx
    milliseconds: float = 0  # that all of them took
    compared: float = 0
    disagreed: float = 0

    def __add__(self, other):
        return Seen(*(mine + yours for mine, yours in zip(dataclasses.astuple(self), dataclasses.astuple(other))))

    def since(self, before):
        return Seen(*(now - then for now, then in zip(dataclasses.astuple(self), dataclasses.astuple(before))))

    def has_shrunk(self):
        return any(value < 0 for value in dataclasses.astuple(self))

    def failing(self):
        return share(self.failures, self.answers)

    def latency(self):
        return share(self.milliseconds, self.answers)


def share(part, whole):
    return part / whole if whole else 0.0


def look(envoy, feature):
    """How the counters of an Envoy stand. Histograms lag behind by some seconds."""
    seen = Seen()
    for (name, labels), value in envoy.samples().items():
        labels = dict(labels)
        if name == "feature_flag_assignments_total" and labels.get("feature") == feature:
            seen.requests += value if labels.get("implementation") == "rust" else 0
        elif name == ERRORS[feature] and labels.get("implementation") == "rust":
            seen.errors += value
        elif name == "sark_shadow_total":
            seen.compared += value if labels.get("class") != "error_remote" else 0
            seen.disagreed += value if labels.get("class") not in AGREED else 0
        elif labels.get("envoy_http_conn_manager_prefix") == "admin":
            pass
        elif name == "envoy_http_downstream_rq_xx":
            seen.failures += value if labels.get("envoy_response_code_class") == "5" else 0
        elif name == "envoy_http_downstream_rq_time_sum":
            seen.milliseconds += value
        elif name == "envoy_http_downstream_rq_time_count":
            seen.answers += value
    return seen


@dataclasses.dataclass
class Guards:
    """The limits. `baseline`: what was seen before the first step."""

    error_rate: float
    disagreement_rate: float
    latency_ratio: float
    min_requests: int
    baseline: Seen = dataclasses.field(default_factory=Seen)

    def tripped(self, seen):
        """Why what was seen is not to go on, or None. Few requests prove nothing."""
        if seen.requests < self.min_requests:
            return None
        errors = share(seen.errors, seen.requests)
        if errors > self.error_rate:
            return (
                f"error rate: {seen.errors:.0f} errors in {seen.requests:.0f} requests with the feature,"
                f" {errors:.2%}, more than {self.error_rate:.2%}"
            )
        if seen.failing() - self.baseline.failing() > self.error_rate:
            return (
                f"error rate: {seen.failing():.2%} of all answers are 5xx, {self.baseline.failing():.2%} were before,"
                f" more than {self.error_rate:.2%} in addition"
            )
        disagreement = share(seen.disagreed, seen.compared)
        if disagreement > self.disagreement_rate:
            return (
                f"disagreement rate: the sides differ in {seen.disagreed:.0f} of {seen.compared:.0f} compared requests,"
                f" {disagreement:.2%}, more than {self.disagreement_rate:.2%}"
            )
        ratio = share(seen.latency(), self.baseline.latency())
        if ratio > self.latency_ratio and seen.latency() - self.baseline.latency() > NOISE_MILLISECONDS:
            return (
                f"latency ratio: requests take {seen.latency():.1f} ms on average, {self.baseline.latency():.1f} ms before,"
                f" {ratio:.2f} times as much, more than {self.latency_ratio:g}"
            )
        return None
