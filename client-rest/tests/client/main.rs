//! The client by HTTP, beside a real server and beside servers that are none.

mod breaking;
mod closing;
mod composing;
mod large;
mod leaving;
mod outliving;
mod proxy;
mod refusing;
mod repeating;
mod seats;
mod stage;
mod strange;
mod streaming;
mod texts;
mod trusting;
mod verbs;
mod working;
