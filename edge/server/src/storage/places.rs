//! Maps records to rows, for tables whose rows are in order of insertion.
//!
//! An index on ids would do, but ids are random: each written row would touch a different page of
//! the index. In order, rows that are written together are next to each other.

use std::collections::HashMap;

use longshore_wire_ecs::arn::ResourceId;
use rusqlite::Connection;

/// The rows of one table.
#[derive(Debug)]
pub(super) struct Places {
    by_id: HashMap<ResourceId, i64>,
    last: i64,
}

impl Places {
    /// Reads the rows of tasks.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub(super) fn of_tasks(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT place, record ->> 'id' FROM task")?;
        let mut rows = statement.query([])?;
        let mut places = Self { by_id: HashMap::new(), last: 0 };
        while let Some(row) = rows.next()? {
            let place = row.get(0)?;
            places.last = places.last.max(place);
            // An invalid row is reported when records are loaded.
            if let Some(id) = ResourceId::parse(row.get_ref(1)?.as_str().unwrap_or_default()) {
                places.by_id.insert(id, place);
            }
        }
        Ok(places)
    }

    /// The row of a record, if it has one.
    pub(super) fn get(&self, id: ResourceId) -> Option<i64> {
        self.by_id.get(&id).copied()
    }

    /// Assigns a row to a new record.
    pub(super) fn add(&mut self, id: ResourceId) -> i64 {
        self.last += 1;
        self.by_id.insert(id, self.last);
        self.last
    }

    /// Frees the row of a record.
    pub(super) fn remove(&mut self, id: ResourceId) -> Option<i64> {
        self.by_id.remove(&id)
    }
}
