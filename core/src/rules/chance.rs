//! Where chance comes from: the one file that draws it.

/// Fills `bytes` from the system's random source.
///
/// # Panics
///
/// When the system has no random source, which leaves no safe way to make ids.
pub fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has a random source");
}

/// A number drawn evenly from 0 up to 1, not included.
pub fn unit() -> f64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    // 53 bits are what an f64 holds exactly.
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
}
