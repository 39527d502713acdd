//! The schema: what marks a file as ours, and the migrations that lead to this build's version.

/// Marks a SQLite file as a Windlass store: `WNDL`.
pub(crate) const APPLICATION_ID: i32 = 0x574E_444C;

/// The schema version of this build.
pub(crate) const VERSION: u32 = 5;

/// One step from a schema version to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The version that it leads to.
    pub version: u32,
    /// The oldest build, by its schema version, that works beside what this step leaves.
    pub min_compatible: u32,
    /// What it does, in one line.
    pub title: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// Every step, in order. A step that is released is never edited; a new one is added.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        min_compatible: 1,
        title: "tasks, their labels and updates, counts, workers",
        sql: include_str!("migrations/0001_tasks.sql"),
    },
    Migration {
        version: 2,
        min_compatible: 1,
        title: "queues that are paused",
        sql: include_str!("migrations/0002_paused_queues.sql"),
    },
    Migration {
        version: 3,
        min_compatible: 1,
        title: "tasks by queue and type",
        sql: include_str!("migrations/0003_kinds.sql"),
    },
    Migration {
        version: 4,
        min_compatible: 4,
        title: "batches, blocks and pipelines, lines of state keys",
        sql: include_str!("migrations/0004_composites.sql"),
    },
    Migration {
        version: 5,
        min_compatible: 5,
        title: "several entries of a history in one row",
        sql: include_str!("migrations/0005_packs.sql"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_lead_to_the_version_of_this_build_without_a_gap() {
        let versions: Vec<u32> = MIGRATIONS.iter().map(|step| step.version).collect();
        assert_eq!(versions, (1..=VERSION).collect::<Vec<_>>());
    }
}
