//! JSON text, spelled in every way, and text that is almost JSON.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use crate::corpus;
use crate::text::{any_text, mutated};

/// Few keys, so that objects have one twice often enough.
const KEYS: [&str; 8] = ["", "a", "b", "é", "\u{e9}\u{301}", "😀", "/", "\0"];

/// JSON text and what mutation makes of it: about half of it is valid.
pub fn almost_json() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => mutated(json_text()),
        2 => mutated(corpus::pick(4096)),
        1 => any_text(20),
    ]
}

/// Well-formed JSON text; objects may have a key twice.
pub fn json_text() -> impl Strategy<Value = String> {
    let space = || proptest::sample::select(&["", "", "", " ", "\n", "\t\r "][..]);
    let atom = prop_oneof![
        proptest::sample::select(&["null", "true", "false", "-0", "0.0", "1E+2"][..])
            .prop_map(str::to_owned),
        number().prop_map(|n| n.to_string()),
        (any_text(6), any::<u64>()).prop_map(|(text, seed)| spell_text(&text, &mut Draw(seed))),
    ];
    atom.prop_recursive(6, 40, 6, move |inner| {
        let key = (proptest::sample::select(&KEYS[..]), any::<u64>())
            .prop_map(|(key, seed)| spell_text(key, &mut Draw(seed)));
        let member = (key, space(), space(), inner.clone())
            .prop_map(|(key, a, b, value)| format!("{key}{a}:{b}{value}"));
        prop_oneof![
            (vec(inner, 0..6), space())
                .prop_map(|(parts, s)| format!("[{s}{}{s}]", parts.join(","))),
            (vec(member, 0..6), space())
                .prop_map(|(parts, s)| format!("{{{s}{}{s}}}", parts.join(","))),
        ]
    })
}

/// A number that JSON can hold.
pub fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        (-1000i64..1000).prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
        (-1000i32..1000, -30i32..30)
            .prop_filter_map("finite", |(n, e)| Number::from_f64(f64::from(n) * 10f64.powi(e))),
    ]
}

/// A value; no object has a key twice.
pub fn value() -> impl Strategy<Value = Value> {
    let atom = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        any_text(6).prop_map(Value::String),
    ];
    atom.prop_recursive(5, 32, 6, |inner| {
        let key =
            prop_oneof![proptest::sample::select(&KEYS[..]).prop_map(str::to_owned), any_text(4),];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((key, inner), 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Choices made from a seed, so that one value can be spelled in two ways.
#[derive(Debug, Clone)]
pub struct Draw(pub u64);

impl Draw {
    /// A number below `bound`.
    ///
    /// Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The value as JSON text: members in any order, space anywhere, escapes and numbers as they come.
pub fn spell(value: &Value, draw: &mut Draw) -> String {
    let space = |draw: &mut Draw| ["", "", " ", "\n\t"][draw.below(4) as usize];
    let (open, close, mut parts) = match value {
        Value::Null | Value::Bool(_) => return value.to_string(),
        Value::Number(number) => return spell_number(number, draw),
        Value::String(text) => return spell_text(text, draw),
        Value::Array(list) => ('[', ']', list.iter().map(|v| spell(v, draw)).collect::<Vec<_>>()),
        Value::Object(members) => {
            let mut parts: Vec<_> = members
                .iter()
                .map(|(key, v)| {
                    format!("{}{}:{}", spell_text(key, draw), space(draw), spell(v, draw))
                })
                .collect();
            for i in (1..parts.len()).rev() {
                parts.swap(i, draw.below(i as u64 + 1) as usize);
            }
            ('{', '}', parts)
        }
    };
    for part in &mut parts {
        part.insert_str(0, space(draw));
        part.push_str(space(draw));
    }
    format!("{}{open}{}{close}{}", space(draw), parts.join(","), space(draw))
}

/// The same double in another spelling.
fn spell_number(number: &Number, draw: &mut Draw) -> String {
    let plain = number.to_string();
    let whole = plain.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    match draw.below(4) {
        0 if whole => format!("{plain}.0"),
        1 if whole => format!("{plain}e0"),
        2 if whole && plain != "0" => format!("{plain}0E-1"),
        1 if !plain.contains('e') => format!("{plain}e+00"),
        3 => format!("{:e}", number.as_f64().unwrap_or_default()),
        _ => plain,
    }
}

fn spell_text(text: &str, draw: &mut Draw) -> String {
    let mut spelled = String::from("\"");
    for c in text.chars() {
        match (c, draw.below(4)) {
            ('"' | '\\', 0..3) => spelled.extend(['\\', c]),
            ('/', 0) => spelled.push_str("\\/"),
            ('\n', 0..2) => spelled.push_str("\\n"),
            ('\u{8}', 0..2) => spelled.push_str("\\b"),
            (c, n) if n == 3 || c < ' ' || c == '"' || c == '\\' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    spelled += &match draw.below(2) {
                        0 => format!("\\u{unit:04x}"),
                        _ => format!("\\u{unit:04X}"),
                    };
                }
            }
            (c, _) => spelled.push(c),
        }
    }
    spelled + "\""
}
