//! Numbers with a fraction, as text.
//!
//! JavaScript has its own code for both ways, so a module for a browser does without a second one, which is
//! large.

#[cfg(target_family = "wasm")]
use js_sys::Number;

/// What a number is called in a message.
pub fn text(number: f64) -> String {
    #[cfg(target_family = "wasm")]
    return String::from(Number::from(number).to_js_string());
    #[cfg(not(target_family = "wasm"))]
    number.to_string()
}

/// The number that a JSON text is; `None` when it is none.
pub fn read(json: &str) -> Option<f64> {
    let may_begin = |sign: u8| sign.is_ascii_digit() || sign == b'-';
    if !json.bytes().next().is_some_and(may_begin) {
        return None;
    }
    #[cfg(target_family = "wasm")]
    let number = js_sys::JSON::parse(json).ok().and_then(|number| number.as_f64());
    #[cfg(not(target_family = "wasm"))]
    let number = json.parse().ok();
    number.filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_read() {
        assert_eq!((read("-1.5e2"), read("0")), (Some(-150.0), Some(0.0)));
        for json in ["", "true", "null", "\"1\"", "[1]", "1e999", "-"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
