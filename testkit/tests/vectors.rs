//! The vectors of `spec/vectors`, in core and through the Rust client on both stores, in process
//! and by HTTP from a server.

use windlass_testkit::vectors::{self, Place};

#[test]
fn core_passes_the_vectors() {
    vectors::run_core();
}

#[test]
fn rust_passes_the_vectors_on_memory() {
    vectors::run_on(&Place::memory());
}

#[test]
fn rust_passes_the_vectors_on_sqlite() {
    vectors::run_on(&Place::sqlite());
}

#[test]
fn rust_passes_the_vectors_by_http_on_memory() {
    vectors::run_on(&Place::memory().behind_a_server());
}

#[test]
fn rust_passes_the_vectors_by_http_on_sqlite() {
    vectors::run_on(&Place::sqlite().behind_a_server());
}
