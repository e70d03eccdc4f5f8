//! How much memory an input may take.

/// Runs `work` on this thread and fails when it holds more than `max_bytes` at any time, whatever it frees again.
#[track_caller]
pub(crate) fn at_most<T>(max_bytes: u64, work: impl FnOnce() -> T) -> T {
    let mut done = None;
    let info = allocation_counter::measure(|| done = Some(work()));
    assert!(
        info.bytes_max <= max_bytes,
        "{} bytes held at once; at most {max_bytes} are right",
        info.bytes_max
    );
    done.expect("the work was run")
}

#[test]
fn what_is_freed_again_counts() {
    let held = |bytes: usize| at_most(10_000, || drop(std::hint::black_box(vec![1_u8; bytes])));
    held(9_000);
    assert!(std::panic::catch_unwind(|| held(11_000)).is_err());
}
