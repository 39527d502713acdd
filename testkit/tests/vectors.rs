//! The vectors of `spec/vectors`, in core and through the Rust client on both stores.

use windlass_testkit::vectors::{self, Place};

#[test]
fn core_passes_the_vectors() {
    vectors::run_core();
}

#[test]
fn rust_passes_the_vectors_on_memory() {
    vectors::run_on(&Place::Memory);
}

#[test]
fn rust_passes_the_vectors_on_sqlite() {
    vectors::run_on(&Place::sqlite());
}
