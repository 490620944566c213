# Sourced by the scripts beside it: where things are and how to speak to the user.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/versions
. "$ROOT/scripts/versions"
TOOLCHAIN=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")
WASM_BINDGEN_VERSION=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"/\1/p;}' "$ROOT/Cargo.lock")
CACHE=${SARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sark}

# Wherever cargo was told to build (the scripts run it from the root).
TARGET=$(cd "$ROOT" && realpath -m "${CARGO_TARGET_DIR:-target}")

# The shipped module.
WASM=$TARGET/sark.wasm

# Our own part: what it is built from is its version.
ORACLE_VERSION=$(cat "$ROOT"/integration/oracle/{*.go,go.mod,go.sum} | sha256sum | cut -c 1-12)

# The module that fails on purpose, for tests.
WASM_FAULTS=$TARGET/sark-faults.wasm

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The comment block at the head of a script is its help.
help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//;t p;b;:p p;}' "$ROOT/scripts/${0##*/}"; }

need() { command -v "$1" >/dev/null || die "$1 is needed and was not found; $2"; }

# binary PART prints where the binary of a part lies once it is installed.
binary() {
  case $1 in
    envoy) say "$CACHE/envoy-$ENVOY_VERSION/envoy" ;;
    opa) say "$CACHE/opa-$OPA_VERSION/opa" ;;
    func-e) say "$CACHE/func-e-$FUNC_E_VERSION/func-e" ;;
    oracle) say "$CACHE/oracle-$ORACLE_VERSION/oracle" ;;
    wasm-opt) say "$CACHE/wasm-opt-$BINARYEN_VERSION/wasm-opt" ;;
    wasm-bindgen) say "$CACHE/wasm-bindgen-$WASM_BINDGEN_VERSION/wasm-bindgen-test-runner" ;;
    *) die "no such part: $1" ;;
  esac
}

# Callbacks of the SDK that the filter has no use for. Envoy enters the module for each one that is there: at the end of
# every request, with every piece of a response.
UNUSED_CALLBACKS=(done response_body response_trailers new_connection 'downstream_*' 'upstream_*' 'grpc_*' queue_ready
  foreign_function)

# optimise IN OUT: what binaryen makes of a wasm file of cargo's, without the names of its functions. Quick if IN was
# not built again. It inlines nothing: LLVM has done that, and the large functions that come of it take V8 longer
# (docs/performance.md).
optimise() {
  local wasm_opt
  [ "$2" -nt "$1" ] && [ "$2" -nt "${BASH_SOURCE[0]}" ] && return
  wasm_opt=$(binary wasm-opt)
  [ -x "$wasm_opt" ] || die "wasm-opt is not installed; run scripts/install wasm-opt"
  "$wasm_opt" "${UNUSED_CALLBACKS[@]/#/--remove-exports=proxy_on_}" -O3 --skip-pass=inlining-optimizing \
    --strip-debug --strip-producers "$1" -o "$2.new"
  mv "$2.new" "$2"
}
