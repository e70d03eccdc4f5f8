//! Places where a test can make the process die: `SIGNALBOX_FAILPOINT=name:n` aborts at the n-th hit.
//!
//! Compiled into debug builds and builds with the feature `failpoints`; in others the macro is empty.

/// Every failpoint there is, in the order in which a payload passes them.
pub const NAMES: &[&str] = &[
    "land",
    "run.open",
    "run.gate",
    "ledger",
    "append",
    "run.end",
    "run.close",
    "poll",
    "state.commit",
    "relay",
    "bundle",
    "outbox.claim",
    "attempt",
    "settle",
];

/// Whether this build has failpoints.
pub const ENABLED: bool = cfg!(any(debug_assertions, feature = "failpoints"));

/// Counts a hit and aborts the process when it is the one that was asked for.
#[cfg(any(debug_assertions, feature = "failpoints"))]
pub fn hit(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let text = std::env::var("SIGNALBOX_FAILPOINT").ok()?;
        let (name, n) = text.rsplit_once(':')?;
        Some((name.to_owned(), n.parse().ok()?))
    });
    static HITS: AtomicU64 = AtomicU64::new(0);

    debug_assert!(NAMES.contains(&name), "failpoint {name} is not listed");
    if let Some((wanted, n)) = &*WANTED
        && wanted == name
        && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *n
    {
        std::process::abort();
    }
}

/// `failpoint!("name")`: see the module.
#[cfg(any(debug_assertions, feature = "failpoints"))]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoint::hit($name);
    };
}

/// `failpoint!("name")`: nothing in this build.
#[cfg(not(any(debug_assertions, feature = "failpoints")))]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {};
}
