//! Where the proxy enters, and the allocator.

use crate::root::Root;
use proxy_wasm::traits::RootContext;
use proxy_wasm::types::LogLevel;

/// Faster and smaller than the default one in a single-threaded VM: measured 63 against 93 us a request.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

proxy_wasm::main! {{
    // Envoy filters by its own level, which can be changed at run time.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(Root::default()) });
}}
