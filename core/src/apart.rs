//! Code that few callers ask for, reached through tables of functions.
//!
//! A page fetches such code only when it first asks for it: built for wasm with the feature `apart`, each table is
//! empty until who fetched the code has filled it. Nothing else names what the tables hold, so that a tool finds it
//! and puts it into a file of its own. Everywhere else a table is a constant.

use std::ops::Deref;

/// A table of functions, or the place of one.
pub struct Apart<T: 'static>(place::Place<T>);

impl<T> Apart<T> {
    /// The place of `table`.
    pub const fn new(table: &'static T) -> Self {
        Self(place::new(table))
    }
}

impl<T> Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        place::get(&self.0)
    }
}

/// A table of verbs of `$owner`, by the name `SELDOM`: what each is told, its answer, and how it is done.
macro_rules! seldom {
    ($owner:ident: $Owner:ty; $($verb:ident($($told:ident: $type:ty),*) -> $answer:ty
        { $($work:tt)* })*) => {
        /// A function for each verb.
        pub(super) struct Seldom {
            $(pub(super) $verb:
                for<'a> fn(&'a $Owner $(, $type)*) -> BoxFuture<'a, Result<$answer>>,)*
        }

        static TABLE: Seldom = Seldom {
            $($verb: |$owner $(, $told)*| Box::pin(async move { $($work)* }),)*
        };

        pub(super) static SELDOM: Apart<Seldom> = Apart::new(&TABLE);

        /// Makes the verbs known.
        #[cfg(all(feature = "apart", target_family = "wasm"))]
        pub(super) fn install() {
            SELDOM.fill(&TABLE);
        }
    };
}

pub(crate) use seldom;

#[cfg(not(all(feature = "apart", target_family = "wasm")))]
mod place {
    pub(super) type Place<T> = &'static T;

    pub(super) const fn new<T>(table: &'static T) -> Place<T> {
        table
    }

    pub(super) fn get<T>(place: &Place<T>) -> &T {
        place
    }
}

#[cfg(all(feature = "apart", target_family = "wasm"))]
mod place {
    use std::sync::OnceLock;

    pub(super) type Place<T> = OnceLock<&'static T>;

    pub(super) const fn new<T>(_table: &'static T) -> Place<T> {
        OnceLock::new()
    }

    pub(super) fn get<T>(place: &Place<T>) -> &T {
        // Who calls it has awaited the file that holds `install`.
        place.get().expect("its code is there")
    }

    impl<T> super::Apart<T> {
        /// Fills the place. Again is no error.
        pub fn fill(&self, table: &'static T) {
            // A compiler that sees the one value which a place is ever given names that value where it is read, and
            // all code would be wanted at once.
            let _ = self.0.set(std::hint::black_box(table));
        }
    }
}
