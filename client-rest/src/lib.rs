//! The Windlass service by HTTP: natively and in the browser.
