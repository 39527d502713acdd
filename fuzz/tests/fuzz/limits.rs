//! Errors are cut at a character's border, as late as the limit allows, and names by their characters.

use proptest::collection::vec;
use proptest::prelude::*;
use windlass::TaskError;
use windlass::rules::limits::{ERROR_BYTES, LABEL_VALUE, NAME, cut_error, name};
use windlass_fuzz::target;
use windlass_fuzz::text::any_text;

use super::hold;

fn is_cut(whole: &str, cut: &str, most: usize) -> Result<(), String> {
    hold!(whole.starts_with(cut), "is not how it began");
    hold!(cut.len() <= most, "{} bytes are left, over {most}", cut.len());
    // A character has four bytes at most.
    hold!(cut == whole || cut.len() + 4 > most, "only {} of {most} bytes are left", cut.len());
    Ok(())
}

#[test]
fn errors_are_cut_at_a_character() {
    let long = |most: usize| {
        let odd = proptest::sample::select(&["a", "é", "€", "😀", "e\u{301}"][..]);
        (any_text(3), vec(odd, 1..6), most / 16..most / 2)
            .prop_map(|(head, odd, times)| head + &odd.concat().repeat(times / odd.len()))
    };
    let inputs = (long(ERROR_BYTES), long(ERROR_BYTES), long(NAME), long(LABEL_VALUE));
    target::fuzz(
        "errors_are_cut_at_a_character",
        20,
        inputs,
        |(message, traceback, code, class)| {
            let error = TaskError {
                error_type: Some(class.clone()),
                traceback: Some(traceback.clone()),
                ..TaskError::new(code.clone(), message.clone())
            };
            let cut = cut_error(error);
            is_cut(&message, &cut.message, ERROR_BYTES / 2)?;
            is_cut(&traceback, cut.traceback.as_deref().unwrap_or_default(), ERROR_BYTES / 2)?;
            is_cut(&code, &cut.code, NAME)?;
            is_cut(&class, cut.error_type.as_deref().unwrap_or_default(), LABEL_VALUE)?;
            hold!(cut_error(cut.clone()) == cut, "cut twice it is another");
            Ok(())
        },
    );
}

#[test]
fn names_are_counted_in_characters() {
    let text = prop_oneof![any_text(8), any_text(150), "[a-zé😀]{120,136}"];
    target::fuzz("names_are_counted_in_characters", 60, text, |text| {
        let count = text.chars().count();
        let good = (1..=NAME).contains(&count) && !text.chars().any(char::is_control);
        hold!(name("queue", &text).is_ok() == good, "taken: {}", !good);
        Ok(())
    });
}
